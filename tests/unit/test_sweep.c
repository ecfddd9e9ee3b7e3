// Parts of a sweep by themselves: settings and the list of experts, the training against
// udy_bc_train and against its own promises, points and labels needed on numbers with known
// answers, results that read back as they were written.
#include <math.h>

#include "study/sweep.h"
#include "test_learn_common.h"

//------------------------------------------ Settings ----------------------------------------------

static void the_preset_is_the_default(void **state) {
    (void)state;
    static udy_sweep_config preset, own;
    udy_sweep_config_default(&own);
    udy_sweep_config_default(&preset);
    preset.seeds = 99;  // not because nothing was read
    CHECK(udy_settings_load(&preset, udy_sweep_fields(),
                            UDY_SOURCE_DIR "/presets/sweep/ant-v5.yaml", err));
    char *a = udy_settings_facts(&own, udy_sweep_fields());
    char *b = udy_settings_facts(&preset, udy_sweep_fields());
    assert_string_equal(a, b);
    assert_null(strstr(a, "val_fraction"));  // a setting that does nothing is no setting
    udy_free(a);
    udy_free(b);
}

static void a_list_of_experts_is_taken_apart(void **state) {
    (void)state;
    udy_sweep_expert e[UDY_SWEEP_EXPERTS_MAX];
    int n;
    CHECK(udy_sweep_experts(" ant-v5 ,ant-v5:stochastic,\t/a b/c:d/x.safetensors", e, &n, err));
    assert_int_equal(n, 3);
    assert_string_equal(e[0].name, "ant-v5");
    assert_string_equal(e[1].name, "ant-v5");
    assert_string_equal(e[2].name, "/a b/c:d/x.safetensors");
    assert_true(!e[0].stochastic && e[1].stochastic && !e[2].stochastic);
    EXPECT_ERROR(UDY_EINVAL, udy_sweep_experts("", e, &n, err), "experts", "empty");
    EXPECT_ERROR(UDY_EINVAL, udy_sweep_experts("a,,b", e, &n, err), "empty");
    EXPECT_ERROR(UDY_EINVAL, udy_sweep_experts("a, :stochastic", e, &n, err), "':stochastic'");
    EXPECT_ERROR(UDY_EINVAL, udy_sweep_experts("a,a", e, &n, err), "'a'", "twice");
    EXPECT_ERROR(UDY_EINVAL, udy_sweep_experts("a:stochastik", e, &n, err), ":stochastik");
    EXPECT_ERROR(UDY_EINVAL, udy_sweep_experts("1,2,3,4,5,6,7,8,9", e, &n, err), "more than 8");
    char name[400];
    memset(name, 'x', sizeof name);
    name[sizeof name - 1] = '\0';
    EXPECT_ERROR(UDY_EINVAL, udy_sweep_experts(name, e, &n, err), "399 characters", "255");
}

//------------------------------------------ Training ----------------------------------------------

typedef struct bench {
    udy_sweep_config config;
    udy__sweep sweep;
    udy__sweep_desk desk;
    atomic_bool stop;
    udy_dataset *data, *other;
    udy__sweep_rows train, val;
} bench;

static bench b;

static udy__sweep_rows rows_of(const udy_dataset *d) {
    udy_dataset_info info = udy_dataset_info_of(d);
    udy__sweep_rows rows = {.n = (uint32_t)info.n_rows, .capacity = (uint32_t)info.n_rows};
    rows.x = udy_alloc(info.n_rows * O_DIM * sizeof(float));
    rows.y = udy_alloc(info.n_rows * A_DIM * sizeof(float));
    for (uint32_t i = 0; i < rows.n; i++) {
        memcpy(rows.x + i * O_DIM, udy_dataset_obs(d, i), O_DIM * sizeof(float));
        memcpy(rows.y + i * A_DIM, udy_dataset_action(d, i), A_DIM * sizeof(float));
    }
    return rows;
}

