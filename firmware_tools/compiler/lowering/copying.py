"""The call that every op that only moves values becomes: a strided block from here to there."""

from typing import NamedTuple

from firmware_tools.compiler.affine import places
from firmware_tools.compiler.lowering.common import (
    KERNEL_AXES,
    Axis,
    merge_axes,
    pad_left,
    require_same_scale,
    starts_along,
    strides,
)
from firmware_tools.compiler.program import Call, Graph, Operand, Slot, Value
from midfuse.core.tflite_file import Op, Tensor


class View(NamedTuple):
    """Where a block lies in a tensor: its first element and a stride an axis, in elements."""

    offset: int
    strides: list[int]


def whole(tensor: Tensor) -> View:
    return View(0, strides(tensor.shape))


def copy(
    op: Op, graph: Graph, x: Tensor, source: View, out: Tensor, target: View, dims: tuple[int, ...]
) -> list[Call]:
    """Copy a block of `dims` elements; both tensors must be on one scale, as TFLM only copies.

    One call, or, where the block has more axes than the kernel, one for each place on the shortest.
    """
    require_same_scale(op, graph, x, out)
    steps = zip(source.strides, target.strides, strict=True)
    axes = merge_axes([Axis(n, pair) for n, pair in zip(dims, steps, strict=True)])
    outer = sorted(axes)[: max(0, len(axes) - KERNEL_AXES)]
    inner = [axis for axis in axes if axis not in outer]
    return [
        _block(graph, x, start, out, end, inner)
        for start, end in starts_along(op, graph, outer, (source.offset, target.offset))
    ]


def _block(graph: Graph, x: Tensor, start: int, out: Tensor, end: int, axes: list[Axis]) -> Call:
    sizes, from_steps = [axis.size for axis in axes], [axis.strides[0] for axis in axes]
    operand: Operand = Slot(x.index, start)
    if x.data is not None:  # the host takes the elements out
        operand = graph.constant(x.data.ravel()[places(sizes, from_steps, start)])
        from_steps = strides(tuple(sizes))
    fields: dict[str, Value] = {
        "dims": pad_left(sizes, 1),
        "input_stride": pad_left(from_steps, 0),
        "output_stride": pad_left([axis.strides[1] for axis in axes], 0),
        "item_bytes": x.item_bytes,
    }
    return Call("mf_copy", "mf_copy", "mf_copy_params", fields, (operand,), Slot(out.index, end))
