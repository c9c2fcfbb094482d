/* The tick counter of a RISC-V core: instructions retired, 64 bits. */
#include <stdint.h>

#include "board.h"

static uint64_t started;

static uint64_t retired(void)
{
    uint32_t high, low, again;
    do {
        __asm__ volatile("csrr %0, minstreth\n\tcsrr %1, minstret\n\tcsrr %2, minstreth"
                         : "=r"(high), "=r"(low), "=r"(again)::"memory");
    } while (high != again);
    return (uint64_t)high << 32 | low;
}

void board_ticks_start(void)
{
    started = retired();
}

uint64_t board_ticks(void)
{
    return retired() - started;
}
