// One job of a sweep: take demonstrations, let DAgger's learner collect until the labels are as
// many as cloning had, train, evaluate on fresh episodes, measure the action error on the policy's
// own states and on the expert's. All on the caller's thread; what comes out is a record.
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "evaluate.h"
#include "sweep.h"

typedef struct work {
    const udy__sweep *sweep;
    const udy__sweep_job *job;
    udy__sweep_desk *desk;
    const udy__sweep_expert *expert;
    const udy_dataset *demos;
    uint64_t seed;  // of the repetition
    udy__sweep_rows rows, val;
    udy_rng noise;  // of a stochastic expert's labels
    udy_json *rounds;
} work;

static int out_of_memory(udy_error *err) {
    return udy_error_set(err, UDY_ENOMEM, "no memory for a cell of the sweep");
}

void udy__sweep_job_name(const udy__sweep *sweep, const udy__sweep_job *job, char out[192]) {
    snprintf(out, 192, "%s, %d demonstration%s, %s, seed %llu",
             job->method == UDY_SWEEP_BC ? "BC" : "DAgger", job->demos, job->demos > 1 ? "s" : "",
             sweep->experts[job->expert].label,
             (unsigned long long)sweep->config->seed + (unsigned long long)job->seed);
}

//------------------------------------------ How much ----------------------------------------------

uint64_t udy__sweep_labels(const udy_dataset *demos, int n) {
    uint64_t labels = 0;
    for (int i = 0; i < n; i++) labels += (uint64_t)udy_dataset_episode_at(demos, i).length;
    return labels;
}

// Rows after round r of DAgger: equal shares a round, the last ending at all of them.
static uint32_t rows_after(const udy_sweep_config *config, uint32_t labels, int round) {
    uint32_t first = (uint32_t)lround(config->demo_share * labels);
    if (first < 1) first = 1;
    return first +
           (uint32_t)((uint64_t)(labels - first) * (uint64_t)round / (uint64_t)config->rounds);
}

static int64_t updates_of(const udy_sweep_config *config, uint32_t rows, int64_t least) {
    int64_t per_epoch = (rows + (int64_t)config->bc.batch_size - 1) / config->bc.batch_size;
    int64_t updates = per_epoch * config->bc.epochs;
    return updates > least ? updates : (least + per_epoch - 1) / per_epoch * per_epoch;
}

int64_t udy__sweep_planned(const udy_sweep_config *config, const udy_dataset *demos, int n_demos,
                           int method) {
    uint32_t labels = (uint32_t)udy__sweep_labels(demos, n_demos);
    int64_t planned = updates_of(config, labels, 0);
    if (planned < config->max_updates) planned = config->max_updates;
    for (int r = 0; method == UDY_SWEEP_DAGGER && r < config->rounds; r++)
        planned += updates_of(config, rows_after(config, labels, r), config->min_updates);
    return planned;
}

//------------------------------------------ Rows --------------------------------------------------

static int rows_make(udy__sweep_rows *rows, const udy_task_info *info, uint64_t capacity,
                     udy_error *err) {
    if (capacity > UINT32_MAX)
        return udy_error_set(err, UDY_EUNSUPPORTED, "%llu rows in a cell; at most %lu",
                             (unsigned long long)capacity, (unsigned long)UINT32_MAX);
    *rows = (udy__sweep_rows){.capacity = (uint32_t)capacity};
    rows->x = udy_alloc(capacity * (size_t)info->obs_dim * sizeof(float));
    rows->y = udy_alloc(capacity * (size_t)info->act_dim * sizeof(float));
    return rows->x && rows->y ? UDY_OK : out_of_memory(err);
}

static void rows_free(udy__sweep_rows *rows) {
    udy_free(rows->x);
    udy_free(rows->y);
}

// Append n rows; labels are actions.
static void rows_add(udy__sweep_rows *rows, const udy__sweep *sweep, const float *obs,
                     const float *labels, uint32_t n) {
    size_t O = (size_t)sweep->info->obs_dim, A = (size_t)sweep->info->act_dim;
    float *y = rows->y + rows->n * A;
    memcpy(rows->x + rows->n * O, obs, n * O * sizeof(float));
    memcpy(y, labels, n * A * sizeof(float));
    udy__unscale_actions(&sweep->scale, y, n, sweep->info->act_dim);
    rows->n += n;
}

