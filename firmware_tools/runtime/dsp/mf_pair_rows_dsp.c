/* Two rows of an image as planes of pairs: 17 instructions for 8 inputs. */
#include "mf_pairs_dsp.h"
#include "mf_widen_dsp.h"

void mf_pair_rows_dsp(mf_row above, mf_row below, uint32_t count, uint32_t column_words,
                      uint32_t plane_words, int32_t *to)
{
    int32_t *const second = to + plane_words;
    for (uint32_t at = 0; count > 0; count--, at += column_words) {
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
