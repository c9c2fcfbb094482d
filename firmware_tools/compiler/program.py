"""What lies between a `.tflite` and the C that is written for it: constants, kernel calls, storage.

A lowering turns one operator into kernel calls; the passes rewrite the program they make; the
planner gives every tensor a place in the arena; the emitter writes C.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import numpy.typing as npt

from midfuse.errors import InputError
from midfuse.ops import OPS
from midfuse.tflite_file import Op, Tensor, TFLiteModel


@dataclass(frozen=True)
class Constant:
    """A table in flash; `ctype` is its C element type."""

    name: str
    ctype: str
    values: npt.NDArray[Any]


@dataclass(frozen=True)
class Slot:
    """A place in a tensor's storage: the tensor's index and an offset in elements."""

    tensor: int
    offset: int = 0


# A parameter struct's fields in C: a number, an array of integers, a table, or a nested struct.
Value = int | float | list[int] | Constant | Mapping[str, Any]
Operand = Slot | Constant


@dataclass(frozen=True)
class Call:
    """One kernel call of an operator: `function(&params, operands…, output)`.

    `kernel` names the C file. `in_place` lists the tensors whose storage the output may take over,
    if nobody reads them any more.
    """

    kernel: str
    function: str
    struct: str
    fields: Mapping[str, Value]
    operands: tuple[Operand, ...]
    output: Slot
    in_place: tuple[int, ...] = ()

    @property
    def reads(self) -> tuple[Slot, ...]:
        return tuple(operand for operand in self.operands if isinstance(operand, Slot))


@dataclass(frozen=True)
class Step:
    """All calls of one operator."""

    op: Op
    calls: tuple[Call, ...]


@dataclass
class Program:
    """A model as kernel calls.

    `parts` names the tensors that lie within another one's storage and where, such as a RESHAPE's
    output in its input; all others have storage of their own.
    """

    model: TFLiteModel
    steps: list[Step]
    constants: list[Constant]
    parts: dict[int, Slot] = field(default_factory=dict)

    def storage(self, tensor: int) -> Slot:
        """The tensor that has storage of its own, and where in it this one begins."""
        offset = 0
        while tensor in self.parts:
            offset += self.parts[tensor].offset
            tensor = self.parts[tensor].tensor
        return Slot(tensor, offset)


# The types of activations that kernels know, in C, and how the kernels' names end by it.
CTYPES = {"int8": "int8_t", "int16": "int16_t", "int32": "int32_t", "float32": "float"}
SUFFIXES = {"int8": "s8", "int16": "s16", "int32": "s32", "float32": "f32"}


@dataclass
class Graph:
    """The model being lowered: checked access to an operator's tensors, and the tables so far."""

    model: TFLiteModel
    constants: dict[tuple[str, bytes], Constant] = field(default_factory=dict)

    def constant(self, values: npt.NDArray[Any]) -> Constant:
        """A table for these values; the same bytes are kept once."""
        dtype = str(values.dtype)
        key = (dtype, values.tobytes())
        if key not in self.constants:
            ctype = CTYPES.get(dtype, f"{dtype}_t")
            self.constants[key] = Constant(f"table_{len(self.constants)}", ctype, values.ravel())
        return self.constants[key]

    def refuse(self, op: Op, problem: str) -> InputError:
        return InputError(
            f"{self.model.path}: op {op.index} ({op.name}): {problem}",
            "change that op in the model, or convert the model again",
        )

    def require(self, condition: bool, op: Op, problem: str) -> None:
        if not condition:
            raise self.refuse(op, problem)

    def input(self, op: Op, position: int) -> Tensor:
        """An input that is there, of any type."""
        present = position < len(op.inputs) and op.inputs[position] >= 0
        self.require(present, op, f"input {position} is missing")
        return self.model.tensors[op.inputs[position]]

    def activation(self, op: Op, position: int) -> Tensor:
        """An input that a kernel computes with: an activation, or a constant used as one.

        All of an operator's activations are of the type of the first.
        """
        tensor, what = self.input(op, position), f"input {position}"
        first = self.input(op, OPS[op.name].data)
        same = tensor.dtype == first.dtype
        self.require(same, op, f"{what} ({tensor.name}) is {tensor.dtype} beside {first.dtype}")
        return self._checked(op, tensor, what)

    def result(self, op: Op) -> Tensor:
        """The output of an operator that has one."""
        self.require(len(op.outputs) == 1, op, f"{len(op.outputs)} outputs, one expected")
        return self.results(op)[0]

    def results(self, op: Op) -> list[Tensor]:
        """All outputs of an operator that may have several, in order."""
        self.require(len(op.outputs) > 0, op, "it has no output")
        tensors = [self._checked(op, self.model.tensors[i], "its output") for i in op.outputs]
        self.require(all(t.data is None for t in tensors), op, "its output is a constant")
        return tensors

    def _checked(self, op: Op, tensor: Tensor, what: str) -> Tensor:
        """A type that kernels know; int8 and int16 with one scale and a zero point that can be."""
        self.require(tensor.dtype in CTYPES, op, f"{what} ({tensor.name}) is {tensor.dtype}")
        if tensor.dtype == "float32" and tensor.data is not None:
            finite = bool(np.isfinite(tensor.data).all())
            self.require(finite, op, f"{what} ({tensor.name}) holds NaN or infinity")
        if tensor.dtype in ("int8", "int16"):
            quantized = tensor.quantization is not None and len(tensor.quantization.scale) == 1
            self.require(quantized, op, f"{what} ({tensor.name}) has no single scale")
            possible = (-128, 127) if tensor.dtype == "int8" else (0, 0)  # int16 is symmetric
            self.require(possible[0] <= tensor.zero_point <= possible[1], op,
                         f"{what} has an impossible zero point")  # fmt: skip
        return tensor

    def numbers(self, op: Op, position: int) -> list[int]:
        """A constant input of integers, such as axes or a permutation."""
        tensor = self.input(op, position)
        known = tensor.data is not None and tensor.dtype in ("int32", "int64")
        self.require(known, op, f"input {position} ({tensor.name}) is not a constant of integers")
        assert tensor.data is not None
        return [int(value) for value in tensor.data.ravel()]

    def call(
        self,
        kernel: str,
        name: str,
        fields: Mapping[str, Value],
        inputs: Sequence[Tensor],
        output: Tensor,
        *,
        suffix: str | None = None,
        struct: str = "",
        in_place: Sequence[Tensor] = (),
    ) -> Call:
        """A call of the kernel's function for the output's type.

        `name` is the function's name without its type suffix; its parameters are a `name_params`
        unless `struct` says otherwise. `in_place` are inputs that the output may write over. The
        functions for int8 are in the file `kernel`, others in one whose name ends in their suffix;
        with a `suffix` of its own, a function is in the file `kernel`.
        """
        own = SUFFIXES[output.dtype]
        return Call(
            kernel if suffix is not None or output.dtype == "int8" else f"{kernel}_{own}",
            name + (f"_{own}" if suffix is None else suffix),
            struct or f"{name}_params",
            fields,
            tuple(self.operand(tensor) for tensor in inputs),
            Slot(output.index),
            tuple(tensor.index for tensor in in_place if tensor.data is None),
        )

    def operand(self, tensor: Tensor) -> Operand:
        """How a kernel call reads a tensor: from flash if it is a constant, else from the arena."""
        return Slot(tensor.index) if tensor.data is None else self.constant(np.asarray(tensor.data))
