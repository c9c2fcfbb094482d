"""Chains of row-wise kernels, such as an attention's scores, softmax and weighted sum.

Row by row, the tensors between them take one row instead of all. It is done where it lowers the
peak, and nowhere else, since a call a row costs some instructions.
"""

import math
from collections.abc import Sequence
from dataclasses import replace
from itertools import accumulate

from firmware_tools.compiler.liveness import find_lives
from firmware_tools.compiler.passes.rewriting import Uses, find_uses
from firmware_tools.compiler.passes.rows import own_loops, row_call, row_operands
from firmware_tools.compiler.program import Program, Slot, Step

_LONGEST = 8  # calls in a chain
_MOST_VISITS = 100_000  # of calls, in all tries; a model for a microcontroller needs far fewer


def work_in_slabs(program: Program) -> Program:
    """Take the chain that lowers the arena's use most, as long as there is one."""
    tries = _MOST_VISITS // (1 + len(program.calls))
    while True:
        at_peak = _times_at_peak(program)
        best, least = program, _use(program)
        for chain in _chains(program):
            if tries and at_peak & _span(program, chain):
                tries -= 1
                changed = _in_slabs(program, chain)
                if (use := _use(changed)) < least:
                    best, least = changed, use
        if best is program:
            return program
        program = best


def _use(program: Program) -> list[int]:
    """The bytes alive at each time, most first: the smaller list has the lower or rarer peak."""
    return sorted(find_lives(program, in_place=True).bytes_at(), reverse=True)


def _times_at_peak(program: Program) -> set[int]:
    lives = find_lives(program, in_place=True)
    return {time for time, size in enumerate(lives.bytes_at()) if size == lives.peak}


def _chains(program: Program) -> list[list[int]]:
    """Runs of two or more steps of one call, each the only reader of the one before."""
    uses = find_uses(program)
    found = []
    for s in range(len(program.steps)):
        chain = [s]
        while len(chain) < _LONGEST and (after := _next(program, uses, chain[-1])) is not None:
            chain.append(after)
            found.append(list(chain))
    return found


def _next(program: Program, uses: Uses, s: int) -> int | None:
    """The row-wise step that uses up what a row-wise step makes."""
    call = program.steps[s].calls[0]
    tensor = call.output.tensor
    reader = uses.only_reader(tensor)
    if reader is None or uses.only_writer(tensor) != (s, 0) or call.output != Slot(tensor):
        return None
    if any(len(program.steps[at].calls) > 1 for at in (s, reader[0])):
        return None
    after = program.steps[reader[0]].calls[0]
    position = after.operands.index(Slot(tensor)) if Slot(tensor) in after.operands else -1
    by_row = row_operands(call) and position in row_operands(after)
    return reader[0] if by_row else None


def _span(program: Program, chain: Sequence[int]) -> set[int]:
    """The times, as `Liveness.bytes_at` counts them, between a chain's ends."""
    begun = [0, *accumulate(len(step.calls) for step in program.steps)]
    return set(range(begun[chain[0]] + 1, begun[chain[-1]] + 2))


def _in_slabs(program: Program, chain: Sequence[int]) -> Program:
    """The program with a chain as one step that loops, in its last step's place; or as it was."""
    calls = [program.steps[s].calls[0] for s in chain]
    loops = max((own_loops(call) or () for call in calls), key=len)
    count = math.prod(loops)
    rows = (
        [row for call in calls if (row := row_call(call, loops)) is not None] if count > 1 else []
    )
    if len(rows) < len(calls):
        return program
    between = [call.output.tensor for call in calls[:-1]]

    def still(slot: Slot) -> Slot:
        return replace(slot, advance=()) if slot.tensor in between else slot

    standing = tuple(
        replace(
            row,
            operands=tuple(still(o) if isinstance(o, Slot) else o for o in row.operands),
            output=still(row.output),
        )
        for row in rows
    )
    ops = tuple(op for s in chain for op in program.steps[s].ops)
    steps = [
        Step(ops, standing, loops) if s == chain[-1] else step
        for s, step in enumerate(program.steps)
        if s not in chain[:-1]
    ]
    slabs = {tensor: program.elements(tensor) // count for tensor in between}
    return replace(program, steps=tuple(steps), slabs={**program.slabs, **slabs})
