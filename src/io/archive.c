// Zip files, for the formats that are one: the readers of Stable-Baselines3's models and PyTorch's
// tensors take entries from here, the writer of NumPy's archives gives them. A hostile archive makes
// a call fail and never more: what it claims of sizes is checked against its own bytes before any
// memory is asked for.
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <zip.h>

#include "base/text.h"
#include "io/archive.h"
#include "io/io_internal.h"

struct udy__archive {
    char *name;
    zip_t *zip;
    uint64_t n_bytes;  // of the whole archive
    size_t n;
    const char **entries;  // [n], libzip's
};

// Deflate gives at most 258 bytes for two bits.
#define DEFLATE_RATIO_MAX 1032
#define CENTRAL_ENTRY_BYTES 46  // of the directory, for an entry without a name

// libzip's failures as ours.
static int set_error(udy_error *err, zip_error_t *from, const char *name, const char *what) {
    int status = UDY_EFORMAT;
    switch (zip_error_code_zip(from)) {
        case ZIP_ER_MEMORY: status = UDY_ENOMEM; break;
        case ZIP_ER_OPEN:
        case ZIP_ER_READ:
        case ZIP_ER_WRITE: status = UDY_EIO; break;
        case ZIP_ER_COMPNOTSUPP:
        case ZIP_ER_ENCRNOTSUPP:
        case ZIP_ER_NOPASSWD:
        case ZIP_ER_WRONGPASSWD:
        case ZIP_ER_MULTIDISK: status = UDY_EUNSUPPORTED; break;
        default: break;
    }
    return udy_error_set(err, status, "%s: %s: %s", name, what, zip_error_strerror(from));
}

//------------------------------------------ Opening -----------------------------------------------

// Where an archive's bytes come from, for a look at them before libzip has one.
typedef struct bytes {
    int fd;  // or
    const unsigned char *memory;
    uint64_t n;
    const char *name;
} bytes;

static int bytes_at(const bytes *b, unsigned char *out, size_t n, uint64_t offset, udy_error *err) {
    if (!b->memory) return udy__file_read_at(b->fd, out, n, offset, b->name, err);
    memcpy(out, b->memory + offset, n);
    return UDY_OK;
}

static uint64_t little_endian(const unsigned char *p, int n) {
    uint64_t v = 0;
    while (n-- > 0) v = v << 8 | p[n];
    return v;
}

// libzip makes room for as many entries as a zip64 directory claims. Every locator of one that may
// be taken for it lies in the last bytes, before a comment of at most 65535.
static int check_claims(const bytes *b, udy_error *err) {
    enum { END = 22, LOCATOR = 20, RECORD = 56, TAIL = 65535 + END + LOCATOR };
    if (b->n < END)
        return udy_error_set(err, UDY_EFORMAT, "%s: %llu bytes, not a zip archive", b->name,
                             (unsigned long long)b->n);
    size_t n = b->n < TAIL ? (size_t)b->n : TAIL;
    unsigned char *tail = udy_alloc(n);
    if (!tail) return udy_error_set(err, UDY_ENOMEM, "%s: out of memory", b->name);
    int status = bytes_at(b, tail, n, b->n - n, err);
    for (size_t i = 0; !status && i + LOCATOR <= n; i++) {
        if (memcmp(tail + i, "PK\6\7", 4)) continue;
        uint64_t at = little_endian(tail + i + 8, 8);
        unsigned char record[RECORD];
        if (at > b->n - END || b->n - at < RECORD) continue;  // no directory: libzip says so
        status = bytes_at(b, record, RECORD, at, err);
        // The tail may hold an archive within this one, whose places are not ours.
        if (status || memcmp(record, "PK\6\6", 4)) continue;
        uint64_t claimed = little_endian(record + 32, 8);
        if (claimed > b->n / CENTRAL_ENTRY_BYTES)
            status =
                udy_error_set(err, UDY_EFORMAT, "%s: claims %llu entries, but is %llu bytes long",
                              b->name, (unsigned long long)claimed, (unsigned long long)b->n);
    }
    udy_free(tail);
    return status;
}

