// Behavioural cloning learns, does exactly the updates it says, gives the same bits on any number
// of threads and after any stop, and says where numbers went astray.
#include <math.h>

#include "../unit/test_learn_common.h"
#include "understudy/study.h"

static udy_task *task;        // the full 1000 steps
static udy_pool *pool;        // two threads
static udy_dataset *made_up;  // 8 episodes of 25..32 rows: 228

//------------------------------------------ Helpers -----------------------------------------------

static void keep_path(char out[1024], const char *name) {
    snprintf(out, 1024, "%s", at_root(name));
}

static udy_bc_config small_config(void) {
    udy_bc_config c = udy_bc_config_default();
    c.hidden = (udy_ints){2, {24, 16}};
    c.epochs = 5;
    c.batch_size = 32;
    c.val_fraction = 0.25;
    return c;
}

static udy_bc *bc_new(const udy_bc_config *config, udy_pool *on, uint64_t seed) {
    udy_bc *bc;
    CHECK(udy_bc_create(&bc, config, task, on, seed, 0, err));
    return bc;
}

static udy_bc *trained(const udy_bc_config *config, const udy_dataset *data, int n_threads,
                       uint64_t seed) {
    udy_pool *on = make_pool(n_threads);
    udy_bc *bc = bc_new(config, on, seed);
    CHECK(udy_bc_train(bc, data, "train", NULL, NULL, err));
    udy_pool_destroy(on);
    return bc;
}

static udy_policy *policy_of(const udy_bc *bc, bool best) {
    udy_policy *policy;
    CHECK(udy_bc_policy(bc, best, &policy, err));
    return policy;
}

// Weights, best weights, curve and counters, to the bit.
static void expect_same_training(const udy_bc *a, const udy_bc *b) {
    assert_int_equal(udy_bc_epochs(a), udy_bc_epochs(b));
    assert_int_equal(udy_bc_best_epoch(a), udy_bc_best_epoch(b));
    assert_int_equal(udy_bc_updates(a), udy_bc_updates(b));
    assert_memory_equal(udy_bc_curve(a), udy_bc_curve(b),
                        (size_t)udy_bc_epochs(a) * sizeof(udy_bc_epoch));
    for (int best = 0; best < 2; best++) {
        udy_policy *p = policy_of(a, best), *q = policy_of(b, best);
        assert_true(same_weights(p, q));
        udy_policy_destroy(p);
        udy_policy_destroy(q);
    }
}

static udy_dataset *dataset_new(const char *name) {
    char path[1024];
    udy_dataset *d;
    snprintf(path, sizeof path, "%s", at_root(name));
    nftw(path, remove_entry, 8, FTW_DEPTH | FTW_PHYS);
    CHECK(udy_dataset_create(&d, path, task, "a test", err));
    return d;
}

static void append_made_up(udy_dataset *d, int n, int length, uint64_t seed) {
    for (int i = 0; i < n; i++) {
        udy_episode e = made_up_episode(length + i, seed + (uint64_t)i, UDY_END_LIMIT);
        CHECK(udy_dataset_append(d, &e, 1, NULL, 0, err));
        udy_episodes_free(&e, 1);
    }
}

// One episode of 40 rows whose labels are all the same.
static void append_labels(udy_dataset *d, uint64_t seed, float label) {
    udy_episode e = made_up_episode(40, seed, UDY_END_LIMIT);
    for (int k = 0; k < 40 * A_DIM; k++) e.action[k] = label;
    CHECK(udy_dataset_append(d, &e, 1, NULL, 0, err));
    udy_episodes_free(&e, 1);
}

static int64_t updates_per_epoch(uint64_t rows, int batch_size) {
    return (int64_t)((rows + (uint64_t)batch_size - 1) / (uint64_t)batch_size);
}

//------------------------------------------ It learns ---------------------------------------------

