"""Convolutions and pools."""

from functools import partial
from typing import Any, NamedTuple

from hypothesis import strategies as st

from tests.firmware_tools.compiler.cases.strategies import (
    AddOp,
    Draw,
    activations,
    any_bias,
    bias,
    f32,
    int8,
    output_scale,
    scales,
    seeds,
    small,
    weight_scales,
    zero_point_of,
)
from tests.support.tflite_builder import TFLiteBuilder, schema

# The bias that TFLM's depthwise and transposed convolutions take, by the type of the activations.
WIDE_BIAS = {"int8": "int32", "int16": "int64"}


class Axis(NamedTuple):
    """A window along one axis of an image, and how often it fits."""

    length: int
    size: int
    stride: int
    dilation: int
    steps: int


def axis(draw: Draw, padding: int, *, dilated: bool) -> Axis:
    """A window that fits at least once."""
    same = padding == schema.Padding.SAME
    dilation = draw(st.sampled_from([1, 1, 2, 3])) if dilated else 1
    length, stride = draw(small(1, 9)), draw(small(1, 4))
    size = draw(small(1, 7 if same else (length - 1) // dilation + 1))
    reach = (size - 1) * dilation + 1
    steps = -(-length // stride) if same else (length - reach) // stride + 1
    return Axis(length, size, stride, dilation, steps)


def windows(draw: Draw, *, dilated: bool) -> tuple[Axis, Axis, int]:
    """Height, width and padding."""
    padding = draw(st.sampled_from([schema.Padding.SAME, schema.Padding.VALID]))
    return axis(draw, padding, dilated=dilated), axis(draw, padding, dilated=dilated), padding


def window_options(options: Any, draw: Draw, h: Axis, w: Axis, padding: int) -> Any:
    options.padding, options.strideH, options.strideW = padding, h.stride, w.stride
    options.fusedActivationFunction = draw(activations)
    return options


def conv_2d(dtype: str) -> AddOp:
    def add(b: TFLiteBuilder, draw: Draw) -> None:
        h, w, padding = windows(draw, dilated=True)
        groups, depth = draw(st.sampled_from([1, 1, 2, 3])), draw(small(1, 5))
        batches, channels = draw(small(1, 2)), groups * draw(small(1, 4))
        x_scale, w_scales = draw(scales), weight_scales(draw, channels)
        in_shape = (batches, h.length, w.length, groups * depth)
        x = b.input(in_shape, x_scale, zero_point_of(draw, dtype), dtype=dtype)
        shape = (channels, h.size, w.size, depth)
        weights = b.tensor(shape, w_scales, data=int8(draw(seeds), shape))
        extra = bias(b, draw, channels, f32(w_scales, x_scale), dtype=any_bias(draw, dtype))
        out_shape = (batches, h.steps, w.steps, channels)
        out_scale = output_scale(draw, dtype, x_scale, w_scales[0])
        out = b.tensor(out_shape, out_scale, zero_point_of(draw, dtype), dtype=dtype)
        options = window_options(schema.Conv2DOptionsT(), draw, h, w, padding)
        options.dilationHFactor, options.dilationWFactor = h.dilation, w.dilation
        b.op("CONV_2D", [x, weights, extra], out, options)

    return add


def depthwise_conv_2d(dtype: str) -> AddOp:
    def add(b: TFLiteBuilder, draw: Draw) -> None:
        h, w, padding = windows(draw, dilated=True)
        batches, depth, multiplier = draw(small(1, 2)), draw(small(1, 5)), draw(small(1, 3))
        channels = depth * multiplier
        x_scale, w_scales = draw(scales), weight_scales(draw, channels)
        in_shape = (batches, h.length, w.length, depth)
        x = b.input(in_shape, x_scale, zero_point_of(draw, dtype), dtype=dtype)
        shape = (1, h.size, w.size, channels)
        weights = b.tensor(shape, w_scales, data=int8(draw(seeds), shape), axis=3)
        extra = bias(b, draw, channels, f32(w_scales, x_scale), dtype=WIDE_BIAS[dtype])
        out_shape = (batches, h.steps, w.steps, channels)
        out_scale = output_scale(draw, dtype, x_scale, w_scales[0])
        out = b.tensor(out_shape, out_scale, zero_point_of(draw, dtype), dtype=dtype)
        options = window_options(schema.DepthwiseConv2DOptionsT(), draw, h, w, padding)
        options.depthMultiplier = multiplier
        options.dilationHFactor, options.dilationWFactor = h.dilation, w.dilation
        # TFLM crashes on a depthwise bias that is named but absent.
        b.op("DEPTHWISE_CONV_2D", [x, weights, extra] if extra >= 0 else [x, weights], out, options)

    return add


def transpose_conv(dtype: str) -> AddOp:
    """The window's axes are those of the output; how often it fits is the input's size."""

    def add(b: TFLiteBuilder, draw: Draw) -> None:
        h, w, padding = windows(draw, dilated=False)
        batches, depth, channels = draw(small(1, 2)), draw(small(1, 5)), draw(small(1, 4))
        x_scale, w_scales = draw(scales), weight_scales(draw, channels)
        out_shape = (batches, h.length, w.length, channels)
        shape = (channels, h.size, w.size, depth)
        weights = b.tensor(shape, w_scales, data=int8(draw(seeds), shape))
        in_shape = (batches, h.steps, w.steps, depth)
        x = b.input(in_shape, x_scale, zero_point_of(draw, dtype), dtype=dtype)
        extra = bias(b, draw, channels, f32(w_scales, x_scale), dtype=WIDE_BIAS[dtype])
        out_scale = output_scale(draw, dtype, x_scale, w_scales[0])
        out = b.tensor(out_shape, out_scale, zero_point_of(draw, dtype), dtype=dtype)
        options = window_options(schema.TransposeConvOptionsT(), draw, h, w, padding)
        inputs = [b.numbers(list(out_shape)), weights, x]
        b.op("TRANSPOSE_CONV", [*inputs, extra] if extra >= 0 else inputs, out, options)

    return add


def pool(name: str, dtype: str) -> AddOp:
    def add(b: TFLiteBuilder, draw: Draw) -> None:
        h, w, padding = windows(draw, dilated=False)
        batches, channels = draw(small(1, 2)), draw(small(1, 5))
        scale, zero_point = draw(scales), zero_point_of(draw, dtype)
        x = b.input((batches, h.length, w.length, channels), scale, zero_point, dtype=dtype)
        out = b.tensor((batches, h.steps, w.steps, channels), scale, zero_point, dtype=dtype)
        options = window_options(schema.Pool2DOptionsT(), draw, h, w, padding)
        options.filterHeight, options.filterWidth = h.size, w.size
        b.op(name, [x], out, options)

    return add


CASES: dict[str, AddOp] = {
    f"{name}{suffix}": case(dtype)
    for dtype, suffix in (("int8", ""), ("int16", " int16"))
    for name, case in (
        ("AVERAGE_POOL_2D", partial(pool, "AVERAGE_POOL_2D")),
        ("CONV_2D", conv_2d),
        ("DEPTHWISE_CONV_2D", depthwise_conv_2d),
        ("MAX_POOL_2D", partial(pool, "MAX_POOL_2D")),
        ("TRANSPOSE_CONV", transpose_conv),
    )
}
