/* FULLY_CONNECTED, portable.
 *
 *   out[r][c] = clamp(requantize(bias[c] + sum_d in[r][d] * weights[c][d]) + zero_point)
 *
 * The bias holds the input's zero point: bias'[c] = bias[c] - zp_in * sum_d weights[c][d]. */
#include "mf_dot.h"
#include "mf_fixed_point.h"
#include "mf_kernels.h"

void mf_fully_connected_s8(const mf_fully_connected_params *p, const int8_t *input,
                           int8_t *output)
{
    const mf_channel_output *o = &p->output;
    for (uint32_t row = 0; row < p->rows; row++) {
        const int8_t *weights = p->weights;
        for (uint32_t c = 0; c < p->channels; c++) {
            const int32_t sum = mf_dot(o->bias[c], input, weights, p->depth);
            const int32_t value = mf_requantize(sum, o->multiplier[c], o->shift[c]);
            output[c] = mf_clamp(value + o->zero_point, o->low, o->high);
            weights += p->depth;
        }
        input += p->depth;
        output += p->output_row_stride;
    }
}
