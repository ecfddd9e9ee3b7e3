// DAgger: dataset aggregation (Ross, Gordon & Bagnell 2011, arXiv:1011.0686, algorithm 3.1). Rolls
// the learner out, has the expert label every state it visits, retrains on all data, by rounds.
//
// Differs from the paper: round 0 clones demonstrations of the expert (the paper's first mixture is
// the expert alone, which comes to the same), and the last round's data is trained on too, so that
// no label is paid for in vain.
#include <limits.h>
#include <math.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>

#include "learn/config.h"
#include "learn/dataset.h"

static const char *const beta_names[] = {"constant", "linear", "exponential", NULL};
_Static_assert(sizeof beta_names / sizeof *beta_names == UDY_BETA_COUNT + 1, "a name a schedule");

#define AT(field) offsetof(udy_dagger_config, field)
const udy_field udy_dagger_config_fields[] = {
    {"initial_episodes", UDY_FIELD_INT, AT(initial_episodes), 0, 1, 1e6, NULL,
     "expert episodes before the first round"},
    {"rounds", UDY_FIELD_INT, AT(rounds), 0, 1, 9999, NULL, "rounds of collecting and retraining"},
    {"episodes_per_round", UDY_FIELD_INT, AT(episodes_per_round), 0, 1, 10000, NULL,
     "learner episodes a round, labelled by the expert"},
    {"beta_schedule", UDY_FIELD_CHOICE, AT(beta_schedule), 0, 0, 0, beta_names,
     "how the expert's share of the acting falls"},
    {"beta", UDY_FIELD_F64, AT(beta), 0, 0, 1, NULL,
     "probability that the expert acts at a step (see beta_schedule)"},
    {"beta_rounds", UDY_FIELD_INT, AT(beta_rounds), 0, 1, 9999, NULL, "linear: rounds until 0"},
    {"warm_start", UDY_FIELD_BOOL, AT(warm_start), 0, 0, 0, NULL,
     "go on from the last round's weights instead of fresh ones"},
    {"select_episodes", UDY_FIELD_INT, AT(select_episodes), 0, 1, 10000, NULL,
     "episodes a round that choose the best one"},
    {0},
};
#undef AT

udy_dagger_config udy_dagger_config_default(void) {
    return (udy_dagger_config){.initial_episodes = 10,
                               .rounds = 10,
                               .episodes_per_round = 10,
                               .beta_schedule = UDY_BETA_CONSTANT,
                               .beta = 0,
                               .beta_rounds = 5,
                               .select_episodes = 10};
}

static double beta_constant(const udy_dagger_config *c, int round) {
    (void)round;
    return c->beta;
}
static double beta_linear(const udy_dagger_config *c, int round) {
    return fmax(0, c->beta * (1 - (double)(round - 1) / c->beta_rounds));
}
static double beta_exponential(const udy_dagger_config *c, int round) {
    return pow(c->beta, round - 1);
}

double udy_dagger_beta(const udy_dagger_config *config, int round) {
    static double (*const schedules[UDY_BETA_COUNT])(const udy_dagger_config *, int) = {
        [UDY_BETA_CONSTANT] = beta_constant,
        [UDY_BETA_LINEAR] = beta_linear,
        [UDY_BETA_EXPONENTIAL] = beta_exponential,
    };
    return schedules[config->beta_schedule](config, round);
}

struct udy_dagger {
    udy_dagger_config config;
    udy_bc_config bc;
    const udy_task *task;
    udy_batch *batch;
    udy_pool *pool;
    const udy_policy *expert;
    const udy_dataset *demos;
    uint64_t seed;
    char dir[UDY_PATH_MAX];
    const udy_progress *progress;
    udy_dataset *dataset;
    udy_policy *learner;  // of the round before while a round collects and trains, then its own
    udy_dagger_round *rounds;  // [config.rounds + 1]
    int n_rounds;
    const udy_bc *training;  // under way; NULL: none
};

static int out_of_memory(udy_error *err) {
    return udy_error_set(err, UDY_ENOMEM, "no memory for DAgger");
}

//------------------------------------------ State -------------------------------------------------

