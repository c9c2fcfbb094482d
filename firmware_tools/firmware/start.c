/* Start-up that every core has in common: stack paint, .data and .bss, the boot counter. The
 * symbols in it come from sections.ld. */
#include <stdint.h>

#include "board.h"
#include "core.h"

static const uint32_t PAINT = 0xC5C5C5C5u;
static const uint32_t BOOT_MAGIC = 0x4D464254u;

extern uint32_t __data_load[], __data_start[], __data_end[];
extern uint32_t __bss_start[], __bss_end[];
extern uint32_t __stack_limit[], __stack_top[];
extern void (*const __init_array_start[])(void);
extern void (*const __init_array_end[])(void);

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

__attribute__((weak)) void mf_chip_start(void)
{
}

void mf_start(void)
{
    /* The few words at the top hold this function's own frame; main needs more than they are.
     * volatile: a call of memset would paint over its own. */
    volatile uint32_t *own = (uint32_t *)((uintptr_t)__stack_top - 64u);
    for (volatile uint32_t *word = __stack_limit; word < own; word++) {
        *word = PAINT;
    }
    const uint32_t *from = __data_load;
    for (uint32_t *to = __data_start; to < __data_end; to++) {
        *to = *from++;
    }
    for (uint32_t *to = __bss_start; to < __bss_end; to++) {
        *to = 0;
    }
    boots.count = boots.magic == BOOT_MAGIC ? boots.count + 1 : 1;
    boots.magic = BOOT_MAGIC;
    mf_chip_start();
    /* Constructors of static objects; C has none. */
    for (void (*const *constructor)(void) = __init_array_start; constructor < __init_array_end;
         constructor++) {
        (*constructor)();
    }
    (void)main();
}
