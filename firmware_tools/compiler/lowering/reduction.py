"""MEAN, SUM, REDUCE_MAX over any axes."""

import math
from itertools import groupby

from firmware_tools.compiler.lowering.common import (
    code_range,
    multiplier_and_shift,
    pad_left,
    require_same_scale,
    strides,
)
from firmware_tools.compiler.program import Call, Graph, Value
from midfuse.core.tflite_file import Op


def mean(op: Op, graph: Graph) -> list[Call]:
    count, axes = _reduction(op, graph)
    return [_sum(op, graph, axes, count, divisor=count)]


def sum_(op: Op, graph: Graph) -> list[Call]:
    count, axes = _reduction(op, graph)
    return [_sum(op, graph, axes, count, divisor=1)]


def reduce_max(op: Op, graph: Graph) -> list[Call]:
    x, out = graph.activation(op, 0), graph.result(op)
    require_same_scale(op, graph, x, out)
    _, axes = _reduction(op, graph)
    return [graph.call("mf_reduce_max", "mf_reduce_max", axes, [x], out, struct="mf_reduction")]


def _sum(op: Op, graph: Graph, axes: dict[str, Value], count: int, divisor: int) -> Call:
    x, out = graph.activation(op, 0), graph.result(op)
    # TFLM sums in 32 bits.
    graph.require(count * -code_range(x)[0] < 1 << 31, op, f"a sum of {count} values")
    multiplier, shift = multiplier_and_shift(op, graph, float(x.scale) / float(out.scale))
    multiplier, shift = _divide(multiplier, shift, divisor)
    fields: dict[str, Value] = {
        "axes": axes,
        "sum_offset": -count * x.zero_point,
        "multiplier": multiplier,
        "shift": shift,
        "output_zero_point": out.zero_point,
    }
    return graph.call("mf_sum", "mf_sum", fields, [x], out)


def _divide(multiplier: int, shift: int, count: int) -> tuple[int, int]:
    """TFLM's way to fold 1 / count into a multiplier without losing its bits."""
    bits = min(count.bit_length() - 1, 32, 31 + shift)
    return (multiplier << bits) // count, shift - bits


def _reduction(op: Op, graph: Graph) -> tuple[int, dict[str, Value]]:
    """How many inputs make an output, and the `mf_reduction`: neighbours of a kind are one axis."""
    x, out = graph.activation(op, 0), graph.result(op)
    rank = len(x.shape)
    given = graph.numbers(op, 1)
    graph.require(all(-rank <= axis < rank for axis in given), op, f"axes {given} of {x.shape}")
    reduced = {axis % rank for axis in given}
    keep_dims = bool(op.options.get("keep_dims"))
    left = tuple(
        1 if axis in reduced else n
        for axis, n in enumerate(x.shape)
        if keep_dims or axis not in reduced
    )
    graph.require(left == out.shape, op, f"{x.shape} over {given} gives {out.shape}")
    graph.require(0 not in x.shape, op, f"an input of shape {x.shape}")
    steps = strides(x.shape)
    runs: dict[bool, list[tuple[int, int]]] = {False: [], True: []}
    for kind, axes in groupby(range(rank), key=reduced.__contains__):
        run = list(axes)
        runs[kind].append((math.prod(x.shape[axis] for axis in run), steps[run[-1]]))
    return math.prod(x.shape[axis] for axis in reduced), {
        "kept": pad_left([n for n, _ in runs[False]], 1, 3),
        "kept_stride": pad_left([step for _, step in runs[False]], 0, 3),
        "reduced": pad_left([n for n, _ in runs[True]], 1, 3),
        "reduced_stride": pad_left([step for _, step in runs[True]], 0, 3),
    }
