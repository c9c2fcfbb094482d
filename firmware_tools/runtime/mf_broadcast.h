/* The loop of the element-wise operators on two inputs: up to four axes, broadcast by stride 0. */
#ifndef MF_BROADCAST_H
#define MF_BROADCAST_H

#include "mf_kernels.h"

/* Runs `*output++ = element(p, *a, *b)` over p->dims, all three of `type`. `element` is inlined into
 * each operator. */
#define MF_FOR_EACH_ELEMENT(type, p, input1, input2, output, element)                            \
    do {                                                                                         \
        const uint32_t *n = (p)->dims;                                                           \
        const uint32_t *s1 = (p)->stride1;                                                       \
        const uint32_t *s2 = (p)->stride2;                                                       \
        for (uint32_t i = 0; i < n[0]; i++) {                                                    \
            for (uint32_t j = 0; j < n[1]; j++) {                                                \
                for (uint32_t k = 0; k < n[2]; k++) {                                            \
                    const type *a = (input1) + i * s1[0] + j * s1[1] + k * s1[2];                \
                    const type *b = (input2) + i * s2[0] + j * s2[1] + k * s2[2];                \
                    for (uint32_t l = n[3]; l > 0; l--, a += s1[3], b += s2[3]) {                \
                        *(output)++ = (type)element((p), *a, *b);                                \
                    }                                                                            \
                }                                                                                \
            }                                                                                    \
        }                                                                                        \
    } while (0)

#endif
