/* The UART of Arm's Cortex-M System Design Kit (APB UART), as on the MPS2 and MPS3 boards;
 * polled. */
#include <stdint.h>

#include "board.h"
#include "board_config.h"
#include "core.h"

typedef struct {
    volatile uint32_t data, state, ctrl, interrupts, divider;
} cmsdk_uart;

#define UART ((cmsdk_uart *)MF_UART_BASE)

enum {
    STATE_TX_FULL = 1,
    STATE_RX_FULL = 2,
    CTRL_TX = 1,
    CTRL_RX = 2,
    CTRL_RX_INTERRUPT = 8,
    INTERRUPT_RX = 2
};

void board_init(void)
{
    UART->divider = MF_CLOCK_HZ / MF_UART_BAUD;
    UART->ctrl = CTRL_TX | CTRL_RX | CTRL_RX_INTERRUPT;
}

int board_read(void)
{
    return UART->state & STATE_RX_FULL ? (int)(UART->data & 0xFF) : -1;
}

void board_write(const uint8_t *bytes, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        while (UART->state & STATE_TX_FULL) {
        }
        UART->data = bytes[i];
    }
}

void board_idle(void)
{
    /* In this order a byte that comes in between is seen or raises the interrupt anew. */
    UART->interrupts = INTERRUPT_RX;
    if (!(UART->state & STATE_RX_FULL)) {
        mf_sleep_until(MF_UART_IRQ);
    }
}
