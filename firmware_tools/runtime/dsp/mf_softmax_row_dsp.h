/* placeholder: exchanged for the fast one */
#ifndef MF_SOFTMAX_ROW_DSP_H
#define MF_SOFTMAX_ROW_DSP_H
#include "mf_fixed_point.h"
#include "mf_reciprocal.h"
static inline void mf_softmax_row_dsp(const int32_t *e, uint32_t count, const int8_t *input,
                                      uint32_t depth, int16_t *output)
{
    int32_t max = -128;
    for (uint32_t i = 0; i < depth; i++) {
        max = input[i] > max ? input[i] : max;
    }
    int32_t sum = 0;
    for (uint32_t i = 0; i < depth; i++) {
        const uint32_t difference = (uint32_t)(max - input[i]);
        if (difference < count) {
            sum += mf_divide_by_power_of_two(e[difference], 12);
        }
    }
    const int headroom = mf_leading_zeros((uint32_t)sum);
    const int32_t scale = mf_reciprocal((uint32_t)sum, headroom);
    const int shift = 12 - headroom + 31 - 8;
    for (uint32_t i = 0; i < depth; i++) {
        const uint32_t difference = (uint32_t)(max - input[i]);
        int32_t value = 0;
        if (difference < count) {
            value += mf_divide_by_power_of_two(mf_high_multiply(scale, e[difference]), shift);
        }
        output[i] = (int16_t)mf_limit(value, 0, 255);
    }
}
#endif
