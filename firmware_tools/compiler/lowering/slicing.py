"""SLICE, STRIDED_SLICE: a regular part of a tensor."""

from firmware_tools.compiler.lowering.common import strides
from firmware_tools.compiler.lowering.copying import View, copy, whole
from firmware_tools.compiler.program import Call, Graph
from midfuse.core.tflite_file import Op


def strided_slice(op: Op, graph: Graph) -> list[Call]:
    x, out = graph.activation(op, 0), graph.result(op)
    begin, end, step = (graph.numbers(op, position) for position in (1, 2, 3))
    rank = len(x.shape)
    options = op.options
    plain = not any(options.get(name) for name in ("ellipsis_mask", "new_axis_mask", "offset"))
    graph.require(plain, op, "an ellipsis, a new axis or offsets, which TFLM refuses too")
    graph.require(len(begin) == len(end) == len(step) == rank, op, "bounds of another rank")
    graph.require(all(s != 0 for s in step), op, f"the strides {step}")
    steps = strides(x.shape)
    sizes, offset, kept = [], 0, []
    for axis, length in enumerate(x.shape):
        bit = 1 << axis
        low, high = _bounds(
            length,
            None if options.get("begin_mask", 0) & bit else begin[axis],
            None if options.get("end_mask", 0) & bit else end[axis],
            step[axis],
        )
        shrunk = bool(options.get("shrink_axis_mask", 0) & bit)
        size = 1 if shrunk else max(0, -((low - high) // step[axis]))
        single = not shrunk or (0 <= low < length and step[axis] > 0)
        graph.require(single, op, "an index outside the input, or a negative stride on one")
        sizes.append(size)
        offset += low * steps[axis]
        if not shrunk:
            kept.append(size)
    graph.require(tuple(kept) == out.shape, op, f"{x.shape} gives {out.shape}")
    source = View(offset if out.elements else 0, [s * k for s, k in zip(steps, step, strict=True)])
    target = View(0, strides(tuple(sizes)))
    return copy(op, graph, x, source, out, target, tuple(sizes))


def _bounds(length: int, begin: int | None, end: int | None, step: int) -> tuple[int, int]:
    """First index and the one past the last in the stride's direction; None is the axis' end."""
    lowest, highest = (0, length) if step > 0 else (-1, length - 1)
    first, last = (lowest, highest) if step > 0 else (highest, lowest)

    def clamped(bound: int | None, default: int) -> int:
        if bound is None:
            return default
        return max(lowest, min(highest, bound + length if bound < 0 else bound))

    return clamped(begin, first), clamped(end, last)


def slice_(op: Op, graph: Graph) -> list[Call]:
    x, out = graph.activation(op, 0), graph.result(op)
    begin, size = graph.numbers(op, 1), graph.numbers(op, 2)
    graph.require(len(begin) == len(size) == len(x.shape), op, "bounds of another rank")
    sizes = tuple(
        length - first if count == -1 else count
        for length, first, count in zip(x.shape, begin, size, strict=True)
    )
    inside = all(
        first >= 0 and count >= 0 and first + count <= length
        for length, first, count in zip(x.shape, begin, sizes, strict=True)
    )
    graph.require(inside and sizes == out.shape, op,
                  f"{x.shape} from {begin}, {size} gives {out.shape}")  # fmt: skip
    steps = strides(x.shape)
    source = View(sum(first * step for first, step in zip(begin, steps, strict=True)), steps)
    return copy(op, graph, x, source, out, whole(out), sizes)
