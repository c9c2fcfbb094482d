/* mf_product_mve.h for rows of 16 inputs at most: the weights of four channels stay in registers
 * for all rows. 22 instructions for four outputs, and 30 for four channels. */
#include "mf_product_mve.h"

/* q4-q7 weights, q2 multipliers, q3 shifts; r0 scaling, r1 input, r2 output, r3 input stride,
 * r4, r6, r8, r10 sums, r5 output stride, r7 channel, r12 zero point, lr rows left; P0 the inputs.
 *
 * sp: 0 low, 16 high, four times each, 32 input, 36 output, 40 rows, 44 channels, 48 weights,
 * 52 their stride; then d8-d15, r4-r11, lr, and the arguments on the stack. */
__attribute__((naked)) void
mf_product_short_mve(const mf_mve_weights *w __attribute__((unused)),
                     const int8_t *input __attribute__((unused)),
                     int8_t *output __attribute__((unused)),
                     uint32_t rows __attribute__((unused)),
                     uint32_t input_stride __attribute__((unused)),
                     uint32_t output_stride __attribute__((unused)))
{
    __asm__(
        "push       {r4-r11, lr}             \n"
        "ldrd       r10, r11, [sp, #36]      \n"
        "vpush      {d8-d15}                 \n"
        "sub        sp, sp, #56              \n"
        "strd       r1, r2, [sp, #32]        \n"
        "str        r3, [sp, #40]            \n"
        "ldm        r0!, {r4-r6, r8-r9}      \n" /* weights, scaling, channels, depth, stride */
        "strd       r6, r4, [sp, #44]        \n"
        "str        r9, [sp, #52]            \n"
        "vctp.8     r8                       \n"
        "ldm        r0, {r1, r2, r12}        \n" /* zero point, low, high */
        "vdup.32    q0, r2                   \n"
        "vstrw.32   q0, [sp]                 \n"
        "vdup.32    q0, r12                  \n"
        "vstrw.32   q0, [sp, #16]            \n"
        "mov        r12, r1                  \n"
        "mov        r3, r10                  \n"
        "mov        r0, r5                   \n"
        "mov        r5, r11                  \n"
        "movs       r7, #0                   \n"
        "1:                                  \n"
        "ldrd       r9, r4, [sp, #48]        \n"
        "mla        r9, r7, r4, r9           \n"
        "add        r6, r9, r4               \n"
        "add        r8, r6, r4               \n"
        "add        r10, r8, r4              \n"
        "vpstttt                             \n"
        "vldrbt.8   q4, [r9]                 \n"
        "vldrbt.8   q5, [r6]                 \n"
        "vldrbt.8   q6, [r8]                 \n"
        "vldrbt.8   q7, [r10]                \n"
        "vldrw.32   q2, [r0, #16]            \n"
        "vldrw.32   q3, [r0, #32]            \n"
        "ldrd       r1, r2, [sp, #32]        \n"
        "add        r2, r2, r7               \n"
        "ldr        lr, [sp, #40]            \n"
        "dls        lr, lr                   \n"
        "2:                                  \n"
        "vpst                                \n"
        "vldrbt.8   q0, [r1]                 \n"
        "add        r1, r1, r3               \n"
        "ldm        r0, {r4, r6, r8, r10}    \n"
        "vmladava.s8 r4, q0, q4              \n"
        "vmladava.s8 r6, q0, q5              \n"
        "vmladava.s8 r8, q0, q6              \n"
        "vmladava.s8 r10, q0, q7             \n"
        "vmov       q0[2], q0[0], r4, r8     \n"
        "vmov       q0[3], q0[1], r6, r10    \n"
        "vqrdmulh.s32 q0, q0, q2             \n"
        "vshr.s32   q1, q0, #31              \n"
        "vadd.i32   q0, q0, q1               \n"
        "vrshl.s32  q0, q0, q3               \n"
        "vadd.i32   q0, q0, r12              \n"
        "vldrw.32   q1, [sp]                 \n"
        "vmax.s32   q0, q0, q1               \n"
        "vldrw.32   q1, [sp, #16]            \n"
        "vmin.s32   q0, q0, q1               \n"
        "vstrb.32   q0, [r2]                 \n"
        "add        r2, r2, r5               \n"
        "le         lr, 2b                   \n"
        "adds       r0, r0, #48              \n"
        "adds       r7, r7, #4               \n"
        "ldr        r4, [sp, #44]            \n"
        "subs       r6, r4, r7               \n"
        "beq        3f                       \n"
        "cmp        r6, #4                   \n"
        "bge        1b                       \n"
        "subs       r7, r4, #4               \n"
        "b          1b                       \n"
        "3:                                  \n"
        "add        sp, sp, #56              \n"
        "vpop       {d8-d15}                 \n"
        "pop        {r4-r11, pc}             \n");
}
