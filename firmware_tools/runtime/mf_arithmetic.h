/* The arithmetic of the element-wise operators on two inputs, the same for int8 and int16.
 *
 * Each takes one value of either input and gives the output's, clamped. */
#ifndef MF_ARITHMETIC_H
#define MF_ARITHMETIC_H

#include "mf_fixed_point.h"
#include "mf_kernels.h"

static inline int32_t mf_scaled1(const mf_binary_params *p, int32_t a)
{
    return mf_requantize(mf_shift_left(a - p->zero_point1, p->left_shift), p->multiplier1,
                         p->shift1);
}

static inline int32_t mf_scaled2(const mf_binary_params *p, int32_t b)
{
    return mf_requantize(mf_shift_left(b - p->zero_point2, p->left_shift), p->multiplier2,
                         p->shift2);
}

static inline int32_t mf_binary_output(const mf_binary_params *p, int32_t result)
{
    const int32_t value = mf_requantize(result, p->output_multiplier, p->output_shift);
    return mf_limit(value + p->output_zero_point, p->low, p->high);
}

/* clamp(requantize(requantize1((a - zp1) << left) + requantize2((b - zp2) << left)) + zp_o)
 *
 * TFLM keeps both inputs at twice the larger scale, with `left` bits of headroom below: 20 of int8,
 * 15 of int16. */
static inline int32_t mf_add(const mf_binary_params *p, int32_t a, int32_t b)
{
    return mf_binary_output(p, mf_scaled1(p, a) + mf_scaled2(p, b));
}

/* The same with the second input subtracted. */
static inline int32_t mf_sub(const mf_binary_params *p, int32_t a, int32_t b)
{
    return mf_binary_output(p, mf_scaled1(p, a) - mf_scaled2(p, b));
}

/* clamp(requantize((a - zp1) * (b - zp2)) + zp_o) */
static inline int32_t mf_mul(const mf_binary_params *p, int32_t a, int32_t b)
{
    return mf_binary_output(p, (a - p->zero_point1) * (b - p->zero_point2));
}

/* d = requantize1((a - zp1) << left) - requantize2((b - zp2) << left)
 * clamp(requantize(d * d) + zp_o)
 *
 * `left` is 7 of int8, 0 of int16: the square of a difference at that headroom fits 32 bits. */
static inline int32_t mf_squared_difference(const mf_binary_params *p, int32_t a, int32_t b)
{
    const int32_t difference = mf_scaled1(p, a) - mf_scaled2(p, b);
    return mf_binary_output(p, difference * difference);
}

/* Both inputs and the output are on one scale, so codes compare as they are. */
static inline int32_t mf_maximum(const mf_binary_params *p, int32_t a, int32_t b)
{
    (void)p;
    return a > b ? a : b;
}

static inline int32_t mf_minimum(const mf_binary_params *p, int32_t a, int32_t b)
{
    (void)p;
    return a < b ? a : b;
}

#endif
