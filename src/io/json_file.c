// JSON in files, whole: manifests, records of stages, results, and what Python writes. Text and tree
// are base's.
#include <string.h>

#include "io/io_internal.h"

int udy_json_load(udy_json **out, const char *path, size_t max_bytes, udy_error *err) {
    char *text;
    size_t n;
    *out = NULL;
    int status = udy_file_read(&text, &n, path, max_bytes, err);
    if (status) return status;
    status = udy_json_parse(out, text, n, path, err);
    udy_free(text);
    return status;
}

int udy_json_save(udy_json *root, const char *path, udy_error *err) {
    char *text = udy_json_print(root, true);
    udy_json_free(root);
    if (!text) return udy_error_set(err, UDY_ENOMEM, "%s: no memory for its text", path);
    int status = udy_file_write(path, text, strlen(text), err);
    udy_free(text);
    return status;
}

int udy__python_json(udy_json **out, char *text, size_t n_bytes, const char *name, udy_error *err) {
    static const char *const words[] = {"-Infinity", "Infinity", "NaN"};
    bool quoted = false;
    for (size_t i = 0; i < n_bytes; i++) {
        if (quoted && text[i] == '\\')
            i++;
        else if (text[i] == '"')
            quoted = !quoted;
        for (int k = 0; !quoted && k < 3; k++) {
            size_t n = strlen(words[k]);
            if (n_bytes - i < n || memcmp(text + i, words[k], n)) continue;
            memcpy(text + i, "0        ", n);
            break;
        }
    }
    return udy_json_parse(out, text, n_bytes, name, err);
}
