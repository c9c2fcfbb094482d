"""Element-wise ops on one input, each on all 256 codes."""

import numpy as np
from hypothesis import strategies as st

from tests.firmware_tools.compiler.cases.strategies import AddOp, Draw, scales, zero_points
from tests.support.tflite_builder import TFLiteBuilder, schema


def every_code(b: TFLiteBuilder, scale: float, zero_point: int) -> int:
    data = np.arange(-128, 128).astype(np.int8)
    return b.tensor((256,), scale, zero_point, data=data)


def rescaling(name: str) -> AddOp:
    """An op that takes any scales; one case in two keeps the input's."""

    def add(b: TFLiteBuilder, draw: Draw) -> None:
        scale, zero_point = draw(scales), draw(zero_points)
        out_scale = scale if draw(st.booleans()) else draw(scales)
        options = None
        if name == "LEAKY_RELU":
            options = schema.LeakyReluOptionsT()
            options.alpha = draw(st.floats(-2.0, 2.0, width=32))
        out = b.tensor((256,), out_scale, draw(zero_points))
        b.op(name, [every_code(b, scale, zero_point)], out, options)

    return add


def onto(name: str, out_scale: float, out_zero_point: int) -> AddOp:
    """An op whose output has a scale of its own."""

    def add(b: TFLiteBuilder, draw: Draw) -> None:
        x = every_code(b, draw(scales), draw(zero_points))
        b.op(name, [x], b.tensor((256,), out_scale, out_zero_point))

    return add


def relu6(b: TFLiteBuilder, draw: Draw) -> None:
    scale, zero_point = draw(scales), draw(zero_points)
    b.op("RELU6", [every_code(b, scale, zero_point)], b.tensor((256,), scale, zero_point))


def hard_swish(b: TFLiteBuilder, draw: Draw) -> None:
    """An output step of at least 1/128 and at most twice the input's, as TFLM's 16 bits need."""
    scale = draw(scales)
    out_scale = float(np.float32(scale * draw(st.floats(2.0**-6, 2.0))))
    x = every_code(b, scale, draw(zero_points))
    b.op("HARD_SWISH", [x], b.tensor((256,), out_scale, draw(zero_points)))


def rsqrt(b: TFLiteBuilder, draw: Draw) -> None:
    """Only zero point -128 has a meaning for each code."""
    x = every_code(b, draw(scales), -128)
    b.op("RSQRT", [x], b.tensor((256,), draw(scales), draw(zero_points)))


CASES: dict[str, AddOp] = {
    "ABS": rescaling("ABS"),
    "HARD_SWISH": hard_swish,
    "LEAKY_RELU": rescaling("LEAKY_RELU"),
    "LOGISTIC": onto("LOGISTIC", 1 / 256, -128),
    "RELU": rescaling("RELU"),
    "RELU6": relu6,
    "RSQRT": rsqrt,
    "TANH": onto("TANH", 1 / 128, 0),
}
