"""A float `.tflite` to be changed in place: constants, and roundings put between ops.

Works on the schema's objects; ops and tensors are known by their indices in the parsed model.
"""

from typing import Any

import numpy as np
from ai_edge_litert import schema_py_generated as schema
from ai_edge_litert.tools import flatbuffer_utils

from converter.reading.windows import FloatArray
from midfuse.tflite_file import TFLiteModel, parse_tflite


class FloatGraph:
    """An editable copy of a float model; `model()` gives the result."""

    def __init__(self, model: TFLiteModel) -> None:
        self._path = model.path
        self._whole = flatbuffer_utils.read_model_from_bytearray(bytearray(model.content))
        self._graph = self._whole.subgraphs[0]

    def model(self) -> TFLiteModel:
        return parse_tflite(
            bytes(flatbuffer_utils.convert_object_to_bytearray(self._whole)), self._path
        )

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
            tensor = self._like(tensor, f"/op_{op}", tensor.type)
            entry.inputs = np.array(entry.inputs, np.int32)
            entry.inputs[position] = len(self._graph.tensors) - 1
        holders = sum(each.buffer == tensor.buffer for each in self._graph.tensors)
        buffer = schema.BufferT()
        buffer.data = np.frombuffer(np.ascontiguousarray(values).tobytes(), np.uint8)
        if holders > 1:
            tensor.buffer = len(self._whole.buffers)
            self._whole.buffers.append(buffer)
        else:
            self._whole.buffers[tensor.buffer] = buffer

    def without_activation(self, op: int) -> None:
        """Leave the fused activation out of an op."""
        options = self._graph.operators[op].builtinOptions
        options.fusedActivationFunction = schema.ActivationFunctionType.NONE

    def round_tensors(self, steps: dict[int, tuple[float, int]]) -> None:
        """Round activations to int8 (scale and zero point by tensor) and back, for all readers."""
        quantise = self._code(schema.BuiltinOperator.QUANTIZE, version=1)
        dequantise = self._code(schema.BuiltinOperator.DEQUANTIZE, version=2)
        for index, (scale, zero_point) in steps.items():
            source = self._graph.tensors[index]
            codes = self._like(source, "/codes", schema.TensorType.INT8)
            codes.buffer = 0
            codes.quantization = schema.QuantizationParametersT()
            codes.quantization.scale, codes.quantization.zeroPoint = [scale], [zero_point]
            self._like(source, "/rounded", source.type)
            at = len(self._graph.tensors)
            producer = -1
            for position, entry in enumerate(self._graph.operators):
                if index in entry.outputs:
                    producer = position
                entry.inputs = [at - 1 if int(i) == index else int(i) for i in entry.inputs]
            self._graph.outputs = [
                at - 1 if int(i) == index else int(i) for i in self._graph.outputs
            ]
            self._graph.operators[producer + 1 : producer + 1] = [
                _op(quantise, index, at - 2),
                _op(dequantise, at - 2, at - 1),
            ]
        self._whole.signatureDefs = []

    def _like(self, tensor: Any, suffix: str, kind: int) -> Any:
        copy = schema.TensorT()
        copy.name = tensor.name + suffix.encode()
        copy.type, copy.shape, copy.buffer = kind, tensor.shape, tensor.buffer
        self._graph.tensors.append(copy)
        return copy

    def _code(self, builtin: int, version: int) -> int:
        code = schema.OperatorCodeT()
        code.builtinCode = code.deprecatedBuiltinCode = builtin
        code.version = version
        self._whole.operatorCodes.append(code)
        return len(self._whole.operatorCodes) - 1


def _op(code: int, source: int, result: int) -> Any:
    op = schema.OperatorT()
    op.opcodeIndex, op.inputs, op.outputs = code, [source], [result]
    return op
