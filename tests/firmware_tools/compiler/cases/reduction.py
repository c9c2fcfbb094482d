"""MEAN, SUM, REDUCE_MAX."""

from hypothesis import strategies as st

from tests.firmware_tools.compiler.cases.strategies import AddOp, Draw, scales, shapes, zero_points
from tests.support.tflite_builder import TFLiteBuilder, schema


def reduction(name: str, *, one_scale: bool = False) -> AddOp:
    def add(b: TFLiteBuilder, draw: Draw) -> None:
        shape = draw(shapes(1, 4))
        axes = draw(st.lists(st.integers(0, len(shape) - 1), min_size=1, unique=True))
        keep = draw(st.booleans())
        x_scale, x_zero = draw(scales), draw(zero_points)
        same = one_scale or draw(st.booleans())
        x = b.input(shape, x_scale, x_zero)
        left = tuple(
            1 if axis in axes else n for axis, n in enumerate(shape) if keep or axis not in axes
        )
        out = b.tensor(
            left, x_scale if same else draw(scales), x_zero if same else draw(zero_points)
        )
        options = schema.ReducerOptionsT()
        options.keepDims = keep
        given = [axis - draw(st.sampled_from([0, len(shape)])) for axis in axes]
        b.op(name, [x, b.numbers(given)], out, options)

    return add


CASES: dict[str, AddOp] = {
    "MEAN": reduction("MEAN"),
    "REDUCE_MAX": reduction("REDUCE_MAX", one_scale=True),
    "SUM": reduction("SUM"),
}
