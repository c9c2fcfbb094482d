"""What passes share: who reads and writes a tensor, and programs with some calls changed."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from functools import lru_cache, reduce

from firmware_tools.compiler.liveness import find_lives
from firmware_tools.compiler.program import Call, Program, Slot

# A call's place in a program: its step and its number within the step.
At = tuple[int, int]


@dataclass(frozen=True)
class Uses:
    """The calls that write and that read each tensor's storage; a call counts once an operand."""

    writers: Mapping[int, list[At]]
    readers: Mapping[int, list[At]]
    outputs: frozenset[int]

    def only_writer(self, tensor: int) -> At | None:
        found = self.writers.get(tensor, [])
        return found[0] if len(found) == 1 else None

    def only_reader(self, tensor: int) -> At | None:
        """The one operand that reads it, if the model's caller does not."""
        found = self.readers.get(tensor, [])
        return found[0] if len(found) == 1 and tensor not in self.outputs else None


@lru_cache(maxsize=4)
def find_uses(program: Program) -> Uses:
    writers: dict[int, list[At]] = {}
    readers: dict[int, list[At]] = {}
    for s, step in enumerate(program.steps):
        for c, call in enumerate(step.calls):
            writers.setdefault(call.output.tensor, []).append((s, c))
            for slot in call.reads:
                readers.setdefault(slot.tensor, []).append((s, c))
    outputs = frozenset(program.storage(tensor).tensor for tensor in program.model.outputs)
    return Uses(writers, readers, outputs)


def call_at(program: Program, at: At) -> Call:
    return program.steps[at[0]].calls[at[1]]


def with_calls(program: Program, changes: Mapping[At, Call | None]) -> Program:
    """The program with these calls replaced, or left out; steps without calls go."""
    steps = []
    for s, step in enumerate(program.steps):
        found = [changes.get((s, c), call) for c, call in enumerate(step.calls)]
        calls = tuple(call for call in found if call is not None)
        if calls:
            steps.append(replace(step, calls=calls))
    return replace(program, steps=tuple(steps))


def within(program: Program, tensor: int, place: Slot) -> Program:
    """The program with a tensor's storage at a place in another one's."""
    return resolve_parts(replace(program, parts={**program.parts, tensor: place}))


def resolve_parts(program: Program) -> Program:
    """The program with every slot in a tensor that has storage of its own."""

    def moved(slot: Slot) -> Slot:
        place = program.storage(slot.tensor)
        return replace(slot, tensor=place.tensor, offset=place.offset + slot.offset)

    def changed(call: Call) -> Call:
        operands = tuple(moved(o) if isinstance(o, Slot) else o for o in call.operands)
        return replace(call, operands=operands, output=moved(call.output))

    steps = tuple(
        replace(step, calls=tuple(changed(call) for call in step.calls)) for step in program.steps
    )
    return replace(program, steps=steps)


def peak(program: Program) -> int:
    """The most bytes alive at once."""
    return find_lives(program, in_place=True).peak


def if_no_larger(before: Program, after: Program) -> Program:
    """`after`, unless more of it is alive at once."""
    return after if peak(after) <= peak(before) else before


def joined(program: Program, first: At, second: At, call: Call) -> Program:
    """The program with one call in the place of the first that does the work of both."""
    taken, steps = program.steps[second[0]], list(program.steps)
    if len(taken.calls) == 1:  # nothing is left of it
        steps[first[0]] = replace(steps[first[0]], ops=steps[first[0]].ops + taken.ops)
    return with_calls(replace(program, steps=tuple(steps)), {first: call, second: None})


def join_pairs(program: Program, both: Callable[[Program, Call, Call], Call | None]) -> Program:
    """One call for two, a call and the only one that reads its output, where `both` gives it."""
    for tensor in find_uses(program).writers:
        uses = find_uses(program)
        at, reader = uses.only_writer(tensor), uses.only_reader(tensor)
        if at is not None and reader is not None:
            call = both(program, call_at(program, at), call_at(program, reader))
            if call is not None:
                program = joined(program, at, reader, call)
    return program


def in_place_of_copies(program: Program, change: Callable[[Program, int, int], Program]) -> Program:
    """Make a change for every copy, given its source's and its target's tensor.

    What is copied into one tensor changes together if that makes the program no larger, for then
    one tensor's bytes may replace all the others'; else each by itself.
    """
    for target in find_uses(program).writers:
        copies = [call_at(program, at) for at in find_uses(program).writers.get(target, [])]
        sources = [c.operands[0] for c in copies if c.kernel == "mf_copy"]
        tensors = [source.tensor for source in sources if isinstance(source, Slot)]
        together = reduce(lambda changed, tensor: change(changed, tensor, target), tensors, program)
        if together is not program and peak(together) <= peak(program):
            program = together
            continue
        for tensor in tensors:
            program = if_no_larger(program, change(program, tensor, target))
    return program
