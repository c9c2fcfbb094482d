/* What an image asks of a C++ library, for a compiler that has none. */
#include <stddef.h>

void operator delete(void *) noexcept {}
void operator delete(void *, size_t) noexcept {}

extern "C" void __cxa_pure_virtual() { __builtin_trap(); }
