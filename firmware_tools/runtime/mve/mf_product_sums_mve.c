/* mf_product_mve.h with a row factor. */
#include "mf_product_mve.h"

#define ROW_SUM                                                                                  \
    "ldm        sp, {r2, r4, lr}        \n"                                                      \
    "movs       r4, #0                  \n"                                                      \
    "dlstp.8    lr, lr                  \n"                                                      \
    "5:                                 \n"                                                      \
    "vldrb.8    q0, [r2], #16           \n"                                                      \
    "vaddva.s8  r4, q0                  \n"                                                      \
    "letp       lr, 5b                  \n"                                                      \
    "ldr        r0, [sp, #40]           \n"                                                      \
    "mul        r4, r4, r0              \n"                                                      \
    "vdup.32    q5, r4                  \n"

__attribute__((naked)) void mf_product_sums_mve(const mf_mve_weights *w __attribute__((unused)),
                                                const int8_t *input __attribute__((unused)),
                                                int8_t *output __attribute__((unused)),
                                                uint32_t rows __attribute__((unused)),
                                                uint32_t input_stride __attribute__((unused)),
                                                uint32_t output_stride __attribute__((unused)))
{
    MF_PRODUCT_MVE(ROW_SUM, "vadd.i32   q0, q0, q5\n");
}
