/* mf_depthwise_conv_2d_dsp.c for a window of 3x3 that moves by 1, two rows of outputs or more: each
 * row of the input is widened once, as what is the lower pair of rows to two rows of outputs is the
 * upper one to the next two. */
#include "mf_pairs_dsp.h"

/* All outputs of four channels of one image; the planes' columns outside it are there already. */
static void group(const mf_depthwise_3x3_dsp_params *p, const int8_t *input, uint32_t inside,
                  int32_t *planes, const int32_t *stream, int8_t *output)
{
    const uint32_t zero_points = 0x01010101u * ((uint32_t)p->input_zero_point & 0xFFu);
    const uint32_t last = p->y.outputs - 2;
    const uint32_t columns = p->x.outputs + 2;
    int32_t *upper = planes;
    int32_t *lower = planes + MF_LANES_DSP * columns;
    mf_pairs_3x3 job = {
        .row_bytes = p->y.output_bytes,
        .column_bytes = p->x.output_bytes,
        .stream = stream,
        .plane_bytes = 4 * columns,
        .channels = MF_LANES_DSP,
    };
    for (uint32_t at = 0; at < p->y.outputs; at += 2) {
        const uint32_t row = at < last ? at : last;
        const int32_t y = (int32_t)row - (int32_t)p->y.pad;
        if (at == 0 || row != at) {
            mf_pair_rows_dsp(mf_row_at(&p->y, &p->x, input, y, &zero_points),
                             mf_row_at(&p->y, &p->x, input, y + 1, &zero_points), inside, 1,
                             columns, upper + p->x.pad);
        }
        mf_pair_rows_dsp(mf_row_at(&p->y, &p->x, input, y + 2, &zero_points),
                         mf_row_at(&p->y, &p->x, input, y + 3, &zero_points), inside, 1, columns,
                         lower + p->x.pad);
        job.upper = upper;
        job.lower = lower;
        job.output = output + row * p->y.output_bytes;
        job.end = job.output + p->x.outputs * p->x.output_bytes;
        mf_pairs_3x3_dsp(&job);
        lower = upper;
        upper = (int32_t *)job.lower;
    }
}

void mf_depthwise_3x3_dsp(const mf_depthwise_3x3_dsp_params *p, const int8_t *input,
                          int32_t *planes, int8_t *output)
{
    const uint32_t count = p->y.outputs * p->x.outputs * p->channels;
    const uint32_t columns = p->x.outputs + 2;
    const uint32_t inside = mf_columns_inside(&p->x, columns);
    mf_clear_planes_dsp(planes, 2 * MF_LANES_DSP * columns, p->input_zero_point);
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
