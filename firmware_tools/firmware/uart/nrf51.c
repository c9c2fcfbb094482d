/* The UART of a Nordic nRF51; polled. */
#include <stdint.h>

#include "board.h"
#include "board_config.h"
#include "core.h"

#define REGISTER(offset) (*(volatile uint32_t *)(MF_UART_BASE + (offset)))
#define TASKS_STARTRX REGISTER(0x000u)
#define TASKS_STARTTX REGISTER(0x008u)
#define EVENTS_RXDRDY REGISTER(0x108u)
#define EVENTS_TXDRDY REGISTER(0x11Cu)
#define INTENSET REGISTER(0x304u)
#define ENABLE REGISTER(0x500u)
#define PIN_TX REGISTER(0x50Cu)
#define PIN_RX REGISTER(0x514u)
#define RXD REGISTER(0x518u)
#define TXD REGISTER(0x51Cu)
#define BAUDRATE REGISTER(0x524u)

enum { INT_RXDRDY = 1 << 2, ENABLE_UART = 4 };

void board_init(void)
{
    PIN_TX = MF_UART_TX_PIN;
    PIN_RX = MF_UART_RX_PIN;
    /* baud * 2^32 / the clock, rounded to the 20 bits that count. */
    BAUDRATE = (uint32_t)((((uint64_t)MF_UART_BAUD << 32) / MF_CLOCK_HZ + 0x800u) & 0xFFFFF000u);
    ENABLE = ENABLE_UART;
    INTENSET = INT_RXDRDY;
    TASKS_STARTRX = 1;
    TASKS_STARTTX = 1;
}

int board_read(void)
{
    if (!EVENTS_RXDRDY) {
        return -1;
    }
    /* First the event: reading lets the next byte of the FIFO raise it again. */
    EVENTS_RXDRDY = 0;
    return (int)(RXD & 0xFF);
}

void board_write(const uint8_t *bytes, uint32_t count)
{
    for (uint32_t i = 0; i < count; i++) {
        EVENTS_TXDRDY = 0;
        TXD = bytes[i];
        while (!EVENTS_TXDRDY) {
        }
    }
}

void board_idle(void)
{
    if (!EVENTS_RXDRDY) {
        mf_sleep_until(MF_UART_IRQ);
    }
}
