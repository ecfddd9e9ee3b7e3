// cmd_render.c: `understudy render`: a video of one policy, or of several side by side.
#include <errno.h>
#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli.h"

#define DEFAULT_TRIES 200

typedef struct render_args {
    cli_common common;
    const char *out, *seed, *until, *task, *labels, *demos;
    int steps, width, height, fps, crf, tries;
    bool force;
} render_args;

typedef struct film {
    const udy_policy *policies[UDY_VIDEO_PANELS_MAX];
    udy_policy *owned[UDY_VIDEO_PANELS_MAX];
    udy_footage footage[UDY_VIDEO_PANELS_MAX];
    double *values[UDY_VIDEO_PANELS_MAX];  // of the gauge
    udy_gauge *gauge;                      // Nullable
    int n;
    uint64_t seed;
    bool any_seed, until_fall;
    udy_task *task;
    udy_batch *batch;
    udy_video_info info;
} film;

static void film_free(film *f) {
    for (int i = 0; i < f->n; i++) udy_footage_free(&f->footage[i]);
    for (int i = 0; i < f->n; i++) udy_free(f->values[i]);
    udy_gauge_destroy(f->gauge);
    udy_batch_destroy(f->batch);
    for (int i = 0; i < f->n; i++) udy_policy_destroy(f->owned[i]);
    udy_task_destroy(f->task);
}

//------------------------------------------ Options -----------------------------------------------

// --seed S or any, --until fall.
static int read_words(const render_args *args, film *f) {
    const char *seed = args->seed ? args->seed : "0";
    char *end = NULL;
    errno = 0;
    f->any_seed = strcmp(seed, "any") == 0;
    f->until_fall = args->until != NULL;
    if (!f->any_seed) {
        f->seed = strtoull(seed, &end, 10);
        if (*seed < '0' || *seed > '9' || *end || errno)
            return cli_usage("--seed '%s': expected a whole number, or 'any'", seed);
    }
    if (args->until && strcmp(args->until, "fall") != 0)
        return cli_usage("--until '%s': expected 'fall'", args->until);
    if (f->any_seed && !f->until_fall)
        return cli_usage("--seed any looks for a fall; say --until fall as well");
    if (args->tries && !f->any_seed) return cli_usage("--tries goes with --seed any");
    if (!args->out)
        return cli_usage("'render' wants -o FILE.mp4; '%s render --help' shows an example",
                         cli_program);
    int n_labels = args->labels ? 1 : 0;
    for (const char *c = args->labels; c && *c; c++) n_labels += *c == ',';
    if (n_labels > args->common.n_operands)
        return cli_usage("--labels '%s': %d names for %d panels", args->labels, n_labels,
                         args->common.n_operands);
    if (!cli_has_suffix(args->out, ".mp4"))
        return cli_usage("-o '%s': expected a name that ends in .mp4", args->out);
    if (args->width % 2 || args->height % 2)
        return cli_usage(
            "--width and --height are even numbers: H.264 keeps colours for two by two "
            "pixels");
    return CLI_DONE;
}

// The label of panel i: the i-th of --labels A,B,C, else the policy's name.
static void label_of(const render_args *args, int i, char out[128]) {
    const char *at = args->labels;
    for (int k = 0; at && k < i; k++) {
        at = strchr(at, ',');
        if (at) at++;
    }
    if (at)
        snprintf(out, 128, "%.*s", (int)strcspn(at, ","), at);
    else
        udy_policy_short_name(out, 128, args->common.operand[i]);
}

//------------------------------------------ Filming -----------------------------------------------

// The policies, and the task that they are for: the first file's, unless the user says.
static int gather(const render_args *args, film *f, udy_error *err) {
    const udy_policy *first = NULL;
    f->n = args->common.n_operands;
    for (int i = 0; i < f->n; i++) {
        const char *name = args->common.operand[i];
        if (strcmp(name, "random") == 0) continue;
        if (cli_load_policy(&f->owned[i], args->common.data, name, NULL, err)) return cli_fail(err);
        if (!first) first = f->owned[i];
    }
    const char *id = args->task ? args->task : first ? udy_policy_task(first) : "";
    int code = cli_make_task(&f->task, &args->common, *id ? id : "Ant-v5",
                             first && udy_policy_contact_obs(first));
    for (int i = 0; code == CLI_DONE && i < f->n; i++) {
        if (!f->owned[i] && udy_policy_random(&f->owned[i], f->task, err)) code = cli_fail(err);
        f->policies[i] = f->owned[i];
    }
    return code;
}

