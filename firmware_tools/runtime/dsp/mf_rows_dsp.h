/* Rows of 16-bit inputs times the weights of many channels: what the matrix kernels share.
 *
 * A row holds its inputs 0 and 2, 1 and 3, 4 and 6, 5 and 7, ... in the halves of words, which is
 * what SXTB16 makes of bytes. The stream holds for every four channels a, b, c, d
 *
 *   int32 bias[4]; weights[8 * steps][...]; {int32 multiplier, offset, shift}[4]
 *
 * with weights of 16 bits, doubled as are the biases, or with those of two channels in a half:
 * a + 256 * b. The sum of these halves is sum_a + 256 * sum_b, from which that of the low bytes
 * alone, sum_a, is taken off; the biases are bias_a, bias_a + 256 * bias_b. With d twice a sum:
 *
 *   v + offset = SMMLAR(d, multiplier, offset)      TFLM's first rounding: ties up
 *   out = SSAT8((v + offset - (d < 0)) >> shift)    its second: ties away from zero
 *
 * The offset holds half a unit and the zero point. (d < 0 also where v is 0: no tie, nothing lost.)
 * A row is read up to a multiple of 8 inputs; those past its depth may be anything, their weights
 * are 0. */
#ifndef MF_ROWS_DSP_H
#define MF_ROWS_DSP_H

#include <string.h>

#include "mf_fixed_point.h"
#include "mf_kernels_dsp.h"
#include "mf_widen_dsp.h"

/* Its fields are in the order in which the kernels want them on their stack. */
typedef struct {
    const int32_t *stream;
    const int32_t *row;
    uint32_t steps;
    int8_t *output;
    uint32_t count;     /* of rows, at least 1 */
    uint32_t row_bytes; /* from one row to the next */
    uint32_t output_row_stride;
    uint32_t channels; /* a multiple of 4, at least 4 */
} mf_rows;

typedef void mf_rows_product(const mf_rows *job);

#ifdef __cplusplus
extern "C" {
#endif

void mf_rows_w16_dsp(const mf_rows *job);
void mf_rows_w8_dsp(const mf_rows *job);

#ifdef __cplusplus
}
#endif

/* The words of one block of the stream. */
#define MF_BLOCK_WORDS_W16(steps) (16u + 16u * (steps))
#define MF_BLOCK_WORDS_W8(steps) (16u + 8u * (steps))

/* `count` rows times any number of channels. */
static inline void mf_rows_dsp(const mf_dsp_weights *w, mf_rows_product *product,
                               uint32_t block_words, const int32_t *row, uint32_t row_bytes,
                               int8_t *output, uint32_t output_row_stride, uint32_t count)
{
    const uint32_t rest = w->channels % 4;
    const uint32_t whole = w->channels - rest;
    mf_rows job = {w->stream, row, w->steps, output, count, row_bytes, output_row_stride, whole};
    if (whole > 0) {
        product(&job);
    }
    if (rest > 0) {
        int8_t last[4];
        job.stream += whole / 4 * block_words;
        job.output = last;
        job.count = 1;
        job.channels = 4;
        for (uint32_t r = 0; r < count; r++) {
            product(&job);
            job.row += row_bytes / 4;
            memcpy(output + r * output_row_stride + whole, last, rest);
        }
    }
    if (w->low > INT8_MIN || w->high < INT8_MAX) {
        for (uint32_t r = 0; r < count; r++, output += output_row_stride) {
            for (uint32_t c = 0; c < w->channels; c++) {
                output[c] = mf_clamp(output[c], w->low, w->high);
            }
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

/* Widens `count` bytes. */
static inline void mf_widen_row_dsp(const int8_t *from, uint32_t count, int32_t *row)
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
        mf_put_four(row, mf_some_bytes(from, count));
    }
}

#endif
