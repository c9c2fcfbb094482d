/* The kernels: one function an operator, parameters prepared by the compiler on the host.
 *
 * Activations are row-major, channels last; a function's name ends in their type (_s16: zero points
 * 0). Where a zero point is missing from a struct, the compiler has folded it into the biases. Each
 * kernel's file states its arithmetic. */
#ifndef MF_KERNELS_H
#define MF_KERNELS_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Output side of a matrix product: one multiplier and shift a channel, then zero point and clamp. */
typedef struct {
    const int32_t *bias;
    const int64_t *bias64; /* of int16, in place of `bias`: 64-bit sums, multipliers of 16 bits */
    const int32_t *multiplier;
    const int8_t *shift;
    int32_t zero_point;
    int32_t low;
    int32_t high;
} mf_channel_output;

typedef struct {
    uint32_t rows;
    uint32_t depth;
    uint32_t channels;
    uint32_t output_row_stride;
    const int8_t *weights; /* channels x depth */
    mf_channel_output output;
} mf_fully_connected_params;

void mf_fully_connected_s8(const mf_fully_connected_params *p, const int8_t *input,
                           int8_t *output);
void mf_fully_connected_s16(const mf_fully_connected_params *p, const int16_t *input,
                            int16_t *output);

typedef struct {
    uint32_t batches;
    uint32_t in_height, in_width, in_channels;
    uint32_t out_height, out_width, out_channels;
    uint32_t group_channels;    /* input channels that one output channel reads */
    uint32_t filters_per_group; /* output channels that read the same ones */
    uint32_t kernel_height, kernel_width;
    uint32_t stride_height, stride_width;
    uint32_t dilation_height, dilation_width;
    uint32_t pad_top, pad_left;
    int32_t input_zero_point; /* what a tap outside the input reads */
    const int8_t *weights;    /* out_channels x kernel_height x kernel_width x group_channels */
    mf_channel_output output;
} mf_conv_2d_params;

void mf_conv_2d_s8(const mf_conv_2d_params *p, const int8_t *input, int8_t *output);
void mf_conv_2d_s16(const mf_conv_2d_params *p, const int16_t *input, int16_t *output);

typedef struct {
    uint32_t batches;
    uint32_t in_height, in_width, in_channels;
    uint32_t out_height, out_width;
    uint32_t multiplier; /* output channels an input channel gives */
    uint32_t kernel_height, kernel_width;
    uint32_t stride_height, stride_width;
    uint32_t dilation_height, dilation_width;
    uint32_t pad_top, pad_left;
    int32_t input_zero_point; /* not in the biases: a tap outside the input adds nothing */
    const int8_t *weights;    /* kernel_height x kernel_width x in_channels x multiplier */
    mf_channel_output output;
} mf_depthwise_conv_2d_params;

void mf_depthwise_conv_2d_s8(const mf_depthwise_conv_2d_params *p, const int8_t *input,
                             int8_t *output);
void mf_depthwise_conv_2d_s16(const mf_depthwise_conv_2d_params *p, const int16_t *input,
                              int16_t *output);

typedef struct {
    uint32_t batch_dims[4]; /* outer axes of the output, left-padded with 1 */
    uint32_t lhs_batch_stride[4];
    uint32_t rhs_batch_stride[4];
    uint32_t output_batch_stride[4];
    uint32_t rows, depth, columns;
    uint32_t lhs_row_stride, lhs_depth_stride;
    uint32_t rhs_depth_stride, rhs_column_stride;
    uint32_t output_row_stride, output_column_stride;
    int32_t lhs_zero_point, rhs_zero_point;
    int32_t multiplier; /* of 16 bits for int16 */
    int32_t shift;
    int32_t output_zero_point;
} mf_batch_matmul_params;

void mf_batch_matmul_s8(const mf_batch_matmul_params *p, const int8_t *lhs, const int8_t *rhs,
                        int8_t *output);
void mf_batch_matmul_s16(const mf_batch_matmul_params *p, const int16_t *lhs, const int16_t *rhs,
                         int16_t *output);

typedef struct {
    uint32_t rows;
    uint32_t depth;
    const int32_t *exponentials; /* exp(-d) in Q0.31 for the difference d to the row's maximum */
    uint32_t exponential_count;
} mf_softmax_params;

void mf_softmax_s8(const mf_softmax_params *p, const int8_t *input, int8_t *output);

