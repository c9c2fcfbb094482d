/* Windows of one channel each. */
#ifndef MF_CHANNELS_MVE_H
#define MF_CHANNELS_MVE_H

#include "mf_kernels_mve.h"

#ifdef __cplusplus
extern "C" {
#endif

/* All channels of `count` windows, `step` bytes apart; the outputs are `output_step` apart. */
void mf_channels_mve(const mf_mve_channels *w, const int8_t *windows, int8_t *output,
                     uint32_t count, uint32_t step, uint32_t output_step);

#ifdef __cplusplus
}
#endif

#endif
