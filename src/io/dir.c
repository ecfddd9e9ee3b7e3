// Folders: making, listing.
#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "io/io_internal.h"

bool udy_dir_exists(const char *path) {
    struct stat st;
    return path && stat(path, &st) == 0 && S_ISDIR(st.st_mode);
}

int udy_dir_make(const char *path, udy_error *err) {
    char part[UDY_PATH_MAX];
    size_t n = path ? strlen(path) : 0;
    if (n == 0) return udy_error_set(err, UDY_EINVAL, "no path given");
    if (n >= sizeof part) {
        return udy_error_set(err, UDY_EINVAL, "path longer than %d bytes: %.64s...",
                             UDY_PATH_MAX - 1, path);
    }
    for (size_t i = 1; i <= n; i++) {
        if (path[i] != '/' && path[i] != '\0') continue;
        memcpy(part, path, i);
        part[i] = '\0';
        int fault = mkdir(part, 0777) == 0 ? 0 : errno;
        if (!fault || udy_dir_exists(part)) continue;
        if (fault == EEXIST) {
            return udy_error_set(err, UDY_EEXIST, "%s: is a file, expected a folder", part);
        }
        return udy_error_set_errno(err, fault, "%s: cannot make this folder", part);
    }
    return UDY_OK;
}

static bool ends_with(const char *name, const char *suffix) {
    size_t n = strlen(name), k = suffix ? strlen(suffix) : 0;
    return n >= k && !strcmp(name + n - k, suffix ? suffix : "");
}

static int by_text(const void *a, const void *b) {
    return strcmp(*(char *const *)a, *(char *const *)b);
}

// Names one after the other in a growing block of text.
typedef struct names {
    char *text;
    size_t n_bytes, capacity, n;
} names;

static bool add_name(names *list, const char *name) {
    size_t length = strlen(name) + 1;
    if (list->n_bytes + length > list->capacity) {
        size_t capacity = 2 * (list->capacity + length) + 1024;
        char *text = udy_alloc(capacity);
        if (!text) return false;
        if (list->n_bytes) memcpy(text, list->text, list->n_bytes);
        udy_free(list->text);
        list->text = text;
        list->capacity = capacity;
    }
    memcpy(list->text + list->n_bytes, name, length);
    list->n_bytes += length;
    list->n++;
    return true;
}

static int read_names(names *list, const char *path, const char *suffix, udy_error *err) {
    DIR *dir = opendir(path);
    if (!dir) return udy_error_set_errno(err, errno, "%s: cannot list this folder", path);
    int code = UDY_OK;
    while (!code) {
        errno = 0;
        const struct dirent *entry = readdir(dir);
        if (!entry && errno) code = udy_error_set_errno(err, errno, "%s", path);
        if (!entry) break;
        if (!strcmp(entry->d_name, ".") || !strcmp(entry->d_name, "..")) continue;
        if (ends_with(entry->d_name, suffix) && !add_name(list, entry->d_name)) {
            code = udy_error_set(err, UDY_ENOMEM, "%s: out of memory for its names", path);
        }
    }
    closedir(dir);
    return code;
}

int udy_dir_list(char ***out_names, size_t *n, const char *path, const char *suffix,
                 udy_error *err) {
    *out_names = NULL;
    *n = 0;
    if (!path) return udy_error_set(err, UDY_EINVAL, "no path given");
    names list = {0};
    int code = read_names(&list, path, suffix, err);
    size_t n_pointers = (list.n + 1) * sizeof(char *);  // one more, so that none is still a block
    char **block = code ? NULL : udy_alloc(n_pointers + list.n_bytes);
    if (!code && !block) code = udy_error_set(err, UDY_ENOMEM, "%s: out of memory", path);
    if (!code) {
        char *text = (char *)block + n_pointers;
        if (list.n_bytes) memcpy(text, list.text, list.n_bytes);
        for (size_t i = 0; i < list.n; i++) {
            block[i] = text;
            text += strlen(text) + 1;
        }
        qsort(block, list.n, sizeof *block, by_text);
        *out_names = block;
        *n = list.n;
    }
    udy_free(list.text);
    return code;
}
