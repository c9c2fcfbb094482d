/* QUANTIZE from float32, portable.
 *
 *   out = clamp(round(in / scale) + zero_point), ties away from zero
 *
 * in IEEE float32. What is no int32 after rounding, NaN among it, becomes INT32_MIN, and the sum
 * wraps: what the host's TFLM computes, so that bytes agree for these too. */
#include "mf_fixed_point.h"
#include "mf_kernels.h"

static int32_t quantized(const mf_quantize_params *p, float value)
{
    const float scaled = value / p->scale;
    int32_t whole = INT32_MIN;
    if (scaled >= -2147483648.0f && scaled < 2147483648.0f) {
        whole = (int32_t)scaled;
        const float rest = scaled - (float)whole; /* exact: above 2^23 it is 0 */
        whole += (rest >= 0.5f) - (rest <= -0.5f);
    }
    return (int32_t)((uint32_t)whole + (uint32_t)p->zero_point);
}

void mf_quantize_f32_s8(const mf_quantize_params *p, const float *input, int8_t *output)
{
    for (uint32_t i = 0; i < p->count; i++) {
        output[i] = mf_clamp(quantized(p, input[i]), INT8_MIN, INT8_MAX);
    }
}

void mf_quantize_f32_s16(const mf_quantize_params *p, const float *input, int16_t *output)
{
    for (uint32_t i = 0; i < p->count; i++) {
        const int32_t code = quantized(p, input[i]);
        output[i] = (int16_t)(code < INT16_MIN ? INT16_MIN : code > INT16_MAX ? INT16_MAX : code);
    }
}
