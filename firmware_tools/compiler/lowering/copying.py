"""The call that every op that only moves values becomes: a strided block from here to there."""

from dataclasses import replace
from typing import NamedTuple

from firmware_tools.compiler.affine import places
from firmware_tools.compiler.lowering.common import pad_left, require_same_scale, strides
from firmware_tools.compiler.program import Call, Graph, Operand, Slot, Value
from midfuse.tflite_file import Op, Tensor


class View(NamedTuple):
    """Where a block lies in a tensor: its first element and a stride an axis, in elements."""

    offset: int
    strides: list[int]


def whole(tensor: Tensor) -> View:
    return View(0, strides(tensor.shape))


def copy(
    op: Op, graph: Graph, x: Tensor, source: View, out: Tensor, target: View, dims: tuple[int, ...]
) -> Call:
    """Copy a block of `dims` elements; both tensors must be on one scale, as TFLM only copies."""
    require_same_scale(op, graph, x, out)
    operand: Operand = Slot(x.index, source.offset)
    if x.data is not None:  # the host takes the elements out
        taken = places(dims, source.strides, source.offset)
        operand, source = graph.constant(x.data.ravel()[taken]), View(0, strides(dims))
    sizes, from_steps, to_steps = _merge(dims, source.strides, target.strides)
    graph.require(len(sizes) <= 4, op, f"a copy of {len(sizes)} axes")
    fields: dict[str, Value] = {
        "dims": pad_left(sizes, 1),
        "input_stride": pad_left(from_steps, 0),
        "output_stride": pad_left(to_steps, 0),
    }
    call = graph.call("mf_copy", "mf_copy", fields, [x], out)
    return replace(call, operands=(operand,), output=Slot(out.index, target.offset))


def _merge(
    dims: tuple[int, ...], from_steps: list[int], to_steps: list[int]
) -> tuple[list[int], list[int], list[int]]:
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
        [size for size, _, _ in merged],
        [source for _, source, _ in merged],
        [target for _, _, target in merged],
    )