// Everything that the bits of a round depend on: a resumed run must not differ in any of it.
static char *fingerprint(const udy_dagger *d) {
    char *own = udy_settings_facts(&d->config, udy_dagger_config_fields);
    char *bc = udy_settings_facts(&d->bc, udy_bc_config_fields);
    char *task = udy__config_print_task(d->task);
    char *text = NULL;
    uint64_t hash = udy_policy_hash(d->expert);
    if (own && bc && task) {
        size_t n = strlen(own) + strlen(bc) + strlen(task) + 256;
        text = udy_alloc(n);
        if (text)
            snprintf(text, n, "task %s seed %llu expert %016llx %s\n%s\n%s\n%s",
                     udy_task_info_of(d->task)->id, (unsigned long long)d->seed,
                     (unsigned long long)hash, d->demos ? "demos given" : "demos collected", own,
                     bc, task);
    }
    udy_free(own);
    udy_free(bc);
    udy_free(task);
    return text;
}

static udy_json *episodes_json(const udy_dagger_round *r) {
    udy_json *list = udy_json_array();
    for (int i = 0; i < r->n_select; i++) {
        udy_json *e = udy_json_object();
        udy_json_put_int(e, "seed", (int64_t)r->select[i].seed);
        udy_json_put_int(e, "length", r->select[i].length);
        udy_json_put_number(e, "return", r->select[i].ret);
        udy_json_put_number(e, "speed", r->select[i].speed);
        udy_json_put_int(e, "end", r->select[i].end);
        udy_json_append(list, e);
    }
    return list;
}

udy_json *udy_dagger_round_json(const udy_dagger_round *r) {
    udy_json *o = udy_json_object();
    udy_json_put_int(o, "round", r->round);
    udy_json_put_number(o, "beta", r->beta);
    udy_json_put_number(o, "train_loss", r->train_loss);
    udy_json_put_int(o, "labels", (int64_t)r->labels);
    udy_json_put_int(o, "updates", r->updates);
    udy_json_put_number(o, "collect_return", r->collect_return);
    udy_json_put_number(o, "select_mean", r->select_mean);
    udy_json_put_number(o, "seconds", r->seconds);
    return o;
}

static udy_json *state_json(const udy_dagger *d, const char *print) {
    udy_json *root = udy_json_object(), *rounds = udy_json_array();
    udy_json_put_string(root, "format", "understudy.dagger/1");
    udy_json_put_string(root, "made_with", print);
    udy_json_put(root, "rounds", rounds);
    for (int i = 0; i < d->n_rounds; i++) {
        udy_json *o = udy_dagger_round_json(&d->rounds[i]);
        udy_json_put(o, "select", episodes_json(&d->rounds[i]));
        udy_json_append(rounds, o);
    }
    return root;
}

static int state_path(const udy_dagger *d, char out[UDY_PATH_MAX], udy_error *err) {
    return udy_path_format(out, err, "%s/checkpoints/dagger.json", d->dir);
}

static int checkpoint_path(const udy_dagger *d, int round, char out[UDY_PATH_MAX], udy_error *err) {
    return udy_path_format(out, err, "%s/checkpoints/dagger-%02d.safetensors", d->dir, round);
}

static int save_state(const udy_dagger *d, udy_error *err) {
    char path[UDY_PATH_MAX];
    int status = state_path(d, path, err);
    if (status) return status;
    char *print = fingerprint(d);
    udy_json *root = print ? state_json(d, print) : NULL;
    udy_free(print);
    return udy_json_save(root, path, err);
}

// A whole number of at most max; -1 for anything else, which a damaged file may hold.
static int64_t read_count(const udy_json *o, const char *name, double max) {
    double v = udy_json_number(o, name, -1);
    return v >= 0 && v <= max && v == floor(v) ? (int64_t)v : -1;
}

static bool read_select(const udy_json *list, uint64_t first_seed, udy_episode *out) {
    int i = 0;
    for (const udy_json *e = udy_json_at(list, 0); e; e = udy_json_next(e), i++) {
        int64_t length = read_count(e, "length", INT_MAX),
                end = read_count(e, "end", UDY_END_UNHEALTHY);
        // The seed follows from the run's; one beyond 2^53 would not survive as a JSON number.
        out[i] = (udy_episode){.seed = first_seed + (uint64_t)i,
                               .length = (int)length,
                               .ret = udy_json_number(e, "return", NAN),
                               .speed = udy_json_number(e, "speed", NAN),
                               .end = (udy_end)end};
        if (length < 0 || end < 0 || isnan(out[i].ret) || isnan(out[i].speed)) return false;
    }
    return true;
}

