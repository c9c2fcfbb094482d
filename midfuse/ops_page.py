"""`docs/ops.md`: the op table as a page; `python -m midfuse.ops_page` writes it."""

from pathlib import Path

from midfuse.ops import OPS

PAGE = Path(__file__).parents[1] / "docs" / "ops.md"

_HEAD = """\
# Ops

The TFLite ops that `midfuse build` compiles, from the table in `midfuse/ops.py` (`make docs` writes
this page). For each, the types of its activations: one type where input and output are alike.
Weights are constant int8, biases constant int32 (int64 beside int16 activations), axes, shapes and
bounds constant integers. Every op gives the bytes of TensorFlow Lite Micro; what TFLM refuses is
refused here too.

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
