// Records of a run's stages: a JSON file each under checkpoints/, written whole. Experiments, sweeps
// and trainings of experts find by them what they have done, and that it is theirs.
#include "record.h"

#include <string.h>

static int record_path(char out[UDY_PATH_MAX], const char *run, const char *name, udy_error *err) {
    return udy_path_format(out, err, "%s/checkpoints/%s.json", run, name);
}

int udy__record_read(const char *run, const char *name, size_t max_bytes, udy_json **out,
                     udy_error *err) {
    char path[UDY_PATH_MAX];
    *out = NULL;
    int status = record_path(path, run, name, err);
    if (status || !udy_file_exists(path)) return status;
    return udy_json_load(out, path, max_bytes, err);
}

int udy__record_write(const char *run, const char *name, udy_json *record, udy_error *err) {
    char path[UDY_PATH_MAX];
    int status = record_path(path, run, name, err);
    if (!status) return udy_json_save(record, path, err);
    udy_json_free(record);
    return status;
}

int udy__record_claim(const char *run, const char *name, size_t max_bytes, const char *made_with,
                      const char *others, udy_error *err) {
    udy_json *record;
    int status = udy__record_read(run, name, max_bytes, &record, err);
    if (status) return status;
    if (!record) {
        record = udy_json_object();
        udy_json_put_string(record, "made_with", made_with);
        return udy__record_write(run, name, record, err);
    }
    if (strcmp(udy_json_string(record, "made_with", ""), made_with))
        status = udy_error_set(err, UDY_EMISMATCH,
                               "%s: was begun with %s: go on with the same, or name another folder",
                               run, others);
    udy_json_free(record);
    return status;
}

double udy__elapsed_s(const udy__elapsed *elapsed) {
    return elapsed->before_s + udy_clock_s() - elapsed->start_s;
}

int udy__elapsed_keep(const udy__elapsed *elapsed, const char *run, udy_error *err) {
    udy_json *record = udy_json_object();
    udy_json_put_number(record, "seconds", udy__elapsed_s(elapsed));
    return udy__record_write(run, "elapsed", record, err);
}

int udy__elapsed_recall(udy__elapsed *elapsed, const char *run, size_t max_bytes, udy_error *err) {
    udy_json *record;
    int status = udy__record_read(run, "elapsed", max_bytes, &record, err);
    if (status) return status;
    elapsed->before_s = udy_json_number(record, "seconds", 0);
    udy_json_free(record);
    return UDY_OK;
}

int udy__run_folders(const char *run, const char *const *names, int n, udy_error *err) {
    for (int i = 0; i < n; i++) {
        char path[UDY_PATH_MAX];
        int status = udy_path_format(path, err, "%s/%s", run, names[i]);
        if (!status) status = udy_dir_make(path, err);
        if (status) return status;
    }
    return UDY_OK;
}
