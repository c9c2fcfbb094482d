/* The loop of the pools: over the windows, each cut down to the taps that lie inside the image. */
#ifndef MF_POOLS_DSP_H
#define MF_POOLS_DSP_H

#include "mf_kernels.h"
#include "mf_window.h"

/* Gives all channels of a window of `rows` x `columns` taps from `input` on. */
typedef void mf_pool_pixel(const mf_pool_2d_params *p, const int8_t *input, uint32_t rows,
                           uint32_t columns, int8_t *output);

static inline void mf_all_pixels(const mf_pool_2d_params *p, const int8_t *input, int8_t *output,
                                 mf_pool_pixel *pixel)
{
    for (uint32_t b = 0; b < p->batches; b++) {
        for (uint32_t y = 0; y < p->out_height; y++) {
            const int32_t top = (int32_t)(y * p->stride_height) - (int32_t)p->pad_top;
            const mf_taps i = mf_taps_inside(top, p->filter_height, 1, p->in_height);
            for (uint32_t x = 0; x < p->out_width; x++, output += p->channels) {
                const int32_t left = (int32_t)(x * p->stride_width) - (int32_t)p->pad_left;
                const mf_taps j = mf_taps_inside(left, p->filter_width, 1, p->in_width);
                const int32_t at = (top + i.first) * (int32_t)p->in_width + left + j.first;
                pixel(p, input + at * (int32_t)p->channels, (uint32_t)(i.last - i.first),
                      (uint32_t)(j.last - j.first), output);
            }
        }
        input += p->in_height * p->in_width * p->channels;
    }
}

#endif
