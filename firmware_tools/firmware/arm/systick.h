/* The tick counter of a Cortex-M: 24 bits of SysTick, widened to 64. */
#ifndef MF_SYSTICK_H
#define MF_SYSTICK_H

void mf_systick_start(void);

#endif