static int make_gauge(const render_args *args, film *f, const udy_progress *progress,
                      udy_error *err) {
    udy_dataset *demos = NULL;
    if (!args->demos) return UDY_OK;
    int status = cli_open_dataset(&demos, args->demos, &args->common, err);
    if (!status)
        status =
            udy_gauge_create(&f->gauge, demos, f->task, cli_threads(&args->common), progress, err);
    udy_dataset_close(demos);
    return status;
}

static int play(const render_args *args, film *f, const udy_progress *progress, udy_error *err) {
    udy_footage_config config;
    udy_footage_config_default(&config);
    config.max_steps = args->steps;
    config.until_fall = f->until_fall;
    // A dataset that does not fit is told before anything is played.
    int status = make_gauge(args, f, progress, err);
    if (!status) status = cli_make_batch(&f->batch, &args->common, f->task, err);
    if (!status && f->any_seed)
        status = udy_footage_find_fall(&f->seed, f->policies, f->n, f->task, f->batch, 0,
                                       args->tries ? args->tries : DEFAULT_TRIES, args->steps,
                                       progress, err);
    if (!status)
        status = udy_footage_record(f->footage, f->policies, f->n, f->task, f->batch, f->seed,
                                    &config, progress, err);
    for (int i = 0; !status && i < f->n; i++) label_of(args, i, f->footage[i].label);
    if (!status && f->gauge)
        status = udy_gauge_show(f->gauge, f->footage, f->n, f->values, progress, err);
    return status;
}

static int shoot(const render_args *args, film *f, const udy_progress *progress, udy_error *err) {
    udy_video_config config;
    udy_video_config_default(&config);
    if (args->width) config.width = args->width;
    if (args->height) config.height = args->height;
    if (args->fps) config.fps = args->fps;
    if (args->crf) config.crf = args->crf;
    return udy_video_write(args->out, f->task, f->footage, f->n, &config,
                           cli_threads(&args->common), &f->info, progress, err);
}

//------------------------------------------ Telling -----------------------------------------------

static const char *const end_words[] = {"still going", "time limit", "too low", "too high",
                                        "unhealthy"};
static const char *const end_names[] = {"none", "limit", "too_low", "too_high", "unhealthy"};

// The gauge's mean over an episode; 0 where there is none.
static double mean_gauge(const film *f, int i) {
    double sum = 0;
    int n = 0;
    for (int t = 0; f->values[i] && t < f->footage[i].n_episode; t++) {
        if (!isfinite(f->values[i][t])) continue;
        sum += f->values[i][t];
        n++;
    }
    return n ? sum / n : 0;
}

static int print_json(const render_args *args, const film *f) {
    double dt = udy_task_info_of(f->task)->dt;
    udy_json *root = udy_json_object(), *panels = udy_json_array();
    udy_json_put_string(root, "out", args->out);
    udy_json_put_string(root, "task", udy_task_info_of(f->task)->id);
    cli_json_put_u64(root, "seed", f->seed);
    udy_json_put_int(root, "frames", f->info.frames);
    udy_json_put_number(root, "seconds", f->info.seconds);
    udy_json_put_int(root, "width", f->info.width);
    udy_json_put_int(root, "height", f->info.height);
    udy_json_put_int(root, "bytes", f->info.n_bytes);
    if (f->gauge) udy_json_put_number(root, "gauge_full_at", udy_gauge_full_at(f->gauge));
    for (int i = 0; i < f->n; i++) {
        const udy_footage *footage = &f->footage[i];
        udy_json *panel = udy_json_object();
        udy_json_put_string(panel, "policy", args->common.operand[i]);
        udy_json_put_string(panel, "label", footage->label);
        udy_json_put_int(panel, "steps", footage->n_episode - 1);
        udy_json_put_number(panel, "seconds", (footage->n_episode - 1) * dt);
        udy_json_put_number(panel, "return", footage->ret);
        udy_json_put_string(panel, "end", end_names[footage->end]);
        if (f->gauge) udy_json_put_number(panel, "gauge_mean", mean_gauge(f, i));
        udy_json_append(panels, panel);
    }
    udy_json_put(root, "episodes", panels);
    return cli_print_json(root);
}

static int print_text(const render_args *args, const film *f) {
    double dt = udy_task_info_of(f->task)->dt;
    printf("%s: %lld frames, %.2f s, %dx%d, %.1f MB, seed %llu\n", args->out,
           (long long)f->info.frames, f->info.seconds, f->info.width, f->info.height,
           (double)f->info.n_bytes / 1e6, (unsigned long long)f->seed);
    for (int i = 0; i < f->n; i++) {
        printf("  %s: %.2f s, return %.1f, %s", f->footage[i].label,
               (f->footage[i].n_episode - 1) * dt, f->footage[i].ret, end_words[f->footage[i].end]);
        if (f->gauge) printf(", gauge %.2f on average", mean_gauge(f, i));
        putchar('\n');
    }
    return CLI_DONE;
}

