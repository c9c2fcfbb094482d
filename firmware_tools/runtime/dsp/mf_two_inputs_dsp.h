/* The loops of the element-wise kernels on two inputs, four elements at a time.
 *
 * The includer defines `form` and `four`, which takes it and gives four outputs of a word of either
 * input. The first input is contiguous along the last axis; the second is too, or is one element
 * there. */
#ifndef MF_TWO_INPUTS_DSP_H
#define MF_TWO_INPUTS_DSP_H

#include "mf_widen_dsp.h"

/* 4 * blocks elements of a row. */
typedef void row_fn(const form *p, const int8_t *a, const int8_t *b, uint32_t blocks,
                    int8_t *output);

__attribute__((noinline)) static void row_by_row(const form *p, const int8_t *a, const int8_t *b,
                                                 uint32_t blocks, int8_t *output)
{
    const form f = *p; /* which the outputs might lie over, for all that the C compiler knows */
    const int8_t *const end = a + 4 * blocks;
    for (; a < end; a += 4, b += 4, output += 4) {
        four(f, mf_word(a), mf_word(b), output);
    }
}

__attribute__((noinline)) static void row_by_one(const form *p, const int8_t *a, const int8_t *b,
                                                 uint32_t blocks, int8_t *output)
{
    const form f = *p;
    const uint32_t same = (uint8_t)*b * 0x01010101u;
    const int8_t *const end = a + 4 * blocks;
    for (; a < end; a += 4, output += 4) {
        four(f, mf_word(a), same, output);
    }
}

static inline void all_rows(const mf_dsp_two_inputs *axes, const form *f, const int8_t *a,
                            const int8_t *b, int8_t *output)
{
    const uint32_t *n = axes->dims, *s1 = axes->stride1, *s2 = axes->stride2;
    const uint32_t blocks = n[3] / 4, rest = n[3] % 4;
    row_fn *const row = s2[3] == 0 ? row_by_one : row_by_row;
    for (uint32_t i = 0; i < n[0]; i++) {
        for (uint32_t j = 0; j < n[1]; j++) {
            for (uint32_t k = 0; k < n[2]; k++, output += n[3]) {
                const int8_t *x = a + (i * s1[0] + j * s1[1] + k * s1[2]);
                const int8_t *y = b + (i * s2[0] + j * s2[1] + k * s2[2]);
                row(f, x, y, blocks, output);
                if (rest > 0) {
                    const uint32_t at = 4 * blocks;
                    const uint32_t last1 = mf_some_bytes(x + at, rest);
                    const uint32_t last2 = s2[3] == 0 ? (uint8_t)*y : mf_some_bytes(y + at, rest);
                    int8_t last[4];
                    row(f, (const int8_t *)&last1, (const int8_t *)&last2, 1, last);
                    memcpy(output + at, last, rest);
                }
            }
        }
    }
}

#endif
