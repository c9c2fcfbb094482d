"""A reader of `.tflite` files that trusts nothing in them.

The accessors are those that the `tflite` package generates from the schema; they follow offsets
blindly, so every length is checked against the file's size before it is used, and whatever they
stumble over becomes one `InputError` that names the file.
"""

import struct
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import tflite

from midfuse.core.card import sha256
from midfuse.core.errors import InputError
from midfuse.core.ops import OPS

_OP_NAMES = {v: k for k, v in vars(tflite.BuiltinOperator).items() if isinstance(v, int)}
# The schema's number of each type; the wire and the C descriptors use the same.
TYPE_NUMBERS = {k.lower(): v for k, v in vars(tflite.TensorType).items() if isinstance(v, int)}
_TYPE_NAMES = {number: name for name, number in TYPE_NUMBERS.items()}
_NUMPY_TYPES = {
    "int8": np.int8,
    "int16": np.int16,
    "int32": np.int32,
    "int64": np.int64,
    "uint8": np.uint8,
    "float32": np.float32,
    "bool": np.bool_,
}
# No model for a microcontroller is near these; a hostile one is stopped by them.
_MAX_RANK = 6
_MAX_ELEMENTS = 1 << 28
# Products and ratios of two scales between its inverse and it stay normal float32 numbers.
_MAX_SCALE = 2.0**60


@dataclass(frozen=True)
class Quantization:
    """Affine quantisation: real = scale * (q - zero_point), per tensor or along `axis`."""

    scale: npt.NDArray[np.float32]
    zero_point: npt.NDArray[np.int64]
    axis: int = 0


@dataclass(frozen=True)
class Tensor:
    """One tensor of the main subgraph; `data` holds a constant's values."""

    index: int
    name: str
    dtype: str
    shape: tuple[int, ...]
    quantization: Quantization | None
    data: npt.NDArray[Any] | None

    @property
    def elements(self) -> int:
        return int(np.prod(self.shape, dtype=np.int64))

    @property
    def bytes(self) -> int:
        """What all elements take in memory."""
        return self.elements * self.item_bytes

    @property
    def item_bytes(self) -> int:
        """What one element takes."""
        return np.dtype(_NUMPY_TYPES[self.dtype]).itemsize

    @property
    def scale(self) -> np.float32:
        """The per-tensor scale, in the float32 that TFLM computes with."""
        assert self.quantization is not None
        return np.float32(self.quantization.scale[0])

    @property
    def zero_point(self) -> int:
        assert self.quantization is not None
        return int(self.quantization.zero_point[0])


@dataclass(frozen=True)
class Op:
    """One operator; a missing optional input is -1. `options` are the schema's, snake_case."""

    index: int
    name: str
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
    options: dict[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class TFLiteModel:
    """The main subgraph of a `.tflite`, its constants, and the bytes it came from."""

    path: Path
    content: bytes
    tensors: list[Tensor]
    ops: list[Op]
    inputs: tuple[int, ...]
    outputs: tuple[int, ...]
    input_names: tuple[str, ...]
    output_names: tuple[str, ...]

    @property
    def sha256(self) -> str:
        return sha256(self.content)


def read_tflite(path: Path) -> TFLiteModel:
    """Read a `.tflite`.

    `input_names` and `output_names` are the signature's where there is one, else the tensors'.

    Raises:
        InputError: no such file, not a TFLite file, truncated, or inconsistent.
    """
    try:
        content = path.read_bytes()
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror})", "name a .tflite") from None
    return parse_tflite(content, path)


def parse_tflite(content: bytes, path: Path) -> TFLiteModel:
    """Read a `.tflite` that is already in memory; `path` only names it in errors."""
    if content[4:8] != b"TFL3":
        raise InputError(f"{path}: not a TFLite file (no TFL3 mark)", "name a .tflite")
    try:
        return _Reader(content, path).model()
    except (
        struct.error,
        IndexError,
        ValueError,
        TypeError,
        KeyError,
        OverflowError,
        AttributeError,
        MemoryError,
    ) as error:
        raise InputError(
            f"{path}: truncated or damaged ({type(error).__name__}: {error})", "convert it again"
        ) from None


