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

/* The windows of `count` output pixels from the one at (top, left), in a strip. */
static const int8_t *gathered(const mf_mve_window *p, const int8_t *input, int32_t top,
                              int32_t left, uint32_t count, int8_t *strip)
{
    const uint32_t width = (count - 1) * p->stride_width + p->kernel_width;
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
    if (rows.first == rows.last) {
        return strip;
    }
    const int32_t first = (top + rows.first) * (int32_t)p->in_width + left + columns.first;
    const int8_t *from = input + first * (int32_t)depth;
    int8_t *to = strip + before + (uint32_t)rows.first * depth;
    const uint32_t inside = (uint32_t)(columns.last - columns.first);
    if (p->kernel_height == 1) {
        mf_copy_bytes_mve(from, to, inside * depth);
    } else if (depth == 1 && p->in_width < 8192) {
        for (uint32_t j = 0; j < inside; j++, to += step) {
            mf_take_bytes_mve(from + j, p->in_width, to, (uint32_t)(rows.last - rows.first));
        }
    } else {
        for (int32_t i = rows.first; i < rows.last;
             i++, from += p->in_width * depth, to += depth) {
            mf_spread_bytes_mve(from, to, depth, step, inside);
        }
    }
    return strip;
}

/* `count` output pixels from the one whose window begins at (top, left). */
static void pixels(const mf_conv_2d_mve_params *p, const int8_t *input, int32_t top, int32_t left,
                   uint32_t count, int8_t *strip, int8_t *output)
{
    const mf_mve_window *w = &p->window;
    const int32_t width = (int32_t)((count - 1) * w->stride_width + w->kernel_width);
    const int8_t *rows;
    if (w->kernel_height == 1 && top >= 0 && top < (int32_t)w->in_height && left >= 0 &&
        left + width <= (int32_t)w->in_width) {
        rows = input + (top * (int32_t)w->in_width + left) * (int32_t)w->in_channels;
    } else {
        rows = gathered(w, input, top, left, count, strip);
    }
    mf_product_mve(&p->weights, rows, output, count,
                   w->stride_width * w->kernel_height * w->in_channels, p->weights.channels);
}

void mf_conv_2d_mve(const mf_conv_2d_mve_params *p, const int8_t *input, int32_t *strip,
                    int8_t *output)
{
    const mf_mve_window *w = &p->window;
    for (uint32_t b = 0; b < w->batches; b++) {
        for (uint32_t y = 0; y < w->out_height; y++) {
            const int32_t top = (int32_t)(y * w->stride_height) - (int32_t)w->pad_top;
            for (uint32_t x = 0; x < w->out_width; x += p->strip_pixels) {
                const int32_t left = (int32_t)(x * w->stride_width) - (int32_t)w->pad_left;
                const uint32_t rest = w->out_width - x;
                const uint32_t count = rest < p->strip_pixels ? rest : p->strip_pixels;
                pixels(p, input, top, left, count, (int8_t *)strip, output);
                output += count * p->weights.channels;
            }
        }
        input += w->in_height * w->in_width * w->in_channels;
    }
}
