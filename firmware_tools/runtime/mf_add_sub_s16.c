/* ADD and SUB of int16, portable; mf_arithmetic.h has the formulas. */
#include "mf_arithmetic.h"
#include "mf_broadcast.h"

void mf_add_s16(const mf_binary_params *p, const int16_t *input1, const int16_t *input2,
                int16_t *out)
{
    MF_FOR_EACH_ELEMENT(int16_t, p, input1, input2, out, mf_add);
}

void mf_sub_s16(const mf_binary_params *p, const int16_t *input1, const int16_t *input2,
                int16_t *out)
{
    MF_FOR_EACH_ELEMENT(int16_t, p, input1, input2, out, mf_sub);
}
