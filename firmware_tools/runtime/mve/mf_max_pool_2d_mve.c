/* MAX_POOL_2D of int8 with MVE: 16 channels at a time over the taps that lie inside the input, of
 * which there is at least one; 6 instructions for 16 taps. */
#include <arm_mve.h>

#include "mf_kernels_mve.h"
#include "mf_window.h"

/* All channels of a window of rows x columns taps from `input` on. */
static void window(const mf_pool_2d_params *p, const int8_t *input, uint32_t rows,
                   uint32_t columns, int8_t *output)
{
    for (uint32_t c = 0; c < p->channels; c += 16) {
        const mve_pred16_t lanes = vctp8q(p->channels - c);
        const int8_t *row = input + c;
        int8x16_t largest = vdupq_n_s8((int8_t)p->low);
        for (uint32_t i = 0; i < rows; i++, row += p->in_width * p->channels) {
            const int8_t *x = row;
            for (uint32_t j = 0; j < columns; j++, x += p->channels) {
                largest = vmaxq_s8(largest, vldrbq_z_s8(x, lanes));
            }
        }
        vstrbq_p_s8(output + c, vminq_s8(largest, vdupq_n_s8((int8_t)p->high)), lanes);
    }
}

void mf_max_pool_2d_mve(const mf_pool_2d_params *p, const int8_t *input, int8_t *output)
{
    for (uint32_t b = 0; b < p->batches; b++) {
        for (uint32_t y = 0; y < p->out_height; y++) {
            const int32_t top = (int32_t)(y * p->stride_height) - (int32_t)p->pad_top;
            const mf_taps i = mf_taps_inside(top, p->filter_height, 1, p->in_height);
            for (uint32_t x = 0; x < p->out_width; x++) {
                const int32_t left = (int32_t)(x * p->stride_width) - (int32_t)p->pad_left;
                const mf_taps j = mf_taps_inside(left, p->filter_width, 1, p->in_width);
                const uint32_t row = (uint32_t)(top + i.first);
                const uint32_t column = (uint32_t)(left + j.first);
                window(p, input + (row * p->in_width + column) * p->channels,
                       (uint32_t)(i.last - i.first), (uint32_t)(j.last - j.first), output);
                output += p->channels;
            }
        }
        input += p->in_height * p->in_width * p->channels;
    }
}
