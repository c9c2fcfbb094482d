/* MAXIMUM and MINIMUM, portable: all three tensors are on one scale, so codes compare as they are. */
#include "mf_broadcast.h"

static inline int8_t maximum(const mf_binary_params *p, int8_t a, int8_t b)
{
    (void)p;
    return a > b ? a : b;
}

static inline int8_t minimum(const mf_binary_params *p, int8_t a, int8_t b)
{
    (void)p;
    return a < b ? a : b;
}

void mf_maximum_s8(const mf_binary_params *p, const int8_t *input1, const int8_t *input2,
                   int8_t *out)
{
    MF_FOR_EACH_ELEMENT(p, input1, input2, out, maximum);
}

void mf_minimum_s8(const mf_binary_params *p, const int8_t *input1, const int8_t *input2,
                   int8_t *out)
{
    MF_FOR_EACH_ELEMENT(p, input1, input2, out, minimum);
}
