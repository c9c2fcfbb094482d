"""The float `.tflite` made ready: the model's own names, and bias additions folded.

What tensorflow's converter leaves behind, put right on the graph itself:
- Inputs and outputs get the names and the order of the ONNX model, and a signature that says so.
- Outputs of three axes and more, which come flat, get the shape that they have in ONNX.
- Positions, axes and shapes in int64 become int32, the type that TFLM takes them in.
- A FULLY_CONNECTED without bias followed by the ADD of a constant row (which the converter leaves
  apart where a ReLU follows) becomes one op. On the microcontroller the addition would cost a pass
  over the tensor and one more rounding.
"""

import re
from collections import Counter
from typing import Any

import numpy as np
from ai_edge_litert import schema_py_generated as schema

from converter.lowering import schema_edit as edit
from converter.lowering.plain import Shapes
from midfuse.core.errors import InputError

SIGNATURE = "serving_default"


def tidy(content: bytes, inputs: list[str], outputs: Shapes, where: str) -> bytes:
    """The same model, tidied; `inputs` and `outputs` are the ONNX model's, in its order.

    Expects what `plain_copy` and `onnx_to_tflite` made.

    Raises:
        InputError: an input that no op uses, or another number of outputs.
    """
    model = edit.read(content)
    graph = model.subgraphs[0]
    _order_inputs(graph, inputs, where)
    _order_outputs(graph, list(outputs), where)
    _shape_outputs(model, graph, list(outputs.values()))
    _narrow_integers(model, graph)
    _fold_biases(model, graph)
    _drop_unused(graph)
    _name(model, graph, inputs, list(outputs))
    return edit.write(model)


def _order_inputs(graph: Any, inputs: list[str], where: str) -> None:
    found = {}
    for index in graph.inputs:
        mark = re.search(r"input_(\d+)", graph.tensors[index].name.decode(errors="replace"))
        if mark is not None:
            found[int(mark.group(1))] = int(index)
    for position, name in enumerate(inputs):
        if position not in found:
            raise InputError(f"{where}: input {name} is used by no op", "leave it out of the model")
    graph.inputs = np.array([found[i] for i in range(len(inputs))], np.int32)


def _order_outputs(graph: Any, outputs: list[str], where: str) -> None:
    """Several outputs carry their position as `…:<i>`."""
    if len(graph.outputs) != len(outputs):
        raise InputError(
            f"{where}: has {len(outputs)} outputs, its TFLite form {len(graph.outputs)}",
            "give it outputs that differ",
        )

    def position(index: int) -> int:
        suffix = graph.tensors[index].name.decode(errors="replace").rpartition(":")[2]
        return int(suffix) if suffix.isdigit() else 0

    graph.outputs = np.array(sorted(map(int, graph.outputs), key=position), np.int32)


def _shape_outputs(model: Any, graph: Any, shapes: list[tuple[int, ...]]) -> None:
    """The RESHAPE that made an output flat goes; where it did more than that, another one comes."""
    for at, shape in enumerate(shapes):
        if len(shape) < 3:
            continue
        source = int(graph.outputs[at])
        flatten = next((op for op in graph.operators if int(op.outputs[0]) == source), None)
        if flatten is not None and edit.op_name(model, flatten) == "RESHAPE":
            if not any(source in op.inputs for op in graph.operators):
                graph.operators.remove(flatten)
            source = int(flatten.inputs[0])
        if tuple(graph.tensors[source].shape) != shape or source in (*graph.inputs, *graph.outputs):
            inputs = [source, _int32s(model, graph, shape)]
            source = edit.add_tensor(graph, b"output", schema.TensorType.FLOAT32, shape)
            graph.operators.append(edit.make_op(model, "RESHAPE", inputs, [source]))
        graph.outputs[at] = source


def _narrow_integers(model: Any, graph: Any) -> None:
    for tensor in graph.tensors:
        data = model.buffers[tensor.buffer].data
        if tensor.type == schema.TensorType.INT64 and data is not None:
            values = np.frombuffer(bytes(data), np.int64)
            # An end beyond every end, as of a slice, stays one.
            limits = np.iinfo(np.int32)
            tensor.buffer = edit.add_buffer(
                model, values.clip(limits.min, limits.max).astype(np.int32)
            )
            tensor.type = schema.TensorType.INT32


