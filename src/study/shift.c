// Why a clone fails, measured: policies are rolled out from the same seeds, one after the other, and
// what each meets is held against what the expert meets. Rows come from shift_rows.c; the parts of a
// policy's measurement are in the table below; shift_json.c keeps the result.
#include "study/shift.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "learn/config.h"
#include "learn/dataset.h"
#include "study/evaluate.h"

//------------------------------------------ Freeing -----------------------------------------------

static void track_free(udy_shift_track *t) {
    udy_free(t->qpos);
    udy_free(t->height);
    udy_free(t->speed);
    udy_free(t->distance);
    udy_free(t->error);
    udy_free(t->reward);
}

void udy__shift_policy_free(udy_shift_policy *p) {
    udy_free(p->returns);
    udy_free(p->lengths);
    udy_free(p->ends);
    udy_free(p->columns);
    udy_free(p->windows);
    udy_free(p->height_density);
    udy_free(p->speed_density);
    udy_free(p->map);
    udy_free(p->distance_density);
    udy_free(p->obs_density);
    udy_free(p->survival);
    udy_free(p->hazard);
    udy_free(p->cost);
    udy_free(p->before);
    track_free(&p->track);
    *p = (udy_shift_policy){0};
}

void udy_shift_free(udy_shift *shift) {
    if (!shift) return;
    for (int k = 0; shift->policies && k < shift->n; k++)
        udy__shift_policy_free(&shift->policies[k]);
    udy_free(shift->policies);
    udy_free(shift->column_name);
    udy_free(shift->column_unit);
    udy_free(shift->column_std);
    udy_free(shift->obs_range);
    udy_free(shift->T);
    *shift = (udy_shift){0};
}

static void job_free(udy__shift *s) {
    udy__shift_set_free(&s->reference);
    udy_free(s->expert_action);
    udy_free(s->columns);
    udy_free(s->columns_data);
    udy_standard_free(&s->standard);
    udy_pca_free(&s->pca);
    udy_neighbours_destroy(s->neighbours);
    udy_free(s->half_range);
    udy_free(s->resamples);
    udy_free(s->push_qpos);
    udy_free(s->push_qvel);
    udy_free(s->push_way);
    for (int k = 0; s->clouds && k < s->out->n; k++) udy__shift_cloud_free(&s->clouds[k]);
    udy_free(s->clouds);
    udy_batch_destroy(s->batch);
    udy_pool_destroy(s->pool);
}

//------------------------------------------ Parts of a policy -------------------------------------

static int returns(udy__shift *s, const udy_shift_subject *subject, udy__shift_set *set,
                   udy_shift_policy *out, const udy_progress *progress, udy_error *err) {
    (void)subject, (void)progress;
    udy_evaluation e;
    int status = udy__evaluation_of(&e, set->episodes, set->n, s->config->seed, err);
    if (status) return status;
    out->n = e.n;
    out->returns = e.returns;
    out->lengths = e.lengths;
    out->ends = e.ends;
    e.returns = NULL, e.lengths = NULL, e.ends = NULL;  // out's now
    out->mean = e.mean;
    out->std = e.std;
    memcpy(out->ci95, e.ci95, sizeof out->ci95);
    out->falls = e.falls;
    out->too_low = e.too_low;
    out->too_high = e.too_high;
    out->speed_mean = e.speed_mean;
    udy_evaluation_free(&e);
    return UDY_OK;
}

// Sums of x over each episode, and numbers of rows.
static void episode_sums(const udy__shift_set *set, const double *x, double *sum, double *rows) {
    for (int e = 0; e < set->n; e++) {
        sum[e] = 0;
        rows[e] = set->episodes[e].length;
        for (size_t r = set->start[e]; r < set->start[e + 1]; r++) sum[e] += x[r];
    }
}

