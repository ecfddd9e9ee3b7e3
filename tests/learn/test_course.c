// The course of trainings, told to loggers: an experiment's numbers are the same bits whoever is told,
// a stopped or killed run tells each point once, and a logger that fails names its file and loses
// nothing. A shift is told from its file.
#include <math.h>

#include "../unit/test_learn_common.h"
#include "kill_again.h"
#include "shown_events.h"
#include "understudy/study.h"

#define EXPERT UDY_SOURCE_DIR "/experts/ant-v5.safetensors"
enum { ALL = UDY_LOG_TENSORBOARD | UDY_LOG_CSV | UDY_LOG_JSONL, BC_EPOCHS = 5, EPOCHS = 3 };

static char told[1024];  // the run that others are compared with: everybody was told

//------------------------------------------ Helpers -----------------------------------------------

static udy_experiment_config tiny_config(void) {
    udy_experiment_config c;
    udy_experiment_config_default(&c);
    c.task_config.max_episode_steps = 150;
    c.demo_episodes = 3;
    c.eval_episodes = 2;
    c.bc.hidden = c.dagger_bc.hidden = (udy_ints){2, {16, 16}};
    c.bc.epochs = BC_EPOCHS;
    c.bc.val_fraction = 0.34;
    c.dagger_bc.epochs = EPOCHS;
    c.dagger.initial_episodes = 1;
    c.dagger.rounds = 2;
    c.dagger.episodes_per_round = 1;
    c.dagger.select_episodes = 2;
    return c;
}

static int run_in(const char *path, unsigned loggers, const udy_progress *progress,
                  udy_error *err) {
    udy_run *run;
    udy_experiment_config config = tiny_config();
    int status = udy_dir_exists(path) ? udy_run_open(&run, path, err)
                                      : udy_run_create(&run, path, "seed: 0\n", err);
    if (status) return status;
    udy_run_set_loggers(run, loggers);
    status = udy_experiment_run(run, &config, EXPERT, 1, progress, err);
    udy_run_close(run);
    return status;
}

static bool there(const char *run, const char *name) {
    return udy_file_exists(in(run, name)) || udy_dir_exists(in(run, name));
}

static char *results_of(const char *run) {
    udy_json *results;
    CHECK(udy_json_load(&results, in(run, "results.json"), 1 << 24, err));
    udy_json_put_bool(results, "timing", true);
    char *text = udy_json_print(results, true);
    udy_json_free(results);
    return text;
}

static void expect_same_numbers(const char *a, const char *b) {
    char *x = results_of(a), *y = results_of(b);
    assert_string_equal(x, y);
    udy_free(x);
    udy_free(y);
    expect_equal_folders(in(a, "policies"), in(b, "policies"));
    expect_equal_folders(in(a, "data/dagger"), in(b, "data/dagger"));
}

// Lines that are put together and compared in any order.
typedef struct lines {
    int n;
    char *at[500];
} lines;

