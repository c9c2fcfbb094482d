/* SQUARED_DIFFERENCE of int8 with the DSP extension: the arithmetic of mf_arithmetic.h, to the bit,
 * where the first input is on the larger scale: of that nothing is rounded.
 *
 *   v   = round((b - zp2) * 2^7 * m2 / 2^31)            SMMULR of twice or four times the difference
 *   s   = (v + (v >> 31) + half2) >> shift2
 *   d   = 2^6 * (a - zp1) - s                           SXTAB16, SMLAxB
 *   v   = round(d * d * m / 2^31)                       SMMLAR(d * d, 2 * m - 2^32, d * d)
 *   out = SSAT8((v + offset) >> shift)
 *
 * Instructions an element: 18, and 9 where b is one for the row. */
#include <arm_acle.h>

#include "mf_fixed_point.h"
#include "mf_instructions_dsp.h"
#include "mf_kernels_dsp.h"
#include "mf_widen_dsp.h"

typedef mf_squared_difference_form form;

/* -s of four elements. */
typedef struct {
    int32_t first, second, third, fourth;
} second;

static inline int32_t minus_scaled(form f, int32_t difference)
{
    const int32_t value = mf_smmulr(mf_shift_left(difference, f.left2), f.multiplier2);
    return -((value + (value >> 31) + f.half2) >> f.shift2);
}

static inline second second_of(form f, uint32_t word)
{
    const mf_halves y = mf_halves_of(f.zero2, word);
    return (second){
        .first = minus_scaled(f, (int16_t)y.even),
        .second = minus_scaled(f, (int16_t)y.odd),
        .third = minus_scaled(f, y.even >> 16),
        .fourth = minus_scaled(f, y.odd >> 16),
    };
}

static inline second second_alike(form f, int8_t b)
{
    const int32_t scaled = minus_scaled(f, b + (int16_t)f.zero2);
    return (second){scaled, scaled, scaled, scaled};
}

static inline int8_t code(form f, int32_t difference)
{
    const int32_t square = difference * difference;
    return mf_saturate8((mf_smmlar(square, f.multiplier, square) + f.offset) >> f.shift);
}

static inline void four(form f, uint32_t a, second b, int8_t *output)
{
    const mf_halves x = mf_halves_of(f.zero1, a);
    output[0] = code(f, __smlabb(x.even, 64, b.first));
    output[1] = code(f, __smlabb(x.odd, 64, b.second));
    output[2] = code(f, __smlatb(x.even, 64, b.third));
    output[3] = code(f, __smlatb(x.odd, 64, b.fourth));
}

#include "mf_two_inputs_dsp.h"

void mf_squared_difference_s8_dsp(const mf_squared_difference_dsp_params *p, const int8_t *input1,
                                  const int8_t *input2, int8_t *output)
{
    all_rows(&p->axes, &p->form, input1, input2, output, rows);
}

void mf_squared_difference_alike_s8_dsp(const mf_squared_difference_dsp_params *p,
                                        const int8_t *input1, const int8_t *input2,
                                        int8_t *output)
{
    all_rows(&p->axes, &p->form, input1, input2, output, rows_alike);
}
