/* MAX_POOL_2D and AVERAGE_POOL_2D of int8, portable; mf_pool_2d.h has the formulas. */
#include <stdint.h>

typedef int8_t element;

#include "mf_pool_2d.h"

void mf_max_pool_2d_s8(const mf_pool_2d_params *p, const int8_t *input, int8_t *output)
{
    pool(p, input, output, largest);
}

void mf_average_pool_2d_s8(const mf_pool_2d_params *p, const int8_t *input, int8_t *output)
{
    pool(p, input, output, average);
}