static int read_round(udy_dagger *d, const udy_json *o, const char *path, udy_error *err) {
    const udy_json *list = udy_json_get(o, "select");
    int n = d->config.select_episodes;
    int64_t labels = read_count(o, "labels", 0x1p53), updates = read_count(o, "updates", 0x1p53);
    if (d->n_rounds > d->config.rounds || !udy_json_is_array(list) ||
        udy_json_size(list) != (size_t)n || labels < 0 || updates < 0)
        return udy_error_set(err, UDY_EFORMAT, "%s: round %d is damaged", path, d->n_rounds);
    udy_episode *select = udy_alloc(sizeof *select * (size_t)n);
    if (!select) return out_of_memory(err);
    if (!read_select(list, udy_seed_range(d->seed, UDY_SEEDS_SELECT), select)) {
        udy_free(select);
        return udy_error_set(err, UDY_EFORMAT, "%s: round %d is damaged", path, d->n_rounds);
    }
    d->rounds[d->n_rounds] = (udy_dagger_round){
        .round = d->n_rounds,
        .beta = udy_json_number(o, "beta", NAN),
        .train_loss = udy_json_number(o, "train_loss", NAN),
        .labels = (uint64_t)labels,
        .updates = updates,
        .collect_return = udy_json_number(o, "collect_return", NAN),
        .select_mean = udy_json_number(o, "select_mean", NAN),
        .seconds = udy_json_number(o, "seconds", NAN),
        .select = select,
        .n_select = n,
    };
    d->n_rounds++;
    return UDY_OK;
}

static int load_state(udy_dagger *d, const char *path, udy_error *err) {
    udy_json *root;
    int status = udy_json_load(&root, path, (size_t)256 << 20, err);
    if (status) return status;
    char *print = fingerprint(d);
    if (!print)
        status = out_of_memory(err);
    else if (strcmp(udy_json_string(root, "made_with", ""), print))
        status = udy_error_set(err, UDY_EMISMATCH,
                               "%s: was made with other settings, seed or task: go on "
                               "with the same, or name another folder",
                               d->dir);
    udy_free(print);
    const udy_json *rounds = udy_json_get(root, "rounds");
    for (const udy_json *o = udy_json_at(rounds, 0); !status && o; o = udy_json_next(o))
        status = read_round(d, o, path, err);
    udy_json_free(root);
    return status;
}

// One shard a round: the dataset says how far it got, the state how much of it counts.
static int open_dataset(udy_dagger *d, udy_error *err) {
    char path[UDY_PATH_MAX], manifest[UDY_PATH_MAX];
    int status = udy_path_format(path, err, "%s/data/dagger", d->dir);
    if (!status) status = udy_path_format(manifest, err, "%s/manifest.json", path);
    if (status) return status;
    if (!udy_file_exists(manifest))
        return udy_dataset_create(&d->dataset, path, d->task, "dagger", err);
    status = udy_dataset_open(&d->dataset, path, d->progress, err);
    if (!status) status = udy__dataset_fits(d->dataset, d->task, err);
    if (!status && udy_dataset_info_of(d->dataset).n_shards_bad)
        status = udy_error_set(err, UDY_EFORMAT,
                               "%s: damaged shards: this run cannot go on with the "
                               "same bits",
                               path);
    return status ? status : udy_dataset_truncate(d->dataset, d->n_rounds, err);
}

static int load_learner(udy_dagger *d, int round, udy_error *err) {
    char path[UDY_PATH_MAX];
    udy_policy_destroy(d->learner);
    d->learner = NULL;
    int status = udy_dagger_policy_path(d, round, path, err);
    return status ? status : udy_policy_load(&d->learner, path, err);
}

static int make_folders(const udy_dagger *d, udy_error *err) {
    static const char *const names[] = {"data", "policies", "checkpoints"};
    for (int i = 0; i < 3; i++) {
        char path[UDY_PATH_MAX];
        int status = udy_path_format(path, err, "%s/%s", d->dir, names[i]);
        if (!status) status = udy_dir_make(path, err);
        if (status) return status;
    }
    return UDY_OK;
}

