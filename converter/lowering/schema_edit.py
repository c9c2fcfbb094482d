"""A `.tflite` as the schema's objects, to be changed in place: what every such change needs.

The objects are those of `schema_py_generated`, which has no types: a `ModelT` is whole, a
`SubGraphT` the graph in it.
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
import numpy.typing as npt
from ai_edge_litert import schema_py_generated as schema
from ai_edge_litert.tools import flatbuffer_utils

_NAMES = {v: k for k, v in vars(schema.BuiltinOperator).items() if isinstance(v, int)}


def read(content: bytes) -> Any:
    """The `ModelT` of a file's bytes."""
    return flatbuffer_utils.read_model_from_bytearray(bytearray(content))


def write(model: Any) -> bytes:
    """The file's bytes of a `ModelT`."""
    return bytes(flatbuffer_utils.convert_object_to_bytearray(model))


def raw(values: npt.NDArray[Any]) -> npt.NDArray[np.uint8]:
    """Values as a buffer has them."""
    return np.frombuffer(values.tobytes(), np.uint8)


def add_buffer(model: Any, values: npt.NDArray[Any]) -> int:
    """Values in a buffer of their own; its index."""
    buffer = schema.BufferT()
    buffer.data = raw(values)
    model.buffers.append(buffer)
    return len(model.buffers) - 1


def add_tensor(
    graph: Any, name: bytes, kind: int, shape: Any, buffer: int = 0, quantization: Any = None
) -> int:
    """A tensor, an activation where it has no buffer; its index. `kind` is a `TensorType`."""
    tensor = schema.TensorT()
    tensor.name, tensor.type, tensor.shape = name, kind, shape
    tensor.buffer, tensor.quantization = buffer, quantization
    graph.tensors.append(tensor)
    return len(graph.tensors) - 1


def one_step(scale: float, zero_point: int) -> Any:
    """The quantisation of a tensor with one scale."""
    quantization = schema.QuantizationParametersT()
    quantization.scale, quantization.zeroPoint = [scale], [zero_point]
    return quantization


def make_op(
    model: Any, name: str, inputs: Sequence[int], outputs: Sequence[int], version: int = 1
) -> Any:
    """A builtin op without options, in no graph yet; its code is added where no op has it."""
    op = schema.OperatorT()
    op.opcodeIndex, op.inputs, op.outputs = _code(model, name, version), inputs, outputs
    return op


def op_name(model: Any, op: Any) -> str:
    """What an op is: ADD, CONV_2D, …"""
    return code_name(model.operatorCodes[op.opcodeIndex])


def code_name(code: Any) -> str:
    """The builtin op that an `OperatorCodeT` stands for."""
    return _NAMES[flatbuffer_utils.get_builtin_code_from_operator_code(code)]


def set_code(code: Any, name: str) -> None:
    """Make an `OperatorCodeT` stand for a builtin op, in both fields in which readers look."""
    code.builtinCode = getattr(schema.BuiltinOperator, name)
    code.deprecatedBuiltinCode = min(code.builtinCode, 127)  # a byte: 127 marks what is above


def _code(model: Any, name: str, version: int) -> int:
    for at, code in enumerate(model.operatorCodes):
        if code_name(code) == name and code.version == version:
            return at
    code = schema.OperatorCodeT()
    code.version = version
    set_code(code, name)
    model.operatorCodes.append(code)
    return len(model.operatorCodes) - 1
