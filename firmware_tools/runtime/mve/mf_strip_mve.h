/* Windows that slide over an image, no dilation.
 *
 * Those of some output pixels beside each other are runs of bytes that overlap: each column of the
 * input, kernel_height pixels high, lies in a strip behind the one to its left, with the input's
 * zero point where it is outside the image. A window is kernel_width x kernel_height x in_channels.
 * One row of pixels that lie inside is such a strip as it is. */
#ifndef MF_STRIP_MVE_H
#define MF_STRIP_MVE_H

#include "mf_copy_mve.h"
#include "mf_kernels_mve.h"
#include "mf_window.h"

/* The windows of `count` output pixels from the one at (top, left), in a strip. */
static inline const int8_t *mf_gathered_windows_mve(const mf_mve_window *p, const int8_t *input,
                                                    int32_t top, int32_t left, uint32_t count,
                                                    int8_t *strip)
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
        for (int32_t i = rows.first; i < rows.last; i++, from += p->in_width * depth, to += depth) {
            mf_spread_bytes_mve(from, to, depth, step, inside);
        }
    }
    return strip;
}

/* The same, where they lie if they can stay there. */
static inline const int8_t *mf_windows_mve(const mf_mve_window *p, const int8_t *input,
                                           int32_t top, int32_t left, uint32_t count,
                                           int8_t *strip)
{
    const uint32_t width = (count - 1) * p->stride_width + p->kernel_width;
    if (p->kernel_height == 1 && top >= 0 && top < (int32_t)p->in_height && left >= 0 &&
        left + (int32_t)width <= (int32_t)p->in_width) {
        return input + (top * (int32_t)p->in_width + left) * (int32_t)p->in_channels;
    }
    return mf_gathered_windows_mve(p, input, top, left, count, strip);
}

/* Runs `pixels(w, windows(...), output, count, step, out_channels)` for strips of the whole image;
 * `windows` is one of the above, and these begin `step` bytes apart. */
#define MF_FOR_EACH_STRIP_MVE(p, windows, w, input, strip, output, pixels)                       \
    do {                                                                                         \
        const uint32_t step = (p)->stride_width * (p)->kernel_height * (p)->in_channels;         \
        for (uint32_t b = 0; b < (p)->batches; b++) {                                            \
            for (uint32_t y = 0; y < (p)->out_height; y++) {                                     \
                const int32_t top = (int32_t)(y * (p)->stride_height) - (int32_t)(p)->pad_top;   \
                for (uint32_t x = 0; x < (p)->out_width; x += (p)->strip_pixels) {               \
                    const int32_t left =                                                         \
                        (int32_t)(x * (p)->stride_width) - (int32_t)(p)->pad_left;               \
                    const uint32_t rest = (p)->out_width - x;                                    \
                    const uint32_t n = rest < (p)->strip_pixels ? rest : (p)->strip_pixels;      \
                    pixels((w), windows((p), (input), top, left, n, (strip)), (output), n, step, \
                           (p)->out_channels);                                                   \
                    (output) += n * (p)->out_channels;                                           \
                }                                                                                \
            }                                                                                    \
            (input) += (p)->in_height * (p)->in_width * (p)->in_channels;                        \
        }                                                                                        \
    } while (0)

#endif
