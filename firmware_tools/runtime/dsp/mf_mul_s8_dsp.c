/* MUL of int8 with the DSP extension: the arithmetic of mf_arithmetic.h, to the bit.
 *
 *   p   = (a - zp1) * (b - zp2)                         SXTAB16, SMULBB, SMULTT
 *   v   = round(p * m / 2^31)                           SMMLAR(p, 2 * m - 2^32, p)
 *   out = USAT8((v + (v >> 31) + offset) >> shift) - 128     ties away from zero; mf_rows_dsp.h
 *
 * The offset holds the 128 too. A shift of 2 at least leaves 16 bits, so that two are saturated at a
 * time. Instructions an element: 8.75, and 8.5 where b is one for the row. */
#include "mf_instructions_dsp.h"
#include "mf_kernels_dsp.h"
#include "mf_widen_dsp.h"

typedef mf_mul_form form;
typedef mf_halves second; /* elements less the zero point */

static inline int32_t rescaled(form f, int32_t product)
{
    const int32_t value = mf_smmlar(product, f.multiplier, product);
    return (value + (value >> 31) + f.offset) >> f.shift;
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

/* Two results that fit 16 bits, as bytes in the bottoms of halves. */
static inline uint32_t saturated(int32_t bottom, int32_t top)
{
    int32_t both = mf_bottoms(bottom, top);
    __asm__("usat16 %0, #8, %0" : "+r"(both));
    return (uint32_t)both;
}

static inline void four(form f, uint32_t a, second y, int8_t *output)
{
    const mf_halves x = mf_halves_of(f.zero1, a);
    const uint32_t even = saturated(rescaled(f, (int16_t)x.even * (int16_t)y.even),
                                    rescaled(f, (x.even >> 16) * (y.even >> 16)));
    const uint32_t odd = saturated(rescaled(f, (int16_t)x.odd * (int16_t)y.odd),
                                   rescaled(f, (x.odd >> 16) * (y.odd >> 16)));
    const uint32_t word = (even | odd << 8) ^ 0x80808080u;
    memcpy(output, &word, sizeof word);
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
