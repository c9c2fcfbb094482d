"""Ops that only move values: reshapes, transposes, joining and splitting, padding, gathering."""

import math

import numpy as np
import tflite

from firmware_tools.compiler.lowering.common import require_same_scale, strides
from firmware_tools.compiler.lowering.copying import View, copy, whole
from firmware_tools.compiler.program import Call, Graph, Value
from midfuse.core.tflite_file import Op, Tensor


def reshape(op: Op, graph: Graph) -> list[Call]:
    """RESHAPE, SQUEEZE, EXPAND_DIMS: no call at all, the planner gives the output the input's
    storage; a constant is copied out of flash."""
    x, out = graph.activation(op, 0), graph.result(op)
    graph.require(x.elements == out.elements, op, f"{x.shape} gives {out.shape}")
    require_same_scale(op, graph, x, out)
    if x.data is None:
        return []
    return copy(op, graph, x, View(0, [1]), out, View(0, [1]), (x.elements,))


def transpose(op: Op, graph: Graph) -> list[Call]:
    x, out = graph.activation(op, 0), graph.result(op)
    order = graph.numbers(op, 1)
    graph.require(sorted(order) == list(range(len(x.shape))), op, f"the permutation {order}")
    turned = tuple(x.shape[axis] for axis in order)
    graph.require(turned == out.shape, op, f"{x.shape} by {order} gives {out.shape}")
    steps = strides(x.shape)
    return copy(op, graph, x, View(0, [steps[axis] for axis in order]), out, whole(out), turned)


def concatenation(op: Op, graph: Graph) -> list[Call]:
    """A copy of each input."""
    out = graph.result(op)
    axis = _axis(op, graph, op.options.get("axis", 0), out)
    none = op.options.get("fused_activation_function") == tflite.ActivationFunctionType.NONE
    graph.require(none, op, "a fused activation")
    parts = [graph.activation(op, position) for position in range(len(op.inputs))]
    views = _along(op, graph, out, axis, [part.shape for part in parts])
    return [
        call
        for part, view in zip(parts, views, strict=True)
        for call in copy(op, graph, part, whole(part), out, view, part.shape)
    ]


def pack(op: Op, graph: Graph) -> list[Call]:
    """A concatenation along a new axis."""
    out = graph.result(op)
    axis = _axis(op, graph, op.options.get("axis", 0), out)
    parts = [graph.activation(op, position) for position in range(len(op.inputs))]
    shapes = [(*part.shape[:axis], 1, *part.shape[axis:]) for part in parts]
    views = _along(op, graph, out, axis, shapes)
    return [
        call
        for part, shape, view in zip(parts, shapes, views, strict=True)
        for call in copy(op, graph, part, View(0, strides(shape)), out, view, shape)
    ]


def unpack(op: Op, graph: Graph) -> list[Call]:
    """The slices of an input along an axis, which the outputs lack."""
    x, outs = graph.activation(op, 0), graph.results(op)
    axis = _axis(op, graph, op.options.get("axis", 0), x)
    shapes = [(*out.shape[:axis], 1, *out.shape[axis:]) for out in outs]
    views = _along(op, graph, x, axis, shapes)
    return [
        call
        for out, shape, view in zip(outs, shapes, views, strict=True)
        for call in copy(op, graph, x, view, out, View(0, strides(shape)), shape)
    ]


def split(op: Op, graph: Graph) -> list[Call]:
    x, outs = graph.activation(op, 1), graph.results(op)
    graph.require(len({out.shape for out in outs}) == 1, op, "outputs of unequal shapes")
    return _split(op, graph, x, outs, graph.numbers(op, 0))


def split_v(op: Op, graph: Graph) -> list[Call]:
    x, outs = graph.activation(op, 0), graph.results(op)
    calls = _split(op, graph, x, outs, graph.numbers(op, 2))
    axis = graph.numbers(op, 2)[0]
    stated, made = graph.numbers(op, 1), [out.shape[axis] for out in outs]
    fits = len(stated) == len(made) and all(n in (-1, m) for n, m in zip(stated, made, strict=True))
    graph.require(fits, op, f"parts of {stated} give {made}")
    return calls


def _split(op: Op, graph: Graph, x: Tensor, outs: list[Tensor], axes: list[int]) -> list[Call]:
    graph.require(len(axes) == 1, op, f"the axes {axes}")
    views = _along(op, graph, x, _axis(op, graph, axes[0], x), [out.shape for out in outs])
    return [
        call
        for out, view in zip(outs, views, strict=True)
        for call in copy(op, graph, x, view, out, whole(out), out.shape)
    ]


