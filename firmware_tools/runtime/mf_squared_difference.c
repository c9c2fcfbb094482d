/* SQUARED_DIFFERENCE, portable.
 *
 *   d = requantize1((a - zp1) << left) - requantize2((b - zp2) << left)
 *   out = clamp(requantize(d * d) + zp_o)
 *
 * `left` is 7: the square of a difference at that headroom still fits 32 bits. */
#include "mf_broadcast.h"
#include "mf_fixed_point.h"

static inline int8_t squared_difference(const mf_binary_params *p, int8_t a, int8_t b)
{
    const int32_t x = mf_requantize(mf_shift_left(a - p->zero_point1, p->left_shift),
                                    p->multiplier1, p->shift1);
    const int32_t y = mf_requantize(mf_shift_left(b - p->zero_point2, p->left_shift),
                                    p->multiplier2, p->shift2);
    const int32_t value =
        mf_requantize((x - y) * (x - y), p->output_multiplier, p->output_shift);
    return mf_clamp(value + p->output_zero_point, p->low, p->high);
}

void mf_squared_difference_s8(const mf_binary_params *p, const int8_t *input1,
                              const int8_t *input2, int8_t *out)
{
    MF_FOR_EACH_ELEMENT(p, input1, input2, out, squared_difference);
}
