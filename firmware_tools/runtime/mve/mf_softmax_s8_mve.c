/* SOFTMAX over the last axis; mf_softmax_row_mve.h has the arithmetic. */
#include "mf_kernels_mve.h"
#include "mf_softmax_row_mve.h"

void mf_softmax_s8_mve(const mf_softmax_mve_params *p, const int8_t *input, int8_t *output)
{
    for (uint32_t r = 0; r < p->rows; r++) {
        mf_softmax_row_mve(p->exponentials, input, p->depth, output);
        input += p->depth;
        output += p->depth;
    }
}
