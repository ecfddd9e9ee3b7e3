// The sweep in its run folder: demonstrations and evaluation of each expert on all threads, then
// the grid (sweep_grid.c), then the results. What is kept is found again: data/ has the episodes,
// checkpoints/ a record an expert and a cell.
#include "sweep.h"

#include <math.h>
#include <stdio.h>
#include <string.h>

#include "evaluate.h"
#include "learn/config.h"
#include "record.h"
#include "sweep_grid.h"

#define RECORD_MAX ((size_t)64 << 20)

static int out_of_memory(udy_error *err) {
    return udy_error_set(err, UDY_ENOMEM, "no memory for the sweep");
}

//------------------------------------------ Records -----------------------------------------------

static int record_read(const udy__sweep *x, const char *name, udy_json **out, udy_error *err) {
    return udy__record_read(x->path, name, RECORD_MAX, out, err);
}

static int record_write(const udy__sweep *x, const char *name, udy_json *record, udy_error *err) {
    return udy__record_write(x->path, name, record, err);
}

// Of what an expert does: its network, and its head where it acts by that.
static uint64_t expert_hash(const udy__sweep_expert *e) {
    enum { SAMPLES = 8 };
    uint64_t hash = udy_policy_hash(e->policy);
    const udy_mlp_config *c = udy_mlp_config_of(udy_policy_mlp(e->policy));
    if (!e->stochastic) return hash;
    double *obs = udy_alloc((size_t)c->dims[0] * sizeof *obs);
    float *scratch = udy_alloc(udy_policy_scratch_size(e->policy) * sizeof *scratch);
    float action[UDY_ACT_DIM_MAX];
    udy_rng rng;
    udy_rng_init(&rng, 0);
    for (int i = 0; obs && scratch && i < SAMPLES; i++) {
        for (int k = 0; k < c->dims[0]; k++) obs[k] = udy_rng_normal(&rng);
        if (udy_policy_sample(e->policy, obs, action, scratch, &rng, NULL)) break;
        const uint64_t both[] = {hash, udy_hash(action, (size_t)c->dims[c->n_layers] * 4)};
        hash = udy_hash(both, sizeof both);
    }
    udy_free(obs);
    udy_free(scratch);
    return hash;
}

// What every number of the sweep follows from.
static char *fingerprint(const udy__sweep *x) {
    udy_sweep_config *settings = udy_alloc(sizeof *settings);
    if (!settings) return NULL;
    *settings = *x->config;
    settings->task_config.model_dir[0] = '\0';  // a place, which may differ from day to day
    settings->experts[0] = '\0';                // others: their weights stand below
    char *facts = udy_settings_facts(settings, udy_sweep_fields());
    udy_free(settings);
    size_t n = 24 + 24 * (size_t)x->n_experts;
    char *print = facts ? udy_alloc(n) : NULL;
    size_t at = 0;
    if (print)
        at = (size_t)snprintf(print, n, "%016llx",
                              (unsigned long long)udy_hash(facts, strlen(facts)));
    for (int i = 0; print && i < x->n_experts; i++)
        at +=
            (size_t)snprintf(print + at, n - at, " %s%016llx", x->experts[i].stochastic ? "~" : "",
                             (unsigned long long)expert_hash(&x->experts[i]));
    udy_free(facts);
    return print;
}

// A folder where another sweep has begun must not lend this one its cells.
static int refuse_another(const udy__sweep *x, udy_error *err) {
    char *own = fingerprint(x);
    int status = own ? udy__record_claim(x->path, "sweep", RECORD_MAX, own,
                                         "other settings or other experts", err)
                     : out_of_memory(err);
    udy_free(own);
    return status;
}

//------------------------------------------ Experts -----------------------------------------------

// One rollout of n episodes on all threads; jobs from `like` with seeds from first on.
static int roll_out(const udy__sweep *x, udy_batch *batch, const udy_rollout_job *like, int n,
                    udy_episode *episodes, const char *stage, udy_error *err) {
    udy_rollout_job *jobs = udy_alloc((size_t)n * sizeof *jobs);
    if (!jobs) return out_of_memory(err);
    for (int i = 0; i < n; i++) {
        jobs[i] = *like;
        jobs[i].seed = like->seed + (uint64_t)i;
    }
    int status = udy_rollout(batch, x->task, jobs, n, episodes, stage, x->progress, err);
    udy_free(jobs);
    return status;
}

