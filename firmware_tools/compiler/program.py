"""What lies between a `.tflite` and the C that is written for it: constants, kernel calls, storage.

A lowering turns one operator into kernel calls; the passes rewrite the program they make; the
planner gives every tensor a place in the arena; the emitter writes C.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from fractions import Fraction
from typing import Any

import numpy as np
import numpy.typing as npt

from midfuse.core.errors import InputError
from midfuse.core.ops import OPS
from midfuse.core.tflite_file import Op, Tensor, TFLiteModel

# The types of activations that kernels know, in C, and how the kernels' names end by it.
CTYPES = {"int8": "int8_t", "int16": "int16_t", "int32": "int32_t", "float32": "float"}
SUFFIXES = {"int8": "s8", "int16": "s16", "int32": "s32", "float32": "f32"}


@dataclass(frozen=True)
class Constant:
    """A table in flash; `ctype` is its C element type."""

    name: str
    ctype: str
    values: npt.NDArray[Any]


@dataclass
class Tables:
    """The tables so far; the same bytes are kept once."""

    found: dict[tuple[str, bytes], Constant] = field(default_factory=dict)

    def constant(self, values: npt.NDArray[Any]) -> Constant:
        """The table with these values, in row-major order."""
        key = (str(values.dtype), values.tobytes())
        if key not in self.found:
            ctype = CTYPES.get(str(values.dtype), f"{values.dtype}_t")
            self.found[key] = Constant(f"table_{len(self.found)}", ctype, values.ravel())
        return self.found[key]


@dataclass(frozen=True)
class Slot:
    """A place in a tensor's storage: the tensor's index and an offset in elements.

    In a step that loops, `advance` says how far the place moves with each loop's counter.
    """

    tensor: int
    offset: int = 0
    advance: tuple[int, ...] = ()


# A parameter struct's fields in C: a number, an array of integers, a table, or a nested struct.
Value = int | float | list[int] | Constant | Mapping[str, Any]
Operand = Slot | Constant


@dataclass(frozen=True)
class Call:
    """One kernel call of an operator: `function(&params, operands…, output)`.

    `kernel` names the C file. `in_place` lists the positions of the operands whose storage the
    output may take over, if nobody reads them any more: the kernel reads such an element before it
    writes to its place, and never again.
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

    @property
    def tables(self) -> list[Constant]:
        """The tables that it reads, as operands or through its parameters."""
        values: list[object] = [*self.operands, *self.fields.values()]
        found = []
        while values:
            value = values.pop(0)
            if isinstance(value, Constant):
                found.append(value)
            elif isinstance(value, Mapping):
                values += value.values()
        return found

    def number(self, field: str) -> int:
        """A parameter that is one number."""
        value = self.fields[field]
        assert isinstance(value, int)
        return value


@dataclass(frozen=True)
class Step:
    """The calls of one operator, or of several that the passes have joined.

    With `loops`, all calls run in turn for every combination of the loops' counters. `work` is the
    part of its operators' arithmetic that it does, where several steps have the same.
    """

    ops: tuple[Op, ...]
    calls: tuple[Call, ...]
    loops: tuple[int, ...] = ()
    work: Fraction = Fraction(1)

    @property
    def name(self) -> str:
        return "+".join(op.name for op in self.ops)

    @property
    def op(self) -> Op:
        """The last of its operators, whose output it makes."""
        return self.ops[-1]

    @property
    def tables(self) -> list[Constant]:
        """The tables that its calls read, each once."""
        found = {table.name: table for call in self.calls for table in call.tables}
        return list(found.values())


@dataclass(frozen=True, eq=False)
class Program:
    """A model as kernel calls. It never changes; a pass makes another one.

    `parts` names the tensors that lie within another one's storage and where, such as a RESHAPE's
    output in its input; all others have storage of their own. `slabs` names those of which only so
    many elements exist at a time, as the loop that makes them also uses them up.
    """

    model: TFLiteModel
    steps: tuple[Step, ...]
    tables: Tables
    parts: Mapping[int, Slot] = field(default_factory=dict)
    slabs: Mapping[int, int] = field(default_factory=dict)

    @property
    def calls(self) -> list[Call]:
        return [call for step in self.steps for call in step.calls]

    @property
    def constants(self) -> list[Constant]:
        """The tables that the calls read, each once."""
        tables = [table for step in self.steps for table in step.tables]
        return list({table.name: table for table in tables}.values())

    def storage(self, tensor: int) -> Slot:
        """The tensor that has storage of its own, and where in it this one begins."""
        offset = 0
        while tensor in self.parts:
            offset += self.parts[tensor].offset
            tensor = self.parts[tensor].tensor
        return Slot(tensor, offset)

    def elements(self, tensor: int) -> int:
        """How many elements of a tensor exist at a time."""
        return self.slabs.get(tensor, self.model.tensors[tensor].elements)

    def bytes(self, tensor: int) -> int:
        return self.elements(tensor) * self.model.tensors[tensor].item_bytes


@dataclass(frozen=True)
class Graph:
    """The model being lowered: checked access to an operator's tensors, and the tables so far."""

    model: TFLiteModel
    tables: Tables = field(default_factory=Tables)

    def constant(self, values: npt.NDArray[Any]) -> Constant:
        """A table for these values."""
        return self.tables.constant(values)

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
            tuple(at for at, tensor in enumerate(inputs) if any(tensor is t for t in in_place)),
        )

    def operand(self, tensor: Tensor) -> Operand:
        """How a kernel call reads a tensor: from flash if it is a constant, else from the arena."""
        return Slot(tensor.index) if tensor.data is None else self.constant(np.asarray(tensor.data))
