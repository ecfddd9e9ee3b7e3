// The run folder of an expert's training: names in it, the clock of its checkpoints, and putting it
// back to a checkpoint after a kill, so that what follows is written as if nothing had happened.
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/text.h"
#include "expert.h"

enum { LOG_BYTES_MAX = 1 << 30, POLICY_BYTES_MAX = 1 << 30, CLOCK_BYTES_MAX = 16 << 20 };

static const char policy_suffix[] = ".safetensors", step_prefix[] = "step-";

//------------------------------------------ Names and files ---------------------------------------

void udy__expert_step_name(char out[UDY__STEP_NAME_MAX], int64_t steps) {
    snprintf(out, UDY__STEP_NAME_MAX, "%s%09lld", step_prefix, (long long)steps);
}

int udy__expert_policy_path(char out[UDY_PATH_MAX], const char *run_path, const char *name,
                            udy_error *err) {
    return udy_path_format(out, err, "%s/policies/%s%s", run_path, name, policy_suffix);
}

int udy__expert_sac_dir(char out[UDY_PATH_MAX], const char *run_path, udy_error *err) {
    return udy_path_format(out, err, "%s/checkpoints/sac", run_path);
}

int udy__file_copy(const char *from, const char *to, udy_error *err) {
    char *data;
    size_t n;
    int status = udy_file_read(&data, &n, from, POLICY_BYTES_MAX, err);
    if (status) return status;
    status = udy_file_write(to, data, n, err);
    udy_free(data);
    return status;
}

int udy__expert_clear_checkpoint(const char *run_path, udy_error *err) {
    char dir[UDY_PATH_MAX], path[UDY_PATH_MAX], **names;
    size_t n;
    int status = udy__expert_sac_dir(dir, run_path, err);
    if (status || !udy_dir_exists(dir)) return status;
    status = udy_dir_list(&names, &n, dir, "", err);
    if (status) return status;
    for (size_t i = 0; !status && i < n; i++) {
        status = udy_path_format(path, err, "%s/%s", dir, names[i]);
        if (!status) status = udy_file_remove(path, err);
    }
    udy_free(names);
    return status;
}

int64_t udy__dir_bytes(const char *path) {
    char **names, below[UDY_PATH_MAX];
    size_t n;
    int64_t sum = 0;
    struct stat st;
    if (udy_dir_list(&names, &n, path, "", NULL)) return 0;
    for (size_t i = 0; i < n; i++)
        if (!udy_path_format(below, NULL, "%s/%s", path, names[i]) && stat(below, &st) == 0)
            sum += st.st_size;
    udy_free(names);
    return sum;
}

//------------------------------------------ Clock -------------------------------------------------

static int clock_path(char out[UDY_PATH_MAX], const char *run_path, udy_error *err) {
    return udy_path_format(out, err, "%s/checkpoints/clock.json", run_path);
}

void udy__clock_free(udy__clock *clock) {
    udy_free(clock->steps);
    udy_free(clock->s);
    *clock = (udy__clock){0};
}

// Room for one more entry than there are.
static int clock_reserve(udy__clock *clock, size_t n, udy_error *err) {
    double *steps = udy_alloc((n + 1) * sizeof *steps), *s = udy_alloc((n + 1) * sizeof *s);
    if (!steps || !s) {
        udy_free(steps);
        udy_free(s);
        return udy_error_set(err, UDY_ENOMEM, "no memory for the training's clock");
    }
    for (int i = 0; i < clock->n; i++) steps[i] = clock->steps[i], s[i] = clock->s[i];
    udy_free(clock->steps);
    udy_free(clock->s);
    clock->steps = steps;
    clock->s = s;
    return UDY_OK;
}

int udy__clock_load(udy__clock *clock, const char *run_path, udy_error *err) {
    char path[UDY_PATH_MAX];
    udy_json *root;
    *clock = (udy__clock){0};
    int status = clock_path(path, run_path, err);
    if (status || !udy_file_exists(path)) return status;
    status = udy_json_load(&root, path, CLOCK_BYTES_MAX, err);
    if (status) return status;
    const udy_json *steps = udy_json_get(root, "steps"), *s = udy_json_get(root, "seconds");
    size_t n = udy_json_is_array(steps) ? udy_json_size(steps) : 0;
    if (!udy_json_is_array(s) || udy_json_size(s) != n)
        status = udy_error_set(err, UDY_EFORMAT, "%s: is not a training's clock", path);
    if (!status) status = clock_reserve(clock, n, err);
    if (!status) {
        const udy_json *a = udy_json_at(steps, 0), *b = udy_json_at(s, 0);
        for (size_t i = 0; i < n; i++, a = udy_json_next(a), b = udy_json_next(b)) {
            clock->steps[i] = udy_json_value(a, 0);
            clock->s[i] = udy_json_value(b, 0);
        }
        clock->n = (int)n;
        clock->saved = udy_json_bool(root, "saved", false);
    }
    udy_json_free(root);
    return status;
}