// The expert's episodes first..end-1, until the rows are `most`.
static void take_episodes(const work *w, udy__sweep_rows *rows, int first, int end, uint32_t most) {
    for (int i = first; i < end && rows->n < most; i++) {
        udy_dataset_episode e = udy_dataset_episode_at(w->demos, i);
        uint32_t n = (uint32_t)e.length;
        if (n > most - rows->n) n = most - rows->n;
        rows_add(rows, w->sweep, udy_dataset_obs(w->demos, e.first_row),
                 udy_dataset_action(w->demos, e.first_row), n);
    }
}

static int most_demos(const udy_sweep_config *config) {
    return config->demos.v[config->demos.n - 1];
}

//------------------------------------------ DAgger ------------------------------------------------

// What the expert says to n states: the action that it would execute, a sampled one where it
// samples.
static int label(work *w, const float *obs, uint32_t n, float *out, udy_error *err) {
    const udy_policy *expert = w->expert->policy;
    if (!w->expert->stochastic) return udy_policy_label(expert, w->desk->pool, obs, n, out, err);
    size_t O = (size_t)w->sweep->info->obs_dim, A = (size_t)w->sweep->info->act_dim;
    double *wide = udy_alloc(O * sizeof *wide);
    float *scratch = udy_alloc(udy_policy_scratch_size(expert) * sizeof *scratch);
    int status = wide && scratch ? UDY_OK : out_of_memory(err);
    for (size_t i = 0; !status && i < n; i++) {
        for (size_t k = 0; k < O; k++) wide[k] = (double)obs[i * O + k];
        status = udy_policy_sample(expert, wide, out + i * A, scratch, &w->noise, err);
    }
    udy_free(wide);
    udy_free(scratch);
    return status;
}

// Episodes of the learner, labelled, until the rows are `until`: the last is cut there.
typedef struct haul {
    udy__sweep_rows *rows;
    uint32_t until;
    uint64_t seed;  // of the next episode
    int n;          // episodes
    double ret;     // their returns added up
} haul;

static int collect_episode(work *w, const udy_policy *learner, haul *h, udy_error *err) {
    udy_episode e;
    udy_rollout_job job = {.policy = learner, .record = true, .seed = h->seed++};
    int status = udy_rollout(w->desk->batch, w->sweep->task, &job, 1, &e, "collect",
                             &w->desk->progress, err);
    if (status) return status;
    h->n++;
    h->ret += e.ret;
    uint32_t n = (uint32_t)e.length;
    if (n > h->until - h->rows->n) n = h->until - h->rows->n;
    float *labels = udy_alloc(n * (size_t)w->sweep->info->act_dim * sizeof *labels);
    status = labels ? label(w, e.obs, n, labels, err) : out_of_memory(err);
    if (!status) rows_add(h->rows, w->sweep, e.obs, labels, n);
    udy_free(labels);
    udy_episodes_free(&e, 1);
    return status;
}

// Rounds have seeds of their own, far enough apart for an episode a row.
static int collect(work *w, const udy_policy *learner, int round, udy__sweep_rows *rows,
                   udy_seed_purpose purpose, haul *h, udy_error *err) {
    const udy_sweep_config *config = w->sweep->config;
    uint64_t apart = (UINT64_C(1) << 20) / (uint64_t)config->rounds;
    *h = (haul){.rows = rows,
                .until = rows_after(config, rows->capacity, round),
                .seed = udy_seed_range(w->seed, purpose) + (uint64_t)(round - 1) * apart};
    int status = UDY_OK;
    while (!status && rows->n < h->until) status = collect_episode(w, learner, h, err);
    return status;
}

