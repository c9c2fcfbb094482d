/* Elements of a tensor as real numbers, for programs around a model; the kernels need none of it.
 *
 * The arithmetic is that of the host's tools: double precision, ties to even, so that the same
 * sample gives the same code here and there. Floats and int32 are taken as they are. */
#ifndef MF_REAL_H
#define MF_REAL_H

#include "mf_model.h"

/* The schema's TensorType. */
enum { MF_FLOAT32 = 0, MF_INT32 = 2, MF_INT16 = 7, MF_INT8 = 9 };

static inline uint32_t mf_elements(const mf_tensor *tensor)
{
    uint32_t count = 1;
    for (uint8_t i = 0; i < tensor->rank; i++) {
        count *= tensor->dims[i];
    }
    return count;
}

/* value rounded to the next integer, ties to even, within [low, high]; low for NaN. */
static inline int32_t mf_round(double value, int32_t low, int32_t high)
{
    if (!(value > low)) {
        return low;
    }
    if (value >= high) {
        return high;
    }
    int32_t whole = (int32_t)value;
    double rest = value - whole;
    if (rest > 0.5 || (rest >= 0.5 && whole % 2 != 0)) {
        whole++;
    } else if (rest < -0.5 || (rest <= -0.5 && whole % 2 != 0)) {
        whole--;
    }
    return whole;
}

/* The code that is next to `real`. */
static inline int32_t mf_code(const mf_tensor *tensor, float real, int32_t low, int32_t high)
{
    int32_t zero = tensor->zero_point;
    return zero + mf_round((double)real / (double)tensor->scale, low - zero, high - zero);
}

/* Sets element i to what is next to `real`. */
static inline void mf_write_real(const mf_tensor *tensor, uint32_t i, float real)
{
    switch (tensor->dtype) {
    case MF_INT8:
        ((int8_t *)tensor->data)[i] = (int8_t)mf_code(tensor, real, -128, 127);
        break;
    case MF_INT16:
        ((int16_t *)tensor->data)[i] = (int16_t)mf_code(tensor, real, -32768, 32767);
        break;
    case MF_INT32:
        ((int32_t *)tensor->data)[i] = mf_round((double)real, INT32_MIN, INT32_MAX);
        break;
    default:
        ((float *)tensor->data)[i] = real;
    }
}

/* scale * (q - zero_point) of element i. */
static inline float mf_read_real(const mf_tensor *tensor, uint32_t i)
{
    double scale = (double)tensor->scale;
    int32_t zero = tensor->zero_point;
    switch (tensor->dtype) {
    case MF_INT8:
        return (float)(scale * (((const int8_t *)tensor->data)[i] - zero));
    case MF_INT16:
        return (float)(scale * (((const int16_t *)tensor->data)[i] - zero));
    case MF_INT32:
        return (float)((const int32_t *)tensor->data)[i];
    default:
        return ((const float *)tensor->data)[i];
    }
}

#endif
