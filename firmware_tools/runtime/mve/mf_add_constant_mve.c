/* ADD and SUB of int8 and a constant, which the compiler has scaled, with MVE: 17 instructions for
 * four elements. */
#include "mf_elements_mve.h"

static void row(const mf_elements_mve_params *p, const int32_t *first, const int8_t *second,
                int8_t *output)
{
    MF_ELEMENTS_MVE(p, first, MF_WORDS, second, MF_FOUR, MF_ADD_ROUNDED, output);
}

void mf_add_constant_mve(const mf_elements_mve_params *p, const int32_t *input1,
                         const int8_t *input2, int8_t *output)
{
    MF_FOR_EACH_ROW_MVE(p, input1, input2, output, row);
}
