/* SUM and MEAN over any axes, portable.
 *
 *   out = clamp(requantize(sum of in - count * zp_in) + zp_o)
 *
 * For MEAN the multiplier holds 1 / count, as TFLM folds it. */
#include "mf_fixed_point.h"
#include "mf_reduce.h"

static int8_t output_of(const mf_sum_params *p, const int8_t *first)
{
    int32_t sum = p->sum_offset;
    MF_FOR_EACH(p->axes.reduced, p->axes.reduced_stride, at, sum += first[at]);
    const int32_t value = mf_requantize(sum, p->multiplier, p->shift);
    return mf_clamp(value + p->output_zero_point, INT8_MIN, INT8_MAX);
}

void mf_sum_s8(const mf_sum_params *p, const int8_t *input, int8_t *output)
{
    MF_FOR_EACH(p->axes.kept, p->axes.kept_stride, at, *output++ = output_of(p, input + at));
}