typedef struct {
    uint32_t rows;
    uint32_t depth;
    int32_t multiplier, shift; /* from a difference to the row's maximum to steps of 10 / 65535 */
    const int16_t *exponentials; /* exp(x) in Q0.15 for mf_interpolate, x from -10 to 0 */
    const int16_t *reciprocals;  /* 1 / (1 + x) in Q0.15 for mf_interpolate, x from 0 to 1 */
} mf_softmax_s16_params;

void mf_softmax_s16(const mf_softmax_s16_params *p, const int16_t *input, int16_t *output);

/* An element-wise operator on two inputs; a stride of 0 repeats an input along an axis. */
typedef struct {
    uint32_t dims[4];
    uint32_t stride1[4];
    uint32_t stride2[4];
    int32_t zero_point1, zero_point2;
    int32_t left_shift;
    int32_t multiplier1, shift1;
    int32_t multiplier2, shift2;
    int32_t output_multiplier, output_shift;
    int32_t output_zero_point;
    int32_t low, high;
} mf_binary_params;

void mf_add_s8(const mf_binary_params *p, const int8_t *input1, const int8_t *input2,
               int8_t *output);
void mf_sub_s8(const mf_binary_params *p, const int8_t *input1, const int8_t *input2,
               int8_t *output);
void mf_mul_s8(const mf_binary_params *p, const int8_t *input1, const int8_t *input2,
               int8_t *output);
void mf_squared_difference_s8(const mf_binary_params *p, const int8_t *input1,
                              const int8_t *input2, int8_t *output);
void mf_div_s8(const mf_binary_params *p, const int8_t *input1, const int8_t *input2,
               int8_t *output);
void mf_maximum_s8(const mf_binary_params *p, const int8_t *input1, const int8_t *input2,
                   int8_t *output);
void mf_minimum_s8(const mf_binary_params *p, const int8_t *input1, const int8_t *input2,
                   int8_t *output);
void mf_prelu_s8(const mf_binary_params *p, const int8_t *input1, const int8_t *input2,
                 int8_t *output);

void mf_add_s16(const mf_binary_params *p, const int16_t *input1, const int16_t *input2,
                int16_t *output);
void mf_sub_s16(const mf_binary_params *p, const int16_t *input1, const int16_t *input2,
                int16_t *output);
void mf_mul_s16(const mf_binary_params *p, const int16_t *input1, const int16_t *input2,
                int16_t *output);
void mf_squared_difference_s16(const mf_binary_params *p, const int16_t *input1,
                               const int16_t *input2, int16_t *output);
void mf_maximum_s16(const mf_binary_params *p, const int16_t *input1, const int16_t *input2,
                    int16_t *output);
void mf_minimum_s16(const mf_binary_params *p, const int16_t *input1, const int16_t *input2,
                    int16_t *output);

typedef struct {
    uint32_t batches;
    uint32_t in_height, in_width, in_channels;
    uint32_t out_height, out_width, out_channels;
    uint32_t kernel_height, kernel_width;
    uint32_t stride_height, stride_width;
    uint32_t pad_top, pad_left; /* rows and columns of the full output that are cut off */
    int32_t input_zero_point;   /* not in the biases */
    const int8_t *weights;      /* out_channels x kernel_height x kernel_width x in_channels */
    mf_channel_output output;
} mf_transpose_conv_params;

void mf_transpose_conv_s8(const mf_transpose_conv_params *p, const int8_t *input, int8_t *output);
void mf_transpose_conv_s16(const mf_transpose_conv_params *p, const int16_t *input,
                           int16_t *output);

/* Which axes a reduction keeps and which it reduces, left-padded with 1. */
typedef struct {
    uint32_t kept[3], kept_stride[3];
    uint32_t reduced[3], reduced_stride[3];
} mf_reduction;

typedef struct {
    mf_reduction axes;
    int32_t sum_offset;        /* added to a sum: -count * input zero point */
    int32_t multiplier, shift; /* of a MEAN: 1 / count is part of it */
    int32_t output_zero_point;
} mf_sum_params;

/* SUM and MEAN. */
void mf_sum_s8(const mf_sum_params *p, const int8_t *input, int8_t *output);
void mf_sum_s16(const mf_sum_params *p, const int16_t *input, int16_t *output);

void mf_reduce_max_s8(const mf_reduction *p, const int8_t *input, int8_t *output);

typedef struct {
    uint32_t batches;
    uint32_t in_height, in_width, channels;
    uint32_t out_height, out_width;
    uint32_t filter_height, filter_width;
    uint32_t stride_height, stride_width;
    uint32_t pad_top, pad_left;
    int32_t low, high;
} mf_pool_2d_params;

