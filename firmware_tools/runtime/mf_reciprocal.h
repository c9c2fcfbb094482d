/* The fixed-point reciprocal that SOFTMAX and DIV share. */
#ifndef MF_RECIPROCAL_H
#define MF_RECIPROCAL_H

#include "mf_fixed_point.h"

static inline int mf_leading_zeros(uint32_t value)
{
    int zeros = 0;
    for (; zeros < 32 && !(value & 0x80000000u); value <<= 1) {
        zeros++;
    }
    return zeros;
}

/* value * 2^bits with saturation: the same number with that many integer bits fewer. */
static inline int32_t mf_narrow(int32_t value, int bits)
{
    if (value > INT32_MAX >> bits) {
        return INT32_MAX;
    }
    if (value < INT32_MIN >> bits) {
        return INT32_MIN;
    }
    return mf_shift_left(value, bits);
}

/* 1 / (1 + a) for a in [0, 1): Q0.31 in and out. Three steps of Newton's iteration in Q2.29, as
 * gemmlowp's one_over_one_plus_x_for_x_in_0_1 has it. */
static inline int32_t mf_one_over_one_plus(int32_t a)
{
    const int64_t one = (int64_t)a + INT32_MAX; /* 1 + a, with the 1 of Q0.31 */
    const int32_t half_denominator = (int32_t)((one + 1) / 2);
    int32_t x =
        1515870810 + mf_high_multiply(half_denominator, -1010580540); /* 48/17 - 32/17 d */
    for (int i = 0; i < 3; i++) {
        const int32_t product = mf_high_multiply(half_denominator, x);
        const int32_t remainder = (1 << 29) - product;
        x += mf_narrow(mf_high_multiply(x, remainder), 2); /* Q4.27 to Q2.29 */
    }
    return mf_narrow(x, 1); /* x / 2, read as Q1.30, to Q0.31 */
}

/* 2^(31 - zeros) / value in Q0.31, where `zeros` is the number of value's leading zeros, < 32. */
static inline int32_t mf_reciprocal(uint32_t value, int zeros)
{
    return mf_one_over_one_plus((int32_t)((value << zeros) - ((uint32_t)1 << 31)));
}

#endif
