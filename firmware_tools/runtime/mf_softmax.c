/* SOFTMAX over the last axis, by table, portable.
 *
 *   out[i] = clamp(round(e[max - in[i]] / sum_j e[max - in[j]] * 256) - 128)
 *
 * An int8 row has at most 256 distinct exponentials, computed by the compiler in Q0.31; a difference
 * beyond the table counts as zero. The sum is Q12.19. */
#include "mf_fixed_point.h"
#include "mf_kernels.h"
#include "mf_reciprocal.h"

/* Beyond this shift, where 512 elements are about as large as the largest, TFLM stops; each of them
 * has less than half a unit. */
enum { SUM_INTEGER_BITS = 12, MOST_SHIFT = 31 };

void mf_softmax_s8(const mf_softmax_params *p, const int8_t *input, int8_t *output)
{
    const int32_t *e = p->exponentials;
    for (uint32_t row = 0; row < p->rows; row++, input += p->depth, output += p->depth) {
        int32_t max = -128;
        for (uint32_t i = 0; i < p->depth; i++) {
            max = input[i] > max ? input[i] : max;
        }
        uint32_t sum = 0;
        for (uint32_t i = 0; i < p->depth; i++) {
            const uint32_t difference = (uint32_t)(max - input[i]);
            if (difference < p->exponential_count) {
                sum += (uint32_t)mf_divide_by_power_of_two(e[difference], SUM_INTEGER_BITS);
            }
        }
        const int headroom = mf_leading_zeros(sum);
        const int32_t scale = mf_reciprocal(sum, headroom);
        const int shift = SUM_INTEGER_BITS - headroom + 31 - 8;
        for (uint32_t i = 0; i < p->depth; i++) {
            const uint32_t difference = (uint32_t)(max - input[i]);
            int32_t value = -128;
            if (difference < p->exponential_count && shift <= MOST_SHIFT) {
                value += mf_divide_by_power_of_two(mf_high_multiply(scale, e[difference]), shift);
            }
            output[i] = mf_clamp(value, -128, 127);
        }
    }
}
