"""Copies after a kernel that writes with strides, such as a BATCH_MATMUL before a TRANSPOSE."""

import numpy as np

from firmware_tools.compiler.passes.access import OUTPUT, accessed, with_access
from firmware_tools.compiler.passes.rewriting import (
    At,
    call_at,
    find_uses,
    in_place_of_copies,
    joined,
)
from firmware_tools.compiler.passes.views import filled_later
from firmware_tools.compiler.program import Call, Program, Slot


def write_through_copies(program: Program) -> Program:
    """The kernel writes to where the copy writes; the copy goes."""
    return in_place_of_copies(program, _written)


def _written(program: Program, tensor: int, target: int) -> Program:
    uses = find_uses(program)
    at, reader = uses.only_writer(tensor), uses.only_reader(tensor)
    if at is None or reader is None:
        return program
    copy = call_at(program, reader)
    if copy.kernel != "mf_copy" or copy.output.tensor != target:
        return program
    through = _through(program, tensor, at, copy)
    return program if through is None else joined(program, at, reader, through)


def _through(program: Program, tensor: int, at: At, copy: Call) -> Call | None:
    first, loops = call_at(program, at), program.steps[at[0]].loops
    written = accessed(first, OUTPUT, loops)
    source, target = accessed(copy, 0), accessed(copy, OUTPUT)
    if (
        written is None
        or source is None
        or target is None
        or not isinstance(copy.operands[0], Slot)
    ):
        return None
    elements = program.elements(tensor)
    if written.size != elements or not np.array_equal(np.sort(source, None), np.arange(elements)):
        return None  # the copy leaves some of it out, or takes some of it twice
    if filled_later(program, copy.output.tensor, target):
        return None
    to_place = np.empty(elements, np.int64)
    to_place[source.ravel()] = target.ravel()
    return with_access(first, OUTPUT, copy.output.tensor, to_place[written], loops)
