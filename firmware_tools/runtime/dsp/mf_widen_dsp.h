/* Bytes to 16 bits, two in a word. */
#ifndef MF_WIDEN_DSP_H
#define MF_WIDEN_DSP_H

#include <arm_acle.h>
#include <string.h>

/* The even bytes of a word and the odd ones, each in the halves of a word. */
typedef struct {
    int32_t even;
    int32_t odd;
} mf_halves;

/* Four bytes of any alignment. */
static inline uint32_t mf_word(const int8_t *from)
{
    uint32_t word;
    memcpy(&word, from, sizeof word);
    return word;
}

/* The same for fewer than four, and zeros. */
static inline uint32_t mf_some_bytes(const int8_t *from, uint32_t count)
{
    uint32_t word = 0;
    for (uint32_t i = 0; i < count; i++) {
        word |= (uint32_t)(uint8_t)from[i] << (8 * i);
    }
    return word;
}

static inline uint32_t mf_both_halves(int32_t value)
{
    const uint32_t low = (uint32_t)value & 0xFFFFu;
    return low << 16 | low;
}

/* Each byte plus its half of `offset`. */
static inline mf_halves mf_halves_of(uint32_t offset, uint32_t word)
{
    return (mf_halves){
        .even = __sxtab16((int16x2_t)offset, (int8x4_t)word),
        .odd = __sxtab16((int16x2_t)offset, (int8x4_t)(word >> 8 | word << 24)),
    };
}

/* The bottom halves of two words: a's in the bottom, b's in the top. */
static inline int32_t mf_bottoms(int32_t a, int32_t b)
{
    return (int32_t)(((uint32_t)a & 0xFFFFu) | (uint32_t)b << 16);
}

/* The top halves. */
static inline int32_t mf_tops(int32_t a, int32_t b)
{
    return (int32_t)((uint32_t)a >> 16 | ((uint32_t)b & 0xFFFF0000u));
}

#endif
