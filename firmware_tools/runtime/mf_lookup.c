/* An element-wise function of one int8 by table, portable. */
#include "mf_kernels.h"

void mf_lookup_s8(const mf_lookup_params *p, const int8_t *input, int8_t *output)
{
    const int8_t *const of = p->table + 128;
    uint32_t left = p->count;
    for (; left >= 4; left -= 4, input += 4, output += 4) {
        output[0] = of[input[0]];
        output[1] = of[input[1]];
        output[2] = of[input[2]];
        output[3] = of[input[3]];
    }
    for (; left > 0; left--) {
        *output++ = of[*input++];
    }
}
