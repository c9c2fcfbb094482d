/* ADD and SUB of int8 with the DSP extension.
 *
 *   out = SSAT8((floor(a * factor1 / 2^8) + floor(b * factor2 / 2^8) + offset) >> 21)
 *
 * which the compiler has found to be what mf_add_sub.c gives for every a and every b. SMLAW takes a
 * byte in the top of a half times a factor of 32 bits. Instructions an element: 6.25, and 4.5 where b
 * is one for the row. */
#include <arm_acle.h>

#include "mf_instructions_dsp.h"
#include "mf_kernels_dsp.h"
#include "mf_widen_dsp.h"

typedef mf_add_form form;

static inline mf_halves tops(uint32_t word)
{
    uint32_t mask = 0xFF00FF00u;
    __asm__("" : "+r"(mask)); /* in a register: with a constant, AND does not shift */
    return (mf_halves){(int32_t)(word << 8 & mask), (int32_t)(word & mask)};
}

static inline int8_t code(int32_t sum)
{
    int32_t result;
    __asm__("ssat %0, #8, %1, asr #21" : "=r"(result) : "r"(sum));
    return (int8_t)result;
}

/* What each of four elements adds to the sum, with the offset. */
typedef struct {
    int32_t first, second, third, fourth;
} second;

static inline second second_of(form f, uint32_t word)
{
    const mf_halves y = tops(word);
    return (second){
        .first = __smlawb(f.factor2, y.even, f.offset),
        .second = __smlawb(f.factor2, y.odd, f.offset),
        .third = __smlawt(f.factor2, y.even, f.offset),
        .fourth = __smlawt(f.factor2, y.odd, f.offset),
    };
}

static inline second second_alike(form f, int8_t b)
{
    const int32_t term = __smlawb(f.factor2, b * 256, f.offset);
    return (second){term, term, term, term};
}

static inline void four(form f, uint32_t a, second b, int8_t *output)
{
    const mf_halves x = tops(a);
    output[0] = code(__smlawb(f.factor1, x.even, b.first));
    output[1] = code(__smlawb(f.factor1, x.odd, b.second));
    output[2] = code(__smlawt(f.factor1, x.even, b.third));
    output[3] = code(__smlawt(f.factor1, x.odd, b.fourth));
}

#include "mf_two_inputs_dsp.h"

void mf_add_s8_dsp(const mf_add_dsp_params *p, const int8_t *input1, const int8_t *input2,
                   int8_t *output)
{
    all_rows(&p->axes, &p->form, input1, input2, output, rows);
}

void mf_add_alike_s8_dsp(const mf_add_dsp_params *p, const int8_t *input1, const int8_t *input2,
                         int8_t *output)
{
    all_rows(&p->axes, &p->form, input1, input2, output, rows_alike);
}
