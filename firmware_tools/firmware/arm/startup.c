/* Start-up of every Cortex-M: vectors, .data and .bss, FPU, stack paint, boot counter, reset on
 * a fault. The symbols in it come from sections.ld. */
#include <stdint.h>

#include "board.h"

#define AIRCR (*(volatile uint32_t *)0xE000ED0Cu)
#define CPACR (*(volatile uint32_t *)0xE000ED88u)

enum { AIRCR_SYSRESETREQ = 0x05FA0004, CPACR_FPU = 0xF << 20 };

static const uint32_t PAINT = 0xC5C5C5C5u;
static const uint32_t BOOT_MAGIC = 0x4D464254u;

extern uint32_t __data_load[], __data_start[], __data_end[];
extern uint32_t __bss_start[], __bss_end[];
extern uint32_t __stack_limit[], __stack_top[];

/* Survives a reset, not a power cycle: start-up neither loads nor clears it. */
static struct {
    uint32_t magic;
    uint32_t count;
} boots __attribute__((section(".noinit")));

int main(void);

uint32_t board_boot(void)
{
    return boots.count;
}

uint32_t board_stack_bytes(void)
{
    const uint32_t *word = __stack_limit;
    while (word < __stack_top && *word == PAINT) {
        word++;
    }
    return (uint32_t)((uintptr_t)__stack_top - (uintptr_t)word);
}

/* A crashed board is of no use to the other end of the line; a reset it can see, and count. */
static void fault(void)
{
    AIRCR = AIRCR_SYSRESETREQ;
    for (;;) {
    }
}

void mf_reset(void)
{
    uint32_t *stack_pointer;
    __asm__ volatile("mov %0, sp" : "=r"(stack_pointer));
    /* volatile: a call to memset would paint over its own stack frame. */
    for (volatile uint32_t *word = __stack_limit; word < stack_pointer; word++) {
        *word = PAINT;
    }
    const uint32_t *from = __data_load;
    for (uint32_t *to = __data_start; to < __data_end; to++) {
        *to = *from++;
    }
    for (uint32_t *to = __bss_start; to < __bss_end; to++) {
        *to = 0;
    }
#ifdef __ARM_FP
    CPACR |= (uint32_t)CPACR_FPU;
    __asm__ volatile("dsb\n\tisb" ::: "memory");
#endif
    boots.count = boots.magic == BOOT_MAGIC ? boots.count + 1 : 1;
    boots.magic = BOOT_MAGIC;
    (void)main();
    fault();
}

void mf_systick(void);

typedef void (*vector)(void);

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
