/* CONV_2D of int16 with int8 weights, portable, any number of groups, any dilation.
 *
 *   out[y][x][c] = clamp(requantize(bias[c] + sum in[y*sy+i*dy-top][x*sx+j*dx-left][g+d]
 *                                             * w[c][i][j][d])),
 *
 * g the first channel of the group of c. The sum runs over the taps inside the input. */
#include "mf_kernels.h"
#include "mf_wide.h"
#include "mf_window.h"

/* The taps of a window that lie inside the input, and the input of tap (0, 0). */
typedef struct {
    mf_taps rows, columns;
    int32_t origin; /* relative to the input; before it where the window begins outside */
} placed;

static int64_t window(const mf_conv_2d_params *p, const int16_t *input, const int8_t *weights,
                      placed at)
{
    const int32_t depth = (int32_t)p->group_channels;
    const int32_t step = (int32_t)(p->in_channels * p->dilation_width);
    const int32_t row_step = (int32_t)(p->in_width * p->in_channels * p->dilation_height);
    const int32_t kernel_width = (int32_t)p->kernel_width;
    int64_t sum = 0;
    for (int32_t i = at.rows.first; i < at.rows.last; i++) {
        for (int32_t j = at.columns.first; j < at.columns.last; j++) {
            const int16_t *tap = input + (at.origin + i * row_step + j * step);
            sum = mf_dot_s16(sum, tap, weights + (i * kernel_width + j) * depth, (uint32_t)depth);
        }
    }
    return sum;
}

static void pixel(const mf_conv_2d_params *p, const int16_t *input, placed at, int16_t *output)
{
    const uint32_t filter = p->kernel_height * p->kernel_width * p->group_channels;
    const int8_t *weights = p->weights;
    for (uint32_t c = 0; c < p->out_channels; c++, weights += filter) {
        const uint32_t group = c / p->filters_per_group * p->group_channels;
        output[c] = mf_channel_s16(&p->output, c, window(p, input + group, weights, at));
    }
}

void mf_conv_2d_s16(const mf_conv_2d_params *p, const int16_t *input, int16_t *output)
{
    for (uint32_t b = 0; b < p->batches; b++) {
        for (uint32_t y = 0; y < p->out_height; y++) {
            const int32_t top = (int32_t)(y * p->stride_height) - (int32_t)p->pad_top;
            for (uint32_t x = 0; x < p->out_width; x++, output += p->out_channels) {
                const int32_t left = (int32_t)(x * p->stride_width) - (int32_t)p->pad_left;
                const placed at = {
                    mf_taps_inside(top, p->kernel_height, p->dilation_height, p->in_height),
                    mf_taps_inside(left, p->kernel_width, p->dilation_width, p->in_width),
                    (top * (int32_t)p->in_width + left) * (int32_t)p->in_channels,
                };
                pixel(p, input, at, output);
            }
        }
        input += p->in_height * p->in_width * p->in_channels;
    }
}
