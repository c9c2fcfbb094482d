/* Windows of one channel each, eight channels at a time, by pairs of them.
 *
 * A gathering load brings eight taps of a pair of channels. VMLADAVA gives the sum of both
 * channels' products, VMLSDAVA their difference; the halves of the sum and of the difference of
 * these two are the channels' own, exactly:
 *
 *   v = VQRDMULH(bias[c] + sum_t in[t][c] * weights[t][c], multiplier[c])   ties up
 *   out[c] = clamp(VRSHL(v + (v >> 31), shift[c]) + zero_point)             ties away from zero
 *
 * for shifts from -31 to -1; the bias holds the input's zero point. The stream has for each eight
 * channels, of which the last may be there twice,
 *
 *   int32 {b0 + b1, b0 - b1}[4]; int8 weights[rounds][4 pairs][8 taps][2]; int16 weights[8] of a
 *   tap that is left over, if only one is;
 *   int32 multiplier[4], shift[4] of the even channels, then of the odd ones; int32 step
 *
 * where the step leads to the next eight channels. Of eight channels: 17 instructions for eight
 * taps, 8 for one, 39 for the start, the outputs and the loop; 12 a window. */
#include "mf_channels_mve.h"

#define ROUND                            \
    "vldrh.u16  q4, [r11], #16   \n" \
    "vldrh.u16  q0, [r5, q4]     \n" \
    "vldrb.8    q1, [r9], #16    \n" \
    "vmladava.s8 r0, q0, q1      \n" \
    "vmlsdava.s8 r2, q0, q1      \n" \
    "vldrh.u16  q0, [r1, q4]     \n" \
    "vldrb.8    q1, [r9], #16    \n" \
    "vmladava.s8 r4, q0, q1      \n" \
    "vmlsdava.s8 r6, q0, q1      \n" \
    "vldrh.u16  q0, [r3, q4]     \n" \
    "vldrb.8    q1, [r9], #16    \n" \
    "vmladava.s8 r8, q0, q1      \n" \
    "vmlsdava.s8 r10, q0, q1     \n" \
    "vldrh.u16  q0, [r7, q4]     \n" \
    "vldrb.8    q1, [r9], #16    \n" \
    "vmladava.s8 r12, q0, q1     \n" \
    "vmlsdava.s8 lr, q0, q1      \n"

/* r5, r1, r3, r7 where the pairs begin, r0, r4, r8, r12 sums, r2, r6, r10, lr differences,
 * r9 stream, r11 offsets; q5 zero point, q6 low, q7 high.
 *
 * sp: 0 which of the four rounds is the first, 4 offsets, 8 output, 12 window's channel, 16 window,
 * 20 step, 24 windows left, 28 stream, 32 its end, 36 what
 * follows the rounds, 40 output of the window, 44 step of outputs; then
 * d8-d15, r4-r11, lr, and the arguments on the stack. */
