/* Packs a matrix of activations for mf_product_row_dsp: see mf_product_dsp.h.
 *
 * 2 * (x - zp) is taken apart from words of four elements, along the depth or along the columns. */
#include "mf_product_dsp.h"

/* Four inputs of one column. */
static void along_depth(const mf_pack_dsp_params *p, const int8_t *from, int32_t *packed)
{
    const uint32_t word = mf_word(from);
    const mf_halves once = mf_halves_of(mf_both_halves(-2 * p->zero_point), word);
    const mf_halves twice = {
        .even = mf_halves_of((uint32_t)once.even, word).even,
        .odd = mf_halves_of((uint32_t)once.odd, word).odd,
    };
    packed[0] = mf_bottoms(twice.even, twice.odd);
    packed[1] = mf_tops(twice.even, twice.odd);
}

/* Four inputs of four columns, that lie in words of four columns. */
static void along_columns(const mf_pack_dsp_params *p, const int8_t *from, int32_t *packed)
{
    const uint32_t offset = mf_both_halves(-2 * p->zero_point);
    for (uint32_t pair = 0; pair < 2; pair++) {
        const uint32_t a = mf_word(from);
        const uint32_t b = mf_word(from + p->depth_stride);
        const int32_t a_even = mf_halves_of((uint32_t)mf_halves_of(offset, a).even, a).even;
        const int32_t a_odd = mf_halves_of((uint32_t)mf_halves_of(offset, a).odd, a).odd;
        const int32_t b_even = mf_halves_of((uint32_t)mf_halves_of(offset, b).even, b).even;
        const int32_t b_odd = mf_halves_of((uint32_t)mf_halves_of(offset, b).odd, b).odd;
        packed[pair] = mf_bottoms(a_even, b_even);
        packed[pair + 2] = mf_bottoms(a_odd, b_odd);
        packed[pair + 4] = mf_tops(a_even, b_even);
        packed[pair + 6] = mf_tops(a_odd, b_odd);
        from += 2 * p->depth_stride;
    }
}

/* What is left at an edge, element by element. */
static void edge(const mf_pack_dsp_params *p, const int8_t *from, uint32_t depth,
                 uint32_t columns, int32_t *packed)
{
    int16_t halves[16] = {0};
    for (uint32_t c = 0; c < 4 && c < columns; c++) {
        for (uint32_t k = 0; k < 4 && k < depth; k++) {
            const int32_t x = from[k * p->depth_stride + c * p->column_stride];
            halves[4 * c + k] = (int16_t)(2 * (x - p->zero_point));
        }
    }
    memcpy(packed, halves, sizeof halves);
}

void mf_pack_dsp(const mf_pack_dsp_params *p, const int8_t *matrix, int32_t *packed)
{
    const uint32_t padded = (p->depth + 7) & ~7u;
    for (uint32_t c = 0; c < p->columns; c += 4) {
        const uint32_t columns = p->columns - c;
        for (uint32_t k = 0; k < padded; k += 4, packed += 8) {
            const int8_t *from = matrix + k * p->depth_stride + c * p->column_stride;
            const uint32_t depth = k < p->depth ? p->depth - k : 0;
            if (depth < 4 || columns < 4) {
                edge(p, from, depth, columns, packed);
            } else if (p->depth_stride == 1) {
                for (uint32_t i = 0; i < 4; i++) {
                    along_depth(p, from + i * p->column_stride, packed + 2 * i);
                }
            } else {
                along_columns(p, from, packed);
            }
        }
    }
}
