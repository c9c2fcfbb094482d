/* PRELU, portable; input2 is the slope.
 *
 *   out = clamp(requantize1(a - zp1) + zp_o)               where a >= zp1
 *   out = clamp(requantize2((a - zp1) * (b - zp2)) + zp_o) elsewhere */
#include "mf_broadcast.h"
#include "mf_fixed_point.h"

static inline int8_t prelu(const mf_binary_params *p, int8_t a, int8_t b)
{
    const int32_t x = a - p->zero_point1;
    const int32_t value =
        x >= 0 ? mf_requantize(x, p->multiplier1, p->shift1)
               : mf_requantize(x * (b - p->zero_point2), p->multiplier2, p->shift2);
    return mf_clamp(value + p->output_zero_point, p->low, p->high);
}

void mf_prelu_s8(const mf_binary_params *p, const int8_t *input1, const int8_t *input2,
                 int8_t *out)
{
    MF_FOR_EACH_ELEMENT(int8_t, p, input1, input2, out, prelu);
}