// Train on what there is, then collect by that learner: rows to train on, and as large a share of
// the validation rows, which have to be of the states that DAgger trains for.
static int run_round(work *w, int round, udy_error *err) {
    udy__sweep_weights learner[UDY_SWEEP_TRAININGS];
    udy__sweep_plan plan = {
        .seed = w->seed, .stream = (uint64_t)round, .min_updates = w->sweep->config->min_updates};
    int status = udy__sweep_train(w->sweep, w->desk, &w->rows, &w->val, &plan, learner, err);
    if (status) return status;
    haul rows = {0}, val;
    const udy_policy *policy = learner[UDY_SWEEP_TUTORIAL].policy;
    status = collect(w, policy, round, &w->rows, UDY_SEEDS_DAGGER, &rows, err);
    if (!status) status = collect(w, policy, round, &w->val, UDY_SEEDS_SELECT, &val, err);
    udy_json *o = udy_json_object();
    udy_json_put_int(o, "round", round);
    udy_json_put_int(o, "updates", learner[UDY_SWEEP_TUTORIAL].updates);
    udy_json_put_int(o, "labels", w->rows.n);
    udy_json_put_int(o, "episodes", rows.n);
    if (rows.n) udy_json_put_number(o, "collect_return", rows.ret / rows.n);
    udy_json_append(w->rounds, o);
    udy__sweep_weights_free(learner);
    return status;
}

//------------------------------------------ Evaluation --------------------------------------------

// Squared difference of two sets of n actions, mean over components, summed over rows.
static double squared_error(const float *a, const float *b, size_t n, size_t A) {
    double sum = 0;
    for (size_t i = 0; i < n * A; i++) {
        double d = (double)a[i] - (double)b[i];
        sum += d * d;
    }
    return sum / (double)A;
}

// An episode's error against the expert's deterministic actions. actions: the policy's there, or
// NULL: asked for here. room [2 * length, A].
static int episode_error(work *w, const udy_policy *policy, const float *obs, const float *actions,
                         int length, float *room, double *out, udy_error *err) {
    size_t n = (size_t)length, A = (size_t)w->sweep->info->act_dim;
    float *theirs = room, *own = room + n * A;
    int status = udy_policy_label(w->expert->policy, w->desk->pool, obs, n, theirs, err);
    if (!status && !actions) status = udy_policy_label(policy, w->desk->pool, obs, n, own, err);
    if (!status) *out = squared_error(theirs, actions ? actions : own, n, A);
    return status;
}

static int errors_json(work *w, const udy_policy *policy, const udy_episode *episodes, int n,
                       udy_json *o, udy_error *err) {
    const udy_sweep_config *config = w->sweep->config;
    udy_json *own = udy_json_array(), *theirs = udy_json_array(), *steps = udy_json_array();
    size_t most = (size_t)w->sweep->info->max_episode_steps;
    float *room = udy_alloc(2 * most * (size_t)w->sweep->info->act_dim * sizeof *room);
    int status = room ? UDY_OK : out_of_memory(err);
    for (int i = 0; !status && i < n; i++) {
        double sum = 0;
        status = episode_error(w, policy, episodes[i].obs, episodes[i].action, episodes[i].length,
                               room, &sum, err);
        udy_json_append_number(own, sum);
    }
    int first = most_demos(config) + config->val_episodes;
    for (int i = first; !status && i < first + config->test_episodes; i++) {
        udy_dataset_episode e = udy_dataset_episode_at(w->demos, i);
        double sum = 0;
        status = episode_error(w, policy, udy_dataset_obs(w->demos, e.first_row), NULL, e.length,
                               room, &sum, err);
        udy_json_append_number(theirs, sum);
        udy_json_append_number(steps, e.length);
    }
    udy_free(room);
    udy_json_put(o, "error_own", own);
    udy_json_put(o, "error_expert", theirs);
    udy_json_put(o, "expert_lengths", steps);
    return status;
}

static int evaluate(work *w, const udy__sweep_weights *weights, udy_json *o, udy_error *err) {
    int n = w->sweep->config->eval_episodes;
    udy_rollout_job *jobs = udy_alloc((size_t)n * sizeof *jobs);
    udy_episode *episodes = udy_alloc((size_t)n * sizeof *episodes);
    int status = jobs && episodes ? UDY_OK : out_of_memory(err);
    for (int i = 0; !status && i < n; i++)
        jobs[i] =
            (udy_rollout_job){.policy = weights->policy,
                              .record = true,
                              .seed = udy_seed_range(w->seed, UDY_SEEDS_EVALUATE) + (uint64_t)i};
    if (!status)
        status = udy_rollout(w->desk->batch, w->sweep->task, jobs, n, episodes, "evaluate",
                             &w->desk->progress, err);
    if (!status) {
        udy_json_put_int(o, "updates", weights->updates);
        udy_json_put_number(o, "train_loss", weights->train_loss);
        udy_json_put_number(o, "val_loss", weights->val_loss);
        udy_json_put(o, "evaluation", udy__sweep_evaluation_json(episodes, n));
        status = errors_json(w, weights->policy, episodes, n, o, err);
        udy_episodes_free(episodes, n);
    }
    udy_free(jobs);
    udy_free(episodes);
    return status;
}

