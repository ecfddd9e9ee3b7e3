// event_file.h: event files as a test reads them: frames with their checksums, events unpacked by the
// generated code.
#ifndef UNDERSTUDY_TESTS_UNIT_EVENT_FILE_H_
#define UNDERSTUDY_TESTS_UNIT_EVENT_FILE_H_

#include "io/tensorboard.h"
#include "tb_event.pb-c.h"
#include "test_io_common.h"

// Events of a file, unpacked by the generated code.
#define EVENTS_MAX 10000
typedef struct events {
    size_t n, n_rest;  // n_rest: bytes after the last whole record
    Udy__Tb__Event *at[EVENTS_MAX];
} events;

static inline uint64_t little_endian(const unsigned char *p, int n) {
    uint64_t value = 0;
    for (int i = n - 1; i >= 0; i--) value = value << 8 | p[i];
    return value;
}

static inline events *read_events(const char *path) {
    events *list = calloc(1, sizeof *list);
    char *text;
    size_t size, at = 0;
    udy_error err = {0};
    if (udy_file_read(&text, &size, path, 1 << 24, &err)) fail_msg("%s", err.message);
    const unsigned char *p = (const unsigned char *)text;
    while (size - at >= 12) {
        uint64_t n = little_endian(p + at, 8);
        assert_int_equal(little_endian(p + at + 8, 4), udy__crc32c_masked(p + at, 8));
        if (size - at < 12 + n + 4) break;
        const unsigned char *data = p + at + 12;
        assert_int_equal(little_endian(data + n, 4), udy__crc32c_masked(data, n));
        assert_true(list->n < EVENTS_MAX);
        list->at[list->n] = udy__tb__event__unpack(NULL, n, data);
        assert_non_null(list->at[list->n++]);
        at += 12 + n + 4;
    }
    list->n_rest = size - at;
    udy_free(text);
    return list;
}

static inline void free_events(events *list) {
    for (size_t i = 0; i < list->n; i++) udy__tb__event__free_unpacked(list->at[i], NULL);
    free(list);
}

#endif  // UNDERSTUDY_TESTS_UNIT_EVENT_FILE_H_
