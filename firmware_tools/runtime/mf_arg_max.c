/* ARG_MAX along one axis, portable: the first place of the largest value.
 *
 *   out[o][i] = argmax over n of in[o][n][i] */
#include "mf_kernels.h"

#define MF_ARG_MAX(p, input, output)                                                             \
    do {                                                                                         \
        for (uint32_t o = 0; o < (p)->outer; o++, (input) += (p)->length * (p)->inner) {         \
            for (uint32_t i = 0; i < (p)->inner; i++) {                                          \
                uint32_t best = 0;                                                               \
                for (uint32_t n = 1; n < (p)->length; n++) {                                     \
                    if ((input)[n * (p)->inner + i] > (input)[best * (p)->inner + i]) {          \
                        best = n;                                                                \
                    }                                                                            \
                }                                                                                \
                *(output)++ = (int32_t)best;                                                     \
            }                                                                                    \
        }                                                                                        \
    } while (0)

void mf_arg_max_s8(const mf_arg_max_params *p, const int8_t *input, int32_t *output)
{
    MF_ARG_MAX(p, input, output);
}

void mf_arg_max_f32(const mf_arg_max_params *p, const float *input, int32_t *output)
{
    MF_ARG_MAX(p, input, output);
}