static int run(void *p) {
    const render_args *args = p;
    udy_error err = {0};
    film f = {0};
    int code = read_words(args, &f);
    if (code == CLI_DONE && cli_check_output(args->out, args->force, &err)) code = cli_fail(&err);
    if (code == CLI_DONE) code = gather(args, &f, &err);
    if (code == CLI_DONE) {
        const udy_progress *progress = cli_progress_begin(args->common.quiet);
        if (play(args, &f, progress, &err) || shoot(args, &f, progress, &err))
            code = cli_fail(&err);
        cli_progress_end();
    }
    if (code == CLI_DONE) code = args->common.json ? print_json(args, &f) : print_text(args, &f);
    film_free(&f);
    return code;
}

#define OFFSET(member) offsetof(render_args, member)
static const cli_option options[] = {
    {"out", "FILE", CLI_OPTION_TEXT, OFFSET(out), 0, 0, "the video to write, .mp4; also -o FILE"},
    {"seed", "S", CLI_OPTION_TEXT, OFFSET(seed), 0, 0,
     "reset with this seed (default 0); 'any' with --until fall: the first that has a fall"},
    {"steps", "N", CLI_OPTION_INT, OFFSET(steps), 1, INT_MAX,
     "at most this many control steps (default: the task's time limit)"},
    {"until", "fall", CLI_OPTION_TEXT, OFFSET(until), 0, 0, "stop a second after the first fall"},
    {"tries", "N", CLI_OPTION_INT, OFFSET(tries), 1, 1000000,
     "seeds that --seed any looks at (default 200)"},
    {"width", "N", CLI_OPTION_INT, OFFSET(width), UDY_RENDER_SIZE_MIN, UDY_RENDER_SIZE_MAX,
     "pixels of a panel, even (default 640)"},
    {"height", "N", CLI_OPTION_INT, OFFSET(height), UDY_RENDER_SIZE_MIN, UDY_RENDER_SIZE_MAX,
     "pixels of a panel, even (default 480)"},
    {"fps", "N", CLI_OPTION_INT, OFFSET(fps), 1, 240,
     "frames a second (default: one a control step); playback is in real time"},
    {"crf", "N", CLI_OPTION_INT, OFFSET(crf), 1, 51,
     "quality, less is better and larger (default 23)"},
    {"labels", "A,B,..", CLI_OPTION_TEXT, OFFSET(labels), 0, 0,
     "what the panels say, from the first on (default: the policies' names)"},
    {"demos", "DATASET", CLI_OPTION_TEXT, OFFSET(demos), 0, 0,
     "show a gauge of how far each state is from these demonstrations (default: no gauge)"},
    {"task", "ID", CLI_OPTION_TEXT, OFFSET(task), 0, 0,
     "the task (default: the first policy's own; Ant-v5 for random)"},
    {"force", NULL, CLI_OPTION_FLAG, OFFSET(force), 0, 0, "write over an existing file"},
    {0},
};

const cli_command cli_render = {
    .name = "render",
    .summary = "a video of a policy, or of several side by side",
    .operands = "POLICY [POLICY]...",
    .min_operands = 1,
    .max_operands = UDY_VIDEO_PANELS_MAX,
    .common = CLI_THREADS | CLI_SET | CLI_DATA | CLI_JSON | CLI_QUIET,
    .options = options,
    .args_size = sizeof(render_args),
    .about =
        "POLICY is a file, the name of a shipped expert, or 'random'. All start from the same seed.\n"
        "Each panel shows time, speed and return. After a fall the policy goes on for a second, so\n"
        "that one sees what became of it. With --demos a gauge shows how far from anything demonstrated\n"
        "the policy is: full at twice the distance that 95 % of demonstrated states stay within of those\n"
        "of other episodes.\n"
        "Drawing needs OpenGL through EGL or OSMesa, without a display; Mesa's software driver will\n"
        "do (Debian: libegl1 libgl1-mesa-dri).",
    .example =
        "  understudy render ant-v5 runs/mine/policies/bc.safetensors -o side-by-side.mp4\n"
        "  understudy render ant-v5 bc.safetensors --demos demos -o gauge.mp4\n"
        "  understudy render runs/mine/policies/bc.safetensors --until fall --seed any \\\n"
        "      -o fall.mp4",
    .set_fields = udy_task_config_fields,
    .run = run,
};