// Labels that can be learnt from what is seen: the first observations, squashed.
static udy_dataset *make_data(const char *name, const udy_task *task, int n, uint64_t seed) {
    udy_dataset *d;
    CHECK(udy_dataset_create(&d, at_root(name), task, "a test", err));
    for (int i = 0; i < n; i++) {
        udy_episode e = made_up_episode(70, seed + (uint64_t)i, UDY_END_LIMIT);
        for (int t = 0; t < e.length; t++)
            for (int k = 0; k < A_DIM; k++)
                e.action[t * A_DIM + k] = tanhf(e.obs[t * O_DIM + k] - e.obs[t * O_DIM + k + 8]);
        CHECK(udy_dataset_append(d, &e, 1, NULL, 0, err));
        udy_episodes_free(&e, 1);
    }
    return d;
}

static int open_bench(void **state) {
    if (make_root(state)) return -1;
    udy_sweep_config_default(&b.config);
    b.config.bc.hidden = (udy_ints){2, {32, 32}};
    b.config.bc.batch_size = 32;
    b.config.bc.epochs = 5;
    b.config.max_updates = 400;
    b.config.patience = 100;
    b.config.check_every = 10;
    b.sweep = (udy__sweep){.config = &b.config, .task = make_task(70, false)};
    b.sweep.info = udy_task_info_of(b.sweep.task);
    b.sweep.network = (udy_mlp_config){.n_layers = 3,
                                       .dims = {O_DIM, 32, 32, A_DIM},
                                       .hidden = UDY_RELU,
                                       .output = UDY_TANH,
                                       .init = UDY_INIT_PYTORCH};
    b.desk.stop = &b.stop;
    b.desk.pool = make_pool(1);
    b.data = make_data("train", b.sweep.task, 3, 100);
    b.other = make_data("val", b.sweep.task, 2, 200);
    b.train = rows_of(b.data);
    b.val = rows_of(b.other);
    return 0;
}

static int close_bench(void **state) {
    udy_free(b.train.x);
    udy_free(b.train.y);
    udy_free(b.val.x);
    udy_free(b.val.y);
    udy_dataset_close(b.data);
    udy_dataset_close(b.other);
    udy_pool_destroy(b.desk.pool);
    udy_task_destroy(b.sweep.task);
    return remove_root(state);
}

static void train(const udy__sweep_plan *plan, udy__sweep_weights out[UDY_SWEEP_TRAININGS]) {
    CHECK(udy__sweep_train(&b.sweep, &b.desk, &b.train, &b.val, plan, out, err));
}

// Mean squared error on the validation rows, by another way than the training's own.
static double loss_of(const udy_policy *policy) {
    float *actions = udy_alloc(b.val.n * A_DIM * sizeof *actions);
    CHECK(udy_policy_label(policy, b.desk.pool, b.val.x, b.val.n, actions, err));
    double sum = 0;
    for (size_t i = 0; i < (size_t)b.val.n * A_DIM; i++)
        sum +=
            ((double)actions[i] - (double)b.val.y[i]) * ((double)actions[i] - (double)b.val.y[i]);
    udy_free(actions);
    return sum / ((double)b.val.n * A_DIM);
}

static void the_tutorials_weights_are_those_of_udy_bc_train(void **state) {
    (void)state;
    const udy__sweep_plan plan = {.seed = 7, .stream = 3, .converge = true};
    udy__sweep_weights own[UDY_SWEEP_TRAININGS];
    train(&plan, own);
    udy_bc *bc;
    udy_policy *policy;
    udy_pool *pool = make_pool(2);
    udy_bc_config config = b.config.bc;
    config.val_fraction = 0;
    CHECK(udy_bc_create(&bc, &config, b.sweep.task, pool, 7, 3, err));
    CHECK(udy_bc_train(bc, b.data, "train", NULL, NULL, err));
    CHECK(udy_bc_policy(bc, false, &policy, err));
    assert_true(same_weights(own[UDY_SWEEP_TUTORIAL].policy, policy));
    assert_false(same_weights(own[UDY_SWEEP_CONVERGED].policy, policy));
    assert_int_equal(own[UDY_SWEEP_TUTORIAL].updates, udy_bc_updates(bc));
    double last = udy_bc_curve(bc)[udy_bc_epochs(bc) - 1].train_loss;
    assert_true(own[UDY_SWEEP_TUTORIAL].train_loss == last);
    udy__sweep_weights_free(own);
    udy_policy_destroy(policy);
    udy_bc_destroy(bc);
    udy_pool_destroy(pool);
}

