"""Builds small `.tflite` files op by op, with the schema's object API that tflite-micro ships."""

from dataclasses import dataclass, field
from typing import Any

import flatbuffers
import numpy as np
import numpy.typing as npt
from tflite_micro.tensorflow.lite.micro.python import schema_py_generated as schema

__all__ = ["TFLiteBuilder", "schema"]

_TYPES = {
    "int8": schema.TensorType.INT8,
    "int16": schema.TensorType.INT16,
    "int64": schema.TensorType.INT64,
    "int32": schema.TensorType.INT32,
    "float32": schema.TensorType.FLOAT32,
}


@dataclass
class TFLiteBuilder:
    """Add tensors and ops, then `content()`. Tensors without data and producer become inputs."""

    tensors: list[Any] = field(default_factory=list)
    buffers: list[Any] = field(default_factory=lambda: [schema.BufferT()])
    ops: list[Any] = field(default_factory=list)
    codes: list[Any] = field(default_factory=list)
    inputs: list[int] = field(default_factory=list)
    outputs: list[int] = field(default_factory=list)

    def tensor(
        self,
        shape: tuple[int, ...],
        scale: float | list[float] | None = None,
        zero_point: int = 0,
        *,
        dtype: str = "int8",
        data: npt.NDArray[Any] | None = None,
        axis: int = 0,
    ) -> int:
        """An activation, or a constant where `data` is given; its index."""
        tensor = schema.TensorT()
        tensor.shape = list(shape)
        tensor.type = _TYPES[dtype]
        tensor.name = f"tensor_{len(self.tensors)}"
        if scale is not None:
            scales = scale if isinstance(scale, list) else [scale]
            quantization = schema.QuantizationParametersT()
            quantization.scale = scales
            quantization.zeroPoint = [zero_point] * len(scales)
            quantization.quantizedDimension = axis
            tensor.quantization = quantization
        tensor.buffer = 0
        if data is not None:
            buffer = schema.BufferT()
            buffer.data = np.frombuffer(data.tobytes(), np.uint8)
            tensor.buffer = len(self.buffers)
            self.buffers.append(buffer)
        self.tensors.append(tensor)
        return len(self.tensors) - 1

    def input(
        self,
        shape: tuple[int, ...],
        scale: float | None,
        zero_point: int,
        *,
        dtype: str = "int8",
    ) -> int:
        """A model input."""
        index = self.tensor(shape, scale, zero_point, dtype=dtype)
        self.inputs.append(index)
        return index

    def numbers(self, values: list[int]) -> int:
        """A constant int32 vector, such as axes."""
        return self.tensor((len(values),), dtype="int32", data=np.array(values, np.int32))

    def op(
        self, name: str, inputs: list[int], output: int | list[int], options: Any = None
    ) -> None:
        """An operator; `options` is the schema's object, e.g. `schema.AddOptionsT()`."""
        builtin = getattr(schema.BuiltinOperator, name)
        codes = [code.builtinCode for code in self.codes]
        if builtin not in codes:
            code = schema.OperatorCodeT()
            code.builtinCode = builtin
            code.deprecatedBuiltinCode = min(builtin, 127)
            code.version = 1
            self.codes.append(code)
            codes.append(builtin)
        op = schema.OperatorT()
        op.opcodeIndex = codes.index(builtin)
        op.inputs = inputs
        op.outputs = output if isinstance(output, list) else [output]
        if options is not None:
            kind = type(options).__name__.removesuffix("T")
            op.builtinOptionsType = getattr(schema.BuiltinOptions, kind)
            op.builtinOptions = options
        self.ops.append(op)

    def constant(self, buffer: int) -> bytes:
        """A buffer's bytes; none in the first, which is every activation's."""
        data = self.buffers[buffer].data
        return b"" if data is None else bytes(data)

    def content(self) -> bytes:
        """The file's bytes; outputs default to what no op reads."""
        graph = schema.SubGraphT()
        graph.tensors = self.tensors
        graph.operators = self.ops
        graph.inputs = self.inputs
        read = {index for op in self.ops for index in op.inputs}
        written = [index for op in self.ops for index in op.outputs]
        graph.outputs = self.outputs or [index for index in written if index not in read]
        model = schema.ModelT()
        model.version = 3
        model.description = "test"
        model.operatorCodes = self.codes
        model.subgraphs = [graph]
        model.buffers = self.buffers
        builder = flatbuffers.Builder(1024)
        builder.Finish(model.Pack(builder), file_identifier=b"TFL3")
        return bytes(builder.Output())
