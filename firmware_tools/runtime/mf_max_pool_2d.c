/* MAX_POOL_2D, portable: the largest value of the taps that lie inside the input, clamped. */
#include "mf_fixed_point.h"
#include "mf_kernels.h"

static int8_t largest(const mf_max_pool_2d_params *p, const int8_t *input, int32_t top,
                      int32_t left, uint32_t channel)
{
    int8_t max = INT8_MIN;
    for (int32_t y = top; y < top + (int32_t)p->filter_height; y++) {
        for (int32_t x = left; x < left + (int32_t)p->filter_width; x++) {
            if (y >= 0 && y < (int32_t)p->in_height && x >= 0 && x < (int32_t)p->in_width) {
                const uint32_t at = (uint32_t)y * p->in_width + (uint32_t)x;
                const int8_t value = input[at * p->channels + channel];
                max = value > max ? value : max;
            }
        }
    }
    return mf_clamp(max, p->low, p->high);
}

void mf_max_pool_2d_s8(const mf_max_pool_2d_params *p, const int8_t *input, int8_t *output)
{
    for (uint32_t b = 0; b < p->batches; b++) {
        for (uint32_t y = 0; y < p->out_height; y++) {
            const int32_t top = (int32_t)(y * p->stride_height) - (int32_t)p->pad_top;
            for (uint32_t x = 0; x < p->out_width; x++) {
                const int32_t left = (int32_t)(x * p->stride_width) - (int32_t)p->pad_left;
                for (uint32_t c = 0; c < p->channels; c++) {
                    *output++ = largest(p, input, top, left, c);
                }
            }
        }
        input += p->in_height * p->in_width * p->channels;
    }
}
