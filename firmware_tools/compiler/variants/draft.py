"""A program while its calls are exchanged: the tables and buffers that the new ones need."""

import math
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import numpy.typing as npt

from firmware_tools.compiler.program import Call, Constant, Program, Slot, Step
from midfuse.core.tflite_file import Tensor


@dataclass
class Draft:
    """Makes tables and buffers; `finish` gives the program that has them."""

    program: Program
    buffers: list[Tensor] = field(default_factory=list)
    flash_spent: int = 0

    def constant(self, values: npt.NDArray[Any]) -> Constant:
        """A table in flash."""
        return self.program.tables.constant(values)

    def buffer(self, count: int, name: str = "scratch") -> Slot:
        """Bytes in the arena that no operator knows, aligned to a word; a kernel gets them as
        `int32_t *`. Given to one call they are its scratch memory; one call may also leave there
        what another reads. The name is for people."""
        index = len(self.program.model.tensors) + len(self.buffers)
        words = -(-count // 4)
        self.buffers.append(Tensor(index, name, "int32", (words,), None, None))
        return Slot(index)

    def runs(self, call: Call) -> int:
        """How often an inference runs a call of the program."""
        return next(
            math.prod(step.loops)
            for step in self.program.steps
            if any(call is each for each in step.calls)
        )

    def spend_flash(self, count: int, budget: int) -> bool:
        """Whether `count` more bytes of flash stay within a budget that all calls share."""
        fits = self.flash_spent + count <= budget
        self.flash_spent += count if fits else 0
        return fits

    def finish(self, steps: Sequence[Step]) -> Program:
        """The program with these steps and the buffers made so far."""
        tensors = [*self.program.model.tensors, *self.buffers]
        return replace(
            self.program, model=replace(self.program.model, tensors=tensors), steps=tuple(steps)
        )


def values_of(call: Call, name: str, shape: tuple[int, ...]) -> npt.NDArray[Any]:
    """The values of a table among a call's parameters."""
    table = call.fields[name]
    assert isinstance(table, Constant)
    return np.asarray(table.values).reshape(shape)