static int compare_names(const void *a, const void *b) {
    return strcmp(*(const char *const *)a, *(const char *const *)b);
}

// Readers differ in which of two entries of one name they take: nothing may hide behind another.
static int check_names(const udy__archive *a, udy_error *err) {
    const char **sorted = udy_alloc((a->n + 1) * sizeof *sorted);
    if (!sorted) return udy_error_set(err, UDY_ENOMEM, "%s: out of memory", a->name);
    if (a->n) memcpy(sorted, a->entries, a->n * sizeof *sorted);
    qsort(sorted, a->n, sizeof *sorted, compare_names);
    int status = UDY_OK;
    char shown[UDY__SHOW_MAX];
    for (size_t i = 1; !status && i < a->n; i++)
        if (!strcmp(sorted[i - 1], sorted[i]))
            status = udy_error_set(err, UDY_EFORMAT, "%s: two entries are called '%s'", a->name,
                                   udy__text_show(shown, sorted[i], strlen(sorted[i])));
    udy_free(sorted);
    return status;
}

static int list_entries(udy__archive *a, udy_error *err) {
    a->n = (size_t)zip_get_num_entries(a->zip, 0);
    a->entries = udy_alloc((a->n + 1) * sizeof *a->entries);
    if (!a->entries) return udy_error_set(err, UDY_ENOMEM, "%s: out of memory", a->name);
    for (size_t i = 0; i < a->n; i++) {
        a->entries[i] = zip_get_name(a->zip, i, 0);
        if (!a->entries[i]) return set_error(err, zip_get_error(a->zip), a->name, "an entry");
    }
    return check_names(a, err);
}

// Takes source over, whatever it returns.
static int open_source(udy__archive **out, zip_source_t *source, const bytes *b, udy_error *err) {
    udy__archive *a = udy_alloc(sizeof *a);
    int status = UDY_OK;
    if (!a || !(a->name = udy_strdup(b->name))) {
        zip_source_free(source);
        udy__archive_close(a);
        return udy_error_set(err, UDY_ENOMEM, "%s: out of memory", b->name);
    }
    a->n_bytes = b->n;
    zip_error_t why;
    zip_error_init(&why);
    a->zip = zip_open_from_source(source, ZIP_RDONLY, &why);
    if (!a->zip) {
        zip_source_free(source);
        status = set_error(err, &why, b->name, "not a zip archive that can be read");
    }
    zip_error_fini(&why);
    if (!status) status = list_entries(a, err);
    if (status)
        udy__archive_close(a);
    else
        *out = a;
    return status;
}

int udy__archive_open(udy__archive **out, const char *path, udy_error *err) {
    *out = NULL;
    bytes b = {.name = path};
    int status = udy__file_open(&b.fd, &b.n, path, err);
    if (status) return status;
    status = check_claims(&b, err);
    FILE *stream = status ? NULL : fdopen(b.fd, "rb");
    if (!status && !stream) status = udy_error_set(err, UDY_ENOMEM, "%s: out of memory", path);
    if (status) {
        close(b.fd);
        return status;
    }
    zip_error_t why;
    zip_error_init(&why);
    zip_source_t *source = zip_source_filep_create(stream, 0, -1, &why);  // closes the stream
    if (!source) {
        status = set_error(err, &why, path, "cannot be read");
        fclose(stream);
    }
    zip_error_fini(&why);
    return status ? status : open_source(out, source, &b, err);
}