double udy__clock_cut(udy__clock *clock, int64_t steps) {
    while (clock->n && clock->steps[clock->n - 1] > (double)steps) clock->n--;
    return clock->n ? clock->s[clock->n - 1] : 0;
}

int udy__clock_note(udy__clock *clock, int64_t steps, double seconds, bool saved,
                    const char *run_path, udy_error *err) {
    char path[UDY_PATH_MAX];
    int status = clock_path(path, run_path, err);
    if (!status) status = clock_reserve(clock, (size_t)clock->n, err);
    if (status) return status;
    bool there = clock->n && clock->steps[clock->n - 1] == (double)steps;
    if (!there) clock->n++;
    clock->steps[clock->n - 1] = (double)steps;
    clock->s[clock->n - 1] = seconds;
    clock->saved = clock->saved || saved;
    udy_json *root = udy_json_object();
    udy_json_put_bool(root, "saved", clock->saved);
    udy_json_put_numbers(root, "steps", clock->steps, (size_t)clock->n);
    udy_json_put_numbers(root, "seconds", clock->s, (size_t)clock->n);
    return udy_json_save(root, path, err);
}

//------------------------------------------ Back to a checkpoint ----------------------------------

// Does a line of the log stay? What tells of the training's course goes where it is to be told
// again; what was said of the run itself (begun, resumed) stays, and half a line does not.
static bool line_stays(const char *line, size_t n, int64_t steps, int64_t last_evaluation) {
    udy_json *root;
    if (udy_json_parse(&root, line, n, "log.jsonl", NULL)) return false;
    const char *event = udy_json_string(root, "event", "");
    double at = udy_json_number(root, "steps", 0);
    bool stays = true;
    if (!strcmp(event, "evaluation")) stays = at <= (double)last_evaluation;
    if (!strcmp(event, "train") || !strcmp(event, "checkpoint")) stays = at <= (double)steps;
    udy_json_free(root);
    return stays;
}

static int cut_log(const char *run_path, int64_t steps, int64_t last_evaluation, udy_error *err) {
    char path[UDY_PATH_MAX], *text;
    size_t n;
    int status = udy_path_format(path, err, "%s/log.jsonl", run_path);
    if (status || !udy_file_exists(path)) return status;
    status = udy_file_read(&text, &n, path, LOG_BYTES_MAX, err);
    if (status) return status;
    udy__text kept = {0};
    for (const char *line = text, *end; (end = strchr(line, '\n')); line = end + 1) {
        size_t length = (size_t)(end - line);
        if (line_stays(line, length, steps, last_evaluation))
            udy__text_add(&kept, line, length + 1);
    }
    if (kept.failed)
        status = udy_error_set(err, UDY_ENOMEM, "%s: no memory to cut it back", path);
    else if (kept.n != n)
        status = udy_file_write(path, kept.n ? kept.p : "", kept.n, err);
    udy__text_drop(&kept);
    udy_free(text);
    return status;
}

// Policies of evaluations after the last one that stays.
static int cut_policies(const char *run_path, int64_t last_evaluation, udy_error *err) {
    char dir[UDY_PATH_MAX], path[UDY_PATH_MAX], **names;
    size_t n;
    int status = udy_path_format(dir, err, "%s/policies", run_path);
    if (!status) status = udy_dir_list(&names, &n, dir, policy_suffix, err);
    if (status) return status;
    for (size_t i = 0; !status && i < n; i++) {
        if (strncmp(names[i], step_prefix, sizeof step_prefix - 1)) continue;
        if (strtoll(names[i] + sizeof step_prefix - 1, NULL, 10) <= last_evaluation) continue;
        status = udy_path_format(path, err, "%s/%s", dir, names[i]);
        if (!status) status = udy_file_remove(path, err);
    }
    udy_free(names);
    return status;
}

// policies/<to> is the policy of this point; none: it is removed.
static int restore_policy(const char *run_path, const char *to, const udy_curve_point *point,
                          udy_error *err) {
    char source[UDY_PATH_MAX], path[UDY_PATH_MAX], name[UDY__STEP_NAME_MAX];
    int status = udy__expert_policy_path(path, run_path, to, err);
    if (status) return status;
    if (!point) return udy_file_remove(path, err);
    udy__expert_step_name(name, point->steps);
    status = udy__expert_policy_path(source, run_path, name, err);
    return status ? status : udy__file_copy(source, path, err);
}

int udy__expert_cut_back(const char *run_path, int64_t steps, const udy_curve_point *curve, int n,
                         udy_error *err) {
    const udy_curve_point *last = n ? &curve[n - 1] : NULL;
    const int64_t last_evaluation = last ? last->steps : -1;
    int status = udy__curve_write(curve, n, run_path, err);
    if (!status) status = cut_log(run_path, steps, last_evaluation, err);
    if (!status) status = cut_policies(run_path, last_evaluation, err);
    if (!status) status = restore_policy(run_path, "best", udy_curve_best(curve, n), err);
    if (!status) status = restore_policy(run_path, "last", last, err);
    return status;
}