static void losses_are_those_of_the_weights_that_are_given(void **state) {
    (void)state;
    const udy__sweep_plan plan = {.seed = 1, .converge = true};
    udy__sweep_weights w[UDY_SWEEP_TRAININGS];
    train(&plan, w);
    for (int i = 0; i < UDY_SWEEP_TRAININGS; i++) {
        double loss = loss_of(w[i].policy);
        assert_true(fabs(w[i].val_loss - loss) < 1e-6 * loss);
    }
    assert_true(w[UDY_SWEEP_CONVERGED].val_loss <= w[UDY_SWEEP_TUTORIAL].val_loss);
    assert_true(w[UDY_SWEEP_CONVERGED].updates >= w[UDY_SWEEP_TUTORIAL].updates);
    udy__sweep_weights_free(w);
}

static void patience_and_the_cap_end_a_training(void **state) {
    (void)state;
    const udy__sweep_plan plan = {.seed = 1, .converge = true};
    udy__sweep_weights w[UDY_SWEEP_TRAININGS];
    const udy_sweep_config kept = b.config;
    b.config.patience = 1000000;
    atomic_store(&b.desk.n_updates, 0);
    train(&plan, w);
    assert_int_equal(atomic_load(&b.desk.n_updates), 400);  // the cap, and no further
    int64_t best = w[UDY_SWEEP_CONVERGED].updates;
    udy__sweep_weights_free(w);
    b.config.max_updates = 1000000;
    b.config.patience = 60;
    atomic_store(&b.desk.n_updates, 0);
    train(&plan, w);
    int64_t took = atomic_load(&b.desk.n_updates);
    assert_int_equal(took, w[UDY_SWEEP_CONVERGED].updates + 60);  // noticed at a look, 10 apart
    assert_true(best > 0);
    udy__sweep_weights_free(w);
    // The tutorial's epochs are done whatever converged says: 35 updates here.
    b.config.max_updates = 10;
    atomic_store(&b.desk.n_updates, 0);
    train(&plan, w);
    assert_int_equal(atomic_load(&b.desk.n_updates), 35);
    // Then there is nothing to converge: the two are the same.
    assert_true(same_weights(w[0].policy, w[1].policy));
    assert_true(w[0].val_loss == w[1].val_loss && w[1].updates == 35);
    udy__sweep_weights_free(w);
    b.config = kept;
}

static void a_rounds_learner_gets_its_least_updates_in_whole_epochs(void **state) {
    (void)state;
    const udy__sweep_plan plan = {.seed = 1, .min_updates = 50};
    udy__sweep_weights w[UDY_SWEEP_TRAININGS];
    train(&plan, w);  // 7 updates an epoch
    assert_int_equal(w[UDY_SWEEP_TUTORIAL].updates, 56);
    assert_null(w[UDY_SWEEP_CONVERGED].policy);
    udy__sweep_weights_free(w);
}

static void a_training_stops_when_told_and_says_what_diverged(void **state) {
    (void)state;
    const udy__sweep_plan plan = {.seed = 1, .converge = true};
    udy__sweep_weights w[UDY_SWEEP_TRAININGS];
    atomic_store(&b.stop, true);
    EXPECT_ERROR(UDY_EINTERRUPTED,
                 udy__sweep_train(&b.sweep, &b.desk, &b.train, &b.val, &plan, w, err),
                 "interrupted");
    atomic_store(&b.stop, false);
    float kept = b.train.y[100];
    b.train.y[100] = NAN;
    EXPECT_ERROR(UDY_ENONFINITE,
                 udy__sweep_train(&b.sweep, &b.desk, &b.train, &b.val, &plan, w, err), "loss",
                 "updates", "learning_rate");
    b.train.y[100] = kept;
}

//------------------------------------------ Points ------------------------------------------------

enum { SEEDS = 3, EPISODES = 4, DEMOS = 3 };

typedef struct made {
    udy__sweep_job jobs[UDY_SWEEP_METHODS * DEMOS * SEEDS];
    udy__sweep_cell cells[UDY_SWEEP_METHODS * DEMOS * SEEDS * UDY_SWEEP_TRAININGS];
    double returns[UDY_SWEEP_METHODS * DEMOS * SEEDS * UDY_SWEEP_TRAININGS][EPISODES];
    int lengths[EPISODES];
    double own[EPISODES], expert[2], steps[2];
    udy_sweep found;
} made;

