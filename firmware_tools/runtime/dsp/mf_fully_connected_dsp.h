/* FULLY_CONNECTED with the DSP extension: each row is widened once and used for all channels. */
#ifndef MF_FULLY_CONNECTED_DSP_H
#define MF_FULLY_CONNECTED_DSP_H

#include "mf_row_dsp.h"

static inline void mf_fully_connected_dsp(const mf_fully_connected_dsp_params *p,
                                          const int8_t *input, int32_t *row, int8_t *output,
                                          mf_row_blocks *product, uint32_t block_words)
{
    const uint32_t words = 4 * p->weights.steps;
    for (uint32_t r = 0; r < p->rows; r++) {
        mf_zero(mf_widen_dsp(input, p->depth, row), row + words);
        mf_row_dsp(&p->weights, product, block_words, row, output);
        input += p->depth;
        output += p->output_row_stride;
    }
}

#endif
