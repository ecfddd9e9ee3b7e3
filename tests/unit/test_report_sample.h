// test_report_sample.h: a run folder such as an experiment leaves it, made up but for the robots: their
// tracks are episodes of real policies. For the tests of the report, in C and in a browser.
#ifndef UNDERSTUDY_TESTS_UNIT_TEST_REPORT_SAMPLE_H_
#define UNDERSTUDY_TESTS_UNIT_TEST_REPORT_SAMPLE_H_

#include "test_learn_common.h"

#include "show/video.h"
#include "test_shift_made_up.h"
#include "understudy/show.h"

#define WEB_DIR UDY_TEST_TMP "/../share/understudy/report"
#define HOSTILE "</script><script>window.pwned=1</script><img src=x onerror=\"window.pwned='2'\">"

enum { SAMPLE_EPOCHS = 100, SAMPLE_ROUNDS = 10, SAMPLE_BEST = 7, SAMPLE_STEPS = 80 };
#define SAMPLE_EXPERT 7000.0

typedef struct sample {
    made_up made;
    udy_results results;
    udy_task *task;
    udy_experiment_config settings;
    udy_result_row rows[SAMPLE_ROUNDS + 5];
    double returns[20], train[SAMPLE_EPOCHS], val[SAMPLE_EPOCHS];
} sample;

//------------------------------------------ Results -----------------------------------------------

static inline udy_result_row *sample_row(sample *s, const char *name, const char *label,
                                         double share, int n, int falls, int labels) {
    udy_result_row *row = &s->rows[s->results.n_rows++];
    double mean = share * SAMPLE_EXPERT;
    *row = (udy_result_row){.n = n,
                            .mean = mean,
                            .std = 500,
                            .iqm = mean,
                            .share = share,
                            .ci95 = {mean - 210, mean + 210},
                            .falls = falls,
                            .too_high = falls,
                            .speed_mean = 5 * share,
                            .length_mean = 900,
                            .returns = s->returns,
                            .labels = (uint64_t)labels,
                            .seconds = labels / 1000.0};
    snprintf(row->name, sizeof row->name, "%s", name);
    snprintf(row->label, sizeof row->label, "%s", label);
    return row;
}

static inline udy_result_row *sample_find(sample *s, const char *name) {
    for (int i = 0; i < s->results.n_rows; i++)
        if (!strcmp(s->rows[i].name, name)) return &s->rows[i];
    return NULL;
}

static inline udy_shift_policy *sample_policy(sample *s, const char *name) {
    for (int i = 0; i < s->made.shift.n; i++)
        if (!strcmp(s->made.shift.policies[i].name, name)) return &s->made.shift.policies[i];
    return NULL;
}

static inline void sample_results(sample *s) {
    char name[32], label[48];
    s->results = (udy_results){.rows = s->rows,
                               .n_epochs = SAMPLE_EPOCHS,
                               .best_epoch = 97,
                               .train_loss = s->train,
                               .val_loss = s->val,
                               .dagger_best = SAMPLE_BEST,
                               .seconds_total = 123.4,
                               .expert_mean = SAMPLE_EXPERT};
    for (int i = 0; i < 20; i++) s->returns[i] = 3000 + 150 * i;
    for (int e = 0; e < SAMPLE_EPOCHS; e++) {
        s->train[e] = 0.004 + 0.1 * exp(-e / 12.0);
        s->val[e] = 0.006 + 0.1 * exp(-e / 10.0) + (e == 96 ? -1e-5 : 0);
    }
    sample_row(s, "random", "Random", -0.01, 20, 17, 0);
    sample_row(s, "bc", "BC (50 episodes)", 0.65, 20, 8, 49231);
    for (int i = 0; i <= SAMPLE_ROUNDS; i++) {
        snprintf(name, sizeof name, "dagger-%d", i);
        snprintf(label, sizeof label, "DAgger round %d", i);
        sample_row(s, name, label, 0.12 + 0.11 * (i < 8 ? i : 6), 10, 10 - i, 9800 + 4000 * i);
    }
    sample_row(s, "dagger-best", "DAgger best (round 7)", 0.86, 20, 3, 9800 + 4000 * SAMPLE_BEST);
    sample_row(s, "expert", "Expert", 1, 20, 0, 0);
}

//------------------------------------------ Tracks ------------------------------------------------

static inline void sample_track(sample *s, const char *name, const udy_footage *f, double far) {
    udy_shift_policy *p = sample_policy(s, name);
    int T = f->n_episode, nq = udy_task_info_of(s->task)->nq;
    p->track = (udy_shift_track){.seed = f->seed, .length = T, .end = f->end, .ret = f->ret};
    float **columns[] = {&p->track.height, &p->track.speed, &p->track.distance, &p->track.error,
                         &p->track.reward};
    for (int c = 0; c < 5; c++) *columns[c] = made_up_alloc(&s->made, (size_t)T, sizeof(float));
    p->track.qpos = made_up_alloc(&s->made, (size_t)(T * nq), sizeof(float));
    for (int i = 0; i < T * nq; i++) p->track.qpos[i] = (float)f->qpos[i];
    for (int t = 0; t < T; t++) {
        p->track.height[t] = (float)f->qpos[t * nq + 2];
        p->track.speed[t] = (float)f->speed[t];
        p->track.distance[t] = (float)(1.2 + 0.4 * sin(t / 5.0) + far * t / SAMPLE_STEPS);
        p->track.error[t] = 0.01F;
        p->track.reward[t] = (float)(t ? f->so_far[t] - f->so_far[t - 1] : 0);
    }
}

