/* Attention row by row, with the DSP extension: BATCH_MATMUL, a look-up if there is one, SOFTMAX,
 * BATCH_MATMUL, each with the bytes that it has alone.
 *
 * The keys and the values are packed (mf_product_dsp.h), the keys a column each. Of scores and
 * probabilities only a row exists: the scratch memory holds the query, the scores and, less their
 * zero point, the probabilities. */
#include "mf_product_dsp.h"
#include "mf_softmax_row_dsp.h"

void mf_attention_dsp(const mf_attention_dsp_params *p, const int8_t *queries,
                      const int32_t *keys, const int32_t *values, int32_t *scratch,
                      int8_t *output)
{
    int32_t *const query = scratch;
    int8_t *const scores = (int8_t *)(query + 4 * p->scores.steps);
    int32_t *const probabilities = query + 4 * p->scores.steps + (p->tokens + 3) / 4;
    const uint32_t blocks = (p->tokens + 3) / 4;
    for (uint32_t r = 0; r < p->rows; r++) {
        mf_product_widen_dsp(queries, p->depth, p->query_zero_point, query, p->scores.steps);
        mf_product_row_dsp(keys, query, scores, blocks, &p->scores);
        for (uint32_t i = 0; p->scores_table && i < p->tokens; i++) {
            scores[i] = p->scores_table[scores[i] + 128];
        }
        mf_softmax_row_dsp(p->exponentials, scores, p->tokens, probabilities);
        mf_product_columns_dsp(values, probabilities, output, p->width, &p->outputs);
        queries += p->query_row_stride;
        output += p->output_row_stride;
    }
}
