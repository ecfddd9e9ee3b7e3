// Soft actor-critic goes on from its checkpoints with the same bits, whatever stopped it and however
// many threads there are then; and a checkpoint that does not fit changes nothing.
#include "kill_again.h"
#include "test_sac_common.h"

static udy_task *hopper;

enum { SEED = 21, LAST = 900 };

static const char *fresh_dir(const char *name) {
    static char dir[1024];
    snprintf(dir, sizeof dir, "%s", at_root(name));
    if (udy_dir_exists(dir)) assert_int_equal(nftw(dir, remove_entry, 8, FTW_DEPTH | FTW_PHYS), 0);
    return dir;
}

static void save(training *t, const char *dir) {
    CHECK(udy_sac_save(t->sac, dir, err));
}

static void load(training *t, const char *dir) {
    CHECK(udy_sac_load(t->sac, dir, err));
}

//------------------------------------------ The same bits -----------------------------------------

static void expect_same_status(const training *a, const training *b) {
    udy_sac_status x = udy_sac_status_take(a->sac), y = udy_sac_status_take(b->sac);
    assert_int_equal(x.steps, y.steps);
    assert_int_equal(x.updates, y.updates);
    assert_int_equal(x.episodes, y.episodes);
    const double p[] = {x.return_mean, x.length_mean, x.critic_loss,  x.actor_loss,   x.q_mean,
                        x.entropy,     x.temperature, x.reward_scale, x.learning_rate};
    const double q[] = {y.return_mean, y.length_mean, y.critic_loss,  y.actor_loss,   y.q_mean,
                        y.entropy,     y.temperature, y.reward_scale, y.learning_rate};
    assert_memory_equal(p, q, sizeof p);
    assert_true(x.too_low == y.too_low && x.too_high == y.too_high);
}

static void expect_same_policy(const training *a, const training *b) {
    udy_policy *x, *y;
    CHECK(udy_sac_policy(a->sac, &x, err));
    CHECK(udy_sac_policy(b->sac, &y, err));
    assert_true(same_weights(x, y));
    udy_policy_destroy(x);
    udy_policy_destroy(y);
}

// Stopped at random moments (among random steps, and with the ring wrapped), each time into a fresh
// process' worth of everything, with another number of threads.
static void stopped_anywhere_it_goes_on_with_the_same_bits(void **state) {
    (void)state;
    udy_rng rng;
    udy_rng_init(&rng, 5);
    for (int v = 0; v < VARIANTS; v++) {
        udy_sac_config c = small_config((variant)v);
        c.replay_size = 1000;
        const char *dir = fresh_dir("stopped");
        training straight = open_training(&c, hopper, SEED, 2);
        training t = open_training(&c, hopper, SEED, 1);
        int64_t at = 0, end = 1400;
        for (int stops = 0; at < end; stops++) {
            int64_t next = at + 1 + (int64_t)udy_rng_below(&rng, stops ? 400 : 50);
            at = next < end ? next : end;
            advance(&t, at);
            advance(&straight, at);
            save(&t, dir);
            expect_same_trainings(&t, &straight);  // saving changed nothing
            training after = open_training(&c, hopper, SEED, 1 + (stops + 1) % 3);
            load(&after, dir);
            expect_same_trainings(&t, &after);
            close_training(&t);
            t = after;
        }
        assert_true(straight.sac->numbers.episodes > 20);
        expect_same_policy(&t, &straight);
        expect_same_status(&t, &straight);
        close_training(&straight);
        close_training(&t);
    }
}