int udy__archive_open_memory(udy__archive **out, const void *data, size_t n_bytes, const char *name,
                             udy_error *err) {
    *out = NULL;
    bytes b = {.fd = -1, .memory = data, .n = n_bytes, .name = name};
    int status = check_claims(&b, err);
    if (status) return status;
    zip_error_t why;
    zip_error_init(&why);
    zip_source_t *source = zip_source_buffer_create(data, n_bytes, 0, &why);
    if (!source) status = set_error(err, &why, name, "cannot be read");
    zip_error_fini(&why);
    return status ? status : open_source(out, source, &b, err);
}

void udy__archive_close(udy__archive *a) {
    if (!a) return;
    if (a->zip) zip_discard(a->zip);
    udy_free(a->entries);
    udy_free(a->name);
    udy_free(a);
}

size_t udy__archive_count(const udy__archive *a) {
    return a->n;
}
const char *udy__archive_entry(const udy__archive *a, size_t i) {
    return a->entries[i];
}

uint64_t udy__archive_bytes(const udy__archive *a) {
    return a->n_bytes;
}

//------------------------------------------ Reading -----------------------------------------------

static int find(const udy__archive *a, const char *entry, size_t *out, udy_error *err) {
    for (size_t i = 0; i < a->n; i++)
        if (!strcmp(a->entries[i], entry)) {
            *out = i;
            return UDY_OK;
        }
    char shown[UDY__SHOW_MAX];
    return udy_error_set(err, UDY_ENOENT, "%s: has no entry '%s'", a->name,
                         udy__text_show(shown, entry, strlen(entry)));
}

// Sizes that the archive's own bytes can give, and the caller wants.
static int check_size(const udy__archive *a, const zip_stat_t *st, size_t max_bytes,
                      udy_error *err) {
    const zip_uint64_t needed =
        ZIP_STAT_SIZE | ZIP_STAT_COMP_SIZE | ZIP_STAT_COMP_METHOD | ZIP_STAT_CRC;
    char shown[UDY__SHOW_MAX];
    const char *name = udy__text_show(shown, st->name, strlen(st->name));
    bool stored = st->comp_method == ZIP_CM_STORE;
    if ((st->valid & needed) != needed)
        return udy_error_set(err, UDY_EFORMAT, "%s: entry '%s' has no size or checksum", a->name,
                             name);
    if (!stored && st->comp_method != ZIP_CM_DEFLATE)
        return udy_error_set(err, UDY_EUNSUPPORTED,
                             "%s: entry '%s' is compressed by method %d; stored and deflated (0 "
                             "and 8) are supported",
                             a->name, name, st->comp_method);
    if (st->comp_size > a->n_bytes || (stored && st->size != st->comp_size) ||
        st->size / DEFLATE_RATIO_MAX > st->comp_size)
        return udy_error_set(err, UDY_EFORMAT,
                             "%s: entry '%s' claims %llu bytes of %llu compressed ones, in an "
                             "archive of %llu",
                             a->name, name, (unsigned long long)st->size,
                             (unsigned long long)st->comp_size, (unsigned long long)a->n_bytes);
    if (st->size > max_bytes)
        return udy_error_set(err, UDY_EFORMAT, "%s: entry '%s' is %llu bytes, expected at most %zu",
                             a->name, name, (unsigned long long)st->size, max_bytes);
    return UDY_OK;
}

// To the end and a byte further: that is where libzip compares the checksum.
static int read_whole(const udy__archive *a, zip_file_t *file, const char *entry, char *data,
                      size_t size, udy_error *err) {
    size_t n = 0;
    zip_int64_t got;
    do {
        got = zip_fread(file, data + n, size + 1 - n);
        if (got > 0) n += (size_t)got;
    } while (got > 0 && n <= size);
    if (got < 0) {
        char what[UDY__SHOW_MAX + 16];
        snprintf(what, sizeof what, "entry '%.80s'", entry);
        return set_error(err, zip_file_get_error(file), a->name, what);
    }
    if (n != size)
        return udy_error_set(err, UDY_EFORMAT, "%s: entry '%s' is %s than the %zu bytes it claims",
                             a->name, entry, n > size ? "longer" : "shorter", size);
    data[n] = '\0';
    return UDY_OK;
}

