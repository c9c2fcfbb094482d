/* mf_rows_dsp.h with weights of 16 bits: 24 instructions for 32 multiply-accumulates of four
 * channels, 28 for their biases, outputs and the loop, 11 a row. */
#include "mf_rows_dsp.h"
#include "mf_steps_dsp.h"

/* r0 stream, r1 row, r2 steps left, r3-r6 sums, r7-r8 inputs, r9-r12 weights, lr output;
 * sp: the job, with the end of a row's output for its output */
__attribute__((naked)) void mf_rows_w16_dsp(const mf_rows *job __attribute__((unused)))
{
    __asm__(
        "push   {r4-r11, lr}                \n"
        "ldmia  r0, {r1-r8}                 \n"
        "mov    lr, r4                      \n"
        "add    r4, r4, r8                  \n"
        "push   {r1-r8}                     \n"
        "mov    r0, r1                      \n"
        "1:                                 \n"
        "ldrd   r1, r2, [sp, #4]            \n"
        "ldmia  r0!, {r3-r6}                \n"
        "2:                                 \n"
        MF_QUAD_W16
        MF_QUAD_W16
        "subs   r2, r2, #1                  \n"
        "bne    2b                          \n"
        "ldmia  r0!, {r7-r12}               \n"
        MF_TWO_CODES("r3", "r4")
        "ldmia  r0!, {r7-r12}               \n"
        MF_TWO_CODES("r5", "r6")
        "ldr    r3, [sp, #12]               \n"
        "cmp    lr, r3                      \n"
        "bne    1b                          \n"
        "ldrd   r0, r1, [sp]                \n"
        "ldrd   r4, r5, [sp, #16]           \n"
        "ldrd   r6, r7, [sp, #24]           \n"
        "add    r1, r1, r5                  \n"
        "add    r3, r3, r6                  \n"
        "sub    lr, r3, r7                  \n"
        "str    r1, [sp, #4]                \n"
        "str    r3, [sp, #12]               \n"
        "subs   r4, r4, #1                  \n"
        "str    r4, [sp, #16]               \n"
        "bne    1b                          \n"
        "add    sp, sp, #32                 \n"
        "pop    {r4-r11, pc}                \n");
}
