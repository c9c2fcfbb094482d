/* BATCH_MATMUL of two activations, portable, with broadcast outer axes and either adjoint.
 *
 *   out[b][i][j] = clamp(requantize(sum_k (lhs[b][i][k] - zp_l) * (rhs[b][k][j] - zp_r)) + zp_o)
 *
 * All three are walked with strides, which is how an adjoint, a broadcast or a transposed operand
 * or output costs nothing. */
#include "mf_batches.h"
#include "mf_fixed_point.h"

static void product(const mf_batch_matmul_params *p, const int8_t *lhs, const int8_t *rhs,
                    int8_t *output)
{
    const uint32_t lhs_step = p->lhs_depth_stride;
    const uint32_t rhs_step = p->rhs_depth_stride;
    for (uint32_t i = 0; i < p->rows; i++) {
        /* sum (l - zl) * (r - zr) = sum (l - zl) * r - zr * sum (l - zl) */
        int32_t row_sum = 0;
        for (uint32_t k = 0; k < p->depth; k++) {
            row_sum += lhs[k * lhs_step] - p->lhs_zero_point;
        }
        const int32_t start = -p->rhs_zero_point * row_sum;
        const int8_t *column = rhs;
        int8_t *out = output;
        for (uint32_t j = 0; j < p->columns; j++, column += p->rhs_column_stride) {
            const int8_t *l = lhs;
            const int8_t *r = column;
            int32_t sum = start;
            for (uint32_t k = p->depth; k > 0; k--, l += lhs_step, r += rhs_step) {
                sum += (*l - p->lhs_zero_point) * *r;
            }
            const int32_t value = mf_requantize(sum, p->multiplier, p->shift);
            *out = mf_clamp(value + p->output_zero_point, -128, 127);
            out += p->output_column_stride;
        }
        lhs += p->lhs_row_stride;
        output += p->output_row_stride;
    }
}

void mf_batch_matmul_s8(const mf_batch_matmul_params *p, const int8_t *lhs, const int8_t *rhs,
                        int8_t *output)
{
    MF_FOR_EACH_PRODUCT(p, lhs, rhs, output, product);
}
