/* SQUARED_DIFFERENCE of int8, portable; mf_arithmetic.h has the formula. */
#include "mf_arithmetic.h"
#include "mf_broadcast.h"

void mf_squared_difference_s8(const mf_binary_params *p, const int8_t *input1,
                              const int8_t *input2, int8_t *out)
{
    MF_FOR_EACH_ELEMENT(int8_t, p, input1, input2, out, mf_squared_difference);
}