// Segments so small that many go; the ring wraps twice.
static void many_saves_leave_what_the_last_one_needs(void **state) {
    (void)state;
    udy_sac_config c = small_config(PLAIN);
    c.updates_per_step = 0.02;
    c.steps = 4000;
    const char *dir = fresh_dir("often");
    training straight = open_training(&c, hopper, SEED, 1), t = open_training(&c, hopper, SEED, 1);
    t.sac->replay->segment_rows = 64;
    for (int64_t at = 0; at <= 2500; at += 30) {
        advance(&t, at);
        save(&t, dir);
        // The state, the ring's segments and what parts of one they begin and end in.
        assert_in_range(count_entries(dir), 1, 1 + 999 / 64 + 2);
    }
    advance(&straight, 2490);
    training after = open_training(&c, hopper, SEED, 1);
    after.sac->replay->segment_rows = 64;
    load(&after, dir);
    expect_same_trainings(&after, &straight);
    save(&after, dir);  // nothing is new
    expect_same_trainings(&after, &straight);
    close_training(&after);
    close_training(&straight);
    close_training(&t);
}

// As if killed after the replay was appended to and before the state was there.
static void rows_beyond_the_checkpoint_are_written_again(void **state) {
    (void)state;
    udy_sac_config c = small_config(XQC);
    const char *dir = fresh_dir("beyond");
    char path[1100], *text;
    size_t n;
    snprintf(path, sizeof path, "%s/state.safetensors", dir);
    training t = open_training(&c, hopper, SEED, 1), straight = open_training(&c, hopper, SEED, 1);
    advance(&t, 300);
    save(&t, dir);
    CHECK(udy_file_read(&text, &n, path, 1 << 24, err));
    advance(&t, 501);
    save(&t, dir);
    put_file(path, text, n);
    udy_free(text);
    for (int i = 0; i < 2; i++) {  // twice: the second time from what the first one saved
        training after = open_training(&c, hopper, SEED, 2);
        load(&after, dir);
        assert_int_equal(udy_sac_status_take(after.sac).steps, i ? 402 : 300);
        close_training(&after);
        after = open_training(&c, hopper, SEED, 2);
        load(&after, dir);
        advance(&after, i ? LAST : 402);
        save(&after, dir);
        if (i) {
            advance(&straight, LAST);
            expect_same_trainings(&after, &straight);
        }
        close_training(&after);
    }
    close_training(&t);
    close_training(&straight);
}

//------------------------------------------ Killed ------------------------------------------------

enum { KILLED_SEED = 4, KILLED_STEPS = 6000, KILLED_EVERY = 60 };

static udy_sac_config killed_config(void) {
    udy_sac_config c = small_config(XQC);
    c.steps = KILLED_STEPS;
    return c;
}

// What the child does that is killed.
static int run_child(const char *dir) {
    const udy_sac_config c = killed_config();
    udy_error err = {0};
    training t = open_training(&c, hopper, KILLED_SEED, 2);
    int status = udy_sac_load(t.sac, dir, &err);
    if (status == UDY_ENOENT) status = UDY_OK;
    int64_t at = udy_sac_status_take(t.sac).steps;
    while (!status && at < KILLED_STEPS) {
        at += KILLED_EVERY;
        status = udy_sac_advance(t.sac, at, &err);
        // Sums since the last status: taken after each piece, they are the same however it was cut.
        (void)udy_sac_status_take(t.sac);
        if (!status) status = udy_sac_save(t.sac, dir, &err);
    }
    if (status) fprintf(stderr, "%s\n", err.message);
    close_training(&t);
    return status ? 1 : 0;
}

static void killed_at_random_moments_it_ends_with_the_same_bits(void **state) {
    (void)state;
    const udy_sac_config c = killed_config();
    const char *dir = fresh_dir("killed");
    kill_until_done(dir, 12);
    training straight = open_training(&c, hopper, KILLED_SEED, 1);
    advance(&straight, KILLED_STEPS);
    (void)udy_sac_status_take(straight.sac);
    training after = open_training(&c, hopper, KILLED_SEED, 1);
    load(&after, dir);
    expect_same_trainings(&after, &straight);
    close_training(&after);
    close_training(&straight);
}

//------------------------------------------ From another's end ------------------------------------

// small_config has 60 random steps.
enum { FROM_UPDATES = (LAST - 60) / 2, MANY = 1500, MANY_UPDATES = (MANY - 60) / 2 };

