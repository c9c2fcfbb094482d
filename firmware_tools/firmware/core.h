/* What the common start-up code and the UART drivers share with one kind of core: `arm/` and
 * `riscv/` each define it. */
#ifndef MF_CORE_H
#define MF_CORE_H

#include <stdint.h>

/* start.c: fills RAM, counts the boot and runs main, on a stack that is set up already. Comes back
 * only where main did. */
void mf_start(void);

/* The chip's clock and the UART's pins, before main; weak in start.c, for chips whose reset leaves
 * both right. */
void mf_chip_start(void);

/* Sleeps until the UART's interrupt `number` is pending; the interrupt is never taken. May return
 * for no reason. A driver makes sure beforehand that no byte is waiting, and that one that comes
 * raises the interrupt. */
void mf_sleep_until(uint32_t number);

#endif
