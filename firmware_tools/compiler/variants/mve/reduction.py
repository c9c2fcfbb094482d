"""SUM and MEAN over one axis, MAX_POOL_2D."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import cast

from firmware_tools.compiler.lowering.common import Axis, merge_axes
from firmware_tools.compiler.program import Call, Value
from firmware_tools.compiler.variants.draft import Draft

_KEPT = ("sum_offset", "multiplier", "shift", "output_zero_point")


def sum_(call: Call, draft: Draft) -> Sequence[Call] | None:
    """Over the last axis, or over one before it where the scale is less than 1/2, for which the
    kernel's rounding is right."""
    axes = call.fields["axes"]
    assert isinstance(axes, Mapping)
    kept, reduced = (_axes(axes, name) for name in ("kept", "reduced"))
    if len(reduced) != 1 or len(kept) > 2 or any(axis.size == 0 for axis in (*kept, *reduced)):
        return None
    count, step = reduced[0].size, reduced[0].strides[0]
    fields: dict[str, Value] = {name: call.fields[name] for name in _KEPT} | {"count": count}
    if step == 1 and len(kept) <= 1:
        outer = kept[0] if kept else Axis(1, (0,))
        function = "mf_sum_rows_mve"
    elif kept and kept[-1] == Axis(step, (1,)) and -31 <= call.number("shift") < 0:
        outer = kept[0] if len(kept) == 2 else Axis(1, (0,))
        function = "mf_sum_columns_mve"
        fields["columns"] = step
    else:
        return None
    fields |= {"outer": outer.size, "outer_stride": outer.strides[0]}
    return [
        Call(f"mve/{function}", function, "mf_sum_mve_params", fields, call.operands, call.output)
    ]


def max_pool_2d(call: Call, draft: Draft) -> Sequence[Call] | None:
    return [replace(call, kernel="mve/mf_max_pool_2d_mve", function="mf_max_pool_2d_mve")]


def _axes(axes: Mapping[str, Value], name: str) -> list[Axis]:
    sizes, steps = (cast(list[int], axes[key]) for key in (name, f"{name}_stride"))
    return merge_axes([Axis(n, (step,)) for n, step in zip(sizes, steps, strict=True)])
