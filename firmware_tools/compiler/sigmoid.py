"""LOGISTIC, TANH and HARD_SWISH of one int8, as TensorFlow Lite Micro computes them.

Formulas: gemmlowp's fixed-point logistic and tanh in Q0.31 on an input in Q4.27, and TFLite's
16-bit hard-swish. Exact integer arithmetic; the tests hold it to TFLM on all 256 codes.
"""

from dataclasses import dataclass

import numpy as np

from firmware_tools.compiler.fixed_point import (
    INT32_MAX,
    exp_on_negative_values,
    input_radius,
    multiply_by_quantised_multiplier,
    quantise_multiplier,
    rounding_divide_by_power_of_two,
    rounding_doubling_high_multiply,
    saturate32,
)

_INTEGER_BITS = 4
_48_OVER_17, _MINUS_32_OVER_17 = 1515870810, -1010580540  # Q2.29
_ONE_Q2 = 1 << 29


def _reciprocal_of_half(a: int) -> int:
    """2 / (1 + a) for a in [0, 1), Q0.31 in, Q2.29 out: Newton's iteration."""
    half_denominator = (a + INT32_MAX + 1) // 2
    x = _48_OVER_17 + rounding_doubling_high_multiply(half_denominator, _MINUS_32_OVER_17)
    for _ in range(3):
        remainder = _ONE_Q2 - rounding_doubling_high_multiply(half_denominator, x)
        x += saturate32(rounding_doubling_high_multiply(x, remainder) << 2)
    return x


def _logistic(a: int) -> int:
    """1 / (1 + exp(-a)): Q4.27 in, Q0.31 out."""
    if a == 0:
        return 1 << 30
    positive = saturate32(_reciprocal_of_half(exp_on_negative_values(-abs(a), _INTEGER_BITS)) << 1)
    return positive if a > 0 else INT32_MAX - positive


def _tanh(a: int) -> int:
    """(1 - exp(-2a)) / (1 + exp(-2a)): Q4.27 in, Q0.31 out."""
    if a == 0:
        return 0
    # The raw bits of a in Q4.27 are those of 2a in Q5.26.
    reciprocal = _reciprocal_of_half(exp_on_negative_values(-abs(a), _INTEGER_BITS + 1))
    positive = saturate32((reciprocal - _ONE_Q2) << 2)
    return positive if a > 0 else -positive


@dataclass(frozen=True)
class _Input:
    """An int8's difference to its zero point, brought to Q4.27."""

    multiplier: int
    shift: int
    radius: int

    @classmethod
    def of_scale(cls, scale: np.float32) -> "_Input":
        multiplier, shift = quantise_multiplier(float(scale) * (1 << (31 - _INTEGER_BITS)))
        return cls(multiplier, shift, input_radius(_INTEGER_BITS, shift))

    def __call__(self, value: int) -> int:
        return multiply_by_quantised_multiplier(value, self.multiplier, self.shift)


def logistic_code(value: int, scale: np.float32) -> int:
    """Output code on scale 1/256, zero point -128, of an input `value` above its zero point."""
    x = _Input.of_scale(scale)
    if abs(value) >= x.radius:
        return 127 if value > 0 and value >= x.radius else -128
    return min(127, rounding_divide_by_power_of_two(_logistic(x(value)), 23) - 128)


def tanh_code(value: int, scale: np.float32) -> int:
    """Output code on scale 1/128, zero point 0, of an input `value` above its zero point."""
    x = _Input.of_scale(scale)
    if abs(value) >= x.radius:
        return 127 if value > 0 and value >= x.radius else -128
    return max(-128, min(127, rounding_divide_by_power_of_two(_tanh(x(value)), 24)))


def _saturate16(value: int) -> int:
    return max(-(1 << 15), min((1 << 15) - 1, value))


def _rounding_multiply16(a: int, b: int) -> int:
    """round(a * b / 2^15), ties up."""
    return _saturate16((a * b + (1 << 14)) >> 15)


def _truncating_multiply16(a: int, b: int) -> int:
    """a * b / 2^15, towards zero."""
    return _saturate16(a * b // (1 << 15) if a * b >= 0 else -(-a * b // (1 << 15)))


@dataclass(frozen=True)
class HardSwish:
    """x * min(max(x + 3, 0), 6) / 6 in 16 bits; multipliers are a 16-bit number and an exponent."""

    output_multiplier: int
    output_exponent: int
    reluish_multiplier: int
    reluish_exponent: int
    output_zero_point: int

    @classmethod
    def of_scales(
        cls, scale: np.float32, output_scale: np.float32, output_zero_point: int
    ) -> "HardSwish":
        fine, reluish = float(scale) / 128, 3 / 32768
        pairs = [quantise_multiplier(fine / one) for one in (float(output_scale), reluish)]
        (output, output_exponent), (relu, relu_exponent) = (
            (_saturate16((multiplier + (1 << 15)) >> 16), exponent)
            for multiplier, exponent in pairs
        )
        return cls(output, output_exponent, relu, relu_exponent, output_zero_point)

    def code(self, value: int) -> int:
        """Output code of an input `value` above its zero point."""
        fine = value << 7
        preshift = _rounding_multiply16(fine, self.output_multiplier)
        left = self.reluish_exponent
        reluish = _saturate16(fine << (left - 1)) if left > 0 else fine
        reluish = _rounding_multiply16(reluish, self.reluish_multiplier)
        if left > 0:
            reluish = _saturate16(reluish << 1)
        else:
            reluish = rounding_divide_by_power_of_two(reluish, -left)
        gate = (reluish + (1 << 15)) >> 1
        product = _truncating_multiply16(gate, preshift)
        result = rounding_divide_by_power_of_two(product, -self.output_exponent)
        return max(-128, min(127, result + self.output_zero_point))
