/* A strided block copied to another layout, portable: TRANSPOSE, the slices, CONCATENATION, ...
 *
 *   out[to . (i, j, k, l)] = in[from . (i, j, k, l)]
 *
 * for elements of any size. An input stride is negative where a slice runs backwards. */
#include <string.h>

#include "mf_kernels.h"

void mf_copy(const mf_copy_params *p, const void *input, void *output)
{
    const int32_t *n = p->dims;
    const int32_t *from = p->input_stride;
    const int32_t *to = p->output_stride;
    const int32_t item = p->item_bytes;
    for (int32_t i = 0; i < n[0]; i++) {
        for (int32_t j = 0; j < n[1]; j++) {
            for (int32_t k = 0; k < n[2]; k++) {
                const int8_t *source =
                    (const int8_t *)input + (i * from[0] + j * from[1] + k * from[2]) * item;
                int8_t *target = (int8_t *)output + (i * to[0] + j * to[1] + k * to[2]) * item;
                if (from[3] == 1 && to[3] == 1) {
                    memcpy(target, source, (size_t)(n[3] * item));
                } else if (item == 1) {
                    for (int32_t l = 0; l < n[3]; l++) {
                        target[l * to[3]] = source[l * from[3]];
                    }
                } else {
                    for (int32_t l = 0; l < n[3]; l++) {
                        memcpy(target + l * to[3] * item, source + l * from[3] * item,
                               (size_t)item);
                    }
                }
            }
        }
    }
}