static int check_arguments(const udy_dagger_config *config, const udy_bc_config *bc,
                           const udy_task *task, const udy_policy *expert, const udy_dataset *demos,
                           udy_error *err) {
    int status = udy__config_check(config, udy_dagger_config_fields, "dagger.", err);
    if (!status) status = udy__config_check(bc, udy_bc_config_fields, "dagger.bc.", err);
    if (!status) status = udy_policy_check(expert, task, err);
    if (!status && demos) status = udy__dataset_fits(demos, task, err);
    if (status) return status;
    const int64_t seeds = 1 << 20, wanted = (int64_t)config->rounds * config->episodes_per_round;
    if (wanted > seeds)
        return udy_error_set(err, UDY_EINVAL,
                             "dagger.rounds %d of dagger.episodes_per_round %d: a run has "
                             "seeds for %lld episodes, and none is used twice",
                             config->rounds, config->episodes_per_round, (long long)seeds);
    if (!udy_policy_mlp(expert))
        return udy_error_set(err, UDY_EINVAL,
                             "the random policy is no expert: it cannot label states");
    if (demos && udy_dataset_info_of(demos).n_episodes < config->initial_episodes)
        return udy_error_set(err, UDY_EINVAL,
                             "%s: holds %d episodes, DAgger starts from %d "
                             "(dagger.initial_episodes)",
                             udy_dataset_info_of(demos).path, udy_dataset_info_of(demos).n_episodes,
                             config->initial_episodes);
    return UDY_OK;
}

int udy_dagger_open(udy_dagger **out, const udy_dagger_config *config, const udy_bc_config *bc,
                    const udy_task *task, udy_batch *batch, udy_pool *pool,
                    const udy_policy *expert, const udy_dataset *demos, uint64_t seed,
                    const char *dir, const udy_progress *progress, udy_error *err) {
    *out = NULL;
    int status = check_arguments(config, bc, task, expert, demos, err);
    if (status) return status;
    udy_dagger *d = udy_alloc(sizeof *d);
    if (!d) return out_of_memory(err);
    *d = (udy_dagger){.config = *config,
                      .bc = *bc,
                      .task = task,
                      .batch = batch,
                      .pool = pool,
                      .expert = expert,
                      .demos = demos,
                      .seed = seed,
                      .progress = progress};
    d->rounds = udy_alloc(((size_t)config->rounds + 1) * sizeof *d->rounds);
    status = d->rounds ? udy_path_format(d->dir, err, "%s", dir) : out_of_memory(err);
    if (!status) status = make_folders(d, err);
    if (!status) udy_dir_sweep(d->dir);
    char path[UDY_PATH_MAX];
    if (!status) status = state_path(d, path, err);
    if (!status && udy_file_exists(path)) status = load_state(d, path, err);
    if (!status) status = open_dataset(d, err);
    // A kill between a round's record and the removal of its training's checkpoint leaves that.
    if (!status && d->n_rounds) status = checkpoint_path(d, d->n_rounds - 1, path, err);
    if (!status && d->n_rounds) status = udy_file_remove(path, err);
    if (status)
        udy_dagger_close(d);
    else
        *out = d;
    return status;
}

void udy_dagger_close(udy_dagger *d) {
    if (!d) return;
    for (int i = 0; d->rounds && i < d->n_rounds; i++) udy_free(d->rounds[i].select);
    udy_free(d->rounds);
    udy_dataset_close(d->dataset);
    udy_policy_destroy(d->learner);
    udy_free(d);
}

//------------------------------------------ A round -----------------------------------------------

static double mean_return(const udy_episode *episodes, int n) {
    double sum = 0;
    for (int i = 0; i < n; i++) sum += episodes[i].ret;
    return sum / n;
}

// The expert's actions for every state of the episodes, in one batch, and both into the dataset.
static int label_and_append(udy_dagger *d, const udy_episode *episodes, int n, int round,
                            udy_error *err) {
    const udy_task_info *info = udy_task_info_of(d->task);
    size_t rows = 0, O = (size_t)info->obs_dim, A = (size_t)info->act_dim;
    for (int i = 0; i < n; i++) rows += (size_t)episodes[i].length;
    float *obs = udy_alloc(rows * O * sizeof(float)), *labels = udy_alloc(rows * A * sizeof(float));
    int status = obs && labels ? UDY_OK : out_of_memory(err);
    if (!status) {
        float *next = obs;
        for (int i = 0; i < n; i++) {
            memcpy(next, episodes[i].obs, (size_t)episodes[i].length * O * sizeof(float));
            next += (size_t)episodes[i].length * O;
        }
        status = udy_policy_label(d->expert, d->pool, obs, rows, labels, err);
    }
    if (!status) status = udy_dataset_append(d->dataset, episodes, n, labels, round, err);
    udy_free(obs);
    udy_free(labels);
    return status;
}

