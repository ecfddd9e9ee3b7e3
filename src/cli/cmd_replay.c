// cmd_replay.c: `understudy replay`: a file of actions from a seeded reset, everything recorded.
#include <stdio.h>
#include <string.h>

#include "cli.h"

typedef struct replay_args {
    cli_common common;
    const char *task, *actions, *out, *tensor;
    bool force;
} replay_args;

// One recording: arrays of the largest size the actions allow, and how far the episode came.
typedef struct recording {
    const udy_task_info *info;
    const udy_tensor *actions;
    uint64_t seed;
    int64_t max_steps, steps;
    udy_end end;
    double *obs, *qpos, *qvel, *reward, *terminated, *truncated, *terms[UDY_TERMS_MAX];
} recording;

static void recording_free(recording *r) {
    udy_free(r->obs);
    udy_free(r->qpos);
    udy_free(r->qvel);
    udy_free(r->reward);
    udy_free(r->terminated);
    udy_free(r->truncated);
    for (int i = 0; i < UDY_TERMS_MAX; i++) udy_free(r->terms[i]);
}

static bool recording_alloc(recording *r) {
    size_t states = (size_t)r->max_steps + 1;
    r->obs = udy_alloc(states * (size_t)r->info->obs_dim * sizeof(double));
    r->qpos = udy_alloc(states * (size_t)r->info->nq * sizeof(double));
    r->qvel = udy_alloc(states * (size_t)r->info->nv * sizeof(double));
    r->reward = udy_alloc(states * sizeof(double));
    r->terminated = udy_alloc(states * sizeof(double));
    r->truncated = udy_alloc(states * sizeof(double));
    bool ok = r->obs && r->qpos && r->qvel && r->reward && r->terminated && r->truncated;
    for (int i = 0; i < r->info->n_terms; i++)
        if (!(r->terms[i] = udy_alloc(states * sizeof(double)))) ok = false;
    return ok;
}

static void action_at(const recording *r, int64_t t, double *action) {
    int A = r->info->act_dim;
    const char *data = r->actions->data;
    if (r->actions->dtype == UDY_F64) {
        memcpy(action, data + (size_t)t * A * sizeof(double), (size_t)A * sizeof(double));
        return;
    }
    for (int i = 0; i < A; i++) {
        float value;
        memcpy(&value, data + ((size_t)t * A + i) * sizeof value, sizeof value);
        action[i] = value;
    }
}

static int play(udy_env *env, int job, void *ctx, udy_error *err) {
    (void)job;
    recording *r = ctx;
    const udy_task_info *info = r->info;
    udy_rng rng;
    udy_rng_init(&rng, r->seed);
    int status = udy_env_reset(env, &rng, r->obs, err);
    if (status) return status;
    udy_env_state(env, r->qpos, r->qvel);
    for (int64_t t = 0; t < r->max_steps; t++) {
        if (cli_interrupted()) return UDY_EINTERRUPTED;
        double action[UDY_ACT_DIM_MAX];
        udy_step step;
        action_at(r, t, action);
        status = udy_env_step(env, action, r->obs + (t + 1) * info->obs_dim, &step, err);
        if (status) return udy_error_wrap(err, status, "step %lld", (long long)t);
        udy_env_state(env, r->qpos + (t + 1) * info->nq, r->qvel + (t + 1) * info->nv);
        r->reward[t] = step.reward;
        r->terminated[t] = step.terminated;
        r->truncated[t] = step.truncated;
        for (int i = 0; i < info->n_terms; i++) r->terms[i][t] = step.terms[i];
        r->steps = t + 1;
        r->end = (udy_end)step.end;
        if (step.terminated || step.truncated) break;
    }
    return UDY_OK;
}

// cols 0: a vector
static udy_tensor column(const char *name, int64_t rows, int64_t cols, const double *data) {
    udy_tensor tensor = {.name = name, .dtype = UDY_F64, .ndim = cols ? 2 : 1, .data = data};
    tensor.shape[0] = rows;
    tensor.shape[1] = cols;
    tensor.n_bytes = (size_t)(rows * (cols ? cols : 1)) * sizeof(double);
    return tensor;
}

static int save(const recording *r, const replay_args *args, udy_error *err) {
    const udy_task_info *info = r->info;
    int64_t T = r->steps;
    udy_tensor tensors[6 + UDY_TERMS_MAX];
    size_t n = 0;
    tensors[n++] = column("obs", T + 1, info->obs_dim, r->obs);
    tensors[n++] = column("reward", T, 0, r->reward);
    tensors[n++] = column("terminated", T, 0, r->terminated);
    tensors[n++] = column("truncated", T, 0, r->truncated);
    tensors[n++] = column("qpos", T + 1, info->nq, r->qpos);
    tensors[n++] = column("qvel", T + 1, info->nv, r->qvel);
    for (int i = 0; i < info->n_terms; i++)
        tensors[n++] = column(info->term_names[i], T, 0, r->terms[i]);
    char seed[24];
    snprintf(seed, sizeof seed, "%llu", (unsigned long long)r->seed);
    const udy_text_pair metadata[] = {{"format", "understudy.replay/1"},
                                      {"task", info->id},
                                      {"seed", seed},
                                      {"mujoco", udy_sim_version()},
                                      {"understudy", UDY_VERSION}};
    return udy_safetensors_write(args->out, tensors, n, metadata,
                                 sizeof metadata / sizeof metadata[0], err);
}

