/* REDUCE_MAX over any axes, portable: the largest value; input and output are on one scale. */
#include "mf_reduce.h"

static int8_t largest(const mf_reduction *p, const int8_t *first)
{
    int8_t max = INT8_MIN;
    MF_FOR_EACH(p->reduced, p->reduced_stride, at, max = first[at] > max ? first[at] : max);
    return max;
}

void mf_reduce_max_s8(const mf_reduction *p, const int8_t *input, int8_t *output)
{
    MF_FOR_EACH(p->kept, p->kept_stride, at, *output++ = largest(p, input + at));
}