static int episodes_wanted(const udy_sweep_config *c) {
    return c->demos.v[c->demos.n - 1] + c->val_episodes + c->test_episodes;
}

static int open_demos(const udy__sweep *x, int expert, int seed, udy_dataset **out,
                      udy_error *err) {
    char path[UDY_PATH_MAX], manifest[UDY_PATH_MAX];
    int status = udy_path_format(path, err, "%s/data/expert-%d-seed-%d", x->path, expert, seed);
    if (!status) status = udy_path_format(manifest, err, "%s/manifest.json", path);
    if (status) return status;
    if (udy_file_exists(manifest)) return udy_dataset_open(out, path, x->progress, err);
    return udy_dataset_create(out, path, x->task, udy_policy_name(x->experts[expert].policy), err);
}

// One shard holds all of a repetition's episodes: it is there whole or not at all.
static int collect_demos(udy__sweep *x, udy_batch *batch, int expert, int seed, udy_error *err) {
    udy__sweep_expert *e = &x->experts[expert];
    udy_dataset **demos = &e->demos[seed];
    int n = episodes_wanted(x->config), status = open_demos(x, expert, seed, demos, err);
    if (status) return status;
    udy_dataset_info info = udy_dataset_info_of(*demos);
    if (!info.n_shards_bad && info.n_episodes == n) return UDY_OK;
    if (info.n_shards + info.n_shards_bad) status = udy_dataset_truncate(*demos, 0, err);
    udy_episode *episodes = udy_alloc((size_t)n * sizeof *episodes);
    if (!status && !episodes) status = out_of_memory(err);
    char stage[96];
    snprintf(stage, sizeof stage, "demos %d/%d", expert * x->config->seeds + seed + 1,
             x->n_experts * x->config->seeds);
    udy_rollout_job like = {
        .policy = e->policy,
        .record = true,
        .stochastic = e->stochastic,
        .seed = udy_seed_range(x->config->seed + (uint64_t)seed, UDY_SEEDS_DEMOS)};
    if (!status) status = roll_out(x, batch, &like, n, episodes, stage, err);
    if (!status) {
        status = udy_dataset_append(*demos, episodes, n, NULL, 0, err);
        udy_episodes_free(episodes, n);
    }
    udy_free(episodes);
    return status;
}

// The expert on the seeds that every cell of its repetition is evaluated on.
static int evaluate_expert(udy__sweep *x, udy_batch *batch, int expert, udy_error *err) {
    udy__sweep_expert *e = &x->experts[expert];
    int each = x->config->eval_episodes, n = each * x->config->seeds;
    char name[32], stage[96];
    snprintf(name, sizeof name, "expert-%d", expert);
    snprintf(stage, sizeof stage, "expert %d/%d", expert + 1, x->n_experts);
    udy_json *record;
    int status = record_read(x, name, &record, err);
    if (!status && record) {
        status = udy__sweep_evaluation_read(&e->of, record, n, x->config->seed, err);
        udy_json_free(record);
        if (status != UDY_EFORMAT) return status;
        status = UDY_OK;
    }
    udy_episode *episodes = udy_alloc((size_t)n * sizeof *episodes);
    if (!status && !episodes) status = out_of_memory(err);
    for (int s = 0; !status && s < x->config->seeds; s++) {
        udy_rollout_job like = {
            .policy = e->policy,
            .stochastic = e->stochastic,
            .seed = udy_seed_range(x->config->seed + (uint64_t)s, UDY_SEEDS_EVALUATE)};
        status = roll_out(x, batch, &like, each, episodes + s * each, stage, err);
    }
    if (!status) status = record_write(x, name, udy__sweep_evaluation_json(episodes, n), err);
    if (!status) status = udy__evaluation_of(&e->of, episodes, n, x->config->seed, err);
    if (!status)
        udy_progress_message(x->progress, "%s: mean return %.0f over %d episodes, %d falls",
                             e->label, e->of.mean, n, e->of.falls);
    udy_free(episodes);
    return status;
}

