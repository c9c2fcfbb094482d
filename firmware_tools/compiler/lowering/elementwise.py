"""Element-wise ops on two inputs, with broadcasting."""

import math
from dataclasses import replace

import numpy as np

from firmware_tools.compiler.lowering.common import (
    KERNEL_AXES,
    Axis,
    activation_limits,
    merge_axes,
    multiplier_and_shift,
    pad_left,
    require_same_scale,
    starts_along,
    strides,
)
from firmware_tools.compiler.program import Call, Graph, Operand, Slot, Value
from midfuse.core.tflite_file import Op, Tensor

# Headroom that TFLM gives the inputs before they are brought to a common scale.
_ADD_LEFT_SHIFT = {"int8": 20, "int16": 15}
_SQUARED_DIFFERENCE_LEFT_SHIFT = {"int8": 7, "int16": 0}


def add(op: Op, graph: Graph) -> list[Call]:
    return _sum(op, graph, "mf_add")


def sub(op: Op, graph: Graph) -> list[Call]:
    return _sum(op, graph, "mf_sub")


def _sum(op: Op, graph: Graph, name: str) -> list[Call]:
    a, b, out = graph.activation(op, 0), graph.activation(op, 1), graph.result(op)
    left_shift = _ADD_LEFT_SHIFT[out.dtype]
    twice = 2 * float(max(a.scale, b.scale))
    real_out = twice / ((1 << left_shift) * float(out.scale))
    # TFLM stops the whole program at such a model.
    graph.require(real_out < 1, op, "an output on a scale too small for its inputs'")
    scaling = _scaling(
        op, graph, left_shift, float(a.scale) / twice, float(b.scale) / twice, real_out
    )
    return _binary(op, graph, "mf_add_sub", name, scaling)


def mul(op: Op, graph: Graph) -> list[Call]:
    a, b, out = graph.activation(op, 0), graph.activation(op, 1), graph.result(op)
    multiplier, shift = multiplier_and_shift(
        op, graph, float(a.scale) * float(b.scale) / float(out.scale)
    )
    scaling: dict[str, Value] = {"output_multiplier": multiplier, "output_shift": shift}
    return _binary(op, graph, "mf_mul", "mf_mul", scaling)


def squared_difference(op: Op, graph: Graph) -> list[Call]:
    a, b, out = graph.activation(op, 0), graph.activation(op, 1), graph.result(op)
    left_shift = _SQUARED_DIFFERENCE_LEFT_SHIFT[out.dtype]
    twice = 2 * float(max(a.scale, b.scale))
    scaling = _scaling(
        op,
        graph,
        left_shift,
        float(a.scale) / twice,
        float(b.scale) / twice,
        twice * twice / ((1 << (2 * left_shift)) * float(out.scale)),
    )
    return _binary(op, graph, "mf_squared_difference", "mf_squared_difference", scaling)


def div(op: Op, graph: Graph) -> list[Call]:
    a, b, out = graph.activation(op, 0), graph.activation(op, 1), graph.result(op)
    real = float(a.scale) / (float(b.scale) * float(out.scale))
    multiplier, shift = multiplier_and_shift(op, graph, real)
    shifts = [
        shift - (31 - divisor_zeros) - (dividend_zeros - 1)
        for divisor_zeros in _leading_zeros(b)
        for dividend_zeros in _leading_zeros(a)
    ]
    defined = min(shifts) >= -31 and max(shifts) <= 0
    graph.require(defined, op, f"scales {a.scale}, {b.scale} and {out.scale}, between which "
                  "TFLM shifts by more than 31 bits")  # fmt: skip
    scaling: dict[str, Value] = {"output_multiplier": multiplier, "output_shift": shift}
    return _binary(op, graph, "mf_div", "mf_div", scaling)


def _leading_zeros(tensor: Tensor) -> set[int]:
    """How many leading zeros a tensor's values above or below its zero point can have in 32 bits.

    A negative dividend counts those of its complement, a negative divisor those of its magnitude.
    """
    codes = range(-128, 128) if tensor.data is None else np.unique(tensor.data).tolist()
    distances = {code - tensor.zero_point for code in codes}
    return {32 - n.bit_length() for d in distances for n in (abs(d), ~d if d < 0 else d)}


