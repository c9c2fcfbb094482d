"""SUM and MEAN over the last axis, or over one with others on either side."""

from collections.abc import Mapping, Sequence
from typing import cast

from firmware_tools.compiler.program import Call
from firmware_tools.compiler.variants.draft import Draft
from firmware_tools.compiler.variants.dsp.scale import scale_of

_LARGEST_SUM = 1 << 30
_FEWEST = 4  # columns that are worked on together, or elements of a row


def sum_(call: Call, draft: Draft) -> Sequence[Call] | None:
    """Not over several axes with others between, for sums of 30 bits, or a scale that grows."""
    shape = _shape(call)
    scale = scale_of(
        call.number("multiplier"), call.number("shift"), call.number("output_zero_point")
    )
    if shape is None or scale is None or 256 * shape[1] >= _LARGEST_SUM:
        return None
    blocks, count, columns = shape
    sum_offset = call.number("sum_offset")
    kind = "columns"
    if columns == 1:  # where the kernel adds 128 to each
        kind, sum_offset = "rows", sum_offset - 128 * count
    name = f"mf_sum_{kind}_s8_dsp"
    fields = {
        "blocks": blocks,
        "count": count,
        "columns": columns,
        "sum_offset": sum_offset,
        **scale,
    }
    return [Call(f"dsp/{name}", name, "mf_sum_dsp_params", fields, call.operands, call.output)]


def _shape(call: Call) -> tuple[int, int, int] | None:
    """The input as blocks x count x columns, of which the second is reduced."""
    axes = cast(Mapping[str, list[int]], call.fields["axes"])
    kept = [axis for axis in zip(axes["kept"], axes["kept_stride"], strict=True) if axis[0] > 1]
    reduced = [
        axis for axis in zip(axes["reduced"], axes["reduced_stride"], strict=True) if axis[0] > 1
    ]
    if len(reduced) != 1:
        return None
    count, stride = reduced[0]
    columns = kept.pop()[0] if kept and kept[-1][1] == 1 else 1
    blocks = kept.pop() if kept else (1, 0)
    whole = stride == columns and blocks in ((1, 0), (blocks[0], count * columns))
    if kept or not whole or (columns if columns > 1 else count) < _FEWEST:
        return None
    return blocks[0], count, columns