static int distances(udy__shift *s, const udy_shift_subject *subject, udy__shift_set *set,
                     udy_shift_policy *out, const udy_progress *progress, udy_error *err) {
    (void)subject;
    size_t n = set->start[set->n], far = 0;
    double *sum = udy_alloc(2 * (size_t)set->n * sizeof *sum);
    int status = sum ? UDY_OK : udy__shift_no_memory(err);
    if (!status)
        status = (out->brief ? udy__shift_distances_in_brief : udy__shift_distances)(s, set,
                                                                                     progress, err);
    if (!status) {
        episode_sums(set, set->distance, sum, sum + set->n);
        out->distance = udy__shift_mean(s, sum, sum + set->n, set->n);
        out->distance_q95 = udy_quantile(set->distance, n, 0.95);
        for (size_t r = 0; r < n; r++) far += set->distance[r] > s->out->distance_q95;
        out->far = (double)far / (double)n;
    }
    udy_free(sum);
    return status;
}

static int action_errors(udy__shift *s, const udy_shift_subject *subject, udy__shift_set *set,
                         udy_shift_policy *out, const udy_progress *progress, udy_error *err) {
    (void)progress;
    size_t n = (size_t)set->n;
    double *sum = udy_alloc(2 * n * sizeof *sum);
    int status =
        sum ? udy__shift_own_errors(s, subject->policy, set, err) : udy__shift_no_memory(err);
    if (!status) {
        episode_sums(set, set->error, sum, sum + n);
        out->error_own = udy__shift_mean(s, sum, sum + n, set->n);
        status = udy__shift_reference_errors(s, subject->policy, sum, err);
    }
    if (!status) {
        for (size_t e = 0; e < n; e++) sum[n + e] = s->reference.episodes[e].length;
        out->error_expert = udy__shift_mean(s, sum, sum + n, set->n);
    }
    udy_free(sum);
    return status;
}

static int joint(udy__shift *s, const udy_shift_subject *subject, udy__shift_set *set,
                 udy_shift_policy *out, const udy_progress *progress, udy_error *err) {
    (void)subject;
    udy_rng rng;
    udy_rng_init_stream(&rng, s->config->seed, "shift/joint", 0);
    return udy_joint_divergence(&out->joint, &s->reference.sample, &set->sample, &s->standard,
                                &s->config->divergence, &rng, s->pool, "joint", progress, err);
}

static int columns(udy__shift *s, const udy_shift_subject *subject, udy__shift_set *set,
                   udy_shift_policy *out, const udy_progress *progress, udy_error *err) {
    (void)subject;
    udy_rows *rows = NULL;
    float *data = NULL;
    int dims = s->out->n_columns;
    udy_rng rng;
    udy_rng_init_stream(&rng, s->config->seed, "shift/columns", 0);
    out->columns = udy_alloc((size_t)dims * sizeof *out->columns);
    int status =
        out->columns ? udy__shift_columns(s, set, &rows, &data, err) : udy__shift_no_memory(err);
    udy_sample a = {"the reference", dims, s->reference.n, s->columns};
    udy_sample b = {set->sample.name, dims, set->n, rows};
    if (!status)
        status = udy_column_divergence(out->columns, &a, &b, &s->config->divergence, &rng, s->pool,
                                       "columns", progress, err);
    udy_free(rows);
    udy_free(data);
    return status;
}

static int classifier(udy__shift *s, const udy_shift_subject *subject, udy__shift_set *set,
                      udy_shift_policy *out, const udy_progress *progress, udy_error *err) {
    (void)subject;
    udy_rng rng;
    udy_rng_init_stream(&rng, s->config->seed, "shift/classifier", 0);
    int status = udy_classifier_two_sample(&out->classifier, &s->reference.sample, &set->sample,
                                           &s->standard, &s->config->classifier, &rng, s->pool,
                                           "classifier", progress, err);
    out->has_classifier = !status;
    return status;
}