int udy__archive_read(udy__archive *a, const char *entry, size_t max_bytes, char **data,
                      size_t *n_bytes, udy_error *err) {
    *data = NULL;
    *n_bytes = 0;
    size_t i = 0;
    int status = find(a, entry, &i, err);
    if (status) return status;
    zip_stat_t st;
    zip_stat_init(&st);
    if (zip_stat_index(a->zip, i, 0, &st))
        return set_error(err, zip_get_error(a->zip), a->name, entry);
    status = check_size(a, &st, max_bytes, err);
    if (status) return status;
    zip_file_t *file = zip_fopen_index(a->zip, i, 0);
    if (!file) return set_error(err, zip_get_error(a->zip), a->name, entry);
    char *p = udy_alloc((size_t)st.size + 1);
    status = p ? read_whole(a, file, entry, p, (size_t)st.size, err)
               : udy_error_set(err, UDY_ENOMEM, "%s: out of memory for %llu bytes of '%s'", a->name,
                               (unsigned long long)st.size, entry);
    zip_fclose(file);
    if (status) {
        udy_free(p);
        return status;
    }
    *data = p;
    *n_bytes = (size_t)st.size;
    return UDY_OK;
}

//------------------------------------------ Writing -----------------------------------------------

static int add_part(zip_t *zip, const udy__archive_part *part, const char *path, udy_error *err) {
    enum { JANUARY_1980 = 1 << 5 | 1 };  // the format's first day
    zip_source_t *source = zip_source_buffer(zip, part->data, part->n_bytes, 0);
    zip_int64_t i = source ? zip_file_add(zip, part->entry, source, ZIP_FL_ENC_UTF_8) : -1;
    if (source && i < 0) zip_source_free(source);
    if (i < 0 || zip_set_file_compression(zip, (zip_uint64_t)i, ZIP_CM_STORE, 0) ||
        zip_file_set_dostime(zip, (zip_uint64_t)i, 0, JANUARY_1980, 0))
        return set_error(err, zip_get_error(zip), path, part->entry);
    return UDY_OK;
}

// What libzip has written into a source of memory, to the disk.
static int write_out(const char *path, zip_source_t *source, udy_error *err) {
    zip_stat_t st;
    zip_stat_init(&st);
    if (zip_source_stat(source, &st) || zip_source_open(source))
        return set_error(err, zip_source_error(source), path, "cannot be made");
    size_t n = (size_t)st.size;
    char *data = udy_alloc(n);
    int status = UDY_OK;
    if (!data)
        status = udy_error_set(err, UDY_ENOMEM, "%s: out of memory for %zu bytes", path, n);
    else if (zip_source_read(source, data, n) != (zip_int64_t)n)
        status = set_error(err, zip_source_error(source), path, "cannot be made");
    else
        status = udy_file_write(path, data, n, err);
    zip_source_close(source);
    udy_free(data);
    return status;
}

int udy__archive_write(const char *path, const udy__archive_part *parts, size_t n_parts,
                       udy_error *err) {
    zip_error_t why;
    zip_error_init(&why);
    int status = UDY_OK;
    zip_source_t *source = zip_source_buffer_create(NULL, 0, 0, &why);
    zip_t *zip = source ? zip_open_from_source(source, ZIP_TRUNCATE, &why) : NULL;
    if (!zip) status = set_error(err, &why, path, "cannot be made");
    zip_error_fini(&why);
    if (!status) {
        zip_source_keep(source);  // past the archive that is written to it
        for (size_t i = 0; !status && i < n_parts; i++)
            status = add_part(zip, &parts[i], path, err);
        if (!status && zip_close(zip)) status = set_error(err, zip_get_error(zip), path, "zip");
        if (status)
            zip_discard(zip);
        else
            status = write_out(path, source, err);
    }
    if (source) zip_source_free(source);
    return status;
}
