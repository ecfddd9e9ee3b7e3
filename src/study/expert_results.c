// What an expert's training leaves: policies with how they were made in their metadata, and
// results.json. Everything that may differ between two runs of the same settings and seed stands
// under "timing", nothing else does.
#include <assert.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>

#include "base/text.h"
#include "evaluate.h"
#include "expert.h"

static const char results_format[] = "understudy.expert/1";

void udy__expert_settings_hash(char out[20], const udy_expert_config *config) {
    out[0] = '\0';
    udy_expert_config *facts = udy_alloc(sizeof *facts);
    if (!facts) return;
    *facts = *config;
    facts->task_config.model_dir[0] = '\0';  // a place, which may differ from day to day
    facts->preset[0] = facts->command[0] = facts->from[0] = facts->from_command[0] = '\0';
    facts->checkpoint_minutes = 0;
    facts->seed = 0;
    char *text = udy_settings_facts(facts, udy_expert_fields());
    if (text) snprintf(out, 20, "%016llx", (unsigned long long)udy_hash(text, strlen(text)));
    udy_free(text);
    udy_free(facts);
}

//------------------------------------------ Metadata ----------------------------------------------

enum { PAIRS_MAX = 32, PAIR_BYTES = 320 };

// Pairs of metadata with room for their values.
typedef struct pairs {
    size_t n;
    udy_text_pair pair[PAIRS_MAX];
    char text[PAIRS_MAX][PAIR_BYTES];
} pairs;

static void add_text(pairs *p, const char *key, const char *value) {
    p->pair[p->n++] = (udy_text_pair){key, value};
}

static void add(pairs *p, const char *key, const char *format, ...) UDY_PRINTF(3, 4);
static void add(pairs *p, const char *key, const char *format, ...) {
    va_list args;
    va_start(args, format);
    vsnprintf(p->text[p->n], PAIR_BYTES, format, args);
    va_end(args);
    add_text(p, key, p->text[p->n]);
}

static void add_number(pairs *p, const char *key, double value) {
    char number[UDY__NUMBER_MAX];
    udy__double_print(number, value);
    add(p, key, "%s", number);
}

static void describe_training(pairs *p, const udy_expert_config *config,
                              const udy_curve_point *point) {
    char hash[20];
    udy__expert_settings_hash(hash, config);
    add_text(p, "made_by", config->command[0] ? config->command : "understudy expert train");
    if (config->preset[0]) add_text(p, "preset", config->preset);
    if (config->sac.from_steps) {
        add_text(p, "goes_on_from", config->from_command);
        add(p, "goes_on_from_steps", "%d", config->sac.from_steps);
    }
    add(p, "settings", "%s", hash);
    add(p, "seed", "%llu", (unsigned long long)config->seed);
    add(p, "steps", "%lld", (long long)point->steps);
    add(p, "updates", "%lld", (long long)point->updates);
    add(p, "selected_on",
        "%.0f mean, %.0f median, sd %.0f over the %d selection seeds from %llu; %d too low, %d too "
        "high",
        point->mean, point->median, point->std, point->n,
        (unsigned long long)udy_seed_range(config->seed, UDY_SEEDS_SELECT), point->too_low,
        point->too_high);
    add(p, "versions", "understudy %s, MuJoCo %s, oneDNN %s, %s", UDY_VERSION, udy_sim_version(),
        udy_nn_version(), udy_nn_isa());
}

int udy__expert_save_policy(const udy_policy *policy, const udy_expert_config *config,
                            const udy_curve_point *point, const char *run_path, const char *name,
                            udy_error *err) {
    char path[UDY_PATH_MAX];
    pairs *p = udy_alloc(sizeof *p);
    if (!p) return udy_error_set(err, UDY_ENOMEM, "no memory for a policy's metadata");
    describe_training(p, config, point);
    int status = udy__expert_policy_path(path, run_path, name, err);
    if (!status) status = udy_policy_save(policy, path, p->pair, p->n, err);
    udy_free(p);
    return status;
}

