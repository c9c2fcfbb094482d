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

/* Copies bytes that are `stride` apart, less than 8192, to a run; gives their sum. count > 0. */
static inline int32_t mf_take_bytes_mve(const int8_t *from, uint32_t stride, int8_t *to,
                                        uint32_t count)
{
    int32_t sum = 0;
    if (stride == 1) {
        __asm__ volatile("dlstp.8    lr, %[count]       \n"
                         "1:                            \n"
                         "vldrb.8    q0, [%[from]], #16 \n"
                         "vstrb.8    q0, [%[to]], #16   \n"
                         "vaddva.s8  %[sum], q0         \n"
                         "letp       lr, 1b             \n"
                         : [from] "+r"(from), [to] "+r"(to), [sum] "+Te"(sum)
                         : [count] "r"(count)
                         : "q0", "lr", "memory");
        return sum;
    }
    uint32_t lane = 0;
    __asm__ volatile("vidup.u16  q1, %[lane], #1      \n"
                     "vmul.i16   q1, q1, %[stride]    \n"
                     "dlstp.16   lr, %[count]         \n"
                     "1:                              \n"
                     "vldrb.s16  q0, [%[from], q1]    \n"
                     "add        %[from], %[step]     \n"
                     "vstrb.16   q0, [%[to]], #8      \n"
                     "vaddva.s16 %[sum], q0           \n"
                     "letp       lr, 1b               \n"
                     : [from] "+r"(from), [to] "+l"(to), [sum] "+Te"(sum), [lane] "+Te"(lane)
                     : [count] "r"(count), [stride] "r"(stride), [step] "r"(8 * stride)
                     : "q0", "q1", "lr", "memory");
    return sum;
}

#endif
