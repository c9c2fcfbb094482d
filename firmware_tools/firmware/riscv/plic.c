/* Sleep of a RISC-V core behind a platform-level interrupt controller where SiFive put it: an
 * interrupt that is pending ends WFI though mstatus keeps it from being taken. */
#include "core.h"

#define PLIC_PRIORITY ((volatile uint32_t *)0x0C000000u)
#define PLIC_ENABLE ((volatile uint32_t *)0x0C002000u)
#define PLIC_THRESHOLD (*(volatile uint32_t *)0x0C200000u)
#define PLIC_CLAIM (*(volatile uint32_t *)0x0C200004u)

enum { MIE_MEIE = 1 << 11 };

void mf_sleep_until(uint32_t number)
{
    PLIC_PRIORITY[number] = 1;
    PLIC_ENABLE[number / 32] = 1u << (number % 32);
    PLIC_THRESHOLD = 0;
    __asm__ volatile("csrs mie, %0\n\twfi" ::"r"(MIE_MEIE) : "memory");
    /* Claimed and completed, it can be pending again. */
    PLIC_CLAIM = PLIC_CLAIM;
}