def _fold_biases(model: Any, graph: Any) -> None:
    readers = Counter(int(i) for op in graph.operators for i in op.inputs)
    readers.update(int(i) for i in graph.outputs)
    producer = {int(op.outputs[0]): op for op in graph.operators}
    for add in [op for op in graph.operators if edit.op_name(model, op) == "ADD"]:
        for value, row in (add.inputs, add.inputs[::-1]):
            linear = producer.get(int(value))
            if (
                linear is not None
                and edit.op_name(model, linear) == "FULLY_CONNECTED"
                and (len(linear.inputs) < 3 or linear.inputs[2] == -1)
                and linear.builtinOptions.fusedActivationFunction
                == schema.ActivationFunctionType.NONE
                and readers[int(value)] == 1
                and _is_row(model, graph, int(row), int(graph.tensors[value].shape[-1]))
            ):
                width = int(graph.tensors[value].shape[-1])
                linear.inputs = [*linear.inputs[:2], _bias(graph, int(row), width)]
                linear.outputs = add.outputs
                linear.builtinOptions.fusedActivationFunction = (
                    add.builtinOptions.fusedActivationFunction
                )
                graph.operators.remove(add)
                break


def _is_row(model: Any, graph: Any, index: int, width: int) -> bool:
    """Whether a tensor is a constant of `width` values along the last axis only."""
    tensor = graph.tensors[index]
    constant = model.buffers[tensor.buffer].data is not None
    shape = [] if tensor.shape is None else [int(size) for size in tensor.shape]
    return constant and shape != [] and shape[-1] == width and int(np.prod(shape)) == width


def _bias(graph: Any, index: int, width: int) -> int:
    """A tensor of its own for the bias, on the same constant, with the shape a bias has."""
    source = graph.tensors[index]
    return edit.add_tensor(graph, source.name + b"/bias", source.type, (width,), source.buffer)


def _int32s(model: Any, graph: Any, values: tuple[int, ...]) -> int:
    """A constant tensor of integers."""
    buffer = edit.add_buffer(model, np.array(values, np.int32))
    return edit.add_tensor(graph, b"shape", schema.TensorType.INT32, (len(values),), buffer)


def _drop_unused(graph: Any) -> None:
    """Leave out the tensors that no op and no interface names any more."""
    used = {int(i) for op in graph.operators for i in (*op.inputs, *op.outputs) if i >= 0}
    used |= {int(i) for i in (*graph.inputs, *graph.outputs)}
    place = {old: new for new, old in enumerate(sorted(used))} | {-1: -1}
    graph.tensors = [graph.tensors[old] for old in sorted(used)]
    for op in graph.operators:
        op.inputs = np.array([place[int(i)] for i in op.inputs], np.int32)
        op.outputs = np.array([place[int(i)] for i in op.outputs], np.int32)
    graph.inputs = np.array([place[int(i)] for i in graph.inputs], np.int32)
    graph.outputs = np.array([place[int(i)] for i in graph.outputs], np.int32)


def _name(model: Any, graph: Any, inputs: list[str], outputs: list[str]) -> None:
    """Interface tensors get the model's names, the others the first op merged into them.

    A signature maps the interface's names too. Names stay unique: the quantiser needs that.
    """
    ends = dict(zip(graph.inputs.tolist(), inputs, strict=True))
    ends |= dict(zip(graph.outputs.tolist(), outputs, strict=True))
    taken = set(ends.values())
    for index, tensor in enumerate(graph.tensors):
        name = ends.get(index)
        if name is None:
            merged = tensor.name.decode(errors="replace")
            name = re.sub(r"^model(_\d+)?/", "", merged.partition(";")[0])
            if name in taken:
                name += f"/{index}"
            taken.add(name)
        tensor.name = name.encode()
    signature = schema.SignatureDefT()
    signature.signatureKey = SIGNATURE.encode()
    signature.subgraphIndex = 0
    signature.inputs = _tensor_map(graph.inputs, inputs)
    signature.outputs = _tensor_map(graph.outputs, outputs)
    model.signatureDefs = [signature]


def _tensor_map(indices: Any, names: list[str]) -> list[Any]:
    entries = []
    for index, name in zip(indices, names, strict=True):
        entry = schema.TensorMapT()
        entry.name, entry.tensorIndex = name.encode(), int(index)
        entries.append(entry)
    return entries
