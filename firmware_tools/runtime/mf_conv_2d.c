/* CONV_2D, portable, any number of groups, any dilation.
 *
 *   out[y][x][c] = clamp(requantize(bias[c] + sum in[y*sy+i*dy-top][x*sx+j*dx-left][g+d]
 *                                             * w[c][i][j][d]) + zero_point),
 *
 * g the first channel of the group of c. The bias holds the input's zero point, so a tap outside the
 * input reads that zero point. With one group and no dilation, the taps of a kernel row that lie
 * inside the input are contiguous: one inner product. */
#include "mf_dot.h"
#include "mf_fixed_point.h"
#include "mf_kernels.h"
#include "mf_window.h"

static int32_t padded(int32_t start, const int8_t *weights, uint32_t count, int32_t zero_point)
{
    int32_t sum = 0;
    while (count-- > 0) {
        sum += *weights++;
    }
    return start + sum * zero_point;
}

/* The taps first <= j < last of one kernel row; `row` is the input row's tap j = 0, group's first
 * channel, which may lie before the row. */
static int32_t inside(const mf_conv_2d_params *p, const int8_t *row, int32_t first, int32_t last,
                      const int8_t *weights, int32_t start)
{
    const int32_t step = (int32_t)(p->in_channels * p->dilation_width);
    const uint32_t depth = p->group_channels;
    if (depth == p->in_channels && p->dilation_width == 1) {
        const uint32_t taps = (uint32_t)(last - first);
        return mf_dot(start, row + first * step, weights + (uint32_t)first * depth, taps * depth);
    }
    int32_t sum = start;
    for (int32_t j = first; j < last; j++) {
        sum = mf_dot(sum, row + j * step, weights + (uint32_t)j * depth, depth);
    }
    return sum;
}

/* One output value: the window whose top left corner is at (top, left), which may lie outside. */
static int32_t window(const mf_conv_2d_params *p, const int8_t *input, const int8_t *weights,
                      int32_t top, int32_t left, int32_t start)
{
    const uint32_t depth = p->group_channels;
    const uint32_t row_taps = p->kernel_width * depth;
    const int32_t width = (int32_t)p->in_width;
    const int32_t kernel_width = (int32_t)p->kernel_width;
    const mf_taps taps = mf_taps_inside(left, p->kernel_width, p->dilation_width, p->in_width);
    const int32_t first = taps.first;
    const int32_t last = taps.last;
    int32_t sum = start;
    for (uint32_t i = 0; i < p->kernel_height; i++, weights += row_taps) {
        const int32_t y = top + (int32_t)(i * p->dilation_height);
        if (y < 0 || y >= (int32_t)p->in_height || first == last) {
            sum = padded(sum, weights, row_taps, p->input_zero_point);
            continue;
        }
        const int32_t at = (y * width + left) * (int32_t)p->in_channels;
        sum = padded(sum, weights, (uint32_t)first * depth, p->input_zero_point);
        sum = inside(p, input + at, first, last, weights, sum);
        sum = padded(sum, weights + (uint32_t)last * depth,
                     (uint32_t)(kernel_width - last) * depth, p->input_zero_point);
    }
    return sum;
}

void mf_conv_2d_s8(const mf_conv_2d_params *p, const int8_t *input, int8_t *output)
{
    const mf_channel_output *o = &p->output;
    const uint32_t filter = p->kernel_height * p->kernel_width * p->group_channels;
    for (uint32_t b = 0; b < p->batches; b++) {
        for (uint32_t y = 0; y < p->out_height; y++) {
            const int32_t top = (int32_t)(y * p->stride_height) - (int32_t)p->pad_top;
            for (uint32_t x = 0; x < p->out_width; x++) {
                const int32_t left = (int32_t)(x * p->stride_width) - (int32_t)p->pad_left;
                const int8_t *weights = p->weights;
                for (uint32_t c = 0; c < p->out_channels; c++, weights += filter) {
                    const uint32_t group = c / p->filters_per_group * p->group_channels;
                    const int32_t sum = window(p, input + group, weights, top, left, o->bias[c]);
                    const int32_t value = mf_requantize(sum, o->multiplier[c], o->shift[c]);
                    *output++ = mf_clamp(value + o->zero_point, o->low, o->high);
                }
            }
        }
        input += p->in_height * p->in_width * p->in_channels;
    }
}
