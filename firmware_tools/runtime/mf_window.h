/* Which taps of a sliding window lie inside the input. */
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

#endif
