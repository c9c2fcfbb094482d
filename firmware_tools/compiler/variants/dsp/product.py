"""BATCH_MATMUL and attention: products of two activations by SMLAD, the right one packed first."""

import itertools
import math
from collections.abc import Mapping, Sequence
from dataclasses import replace
from fractions import Fraction

from firmware_tools.compiler.program import Call, Program, Slot, Step, Value
from firmware_tools.compiler.variants.draft import Draft
from firmware_tools.compiler.variants.dsp.scale import scale_of
from firmware_tools.compiler.variants.dsp.softmax import SOFTMAX_DEPTH, reversed_exponentials

_LANES, _STEP = 4, 8  # columns that are worked on together; inputs between two looks at a counter
_WORTH_PACKING = 8  # rows
_LONGEST_DEPTH = 1 << 13  # sums of 30 bits: 255 * 255 * depth
_MOST_HEADS = 16  # each gets steps of its own


def batch_matmul(call: Call, draft: Draft) -> Sequence[Call] | None:
    """Not for a few rows, whose packing costs more than it saves; not for a left row or an output
    row that is scattered."""
    if call.number("rows") < _WORTH_PACKING or not _is_suitable(call):
        return None
    scale = _scale(call)
    if scale is None:
        return None
    kept = ("batch_dims", "lhs_batch_stride", "rhs_batch_stride", "output_batch_stride", "rows",
            "lhs_row_stride", "output_row_stride", "lhs_zero_point")  # fmt: skip
    fields = {name: call.fields[name] for name in kept} | {"rhs": _rhs(call), "scale": scale}
    scratch = draft.buffer(_packed_bytes(call) + 2 * _STEP * _steps(call))
    return [
        Call(
            "dsp/mf_batch_matmul_s8_dsp", "mf_batch_matmul_s8_dsp", "mf_batch_matmul_dsp_params",
            fields, (*call.operands, scratch), call.output,
        )
    ]  # fmt: skip


def fuse_attention(program: Program, draft: Draft) -> list[Step]:
    """The steps, in which loops over the rows of attentions run one kernel for scores, softmax and
    weighted sum, and each head's keys and values are packed before its loop."""
    return [new for step in program.steps for new in _fused(step, program, draft)]


def _fused(step: Step, program: Program, draft: Draft) -> list[Step]:
    """The steps that take this one's place."""
    for at in range(len(step.calls)):
        for with_table in (False, True):
            chain = step.calls[at : at + 3 + with_table]
            if step.loops and _is_attention(chain, step, program, with_table=with_table):
                heads = _heads(step)
                return [
                    new
                    for head in heads
                    for new in _attention(
                        replace(head, work=step.work / len(heads)), at, 3 + with_table, draft
                    )
                ]
    return [step]


def _is_attention(chain: Sequence[Call], step: Step, program: Program, *, with_table: bool) -> bool:
    """Calls that pass their results only to the next one, a softmax between two products."""
    kinds = ["mf_batch_matmul_s8", "mf_softmax_s8", "mf_batch_matmul_s8"]
    if with_table:
        kinds.insert(1, "mf_lookup_s8")
    if [call.function for call in chain] != kinds:
        return False
    first, last = chain[0], chain[-1]
    for one, other in itertools.pairwise(chain):
        readers = [call for call in program.calls if one.output in call.reads]
        if other.operands[0] != one.output or readers != [other]:
            return False
    rhs = [call.operands[1] for call in (first, last)]
    still = all(isinstance(slot, Slot) and not _moves(slot) for slot in rhs)
    single = all(call.fields["batch_dims"] == [1, 1, 1, 1] for call in (first, last))
    return (
        still
        and single
        and math.prod(step.loops[:-1]) <= _MOST_HEADS
        and all(_is_suitable(call) and _scale(call) is not None for call in (first, last))
        and chain[-2].number("depth") == first.number("columns") == last.number("depth")
        and chain[-2].number("depth") < SOFTMAX_DEPTH
        and last.number("lhs_zero_point") == -128
        and first.number("rows") == last.number("rows")
        and first.number("output_row_stride") == first.number("columns")
        and last.number("lhs_row_stride") == last.number("depth")
    )


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


def _attention(step: Step, at: int, length: int, draft: Draft) -> list[Step]:
    chain = step.calls[at : at + length]
    first, softmax, last = chain[0], chain[-2], chain[-1]
    keys, values = (draft.buffer(_packed_bytes(call)) for call in (first, last))
    packing = [
        Call(
            "dsp/mf_pack_dsp", "mf_pack_dsp", "mf_pack_dsp_params",
            _rhs(call), (replace(_rhs_slot(call), advance=()),), packed,
        )
        for call, packed in ((first, keys), (last, values))
    ]  # fmt: skip
    tokens = first.number("columns")
    scores_bytes = _LANES * -(-tokens // _LANES)
    scratch = draft.buffer(2 * _STEP * (_steps(first) + _steps(last)) + scores_bytes)
    table: Mapping[str, Value] = {}
    if length == 4:
        table = {"scores_table": chain[1].fields["table"]}
    fields: dict[str, Value] = {
        "rows": first.number("rows"),
        "depth": first.number("depth"),
        "tokens": tokens,
        "width": last.number("columns"),
        "query_row_stride": first.number("lhs_row_stride"),
        "output_row_stride": last.number("output_row_stride"),
        "query_zero_point": first.number("lhs_zero_point"),
        "scores": _scale(first) or {},
        "outputs": _scale(last) or {},
        "exponentials": reversed_exponentials(softmax, draft),
        **table,
    }
    attention = Call(
        "dsp/mf_attention_dsp", "mf_attention_dsp", "mf_attention_dsp_params", fields,
        (first.operands[0], keys, values, scratch), last.output,
    )  # fmt: skip
    calls = (*step.calls[:at], attention, *step.calls[at + length :])
    product = next(op for op in step.ops if op.name == "BATCH_MATMUL")
    return [Step((product,), tuple(packing), work=Fraction(0)), replace(step, calls=calls)]


def _is_suitable(call: Call) -> bool:
    return (
        call.number("lhs_depth_stride") == call.number("output_column_stride") == 1
        and 1 in (call.number("rhs_depth_stride"), call.number("rhs_column_stride"))
        and call.number("depth") < _LONGEST_DEPTH
    )


def _scale(call: Call) -> dict[str, Value] | None:
    scale = scale_of(
        call.number("multiplier"), call.number("shift"), call.number("output_zero_point")
    )
    return None if scale is None else {"steps": _steps(call), **scale}


def _rhs(call: Call) -> dict[str, Value]:
    names = ("depth", "columns")
    return {name: call.fields[name] for name in names} | {
        "depth_stride": call.fields["rhs_depth_stride"],
        "column_stride": call.fields["rhs_column_stride"],
        "zero_point": call.fields["rhs_zero_point"],
    }


def _rhs_slot(call: Call) -> Slot:
    slot = call.operands[1]
    assert isinstance(slot, Slot)
    return slot


def _steps(call: Call) -> int:
    return -(-call.number("depth") // _STEP)


def _packed_bytes(call: Call) -> int:
    return 2 * _LANES * -(-call.number("columns") // _LANES) * _STEP * _steps(call)