// Episodes of real policies from one seed. The random one is cut short, as by a fall.
static inline void sample_tracks(sample *s) {
    const char *const files[] = {UDY_SOURCE_DIR "/experts/ant-v5.safetensors",
                                 UDY_SOURCE_DIR "/experts/ant-v5-medium.safetensors"};
    udy_policy *policies[3] = {load_policy(files[0]), load_policy(files[1]), NULL};
    udy_footage footage[3] = {0};
    udy_footage_config config;
    udy_batch *batch = make_batch(s->task, 1);
    udy_footage_config_default(&config);
    config.max_steps = SAMPLE_STEPS;
    config.after_s = 0;
    CHECK(udy_policy_random(&policies[2], s->task, err));
    CHECK(udy_footage_record(footage, (const udy_policy *const *)policies, 3, s->task, batch, 7,
                             &config, NULL, err));
    footage[2].n_episode = footage[2].n_episode < 50 ? footage[2].n_episode : 50;
    footage[2].end = UDY_END_TOO_LOW;
    sample_track(s, "expert", &footage[0], 0);
    sample_track(s, "bc", &footage[1], 3);
    sample_track(s, "dagger-0", &footage[2], 12);
    sample_track(s, "dagger-7", &footage[1], 1);
    sample_track(s, "dagger-10", &footage[0], 0.5);
    for (int i = 0; i < 3; i++) {
        udy_footage_free(&footage[i]);
        udy_policy_destroy(policies[i]);
    }
    udy_batch_destroy(batch);
}

//------------------------------------------ Life --------------------------------------------------

static inline void sample_make(sample *s) {
    *s = (sample){0};
    s->task = make_task(1000, false);
    udy_experiment_config_default(&s->settings);
    s->settings.seed = 12345;
    made_up_run(&s->made);
    sample_results(s);
    sample_tracks(s);
}

static inline void sample_free(sample *s) {
    made_up_free(&s->made);
    udy_task_destroy(s->task);
}

// run.yaml, and what of results.json the report reads by itself.
static inline void sample_write(const sample *s, const char *run) {
    static const char facts[] =
        "{\"versions\": {\"understudy\": \"0.1.0\", \"mujoco\": \"4.0.0\", \"onednn\": \"2.6.3\", "
        "\"vector_instructions\": \"x86-64-v4\"}, \"expert\": {\"file\": \"ant-v5.safetensors\", "
        "\"made_by\": \"a test\"}, \"timing\": {\"threads\": 2, \"finished\": "
        "\"2026-01-31T23:59:59Z\"}}";
    char path[1200];
    CHECK(udy_dir_make(run, err));
    char *yaml = udy_settings_print(&s->settings, udy_experiment_fields());
    snprintf(path, sizeof path, "%s/run.yaml", run);
    CHECK(udy_file_write(path, yaml, strlen(yaml), err));
    udy_free(yaml);
    snprintf(path, sizeof path, "%s/results.json", run);
    CHECK(udy_file_write(path, facts, strlen(facts), err));
}

// Every figure there is, as the command draws them. Returns how many.
static inline int sample_draw(sample *s, const char *run) {
    char dir[1200];
    const udy_shift *shift = &s->made.shift;
    snprintf(dir, sizeof dir, "%s/figures", run);
    CHECK(udy_figure_loss(dir, "Loss", s->train, s->val, SAMPLE_EPOCHS, 97, err));
    CHECK(udy_figure_returns(dir, &s->results, err));
    CHECK(udy_figure_dagger(dir, &s->results, err));
    CHECK(udy_figure_labels(dir, &s->results, err));
    CHECK(udy_figure_map(dir, shift, err));
    CHECK(udy_figure_states(dir, shift, err));
    CHECK(udy_figure_traces(dir, shift, err));
    CHECK(udy_figure_divergence(dir, shift, err));
    CHECK(udy_figure_dimensions(dir, shift, err));
    CHECK(udy_figure_rounds(dir, shift, err));
    CHECK(udy_figure_compounding(dir, shift, err));
    CHECK(udy_figure_falls(dir, shift, err));
    CHECK(udy_figure_pushes(dir, shift, err));
    return 13;
}

// A film of 12 pictures, each of another colour.
static inline void sample_film(const char *run, const char *name) {
    enum { W = 64, H = 48 };
    static uint8_t rgb[W * H * 3];
    char path[1200];
    udy__mp4 *mp4;
    int64_t n_bytes = 0;
    snprintf(path, sizeof path, "%s/video", run);
    CHECK(udy_dir_make(path, err));
    snprintf(path, sizeof path, "%s/video/%s", run, name);
    CHECK(udy__mp4_open(&mp4, W, H, 10, 20, 12, err));
    for (int k = 0; k < 12; k++) {
        memset(rgb, 20 * k, sizeof rgb);
        CHECK(udy__mp4_frame(mp4, rgb, err));
    }
    CHECK(udy__mp4_write(mp4, path, &n_bytes, err));
    udy__mp4_close(mp4);
}

static inline int sample_report(const sample *s, const char *run, bool with_shift, udy_error *err) {
    const udy_report_config config = {.web_dir = WEB_DIR};
    return udy_report_write(run, &config, s->task, &s->results, with_shift ? &s->made.shift : NULL,
                            NULL, err);
}

#endif  // UNDERSTUDY_TESTS_UNIT_TEST_REPORT_SAMPLE_H_