static void behavioural_cloning_beats_random_by_far(void **state) {
    (void)state;
    udy_policy *expert = load_policy(UDY_SOURCE_DIR "/experts/ant-v5-medium.safetensors"), *chance;
    udy_batch *batch = make_batch(task, 2);
    udy_dataset *demos = dataset_new("demos");
    CHECK(udy_dataset_collect(demos, batch, task, expert, 20, 0, "collect", NULL, err));
    udy_bc_config config = udy_bc_config_default();
    config.epochs = 40;
    udy_bc *bc = trained(&config, demos, 2, 1);
    const udy_bc_epoch *curve = udy_bc_curve(bc);
    assert_int_equal(udy_bc_epochs(bc), 40);
    assert_true(curve[39].train_loss < 0.3 * curve[0].train_loss);
    assert_true(curve[udy_bc_best_epoch(bc)].val_loss < 0.3 * curve[0].val_loss);
    udy_policy *clone = policy_of(bc, true);
    CHECK(udy_policy_random(&chance, task, err));
    udy_evaluation cloned, random;
    CHECK(udy_evaluate(&cloned, clone, task, batch, 12, 1000, "clone", NULL, err));
    CHECK(udy_evaluate(&random, chance, task, batch, 12, 1000, "random", NULL, err));
    print_message("clone %.0f [%.0f, %.0f], random %.0f [%.0f, %.0f]\n", cloned.mean,
                  cloned.ci95[0], cloned.ci95[1], random.mean, random.ci95[0], random.ci95[1]);
    assert_true(random.mean < 200);
    assert_true(cloned.mean > 500);
    assert_true(cloned.ci95[0] > random.ci95[1] + 300);
    udy_evaluation_free(&cloned);
    udy_evaluation_free(&random);
    udy_policy_destroy(clone);
    udy_policy_destroy(chance);
    udy_policy_destroy(expert);
    udy_bc_destroy(bc);
    udy_dataset_close(demos);
    udy_batch_destroy(batch);
}

static void every_row_but_the_held_out_is_trained_on_in_every_epoch(void **state) {
    (void)state;
    udy_bc_config config = small_config();
    config.epochs = 3;
    for (int batch_size = 1; batch_size <= 512; batch_size *= 8) {
        config.batch_size = batch_size;  // 1, 8: dividing or not; 64; 512: more than there are
        config.val_fraction = 0;
        udy_bc *all = trained(&config, made_up, 2, 0);
        assert_int_equal(udy_bc_updates(all), 3 * updates_per_epoch(228, batch_size));
        assert_true(isnan(udy_bc_curve(all)[0].val_loss));
        assert_int_equal(udy_bc_best_epoch(all), 2);  // no validation: the last
        udy_bc_destroy(all);
    }
    // Two of eight episodes are held out whole: the rows left are all but two of 25, 26, ..., 32.
    config.batch_size = 1;
    config.val_fraction = 0.25;
    udy_bc *some = trained(&config, made_up, 2, 0);
    int64_t held = 228 - udy_bc_updates(some) / 3;
    assert_int_equal(udy_bc_updates(some) % 3, 0);
    assert_in_range(held, 25 + 26, 31 + 32);
    assert_false(isnan(udy_bc_curve(some)[0].val_loss));
    udy_bc_destroy(some);
}

// With labels that tell the episodes apart, a network of bias alone shows which were trained on.
static void episodes_are_held_out_whole(void **state) {
    (void)state;
    udy_dataset *d = dataset_new("constant");
    for (int i = 0; i < 4; i++) {  // episode i's labels are all i, its observations 0
        udy_episode e = made_up_episode(50, 0, UDY_END_LIMIT);
        memset(e.obs, 0, 50 * O_DIM * sizeof(float));
        for (int k = 0; k < 50 * A_DIM; k++) e.action[k] = (float)(1 << 2 * i);
        CHECK(udy_dataset_append(d, &e, 1, NULL, 0, err));
        udy_episodes_free(&e, 1);
    }
    udy_bc_config config = small_config();
    config.hidden.n = 0;
    config.output = UDY_IDENTITY;
    config.learning_rate = 0.5;
    config.epochs = 2000;
    config.batch_size = 150;
    config.val_fraction = 0.25;
    bool seen[4] = {0};
    for (uint64_t seed = 0; seed < 8; seed++) {
        udy_bc *bc = trained(&config, d, 1, seed);
        udy_policy *policy = policy_of(bc, false);
        double obs[O_DIM] = {0};
        float action[A_DIM], scratch[256];
        assert_true(udy_policy_scratch_size(policy) <= 256);
        udy_policy_act(policy, obs, action, scratch, NULL);
        // The mean of the three trained on; the validation loss is the fourth's distance from it.
        int held = -1;
        for (int i = 0; i < 4; i++)
            if (fabs((double)action[0] - (85 - (1 << 2 * i)) / 3.0) < 0.05) held = i;
        assert_in_range(held, 0, 3);
        seen[held] = true;
        double away = (1 << 2 * held) - (double)action[0];
        assert_true(fabs(udy_bc_curve(bc)[1999].val_loss - away * away) < 0.02 * away * away);
        udy_policy_destroy(policy);
        udy_bc_destroy(bc);
    }
    assert_true(seen[0] + seen[1] + seen[2] + seen[3] >= 2);  // the seed draws
    udy_dataset_close(d);
}

