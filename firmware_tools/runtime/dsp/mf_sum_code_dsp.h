/* The code of a sum, as mf_sum.c has it, for sums of 30 bits:
 *
 *   v   = SMMULR(2 * (sum + sum_offset), multiplier)
 *   out = SSAT8((v + (v >> 31) + offset) >> shift)      mf_rows_dsp.h */
#ifndef MF_SUM_CODE_DSP_H
#define MF_SUM_CODE_DSP_H

#include "mf_instructions_dsp.h"
#include "mf_kernels_dsp.h"

static inline int8_t mf_sum_code(const mf_sum_dsp_params *p, int32_t sum)
{
    const int32_t value = mf_smmulr(2 * (sum + p->sum_offset), p->multiplier);
    return mf_saturate8((value + (value >> 31) + p->offset) >> p->shift);
}

#endif