static udy_sac_config going_on(variant v) {
    udy_sac_config c = small_config(v);
    c.from_steps = LAST;
    c.from_updates = FROM_UPDATES;
    return c;
}

// Where nothing falls or grows, a training that goes on from the end of a shorter one is the longer
// one, whatever its own seed is; with a smaller replay it draws from fewer rows.
static void from_anothers_end_it_goes_on_with_the_same_bits(void **state) {
    (void)state;
    for (int v = 0; v < VARIANTS; v++) {
        udy_sac_config shorter = small_config((variant)v), c = going_on((variant)v);
        shorter.steps = MANY;
        c.from_steps = MANY;
        c.from_updates = MANY_UPDATES;
        shorter.replay_size = c.replay_size = 2000;
        shorter.gamma_final = shorter.learning_rate_final = -1;
        c.gamma_final = c.learning_rate_final = -1;
        udy_sac_config longer = c, smaller = c;
        longer.from_steps = longer.from_updates = 0;
        smaller.replay_size = 1000;
        const char *dir = fresh_dir("from");
        training before = open_training(&shorter, hopper, SEED, 1);
        advance(&before, MANY);
        assert_int_equal(before.sac->numbers.updates, MANY_UPDATES);
        save(&before, dir);
        training straight = open_training(&longer, hopper, SEED, 2);
        training t = open_training(&c, hopper, SEED + 1, 1);
        training forgetful = open_training(&smaller, hopper, SEED, 1);
        advance(&straight, MANY);
        CHECK(udy_sac_load_from(t.sac, dir, err));
        CHECK(udy_sac_load_from(forgetful.sac, dir, err));
        expect_same_trainings(&t, &straight);
        assert_int_equal(udy__replay_count(forgetful.sac->replay), MANY);
        advance(&straight, 1800);
        advance(&t, 1800);
        advance(&forgetful, 1800);
        expect_same_trainings(&t, &straight);
        assert_true(t.sac->numbers.updates > MANY_UPDATES);
        assert_memory_not_equal(udy_mlp_params(udy_net_mlp(t.sac->actor), NULL),
                                udy_mlp_params(udy_net_mlp(forgetful.sac->actor), NULL), 64);
        close_training(&before);
        close_training(&straight);
        close_training(&t);
        close_training(&forgetful);
    }
}

// A fall begins anew after it: over 550 updates, from 1e-3 to 1e-4.
static void from_anothers_end_what_falls_begins_anew(void **state) {
    (void)state;
    udy_sac_config c = going_on(PLAIN), before = small_config(PLAIN);
    const char *dir = fresh_dir("falls");
    training t = open_training(&before, hopper, SEED, 1);
    advance(&t, LAST);
    save(&t, dir);
    close_training(&t);
    c.learning_rate = 1e-3;
    c.learning_rate_final = 1e-4;
    t = open_training(&c, hopper, SEED, 1);
    CHECK(udy_sac_load_from(t.sac, dir, err));
    const struct {
        int64_t steps;
        double rate;
    } points[] = {{LAST, 1e-3}, {LAST + 550, 5.5e-4}, {2000, 1e-4}};
    for (size_t i = 0; i < sizeof points / sizeof *points; i++) {
        advance(&t, points[i].steps);
        assert_float_equal(udy_sac_status_take(t.sac).learning_rate, points[i].rate, 4e-6);
    }
    close_training(&t);
}

//------------------------------------------ Refusals ----------------------------------------------

// The checkpoint that the tests below damage: of small_config(XQC), SEED, after LAST steps.
static char good[1024];
enum { GOOD_SEGMENT_ROWS = 256 };

static training open_good(void) {
    const udy_sac_config c = small_config(XQC);
    training t = open_training(&c, hopper, SEED, 1);
    t.sac->replay->segment_rows = GOOD_SEGMENT_ROWS;
    return t;
}

static void make_good(void) {
    training t = open_good();
    snprintf(good, sizeof good, "%s", at_root("good"));
    advance(&t, LAST);
    save(&t, good);
    close_training(&t);
}

