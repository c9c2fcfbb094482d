/* MAX_POOL_2D of int8 with the DSP extension, of four channels at least; nothing is clamped.
 *
 * The taps that lie inside are gone through one by one, each with all of its channels, a word of four
 * at a time: SSUB8, SEL. Instructions for a word of a window of n taps: 6 * max(n - 1, 1). */
#include <string.h>

#include "mf_larger_dsp.h"
#include "mf_pools_dsp.h"
#include "mf_widen_dsp.h"

static inline void one_word(const int8_t *a, const int8_t *b, int8_t *output)
{
    const uint32_t four = mf_larger_dsp(mf_word(a), mf_word(b));
    memcpy(output, &four, sizeof four);
}

/* `output` may be `a`. Apart, where the registers suffice. */
__attribute__((noinline)) static void all_channels(const int8_t *a, const int8_t *b,
                                                   uint32_t channels, int8_t *output)
{
    const int8_t *const end = a + channels;
    for (; a + 8 <= end; a += 8, b += 8, output += 8) {
        one_word(a, b, output);
        one_word(a + 4, b + 4, output + 4);
    }
    if (a + 4 <= end) {
        one_word(a, b, output);
        a += 4, b += 4, output += 4;
    }
    if (a < end) { /* the last four, of which some are done */
        const int32_t back = end - a - 4;
        one_word(a + back, b + back, output + back);
    }
}

static void pixel(const mf_pool_2d_params *p, const int8_t *input, uint32_t rows,
                  uint32_t columns, int8_t *output)
{
    const int8_t *so_far = input;
    for (uint32_t i = 0; i < rows; i++, input += p->in_width * p->channels) {
        const int8_t *tap = input;
        for (uint32_t j = 0; j < columns; j++, tap += p->channels) {
            if (tap != so_far || rows * columns == 1) {
                all_channels(so_far, tap, p->channels, output);
                so_far = output;
            }
        }
    }
}

void mf_max_pool_2d_s8_dsp(const mf_pool_2d_params *p, const int8_t *input, int8_t *output)
{
    mf_all_pixels(p, input, output, pixel);
}
