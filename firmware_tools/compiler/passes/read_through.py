"""Copies before a kernel that reads with strides, such as a TRANSPOSE before a BATCH_MATMUL."""

import numpy as np

from firmware_tools.compiler.passes.access import OUTPUT, accessed, with_access
from firmware_tools.compiler.passes.dead import drop_dead
from firmware_tools.compiler.passes.rewriting import (
    At,
    call_at,
    find_uses,
    if_no_larger,
    with_calls,
)
from firmware_tools.compiler.program import Call, Program, Slot


def read_through_copies(program: Program) -> Program:
    """The kernel reads from where the copy read; a copy that nobody reads any more goes."""
    for tensor in find_uses(program).writers:
        uses = find_uses(program)
        at = uses.only_writer(tensor)
        if at is None or call_at(program, at).kernel != "mf_copy":
            continue
        changes: dict[At, Call | None] = {}
        for reader in set(uses.readers.get(tensor, [])):
            through = _through(program, tensor, call_at(program, at), reader)
            if through is not None:
                changes[reader] = through
        program = if_no_larger(program, drop_dead(with_calls(program, changes)))
    return program


def _through(program: Program, tensor: int, copy: Call, at: At) -> Call | None:
    """The reader with all its operands in `tensor` taken from the copy's source."""
    source, target = accessed(copy, 0), accessed(copy, OUTPUT)
    origin = copy.operands[0]
    if source is None or target is None or not isinstance(origin, Slot):
        return None
    if target.size != program.elements(tensor):
        return None  # others write the rest of it
    from_place = np.empty(target.size, np.int64)
    from_place[target.ravel()] = source.ravel()
    reader, loops = call_at(program, at), program.steps[at[0]].loops
    for position, operand in enumerate(reader.operands):
        if isinstance(operand, Slot) and operand.tensor == tensor:
            found = accessed(reader, position, loops)
            if found is None:
                return None
            changed = with_access(reader, position, origin.tensor, from_place[found], loops)
            if changed is None:
                return None
            reader = changed
    return reader
