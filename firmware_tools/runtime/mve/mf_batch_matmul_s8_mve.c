/* BATCH_MATMUL of two activations with MVE: each right operand is packed (mf_pack_mve.c), then
 * multiplied by the rows of the left one. */
#include "mf_batches.h"
#include "mf_product_mve.h"

static void product(const mf_batch_matmul_mve_params *p, const int8_t *lhs, const int8_t *rhs,
                    int32_t *packed, int8_t *output)
{
    mf_pack_mve(&p->rhs, rhs, packed);
    mf_product_sums_mve((const mf_mve_weights *)(const void *)packed, lhs, output, p->rows,
                        p->lhs_row_stride, p->output_row_stride);
}

void mf_batch_matmul_s8_mve(const mf_batch_matmul_mve_params *p, const int8_t *lhs,
                            const int8_t *rhs, int32_t *packed, int8_t *output)
{
#define PRODUCT(p, lhs, rhs, output) product(p, lhs, rhs, packed, output)
    MF_FOR_EACH_PRODUCT(p, lhs, rhs, output, PRODUCT);
}