class _Reader:
    def __init__(self, content: bytes, path: Path) -> None:
        self.content = content
        self.path = path

    def model(self) -> TFLiteModel:
        model = tflite.Model.GetRootAs(self.content, 0)
        if self.count(model.SubgraphsLength()) != 1:
            raise self.error(f"has {model.SubgraphsLength()} subgraphs", "only one is supported")
        graph = model.Subgraphs(0)
        buffers = self.count(model.BuffersLength())
        tensors = [
            self.tensor(model, graph.Tensors(index), index, buffers)
            for index in range(self.count(graph.TensorsLength()))
        ]
        ops = [
            self.op(model, graph.Operators(index), index, len(tensors))
            for index in range(self.count(graph.OperatorsLength()))
        ]
        inputs = self.indices(graph.InputsAsNumpy(), len(tensors), "input", optional=False)
        outputs = self.indices(graph.OutputsAsNumpy(), len(tensors), "output", optional=False)
        names = {index: tensors[index].name for index in (*inputs, *outputs)}
        names.update(self.signature(model))
        return TFLiteModel(
            path=self.path,
            content=self.content,
            tensors=tensors,
            ops=ops,
            inputs=inputs,
            outputs=outputs,
            input_names=tuple(names[index] for index in inputs),
            output_names=tuple(names[index] for index in outputs),
        )

    def error(self, problem: str, remedy: str) -> InputError:
        return InputError(f"{self.path}: {problem}", remedy)

    def count(self, length: int) -> int:
        """A vector's length, refused where the file is too short to hold it."""
        if not 0 <= length <= len(self.content):
            raise ValueError(f"a vector of {length} entries")
        return length

    def indices(self, vector: Any, tensors: int, what: str, *, optional: bool) -> tuple[int, ...]:
        found = tuple(int(i) for i in vector) if isinstance(vector, np.ndarray) else ()
        if any(not (-1 if optional else 0) <= index < tensors for index in found):
            raise ValueError(f"an {what} names a tensor that does not exist")
        return found

    def signature(self, model: Any) -> Iterator[tuple[int, str]]:
        for at in range(min(self.count(model.SignatureDefsLength()), 1)):
            definition = model.SignatureDefs(at)
            for index in range(self.count(definition.InputsLength())):
                entry = definition.Inputs(index)
                yield entry.TensorIndex(), _text(entry.Name())
            for index in range(self.count(definition.OutputsLength())):
                entry = definition.Outputs(index)
                yield entry.TensorIndex(), _text(entry.Name())

    def tensor(self, model: Any, entry: Any, index: int, buffers: int) -> Tensor:
        name = _text(entry.Name())
        dtype = _TYPE_NAMES[entry.Type()]
        rank = self.count(entry.ShapeLength())
        shape = tuple(int(entry.Shape(i)) for i in range(min(rank, _MAX_RANK + 1)))
        elements = int(np.prod(shape, dtype=np.float64)) if shape else 1
        if rank > _MAX_RANK or min(shape, default=0) < 0 or elements > _MAX_ELEMENTS:
            raise ValueError(f"tensor {index} has the shape {shape}")
        return Tensor(
            index,
            name,
            dtype,
            shape,
            self.quantization(entry.Quantization(), index, shape),
            self.constant(model, entry.Buffer(), buffers, dtype, shape, index),
        )

    def quantization(self, entry: Any, index: int, shape: tuple[int, ...]) -> Quantization | None:
        if entry is None or self.count(entry.ScaleLength()) == 0:
            return None
        scale = np.array(entry.ScaleAsNumpy(), np.float32)
        zero_point = (
            np.array(entry.ZeroPointAsNumpy(), np.int64)
            if self.count(entry.ZeroPointLength())
            else np.zeros(len(scale), np.int64)
        )
        axis = int(entry.QuantizedDimension())
        if not ((scale >= 1 / _MAX_SCALE) & (scale <= _MAX_SCALE)).all():  # NaN fails both
            raise ValueError(f"tensor {index} has a scale that no real model has")
        if len(zero_point) != len(scale):
            raise ValueError(
                f"tensor {index} has {len(scale)} scales, {len(zero_point)} zero points"
            )
        if len(scale) > 1 and not (0 <= axis < len(shape) and shape[axis] == len(scale)):
            raise ValueError(f"tensor {index} has {len(scale)} scales on axis {axis} of {shape}")
        return Quantization(scale, zero_point, axis)

    def constant(
        self, model: Any, buffer: int, buffers: int, dtype: str, shape: tuple[int, ...], index: int
    ) -> npt.NDArray[Any] | None:
        if not 0 <= buffer < buffers:
            raise ValueError(f"tensor {index} names buffer {buffer} of {buffers}")
        entry = model.Buffers(buffer)
        if self.count(entry.DataLength()) == 0:
            return None
        if dtype not in _NUMPY_TYPES:
            raise ValueError(f"tensor {index} is a constant of type {dtype}")
        data = entry.DataAsNumpy()
        return np.frombuffer(data.tobytes(), _NUMPY_TYPES[dtype]).reshape(shape)

    def op(self, model: Any, entry: Any, index: int, tensors: int) -> Op:
        code_index = entry.OpcodeIndex()
        if not 0 <= code_index < self.count(model.OperatorCodesLength()):
            raise ValueError(f"op {index} names operator code {code_index}")
        code = model.OperatorCodes(code_index)
        builtin = max(code.BuiltinCode(), code.DeprecatedBuiltinCode())
        name = _OP_NAMES[builtin]
        if name == "CUSTOM":
            name = _text(code.CustomCode()) or name
        return Op(
            index,
            name,
            self.indices(entry.InputsAsNumpy(), tensors, f"op {index}", optional=True),
            self.indices(entry.OutputsAsNumpy(), tensors, f"op {index}", optional=False),
            self.options(entry, name),
        )

    def options(self, entry: Any, name: str) -> dict[str, Any]:
        known = OPS[name].options if name in OPS else None
        if known is None or entry.BuiltinOptions() is None:
            return {}
        if entry.BuiltinOptionsType() != getattr(tflite.BuiltinOptions, known.table):
            raise ValueError(f"a {name} carries another op's options")
        options = getattr(tflite, known.table)()
        options.Init(entry.BuiltinOptions().Bytes, entry.BuiltinOptions().Pos)
        return {
            field: getattr(options, "".join(part.capitalize() for part in field.split("_")))()
            for field in known.fields
        }


def _text(raw: bytes | None) -> str:
    """A name from the file, safe to show: it stays on one line."""
    text = (raw or b"").decode(errors="replace")
    return "".join(c if c.isprintable() else "?" for c in text)
