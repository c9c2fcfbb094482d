/* BATCH_MATMUL of two int16 activations, portable, with broadcast outer axes and either adjoint.
 *
 *   out[b][i][j] = clamp(requantize(sum_k lhs[b][i][k] * rhs[b][k][j]))
 *
 * All three are walked with strides, which is how an adjoint, a broadcast or a transposed operand
 * or output costs nothing. */
#include "mf_kernels.h"
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
    const uint32_t *n = p->batch_dims;
    const uint32_t *l = p->lhs_batch_stride;
    const uint32_t *r = p->rhs_batch_stride;
    const uint32_t *o = p->output_batch_stride;
    for (uint32_t a = 0; a < n[0]; a++) {
        for (uint32_t b = 0; b < n[1]; b++) {
            for (uint32_t c = 0; c < n[2]; c++) {
                for (uint32_t d = 0; d < n[3]; d++) {
                    product(p, lhs + a * l[0] + b * l[1] + c * l[2] + d * l[3],
                            rhs + a * r[0] + b * r[1] + c * r[2] + d * r[3],
                            output + a * o[0] + b * o[1] + c * o[2] + d * o[3]);
                }
            }
        }
    }
}
