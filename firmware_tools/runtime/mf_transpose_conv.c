/* TRANSPOSE_CONV, portable.
 *
 *   out[y][x][c] = clamp(requantize(bias[c] + sum (in[u][v][d] - zp) * w[c][i][j][d]) + zero_point),
 *
 * over all taps with u*sy + i = y + top and v*sx + j = x + left: each output gathers what TFLM
 * scatters from the inputs, which needs no accumulators. */
#include "mf_fixed_point.h"
#include "mf_kernels.h"

static int32_t tap(const int8_t *input, const int8_t *weights, uint32_t depth, int32_t zero_point)
{
    int32_t sum = 0;
    for (uint32_t d = 0; d < depth; d++) {
        sum += (input[d] - zero_point) * weights[d];
    }
    return sum;
}

/* The sum for one output, whose place on the padded output is (y, x); `weights` its filter. */
static int32_t gathered(const mf_transpose_conv_params *p, const int8_t *input,
                        const int8_t *weights, uint32_t y, uint32_t x, int32_t sum)
{
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
                sum += tap(input + (u * p->in_width + v) * p->in_channels,
                           weights + (i * p->kernel_width + j) * p->in_channels, p->in_channels,
                           p->input_zero_point);
            }
        }
    }
    return sum;
}

void mf_transpose_conv_s8(const mf_transpose_conv_params *p, const int8_t *input, int8_t *output)
{
    const mf_channel_output *o = &p->output;
    const uint32_t filter = p->kernel_height * p->kernel_width * p->in_channels;
    for (uint32_t b = 0; b < p->batches; b++) {
        for (uint32_t y = 0; y < p->out_height; y++) {
            for (uint32_t x = 0; x < p->out_width; x++) {
                const int8_t *weights = p->weights;
                for (uint32_t c = 0; c < p->out_channels; c++, weights += filter) {
                    const int32_t sum =
                        gathered(p, input, weights, y + p->pad_top, x + p->pad_left, o->bias[c]);
                    const int32_t value = mf_requantize(sum, o->multiplier[c], o->shift[c]);
                    *output++ = mf_clamp(value + o->zero_point, o->low, o->high);
                }
            }
        }
        input += p->in_height * p->in_width * p->in_channels;
    }
}
