/* The fixed-point arithmetic of TensorFlow Lite Micro that the kernels share.
 *
 * An int32 accumulator is brought to a tensor's scale by a multiplier in [2^30, 2^31) and a power of
 * two, with two roundings: ties up in the high multiplication, ties away from zero in the division.
 * Keeping both is what keeps TFLM's bytes. */
#ifndef MF_FIXED_POINT_H
#define MF_FIXED_POINT_H

#include <stdint.h>

/* round(a * b / 2^31), ties up. The one overflow, INT32_MIN squared, cannot occur: multipliers
 * are positive. */
static inline int32_t mf_high_multiply(int32_t a, int32_t b)
{
    return (int32_t)(((int64_t)a * b + (1 << 30)) >> 31);
}

/* value / 2^exponent, ties away from zero; 0 <= exponent <= 31. */
static inline int32_t mf_divide_by_power_of_two(int32_t value, int exponent)
{
    const int32_t mask = (int32_t)(((uint32_t)1 << exponent) - 1u);
    const int32_t threshold = (mask >> 1) + (value < 0);
    return (value >> exponent) + ((value & mask) > threshold);
}

static inline int32_t mf_shift_left(int32_t value, int bits)
{
    return (int32_t)((uint32_t)value << bits);
}

/* value * multiplier / 2^31 * 2^shift. */
static inline int32_t mf_requantize(int32_t value, int32_t multiplier, int shift)
{
    if (shift > 0) {
        return mf_high_multiply(mf_shift_left(value, shift), multiplier);
    }
    return mf_divide_by_power_of_two(mf_high_multiply(value, multiplier), -shift);
}

static inline int32_t mf_limit(int32_t value, int32_t low, int32_t high)
{
    return value < low ? low : value > high ? high : value;
}

static inline int8_t mf_clamp(int32_t value, int32_t low, int32_t high)
{
    return (int8_t)mf_limit(value, low, high);
}

static inline int16_t mf_clamp_s16(int32_t value, int32_t low, int32_t high)
{
    return (int16_t)mf_limit(value, low, high);
}

#endif
