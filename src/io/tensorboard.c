// A TensorBoard event file, for whoever watches a training: Event messages (generated from
// tb_event.proto) in TFRecord frames, one write a record; and scalars. What else it may hold is in
// tensorboard_values.c.
#include "io/tensorboard.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/text.h"
#include "io/io_internal.h"
#include "io/tensorboard_write.h"

// A frame: u64 length, its masked CRC-32C, the data, the data's masked CRC-32C; little-endian.
#define HEAD_BYTES 12
#define TAIL_BYTES 4
// A scalar's event but for its tag takes 34 bytes at most.
#define EVENT_BYTES_MAX (UDY_TB_TAG_MAX + 64)

struct udy_tb {
    int fd;
    uint64_t n_bytes;  // of whole records: where the next one goes
    char path[UDY_PATH_MAX];
    size_t dir_bytes;  // of path: the folder's part
    uint8_t record[HEAD_BYTES + EVENT_BYTES_MAX + TAIL_BYTES];
};

//------------------------------------------ Framing -----------------------------------------------

// Bit by bit: a scalar's record is some sixty bytes, and a few are written a second; a figure takes
// a millisecond.
uint32_t udy__crc32c(const void *data, size_t n) {
    const uint8_t *p = data;
    uint32_t crc = UINT32_MAX;
    for (size_t i = 0; i < n; i++) {
        crc ^= p[i];
        for (int bit = 0; bit < 8; bit++) crc = (crc >> 1) ^ (crc & 1 ? 0x82f63b78u : 0);
    }
    return ~crc;
}

uint32_t udy__crc32c_masked(const void *data, size_t n) {
    uint32_t crc = udy__crc32c(data, n);
    return (crc >> 15 | crc << 17) + 0xa282ead8u;
}

static void put_little_endian(uint8_t *out, uint64_t value, int n) {
    for (int i = 0; i < n; i++) out[i] = (uint8_t)(value >> 8 * i);
}

// Written at n_bytes, not at the end of the file: should it not be possible to take back the part
// of a record that fitted on a full disk, the next record overwrites it.
static int write_record(udy_tb *tb, const uint8_t *record, size_t n, udy_error *err) {
    size_t done = 0;
    int fault = 0;
    while (done < n && !fault) {
        ssize_t written = pwrite(tb->fd, record + done, n - done, (off_t)(tb->n_bytes + done));
        if (written > 0) done += (size_t)written;
        if (written == 0) fault = ENOSPC;
        if (written < 0 && errno != EINTR) fault = errno;
    }
    if (!fault) {
        tb->n_bytes += n;
        return UDY_OK;
    }
    if (done > 0 && ftruncate(tb->fd, (off_t)tb->n_bytes) != 0) {
        // No more can be done: the next record overwrites what lies there.
    }
    return udy_error_set_errno(err, fault, "%s: cannot write an event of %zu bytes", tb->path, n);
}

// Small events go by way of the handle's own buffer: scalars are written from training loops, where
// nothing is allocated.
static int write_event(udy_tb *tb, Udy__Tb__Event *event, udy_error *err) {
    struct timespec now;
    clock_gettime(CLOCK_REALTIME, &now);
    event->wall_time = (double)now.tv_sec + 1e-9 * (double)now.tv_nsec;
    size_t n = udy__tb__event__get_packed_size(event);
    uint8_t *large = NULL, *record = tb->record;
    if (n > EVENT_BYTES_MAX) record = large = udy_alloc(HEAD_BYTES + n + TAIL_BYTES);
    if (!record)
        return udy_error_set(err, UDY_ENOMEM, "%s: no memory for an event of %zu bytes", tb->path,
                             n);
    uint8_t *data = record + HEAD_BYTES;
    udy__tb__event__pack(event, data);
    put_little_endian(record, n, 8);
    put_little_endian(record + 8, udy__crc32c_masked(record, 8), 4);
    put_little_endian(data + n, udy__crc32c_masked(data, n), 4);
    int code = write_record(tb, record, HEAD_BYTES + n + TAIL_BYTES, err);
    udy_free(large);
    return code;
}

//------------------------------------------ Open and close ----------------------------------------

#define NAME_PREFIX "events.out.tfevents."
#define NAME_SUFFIX ".understudy"
#define SECONDS_DIGITS 10
#define SECONDS_MAX 9999999999

// TensorBoard reads the files of a folder in the order of their names, and never goes back. So a
// new file's seconds come after those of every file there, also after one of this second, or where
// the clock was put back.
static int seconds_for_name(long long *out, const char *dir, udy_error *err) {
    char **names;
    size_t n;
    int code = udy_dir_list(&names, &n, dir, "", err);
    if (code) return code;
    long long seconds = (long long)time(NULL);
    for (size_t i = 0; i < n; i++) {
        if (strncmp(names[i], NAME_PREFIX, strlen(NAME_PREFIX))) continue;
        const char *digits = names[i] + strlen(NAME_PREFIX);
        char *end;
        long long found = strtoll(digits, &end, 10);
        bool ours = end - digits == SECONDS_DIGITS && *end == '.' && found >= 0;
        if (ours && found >= seconds && found < SECONDS_MAX) seconds = found + 1;
    }
    udy_free(names);
    *out = seconds;
    return UDY_OK;
}