static void the_loss_of_one_batch_is_the_mse_before_its_update(void **state) {
    (void)state;
    udy_bc_config config = small_config();
    config.epochs = 1;
    config.batch_size = 1000;
    config.val_fraction = 0;
    udy_bc *fresh = bc_new(&config, pool, 4);
    udy_policy *before = policy_of(fresh, false);
    float *labels = udy_alloc(228 * A_DIM * sizeof(float)),
          *obs = udy_alloc(228 * O_DIM * sizeof(float));
    assert_true(labels && obs);
    for (uint64_t r = 0; r < 228; r++)
        memcpy(obs + r * O_DIM, udy_dataset_obs(made_up, r), O_DIM * sizeof(float));
    CHECK(udy_policy_label(before, pool, obs, 228, labels, err));
    double sum = 0;
    for (uint64_t r = 0; r < 228; r++)
        for (int k = 0; k < A_DIM; k++)
            sum += pow(
                (double)labels[r * A_DIM + (uint64_t)k] - (double)udy_dataset_action(made_up, r)[k],
                2);
    CHECK(udy_bc_train(fresh, made_up, "train", NULL, NULL, err));
    assert_true(fabs(udy_bc_curve(fresh)[0].train_loss - sum / (228 * A_DIM)) < 1e-5);
    udy_policy *after = policy_of(fresh, false);
    assert_false(same_weights(before, after));
    udy_free(labels);
    udy_free(obs);
    udy_policy_destroy(before);
    udy_policy_destroy(after);
    udy_bc_destroy(fresh);
}

static void early_stopping_stops_and_keeps_the_best_epoch(void **state) {
    (void)state;
    udy_bc_config config = small_config();
    config.hidden = (udy_ints){2, {64, 64}};
    config.epochs = 300;
    config.patience = 4;
    config.learning_rate = 3e-3;  // random labels: what helps in training hurts in validation
    udy_bc *bc = trained(&config, made_up, 2, 0);
    int n = udy_bc_epochs(bc), best = udy_bc_best_epoch(bc);
    assert_in_range(n, 5, 299);
    assert_int_equal(n - 1 - best, 4);
    const udy_bc_epoch *curve = udy_bc_curve(bc);
    for (int i = 0; i < n; i++) {
        if (i < best) assert_true(curve[i].val_loss > curve[best].val_loss);
        if (i > best) assert_true(curve[i].val_loss >= curve[best].val_loss);
    }
    // The best policy is the one that a training of so many epochs ends with.
    config.patience = 0;
    config.epochs = best + 1;
    udy_bc *shorter = trained(&config, made_up, 2, 0);
    udy_policy *a = policy_of(bc, true), *b = policy_of(shorter, false),
               *last = policy_of(bc, false);
    assert_true(same_weights(a, b));
    assert_false(same_weights(a, last));
    udy_policy_destroy(a);
    udy_policy_destroy(b);
    udy_policy_destroy(last);
    udy_bc_destroy(bc);
    udy_bc_destroy(shorter);
}

//------------------------------------------ The same bits -----------------------------------------

