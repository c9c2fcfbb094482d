"""Tensors that are one run of elements within another: no copy, they lie there."""

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from firmware_tools.compiler.passes.access import OUTPUT, accessed
from firmware_tools.compiler.passes.rewriting import (
    call_at,
    find_uses,
    if_no_larger,
    in_place_of_copies,
    with_calls,
    within,
)
from firmware_tools.compiler.program import Call, Program, Slot


@dataclass(frozen=True)
class _Run:
    """A copy of `length` elements in order and without gaps."""

    source: Slot
    target: Slot
    length: int


def view_slices(program: Program) -> Program:
    """A tensor that is copied as a run out of another: it is a part of that one."""
    for tensor in find_uses(program).writers:
        at = find_uses(program).only_writer(tensor)
        run = None if at is None else _run(call_at(program, at))
        if at is None or run is None or run.length != program.elements(tensor):
            continue
        view = within(with_calls(program, {at: None}), tensor, run.source)
        program = if_no_larger(program, view)
    return program


def place_parts(program: Program) -> Program:
    """A tensor that is copied whole as a run into another one: it is made in its place there."""
    return in_place_of_copies(program, _placed)


def _placed(program: Program, tensor: int, target: int) -> Program:
    for at in find_uses(program).readers.get(tensor, []):
        run = _run(call_at(program, at))
        if run is None or run.source != Slot(tensor) or run.length != program.elements(tensor):
            continue
        places = run.target.offset + np.arange(run.length)
        if run.target.tensor == target != tensor and not filled_later(program, target, places):
            return within(with_calls(program, {at: None}), tensor, run.target)
    return program


def filled_later(program: Program, tensor: int, places: npt.NDArray[np.int64]) -> bool:
    """Whether a PAD fills some of these places of a tensor, wherever in the program it stands."""
    for call in program.calls:
        if call.kernel == "mf_fill" and call.output.tensor == tensor:
            begin = call.output.offset
            if begin <= places.max() and places.min() < begin + call.number("count"):
                return True
    return False


def _run(call: Call) -> _Run | None:
    if call.kernel != "mf_copy" or not isinstance(call.operands[0], Slot):
        return None
    source, target = accessed(call, 0), accessed(call, OUTPUT)
    if source is None or target is None or source.size == 0:
        return None
    first, second = source.ravel(), target.ravel()
    line = np.arange(source.size)
    if not (np.array_equal(first - first[0], line) and np.array_equal(second - second[0], line)):
        return None
    origin = Slot(call.operands[0].tensor, int(first[0]))
    return _Run(origin, Slot(call.output.tensor, int(second[0])), source.size)
