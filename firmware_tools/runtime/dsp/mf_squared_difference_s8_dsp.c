/* SQUARED_DIFFERENCE of int8 with the DSP extension: the arithmetic of mf_arithmetic.h, to the bit,
 * where the first input is on the larger scale: of that nothing is rounded.
 *
 *   v   = round((b - zp2) * 2^7 * m2 / 2^31)            SMMULR of twice or four times the difference
 *   s   = (v + (v >> 31) + half2) >> shift2
 *   d   = 2^6 * (a - zp1) - s                           SXTAB16, SMLAxB
 *   v   = round(d * d * m / 2^31)                       SMMLAR(d * d, 2 * m - 2^32, d * d)
 *   out = SSAT8((v + offset) >> shift)
 *
 * Instructions an element: 15, and 8.5 where b is one for the row. */
#include <arm_acle.h>

#include "mf_fixed_point.h"
#include "mf_instructions_dsp.h"
#include "mf_kernels_dsp.h"
#include "mf_widen_dsp.h"

typedef mf_squared_difference_form form;

/* -s of a difference to its zero point. */
static inline int32_t minus_scaled(form f, int32_t difference)
{
    const int32_t value = mf_smmulr(mf_shift_left(difference, f.left2), f.multiplier2);
    return -((value + (value >> 31) + f.half2) >> f.shift2);
}

static inline int8_t code(form f, int32_t difference)
{
    const int32_t square = difference * difference;
    return mf_saturate8((mf_smmlar(square, f.multiplier, square) + f.offset) >> f.shift);
}

static inline void four(form f, uint32_t a, uint32_t b, int8_t *output)
{
    const mf_halves x = mf_halves_of(f.zero1, a), y = mf_halves_of(f.zero2, b);
    output[0] = code(f, __smlabb(x.even, 64, minus_scaled(f, (int16_t)y.even)));
    output[1] = code(f, __smlabb(x.odd, 64, minus_scaled(f, (int16_t)y.odd)));
    output[2] = code(f, __smlatb(x.even, 64, minus_scaled(f, y.even >> 16)));
    output[3] = code(f, __smlatb(x.odd, 64, minus_scaled(f, y.odd >> 16)));
}

#include "mf_two_inputs_dsp.h"

void mf_squared_difference_s8_dsp(const mf_squared_difference_dsp_params *p, const int8_t *input1,
                                  const int8_t *input2, int8_t *output)
{
    all_rows(&p->axes, &p->form, input1, input2, output);
}
