/* CONV_2D with the DSP extension, one group, no dilation: the window of an output pixel is gathered
 * into a row, each of its rows from a new word on, and used for all channels. */
#ifndef MF_CONV_2D_DSP_H
#define MF_CONV_2D_DSP_H

#include "mf_row_dsp.h"
#include "mf_window.h"

/* `count` inputs outside the image, rounded up to four: its zero point. */
static inline int32_t *mf_outside_dsp(int32_t *row, uint32_t count, int32_t zero_point)
{
    const uint32_t low = (uint32_t)zero_point & 0xFFFFu;
    const int32_t both = (int32_t)(low << 16 | low);
    for (count = (count + 3) / 4; count > 0; count--, row += 2) {
        row[0] = both;
        row[1] = both;
    }
    return row;
}

/* One row of the window, of which the columns first <= j < last lie inside; `from` is column 0. */
static inline int32_t *mf_gather_dsp(const mf_conv_2d_dsp_params *p, const int8_t *from,
                                     mf_taps columns, int32_t *row)
{
    const uint32_t depth = p->in_channels;
    const uint32_t before = (uint32_t)columns.first * depth;
    const uint32_t end = (uint32_t)columns.last * depth;
    const uint32_t count = p->kernel_width * depth;
    if (end - before == count) {
        return mf_widen_dsp(from, count, row);
    }
    if (depth % 4 == 0) {
        row = mf_outside_dsp(row, before, p->input_zero_point);
        row = mf_widen_dsp(from + before, end - before, row);
        return mf_outside_dsp(row, count - end, p->input_zero_point);
    }
    for (uint32_t at = 0; at < count; at += 4) {
        uint32_t word = 0;
        for (uint32_t i = 0; i < 4; i++) {
            const uint32_t k = at + i;
            const int32_t value = k >= before && k < end ? from[k] : p->input_zero_point;
            word |= ((uint32_t)value & 0xFFu) << (8 * i);
        }
        row = mf_put_four(row, word);
    }
    return row;
}

static inline void mf_window_dsp(const mf_conv_2d_dsp_params *p, const int8_t *input, int32_t top,
                                 int32_t left, int32_t *row)
{
    const mf_taps columns = mf_taps_inside(left, p->kernel_width, 1, p->in_width);
    const uint32_t count = p->kernel_width * p->in_channels;
    int32_t *const end = row + 4 * p->weights.steps;
    for (uint32_t i = 0; i < p->kernel_height; i++) {
        const int32_t y = top + (int32_t)i;
        if (y < 0 || y >= (int32_t)p->in_height || columns.first == columns.last) {
            row = mf_outside_dsp(row, count, p->input_zero_point);
        } else {
            const int32_t at = (y * (int32_t)p->in_width + left) * (int32_t)p->in_channels;
            row = mf_gather_dsp(p, input + at, columns, row);
        }
    }
    mf_zero(row, end);
}

static inline void mf_conv_2d_dsp(const mf_conv_2d_dsp_params *p, const int8_t *input,
                                  int32_t *row, int8_t *output, mf_row_blocks *product,
                                  uint32_t block_words)
{
    for (uint32_t b = 0; b < p->batches; b++) {
        for (uint32_t y = 0; y < p->out_height; y++) {
            const int32_t top = (int32_t)(y * p->stride_height) - (int32_t)p->pad_top;
            for (uint32_t x = 0; x < p->out_width; x++) {
                const int32_t left = (int32_t)(x * p->stride_width) - (int32_t)p->pad_left;
                mf_window_dsp(p, input, top, left, row);
                mf_row_dsp(&p->weights, product, block_words, row, output);
                output += p->weights.channels;
            }
        }
        input += p->in_height * p->in_width * p->in_channels;
    }
}

#endif
