"""The last step before the arena's plan: calls of portable kernels become calls of faster ones.

A variant is a function from a call of a portable kernel to the calls that take its place on cores
with an instruction set, or to None where it would be wrong or slower: each says where. The bytes
stay the same. An observable build has the variants too, as they take one operator's call each.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from firmware_tools.compiler.program import Call, Program
from firmware_tools.compiler.variants import dsp, mve
from firmware_tools.compiler.variants.attention import Fuse, fuse_attention
from firmware_tools.compiler.variants.draft import Draft
from firmware_tools.compiler.variants.instruction_set import InstructionSet

__all__ = ["InstructionSet", "choose_variants"]

Variant = Callable[[Call, Draft], Sequence[Call] | None]

# By the portable kernel's function; of several tables the first that has a kernel wins.
VARIANTS: dict[InstructionSet, Sequence[Mapping[str, Variant]]] = {
    InstructionSet.PORTABLE: (),
    InstructionSet.DSP: (dsp.VARIANTS,),
    InstructionSet.MVE: (mve.VARIANTS, dsp.VARIANTS),
}

ATTENTIONS: dict[InstructionSet, Fuse] = {
    InstructionSet.DSP: dsp.attention,
    InstructionSet.MVE: mve.attention,
}


def choose_variants(program: Program, instruction_set: InstructionSet) -> Program:
    """The program with the fastest kernels that these instructions allow."""
    tables = VARIANTS[instruction_set]
    if instruction_set in ATTENTIONS:
        program = fuse_attention(program, ATTENTIONS[instruction_set])
    draft = Draft(program)
    chosen: dict[int, Sequence[Call]] = {}
    # Those whose weights are used most often choose first: there is only so much flash to widen.
    for call in sorted(program.calls, key=lambda call: -draft.runs(call) * _rows(call)):
        variants = (table[call.function] for table in tables if call.function in table)
        found = (variant(call, draft) for variant in variants)
        chosen[id(call)] = next((calls for calls in found if calls), (call,))
    return draft.finish(
        [
            replace(step, calls=tuple(new for call in step.calls for new in chosen[id(call)]))
            for step in program.steps
        ]
    )


def _rows(call: Call) -> int:
    """How often one run of a call reads each of its weights."""
    fields = call.fields
    if "rows" in fields:
        return call.number("rows")
    if "out_height" in fields:
        return call.number("out_height") * call.number("out_width")
    return 1
