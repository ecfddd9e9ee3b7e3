// tensorboard.h: the checksum of TensorBoard's record framing, apart so that a test can hold it
// against published vectors. Used by tensorboard.c alone.
#ifndef UNDERSTUDY_IO_TENSORBOARD_H_
#define UNDERSTUDY_IO_TENSORBOARD_H_

#include <stddef.h>
#include <stdint.h>

// CRC-32C (Castagnoli), reflected, as RFC 3720 has it.
uint32_t udy__crc32c(const void *data, size_t n);
// TFRecord's mask: the checksum of data that holds checksums would else be of little use.
uint32_t udy__crc32c_masked(const void *data, size_t n);

#endif  // UNDERSTUDY_IO_TENSORBOARD_H_