// Points of the cells, anew.
static void take_together(made *m, double expert_mean, uint64_t seed) {
    udy_sweep_free(&m->found);
    m->found = (udy_sweep){.seeds = SEEDS,
                           .eval_episodes = EPISODES,
                           .epochs = 5,
                           .target = 0.9,
                           .n_experts = 1,
                           .demos = {DEMOS, {1, 10, 100}}};
    m->found.experts[0] =
        (udy_sweep_teacher){.n = 12, .mean = expert_mean, .label = "an \"expert\", made"};
    snprintf(m->found.task, sizeof m->found.task, "Ant-v5");
    CHECK(udy__sweep_points(&m->found, m->cells, (int)(sizeof m->cells / sizeof *m->cells), seed,
                            err));
}

// Every episode of a cell returns the same; the cell's share is of_share(demos index, seed).
static made *make_cells(double (*share)(int d, int seed)) {
    made *m = calloc(1, sizeof *m);
    assert_non_null(m);
    static const int demos[DEMOS] = {1, 10, 100};
    for (int i = 0; i < EPISODES; i++) m->lengths[i] = 1 + i, m->own[i] = 6.0;
    m->expert[0] = 1, m->expert[1] = 2, m->steps[0] = 10, m->steps[1] = 5;
    int at = 0;
    for (int method = 0; method < UDY_SWEEP_METHODS; method++)
        for (int d = 0; d < DEMOS; d++)
            for (int s = 0; s < SEEDS; s++, at++) {
                m->jobs[at] = (udy__sweep_job){.seed = s, .demos = demos[d], .method = method};
                for (int t = 0; t < UDY_SWEEP_TRAININGS; t++) {
                    int k = at * UDY_SWEEP_TRAININGS + t;
                    for (int i = 0; i < EPISODES; i++) m->returns[k][i] = 1000 * share(d, s);
                    m->cells[k] = (udy__sweep_cell){.job = &m->jobs[at],
                                                    .training = t,
                                                    .labels = 100.0 * demos[d],
                                                    .updates = 50,
                                                    .train_loss = 0.1,
                                                    .val_loss = 0.2,
                                                    .of = {.n = EPISODES,
                                                           .returns = m->returns[k],
                                                           .lengths = m->lengths,
                                                           .mean = 1000 * share(d, s),
                                                           .falls = 2,
                                                           .too_high = 2,
                                                           .length_mean = 2.5},
                                                    .n_test = 2,
                                                    .error_own = m->own,
                                                    .error_expert = m->expert,
                                                    .test_steps = m->steps};
                }
            }
    take_together(m, 1000, 0);
    return m;
}

static void drop(made *m) {
    udy_sweep_free(&m->found);
    free(m);
}

static double rising(int d, int seed) {
    (void)seed;
    return (double[]){0.5, 0.8, 1.0}[d];
}
static double by_seed(int d, int seed) {
    return 0.1 * d + 0.01 * seed;
}
static double good(int d, int seed) {
    (void)d, (void)seed;
    return 0.95;
}
static double dented(int d, int seed) {
    (void)seed;
    return (double[]){0.8, 1.0, 0.7}[d];
}
static double now_and_then(int d, int seed) {
    return d == 2 && seed == 0 ? 2.0 : 0.8;
}

static void seeds_together_are_means_of_what_they_gave(void **state) {
    (void)state;
    made *m = make_cells(by_seed);
    assert_int_equal(m->found.n_points, 2 * 2 * DEMOS);
    const udy_sweep_point *p = udy_sweep_point_at(&m->found, 0, UDY_SWEEP_DAGGER, 1, 10);
    assert_non_null(p);
    assert_true(fabs(p->ret.value - 110) < 1e-9 && fabs(p->share.value - 0.11) < 1e-12);
    assert_int_equal(p->n, SEEDS * EPISODES);
    assert_int_equal(p->falls, 2 * SEEDS);
    assert_int_equal(p->too_high, 2 * SEEDS);
    assert_true(p->labels == 1000 && p->updates == 50);
    // Errors are means over states, not over episodes: 4 * 6 / (1 + 2 + 3 + 4), and 3 / 15.
    assert_true(fabs(p->error_own.value - 2.4) < 1e-12);
    assert_true(fabs(p->error_expert.value - 0.2) < 1e-12);
    assert_true(p->error_own.ci[0] < 2.4 && p->error_own.ci[1] > 2.4);
    assert_null(udy_sweep_point_at(&m->found, 0, UDY_SWEEP_BC, 1, 11));
    // Episodes of a seed are all alike here: what spreads is the seeds. All three draws give the
    // same end in one resample of 27, which is more than the 2.5 % at either end.
    assert_true(fabs(p->ret.ci[0] - 100) < 1e-9 && fabs(p->ret.ci[1] - 120) < 1e-9);
    drop(m);
}

