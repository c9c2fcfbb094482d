/* One row times a packed matrix (mf_product_dsp.h): for four columns, 24 instructions for every 8
 * inputs and 27 for the loop and the outputs. */
#include "mf_product_dsp.h"
#include "mf_steps_dsp.h"

/* r0 matrix, r1 row, r2 steps left, r3-r6 sums, r7-r8 inputs, r9-r12 matrix, lr output;
 * sp: row, end of the output, steps, multiplier, offset, shift */
__attribute__((naked)) void mf_product_row_dsp(const int32_t *matrix __attribute__((unused)),
                                               const int32_t *row __attribute__((unused)),
                                               int8_t *output __attribute__((unused)),
                                               uint32_t blocks __attribute__((unused)),
                                               const mf_dsp_scale *scale __attribute__((unused)))
{
    __asm__(
        "push   {r4-r11, lr}                 \n"
        "ldr    r4, [sp, #36]                \n"
        "add    r3, r2, r3, lsl #2           \n"
        "ldmia  r4, {r5-r8}                  \n"
        "push   {r1, r3, r5-r8}              \n"
        "mov    lr, r2                       \n"
        "1:                                  \n"
        "ldr    r1, [sp]                     \n"
        "ldr    r2, [sp, #8]                 \n"
        "ldrd   r7, r8, [r1], #8             \n"
        "ldmia  r0!, {r9-r12}                \n"
        "smuad  r3, r7, r9                   \n"
        "smuad  r4, r7, r11                  \n"
        "smlad  r3, r8, r10, r3              \n"
        "smlad  r4, r8, r12, r4              \n"
        "ldmia  r0!, {r9-r12}                \n"
        "smuad  r5, r7, r9                   \n"
        "smuad  r6, r7, r11                  \n"
        "smlad  r5, r8, r10, r5              \n"
        "smlad  r6, r8, r12, r6              \n"
        MF_QUAD_W16
        "subs   r2, r2, #1                   \n"
        "beq    3f                           \n"
        "2:                                  \n"
        MF_QUAD_W16
        MF_QUAD_W16
        "subs   r2, r2, #1                   \n"
        "bne    2b                           \n"
        "3:                                  \n"
        "ldrd   r7, r8, [sp, #12]            \n"
        "ldr    r9, [sp, #20]                \n"
        "smmlar r10, r3, r7, r8              \n"
        "smmlar r11, r4, r7, r8              \n"
        "smmlar r12, r5, r7, r8              \n"
        "smmlar r1, r6, r7, r8               \n"
        "add    r3, r10, r3, asr #31         \n"
        "add    r4, r11, r4, asr #31         \n"
        "add    r5, r12, r5, asr #31         \n"
        "add    r6, r1, r6, asr #31          \n"
        "asr    r3, r3, r9                   \n"
        "asr    r4, r4, r9                   \n"
        "asr    r5, r5, r9                   \n"
        "asr    r6, r6, r9                   \n"
        "ssat   r3, #8, r3                   \n"
        "ssat   r4, #8, r4                   \n"
        "ssat   r5, #8, r5                   \n"
        "ssat   r6, #8, r6                   \n"
        "strb   r3, [lr], #1                 \n"
        "strb   r4, [lr], #1                 \n"
        "strb   r5, [lr], #1                 \n"
        "strb   r6, [lr], #1                 \n"
        "ldr    r3, [sp, #4]                 \n"
        "cmp    lr, r3                       \n"
        "bne    1b                           \n"
        "add    sp, sp, #24                  \n"
        "pop    {r4-r11, pc}                 \n");
}
