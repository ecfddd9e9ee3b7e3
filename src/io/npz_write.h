// npz_write.h: arrays as NumPy's .npz, whole in memory: begun, filled by the caller, written.
#ifndef UNDERSTUDY_IO_NPZ_WRITE_H_
#define UNDERSTUDY_IO_NPZ_WRITE_H_

#include "understudy/io.h"

typedef struct udy__npz udy__npz;

// Room for arrays (name, dtype, shape; data is not looked at), zeroed: data[i] is array i's, the
// npz's own.
int udy__npz_begin(udy__npz **out, const udy_tensor *arrays, size_t n, void **data, udy_error *err)
    UDY_MUST_CHECK;
int udy__npz_write(const udy__npz *npz, const char *path, udy_error *err) UDY_MUST_CHECK;
void udy__npz_free(udy__npz *npz);  // NULL is legal

#endif  // UNDERSTUDY_IO_NPZ_WRITE_H_
