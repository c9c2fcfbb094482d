/* The core of a depthwise convolution: two rows of outputs of four channels from planes of paired
 * inputs, and what makes the planes. See mf_pairs_dsp.c and mf_pairs_3x3_dsp.c. */
#ifndef MF_PAIRS_DSP_H
#define MF_PAIRS_DSP_H

#include "mf_fixed_point.h"
#include "mf_kernels_dsp.h"
#include "mf_widen_dsp.h"

#define MF_LANES_DSP 4u /* channels of a word */

/* The fields are in the order in which the kernels want them on their stack. */
typedef struct {
    const int32_t *stream;
    uint32_t sixes;
    int32_t back;          /* from the end of what a window reads to the next window, in bytes */
    int8_t *output;        /* of the first channel */
    uint32_t column_bytes; /* to the output beside */
    uint32_t row_bytes;    /* to the output below; 0: there is none */
    const int8_t *end;     /* behind the last column */
    const int32_t *plane;  /* of the first channel */
    uint32_t plane_bytes;
    uint32_t width_bytes; /* of all columns */
    uint32_t channels;
} mf_pairs;

typedef struct {
    uint32_t row_bytes, column_bytes;
    const int8_t *end;
    const int32_t *stream;
    const int32_t *upper, *lower;
    int8_t *output;
    uint32_t plane_bytes;
    uint32_t channels;
} mf_pairs_3x3;

/* One row of the input, or what stands for one outside: the zero point at every step. */
typedef struct {
    const int8_t *from;
    uint32_t step;
} mf_row;

#ifdef __cplusplus
extern "C" {
#endif

void mf_pairs_dsp(const mf_pairs *job);
void mf_pairs_3x3_dsp(const mf_pairs_3x3 *job);

/* Four channels of `count` columns of two rows into four planes, `column_words` apart. */
void mf_pair_rows_dsp(mf_row above, mf_row below, uint32_t count, uint32_t column_words,
                      uint32_t plane_words, int32_t *to);

#ifdef __cplusplus
}
#endif

static inline mf_row mf_row_at(const mf_dsp_axis *y_axis, const mf_dsp_axis *x_axis,
                               const int8_t *input, int32_t y, const uint32_t *zero_points)
{
    if (y < 0 || y >= (int32_t)y_axis->inputs) {
        return (mf_row){(const int8_t *)zero_points, 0};
    }
    return (mf_row){input + y * (int32_t)y_axis->input_bytes, x_axis->input_bytes};
}

/* Of the columns that windows read, padding included, those that exist. */
static inline uint32_t mf_columns_inside(const mf_dsp_axis *x, uint32_t columns)
{
    const uint32_t room = columns > x->pad ? columns - x->pad : 0;
    return x->inputs < room ? x->inputs : room;
}

/* Zero points, which stay where the image is not. */
static inline void mf_clear_planes_dsp(int32_t *planes, uint32_t words, int32_t zero_point)
{
    for (uint32_t i = 0; i < words; i++) {
        planes[i] = (int32_t)mf_both_halves(zero_point);
    }
}

static inline void mf_clamp_all_dsp(int8_t *output, uint32_t count, int32_t low, int32_t high)
{
    if (low > INT8_MIN || high < INT8_MAX) {
        for (uint32_t i = 0; i < count; i++) {
            output[i] = mf_clamp(output[i], low, high);
        }
    }
}

#endif
