// torch_file.h: PyTorch's tensor archives: what torch.save makes of a dict of tensors since PyTorch
// 1.6, a zip with a pickle (data.pkl) and a file for each storage. Nothing in it is executed.
#ifndef UNDERSTUDY_IO_TORCH_FILE_H_
#define UNDERSTUDY_IO_TORCH_FILE_H_

#include "understudy/io.h"

typedef struct udy__torch_file udy__torch_file;

// One of its tensors. Where it lies in its storage has not been checked before it is read.
typedef struct udy__torch_tensor {
    char name[128];
    char dtype[16];  // "Float", "Double", "Long", ... as storages are called
    int ndim;
    int64_t shape[UDY_TENSOR_NDIM_MAX], stride[UDY_TENSOR_NDIM_MAX];  // in elements
    int64_t offset, storage_n;                                        // in elements
    char storage[32];
} udy__torch_tensor;

// data: the archive in memory, the caller's, kept until close. name: for messages.
int udy__torch_open(udy__torch_file **out, const void *data, size_t n_bytes, const char *name,
                    udy_error *err) UDY_MUST_CHECK;
void udy__torch_close(udy__torch_file *file);  // NULL is legal
size_t udy__torch_count(const udy__torch_file *file);
const udy__torch_tensor *udy__torch_at(const udy__torch_file *file, size_t i);  // as written
const udy__torch_tensor *udy__torch_find(const udy__torch_file *file, const char *name);
// Elements of a tensor; a tensor that says it has more than its storage holds is refused on reading.
size_t udy__torch_elements(const udy__torch_tensor *tensor);
// The tensor, row-major, float32: Float and Double are read, and every element must be finite.
// out [udy__torch_elements], the caller's; so that it is never larger than the file justifies,
// udy__torch_check comes first: type, strides and offset against the storage, and that against
// the archive.
int udy__torch_check(udy__torch_file *file, const udy__torch_tensor *tensor, udy_error *err)
    UDY_MUST_CHECK;
int udy__torch_read(udy__torch_file *file, const udy__torch_tensor *tensor, float *out,
                    udy_error *err) UDY_MUST_CHECK;

#endif  // UNDERSTUDY_IO_TORCH_FILE_H_
