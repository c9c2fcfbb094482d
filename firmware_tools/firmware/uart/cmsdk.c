/* A Cortex-M with the UART of Arm's Cortex-M System Design Kit (APB UART), as on the MPS2 and
 * MPS3 boards. Polled; the interrupt only ends the sleep, masked, so it never runs during an
 * inference. */
#include <stdint.h>

#include "board.h"
#include "board_config.h"

typedef struct {
    volatile uint32_t data, state, ctrl, interrupts, divider;
} cmsdk_uart;

#define UART ((cmsdk_uart *)MF_UART_BASE)
#define NVIC_ISER ((volatile uint32_t *)0xE000E100u)
#define NVIC_ICER ((volatile uint32_t *)0xE000E180u)
#define NVIC_ICPR ((volatile uint32_t *)0xE000E280u)

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
    const uint32_t word = MF_UART_IRQ / 32;
    const uint32_t bit = 1u << (MF_UART_IRQ % 32);
    __asm__ volatile("cpsid i" ::: "memory");
    UART->interrupts = INTERRUPT_RX;
    NVIC_ICPR[word] = bit;
    NVIC_ISER[word] = bit;
    if (!(UART->state & STATE_RX_FULL)) {
        __asm__ volatile("wfi" ::: "memory");
    }
    NVIC_ICER[word] = bit;
    NVIC_ICPR[word] = bit;
    __asm__ volatile("cpsie i" ::: "memory");
}
