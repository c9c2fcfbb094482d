/* SOFTMAX over the last axis; mf_softmax_row_dsp.h has the arithmetic. */
#include "mf_kernels_dsp.h"
#include "mf_softmax_row_dsp.h"

static inline int8_t code(mf_softmax_row row, int8_t x)
{
    return mf_saturate8(mf_softmax_of(row, x) - 128);
}

void mf_softmax_s8_dsp(const mf_softmax_dsp_params *p, const int8_t *input, int8_t *output)
{
    for (uint32_t r = 0; r < p->rows; r++) {
        const mf_softmax_row row = mf_softmax_row_of(p->exponentials, input, p->depth);
        uint32_t left = p->depth;
        for (; left >= 4; left -= 4, input += 4, output += 4) {
            output[0] = code(row, input[0]);
            output[1] = code(row, input[1]);
            output[2] = code(row, input[2]);
            output[3] = code(row, input[3]);
        }
        for (; left > 0; left--) {
            *output++ = code(row, *input++);
        }
    }
}
