"""A model cut into islands: every op alone, its activations fed from outside.

One `.tflite` holds all of them, so one interpreter runs every op of a model on inputs of our own
choosing: the local check feeds the float model's values to each int8 op.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from converter.lowering import schema_edit as edit
from midfuse.core.tflite_file import TFLiteModel, parse_tflite


@dataclass(frozen=True)
class Islands:
    """`model` has an input for every activation that an op reads, and every op's first output.

    `sources` names, input by input, the tensor of the whole model whose values belong there.
    Outputs are in the order of the ops.
    """

    model: TFLiteModel
    sources: tuple[int, ...]


def cut(model: TFLiteModel, constants: Mapping[int, npt.NDArray[Any]] | None = None) -> Islands:
    """Cut a model; `constants` are values to put in place of its own, by tensor index."""
    whole = edit.read(model.content)
    graph = whole.subgraphs[0]
    for index, values in (constants or {}).items():
        graph.tensors[index].buffer = edit.add_buffer(whole, values)
    entries: list[int] = []
    sources: list[int] = []
    for op, entry in zip(model.ops, graph.operators, strict=True):
        inputs = list(op.inputs)
        for position, source in enumerate(op.inputs):
            if source >= 0 and model.tensors[source].data is None:
                tensor, name = graph.tensors[source], f"island_{len(entries) + 1}".encode()
                entries.append(
                    edit.add_tensor(graph, name, tensor.type, tensor.shape, 0, tensor.quantization)
                )
                inputs[position] = entries[-1]
                sources.append(source)
        entry.inputs = np.array(inputs, np.int32)
    graph.inputs = np.array(entries, np.int32)
    graph.outputs = np.array([op.outputs[0] for op in model.ops], np.int32)
    whole.signatureDefs = []
    return Islands(parse_tflite(edit.write(whole), model.path), tuple(sources))


def rounded_constants(int8: TFLiteModel, float32: TFLiteModel) -> dict[int, npt.NDArray[Any]]:
    """The float model's constants as the int8 model has them: rounded, by float tensor index."""
    made_by = {float32.tensors[op.outputs[0]].name: op for op in float32.ops}
    rounded: dict[int, npt.NDArray[Any]] = {}
    for op in int8.ops:
        exact = made_by.get(int8.tensors[op.outputs[0]].name)
        for index, source in zip(op.inputs, exact.inputs if exact else (), strict=False):
            if index < 0 or source < 0 or float32.tensors[source].dtype != "float32":
                continue
            tensor = int8.tensors[index]
            if tensor.data is not None and tensor.quantization is not None:
                shape = [1] * len(tensor.shape)
                if len(tensor.quantization.scale) > 1:
                    shape[tensor.quantization.axis] = -1
                steps = tensor.data - tensor.quantization.zero_point.reshape(shape)
                values = steps * tensor.quantization.scale.astype(np.float64).reshape(shape)
                rounded[source] = values.astype(np.float32).reshape(float32.tensors[source].shape)
    return rounded
