"""ADD, SUB, MUL, SQUARED_DIFFERENCE: four elements at a time.

MUL and SQUARED_DIFFERENCE keep TFLM's roundings one by one. Those of ADD and SUB lie some 20 bits
below the output's codes and hardly ever show: two products and a shift give the same, which is
looked into for every pair of codes that can occur, 65,536 at most.
"""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import numpy.typing as npt

from firmware_tools.compiler.program import Call, Constant, Operand, Value
from firmware_tools.compiler.variants.draft import Draft
from firmware_tools.compiler.variants.dsp.scale import scale_of
from firmware_tools.compiler.variants.dsp.two_inputs import two_inputs

_LOWEST, _HIGHEST = -128, 127
_SUM_SHIFT = 21  # of the sum of products in mf_add_s8_dsp.c
_BYTE = 8  # by which a product of SMLAW is shifted
_LARGEST = (1 << 31) - 1
_MUL_SHIFT = -2  # a quarter of a product of 17 bits, and 255, are 16 bits
_HALF = (1 << 30, 0)  # what TFLM takes of the input on the larger scale: multiplier and shift

Codes = npt.NDArray[np.int64]


def add(call: Call, draft: Draft) -> Sequence[Call] | None:
    return _sum(call, sign=1)


def sub(call: Call, draft: Draft) -> Sequence[Call] | None:
    return _sum(call, sign=-1)


def _sum(call: Call, sign: int) -> list[Call] | None:
    """Not where results lie on ties, which TFLM rounds away from zero, nor where a clamp shows."""
    inputs = two_inputs(call)
    form = None if inputs is None else _sum_form(call, sign)
    if inputs is None or form is None:
        return None
    factors, offset = form
    first, second = inputs.ordered(factors)
    return inputs.calls(call, "add", {"factor1": first, "factor2": second, "offset": offset})


def mul(call: Call, draft: Draft) -> Sequence[Call] | None:
    """Not where a clamp shows, nor for a product whose results may pass 16 bits."""
    inputs, scale = two_inputs(call), _scale(call, base=-_LOWEST)
    if inputs is None or scale is None or call.number("output_shift") > _MUL_SHIFT:
        return None
    first, second = inputs.ordered("12")
    return inputs.calls(call, "mul", _zeros(call, first, second) | scale)


def squared_difference(call: Call, draft: Draft) -> Sequence[Call] | None:
    """Not where the input that lies along the rows is on the smaller scale."""
    inputs, scale = two_inputs(call), _scale(call)
    if inputs is None or scale is None:
        return None
    first, second = inputs.ordered("12")
    if inputs.symmetric and _scaling(call, first) != _HALF:
        inputs = replace(inputs, swapped=not inputs.swapped)
        first, second = second, first
    if _scaling(call, first) != _HALF:
        return None
    multiplier, shift = _scaling(call, second)
    left = call.number("left_shift") + 1
    if shift == 0:  # exactly a half: one bit more, and a shift by that
        left, shift = left + 1, -1
    form: dict[str, Value] = {
        "left2": left,
        "multiplier2": multiplier,
        "half2": 1 << (-shift - 1),
        "shift2": -shift,
    }
    return inputs.calls(call, "squared_difference", _zeros(call, first, second) | form | scale)


def _sum_form(call: Call, sign: int) -> tuple[tuple[int, int], int] | None:
    """Two factors and an offset that give what TFLM gives for every pair of codes."""
    left = call.number("left_shift")
    scalings = [_scaling(call, which) for which in ("1", "2", "output")]
    if max(shift for _, shift in scalings) > 0:
        return None
    reals = [multiplier * 2.0 ** (shift - 31) for multiplier, shift in scalings]
    unit = reals[2] * 2.0 ** (left + _SUM_SHIFT + _BYTE)
    factors = (round(reals[0] * unit), sign * round(reals[1] * unit))
    codes = (_codes(call.operands[0])[:, None], _codes(call.operands[1])[None, :])
    scaled = [
        _requantised((values - call.number(f"zero_point{which}")) << left, *scaling)
        for which, values, scaling in zip("12", codes, scalings[:2], strict=True)
    ]
    right = _requantised(scaled[0] + sign * scaled[1], *scalings[2])
    right += call.number("output_zero_point")
    right = right.clip(call.number("low"), call.number("high"))
    products = [factor * values >> _BYTE for factor, values in zip(factors, codes, strict=True)]
    # Between which the offset has to lie; at either end of the range it may be anything beyond.
    missing = (right << _SUM_SHIFT) - products[0] - products[1]
    least = missing[right > _LOWEST].max(initial=-_LARGEST)
    most = missing[right < _HIGHEST].min(initial=_LARGEST) + (1 << _SUM_SHIFT) - 1
    offset = int(least + most) // 2
    reach = abs(offset) + sum(int(np.abs(product).max()) for product in products)
    if least > most or max(reach, *map(abs, factors)) > _LARGEST:
        return None
    return factors, offset


def _codes(operand: Operand) -> Codes:
    """The codes that occur in an operand."""
    if isinstance(operand, Constant):
        return np.unique(operand.values).astype(np.int64)
    return np.arange(_LOWEST, _HIGHEST + 1)


def _requantised(values: Codes, multiplier: int, shift: int) -> Codes:
    """mf_requantize of values that fit 32 bits, by a shift <= 0."""
    high = (values * multiplier + (1 << 30)) >> 31
    mask = (1 << -shift) - 1
    away = (high & mask) > (mask >> 1) + (high < 0)
    return (high >> -shift) + away


def _scaling(call: Call, which: str) -> tuple[int, int]:
    """The multiplier and the shift of an input, "1" or "2", or of the output."""
    names = ("output_multiplier", "output_shift")
    if which != "output":
        names = (f"multiplier{which}", f"shift{which}")
    return call.number(names[0]), call.number(names[1])


def _scale(call: Call, base: int = 0) -> dict[str, Value] | None:
    """The output's plus `base`, for a product p of 31 bits: SMMLAR(p, 2 * multiplier - 2^32, p)
    rounds as SMMULR(2 * p, multiplier) does."""
    multiplier, shift = _scaling(call, "output")
    whole = (call.number("low"), call.number("high")) == (_LOWEST, _HIGHEST)
    scale = scale_of(multiplier, shift, base + call.number("output_zero_point"))
    if not whole or scale is None:
        return None
    return scale | {"multiplier": 2 * multiplier - (1 << 32)}


def _zeros(call: Call, first: str, second: str) -> dict[str, Value]:
    """Minus the zero points, each in both halves of a word."""
    points = [call.number(f"zero_point{which}") for which in (first, second)]
    return {f"zero{i}": (-point & 0xFFFF) * 0x10001 for i, point in enumerate(points, 1)}
