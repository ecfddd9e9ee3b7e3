// An expert of its own out of a run folder: one evaluation's policy, tested once more on fresh seeds,
// with all that its metadata should say. It only reads the folder, so the training may be at work in
// it, and takes no lock.
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "expert.h"

enum { EPISODES_MAX = 1 << 20, FILE_BYTES_MAX = 1 << 30, LINE_MAX_TEXT = 256 };

typedef struct keeping {
    const char *run_path;
    const udy_expert_config *config;
    const udy_expert_keep_config *keep;
    udy_curve_point *curve;
    int n;
    const udy_curve_point *chosen;
    udy_policy *policy;
    udy_expert_kept *kept;
} keeping;

udy_expert_keep_config udy_expert_keep_config_default(void) {
    return (udy_expert_keep_config){.which = UDY_KEEP_BEST, .episodes = 100};
}

void udy_expert_kept_free(udy_expert_kept *kept) {
    if (kept) udy_evaluation_free(&kept->test);
}

//------------------------------------------ Choosing ----------------------------------------------

static int read_curve(keeping *k, udy_error *err) {
    udy_error why = {0};
    int status = udy_expert_curve(&k->curve, &k->n, k->run_path, &why);
    if (status == UDY_ENOENT)
        return udy_error_set(err, status,
                             "%s: no evaluation has been made yet, so there is no policy to keep; "
                             "the first comes at step %d (sac.eval_interval)",
                             k->run_path, k->config->sac.eval_interval);
    return status ? udy_error_set(err, status, "%s", why.message) : UDY_OK;
}

static int find_step(keeping *k, udy_error *err) {
    const udy_curve_point *near = k->curve;
    const int64_t step = k->keep->step;
    for (int i = 0; i < k->n; i++) {
        if (k->curve[i].steps == step) k->chosen = &k->curve[i];
        if (llabs(k->curve[i].steps - step) < llabs(near->steps - step)) near = &k->curve[i];
    }
    if (k->chosen) return UDY_OK;
    return udy_error_set(err, UDY_ENOENT,
                         "%s: no evaluation at step %lld among the %d of its curve; the nearest is "
                         "at %lld",
                         k->run_path, (long long)step, k->n, (long long)near->steps);
}

static int choose(keeping *k, udy_error *err) {
    char *as = k->kept->chosen_as;
    const size_t size = sizeof k->kept->chosen_as;
    // The last evaluation is made once all steps are done.
    const char *so_far = k->curve[k->n - 1].steps < k->config->sac.steps ? " so far" : "";
    const char *s = k->n == 1 ? "" : "s";
    switch (k->keep->which) {
        case UDY_KEEP_BEST:
            k->chosen = udy_curve_best(k->curve, k->n);
            snprintf(as, size, "the best of %d evaluation%s%s by mean", k->n, s, so_far);
            return UDY_OK;
        case UDY_KEEP_NEAR:
            k->chosen = udy_curve_nearest(k->curve, k->n, k->keep->near);
            snprintf(as, size, "of %d evaluation%s%s that with the mean nearest to %g", k->n, s,
                     so_far, k->keep->near);
            return UDY_OK;
        case UDY_KEEP_STEP:
            snprintf(as, size, "named by its step, of %d evaluation%s%s", k->n, s, so_far);
            return find_step(k, err);
    }
    return udy_error_set(err, UDY_EINVAL, "%d is no way to choose an evaluation", k->keep->which);
}

//------------------------------------------ The policy --------------------------------------------

// Is a hash of the settings, made now, one of the same text that the training made it of? Another
// version of the tables says things in other words, and that is not another training.
static bool settings_comparable(const char *run_path) {
    char path[UDY_PATH_MAX], *was = NULL, *now = NULL;
    size_t n;
    bool same = false;
    udy_expert_config *config = udy_alloc(sizeof *config);
    if (config) udy_expert_config_default(config);
    if (config && !udy_path_format(path, NULL, "%s/run.yaml", run_path) &&
        !udy_file_read(&was, &n, path, FILE_BYTES_MAX, NULL) &&
        !udy_settings_load(config, udy_expert_fields(), path, NULL)) {
        now = udy_settings_print(config, udy_expert_fields());
        same = now && !strcmp(was, now);
    }
    udy_free(was);
    udy_free(now);
    udy_free(config);
    return same;
}

// That the file tells of this evaluation of this training.
static int check_origin(const keeping *k, const char *path, udy_error *err) {
    char hash[20], seed[24], steps[24], updates[24];
    udy__expert_settings_hash(hash, k->config);
    snprintf(seed, sizeof seed, "%llu", (unsigned long long)k->config->seed);
    snprintf(steps, sizeof steps, "%lld", (long long)k->chosen->steps);
    snprintf(updates, sizeof updates, "%lld", (long long)k->chosen->updates);
    const udy_text_pair expected[] = {
        {"seed", seed}, {"steps", steps}, {"updates", updates}, {"settings", hash}};
    const int n = settings_comparable(k->run_path) ? 4 : 3;
    for (int i = 0; i < n; i++) {
        char shown[UDY__SHOW_MAX];
        const char *said = udy_policy_metadata(k->policy, expected[i].key);
        if (said && !strcmp(said, expected[i].value)) continue;
        return udy_error_set(err, UDY_EMISMATCH,
                             "%s: its metadata '%s' is '%s', but by the run's run.yaml and "
                             "curve.csv it would be '%s': it is of another training, or its "
                             "settings were changed",
                             path, expected[i].key,
                             said ? udy__text_show(shown, said, strlen(said)) : "(absent)",
                             expected[i].value);
    }
    return UDY_OK;
}

