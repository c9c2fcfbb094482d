/* CONV_2D with the DSP extension, one group: the windows of a strip of output pixels side by side
 * become rows for mf_rows_dsp.
 *
 * The strip is made of cells of a whole number of words for each row of the window. Where the depth
 * is a multiple of 4 and columns are not dilated, a cell is a column of the image, and windows that
 * overlap share cells; else it is all that a window reads, the columns of each row together. Dilated
 * columns need a depth that is a multiple of 4. */
#include "mf_conv_2d_dsp.h"
#include "mf_window.h"

/* The words of one row of one cell, and of a cell. */
typedef struct {
    uint32_t row_words;
    uint32_t words;
} cell_words;

/* One row of `count` cells, from `from`, `from + step`, ... */
__attribute__((noinline)) static void fill(cell_words cell, const int8_t *from, uint32_t step,
                                           uint32_t count, int32_t *to)
{
    for (; count > 0; count--, from += step, to += cell.words) {
        mf_put_four(to, mf_word(from));
        for (uint32_t w = 2; w < cell.row_words; w += 2) {
            mf_put_four(to + w, mf_word(from + 2 * w));
        }
    }
}

/* The same with the zero point; gives the next cell's place. */
static int32_t *clear(cell_words cell, int32_t zero_points, uint32_t count, int32_t *to)
{
    for (; count > 0; count--, to += cell.words) {
        for (uint32_t w = 0; w < cell.row_words; w++) {
            to[w] = zero_points;
        }
    }
    return to;
}

/* What memcpy does, but few bytes are copied in few instructions. */
static void copy_bytes(int8_t *to, const int8_t *from, uint32_t count)
{
    for (; count >= 4; count -= 4, from += 4, to += 4) {
        memcpy(to, from, 4);
    }
    for (; count > 0; count--) {
        *to++ = *from++;
    }
}

/* One row of the windows in `strip`, tap by tap: `from` is the row's beginning. */
static void dilated_row(const mf_conv_2d_dsp_params *p, const int8_t *from, int32_t left,
                        uint32_t pixels, uint32_t words, int32_t zero_points, int32_t *strip)
{
    const cell_words cell = {p->in_channels / 2, words};
    for (uint32_t j = 0; j < p->kernel_width; j++, strip += cell.row_words) {
        const int32_t start = left + (int32_t)(j * p->dilation_width);
        const mf_taps x = mf_taps_inside(start, pixels, p->stride_width, p->in_width);
        const uint32_t inside = (uint32_t)(x.last - x.first);
        const int32_t column = start + x.first * (int32_t)p->stride_width;
        int32_t *const first = clear(cell, zero_points, (uint32_t)x.first, strip);
        fill(cell, from + column * (int32_t)p->in_channels, p->stride_width * p->in_channels,
             inside, first);
        clear(cell, zero_points, pixels - (uint32_t)x.last, first + inside * words);
    }
}

/* The strip of the `pixels` windows whose first is at (top, left). */
static void gather(const mf_conv_2d_dsp_params *p, const int8_t *input, int32_t top, int32_t left,
                   uint32_t pixels, int32_t *strip)
{
    const uint32_t depth = p->in_channels;
    const uint32_t dilated = p->dilation_width > 1;
    const uint32_t shared = depth % 4 == 0 && !dilated;
    const uint32_t row_words = 2 * ((depth * (shared ? 1 : p->kernel_width) + 3) / 4);
    const cell_words cell = {row_words, row_words * p->kernel_height};
    const uint32_t reach = (p->kernel_width - 1) * p->dilation_width + 1;
    const uint32_t columns = (pixels - 1) * p->stride_width + reach;
    const mf_taps x = mf_taps_inside(left, columns, 1, p->in_width);
    const uint32_t before = (uint32_t)x.first;
    const uint32_t inside = (uint32_t)(x.last - x.first);
    const uint32_t after = columns - (uint32_t)x.last;
    const int32_t zero_points = (int32_t)mf_both_halves(p->input_zero_point);
    int8_t *const copy = (int8_t *)(strip + pixels * cell.words);
    if (!shared && !dilated) { /* what surrounds the inputs in a copy of a row */
        memset(copy, p->input_zero_point, before * depth);
        memset(copy + (before + inside) * depth, p->input_zero_point, after * depth);
    }
    for (uint32_t i = 0; i < p->kernel_height; i++, strip += row_words) {
        const int32_t y = top + (int32_t)(i * p->dilation_height);
        const int32_t row = y * (int32_t)(p->in_width * depth);
        const int32_t at = row + (left + x.first) * (int32_t)depth;
        if (y < 0 || y >= (int32_t)p->in_height || inside == 0) {
            clear(cell, zero_points, shared ? columns : pixels, strip);
        } else if (shared) {
            int32_t *const first = clear(cell, zero_points, before, strip);
            fill(cell, input + at, depth, inside, first);
            clear(cell, zero_points, after, first + inside * cell.words);
        } else if (dilated) {
            dilated_row(p, input + row, left, pixels, cell.words, zero_points, strip);
        } else {
            copy_bytes(copy + before * depth, input + at, inside * depth);
            fill(cell, copy, p->stride_width * depth, pixels, strip);
        }
    }
}

void mf_conv_2d_dsp(const mf_conv_2d_dsp_params *p, const int8_t *input, int32_t *strip,
                    int8_t *output, mf_rows_product *product, uint32_t block_words)
{
    const uint32_t channels = p->weights.channels;
    for (uint32_t b = 0; b < p->batches; b++) {
        for (uint32_t y = 0; y < p->out_height; y++) {
            const int32_t top = (int32_t)(y * p->stride_height) - (int32_t)p->pad_top;
            for (uint32_t x = 0; x < p->out_width; x += p->strip) {
                const int32_t left = (int32_t)(x * p->stride_width) - (int32_t)p->pad_left;
                const uint32_t room = p->out_width - x;
                const uint32_t pixels = room < p->strip ? room : p->strip;
                gather(p, input, top, left, pixels, strip);
                mf_rows_dsp(&p->weights, product, block_words, strip, p->row_bytes, output,
                            channels, pixels);
                output += pixels * channels;
            }
        }
        input += p->in_height * p->in_width * p->in_channels;
    }
}
