"""CONV_2D and MAX_POOL_2D."""

import numpy as np
import tflite

from firmware_tools.compiler.lowering.common import (
    activation_limits,
    channel_output,
    weights_and_bias,
)
from firmware_tools.compiler.program import Call, Graph, Value
from midfuse.tflite_file import Op, Tensor


def conv_2d(op: Op, graph: Graph) -> list[Call]:
    x, out = graph.int8_input(op, 0), graph.int8_output(op)
    weights, values, bias = weights_and_bias(op, graph)
    graph.require(len(weights.shape) == 4, op, f"weights of shape {weights.shape}")
    channels, kernel_height, kernel_width, depth = weights.shape
    fields = _window(op, graph, x, out, kernel_height, kernel_width)
    groups = x.shape[3] // depth if depth else 0
    whole = groups > 0 and groups * depth == x.shape[3] and channels % groups == 0
    graph.require(whole, op, f"filters of depth {depth} on {x.shape[3]} channels")
    graph.require(channels == out.shape[3] > 0, op, f"{channels} filters for {out.shape}")
    dilations = (op.options.get("dilation_h_factor", 1), op.options.get("dilation_w_factor", 1))
    graph.require(dilations == (1, 1), op, f"dilation {dilations}")
    assert weights.quantization is not None
    scale = np.broadcast_to(weights.quantization.scale, (channels,))
    multipliers = [float(x.scale) * float(s) / float(out.scale) for s in scale]
    folded = bias - x.zero_point * values.astype(np.int64).sum(axis=(1, 2, 3))
    fields |= {
        "in_channels": x.shape[3],
        "out_channels": channels,
        "group_channels": depth,
        "filters_per_group": channels // groups,
        "kernel_height": kernel_height,
        "kernel_width": kernel_width,
        "input_zero_point": x.zero_point,
        "weights": graph.constant(values),
        "output": channel_output(op, graph, multipliers, folded, out),
    }
    return [
        Call(
            "mf_conv_2d", "mf_conv_2d_s8", "mf_conv_2d_params",
            fields, (graph.operand(x),), out.index,
        )
    ]  # fmt: skip


def max_pool_2d(op: Op, graph: Graph) -> list[Call]:
    x, out = graph.int8_input(op, 0), graph.int8_output(op)
    height, width = op.options.get("filter_height", 0), op.options.get("filter_width", 0)
    fields = _window(op, graph, x, out, height, width)
    graph.require(x.shape[3] == out.shape[3], op, f"{x.shape} gives {out.shape}")
    same = x.scale == out.scale and x.zero_point == out.zero_point
    graph.require(same, op, "an output on another scale than the input")
    low, high = activation_limits(op, graph, out)
    fields |= {
        "channels": x.shape[3],
        "filter_height": height,
        "filter_width": width,
        "low": low,
        "high": high,
    }
    return [
        Call(
            "mf_max_pool_2d", "mf_max_pool_2d_s8", "mf_max_pool_2d_params",
            fields, (graph.operand(x),), out.index,
        )
    ]  # fmt: skip


def _window(
    op: Op, graph: Graph, x: Tensor, out: Tensor, height: int, width: int
) -> dict[str, Value]:
    """Sizes, strides and padding, checked against the output's shape."""
    graph.require(len(x.shape) == len(out.shape) == 4, op, f"{x.shape} gives {out.shape}")
    strides = (op.options.get("stride_h", 0), op.options.get("stride_w", 0))
    graph.require(min(*strides, height, width) > 0, op, "a stride or a filter of no size")
    same = op.options.get("padding") == tflite.Padding.SAME
    pads = []
    for axis, size, stride in ((1, height, strides[0]), (2, width, strides[1])):
        length = x.shape[axis]
        steps = -(-length // stride) if same else (length - size + stride) // stride
        graph.require(steps == out.shape[axis], op, f"{x.shape} gives {out.shape}")
        pads.append(max(0, (steps - 1) * stride + size - length) // 2)
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
