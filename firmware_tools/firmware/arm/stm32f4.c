/* Clock and UART pins of the STM32F405, F407 and F446; registers as in ST's RM0090 and RM0390.
 *
 * 168 MHz, made of the internal oscillator of 16 MHz, so that it is the same on every board, whatever
 * its crystal. That oscillator is right to 1 % at room temperature, which a UART bears. Where the PLL
 * does not lock, the core stays at 16 MHz and the UART still keeps its baud rate; QEMU, which has no
 * RCC, gets there too. */
#include "stm32f4.h"

#include "board_config.h"
#include "core.h"

#if !defined(MF_UART_TX_PIN) || !defined(MF_UART_RX_PIN)
#error "board.toml: uart.tx and uart.rx name this chip's pins"
#endif

typedef struct {
    volatile uint32_t cr, pllcfgr, cfgr;
    uint32_t unused_0c[9];
    volatile uint32_t ahb1enr;
    uint32_t unused_34[3];
    volatile uint32_t apb1enr, apb2enr;
} rcc;

typedef struct {
    volatile uint32_t moder, otyper, ospeedr, pupdr, idr, odr, bsrr, lckr, afr[2];
} gpio;

#define RCC ((rcc *)0x40023800u)
#define FLASH_ACR (*(volatile uint32_t *)0x40023C00u)
#define ON_APB2 (MF_UART_BASE >= 0x40010000u)
#define GPIO(port) ((gpio *)(0x40020000u + 0x400u * (port)))

enum { INTERNAL_HZ = 16000000, APB1_SHIFT = 2, APB2_SHIFT = 1 };
enum { ACR_5_WAIT_STATES = 5, ACR_PREFETCH = 1 << 8, ACR_CACHES = 3 << 9 };
enum { CR_PLLON = 1 << 24, CR_PLLRDY = 1 << 25 };
/* / 16 * 336 / 2, and / 7 for what wants 48 MHz; from the internal oscillator. */
enum { PLL = 16 | 336 << 6 | 0 << 16 | 7 << 24 };
enum { CFGR_APB1_BY_4 = 5 << 10, CFGR_APB2_BY_2 = 4 << 13, CFGR_PLL = 2, CFGR_IS_PLL = 2 << 2 };
enum { MODE_ALTERNATE = 2, PULL_UP = 1 };

static const uint32_t PLL_KEPT = 0xF0000000u; /* the F446's divider R, reserved on the others */
static const uint32_t ROUNDS = 10000; /* a lock takes at most 300 us, which is 4800 cycles */
static int locked;

static void start_pll(void)
{
    FLASH_ACR = ACR_5_WAIT_STATES | ACR_PREFETCH | ACR_CACHES;
    RCC->pllcfgr = (RCC->pllcfgr & PLL_KEPT) | PLL;
    RCC->cr |= CR_PLLON;
    for (uint32_t i = 0; i < ROUNDS && !locked; i++) {
        locked = (RCC->cr & CR_PLLRDY) != 0;
    }
    if (locked) {
        RCC->cfgr = CFGR_APB1_BY_4 | CFGR_APB2_BY_2 | CFGR_PLL;
        while (!(RCC->cfgr & CFGR_IS_PLL)) {
        }
    }
}

static void connect(uint32_t port, uint32_t pin)
{
    RCC->ahb1enr |= 1u << port;
    (void)RCC->ahb1enr; /* two cycles until the port has its clock */
    /* USART1 to 3 are alternate function 7, the others 8. */
    const uint32_t function =
        MF_UART_BASE == 0x40011000u || MF_UART_BASE == 0x40004400u || MF_UART_BASE == 0x40004800u
            ? 7u
            : 8u;
    gpio *at = GPIO(port);
    at->afr[pin / 8] = (at->afr[pin / 8] & ~(0xFu << 4 * (pin % 8))) | function << 4 * (pin % 8);
    at->pupdr = (at->pupdr & ~(3u << 2 * pin)) | (uint32_t)PULL_UP << 2 * pin;
    at->moder = (at->moder & ~(3u << 2 * pin)) | (uint32_t)MODE_ALTERNATE << 2 * pin;
}

void mf_chip_start(void)
{
    start_pll();
    /* A peripheral's enable bit has the number of its 1 KB page on its bus. */
    const uint32_t enable = 1u << (MF_UART_BASE & 0xFFFFu) / 0x400u;
    if (ON_APB2) {
        RCC->apb2enr |= enable;
    } else {
        RCC->apb1enr |= enable;
    }
    connect(MF_UART_TX_PORT, MF_UART_TX_PIN);
    connect(MF_UART_RX_PORT, MF_UART_RX_PIN);
}

uint32_t mf_uart_clock_hz(void)
{
    if (!locked) {
        return INTERNAL_HZ;
    }
    return MF_CLOCK_HZ >> (ON_APB2 ? APB2_SHIFT : APB1_SHIFT);
}
