/* A 16550 with registers a byte apart; polled. The divisor of its clock is left as it is found, and
 * its FIFO off: switching that on throws away what has come already. */
#include <stdint.h>

#include "board.h"
#include "board_config.h"
#include "core.h"

typedef struct {
    volatile uint8_t data, interrupts, fifo, line_control, modem_control, line_status;
} ns16550_uart;

#define UART ((ns16550_uart *)MF_UART_BASE)

enum { INTERRUPT_RX = 1, LINE_8N1 = 3, STATUS_RX_READY = 1, STATUS_TX_EMPTY = 0x20 };

void board_init(void)
{
    UART->line_control = LINE_8N1;
    UART->interrupts = INTERRUPT_RX;
}

int board_read(void)
{
    return UART->line_status & STATUS_RX_READY ? (int)UART->data : -1;
}

void board_write(const uint8_t *bytes, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        while (!(UART->line_status & STATUS_TX_EMPTY)) {
        }
        UART->data = bytes[i];
    }
}

void board_idle(void)
{
    if (!(UART->line_status & STATUS_RX_READY)) {
        mf_sleep_until(MF_UART_IRQ);
    }
}
