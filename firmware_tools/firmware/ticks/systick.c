/* The tick counter of a Cortex-M: 24 bits of SysTick, widened to 64. */
#include <stdint.h>

#include "board.h"

#define SYST_CSR (*(volatile uint32_t *)0xE000E010u)
#define SYST_RVR (*(volatile uint32_t *)0xE000E014u)
#define SYST_CVR (*(volatile uint32_t *)0xE000E018u)
#define ICSR (*(volatile uint32_t *)0xE000ED04u)

static const uint32_t RELOAD = 0x00FFFFFFu;
enum {
    CSR_ENABLE = 1,
    CSR_TICKINT = 2,
    CSR_CLKSOURCE = 4,
    ICSR_PENDSTSET = 1 << 26,
    ICSR_PENDSTCLR = 1 << 25
};

static volatile uint32_t wraps;

/* The vector table's entry for SysTick. */
void mf_systick(void);

void mf_systick(void)
{
    wraps++;
}

void board_ticks_start(void)
{
    SYST_CSR = 0;
    ICSR = ICSR_PENDSTCLR;
    wraps = 0;
    SYST_RVR = RELOAD;
    SYST_CVR = 0;
    SYST_CSR = CSR_ENABLE | CSR_TICKINT | CSR_CLKSOURCE;
}

uint64_t board_ticks(void)
{
    uint32_t masked;
    __asm__ volatile("mrs %0, primask\n\tcpsid i" : "=r"(masked)::"memory");
    uint32_t high = wraps;
    uint32_t value = SYST_CVR;
    if (ICSR & ICSR_PENDSTSET) {
        /* It wrapped and the interrupt waits: read again, now surely behind the wrap. */
        value = SYST_CVR;
        high++;
    }
    __asm__ volatile("msr primask, %0" ::"r"(masked) : "memory");
    /* It counts down, and the interrupt comes at 0: 0 is the first tick of a period. */
    return (uint64_t)high << 24 | ((0u - value) & RELOAD);
}
