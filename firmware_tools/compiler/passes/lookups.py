"""Chains of element-wise ops on one int8 input, each a table of 256 results."""

from dataclasses import replace

import numpy as np
import numpy.typing as npt

from firmware_tools.compiler.passes.rewriting import (
    call_at,
    find_uses,
    join_pairs,
    with_calls,
    within,
)
from firmware_tools.compiler.program import Call, Constant, Program, Slot

CODES = np.arange(-128, 128, dtype=np.int8)


def table_of(call: Call) -> npt.NDArray[np.int8] | None:
    """A look-up's results by code, lowest first; None for another kernel."""
    table = call.fields.get("table")
    return table.values if call.function == "mf_lookup_s8" and isinstance(table, Constant) else None


def drop_identities(program: Program) -> Program:
    """A look-up that gives what it gets: its output lies where its input does."""
    for tensor in find_uses(program).writers:
        at = find_uses(program).only_writer(tensor)
        if at is None:
            continue
        call = call_at(program, at)
        table = table_of(call)
        if (
            table is not None
            and np.array_equal(table, CODES)
            and isinstance(call.operands[0], Slot)
        ):
            program = within(with_calls(program, {at: None}), tensor, call.operands[0])
    return program


def merge_lookups(program: Program) -> Program:
    """A look-up of a look-up that nobody else reads: one table."""
    return join_pairs(program, _merged)


def _merged(program: Program, first: Call, second: Call) -> Call | None:
    inner, outer = table_of(first), table_of(second)
    if inner is None or outer is None or first.fields["count"] != second.fields["count"]:
        return None
    table = program.tables.constant(outer[inner.astype(int) + 128])
    return replace(first, fields={**first.fields, "table": table}, output=second.output)
