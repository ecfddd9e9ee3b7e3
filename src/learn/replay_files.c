// The replay on disk: segment files of a fixed number of rows, to which each checkpoint appends what
// is new. Row i always lies at the same place, so that half an append of a killed process is written
// over by the run that goes on, and each row carries its own checksum, the seal. A checkpoint's
// `count` says what is valid; nothing here does.
//
//   replay-00000.bin   header, rows 0 to 65535 as they lie in the ring
//   replay-00001.bin   header, rows 65536 to ...
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "io/io_internal.h"
#include "learn/replay_internal.h"

#define MAGIC "understudy.replay/1"
#define SUFFIX ".bin"

// The start of a segment; numbers as this machine has them, which hash would not survive elsewhere.
typedef struct header {
    char magic[24];
    uint32_t obs_dim, act_dim, n_envs, row_bytes;
    int64_t first_row, n_rows;  // n_rows: of a full segment
    uint64_t hash;              // of all before
} header;
_Static_assert(sizeof(header) == 64, "a header without holes");

//------------------------------------------ Places ------------------------------------------------

static size_t row_bytes(const udy__replay *r) {
    return r->row_floats * sizeof(float);
}

static int64_t segment_start(const udy__replay *r, int64_t row) {
    return row / r->segment_rows * r->segment_rows;
}

// The first row that is not in row's segment, or end where that comes before.
static int64_t segment_end(const udy__replay *r, int64_t row, int64_t end) {
    int64_t start = segment_start(r, row);
    return end - start > r->segment_rows ? start + r->segment_rows : end;
}

// Bytes of row's segment before row.
static uint64_t offset_of(const udy__replay *r, int64_t start, int64_t row) {
    return sizeof(header) + (uint64_t)(row - start) * row_bytes(r);
}

static void segment_name(char out[64], long long segment) {
    snprintf(out, 64, "replay-%05lld" SUFFIX, segment);
}

static int segment_path(char out[UDY_PATH_MAX], const udy__replay *r, const char *dir, int64_t row,
                        udy_error *err) {
    char name[64];
    segment_name(name, (long long)(row / r->segment_rows));
    return udy_path_format(out, err, "%s/%s", dir, name);
}

// The oldest row that a ring of count rows holds.
static int64_t oldest_row(const udy__replay *r, int64_t count) {
    return count > r->capacity ? count - r->capacity : 0;
}

// Rows from row up to end that lie in one piece in the ring.
static size_t rows_in_piece(const udy__replay *r, int64_t row, int64_t end) {
    int64_t before_wrap = r->capacity - row % r->capacity;
    return (size_t)(end - row < before_wrap ? end - row : before_wrap);
}

static float *row_in_ring(const udy__replay *r, int64_t row) {
    return udy__replay_row(r, (uint32_t)(row % r->capacity));
}

//------------------------------------------ Seals and headers -------------------------------------

// Checksum of a row whose flags carry no seal. With its number: a row in another's place is damage.
static uint32_t seal_of(const udy__replay *r, const float *row, int64_t number) {
    uint64_t hash = udy_hash(row, row_bytes(r)) + (uint64_t)number * 0x9E3779B97F4A7C15u;
    return (uint32_t)(hash >> 32) & ~UDY__REPLAY_FLAGS;
}

// Put the seal on a row; returns whether the one that it had is the same.
static bool seal(const udy__replay *r, float *row, int64_t number) {
    uint32_t before, flags;
    memcpy(&before, row + r->flags_at, sizeof before);
    flags = before & UDY__REPLAY_FLAGS;
    memcpy(row + r->flags_at, &flags, sizeof flags);
    flags |= seal_of(r, row, number);
    memcpy(row + r->flags_at, &flags, sizeof flags);
    return flags == before;
}

static header make_header(const udy__replay *r, int64_t start) {
    header h = {.magic = MAGIC,
                .obs_dim = (uint32_t)r->obs_dim,
                .act_dim = (uint32_t)r->act_dim,
                .n_envs = (uint32_t)r->n_envs,
                .row_bytes = (uint32_t)row_bytes(r),
                .first_row = start,
                .n_rows = r->segment_rows};
    h.hash = udy_hash(&h, offsetof(header, hash));
    return h;
}

static int check_header(const header *found, const header *expected, const char *path,
                        udy_error *err) {
    if (memcmp(found->magic, expected->magic, sizeof found->magic))
        return udy_error_set(err, UDY_EFORMAT,
                             "%s: not a segment of a replay: it does not begin with '" MAGIC "'",
                             path);
    if (found->hash != udy_hash(found, offsetof(header, hash)))
        return udy_error_set(err, UDY_EFORMAT,
                             "%s: its header is damaged (checksum); put the file back as it was",
                             path);
    const struct {
        const char *name;
        int64_t found, expected;
    } numbers[] = {
        {"observations", found->obs_dim, expected->obs_dim},
        {"actions", found->act_dim, expected->act_dim},
        {"simulations", found->n_envs, expected->n_envs},
        {"bytes a row", found->row_bytes, expected->row_bytes},
        {"rows in a segment", found->n_rows, expected->n_rows},
        {"as its first row", found->first_row, expected->first_row},
    };
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
        if (numbers[i].found == numbers[i].expected) continue;
        return udy_error_set(
            err, UDY_EFORMAT, "%s: holds %lld %s, expected %lld: it is of another training", path,
            (long long)numbers[i].found, numbers[i].name, (long long)numbers[i].expected);
    }
    return UDY_OK;
}

