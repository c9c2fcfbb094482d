/* Arm's PrimeCell UART PL011, as on the Stellaris; polled. Its clock is the core's. */
#include <stdint.h>

#include "board.h"
#include "board_config.h"
#include "core.h"

#define REGISTER(offset) (*(volatile uint32_t *)(MF_UART_BASE + (offset)))
#define DATA REGISTER(0x000u)
#define FLAGS REGISTER(0x018u)
#define DIVIDER REGISTER(0x024u)
#define DIVIDER_64THS REGISTER(0x028u)
#define LINE REGISTER(0x02Cu)
#define CONTROL REGISTER(0x030u)
#define FIFO_LEVEL REGISTER(0x034u)
#define INTERRUPTS REGISTER(0x038u)

enum { FLAG_RX_EMPTY = 1 << 4, FLAG_TX_FULL = 1 << 5 };
enum { LINE_FIFO = 1 << 4, LINE_8_BITS = 3 << 5 };
enum { CONTROL_ENABLE = 1 << 0, CONTROL_TX = 1 << 8, CONTROL_RX = 1 << 9 };
/* At an eighth of the FIFO, or when bytes stop coming before. */
enum { INTERRUPT_RX = 1 << 4, INTERRUPT_RX_TIMEOUT = 1 << 6 };

void board_init(void)
{
    const uint32_t sixty_fourths =
        (uint32_t)((4ull * MF_CLOCK_HZ + MF_UART_BAUD / 2) / MF_UART_BAUD);
    CONTROL = 0;
    DIVIDER = sixty_fourths / 64;
    DIVIDER_64THS = sixty_fourths % 64;
    LINE = LINE_FIFO | LINE_8_BITS; /* takes the divider over, too */
    FIFO_LEVEL = 0;
    INTERRUPTS = INTERRUPT_RX | INTERRUPT_RX_TIMEOUT;
    CONTROL = CONTROL_ENABLE | CONTROL_TX | CONTROL_RX;
}

int board_read(void)
{
    return FLAGS & FLAG_RX_EMPTY ? -1 : (int)(DATA & 0xFF);
}

void board_write(const uint8_t *bytes, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        while (FLAGS & FLAG_TX_FULL) {
        }
        DATA = bytes[i];
    }
}

void board_idle(void)
{
    if (FLAGS & FLAG_RX_EMPTY) {
        mf_sleep_until(MF_UART_IRQ);
    }
}
