/* Rows of activations times the rows of a matrix: what the matrix kernels share. */
#ifndef MF_PRODUCT_MVE_H
#define MF_PRODUCT_MVE_H

#include "mf_kernels_mve.h"

#ifdef __cplusplus
extern "C" {
#endif

/* output[r][c] for all channels; rows > 0. */
void mf_product_mve(const mf_mve_weights *w, const int8_t *input, int8_t *output, uint32_t rows,
                    uint32_t input_stride, uint32_t output_stride);

#ifdef __cplusplus
}
#endif

#endif
