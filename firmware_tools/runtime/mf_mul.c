/* MUL, portable.
 *
 *   out = clamp(requantize((a - zp1) * (b - zp2)) + zp_o) */
#include "mf_broadcast.h"
#include "mf_fixed_point.h"

static inline int8_t mul(const mf_binary_params *p, int8_t a, int8_t b)
{
    const int32_t product = (a - p->zero_point1) * (b - p->zero_point2);
    const int32_t value = mf_requantize(product, p->output_multiplier, p->output_shift);
    return mf_clamp(value + p->output_zero_point, p->low, p->high);
}

void mf_mul_s8(const mf_binary_params *p, const int8_t *input1, const int8_t *input2, int8_t *out)
{
    MF_FOR_EACH_ELEMENT(p, input1, input2, out, mul);
}