static int load_policy(keeping *k, udy_error *err) {
    char path[UDY_PATH_MAX], name[UDY__STEP_NAME_MAX];
    udy__expert_step_name(name, k->chosen->steps);
    int status = udy__expert_policy_path(path, k->run_path, name, err);
    if (status) return status;
    if (!udy_file_exists(path))
        return udy_error_set(err, UDY_ENOENT,
                             "%s: missing, the policy of the evaluation at step %lld (%s): keep "
                             "that of another step, or put it back",
                             path, (long long)k->chosen->steps, k->kept->chosen_as);
    status = udy_policy_load(&k->policy, path, err);
    return status ? status : check_origin(k, path, err);
}

//------------------------------------------ The test ----------------------------------------------

static bool overlap(uint64_t a, uint64_t n_a, uint64_t b, uint64_t n_b) {
    return b - a < n_a || a - b < n_b;  // wraps where b < a, or a < b
}

// A policy's return on seeds that chose it is an optimistic one.
static int check_fresh(const keeping *k, udy_error *err) {
    const udy_expert_config *c = k->config;
    const struct {
        udy_seed_purpose purpose;
        int n;
        const char *what;
    } used[] = {{UDY_SEEDS_SELECT, c->sac.eval_episodes, "chose among the evaluations"},
                {UDY_SEEDS_TRAIN, c->sac.n_envs, "began the training"}};
    for (int i = 0; i < 2; i++) {
        uint64_t first = udy_seed_range(c->seed, used[i].purpose);
        if (!overlap(k->kept->test_seed, (uint64_t)k->keep->episodes, first, (uint64_t)used[i].n))
            continue;
        return udy_error_set(
            err, UDY_EINVAL,
            "%d episodes from seed %llu are no test: the seeds %llu to %llu %s; "
            "the run's own for tests start at %llu",
            k->keep->episodes, (unsigned long long)k->kept->test_seed, (unsigned long long)first,
            (unsigned long long)first + (unsigned long long)used[i].n - 1, used[i].what,
            (unsigned long long)udy_seed_range(c->seed, UDY_SEEDS_EVALUATE));
    }
    return UDY_OK;
}

static int test(const keeping *k, int n_threads, const udy_progress *progress, udy_error *err) {
    udy_task *task = NULL;
    udy_batch *batch = NULL;
    int status = udy_task_create(&task, k->config->task, &k->config->task_config, err);
    if (!status) status = udy_policy_check(k->policy, task, err);
    if (!status) status = udy_batch_create(&batch, task, n_threads, n_threads, err);
    if (!status)
        status = udy_evaluate(&k->kept->test, k->policy, task, batch, k->keep->episodes,
                              k->kept->test_seed, "test", progress, err);
    udy_batch_destroy(batch);
    udy_task_destroy(task);
    return status;
}

//------------------------------------------ Metadata ----------------------------------------------

// The machine that the log says the training was on when it made this evaluation: an object of the
// tree in *log_line, or NULL.
static const udy_json *machine_in_log(const keeping *k, udy_json **log_line) {
    char path[UDY_PATH_MAX], *text;
    size_t n;
    if (udy_path_format(path, NULL, "%s/log.jsonl", k->run_path) ||
        udy_file_read(&text, &n, path, FILE_BYTES_MAX, NULL))
        return NULL;
    for (const char *line = text, *end; (end = strchr(line, '\n')); line = end + 1) {
        udy_json *entry;
        if (udy_json_parse(&entry, line, (size_t)(end - line), "log.jsonl", NULL)) continue;
        const char *event = udy_json_string(entry, "event", "");
        bool start = !strcmp(event, "begun") || !strcmp(event, "resumed");
        if (start && udy_json_number(entry, "at_steps", NAN) < (double)k->chosen->steps) {
            udy_json_free(*log_line);
            *log_line = entry;
        } else {
            udy_json_free(entry);
        }
    }
    udy_free(text);
    return udy_json_get(*log_line, "machine");
}

static const udy_json *machine_in_results(const keeping *k, udy_json **results) {
    char path[UDY_PATH_MAX];
    if (udy_path_format(path, NULL, "%s/results.json", k->run_path) ||
        udy_json_load(results, path, FILE_BYTES_MAX, NULL))
        return NULL;
    return udy_json_get(udy_json_get(*results, "timing"), "machine");
}