// The actions [T, A], f64 or f32, with words for what is wrong.
static int find_actions(const udy_safetensors *file, const replay_args *args,
                        const udy_task_info *info, const udy_tensor **out, udy_error *err) {
    const char *name = args->tensor ? args->tensor : "action";
    const udy_tensor *tensor = udy_safetensors_find(file, name);
    udy_dtype dtype = tensor && tensor->dtype == UDY_F32 ? UDY_F32 : UDY_F64;
    int64_t shape[2] = {-1, info->act_dim};
    return udy_safetensors_require(file, name, dtype, 2, shape, out, err);
}

static int report(const recording *r, const replay_args *args) {
    static const char *const ends[] = {"the actions were used up", "the time limit", "too low",
                                       "too high", "unhealthy"};
    double sum = 0;
    for (int64_t t = 0; t < r->steps; t++) sum += r->reward[t];
    if (args->common.json) {
        udy_json *root = udy_json_object();
        udy_json_put_string(root, "out", args->out);
        udy_json_put_string(root, "task", r->info->id);
        cli_json_put_u64(root, "seed", r->seed);
        udy_json_put_int(root, "steps", r->steps);
        udy_json_put_number(root, "return", sum);
        udy_json_put_bool(root, "terminated", r->steps > 0 && r->terminated[r->steps - 1] != 0);
        udy_json_put_bool(root, "truncated", r->steps > 0 && r->truncated[r->steps - 1] != 0);
        return cli_print_json(root);
    }
    printf("%s: %lld steps, return %.3f, ended by: %s\n", args->out, (long long)r->steps, sum,
           ends[r->end]);
    return CLI_DONE;
}

static int replay(const replay_args *args, const udy_task *task, const udy_tensor *actions,
                  udy_error *err) {
    recording r = {.info = udy_task_info_of(task),
                   .actions = actions,
                   .seed = args->common.seed,
                   .max_steps = actions->shape[0]};
    udy_batch *batch = NULL;
    int code = CLI_DONE;
    // Past the time limit nothing is played, so nothing need be held for it.
    if (r.info->max_episode_steps > 0 && r.max_steps > r.info->max_episode_steps)
        r.max_steps = r.info->max_episode_steps;
    if (!recording_alloc(&r))
        code = cli_fail_text("out of memory for %lld steps", (long long)r.max_steps);
    if (code == CLI_DONE && (udy_batch_create(&batch, task, 1, 1, err) ||
                             udy_batch_episodes(batch, 1, play, &r, err) || save(&r, args, err)))
        code = cli_fail(err);
    if (code == CLI_DONE) code = report(&r, args);
    udy_batch_destroy(batch);
    recording_free(&r);
    return code;
}

static int run(void *p) {
    const replay_args *args = p;
    udy_error err = {0};
    if (!args->actions || !args->out)
        return cli_usage(
            "'replay' wants --actions FILE and --out FILE; '%s replay --help' shows "
            "an example",
            cli_program);
    if (cli_check_output(args->out, args->force, &err)) return cli_fail(&err);
    udy_task *task = NULL;
    udy_safetensors *file = NULL;
    int code = cli_make_task(&task, &args->common, args->task ? args->task : "Ant-v5", false);
    if (code == CLI_DONE) {
        const udy_tensor *actions;
        if (udy_safetensors_open(&file, args->actions, &err) ||
            find_actions(file, args, udy_task_info_of(task), &actions, &err))
            code = cli_fail(&err);
        else
            code = replay(args, task, actions, &err);
    }
    udy_safetensors_close(file);
    udy_task_destroy(task);
    return code;
}

#define OFFSET(member) offsetof(replay_args, member)
static const cli_option options[] = {
    {"task", "ID", CLI_OPTION_TEXT, OFFSET(task), 0, 0, "the task (default Ant-v5)"},
    {"actions", "FILE", CLI_OPTION_TEXT, OFFSET(actions), 0, 0,
     "safetensors file with the actions [T, A], f64 or f32"},
    {"tensor", "NAME", CLI_OPTION_TEXT, OFFSET(tensor), 0, 0,
     "the actions' name in it (default action)"},
    {"out", "FILE", CLI_OPTION_TEXT, OFFSET(out), 0, 0, "safetensors file to write"},
    {"force", NULL, CLI_OPTION_FLAG, OFFSET(force), 0, 0, "write over an existing file"},
    {0},
};

const cli_command cli_replay = {
    .name = "replay",
    .summary = "run a file of actions from a seeded reset, record everything",
    .operands = "",
    .common = CLI_SEED | CLI_SET | CLI_DATA | CLI_JSON | CLI_QUIET,
    .options = options,
    .args_size = sizeof(replay_args),
    .about =
        "Resets as Gymnasium's reset(seed=S) and steps until the actions or the episode end.\n"
        "Writes obs [T+1, O], reward, terminated and truncated [T], qpos [T+1, nq], qvel [T+1, nv]\n"
        "and each reward term [T] by its name in Gymnasium's info, all f64.",
    .example =
        "  understudy replay --task Ant-v5 --seed 3 --actions actions.safetensors \\\n"
        "      --out trajectory.safetensors --set contact_obs=true",
    .set_fields = udy_task_config_fields,
    .run = run,
};
