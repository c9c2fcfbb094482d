/* mf_rows_dsp.h with weights of 8 bits: 30 instructions for 32 multiply-accumulates of four
 * channels, 36 for their biases, outputs and the loop, 12 a row. */
#include "mf_rows_dsp.h"
#include "mf_steps_dsp.h"

/* Four inputs times byte weights for two pairs of channels. */
#define QUAD                                 \
    "ldrd   r7, r8, [r1], #8             \n" \
    "ldmia  r0!, {r9-r12}                \n" \
    "sxtb16 lr, r9                       \n" \
    "smlad  r4, r7, r9, r4               \n" \
    "smlad  r3, r7, lr, r3               \n" \
    "sxtb16 lr, r10                      \n" \
    "smlad  r4, r8, r10, r4              \n" \
    "smlad  r3, r8, lr, r3               \n" \
    "sxtb16 lr, r11                      \n" \
    "smlad  r6, r7, r11, r6              \n" \
    "smlad  r5, r7, lr, r5               \n" \
    "sxtb16 lr, r12                      \n" \
    "smlad  r6, r8, r12, r6              \n" \
    "smlad  r5, r8, lr, r5               \n"

/* r0 stream, r1 row, r2 steps left, r3 and r5 sums, r4 and r6 sums of two channels, r7-r8 inputs,
 * r9-r12 weights of two channels, lr those of one, then output;
 * sp: the job, the end of a row's output */
__attribute__((naked)) void mf_rows_w8_dsp(const mf_rows *job __attribute__((unused)))
{
    __asm__(
        "push   {r4-r11, lr}                 \n"
        "ldmia  r0, {r1-r8}                  \n"
        "add    r9, r4, r8                   \n"
        "push   {r1-r9}                      \n"
        "mov    r0, r1                       \n"
        "1:                                  \n"
        "ldrd   r1, r2, [sp, #4]             \n"
        "ldmia  r0!, {r3-r6}                 \n"
        "2:                                  \n"
        QUAD
        QUAD
        "subs   r2, r2, #1                   \n"
        "bne    2b                           \n"
        "ldr    lr, [sp, #12]                \n"
        "ldmia  r0!, {r7-r12}                \n"
        "sub    r4, r4, r3                   \n"
        "lsl    r3, r3, #1                   \n"
        "asr    r4, r4, #7                   \n"
        MF_TWO_CODES("r3", "r4")
        "ldmia  r0!, {r7-r12}                \n"
        "sub    r6, r6, r5                   \n"
        "lsl    r5, r5, #1                   \n"
        "asr    r6, r6, #7                   \n"
        MF_TWO_CODES("r5", "r6")
        "ldr    r3, [sp, #32]                \n"
        "str    lr, [sp, #12]                \n"
        "cmp    lr, r3                       \n"
        "bne    1b                           \n"
        "ldrd   r0, r1, [sp]                 \n"
        "ldrd   r4, r5, [sp, #16]            \n"
        "ldrd   r6, r7, [sp, #24]            \n"
        "add    r1, r1, r5                   \n"
        "add    r3, r3, r6                   \n"
        "sub    r7, r3, r7                   \n"
        "str    r1, [sp, #4]                 \n"
        "str    r7, [sp, #12]                \n"
        "str    r3, [sp, #32]                \n"
        "subs   r4, r4, #1                   \n"
        "str    r4, [sp, #16]                \n"
        "bne    1b                           \n"
        "add    sp, sp, #36                  \n"
        "pop    {r4-r11, pc}                 \n");
}
