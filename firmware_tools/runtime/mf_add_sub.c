/* ADD and SUB of int8, portable; mf_arithmetic.h has the formulas. */
#include "mf_arithmetic.h"
#include "mf_broadcast.h"

void mf_add_s8(const mf_binary_params *p, const int8_t *input1, const int8_t *input2, int8_t *out)
{
    MF_FOR_EACH_ELEMENT(int8_t, p, input1, input2, out, mf_add);
}

void mf_sub_s8(const mf_binary_params *p, const int8_t *input1, const int8_t *input2, int8_t *out)
{
    MF_FOR_EACH_ELEMENT(int8_t, p, input1, input2, out, mf_sub);
}
