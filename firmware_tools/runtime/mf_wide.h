/* The 64-bit arithmetic of the matrix products of int16 with int8 weights.
 *
 * A sum of more than 32 bits is brought to a tensor's scale by a multiplier of 16 bits and a power
 * of two, with one rounding, ties up. */
#ifndef MF_WIDE_H
#define MF_WIDE_H

#include "mf_fixed_point.h"
#include "mf_kernels.h"

/* start + sum of a[i] * b[i]. */
static inline int64_t mf_dot_s16(int64_t start, const int16_t *a, const int8_t *b, uint32_t count)
{
    int64_t sum = start;
    for (; count > 0; count--) {
        sum += *a++ * *b++;
    }
    return sum;
}

/* value * multiplier / 2^15 * 2^shift, which fits 32 bits or keeps its low 32; shift < 15. */
static inline int32_t mf_requantize_wide(int64_t value, int32_t multiplier, int shift)
{
    const int right = 15 - shift;
    return (int32_t)((value * multiplier + ((int64_t)1 << (right - 1))) >> right);
}

/* The output of channel c for the sum of its products. With an int32 bias TFLM sums in 32 bits, of
 * which any overflow is lost, and rounds as for int8. */
static inline int16_t mf_channel_s16(const mf_channel_output *o, uint32_t c, int64_t sum)
{
    const int32_t value =
        o->bias64 ? mf_requantize_wide(sum + o->bias64[c], o->multiplier[c], o->shift[c])
                  : mf_requantize((int32_t)(sum + o->bias[c]), o->multiplier[c], o->shift[c]);
    return mf_clamp_s16(value, o->low, o->high);
}

#endif
