"""Every kernel against TFLM, on random shapes, scales, zero points and edge values.

One example is a model of several independent ops of a kind, so that one compilation and one run
check them all; the C runs under address and undefined-behaviour sanitizers.
"""

from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from midfuse.tflite_file import parse_tflite
from tests.support.host_build import random_windows, run_compiled, run_oracle

pytest.importorskip("tflite_micro", reason="the oracle's wheel is for x86-64 Linux")
from tests.support.tflite_builder import TFLiteBuilder, schema

OPS_A_MODEL = 12
WINDOWS = 3

scales = st.floats(2.0**-13, 2.0, width=32)
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


def int8(seed: int, shape: tuple[int, ...], *, low: int = -127) -> np.ndarray[Any, Any]:
    """Random constants with both ends of the range among them."""
    values = np.random.default_rng(seed).integers(low, 128, shape)
    flat = values.reshape(-1)
    flat[:1], flat[-1:] = low, 127
    return values.astype(np.int8)


Draw = Callable[[st.SearchStrategy[Any]], Any]
AddOp = Callable[[TFLiteBuilder, Draw], None]


def bias(b: TFLiteBuilder, draw: Draw, channels: int, scale: list[float]) -> int:
    if draw(st.booleans()):
        return -1
    values = np.random.default_rng(draw(seeds)).integers(-(1 << 16), 1 << 16, channels)
    return b.tensor((channels,), scale, dtype="int32", data=values.astype(np.int32))


def weight_scales(draw: Draw, channels: int) -> list[float]:
    per_channel = draw(st.booleans())
    count = channels if per_channel else 1
    return draw(st.lists(st.floats(2.0**-13, 0.125, width=32), min_size=count, max_size=count))


def f32(values: list[float], factor: float) -> list[float]:
    return [float(np.float32(v) * np.float32(factor)) for v in values]


def fully_connected(b: TFLiteBuilder, draw: Draw) -> None:
    rows, depth, channels = draw(shapes(1, 3)), draw(small(1, 37)), draw(small())
    x_scale, w_scales = draw(scales), weight_scales(draw, channels)
    x = b.input((*rows, depth), x_scale, draw(zero_points))
    w = b.tensor((channels, depth), w_scales, data=int8(draw(seeds), (channels, depth)))
    extra = bias(b, draw, channels, f32(w_scales, x_scale))
    out = b.tensor((*rows, channels), draw(scales), draw(zero_points))
    options = schema.FullyConnectedOptionsT()
    options.fusedActivationFunction = draw(activations)
    b.op("FULLY_CONNECTED", [x, w, extra], out, options)


def windowed(draw: Draw) -> tuple[int, int, int, int, int, int, int]:
    """(input size, filter, stride) on two axes and the padding, such that an output exists."""
    padding = draw(st.sampled_from([schema.Padding.SAME, schema.Padding.VALID]))
    sizes: list[int] = []
    for _ in range(2):
        length = draw(small(1, 9))
        limit = length if padding == schema.Padding.VALID else 7
        sizes += [length, draw(small(1, limit)), draw(small(1, 4))]
    return (*sizes, padding)


