/* ADD and SUB of int8 with MVE: 18 instructions for four elements. */
#include "mf_elements_mve.h"

static void row(const mf_elements_mve_params *p, const int8_t *first, const int8_t *second,
                int8_t *output)
{
    MF_ELEMENTS_ROW_MVE(p, first, second, "vmlas.s32 q0, q3, r4\n" MF_ADD_ROUNDED, output);
}

void mf_add_mve(const mf_elements_mve_params *p, const int8_t *input1, const int8_t *input2,
                int8_t *output)
{
    MF_FOR_EACH_ROW_MVE(p, input1, input2, output, row);
}
