/* Two rows of outputs of a depthwise 3x3 convolution, channel by channel, its weights in registers.
 *
 * Each channel has two planes of pairs of 16 bits, one above the other: the upper one pairs input rows
 * 0 and 1, the lower one rows 2 and 3, a word a column. With w[i][j] the weights, the stream holds for
 * every channel
 *
 *   {int16 w[0][j], w[1][j], w[1][j], w[2][j]}[3]; int32 multiplier, offset, shift, bias[2]
 *
 * with biases and weights doubled; outputs as in mf_rows_dsp.h. 34 instructions for two outputs, of
 * which 12 multiply. */
#include "mf_pairs_dsp.h"

/* r0-r1 planes, r2 output, r3-r4 sums, r5, r12, lr inputs, r6-r11 weights;
 * sp: multiplier, offset, shift, bias, bias, the job */
__attribute__((naked)) void mf_pairs_3x3_dsp(const mf_pairs_3x3 *job __attribute__((unused)))
{
    __asm__(
        "push   {r4-r11, lr}               \n"
        "ldmia  r0, {r1-r9}                \n"
        "push   {r1-r9}                    \n"
        "sub    sp, sp, #20                \n"
        "1:                                \n"
        "ldr    r12, [sp, #32]             \n"
        "ldmia  r12!, {r6-r11}             \n"
        "ldmia  r12!, {r0-r4}              \n"
        "stmia  sp, {r0-r4}                \n"
        "str    r12, [sp, #32]             \n"
        "ldrd   r0, r1, [sp, #36]          \n"
        "ldr    r2, [sp, #44]              \n"
        "2:                                \n"
        "ldrd   r3, r4, [sp, #12]          \n"
        "ldmia  r0, {r5, r12, lr}          \n"
        "smlad  r3, r5, r6, r3             \n"
        "smlatb r4, r5, r6, r4             \n"
        "smlad  r3, r12, r8, r3            \n"
        "smlatb r4, r12, r8, r4            \n"
        "smlad  r3, lr, r10, r3            \n"
        "smlatb r4, lr, r10, r4            \n"
        "ldmia  r1, {r5, r12, lr}          \n"
        "smlabt r3, r5, r7, r3             \n"
        "smlad  r4, r5, r7, r4             \n"
        "smlabt r3, r12, r9, r3            \n"
        "smlad  r4, r12, r9, r4            \n"
        "smlabt r3, lr, r11, r3            \n"
        "smlad  r4, lr, r11, r4            \n"
        "ldmia  sp, {r5, r12, lr}          \n"
        "smmulr r3, r3, r5                 \n"
        "add    r3, r3, r3, asr #31        \n"
        "add    r3, r3, r12                \n"
        "asr    r3, r3, lr                 \n"
        "ssat   r3, #8, r3                 \n"
        "strb   r3, [r2]                   \n"
        "smmlar r3, r4, r5, r12            \n"
        "add    r3, r3, r4, asr #31        \n"
        "asr    r3, r3, lr                 \n"
        "ssat   r3, #8, r3                 \n"
        "ldrd   r5, r12, [sp, #20]         \n"
        "strb   r3, [r2, r5]               \n"
        "add    r0, r0, #4                 \n"
        "add    r1, r1, #4                 \n"
        "add    r2, r2, r12                \n"
        "ldr    r5, [sp, #28]              \n"
        "cmp    r2, r5                     \n"
        "bne    2b                         \n"
        "ldrd   r0, r1, [sp, #36]          \n"
        "ldrd   r2, r3, [sp, #44]          \n"
        "ldr    r4, [sp, #52]              \n"
        "add    r5, r5, #1                 \n"
        "add    r0, r0, r3                 \n"
        "add    r1, r1, r3                 \n"
        "add    r2, r2, #1                 \n"
        "str    r5, [sp, #28]              \n"
        "strd   r0, r1, [sp, #36]          \n"
        "str    r2, [sp, #44]              \n"
        "subs   r4, r4, #1                 \n"
        "str    r4, [sp, #52]              \n"
        "bne    1b                         \n"
        "add    sp, sp, #56                \n"
        "pop    {r4-r11, pc}               \n");
}