static int track(udy__shift *s, const udy_shift_subject *subject, udy__shift_set *set,
                 udy_shift_policy *out, const udy_progress *progress, udy_error *err) {
    (void)subject, (void)progress;
    const udy_episode *e = &set->episodes[0];
    size_t T = (size_t)e->length, nq = (size_t)s->info->nq;
    udy_shift_track *t = &out->track;
    *t = (udy_shift_track){.seed = e->seed,
                           .length = e->length,
                           .end = e->end,
                           .ret = e->ret,
                           .qpos = udy_alloc(T * nq * sizeof(float)),
                           .height = udy_alloc(T * sizeof(float)),
                           .speed = udy_alloc(T * sizeof(float)),
                           .distance = udy_alloc(T * sizeof(float)),
                           .error = udy_alloc(T * sizeof(float)),
                           .reward = udy_alloc(T * sizeof(float))};
    if (!t->qpos || !t->height || !t->speed || !t->distance || !t->error || !t->reward)
        return udy__shift_no_memory(err);
    for (size_t i = 0; i < T * nq; i++) t->qpos[i] = (float)e->qpos[i];
    for (size_t i = 0; i < T; i++) {
        t->height[i] = (float)udy__shift_height(e, (int)i);
        t->speed[i] = e->x_velocity[i];
        t->distance[i] = (float)set->distance[i];
        t->error[i] = (float)set->error[i];
        t->reward[i] = e->reward[i];
    }
    return UDY_OK;
}

static const struct {
    const char *what;
    udy__shift_part measure;
    bool brief_too;
} parts[] = {
    {"returns", returns, true},
    {"distance to the demonstrations", distances, true},
    {"action errors", action_errors, true},
    {"energy distance", joint, true},
    {"columns", columns, false},
    {"classifier", classifier, false},
    {"by time", udy__shift_by_time, false},
    {"falls", udy__shift_falls, false},
    {"cost", udy__shift_cost, false},
    {"pushes", udy__shift_pushes, false},
    {"track", track, false},
};
enum { PARTS = sizeof parts / sizeof parts[0] };

//------------------------------------------ One policy --------------------------------------------

// The parts tell of themselves in units of their own: to whoever watches, they are one stage.
typedef struct teller {
    const udy_progress *outer;
    char stage[64];
    int done, total;
    const char *part;
} teller;

static int tell(void *ctx, const char *stage, int64_t done, int64_t total, const char *unit,
                const char *note) {
    (void)stage, (void)done, (void)total, (void)unit, (void)note;
    const teller *t = ctx;
    return udy_progress_advance(t->outer, t->stage, t->done, t->total, "measurements", t->part);
}

static int measure_rows(udy__shift *s, const udy_shift_subject *subject, udy__shift_set *set,
                        udy_shift_policy *out, udy_error *err) {
    teller t = {.outer = s->progress};
    snprintf(t.stage, sizeof t.stage, "%s: measuring", out->name);
    const udy_progress inner = {.on_advance = tell, .ctx = &t};
    for (int i = 0; i < PARTS; i++) t.total += !out->brief || parts[i].brief_too;
    for (int i = 0; i < PARTS; i++) {
        if (out->brief && !parts[i].brief_too) continue;
        t.part = parts[i].what;
        if (tell(&t, "", 0, 0, "", ""))
            return udy_error_set(err, UDY_EINTERRUPTED, "%s: interrupted", t.stage);
        int status = parts[i].measure(s, subject, set, out, &inner, err);
        if (status) return udy_error_wrap(err, status, "%s: %s", out->name, parts[i].what);
        t.done++;
    }
    t.part = "";
    tell(&t, "", 0, 0, "", "");
    return UDY_OK;
}

static int measure_policy(udy__shift *s, int k, const udy_shift_subject *subject,
                          udy__shift_set *set, udy_error *err) {
    udy_shift_policy *out = &s->out->policies[k];
    udy__shift_set own = {0};
    if (!set) {
        int status = udy__shift_roll(s, subject->policy, 0, !out->brief, out->name, &own, err);
        if (status) return status;
        set = &own;
    }
    int status = measure_rows(s, subject, set, out, err);
    if (!status) status = udy__shift_keep_distances(set, &s->clouds[k], err);
    if (!status && !out->brief) status = udy__shift_bin_obs(s, set, out, err);
    if (!status && !out->brief) status = udy__shift_keep_cloud(s, set, &s->clouds[k], err);
    udy__shift_set_free(&own);
    return status;
}

//------------------------------------------ Checks and frame --------------------------------------

