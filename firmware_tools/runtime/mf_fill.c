/* Every element of a tensor the same value, portable. */
#include "mf_kernels.h"

void mf_fill_s8(const mf_fill_params *p, int8_t *output)
{
    for (uint32_t i = 0; i < p->count; i++) {
        output[i] = (int8_t)p->value;
    }
}