static int by_text(const void *a, const void *b) {
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static void add_line(lines *l, const char *text) {
    assert_true(l->n < 500);
    l->at[l->n] = udy_strdup(text);
    assert_non_null(l->at[l->n++]);
}

static void free_lines(lines *l) {
    for (int i = 0; i < l->n; i++) udy_free(l->at[i]);
    *l = (lines){0};
}

static void expect_same_lines(lines *a, lines *b, int at_least) {
    qsort(a->at, (size_t)a->n, sizeof *a->at, by_text);
    qsort(b->at, (size_t)b->n, sizeof *b->at, by_text);
    for (int i = 0; i < a->n && i < b->n; i++) assert_string_equal(a->at[i], b->at[i]);
    assert_int_equal(a->n, b->n);
    assert_true(a->n >= at_least);
    free_lines(a);
    free_lines(b);
}

// scalars.csv without times.
static lines csv_of(const char *run) {
    char *text, *rest = NULL;
    size_t n;
    lines l = {0};
    CHECK(udy_file_read(&text, &n, in(run, "scalars.csv"), 1 << 24, err));
    assert_true(n > 0 && text[n - 1] == '\n');
    for (char *line = strtok_r(text, "\n", &rest); line; line = strtok_r(NULL, "\n", &rest))
        if (!strstr(line, ",speed/")) add_line(&l, strchr(line, ','));
    udy_free(text);
    return l;
}

// "scalars" of log.jsonl without times.
static lines jsonl_of(const char *run) {
    char *text;
    size_t n;
    lines l = {0};
    CHECK(udy_file_read(&text, &n, in(run, "log.jsonl"), 1 << 24, err));
    for (char *line = text, *end; (end = strchr(line, '\n')); line = end + 1) {
        *end = '\0';
        char *event = strstr(line, "\"event\": ");
        assert_non_null(event);
        char *seconds = strstr(event, ", \"speed/");
        if (seconds) *seconds = '\0';  // a round's last
        if (!strncmp(event, "\"event\": \"scalars\"", 18)) add_line(&l, event);
    }
    udy_free(text);
    return l;
}

// What TensorBoard shows of a part: a START drops what files before it have from its step on.
static void shown_of(const char *run, const char *part, lines *out) {
    char dir[1500], **names;
    size_t n_files;
    lines l = {0};
    int64_t steps[500];
    snprintf(dir, sizeof dir, "%s/events/%s", run, part);
    CHECK(udy_dir_list(&names, &n_files, dir, ".understudy", err));
    for (size_t f = 0; f < n_files; f++) {
        char path[1700], line[300];
        event_file file;
        size_t at = 0;
        snprintf(path, sizeof path, "%s/%s", dir, names[f]);
        CHECK(udy_file_read(&file.data, &file.n, path, 1 << 26, err));
        for (Udy__Tb__Event *e; (e = next_event(&file, &at));) {
            if (e->what_case == UDY__TB__EVENT__WHAT_SESSION_LOG) {
                int kept = 0;
                for (int i = 0; i < l.n; i++) {
                    if (steps[i] >= e->step) udy_free(l.at[i]);
                    if (steps[i] < e->step) steps[kept] = steps[i], l.at[kept++] = l.at[i];
                }
                l.n = kept;
            }
            if (e->what_case == UDY__TB__EVENT__WHAT_SUMMARY) {
                const Udy__Tb__Summary__Value *v = e->summary->value[0];
                snprintf(line, sizeof line, "%s %s %lld %.9g", part, v->tag, (long long)e->step,
                         v->value_case == UDY__TB__SUMMARY__VALUE__VALUE_SIMPLE_VALUE
                             ? (double)v->simple_value
                             : 0);
                steps[l.n] = e->step;
                add_line(&l, line);
            }
            udy__tb__event__free_unpacked(e, NULL);
        }
        udy_free(file.data);
    }
    udy_free(names);
    for (int i = 0; i < l.n; i++)
        if (!strstr(l.at[i], " speed/")) add_line(out, l.at[i]);
    free_lines(&l);
}

static lines events_of(const char *run) {
    static const char *const parts[] = {"bc", "dagger", "dagger-training", "summary"};
    lines l = {0};
    for (int i = 0; i < 4; i++) shown_of(run, parts[i], &l);
    return l;
}

static void expect_same_told(const char *run) {
    lines a = csv_of(told), b = csv_of(run);
    expect_same_lines(&a, &b, 1 + 2 * BC_EPOCHS + 3 * EPOCHS + 3 * 6 + 6);
    a = jsonl_of(told), b = jsonl_of(run);
    expect_same_lines(&a, &b, BC_EPOCHS + 3 * EPOCHS + 3 + 1);
    a = events_of(told), b = events_of(run);
    expect_same_lines(&a, &b, 2 * BC_EPOCHS + 3 * EPOCHS + 3 * 7 + 6 + 3);
}

static bool has(const lines *l, const char *text) {
    for (int i = 0; i < l->n; i++)
        if (!strncmp(l->at[i], text, strlen(text))) return true;
    return false;
}

//------------------------------------------ The same bits -----------------------------------------

static void whoever_is_told_the_numbers_are_the_same_bits(void **state) {
    (void)state;
    static const char *const files[] = {"events", "scalars.csv", "log.jsonl"};
    static const unsigned which[] = {ALL, 0, UDY_LOG_CSV};
    static const char *const names[] = {"told", "nobody", "csv"};
    for (int i = 0; i < 3; i++) {
        char path[1024];
        fresh(names[i], path);
        CHECK(run_in(path, which[i], NULL, err));
        for (unsigned k = 0; k < 3; k++) assert_true(there(path, files[k]) == (which[i] >> k & 1));
        if (i == 0)
            memcpy(told, path, sizeof told);
        else
            expect_same_numbers(told, path);
    }
}

static void every_epoch_and_round_is_told_with_its_numbers(void **state) {
    (void)state;
    udy_results r;
    CHECK(udy_results_load(&r, told, err));
    lines csv = csv_of(told), events = events_of(told);
    char line[200], number[40];
    for (int i = 0; i < BC_EPOCHS; i++) {
        snprintf(line, sizeof line, "bc loss/train %d %.9g", i + 1, (double)(float)r.train_loss[i]);
        assert_true(has(&events, line));
        snprintf(line, sizeof line, ",bc,%d,loss/validation,", i + 1);
        assert_true(has(&csv, line));
        for (int k = 0; k < csv.n; k++)
            if (!strncmp(csv.at[k], line, strlen(line)))
                assert_true(strtod(csv.at[k] + strlen(line), NULL) == r.val_loss[i]);
    }
    for (int round = 0; round <= 2; round++) {
        char name[32];
        snprintf(name, sizeof name, "dagger-%d", round);
        for (int i = 0; i < r.n_rows; i++) {
            if (strcmp(r.rows[i].name, name)) continue;
            snprintf(line, sizeof line, "dagger evaluation/mean %d %.9g", round,
                     (double)(float)r.rows[i].mean);
            assert_true(has(&events, line));
            snprintf(line, sizeof line, "dagger evaluation/falls %d %d", round, r.rows[i].falls);
            assert_true(has(&events, line));
            snprintf(line, sizeof line, "dagger collection/labels %d %llu", round,
                     (unsigned long long)r.rows[i].labels);
            assert_true(has(&events, line));
        }
        snprintf(line, sizeof line, "dagger evaluation/returns %d", round);
        assert_true(has(&events, line));
        for (int i = 1; i <= EPOCHS; i++) {
            snprintf(line, sizeof line, "dagger-training loss/train %d ", round * EPOCHS + i);
            assert_true(has(&events, line));
        }
    }
    assert_false(has(&events, "dagger-training loss/train 10 "));
    for (int i = 0; i < r.n_rows; i++) {
        snprintf(number, sizeof number, "%.9g", (double)(float)r.rows[i].mean);
        snprintf(line, sizeof line, "summary outcome/return%s 0 %s",
                 !strcmp(r.rows[i].name, "dagger-best") ? ""
                 : !strcmp(r.rows[i].name, "bc")        ? "_bc"
                 : !strcmp(r.rows[i].name, "expert")    ? "_expert"
                                                        : "_random",
                 number);
        bool round =
            !strncmp(r.rows[i].name, "dagger-", 7) && strcmp(r.rows[i].name, "dagger-best");
        if (!round) assert_true(has(&events, line));
    }
    assert_true(has(&events, "summary settings 0"));
    assert_true(has(&events, "summary _hparams_/session_start_info 0"));
    assert_true(has(&events, "summary _hparams_/session_end_info 0"));
    free_lines(&csv);
    free_lines(&events);
    udy_results_free(&r);
}

//------------------------------------------ Stopped and killed ------------------------------------

// From the first word of a stage on every word is answered with a stop: some words, a stage's last
// for one, have nothing left to stop, and a short stage has no other.
typedef struct stopper {
    const char *stage;
    bool reached;
} stopper;

static int stop_from(void *ctx, const char *stage, int64_t done, int64_t total, const char *unit,
                     const char *note) {
    (void)done, (void)total, (void)unit, (void)note;
    stopper *s = ctx;
    s->reached = s->reached || strstr(stage, s->stage);
    return s->reached;
}

static void stopped_in_any_stage_it_tells_each_point_once(void **state) {
    (void)state;
    static const char *const stages[] = {"demonstrations", "behavioural cloning", "0/2: train",
                                         "1/2: collect",   "1/2: train",          "2/2: train",
                                         "2/2: evaluate",  "evaluate dagger-best"};
    char path[1024];
    fresh("stopped", path);
    int stops = 0, status = UDY_EINTERRUPTED;
    for (size_t i = 0; status && i < sizeof stages / sizeof *stages; i++) {
        stopper s = {stages[i], false};
        const udy_progress progress = {.on_advance = stop_from, .ctx = &s};
        udy_error err = {0};
        status = run_in(path, ALL, &progress, &err);
        assert_true(s.reached);
        stops += status == UDY_EINTERRUPTED;
        if (status) assert_int_equal(status, UDY_EINTERRUPTED);
    }
    // A training heeds its first word, however fast: all stages but the two after the last one.
    assert_true(stops >= 6);
    CHECK(run_in(path, ALL, NULL, err));
    expect_same_numbers(told, path);
    expect_same_told(path);
    // Once more, with nothing left to do: nothing is told twice.
    CHECK(run_in(path, ALL, NULL, err));
    expect_same_told(path);
}

static void killed_at_random_moments_it_tells_each_point_once(void **state) {
    (void)state;
    char path[1024];
    fresh("killed", path);
    kill_until_done(path, 77);
    expect_same_numbers(told, path);
    expect_same_told(path);
}

//------------------------------------------ Faults ------------------------------------------------

// At the first word of a stage the log turns into a device that is always full.
typedef struct filler {
    const char *run, *stage;
    bool filled;
} filler;

static int fill(void *ctx, const char *stage, int64_t done, int64_t total, const char *unit,
                const char *note) {
    (void)done, (void)total, (void)unit, (void)note;
    filler *f = ctx;
    if (f->filled || !strstr(stage, f->stage)) return 0;
    f->filled = true;
    assert_int_equal(unlink(in(f->run, "scalars.csv")), 0);
    assert_int_equal(symlink("/dev/full", in(f->run, "scalars.csv")), 0);
    return 0;
}

static void a_full_disk_names_the_file_and_loses_nothing(void **state) {
    (void)state;
    static const char *const stages[] = {"behavioural cloning", "1/2: train"};
    if (access("/dev/full", W_OK) != 0) skip();
    for (int i = 0; i < 2; i++) {
        char path[1024];
        fresh("full", path);
        filler f = {path, stages[i], false};
        const udy_progress progress = {.on_advance = fill, .ctx = &f};
        EXPECT_ERROR(UDY_ENOSPC, run_in(path, ALL, &progress, err), "full/scalars.csv");
        assert_true(f.filled);
        assert_false(there(path, "results.json"));
        unlink(in(path, "scalars.csv"));
        CHECK(run_in(path, ALL, NULL, err));
        expect_same_numbers(told, path);
        lines a = events_of(told), b = events_of(path);
        expect_same_lines(&a, &b, 40);
    }
}

static void a_training_that_ended_is_kept_though_its_last_word_failed(void **state) {
    (void)state;
    udy_task *task = make_task(100, false);
    udy_pool *pool = make_pool(1);
    udy_dataset *data;
    udy_bc_config config = udy_bc_config_default();
    udy_bc *bc;
    udy_course *course;
    char path[1024];
    fresh("course", path);
    if (access("/dev/full", W_OK) != 0) skip();
    config.hidden = (udy_ints){1, {8}};
    config.epochs = 1;
    CHECK(udy_dataset_create(&data, at_root("course-data"), task, "made up", err));
    udy_episode e = made_up_episode(40, 1, UDY_END_LIMIT);
    CHECK(udy_dataset_append(data, &e, 1, NULL, 0, err));
    udy_episodes_free(&e, 1);
    CHECK(udy_bc_create(&bc, &config, task, pool, 0, 0, err));
    CHECK(udy_course_open(&course, path, ALL, NULL, err));
    CHECK(udy_course_follow_bc(course, bc, err));
    filler f = {path, "", false};
    fill(&f, "", 0, 0, "", "");
    CHECK(udy_bc_train(bc, data, "bc", NULL, udy_course_progress(course), err));
    EXPECT_ERROR(UDY_ENOSPC, udy_course_close(course, UDY_OK, err), "course/scalars.csv");
    assert_int_equal(udy_bc_epochs(bc), 1);
    // The other loggers have the epoch: nobody can tell it again.
    lines events = {0}, told_lines = jsonl_of(path);
    shown_of(path, "bc", &events);
    assert_true(has(&events, "bc loss/train 1 "));
    assert_int_equal(told_lines.n, 1);
    free_lines(&events);
    free_lines(&told_lines);
    // Another fault is worse news than the log's.
    CHECK(udy_course_open(&course, path, 0, NULL, err));
    assert_int_equal(udy_course_close(course, UDY_ENONFINITE, NULL), UDY_ENONFINITE);
    assert_int_equal(udy_course_close(NULL, UDY_EIO, NULL), UDY_EIO);
    udy_bc_destroy(bc);
    udy_dataset_close(data);
    udy_pool_destroy(pool);
    udy_task_destroy(task);
}

// A training so short that it speaks of its epochs once, at its end, and an evaluation that is over
// before it asks whether to stop.
static void a_fault_at_a_rounds_last_word_is_heeded_before_the_round_counts(void **state) {
    (void)state;
    if (access("/dev/full", W_OK) != 0) skip();
    udy_task *task = make_task(10, false);
    udy_pool *pool = make_pool(1);
    udy_batch *batch = make_batch(task, 1);
    udy_policy *expert = load_expert();
    udy_dagger_config config = udy_dagger_config_default();
    udy_bc_config bc = udy_bc_config_default();
    config.initial_episodes = config.rounds = 1;
    config.episodes_per_round = config.select_episodes = 1;
    bc.hidden = (udy_ints){1, {8}};
    bc.epochs = 1;
    bc.val_fraction = 0;
    char path[1024];
    fresh("last-word", path);
    for (int i = 0; i < 2; i++) {
        udy_course *course;
        udy_dagger *dagger;
        CHECK(udy_course_open(&course, path, UDY_LOG_CSV, NULL, err));
        CHECK(udy_dagger_open(&dagger, &config, &bc, task, batch, pool, expert, NULL, 0, path,
                              udy_course_progress(course), err));
        CHECK(udy_course_follow_dagger(course, dagger, &config, &bc, err));
        filler f = {path, "", i > 0};
        fill(&f, "", 0, 0, "", "");
        int status = udy_dagger_step(dagger, NULL);
        assert_int_equal(status, i ? 1 : UDY_EINTERRUPTED);
        assert_int_equal(udy_dagger_rounds_done(dagger), i);
        udy_dagger_close(dagger);
        if (i) CHECK(udy_course_close(course, UDY_OK, err));
        if (i) continue;
        EXPECT_ERROR(UDY_ENOSPC, udy_course_close(course, status, err), "last-word/scalars.csv");
        unlink(in(path, "scalars.csv"));
    }
    lines csv = csv_of(path);
    assert_true(has(&csv, ",dagger-training,1,loss/train,"));
    free_lines(&csv);
    udy_policy_destroy(expert);
    udy_batch_destroy(batch);
    udy_pool_destroy(pool);
    udy_task_destroy(task);
}

//------------------------------------------ A shift -----------------------------------------------

// Rows of a histogram that was told.
static double histogram_sum(const char *dir, const char *tag, int64_t step, double range[2]) {
    char path[1700], **names;
    size_t n_files, at = 0;
    double sum = -1;
    event_file file;
    CHECK(udy_dir_list(&names, &n_files, dir, ".understudy", err));
    assert_int_equal(n_files, 1);
    snprintf(path, sizeof path, "%s/%s", dir, names[0]);
    udy_free(names);
    CHECK(udy_file_read(&file.data, &file.n, path, 1 << 26, err));
    for (Udy__Tb__Event *e; (e = next_event(&file, &at));) {
        if (e->what_case == UDY__TB__EVENT__WHAT_SUMMARY && e->step == step &&
            !strcmp(e->summary->value[0]->tag, tag)) {
            const Udy__Tb__Tensor *t = e->summary->value[0]->tensor;
            size_t n = (size_t)t->shape->dim[0]->size;
            sum = 0;
            for (size_t i = 0; i < n; i++) {
                double row[3];
                memcpy(row, t->content.data + 24 * i, sizeof row);
                if (i == 0) range[0] = row[0];
                range[1] = row[1];
                sum += row[2];
            }
        }
        udy__tb__event__free_unpacked(e, NULL);
    }
    udy_free(file.data);
    return sum;
}

static udy_shift_config quick(void) {
    udy_shift_config c = udy_shift_config_default();
    c.episodes = 3;
    c.push_episodes = 0;
    c.map_bins = 4;
    c.divergence.permutations = c.divergence.resamples = 19;
    c.classifier.permutations = c.classifier.resamples = 19;
    c.classifier.updates = 10;
    return c;
}

static void a_shift_is_told_from_its_file_with_every_row_in_a_bin(void **state) {
    (void)state;
    udy_task *task = make_task(40, false);
    udy_policy *expert = load_expert(), *chance;
    CHECK(udy_policy_random(&chance, task, err));
    udy_shift_config config = quick();
    udy_shift_subject subjects[] = {{.name = "random", .label = "Random", .policy = chance},
                                    {.name = "brief", .policy = chance, .brief = true}};
    udy_shift measured, s;
    CHECK(
        udy_shift_measure(&measured, task, expert, "E", NULL, subjects, 2, &config, 1, NULL, err));
    CHECK(udy_shift_save(&measured, at_root("shift.json"), err));
    udy_shift_free(&measured);
    CHECK(udy_shift_load(&s, at_root("shift.json"), err));
    char path[1024], dir[1200];
    fresh("shift", path);
    for (int times = 0; times < 2; times++) CHECK(udy_shift_log(&s, path, ALL, err));
    snprintf(dir, sizeof dir, "%s/events/shift", path);
    for (int k = 0; k < 3; k++) {
        const udy_shift_policy *p = &s.policies[k];
        double rows = 0, range[2] = {0};
        for (int i = 0; i < p->n; i++) rows += p->lengths[i];
        assert_true(histogram_sum(dir, "states/distance", k, range) == rows);
        assert_true(range[0] >= 0 && range[1] >= p->distance.value);
        double full = p->brief ? -1 : rows;
        assert_true(histogram_sum(dir, "states/height", k, range) == full);
        if (!p->brief) assert_true(range[0] > 0 && range[1] < 2);
        assert_true(histogram_sum(dir, "states/speed", k, range) == full);
        char tag[128];
        for (int i = 0; i < s.obs_dim; i++) {
            snprintf(tag, sizeof tag, "observation/%03d %s", i, s.column_name[i + 2]);
            assert_true(histogram_sum(dir, tag, k, range) == full);
            if (!p->brief)
                assert_true(range[0] >= s.obs_range[2 * i] - 1e-9 &&
                            range[1] <= s.obs_range[2 * i + 1] + 1e-9);
        }
    }
    lines csv = csv_of(path);
    char line[100];
    assert_int_equal(csv.n, 1 + 8 + 8 + 7);  // no classifier where brief, no labels
    snprintf(line, sizeof line, ",shift,1,shift/falls,%d", s.policies[1].falls);
    assert_true(has(&csv, line));
    free_lines(&csv);
    CHECK(udy_shift_log(&s, at_root("unlogged"), 0, err));
    assert_false(udy_dir_exists(at_root("unlogged")));
    // A file from before there were bins: scalars alone.
    udy_free(s.obs_range);
    s.obs_range = NULL;
    CHECK(udy_shift_save(&s, at_root("older.json"), err));
    udy_shift_free(&s);
    CHECK(udy_shift_load(&s, at_root("older.json"), err));
    assert_null(s.policies[0].distance_density);
    assert_null(s.policies[0].obs_density);
    CHECK(udy_shift_log(&s, path, UDY_LOG_TENSORBOARD, err));
    double range[2];
    assert_true(histogram_sum(dir, "states/distance", 0, range) == -1);
    assert_true(histogram_sum(dir, "states/speed", 0, range) > 0);
    udy_shift_free(&s);
    udy_policy_destroy(chance);
    udy_policy_destroy(expert);
    udy_task_destroy(task);
}

int main(int argc, char **argv) {
    own_path = argv[0];
    if (argc == 3 && !strcmp(argv[1], "--run")) {
        udy_error err = {0};
        int status = run_in(argv[2], ALL, NULL, &err);
        if (status) fprintf(stderr, "%s\n", err.message);
        return status != 0;
    }
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(whoever_is_told_the_numbers_are_the_same_bits),
        cmocka_unit_test(every_epoch_and_round_is_told_with_its_numbers),
        cmocka_unit_test(stopped_in_any_stage_it_tells_each_point_once),
        cmocka_unit_test(killed_at_random_moments_it_tells_each_point_once),
        cmocka_unit_test(a_full_disk_names_the_file_and_loses_nothing),
        cmocka_unit_test(a_training_that_ended_is_kept_though_its_last_word_failed),
        cmocka_unit_test(a_fault_at_a_rounds_last_word_is_heeded_before_the_round_counts),
        cmocka_unit_test(a_shift_is_told_from_its_file_with_every_row_in_a_bin),
    };
    return cmocka_run_group_tests(tests, make_root, remove_root);
}
