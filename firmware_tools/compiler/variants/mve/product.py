"""BATCH_MATMUL and attention: products of two activations by VMLADAVA, the right one packed first.

`mf_pack_mve.c` makes of it what a FULLY_CONNECTED has in flash, weights and their scaling.
"""

from collections.abc import Sequence

from firmware_tools.compiler.program import Call, Step, Value
from firmware_tools.compiler.structs import members
from firmware_tools.compiler.variants.attention import Attention
from firmware_tools.compiler.variants.draft import Draft
from firmware_tools.compiler.variants.dsp.softmax import (
    SOFTMAX_DEPTH,
    reversed_exponentials,
    softmax_by_table,
)
from firmware_tools.compiler.variants.mve.dense import LANES

_WORD = 4
_SCALING_WORDS = 3 * LANES  # of a block
_LONGEST_STRIDE = (1 << 16) // 8  # eight elements' places are offsets of 16 bits


def batch_matmul(call: Call, draft: Draft) -> Sequence[Call] | None:
    """Not for fewer columns than are worked on together, a left row or an output row that is
    scattered, or a scale of 1/2 or more, for which the kernel's rounding would be wrong."""
    if not _is_suitable(call):
        return None
    kept = ("batch_dims", "lhs_batch_stride", "rhs_batch_stride", "output_batch_stride", "rows",
            "lhs_row_stride", "output_row_stride")  # fmt: skip
    fields = {name: call.fields[name] for name in kept} | {"rhs": _packing(call)}
    return [
        Call(
            "mve/mf_batch_matmul_s8_mve", "mf_batch_matmul_s8_mve", "mf_batch_matmul_mve_params",
            fields, (*call.operands, draft.buffer(_packed_bytes(call))), call.output,
        )
    ]  # fmt: skip


def attention(found: Attention, draft: Draft) -> list[Step] | None:
    """Not for long rows, nor where one of the products is nothing for `batch_matmul`."""
    scores, softmax, outputs = found.scores, found.softmax, found.outputs
    tokens = scores.number("columns")
    if not (_is_suitable(scores) and _is_suitable(outputs) and tokens < SOFTMAX_DEPTH):
        return None
    keys = draft.buffer(_packed_bytes(scores), "packed keys")
    values = draft.buffer(_packed_bytes(outputs), "packed values")
    packing = [
        Call(
            "mve/mf_pack_mve", "mf_pack_mve", "mf_pack_mve_params",
            _packing(call), (found.matrix(call),), packed,
        )
        for call, packed in ((scores, keys), (outputs, values))
    ]  # fmt: skip
    fields: dict[str, Value] = {
        "rows": scores.number("rows"),
        "tokens": tokens,
        "query_row_stride": scores.number("lhs_row_stride"),
        "output_row_stride": outputs.number("output_row_stride"),
        "exponentials": reversed_exponentials(softmax, draft),
    }
    if found.table is not None:
        fields["scores_table"] = found.table
    call = Call(
        "mve/mf_attention_mve", "mf_attention_mve", "mf_attention_mve_params", fields,
        (scores.operands[0], keys, values, draft.buffer(tokens)), outputs.output,
    )  # fmt: skip
    return found.replaced(packing, call)


def softmax(call: Call, draft: Draft) -> Sequence[Call] | None:
    return softmax_by_table(call, draft, "mve")


def _is_suitable(call: Call) -> bool:
    return (
        call.number("columns") >= LANES
        and call.number("rows") > 0
        and call.number("lhs_depth_stride") == call.number("output_column_stride") == 1
        and call.number("rhs_depth_stride") <= _LONGEST_STRIDE
        and call.number("shift") < 0
    )


def _packing(call: Call) -> dict[str, Value]:
    depth = call.number("depth")
    return {
        "weights": {
            "channels": call.number("columns"),
            "depth": depth,
            "stride": depth,
            "zero_point": call.number("output_zero_point"),
            "low": -128,
            "high": 127,
            "row_factor": -call.number("rhs_zero_point"),
        },
        "depth_stride": call.number("rhs_depth_stride"),
        "column_stride": call.number("rhs_column_stride"),
        "rows_zero_point": call.number("lhs_zero_point"),
        "multiplier": call.number("multiplier"),
        "shift": call.number("shift"),
    }


def _packed_bytes(call: Call) -> int:
    """The `mf_mve_weights`, the scaling and the columns."""
    columns = call.number("columns")
    words = len(members("mf_mve_weights")) + _SCALING_WORDS * -(-columns // LANES)
    return _WORD * words + columns * call.number("depth")
