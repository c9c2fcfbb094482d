"""Convolutions and pools: a window that slides over an image."""

import numpy as np
import tflite

from firmware_tools.compiler.lowering.common import (
    activation_limits,
    channel_output,
    filters,
    require_same_scale,
)
from firmware_tools.compiler.program import Call, Graph, Value
from midfuse.core.tflite_file import Op, Tensor

_LARGEST_WINDOW = 1 << 15  # keeps the kernels' coordinates far inside 32 bits


def conv_2d(op: Op, graph: Graph) -> list[Call]:
    x, out = graph.activation(op, 0), graph.result(op)
    weights = filters(op, graph, x)
    shape = weights.tensor.shape
    graph.require(len(shape) == 4, op, f"weights of shape {shape}")
    channels, kernel_height, kernel_width, depth = shape
    fields = _dilated_window(op, graph, x, out, kernel_height, kernel_width)
    groups = x.shape[3] // depth if depth else 0
    whole = groups > 0 and groups * depth == x.shape[3] and channels % groups == 0
    graph.require(whole, op, f"filters of depth {depth} on {x.shape[3]} channels")
    graph.require(channels == out.shape[3] > 0, op, f"{channels} filters for {out.shape}")
    zero_point_sums = -x.zero_point * weights.values.astype(np.int64).sum(axis=(1, 2, 3))
    fields |= {
        "in_channels": x.shape[3],
        "out_channels": channels,
        "group_channels": depth,
        "filters_per_group": channels // groups,
        "input_zero_point": x.zero_point,
        "weights": graph.constant(weights.values),
        "output": channel_output(op, graph, x, weights, out, zero_point_sums),
    }
    return [graph.call("mf_conv_2d", "mf_conv_2d", fields, [x], out)]


def depthwise_conv_2d(op: Op, graph: Graph) -> list[Call]:
    x, out = graph.activation(op, 0), graph.result(op)
    weights = filters(op, graph, x, axis=3)
    shape = weights.tensor.shape
    graph.require(len(shape) == 4 and shape[0] == 1, op, f"weights of shape {shape}")
    _, kernel_height, kernel_width, channels = shape
    fields = _dilated_window(op, graph, x, out, kernel_height, kernel_width)
    multiplier = channels // x.shape[3] if x.shape[3] else 0
    whole = multiplier > 0 and multiplier * x.shape[3] == channels
    graph.require(whole, op, f"{channels} filters on {x.shape[3]} channels")
    stated = op.options.get("depth_multiplier", 0)
    graph.require(stated in (0, multiplier), op, f"a depth multiplier of {stated}")
    graph.require(channels == out.shape[3], op, f"{channels} filters for {out.shape}")
    fields |= {
        "in_channels": x.shape[3],
        "multiplier": multiplier,
        "input_zero_point": x.zero_point,
        "weights": graph.constant(weights.values),
        "output": channel_output(op, graph, x, weights, out),
    }
    return [graph.call("mf_depthwise_conv_2d", "mf_depthwise_conv_2d", fields, [x], out)]


def transpose_conv(op: Op, graph: Graph) -> list[Call]:
    """The window slides over the output, as in a CONV_2D from the output to the input."""
    x, out = graph.activation(op, 2), graph.result(op)
    weights = filters(op, graph, x, bias_input=3)
    shape = weights.tensor.shape
    graph.require(len(shape) == 4, op, f"weights of shape {shape}")
    channels, kernel_height, kernel_width, depth = shape
    stated = graph.numbers(op, 0)
    graph.require(stated == list(out.shape), op, f"output shape {stated} gives {out.shape}")
    mirrored = window(op, graph, out, x, (kernel_height, kernel_width), (1, 1))
    fits = depth == x.shape[3] > 0 and channels == out.shape[3] > 0
    graph.require(fits, op, f"{x.shape} times {shape} does not give {out.shape}")
    fields = mirrored | {
        "in_height": x.shape[1],
        "in_width": x.shape[2],
        "in_channels": x.shape[3],
        "out_height": out.shape[1],
        "out_width": out.shape[2],
        "out_channels": channels,
        "kernel_height": kernel_height,
        "kernel_width": kernel_width,
        "input_zero_point": x.zero_point,
        "weights": graph.constant(weights.values),
        "output": channel_output(op, graph, x, weights, out),
    }
    return [graph.call("mf_transpose_conv", "mf_transpose_conv", fields, [x], out)]


def max_pool_2d(op: Op, graph: Graph) -> list[Call]:
    return [_pool(op, graph, "mf_max_pool_2d")]


def average_pool_2d(op: Op, graph: Graph) -> list[Call]:
    return [_pool(op, graph, "mf_average_pool_2d")]


def _pool(op: Op, graph: Graph, name: str) -> Call:
    x, out = graph.activation(op, 0), graph.result(op)
    height, width = op.options.get("filter_height", 0), op.options.get("filter_width", 0)
    fields = window(op, graph, x, out, (height, width), (1, 1))
    graph.require(x.shape[3] == out.shape[3], op, f"{x.shape} gives {out.shape}")
    require_same_scale(op, graph, x, out)
    low, high = activation_limits(op, graph, out)
    fields |= {
        "channels": x.shape[3],
        "filter_height": height,
        "filter_width": width,
        "low": low,
        "high": high,
    }
    return graph.call("mf_pool_2d", name, fields, [x], out, struct="mf_pool_2d_params")


def _dilated_window(
    op: Op, graph: Graph, x: Tensor, out: Tensor, height: int, width: int
) -> dict[str, Value]:
    dilation = (op.options.get("dilation_h_factor", 1), op.options.get("dilation_w_factor", 1))
    return window(op, graph, x, out, (height, width), dilation) | {
        "kernel_height": height,
        "kernel_width": width,
        "dilation_height": dilation[0],
        "dilation_width": dilation[1],
    }


def window(
    op: Op, graph: Graph, x: Tensor, out: Tensor, size: tuple[int, int], dilation: tuple[int, int]
) -> dict[str, Value]:
    """Sizes, strides and padding of a window that reads `x`, checked against the output's shape."""
    graph.require(len(x.shape) == len(out.shape) == 4, op, f"{x.shape} gives {out.shape}")
    strides = (op.options.get("stride_h", 0), op.options.get("stride_w", 0))
    graph.require(min(*strides, *size, *dilation) > 0, op, "a stride or a filter of no size")
    same = op.options.get("padding") == tflite.Padding.SAME
    pads = []
    for axis in (0, 1):
        length, stride = x.shape[axis + 1], strides[axis]
        reach = (size[axis] - 1) * dilation[axis] + 1
        graph.require(reach <= _LARGEST_WINDOW, op, f"a filter that reaches over {reach} places")
        steps = -(-length // stride) if same else (length - reach + stride) // stride
        graph.require(steps == out.shape[axis + 1], op, f"{x.shape} gives {out.shape}")
        pads.append(max(0, (steps - 1) * stride + reach - length) // 2)
    graph.require(x.shape[0] == out.shape[0], op, f"{x.shape} gives {out.shape}")
    return {
        "batches": x.shape[0],
        "in_height": x.shape[1],
        "in_width": x.shape[2],
        "out_height": out.shape[1],
        "out_width": out.shape[2],
        "stride_height": strides[0],
        "stride_width": strides[1],
        "pad_top": pads[0],
        "pad_left": pads[1],
    }
