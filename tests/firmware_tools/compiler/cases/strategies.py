"""What the families of cases draw from: scales, zero points, shapes, weights and biases."""

from collections.abc import Callable
from typing import Any

import numpy as np
from hypothesis import strategies as st

from tests.support.tflite_builder import TFLiteBuilder, schema

Draw = Callable[[st.SearchStrategy[Any]], Any]
AddOp = Callable[[TFLiteBuilder, Draw], None]

# Ratios of round scales bring results onto ties, where a multiplier computed in float32 and one in
# double part.
_round_scales = [float(np.float32(n / 10)) for n in range(1, 10)] + [2.0**-n for n in range(9)]
scales = st.one_of(
    st.sampled_from(_round_scales), st.floats(2.0**-13, 2.0, width=32, exclude_max=True)
)


def output_scale(draw: Draw, dtype: str, *factors: float) -> float:
    """Any scale, or a power of two times the product of these, where results lie on ties."""
    if draw(st.booleans()):
        return float(draw(scales))
    exponent = draw(st.integers(0, 6 if dtype == "int8" else 14))
    return float(np.float32(np.prod(factors) * 2.0**exponent))


zero_points = st.one_of(st.sampled_from([-128, 0, 127]), st.integers(-128, 127))
activations = st.sampled_from(
    [
        schema.ActivationFunctionType.NONE,
        schema.ActivationFunctionType.RELU,
        schema.ActivationFunctionType.RELU6,
        schema.ActivationFunctionType.RELU_N1_TO_1,
    ]
)
seeds = st.integers(0, 2**32 - 1)


def small(low: int = 1, high: int = 9) -> st.SearchStrategy[int]:
    return st.one_of(st.just(low), st.integers(low, high))


def shapes(rank_low: int, rank_high: int) -> st.SearchStrategy[tuple[int, ...]]:
    return st.lists(small(1, 6), min_size=rank_low, max_size=rank_high).map(tuple)


# Up to the most axes that TFLM's element-wise ops take; short ones where there are many.
any_rank = st.one_of(
    shapes(1, 4), shapes(1, 4), st.lists(st.integers(1, 3), min_size=5, max_size=6).map(tuple)
)


def zero_point_of(draw: Draw, dtype: str) -> int:
    """Any zero point of int8; int16 is symmetric."""
    return int(draw(zero_points)) if dtype == "int8" else 0


def int8(seed: int, shape: tuple[int, ...], *, low: int = -127) -> np.ndarray[Any, Any]:
    """Random weights with both ends of the range among them."""
    return _constants(seed, shape, low, 127).astype(np.int8)


def codes(seed: int, shape: tuple[int, ...], dtype: str) -> np.ndarray[Any, Any]:
    """Random codes of an activation with both ends of the range among them."""
    limits = np.iinfo(dtype)
    return _constants(seed, shape, limits.min, limits.max).astype(dtype)


def _constants(seed: int, shape: tuple[int, ...], low: int, high: int) -> np.ndarray[Any, Any]:
    values = np.random.default_rng(seed).integers(low, high + 1, shape)
    flat = values.reshape(-1)
    flat[:1], flat[-1:] = low, high
    return values


def bias(
    b: TFLiteBuilder, draw: Draw, channels: int, scale: list[float], *, dtype: str = "int32"
) -> int:
    if draw(st.booleans()):
        return -1
    bits = draw(st.sampled_from([16, 40])) if dtype == "int64" else 16
    values = np.random.default_rng(draw(seeds)).integers(-(1 << bits), 1 << bits, channels)
    return b.tensor((channels,), scale, dtype=dtype, data=values.astype(dtype))


def any_bias(draw: Draw, dtype: str) -> str:
    """The type of a bias that goes with activations of this one."""
    return "int32" if dtype == "int8" else draw(st.sampled_from(["int32", "int64"]))


def weight_scales(draw: Draw, channels: int) -> list[float]:
    per_channel = draw(st.booleans())
    count = channels if per_channel else 1
    return draw(st.lists(st.floats(2.0**-13, 0.125, width=32), min_size=count, max_size=count))


def f32(values: list[float], factor: float) -> list[float]:
    return [float(np.float32(v) * np.float32(factor)) for v in values]
