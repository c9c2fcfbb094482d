/* MAX_POOL_2D and AVERAGE_POOL_2D for the type `element`, which the includer defines, over the taps
 * that lie inside the input.
 *
 *   out = clamp(max tap)
 *   out = clamp(sum of taps / number of taps), ties away from zero
 *
 * Input and output are on one scale; the zero point needs no part in either. */
#include "mf_fixed_point.h"
#include "mf_kernels.h"
#include "mf_window.h"

/* One channel of a window: `rows` x `columns` taps from `input` on. */
typedef int32_t pool_fn(const mf_pool_2d_params *p, const element *input, uint32_t rows,
                        uint32_t columns);

static int32_t largest(const mf_pool_2d_params *p, const element *input, uint32_t rows,
                       uint32_t columns)
{
    int32_t max = p->low;
    for (uint32_t i = 0; i < rows; i++, input += p->in_width * p->channels) {
        for (uint32_t j = 0; j < columns; j++) {
            const int32_t value = input[j * p->channels];
            max = value > max ? value : max;
        }
    }
    return max;
}

static int32_t average(const mf_pool_2d_params *p, const element *input, uint32_t rows,
                       uint32_t columns)
{
    const int32_t count = (int32_t)(rows * columns);
    int32_t sum = 0;
    for (uint32_t i = 0; i < rows; i++, input += p->in_width * p->channels) {
        for (uint32_t j = 0; j < columns; j++) {
            sum += input[j * p->channels];
        }
    }
    return (sum > 0 ? sum + count / 2 : sum - count / 2) / count;
}

static inline void pool(const mf_pool_2d_params *p, const element *input, element *output,
                        pool_fn *of_window)
{
    for (uint32_t b = 0; b < p->batches; b++) {
        for (uint32_t y = 0; y < p->out_height; y++) {
            const int32_t top = (int32_t)(y * p->stride_height) - (int32_t)p->pad_top;
            const mf_taps i = mf_taps_inside(top, p->filter_height, 1, p->in_height);
            for (uint32_t x = 0; x < p->out_width; x++) {
                const int32_t left = (int32_t)(x * p->stride_width) - (int32_t)p->pad_left;
                const mf_taps j = mf_taps_inside(left, p->filter_width, 1, p->in_width);
                const uint32_t row = (uint32_t)(top + i.first);
                const uint32_t column = (uint32_t)(left + j.first);
                const element *first = input + (row * p->in_width + column) * p->channels;
                for (uint32_t c = 0; c < p->channels; c++) {
                    const int32_t value = of_window(p, first + c, (uint32_t)(i.last - i.first),
                                                    (uint32_t)(j.last - j.first));
                    *output++ = (element)mf_limit(value, p->low, p->high);
                }
            }
        }
        input += p->in_height * p->in_width * p->channels;
    }
}
