"""Kernels whose output rows depend on one row of their input each, and a call for one such row."""

import math
from collections.abc import Sequence
from dataclasses import replace
from typing import cast

import numpy as np

from firmware_tools.compiler.affine import strides_of
from firmware_tools.compiler.passes.access import BINARY, OUTPUT, accessed, has_strides
from firmware_tools.compiler.program import Call, Operand, Slot, Value

MATMUL, FULLY_CONNECTED, SOFTMAX = "mf_batch_matmul", "mf_fully_connected", "mf_softmax"
ONE_BY_ONE = ("mf_lookup", "mf_rescale", "mf_two_slopes", "mf_sigmoid", "mf_rsqrt")


def _kind(call: Call) -> str:
    """The kernel, whatever its type."""
    return call.kernel.removesuffix("_s16")


def own_loops(call: Call) -> tuple[int, ...] | None:
    """The axes along which a kernel's rows lie; None if it has rows of any length, or none."""
    if _kind(call) not in (MATMUL, FULLY_CONNECTED, SOFTMAX):
        return None
    batch = cast("list[int]", call.fields.get("batch_dims", []))
    return (*(size for size in batch if size > 1), call.number("rows"))


def row_operands(call: Call) -> tuple[int, ...]:
    """The operands of which one row is enough for a row of the output."""
    if call.function in BINARY:
        return (0, 1)
    return (0,) if _kind(call) in (MATMUL, FULLY_CONNECTED, SOFTMAX, *ONE_BY_ONE) else ()


def output_elements(call: Call) -> int:
    """How many elements a row-wise kernel writes."""
    names = {MATMUL: ("batch_dims", "rows", "columns"), FULLY_CONNECTED: ("rows", "channels"),
             SOFTMAX: ("rows", "depth")} | dict.fromkeys(ONE_BY_ONE, ("count",))  # fmt: skip
    return int(np.prod([
        size
        for name in names.get(_kind(call), ("dims",))
        for size in np.atleast_1d(cast("int | list[int]", call.fields[name]))
    ]))  # fmt: skip


def row_call(call: Call, loops: Sequence[int]) -> Call | None:
    """The call for one row, its slots advancing with the loops; None if that cannot be."""
    rows, elements = math.prod(loops), output_elements(call)
    own = own_loops(call)
    if elements == 0 or elements % rows or (own is not None and math.prod(own) != rows):
        return None
    if _kind(call) == MATMUL and own != tuple(loops):
        return None
    advances = []
    inner: list[list[int]] = []
    for position in (*range(len(call.operands)), OUTPUT):
        strides = _strides(call, position, loops, elements)
        if strides is None or min(strides) < 0:
            return None
        advances.append(tuple(strides[: len(loops)]))
        inner.append(strides[len(loops) :])
    operands: list[Operand] = []
    for operand, advance in zip(call.operands, advances, strict=False):
        if isinstance(operand, Slot):
            operands.append(replace(operand, advance=advance))
        elif any(advance):
            return None
        else:
            operands.append(operand)
    return replace(
        call,
        fields={**call.fields, **_row_fields(call, elements // rows, inner)},
        operands=tuple(operands),
        output=replace(call.output, advance=advances[-1]),
    )


def _strides(call: Call, position: int, loops: Sequence[int], elements: int) -> list[int] | None:
    """How far an operand's place moves with each loop, then along a row's own axes."""
    found = accessed(call, position)
    if found is None and has_strides(call, position):
        return None
    if found is None:  # the kernel takes them as they come
        inputs = _kind(call) == FULLY_CONNECTED and position == 0
        found = np.arange(call.number("rows") * call.number("depth") if inputs else elements)
    if _kind(call) == MATMUL and position == 1:  # every row reads all of it
        regular = strides_of(found.reshape(*loops[:-1], *found.shape[-2:]))
        batch = len(loops) - 1
        return None if regular is None else [*regular[1][:batch], 0, *regular[1][batch:]]
    regular = strides_of(found.reshape(*loops, -1))
    return None if regular is None else regular[1]


def _row_fields(call: Call, width: int, inner: list[list[int]]) -> dict[str, Value]:
    if call.function in BINARY:
        strides = {f"stride{at + 1}": [0, 0, 0, inner[at][0]] for at in (0, 1)}
        return {"dims": [1, 1, 1, width], **strides}
    if _kind(call) in ONE_BY_ONE:
        return {"count": width}
    if _kind(call) == MATMUL:
        none = [0, 0, 0, 0]
        strides = {f"{name}_batch_stride": none for name in ("lhs", "rhs", "output")}
        return {"rows": 1, "batch_dims": [1, 1, 1, 1], **strides}
    return {"rows": 1}
