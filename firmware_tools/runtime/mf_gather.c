/* GATHER along one axis, portable: runs of the inner axes' bytes.
 *
 *   out[b][o][n] = in[b][o][positions[b][n]]
 *
 * Positions may come from outside: one that is out of range takes the nearest that is not. */
#include <string.h>

#include "mf_kernels.h"

void mf_gather(const mf_gather_params *p, const void *input, const int32_t *positions,
               void *output)
{
    const uint8_t *from = (const uint8_t *)input;
    uint8_t *to = (uint8_t *)output;
    const int32_t last = (int32_t)p->length - 1;
    for (uint32_t b = 0; b < p->batches; b++, positions += p->count) {
        for (uint32_t o = 0; o < p->outer; o++, from += p->length * p->run_bytes) {
            for (uint32_t n = 0; n < p->count; n++, to += p->run_bytes) {
                const int32_t at = positions[n] > last ? last : positions[n];
                memcpy(to, from + (at < 0 ? 0u : (uint32_t)at) * p->run_bytes, p->run_bytes);
            }
        }
    }
}