void mf_max_pool_2d_s8(const mf_pool_2d_params *p, const int8_t *input, int8_t *output);
void mf_average_pool_2d_s8(const mf_pool_2d_params *p, const int8_t *input, int8_t *output);
void mf_max_pool_2d_s16(const mf_pool_2d_params *p, const int16_t *input, int16_t *output);
void mf_average_pool_2d_s16(const mf_pool_2d_params *p, const int16_t *input, int16_t *output);

/* The operators below that only move values take any type, as bytes. */

typedef struct {
    uint32_t count, item_bytes;
    uint8_t pattern[4]; /* an element, repeated to four bytes */
} mf_fill_params;

/* Every element the same: what PAD writes around its input. */
void mf_fill(const mf_fill_params *p, void *output);

/* A copy between two layouts of one block, for every operator that only moves values. Strides are
 * in elements. */
typedef struct {
    int32_t dims[4];
    int32_t input_stride[4];
    int32_t output_stride[4];
    int32_t item_bytes;
} mf_copy_params;

void mf_copy(const mf_copy_params *p, const void *input, void *output);

typedef struct {
    uint32_t batches, outer, length; /* the input's axes, gathered along length */
    uint32_t run_bytes;              /* of all axes behind length */
    uint32_t count;                  /* positions a batch */
} mf_gather_params;

void mf_gather(const mf_gather_params *p, const void *input, const int32_t *positions,
               void *output);

typedef struct {
    uint32_t outer, length, inner; /* the input's axes, searched along length */
} mf_arg_max_params;

void mf_arg_max_s8(const mf_arg_max_params *p, const int8_t *input, int32_t *output);
void mf_arg_max_f32(const mf_arg_max_params *p, const float *input, int32_t *output);

typedef struct {
    uint32_t count;
    float scale;
    int32_t zero_point;
} mf_quantize_params;

void mf_quantize_f32_s8(const mf_quantize_params *p, const float *input, int8_t *output);
void mf_quantize_f32_s16(const mf_quantize_params *p, const float *input, int16_t *output);
void mf_dequantize_s8(const mf_quantize_params *p, const int8_t *input, float *output);
void mf_dequantize_s16(const mf_quantize_params *p, const int16_t *input, float *output);

/* From one integer type and scale to another. */
typedef struct {
    uint32_t count;
    int32_t input_zero_point;
    int32_t multiplier, shift;
    int32_t output_zero_point;
} mf_rescale_params;

void mf_rescale_s8_s16(const mf_rescale_params *p, const int8_t *input, int16_t *output);
void mf_rescale_s8_s32(const mf_rescale_params *p, const int8_t *input, int32_t *output);
void mf_rescale_s16_s8(const mf_rescale_params *p, const int16_t *input, int8_t *output);
void mf_rescale_s16_s16(const mf_rescale_params *p, const int16_t *input, int16_t *output);
void mf_rescale_s16_s32(const mf_rescale_params *p, const int16_t *input, int32_t *output);
void mf_rescale_s32_s8(const mf_rescale_params *p, const int32_t *input, int8_t *output);
void mf_rescale_s32_s16(const mf_rescale_params *p, const int32_t *input, int16_t *output);

/* A function of one int8 as its 256 results, for -128 first. */
typedef struct {
    uint32_t count;
    const int8_t *table;
} mf_lookup_params;

void mf_lookup_s8(const mf_lookup_params *p, const int8_t *input, int8_t *output);

/* A function of one int16 with one slope below zero and one from zero on. */
typedef struct {
    uint32_t count;
    int32_t multiplier1, shift1; /* x >= 0 */
    int32_t multiplier2, shift2; /* x < 0 */
    int32_t sign2;               /* 1 or -1, of what these give */
    int32_t low, high;
} mf_two_slopes_params;

void mf_two_slopes_s16(const mf_two_slopes_params *p, const int16_t *input, int16_t *output);

/* LOGISTIC and TANH of int16. */
typedef struct {
    uint32_t count;
    int32_t multiplier, shift; /* in * multiplier / 2^shift is in steps of 1 / 12288 */
    const uint16_t *table; /* 256 values of 1 / (1 + exp(-x)) in Q0.16, x in steps of 1 / 24 */
} mf_sigmoid_params;

void mf_logistic_s16(const mf_sigmoid_params *p, const int16_t *input, int16_t *output);
void mf_tanh_s16(const mf_sigmoid_params *p, const int16_t *input, int16_t *output);

typedef struct {
    uint32_t count;
    int32_t multiplier, shift;
} mf_rsqrt_params;

void mf_rsqrt_s16(const mf_rsqrt_params *p, const int16_t *input, int16_t *output);

#ifdef __cplusplus
}
#endif

#endif
