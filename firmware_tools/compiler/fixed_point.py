"""TensorFlow Lite Micro's fixed-point arithmetic, done once on the host.

Formulas: gemmlowp's fixed-point library and TFLite's quantisation utilities, as TFLM computes
them (two roundings a requantisation). A Qn.m number is a Python int holding n integer and m
fraction bits, n + m = 31. Everything is exact integer arithmetic; the tests hold it to TFLM.
"""

import math

INT32_MIN, INT32_MAX = -(1 << 31), (1 << 31) - 1


def quantise_multiplier(real: float) -> tuple[int, int]:
    """A positive real as (multiplier, shift): real = multiplier / 2^31 * 2^shift."""
    if real == 0.0:
        return 0, 0
    fraction, shift = math.frexp(real)
    multiplier = _round_half_away(fraction * (1 << 31))
    if multiplier == 1 << 31:
        multiplier //= 2
        shift += 1
    if shift < -31:
        return 0, 0
    return multiplier, shift


def _round_half_away(value: float) -> int:
    return math.floor(value + 0.5) if value >= 0 else -math.floor(-value + 0.5)


def saturate32(value: int) -> int:
    return max(INT32_MIN, min(INT32_MAX, value))


def rounding_doubling_high_multiply(a: int, b: int) -> int:
    """round(a * b / 2^31), ties up; saturates for INT32_MIN squared."""
    return saturate32((a * b + (1 << 30)) >> 31)


def rounding_divide_by_power_of_two(value: int, exponent: int) -> int:
    """value / 2^exponent, ties away from zero."""
    mask = (1 << exponent) - 1
    threshold = (mask >> 1) + (1 if value < 0 else 0)
    return (value >> exponent) + (1 if (value & mask) > threshold else 0)


def wrap32(value: int) -> int:
    """The low 32 bits as a signed number: what a C int32_t shift left leaves."""
    return (value + (1 << 31)) % (1 << 32) - (1 << 31)


def multiply_by_quantised_multiplier(value: int, multiplier: int, shift: int) -> int:
    """value * multiplier / 2^31 * 2^shift with TFLM's two roundings."""
    left, right = max(shift, 0), max(-shift, 0)
    high = rounding_doubling_high_multiply(wrap32(value << left), multiplier)
    return rounding_divide_by_power_of_two(high, right)


# The softmax of TFLite works on differences to the row's maximum in Q5.26.
SOFTMAX_INTEGER_BITS = 5
_EXP_MINUS_EIGHTH = 1895147668  # exp(-1/8) in Q0.31
_ONE_THIRD = 715827883  # 1/3 in Q0.31
# exp(-2^k) in Q0.31 for k = -2 .. 4, as gemmlowp's exp_on_negative_values has them.
_EXP_MINUS_POWER_OF_TWO = (
    (-2, 1672461947),
    (-1, 1302514674),
    (0, 790015084),
    (1, 290630308),
    (2, 39332535),
    (3, 720401),
    (4, 242),
)

_HALF_SQRT_2 = 1518500250  # sqrt(2) / 2 in Q0.31


def _exp_on_minus_quarter_to_zero(a: int) -> int:
    """exp(a) for a in [-1/4, 0), Q0.31: a polynomial of degree 4 around -1/8."""
    x = a + (1 << 28)  # a + 1/8
    x2 = rounding_doubling_high_multiply(x, x)
    x3 = rounding_doubling_high_multiply(x2, x)
    x4 = rounding_doubling_high_multiply(x2, x2)
    x4_over_4 = rounding_divide_by_power_of_two(x4, 2)
    tail = rounding_doubling_high_multiply(x4_over_4 + x3, _ONE_THIRD) + x2
    tail_over_2 = rounding_divide_by_power_of_two(tail, 1)
    return saturate32(
        _EXP_MINUS_EIGHTH + rounding_doubling_high_multiply(_EXP_MINUS_EIGHTH, x + tail_over_2)
    )


def exp_on_negative_values(a: int, integer_bits: int) -> int:
    """exp(a) for a <= 0 with 2 to 5 integer bits; Q0.31 out."""
    if a == 0:
        return INT32_MAX
    fraction_bits = 31 - integer_bits
    quarter = 1 << (fraction_bits - 2)
    a_mod_quarter = (a & (quarter - 1)) - quarter
    result = _exp_on_minus_quarter_to_zero(a_mod_quarter << integer_bits)
    remainder = a_mod_quarter - a
    for exponent, factor in _EXP_MINUS_POWER_OF_TWO:
        if exponent < integer_bits and remainder & (1 << (fraction_bits + exponent)):
            result = rounding_doubling_high_multiply(result, factor)
    return result


def input_radius(integer_bits: int, left_shift: int) -> int:
    """The largest integer that, shifted left, still fits a number of so many integer bits."""
    return math.floor(((1 << integer_bits) - 1) * (1 << (31 - integer_bits)) / (1 << left_shift))


def softmax_exponentials(input_scale: float, beta: float) -> list[int]:
    """exp(beta * scale * -d) in Q0.31 for d = 0, 1, … the differences that count, at most 256.

    A difference beyond the list lies outside Q5.26 and counts as zero.
    """
    integer_bits = SOFTMAX_INTEGER_BITS
    real = min(beta * input_scale * (1 << (31 - integer_bits)), float(INT32_MAX))
    multiplier, left_shift = quantise_multiplier(real)
    radius = input_radius(integer_bits, left_shift)
    return [
        exp_on_negative_values(
            rounding_doubling_high_multiply(wrap32(-d << left_shift), multiplier), integer_bits
        )
        for d in range(min(radius, 255) + 1)
    ]


def inverse_square_root_multiplier(value: int) -> tuple[int, int]:
    """1 / sqrt(value) for an integer value > 0 as (multiplier, shift <= 0).

    Five steps of Newton's iteration x <- x * (3 - value * x^2) / 2 in Q3.28, on a value brought
    into [1/2, 2) by an even shift.
    """
    if value <= 1:
        return INT32_MAX, 0
    shift = 11
    while value >= 1 << 29:
        value //= 4
        shift += 1
    left_shift_pairs = (31 - value.bit_length()) // 2 - 1
    shift -= left_shift_pairs
    value <<= 2 * left_shift_pairs
    half_input = rounding_divide_by_power_of_two(value >> 1, 1)
    three_halves = (1 << 28) + (1 << 27)
    x = 1 << 28
    for _ in range(5):
        x3 = _rescale(_multiply(_multiply(x, x), x), 9, 3)
        x = _rescale(_multiply(three_halves, x) - _multiply(half_input, x3), 6, 3)
    multiplier = rounding_doubling_high_multiply(x, _HALF_SQRT_2)
    if shift < 0:
        multiplier <<= -shift
        shift = 0
    return multiplier, -shift


def _multiply(a: int, b: int) -> int:
    """Product of two fixed-point numbers; its integer bits are the sum of theirs."""
    return rounding_doubling_high_multiply(a, b)


def _rescale(value: int, source_bits: int, target_bits: int) -> int:
    """The same number with other integer bits, saturating."""
    exponent = source_bits - target_bits
    return (
        saturate32(value << exponent)
        if exponent >= 0
        else (rounding_divide_by_power_of_two(value, -exponent))
    )
