"""MEAN, SUM, REDUCE_MAX."""

from hypothesis import strategies as st

from tests.firmware_tools.compiler.cases.strategies import (
    AddOp,
    Draw,
    scales,
    shapes,
    zero_point_of,
)
from tests.support.tflite_builder import TFLiteBuilder, schema


def reduction(name: str, *, dtype: str = "int8", one_scale: bool = False) -> AddOp:
    def add(b: TFLiteBuilder, draw: Draw) -> None:
        shape = draw(shapes(1, 4))
        axes = draw(st.lists(st.integers(0, len(shape) - 1), min_size=1, unique=True))
        keep = draw(st.booleans())
        x_scale, x_zero = draw(scales), zero_point_of(draw, dtype)
        same = one_scale or draw(st.booleans())
        x = b.input(shape, x_scale, x_zero, dtype=dtype)
        left = tuple(
            1 if axis in axes else n for axis, n in enumerate(shape) if keep or axis not in axes
        )
        own = (x_scale, x_zero) if same else (draw(scales), zero_point_of(draw, dtype))
        out = b.tensor(left, *own, dtype=dtype)
        options = schema.ReducerOptionsT()
        options.keepDims = keep
        given = [axis - draw(st.sampled_from([0, len(shape)])) for axis in axes]
        b.op(name, [x, b.numbers(given)], out, options)

    return add


CASES: dict[str, AddOp] = {
    "MEAN": reduction("MEAN"),
    "MEAN int16": reduction("MEAN", dtype="int16"),
    "REDUCE_MAX": reduction("REDUCE_MAX", one_scale=True),
    "SUM": reduction("SUM"),
    "SUM int16": reduction("SUM", dtype="int16"),
}
