"""Requantisation in the six instructions that the DSP kernels have for it."""

from firmware_tools.compiler.program import Value

_LARGEST_SHIFT = 22


def scale_of(multiplier: int, shift: int, zero_point: int) -> dict[str, Value] | None:
    """What brings a doubled sum d of at most 31 bits to a code, or None where that is wrong.

    SMMULR gives v = round(d * multiplier / 2^32), TFLM's first rounding. Its second, v / 2^e with
    ties away from zero, and the zero point are (v + (v >> 31) + offset) >> e, where offset is
    2^(e-1) + (zero_point << e): for e from 1, and as far as that fits 32 bits.
    """
    if not 1 <= -shift <= _LARGEST_SHIFT:
        return None
    offset = (1 << (-shift - 1)) + (zero_point << -shift)
    return {"multiplier": multiplier, "offset": offset, "shift": -shift}
