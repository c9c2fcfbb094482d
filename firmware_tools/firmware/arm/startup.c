/* Start-up of every Cortex-M: vectors, FPU, reset on a fault. */
#include <stdint.h>

#include "core.h"

#define AIRCR (*(volatile uint32_t *)0xE000ED0Cu)
#define VTOR (*(volatile uint32_t *)0xE000ED08u)
#define CPACR (*(volatile uint32_t *)0xE000ED88u)

enum { AIRCR_SYSRESETREQ = 0x05FA0004, CPACR_FPU = 0xF << 20 };

extern uint32_t __stack_top[];

/* A crashed board is of no use to the other end of the line; a reset it can see, and count. */
static void fault(void)
{
    AIRCR = AIRCR_SYSRESETREQ;
    for (;;) {
    }
}

typedef void (*vector)(void);
static const vector vectors[16];

void mf_reset(void)
{
    /* Whatever a boot loader left there; a Cortex-M0 has none. */
#if __ARM_ARCH >= 7
    VTOR = (uint32_t)(uintptr_t)vectors;
#endif
    /* The same two fields open the FPU and MVE; before any C that the compiler may vectorise. */
#if defined(__ARM_FP) || defined(__ARM_FEATURE_MVE)
    CPACR |= (uint32_t)CPACR_FPU;
    __asm__ volatile("dsb\n\tisb" ::: "memory");
#endif
    mf_start();
    fault();
}

/* systick.c has it where SysTick is the tick counter. */
void mf_systick(void) __attribute__((weak, alias("fault")));

/* No vectors for interrupts of the chip: drivers poll, and sleep with interrupts masked. */
__attribute__((section(".vectors"), used)) static const vector vectors[16] = {
    (vector)(uintptr_t)__stack_top,
    mf_reset,
    fault, /* NMI */
    fault, /* hard fault */
    fault, /* memory management */
    fault, /* bus fault */
    fault, /* usage fault */
    0,
    0,
    0,
    0,
    fault, /* SVCall */
    fault, /* debug monitor */
    0,
    fault, /* PendSV */
    mf_systick,
};
