/* The kernels for the DSP extension of Cortex-M4, M7 and M33; see mf_kernels.h. */
#ifndef MF_KERNELS_DSP_H
#define MF_KERNELS_DSP_H

#include <stdint.h>

#ifdef __cplusplus
extern "C" {
#endif

/* Constant weights of `channels` outputs on rows of 8 * steps inputs; mf_row_dsp.h has the stream. */
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
    uint32_t pad_top, pad_left;
    int32_t input_zero_point;
    mf_dsp_weights weights;
} mf_conv_2d_dsp_params;

void mf_conv_2d_w16_dsp(const mf_conv_2d_dsp_params *p, const int8_t *input, int32_t *row,
                        int8_t *output);
void mf_conv_2d_w8_dsp(const mf_conv_2d_dsp_params *p, const int8_t *input, int32_t *row,
                       int8_t *output);

#ifdef __cplusplus
}
#endif

#endif