// "" where the folder does not say it.
static void describe_machine(char out[LINE_MAX_TEXT], const keeping *k) {
    udy_json *log_line = NULL, *results = NULL;
    const udy_json *machine = machine_in_log(k, &log_line);
    if (!machine) machine = machine_in_results(k, &results);
    const char *cpu = udy_json_string(machine, "cpu", "");
    double cores = udy_json_number(machine, "cores", NAN),
           threads = udy_json_number(machine, "threads", NAN);
    out[0] = '\0';
    if (*cpu)
        snprintf(out, LINE_MAX_TEXT, "%.150s, %.0f core%s, %.0f thread%s", cpu, cores,
                 cores == 1 ? "" : "s", threads, threads == 1 ? "" : "s");
    udy_json_free(log_line);
    udy_json_free(results);
}

static void describe_time(char out[LINE_MAX_TEXT], double seconds) {
    long long s = llround(seconds);
    snprintf(out, LINE_MAX_TEXT, "%lld:%02lld:%02lld to this policy, evaluations included",
             s / 3600, s / 60 % 60, s % 60);
}

// "50000:711.5 100000:1618.1": steps and means up to the policy. Free with udy_free.
static char *describe_curve(const keeping *k) {
    udy__text text = {0};
    for (const udy_curve_point *p = k->curve; p <= k->chosen; p++)
        udy__text_printf(&text, "%s%lld:%.1f", p == k->curve ? "" : " ", (long long)p->steps,
                         p->mean);
    return udy__text_take(&text);
}

// All of them but a place. Free with udy_free.
static char *describe_settings(const keeping *k) {
    udy_expert_config *config = udy_alloc(sizeof *config);
    if (!config) return NULL;
    *config = *k->config;
    config->from[0] = '\0';
    char *text = udy_settings_print(config, udy_expert_fields());
    udy_free(config);
    return text;
}

static int save(const keeping *k, const char *path, udy_error *err) {
    char machine[LINE_MAX_TEXT], wall_clock[LINE_MAX_TEXT], tested_with[LINE_MAX_TEXT],
        seconds[UDY__NUMBER_MAX];
    char *curve = describe_curve(k), *settings = describe_settings(k);
    if (!curve || !settings) {
        udy_free(curve);
        udy_free(settings);
        return udy_error_set(err, UDY_ENOMEM, "no memory for a policy's metadata");
    }
    describe_machine(machine, k);
    describe_time(wall_clock, k->chosen->seconds);
    snprintf(seconds, sizeof seconds, "%.0f", k->chosen->seconds);
    snprintf(tested_with, sizeof tested_with, "understudy %s, MuJoCo %s, oneDNN %s, %s",
             UDY_VERSION, udy_sim_version(), udy_nn_version(), udy_nn_isa());
    udy_text_pair extra[8] = {
        {"chosen_as", k->kept->chosen_as}, {"run_yaml", settings},    {"curve", curve},
        {"wall_clock", wall_clock},        {"wall_clock_s", seconds}, {"tested_with", tested_with}};
    size_t n = 6;
    if (machine[0]) extra[n++] = (udy_text_pair){"machine", machine};
    if (k->keep->commit && *k->keep->commit)
        extra[n++] = (udy_text_pair){"commit", k->keep->commit};
    int status =
        udy__expert_save_tested(k->policy, &k->kept->test, k->kept->test_seed, extra, n, path, err);
    udy_free(curve);
    udy_free(settings);
    return status;
}

//------------------------------------------ All of it ---------------------------------------------

static int check_request(const udy_expert_keep_config *keep, udy_error *err) {
    if (keep->episodes < 1 || keep->episodes > EPISODES_MAX)
        return udy_error_set(err, UDY_EINVAL, "a test of %d episodes: expected 1 to %d",
                             keep->episodes, EPISODES_MAX);
    if (keep->which == UDY_KEEP_NEAR && !isfinite(keep->near))
        return udy_error_set(err, UDY_EINVAL, "no mean is near %g", keep->near);
    if (keep->commit && !udy__utf8_valid(keep->commit))
        return udy_error_set(err, UDY_EINVAL, "the commit is not UTF-8, so no file can hold it");
    return UDY_OK;
}

int udy_expert_keep(udy_expert_kept *out, const char *run_path, const udy_expert_config *config,
                    const udy_expert_keep_config *keep, const char *path, int n_threads,
                    const udy_progress *progress, udy_error *err) {
    *out = (udy_expert_kept){.test_seed = keep->has_seed
                                              ? keep->seed
                                              : udy_seed_range(config->seed, UDY_SEEDS_EVALUATE)};
    keeping k = {.run_path = run_path, .config = config, .keep = keep, .kept = out};
    int status = check_request(keep, err);
    if (!status) status = check_fresh(&k, err);
    if (!status) status = read_curve(&k, err);
    if (!status) status = choose(&k, err);
    if (!status) status = load_policy(&k, err);
    if (!status) status = test(&k, n_threads, progress, err);
    if (!status) status = save(&k, path, err);
    if (!status) {
        out->point = *k.chosen;
        out->n_evaluations = k.n;
    } else {
        udy_expert_kept_free(out);
    }
    udy_policy_destroy(k.policy);
    udy_free(k.curve);
    return status;
}
