// shown_events.h: what TensorBoard would show of a run folder's events, read as it reads them.
#ifndef UNDERSTUDY_TESTS_LEARN_SHOWN_EVENTS_H_
#define UNDERSTUDY_TESTS_LEARN_SHOWN_EVENTS_H_

#include <math.h>

#include "../unit/test_learn_common.h"
#include "tb_event.pb-c.h"

// What TensorBoard shows of a run, without speeds: files in the order of their first event, a START
// dropping what earlier ones have from its step on.
typedef struct shown_scalar {
    char tag[40];
    int64_t step;
    float value;
} shown_scalar;

typedef struct event_file {
    double first;
    char *data;
    size_t n;
} event_file;

static inline int by_first(const void *a, const void *b) {
    const event_file *x = a, *y = b;
    return x->first < y->first ? -1 : x->first > y->first;
}

static inline Udy__Tb__Event *next_event(const event_file *file, size_t *at) {
    uint64_t length;
    if (*at == file->n) return NULL;
    assert_true(*at + 12 < file->n);
    memcpy(&length, file->data + *at, 8);
    Udy__Tb__Event *e =
        udy__tb__event__unpack(NULL, length, (const uint8_t *)file->data + *at + 12);
    assert_non_null(e);
    *at += 12 + (size_t)length + 4;
    return e;
}

static inline int show_events(const char *run, shown_scalar *out, int max) {
    char **names, dir[1600];
    size_t n_files;
    event_file files[64];
    int n = 0;
    snprintf(dir, sizeof dir, "%s/events", run);
    CHECK(udy_dir_list(&names, &n_files, dir, ".understudy", err));
    assert_in_range(n_files, 1, 64);
    for (size_t f = 0; f < n_files; f++) {
        char path[1600];
        size_t at = 0;
        snprintf(path, sizeof path, "%s/events/%s", run, names[f]);
        CHECK(udy_file_read(&files[f].data, &files[f].n, path, 1 << 24, err));
        Udy__Tb__Event *e = next_event(&files[f], &at);
        files[f].first = e ? e->wall_time : INFINITY;
        if (e) udy__tb__event__free_unpacked(e, NULL);
    }
    qsort(files, n_files, sizeof *files, by_first);
    for (size_t f = 0; f < n_files; f++) {
        size_t at = 0;
        for (Udy__Tb__Event *e; (e = next_event(&files[f], &at));) {
            if (e->what_case == UDY__TB__EVENT__WHAT_SESSION_LOG) {
                int kept = 0;
                for (int i = 0; i < n; i++)
                    if (out[i].step < e->step) out[kept++] = out[i];
                n = kept;
            }
            if (e->what_case == UDY__TB__EVENT__WHAT_SUMMARY &&
                strncmp(e->summary->value[0]->tag, "speed/", 6)) {
                assert_true(n < max);
                out[n] =
                    (shown_scalar){.step = e->step, .value = e->summary->value[0]->simple_value};
                snprintf(out[n].tag, sizeof out[n].tag, "%s", e->summary->value[0]->tag);
                n++;
            }
            udy__tb__event__free_unpacked(e, NULL);
        }
        udy_free(files[f].data);
    }
    udy_free(names);
    return n;
}

static inline void expect_same_events(const char *a, const char *b) {
    enum { MAX = 1000 };
    static shown_scalar x[MAX], y[MAX];
    int n = show_events(a, x, MAX), m = show_events(b, y, MAX);
    assert_true(n > 11 * 8);
    assert_int_equal(n, m);
    for (int i = 0; i < n; i++) {
        assert_string_equal(x[i].tag, y[i].tag);
        assert_int_equal(x[i].step, y[i].step);
        assert_memory_equal(&x[i].value, &y[i].value, sizeof x[i].value);
    }
}

#endif  // UNDERSTUDY_TESTS_LEARN_SHOWN_EVENTS_H_
