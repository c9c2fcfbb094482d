"""`docs/ops.md`: the op table as a page; `python -m midfuse.core.ops_page` writes it."""

from pathlib import Path

from midfuse.core.ops import OPS

PAGE = Path(__file__).parents[2] / "docs" / "ops.md"

_HEAD = """\
# Ops

The TFLite ops that `midfuse build` compiles, from the table in `midfuse/core/ops.py` (`make docs`
writes this page). For each, the types of its activations: one type where input and output are
alike.

- Every op gives the bytes of TensorFlow Lite Micro.
- Activations have one scale; int16 ones have zero point 0, int32 and float32 ones need no scale.
- Weights are int8 constants with zero point 0, one scale a tensor or a channel; biases are int32
  constants (int64 beside int16 activations); axes, shapes and bounds are constants.
- An op that only moves values has its inputs and outputs on one scale.
- A model's inputs and outputs are int8, int16, int32 or float32.

| op | types | limits |
|---|---|---|
"""


def ops_page() -> str:
    """The page's text, from the table."""
    rows = (f"| {op.name} | {', '.join(op.forms)} | {op.limit} |\n" for op in OPS.values())
    return _HEAD + "".join(rows)


if __name__ == "__main__":
    PAGE.parent.mkdir(exist_ok=True)
    PAGE.write_text(ops_page(), encoding="utf-8")
