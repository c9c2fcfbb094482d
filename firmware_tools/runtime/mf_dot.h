/* The inner product that the matrix kernels share. */
#ifndef MF_DOT_H
#define MF_DOT_H

#include <stdint.h>

/* start + sum of a[i] * b[i]. */
static inline int32_t mf_dot(int32_t start, const int8_t *a, const int8_t *b, uint32_t count)
{
    int32_t sum = start;
    for (; count >= 4; count -= 4, a += 4, b += 4) {
        sum += a[0] * b[0];
        sum += a[1] * b[1];
        sum += a[2] * b[2];
        sum += a[3] * b[3];
    }
    for (; count > 0; count--) {
        sum += *a++ * *b++;
    }
    return sum;
}

#endif