static void intervals_hold_the_truth_about_as_often_as_they_say(void **state) {
    (void)state;
    udy_rng rng;
    udy_rng_init(&rng, 5);
    int held = 0, of = 0;
    made *m = make_cells(good);
    int n = (int)(sizeof m->returns / sizeof *m->returns);
    for (int repeat = 0; repeat < 12; repeat++) {
        for (int k = 0; k < n; k++)
            for (int i = 0; i < EPISODES; i++) m->returns[k][i] = 500 + 100 * udy_rng_normal(&rng);
        take_together(m, 1000, (uint64_t)repeat);
        for (int i = 0; i < m->found.n_points; i++, of++)
            held += m->found.points[i].ret.ci[0] <= 500 && 500 <= m->found.points[i].ret.ci[1];
    }
    drop(m);
    print_message("%d of %d\n", held, of);
    assert_true(held >= 0.85 * of);
}

static void labels_needed_are_read_off_the_line(void **state) {
    (void)state;
    made *m = make_cells(rising);
    assert_int_equal(m->found.n_needs, 4);
    const udy_sweep_need *need = &m->found.needs[2];
    assert_int_equal(need->method, UDY_SWEEP_DAGGER);
    // 0.8 at 1,000 labels and 1.0 at 10,000: half the way, in the logarithm.
    assert_true(fabs(need->labels - 1000 * sqrt(10)) < 1e-6 && !need->at_most);
    assert_true(need->ci[0] == need->labels && need->ci[1] == need->labels);
    drop(m);
    m = make_cells(good);
    assert_true(m->found.needs[0].at_most && m->found.needs[0].labels == 100);
    drop(m);
    m = make_cells(dented);  // the first time counts
    assert_true(fabs(m->found.needs[0].labels - 100 * sqrt(10)) < 1e-6);
    drop(m);
    m = make_cells(by_seed);
    assert_true(isinf(m->found.needs[0].labels) && isinf(m->found.needs[0].ci[0]));
    drop(m);
    m = make_cells(now_and_then);  // one seed in three reaches it: not always drawn
    assert_true(isfinite(m->found.needs[0].labels) && isfinite(m->found.needs[0].ci[0]) &&
                isinf(m->found.needs[0].ci[1]));
    drop(m);
}

static void without_a_positive_expert_shares_are_not_known(void **state) {
    (void)state;
    made *m = make_cells(rising);
    take_together(m, -20, 0);
    assert_true(isnan(m->found.points[0].share.value) && isnan(m->found.needs[0].labels));
    assert_true(m->found.points[0].ret.value == 500);
    drop(m);
}

//------------------------------------------ Results -----------------------------------------------

static void write_made(const made *m, const char *path) {
    udy__sweep x = {.config = &b.config, .path = path, .n_threads = 2};
    CHECK(udy_dir_make(path, err));
    CHECK(
        udy__sweep_write(&x, &m->found, m->cells, (int)(sizeof m->cells / sizeof *m->cells), err));
}

static void results_read_back_as_they_were_written(void **state) {
    (void)state;
    char path[1024];
    snprintf(path, sizeof path, "%s", at_root("results"));
    double (*const shares[])(int, int) = {rising, by_seed, now_and_then, good};
    for (size_t k = 0; k < sizeof shares / sizeof *shares; k++) {
        made *m = make_cells(shares[k]);
        udy_sweep r;
        write_made(m, path);
        CHECK(udy_sweep_load(&r, path, err));
        assert_string_equal(r.experts[0].label, m->found.experts[0].label);
        assert_true(r.seeds == SEEDS && r.epochs == 5 && r.demos.n == DEMOS && r.demos.v[2] == 100);
        assert_int_equal(r.n_points, m->found.n_points);
        for (int i = 0; i < r.n_points; i++)
            assert_memory_equal(&r.points[i], &m->found.points[i], sizeof r.points[i]);
        assert_int_equal(r.n_needs, m->found.n_needs);
        for (int i = 0; i < r.n_needs; i++)
            assert_memory_equal(&r.needs[i], &m->found.needs[i], sizeof r.needs[i]);
        udy_sweep_free(&r);
        drop(m);
    }
}

