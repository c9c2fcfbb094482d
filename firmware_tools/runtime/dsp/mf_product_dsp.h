/* Products of two activations: rows of the left one, widened, times the right one, packed.
 *
 * The packed matrix holds for every four columns, and in these for every four inputs, four elements
 * of the first column, four of the second, ..., each doubled and less its zero point, in 16 bits. A
 * row holds its inputs, less their zero point, in order. Both are zero up to a multiple of 8 inputs,
 * the matrix up to a multiple of 4 columns. */
#ifndef MF_PRODUCT_DSP_H
#define MF_PRODUCT_DSP_H

#include <string.h>

#include "mf_kernels_dsp.h"
#include "mf_widen_dsp.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Gives 4 * blocks columns. */
void mf_product_row_dsp(const int32_t *matrix, const int32_t *row, int8_t *output,
                        uint32_t blocks, const mf_dsp_scale *scale);

#ifdef __cplusplus
}
#endif

/* Gives any number of columns. */
static inline void mf_product_columns_dsp(const int32_t *matrix, const int32_t *row,
                                          int8_t *output, uint32_t columns,
                                          const mf_dsp_scale *scale)
{
    const uint32_t blocks = columns / 4;
    const uint32_t rest = columns % 4;
    if (blocks > 0) {
        mf_product_row_dsp(matrix, row, output, blocks, scale);
    }
    if (rest > 0) {
        int8_t last[4];
        mf_product_row_dsp(matrix + blocks * 16 * scale->steps, row, last, 1, scale);
        memcpy(output + 4 * blocks, last, rest);
    }
}

/* The row of `count` inputs, and zeros. */
static inline void mf_product_widen_dsp(const int8_t *from, uint32_t count, int32_t zero_point,
                                        int32_t *row, uint32_t steps)
{
    const uint32_t offset = mf_both_halves(-zero_point);
    int32_t *const end = row + 4 * steps;
    for (; count >= 4; count -= 4, from += 4, row += 2) {
        const mf_halves h = mf_halves_of(offset, mf_word(from));
        row[0] = mf_bottoms(h.even, h.odd);
        row[1] = mf_tops(h.even, h.odd);
    }
    if (count > 0) {
        const mf_halves h = mf_halves_of(offset, mf_some_bytes(from, count));
        row[0] = mf_bottoms(h.even, h.odd);
        row[1] = mf_tops(h.even, h.odd); /* what lies beyond `count` meets zeros of the matrix */
        row += 2;
    }
    while (row < end) {
        *row++ = 0;
    }
}

#endif
