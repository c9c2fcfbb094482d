"""Element-wise operators: vectors of four or 16 elements; mf_elements_mve.h has the arithmetic."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import cast

import numpy as np
import numpy.typing as npt

from firmware_tools.compiler.fixed_point import multiply_by_quantised_multiplier
from firmware_tools.compiler.lowering.common import Axis, merge_axes, pad_left
from firmware_tools.compiler.program import Call, Constant, Operand, Value
from firmware_tools.compiler.variants.draft import Draft

_HALF = (1 << 30, 0)  # what TFLM multiplies the input on the larger scale by: multiplier and shift
_LARGEST_TABLE = 256  # elements of a constant that may take four bytes each


def lookup(call: Call, draft: Draft) -> Sequence[Call] | None:
    return [replace(call, kernel="mve/mf_lookup_s8_mve", function="mf_lookup_s8_mve")]


def add(call: Call, draft: Draft) -> Sequence[Call] | None:
    return _sum(call, draft, "mf_add_mve", sign=1)


def sub(call: Call, draft: Draft) -> Sequence[Call] | None:
    return _sum(call, draft, "mf_add_mve", sign=-1)


def squared_difference(call: Call, draft: Draft) -> Sequence[Call] | None:
    return _sum(call, draft, "mf_squared_difference_mve", sign=-1)


def mul(call: Call, draft: Draft) -> Sequence[Call] | None:
    if not _is_suitable(call):
        return None
    offsets: dict[str, Value] = {f"offset{n}": -call.number(f"zero_point{n}") for n in (1, 2)}
    return [_call(call, "mf_mul_mve", (0, 1), offsets)]


def _sum(call: Call, draft: Draft, function: str, *, sign: int) -> list[Call] | None:
    """The kernel for two activations, or, of sums, that for a constant and an activation."""
    if not _is_suitable(call):
        return None
    signs = (1, sign)
    constant = next((at for at in (0, 1) if _is_small_constant(call.operands[at])), None)
    if constant is not None and function == "mf_add_mve" and _axes(call)[-1].strides == (1, 1):
        other = 1 - constant
        table = signs[constant] * _scaled(call, constant)
        swapped = replace(call, operands=_put(call.operands, constant, draft.constant(table)))
        fields = _rounded(call, other, signs[other])
        return [_call(swapped, "mf_add_constant_mve", (constant, other), fields)]
    exact = next((at for at in (0, 1) if _scaling(call, at) == _HALF), None)
    if exact is None:
        return None
    other = 1 - exact
    factor = signs[exact] << (call.number("left_shift") - 1)
    return [
        _call(call, function, (exact, other), _rounded(call, other, signs[other]) | {
            "factor1": factor,
            "offset1": -factor * call.number(f"zero_point{exact + 1}"),
        })
    ]  # fmt: skip


def _is_small_constant(operand: Operand) -> bool:
    return isinstance(operand, Constant) and operand.values.size <= _LARGEST_TABLE


def _is_suitable(call: Call) -> bool:
    """Whether an input has each of a row's elements side by side, or one for all of them, and the
    output's scale is such that the kernels' rounding is right: a factor below 1/2."""
    axes = _axes(call)
    return bool(axes) and axes[-1].size > 0 and (
        axes[-1].strides in ((1, 1), (1, 0), (0, 1)) and -31 <= call.number("output_shift") < 0
    )  # fmt: skip


def _axes(call: Call) -> list[Axis]:
    columns = [cast(list[int], call.fields[name]) for name in ("dims", "stride1", "stride2")]
    return merge_axes([Axis(n, (s1, s2)) for n, s1, s2 in zip(*columns, strict=True)])


def _scaling(call: Call, at: int) -> tuple[int, int]:
    return call.number(f"multiplier{at + 1}"), call.number(f"shift{at + 1}")


def _rounded(call: Call, at: int, sign: int) -> dict[str, Value]:
    """An input's part of a sum, with both of TFLM's roundings."""
    multiplier, shift = _scaling(call, at)
    factor = 1 << call.number("left_shift")
    return {
        "factor2": factor,
        "offset2": -factor * call.number(f"zero_point{at + 1}"),
        "multiplier2": multiplier,
        "shift2": shift,
        "away2": -31 if shift < 0 else 32,
        "sign2": sign,
    }


def _scaled(call: Call, at: int) -> npt.NDArray[np.int32]:
    """A constant input's part of a sum."""
    table = call.operands[at]
    assert isinstance(table, Constant)
    multiplier, shift = _scaling(call, at)
    left = call.number("left_shift")
    distances = table.values.astype(np.int64) - call.number(f"zero_point{at + 1}")
    values = [
        multiply_by_quantised_multiplier(int(d) << left, multiplier, shift) for d in distances
    ]
    return np.array(values, np.int32)


def _put(operands: tuple[Operand, ...], at: int, new: Operand) -> tuple[Operand, ...]:
    return (*operands[:at], new, *operands[at + 1 :])


def _call(call: Call, function: str, order: tuple[int, int], fields: Mapping[str, Value]) -> Call:
    """The kernel on both inputs in this order."""
    axes = _axes(call)
    own: dict[str, Value] = {
        "dims": pad_left([axis.size for axis in axes], 1),
        "stride1": pad_left([axis.strides[order[0]] for axis in axes], 0),
        "stride2": pad_left([axis.strides[order[1]] for axis in axes], 0),
        "multiplier": call.fields["output_multiplier"],
        "shift": call.fields["output_shift"],
        "zero_point": call.fields["output_zero_point"],
        "low": call.fields["low"],
        "high": call.fields["high"],
    }
    return Call(
        f"mve/{function}", function, "mf_elements_mve_params", {**own, **fields},
        tuple(call.operands[at] for at in order), call.output,
        tuple(at for at in (0, 1) if order[at] in call.in_place),
    )  # fmt: skip
