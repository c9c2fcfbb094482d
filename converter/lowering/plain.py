"""An ONNX model said in the words that onnx2tf understands best.

- Inputs are named `input_0`, `input_1`, …: a graph's own names may hold anything, and position is
  what survives the way to TFLite.
- Unsqueeze, Squeeze and Flatten become Reshape. After an Unsqueeze to four axes onnx2tf takes the
  tensor for an image and turns its axes, differently on two branches that meet again.
- Constant nodes become initialisers, where some of onnx2tf's ops want their weights.
- Split becomes a Slice for each part: unequal parts come out as an op of tensorflow's own.
- Neg becomes a Mul by -1: there is no NEG on int8.
- HardSigmoid becomes a Clip between 0 and 6: the form that tensorflow's converter makes a RELU6 of,
  and a HARD_SWISH where the product with its input follows.
- Outputs of three axes and more are given flat: onnx2tf turns them channels-last, but never the
  operand of a Reshape. `tidy` gives them their shape back.
"""

from collections.abc import Iterator
from typing import Any

import numpy as np
import onnx
from onnx import helper, numpy_helper

from converter.reading.onnx_file import input_specs

Shapes = dict[str, tuple[int, ...]]


def plain_copy(model: onnx.ModelProto) -> tuple[onnx.ModelProto, Shapes]:
    """The copy, and the shapes of the model's outputs by their names, in its order.

    Takes a model whose every shape is settled (`fix_shapes`).
    """
    copy = onnx.ModelProto()
    copy.CopyFrom(model)
    shapes = {
        entry.name: tuple(dim.dim_value for dim in entry.type.tensor_type.shape.dim)
        for entry in (*copy.graph.value_info, *copy.graph.output)
    }
    names = {spec.name: f"input_{at}" for at, spec in enumerate(input_specs(model))}
    flat = {entry.name for entry in copy.graph.output if len(shapes[entry.name]) > 2}
    names |= {name: f"midfuse_unflat_{name}" for name in flat}
    for entry in copy.graph.input:
        entry.name = names.get(entry.name, entry.name)
    nodes = list(copy.graph.node)
    del copy.graph.node[:]
    for node in nodes:
        shape = shapes.get(node.output[0], ())
        node.input[:] = [names.get(name, name) for name in node.input]
        node.output[:] = [names.get(name, name) for name in node.output]
        if node.op_type in ("Unsqueeze", "Squeeze", "Flatten") and all(shape) and shape:
            _reshape(copy, node.name, node.input[0], node.output[0], shape)
        elif node.op_type == "Constant" and node.attribute[0].name == "value":
            _constant(copy, node.output[0], numpy_helper.to_array(node.attribute[0].t))
        elif node.op_type == "Split" and all(shapes.get(part) for part in node.output):
            copy.graph.node.extend(_slices(copy, node, [shapes[part] for part in node.output]))
        elif node.op_type == "Neg":
            factor = _constant(copy, f"midfuse_minus_{node.output[0]}", np.array(-1, np.float32))
            product = [node.input[0], factor]
            copy.graph.node.append(helper.make_node("Mul", product, node.output, node.name))
        elif node.op_type == "HardSigmoid":
            copy.graph.node.extend(_hard_sigmoid(copy, node))
        else:
            copy.graph.node.append(node)
    for entry in copy.graph.output:
        if entry.name in flat:
            shape = (1, int(np.prod(shapes[entry.name])))
            _reshape(copy, f"midfuse_flat_{entry.name}", names[entry.name], entry.name, shape)
            entry.type.tensor_type.ClearField("shape")
    return copy, {entry.name: shapes[entry.name] for entry in copy.graph.output}


def _reshape(
    model: onnx.ModelProto, name: str, source: str, target: str, shape: tuple[int, ...]
) -> None:
    constant = _constant(model, f"midfuse_shape_{target}", np.array(shape, np.int64))
    model.graph.node.append(helper.make_node("Reshape", [source, constant], [target], name))


def _slices(
    model: onnx.ModelProto, node: Any, parts: list[tuple[int, ...]]
) -> Iterator[onnx.NodeProto]:
    axis = next((a.i for a in node.attribute if a.name == "axis"), 0)
    start = 0
    for target, shape in zip(node.output, parts, strict=True):
        ends = {"start": start, "end": start + shape[axis], "axis": axis}
        names = [
            _constant(model, f"midfuse_{what}_{target}", np.array([value], np.int64))
            for what, value in ends.items()
        ]
        yield helper.make_node("Slice", [node.input[0], *names], [target], node.name)
        start += shape[axis]


def _hard_sigmoid(model: onnx.ModelProto, node: Any) -> Iterator[onnx.NodeProto]:
    """max(0, min(1, a x + b)) as clip(6 a x + 6 b, 0, 6) / 6; both a and b have defaults."""
    settings = {attribute.name: attribute.f for attribute in node.attribute}
    slope, offset = 6 * settings.get("alpha", 0.2), 6 * settings.get("beta", 0.5)
    target = node.output[0]
    x = node.input[0]

    def scalar(what: str, value: float) -> str:
        return _constant(model, f"midfuse_{what}_{target}", np.array(value, np.float32))

    if abs(slope - 1) > 1e-6:
        yield helper.make_node("Mul", [x, scalar("slope", slope)], [f"{target}_slope"])
        x = f"{target}_slope"
    yield helper.make_node("Add", [x, scalar("offset", offset)], [f"{target}_offset"])
    limits = [scalar("low", 0), scalar("high", 6)]
    yield helper.make_node("Clip", [f"{target}_offset", *limits], [f"{target}_clip"])
    yield helper.make_node("Mul", [f"{target}_clip", scalar("sixth", 1 / 6)], [target], node.name)


def _constant(model: onnx.ModelProto, name: str, values: Any) -> str:
    model.graph.initializer.append(numpy_helper.from_array(values, name))
    return name
