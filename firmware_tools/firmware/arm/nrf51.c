/* Clock and UART pins of a Nordic nRF51: the crystal in place of the internal oscillator, which is
 * too far off for a UART. The UART picks its pins itself, see uart/nrf51.c. */
#include <stdint.h>

#include "board_config.h"
#include "core.h"

#if !defined(MF_UART_TX_PIN) || !defined(MF_UART_RX_PIN)
#error "board.toml: uart.tx and uart.rx name this chip's pins"
#endif

#define CLOCK_START_CRYSTAL (*(volatile uint32_t *)0x40000000u)
#define CLOCK_CRYSTAL_STARTED (*(volatile uint32_t *)0x40000100u)
#define GPIO_OUT_SET (*(volatile uint32_t *)0x50000508u)
#define GPIO_OUTPUT_SET (*(volatile uint32_t *)0x50000518u)
#define GPIO_PIN(number) (*(volatile uint32_t *)(0x50000700u + 4u * (number)))

enum { PIN_INPUT_PULLED_UP = 3 << 2 };

void mf_chip_start(void)
{
    CLOCK_START_CRYSTAL = 1;
    while (!CLOCK_CRYSTAL_STARTED) {
    }
    /* Between bytes the line is high. */
    GPIO_OUT_SET = 1u << MF_UART_TX_PIN;
    GPIO_OUTPUT_SET = 1u << MF_UART_TX_PIN;
    GPIO_PIN(MF_UART_RX_PIN) = PIN_INPUT_PULLED_UP;
}
