/* FULLY_CONNECTED with MVE for many rows of 16 inputs at most. */
#include "mf_product_mve.h"

void mf_fully_connected_short_mve(const mf_fully_connected_mve_params *p, const int8_t *input,
                                  int8_t *output)
{
    mf_product_short_mve(&p->weights, input, output, p->rows, p->input_row_stride,
                         p->output_row_stride);
}
