// test_io_common.h: a folder of its own for each test program of io, and files made byte by byte.
#ifndef UNDERSTUDY_TESTS_TEST_IO_COMMON_H_
#define UNDERSTUDY_TESTS_TEST_IO_COMMON_H_

#include <ftw.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cmocka.h>

#include "understudy/io.h"

static char root[512];

static int remove_entry(const char *path, const struct stat *st, int type, struct FTW *at) {
    (void)st;
    (void)type;
    (void)at;
    return remove(path);
}

static int make_root(void **state) {
    (void)state;
    snprintf(root, sizeof root, UDY_TEST_TMP "/io-XXXXXX");
    return mkdtemp(root) ? 0 : -1;
}

static int remove_root(void **state) {
    (void)state;
    return nftw(root, remove_entry, 8, FTW_DEPTH | FTW_PHYS);
}

// root/name; two at a time.
static inline const char *at_root(const char *name) {
    static char paths[2][1024];
    static int turn;
    turn = !turn;
    snprintf(paths[turn], sizeof paths[turn], "%s/%s", root, name);
    return paths[turn];
}

// root/name, with nothing there.
static inline void fresh(const char *name, char out[1024]) {
    snprintf(out, 1024, "%s", at_root(name));
    nftw(out, remove_entry, 8, FTW_DEPTH | FTW_PHYS);
}

// folder/name; four at a time.
static inline const char *in(const char *folder, const char *name) {
    static char paths[4][1300];
    static int turn;
    turn = (turn + 1) % 4;
    snprintf(paths[turn], sizeof paths[turn], "%s/%s", folder, name);
    return paths[turn];
}

static inline void put_file(const char *path, const void *data, size_t n) {
    FILE *f = fopen(path, "wb");
    assert_non_null(f);
    assert_int_equal(fwrite(data, 1, n, f), n);
    assert_int_equal(fclose(f), 0);
}

static inline void expect_file(const char *path, const char *text) {
    char *data;
    size_t n;
    udy_error err = {0};
    if (udy_file_read(&data, &n, path, 1 << 20, &err)) fail_msg("%s", err.message);
    assert_string_equal(data, text);
    assert_int_equal(n, strlen(text));
    udy_free(data);
}

// Entries of a folder, whatever they are called.
static inline size_t count_entries(const char *path) {
    char **names;
    size_t n;
    udy_error err = {0};
    if (udy_dir_list(&names, &n, path, "", &err)) fail_msg("%s", err.message);
    udy_free(names);
    return n;
}

#endif  // UNDERSTUDY_TESTS_TEST_IO_COMMON_H_