static void describe_test(pairs *p, const udy_evaluation *e, uint64_t seed) {
    add(p, "return",
        "%.0f mean (95 %% interval %.0f to %.0f), %.0f median over %d fresh seeds from %llu (MuJoCo "
        "%s); %d of %d episodes end early: %d too low, %d too high",
        e->mean, e->ci95[0], e->ci95[1], e->median, e->n, (unsigned long long)seed,
        udy_sim_version(), e->falls, e->n, e->too_low, e->too_high);
    add_number(p, "return_mean", e->mean);
    add_number(p, "return_std", e->std);
    add_number(p, "return_median", e->median);
    add_number(p, "return_iqm", e->iqm);
    add_number(p, "return_ci95_low", e->ci95[0]);
    add_number(p, "return_ci95_high", e->ci95[1]);
    add(p, "test_episodes", "%d", e->n);
    add(p, "test_seed", "%llu", (unsigned long long)seed);
    add(p, "falls", "%d", e->falls);
    add(p, "too_low", "%d", e->too_low);
    add(p, "too_high", "%d", e->too_high);
    add_number(p, "speed_m_per_s", e->speed_mean);
}

// A policy is saved with all that its file said, and the test's figures beside it.
int udy__expert_save_tested(const udy_policy *policy, const udy_evaluation *test, uint64_t seed,
                            const udy_text_pair *extra, size_t n_extra, const char *path,
                            udy_error *err) {
    pairs *p = udy_alloc(sizeof *p);
    if (!p) return udy_error_set(err, UDY_ENOMEM, "no memory for a policy's metadata");
    describe_test(p, test, seed);
    assert(p->n + n_extra <= PAIRS_MAX);
    for (size_t i = 0; i < n_extra; i++) add_text(p, extra[i].key, extra[i].value);
    int status = udy_policy_save(policy, path, p->pair, p->n, err);
    udy_free(p);
    return status;
}

int udy__expert_save_best(const udy__expert_outcome *o, const char *run_path, udy_error *err) {
    char source[UDY_PATH_MAX], path[UDY_PATH_MAX], name[UDY__STEP_NAME_MAX];
    udy_policy *policy = NULL;
    udy__expert_step_name(name, o->chosen->steps);
    int status = udy__expert_policy_path(source, run_path, name, err);
    if (!status) status = udy__expert_policy_path(path, run_path, "best", err);
    if (!status) status = udy_policy_load(&policy, source, err);
    if (!status)
        status = udy__expert_save_tested(policy, o->test,
                                         udy_seed_range(o->config->seed, UDY_SEEDS_EVALUATE), NULL,
                                         0, path, err);
    udy_policy_destroy(policy);
    return status;
}

//------------------------------------------ results.json ------------------------------------------

static udy_json *chosen_json(const udy__expert_outcome *o) {
    char name[UDY__STEP_NAME_MAX], file[UDY__STEP_NAME_MAX + 32];
    udy_json *chosen = udy_curve_point_json(o->chosen);
    udy__expert_step_name(name, o->chosen->steps);
    snprintf(file, sizeof file, "policies/%s.safetensors", name);
    udy_json_put_string(chosen, "policy", "policies/best.safetensors");
    udy_json_put_string(chosen, "from", file);
    udy_json_put_int(chosen, "first_seed",
                     (int64_t)udy_seed_range(o->config->seed, UDY_SEEDS_SELECT));
    return chosen;
}

// The processor's name as the kernel tells it; "unknown" where it does not.
static void cpu_name(char out[128]) {
    char *text, *at;
    size_t n;
    snprintf(out, 128, "unknown");
    if (udy_file_read(&text, &n, "/proc/cpuinfo", (size_t)16 << 20, NULL)) return;
    at = strstr(text, "model name");
    if (at) at = strchr(at, ':');
    if (at) {
        at += 1 + strspn(at + 1, " \t");
        snprintf(out, 128, "%.*s", (int)strcspn(at, "\n"), at);
    }
    udy_free(text);
}