__attribute__((naked, aligned(4))) /* as ADR wants it */
void mf_channels_mve(const mf_mve_channels *w __attribute__((unused)),
                     const int8_t *windows __attribute__((unused)),
                     int8_t *output __attribute__((unused)),
                     uint32_t count __attribute__((unused)),
                     uint32_t step __attribute__((unused)),
                     uint32_t output_step __attribute__((unused)))
{
    __asm__(
        "push       {r4-r11, lr}             \n"
        "ldrd       r10, r11, [sp, #36]      \n"
        "vpush      {d8-d15}                 \n"
        "sub        sp, sp, #48              \n"
        "strd       r2, r1, [sp, #8]         \n"
        "str        r1, [sp, #16]            \n"
        "strd       r10, r3, [sp, #20]       \n"
        "str        r2, [sp, #40]            \n"
        "str        r11, [sp, #44]           \n"
        "ldm        r0!, {r4-r10}            \n" /* up to high */
        "ldr        r3, [r0]                 \n"
        "adr        r0, 5f + 1               \n"
        "cbz        r3, 6f                   \n"
        "adr        r0, 4f + 1               \n"
        "6:                                  \n"
        "str        r0, [sp, #36]            \n"
        "vdup.16    q5, r8                   \n"
        "vdup.16    q6, r9                   \n"
        "vdup.16    q7, r10                  \n"
        "add        r5, r4, r5               \n"
        "strd       r4, r5, [sp, #28]        \n"
        "adr        r0, 2f + 1               \n"
        "movs       r3, #68                  \n"
        "rsb        r7, r7, #4               \n"
        "mla        r0, r7, r3, r0           \n"
        "strd       r0, r6, [sp]             \n"
        "mov        r5, r1                   \n"
        "mov        r9, r4                   \n"
        "1:                                  \n"
        "adds       r1, r5, #2               \n"
        "adds       r3, r5, #4               \n"
        "adds       r7, r5, #6               \n"
        "ldr        r11, [sp, #4]            \n"
        "ldm        r9!, {r0, r2, r4, r6, r8, r10, r12, lr}\n"
        "ldr        pc, [sp]                 \n"
        "2:                                  \n"
        ROUND ROUND ROUND ROUND
        "vmov       q0[2], q0[0], r0, r8     \n"
        "vmov       q0[3], q0[1], r4, r12    \n"
        "vmov       q1[2], q1[0], r2, r10    \n"
        "vmov       q1[3], q1[1], r6, lr     \n"
        "vhadd.s32  q2, q0, q1               \n"
        "vhsub.s32  q3, q0, q1               \n"
        "ldr        pc, [sp, #36]            \n"
        "4:                                  \n"
        "ldrh       r1, [r11]                \n"
        "add        r1, r1, r5               \n"
        "vldrb.s16  q0, [r1]                 \n"
        "vldrh.u16  q1, [r9], #16            \n"
        "vmullb.s16 q4, q0, q1               \n"
        "vadd.i32   q2, q2, q4               \n"
        "vmullt.s16 q4, q0, q1               \n"
        "vadd.i32   q3, q3, q4               \n"
        "5:                                  \n"
        "vldrw.32   q0, [r9], #16            \n"
        "vqrdmulh.s32 q2, q2, q0             \n"
        "vshr.s32   q1, q2, #31              \n"
        "vadd.i32   q2, q2, q1               \n"
        "vldrw.32   q0, [r9], #16            \n"
        "vrshl.s32  q2, q2, q0               \n"
        "vldrw.32   q0, [r9], #16            \n"
        "vqrdmulh.s32 q3, q3, q0             \n"
        "vshr.s32   q1, q3, #31              \n"
        "vadd.i32   q3, q3, q1               \n"
        "vldrw.32   q0, [r9], #16            \n"
        "vrshl.s32  q3, q3, q0               \n"
        "vqmovnb.s32 q2, q2                  \n"
        "vqmovnt.s32 q2, q3                  \n"
        "vqadd.s16  q2, q2, q5               \n"
        "vmax.s16   q2, q2, q6               \n"
        "vmin.s16   q2, q2, q7               \n"
        "ldrd       r1, r5, [sp, #8]         \n"
        "ldr        r3, [r9], #4             \n"
        "vstrb.16   q2, [r1]                 \n"
        "add        r1, r1, r3               \n"
        "add        r5, r5, r3               \n"
        "strd       r1, r5, [sp, #8]         \n"
        "ldr        r7, [sp, #32]            \n"
        "cmp        r9, r7                   \n"
        "bne        1b                       \n"
        "ldrd       r0, r1, [sp, #16]        \n"
        "ldrd       r2, r9, [sp, #24]        \n"
        "ldrd       r3, r4, [sp, #40]        \n"
        "subs       r2, r2, #1               \n"
        "beq        3f                       \n"
        "add        r5, r0, r1               \n"
        "add        r3, r3, r4               \n"
        "strd       r3, r5, [sp, #8]         \n"
        "str        r5, [sp, #16]            \n"
        "str        r2, [sp, #24]            \n"
        "str        r3, [sp, #40]            \n"
        "b          1b                       \n"
        "3:                                  \n"
        "add        sp, sp, #48              \n"
        "vpop       {d8-d15}                 \n"
        "pop        {r4-r11, pc}             \n");
}
