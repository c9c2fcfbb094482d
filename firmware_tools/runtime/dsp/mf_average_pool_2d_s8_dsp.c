/* AVERAGE_POOL_2D of int8 with the DSP extension, of four channels at least and of 255 taps at most;
 * nothing is clamped.
 *
 *   out = sum of taps / number of taps, ties away from zero
 *
 * Four channels at a time, by SXTAB16; mf_columns_dsp.h has the sums. */
#include "mf_columns_dsp.h"
#include "mf_pools_dsp.h"

static inline int8_t average(int32_t sum, int32_t count)
{
    return (int8_t)((sum > 0 ? sum + count / 2 : sum - count / 2) / count);
}

static void pixel(const mf_pool_2d_params *p, const int8_t *input, uint32_t rows,
                  uint32_t columns, int8_t *output)
{
    const int32_t count = (int32_t)(rows * columns);
    for (uint32_t c = 0; c < p->channels; c += 4) {
        c = c + 4 > p->channels ? p->channels - 4 : c; /* the last four, of which some are done */
        const int8_t *row = input + c;
        mf_halves sums = {0, 0};
        for (uint32_t i = 0; i < rows; i++, row += p->in_width * p->channels) {
            sums = mf_add_columns(sums, row, p->channels, columns);
        }
        output[c] = average((int16_t)sums.even, count);
        output[c + 1] = average((int16_t)sums.odd, count);
        output[c + 2] = average(sums.even >> 16, count);
        output[c + 3] = average(sums.odd >> 16, count);
    }
}

void mf_average_pool_2d_s8_dsp(const mf_pool_2d_params *p, const int8_t *input, int8_t *output)
{
    mf_all_pixels(p, input, output, pixel);
}
