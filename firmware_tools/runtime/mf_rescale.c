/* QUANTIZE between integer types and scales, portable.
 *
 *   out = clamp(requantize(in - input_zero_point) + output_zero_point)
 *
 * Sums wrap where an int32 has no room, as TFLM's do. int8 to int8 is a table (mf_lookup). */
#include "mf_fixed_point.h"
#include "mf_kernels.h"

static int32_t rescaled(const mf_rescale_params *p, int32_t value)
{
    const int32_t above = (int32_t)((uint32_t)value - (uint32_t)p->input_zero_point);
    const int32_t scaled = mf_requantize(above, p->multiplier, p->shift);
    return (int32_t)((uint32_t)scaled + (uint32_t)p->output_zero_point);
}

#define MF_RESCALE(name, from, to, low, high)                                                    \
    void name(const mf_rescale_params *p, const from *input, to *output)                         \
    {                                                                                            \
        for (uint32_t i = 0; i < p->count; i++) {                                                \
            const int32_t code = rescaled(p, input[i]);                                          \
            output[i] = (to)((code < (low)) ? (low) : (code > (high)) ? (high) : code);          \
        }                                                                                        \
    }

MF_RESCALE(mf_rescale_s8_s16, int8_t, int16_t, INT16_MIN, INT16_MAX)
MF_RESCALE(mf_rescale_s8_s32, int8_t, int32_t, INT32_MIN, INT32_MAX)
MF_RESCALE(mf_rescale_s16_s8, int16_t, int8_t, INT8_MIN, INT8_MAX)
MF_RESCALE(mf_rescale_s16_s16, int16_t, int16_t, INT16_MIN, INT16_MAX)
MF_RESCALE(mf_rescale_s16_s32, int16_t, int32_t, INT32_MIN, INT32_MAX)
MF_RESCALE(mf_rescale_s32_s8, int32_t, int8_t, INT8_MIN, INT8_MAX)
MF_RESCALE(mf_rescale_s32_s16, int32_t, int16_t, INT16_MIN, INT16_MAX)