static void one_and_two_threads_give_the_same_bits_and_another_seed_others(void **state) {
    (void)state;
    udy_bc_config config = small_config();
    config.hidden = (udy_ints){2, {128, 96}};
    config.batch_size = 100;
    udy_bc *one = trained(&config, made_up, 1, 3), *two = trained(&config, made_up, 2, 3);
    udy_bc *three = trained(&config, made_up, 3, 3), *other = trained(&config, made_up, 2, 4);
    expect_same_training(one, two);
    expect_same_training(one, three);
    assert_true(udy_bc_curve(one)[0].train_loss != udy_bc_curve(other)[0].train_loss);
    udy_bc_destroy(one);
    udy_bc_destroy(two);
    udy_bc_destroy(three);
    udy_bc_destroy(other);
}

// A training that is stopped after each single update, and taken up by a new process (a new udy_bc)
// each time, on one thread and two in turn.
static void stopped_after_every_update_it_ends_with_the_same_bits(void **state) {
    (void)state;
    udy_bc_config config = small_config();
    config.epochs = 30;
    config.patience = 3;  // early stopping is resumed too
    config.learning_rate = 1e-2;
    udy_bc *straight = trained(&config, made_up, 2, 9);
    assert_in_range(udy_bc_epochs(straight), 4, 29);
    char checkpoint[1024];
    keep_path(checkpoint, "every-update.safetensors");
    udy_bc *bc = NULL;
    udy_pool *single = make_pool(1);
    int stops = 0, status = UDY_EINTERRUPTED;
    while (status) {
        udy_bc_destroy(bc);
        bc = bc_new(&config, stops % 2 ? single : pool, 9);
        watcher w = {.stop_at = 1};
        udy_progress progress = watched(&w);
        udy_error err = {0};
        status = udy_bc_train(bc, made_up, "train", checkpoint, &progress, &err);
        if (status != UDY_EINTERRUPTED && status) fail_msg("%s", err.message);
        if (status) {
            stops++;
            assert_true(udy_file_exists(checkpoint));
            assert_non_null(strstr(err.message, checkpoint));
            assert_int_equal(udy_bc_updates(bc), stops);
        }
        assert_true(stops < 1000);
    }
    assert_int_equal(stops, udy_bc_updates(straight));
    expect_same_training(straight, bc);
    udy_bc_destroy(straight);
    udy_bc_destroy(bc);
    udy_pool_destroy(single);
    CHECK(udy_file_remove(checkpoint, err));
}

static void a_stop_at_a_random_moment_resumes_in_the_same_process_too(void **state) {
    (void)state;
    udy_bc_config config = small_config();
    config.hidden = (udy_ints){2, {256, 256}};
    config.epochs = 500;
    udy_bc *straight = trained(&config, made_up, 2, 2), *bc = bc_new(&config, pool, 2);
    int status = UDY_EINTERRUPTED, stops = 0;
    while (status) {  // no file: the state is in the handle
        watcher w = {.stop_at = 2};
        udy_progress progress = watched(&w);
        udy_error err = {0};
        status = udy_bc_train(bc, made_up, "train", NULL, &progress, &err);
        if (status != UDY_EINTERRUPTED && status) fail_msg("%s", err.message);
        stops += status != 0;
    }
    assert_true(stops >= 1);
    expect_same_training(straight, bc);
    EXPECT_ERROR(UDY_EINVAL, udy_bc_train(bc, made_up, "train", NULL, NULL, err), "has ended");
    udy_bc_destroy(straight);
    udy_bc_destroy(bc);
}