//------------------------------------------ Removing ----------------------------------------------

// The number in "replay-NNNNN.bin"; -1 where name is no such name.
static int64_t segment_number(const char *name) {
    char again[64];
    if (strncmp(name, "replay-", 7)) return -1;
    long long segment = strtoll(name + 7, NULL, 10);
    segment_name(again, segment);
    return strcmp(name, again) || segment < 0 ? -1 : (int64_t)segment;
}

// Remove segments numbered from first up to end, which is not.
static int remove_segments(const char *dir, int64_t first, int64_t end, udy_error *err) {
    char **names, path[UDY_PATH_MAX];
    size_t n;
    int status = udy_dir_list(&names, &n, dir, SUFFIX, err);
    if (status) return status;
    for (size_t i = 0; !status && i < n; i++) {
        int64_t segment = segment_number(names[i]);
        if (segment < first || segment >= end) continue;
        status = udy_path_format(path, err, "%s/%s", dir, names[i]);
        if (!status) status = udy_file_remove(path, err);
    }
    udy_free(names);
    return status;
}

// Take away what the segments hold from row on, a killed process's or a failed save's: at the end of
// a save, as rows are written over in place and so never missing that a checkpoint may count on.
static int cut_off(const udy__replay *r, const char *dir, int64_t row, udy_error *err) {
    int64_t start = segment_start(r, row), segment = row / r->segment_rows;
    int status = remove_segments(dir, row > start ? segment + 1 : segment, INT64_MAX, err);
    if (status || row == start) return status;
    char path[UDY_PATH_MAX];
    struct stat st;
    status = segment_path(path, r, dir, row, err);
    if (status || stat(path, &st) != 0) return status;
    uint64_t kept = offset_of(r, start, row);
    if ((uint64_t)st.st_size > kept && truncate(path, (off_t)kept) != 0)
        return udy_error_set_errno(err, errno, "%s: cannot shorten it", path);
    return UDY_OK;
}

int udy__replay_trim(udy__replay *r, const char *dir, udy_error *err) {
    if (strcmp(dir, r->dir))
        return udy_error_set(err, UDY_EINVAL, "%s: this replay has not been saved here", dir);
    return remove_segments(dir, 0, oldest_row(r, r->saved) / r->segment_rows, err);
}

//------------------------------------------ Saving ------------------------------------------------

// errno of what failed; 0.
static int write_at(int fd, const void *data, size_t n_bytes, uint64_t offset) {
    const char *p = data;
    while (n_bytes > 0) {
        ssize_t written = pwrite(fd, p, n_bytes, (off_t)offset);
        if (written < 0 && errno == EINTR) continue;
        if (written < 0) return errno;
        if (written == 0) return ENOSPC;
        p += written;
        offset += (uint64_t)written;
        n_bytes -= (size_t)written;
    }
    return 0;
}

static int sync_folder(const char *path, udy_error *err) {
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    int fault = fd < 0 ? errno : udy__file_sync(fd);
    if (fd >= 0) close(fd);
    return fault ? udy_error_set_errno(err, fault, "%s: cannot sync this folder", path) : UDY_OK;
}

// Rows of one segment, each sealed, and its header: written again each time, the same bytes unless
// the file is new or was cut by a kill before any row of it counted.
static int write_rows(const udy__replay *r, const char *dir, int64_t row, int64_t end,
                      udy_error *err) {
    char path[UDY_PATH_MAX];
    int status = segment_path(path, r, dir, row, err);
    if (status) return status;
    int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC | O_NONBLOCK, 0666);
    if (fd < 0) return udy_error_set_errno(err, errno, "%s: cannot write it", path);
    int64_t start = segment_start(r, row);
    header h = make_header(r, start);
    int fault = write_at(fd, &h, sizeof h, 0);
    while (!fault && row < end) {
        size_t n = rows_in_piece(r, row, end);
        float *piece = row_in_ring(r, row);
        for (size_t i = 0; i < n; i++) seal(r, piece + i * r->row_floats, row + (int64_t)i);
        fault = write_at(fd, piece, n * row_bytes(r), offset_of(r, start, row));
        row += (int64_t)n;
    }
    if (!fault) fault = udy__file_sync(fd);
    if (close(fd) != 0 && !fault && errno != EINTR) fault = errno;
    return fault ? udy_error_set_errno(err, fault, "%s: cannot write it", path) : UDY_OK;
}

