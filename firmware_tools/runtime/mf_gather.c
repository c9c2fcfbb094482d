/* GATHER along one axis, portable: runs of `inner` elements at constant positions.
 *
 *   out[b][o][n][i] = in[b][o][positions[b][n]][i] */
#include "mf_kernels.h"

void mf_gather_s8(const mf_gather_params *p, const int8_t *input, int8_t *output)
{
    const int32_t *positions = p->positions;
    for (uint32_t b = 0; b < p->batches; b++, positions += p->count) {
        for (uint32_t o = 0; o < p->outer; o++, input += p->length * p->inner) {
            for (uint32_t n = 0; n < p->count; n++) {
                const int8_t *run = input + (uint32_t)positions[n] * p->inner;
                for (uint32_t i = 0; i < p->inner; i++) {
                    *output++ = run[i];
                }
            }
        }
    }
}