static int check_subjects(const udy_task *task, const udy_shift_subject *subjects, int n,
                          udy_error *err) {
    if (n < 1 || n > UDY_SHIFT_SUBJECTS_MAX)
        return udy_error_set(err, UDY_EINVAL, "%d policies to measure: expected 1 to %d", n,
                             UDY_SHIFT_SUBJECTS_MAX);
    for (int i = 0; i < n; i++) {
        const udy_shift_subject *x = &subjects[i];
        if (!x->name || !x->name[0] || strlen(x->name) >= sizeof((udy_shift_policy *)0)->name)
            return udy_error_set(err, UDY_EINVAL,
                                 "policy %d is named '%s': expected 1 to %zu characters", i + 1,
                                 x->name ? x->name : "", sizeof((udy_shift_policy *)0)->name - 1);
        if (strcmp(x->name, "expert") == 0)
            return udy_error_set(err, UDY_EINVAL,
                                 "a policy is named 'expert': that is the null's, the expert on "
                                 "other seeds; name it otherwise");
        for (int j = 0; j < i; j++)
            if (strcmp(x->name, subjects[j].name) == 0)
                return udy_error_set(err, UDY_EINVAL,
                                     "two policies are named '%s': each needs a name of its own",
                                     x->name);
        int status = udy_policy_check(x->policy, task, err);
        if (status) return status;
    }
    return UDY_OK;
}

static int check(const udy_task *task, const udy_policy *expert, const udy_dataset *demos,
                 const udy_shift_subject *subjects, int n_subjects, const udy_shift_config *config,
                 udy_error *err) {
    const udy_task_info *info = udy_task_info_of(task);
    int status = udy__config_check(config, udy_shift_fields(), "", err);
    if (!status) status = udy_policy_check(expert, task, err);
    if (!status && !udy_policy_mlp(expert))
        status = udy_error_set(err, UDY_EINVAL,
                               "the random policy has no labels to give; name an expert");
    if (!status) status = check_subjects(task, subjects, n_subjects, err);
    if (!status && demos) status = udy__dataset_fits(demos, task, err);
    if (!status && info->obs_dim + 2 > UDY_SAMPLE_DIMS_MAX)
        status = udy_error_set(err, UDY_EUNSUPPORTED,
                               "%s shows %d numbers: a shift is measured of at most %d", info->id,
                               info->obs_dim, UDY_SAMPLE_DIMS_MAX - 2);
    if (!status && info->max_episode_steps < 1)
        status = udy_error_set(err, UDY_EINVAL,
                               "%s has no time limit, so an episode may never end: set "
                               "max_episode_steps",
                               info->id);
    return status;
}

// Up to 12 horizons from a fiftieth of the time limit to all of it, evenly spread in logarithm.
static int choose_horizons(udy_shift *out, int limit, udy_error *err) {
    enum { HORIZONS = 12 };
    out->T = udy_alloc(HORIZONS * sizeof *out->T);
    if (!out->T) return udy__shift_no_memory(err);
    for (int i = 0; i < HORIZONS; i++) {
        double T = fmax(round(limit * pow(50, (double)i / (HORIZONS - 1) - 1)), 1);
        if (out->n_T == 0 || T > out->T[out->n_T - 1]) out->T[out->n_T++] = T;
    }
    return UDY_OK;
}

static int name_columns(udy_shift *out, const udy_task *task, udy_error *err) {
    size_t n = (size_t)out->obs_dim + 2;
    out->column_name = udy_alloc(n * sizeof *out->column_name);
    out->column_unit = udy_alloc(n * sizeof *out->column_unit);
    out->column_std = udy_alloc(n * sizeof *out->column_std);
    if (!out->column_name || !out->column_unit || !out->column_std)
        return udy__shift_no_memory(err);
    out->n_columns = (int)n;
    snprintf(out->column_name[0], 64, "torso height");
    snprintf(out->column_unit[0], 16, "m");
    snprintf(out->column_name[1], 64, "forward speed");
    snprintf(out->column_unit[1], 16, "m/s");
    for (int i = 0; i < out->obs_dim; i++)
        udy_task_obs_name(task, i, out->column_name[i + 2], out->column_unit[i + 2]);
    return UDY_OK;
}

static void name_policy(udy_shift_policy *p, const udy_shift_subject *x) {
    snprintf(p->name, sizeof p->name, "%s", x->name);
    snprintf(p->label, sizeof p->label, "%s", x->label ? x->label : x->name);
    p->brief = x->brief;
    p->has_labels = x->has_labels;
    p->labels = x->has_labels ? x->labels : 0;
}

