/* What the firmware asks of a board. A board's sources, named in its board.toml, define these. */
#ifndef MF_BOARD_H
#define MF_BOARD_H

#include <stdint.h>

/* Clocks and UART, before anything else. */
void board_init(void);

/* The next received byte, or -1 when there is none yet. Never waits. */
int board_read(void);

/* Sends bytes in order and returns when the line has taken them. */
void board_write(const uint8_t *bytes, uint32_t count);

/* Sleeps until a byte may have come; may return for no reason. */
void board_idle(void);

/* Starts the tick counter at 0, so that a measurement does not depend on where in a tick it
 * begins. */
void board_ticks_start(void);

/* Ticks since then, right across wraps of the hardware counter. */
uint64_t board_ticks(void);

/* The most stack that was ever in use, in bytes; 0 where the board cannot tell. */
uint32_t board_stack_bytes(void);

/* A number that a reset changes. */
uint32_t board_boot(void);

#endif
