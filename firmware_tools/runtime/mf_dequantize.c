/* DEQUANTIZE, portable: out = scale * (in - zero_point).
 *
 * The difference is exact in float32, so the product is the one rounding. */
#include "mf_kernels.h"

void mf_dequantize_s8(const mf_quantize_params *p, const int8_t *input, float *output)
{
    for (uint32_t i = 0; i < p->count; i++) {
        output[i] = p->scale * (float)(input[i] - p->zero_point);
    }
}

void mf_dequantize_s16(const mf_quantize_params *p, const int16_t *input, float *output)
{
    for (uint32_t i = 0; i < p->count; i++) {
        output[i] = p->scale * (float)(input[i] - p->zero_point);
    }
}
