/* One row of SOFTMAX with MVE: the arithmetic of mf_softmax.c, to the bit, four elements at a time.
 *
 *   sum   = sum of VRSHR(e, 12)
 *   value = min(VRSHL(VQRDMULH(e, scale), -shift) - 128, 127)
 *
 * where e is the exponential of an element's difference to the row's largest; nothing is negative,
 * so ties are rounded up. The table of these is reversed and has 256 entries, zeros where a
 * difference does not count, so that an element is the index from where the largest sets the table:
 * a gathering load. Of fewer than 512 elements, as mf_softmax_row_dsp.h has it.
 *
 * Instructions: 3 for 16 elements to find the largest, 5 for four to sum, 8 for four outputs; 60 a
 * row. Input and output may be the same. */
#ifndef MF_SOFTMAX_ROW_MVE_H
#define MF_SOFTMAX_ROW_MVE_H

#include "mf_softmax_row_dsp.h"

static inline int32_t mf_largest_mve(const int8_t *input, uint32_t depth)
{
    int32_t largest = INT8_MIN;
    __asm__ volatile("dlstp.8    lr, %[depth]         \n"
                     "1:                              \n"
                     "vldrb.8    q0, [%[input]], #16  \n"
                     "vmaxv.s8   %[largest], q0       \n"
                     "letp       lr, 1b               \n"
                     : [input] "+r"(input), [largest] "+r"(largest)
                     : [depth] "r"(depth)
                     : "q0", "lr", "memory");
    return largest;
}

static inline void mf_softmax_row_mve(const int32_t *exponentials, const int8_t *input,
                                      uint32_t depth, int8_t *output)
{
    const int32_t *e = exponentials + (255 - mf_largest_mve(input, depth));
    const int8_t *x = input;
    uint32_t sum = 0;
    __asm__ volatile("dlstp.32   lr, %[depth]               \n"
                     "1:                                    \n"
                     "vldrb.s32  q0, [%[x]], #4             \n"
                     "vldrw.u32  q1, [%[e], q0, uxtw #2]    \n"
                     "vrshr.s32  q1, q1, #12                \n"
                     "vaddva.s32 %[sum], q1                 \n"
                     "letp       lr, 1b                     \n"
                     : [x] "+l"(x), [sum] "+Te"(sum)
                     : [depth] "r"(depth), [e] "r"(e)
                     : "q0", "q1", "lr", "memory");
    const int32_t headroom = __builtin_clz(sum);
    const int32_t scale = mf_reciprocal_dsp(sum << headroom);
    __asm__ volatile("vdup.32    q2, %[high]                \n"
                     "dlstp.32   lr, %[depth]               \n"
                     "1:                                    \n"
                     "vldrb.s32  q0, [%[input]], #4         \n"
                     "vldrw.u32  q1, [%[e], q0, uxtw #2]    \n"
                     "vqrdmulh.s32 q1, q1, %[scale]         \n"
                     "vrshl.s32  q1, %[shift]               \n"
                     "vadd.i32   q1, q1, %[low]             \n"
                     "vmin.s32   q1, q1, q2                 \n"
                     "vstrb.32   q1, [%[output]], #4        \n"
                     "letp       lr, 1b                     \n"
                     : [input] "+l"(input), [output] "+l"(output)
                     : [depth] "r"(depth), [e] "r"(e), [scale] "r"(scale),
                       [shift] "r"(headroom - 35), [low] "r"(INT8_MIN), [high] "r"(INT8_MAX)
                     : "q0", "q1", "q2", "lr", "memory");
}

#endif
