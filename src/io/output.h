// output.h: files too large to lie in memory whole, written piece by piece and renamed into place at
// the end, so that a reader, a crash or a full disk sees the old one or the new one.
#ifndef UNDERSTUDY_IO_OUTPUT_H_
#define UNDERSTUDY_IO_OUTPUT_H_

#include "understudy/io.h"

typedef struct udy__output udy__output;

// A temporary beside path, swept by udy_dir_sweep if a kill leaves it.
int udy__output_begin(udy__output **out, const char *path, udy_error *err) UDY_MUST_CHECK;
const char *udy__output_path(const udy__output *output);
const char *udy__output_temporary(const udy__output *output);  // for a library that opens it itself
// Through a buffer; a failure is kept and said by finish.
void udy__output_add(udy__output *output, const void *data, size_t n_bytes);
// Either frees the output; finish syncs and renames, and leaves nothing behind where it fails.
int udy__output_finish(udy__output *output, udy_error *err) UDY_MUST_CHECK;
void udy__output_discard(udy__output *output);  // NULL is legal

#endif  // UNDERSTUDY_IO_OUTPUT_H_
