/* The right operand of a product of two activations as weights: an mf_mve_weights, their scaling,
 * and a copy of the columns, each a run of bytes.
 *
 *   sum_k (l[k] - zl) * (r[k][j] - zr) = bias[j] + sum_k l[k] * r[k][j] - zr * sum_k l[k]
 *   bias[j] = zl * (depth * zr - sum_k r[k][j])
 *
 * Instructions: 4 for 16 bytes of a column that is a run, 5 for 8 bytes of another; 25 a column. */
#include "mf_copy_mve.h"
#include "mf_product_mve.h"

void mf_pack_mve(const mf_pack_mve_params *p, const int8_t *matrix, int32_t *packed)
{
    const mf_mve_weights *w = &p->weights;
    const uint32_t columns = w->channels;
    const uint32_t blocks = (columns + 3) / 4;
    int32_t *const scaling = packed + sizeof(mf_mve_weights) / sizeof *packed;
    int8_t *to = (int8_t *)(scaling + 12 * blocks);
    mf_mve_weights *const made = (mf_mve_weights *)(void *)packed;
    *made = *w;
    made->weights = to;
    made->scaling = scaling;
    for (uint32_t b = 0; b < blocks; b++) {
        for (uint32_t i = 4; i < 8; i++) {
            scaling[12 * b + i] = p->multiplier;
            scaling[12 * b + i + 4] = p->shift;
        }
    }
    const int32_t start = -w->row_factor * (int32_t)w->depth;
    for (uint32_t j = 0; j < columns; j++) {
        const int32_t sum = mf_take_bytes_mve(matrix, p->depth_stride, to, w->depth);
        scaling[12 * (j / 4) + j % 4] = p->rows_zero_point * (start - sum);
        matrix += p->column_stride;
        to += w->depth;
    }
    for (uint32_t i = 4; i-- > 0;) { /* the last four, from where they are */
        const uint32_t j = columns - 4 + i;
        scaling[12 * (blocks - 1) + i] = scaling[12 * (j / 4) + j % 4];
    }
}
