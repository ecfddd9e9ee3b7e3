// JSON in files, whole: manifests, records of stages, results. Text and tree are base's.
#include <string.h>

#include "understudy/io.h"

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
