/* The UART of SiFive's Freedom E chips; polled. */
#include <stdint.h>

#include "board.h"
#include "board_config.h"
#include "core.h"

typedef struct {
    volatile uint32_t txdata, rxdata, txctrl, rxctrl, interrupts, pending, divider;
} sifive_uart;

#define UART ((sifive_uart *)MF_UART_BASE)

static const uint32_t FULL_OR_EMPTY = 0x80000000u;
enum { CTRL_ENABLE = 1, INTERRUPT_RX = 2 /* more bytes than the level in rxctrl, which is 0 */ };

void board_init(void)
{
    UART->divider = MF_CLOCK_HZ / MF_UART_BAUD - 1;
    UART->txctrl = CTRL_ENABLE;
    UART->rxctrl = CTRL_ENABLE;
    UART->interrupts = INTERRUPT_RX;
}

int board_read(void)
{
    uint32_t received = UART->rxdata;
    return received & FULL_OR_EMPTY ? -1 : (int)(received & 0xFF);
}

void board_write(const uint8_t *bytes, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        while (UART->txdata & FULL_OR_EMPTY) {
        }
        UART->txdata = bytes[i];
    }
}

void board_idle(void)
{
    if (!(UART->pending & INTERRUPT_RX)) {
        mf_sleep_until(MF_UART_IRQ);
    }
}