static void a_checkpoint_of_another_training_is_refused(void **state) {
    (void)state;
    char checkpoint[1024];
    keep_path(checkpoint, "another.safetensors");
    udy_bc_config config = small_config();
    udy_bc *bc = bc_new(&config, pool, 0);
    watcher w = {.stop_at = 1};
    udy_progress progress = watched(&w);
    EXPECT_ERROR(UDY_EINTERRUPTED, udy_bc_train(bc, made_up, "train", checkpoint, &progress, err),
                 "train");
    udy_bc_destroy(bc);
    udy_dataset *twin = dataset_new("twin");  // as many rows and episodes, other numbers
    append_made_up(twin, 8, 25, 900);
    assert_int_equal(udy_dataset_info_of(twin).n_rows, udy_dataset_info_of(made_up).n_rows);
    for (int i = 0; i < 4; i++) {
        udy_bc_config changed = config;
        if (i == 0) changed.learning_rate = 2e-3;
        if (i == 1) changed.epochs = 6;
        bc = bc_new(&changed, pool, i == 2);
        EXPECT_ERROR(UDY_EMISMATCH,
                     udy_bc_train(bc, i == 3 ? twin : made_up, "train", checkpoint, NULL, err),
                     "another.safetensors", "another training");
        udy_bc_destroy(bc);
    }
    udy_dataset_close(twin);
    // A policy file, a torn file and rubbish are no checkpoints either, and none is written over.
    udy_policy *expert = load_expert();
    CHECK(udy_policy_save(expert, checkpoint, NULL, 0, err));
    udy_policy_destroy(expert);
    bc = bc_new(&config, pool, 0);
    EXPECT_ERROR(UDY_EMISMATCH, udy_bc_train(bc, made_up, "train", checkpoint, NULL, err),
                 "another.safetensors");
    put_file(checkpoint, "rubbish", 7);
    EXPECT_ERROR(UDY_EFORMAT, udy_bc_train(bc, made_up, "train", checkpoint, NULL, err),
                 "another.safetensors");
    expect_file(checkpoint, "rubbish");
    udy_bc_destroy(bc);
    CHECK(udy_file_remove(checkpoint, err));
}

static void warm_start_takes_the_weights_of_a_policy_of_the_same_shape(void **state) {
    (void)state;
    udy_bc_config config = small_config();
    udy_bc *first = trained(&config, made_up, 2, 0);
    udy_policy *policy = policy_of(first, false), *expert = load_expert();
    udy_bc *second = bc_new(&config, pool, 1);
    CHECK(udy_bc_warm_start(second, policy, err));
    udy_policy *start = policy_of(second, false);
    assert_true(same_weights(policy, start));
    assert_int_equal(udy_bc_updates(second), 0);
    CHECK(udy_bc_train(second, made_up, "train", NULL, NULL, err));
    assert_true(udy_bc_curve(second)[0].train_loss < udy_bc_curve(first)[0].train_loss);
    EXPECT_ERROR(UDY_EMISMATCH, udy_bc_warm_start(second, expert, err), "ant-v5.safetensors",
                 "shape");
    udy_policy_destroy(policy);
    udy_policy_destroy(expert);
    udy_policy_destroy(start);
    udy_bc_destroy(first);
    udy_bc_destroy(second);
}

//------------------------------------------ Memory ------------------------------------------------

typedef struct counter {
    uint64_t at_first_update, at_last_update;
    int calls;
} counter;

static int count_allocations(void *ctx, const char *stage, int64_t done, int64_t total,
                             const char *unit, const char *note) {
    (void)stage, (void)unit, (void)note;
    counter *c = ctx;
    if (done == total) return 0;
    if (!c->calls++) c->at_first_update = udy_alloc_count();
    c->at_last_update = udy_alloc_count();
    return 0;
}

static void updates_and_epochs_allocate_nothing(void **state) {
    (void)state;
    udy_bc_config config = small_config();
    config.hidden = (udy_ints){2, {256, 256}};
    config.epochs = 1000;
    counter c = {0};
    udy_progress progress = {count_allocations, NULL, &c};
    udy_bc *bc = bc_new(&config, pool, 0);
    CHECK(udy_bc_train(bc, made_up, "train", NULL, &progress, err));
    assert_true(c.calls >= 3);
    assert_int_equal(c.at_last_update, c.at_first_update);
    udy_bc_destroy(bc);
}

//------------------------------------------ What goes wrong ---------------------------------------

