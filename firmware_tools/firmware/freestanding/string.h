/* What the firmware uses of <string.h>, for a toolchain without a C library; string.c has it. */
#ifndef MF_STRING_H
#define MF_STRING_H

#include <stddef.h>

void *memcpy(void *restrict to, const void *restrict from, size_t count);
void *memset(void *to, int value, size_t count);
size_t strlen(const char *text);

#endif
