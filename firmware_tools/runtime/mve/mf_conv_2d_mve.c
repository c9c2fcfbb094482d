/* CONV_2D with MVE, one group, no dilation.
 *
 * The windows of some output pixels beside each other are rows of activations that overlap: each
 * column of the input, kernel_height pixels high, lies in a strip behind the one to its left, with
 * the input's zero point where it is outside the image. The weights are in that order too,
 * channels x kernel_width x kernel_height x in_channels. One row of pixels that lie inside is such
 * a strip as it is. */
#include "mf_copy_mve.h"
#include "mf_product_mve.h"
#include "mf_window.h"

/* The columns left <= x < left + width of the rows top <= y < top + kernel_height. */
static void gather(const mf_conv_2d_mve_params *p, const int8_t *input, int32_t top, int32_t left,
                   uint32_t width, int8_t *strip)
{
    const mf_taps rows = mf_taps_inside(top, p->kernel_height, 1, p->in_height);
    const mf_taps columns = mf_taps_inside(left, width, 1, p->in_width);
    const uint32_t depth = p->in_channels;
    const uint32_t step = p->kernel_height * depth;
    const uint32_t before = (uint32_t)columns.first * step;
    const uint32_t behind = (uint32_t)columns.last * step;
    if ((uint32_t)(rows.last - rows.first) < p->kernel_height) {
        mf_fill_bytes_mve(strip, p->input_zero_point, width * step);
    } else {
        mf_fill_bytes_mve(strip, p->input_zero_point, before);
        mf_fill_bytes_mve(strip + behind, p->input_zero_point, width * step - behind);
    }
    const int32_t first = (top + rows.first) * (int32_t)p->in_width + left + columns.first;
    const int8_t *from = input + first * (int32_t)depth;
    int8_t *to = strip + before + (uint32_t)rows.first * depth;
    const uint32_t count = (uint32_t)(columns.last - columns.first);
    for (int32_t i = rows.first; i < rows.last; i++, from += p->in_width * depth, to += depth) {
        mf_spread_bytes_mve(from, to, depth, step, count);
    }
}

/* `count` output pixels from the one whose window starts at (top, left). */
static void pixels(const mf_conv_2d_mve_params *p, const int8_t *input, int32_t top, int32_t left,
                   uint32_t count, int8_t *strip, int8_t *output)
{
    const uint32_t width = (count - 1) * p->stride_width + p->kernel_width;
    const int8_t *row = strip;
    if (p->kernel_height == 1 && top >= 0 && top < (int32_t)p->in_height && left >= 0 &&
        left + (int32_t)width <= (int32_t)p->in_width) {
        row = input + (top * (int32_t)p->in_width + left) * (int32_t)p->in_channels;
    } else {
        gather(p, input, top, left, width, strip);
    }
    mf_product_mve(&p->weights, row, output, count,
                   p->stride_width * p->kernel_height * p->in_channels, p->weights.channels);
}

void mf_conv_2d_mve(const mf_conv_2d_mve_params *p, const int8_t *input, int32_t *strip,
                    int8_t *output)
{
    for (uint32_t b = 0; b < p->batches; b++) {
        for (uint32_t y = 0; y < p->out_height; y++) {
            const int32_t top = (int32_t)(y * p->stride_height) - (int32_t)p->pad_top;
            for (uint32_t x = 0; x < p->out_width; x += p->strip_pixels) {
                const uint32_t left = p->out_width - x;
                const uint32_t count = left < p->strip_pixels ? left : p->strip_pixels;
                pixels(p, input, top, (int32_t)(x * p->stride_width) - (int32_t)p->pad_left, count,
                       (int8_t *)strip, output);
                output += count * p->weights.channels;
            }
        }
        input += p->in_height * p->in_width * p->in_channels;
    }
}
