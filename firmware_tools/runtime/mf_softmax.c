/* SOFTMAX over the last axis, by table, portable.
 *
 *   out[i] = clamp(round(e[max - in[i]] / sum_j e[max - in[j]] * 256) - 128)
 *
 * An int8 row has at most 256 distinct exponentials, computed by the compiler in Q0.31; a difference
 * beyond the table counts as zero. The sum is Q12.19 and its reciprocal three steps of Newton's
 * iteration in Q2.29, as gemmlowp's one_over_one_plus_x_for_x_in_0_1 has it. */
#include "mf_fixed_point.h"
#include "mf_kernels.h"

enum { SUM_INTEGER_BITS = 12 };

static int leading_zeros(uint32_t value)
{
    int zeros = 0;
    for (; zeros < 32 && !(value & 0x80000000u); value <<= 1) {
        zeros++;
    }
    return zeros;
}

/* value * 2^bits with saturation: the same number with that many integer bits fewer. */
static int32_t narrow(int32_t value, int bits)
{
    if (value > INT32_MAX >> bits) {
        return INT32_MAX;
    }
    if (value < INT32_MIN >> bits) {
        return INT32_MIN;
    }
    return mf_shift_left(value, bits);
}

/* 1 / (1 + a) for a in [0, 1): Q0.31 in and out. */
static int32_t one_over_one_plus(int32_t a)
{
    const int64_t one = (int64_t)a + INT32_MAX; /* 1 + a, with the 1 of Q0.31 */
    const int32_t half_denominator = (int32_t)((one + 1) / 2);
    int32_t x = 1515870810 + mf_high_multiply(half_denominator, -1010580540); /* 48/17 - 32/17 d */
    for (int i = 0; i < 3; i++) {
        const int32_t product = mf_high_multiply(half_denominator, x);
        const int32_t remainder = (1 << 29) - product;
        x += narrow(mf_high_multiply(x, remainder), 2); /* Q4.27 to Q2.29 */
    }
    return narrow(x, 1); /* x / 2, read as Q1.30, to Q0.31 */
}

void mf_softmax_s8(const mf_softmax_params *p, const int8_t *input, int8_t *output)
{
    const int32_t *e = p->exponentials;
    for (uint32_t row = 0; row < p->rows; row++, input += p->depth, output += p->depth) {
        int32_t max = -128;
        for (uint32_t i = 0; i < p->depth; i++) {
            max = input[i] > max ? input[i] : max;
        }
        int32_t sum = 0;
        for (uint32_t i = 0; i < p->depth; i++) {
            const uint32_t difference = (uint32_t)(max - input[i]);
            if (difference < p->exponential_count) {
                sum += mf_divide_by_power_of_two(e[difference], SUM_INTEGER_BITS);
            }
        }
        const int headroom = leading_zeros((uint32_t)sum);
        const int32_t fraction = (int32_t)(((uint32_t)sum << headroom) - ((uint32_t)1 << 31));
        const int32_t scale = one_over_one_plus(fraction);
        const int shift = SUM_INTEGER_BITS - headroom + 31 - 8;
        for (uint32_t i = 0; i < p->depth; i++) {
            const uint32_t difference = (uint32_t)(max - input[i]);
            int32_t value = -128;
            if (difference < p->exponential_count) {
                value += mf_divide_by_power_of_two(mf_high_multiply(scale, e[difference]), shift);
            }
            output[i] = mf_clamp(value, -128, 127);
        }
    }
}