// A copy to damage.
static const char *copy_good(void) {
    const char *dir = fresh_dir("damaged");
    char **names, from[2048], to[2048], *text;
    size_t n, n_bytes;
    CHECK(udy_dir_make(dir, err));
    CHECK(udy_dir_list(&names, &n, good, "", err));
    for (size_t i = 0; i < n; i++) {
        snprintf(from, sizeof from, "%s/%s", good, names[i]);
        snprintf(to, sizeof to, "%s/%s", dir, names[i]);
        CHECK(udy_file_read(&text, &n_bytes, from, 1 << 24, err));
        put_file(to, text, n_bytes);
        udy_free(text);
    }
    udy_free(names);
    return dir;
}

// Write n_bytes at an offset of a tensor of a state file, the rest as it was.
static void edit(const char *dir, const char *name, size_t offset, const void *data,
                 size_t n_bytes) {
    char path[1100];
    udy_safetensors *file;
    udy_tensor tensors[100];
    udy_text_pair metadata[16];
    snprintf(path, sizeof path, "%s/state.safetensors", dir);
    CHECK(udy_safetensors_open(&file, path, err));
    size_t n = udy_safetensors_count(file), n_metadata = udy_safetensors_metadata_count(file);
    char *changed = NULL;
    assert_true(n <= 100 && n_metadata <= 16);
    for (size_t i = 0; i < n_metadata; i++) metadata[i] = udy_safetensors_metadata_at(file, i);
    for (size_t i = 0; i < n; i++) {
        tensors[i] = *udy_safetensors_at(file, i);
        if (strcmp(tensors[i].name, name)) continue;
        assert_true(offset + n_bytes <= tensors[i].n_bytes);
        changed = udy_alloc(tensors[i].n_bytes);
        memcpy(changed, tensors[i].data, tensors[i].n_bytes);
        memcpy(changed + offset, data, n_bytes);
        tensors[i].data = changed;
    }
    assert_non_null(changed);
    CHECK(udy_safetensors_write(path, tensors, n, metadata, n_metadata, err));
    udy_safetensors_close(file);
    udy_free(changed);
}

// It is as one that never tried to load: now, and after going on.
static void expect_untouched(training *t) {
    training never = open_good();
    expect_same_trainings(t, &never);
    advance(t, 150);
    advance(&never, 150);
    expect_same_trainings(t, &never);
    close_training(&never);
}

static void another_setting_seed_or_task_does_not_go_on(void **state) {
    (void)state;
    udy_task *longer = task_of("Hopper-v5", 1001), *walker = task_of("Walker2d-v5", 0);
    for (int i = 0; i < 6; i++) {
        udy_sac_config c = small_config(XQC);
        const udy_task *task = hopper;
        uint64_t seed = SEED;
        const char *says = "other settings";
        if (i == 0) c.learning_rate = 2e-4;
        if (i == 1) c.critic_hidden.v[0] = 40;
        if (i == 2) seed++;
        if (i == 3) task = longer;
        if (i == 4) task = walker, says = "another task";
        if (i == 5) c.n_envs = 4;
        training t = open_training(&c, task, seed, 1), never = open_training(&c, task, seed, 1);
        EXPECT_ERROR(UDY_EMISMATCH, udy_sac_load(t.sac, good, err), "state.safetensors", says);
        expect_same_trainings(&t, &never);
        close_training(&t);
        close_training(&never);
    }
    udy_task_destroy(longer);
    udy_task_destroy(walker);
}

