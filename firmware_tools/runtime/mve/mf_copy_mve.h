/* Runs of bytes, 16 at a time. */
#ifndef MF_COPY_MVE_H
#define MF_COPY_MVE_H

#include <stdint.h>

static inline void mf_copy_bytes_mve(const int8_t *from, int8_t *to, uint32_t count)
{
    __asm__ volatile("wlstp.8   lr, %[count], 2f   \n"
                     "1:                           \n"
                     "vldrb.8   q0, [%[from]], #16 \n"
                     "vstrb.8   q0, [%[to]], #16   \n"
                     "letp      lr, 1b             \n"
                     "2:                           \n"
                     : [from] "+r"(from), [to] "+r"(to)
                     : [count] "r"(count)
                     : "q0", "lr", "memory");
}

static inline void mf_fill_bytes_mve(int8_t *to, int32_t value, uint32_t count)
{
    __asm__ volatile("vdup.8    q0, %[value]       \n"
                     "wlstp.8   lr, %[count], 2f   \n"
                     "1:                           \n"
                     "vstrb.8   q0, [%[to]], #16   \n"
                     "letp      lr, 1b             \n"
                     "2:                           \n"
                     : [to] "+r"(to)
                     : [count] "r"(count), [value] "r"(value)
                     : "q0", "lr", "memory");
}

/* `count` runs of `length` bytes, one behind the other, to places `step` bytes apart. */
static inline void mf_spread_bytes_mve(const int8_t *from, int8_t *to, uint32_t length,
                                       uint32_t step, uint32_t count)
{
    if (length > 16 || count == 0) {
        for (; count > 0; count--, from += length, to += step) {
            mf_copy_bytes_mve(from, to, length);
        }
        return;
    }
    __asm__ volatile("vctp.8    %[length]             \n"
                     "dls       lr, %[count]          \n"
                     "1:                              \n"
                     "vpstt                           \n"
                     "vldrbt.8  q0, [%[from]]         \n"
                     "vstrbt.8  q0, [%[to]]           \n"
                     "add       %[from], %[length]    \n"
                     "add       %[to], %[step]        \n"
                     "le        lr, 1b                \n"
                     : [from] "+r"(from), [to] "+r"(to)
                     : [count] "r"(count), [length] "r"(length), [step] "r"(step)
                     : "q0", "lr", "p0", "memory");
}

#endif
