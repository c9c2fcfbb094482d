/* DEPTHWISE_CONV_2D with MVE, multiplier 1, no dilation; mf_channels_mve.c has the arithmetic.
 *
 * The kernel_height rows of the input that a row of outputs reads lie in a ring of rows, with the
 * input's zero point around the image: each is copied once. */
#include "mf_channels_mve.h"
#include "mf_copy_mve.h"

/* Row `y` of the input, which may be outside, into a row of the ring that has its margins. */
static void take_row(const mf_mve_window *p, const int8_t *input, int32_t y, int8_t *row,
                     uint32_t row_bytes)
{
    const uint32_t margin = p->pad_left * p->in_channels;
    const uint32_t room = row_bytes - margin;
    const uint32_t bytes = p->in_width * p->in_channels;
    const uint32_t count = bytes < room ? bytes : room;
    if (y < 0 || y >= (int32_t)p->in_height) {
        mf_fill_bytes_mve(row + margin, p->input_zero_point, count);
    } else {
        mf_copy_bytes_mve(input + (uint32_t)y * bytes, row + margin, count);
    }
}

static void image(const mf_depthwise_conv_2d_mve_params *p, const int8_t *input, int8_t *ring,
                  int8_t *output)
{
    const mf_mve_window *w = &p->window;
    mf_mve_channels channels = p->channels;
    const uint32_t taps = 8 * channels.rounds + channels.one_more;
    mf_fill_bytes_mve(ring, w->input_zero_point, w->kernel_height * p->row_bytes);
    int32_t next = -(int32_t)w->pad_top; /* the row to be copied, and where */
    uint32_t place = 0;
    for (uint32_t y = 0; y < w->out_height; y++) {
        const int32_t top = (int32_t)(y * w->stride_height) - (int32_t)w->pad_top;
        for (; next < top + (int32_t)w->kernel_height; next++) {
            if (next >= top) {
                take_row(w, input, next, ring + place * p->row_bytes, p->row_bytes);
            }
            place = place + 1 < w->kernel_height ? place + 1 : 0;
        }
        const uint32_t first = y * w->stride_height % w->kernel_height; /* row of the window */
        channels.offsets = p->channels.offsets + first * taps;
        mf_channels_mve(&channels, ring, output, w->out_width, w->stride_width * w->in_channels,
                        w->in_channels);
        output += w->out_width * w->in_channels;
    }
}

void mf_depthwise_conv_2d_mve(const mf_depthwise_conv_2d_mve_params *p, const int8_t *input,
                              int32_t *ring, int8_t *output)
{
    const mf_mve_window *w = &p->window;
    for (uint32_t b = 0; b < w->batches; b++) {
        image(p, input, (int8_t *)ring, output);
        input += w->in_height * w->in_width * w->in_channels;
        output += w->out_height * w->out_width * w->in_channels;
    }
}