static int roll_out(udy_dagger *d, const udy_rollout_job *like, int n, udy_episode *episodes,
                    const char *stage, udy_error *err) {
    udy_rollout_job *jobs = udy_alloc((size_t)n * sizeof *jobs);
    if (!jobs) return out_of_memory(err);
    for (int i = 0; i < n; i++) {
        jobs[i] = *like;
        jobs[i].seed = like->seed + (uint64_t)i;
    }
    int status = udy_rollout(d->batch, d->task, jobs, n, episodes, stage, d->progress, err);
    udy_free(jobs);
    return status;
}

// Episodes of given demonstrations with the labels that they have: what was executed may be noisy, or
// a learner's.
static int copy_demonstrations(udy_dagger *d, udy_episode *episodes, int n, udy_error *err) {
    size_t rows = 0, A = (size_t)udy_task_info_of(d->task)->act_dim;
    const float *from;
    for (int i = 0; i < n; i++) {
        episodes[i] = udy__dataset_view(d->demos, i, NULL);
        rows += (size_t)episodes[i].length;
    }
    float *labels = udy_alloc(rows * A * sizeof *labels), *next = labels;
    if (!labels) return out_of_memory(err);
    for (int i = 0; i < n; i++) {
        size_t size = (size_t)episodes[i].length * A;
        (void)udy__dataset_view(d->demos, i, &from);
        memcpy(next, from, size * sizeof *labels);
        next += size;
    }
    int status = udy_dataset_append(d->dataset, episodes, n, labels, 0, err);
    udy_free(labels);
    return status;
}

// Round 0: the demonstrations; those that are collected are labelled by having been the expert's.
static int take_demonstrations(udy_dagger *d, udy_dagger_round *r, udy_error *err) {
    int n = d->config.initial_episodes;
    udy_episode *episodes = udy_alloc((size_t)n * sizeof *episodes);
    if (!episodes) return out_of_memory(err);
    int status;
    if (d->demos) {
        status = copy_demonstrations(d, episodes, n, err);
    } else {
        udy_rollout_job job = {
            .policy = d->expert, .record = true, .seed = udy_seed_range(d->seed, UDY_SEEDS_DEMOS)};
        status = roll_out(d, &job, n, episodes, "expert demonstrations", err);
        if (!status) status = udy_dataset_append(d->dataset, episodes, n, NULL, 0, err);
        r->collect_return = status ? 0 : mean_return(episodes, n);
        udy_episodes_free(episodes, n);
    }
    if (!status && d->demos) r->collect_return = mean_return(episodes, n);
    udy_free(episodes);
    return status;
}

static int collect(udy_dagger *d, udy_dagger_round *r, const char *stage, udy_error *err) {
    int n = d->config.episodes_per_round;
    udy_episode *episodes = udy_alloc((size_t)n * sizeof *episodes);
    if (!episodes) return out_of_memory(err);
    udy_rollout_job job = {
        .policy = d->learner,
        .expert = d->expert,
        .beta = r->beta,
        .record = true,
        .seed = udy_seed_range(d->seed, UDY_SEEDS_DAGGER) + (uint64_t)(r->round - 1) * (uint64_t)n};
    int status = roll_out(d, &job, n, episodes, stage, err);
    if (!status) {
        r->collect_return = mean_return(episodes, n);
        status = label_and_append(d, episodes, n, r->round, err);
        udy_episodes_free(episodes, n);
    }
    udy_free(episodes);
    return status;
}

