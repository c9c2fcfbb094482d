/* DEPTHWISE_CONV_2D, portable, any channel multiplier m, any dilation.
 *
 *   out[y][x][d*m+e] = clamp(requantize(bias[d*m+e] + sum (in[y*sy+i*dy-top][x*sx+j*dx-left][d] - zp)
 *                                                     * w[i][j][d*m+e]) + zero_point)
 *
 * The sum runs over the taps inside the input; they are the same for all channels of a pixel. */
#include "mf_fixed_point.h"
#include "mf_kernels.h"
#include "mf_window.h"

/* One output value; `input` and `weights` are those of the window's first tap and this channel. */
static int32_t window(const mf_depthwise_conv_2d_params *p, const int8_t *input,
                      const int8_t *weights, uint32_t rows, uint32_t columns, int32_t sum)
{
    const uint32_t channels = p->in_channels * p->multiplier;
    const uint32_t in_row = p->in_width * p->in_channels * p->dilation_height;
    const uint32_t in_column = p->in_channels * p->dilation_width;
    for (uint32_t i = 0; i < rows; i++, input += in_row, weights += p->kernel_width * channels) {
        for (uint32_t j = 0; j < columns; j++) {
            sum += (input[j * in_column] - p->input_zero_point) * weights[j * channels];
        }
    }
    return sum;
}

/* All channels of the output pixel whose window starts at (top, left), which may lie outside. */
static void pixel(const mf_depthwise_conv_2d_params *p, const int8_t *input, int32_t top,
                  int32_t left, int8_t *output)
{
    const mf_channel_output *o = &p->output;
    const uint32_t channels = p->in_channels * p->multiplier;
    const mf_taps y = mf_taps_inside(top, p->kernel_height, p->dilation_height, p->in_height);
    const mf_taps x = mf_taps_inside(left, p->kernel_width, p->dilation_width, p->in_width);
    const uint32_t rows = (uint32_t)(y.last - y.first);
    const uint32_t columns = (uint32_t)(x.last - x.first);
    const int8_t *in = input;
    const int8_t *weights = p->weights;
    if (rows > 0 && columns > 0) {
        const uint32_t row = (uint32_t)(top + y.first * (int32_t)p->dilation_height);
        const uint32_t column = (uint32_t)(left + x.first * (int32_t)p->dilation_width);
        in += (row * p->in_width + column) * p->in_channels;
        weights += ((uint32_t)y.first * p->kernel_width + (uint32_t)x.first) * channels;
    }
    for (uint32_t c = 0, e = 0; c < channels; c++) {
        const int32_t sum = window(p, in, weights + c, rows, columns, o->bias[c]);
        const int32_t value = mf_requantize(sum, o->multiplier[c], o->shift[c]);
        output[c] = mf_clamp(value + o->zero_point, o->low, o->high);
        if (++e == p->multiplier) {
            e = 0;
            in++;
        }
    }
}

void mf_depthwise_conv_2d_s8(const mf_depthwise_conv_2d_params *p, const int8_t *input,
                             int8_t *output)
{
    MF_FOR_EACH_WINDOW(p, input, output, p->in_channels * p->multiplier, pixel);
}
