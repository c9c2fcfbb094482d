/* A sliding window: its places, and which of its taps lie inside the input. */
#ifndef MF_WINDOW_H
#define MF_WINDOW_H

#include <stdint.h>

/* first <= tap < last lie inside; first == last if none does. */
typedef struct {
    int32_t first;
    int32_t last;
} mf_taps;

/* Of `taps` taps at start, start + dilation, ..., those in [0, length); start may be negative. */
static inline mf_taps mf_taps_inside(int32_t start, uint32_t taps, uint32_t dilation,
                                     uint32_t length)
{
    const int32_t step = (int32_t)dilation;
    const int32_t room = (int32_t)length - start;
    int32_t first = start < 0 ? (step - 1 - start) / step : 0;
    int32_t last = room > 0 ? (room + step - 1) / step : 0;
    last = last > (int32_t)taps ? (int32_t)taps : last;
    first = first > last ? last : first;
    return (mf_taps){first, last};
}

/* Runs `pixel(p, input, top, left, output)` for every output pixel of every batch; the window's
 * first tap is at (top, left) of `input`, which may lie outside. */
#define MF_FOR_EACH_WINDOW(p, input, output, channels, pixel)                                    \
    do {                                                                                         \
        for (uint32_t b = 0; b < (p)->batches; b++) {                                            \
            for (uint32_t y = 0; y < (p)->out_height; y++) {                                     \
                const int32_t top = (int32_t)(y * (p)->stride_height) - (int32_t)(p)->pad_top;   \
                for (uint32_t x = 0; x < (p)->out_width; x++) {                                  \
                    const int32_t left =                                                         \
                        (int32_t)(x * (p)->stride_width) - (int32_t)(p)->pad_left;               \
                    pixel((p), (input), top, left, (output));                                    \
                    (output) += (channels);                                                      \
                }                                                                                \
            }                                                                                    \
            (input) += (p)->in_height * (p)->in_width * (p)->in_channels;                        \
        }                                                                                        \
    } while (0)

#endif
