/* FULLY_CONNECTED with the DSP extension: a strip of rows is widened, then used for all channels. */
#ifndef MF_FULLY_CONNECTED_DSP_H
#define MF_FULLY_CONNECTED_DSP_H

#include "mf_rows_dsp.h"

static inline void mf_fully_connected_dsp(const mf_fully_connected_dsp_params *p,
                                          const int8_t *input, int32_t *strip, int8_t *output,
                                          mf_rows_product *product, uint32_t block_words)
{
    const uint32_t words = 4 * p->weights.steps;
    for (uint32_t first = 0; first < p->rows; first += p->strip) {
        const uint32_t left = p->rows - first;
        const uint32_t count = left < p->strip ? left : p->strip;
        for (uint32_t r = 0; r < count; r++, input += p->depth) {
            mf_widen_row_dsp(input, p->depth, strip + r * words);
        }
        mf_rows_dsp(&p->weights, product, block_words, strip, 4 * words, output,
                    p->output_row_stride, count);
        output += count * p->output_row_stride;
    }
}

#endif
