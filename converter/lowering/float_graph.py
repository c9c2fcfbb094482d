"""A float `.tflite` to be changed in place: constants, and roundings put between ops.

Works on the schema's objects; ops and tensors are known by their indices in the parsed model.
"""

import numpy as np
from ai_edge_litert import schema_py_generated as schema

from converter.lowering import schema_edit as edit
from converter.reading.windows import FloatArray
from midfuse.core.tflite_file import TFLiteModel, parse_tflite


class FloatGraph:
    """An editable copy of a float model; `model()` gives the result."""

    def __init__(self, model: TFLiteModel) -> None:
        self._path = model.path
        self._whole = edit.read(model.content)
        self._graph = self._whole.subgraphs[0]

    def model(self) -> TFLiteModel:
        return parse_tflite(edit.write(self._whole), self._path)

    def constant(self, op: int, position: int) -> FloatArray:
        """The values of a constant that an op reads, in its shape."""
        tensor = self._graph.tensors[self._graph.operators[op].inputs[position]]
        data = np.asarray(self._whole.buffers[tensor.buffer].data, np.uint8)
        values: FloatArray = np.frombuffer(data.tobytes(), np.float32)
        return values.reshape([] if tensor.shape is None else [int(size) for size in tensor.shape])

    def set_constant(self, op: int, position: int, values: FloatArray) -> None:
        """Give this op, and no other that reads the same constant, new values of the same shape."""
        entry = self._graph.operators[op]
        index = int(entry.inputs[position])
        tensor = self._graph.tensors[index]
        readers = sum(int(i) == index for each in self._graph.operators for i in each.inputs)
        if readers > 1:
            entry.inputs = np.array(entry.inputs, np.int32)
            entry.inputs[position] = self._copy(index, f"/op_{op}")
            tensor = self._graph.tensors[-1]
        holders = sum(each.buffer == tensor.buffer for each in self._graph.tensors)
        if holders > 1:
            tensor.buffer = edit.add_buffer(self._whole, values)
        else:
            self._whole.buffers[tensor.buffer].data = edit.raw(values)

    def without_activation(self, op: int) -> None:
        """Leave the fused activation out of an op."""
        options = self._graph.operators[op].builtinOptions
        options.fusedActivationFunction = schema.ActivationFunctionType.NONE

    def round_tensors(self, steps: dict[int, tuple[float, int]]) -> None:
        """Round activations to int8 (scale and zero point by tensor) and back, for all readers."""
        graph = self._graph
        for index, (scale, zero_point) in steps.items():
            source, step = graph.tensors[index], edit.one_step(scale, zero_point)
            int8 = schema.TensorType.INT8
            codes = edit.add_tensor(graph, source.name + b"/codes", int8, source.shape, 0, step)
            rounded = self._copy(index, "/rounded")
            producer = -1
            for position, entry in enumerate(graph.operators):
                if index in entry.outputs:
                    producer = position
                entry.inputs = [rounded if int(i) == index else int(i) for i in entry.inputs]
            graph.outputs = [rounded if int(i) == index else int(i) for i in graph.outputs]
            graph.operators[producer + 1 : producer + 1] = [
                edit.make_op(self._whole, "QUANTIZE", [index], [codes]),
                edit.make_op(self._whole, "DEQUANTIZE", [codes], [rounded], version=2),
            ]
        self._whole.signatureDefs = []

    def _copy(self, index: int, suffix: str) -> int:
        """One more tensor like this one, on the same buffer."""
        tensor = self._graph.tensors[index]
        name = tensor.name + suffix.encode()
        return edit.add_tensor(self._graph, name, tensor.type, tensor.shape, tensor.buffer)