static void from_an_end_that_does_not_fit_nothing_goes_on(void **state) {
    (void)state;
    udy_task *walker = task_of("Walker2d-v5", 0);
    for (int i = 0; i < 6; i++) {
        udy_sac_config c = going_on(XQC);
        const udy_task *task = hopper;
        const char *says = "sac.from_steps";
        if (i == 0) c.from_steps -= 3;
        if (i == 1) c.from_updates++;
        if (i == 2) c.critic_hidden.v[0] = 40, says = "critic0.params";
        if (i == 3) c.n_envs = 4, says = "expected F64";
        if (i == 4) task = walker, says = "another task";
        if (i == 5) c.critic_norm = UDY_NORM_NONE, says = "critic0.";
        training t = open_training(&c, task, SEED, 1), never = open_training(&c, task, SEED, 1);
        EXPECT_ERROR(UDY_EMISMATCH, udy_sac_load_from(t.sac, good, err), "state.safetensors", says);
        expect_same_trainings(&t, &never);
        EXPECT_ERROR(UDY_EINVAL, udy_sac_advance(t.sac, 30, err), "no training has been loaded");
        close_training(&t);
        close_training(&never);
    }
    udy_task_destroy(walker);
    // As far as it goes, and no step further.
    udy_sac_config c = going_on(XQC);
    c.steps = LAST;
    udy_batch *batch = make_batch(hopper, c.n_envs);
    udy_pool *pool = make_pool(1);
    udy_sac *sac;
    EXPECT_ERROR(UDY_EINVAL, udy_sac_create(&sac, &c, hopper, batch, pool, SEED, err), "sac.steps",
                 "900");
    udy_pool_destroy(pool);
    udy_batch_destroy(batch);
    // Its own checkpoint is no other one's.
    c = going_on(XQC);
    training t = open_training(&c, hopper, SEED, 1), again = open_training(&c, hopper, SEED, 1);
    t.sac->replay->segment_rows = again.sac->replay->segment_rows = GOOD_SEGMENT_ROWS;
    const char *dir = fresh_dir("own");
    CHECK(udy_sac_load_from(t.sac, good, err));
    advance(&t, 1000);
    save(&t, dir);
    EXPECT_ERROR(UDY_EMISMATCH, udy_sac_load(again.sac, good, err), "other settings");
    load(&again, dir);
    expect_same_trainings(&t, &again);
    close_training(&t);
    close_training(&again);
}

static void numbers_that_no_training_has_are_refused(void **state) {
    (void)state;
#define AT(field) offsetof(udy__sac_numbers, field)
    const int64_t minus = -1, odd = LAST + 1, many = LAST + 3000000, huge = INT64_MAX - 1;
    const double nan = NAN, large = 1e300, infinite = INFINITY;
    const uint64_t even = 2;
    const uint32_t seven = 7;
    const struct {
        const char *tensor;
        size_t offset;
        const void *data;
        size_t n;
    } edits[] = {
        {"numbers", AT(steps), &minus, 8},
        {"numbers", AT(steps), &odd, 8},
        {"numbers", AT(steps), &many, 8},
        {"numbers", AT(steps), &huge, 8},
        {"numbers", AT(episodes), &minus, 8},
        {"numbers", AT(updates), &minus, 8},
        {"numbers", AT(actor_updates), &minus, 8},
        {"numbers", AT(update_credit), &nan, 8},
        {"numbers", AT(update_credit), &large, 8},
        {"numbers", AT(log_alpha), &infinite, 8},
        {"numbers", AT(log_alpha), &nan, 8},
        {"adam_t", 8, &minus, 8},
        {"rng.draw", offsetof(udy_rng, inc_lo), &even, 8},
        {"rng.noise", offsetof(udy_rng, inc_lo), &even, 8},
        {"rng.act", offsetof(udy_rng, has_uint32), &seven, 4},
        {"simulations", 0, "x", 1},
        {"simulations", 500, "\x5a\x5a\x5a", 3},
    };
#undef AT
    training t = open_good();
    for (size_t i = 0; i < sizeof edits / sizeof *edits; i++) {
        const char *dir = copy_good();
        edit(dir, edits[i].tensor, edits[i].offset, edits[i].data, edits[i].n);
        EXPECT_ERROR(UDY_EFORMAT, udy_sac_load(t.sac, dir, err), "");
    }
    // The last simulation's alone: those before it are put back.
    const char *dir = copy_good();
    size_t state_size = udy_batch_state_size(t.batch);
    edit(dir, "simulations", 3 * state_size - 8, "\x01\x02\x03\x04\x05\x06\x07", 8);
    EXPECT_ERROR(UDY_EFORMAT, udy_sac_load(t.sac, dir, err), "damaged");
    expect_untouched(&t);
    close_training(&t);
}

