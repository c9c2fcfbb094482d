/* Every element of a tensor the same value, portable: four bytes over and over. */
#include "mf_kernels.h"

void mf_fill(const mf_fill_params *p, void *output)
{
    for (uint32_t i = 0; i < p->count * p->item_bytes; i++) {
        ((uint8_t *)output)[i] = p->pattern[i & 3];
    }
}
