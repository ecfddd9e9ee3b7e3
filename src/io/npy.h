// npy.h: NumPy's array format (numpy.lib.format, versions 1 to 3), for .npy files and .npz's entries.
#ifndef UNDERSTUDY_IO_NPY_H_
#define UNDERSTUDY_IO_NPY_H_

#include "understudy/io.h"

const char *udy__npy_dtype_name(udy_dtype dtype);  // "float64", as NumPy calls it

// The header of an array in C order, 64-byte aligned as NumPy writes it, version 1.
#define UDY__NPY_HEADER_MAX 320
// Its length; 0: a dtype or shape that it cannot say.
size_t udy__npy_header(char out[UDY__NPY_HEADER_MAX], const udy_tensor *tensor);
// The same of one string (a scalar of dtype '<U'): so many characters of 4 bytes follow.
size_t udy__npy_header_text(char out[UDY__NPY_HEADER_MAX], size_t n_characters);
// A view of an array in memory (name: for messages). Refuses Fortran order in more than one dimension,
// foreign byte order, objects and structures, and data that are not as long as the shape says.
int udy__npy_parse(udy_tensor *out, const void *data, size_t n_bytes, const char *name,
                   udy_error *err) UDY_MUST_CHECK;
// The same of a header alone (a file too large for memory): *at is where data begins.
int udy__npy_parse_header(udy_tensor *out, size_t *at, const void *data, size_t n_bytes,
                          const char *name, udy_error *err) UDY_MUST_CHECK;

#endif  // UNDERSTUDY_IO_NPY_H_
