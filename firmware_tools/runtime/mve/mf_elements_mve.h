/* The element-wise operators on two inputs: four elements at a time, in 32 bits.
 *
 * ADD, SUB and SQUARED_DIFFERENCE begin with
 *
 *   x1 * factor1 + offset1 + sign2 * requantize(x2 * factor2 + offset2)
 *
 * as TFLM requantises both inputs, but that on the larger scale by exactly 1/2: a factor. Of a
 * requantisation's two roundings, VQRDMULH's ties go up, those of the second away from zero: it is
 * VRSHL of v + (v >> 31), if it shifts at all. VSHL by away2 gives v >> 31 for -31, and 0 for 32.
 *
 *   v = VQRDMULH(result, multiplier)
 *   out = clamp(VRSHL(v + (v >> 31), shift) + zero_point)     shift from -31 to -1
 *
 * An input is a vector or, where its stride is 0, the same element again and again. Inputs and
 * output may be the same. */
#ifndef MF_ELEMENTS_MVE_H
#define MF_ELEMENTS_MVE_H

#include "mf_kernels_mve.h"

/* How four elements of an input come into a vector. */
#define MF_FOUR(vector, from) "vldrb.s32    " vector ", [" from "], #4\n"
#define MF_SAME(vector, from) "vdup.32      " vector ", " from "\n"
#define MF_WORDS(vector, from) "vldrw.32     " vector ", [" from "], #16\n"

/* q1, the second input's elements, as their part of the sum in q0; by way of q2. */
#define MF_ADD_ROUNDED                   \
    "vmlas.s32    q1, q4, r5         \n" \
    "vqrdmulh.s32 q1, q1, r6         \n" \
    "vshl.s32     q2, q1, q5         \n" \
    "vadd.i32     q1, q1, q2         \n" \
    "vrshl.s32    q1, r8             \n" \
    "vmla.s32     q0, q1, r9         \n"

/* A row: what gives the result in q0 is between the loads, of q0 and q1, and the output. dims[3]
 * lies 44 bytes behind offset1; as an operand it would leave -O0 too few registers. */
#define MF_ELEMENTS_MVE(p, first, load1, second, load2, result, output)                          \
    do {                                                                                         \
        const int32_t *numbers_ = &(p)->factor1;                                                 \
        __asm__ volatile("ldm          %[numbers]!, {r4-r6, r8-r9}\n"                            \
                         "vdup.32      q3, r4         \n"                                        \
                         "vdup.32      q4, r5         \n"                                        \
                         "vdup.32      q5, r6         \n"                                        \
                         "vdup.32      q6, r8         \n"                                        \
                         "vdup.32      q7, r9         \n"                                        \
                         "ldm          %[numbers], {r4-r6, r8-r12}\n"                            \
                         "ldr          lr, [%[numbers], #44]\n"                                  \
                         "dlstp.32     lr, lr         \n"                                        \
                         "1:                          \n" load1("q0", "%[x1]")                   \
                             load2("q1", "%[x2]") result                                         \
                         "vqrdmulh.s32 q0, q0, r10    \n"                                        \
                         "vshr.s32     q1, q0, #31    \n"                                        \
                         "vadd.i32     q0, q0, q1     \n"                                        \
                         "vrshl.s32    q0, r11        \n"                                        \
                         "vadd.i32     q0, q0, r12    \n"                                        \
                         "vmax.s32     q0, q0, q6     \n"                                        \
                         "vmin.s32     q0, q0, q7     \n"                                        \
                         "vstrb.32     q0, [%[out]], #4\n"                                       \
                         "letp         lr, 1b         \n"                                        \
                         : [numbers] "+r"(numbers_), [x1] "+l"(first), [x2] "+l"(second),        \
                           [out] "+l"(output)                                                    \
                         :                                                                       \
                         : "r4", "r5", "r6", "r8", "r9", "r10", "r11", "r12", "lr", "q0", "q1",  \
                           "q2", "q3", "q4", "q5", "q6", "q7", "memory");                        \
    } while (0)

/* The same by how the inputs lie. */
#define MF_ELEMENTS_ROW_MVE(p, first, second, result, output)                                    \
    do {                                                                                         \
        if ((p)->stride1[3] == 0) {                                                              \
            int32_t same_ = *(first);                                                            \
            MF_ELEMENTS_MVE(p, same_, MF_SAME, second, MF_FOUR, result, output);                 \
        } else if ((p)->stride2[3] == 0) {                                                       \
            int32_t same_ = *(second);                                                           \
            MF_ELEMENTS_MVE(p, first, MF_FOUR, same_, MF_SAME, result, output);                  \
        } else {                                                                                 \
            MF_ELEMENTS_MVE(p, first, MF_FOUR, second, MF_FOUR, result, output);                 \
        }                                                                                        \
    } while (0)

/* Runs `row(p, first, second, output)` for rows of dims[3] elements. */
#define MF_FOR_EACH_ROW_MVE(p, input1, input2, output, row)                                      \
    do {                                                                                         \
        const uint32_t *n = (p)->dims;                                                           \
        const uint32_t *s = (p)->stride1;                                                        \
        const uint32_t *t = (p)->stride2;                                                        \
        for (uint32_t i = 0; i < n[0]; i++) {                                                    \
            for (uint32_t j = 0; j < n[1]; j++) {                                                \
                for (uint32_t k = 0; k < n[2]; k++) {                                            \
                    row((p), (input1) + i * s[0] + j * s[1] + k * s[2],                          \
                        (input2) + i * t[0] + j * t[1] + k * t[2], (output));                    \
                    (output) += n[3];                                                            \
                }                                                                                \
            }                                                                                    \
        }                                                                                        \
    } while (0)

#endif
