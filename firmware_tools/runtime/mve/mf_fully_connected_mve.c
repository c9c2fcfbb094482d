/* FULLY_CONNECTED with MVE, and a CONV_2D whose windows are runs of the input that may overlap. */
#include "mf_product_mve.h"

void mf_fully_connected_mve(const mf_fully_connected_mve_params *p, const int8_t *input,
                            int8_t *output)
{
    mf_product_mve(&p->weights, input, output, p->rows, p->input_row_stride,
                   p->output_row_stride);
}