udy_json *udy__machine_json(int n_threads) {
    char cpu[128];
    udy_json *machine = udy_json_object();
    cpu_name(cpu);
    udy_json_put_string(machine, "cpu", cpu);
    udy_json_put_int(machine, "cores", udy_cpu_count());
    udy_json_put_int(machine, "threads", n_threads);
    return machine;
}

static udy_json *timing_json(const udy__expert_outcome *o) {
    udy_json *timing = udy_json_object(), *curve = udy_json_array(), *reached = udy_json_object();
    char now[21], name[16];
    udy_clock_utc(now);
    for (int i = 0; i < o->n; i++) udy_json_append_number(curve, o->curve[i].seconds);
    for (int i = 0; i < UDY_MILESTONES; i++) {
        const udy_curve_point *p = udy_curve_reached(o->curve, o->n, udy_milestones[i]);
        snprintf(name, sizeof name, "%.0f", udy_milestones[i]);
        udy_json_put_number(reached, name, p ? p->seconds : NAN);
    }
    udy_json_put_string(timing, "finished", now);
    udy_json_put_number(timing, "seconds_total", o->seconds_total);
    udy_json_put(timing, "seconds_to", reached);
    udy_json_put(timing, "curve_seconds", curve);
    udy_json_put_number(timing, "test_steps_per_s", o->test->steps_per_s);
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    udy_json_put_int(timing, "max_rss_bytes", (int64_t)usage.ru_maxrss * 1024);
    udy_json_put(timing, "machine", udy__machine_json(o->n_threads));
    return timing;
}

int udy__expert_results_write(const udy__expert_outcome *o, const char *run_path, udy_error *err) {
    char path[UDY_PATH_MAX], hash[20];
    int status = udy_path_format(path, err, "%s/results.json", run_path);
    if (status) return status;
    udy_json *root = udy_json_object(), *curve = udy_json_array();
    for (int i = 0; i < o->n; i++) udy_json_append(curve, udy_curve_point_json(&o->curve[i]));
    udy__expert_settings_hash(hash, o->config);
    udy_json *test = udy_evaluation_json(o->test, false);
    udy_json_put_int(test, "first_seed",
                     (int64_t)udy_seed_range(o->config->seed, UDY_SEEDS_EVALUATE));
    udy_json_put_string(root, "format", results_format);
    udy_json_put_string(root, "task", o->config->task);
    udy_json_put_string(root, "preset", o->config->preset);
    udy_json_put_string(root, "command", o->config->command);
    if (o->config->sac.from_steps)
        udy_json_put_string(root, "goes_on_from", o->config->from_command);
    udy_json_put_int(root, "seed", (int64_t)o->config->seed);
    udy_json_put_string(root, "settings", hash);
    udy_json_put(root, "versions", udy__versions_json());
    udy_json_put(root, "chosen", chosen_json(o));
    udy_json_put(root, "test", test);
    udy_json_put(root, "curve", curve);
    udy_json_put(root, "timing", timing_json(o));
    return udy_json_save(root, path, err);
}

bool udy__expert_finished(const udy_expert_config *config, const char *run_path) {
    char path[UDY_PATH_MAX], hash[20];
    udy_json *root;
    if (udy_path_format(path, NULL, "%s/results.json", run_path) ||
        udy_json_load(&root, path, (size_t)256 << 20, NULL))
        return false;
    udy__expert_settings_hash(hash, config);
    bool finished = !strcmp(udy_json_string(root, "format", ""), results_format) &&
                    !strcmp(udy_json_string(root, "settings", ""), hash) &&
                    udy_json_number(root, "seed", -1) == (double)config->seed;
    udy_json_free(root);
    return finished;
}