static int prepare_experts(udy__sweep *x, udy_error *err) {
    udy_batch *batch;
    int status = udy_batch_create(&batch, x->task, x->n_threads, x->n_threads, err);
    for (int e = 0; !status && e < x->n_experts; e++) {
        for (int s = 0; !status && s < x->config->seeds; s++)
            status = collect_demos(x, batch, e, s, err);
        if (!status) status = evaluate_expert(x, batch, e, err);
    }
    udy_batch_destroy(batch);
    return status;
}

//------------------------------------------ Preparation -------------------------------------------

static int check_config(const udy_sweep_config *c, udy_error *err) {
    int status = udy__config_check(c, udy_sweep_fields(), "", err);
    if (status) return status;
    for (int i = 1; i < c->demos.n; i++)
        if (c->demos.v[i] <= c->demos.v[i - 1])
            return udy_error_set(err, UDY_EINVAL,
                                 "demos: %d stands after %d; expected an ascending list",
                                 c->demos.v[i], c->demos.v[i - 1]);
    if (c->demos.n < 1) return udy_error_set(err, UDY_EINVAL, "demos: an empty list");
    if (c->seed + (uint64_t)c->seeds > UINT64_C(1) << 32)
        return udy_error_set(err, UDY_EINVAL,
                             "seed = %llu and seeds = %d: the last would be 2^32 or more",
                             (unsigned long long)c->seed, c->seeds);
    return UDY_OK;
}

// "ant-v5, sampled": the file's name without folder and suffix, told apart where two are alike.
static void name_expert(udy__sweep *x, int i) {
    char base[41];
    udy__sweep_expert *e = &x->experts[i];
    udy_policy_short_name(base, sizeof base, e->name);
    snprintf(e->label, sizeof e->label, "%s%s", base, e->stochastic ? ", sampled" : "");
    int twins = 0;
    for (int j = 0; j < i; j++) {
        char other[sizeof base];
        udy_policy_short_name(other, sizeof other, x->experts[j].name);
        twins += !strcmp(other, base) && x->experts[j].stochastic == e->stochastic;
    }
    if (twins)
        snprintf(e->label, sizeof e->label, "%s #%d%s", base, twins + 1,
                 e->stochastic ? ", sampled" : "");
}

static int load_experts(udy__sweep *x, const char *const *paths, udy_error *err) {
    udy_sweep_expert list[UDY_SWEEP_EXPERTS_MAX];
    int status = udy_sweep_experts(x->config->experts, list, &x->n_experts, err);
    for (int i = 0; !status && i < x->n_experts; i++) {
        udy__sweep_expert *e = &x->experts[i];
        e->stochastic = list[i].stochastic;
        snprintf(e->name, sizeof e->name, "%s", list[i].name);
        name_expert(x, i);
        e->demos = udy_alloc((size_t)x->config->seeds * sizeof(udy_dataset *));
        if (!e->demos) return out_of_memory(err);
        status = udy_policy_load(&e->policy, paths[i], err);
        if (!status) status = udy_policy_check(e->policy, x->task, err);
        if (!status && e->stochastic) status = udy__head_check(e->policy, err);
        if (status) return status;
    }
    return status;
}

// The network that a training makes; what is wrong with its settings is found here.
static int shape_network(udy__sweep *x, udy_error *err) {
    udy_pool *pool;
    udy_bc *bc = NULL;
    udy_policy *policy = NULL;
    udy_bc_config config = x->config->bc;
    config.val_fraction = 0;
    config.patience = 0;
    int status = udy_pool_create(&pool, 1, err);
    if (!status) status = udy_bc_create(&bc, &config, x->task, pool, 0, 0, err);
    if (!status) status = udy_bc_policy(bc, false, &policy, err);
    if (!status) {
        x->network = *udy_mlp_config_of(udy_policy_mlp(policy));
        x->network.init = (udy_init)config.init;
        status = udy__scale_of(&x->scale, x->network.output, x->info->act_low, x->info->act_high,
                               x->info->act_dim, x->info->id, err);
    }
    udy_policy_destroy(policy);
    udy_bc_destroy(bc);
    udy_pool_destroy(pool);
    return status;
}

