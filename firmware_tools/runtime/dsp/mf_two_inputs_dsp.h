/* The loops of the element-wise kernels on two inputs, four elements at a time.
 *
 * The includer defines `form`, its parameters; `second`, what it needs of four elements of the second
 * input; `second_of`, which makes that of a word, and `second_alike` of one element for all four; and
 * `four`, which gives the outputs for a word of the first input. That lies along the last axis; the
 * second does too, or is one element there. */
#ifndef MF_TWO_INPUTS_DSP_H
#define MF_TWO_INPUTS_DSP_H

#include "mf_widen_dsp.h"

/* Where the registers suffice for what is within. */
#define MF_APART __attribute__((noinline))

/* The one to three elements at the end of a row. */
MF_APART static void last_few(const form *p, const int8_t *a, uint32_t count, const second *b,
                              int8_t *output)
{
    int8_t last[4];
    four(*p, mf_some_bytes(a, count), *b, last);
    memcpy(output, last, count);
}

/* The last two axes, where both inputs lie along the last. */
MF_APART static void rows(const mf_dsp_two_inputs *axes, const form *p, const int8_t *a,
                          const int8_t *b, int8_t *output)
{
    const form f = *p; /* which the outputs might lie over, for all that the C compiler knows */
    const uint32_t rest = axes->dims[3] % 4;
    for (uint32_t left = axes->dims[2]; left > 0; left--) {
        const int8_t *x = a, *y = b, *const end = a + (axes->dims[3] - rest);
        for (; x < end; x += 4, y += 4, output += 4) {
            four(f, mf_word(x), second_of(f, mf_word(y)), output);
        }
        if (rest > 0) {
            const second few = second_of(f, mf_some_bytes(y, rest));
            last_few(p, x, rest, &few, output);
            output += rest;
        }
        a += axes->stride1[2];
        b += axes->stride2[2];
    }
}

/* The same where the second input is one element there. */
MF_APART static void rows_alike(const mf_dsp_two_inputs *axes, const form *p, const int8_t *a,
                                const int8_t *b, int8_t *output)
{
    const form f = *p;
    const uint32_t rest = axes->dims[3] % 4;
    for (uint32_t left = axes->dims[2]; left > 0; left--) {
        const second alike = second_alike(f, *b);
        const int8_t *x = a, *const end = a + (axes->dims[3] - rest);
        for (; x < end; x += 4, output += 4) {
            four(f, mf_word(x), alike, output);
        }
        if (rest > 0) {
            last_few(p, x, rest, &alike, output);
            output += rest;
        }
        a += axes->stride1[2];
        b += axes->stride2[2];
    }
}

typedef void rows_fn(const mf_dsp_two_inputs *axes, const form *p, const int8_t *a,
                     const int8_t *b, int8_t *output);

static inline void all_rows(const mf_dsp_two_inputs *axes, const form *p, const int8_t *a,
                            const int8_t *b, int8_t *output, rows_fn *some_rows)
{
    const uint32_t *n = axes->dims, *s1 = axes->stride1, *s2 = axes->stride2;
    for (uint32_t i = 0; i < n[0]; i++) {
        for (uint32_t j = 0; j < n[1]; j++, output += n[2] * n[3]) {
            const int8_t *x = a + (i * s1[0] + j * s1[1]);
            const int8_t *y = b + (i * s2[0] + j * s2[1]);
            some_rows(axes, p, x, y, output);
        }
    }
}

#endif
