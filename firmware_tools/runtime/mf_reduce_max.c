/* REDUCE_MAX over any axes, portable: the largest value; input and output are on one scale. */
#include "mf_reduce.h"

static int32_t larger(int32_t so_far, int32_t value)
{
    return value > so_far ? value : so_far;
}

void mf_reduce_max_s8(const mf_reduction *p, const int8_t *input, int8_t *output)
{
    MF_FOR_EACH_KEPT(p, input, output, (int8_t)mf_reduced(p, first, INT8_MIN, larger));
}
