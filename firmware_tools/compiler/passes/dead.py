"""Calls whose output nobody reads."""

from firmware_tools.compiler.passes.rewriting import At, with_calls
from firmware_tools.compiler.program import Call, Program


def drop_dead(program: Program) -> Program:
    needed = {program.storage(tensor).tensor for tensor in program.model.outputs}
    dead: dict[At, Call | None] = {}
    for s, step in reversed(list(enumerate(program.steps))):
        for c, call in reversed(list(enumerate(step.calls))):
            if call.output.tensor in needed:
                needed.update(slot.tensor for slot in call.reads)
            else:
                dead[s, c] = None
    return with_calls(program, dead)
