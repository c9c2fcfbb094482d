/* Two output rows of four channels from planes of paired inputs: the core of a depthwise
 * convolution. See mf_pairs_dsp.c. */
#ifndef MF_PAIRS_DSP_H
#define MF_PAIRS_DSP_H

#include <stdint.h>

/* Its fields are in the order in which the kernel wants them on its stack. */
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

#ifdef __cplusplus
extern "C" {
#endif

void mf_pairs_dsp(const mf_pairs *job);

#ifdef __cplusplus
}
#endif

#endif
