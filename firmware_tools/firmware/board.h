/* What the firmware asks of a board. A board's sources, named in its board.toml, define these. */
#ifndef MF_BOARD_H
#define MF_BOARD_H

#include <stdint.h>

/* Clocks, UART and tick counter, before anything else. */
void board_init(void);

/* The next received byte, or -1 when there is none yet. Never waits. */
int board_read(void);

/* Sends bytes in order and returns when the line has taken them. */
void board_write(const uint8_t *bytes, uint32_t count);

/* Sleeps until a byte may have come; may return for no reason. */
void board_idle(void);

/* Ticks since some moment after the start, right across wraps of the hardware counter. */
uint64_t board_ticks(void);

/* The most stack that was ever in use, in bytes; 0 where the board cannot tell. */
uint32_t board_stack_bytes(void);

/* A number that a reset changes. */
uint32_t board_boot(void);

#endif