def _axis(op: Op, graph: Graph, axis: int, tensor: Tensor) -> int:
    rank = len(tensor.shape)
    graph.require(-rank <= axis < rank, op, f"axis {axis} of {tensor.shape}")
    return axis % rank


def _along(
    op: Op, graph: Graph, joined: Tensor, axis: int, parts: list[tuple[int, ...]]
) -> list[View]:
    """Where parts of these shapes lie in `joined`, one behind the other along an axis."""
    steps = strides(joined.shape)
    views, at = [], 0
    for part in parts:
        fits = len(part) == len(joined.shape) and all(
            n == m for i, (n, m) in enumerate(zip(part, joined.shape, strict=True)) if i != axis
        )
        graph.require(fits, op, f"a part of shape {part} in {joined.shape}")
        views.append(View(at * steps[axis], steps))
        at += part[axis]
    graph.require(at == joined.shape[axis], op, f"parts fill {at} of {joined.shape[axis]}")
    return views


def pad(op: Op, graph: Graph) -> list[Call]:
    """Fill the output, then copy the input into its middle."""
    x, out = graph.activation(op, 0), graph.result(op)
    margins = graph.numbers(op, 1)
    graph.require(len(margins) == 2 * len(x.shape), op, f"margins of {len(margins)} numbers")
    before, after = margins[::2], margins[1::2]
    padded = tuple(b + n + a for b, n, a in zip(before, x.shape, after, strict=True))
    graph.require(min(margins, default=0) >= 0 and padded == out.shape, op,
                  f"{x.shape} with {margins} gives {out.shape}")  # fmt: skip
    steps = strides(out.shape)
    middle = View(sum(b * step for b, step in zip(before, steps, strict=True)), steps)
    value = np.full(4 // out.item_bytes, _pad_value(op, graph, out), out.dtype)
    fields: dict[str, Value] = {
        "count": out.elements,
        "item_bytes": out.item_bytes,
        "pattern": list(value.tobytes()),
    }
    return [
        graph.call("mf_fill", "mf_fill", fields, [], out, suffix=""),
        *copy(op, graph, x, whole(x), out, middle, x.shape),
    ]


def _pad_value(op: Op, graph: Graph, out: Tensor) -> float:
    """PAD writes a real zero, PADV2 the constant it names."""
    if op.name == "PAD":
        return out.zero_point if out.dtype in ("int8", "int16") else 0
    value = graph.activation(op, 2)
    graph.require(value.data is not None and value.elements == 1, op, "a value that is no constant")
    require_same_scale(op, graph, value, out)
    return float(np.asarray(value.data).ravel()[0])


def gather(op: Op, graph: Graph) -> list[Call]:
    x, out, positions = graph.activation(op, 0), graph.result(op), graph.input(op, 1)
    axis = _axis(op, graph, op.options.get("axis", 0), x)
    batch_dims = op.options.get("batch_dims", 0)
    fits = 0 <= batch_dims <= min(axis, len(positions.shape)) and (
        positions.shape[:batch_dims] == x.shape[:batch_dims]
    )
    graph.require(fits, op, f"{batch_dims} batch axes of {x.shape} and {positions.shape}")
    gathered = (*x.shape[:axis], *positions.shape[batch_dims:], *x.shape[axis + 1 :])
    graph.require(gathered == out.shape, op, f"{x.shape} at {positions.shape} gives {out.shape}")
    graph.require(positions.dtype == "int32", op, f"positions of type {positions.dtype}")
    graph.require(x.shape[axis] > 0, op, f"nothing to gather along axis {axis} of {x.shape}")
    if positions.data is not None:
        inside = ((positions.data >= 0) & (positions.data < x.shape[axis])).all()
        graph.require(bool(inside), op, f"positions outside the {x.shape[axis]} there are")
    require_same_scale(op, graph, x, out)
    fields: dict[str, Value] = {
        "batches": math.prod(x.shape[:batch_dims]),
        "outer": math.prod(x.shape[batch_dims:axis]),
        "length": x.shape[axis],
        "run_bytes": math.prod(x.shape[axis + 1 :]) * x.item_bytes,
        "count": math.prod(positions.shape[batch_dims:]),
    }
    return [graph.call("mf_gather", "mf_gather", fields, [x, positions], out, suffix="")]
