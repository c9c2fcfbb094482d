"""Element-wise ops on one input, each on all 256 codes of int8 or as many of int16."""

import numpy as np
from hypothesis import strategies as st

from tests.firmware_tools.compiler.cases.strategies import (
    AddOp,
    Draw,
    scales,
    seeds,
    zero_point_of,
    zero_points,
)
from tests.support.tflite_builder import TFLiteBuilder, schema


def every_code(b: TFLiteBuilder, scale: float, zero_point: int) -> int:
    data = np.arange(-128, 128).astype(np.int8)
    return b.tensor((256,), scale, zero_point, data=data)


def some_codes(b: TFLiteBuilder, draw: Draw, scale: float, low: int = -(1 << 15)) -> int:
    """Codes of int16 of all sizes, with both ends and those around zero."""
    rng = np.random.default_rng(draw(seeds))
    spread = rng.integers(low, 1 << 15, 243) >> rng.integers(0, 15, 243)
    edges = [-32768, -32767, -32766, -128, -2, -1, 0, 1, 2, 127, 128, 32766, 32767]
    data = np.concatenate([spread, np.maximum(edges, low)]).astype(np.int16)
    return b.tensor((256,), scale, dtype="int16", data=data)


def codes(b: TFLiteBuilder, draw: Draw, dtype: str) -> tuple[int, float, int]:
    """A constant of them, its scale and its zero point."""
    scale, zero_point = draw(scales), zero_point_of(draw, dtype)
    if dtype == "int8":
        return every_code(b, scale, zero_point), scale, zero_point
    return some_codes(b, draw, scale), scale, zero_point


def rescaling(name: str, dtype: str = "int8") -> AddOp:
    """An op that takes any scales; one case in two keeps the input's."""

    def add(b: TFLiteBuilder, draw: Draw) -> None:
        x, scale, _ = codes(b, draw, dtype)
        out_scale = scale if draw(st.booleans()) else draw(scales)
        options = None
        if name == "LEAKY_RELU":
            options = schema.LeakyReluOptionsT()
            ties = st.sampled_from([-0.75, -0.5, -0.25, 0.25, 0.5, 0.75])
            options.alpha = draw(st.one_of(ties, st.floats(-2.0, 2.0, width=32)))
        out = b.tensor((256,), out_scale, zero_point_of(draw, dtype), dtype=dtype)
        b.op(name, [x], out, options)

    return add


def onto(name: str, out_scale: float, out_zero_point: int) -> AddOp:
    """An op whose output has a scale of its own."""

    def add(b: TFLiteBuilder, draw: Draw) -> None:
        x, _, _ = codes(b, draw, "int8")
        b.op(name, [x], b.tensor((256,), out_scale, out_zero_point))

    return add


def sigmoid_int16(name: str) -> AddOp:
    """Scales with a multiplier and powers of two, which TFLM takes without."""

    def add(b: TFLiteBuilder, draw: Draw) -> None:
        scale = draw(st.one_of(scales, st.integers(9, 16).map(lambda n: 2.0**-n)))
        out = b.tensor((256,), 1 / 32768, dtype="int16")
        b.op(name, [some_codes(b, draw, scale)], out)

    return add


def relu6(dtype: str) -> AddOp:
    def add(b: TFLiteBuilder, draw: Draw) -> None:
        x, scale, zero_point = codes(b, draw, dtype)
        b.op("RELU6", [x], b.tensor((256,), scale, zero_point, dtype=dtype))

    return add


def hard_swish(b: TFLiteBuilder, draw: Draw) -> None:
    """An output step of at least 1/128 and at most twice the input's, as TFLM's 16 bits need."""
    x, scale, _ = codes(b, draw, "int8")
    out_scale = float(np.float32(scale * draw(st.floats(2.0**-6, 2.0))))
    b.op("HARD_SWISH", [x], b.tensor((256,), out_scale, draw(zero_points)))


def rsqrt(b: TFLiteBuilder, draw: Draw) -> None:
    """Every code that stands for no negative number: TFLM stops on those."""
    zero_point = draw(zero_points)
    data = np.arange(zero_point, 128).astype(np.int8)
    x = b.tensor(data.shape, draw(scales), zero_point, data=data)
    b.op("RSQRT", [x], b.tensor(data.shape, draw(scales), draw(zero_points)))


def rsqrt_int16(b: TFLiteBuilder, draw: Draw) -> None:
    """TFLM stops on a negative value. Scales of the size that a variance has, and so many codes
    that a multiplier whose last bits are wrong shows."""
    data = np.random.default_rng(draw(seeds)).integers(0, 1 << 15, 4096).astype(np.int16)
    data[:4] = [0, 1, 2, (1 << 15) - 1]
    x = b.tensor(data.shape, draw(scales), dtype="int16", data=data)
    out_scale = draw(st.floats(2.0**-18, 2.0, width=32))
    b.op("RSQRT", [x], b.tensor(data.shape, out_scale, dtype="int16"))


CASES: dict[str, AddOp] = {
    "ABS": rescaling("ABS"),
    "ABS int16": rescaling("ABS", "int16"),
    "HARD_SWISH": hard_swish,
    "LEAKY_RELU": rescaling("LEAKY_RELU"),
    "LEAKY_RELU int16": rescaling("LEAKY_RELU", "int16"),
    "LOGISTIC": onto("LOGISTIC", 1 / 256, -128),
    "LOGISTIC int16": sigmoid_int16("LOGISTIC"),
    "RELU": rescaling("RELU"),
    "RELU int16": rescaling("RELU", "int16"),
    "RELU6": relu6("int8"),
    "RELU6 int16": relu6("int16"),
    "RSQRT": rsqrt,
    "RSQRT int16": rsqrt_int16,
    "TANH": onto("TANH", 1 / 128, 0),
    "TANH int16": sigmoid_int16("TANH"),
}
