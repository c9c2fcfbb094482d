/* One row of SOFTMAX with the DSP extension: the arithmetic of mf_softmax.c, to the bit.
 *
 *   sum   = sum of e / 2^12, each rounded        SMMLAR(e, 2^20, sum)
 *   v     = round(e * scale / 2^31)              SMMLAR(e, 2 * scale - 2^32, e)
 *   value = clamp(round(v / 2^shift))            LSRS, ADC, USAT
 *
 * where e is the exponential of an element's difference to the row's largest. The table of these is
 * reversed and has 256 entries, zeros where a difference does not count, so that an element is the
 * index from where the largest sets the table. A row has fewer than 512 elements: then the sum has
 * four leading zeros at least, and the scale, 2^30 at least, fits once it is doubled.
 *
 * Instructions an element, in rounds of four: 1.75 for the largest, 4 for the sum, 7 to 8 for the
 * value; 60 a row. */
#ifndef MF_SOFTMAX_ROW_DSP_H
#define MF_SOFTMAX_ROW_DSP_H

#include "mf_instructions_dsp.h"
#include "mf_larger_dsp.h"
#include "mf_widen_dsp.h"

typedef struct {
    const int32_t *exponentials; /* of element x at [x] */
    int32_t scale;               /* 2 * scale - 2^32 */
    uint32_t shift;
} mf_softmax_row;

static inline int32_t mf_largest_dsp(const int8_t *input, uint32_t depth)
{
    uint32_t four = 0x80808080u;
    for (; depth >= 4; depth -= 4, input += 4) {
        four = mf_larger_dsp(four, mf_word(input));
    }
    for (; depth > 0; depth--) {
        four = mf_larger_dsp(four, (uint8_t)*input++ | 0x80808000u);
    }
    four = mf_larger_dsp(four, four >> 16 | four << 16);
    four = mf_larger_dsp(four, four >> 8 | four << 24);
    return (int8_t)four;
}

/* mf_reciprocal for a value of which the first bit is set. */
static inline int32_t mf_reciprocal_dsp(uint32_t value)
{
    int32_t x = 1515870810 + mf_smmulr((int32_t)(value >> 1), 2 * -1010580540);
    for (int i = 0; i < 3; i++) {
        const int32_t remainder = (1 << 29) - mf_smmlar(x, (int32_t)value, x);
        x += (int32_t)((uint32_t)mf_smmulr(x, 2 * remainder) << 2);
    }
    return x < 1 << 30 ? 2 * x : INT32_MAX;
}

static inline mf_softmax_row mf_softmax_row_of(const int32_t *exponentials, const int8_t *input,
                                               uint32_t depth)
{
    const int32_t *e = exponentials + (255 - mf_largest_dsp(input, depth));
    int32_t sum = 0;
    for (; depth >= 4; depth -= 4, input += 4) {
        sum = mf_smmlar(e[input[0]], 1 << 20, sum);
        sum = mf_smmlar(e[input[1]], 1 << 20, sum);
        sum = mf_smmlar(e[input[2]], 1 << 20, sum);
        sum = mf_smmlar(e[input[3]], 1 << 20, sum);
    }
    for (; depth > 0; depth--) {
        sum = mf_smmlar(e[*input++], 1 << 20, sum);
    }
    const uint32_t headroom = (uint32_t)__builtin_clz((uint32_t)sum);
    const int32_t scale = mf_reciprocal_dsp((uint32_t)sum << headroom);
    return (mf_softmax_row){e, (int32_t)((uint32_t)scale << 1), 35 - headroom};
}

/* The probability of element `x` in units of 1/256: 256 at most. */
static inline int32_t mf_softmax_of(mf_softmax_row row, int8_t x)
{
    const int32_t e = row.exponentials[x];
    int32_t value = mf_smmlar(e, row.scale, e);
    __asm__("lsrs %0, %0, %1\n\tadc %0, %0, #0" : "+r"(value) : "r"(row.shift) : "cc");
    return value;
}

/* Two of these in a word, 255 at most. */
static inline int32_t mf_probabilities(int32_t first, int32_t second)
{
    int32_t both = first | second << 16;
    __asm__("usat16 %0, #8, %0" : "+r"(both));
    return both;
}

/* The probabilities of a row in units of 1/256, from 0 to 255, two in a word. */
static inline void mf_softmax_row_dsp(const int32_t *exponentials, const int8_t *input,
                                      uint32_t depth, int32_t *output)
{
    const mf_softmax_row row = mf_softmax_row_of(exponentials, input, depth);
    for (; depth >= 4; depth -= 4, input += 4, output += 2) {
        const int32_t first = mf_softmax_of(row, input[0]);
        const int32_t third = mf_softmax_of(row, input[2]);
        output[0] = mf_probabilities(first, mf_softmax_of(row, input[1]));
        output[1] = mf_probabilities(third, mf_softmax_of(row, input[3]));
    }
    if (depth >= 2) {
        const int32_t first = mf_softmax_of(row, input[0]);
        *output++ = mf_probabilities(first, mf_softmax_of(row, input[1]));
    }
    if (depth % 2 != 0) {
        *output = mf_probabilities(mf_softmax_of(row, input[depth - 1]), 0);
    }
}

#endif
