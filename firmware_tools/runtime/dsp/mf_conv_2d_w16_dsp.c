/* CONV_2D with weights of 16 bits. */
#include "mf_conv_2d_dsp.h"

void mf_conv_2d_w16_dsp(const mf_conv_2d_dsp_params *p, const int8_t *input, int32_t *strip,
                        int8_t *output)
{
    mf_conv_2d_dsp(p, input, strip, output, mf_rows_w16_dsp,
                   MF_BLOCK_WORDS_W16(p->weights.steps));
}
