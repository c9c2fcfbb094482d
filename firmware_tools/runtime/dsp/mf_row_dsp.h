/* One row of 16-bit inputs times the weights of many channels: what the matrix kernels share.
 *
 * The stream holds for every four channels
 *
 *   int32 bias[4]; weights[8 * steps][...]; {int32 multiplier, offset, shift}[4]
 *
 * and the row its inputs 0 and 2, 1 and 3, 4 and 6, 5 and 7, ... in the halves of words, which is
 * what SXTB16 makes of bytes. With weights of 16 bits, these and the biases are doubled, else the
 * sum is; d is twice the sum:
 *
 *   v + offset = SMMLAR(d, multiplier, offset)       TFLM's first rounding: ties up
 *   out = SSAT8((v + offset - (d < 0)) >> shift)      its second: ties away from zero
 *
 * The offset holds half a unit and the zero point. (d < 0 also where v is 0: no tie, nothing lost.)
 */
#ifndef MF_ROW_DSP_H
#define MF_ROW_DSP_H

#include <string.h>

#include "mf_fixed_point.h"
#include "mf_kernels_dsp.h"
#include "mf_widen_dsp.h"

#ifdef __cplusplus
extern "C" {
#endif

/* Gives the outputs of 4 * blocks channels. */
typedef void mf_row_blocks(const int32_t *stream, const int32_t *row, int8_t *output,
                           uint32_t blocks, uint32_t steps);

void mf_row_w16_dsp(const int32_t *stream, const int32_t *row, int8_t *output, uint32_t blocks,
                    uint32_t steps);
void mf_row_w8_dsp(const int32_t *stream, const int32_t *row, int8_t *output, uint32_t blocks,
                   uint32_t steps);

#ifdef __cplusplus
}
#endif

/* The words of one block of the stream. */
#define MF_BLOCK_WORDS_W16(steps) (16u + 16u * (steps))
#define MF_BLOCK_WORDS_W8(steps) (16u + 8u * (steps))

static inline void mf_row_dsp(const mf_dsp_weights *w, mf_row_blocks *product,
                              uint32_t block_words, const int32_t *row, int8_t *output)
{
    const uint32_t blocks = w->channels / 4;
    const uint32_t rest = w->channels % 4;
    if (blocks > 0) {
        product(w->stream, row, output, blocks, w->steps);
    }
    if (rest > 0) {
        int8_t last[4];
        product(w->stream + blocks * block_words, row, last, 1, w->steps);
        memcpy(output + 4 * blocks, last, rest);
    }
    if (w->low > INT8_MIN || w->high < INT8_MAX) {
        for (uint32_t c = 0; c < w->channels; c++) {
            output[c] = mf_clamp(output[c], w->low, w->high);
        }
    }
}

static inline int32_t *mf_put_four(int32_t *row, uint32_t word)
{
    const mf_halves halves = mf_bytes_of(word);
    row[0] = halves.even;
    row[1] = halves.odd;
    return row + 2;
}

/* Zeros from `row` up to `end`: their weights are zero, but who knows what lies there. */
static inline void mf_zero(int32_t *row, const int32_t *end)
{
    while (row < end) {
        *row++ = 0;
    }
}

/* Widens `count` bytes, and zeros up to a multiple of four; gives the place behind them. */
static inline int32_t *mf_widen_dsp(const int8_t *from, uint32_t count, int32_t *row)
{
    for (; count >= 8; count -= 8, from += 8) {
        row = mf_put_four(mf_put_four(row, mf_word(from)), mf_word(from + 4));
    }
    if (count >= 4) {
        row = mf_put_four(row, mf_word(from));
        from += 4;
        count -= 4;
    }
    if (count > 0) {
        row = mf_put_four(row, mf_some_bytes(from, count));
    }
    return row;
}

#endif
