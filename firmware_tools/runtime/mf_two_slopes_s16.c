/* An element-wise function of one int16 with a slope on either side of zero, portable: RELU,
 * LEAKY_RELU, ABS.
 *
 *   out = clamp(requantize1(in)) where in >= 0, clamp(sign * requantize2(in)) elsewhere */
#include "mf_fixed_point.h"
#include "mf_kernels.h"

void mf_two_slopes_s16(const mf_two_slopes_params *p, const int16_t *input, int16_t *output)
{
    for (uint32_t i = 0; i < p->count; i++) {
        const int32_t value = input[i] >= 0
                                  ? mf_requantize(input[i], p->multiplier1, p->shift1)
                                  : p->sign2 * mf_requantize(input[i], p->multiplier2, p->shift2);
        output[i] = mf_clamp_s16(value, p->low, p->high);
    }
}
