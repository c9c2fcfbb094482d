/* The assembler text that the row kernels share. */
#ifndef MF_STEPS_DSP_H
#define MF_STEPS_DSP_H

/* Four inputs from r1 times 16-bit weights from r0 for four channels, onto r3 to r6; r7 to r12 are
 * used. */
#define MF_QUAD_W16                         \
    "ldrd   r7, r8, [r1], #8            \n" \
    "ldmia  r0!, {r9-r12}               \n" \
    "smlad  r3, r7, r9, r3              \n" \
    "smlad  r4, r7, r11, r4             \n" \
    "smlad  r3, r8, r10, r3             \n" \
    "smlad  r4, r8, r12, r4             \n" \
    "ldmia  r0!, {r9-r12}               \n" \
    "smlad  r5, r7, r9, r5              \n" \
    "smlad  r6, r7, r11, r6             \n" \
    "smlad  r5, r8, r10, r5             \n" \
    "smlad  r6, r8, r12, r6             \n"

/* The codes of the doubled sums a and b, stored at lr; r7 to r12 hold multiplier, offset and shift of
 * either, mf_rows_dsp.h the arithmetic. */
#define MF_TWO_CODES(a, b)             \
    "smmlar r7, " a ", r7, r8\n"       \
    "smmlar r10, " b ", r10, r11\n"    \
    "add " a ", r7, " a ", asr #31\n"  \
    "add " b ", r10, " b ", asr #31\n" \
    "asr " a ", " a ", r9\n"           \
    "asr " b ", " b ", r12\n"          \
    "ssat " a ", #8, " a "\n"          \
    "ssat " b ", #8, " b "\n"          \
    "strb " a ", [lr], #1\n"           \
    "strb " b ", [lr], #1\n"

#endif
