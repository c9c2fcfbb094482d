/* LOGISTIC and TANH of int16, by one interpolated table of the logistic function, portable.
 *
 *   tanh(x) = 2 * logistic(2 * x) - 1
 *
 * The table covers x >= 0; logistic(-x) = 1 - logistic(x) does the rest. */
#include "mf_kernels.h"

enum { LAST = 255 }; /* from here on the table has reached 1 */

/* The input in steps of 1 / 12288. */
static int32_t scaled(const mf_sigmoid_params *p, int16_t x)
{
    const int32_t half = p->shift > 0 ? 1 << (p->shift - 1) : 0;
    return (x * p->multiplier + half) >> p->shift;
}

/* The table at |x|, of which `bits` are behind the point, with as many more behind its own. */
static int32_t interpolated(const uint16_t *table, int32_t x, int bits, int32_t saturated)
{
    const uint32_t magnitude = (uint32_t)(x < 0 ? -x : x);
    const uint32_t at = magnitude >> bits;
    if (at >= LAST) {
        return saturated;
    }
    const uint32_t fraction = magnitude & ((1u << bits) - 1);
    const uint32_t slope = (uint32_t)(table[at + 1] - table[at]);
    return (int32_t)(((uint32_t)table[at] << bits) + fraction * slope);
}

void mf_logistic_s16(const mf_sigmoid_params *p, const int16_t *input, int16_t *output)
{
    for (uint32_t i = 0; i < p->count; i++) {
        const int32_t x = scaled(p, input[i]);
        const int32_t y = interpolated(p->table, x, 9, INT16_MAX << 10); /* Q.25 */
        output[i] = (int16_t)((x >= 0 ? y + (1 << 9) : (1 << 25) - y + (1 << 9) - 1) >> 10);
    }
}

void mf_tanh_s16(const mf_sigmoid_params *p, const int16_t *input, int16_t *output)
{
    for (uint32_t i = 0; i < p->count; i++) {
        const int32_t x = scaled(p, input[i]);
        const int32_t y =
            interpolated(p->table, x, 8, UINT16_MAX << 8) - (1 << 23); /* Q.24 - 1/2 */
        output[i] = (int16_t)((x >= 0 ? y + (1 << 7) : -y + (1 << 7) - 1) >> 8);
    }
}