static int make_file(udy_tb *tb, const char *dir, udy_error *err) {
    for (int tries = 0; tries < 100; tries++) {
        long long seconds;
        int code = seconds_for_name(&seconds, dir, err);
        if (!code) {
            code = udy_path_format(tb->path, err, "%s/" NAME_PREFIX "%0*lld.%ld" NAME_SUFFIX, dir,
                                   SECONDS_DIGITS, seconds, (long)getpid());
        }
        if (code) return code;
        tb->dir_bytes = strlen(dir);
        tb->fd = open(tb->path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
        if (tb->fd >= 0) return UDY_OK;
        if (errno != EEXIST) break;  // else another thread was quicker
    }
    return udy_error_set_errno(err, errno, "%s: cannot make it", tb->path);
}

static int write_start(udy_tb *tb, int64_t purge_step, udy_error *err) {
    Udy__Tb__Event version = UDY__TB__EVENT__INIT;
    char text[] = "brain.Event:2";  // 2: readers go by the session log, not by steps that go back
    version.what_case = UDY__TB__EVENT__WHAT_FILE_VERSION;
    version.file_version = text;
    int code = write_event(tb, &version, err);
    if (code || purge_step < 0) return code;

    // Twice: one of TensorBoard's readers takes the first START of a folder for the beginning of the
    // run, and purges nothing.
    Udy__Tb__SessionLog log = UDY__TB__SESSION_LOG__INIT;
    log.status = UDY__TB__SESSION_LOG__SESSION_STATUS__START;
    Udy__Tb__Event start = UDY__TB__EVENT__INIT;
    start.step = purge_step;
    start.what_case = UDY__TB__EVENT__WHAT_SESSION_LOG;
    start.session_log = &log;
    code = write_event(tb, &start, err);
    return code ? code : write_event(tb, &start, err);
}

int udy_tb_open(udy_tb **out, const char *dir, int64_t purge_step, udy_error *err) {
    *out = NULL;
    int code = udy_dir_make(dir, err);
    if (code) return code;
    udy_tb *tb = udy_alloc(sizeof *tb);
    if (!tb) return udy_error_set(err, UDY_ENOMEM, "%s: out of memory", dir);
    tb->fd = -1;
    code = make_file(tb, dir, err);
    if (!code) code = write_start(tb, purge_step, err);
    if (code) {
        if (tb->fd >= 0) unlink(tb->path);
        udy_tb_close(tb);
        return code;
    }
    *out = tb;
    return UDY_OK;
}

void udy_tb_close(udy_tb *tb) {
    if (!tb) return;
    if (tb->fd >= 0) close(tb->fd);
    udy_free(tb);
}

int udy__tb_remove_older(const udy_tb *tb, udy_error *err) {
    char **names, dir[UDY_PATH_MAX], path[UDY_PATH_MAX];
    size_t n;
    int code = udy_path_format(dir, err, "%.*s", (int)tb->dir_bytes, tb->path);
    if (!code) code = udy_dir_list(&names, &n, dir, NAME_SUFFIX, err);
    if (code) return code;
    const char *own = tb->path + tb->dir_bytes + 1;
    for (size_t i = 0; i < n && !code; i++) {
        bool older =
            !strncmp(names[i], NAME_PREFIX, strlen(NAME_PREFIX)) && strcmp(names[i], own) < 0;
        if (!older) continue;
        code = udy_path_format(path, err, "%s/%s", dir, names[i]);
        if (!code) code = udy_file_remove(path, err);
    }
    udy_free(names);
    return code;
}

//------------------------------------------ Values ------------------------------------------------

int udy__tb_check_tag(const udy_tb *tb, const char *what, const char *tag, udy_error *err) {
    if (!tb) return udy_error_set(err, UDY_EINVAL, "no event file is open to write %s to", what);
    size_t n = tag ? strnlen(tag, UDY_TB_TAG_MAX + 1) : 0;
    if (n == 0) return udy_error_set(err, UDY_EINVAL, "%s: %s without a tag", tb->path, what);
    char shown[UDY__SHOW_MAX];
    if (n > UDY_TB_TAG_MAX) {
        return udy_error_set(err, UDY_EINVAL, "%s: tag '%s' is longer than %d bytes", tb->path,
                             udy__text_show(shown, tag, n), UDY_TB_TAG_MAX);
    }
    // Readers give up on a whole file over one such string.
    if (!udy__utf8_valid(tag)) {
        return udy_error_set(err, UDY_EINVAL, "%s: tag '%s' is not UTF-8", tb->path,
                             udy__text_show(shown, tag, n));
    }
    return UDY_OK;
}

const char *udy__tb_path(const udy_tb *tb) {
    return tb->path;
}

int udy__tb_write_value(udy_tb *tb, Udy__Tb__Summary__Value *value, int64_t step, udy_error *err) {
    Udy__Tb__Summary__Value *values[] = {value};
    Udy__Tb__Summary summary = UDY__TB__SUMMARY__INIT;
    summary.n_value = 1;
    summary.value = values;
    Udy__Tb__Event event = UDY__TB__EVENT__INIT;
    event.step = step;
    event.what_case = UDY__TB__EVENT__WHAT_SUMMARY;
    event.summary = &summary;
    return write_event(tb, &event, err);
}

int udy_tb_scalar(udy_tb *tb, const char *tag, int64_t step, double value, udy_error *err) {
    int code = udy__tb_check_tag(tb, "a scalar", tag, err);
    if (code) return code;
    Udy__Tb__Summary__Value scalar = UDY__TB__SUMMARY__VALUE__INIT;
    scalar.tag = (char *)(uintptr_t)tag;
    scalar.value_case = UDY__TB__SUMMARY__VALUE__VALUE_SIMPLE_VALUE;
    scalar.simple_value = (float)value;
    return udy__tb_write_value(tb, &scalar, step, err);
}
