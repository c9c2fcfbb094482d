/* DEPTHWISE_CONV_2D of int16 with int8 weights, portable, any channel multiplier m, any dilation.
 *
 *   out[y][x][d*m+e] = clamp(requantize(bias[d*m+e] + sum in[y*sy+i*dy-top][x*sx+j*dx-left][d]
 *                                                     * w[i][j][d*m+e]))
 *
 * The sum runs over the taps inside the input. */
#include "mf_kernels.h"
#include "mf_wide.h"
#include "mf_window.h"

/* All channels of the output pixel whose window starts at (top, left), which may lie outside. */
static void pixel(const mf_depthwise_conv_2d_params *p, const int16_t *input, int32_t top,
                  int32_t left, int16_t *output)
{
    const mf_taps rows = mf_taps_inside(top, p->kernel_height, p->dilation_height, p->in_height);
    const mf_taps columns = mf_taps_inside(left, p->kernel_width, p->dilation_width, p->in_width);
    const int32_t kernel_width = (int32_t)p->kernel_width;
    const int32_t depth = (int32_t)p->in_channels;
    const int32_t channels = depth * (int32_t)p->multiplier;
    const int32_t step = depth * (int32_t)p->dilation_width;
    const int32_t row_step = (int32_t)(p->in_width * p->dilation_height) * depth;
    const int32_t origin = (top * (int32_t)p->in_width + left) * depth;
    for (int32_t c = 0; c < channels; c++) {
        const int32_t at = origin + c / (int32_t)p->multiplier;
        int64_t sum = 0;
        for (int32_t i = rows.first; i < rows.last; i++) {
            for (int32_t j = columns.first; j < columns.last; j++) {
                sum += input[at + i * row_step + j * step] *
                       p->weights[(i * kernel_width + j) * channels + c];
            }
        }
        output[c] = mf_channel_s16(&p->output, (uint32_t)c, sum);
    }
}

void mf_depthwise_conv_2d_s16(const mf_depthwise_conv_2d_params *p, const int16_t *input,
                              int16_t *output)
{
    MF_FOR_EACH_WINDOW(p, input, output, p->in_channels * p->multiplier, pixel);
}
