/* CONV_2D with the DSP extension, for weights of 8 and of 16 bits. */
#ifndef MF_CONV_2D_DSP_H
#define MF_CONV_2D_DSP_H

#include "mf_rows_dsp.h"

#ifdef __cplusplus
extern "C" {
#endif

void mf_conv_2d_dsp(const mf_conv_2d_dsp_params *p, const int8_t *input, int32_t *strip,
                    int8_t *output, mf_rows_product *product, uint32_t block_words);

#ifdef __cplusplus
}
#endif

#endif
