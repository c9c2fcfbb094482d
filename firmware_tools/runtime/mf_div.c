/* DIV, portable.
 *
 *   out = clamp(requantize(((a - zp1) << headroom) * reciprocal(b - zp2)) + zp_o)
 *
 * The dividend takes all the bits that it leaves free, the reciprocal is Q0.31; the output's shift
 * takes both back. The compiler makes sure that no shift leaves 32 bits. */
#include "mf_broadcast.h"
#include "mf_reciprocal.h"

/* TFLM does not catch a divisor of zero; this is what its Newton iteration ends in. */
static const int32_t RECIPROCAL_OF_ZERO = -1515870788;

static inline int8_t divide(const mf_binary_params *p, int8_t a, int8_t b)
{
    int32_t dividend = a - p->zero_point1;
    int32_t divisor = b - p->zero_point2;
    if (divisor < 0) {
        dividend = -dividend;
        divisor = -divisor;
    }
    const int zeros = mf_leading_zeros((uint32_t)divisor);
    const int32_t reciprocal =
        divisor == 0 ? RECIPROCAL_OF_ZERO : mf_reciprocal((uint32_t)divisor, zeros);
    const int headroom = mf_leading_zeros((uint32_t)(dividend < 0 ? ~dividend : dividend)) - 1;
    const int32_t quotient = mf_high_multiply(mf_shift_left(dividend, headroom), reciprocal);
    const int shift = p->output_shift - (31 - zeros) - headroom;
    const int32_t value = mf_requantize(quotient, p->output_multiplier, shift);
    return mf_clamp(value + p->output_zero_point, p->low, p->high);
}

void mf_div_s8(const mf_binary_params *p, const int8_t *input1, const int8_t *input2, int8_t *out)
{
    MF_FOR_EACH_ELEMENT(int8_t, p, input1, input2, out, divide);
}
