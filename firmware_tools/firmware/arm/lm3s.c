/* Clock and UART pins of a Stellaris LM3S with a crystal of 8 MHz: 50 MHz from the PLL's 200. */
#include <stdint.h>

#include "board_config.h"
#include "core.h"

#if !defined(MF_UART_TX_PIN) || !defined(MF_UART_RX_PIN)
#error "board.toml: uart.tx and uart.rx name this chip's pins"
#endif

#define SYSTEM(offset) (*(volatile uint32_t *)(0x400FE000u + (offset)))
#define RIS SYSTEM(0x050u)
#define RCC SYSTEM(0x060u)
#define RCGC1 SYSTEM(0x104u)
#define RCGC2 SYSTEM(0x108u)
/* Ports A to D. */
#define GPIO_ALTERNATE(port) (*(volatile uint32_t *)(0x40004420u + 0x1000u * (port)))
#define GPIO_DIGITAL(port) (*(volatile uint32_t *)(0x4000451Cu + 0x1000u * (port)))

enum { RIS_LOCKED = 1 << 6 };
enum {
    RCC_NO_CRYSTAL = 1 << 0,
    RCC_SOURCE = 3 << 4, /* 0: the crystal */
    RCC_CRYSTAL = 0xF << 6,
    RCC_8_MHZ = 0xE << 6,
    RCC_BYPASS = 1 << 11,
    RCC_PLL_OFF = 1 << 13,
    RCC_DIVIDE = 1 << 22,
    RCC_DIVISOR = 0xF << 23,
    RCC_BY_4 = 3 << 23
};

static void start_pll(void)
{
    uint32_t mode = (RCC & ~(uint32_t)(RCC_DIVIDE | RCC_NO_CRYSTAL)) | RCC_BYPASS;
    RCC = mode;
    /* Until the crystal swings; a round is three cycles of 12 MHz at least, so this is 25 ms. */
    for (volatile uint32_t i = 0; i < 100000; i++) {
    }
    mode &= ~(uint32_t)(RCC_SOURCE | RCC_CRYSTAL | RCC_PLL_OFF);
    mode |= RCC_8_MHZ;
    RCC = mode;
    mode = (mode & ~(uint32_t)RCC_DIVISOR) | RCC_BY_4 | RCC_DIVIDE;
    RCC = mode;
    while (!(RIS & RIS_LOCKED)) {
    }
    RCC = mode & ~(uint32_t)RCC_BYPASS;
}

static void connect(uint32_t port, uint32_t pin)
{
    RCGC2 |= 1u << port;
    (void)RCGC2; /* three cycles until the port has its clock */
    GPIO_ALTERNATE(port) |= 1u << pin;
    GPIO_DIGITAL(port) |= 1u << pin;
}

void mf_chip_start(void)
{
    start_pll();
    RCGC1 |= 1u << (MF_UART_BASE - 0x4000C000u) / 0x1000u;
    connect(MF_UART_TX_PORT, MF_UART_TX_PIN);
    connect(MF_UART_RX_PORT, MF_UART_RX_PIN);
}
