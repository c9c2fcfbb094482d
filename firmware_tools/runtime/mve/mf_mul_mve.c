/* MUL of int8 with MVE: (x1 + offset1) * (x2 + offset2); 14 instructions for four elements. */
#include "mf_elements_mve.h"

static void row(const mf_elements_mve_params *p, const int8_t *first, const int8_t *second,
                int8_t *output)
{
    MF_ELEMENTS_ROW_MVE(p, first, second,
                        "vadd.i32 q0, q0, r4\n"
                        "vadd.i32 q1, q1, r5\n"
                        "vmul.i32 q0, q0, q1\n",
                        output);
}

void mf_mul_mve(const mf_elements_mve_params *p, const int8_t *input1, const int8_t *input2,
                int8_t *output)
{
    MF_FOR_EACH_ROW_MVE(p, input1, input2, output, row);
}
