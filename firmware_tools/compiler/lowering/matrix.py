"""FULLY_CONNECTED, BATCH_MATMUL, SOFTMAX."""

import math

import numpy as np

from firmware_tools.compiler.fixed_point import quantise_multiplier, softmax_exponentials
from firmware_tools.compiler.interpolation import SOFTMAX_REACH, exponentials, reciprocals
from firmware_tools.compiler.lowering.common import (
    channel_output,
    filters,
    multiplier_and_shift,
    pad_left,
    require_grid,
    strides,
    wide_multiplier_and_shift,
)
from firmware_tools.compiler.program import Call, Graph, Value
from midfuse.core.tflite_file import Op, Tensor


def fully_connected(op: Op, graph: Graph) -> list[Call]:
    x, out = graph.activation(op, 0), graph.result(op)
    weights = filters(op, graph, x)
    shape = weights.tensor.shape
    graph.require(len(shape) == 2, op, f"weights of shape {shape}")
    graph.require(op.options.get("weights_format", 0) == 0, op, "shuffled weights")
    channels, depth = shape
    rows = out.elements // channels if channels else 0
    fits = rows * depth == x.elements and out.shape[-1:] == (channels,) and depth > 0
    graph.require(fits, op, f"{x.shape} times {shape} does not give {out.shape}")
    zero_point_sums = -x.zero_point * weights.values.astype(np.int64).sum(axis=1)
    fields: dict[str, Value] = {
        "rows": rows,
        "depth": depth,
        "channels": channels,
        "output_row_stride": channels,
        "weights": graph.constant(weights.values),
        "output": channel_output(op, graph, x, weights, out, zero_point_sums),
    }
    return [graph.call("mf_fully_connected", "mf_fully_connected", fields, [x], out)]


def batch_matmul(op: Op, graph: Graph) -> list[Call]:
    lhs, rhs, out = graph.activation(op, 0), graph.activation(op, 1), graph.result(op)
    ranks = [len(t.shape) for t in (lhs, rhs, out)]
    graph.require(min(ranks) >= 2 and max(ranks) <= 6, op, f"operands of rank {ranks[:2]}")
    lhs_strides, rhs_strides = strides(lhs.shape), strides(rhs.shape)
    (rows, depth), lhs_inner = lhs.shape[-2:], lhs_strides[-2:]
    (rhs_depth, columns), rhs_inner = rhs.shape[-2:], rhs_strides[-2:]
    if op.options.get("adj_x"):
        rows, depth, lhs_inner = depth, rows, lhs_inner[::-1]
    if op.options.get("adj_y"):
        rhs_depth, columns, rhs_inner = columns, rhs_depth, rhs_inner[::-1]
    batch = list(out.shape[:-2])
    fits = (
        depth == rhs_depth > 0
        and out.shape[-2:] == (rows, columns)
        and _broadcasts(lhs.shape[:-2], batch)
        and _broadcasts(rhs.shape[:-2], batch)
    )
    graph.require(fits, op, f"{lhs.shape} times {rhs.shape} does not give {out.shape}")
    short = depth < 1 << 15 or lhs.dtype == "int16"
    graph.require(short, op, f"a product over {depth}, whose sum can pass 32 bits")
    quantised = wide_multiplier_and_shift if lhs.dtype == "int16" else multiplier_and_shift
    multiplier, shift = quantised(op, graph, float(lhs.scale) * float(rhs.scale) / float(out.scale))
    fields: dict[str, Value] = {
        "batch_dims": pad_left(batch, 1),
        "lhs_batch_stride": _batch_strides(lhs.shape[:-2], lhs_strides, batch),
        "rhs_batch_stride": _batch_strides(rhs.shape[:-2], rhs_strides, batch),
        "output_batch_stride": pad_left(strides(out.shape)[:-2], 0),
        "rows": rows,
        "depth": depth,
        "columns": columns,
        "lhs_row_stride": lhs_inner[0],
        "lhs_depth_stride": lhs_inner[1],
        "rhs_depth_stride": rhs_inner[0],
        "rhs_column_stride": rhs_inner[1],
        "output_row_stride": columns,
        "output_column_stride": 1,
        "lhs_zero_point": lhs.zero_point,
        "rhs_zero_point": rhs.zero_point,
        "multiplier": multiplier,
        "shift": shift,
        "output_zero_point": out.zero_point,
    }
    return [graph.call("mf_batch_matmul", "mf_batch_matmul", fields, [lhs, rhs], out)]


def _broadcasts(shape: tuple[int, ...], target: list[int]) -> bool:
    pairs = zip(reversed(shape), reversed(target), strict=False)
    return len(shape) <= len(target) and all(n in (1, m) for n, m in pairs)


def _batch_strides(shape: tuple[int, ...], steps: list[int], target: list[int]) -> list[int]:
    own = [0 if n == 1 else step for n, step in zip(shape, steps, strict=False)]
    return pad_left(pad_left(own, 0, len(target)), 0)


def softmax(op: Op, graph: Graph) -> list[Call]:
    x, out = graph.activation(op, 0), graph.result(op)
    graph.require(x.shape == out.shape and x.elements > 0, op, f"{x.shape} gives {out.shape}")
    beta = float(op.options.get("beta", 1.0))
    fields: dict[str, Value] = {"rows": x.elements // x.shape[-1], "depth": x.shape[-1]}
    if x.dtype == "int16":
        fields |= _softmax_int16(op, graph, x, out, beta)
        struct = "mf_softmax_s16_params"
    else:
        fields |= _softmax_int8(op, graph, x, out, beta)
        struct = "mf_softmax_params"
    return [graph.call("mf_softmax", "mf_softmax", fields, [x], out, struct=struct, in_place=[x])]


def _softmax_int8(op: Op, graph: Graph, x: Tensor, out: Tensor, beta: float) -> dict[str, Value]:
    require_grid(op, graph, out)
    # TFLM's arithmetic begins where a step of the input counts at all.
    graph.require(1.0 < float(x.scale) * beta * (1 << 26) < math.inf, op,
                  f"an input on scale {x.scale} with beta {beta}")  # fmt: skip
    graph.require(x.shape[-1] < 1 << 13, op, f"rows of {x.shape[-1]}")  # the sum's 32 bits
    table = np.array(softmax_exponentials(float(x.scale), beta), np.int32)
    return {"exponentials": graph.constant(table), "exponential_count": len(table)}


def _softmax_int16(op: Op, graph: Graph, x: Tensor, out: Tensor, beta: float) -> dict[str, Value]:
    graph.require(out.scale == np.float32(1 / 32768), op, "an output that is not on scale 1/32768")
    graph.require(x.shape[-1] <= 1 << 16, op, f"rows of {x.shape[-1]}")  # the sum's 32 bits
    steps = float(x.scale) * beta / (SOFTMAX_REACH / 65535)
    # 65535 of these have to fit 32 bits.
    graph.require(0.0 <= steps < 1 << 15, op, f"an input on scale {x.scale} with beta {beta}")
    multiplier, shift = quantise_multiplier(steps)
    return {
        "multiplier": multiplier,
        "shift": shift,
        "exponentials": graph.constant(exponentials()),
        "reciprocals": graph.constant(reciprocals()),
    }
