/* SUM and MEAN of int8 with the DSP extension over the last axis.
 *
 * The bytes are summed up as if 128 were added to each, by USADA8, four at a time; the compiler has
 * taken that off sum_offset. Instructions an element: 1; for a code of the sum see
 * mf_sum_code_dsp.h. */
#include "mf_sum_code_dsp.h"
#include "mf_widen_dsp.h"

static inline uint32_t add_four(uint32_t sum, uint32_t word)
{
    __asm__("usada8 %0, %1, %2, %0" : "+r"(sum) : "r"(word ^ 0x80808080u), "r"(0));
    return sum;
}

void mf_sum_rows_s8_dsp(const mf_sum_dsp_params *p, const int8_t *input, int8_t *output)
{
    for (uint32_t b = 0; b < p->blocks; b++) {
        uint32_t sum = 0;
        uint32_t left = p->count;
        for (; left >= 8; left -= 8, input += 8) {
            sum = add_four(add_four(sum, mf_word(input)), mf_word(input + 4));
        }
        for (; left > 0; left--) {
            sum += (uint8_t)*input++ ^ 0x80u;
        }
        *output++ = mf_sum_code(p, (int32_t)sum);
    }
}