def maximum(op: Op, graph: Graph) -> list[Call]:
    return _largest(op, graph, "mf_maximum")


def minimum(op: Op, graph: Graph) -> list[Call]:
    return _largest(op, graph, "mf_minimum")


def _largest(op: Op, graph: Graph, name: str) -> list[Call]:
    for position in (0, 1):
        require_same_scale(op, graph, graph.activation(op, position), graph.result(op))
    return _binary(op, graph, "mf_maximum_minimum", name, {})


def prelu(op: Op, graph: Graph) -> list[Call]:
    x, slope, out = graph.activation(op, 0), graph.activation(op, 1), graph.result(op)
    kept = multiplier_and_shift(op, graph, float(x.scale) / float(out.scale))
    sloped = multiplier_and_shift(op, graph, float(x.scale) * float(slope.scale) / float(out.scale))
    scaling: dict[str, Value] = {
        "multiplier1": kept[0],
        "shift1": kept[1],
        "multiplier2": sloped[0],
        "shift2": sloped[1],
    }
    return _binary(op, graph, "mf_prelu", "mf_prelu", scaling)


def _scaling(
    op: Op, graph: Graph, left_shift: int, real1: float, real2: float, real_out: float
) -> dict[str, Value]:
    fields: dict[str, Value] = {"left_shift": left_shift}
    for suffix, real in (("1", real1), ("2", real2)):
        fields[f"multiplier{suffix}"], fields[f"shift{suffix}"] = multiplier_and_shift(
            op, graph, real
        )
    fields["output_multiplier"], fields["output_shift"] = multiplier_and_shift(op, graph, real_out)
    return fields


def _binary(op: Op, graph: Graph, kernel: str, name: str, scaling: dict[str, Value]) -> list[Call]:
    """One call, or, where the output has more axes than the kernel, one for each place on the
    outer ones."""
    a, b, out = graph.activation(op, 0), graph.activation(op, 1), graph.result(op)
    rank = max(len(a.shape), len(b.shape))
    shapes = [pad_left(list(t.shape), 1, rank) for t in (a, b)]
    joined = [m if n == 1 else n for n, m in zip(*shapes, strict=True)]
    fits = all(n in (1, j) for s in shapes for n, j in zip(s, joined, strict=True))
    graph.require(fits and tuple(joined) == out.shape, op,
                  f"{a.shape} with {b.shape} does not give {out.shape}")  # fmt: skip
    steps = zip(*(_broadcast_strides(t, rank) for t in (a, b)), strict=True)
    axes = [Axis(n, pair) for n, pair in zip(joined, steps, strict=True)]
    if rank > KERNEL_AXES:
        axes = merge_axes(axes)
    outer, inner = axes[:-KERNEL_AXES], axes[-KERNEL_AXES:]
    low, high = activation_limits(op, graph, out)
    fields: dict[str, Value] = {
        "dims": pad_left([axis.size for axis in inner], 1),
        "stride1": pad_left([axis.strides[0] for axis in inner], 0),
        "stride2": pad_left([axis.strides[1] for axis in inner], 0),
        "zero_point1": a.zero_point,
        "zero_point2": b.zero_point,
        **scaling,
        "output_zero_point": out.zero_point,
        "low": low,
        "high": high,
    }
    whole = [t for t in (a, b) if t.elements == out.elements]
    call = graph.call(kernel, name, fields, [a, b], out, struct="mf_binary_params", in_place=whole)
    if not outer:
        return [call]
    block = math.prod(axis.size for axis in inner)
    return [
        replace(
            call,
            operands=(_from(graph, a, start1), _from(graph, b, start2)),
            output=Slot(out.index, at * block),
        )
        for at, (start1, start2) in enumerate(starts_along(op, graph, outer, (0, 0)))
    ]


def _broadcast_strides(tensor: Tensor, rank: int) -> list[int]:
    own = [0 if n == 1 else s for n, s in zip(tensor.shape, strides(tensor.shape), strict=True)]
    return pad_left(own, 0, rank)


def _from(graph: Graph, tensor: Tensor, start: int) -> Operand:
    """A tensor from one of its elements on."""
    if tensor.data is None:
        return Slot(tensor.index, start)
    return graph.constant(tensor.data.ravel()[start:])
