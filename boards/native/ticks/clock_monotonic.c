/* The tick counter of the host: nanoseconds of its monotonic clock. */
#define _GNU_SOURCE
#include "board.h"

#include <time.h>

static uint64_t started;

static uint64_t now(void)
{
    struct timespec time;
    clock_gettime(CLOCK_MONOTONIC, &time);
    return (uint64_t)time.tv_sec * 1000000000u + (uint64_t)time.tv_nsec;
}

void board_ticks_start(void)
{
    started = now();
}

uint64_t board_ticks(void)
{
    return now() - started;
}
