/* Element-wise functions of one int8; see mf_lookup_mve.h. */
#include "mf_kernels_mve.h"
#include "mf_lookup_mve.h"

void mf_lookup_s8_mve(const mf_lookup_params *p, const int8_t *input, int8_t *output)
{
    mf_lookup_mve(p->table, input, output, p->count);
}
