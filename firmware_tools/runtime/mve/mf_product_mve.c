/* mf_product_mve.h without a row factor. */
#include "mf_product_mve.h"

__attribute__((naked)) void mf_product_mve(const mf_mve_weights *w __attribute__((unused)),
                                           const int8_t *input __attribute__((unused)),
                                           int8_t *output __attribute__((unused)),
                                           uint32_t rows __attribute__((unused)),
                                           uint32_t input_stride __attribute__((unused)),
                                           uint32_t output_stride __attribute__((unused)))
{
    MF_PRODUCT_MVE("", "");
}
