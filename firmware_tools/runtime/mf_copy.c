/* TRANSPOSE, STRIDED_SLICE and CONCATENATION, portable: one block copied between two layouts. */
#include "mf_kernels.h"

void mf_copy_s8(const mf_copy_params *p, const int8_t *input, int8_t *output)
{
    const uint32_t *n = p->dims;
    const uint32_t *from = p->input_stride;
    const uint32_t *to = p->output_stride;
    for (uint32_t i = 0; i < n[0]; i++) {
        for (uint32_t j = 0; j < n[1]; j++) {
            for (uint32_t k = 0; k < n[2]; k++) {
                const int8_t *source =
                    input + p->input_offset + i * from[0] + j * from[1] + k * from[2];
                int8_t *target = output + p->output_offset + i * to[0] + j * to[1] + k * to[2];
                for (uint32_t l = n[3]; l > 0; l--, source += from[3], target += to[3]) {
                    *target = *source;
                }
            }
        }
    }
}