static void a_lost_or_damaged_file_is_refused(void **state) {
    (void)state;
    training t = open_good();
    char path[1100], *text;
    size_t n;
    for (int i = 0; i < 5; i++) {
        const char *dir = copy_good();
        snprintf(path, sizeof path, "%s/%s", dir,
                 i ? "replay-00003.bin" : "replay-00000.bin");  // first and last of four
        CHECK(udy_file_read(&text, &n, path, 1 << 24, err));
        if (i < 2) assert_int_equal(remove(path), 0);
        if (i == 2) put_file(path, text, n - 1);
        if (i == 3) put_file(path, text, 10);
        if (i == 4) {
            text[n / 2] ^= 1;
            put_file(path, text, n);
        }
        udy_free(text);
        EXPECT_ERROR(UDY_EFORMAT, udy_sac_load(t.sac, dir, err), "replay-0000");
    }
    EXPECT_ERROR(UDY_ENOENT, udy_sac_load(t.sac, at_root("nowhere"), err), "nowhere");
    expect_untouched(&t);
    close_training(&t);
}

static void a_state_cut_short_anywhere_is_refused(void **state) {
    (void)state;
    training t = open_good();
    char path[1100], *text;
    size_t n;
    const char *dir = copy_good();
    snprintf(path, sizeof path, "%s/state.safetensors", dir);
    CHECK(udy_file_read(&text, &n, path, 1 << 24, err));
    for (int i = 0; i <= 40; i++) {
        udy_error err = {0};
        put_file(path, text, i == 40 ? n - 1 : n * (size_t)i / 40);
        int status = udy_sac_load(t.sac, dir, &err);
        if (status >= 0 || !strstr(err.message, "state.safetensors"))
            fail_msg("cut %d: %s: %s", i, udy_status_name(status), err.message);
    }
    udy_free(text);
    expect_untouched(&t);
    close_training(&t);
}

// Bytes of the state changed at random: it is refused, or goes on with other numbers (to an error
// where these are no numbers).
static void a_state_with_random_bytes_in_it_harms_nobody(void **state) {
    (void)state;
    char path[1100], *text;
    size_t n;
    int refused = 0, loaded = 0, ended = 0;
    udy_rng rng;
    udy_rng_init(&rng, 77);
    const char *dir = copy_good();
    snprintf(path, sizeof path, "%s/state.safetensors", dir);
    CHECK(udy_file_read(&text, &n, path, 1 << 24, err));
    for (int i = 0; i < 150; i++) {
        char *changed = udy_alloc(n);
        memcpy(changed, text, n);
        // The header and the counters come first.
        size_t range = i % 3 == 0 ? n : i % 3 == 1 ? 6000 : 3000;
        for (uint64_t k = udy_rng_below(&rng, 4) + 1; k > 0; k--)
            changed[udy_rng_below(&rng, range)] = (char)udy_rng_below(&rng, 256);
        put_file(path, changed, n);
        udy_free(changed);
        training t = open_good();
        udy_error err = {0};
        int status = udy_sac_load(t.sac, dir, &err);
        refused += status < 0;
        if (status == UDY_OK) {
            status = udy_sac_advance(t.sac, LAST + 12, &err);
            loaded++;
            ended += status < 0;
        }
        assert_true(status == UDY_OK || err.message[0]);
        close_training(&t);
    }
    print_message("%d refused, %d loaded, of which %d ended with an error\n", refused, loaded,
                  ended);
    assert_true(refused > 30 && loaded > 10);
    udy_free(text);
}

