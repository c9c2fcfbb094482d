/* The larger of each two bytes of a word. */
#ifndef MF_LARGER_DSP_H
#define MF_LARGER_DSP_H

#include <arm_acle.h>
#include <stdint.h>

static inline uint32_t mf_larger_dsp(uint32_t a, uint32_t b)
{
    (void)__ssub8((int8x4_t)a, (int8x4_t)b);
    return __sel((uint8x4_t)a, (uint8x4_t)b);
}

#endif
