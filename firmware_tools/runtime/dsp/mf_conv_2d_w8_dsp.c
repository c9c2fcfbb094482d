/* CONV_2D with weights of 8 bits. */
#include "mf_conv_2d_dsp.h"

void mf_conv_2d_w8_dsp(const mf_conv_2d_dsp_params *p, const int8_t *input, int32_t *strip,
                       int8_t *output)
{
    mf_conv_2d_dsp(p, input, strip, output, mf_rows_w8_dsp, MF_BLOCK_WORDS_W8(p->weights.steps));
}