static int make_folders(const udy__sweep *x, udy_error *err) {
    static const char *const names[] = {"checkpoints", "data"};
    return udy__run_folders(x->path, names, 2, err);
}

static int prepare(udy__sweep *x, const char *const *paths, udy_error *err) {
    const udy_sweep_config *c = x->config;
    int status = check_config(c, err);
    if (!status) status = udy_task_create(&x->task, c->task, &c->task_config, err);
    if (status) return status;
    x->info = udy_task_info_of(x->task);
    status = load_experts(x, paths, err);
    if (!status) status = shape_network(x, err);
    if (!status) status = make_folders(x, err);
    if (!status) status = refuse_another(x, err);
    if (!status) status = udy__elapsed_recall(&x->elapsed, x->path, RECORD_MAX, err);
    return status;
}

//------------------------------------------ All of it ---------------------------------------------

static void describe(const udy__sweep *x, const udy__sweep_cell *cells, int n_cells,
                     udy_sweep *found) {
    const udy_sweep_config *c = x->config;
    snprintf(found->task, sizeof found->task, "%s", c->task);
    found->seeds = c->seeds;
    found->eval_episodes = c->eval_episodes;
    found->epochs = c->bc.epochs;
    found->target = c->target;
    found->demos = c->demos;
    found->n_experts = x->n_experts;
    found->seconds = udy__elapsed_s(&x->elapsed);
    for (int i = 0; i < n_cells; i += UDY_SWEEP_TRAININGS) found->cell_seconds += cells[i].seconds;
    for (int i = 0; i < x->n_experts; i++) {
        const udy__sweep_expert *e = &x->experts[i];
        udy_sweep_teacher *t = &found->experts[i];
        memcpy(t->name, e->name, sizeof t->name);
        memcpy(t->label, e->label, sizeof t->label);
        t->stochastic = e->stochastic;
        t->n = e->of.n;
        t->falls = e->of.falls;
        t->mean = e->of.mean;
        t->std = e->of.std;
        t->ci[0] = e->of.ci95[0];
        t->ci[1] = e->of.ci95[1];
    }
}

static int write_results(udy__sweep *x, const udy__sweep_cell *cells, udy_error *err) {
    udy_sweep *found = udy_alloc(sizeof *found);
    if (!found) return out_of_memory(err);
    int n_cells = x->n_jobs * UDY_SWEEP_TRAININGS;
    describe(x, cells, n_cells, found);
    int status = udy__sweep_points(found, cells, n_cells, x->config->seed, err);
    if (!status) status = udy__sweep_write(x, found, cells, n_cells, err);
    udy_sweep_free(found);
    udy_free(found);
    return status;
}

static void tidy_up(udy__sweep *x) {
    for (int i = 0; i < x->n_experts; i++) {
        udy__sweep_expert *e = &x->experts[i];
        for (int s = 0; e->demos && s < x->config->seeds; s++) udy_dataset_close(e->demos[s]);
        udy_free(e->demos);
        udy_policy_destroy(e->policy);
        udy_evaluation_free(&e->of);
    }
    udy_free(x->jobs);
    udy_task_destroy(x->task);
    udy_free(x);
}

int udy_sweep_run(udy_run *run, const udy_sweep_config *config, const char *const *expert_paths,
                  int n_threads, const udy_progress *progress, udy_error *err) {
    udy__sweep *x = udy_alloc(sizeof *x);
    if (!x) return out_of_memory(err);
    *x = (udy__sweep){.config = config,
                      .path = udy_run_path(run),
                      .progress = progress,
                      .n_threads = n_threads > 0 ? n_threads : udy_cpu_count(),
                      .elapsed = {.start_s = udy_clock_s()}};
    udy__sweep_cell *cells = NULL;
    int status = prepare(x, expert_paths, err);
    if (!status) status = prepare_experts(x, err);
    if (!status) status = udy__sweep_grid(x, run, &cells, err);
    if (!status) status = write_results(x, cells, err);
    for (int i = 0; cells && i < x->n_jobs * UDY_SWEEP_TRAININGS; i++)
        udy__sweep_cell_free(&cells[i]);
    udy_free(cells);
    tidy_up(x);
    return status;
}