static void a_loss_that_is_not_finite_is_said_with_a_state_to_look_at(void **state) {
    (void)state;
    udy_bc_config config = small_config();
    config.activation = config.output = UDY_IDENTITY;
    config.learning_rate = config.weight_decay = 10;  // each update multiplies the weights by -99
    config.epochs = 50;
    config.val_fraction = 0;
    char checkpoint[1024];
    keep_path(checkpoint, "diverges.safetensors");
    char kept[1200];
    snprintf(kept, sizeof kept, "%s.nonfinite", checkpoint);
    udy_bc *bc = bc_new(&config, pool, 0);
    EXPECT_ERROR(UDY_ENONFINITE, udy_bc_train(bc, made_up, "train", checkpoint, NULL, err), "train",
                 "epoch", "update", "rows", kept, "learning_rate");
    int64_t updates = udy_bc_updates(bc);
    assert_true(updates > 0);
    udy_bc_destroy(bc);
    udy_safetensors *file;
    CHECK(udy_safetensors_open(&file, kept, err));
    assert_non_null(udy_safetensors_find(file, "params"));
    assert_non_null(udy_safetensors_find(file, "adam.m"));
    const char *rows = udy_safetensors_metadata(file, "batch_rows");
    int n = 0;
    for (char *at = (char *)(uintptr_t)rows, *end; strtoul(at, &end, 10) < 228 && end != at;
         at = end)
        n++;
    assert_in_range(n, 1, 32);
    udy_safetensors_close(file);
    // The state is the one before the update, and goes on as a checkpoint to the very same error.
    assert_int_equal(rename(kept, checkpoint), 0);
    bc = bc_new(&config, pool, 0);
    EXPECT_ERROR(UDY_ENONFINITE, udy_bc_train(bc, made_up, "train", checkpoint, NULL, err), "train",
                 "update");
    assert_int_equal(udy_bc_updates(bc), updates);
    udy_bc_destroy(bc);
}

static void labels_too_large_to_square_are_said_at_the_first_update(void **state) {
    (void)state;
    udy_dataset *d = dataset_new("large-labels");
    for (uint64_t i = 0; i < 2; i++) append_labels(d, i, 1e30f);
    udy_bc_config config = small_config();
    udy_bc *bc = bc_new(&config, pool, 0);
    EXPECT_ERROR(UDY_ENONFINITE, udy_bc_train(bc, d, "train", NULL, NULL, err), "epoch 1",
                 "update 1");
    assert_int_equal(udy_bc_updates(bc), 0);
    udy_bc_destroy(bc);
    udy_dataset_close(d);
}

static void a_validation_loss_that_is_not_finite_is_said_too(void **state) {
    (void)state;
    udy_bc_config config = small_config();
    config.val_fraction = 0.5;
    // Which of the two is held out depends on the seed: spoil the one that is.
    char checkpoint[1024];
    keep_path(checkpoint, "val.safetensors");
    bool met = false;
    for (uint64_t seed = 0; seed < 20 && !met; seed++) {
        udy_dataset *mixed = dataset_new("mixed");
        for (uint64_t i = 0; i < 2; i++) append_labels(mixed, i, i ? 1e30f : 0);
        udy_bc *bc = bc_new(&config, pool, seed);
        udy_error err = {0};
        assert_int_equal(udy_bc_train(bc, mixed, "train", checkpoint, NULL, &err), UDY_ENONFINITE);
        if (strstr(err.message, "validation")) {
            met = true;
            assert_non_null(strstr(err.message, "after epoch 1"));
            assert_non_null(strstr(err.message, "val.safetensors.nonfinite"));
            assert_true(udy_file_exists(at_root("val.safetensors.nonfinite")));
        }
        udy_bc_destroy(bc);
        udy_dataset_close(mixed);
    }
    assert_true(met);
}

static void nan_in_the_data_is_named_before_anything_is_trained(void **state) {
    (void)state;
    udy_dataset *d = dataset_new("nan");
    append_made_up(d, 2, 30, 0);
    udy_episode e = made_up_episode(30, 5, UDY_END_LIMIT);
    e.obs[17 * O_DIM + 2] = NAN;
    CHECK(udy_dataset_append(d, &e, 1, NULL, 0, err));
    udy_episodes_free(&e, 1);
    udy_bc_config config = small_config();
    udy_bc *bc = bc_new(&config, pool, 0);
    EXPECT_ERROR(UDY_ENONFINITE, udy_bc_train(bc, d, "train", NULL, NULL, err), "shard-00002",
                 "'observation'", "row 17", "element 2");
    udy_bc_destroy(bc);
    udy_dataset_close(d);
}

