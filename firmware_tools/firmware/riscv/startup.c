/* Start-up of a RISC-V core in machine mode. Every trap is a crash, since interrupts stay masked,
 * and starts the firmware anew: the other end of the line sees the boot counter go up. */
#include "core.h"

void mf_reset(void);

/* First in flash, where the core starts, and aligned as mtvec wants it. */
__attribute__((naked, section(".vectors"), used, aligned(4))) void mf_reset(void)
{
    __asm__ volatile("csrci mstatus, 8\n\t" /* MIE */
                     "la t0, mf_reset\n\t"
                     "csrw mtvec, t0\n\t"
                     "la sp, __stack_top\n\t"
                     "call mf_start\n\t"
                     "j mf_reset");
}
