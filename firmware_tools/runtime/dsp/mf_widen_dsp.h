/* Bytes to 16 bits, two in a word. */
#ifndef MF_WIDEN_DSP_H
#define MF_WIDEN_DSP_H

#include <stdint.h>
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

/* Each byte plus its half of `offset`. In assembler, as GCC has no name for the rotation. */
static inline mf_halves mf_halves_of(uint32_t offset, uint32_t word)
{
    mf_halves halves;
    __asm__("sxtab16 %0, %1, %2" : "=r"(halves.even) : "r"(offset), "r"(word));
    __asm__("sxtab16 %0, %1, %2, ror #8" : "=r"(halves.odd) : "r"(offset), "r"(word));
    return halves;
}

static inline mf_halves mf_bytes_of(uint32_t word)
{
    mf_halves halves;
    __asm__("sxtb16 %0, %1" : "=r"(halves.even) : "r"(word));
    __asm__("sxtb16 %0, %1, ror #8" : "=r"(halves.odd) : "r"(word));
    return halves;
}

/* The bottom halves of two words: a's in the bottom, b's in the top. */
static inline int32_t mf_bottoms(int32_t a, int32_t b)
{
    int32_t halves;
    __asm__("pkhbt %0, %1, %2, lsl #16" : "=r"(halves) : "r"(a), "r"(b));
    return halves;
}

/* The top halves. */
static inline int32_t mf_tops(int32_t a, int32_t b)
{
    int32_t halves;
    __asm__("pkhtb %0, %1, %2, asr #16" : "=r"(halves) : "r"(b), "r"(a));
    return halves;
}

#endif
