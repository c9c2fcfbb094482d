/* TRANSPOSE_CONV of int16 with int8 weights, portable.
 *
 *   out[y][x][c] = clamp(requantize(bias[c] + sum in[u][v][d] * w[c][i][j][d])),
 *
 * over all taps with u*sy + i = y + top and v*sx + j = x + left: each output gathers what TFLM
 * scatters from the inputs, which needs no accumulators. */
#include "mf_kernels.h"
#include "mf_wide.h"

/* The sum for one output, whose place on the padded output is (y, x); `weights` its filter. */
static int64_t gathered(const mf_transpose_conv_params *p, const int16_t *input,
                        const int8_t *weights, uint32_t y, uint32_t x)
{
    int64_t sum = 0;
    for (uint32_t i = y % p->stride_height; i < p->kernel_height && i <= y;
         i += p->stride_height) {
        const uint32_t u = (y - i) / p->stride_height;
        if (u >= p->in_height) {
            continue;
        }
        for (uint32_t j = x % p->stride_width; j < p->kernel_width && j <= x;
             j += p->stride_width) {
            const uint32_t v = (x - j) / p->stride_width;
            if (v < p->in_width) {
                sum = mf_dot_s16(sum, input + (u * p->in_width + v) * p->in_channels,
                                 weights + (i * p->kernel_width + j) * p->in_channels,
                                 p->in_channels);
            }
        }
    }
    return sum;
}

void mf_transpose_conv_s16(const mf_transpose_conv_params *p, const int16_t *input,
                           int16_t *output)
{
    const uint32_t filter = p->kernel_height * p->kernel_width * p->in_channels;
    for (uint32_t b = 0; b < p->batches; b++) {
        for (uint32_t y = p->pad_top; y < p->out_height + p->pad_top; y++) {
            for (uint32_t x = p->pad_left; x < p->out_width + p->pad_left; x++) {
                const int8_t *weights = p->weights;
                for (uint32_t c = 0; c < p->out_channels; c++, weights += filter) {
                    *output++ = mf_channel_s16(&p->output, c, gathered(p, input, weights, y, x));
                }
            }
        }
        input += p->in_height * p->in_width * p->in_channels;
    }
}
