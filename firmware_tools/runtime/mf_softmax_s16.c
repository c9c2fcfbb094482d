/* SOFTMAX of int16 over the last axis, by interpolated tables, portable.
 *
 *   out[i] = clamp(round(exp(in[i] - max) / sum_j exp(in[j] - max) * 2^15))
 *
 * Exponentials are Q0.15, their sum Q16.15; the output holds the exponentials until the sum is
 * known. The sum's reciprocal is 1 / (1 + x) of its 16 bits below the leading one. */
#include "mf_fixed_point.h"
#include "mf_interpolate.h"
#include "mf_kernels.h"
#include "mf_reciprocal.h"

static int16_t exponential(const mf_softmax_s16_params *p, int32_t difference)
{
    const int32_t steps = mf_requantize(difference, p->multiplier, p->shift);
    return mf_interpolate(p->exponentials, mf_limit(steps + INT16_MAX, INT16_MIN, INT16_MAX));
}

void mf_softmax_s16(const mf_softmax_s16_params *p, const int16_t *input, int16_t *output)
{
    for (uint32_t row = 0; row < p->rows; row++, input += p->depth, output += p->depth) {
        int32_t max = INT16_MIN;
        for (uint32_t i = 0; i < p->depth; i++) {
            max = input[i] > max ? input[i] : max;
        }
        int32_t sum = 0;
        for (uint32_t i = 0; i < p->depth; i++) {
            output[i] = exponential(p, input[i] - max);
            sum += output[i];
        }
        const int headroom = mf_leading_zeros((uint32_t)sum) - 1;
        /* The sum from its leading one on, which is 2^16. */
        const int32_t leading = (int32_t)((((uint32_t)sum << headroom) + (1u << 13)) >> 14);
        const int32_t x = mf_limit(leading - 3 * (1 << 15), INT16_MIN, INT16_MAX);
        const int32_t reciprocal = mf_interpolate(p->reciprocals, x);
        const int shift = 30 - headroom;
        for (uint32_t i = 0; i < p->depth; i++) {
            const int32_t value = (output[i] * reciprocal + (1 << (shift - 1))) >> shift;
            output[i] = mf_clamp_s16(value, 0, INT16_MAX);
        }
    }
}
