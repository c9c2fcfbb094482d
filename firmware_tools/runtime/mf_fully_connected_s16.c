/* FULLY_CONNECTED of int16 with int8 weights, portable.
 *
 *   out[r][c] = clamp(requantize(bias[c] + sum_d in[r][d] * weights[c][d])) */
#include "mf_kernels.h"
#include "mf_wide.h"

void mf_fully_connected_s16(const mf_fully_connected_params *p, const int16_t *input,
                            int16_t *output)
{
    for (uint32_t row = 0; row < p->rows; row++) {
        const int8_t *weights = p->weights;
        for (uint32_t c = 0; c < p->channels; c++, weights += p->depth) {
            output[c] = mf_channel_s16(&p->output, c, mf_dot_s16(0, input, weights, p->depth));
        }
        input += p->depth;
        output += p->output_row_stride;
    }
}
