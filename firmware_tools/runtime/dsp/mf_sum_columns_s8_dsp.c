/* SUM and MEAN of int8 with the DSP extension over an axis that is not the last: four columns at a
 * time. See mf_columns_dsp.h and, for a code of a sum, mf_sum_code_dsp.h. */
#include "mf_columns_dsp.h"
#include "mf_sum_code_dsp.h"

static void four_columns(const mf_sum_dsp_params *p, const int8_t *input, int8_t *output)
{
    int32_t sums[4] = {0};
    for (uint32_t left = p->count; left > 0;) {
        const uint32_t some = left < MF_MOST_BYTES_DSP ? left : MF_MOST_BYTES_DSP;
        const mf_halves found = mf_add_columns((mf_halves){0, 0}, input, p->columns, some);
        sums[0] += (int16_t)found.even;
        sums[1] += (int16_t)found.odd;
        sums[2] += found.even >> 16;
        sums[3] += found.odd >> 16;
        input += some * p->columns;
        left -= some;
    }
    for (uint32_t i = 0; i < 4; i++) {
        output[i] = mf_sum_code(p, sums[i]);
    }
}

void mf_sum_columns_s8_dsp(const mf_sum_dsp_params *p, const int8_t *input, int8_t *output)
{
    for (uint32_t b = 0; b < p->blocks; b++) {
        for (uint32_t c = 0; c < p->columns; c += 4) {
            c = c + 4 > p->columns ? p->columns - 4 : c; /* the last, of which some are done */
            four_columns(p, input + c, output + c);
        }
        input += p->count * p->columns;
        output += p->columns;
    }
}
