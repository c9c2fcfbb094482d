/* An element-wise function of one int8 by table: a gathering load of 16 in 6 instructions. */
#ifndef MF_LOOKUP_MVE_H
#define MF_LOOKUP_MVE_H

#include <stdint.h>

/* The table's entry for -128 is its first. Input and output may be the same. */
static inline void mf_lookup_mve(const int8_t *table, const int8_t *input, int8_t *output,
                                 uint32_t count)
{
    __asm__ volatile("vmov.i8    q1, #0x80            \n"
                     "wlstp.8    lr, %[count], 2f     \n"
                     "1:                              \n"
                     "vldrb.8    q0, [%[input]], #16  \n"
                     "veor       q0, q0, q1           \n"
                     "vldrb.u8   q2, [%[table], q0]   \n"
                     "vstrb.8    q2, [%[output]], #16 \n"
                     "letp       lr, 1b               \n"
                     "2:                              \n"
                     : [input] "+r"(input), [output] "+r"(output)
                     : [count] "r"(count), [table] "r"(table)
                     : "q0", "q1", "q2", "lr", "memory");
}

#endif