def output_length(length: int, size: int, stride: int, padding: int) -> int:
    same = padding == schema.Padding.SAME
    return -(-length // stride) if same else (length - size) // stride + 1


def conv_2d(b: TFLiteBuilder, draw: Draw) -> None:
    h, kh, sh, w, kw, sw, padding = windowed(draw)
    groups, depth, filters = (
        draw(st.sampled_from([1, 1, 2, 3])),
        draw(small(1, 5)),
        draw(small(1, 4)),
    )
    batches, channels = draw(small(1, 2)), groups * filters
    x_scale, w_scales = draw(scales), weight_scales(draw, channels)
    x = b.input((batches, h, w, groups * depth), x_scale, draw(zero_points))
    shape = (channels, kh, kw, depth)
    weights = b.tensor(shape, w_scales, data=int8(draw(seeds), shape))
    extra = bias(b, draw, channels, f32(w_scales, x_scale))
    out_shape = (batches, output_length(h, kh, sh, padding), output_length(w, kw, sw, padding))
    out = b.tensor((*out_shape, channels), draw(scales), draw(zero_points))
    options = schema.Conv2DOptionsT()
    options.padding, options.strideH, options.strideW = padding, sh, sw
    options.dilationHFactor = options.dilationWFactor = 1
    options.fusedActivationFunction = draw(activations)
    b.op("CONV_2D", [x, weights, extra], out, options)


def max_pool_2d(b: TFLiteBuilder, draw: Draw) -> None:
    h, kh, sh, w, kw, sw, padding = windowed(draw)
    batches, channels = draw(small(1, 2)), draw(small(1, 5))
    scale, zero_point = draw(scales), draw(zero_points)
    x = b.input((batches, h, w, channels), scale, zero_point)
    out_shape = (batches, output_length(h, kh, sh, padding), output_length(w, kw, sw, padding))
    out = b.tensor((*out_shape, channels), scale, zero_point)
    options = schema.Pool2DOptionsT()
    options.padding, options.strideH, options.strideW = padding, sh, sw
    options.filterHeight, options.filterWidth = kh, kw
    options.fusedActivationFunction = draw(activations)
    b.op("MAX_POOL_2D", [x], out, options)


def batch_matmul(b: TFLiteBuilder, draw: Draw) -> None:
    rows, depth, columns = draw(small()), draw(small(1, 20)), draw(small())
    batch = draw(st.lists(small(1, 4), max_size=2).map(tuple))
    options = schema.BatchMatMulOptionsT()
    options.adjX, options.adjY = draw(st.booleans()), draw(st.booleans())
    lhs_batch, rhs_batch = (
        tuple(1 if draw(st.integers(0, 3)) == 0 else n for n in batch) for _ in range(2)
    )
    joined = tuple(max(m, n) for m, n in zip(lhs_batch, rhs_batch, strict=True))
    lhs_shape = (depth, rows) if options.adjX else (rows, depth)
    rhs_shape = (columns, depth) if options.adjY else (depth, columns)
    lhs = b.input((*lhs_batch, *lhs_shape), draw(scales), draw(zero_points))
    rhs = b.input((*rhs_batch, *rhs_shape), draw(scales), draw(zero_points))
    out = b.tensor((*joined, rows, columns), draw(scales), draw(zero_points))
    b.op("BATCH_MATMUL", [lhs, rhs], out, options)


def softmax(b: TFLiteBuilder, draw: Draw) -> None:
    shape = (*draw(shapes(1, 3)), draw(small(1, 70)))
    x = b.input(shape, draw(scales), draw(zero_points))
    out = b.tensor(shape, 1 / 256, -128)
    options = schema.SoftmaxOptionsT()
    options.beta = draw(st.sampled_from([1.0, 0.25, 3.0]))
    b.op("SOFTMAX", [x], out, options)


def mean(b: TFLiteBuilder, draw: Draw) -> None:
    shape = draw(shapes(2, 4))
    first = draw(st.integers(0, len(shape) - 1))
    last = draw(st.integers(first, len(shape) - 1))
    keep = draw(st.booleans())
    x_scale, x_zero = draw(scales), draw(zero_points)
    same = draw(st.booleans())
    x = b.input(shape, x_scale, x_zero)
    kept = tuple(
        1 if first <= axis <= last else n
        for axis, n in enumerate(shape)
        if keep or not first <= axis <= last
    )
    out = b.tensor(kept, x_scale if same else draw(scales), x_zero if same else draw(zero_points))
    options = schema.ReducerOptionsT()
    options.keepDims = keep
    axes = [axis - draw(st.sampled_from([0, len(shape)])) for axis in range(first, last + 1)]
    b.op("MEAN", [x, b.numbers(axes)], out, options)


def binary(name: str, options: Any) -> AddOp:
    def add(b: TFLiteBuilder, draw: Draw) -> None:
        shape = draw(shapes(1, 4))
        rank = draw(st.integers(1, len(shape)))
        other = tuple(1 if draw(st.integers(0, 2)) == 0 else n for n in shape[len(shape) - rank :])
        first = b.input(shape, draw(scales), draw(zero_points))
        scale, zero_point = draw(scales), draw(zero_points)
        if draw(st.booleans()):
            data = int8(draw(seeds), other, low=-128)
            second = b.tensor(other, scale, zero_point, data=data)
        else:
            second = b.input(other, scale, zero_point)
        operands = [first, second] if draw(st.booleans()) else [second, first]
        out = b.tensor(shape, draw(scales), draw(zero_points))
        if options is None:
            b.op(name, operands, out)
            return
        filled = options()
        filled.fusedActivationFunction = draw(activations)
        b.op(name, operands, out, filled)

    return add


def relu(b: TFLiteBuilder, draw: Draw) -> None:
    shape = draw(shapes(1, 4))
    x = b.input(shape, draw(scales), draw(zero_points))
    b.op("RELU", [x], b.tensor(shape, draw(scales), draw(zero_points)))


def rsqrt(b: TFLiteBuilder, draw: Draw) -> None:
    """On all 256 codes; only zero point -128 has a meaning for each."""
    x = b.tensor((256,), draw(scales), -128, data=np.arange(-128, 128).astype(np.int8))
    b.op("RSQRT", [x], b.tensor((256,), draw(scales), draw(zero_points)))


def reshape(b: TFLiteBuilder, draw: Draw) -> None:
    shape = draw(shapes(1, 4))
    scale, zero_point = draw(scales), draw(zero_points)
    flat = (int(np.prod(shape)),)
    x = b.input(shape, scale, zero_point)
    b.op("RESHAPE", [x, b.numbers(list(flat))], b.tensor(flat, scale, zero_point))


def transpose(b: TFLiteBuilder, draw: Draw) -> None:
    shape = draw(shapes(1, 4))
    order = draw(st.permutations(range(len(shape))))
    scale, zero_point = draw(scales), draw(zero_points)
    x = b.input(shape, scale, zero_point)
    out = b.tensor(tuple(shape[axis] for axis in order), scale, zero_point)
    b.op("TRANSPOSE", [x, b.numbers(list(order))], out)


def strided_slice(b: TFLiteBuilder, draw: Draw) -> None:
    shape = draw(shapes(1, 4))
    options = schema.StridedSliceOptionsT()
    begin, end, step, kept = [], [], [], []
    for axis, n in enumerate(shape):
        low = draw(st.integers(0, n - 1))
        high = draw(st.integers(low + 1, n))
        stride = draw(small(1, 3))
        begin.append(low - draw(st.sampled_from([0, n])))
        end.append(high)
        step.append(stride)
        if draw(st.integers(0, 4)) == 0:
            options.beginMask |= 1 << axis
            low = 0
        if draw(st.integers(0, 4)) == 0:
            options.endMask |= 1 << axis
            high = n
        kept.append(-(-(high - low) // stride))
    scale, zero_point = draw(scales), draw(zero_points)
    x = b.input(shape, scale, zero_point)
    bounds = [b.numbers(v) for v in (begin, end, step)]
    b.op("STRIDED_SLICE", [x, *bounds], b.tensor(tuple(kept), scale, zero_point), options)


def concatenation(b: TFLiteBuilder, draw: Draw) -> None:
    shape = draw(shapes(1, 4))
    axis = draw(st.integers(0, len(shape) - 1))
    scale, zero_point = draw(scales), draw(zero_points)
    lengths = draw(st.lists(small(1, 5), min_size=1, max_size=4))
    parts = [(*shape[:axis], n, *shape[axis + 1 :]) for n in lengths]
    inputs = [b.input(part, scale, zero_point) for part in parts]
    out = b.tensor((*shape[:axis], sum(lengths), *shape[axis + 1 :]), scale, zero_point)
    options = schema.ConcatenationOptionsT()
    options.axis = axis - draw(st.sampled_from([0, len(shape)]))
    b.op("CONCATENATION", inputs, out, options)


ADD_OP: dict[str, AddOp] = {
    "ADD": binary("ADD", schema.AddOptionsT),
    "BATCH_MATMUL": batch_matmul,
    "CONCATENATION": concatenation,
    "CONV_2D": conv_2d,
    "FULLY_CONNECTED": fully_connected,
    "MAX_POOL_2D": max_pool_2d,
    "MEAN": mean,
    "MUL": binary("MUL", schema.MulOptionsT),
    "RELU": relu,
    "RESHAPE": reshape,
    "RSQRT": rsqrt,
    "SOFTMAX": softmax,
    "SQUARED_DIFFERENCE": binary("SQUARED_DIFFERENCE", None),
    "STRIDED_SLICE": strided_slice,
    "SUB": binary("SUB", schema.SubOptionsT),
    "TRANSPOSE": transpose,
}


@pytest.mark.parametrize("name", ADD_OP)
@settings(max_examples=20, deadline=None, suppress_health_check=list(HealthCheck), print_blob=True)
@given(data=st.data(), seed=seeds)
def test_kernel_equals_tflm(name: str, data: st.DataObject, seed: int) -> None:
    builder = TFLiteBuilder()
    for _ in range(OPS_A_MODEL):
        ADD_OP[name](builder, data.draw)
    if not builder.inputs:  # a model must have one
        scale = float(np.float32(0.5))
        builder.op("RELU", [builder.input((4,), scale, 0)], builder.tensor((4,), scale, 0))
    model = parse_tflite(builder.content(), Path(f"{name}.tflite"))
    windows = random_windows(model, WINDOWS, np.random.default_rng(seed))
    with TemporaryDirectory() as folder:
        ours = run_compiled(model, windows, Path(folder), observable=False)
    np.testing.assert_array_equal(ours, run_oracle(model, windows, observable=False))
