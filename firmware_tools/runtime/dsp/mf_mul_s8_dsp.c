/* MUL of int8 with the DSP extension: the arithmetic of mf_arithmetic.h, to the bit.
 *
 *   p   = (a - zp1) * (b - zp2)                         SXTAB16, SMULBB, SMULTT
 *   v   = round(p * m / 2^31)                           SMMLAR(p, 2 * m - 2^32, p)
 *   out = SSAT8((v + (v >> 31) + offset) >> shift)      ties away from zero; mf_row_dsp.h
 *
 * Instructions an element: 9.5, and 9.25 where b is one for the row. */
#include "mf_instructions_dsp.h"
#include "mf_kernels_dsp.h"
#include "mf_widen_dsp.h"

typedef mf_mul_form form;
typedef mf_halves second; /* elements less the zero point */

static inline int8_t code(form f, int32_t product)
{
    const int32_t value = mf_smmlar(product, f.multiplier, product);
    return mf_saturate8((value + (value >> 31) + f.offset) >> f.shift);
}

static inline second second_of(form f, uint32_t word)
{
    return mf_halves_of(f.zero2, word);
}

static inline second second_alike(form f, int8_t b)
{
    const int32_t both = (int32_t)mf_both_halves(b + (int16_t)f.zero2);
    return (second){both, both};
}

static inline void four(form f, uint32_t a, second y, int8_t *output)
{
    const mf_halves x = mf_halves_of(f.zero1, a);
    output[0] = code(f, (int16_t)x.even * (int16_t)y.even);
    output[1] = code(f, (int16_t)x.odd * (int16_t)y.odd);
    output[2] = code(f, (x.even >> 16) * (y.even >> 16));
    output[3] = code(f, (x.odd >> 16) * (y.odd >> 16));
}

#include "mf_two_inputs_dsp.h"

void mf_mul_s8_dsp(const mf_mul_dsp_params *p, const int8_t *input1, const int8_t *input2,
                   int8_t *output)
{
    all_rows(&p->axes, &p->form, input1, input2, output, rows);
}

void mf_mul_alike_s8_dsp(const mf_mul_dsp_params *p, const int8_t *input1, const int8_t *input2,
                         int8_t *output)
{
    all_rows(&p->axes, &p->form, input1, input2, output, rows_alike);
}
