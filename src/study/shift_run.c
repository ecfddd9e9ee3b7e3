// The shift of an experiment's run folder: which of its policies are looked at, and a note of what
// shift.json was made from, so that it is not made twice.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "learn/config.h"
#include "study/shift.h"

typedef struct folder {
    const char *path;
    udy_results results;
    udy_task *task;
    udy_policy *expert;
    udy_dataset *demos;
    int n;
    udy_shift_subject subjects[UDY_SHIFT_SUBJECTS_MAX];
    udy_policy *policies[UDY_SHIFT_SUBJECTS_MAX];
    char names[UDY_SHIFT_SUBJECTS_MAX][32], labels[UDY_SHIFT_SUBJECTS_MAX][48];
} folder;

static void folder_close(folder *f) {
    for (int i = 0; i < f->n; i++) udy_policy_destroy(f->policies[i]);
    udy_dataset_close(f->demos);
    udy_policy_destroy(f->expert);
    udy_task_destroy(f->task);
    udy_results_free(&f->results);
}

//------------------------------------------ Subjects ----------------------------------------------

static const udy_result_row *row_of(const folder *f, const char *name) {
    for (int i = 0; i < f->results.n_rows; i++)
        if (!strcmp(f->results.rows[i].name, name)) return &f->results.rows[i];
    return NULL;
}

static int add(folder *f, const char *name, const char *label, const char *file, bool brief,
               udy_error *err) {
    char path[UDY_PATH_MAX];
    int status = udy_path_format(path, err, "%s/policies/%s.safetensors", f->path, file);
    if (!status) status = udy_policy_load(&f->policies[f->n], path, err);
    if (status) return status;
    int i = f->n++;
    const udy_result_row *row = row_of(f, name);
    snprintf(f->names[i], sizeof f->names[i], "%s", name);
    snprintf(f->labels[i], sizeof f->labels[i], "%s", label ? label : row ? row->label : name);
    f->subjects[i] = (udy_shift_subject){.name = f->names[i],
                                         .label = f->labels[i],
                                         .policy = f->policies[i],
                                         .brief = brief,
                                         .has_labels = row != NULL,
                                         .labels = row ? row->labels : 0};
    return UDY_OK;
}

static int add_rounds(folder *f, udy_error *err) {
    int rounds = 0, best = f->results.dagger_best, status = UDY_OK;
    char name[32], file[32], label[48];
    for (;; rounds++) {
        snprintf(name, sizeof name, "dagger-%d", rounds);
        if (!row_of(f, name)) break;
    }
    // With very many rounds, every so-manieth stands for those between.
    int stride = 1 + rounds / (UDY_SHIFT_SUBJECTS_MAX - 4);
    for (int i = 0; i < rounds && !status; i++) {
        bool full = i == 0 || i == best || i == rounds - 1;
        if (!full && i % stride) continue;
        snprintf(name, sizeof name, "dagger-%d", i);
        snprintf(file, sizeof file, "dagger-%02d", i);
        snprintf(label, sizeof label, "DAgger best (round %d)", i);
        status = add(f, name, i == best ? label : NULL, file, !full, err);
    }
    return status;
}

static int folder_open(folder *f, const udy_experiment_config *experiment, const char *expert_path,
                       const udy_progress *progress, udy_error *err) {
    char path[UDY_PATH_MAX];
    int status = udy_results_load(&f->results, f->path, err);
    if (!status)
        status = udy_task_create(&f->task, experiment->task, &experiment->task_config, err);
    if (!status) status = udy_policy_load(&f->expert, expert_path, err);
    if (!status) status = udy_path_format(path, err, "%s/data/demos", f->path);
    if (!status) status = udy_dataset_open(&f->demos, path, progress, err);
    if (!status) status = add(f, "bc", NULL, "bc-best", false, err);
    return status ? status : add_rounds(f, err);
}

//------------------------------------------ Made already ------------------------------------------

