/* The kernels for the vectors of Cortex-M55 (MVE, "Helium"); see mf_kernels.h. */
#ifndef MF_KERNELS_MVE_H
#define MF_KERNELS_MVE_H

#include "mf_kernels.h"

#ifndef __ARM_FEATURE_MVE
#error "these kernels are for a core with MVE, such as -mcpu=cortex-m55"
#endif

#ifdef __cplusplus
extern "C" {
#endif

/* The matrix that rows of activations are multiplied by; mf_product_mve.c has the arithmetic. */
typedef struct {
    const int8_t *weights;  /* channels x depth */
    const int32_t *scaling; /* {bias[4], multiplier[4], shift[4]} for every four channels */
    uint32_t channels;      /* at least 4 */
    uint32_t depth;
    uint32_t stride; /* from one channel's weights to the next one's */
    int32_t zero_point, low, high;
    int32_t row_factor; /* less the zero point of the weights */
} mf_mve_weights;

typedef struct {
    uint32_t rows;
    uint32_t input_row_stride, output_row_stride;
    mf_mve_weights weights;
} mf_fully_connected_mve_params;

void mf_fully_connected_mve(const mf_fully_connected_mve_params *p, const int8_t *input,
                            int8_t *output);
void mf_fully_connected_short_mve(const mf_fully_connected_mve_params *p, const int8_t *input,
                                  int8_t *output);

/* A window that slides over an image. */
typedef struct {
    uint32_t batches;
    uint32_t in_height, in_width, in_channels;
    uint32_t out_height, out_width;
    uint32_t kernel_height, kernel_width;
    uint32_t stride_height, stride_width;
    uint32_t pad_top, pad_left;
    int32_t input_zero_point;
} mf_mve_window;

typedef struct {
    mf_mve_window window;
    uint32_t strip_pixels; /* output pixels that are worked on together */
    mf_mve_weights weights;
} mf_conv_2d_mve_params;

void mf_conv_2d_mve(const mf_conv_2d_mve_params *p, const int8_t *input, int32_t *strip,
                    int8_t *output);

/* Weights of windows of one channel each; mf_channels_mve.c has the stream. */
typedef struct {
    const int32_t *stream;
    uint32_t stream_bytes;
    const uint16_t *offsets; /* of the taps in a window, which begins at an even address */
    uint32_t rounds;         /* of eight taps, 0 to 4 */
    int32_t zero_point, low, high;
    uint32_t one_more; /* tap after the rounds: 0 or 1 */
} mf_mve_channels;

typedef struct {
    mf_mve_window window;
    mf_mve_channels channels; /* its offsets by the row of the ring where a window begins */
    uint32_t row_bytes;       /* of the ring's rows */
} mf_depthwise_conv_2d_mve_params;

void mf_depthwise_conv_2d_mve(const mf_depthwise_conv_2d_mve_params *p, const int8_t *input,
                              int32_t *ring, int8_t *output);

/* An activation, depth x columns, made into weights: mf_pack_mve.c has the layout. */
typedef struct {
    mf_mve_weights weights; /* all but the pointers */
    uint32_t depth_stride, column_stride;
    int32_t rows_zero_point; /* of the rows that they are multiplied with */
    int32_t multiplier, shift;
} mf_pack_mve_params;

void mf_pack_mve(const mf_pack_mve_params *p, const int8_t *matrix, int32_t *packed);

typedef struct {
    uint32_t batch_dims[4];
    uint32_t lhs_batch_stride[4];
    uint32_t rhs_batch_stride[4];
    uint32_t output_batch_stride[4];
    uint32_t rows;
    uint32_t lhs_row_stride, output_row_stride;
    mf_pack_mve_params rhs;
} mf_batch_matmul_mve_params;

void mf_batch_matmul_s8_mve(const mf_batch_matmul_mve_params *p, const int8_t *lhs,
                            const int8_t *rhs, int32_t *packed, int8_t *output);

typedef struct {
    uint32_t rows;
    uint32_t depth;
    const int32_t *exponentials; /* 256, the last is that of the difference 0 */
} mf_softmax_mve_params;

void mf_softmax_s8_mve(const mf_softmax_mve_params *p, const int8_t *input, int8_t *output);

typedef struct {
    uint32_t rows;
    uint32_t tokens; /* keys and values */
    uint32_t query_row_stride, output_row_stride;
    const int8_t *scores_table;  /* a look-up between the scores and their softmax, or none */
    const int32_t *exponentials; /* 256, the last is that of the difference 0 */
} mf_attention_mve_params;

void mf_attention_mve(const mf_attention_mve_params *p, const int8_t *queries,
                      const int32_t *keys, const int32_t *values, int32_t *scores,
                      int8_t *output);

void mf_lookup_s8_mve(const mf_lookup_params *p, const int8_t *input, int8_t *output);

/* Element-wise operators on two inputs: rows of dims[3] elements, in which a stride is 0 or 1.
 * mf_elements_mve.h has what is done with each number, and reads them in this order. */
typedef struct {
    int32_t factor1, factor2, away2, low, high;
    int32_t offset1, offset2, multiplier2, shift2, sign2, multiplier, shift, zero_point;
    uint32_t dims[4];
    uint32_t stride1[4];
    uint32_t stride2[4];
} mf_elements_mve_params;

void mf_add_mve(const mf_elements_mve_params *p, const int8_t *input1, const int8_t *input2,
                int8_t *output);
void mf_add_constant_mve(const mf_elements_mve_params *p, const int32_t *constant,
                         const int8_t *input, int8_t *output);
void mf_squared_difference_mve(const mf_elements_mve_params *p, const int8_t *input1,
                               const int8_t *input2, int8_t *output);
void mf_mul_mve(const mf_elements_mve_params *p, const int8_t *input1, const int8_t *input2,
                int8_t *output);

/* SUM and MEAN over one axis: of each row of `count` elements, or of the columns of a matrix. */
typedef struct {
    uint32_t outer; /* rows, or matrices */
    uint32_t outer_stride;
    uint32_t count; /* elements that make an output */
    uint32_t columns;
    int32_t sum_offset;
    int32_t multiplier, shift, output_zero_point;
} mf_sum_mve_params;

void mf_sum_rows_mve(const mf_sum_mve_params *p, const int8_t *input, int8_t *output);
void mf_sum_columns_mve(const mf_sum_mve_params *p, const int8_t *input, int8_t *output);

void mf_max_pool_2d_mve(const mf_pool_2d_params *p, const int8_t *input, int8_t *output);

#ifdef __cplusplus
}
#endif

#endif
