/* Sums of columns, four beside each other at a time. */
#ifndef MF_COLUMNS_DSP_H
#define MF_COLUMNS_DSP_H

#include "mf_widen_dsp.h"

/* So many bytes of any value add up within 16 bits. */
#define MF_MOST_BYTES_DSP 255u

static inline mf_halves mf_add_bytes(mf_halves sums, uint32_t word)
{
    __asm__("sxtab16 %0, %0, %1" : "+r"(sums.even) : "r"(word));
    __asm__("sxtab16 %0, %0, %1, ror #8" : "+r"(sums.odd) : "r"(word));
    return sums;
}

/* `sums` plus `count` words, `stride` bytes apart. Instructions a word: 5. */
static inline mf_halves mf_add_columns(mf_halves sums, const int8_t *from, uint32_t stride,
                                       uint32_t count)
{
    for (; count >= 2; count -= 2) {
        sums = mf_add_bytes(sums, mf_word(from));
        from += stride;
        sums = mf_add_bytes(sums, mf_word(from));
        from += stride;
    }
    return count > 0 ? mf_add_bytes(sums, mf_word(from)) : sums;
}

#endif
