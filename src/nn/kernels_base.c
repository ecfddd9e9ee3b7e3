// The kernels for any CPU of the architecture built for.
#define UDY__WIDTH 4
#if defined(__x86_64__)
#define UDY__ISA "SSE2"
#else
#define UDY__ISA "generic"
#endif
#define UDY__KERNELS udy__kernels_base
#include "nn/kernels_impl.h"
