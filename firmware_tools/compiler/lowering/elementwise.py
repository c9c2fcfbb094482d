"""ADD, SUB, MUL, SQUARED_DIFFERENCE on two inputs; RELU, RSQRT by table."""

import math
from collections.abc import Callable

import numpy as np

from firmware_tools.compiler.fixed_point import (
    inverse_square_root_multiplier,
    multiply_by_quantised_multiplier,
    quantise_multiplier,
)
from firmware_tools.compiler.lowering.common import activation_limits, pad_left, strides
from firmware_tools.compiler.program import Call, Graph, Value
from midfuse.tflite_file import Op, Tensor

# Headroom that TFLM gives the inputs before they are brought to a common scale.
_ADD_LEFT_SHIFT = 20
_SQUARED_DIFFERENCE_LEFT_SHIFT = 7


def add(op: Op, graph: Graph) -> list[Call]:
    a, b, out = graph.int8_input(op, 0), graph.int8_input(op, 1), graph.int8_output(op)
    twice = 2 * float(max(a.scale, b.scale))
    scaling = _scaling(
        _ADD_LEFT_SHIFT,
        float(a.scale) / twice,
        float(b.scale) / twice,
        twice / ((1 << _ADD_LEFT_SHIFT) * float(out.scale)),
    )
    return [_binary(op, graph, "mf_add_sub", "mf_add_s8", scaling)]


def sub(op: Op, graph: Graph) -> list[Call]:
    a, b, out = graph.int8_input(op, 0), graph.int8_input(op, 1), graph.int8_output(op)
    twice = np.float32(2) * max(a.scale, b.scale)  # TFLM divides these as float32
    scaling = _scaling(
        _ADD_LEFT_SHIFT,
        float(a.scale / twice),
        float(b.scale / twice),
        float(twice / (np.float32(1 << _ADD_LEFT_SHIFT) * out.scale)),
    )
    return [_binary(op, graph, "mf_add_sub", "mf_sub_s8", scaling)]


def mul(op: Op, graph: Graph) -> list[Call]:
    a, b, out = graph.int8_input(op, 0), graph.int8_input(op, 1), graph.int8_output(op)
    multiplier, shift = quantise_multiplier(float(a.scale) * float(b.scale) / float(out.scale))
    scaling: dict[str, Value] = {"output_multiplier": multiplier, "output_shift": shift}
    return [_binary(op, graph, "mf_mul", "mf_mul_s8", scaling)]


def squared_difference(op: Op, graph: Graph) -> list[Call]:
    a, b, out = graph.int8_input(op, 0), graph.int8_input(op, 1), graph.int8_output(op)
    twice = 2 * float(max(a.scale, b.scale))
    scaling = _scaling(
        _SQUARED_DIFFERENCE_LEFT_SHIFT,
        float(a.scale) / twice,
        float(b.scale) / twice,
        twice * twice / ((1 << (2 * _SQUARED_DIFFERENCE_LEFT_SHIFT)) * float(out.scale)),
    )
    return [_binary(op, graph, "mf_squared_difference", "mf_squared_difference_s8", scaling)]


def _scaling(left_shift: int, real1: float, real2: float, real_out: float) -> dict[str, Value]:
    fields: dict[str, Value] = {"left_shift": left_shift}
    for suffix, real in (("1", real1), ("2", real2)):
        fields[f"multiplier{suffix}"], fields[f"shift{suffix}"] = quantise_multiplier(real)
    fields["output_multiplier"], fields["output_shift"] = quantise_multiplier(real_out)
    return fields


def _binary(op: Op, graph: Graph, kernel: str, function: str, scaling: dict[str, Value]) -> Call:
    a, b, out = graph.int8_input(op, 0), graph.int8_input(op, 1), graph.int8_output(op)
    graph.require(len(out.shape) <= 4, op, f"rank {len(out.shape)}")
    rank = max(len(a.shape), len(b.shape))
    shapes = [pad_left(list(t.shape), 1, rank) for t in (a, b)]
    joined = [m if n == 1 else n for n, m in zip(*shapes, strict=True)]
    fits = all(n in (1, j) for s in shapes for n, j in zip(s, joined, strict=True))
    graph.require(fits and tuple(joined) == out.shape, op,
                  f"{a.shape} with {b.shape} does not give {out.shape}")  # fmt: skip
    low, high = activation_limits(op, graph, out)
    fields: dict[str, Value] = {
        "dims": pad_left(joined, 1),
        "stride1": _broadcast_strides(a, out),
        "stride2": _broadcast_strides(b, out),
        "zero_point1": a.zero_point,
        "zero_point2": b.zero_point,
        **scaling,
        "output_zero_point": out.zero_point,
        "low": low,
        "high": high,
    }
    whole = tuple(t.index for t in (a, b) if t.data is None and t.elements == out.elements)
    return Call(
        kernel, function, "mf_binary_params", fields,
        (graph.operand(a), graph.operand(b)), out.index, in_place=whole,
    )  # fmt: skip


def _broadcast_strides(tensor: Tensor, out: Tensor) -> list[int]:
    own = [0 if n == 1 else s for n, s in zip(tensor.shape, strides(tensor.shape), strict=True)]
    return pad_left(own, 0)


def relu(op: Op, graph: Graph) -> list[Call]:
    x, out = graph.int8_input(op, 0), graph.int8_output(op)
    multiplier, shift = quantise_multiplier(float(x.scale) / float(out.scale))
    low = max(-128, out.zero_point)

    def code(value: int) -> int:
        scaled = multiply_by_quantised_multiplier(value - x.zero_point, multiplier, shift)
        return max(low, min(127, scaled + out.zero_point))

    return [_lookup(op, graph, code)]


# TFLM computes 1 / sqrt(q) with this many fraction bits before it applies the scales.
_RSQRT_SHIFT = 20


def rsqrt(op: Op, graph: Graph) -> list[Call]:
    x, out = graph.int8_input(op, 0), graph.int8_output(op)
    # Below the zero point the root has no meaning and TFLM stops with an error.
    graph.require(x.zero_point == -128, op, "an input that can be negative")
    scale = np.float32(1) / np.float32(np.float32(math.sqrt(x.scale)) * out.scale)
    multiplier, shift = quantise_multiplier(float(scale))

    def code(value: int) -> int:
        above_zero = value - x.zero_point
        if above_zero == 0:
            return 127
        root_multiplier, root_shift = inverse_square_root_multiplier(above_zero)
        root = multiply_by_quantised_multiplier(1, root_multiplier, root_shift + _RSQRT_SHIFT)
        scaled = multiply_by_quantised_multiplier(root, multiplier, shift - _RSQRT_SHIFT)
        return max(-128, min(127, scaled + out.zero_point))

    return [_lookup(op, graph, code)]


def _lookup(op: Op, graph: Graph, code: Callable[[int], int]) -> Call:
    x, out = graph.int8_input(op, 0), graph.int8_output(op)
    graph.require(x.shape == out.shape, op, f"{x.shape} gives {out.shape}")
    table = np.array([code(value) for value in range(-128, 128)], np.int8)
    fields: dict[str, Value] = {"count": x.elements, "table": graph.constant(table)}
    return Call(
        "mf_lookup", "mf_lookup_s8", "mf_lookup_params", fields,
        (graph.operand(x),), out.index, in_place=(x.index,),
    )  # fmt: skip
