/* Two rows of outputs of a depthwise convolution, channel by channel.
 *
 * A channel's plane has its inputs as pairs of 16 bits, one above the other, all pairs of a column
 * together: what a window reads is one run of words, padded to 6 * sixes. Each word goes into the
 * output above and into the one below, with weights of their own (0 where the kernel does not
 * reach). The stream holds for every channel
 *
 *   int32 bias[2]; {int16 above[2], below[2]}[6 * sixes]; int32 multiplier, offset, shift
 *
 * with biases and weights doubled; outputs as in mf_rows_dsp.h. 18 instructions for 12 SMLAD, 20 for
 * the two outputs. */
#include "mf_pairs_dsp.h"

/* r0 plane, r1 stream, r2 sixes left, r3-r4 sums, r5-r7 inputs, r8-r12 and lr weights;
 * sp: the job */
__attribute__((naked)) void mf_pairs_dsp(const mf_pairs *job __attribute__((unused)))
{
    __asm__(
        "push   {r4-r11, lr}                \n"
        "ldmia  r0, {r1-r11}                \n"
        "push   {r1-r11}                    \n"
        "mov    r0, r8                      \n"
        "1:                                 \n"
        "ldrd   r1, r2, [sp]                \n"
        "ldmia  r1!, {r3, r4}               \n"
        "2:                                 \n"
        "ldmia  r0!, {r5-r7}                \n"
        "ldmia  r1!, {r8-r12, lr}           \n"
        "smlad  r3, r5, r8, r3              \n"
        "smlad  r4, r5, r9, r4              \n"
        "smlad  r3, r6, r10, r3             \n"
        "smlad  r4, r6, r11, r4             \n"
        "smlad  r3, r7, r12, r3             \n"
        "smlad  r4, r7, lr, r4              \n"
        "ldmia  r0!, {r5-r7}                \n"
        "ldmia  r1!, {r8-r12, lr}           \n"
        "smlad  r3, r5, r8, r3              \n"
        "smlad  r4, r5, r9, r4              \n"
        "smlad  r3, r6, r10, r3             \n"
        "smlad  r4, r6, r11, r4             \n"
        "smlad  r3, r7, r12, r3             \n"
        "smlad  r4, r7, lr, r4              \n"
        "subs   r2, r2, #1                  \n"
        "bne    2b                          \n"
        "add    r2, sp, #8                  \n"
        "ldmia  r1!, {r8-r10}               \n"
        "ldmia  r2, {r2, r5-r7, r12}        \n"
        "smmlar r11, r4, r8, r9             \n"
        "smmlar lr, r3, r8, r9              \n"
        "add    r11, r11, r4, asr #31       \n"
        "add    lr, lr, r3, asr #31         \n"
        "asr    r11, r11, r10               \n"
        "asr    lr, lr, r10                 \n"
        "ssat   r11, #8, r11                \n"
        "ssat   lr, #8, lr                  \n"
        "strb   r11, [r5, r7]               \n"
        "strb   lr, [r5]                    \n"
        "add    r0, r0, r2                  \n"
        "add    r5, r5, r6                  \n"
        "str    r5, [sp, #12]               \n"
        "cmp    r5, r12                     \n"
        "bne    1b                          \n"
        "ldrd   r3, r4, [sp, #28]           \n" /* the next channel's plane, stream, outputs */
        "ldrd   r6, r7, [sp, #36]           \n"
        "add    r0, r3, r4                  \n"
        "sub    r5, r5, r6                  \n"
        "add    r5, r5, #1                  \n"
        "add    r12, r12, #1                \n"
        "str    r1, [sp]                    \n"
        "str    r5, [sp, #12]               \n"
        "str    r12, [sp, #24]              \n"
        "str    r0, [sp, #28]               \n"
        "subs   r7, r7, #1                  \n"
        "str    r7, [sp, #40]               \n"
        "bne    1b                          \n"
        "add    sp, sp, #44                 \n"
        "pop    {r4-r11, pc}                \n");
}
