/* MUL of int16, portable; mf_arithmetic.h has the formula. */
#include "mf_arithmetic.h"
#include "mf_broadcast.h"

void mf_mul_s16(const mf_binary_params *p, const int16_t *input1, const int16_t *input2,
                int16_t *out)
{
    MF_FOR_EACH_ELEMENT(int16_t, p, input1, input2, out, mf_mul);
}