static void settings_that_make_no_sense_are_refused_by_name(void **state) {
    (void)state;
    for (int i = 0; i < 12; i++) {
        udy_bc_config c = small_config();
        const char *key = "";
        switch (i) {
            case 0: c.epochs = 0, key = "bc.epochs"; break;
            case 1: c.epochs = -3, key = "bc.epochs"; break;
            case 2: c.batch_size = 0, key = "bc.batch_size"; break;
            case 3: c.learning_rate = -1e-3, key = "bc.learning_rate"; break;
            case 4: c.learning_rate = NAN, key = "bc.learning_rate"; break;
            case 5: c.weight_decay = -1, key = "bc.weight_decay"; break;
            case 6: c.val_fraction = 1.5, key = "bc.val_fraction"; break;
            case 7: c.patience = -1, key = "bc.patience"; break;
            case 8: c.patience = 3, c.val_fraction = 0, key = "bc.patience"; break;
            case 9: c.activation = 99, key = "bc.activation"; break;
            case 10: c.hidden = (udy_ints){2, {16, 0}}, key = "bc.hidden"; break;
            default:
                c.hidden = (udy_ints){8, {4, 4, 4, 4, 4, 4, 4, 4}}, key = "8 hidden layers";
                break;
        }
        udy_bc *bc = (udy_bc *)(uintptr_t)1;
        EXPECT_ERROR(UDY_EINVAL, udy_bc_create(&bc, &c, task, pool, 0, 0, err), key);
        assert_null(bc);
    }
}

static void data_that_does_not_fit_or_is_empty_is_refused(void **state) {
    (void)state;
    udy_bc_config config = small_config();
    udy_bc *bc = bc_new(&config, pool, 0);
    udy_dataset *empty = dataset_new("empty"), *other;
    EXPECT_ERROR(UDY_EINVAL, udy_bc_train(bc, empty, "train", NULL, NULL, err), "no rows");
    udy_dataset_close(empty);
    udy_task *contact = make_task(10, true);
    CHECK(udy_dataset_create(&other, at_root("contact"), contact, NULL, err));
    EXPECT_ERROR(UDY_EMISMATCH, udy_bc_train(bc, other, "train", NULL, NULL, err), "105", "27");
    udy_dataset_close(other);
    udy_task_destroy(contact);
    udy_bc_destroy(bc);
    udy_bc_destroy(NULL);
}

static int set_up(void **state) {
    if (make_root(state)) return -1;
    task = make_task(1000, false);
    pool = make_pool(2);
    made_up = dataset_new("made-up");
    append_made_up(made_up, 8, 25, 100);
    return 0;
}

static int tear_down(void **state) {
    udy_dataset_close(made_up);
    udy_pool_destroy(pool);
    udy_task_destroy(task);
    return remove_root(state);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(behavioural_cloning_beats_random_by_far),
        cmocka_unit_test(every_row_but_the_held_out_is_trained_on_in_every_epoch),
        cmocka_unit_test(episodes_are_held_out_whole),
        cmocka_unit_test(the_loss_of_one_batch_is_the_mse_before_its_update),
        cmocka_unit_test(early_stopping_stops_and_keeps_the_best_epoch),
        cmocka_unit_test(one_and_two_threads_give_the_same_bits_and_another_seed_others),
        cmocka_unit_test(stopped_after_every_update_it_ends_with_the_same_bits),
        cmocka_unit_test(a_stop_at_a_random_moment_resumes_in_the_same_process_too),
        cmocka_unit_test(a_checkpoint_of_another_training_is_refused),
        cmocka_unit_test(warm_start_takes_the_weights_of_a_policy_of_the_same_shape),
        cmocka_unit_test(updates_and_epochs_allocate_nothing),
        cmocka_unit_test(a_loss_that_is_not_finite_is_said_with_a_state_to_look_at),
        cmocka_unit_test(labels_too_large_to_square_are_said_at_the_first_update),
        cmocka_unit_test(a_validation_loss_that_is_not_finite_is_said_too),
        cmocka_unit_test(nan_in_the_data_is_named_before_anything_is_trained),
        cmocka_unit_test(settings_that_make_no_sense_are_refused_by_name),
        cmocka_unit_test(data_that_does_not_fit_or_is_empty_is_refused),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
