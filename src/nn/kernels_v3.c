// The kernels for AVX2 and FMA (x86-64-v3).
#include "nn/kernels.h"
#if defined(__AVX2__) && defined(__FMA__)
#define UDY__WIDTH 8
#define UDY__ISA "AVX2"
#define UDY__KERNELS udy__kernels_v3
#include "nn/kernels_impl.h"
#else
const udy__kernels *udy__kernels_v3(void) {
    return NULL;
}
#endif
