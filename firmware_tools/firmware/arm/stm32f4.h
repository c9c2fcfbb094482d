/* What the clock set-up of an STM32F4 tells its UART driver. */
#ifndef MF_STM32F4_H
#define MF_STM32F4_H

#include <stdint.h>

/* Hertz of the bus clock that the board's UART divides. */
uint32_t mf_uart_clock_hz(void);

#endif
