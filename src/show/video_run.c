// The video of an experiment: the expert, the clone and DAgger's best side by side, from the seed that
// the shift's episodes start with.
#include <stdio.h>
#include <string.h>

#include "understudy/show.h"

enum { PANELS = 3 };

typedef struct scene {
    udy_policy *policies[PANELS];
    udy_footage footage[PANELS];
    double *values[PANELS];  // of the gauge
    udy_gauge *gauge;
    udy_batch *batch;
} scene;

static void scene_free(scene *s) {
    for (int i = 0; i < PANELS; i++) {
        udy_footage_free(&s->footage[i]);
        udy_free(s->values[i]);
        udy_policy_destroy(s->policies[i]);
    }
    udy_gauge_destroy(s->gauge);
    udy_batch_destroy(s->batch);
}

static int load(scene *s, const char *run, const udy_results *results, const char *expert_path,
                const udy_task *task, udy_error *err) {
    char path[UDY_PATH_MAX];
    int status = udy_policy_load(&s->policies[0], expert_path, err);
    if (!status) status = udy_path_format(path, err, "%s/policies/bc-best.safetensors", run);
    if (!status) status = udy_policy_load(&s->policies[1], path, err);
    if (!status)
        status = udy_path_format(path, err, "%s/policies/dagger-%02d.safetensors", run,
                                 results->dagger_best);
    if (!status) status = udy_policy_load(&s->policies[2], path, err);
    for (int i = 0; !status && i < PANELS; i++)
        status = udy_policy_check(s->policies[i], task, err);
    return status;
}

static void label(scene *s, const udy_results *results) {
    snprintf(s->footage[0].label, sizeof s->footage[0].label, "Expert");
    snprintf(s->footage[1].label, sizeof s->footage[1].label, "BC");
    snprintf(s->footage[2].label, sizeof s->footage[2].label, "DAgger, round %d",
             results->dagger_best);
}

// A single demonstration says nothing of how far demonstrations are apart: then there is no gauge.
static int gauge(scene *s, const char *run, const udy_task *task, int n_threads,
                 const udy_progress *progress, udy_error *err) {
    char path[UDY_PATH_MAX];
    udy_dataset *demos = NULL;
    int status = udy_path_format(path, err, "%s/data/demos", run);
    if (!status) status = udy_dataset_open(&demos, path, progress, err);
    if (!status && udy_dataset_info_of(demos).n_episodes > 1)
        status = udy_gauge_create(&s->gauge, demos, task, n_threads, progress, err);
    udy_dataset_close(demos);
    if (status || !s->gauge) return status;
    return udy_gauge_show(s->gauge, s->footage, PANELS, s->values, progress, err);
}

int udy_video_of_run(const char *run_path, const udy_experiment_config *config,
                     const udy_results *results, const char *expert_path, int steps, int n_threads,
                     const udy_progress *progress, udy_error *err) {
    char dir[UDY_PATH_MAX], path[UDY_PATH_MAX];
    udy_footage_config footage;
    udy_video_config video;
    udy_task *task = NULL;
    scene s = {0};
    udy_footage_config_default(&footage);
    udy_video_config_default(&video);
    footage.max_steps = steps;
    int status = udy_path_format(dir, err, "%s/video", run_path);
    if (!status) status = udy_path_format(path, err, "%s/side-by-side.mp4", dir);
    if (status || udy_file_exists(path)) return status;
    status = udy_task_create(&task, config->task, &config->task_config, err);
    if (!status) status = load(&s, run_path, results, expert_path, task, err);
    if (!status) status = udy_batch_create(&s.batch, task, PANELS, n_threads, err);
    if (!status)
        status = udy_footage_record(s.footage, (const udy_policy *const *)s.policies, PANELS, task,
                                    s.batch, udy_seed_range(config->seed, UDY_SEEDS_SHIFT),
                                    &footage, progress, err);
    if (!status) status = gauge(&s, run_path, task, n_threads, progress, err);
    if (!status) status = udy_dir_make(dir, err);
    label(&s, results);
    if (!status)
        status =
            udy_video_write(path, task, s.footage, PANELS, &video, n_threads, NULL, progress, err);
    scene_free(&s);
    udy_task_destroy(task);
    return status;
}
