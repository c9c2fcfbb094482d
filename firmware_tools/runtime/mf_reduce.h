/* The loop of the reductions: over the kept axes, and for each over the reduced ones. */
#ifndef MF_REDUCE_H
#define MF_REDUCE_H

#include "mf_kernels.h"

/* Runs `statement` for each place of three axes n with these strides; `at` is its offset. */
#define MF_FOR_EACH(n, stride, at, statement)                                                    \
    do {                                                                                         \
        for (uint32_t i_ = 0; i_ < (n)[0]; i_++) {                                               \
            for (uint32_t j_ = 0; j_ < (n)[1]; j_++) {                                           \
                for (uint32_t k_ = 0; k_ < (n)[2]; k_++) {                                       \
                    const uint32_t at = i_ * (stride)[0] + j_ * (stride)[1] + k_ * (stride)[2];  \
                    statement;                                                                   \
                }                                                                                \
            }                                                                                    \
        }                                                                                        \
    } while (0)

#endif
