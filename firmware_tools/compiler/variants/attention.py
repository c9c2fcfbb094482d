"""Attentions: loops over the rows of queries that a kernel for the core can run whole."""

import itertools
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from fractions import Fraction

from firmware_tools.compiler.program import Call, Program, Slot, Step, Value
from firmware_tools.compiler.variants.draft import Draft

_MOST_HEADS = 16  # each gets steps of its own


@dataclass(frozen=True)
class Attention:
    """A loop over the rows of one head's queries, and the calls in it that one call can replace."""

    step: Step
    at: int
    scores: Call
    table: Value | None  # of a look-up between the scores and their softmax
    softmax: Call
    outputs: Call

    def matrix(self, product: Call) -> Slot:
        """The keys or the values, which stay where they are while the loop runs."""
        slot = product.operands[1]
        assert isinstance(slot, Slot)
        return replace(slot, advance=())

    def replaced(self, before: Sequence[Call], call: Call) -> list[Step]:
        """The loop with this call, and these that run once before it."""
        calls = self.step.calls
        length = 3 if self.table is None else 4
        loop = (*calls[: self.at], call, *calls[self.at + length :])
        product = next(op for op in self.step.ops if op.name == "BATCH_MATMUL")
        return [
            Step((product,), tuple(before), work=Fraction(0)),
            replace(self.step, calls=loop),
        ]


# The steps for an attention, or None where the core's kernels would be wrong.
Fuse = Callable[[Attention, Draft], list[Step] | None]


def fuse_attention(program: Program, fuse: Fuse) -> Program:
    """The program, in which loops over the rows of attentions run one kernel for scores, softmax
    and weighted sum, and each head's keys and values are prepared before its loop."""
    draft = Draft(program)
    return draft.finish([new for step in program.steps for new in _fused(step, draft, fuse)])


def _fused(step: Step, draft: Draft, fuse: Fuse) -> list[Step]:
    """The steps that take this one's place."""
    for at in range(len(step.calls)):
        for with_table in (False, True):
            chain = step.calls[at : at + 3 + with_table]
            if step.loops and _is_attention(chain, step, draft.program, with_table=with_table):
                heads = _heads(step)
                found = [
                    fuse(_attention(replace(head, work=step.work / len(heads)), at, chain), draft)
                    for head in heads
                ]
                if all(steps is not None for steps in found):
                    return [new for steps in found for new in steps or ()]
    return [step]


def _attention(step: Step, at: int, chain: Sequence[Call]) -> Attention:
    calls = step.calls[at : at + len(chain)]
    table = calls[1].fields["table"] if len(chain) == 4 else None
    return Attention(step, at, calls[0], table, calls[-2], calls[-1])


def _is_attention(chain: Sequence[Call], step: Step, program: Program, *, with_table: bool) -> bool:
    """Calls that pass their results only to the next one, a softmax between two products."""
    kinds = ["mf_batch_matmul_s8", "mf_softmax_s8", "mf_batch_matmul_s8"]
    if with_table:
        kinds.insert(1, "mf_lookup_s8")
    if [call.function for call in chain] != kinds:
        return False
    first, last = chain[0], chain[-1]
    for one, other in itertools.pairwise(chain):
        if other.operands[0] != one.output or _readers(one, program) != [other]:
            return False
    rhs = [call.operands[1] for call in (first, last)]
    still = all(
        isinstance(slot, Slot) and not _moves(slot) and not _is_written(slot, step, program)
        for slot in rhs
    )
    single = all(call.fields["batch_dims"] == [1, 1, 1, 1] for call in (first, last))
    return (
        still
        and single
        and math.prod(step.loops[:-1]) <= _MOST_HEADS
        and chain[-2].number("depth") == first.number("columns") == last.number("depth")
        and last.number("lhs_zero_point") == -128
        and first.number("rows") == last.number("rows")
        and first.number("output_row_stride") == first.number("columns")
        and last.number("lhs_row_stride") == last.number("depth")
    )


def _readers(call: Call, program: Program) -> list[Call]:
    """The calls that read any of the storage that this one writes to; itself where an output of
    the model lies there."""
    root = program.storage(call.output.tensor).tensor
    kept = any(program.storage(output).tensor == root for output in program.model.outputs)
    readers = [
        other
        for other in program.calls
        if any(program.storage(slot.tensor).tensor == root for slot in other.reads)
    ]
    return [*readers, call] if kept else readers


def _is_written(slot: Slot, step: Step, program: Program) -> bool:
    """Whether the step itself writes to a place's storage, in its loop."""
    root = program.storage(slot.tensor).tensor
    return any(program.storage(call.output.tensor).tensor == root for call in step.calls)


def _moves(slot: Slot) -> bool:
    """Whether it lies elsewhere in each round of the innermost loop."""
    return bool(slot.advance) and slot.advance[-1] != 0


def _heads(step: Step) -> list[Step]:
    """The step with its innermost loop only, for every round of the others."""
    if len(step.loops) == 1:
        return [step]
    rounds = []
    for count in range(step.loops[0]):
        calls = tuple(
            replace(
                call,
                operands=tuple(
                    _at(slot, count) if isinstance(slot, Slot) else slot for slot in call.operands
                ),
                output=_at(call.output, count),
            )
            for call in step.calls
        )
        rounds += _heads(replace(step, calls=calls, loops=step.loops[1:]))
    return rounds


def _at(slot: Slot, count: int) -> Slot:
    """Where a place is in a round of the outermost loop."""
    if not slot.advance:
        return slot
    offset = slot.offset + count * slot.advance[0]
    return Slot(slot.tensor, offset, slot.advance[1:])