static int train_round(udy_dagger *d, udy_dagger_round *r, const char *stage,
                       char checkpoint[UDY_PATH_MAX], udy_error *err) {
    char path[UDY_PATH_MAX];
    udy_bc *bc;
    udy_policy *policy = NULL;
    int status = checkpoint_path(d, r->round, checkpoint, err);
    if (!status) status = udy_dagger_policy_path(d, r->round, path, err);
    if (!status)
        status = udy_bc_create(&bc, &d->bc, d->task, d->pool, d->seed, (uint64_t)r->round + 1, err);
    if (status) return status;
    if (d->config.warm_start && r->round) status = udy_bc_warm_start(bc, d->learner, err);
    d->training = bc;
    if (!status) status = udy_bc_train(bc, d->dataset, stage, checkpoint, d->progress, err);
    d->training = NULL;
    if (!status) {
        r->train_loss = udy_bc_curve(bc)[udy_bc_epochs(bc) - 1].train_loss;
        r->updates = udy_bc_updates(bc);
        r->labels = udy_dataset_info_of(d->dataset).n_labels;
        status = udy_bc_policy(bc, d->bc.val_fraction > 0, &policy, err);
    }
    if (!status) {
        char round[16], labels[24];
        snprintf(round, sizeof round, "%d", r->round);
        snprintf(labels, sizeof labels, "%llu", (unsigned long long)r->labels);
        const udy_text_pair made[] = {
            {"made_by", "dagger"}, {"dagger_round", round}, {"expert_labels", labels}};
        status = udy_policy_save(policy, path, made, 3, err);
    }
    udy_policy_destroy(policy);
    udy_bc_destroy(bc);
    return status;
}

static int select_round(udy_dagger *d, udy_dagger_round *r, const char *stage, udy_error *err) {
    int n = d->config.select_episodes;
    r->select = udy_alloc((size_t)n * sizeof *r->select);
    if (!r->select) return out_of_memory(err);
    r->n_select = n;
    udy_rollout_job job = {.policy = d->learner, .seed = udy_seed_range(d->seed, UDY_SEEDS_SELECT)};
    int status = roll_out(d, &job, n, r->select, stage, err);
    if (!status) r->select_mean = mean_return(r->select, n);
    return status;
}

static int run_round(udy_dagger *d, udy_dagger_round *r, udy_error *err) {
    char stage[64], checkpoint[UDY_PATH_MAX];
    double start = udy_clock_s();
    // A round that was stopped after it collected leaves a shard: it is collected again.
    int status = udy_dataset_truncate(d->dataset, r->round, err);
    if (!status && r->round) status = load_learner(d, r->round - 1, err);
    snprintf(stage, sizeof stage, "DAgger %d/%d: collect", r->round, d->config.rounds);
    if (!status) status = r->round ? collect(d, r, stage, err) : take_demonstrations(d, r, err);
    snprintf(stage, sizeof stage, "DAgger %d/%d: train", r->round, d->config.rounds);
    if (!status) status = train_round(d, r, stage, checkpoint, err);
    r->seconds = udy_clock_s() - start;
    if (!status) status = load_learner(d, r->round, err);
    snprintf(stage, sizeof stage, "DAgger %d/%d: evaluate", r->round, d->config.rounds);
    // A training heeds no answer to its last word, and an evaluation may end before it asks. Once the
    // round counts, whoever failed to hear of its epochs is told no more of them.
    if (!status &&
        udy_progress_advance(d->progress, stage, 0, d->config.select_episodes, "episodes", ""))
        status = udy_error_set(err, UDY_EINTERRUPTED, "%s: interrupted", stage);
    if (!status) status = select_round(d, r, stage, err);
    if (status) return status;
    d->n_rounds = r->round + 1;
    status = save_state(d, err);
    return status ? status : udy_file_remove(checkpoint, err);
}

int udy_dagger_step(udy_dagger *d, udy_error *err) {
    if (d->n_rounds > d->config.rounds) return 0;
    udy_dagger_round *r = &d->rounds[d->n_rounds];
    int round = d->n_rounds;
    *r = (udy_dagger_round){.round = round, .beta = round ? udy_dagger_beta(&d->config, round) : 1};
    int status = run_round(d, r, err);
    if (!status) return 1;
    udy_free(r->select);
    r->select = NULL;
    d->n_rounds = round;
    return status;
}

int udy_dagger_rounds_done(const udy_dagger *d) {
    return d->n_rounds;
}
const udy_dagger_round *udy_dagger_round_at(const udy_dagger *d, int i) {
    return &d->rounds[i];
}

const udy_bc *udy_dagger_training(const udy_dagger *d) {
    return d->training;
}

int udy_dagger_best(const udy_dagger *d) {
    int best = 0;
    for (int i = 1; i < d->n_rounds; i++)
        if (d->rounds[i].select_mean > d->rounds[best].select_mean) best = i;
    return best;
}

int udy_dagger_policy_path(const udy_dagger *d, int i, char out[UDY_PATH_MAX], udy_error *err) {
    return udy_path_format(out, err, "%s/policies/dagger-%02d.safetensors", d->dir, i);
}
