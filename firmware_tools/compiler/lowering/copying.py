"""The call that every op that only moves values becomes: a strided block from here to there."""

import math
from typing import NamedTuple

from firmware_tools.compiler.affine import places
from firmware_tools.compiler.lowering.common import pad_left, require_same_scale, strides
from firmware_tools.compiler.program import Call, Graph, Operand, Slot, Value
from midfuse.tflite_file import Op, Tensor

_KERNEL_AXES = 4
_MOST_CALLS = 256


class View(NamedTuple):
    """Where a block lies in a tensor: its first element and a stride an axis, in elements."""

    offset: int
    strides: list[int]


class _Axis(NamedTuple):
    """One axis of a block that is copied, its strides in elements."""

    size: int
    source: int
    target: int


def whole(tensor: Tensor) -> View:
    return View(0, strides(tensor.shape))


def copy(
    op: Op, graph: Graph, x: Tensor, source: View, out: Tensor, target: View, dims: tuple[int, ...]
) -> list[Call]:
    """Copy a block of `dims` elements; both tensors must be on one scale, as TFLM only copies.

    One call, or, where the block has more axes than the kernel, one for each place on the shortest.
    """
    require_same_scale(op, graph, x, out)
    axes = _merge(dims, source.strides, target.strides)
    by_size = sorted(range(len(axes)), key=lambda at: axes[at].size)
    outer = [axes[at] for at in by_size[: max(0, len(axes) - _KERNEL_AXES)]]
    inner = [axis for axis in axes if axis not in outer]
    sizes = [axis.size for axis in outer]
    graph.require(math.prod(sizes) <= _MOST_CALLS, op, f"a copy over {len(axes)} long axes")
    starts = places(sizes, [axis.source for axis in outer], source.offset).ravel()
    ends = places(sizes, [axis.target for axis in outer], target.offset).ravel()
    return [
        _block(graph, x, int(start), out, int(end), inner)
        for start, end in zip(starts, ends, strict=True)
    ]


def _block(graph: Graph, x: Tensor, start: int, out: Tensor, end: int, axes: list[_Axis]) -> Call:
    sizes, from_steps = [axis.size for axis in axes], [axis.source for axis in axes]
    operand: Operand = Slot(x.index, start)
    if x.data is not None:  # the host takes the elements out
        operand = graph.constant(x.data.ravel()[places(sizes, from_steps, start)])
        from_steps = strides(tuple(sizes))
    fields: dict[str, Value] = {
        "dims": pad_left(sizes, 1),
        "input_stride": pad_left(from_steps, 0),
        "output_stride": pad_left([axis.target for axis in axes], 0),
        "item_bytes": x.item_bytes,
    }
    return Call("mf_copy", "mf_copy", "mf_copy_params", fields, (operand,), Slot(out.index, end))


def _merge(dims: tuple[int, ...], from_steps: list[int], to_steps: list[int]) -> list[_Axis]:
    """Drop axes of one and join neighbours that are contiguous on both sides."""
    if 0 in dims:
        return [_Axis(0, 0, 0)]
    merged: list[_Axis] = []
    for size, source, target in zip(dims, from_steps, to_steps, strict=True):
        if size == 1:
            continue
        last = merged[-1] if merged else None
        if last and (last.source, last.target) == (size * source, size * target):
            merged[-1] = _Axis(last.size * size, source, target)
        else:
            merged.append(_Axis(size, source, target))
    return merged