// The first row to write: all that the ring holds where dir is another folder than last time, or
// one in which somebody has been.
static int64_t first_unsaved(const udy__replay *r, const char *dir) {
    int64_t oldest = oldest_row(r, r->count);
    if (strcmp(dir, r->dir)) return oldest;
    for (int64_t row = oldest, end; row < r->saved; row = end) {
        char path[UDY_PATH_MAX];
        struct stat st;
        end = segment_end(r, row, r->saved);
        if (segment_path(path, r, dir, row, NULL) || stat(path, &st) != 0) return oldest;
        if ((uint64_t)st.st_size < offset_of(r, segment_start(r, row), end)) return oldest;
    }
    return r->saved > oldest ? r->saved : oldest;
}

int udy__replay_save(udy__replay *r, const char *dir, udy_error *err) {
    char folder[UDY_PATH_MAX], parent[UDY_PATH_MAX];
    int status = udy_path_format(folder, err, "%s", dir);
    if (!status) status = udy_path_format(parent, err, "%s/..", dir);
    const bool new_folder = !udy_dir_exists(dir);
    if (!status) status = udy_dir_make(dir, err);
    if (!status && new_folder) status = sync_folder(parent, err);
    if (status) return status;
    for (int64_t row = first_unsaved(r, dir), end; !status && row < r->count; row = end) {
        end = segment_end(r, row, r->count);
        status = write_rows(r, dir, row, end, err);
    }
    if (!status) status = cut_off(r, dir, r->count, err);
    if (!status) status = sync_folder(dir, err);
    // A full disk gets its space back, for a smaller file that matters more.
    if (status && !strcmp(dir, r->dir)) cut_off(r, dir, r->saved, NULL);
    if (status) return status;
    memcpy(r->dir, folder, sizeof folder);
    r->saved = r->count;
    return UDY_OK;
}

//------------------------------------------ Loading -----------------------------------------------

static int check_rows(const udy__replay *r, int64_t row, size_t n, const char *path,
                      udy_error *err) {
    for (size_t i = 0; i < n; i++) {
        int64_t number = row + (int64_t)i;
        if (seal(r, row_in_ring(r, number), number)) continue;
        return udy_error_set(err, UDY_EFORMAT,
                             "%s: row %lld is damaged (checksum); put the file back as it was",
                             path, (long long)number);
    }
    return UDY_OK;
}

static int read_rows(const udy__replay *r, int fd, int64_t row, int64_t end, const char *path,
                     udy_error *err) {
    int64_t start = segment_start(r, row);
    int status = UDY_OK;
    while (!status && row < end) {
        size_t n = rows_in_piece(r, row, end);
        status = udy__file_read_at(fd, row_in_ring(r, row), n * row_bytes(r),
                                   offset_of(r, start, row), path, err);
        if (!status) status = check_rows(r, row, n, path, err);
        row += (int64_t)n;
    }
    return status;
}

static int read_segment(const udy__replay *r, const char *dir, int64_t row, int64_t end,
                        udy_error *err) {
    char path[UDY_PATH_MAX];
    int fd;
    uint64_t n_bytes, needed = offset_of(r, segment_start(r, row), end);
    int status = segment_path(path, r, dir, row, err);
    if (status) return status;
    status = udy__file_open(&fd, &n_bytes, path, err);
    if (status == UDY_ENOENT)
        return udy_error_set(err, UDY_EFORMAT,
                             "%s: missing; the checkpoint needs its rows %lld to %lld: put it back",
                             path, (long long)row, (long long)end - 1);
    if (status) return status;
    header found, expected = make_header(r, segment_start(r, row));
    status = udy__file_read_at(fd, &found, sizeof found, 0, path, err);
    if (!status) status = check_header(&found, &expected, path, err);
    if (!status && n_bytes < needed)
        status = udy_error_set(err, UDY_EFORMAT,
                               "%s: %llu bytes, expected at least %llu: the checkpoint needs its "
                               "rows %lld to %lld",
                               path, (unsigned long long)n_bytes, (unsigned long long)needed,
                               (long long)row, (long long)end - 1);
    if (!status) status = read_rows(r, fd, row, end, path, err);
    close(fd);
    return status;
}

// Reads into the ring itself, so that a large one is not in memory twice; a failure leaves it empty.
// Cutting off is left to the next save: loading writes nothing.
int udy__replay_load(udy__replay *r, const char *dir, int64_t count, udy_error *err) {
    char folder[UDY_PATH_MAX];
    r->count = r->saved = 0;
    r->head = 0;
    r->dir[0] = '\0';
    if (count < 0 || count % r->n_envs)
        return udy_error_set(
            err, UDY_EFORMAT,
            "%s: a checkpoint of %lld rows, expected whole steps of %d simulations", dir,
            (long long)count, r->n_envs);
    int status = udy_path_format(folder, err, "%s", dir);
    for (int64_t row = oldest_row(r, count), end; !status && row < count; row = end) {
        end = segment_end(r, row, count);
        status = read_segment(r, dir, row, end, err);
    }
    if (status) {  // what was read may be anything; appends count on the zeros at a row's end
        memset(r->rows, 0, (size_t)r->capacity * row_bytes(r));
        return status;
    }
    memcpy(r->dir, folder, sizeof folder);
    r->count = r->saved = count;
    r->head = (uint32_t)(count % r->capacity);
    return UDY_OK;
}
