/* RSQRT of int16, portable.
 *
 *   out = clamp(requantize(round(2^20 / sqrt(in)))), the largest code where in is 0
 *
 * The root is five steps of Newton's iteration, as TFLite has it. TFLM stops on a negative input;
 * here it gives the largest code. */
#include "mf_fixed_point.h"
#include "mf_kernels.h"
#include "mf_reciprocal.h"

enum {
    FRACTION_BITS = 20,
    HALF_SQRT_2 = 1518500250, /* Q0.31 */
    THREE_HALVES = 3 << 27,   /* Q3.28 */
};

/* 2^20 / sqrt(value), 0 < value < 2^15. */
static int32_t inverse_root(int32_t value)
{
    if (value == 1) {
        return 1 << FRACTION_BITS;
    }
    /* An even shift brings the value into [1/2, 2) in Q3.28. */
    const int pairs = (mf_leading_zeros((uint32_t)value) - 1) / 2 - 1;
    const int32_t half = mf_divide_by_power_of_two((value << (2 * pairs)) >> 1, 1);
    int32_t x = 1 << 28;
    for (int i = 0; i < 5; i++) {
        const int32_t cube = mf_narrow(mf_high_multiply(mf_high_multiply(x, x), x), 6);
        x = mf_narrow(mf_high_multiply(THREE_HALVES, x) - mf_high_multiply(half, cube), 3);
    }
    const int32_t root = mf_high_multiply(x, HALF_SQRT_2);
    const int shift = pairs - 11; /* at most 2: the root is small then */
    const int32_t multiplier = shift > 0 ? root << shift : root;
    return mf_requantize(1, multiplier, FRACTION_BITS + (shift > 0 ? 0 : shift));
}

void mf_rsqrt_s16(const mf_rsqrt_params *p, const int16_t *input, int16_t *output)
{
    for (uint32_t i = 0; i < p->count; i++) {
        int32_t value = INT16_MAX;
        if (input[i] > 0) {
            value = mf_requantize(inverse_root(input[i]), p->multiplier, p->shift);
        }
        output[i] = mf_clamp_s16(value, INT16_MIN, INT16_MAX);
    }
}
