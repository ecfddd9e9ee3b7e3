// test_io_tensors.h: safetensors files made byte by byte, well formed or not.
#ifndef UNDERSTUDY_TESTS_TEST_IO_TENSORS_H_
#define UNDERSTUDY_TESTS_TEST_IO_TENSORS_H_

#include "test_io_common.h"

static char path[1024];  // of the file at hand

// A file of this header, n_data bytes 0, 1, 2, ... and a header length that may be a lie.
static inline void make_file(const char *header, size_t n_data, uint64_t header_bytes) {
    size_t n = strlen(header);
    unsigned char *all = malloc(8 + n + n_data);
    assert_non_null(all);
    for (int i = 0; i < 8; i++) all[i] = (unsigned char)(header_bytes >> (8 * i));
    memcpy(all + 8, header, n);
    for (size_t i = 0; i < n_data; i++) all[8 + n + i] = (unsigned char)i;
    unlink(path);
    put_file(path, all, 8 + n + n_data);
    free(all);
}

static inline int open_header(const char *header, size_t n_data, udy_safetensors **out,
                              udy_error *err) {
    make_file(header, n_data, strlen(header));
    *err = (udy_error){0};
    return udy_safetensors_open(out, path, err);
}

static inline udy_safetensors *opened(const char *header, size_t n_data) {
    udy_safetensors *file;
    udy_error err;
    if (open_header(header, n_data, &file, &err)) fail_msg("%s\n%s", header, err.message);
    return file;
}

static inline void refused(const char *header, size_t n_data, int code, const char *what) {
    udy_safetensors *file = (udy_safetensors *)1;
    udy_error err;
    int got = open_header(header, n_data, &file, &err);
    if (got != code || err.code != code || strncmp(err.message, path, strlen(path)) ||
        !strstr(err.message, what) || file) {
        fail_msg("%s\nexpected %d ...%s..., found %d %s", header, code, what, got, err.message);
    }
}

#define T(name, dtype, shape, begin, end)                                                        \
    "\"" name "\":{\"dtype\":\"" dtype "\",\"shape\":" shape ",\"data_offsets\":[" begin "," end \
    "]}"

static int setup(void **state) {
    int code = make_root(state);
    snprintf(path, sizeof path, "%s/a.safetensors", root);
    return code;
}

#endif  // UNDERSTUDY_TESTS_TEST_IO_TENSORS_H_
