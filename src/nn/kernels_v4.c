// The kernels for AVX-512 (x86-64-v4).
#include "nn/kernels.h"
#if defined(__AVX512F__) && defined(__AVX512VL__)
#define UDY__WIDTH 16
#define UDY__ISA "AVX-512"
#define UDY__KERNELS udy__kernels_v4
#include "nn/kernels_impl.h"
#else
const udy__kernels *udy__kernels_v4(void) {
    return NULL;
}
#endif