// What every number of shift.json follows from; NULL: no memory.
static char *fingerprint(const folder *f, const udy_shift_config *config) {
    char *settings = udy_settings_facts(config, udy_shift_fields());
    char *task = udy__config_print_task(f->task);
    size_t size = 256 + (size_t)f->n * 64;
    char *out = udy_alloc(size);
    if (out && settings && task) {
        udy_dataset_info demos = udy_dataset_info_of(f->demos);
        int used = snprintf(
            out, size,
            "understudy " UDY_VERSION " settings %016llx task %016llx expert %016llx demos %llu",
            (unsigned long long)udy_hash(settings, strlen(settings)),
            (unsigned long long)udy_hash(task, strlen(task)),
            (unsigned long long)udy_policy_hash(f->expert), (unsigned long long)demos.n_rows);
        for (int i = 0; i < f->n; i++)
            used += snprintf(out + used, size - (size_t)used, " %s%s %016llx", f->names[i],
                             f->subjects[i].brief ? "-" : "",
                             (unsigned long long)udy_policy_hash(f->policies[i]));
    } else {
        udy_free(out);
        out = NULL;
    }
    udy_free(settings);
    udy_free(task);
    return out;
}

// Load what was measured with the same settings; *made: whether there was any. A note or a file that
// cannot be read is as if there were none.
static bool load_made(udy_shift *out, const char *note, const char *file, const char *made_with) {
    udy_json *record;
    if (!udy_file_exists(note) || !udy_file_exists(file)) return false;
    if (udy_json_load(&record, note, (size_t)1 << 20, NULL)) return false;
    bool same = !strcmp(udy_json_string(record, "made_with", ""), made_with);
    udy_json_free(record);
    return same && !udy_shift_load(out, file, NULL);
}

// The note comes last and goes first, so that it never speaks of another shift.json.
static int save(const udy_shift *shift, const char *note, const char *file, const char *made_with,
                udy_error *err) {
    int status = udy_file_remove(note, err);
    if (!status) status = udy_shift_save(shift, file, err);
    if (status) return status;
    udy_json *record = udy_json_object();
    udy_json_put_string(record, "made_with", made_with);
    return udy_json_save(record, note, err);
}

//------------------------------------------ All of it ---------------------------------------------

static int run(udy_shift *out, folder *f, const char *expert_label, const udy_shift_config *config,
               int n_threads, const udy_progress *progress, udy_error *err) {
    char note[UDY_PATH_MAX], file[UDY_PATH_MAX];
    int status = udy_path_format(note, err, "%s/checkpoints/shift.json", f->path);
    if (!status) status = udy_path_format(file, err, "%s/shift.json", f->path);
    if (status) return status;
    char *made_with = fingerprint(f, config);
    if (!made_with) return udy__shift_no_memory(err);
    if (!load_made(out, note, file, made_with)) {
        status = udy_shift_measure(out, f->task, f->expert, expert_label, f->demos, f->subjects,
                                   f->n, config, n_threads, progress, err);
        if (!status) status = save(out, note, file, made_with, err);
        if (status) udy_shift_free(out);
    }
    udy_free(made_with);
    return status;
}

int udy_shift_run(udy_shift *out, const char *run_path, const udy_experiment_config *experiment,
                  const char *expert_path, const udy_shift_config *config, int n_threads,
                  const udy_progress *progress, udy_error *err) {
    *out = (udy_shift){0};
    char label[sizeof out->expert];
    folder *f = udy_alloc(sizeof *f);
    if (!f) return udy__shift_no_memory(err);
    f->path = run_path;
    int status = udy__config_check(config, udy_shift_fields(), "", err);
    if (!status) status = folder_open(f, experiment, expert_path, progress, err);
    udy_policy_short_name(label, sizeof label, experiment->expert);
    if (!status) status = run(out, f, label, config, n_threads, progress, err);
    folder_close(f);
    udy_free(f);
    return status;
}
