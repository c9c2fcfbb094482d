/* Instructions that arm_acle.h lacks, or has of types that do not pass -Wconversion. */
#ifndef MF_INSTRUCTIONS_DSP_H
#define MF_INSTRUCTIONS_DSP_H

#include <stdint.h>

/* round(a * b / 2^32), ties up. */
static inline int32_t mf_smmulr(int32_t a, int32_t b)
{
    int32_t result;
    __asm__("smmulr %0, %1, %2" : "=r"(result) : "r"(a), "r"(b));
    return result;
}

/* The same plus `sum`. */
static inline int32_t mf_smmlar(int32_t a, int32_t b, int32_t sum)
{
    int32_t result;
    __asm__("smmlar %0, %1, %2, %3" : "=r"(result) : "r"(a), "r"(b), "r"(sum));
    return result;
}

static inline int8_t mf_saturate8(int32_t value)
{
    int32_t result;
    __asm__("ssat %0, #8, %1" : "=r"(result) : "r"(value));
    return (int8_t)result;
}

#endif
