"""PAD fills all of its output before its input is copied in; where the middle is one run, only the
margins need to be filled."""

from dataclasses import replace

import numpy as np

from firmware_tools.compiler.passes.access import OUTPUT, accessed
from firmware_tools.compiler.program import Call, Program, Slot, Step


def narrow_fills(program: Program) -> Program:
    return replace(program, steps=tuple(_narrowed(step) for step in program.steps))


def _narrowed(step: Step) -> Step:
    if len(step.calls) != 2 or [call.kernel for call in step.calls] != ["mf_fill", "mf_copy"]:
        return step
    fill, copy = step.calls
    middle = accessed(copy, OUTPUT)
    if middle is None or middle.size == 0:
        return step
    start, end = int(middle.min()), int(middle.max()) + 1
    if not np.array_equal(middle.ravel(), np.arange(start, end)):
        return step
    margins = [(fill.output.offset, start), (end, fill.output.offset + fill.number("count"))]
    fills = [_fill(fill, low, high) for low, high in margins if high > low]
    return replace(step, calls=(*fills, copy))


def _fill(fill: Call, low: int, high: int) -> Call:
    output = Slot(fill.output.tensor, low)
    return replace(fill, fields={**fill.fields, "count": high - low}, output=output)
