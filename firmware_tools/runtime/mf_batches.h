/* The loop of BATCH_MATMUL over the outer axes, each operand with strides of its own. */
#ifndef MF_BATCHES_H
#define MF_BATCHES_H

#include "mf_kernels.h"

/* Runs `product(p, lhs, rhs, output)` for every matrix. */
#define MF_FOR_EACH_PRODUCT(p, lhs, rhs, output, product)                                        \
    do {                                                                                         \
        const uint32_t *n = (p)->batch_dims;                                                     \
        const uint32_t *l = (p)->lhs_batch_stride;                                               \
        const uint32_t *r = (p)->rhs_batch_stride;                                               \
        const uint32_t *o = (p)->output_batch_stride;                                            \
        for (uint32_t a = 0; a < n[0]; a++) {                                                    \
            for (uint32_t b = 0; b < n[1]; b++) {                                                \
                for (uint32_t c = 0; c < n[2]; c++) {                                            \
                    for (uint32_t d = 0; d < n[3]; d++) {                                        \
                        product((p), (lhs) + a * l[0] + b * l[1] + c * l[2] + d * l[3],          \
                                (rhs) + a * r[0] + b * r[1] + c * r[2] + d * r[3],               \
                                (output) + a * o[0] + b * o[1] + c * o[2] + d * o[3]);           \
                    }                                                                            \
                }                                                                                \
            }                                                                                    \
        }                                                                                        \
    } while (0)

#endif
