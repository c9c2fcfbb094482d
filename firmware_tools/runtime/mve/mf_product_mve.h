/* Rows of activations times the rows of a matrix, four of them at a time: what the matrix kernels
 * share.
 *
 *   v = VQRDMULH(bias[c] + sum_d in[r][d] * weights[c][d], multiplier[c])   ties up
 *   out[r][c] = clamp(VRSHL(v + (v >> 31), shift[c]) + zero_point)          ties away from zero
 *
 * which are TFLM's two roundings for shifts from -31 to -1. The bias holds the input's zero point,
 * and that of the weights adds to each sum of a row `row_factor` times the sum of its inputs.
 *
 * Rows are read where they lie: tail predication leaves out what is beyond the depth. Where the
 * channels are no multiple of four, the last four overlap those before them.
 *
 * Of four channels and 64 multiply-accumulates: 10 instructions, and 21 for the start, the outputs
 * and the loop; 20 a row. */
#ifndef MF_PRODUCT_MVE_H
#define MF_PRODUCT_MVE_H

#include "mf_kernels_mve.h"

#ifdef __cplusplus
extern "C" {
#endif

/* output[r][c] for all channels; rows > 0. `row_factor` is 0. */
void mf_product_mve(const mf_mve_weights *w, const int8_t *input, int8_t *output, uint32_t rows,
                    uint32_t input_stride, uint32_t output_stride);

/* The same with any `row_factor`: an instruction more for four channels, 12 to 20 more a row. */
void mf_product_sums_mve(const mf_mve_weights *w, const int8_t *input, int8_t *output,
                         uint32_t rows, uint32_t input_stride, uint32_t output_stride);

/* The same as the first, of a depth of 16 at most: fewer instructions for many rows. */
void mf_product_short_mve(const mf_mve_weights *w, const int8_t *input, int8_t *output,
                          uint32_t rows, uint32_t input_stride, uint32_t output_stride);

#ifdef __cplusplus
}
#endif

/* The body of the first two, with what is done at the start of a row and with the sums in q0.
 *
 * r0, r1, r3, r5 weights, r2 input, r4, r6, r8, r10 sums, r7 output, r9 scaling, r11 stride,
 * r12 blocks left, lr inputs left; q2 low, q3 high, q4 zero point, q5 the row's part of the sums.
 *
 * sp: 0 input, 4 how far the weights of a block, read in sixteens, reach into the next one's,
 * 8 depth, 12 input stride, 16 output stride less channels, 20 weights, 24 scaling, 28 blocks,
 * 32 channels that the last block repeats, 36 rows left, 40 row factor; then d8-d11, r4-r11, lr,
 * and the arguments on the stack. */
