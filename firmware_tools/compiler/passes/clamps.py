"""Activations that only clamp, such as a RELU on its input's scale, after a kernel that clamps."""

from collections.abc import Mapping
from dataclasses import replace

import numpy as np

from firmware_tools.compiler.passes.lookups import CODES, table_of
from firmware_tools.compiler.passes.rewriting import join_pairs
from firmware_tools.compiler.program import Call, Program, Value

# These take the same parameters as the element-wise kernels that clamp, and do not.
_WITHOUT_LIMITS = ("mf_maximum_minimum", "mf_maximum_minimum_s16")


def fold_clamps(program: Program) -> Program:
    """Narrow the limits between which the kernel before clamps; the look-up goes."""
    return join_pairs(program, _folded)


def _folded(program: Program, first: Call, second: Call) -> Call | None:
    limits = None if first.kernel in _WITHOUT_LIMITS else _limits(second)
    if limits is None or second.fields["count"] != program.elements(first.output.tensor):
        return None
    fields = _narrowed(first.fields, *limits)
    return None if fields is None else replace(first, fields=fields, output=second.output)


def _limits(call: Call) -> tuple[int, int] | None:
    """Between which codes a look-up clamps, if that is all it does."""
    table = table_of(call)
    if table is None:
        return None
    low, high = int(table[0]), int(table[-1])
    return (low, high) if np.array_equal(table, CODES.clip(low, high)) else None


def _narrowed(fields: Mapping[str, Value], low: int, high: int) -> dict[str, Value] | None:
    """The fields with narrower limits; they are the kernel's own or those of its output."""
    own_low, own_high = fields.get("low"), fields.get("high")
    if isinstance(own_low, int) and isinstance(own_high, int):
        limits = {
            name: min(max(old, low), high) for name, old in (("low", own_low), ("high", own_high))
        }
        return {**fields, **limits}
    output = fields.get("output")
    inner = _narrowed(output, low, high) if isinstance(output, Mapping) else None
    return None if inner is None else {**fields, "output": inner}