static void tables_have_a_row_a_cell_and_a_row_a_point(void **state) {
    (void)state;
    made *m = make_cells(rising);
    char path[1024];
    snprintf(path, sizeof path, "%s", at_root("tables"));
    write_made(m, path);
    static const struct {
        const char *file;
        int rows, fields;
    } tables[] = {{"tables/sweep.csv", 36, 21}, {"tables/points.csv", 12, 24}};
    for (int k = 0; k < 2; k++) {
        char *text;
        size_t n;
        CHECK(udy_file_read(&text, &n, at_root(tables[k].file), 1 << 20, err));
        int lines = 0, fields = 1;
        bool quoted = false;
        for (size_t i = 0; i < n; i++) {
            if (text[i] == '"') quoted = !quoted;
            if (text[i] == ',' && !quoted) fields++;
            if (text[i] != '\n') continue;
            assert_int_equal(fields, tables[k].fields);
            lines++;
            fields = 1;
        }
        assert_int_equal(lines, 1 + tables[k].rows);
        assert_non_null(strstr(text, "\"an \"\"expert\"\", made\",dagger,converged,100,"));
        udy_free(text);
    }
    drop(m);
}

static void what_is_no_sweep_is_an_error_that_names_it(void **state) {
    (void)state;
    made *m = make_cells(rising);
    char path[1024], *text;
    size_t n;
    snprintf(path, sizeof path, "%s", at_root("broken"));
    udy_sweep r;
    EXPECT_ERROR(UDY_ENOENT, udy_sweep_load(&r, path, err), "broken/sweep.json");
    write_made(m, path);
    CHECK(udy_file_read(&text, &n, at_root("broken/sweep.json"), 1 << 20, err));
    udy_rng rng;
    udy_rng_init(&rng, 3);
    int refused = 0;
    for (int i = 0; i < 300; i++) {  // a byte changed here and there: read, or refused, never more
        char *copy = udy_alloc(n + 1);
        memcpy(copy, text, n);
        for (int k = 0; k < 3; k++)
            copy[udy_rng_below(&rng, n)] = (char)(32 + udy_rng_below(&rng, 95));
        put_file(at_root("broken/sweep.json"), copy, n);
        udy_error err = {0};
        if (udy_sweep_load(&r, path, &err)) {
            refused++;
            assert_int_equal(err.code, UDY_EFORMAT);
            assert_non_null(strstr(err.message, "broken/sweep.json"));
        } else {
            udy_sweep_free(&r);
        }
        udy_free(copy);
    }
    assert_true(refused > 0);
    udy_free(text);
    drop(m);
    udy_sweep_free(NULL);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_preset_is_the_default),
        cmocka_unit_test(a_list_of_experts_is_taken_apart),
        cmocka_unit_test(the_tutorials_weights_are_those_of_udy_bc_train),
        cmocka_unit_test(losses_are_those_of_the_weights_that_are_given),
        cmocka_unit_test(patience_and_the_cap_end_a_training),
        cmocka_unit_test(a_rounds_learner_gets_its_least_updates_in_whole_epochs),
        cmocka_unit_test(a_training_stops_when_told_and_says_what_diverged),
        cmocka_unit_test(seeds_together_are_means_of_what_they_gave),
        cmocka_unit_test(intervals_hold_the_truth_about_as_often_as_they_say),
        cmocka_unit_test(labels_needed_are_read_off_the_line),
        cmocka_unit_test(without_a_positive_expert_shares_are_not_known),
        cmocka_unit_test(results_read_back_as_they_were_written),
        cmocka_unit_test(tables_have_a_row_a_cell_and_a_row_a_point),
        cmocka_unit_test(what_is_no_sweep_is_an_error_that_names_it),
    };
    return cmocka_run_group_tests(tests, open_bench, close_bench);
}
