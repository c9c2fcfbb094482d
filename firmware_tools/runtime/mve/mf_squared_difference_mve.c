/* SQUARED_DIFFERENCE of int8 with MVE: 19 instructions for four elements. The difference's sign is
 * nothing to its square. */
#include "mf_elements_mve.h"

static void row(const mf_elements_mve_params *p, const int8_t *first, const int8_t *second,
                int8_t *output)
{
    MF_ELEMENTS_ROW_MVE(p, first, second,
                        "vmlas.s32 q0, q3, r4\n" MF_ADD_ROUNDED "vmul.i32 q0, q0, q0\n", output);
}

void mf_squared_difference_mve(const mf_elements_mve_params *p, const int8_t *input1,
                               const int8_t *input2, int8_t *output)
{
    MF_FOR_EACH_ROW_MVE(p, input1, input2, output, row);
}