//------------------------------------------ The job -----------------------------------------------

static int gather(work *w, udy_error *err) {
    const udy_sweep_config *config = w->sweep->config;
    int most = most_demos(config), end = most + config->val_episodes;
    uint64_t labels = udy__sweep_labels(w->demos, w->job->demos);
    uint64_t n_val = udy__sweep_labels(w->demos, end) - udy__sweep_labels(w->demos, most);
    int status = rows_make(&w->rows, w->sweep->info, labels, err);
    if (!status) status = rows_make(&w->val, w->sweep->info, n_val, err);
    if (status) return status;
    bool all = w->job->method == UDY_SWEEP_BC;
    take_episodes(w, &w->rows, 0, w->job->demos,
                  all ? w->rows.capacity : rows_after(config, w->rows.capacity, 0));
    take_episodes(w, &w->val, most, end,
                  all ? w->val.capacity : rows_after(config, w->val.capacity, 0));
    for (int r = 1; !all && !status && r <= config->rounds; r++) status = run_round(w, r, err);
    return status;
}

static int train_and_evaluate(work *w, udy_json *record, udy_error *err) {
    udy__sweep_weights weights[UDY_SWEEP_TRAININGS];
    bool dagger = w->job->method == UDY_SWEEP_DAGGER;
    udy__sweep_plan plan = {.seed = w->seed,
                            .stream = dagger ? (uint64_t)w->sweep->config->rounds + 1 : 0,
                            .converge = true};
    int status = udy__sweep_train(w->sweep, w->desk, &w->rows, &w->val, &plan, weights, err);
    for (int i = 0; !status && i < UDY_SWEEP_TRAININGS; i++) {
        udy_json *o = udy_json_object();
        status = evaluate(w, &weights[i], o, err);
        udy_json_put(record, udy_sweep_trainings[i], o);
    }
    udy__sweep_weights_free(weights);
    return status;
}

static udy_json *begin_record(const work *w) {
    udy_json *record = udy_json_object();
    udy_json_put_string(record, "format", "understudy.sweep-cell/1");
    udy_json_put_string(record, "expert", w->expert->label);
    udy_json_put_int(record, "seed", (int64_t)w->seed);
    udy_json_put_string(record, "method", udy_sweep_methods[w->job->method]);
    udy_json_put_int(record, "demos", w->job->demos);
    return record;
}

int udy__sweep_work(const udy__sweep *sweep, const udy__sweep_job *job, udy__sweep_desk *desk,
                    udy_json **record, udy_error *err) {
    work w = {.sweep = sweep,
              .job = job,
              .desk = desk,
              .expert = &sweep->experts[job->expert],
              .demos = sweep->experts[job->expert].demos[job->seed],
              .seed = sweep->config->seed + (uint64_t)job->seed,
              .rounds = udy_json_array()};
    double start = udy_clock_s();
    udy_rng_init_stream(&w.noise, w.seed, "sweep/labels", (uint64_t)job->demos);
    *record = begin_record(&w);
    int status = gather(&w, err);
    udy_json_put_int(*record, "labels", w.rows.n);
    udy_json_put(*record, "rounds", w.rounds);
    if (!status) status = train_and_evaluate(&w, *record, err);
    udy_json_put_number(*record, "seconds", udy_clock_s() - start);
    rows_free(&w.rows);
    rows_free(&w.val);
    if (!status && !*record) status = out_of_memory(err);
    if (!status) return UDY_OK;
    udy_json_free(*record);
    *record = NULL;
    char name[192];
    udy__sweep_job_name(sweep, job, name);
    return status == UDY_EINTERRUPTED ? udy_error_set(err, status, "%s: interrupted", name)
                                      : udy_error_wrap(err, status, "%s", name);
}
