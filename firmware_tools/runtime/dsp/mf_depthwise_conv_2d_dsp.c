/* DEPTHWISE_CONV_2D with the DSP extension, channel multiplier 1, no dilation, four channels or
 * more; out as in mf_depthwise_conv_2d.c, the input's zero point in the biases and outside the image.
 *
 * Four channels at a time, the last four from the end on, so that there is no rest: the rows of the
 * input that two rows of outputs read become planes of 16 bits (17 instructions for 8 inputs), out of
 * which mf_pairs_dsp makes the outputs. An odd last row is computed again with the one before it. */
#include "mf_fixed_point.h"
#include "mf_kernels_dsp.h"
#include "mf_pairs_dsp.h"
#include "mf_widen_dsp.h"

#define LANES 4u

/* One row of the input, or what stands for one outside: the zero point at every step. */
typedef struct {
    const int8_t *from;
    uint32_t step;
} mf_row;

static inline mf_row row_at(const mf_depthwise_conv_2d_dsp_params *p, const int8_t *input,
                            int32_t y, const int8_t *zero_points)
{
    if (y < 0 || y >= (int32_t)p->y.inputs) {
        return (mf_row){zero_points, 0};
    }
    return (mf_row){input + y * (int32_t)p->y.input_bytes, p->x.input_bytes};
}

/* Four channels of two rows into four planes, every `pairs` words of each. */
__attribute__((noinline)) static void widen(mf_row above, mf_row below, uint32_t count,
                                            uint32_t pairs, uint32_t plane_words, int32_t *to)
{
    int32_t *const second = to + plane_words;
    for (uint32_t at = 0; count > 0; count--, at += pairs) {
        const int32_t a = (int32_t)mf_word(above.from);
        const int32_t b = (int32_t)mf_word(below.from);
        const mf_halves low = mf_bytes_of((uint32_t)mf_bottoms(a, b));
        const mf_halves high = mf_bytes_of((uint32_t)mf_tops(a, b));
        to[at] = low.even;
        second[at] = low.odd;
        to[at + 2 * plane_words] = high.even;
        second[at + 2 * plane_words] = high.odd;
        above.from += above.step;
        below.from += below.step;
    }
}

/* All outputs of four channels of one image; the planes' columns outside it are there already. */
static void group(const mf_depthwise_conv_2d_dsp_params *p, const int8_t *input, uint32_t inside,
                  int32_t *planes, const int32_t *stream, int8_t *output)
{
    const uint32_t zero_points = 0x01010101u * ((uint32_t)p->input_zero_point & 0xFFu);
    const uint32_t two = p->y.outputs > 1;
    const uint32_t last = two ? p->y.outputs - 2 : 0;
    mf_pairs job = {
        .stream = stream,
        .sixes = p->sixes,
        .back = (int32_t)(4 * p->x.stride * p->pairs) - (int32_t)(24 * p->sixes),
        .column_bytes = p->x.output_bytes,
        .row_bytes = two ? p->y.output_bytes : 0,
        .plane = planes,
        .plane_bytes = 4 * p->plane_words,
        .width_bytes = p->x.outputs * p->x.output_bytes,
        .channels = LANES,
    };
    for (uint32_t at = 0; at < p->y.outputs; at += 2) {
        const uint32_t row = at < last ? at : last;
        int32_t y = (int32_t)(row * p->y.stride) - (int32_t)p->y.pad;
        for (uint32_t k = 0; k < p->pairs; k++, y += 2) {
            widen(row_at(p, input, y, (const int8_t *)&zero_points),
                  row_at(p, input, y + 1, (const int8_t *)&zero_points), inside, p->pairs,
                  p->plane_words, planes + p->x.pad * p->pairs + k);
        }
        job.output = output + row * p->y.output_bytes;
        job.end = job.output + job.width_bytes;
        mf_pairs_dsp(&job);
    }
}

void mf_depthwise_conv_2d_dsp(const mf_depthwise_conv_2d_dsp_params *p, const int8_t *input,
                              int32_t *planes, int8_t *output)
{
    const uint32_t count = p->y.outputs * p->x.outputs * p->channels;
    const uint32_t columns = p->plane_words / p->pairs;
    const uint32_t room = columns > p->x.pad ? columns - p->x.pad : 0;
    const uint32_t inside = p->x.inputs < room ? p->x.inputs : room;
    for (uint32_t i = 0; i < LANES * p->plane_words; i++) {
        planes[i] = (int32_t)mf_both_halves(p->input_zero_point);
    }
    for (uint32_t b = 0; b < p->batches; b++) {
        const int32_t *stream = p->stream;
        for (uint32_t c = 0; c < p->channels; c += LANES, stream += p->block_words) {
            const uint32_t first = c < p->channels - LANES ? c : p->channels - LANES;
            group(p, input + first, inside, planes, stream, output + first);
        }
        if (p->low > INT8_MIN || p->high < INT8_MAX) {
            for (uint32_t i = 0; i < count; i++) {
                output[i] = mf_clamp(output[i], p->low, p->high);
            }
        }
        input += p->y.inputs * p->x.inputs * p->channels;
        output += count;
    }
}
