/* BATCH_MATMUL of two int16 activations, portable, with broadcast outer axes and either adjoint.
 *
 *   out[b][i][j] = clamp(requantize(sum_k lhs[b][i][k] * rhs[b][k][j]))
 *
 * All three are walked with strides, which is how an adjoint, a broadcast or a transposed operand
 * or output costs nothing. */
#include "mf_batches.h"
#include "mf_wide.h"

static void product(const mf_batch_matmul_params *p, const int16_t *lhs, const int16_t *rhs,
                    int16_t *output)
{
    for (uint32_t i = 0; i < p->rows; i++) {
        const int16_t *column = rhs;
        int16_t *out = output;
        for (uint32_t j = 0; j < p->columns; j++, column += p->rhs_column_stride) {
            int64_t sum = 0;
            for (uint32_t k = 0; k < p->depth; k++) {
                sum += lhs[k * p->lhs_depth_stride] * column[k * p->rhs_depth_stride];
            }
            const int32_t value = mf_requantize_wide(sum, p->multiplier, p->shift);
            *out = mf_clamp_s16(value, INT16_MIN, INT16_MAX);
            out += p->output_column_stride;
        }
        lhs += p->lhs_row_stride;
        output += p->output_row_stride;
    }
}

void mf_batch_matmul_s16(const mf_batch_matmul_params *p, const int16_t *lhs, const int16_t *rhs,
                         int16_t *output)
{
    MF_FOR_EACH_PRODUCT(p, lhs, rhs, output, product);
}
