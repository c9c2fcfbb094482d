/* BATCH_MATMUL with the DSP extension.
 *
 * Each right matrix is packed into the scratch memory and used for all rows of the left one, whose
 * elements of a row lie side by side, as do the output's. The scratch memory holds the packed matrix
 * and behind it the row. */
#include "mf_batches.h"
#include "mf_product_dsp.h"

static void matrix(const mf_batch_matmul_dsp_params *p, const int8_t *lhs, const int8_t *rhs,
                   int32_t *scratch, int8_t *output)
{
    int32_t *const row = scratch + (p->rhs.columns + 3) / 4 * 16 * p->scale.steps;
    mf_pack_dsp(&p->rhs, rhs, scratch);
    for (uint32_t i = 0; i < p->rows; i++) {
        mf_product_widen_dsp(lhs, p->rhs.depth, p->lhs_zero_point, row, p->scale.steps);
        mf_product_columns_dsp(scratch, row, output, p->rhs.columns, &p->scale);
        lhs += p->lhs_row_stride;
        output += p->output_row_stride;
    }
}

void mf_batch_matmul_s8_dsp(const mf_batch_matmul_dsp_params *p, const int8_t *lhs,
                            const int8_t *rhs, int32_t *scratch, int8_t *output)
{
#define MATRIX(p, lhs, rhs, output) matrix(p, lhs, rhs, scratch, output)
    MF_FOR_EACH_PRODUCT(p, lhs, rhs, output, MATRIX);
}
