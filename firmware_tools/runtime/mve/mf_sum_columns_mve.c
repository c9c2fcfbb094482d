/* SUM and MEAN of columns with MVE, four at a time:
 *
 *   v = VQRDMULH(sum + sum_offset, multiplier)                        ties up
 *   out = clamp(VRSHL(v + (v >> 31), shift) + output_zero_point)      ties away from zero
 *
 * for shifts from -31 to -1; 6 instructions for four elements, 30 for four outputs. */
#include <arm_mve.h>

#include "mf_kernels_mve.h"

static void columns(const mf_sum_mve_params *p, const int8_t *input, int8_t *output)
{
    for (uint32_t c = 0; c < p->columns; c += 4) {
        const mve_pred16_t lanes = vctp32q(p->columns - c);
        const int8_t *x = input + c;
        int32x4_t sum = vdupq_n_s32(p->sum_offset);
        for (uint32_t k = 0; k < p->count; k++, x += p->columns) {
            sum = vaddq_s32(sum, vldrbq_z_s32(x, lanes));
        }
        int32x4_t v = vqrdmulhq_n_s32(sum, p->multiplier);
        v = vaddq_s32(v, vshrq_n_s32(v, 31));
        v = vaddq_n_s32(vrshlq_n_s32(v, p->shift), p->output_zero_point);
        v = vminq_s32(vmaxq_s32(v, vdupq_n_s32(INT8_MIN)), vdupq_n_s32(INT8_MAX));
        vstrbq_p_s32(output + c, v, lanes);
    }
}

void mf_sum_columns_mve(const mf_sum_mve_params *p, const int8_t *input, int8_t *output)
{
    for (uint32_t i = 0; i < p->outer; i++, input += p->outer_stride, output += p->columns) {
        columns(p, input, output);
    }
}
