/* SUM and MEAN of int16 over any axes, portable.
 *
 *   out = clamp(requantize(sum of in))
 *
 * For MEAN the multiplier holds 1 / count, as TFLM folds it. */
#include "mf_fixed_point.h"
#include "mf_reduce.h"

static int16_t output_of(const mf_sum_params *p, const int16_t *first)
{
    int32_t sum = 0;
    MF_FOR_EACH(p->axes.reduced, p->axes.reduced_stride, at, sum += first[at]);
    return mf_clamp_s16(mf_requantize(sum, p->multiplier, p->shift), INT16_MIN, INT16_MAX);
}

void mf_sum_s16(const mf_sum_params *p, const int16_t *input, int16_t *output)
{
    MF_FOR_EACH(p->axes.kept, p->axes.kept_stride, at, *output++ = output_of(p, input + at));
}
