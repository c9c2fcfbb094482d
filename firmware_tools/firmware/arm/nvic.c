/* Sleep of every Cortex-M: a pending interrupt ends WFI though PRIMASK keeps it from being taken. */
#include "core.h"

#define NVIC_ISER ((volatile uint32_t *)0xE000E100u)
#define NVIC_ICER ((volatile uint32_t *)0xE000E180u)
#define NVIC_ICPR ((volatile uint32_t *)0xE000E280u)

void mf_sleep_until(uint32_t number)
{
    const uint32_t word = number / 32;
    const uint32_t bit = 1u << (number % 32);
    __asm__ volatile("cpsid i" ::: "memory");
    NVIC_ISER[word] = bit;
    __asm__ volatile("wfi" ::: "memory");
    NVIC_ICER[word] = bit;
    NVIC_ICPR[word] = bit;
    __asm__ volatile("cpsie i" ::: "memory");
}
