"""An `.onnx` whose every shape is a number: open axes settled, shape arithmetic computed.

The calibration windows say how large an open axis is. What a graph then computes from shapes and
constants alone is the same in every inference; its values take the place of its ops.
"""

from typing import Any

import numpy as np
import onnx
from onnx import numpy_helper

from converter.reading.onnx_file import (
    MAX_ELEMENTS,
    OnnxModel,
    constant_names,
    graph_inputs,
    says,
)
from converter.reading.windows import MAX_AXES, FloatArray
from midfuse.core.errors import InputError

Shapes = dict[str, list[int] | None]

# Values that only change places do so over any number of axes.
_MOVES = (
    *("Concat", "Flatten", "Gather", "Identity", "Reshape", "Slice", "Split", "Squeeze"),
    *("Transpose", "Unsqueeze"),
)
_MOST_AXES = 6


def fix_shapes(model: onnx.ModelProto, window: list[FloatArray], where: str) -> onnx.ModelProto:
    """A copy of the model for inputs of exactly the window's shapes.

    Raises:
        InputError: shapes that contradict each other, that only the data decide, of more axes
            than an op has on the target, or of too many values; an output that is a constant.
    """
    fixed = onnx.ModelProto()
    fixed.CopyFrom(model)
    for entry, values in zip(graph_inputs(fixed), window, strict=True):
        for dim, size in zip(entry.type.tensor_type.shape.dim, values.shape, strict=True):
            dim.dim_value = size
    fixed = _infer(fixed, where)
    # Where a shape is computed from another one, the next is known only when that one is.
    while _compute_constants(fixed, where):
        fixed = _infer(fixed, where)
    _check_shapes(fixed, where)
    return fixed


def _infer(model: onnx.ModelProto, where: str) -> onnx.ModelProto:
    """All shapes anew: those that a file states may be those of other inputs."""
    del model.graph.value_info[:]
    for entry in model.graph.output:
        entry.type.tensor_type.ClearField("shape")
    try:
        model = onnx.shape_inference.infer_shapes(model, strict_mode=True, data_prop=True)
    except (onnx.shape_inference.InferenceError, ValueError, RuntimeError) as error:
        raise InputError(
            f"{where}: its shapes contradict each other ({str(error)[:300]})",
            "check that the calibration windows have the shape that the model was made for",
        ) from None
    for name, shape in _shapes(model).items():
        if shape is not None and np.prod(shape, dtype=np.float64) > MAX_ELEMENTS:
            raise InputError(
                f"{where}: tensor {name} has the shape {shape}: more than {MAX_ELEMENTS} values",
                "no microcontroller holds such a tensor",
            )
    return model


def _shapes(model: onnx.ModelProto) -> Shapes:
    """The shape of every tensor of the main graph that is not constant; None where it is open."""
    graph = model.graph
    shapes: Shapes = {name: None for node in graph.node for name in node.output if name}
    for entry in (*graph.input, *graph.value_info, *graph.output):
        kind = entry.type.tensor_type
        dims = [dim.dim_value if dim.HasField("dim_value") else -1 for dim in kind.shape.dim]
        known = kind.HasField("shape") and min(dims, default=0) >= 0
        shapes[entry.name] = dims if known else None
    return shapes


def _compute_constants(model: onnx.ModelProto, where: str) -> bool:
    """Put values in the place of ops that compute from known shapes and constants; any done?"""
    graph, shapes = model.graph, _shapes(model)
    values: dict[str, Any] = {}
    for node in graph.node:
        shape = shapes.get(node.input[0]) if node.op_type in ("Shape", "Size") else None
        if shape is not None:
            values[node.output[0]] = _shape_value(node, shape)
    graph.initializer.extend(numpy_helper.from_array(v, name) for name, v in values.items())
    left = [node for node in graph.node if not values.keys() & set(node.output)]
    constant = constant_names(graph)
    computing = [n for n in left if n.op_type != "Constant" and constant.issuperset(n.output)]
    if computing:
        results = _run(model, computing, where)
        graph.initializer.extend(numpy_helper.from_array(v, name) for name, v in results.items())
        left = [node for node in left if node not in computing]
    nodes = [onnx.NodeProto.FromString(node.SerializeToString()) for node in left]
    del graph.node[:]
    graph.node.extend(nodes)
    return bool(values or computing)


def _shape_value(node: Any, shape: list[int]) -> Any:
    if node.op_type == "Size":
        return np.array(np.prod(shape, dtype=np.int64))
    ends = {attribute.name: attribute.i for attribute in node.attribute}
    return np.array(shape[ends.get("start", 0) : ends.get("end", len(shape))], np.int64)


def _run(model: onnx.ModelProto, nodes: list[Any], where: str) -> dict[str, Any]:
    """What the nodes give, which take nothing but constants."""
    part = onnx.ModelProto()
    part.CopyFrom(model)
    constants = [node for node in model.graph.node if node.op_type == "Constant"]
    del part.graph.node[:], part.graph.input[:], part.graph.value_info[:]
    part.graph.node.extend([*constants, *nodes])
    names = [name for node in nodes for name in node.output if name]
    return dict(zip(names, OnnxModel(part, where, names).run([]), strict=True))


def _check_shapes(model: onnx.ModelProto, where: str) -> None:
    shapes, constant = _shapes(model), constant_names(model.graph)
    for node in model.graph.node:
        for name in (*node.input, *node.output):
            shape = shapes.get(name, [])
            if name in constant:
                continue
            if shape is None or 0 in shape:
                raise InputError(
                    f"{says(node, where)}, and the shape of {name} is"
                    f" {'not settled by the windows' if shape is None else shape}",
                    "use only ops whose output shapes follow from the shapes of their inputs",
                )
            if len(shape) > (_MOST_AXES if node.op_type in _MOVES else MAX_AXES):
                raise InputError(
                    f"{says(node, where)} on {name} of {len(shape)} axes, {shape}",
                    f"join axes by a reshape: the target has at most {MAX_AXES}",
                )
    for entry in model.graph.output:
        if entry.name in constant:
            raise InputError(
                f"{where}: output {entry.name} depends on no input", "leave it out of the model"
            )
        if shapes.get(entry.name) is None:
            raise InputError(
                f"{where}: the shape of output {entry.name} is not settled by the windows",
                "use only ops whose output shapes follow from the shapes of their inputs",
            )