static int make_frame(udy__shift *s, const char *expert_label,
                      const udy_shift_subject *null_subject, const udy_shift_subject *subjects,
                      int n, udy_error *err) {
    udy_shift *out = s->out;
    *out = (udy_shift){
        .dt = s->info->dt, .obs_dim = s->info->obs_dim, .nq = s->info->nq, .config = *s->config};
    snprintf(out->task, sizeof out->task, "%s", s->info->id);
    snprintf(out->expert, sizeof out->expert, "%s", expert_label ? expert_label : "");
    out->policies = udy_alloc(((size_t)n + 1) * sizeof *out->policies);
    s->clouds = udy_alloc(((size_t)n + 1) * sizeof *s->clouds);
    if (!out->policies || !s->clouds) return udy__shift_no_memory(err);
    out->n = n + 1;
    name_policy(&out->policies[0], null_subject);
    for (int i = 0; i < n; i++) name_policy(&out->policies[i + 1], &subjects[i]);
    int status = name_columns(out, s->task, err);
    return status ? status : choose_horizons(out, s->info->max_episode_steps, err);
}

static int make_tools(udy__shift *s, int n_threads, udy_error *err) {
    size_t A = (size_t)s->info->act_dim, R = (size_t)s->config->divergence.resamples;
    s->half_range = udy_alloc(A * sizeof *s->half_range);
    s->resamples = udy_alloc((R + 1) * sizeof *s->resamples);
    if (!s->half_range || !s->resamples) return udy__shift_no_memory(err);
    for (size_t k = 0; k < A; k++) {
        double half = 0.5 * (s->info->act_high[k] - s->info->act_low[k]);
        s->half_range[k] = half > 0 && isfinite(half) ? half : 1;
    }
    int status = udy_pool_create(&s->pool, n_threads, err);
    if (!status)
        status = udy_batch_create(&s->batch, s->task, udy_pool_threads(s->pool),
                                  udy_pool_threads(s->pool), err);
    return status;
}

//------------------------------------------ All of it ---------------------------------------------

static int measure(udy__shift *s, const udy_shift_subject *null_subject,
                   const udy_shift_subject *subjects, int n, udy_error *err) {
    udy__shift_set null_set = {0};
    int status =
        udy__shift_roll(s, s->expert, s->config->episodes, true, "reference", &s->reference, err);
    if (!status) status = udy__shift_roll(s, s->expert, 0, true, "expert", &null_set, err);
    if (!status) status = udy__shift_prepare(s, &null_set, err);
    if (!status) status = udy__shift_obs_range(s, err);
    if (!status) status = udy__shift_snapshots(s, err);
    if (!status) status = measure_policy(s, 0, null_subject, &null_set, err);
    udy__shift_set_free(&null_set);
    for (int i = 0; i < n && !status; i++)
        status = measure_policy(s, i + 1, &subjects[i], NULL, err);
    return status ? status : udy__shift_bin(s, err);
}

int udy_shift_measure(udy_shift *out, const udy_task *task, const udy_policy *expert,
                      const char *expert_label, const udy_dataset *demos,
                      const udy_shift_subject *subjects, int n_subjects,
                      const udy_shift_config *config, int n_threads, const udy_progress *progress,
                      udy_error *err) {
    *out = (udy_shift){0};
    int status = check(task, expert, demos, subjects, n_subjects, config, err);
    if (status) return status;
    const udy_shift_subject null_subject = {
        .name = "expert", .label = "Expert (other seeds)", .policy = expert};
    udy__shift s = {.task = task,
                    .info = udy_task_info_of(task),
                    .expert = expert,
                    .demos = demos,
                    .config = config,
                    .progress = progress,
                    .out = out,
                    .first_seed = udy_seed_range(config->seed, UDY_SEEDS_SHIFT)};
    status = make_frame(&s, expert_label, &null_subject, subjects, n_subjects, err);
    if (!status) status = make_tools(&s, n_threads, err);
    if (!status) status = measure(&s, &null_subject, subjects, n_subjects, err);
    job_free(&s);
    if (status) udy_shift_free(out);
    return status;
}