// The first letter of a value in a state file's metadata.
static void put_metadata(const char *dir, const char *key, char with) {
    char path[1100], *text, look_for[40];
    size_t n;
    snprintf(path, sizeof path, "%s/state.safetensors", dir);
    snprintf(look_for, sizeof look_for, "\"%s\": \"", key);
    CHECK(udy_file_read(&text, &n, path, 1 << 24, err));
    char *at = strstr(text + 8, look_for);  // the header's length may hold a 0
    assert_non_null(at);
    at[strlen(look_for)] = with;
    put_file(path, text, n);
    udy_free(text);
}

static void a_checkpoint_from_elsewhere_loads_and_says_so(void **state) {
    (void)state;
    static const char *const keys[] = {"isa", "mujoco"};
    training stayed = open_good();
    load(&stayed, good);
    assert_string_equal(udy_sac_moved(stayed.sac), "");
    for (int i = 0; i < 2; i++) {
        const char *dir = copy_good();
        put_metadata(dir, keys[i], '?');
        training moved = open_good();
        assert_string_equal(udy_sac_moved(moved.sac), "");
        load(&moved, dir);
        const char *says = udy_sac_moved(moved.sac), *here = strstr(says, "; here: ");
        assert_non_null(here);
        assert_true(i ? strstr(says, "MuJoCo ?") && strstr(says, "MuJoCo ?") < here
                      : says[0] == '?');
        assert_non_null(strstr(here, udy_nn_isa()));
        assert_non_null(strstr(here, udy_sim_version()));
        expect_same_trainings(&moved, &stayed);
        close_training(&moved);
    }
    close_training(&stayed);
}

static void only_a_fresh_training_loads(void **state) {
    (void)state;
    training t = open_good(), never = open_good();
    advance(&t, 90);
    advance(&never, 90);
    EXPECT_ERROR(UDY_EINVAL, udy_sac_load(t.sac, good, err), "90 steps", "fresh");
    expect_same_trainings(&t, &never);
    close_training(&t);
    close_training(&never);
}

static void a_save_that_fails_is_an_error_and_no_more(void **state) {
    (void)state;
    training t = open_good(), never = open_good();
    const char *file = at_root("a-file");
    put_file(file, "x", 1);
    advance(&t, 90);
    advance(&never, 90);
    EXPECT_ERROR(UDY_EEXIST, udy_sac_save(t.sac, file, err), "a-file");
    expect_same_trainings(&t, &never);
    close_training(&t);
    close_training(&never);
}

//------------------------------------------ Main --------------------------------------------------

static int set_up(void **state) {
    if (make_root(state)) return -1;
    make_good();
    return 0;
}

int main(int argc, char **argv) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(stopped_anywhere_it_goes_on_with_the_same_bits),
        cmocka_unit_test(many_saves_leave_what_the_last_one_needs),
        cmocka_unit_test(rows_beyond_the_checkpoint_are_written_again),
        cmocka_unit_test(killed_at_random_moments_it_ends_with_the_same_bits),
        cmocka_unit_test(from_anothers_end_it_goes_on_with_the_same_bits),
        cmocka_unit_test(from_anothers_end_what_falls_begins_anew),
        cmocka_unit_test(from_an_end_that_does_not_fit_nothing_goes_on),
        cmocka_unit_test(another_setting_seed_or_task_does_not_go_on),
        cmocka_unit_test(numbers_that_no_training_has_are_refused),
        cmocka_unit_test(a_lost_or_damaged_file_is_refused),
        cmocka_unit_test(a_state_cut_short_anywhere_is_refused),
        cmocka_unit_test(a_state_with_random_bytes_in_it_harms_nobody),
        cmocka_unit_test(a_checkpoint_from_elsewhere_loads_and_says_so),
        cmocka_unit_test(only_a_fresh_training_loads),
        cmocka_unit_test(a_save_that_fails_is_an_error_and_no_more),
    };
    own_path = argv[0];
    hopper = task_of("Hopper-v5", 60);
    int status;
    if (argc == 3 && !strcmp(argv[1], "--run"))
        status = run_child(argv[2]);
    else
        status = cmocka_run_group_tests(tests, set_up, remove_root);
    udy_task_destroy(hopper);
    return status;
}
