/* A strided block copied to another layout, portable: TRANSPOSE, the slices, CONCATENATION, ...
 *
 *   out[to . (i, j, k, l)] = in[from . (i, j, k, l)]
 *
 * An input stride is negative where a slice runs backwards. */
#include "mf_kernels.h"

void mf_copy_s8(const mf_copy_params *p, const int8_t *input, int8_t *output)
{
    const int32_t *n = p->dims;
    const int32_t *from = p->input_stride;
    const int32_t *to = p->output_stride;
    for (int32_t i = 0; i < n[0]; i++) {
        for (int32_t j = 0; j < n[1]; j++) {
            for (int32_t k = 0; k < n[2]; k++) {
                const int8_t *source = input + (i * from[0] + j * from[1] + k * from[2]);
                int8_t *target = output + (i * to[0] + j * to[1] + k * to[2]);
                for (int32_t l = 0; l < n[3]; l++) {
                    target[l * to[3]] = source[l * from[3]];
                }
            }
        }
    }
}
