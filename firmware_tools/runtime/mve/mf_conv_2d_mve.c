/* CONV_2D with MVE, one group, no dilation: a window (mf_strip_mve.h) is a row of activations, and the
 * weights are in its order, channels x kernel_width x kernel_height x in_channels. */
#include "mf_product_mve.h"
#include "mf_strip_mve.h"

void mf_conv_2d_mve(const mf_conv_2d_mve_params *p, const int8_t *input, int32_t *strip,
                    int8_t *output)
{
    const mf_mve_window *w = &p->window;
    MF_FOR_EACH_STRIP_MVE(w, mf_windows_mve, &p->weights, input, (int8_t *)strip, output,
                          mf_product_mve);
}
