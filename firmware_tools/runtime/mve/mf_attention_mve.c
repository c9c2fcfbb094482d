/* Attention row by row with MVE: BATCH_MATMUL, a look-up if there is one, SOFTMAX, BATCH_MATMUL,
 * each with the bytes that it has alone.
 *
 * The keys and the values are packed (mf_pack_mve.c). Of scores and probabilities only a row
 * exists. */
#include "mf_lookup_mve.h"
#include "mf_product_mve.h"
#include "mf_softmax_row_mve.h"

void mf_attention_mve(const mf_attention_mve_params *p, const int8_t *queries,
                      const int32_t *keys, const int32_t *values, int32_t *scores, int8_t *output)
{
    int8_t *const row = (int8_t *)scores;
    const mf_mve_weights *const k = (const mf_mve_weights *)(const void *)keys;
    const mf_mve_weights *const v = (const mf_mve_weights *)(const void *)values;
    for (uint32_t r = 0; r < p->rows; r++) {
        mf_product_sums_mve(k, queries, row, 1, 0, 0);
        if (p->scores_table) {
            mf_lookup_mve(p->scores_table, row, row, p->tokens);
        }
        mf_softmax_row_mve(p->exponentials, row, p->tokens, row);
        mf_product_sums_mve(v, row, output, 1, 0, 0);
        queries += p->query_row_stride;
        output += p->output_row_stride;
    }
}
