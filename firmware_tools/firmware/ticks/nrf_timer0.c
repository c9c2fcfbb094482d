/* The tick counter of a Nordic nRF51, which has no SysTick: TIMER0 at 16 MHz, 32 bits, so that it
 * wraps after 268 seconds. */
#include <stdint.h>

#include "board.h"

typedef struct {
    volatile uint32_t start, stop, count, clear;
    uint32_t unused_010[12];
    volatile uint32_t capture[4];
    uint32_t unused_050[301];
    volatile uint32_t mode, bitmode, unused_50c, prescaler;
    uint32_t unused_514[11];
    volatile uint32_t cc[4];
} nrf_timer;

#define TIMER0 ((nrf_timer *)0x40008000u)

enum { MODE_TIMER = 0, BITMODE_32 = 3 };

void board_ticks_start(void)
{
    TIMER0->stop = 1;
    TIMER0->mode = MODE_TIMER;
    TIMER0->bitmode = BITMODE_32;
    TIMER0->prescaler = 0;
    TIMER0->clear = 1;
    TIMER0->start = 1;
}

uint64_t board_ticks(void)
{
    TIMER0->capture[0] = 1;
    return TIMER0->cc[0];
}
