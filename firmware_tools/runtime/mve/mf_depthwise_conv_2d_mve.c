/* DEPTHWISE_CONV_2D with MVE, multiplier 1, no dilation; mf_strip_mve.h has the windows,
 * mf_channels_mve.c the arithmetic, which wants windows at even addresses: always in a strip. */
#include "mf_channels_mve.h"
#include "mf_strip_mve.h"

void mf_depthwise_conv_2d_mve(const mf_depthwise_conv_2d_mve_params *p, const int8_t *input,
                              int32_t *strip, int8_t *output)
{
    const mf_mve_window *w = &p->window;
    MF_FOR_EACH_STRIP_MVE(w, mf_gathered_windows_mve, &p->channels, input, (int8_t *)strip, output,
                          mf_channels_mve);
}
