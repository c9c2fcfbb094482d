/* SUM and MEAN of rows with MVE: out = clamp(requantize(sum + sum_offset) + zero_point); 3
 * instructions for 16 elements, 30 a row. */
#include "mf_fixed_point.h"
#include "mf_kernels_mve.h"

static int32_t sum(const int8_t *row, uint32_t count)
{
    int32_t total = 0;
    __asm__ volatile("dlstp.8    lr, %[count]      \n"
                     "1:                           \n"
                     "vldrb.8    q0, [%[row]], #16 \n"
                     "vaddva.s8  %[total], q0      \n"
                     "letp       lr, 1b            \n"
                     : [row] "+r"(row), [total] "+Te"(total)
                     : [count] "r"(count)
                     : "q0", "lr", "memory");
    return total;
}

void mf_sum_rows_mve(const mf_sum_mve_params *p, const int8_t *input, int8_t *output)
{
    for (uint32_t r = 0; r < p->outer; r++, input += p->outer_stride) {
        const int32_t total = sum(input, p->count) + p->sum_offset;
        const int32_t value = mf_requantize(total, p->multiplier, p->shift);
        *output++ = mf_clamp(value + p->output_zero_point, INT8_MIN, INT8_MAX);
    }
}
