/* DEPTHWISE_CONV_2D with the DSP extension, channel multiplier 1, no dilation, four channels or
 * more; out as in mf_depthwise_conv_2d.c, the input's zero point in the biases and outside the image.
 *
 * Four channels at a time, the last four from the end on, so that there is no rest: the rows of the
 * input that two rows of outputs read become planes of 16 bits, out of which mf_pairs_dsp makes the
 * outputs. An odd last row is computed again with the one before it. */
#include "mf_pairs_dsp.h"

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
        .channels = MF_LANES_DSP,
    };
    for (uint32_t at = 0; at < p->y.outputs; at += 2) {
        const uint32_t row = at < last ? at : last;
        int32_t y = (int32_t)(row * p->y.stride) - (int32_t)p->y.pad;
        for (uint32_t k = 0; k < p->pairs; k++, y += 2) {
            mf_pair_rows_dsp(mf_row_at(&p->y, &p->x, input, y, &zero_points),
                             mf_row_at(&p->y, &p->x, input, y + 1, &zero_points), inside,
                             p->pairs, p->plane_words, planes + p->x.pad * p->pairs + k);
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
    const uint32_t inside = mf_columns_inside(&p->x, columns);
    mf_clear_planes_dsp(planes, MF_LANES_DSP * p->plane_words, p->input_zero_point);
    for (uint32_t b = 0; b < p->batches; b++) {
        const int32_t *stream = p->stream;
        for (uint32_t c = 0; c < p->channels; c += MF_LANES_DSP, stream += p->block_words) {
            const uint32_t first =
                c < p->channels - MF_LANES_DSP ? c : p->channels - MF_LANES_DSP;
            group(p, input + first, inside, planes, stream, output + first);
        }
        mf_clamp_all_dsp(output, count, p->low, p->high);
        input += p->y.inputs * p->x.inputs * p->channels;
        output += count;
    }
}
