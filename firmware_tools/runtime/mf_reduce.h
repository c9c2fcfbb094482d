/* The loop of the reductions: over the kept axes, and for each over the reduced ones. */
#ifndef MF_REDUCE_H
#define MF_REDUCE_H

#include "mf_kernels.h"

typedef int32_t mf_reducer(int32_t so_far, int32_t value);

/* One output's value, from `start` on. */
static inline int32_t mf_reduced(const mf_reduction *p, const int8_t *input, int32_t start,
                                 mf_reducer *reducer)
{
    const uint32_t *n = p->reduced;
    const uint32_t *s = p->reduced_stride;
    int32_t result = start;
    for (uint32_t i = 0; i < n[0]; i++) {
        for (uint32_t j = 0; j < n[1]; j++) {
            const int8_t *value = input + i * s[0] + j * s[1];
            for (uint32_t k = n[2]; k > 0; k--, value += s[2]) {
                result = reducer(result, *value);
            }
        }
    }
    return result;
}

/* Runs `*output++ = element(first)` over p's kept axes, `first` an output's first input. */
#define MF_FOR_EACH_KEPT(p, input, output, element)                                              \
    do {                                                                                         \
        const uint32_t *n_ = (p)->kept;                                                          \
        const uint32_t *s_ = (p)->kept_stride;                                                   \
        for (uint32_t i_ = 0; i_ < n_[0]; i_++) {                                                \
            for (uint32_t j_ = 0; j_ < n_[1]; j_++) {                                            \
                for (uint32_t k_ = 0; k_ < n_[2]; k_++) {                                        \
                    const int8_t *first = (input) + i_ * s_[0] + j_ * s_[1] + k_ * s_[2];        \
                    *(output)++ = element;                                                       \
                }                                                                                \
            }                                                                                    \
        }                                                                                        \
    } while (0)

#endif
