/* SUM and MEAN over any axes, portable.
 *
 *   out = clamp(requantize(sum of in - count * zp_in) + zp_o)
 *
 * For MEAN the multiplier holds 1 / count, as TFLM folds it. */
#include "mf_fixed_point.h"
#include "mf_reduce.h"

static int32_t add(int32_t so_far, int32_t value)
{
    return so_far + value;
}

static int8_t output_of(const mf_sum_params *p, const int8_t *first)
{
    const int32_t sum = mf_reduced(&p->axes, first, p->sum_offset, add);
    const int32_t value = mf_requantize(sum, p->multiplier, p->shift);
    return mf_clamp(value + p->output_zero_point, -128, 127);
}

void mf_sum_s8(const mf_sum_params *p, const int8_t *input, int8_t *output)
{
    MF_FOR_EACH_KEPT(&p->axes, input, output, output_of(p, first));
}
