/* The USART of the STM32F4; polled. */
#include <stdint.h>

#include "arm/stm32f4.h"
#include "board.h"
#include "board_config.h"
#include "core.h"

typedef struct {
    volatile uint32_t status, data, divider, control;
} stm32_usart;

#define USART ((stm32_usart *)MF_UART_BASE)

enum { STATUS_RX_FULL = 1 << 5, STATUS_TX_EMPTY = 1 << 7 };
enum {
    CONTROL_RX = 1 << 2,
    CONTROL_TX = 1 << 3,
    CONTROL_RX_INTERRUPT = 1 << 5,
    CONTROL_ENABLE = 1 << 13
};

void board_init(void)
{
    USART->divider = (mf_uart_clock_hz() + MF_UART_BAUD / 2) / MF_UART_BAUD;
    USART->control = CONTROL_ENABLE | CONTROL_TX | CONTROL_RX | CONTROL_RX_INTERRUPT;
}

int board_read(void)
{
    /* In this order an overrun is forgotten too. */
    return USART->status & STATUS_RX_FULL ? (int)(USART->data & 0xFF) : -1;
}

void board_write(const uint8_t *bytes, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        while (!(USART->status & STATUS_TX_EMPTY)) {
        }
        USART->data = bytes[i];
    }
}

void board_idle(void)
{
    if (!(USART->status & STATUS_RX_FULL)) {
        mf_sleep_until(MF_UART_IRQ);
    }
}
