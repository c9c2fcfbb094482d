/* The kernels for the DSP extension of Cortex-M4, M7 and M33; see mf_kernels.h. */
#ifndef MF_KERNELS_DSP_H
#define MF_KERNELS_DSP_H

#include "mf_kernels.h"

#ifndef __ARM_FEATURE_DSP
#error "these kernels are for a core with the DSP extension, such as -mcpu=cortex-m4"
#endif

#ifdef __cplusplus
extern "C" {
#endif

/* Constant weights of `channels` outputs on rows of 8 * steps inputs; mf_rows_dsp.h has the stream. */
typedef struct {
    const int32_t *stream;
    uint32_t channels;
    uint32_t steps;
    int32_t low, high;
} mf_dsp_weights;

typedef struct {
    uint32_t rows;
    uint32_t depth;
    uint32_t output_row_stride;
    uint32_t strip; /* rows at a time */
    mf_dsp_weights weights;
} mf_fully_connected_dsp_params;

void mf_fully_connected_w16_dsp(const mf_fully_connected_dsp_params *p, const int8_t *input,
                                int32_t *row, int8_t *output);
void mf_fully_connected_w8_dsp(const mf_fully_connected_dsp_params *p, const int8_t *input,
                               int32_t *row, int8_t *output);

typedef struct {
    uint32_t batches;
    uint32_t in_height, in_width, in_channels;
    uint32_t out_height, out_width;
    uint32_t kernel_height, kernel_width;
    uint32_t stride_height, stride_width;
    uint32_t dilation_height, dilation_width;
    uint32_t pad_top, pad_left;
    int32_t input_zero_point;
    uint32_t strip;     /* pixels at a time */
    uint32_t row_bytes; /* from one window to the next in a strip */
    mf_dsp_weights weights;
} mf_conv_2d_dsp_params;

void mf_conv_2d_w16_dsp(const mf_conv_2d_dsp_params *p, const int8_t *input, int32_t *strip,
                        int8_t *output);
void mf_conv_2d_w8_dsp(const mf_conv_2d_dsp_params *p, const int8_t *input, int32_t *strip,
                       int8_t *output);

/* From a doubled sum over 8 * steps inputs to a code; mf_rows_dsp.h has the arithmetic. */
typedef struct {
    uint32_t steps;
    int32_t multiplier, offset, shift;
} mf_dsp_scale;

/* A matrix of activations, depth x columns; one of the strides is 1. */
typedef struct {
    uint32_t depth, columns;
    uint32_t depth_stride, column_stride;
    int32_t zero_point;
} mf_pack_dsp_params;

void mf_pack_dsp(const mf_pack_dsp_params *p, const int8_t *matrix, int32_t *packed);

typedef struct {
    uint32_t batch_dims[4];
    uint32_t lhs_batch_stride[4];
    uint32_t rhs_batch_stride[4];
    uint32_t output_batch_stride[4];
    uint32_t rows;
    uint32_t lhs_row_stride, output_row_stride;
    int32_t lhs_zero_point;
    mf_pack_dsp_params rhs;
    mf_dsp_scale scale;
} mf_batch_matmul_dsp_params;

void mf_batch_matmul_s8_dsp(const mf_batch_matmul_dsp_params *p, const int8_t *lhs,
                            const int8_t *rhs, int32_t *scratch, int8_t *output);

typedef struct {
    uint32_t rows;
    uint32_t depth;  /* of a query and a key */
    uint32_t tokens; /* keys and values */
    uint32_t width;  /* of a value */
    uint32_t query_row_stride, output_row_stride;
    int32_t query_zero_point;
    mf_dsp_scale scores, outputs;
    const int8_t *scores_table;  /* a look-up between the scores and their softmax, or none */
    const int32_t *exponentials; /* 256, the last is that of the difference 0 */
} mf_attention_dsp_params;

void mf_attention_dsp(const mf_attention_dsp_params *p, const int8_t *queries,
                      const int32_t *keys, const int32_t *values, int32_t *scratch,
                      int8_t *output);

typedef struct {
    uint32_t rows;
    uint32_t depth;
    const int32_t *exponentials; /* 256, the last is that of the difference 0 */
} mf_softmax_dsp_params;

void mf_softmax_s8_dsp(const mf_softmax_dsp_params *p, const int8_t *input, int8_t *output);

/* One axis of an image under a window: `output_bytes` and `input_bytes` are from one to the next. */
typedef struct {
    uint32_t inputs, input_bytes;
    uint32_t outputs, output_bytes;
    uint32_t kernel, stride, pad;
} mf_dsp_axis;

typedef struct {
    uint32_t batches;
    uint32_t channels; /* at least 4 */
    mf_dsp_axis y, x;  /* either may be the image's height */
    uint32_t pairs;    /* of rows that two outputs read */
    uint32_t sixes;    /* of words under a window, rounded up */
    uint32_t plane_words;
    uint32_t block_words;
    int32_t input_zero_point;
    const int32_t *stream;
    int32_t low, high;
} mf_depthwise_conv_2d_dsp_params;

void mf_depthwise_conv_2d_dsp(const mf_depthwise_conv_2d_dsp_params *p, const int8_t *input,
                              int32_t *planes, int8_t *output);

typedef struct {
    uint32_t batches;
    uint32_t channels; /* at least 4 */
    mf_dsp_axis y, x;
    uint32_t block_words;
    int32_t input_zero_point;
    const int32_t *stream;
    int32_t low, high;
} mf_depthwise_3x3_dsp_params;

void mf_depthwise_3x3_dsp(const mf_depthwise_3x3_dsp_params *p, const int8_t *input,
                          int32_t *planes, int8_t *output);

/* Of two inputs, as in mf_binary_params. Along the last axis stride1 is 1, stride2 1 or 0. */
typedef struct {
    uint32_t dims[4];
    uint32_t stride1[4];
    uint32_t stride2[4];
} mf_dsp_two_inputs;

typedef struct {
    int32_t factor1, factor2, offset;
} mf_add_form;

typedef struct {
    mf_dsp_two_inputs axes;
    mf_add_form form;
} mf_add_dsp_params;

typedef struct {
    uint32_t zero1, zero2; /* minus a zero point, in both halves */
    int32_t multiplier, offset, shift;
} mf_mul_form;

typedef struct {
    mf_dsp_two_inputs axes;
    mf_mul_form form;
} mf_mul_dsp_params;

typedef struct {
    uint32_t zero1, zero2; /* minus a zero point, in both halves */
    int32_t left2, multiplier2, half2, shift2;
    int32_t multiplier, offset, shift;
} mf_squared_difference_form;

typedef struct {
    mf_dsp_two_inputs axes;
    mf_squared_difference_form form;
} mf_squared_difference_dsp_params;

/* ADD and SUB, MUL, SQUARED_DIFFERENCE; those named `alike` where stride2 ends in 0. */
void mf_add_s8_dsp(const mf_add_dsp_params *p, const int8_t *input1, const int8_t *input2,
                   int8_t *output);
void mf_add_alike_s8_dsp(const mf_add_dsp_params *p, const int8_t *input1, const int8_t *input2,
                         int8_t *output);
void mf_mul_s8_dsp(const mf_mul_dsp_params *p, const int8_t *input1, const int8_t *input2,
                   int8_t *output);
void mf_mul_alike_s8_dsp(const mf_mul_dsp_params *p, const int8_t *input1, const int8_t *input2,
                         int8_t *output);
void mf_squared_difference_s8_dsp(const mf_squared_difference_dsp_params *p, const int8_t *input1,
                                  const int8_t *input2, int8_t *output);
void mf_squared_difference_alike_s8_dsp(const mf_squared_difference_dsp_params *p,
                                        const int8_t *input1, const int8_t *input2,
                                        int8_t *output);

/* SUM and MEAN of blocks x count x columns over the second axis; one column in the first kernel. */
typedef struct {
    uint32_t blocks, count, columns;
    int32_t sum_offset;
    int32_t multiplier, offset, shift;
} mf_sum_dsp_params;

void mf_sum_rows_s8_dsp(const mf_sum_dsp_params *p, const int8_t *input, int8_t *output);
void mf_sum_columns_s8_dsp(const mf_sum_dsp_params *p, const int8_t *input, int8_t *output);

void mf_max_pool_2d_s8_dsp(const mf_pool_2d_params *p, const int8_t *input, int8_t *output);
void mf_average_pool_2d_s8_dsp(const mf_pool_2d_params *p, const int8_t *input, int8_t *output);

#ifdef __cplusplus
}
#endif

#endif
