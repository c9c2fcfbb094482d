/* The kernels for the vectors of Cortex-M55 (MVE, "Helium"); see mf_kernels.h. */
#ifndef MF_KERNELS_MVE_H
#define MF_KERNELS_MVE_H

#include <stdint.h>

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
} mf_mve_weights;

typedef struct {
    uint32_t rows;
    uint32_t input_row_stride, output_row_stride;
    mf_mve_weights weights;
} mf_fully_connected_mve_params;

void mf_fully_connected_mve(const mf_fully_connected_mve_params *p, const int8_t *input,
                            int8_t *output);

typedef struct {
    uint32_t batches;
    uint32_t in_height, in_width, in_channels;
    uint32_t out_height, out_width;
    uint32_t kernel_height, kernel_width;
    uint32_t stride_height, stride_width;
    uint32_t pad_top, pad_left;
    int32_t input_zero_point;
    uint32_t strip_pixels; /* output pixels whose windows are worked on together */
    mf_mve_weights weights;
} mf_conv_2d_mve_params;

void mf_conv_2d_mve(const mf_conv_2d_mve_params *p, const int8_t *input, int32_t *strip,
                    int8_t *output);

#ifdef __cplusplus
}
#endif

#endif
