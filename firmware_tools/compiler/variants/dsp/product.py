"""BATCH_MATMUL and attention: products of two activations by SMLAD, the right one packed first."""

from collections.abc import Sequence

from firmware_tools.compiler.program import Call, Step, Value
from firmware_tools.compiler.variants.attention import Attention
from firmware_tools.compiler.variants.draft import Draft
from firmware_tools.compiler.variants.dsp.scale import scale_of
from firmware_tools.compiler.variants.dsp.softmax import SOFTMAX_DEPTH, reversed_exponentials

_LANES, _STEP = 4, 8  # columns that are worked on together; inputs between two looks at a counter
_WORTH_PACKING = 8  # rows
_LONGEST_DEPTH = 1 << 13  # sums of 30 bits: 255 * 255 * depth


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


def attention(found: Attention, draft: Draft) -> list[Step] | None:
    """Not for long rows, nor where one of the products is nothing for `batch_matmul`."""
    first, softmax, last = found.scores, found.softmax, found.outputs
    scores, outputs = _scale(first), _scale(last)
    suitable = _is_suitable(first) and _is_suitable(last)
    if not suitable or scores is None or outputs is None:
        return None
    if softmax.number("depth") >= SOFTMAX_DEPTH:
        return None
    keys = draft.buffer(_packed_bytes(first), "packed keys")
    values = draft.buffer(_packed_bytes(last), "packed values")
    packing = [
        Call(
            "dsp/mf_pack_dsp", "mf_pack_dsp", "mf_pack_dsp_params",
            _rhs(call), (found.matrix(call),), packed,
        )
        for call, packed in ((first, keys), (last, values))
    ]  # fmt: skip
    tokens = first.number("columns")
    scores_bytes = _LANES * -(-tokens // _LANES)
    scratch = draft.buffer(2 * _STEP * (_steps(first) + _steps(last)) + scores_bytes)
    fields: dict[str, Value] = {
        "rows": first.number("rows"),
        "depth": first.number("depth"),
        "tokens": tokens,
        "width": last.number("columns"),
        "query_row_stride": first.number("lhs_row_stride"),
        "output_row_stride": last.number("output_row_stride"),
        "query_zero_point": first.number("lhs_zero_point"),
        "scores": scores,
        "outputs": outputs,
        "exponentials": reversed_exponentials(softmax, draft),
    }
    if found.table is not None:
        fields["scores_table"] = found.table
    call = Call(
        "dsp/mf_attention_dsp", "mf_attention_dsp", "mf_attention_dsp_params", fields,
        (first.operands[0], keys, values, scratch), last.output,
    )  # fmt: skip
    return found.replaced(packing, call)


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


def _steps(call: Call) -> int:
    return -(-call.number("depth") // _STEP)


def _packed_bytes(call: Call) -> int:
    return 2 * _LANES * -(-call.number("columns") // _LANES) * _STEP * _steps(call)
