"""RESHAPE, TRANSPOSE, STRIDED_SLICE, CONCATENATION: ops that only move values."""

import tflite

from firmware_tools.compiler.lowering.common import pad_left, strides
from firmware_tools.compiler.program import Call, Graph, Value
from midfuse.tflite_file import Op, Tensor


def reshape(op: Op, graph: Graph) -> list[Call]:
    """No call at all: the planner gives the output the input's storage."""
    x, out = graph.int8_input(op, 0), graph.int8_output(op)
    graph.require(x.data is None, op, "the reshape of a constant")
    graph.require(x.elements == out.elements, op, f"{x.shape} gives {out.shape}")
    _require_same_scale(op, graph, x, out)
    return []


def transpose(op: Op, graph: Graph) -> list[Call]:
    x, out = graph.int8_input(op, 0), graph.int8_output(op)
    order = graph.numbers(op, 1)
    graph.require(sorted(order) == list(range(len(x.shape))), op, f"the permutation {order}")
    turned = tuple(x.shape[axis] for axis in order)
    graph.require(turned == out.shape, op, f"{x.shape} by {order} gives {out.shape}")
    _require_same_scale(op, graph, x, out)
    steps = [strides(x.shape)[axis] for axis in order]
    return [_copy(op, graph, x, out, turned, 0, steps, 0, strides(out.shape))]


def strided_slice(op: Op, graph: Graph) -> list[Call]:
    x, out = graph.int8_input(op, 0), graph.int8_output(op)
    begin, end, step = (graph.numbers(op, position) for position in (1, 2, 3))
    rank = len(x.shape)
    options = op.options
    plain = not (options.get("ellipsis_mask") or options.get("new_axis_mask"))
    graph.require(plain and not options.get("offset"), op, "an ellipsis, a new axis or offsets")
    graph.require(len(begin) == len(end) == len(step) == rank, op, "bounds of another rank")
    graph.require(all(s > 0 for s in step), op, f"the strides {step}")
    steps = strides(x.shape)
    sizes, offset, kept = [], 0, []
    for axis in range(rank):
        bit = 1 << axis
        low = 0 if options.get("begin_mask", 0) & bit else _clamp(begin[axis], x.shape[axis])
        high = (
            x.shape[axis] if options.get("end_mask", 0) & bit else _clamp(end[axis], x.shape[axis])
        )
        shrunk = bool(options.get("shrink_axis_mask", 0) & bit)
        size = 1 if shrunk else max(0, -(-(high - low) // step[axis]))
        graph.require(not shrunk or low < x.shape[axis], op, "an index outside the input")
        sizes.append(size)
        offset += low * steps[axis]
        if not shrunk:
            kept.append(size)
    graph.require(tuple(kept) == out.shape, op, f"{x.shape} gives {out.shape}")
    _require_same_scale(op, graph, x, out)
    from_steps = [s * k for s, k in zip(steps, step, strict=True)]
    to_steps = strides(tuple(sizes))
    return [_copy(op, graph, x, out, tuple(sizes), offset, from_steps, 0, to_steps)]


def _clamp(bound: int, length: int) -> int:
    return max(0, min(length, bound + length if bound < 0 else bound))


def concatenation(op: Op, graph: Graph) -> list[Call]:
    """One block copy an input."""
    out = graph.int8_output(op)
    rank = len(out.shape)
    axis = op.options.get("axis", 0)
    graph.require(-rank <= axis < rank, op, f"axis {axis}")
    axis %= rank
    none = op.options.get("fused_activation_function") == tflite.ActivationFunctionType.NONE
    graph.require(none, op, "a fused activation")
    to_steps = strides(out.shape)
    calls, at = [], 0
    for position in range(len(op.inputs)):
        x = graph.int8_input(op, position)
        fits = len(x.shape) == rank and all(
            n == m for i, (n, m) in enumerate(zip(x.shape, out.shape, strict=True)) if i != axis
        )
        graph.require(fits, op, f"input {position} of shape {x.shape} in {out.shape}")
        _require_same_scale(op, graph, x, out)
        offset = at * to_steps[axis]
        calls.append(_copy(op, graph, x, out, x.shape, 0, strides(x.shape), offset, to_steps))
        at += x.shape[axis]
    graph.require(at == out.shape[axis], op, f"inputs fill {at} of {out.shape[axis]}")
    return calls


def _require_same_scale(op: Op, graph: Graph, x: Tensor, out: Tensor) -> None:
    same = x.scale == out.scale and x.zero_point == out.zero_point
    graph.require(same, op, f"input {x.name} is on another scale than the output")


def _copy(
    op: Op,
    graph: Graph,
    x: Tensor,
    out: Tensor,
    dims: tuple[int, ...],
    input_offset: int,
    input_stride: list[int],
    output_offset: int,
    output_stride: list[int],
) -> Call:
    dims, input_stride, output_stride = _merge(list(dims), input_stride, output_stride)
    graph.require(len(dims) <= 4, op, f"a copy of {len(dims)} axes")
    fields: dict[str, Value] = {
        "dims": pad_left(list(dims), 1),
        "input_offset": input_offset,
        "input_stride": pad_left(input_stride, 0),
        "output_offset": output_offset,
        "output_stride": pad_left(output_stride, 0),
    }
    return Call("mf_copy", "mf_copy_s8", "mf_copy_params", fields, (graph.operand(x),), out.index)


def _merge(
    dims: list[int], from_steps: list[int], to_steps: list[int]
) -> tuple[tuple[int, ...], list[int], list[int]]:
    """Drop axes of one and join neighbours that are contiguous on both sides."""
    merged: list[tuple[int, int, int]] = []
    for size, source, target in zip(dims, from_steps, to_steps, strict=True):
        if size == 1:
            continue
        if merged and merged[-1][1] == size * source and merged[-1][2] == size * target:
            merged[-1] = (merged[-1][0] * size, source, target)
        else:
            merged.append((size, source, target))
    return (
        tuple(size for size, _, _ in merged),
        [source for _, source, _ in merged],
        [target for _, _, target in merged],
    )
