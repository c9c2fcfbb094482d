/* A function of one int16 by table, interpolated: 513 values for -32768, -32640, ..., 32768. */
#ifndef MF_INTERPOLATE_H
#define MF_INTERPOLATE_H

#include <stdint.h>

static inline int16_t mf_interpolate(const int16_t *table, int32_t x)
{
    const int32_t at = (x >> 7) + 256;
    const int32_t slope = table[at + 1] - table[at];
    return (int16_t)(table[at] + ((slope * (x & 0x7f) + 64) >> 7));
}

#endif
