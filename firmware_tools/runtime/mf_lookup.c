/* An element-wise function of one int8 by table, portable. */
#include "mf_kernels.h"

void mf_lookup_s8(const mf_lookup_params *p, const int8_t *input, int8_t *output)
{
    for (uint32_t i = 0; i < p->count; i++) {
        output[i] = p->table[input[i] + 128];
    }
}
