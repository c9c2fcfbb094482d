/* MEAN over adjacent axes, portable.
 *
 *   out[o][i] = clamp(requantize(sum_n in[o][n][i] - count * zp_in) + zp_o)
 *
 * The multiplier holds 1 / count, as TFLM folds it. */
#include "mf_fixed_point.h"
#include "mf_kernels.h"

void mf_mean_s8(const mf_mean_params *p, const int8_t *input, int8_t *output)
{
    for (uint32_t o = 0; o < p->outer; o++, input += p->count * p->inner) {
        for (uint32_t i = 0; i < p->inner; i++) {
            int32_t sum = p->sum_offset;
            const int8_t *value = input + i;
            for (uint32_t n = p->count; n > 0; n--, value += p->inner) {
                sum += *value;
            }
            const int32_t mean = mf_requantize(sum, p->multiplier, p->shift);
            *output++ = mf_clamp(mean + p->output_zero_point, -128, 127);
        }
    }
}
