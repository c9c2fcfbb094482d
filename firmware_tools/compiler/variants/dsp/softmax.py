"""SOFTMAX, with a table that an element indexes as it is."""

from collections.abc import Sequence

import numpy as np

from firmware_tools.compiler.program import Call, Constant
from firmware_tools.compiler.variants.draft import Draft, values_of

SOFTMAX_DEPTH = 512  # of shorter rows the sum leaves four bits; see mf_softmax_row_dsp.h
_CODES = 256


def softmax(call: Call, draft: Draft) -> Sequence[Call] | None:
    return softmax_by_table(call, draft, "dsp")


def softmax_by_table(call: Call, draft: Draft, kind: str) -> Sequence[Call] | None:
    """The kernel of `runtime/{kind}`; not for long rows."""
    if call.number("depth") >= SOFTMAX_DEPTH:
        return None
    fields = {name: call.fields[name] for name in ("rows", "depth")}
    return [
        Call(
            f"{kind}/mf_softmax_s8_{kind}", f"mf_softmax_s8_{kind}", f"mf_softmax_{kind}_params",
            fields | {"exponentials": reversed_exponentials(call, draft)},
            call.operands, call.output, call.in_place,
        )
    ]  # fmt: skip


def reversed_exponentials(call: Call, draft: Draft) -> Constant:
    """A softmax's table, the largest difference first, zeros for those that do not count."""
    count = call.number("exponential_count")
    table = np.zeros(_CODES, np.int32)
    table[_CODES - count :] = values_of(call, "exponentials", (count,))[::-1]
    return draft.constant(table)