#define MF_PRODUCT_MVE(at_row, at_sums)                                                     \
    __asm__(                                                                                \
        "push       {r4-r11, lr}            \n"                                             \
        "ldrd       r10, r12, [sp, #36]     \n"                                             \
        "vpush      {d8-d11}                \n"                                             \
        "sub        sp, sp, #44             \n"                                             \
        "str        r3, [sp, #36]           \n"                                             \
        "mov        r7, r2                  \n"                                             \
        "ldm        r0!, {r4-r6, r8-r9}      \n" /* weights, scaling, channels, depth, stride */\
        "mov        r11, r9                 \n"                                             \
        "ldm        r0, {r0, r2, r3, lr}    \n" /* zero point, low, high, row factor */     \
        "str        lr, [sp, #40]           \n"                                             \
        "vdup.32    q4, r0                  \n"                                             \
        "vdup.32    q2, r2                  \n"                                             \
        "vdup.32    q3, r3                  \n"                                             \
        "add        r3, r8, #15             \n"                                             \
        "bic        r3, r3, #15             \n"                                             \
        "sub        r3, r3, r9              \n"                                             \
        "strd       r1, r3, [sp]            \n"                                             \
        "strd       r8, r10, [sp, #8]       \n"                                             \
        "sub        r12, r12, r6            \n"                                             \
        "add        r4, r4, r3              \n"                                             \
        "strd       r12, r4, [sp, #16]      \n"                                             \
        "lsr        r12, r6, #2             \n"                                             \
        "strd       r5, r12, [sp, #24]      \n"                                             \
        "rsb        r6, r6, #0              \n"                                             \
        "and        r6, r6, #3              \n"                                             \
        "str        r6, [sp, #32]           \n"                                             \
        "mov        r9, r5                  \n"                                             \
        "mov        r5, r4                  \n"                                             \
        "0:                                 \n"                                             \
        at_row                                                                              \
        "1:                                 \n"                                             \
        "ldm        sp, {r2, r4, lr}        \n"                                             \
        "sub        r0, r5, r4              \n"                                             \
        "add        r1, r0, r11             \n"                                             \
        "add        r3, r1, r11             \n"                                             \
        "add        r5, r3, r11             \n"                                             \
        "ldm        r9!, {r4, r6, r8, r10}  \n"                                             \
        "dlstp.8    lr, lr                  \n"                                             \
        "2:                                 \n"                                             \
        "vldrb.8    q0, [r2], #16           \n"                                             \
        "vldrb.8    q1, [r0], #16           \n"                                             \
        "vmladava.s8 r4, q0, q1             \n"                                             \
        "vldrb.8    q1, [r1], #16           \n"                                             \
        "vmladava.s8 r6, q0, q1             \n"                                             \
        "vldrb.8    q1, [r3], #16           \n"                                             \
        "vmladava.s8 r8, q0, q1             \n"                                             \
        "vldrb.8    q1, [r5], #16           \n"                                             \
        "vmladava.s8 r10, q0, q1            \n"                                             \
        "letp       lr, 2b                  \n"                                             \
        "vmov       q0[2], q0[0], r4, r8    \n"                                             \
        "vmov       q0[3], q0[1], r6, r10   \n"                                             \
        at_sums                                                                             \
        "vldrw.32   q1, [r9], #16           \n"                                             \
        "vqrdmulh.s32 q0, q0, q1            \n"                                             \
        "vshr.s32   q1, q0, #31             \n"                                             \
        "vadd.i32   q0, q0, q1              \n"                                             \
        "vldrw.32   q1, [r9], #16           \n"                                             \
        "vrshl.s32  q0, q0, q1              \n"                                             \
        "vadd.i32   q0, q0, q4              \n"                                             \
        "vmax.s32   q0, q0, q2              \n"                                             \
        "vmin.s32   q0, q0, q3              \n"                                             \
        "vstrb.32   q0, [r7], #4            \n"                                             \
        "subs       r12, r12, #1            \n"                                             \
        "bgt        1b                      \n"                                             \
        "bmi        3f                      \n"                                             \
        "ldr        r4, [sp, #32]           \n"                                             \
        "cbz        r4, 3f                  \n"                                             \
        "sub        r7, r7, r4              \n"                                             \
        "mls        r5, r4, r11, r5         \n"                                             \
        "b          1b                      \n"                                             \
        "3:                                 \n"                                             \
        "ldr        r4, [sp, #36]           \n"                                             \
        "subs       r4, r4, #1              \n"                                             \
        "beq        4f                      \n"                                             \
        "str        r4, [sp, #36]           \n"                                             \
        "ldrd       r0, r1, [sp, #12]       \n"                                             \
        "ldr        r2, [sp]                \n"                                             \
        "add        r2, r2, r0              \n"                                             \
        "str        r2, [sp]                \n"                                             \
        "add        r7, r7, r1              \n"                                             \
        "ldrd       r5, r9, [sp, #20]       \n"                                             \
        "ldr        r12, [sp, #28]          \n"                                             \
        "b          0b                      \n"                                             \
        "4:                                 \n"                                             \
        "add        sp, sp, #44             \n"                                             \
        "vpop       {d8-d11}                \n"                                             \
        "pop        {r4-r11, pc}            \n")

#endif
