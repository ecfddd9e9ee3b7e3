// json_internal.h: what json.c, json_check.c and json_print.c share.
#ifndef UNDERSTUDY_BASE_JSON_INTERNAL_H_
#define UNDERSTUDY_BASE_JSON_INTERNAL_H_

#include <cjson/cJSON.h>

#include "understudy/base.h"

// A bit of cJSON's type field that cJSON leaves alone: something that belongs in this value was
// lost because memory ran out. Printing a tree with such a value fails, so that a file is never
// written with parts missing.
#define UDY__JSON_LOST (1 << 20)

#define UDY__JSON_DEPTH_MAX 64
#define UDY__JSON_BYTES_MAX ((size_t)128 << 20)
#define UDY__JSON_VALUES_MAX ((size_t)1 << 20)  // a value takes some 100 bytes of memory

// RFC 8259's grammar, and the bounds above, before cJSON sees the text. NULL where it is well
// formed, else what is wrong and where (an offset into text).
const char *udy__json_check(const char *text, size_t n_bytes, size_t *at);

#endif  // UNDERSTUDY_BASE_JSON_INTERNAL_H_
