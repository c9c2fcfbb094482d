/* ADD and SUB, portable.
 *
 *   out = clamp(requantize(requantize1((a - zp1) << left) ± requantize2((b - zp2) << left)) + zp_o)
 *
 * TFLM keeps both inputs at twice the larger scale, with `left` (20) bits of headroom below. */
#include "mf_broadcast.h"
#include "mf_fixed_point.h"

static inline int32_t scaled1(const mf_binary_params *p, int8_t a)
{
    return mf_requantize(mf_shift_left(a - p->zero_point1, p->left_shift), p->multiplier1,
                         p->shift1);
}

static inline int32_t scaled2(const mf_binary_params *p, int8_t b)
{
    return mf_requantize(mf_shift_left(b - p->zero_point2, p->left_shift), p->multiplier2,
                         p->shift2);
}

static inline int8_t output(const mf_binary_params *p, int32_t sum)
{
    const int32_t value = mf_requantize(sum, p->output_multiplier, p->output_shift);
    return mf_clamp(value + p->output_zero_point, p->low, p->high);
}

static inline int8_t add(const mf_binary_params *p, int8_t a, int8_t b)
{
    return output(p, scaled1(p, a) + scaled2(p, b));
}

static inline int8_t sub(const mf_binary_params *p, int8_t a, int8_t b)
{
    return output(p, scaled1(p, a) - scaled2(p, b));
}

void mf_add_s8(const mf_binary_params *p, const int8_t *input1, const int8_t *input2, int8_t *out)
{
    MF_FOR_EACH_ELEMENT(p, input1, input2, out, add);
}

void mf_sub_s8(const mf_binary_params *p, const int8_t *input1, const int8_t *input2, int8_t *out)
{
    MF_FOR_EACH_ELEMENT(p, input1, input2, out, sub);
}
