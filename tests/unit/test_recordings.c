// Recordings of other software: what Minari, D4RL, imitation, NumPy and people write is read to the
// numbers they wrote, and what does not fit is refused with its place.
#include <locale.h>
#include <math.h>
#include <sched.h>
#include <signal.h>
#include <sys/mount.h>
#include <sys/wait.h>

#include "io/csv.h"
#include "io/hdf5.h"
#include "io/minari.h"
#include "io/npy.h"
#include "io/npz_write.h"
#include "io/recording.h"
#include "test_io_common.h"

#define SAMPLES UDY_SOURCE_DIR "/tests/data/minari/"
enum { EPISODES_MAX = 16 };

// Everything that a recording gave.
typedef struct taken {
    udy_recording_facts facts;
    udy__rows rows;
    int n;
    size_t from[EPISODES_MAX + 1];
    udy__ending ends[EPISODES_MAX];
} taken;

static int take(taken *t, const udy_recording_source *source, udy_error *err) {
    udy__recording *r;
    *t = (taken){0};
    *err = (udy_error){0};
    int status = udy__recording_open(&r, source, err);
    if (status) return status;
    t->facts = r->facts;
    t->rows.obs_dim = r->facts.obs_dim;
    t->rows.act_dim = r->facts.act_dim;
    while (t->n < EPISODES_MAX && (status = r->next(r, &t->rows, &t->ends[t->n], err)) > 0)
        t->from[++t->n] = t->rows.n;
    udy__recording_close(r);
    return status;
}

static taken take_file(const char *path) {
    taken t;
    udy_error err;
    if (take(&t, &(udy_recording_source){.paths = &path, .n_paths = 1}, &err))
        fail_msg("%s: %s", path, err.message);
    return t;
}

static size_t length(const taken *t, int i) {
    return t->from[i + 1] - t->from[i];
}

static void refused(const udy_recording_source *source, int status, const char *const *texts) {
    taken t;
    udy_error err;
    int got = take(&t, source, &err);
    udy__rows_free(&t.rows);
    if (got != status)
        fail_msg("expected %s, got %s (%s)", udy_status_name(status), udy_status_name(got),
                 err.message);
    for (; *texts; texts++)
        if (!strstr(err.message, *texts)) fail_msg("'%s' is not in '%s'", *texts, err.message);
}
#define REFUSED(source, status, ...) \
    refused((source), (status), (const char *const[]){__VA_ARGS__, NULL})

//------------------------------------------ Minari ------------------------------------------------

static void minari_s_own_file_is_read(void **state) {
    (void)state;
    static const char *const paths[] = {SAMPLES "pendulum-v0", SAMPLES "pendulum-v0/data",
                                        SAMPLES "pendulum-v0/data/main_data.hdf5"};
    for (int k = 0; k < 3; k++) {
        taken t = take_file(paths[k]);
        assert_string_equal(t.facts.format, "Minari");
        assert_string_equal(t.facts.name, "pendulum-v0");
        assert_string_equal(t.facts.env, "InvertedPendulum-v5");
        assert_string_equal(t.facts.obs_type, "float64");
        assert_non_null(strstr(t.facts.made_by, "Understudy's tests"));
        assert_int_equal(t.facts.obs_dim, 4);
        assert_int_equal(t.facts.act_dim, 1);
        assert_int_equal(t.facts.n_steps, 160);
        assert_true(t.facts.has_last_observation);
        assert_false(t.facts.has_labels);
        assert_int_equal(t.n, 4);
        for (int i = 0; i < 4; i++) {
            assert_int_equal(length(&t, i), 40);
            assert_true(t.ends[i].truncated && !t.ends[i].terminated && !t.ends[i].cut_short);
        }
        // Gymnasium's reset(seed=0) of it, as float32
        assert_float_equal(t.rows.obs[0], 0.002739233746429086f, 1e-9f);
        assert_float_equal(t.rows.reward[0], 1, 0);
        udy__rows_free(&t.rows);
    }
}

static void minari_0_4_s_file_says_what_it_is_in_attributes(void **state) {
    (void)state;
    taken t = take_file(SAMPLES "old-v0");
    assert_string_equal(t.facts.name, "old-v0");
    assert_string_equal(t.facts.made_by, "alg by me");
    assert_int_equal(t.facts.obs_dim, 3);
    assert_int_equal(t.facts.act_dim, 2);
    assert_int_equal(t.n, 1);
    assert_true(t.ends[0].terminated);
    assert_float_equal(t.rows.obs[8], 8, 0);
    assert_float_equal(t.rows.action[5], 5, 0);
    udy__rows_free(&t.rows);
}

static void a_fall_is_told_from_a_limit(void **state) {
    (void)state;
    taken t = take_file(SAMPLES "falls-v0");
    assert_int_equal(t.n, 2);
    assert_true(t.ends[0].terminated && !t.ends[0].truncated);
    assert_int_equal(length(&t, 0), 3);
    assert_string_equal(t.ends[1].place, "episode_1");
    udy__rows_free(&t.rows);
}

static void spaces_that_are_no_vectors_are_refused_by_name(void **state) {
    (void)state;
    static const char *const cases[][3] = {
        {SAMPLES "dict-v0", "observation space is a Dict", "FlattenObservation"},
        {SAMPLES "tuple-v0", "observation space is a Tuple", "FlattenObservation"},
        {SAMPLES "discrete-v0", "action space is Discrete", "Box"},
        {SAMPLES "image-v0", "image of 3 dimensions", "uint8"},
        {SAMPLES "matrix-v0", "array of 2 dimensions", "float64"},
        // the same without the metadata beside them: the file itself tells
        {"dict.hdf5", "dictionary", "goal, state"},
        {"discrete.hdf5", "discrete", "int64"},
        {"matrix.hdf5", "3 dimensions", "observations"},
    };
    static const char *const copies[] = {"dict", "discrete", "matrix"};
    for (int i = 0; i < 3; i++) {
        char from[600], name[32], *data;
        size_t n;
        udy_error err = {0};
        snprintf(from, sizeof from, SAMPLES "%s-v0/data/main_data.hdf5", copies[i]);
        snprintf(name, sizeof name, "%s.hdf5", copies[i]);
        if (udy_file_read(&data, &n, from, 1 << 20, &err)) fail_msg("%s", err.message);
        put_file(at_root(name), data, n);
        udy_free(data);
    }
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const char *path = *cases[i][0] == '/' ? cases[i][0] : at_root(cases[i][0]);
        REFUSED((&(udy_recording_source){.paths = &path, .n_paths = 1}), UDY_EUNSUPPORTED,
                cases[i][1], cases[i][2]);
    }
}

static void what_we_write_for_minari_is_read_back_alike(void **state) {
    (void)state;
    static const float obs[] = {1, 2, 3, 4, 5, 6, 7, 8}, action[] = {0.5f, -0.5f, 0.25f},
                       label[] = {1, -1, 0}, reward[] = {1, 2.5f, -3};
    static const double low[] = {-3}, high[] = {3};
    udy__minari_facts facts = {.id = "tests/mine-v2",
                               .env_spec =
                                   "{\"id\": \"Some-v1\", \"kwargs\": {\"a\": Infinity}, "
                                   "\"additional_wrappers\": [{\"name\": \"Clip\"}]}",
                               .description = "d",
                               .made_by = "m",
                               .last_observation = "l",
                               .obs_dim = 2,
                               .act_dim = 1,
                               .act_low = low,
                               .act_high = high};
    udy__minari_episode e = {.n = 3,
                             .obs = obs,
                             .action = action,
                             .label = label,
                             .reward = reward,
                             .terminated = true,
                             .has_seed = true,
                             .seed = 7};
    udy__minari_writer *w;
    udy_error err = {0};
    // The empty folder of an export that failed is not in the way.
    if (udy_dir_make(at_root("tests/mine-v2/data"), &err)) fail_msg("%s", err.message);
    for (int again = 0; again < 2; again++) {
        if (udy__minari_create(&w, root, &facts, again, &err)) fail_msg("%s", err.message);
        if (udy__minari_append(w, &e, &err)) fail_msg("%s", err.message);
        if (udy__minari_finish(w, &err)) fail_msg("%s", err.message);
    }
    assert_int_equal(udy__minari_create(&w, root, &facts, false, &err), UDY_EEXIST);
    assert_non_null(strstr(err.message, "--force"));
    assert_int_equal(count_entries(at_root("tests/mine-v2/data")), 2);
    expect_file(at_root("tests/namespace_metadata.json"), "{}");
    taken t = take_file(at_root("tests/mine-v2"));
    assert_string_equal(t.facts.env, "Some-v1");
    assert_non_null(strstr(t.facts.env_options, "Clip"));
    assert_int_equal(t.n, 1);
    assert_true(t.ends[0].terminated);
    assert_true(t.facts.has_labels);
    assert_memory_equal(t.rows.obs, obs, 6 * sizeof *obs);
    assert_memory_equal(t.rows.action, action, sizeof action);
    assert_memory_equal(t.rows.label, label, sizeof label);
    assert_memory_equal(t.rows.reward, reward, sizeof reward);
    udy__rows_free(&t.rows);
}

// In a process of its own, where a small disk can be mounted; 77: not here.
static void fill_a_disk(const char *place) {
    static const float zeros[1001 * 27];
    static const double low[8] = {-1}, high[8] = {1};
    udy__minari_facts facts = {.id = "tests/full-v0",
                               .env_spec = "{}",
                               .description = "d",
                               .made_by = "m",
                               .last_observation = "l",
                               .obs_dim = 27,
                               .act_dim = 8,
                               .act_low = low,
                               .act_high = high};
    udy__minari_episode e = {.n = 1000, .obs = zeros, .action = zeros, .reward = zeros};
    udy__minari_writer *w;
    udy_error err = {0};
    signal(SIGSEGV, SIG_DFL);  // not cmocka's, which goes on with the next test
    if (unshare(CLONE_NEWNS | (geteuid() ? CLONE_NEWUSER : 0)) ||
        mount(NULL, "/", NULL, MS_REC | MS_PRIVATE, NULL) ||
        mount("none", place, "tmpfs", 0, "size=256k"))
        _exit(77);
    int status = udy__minari_create(&w, place, &facts, false, &err);
    if (status) _exit(1);
    for (int i = 0; !status && i < 10; i++) status = udy__minari_append(w, &e, &err);
    udy__minari_discard(w);
    bool said = status == UDY_ENOSPC && strstr(err.message, "No space left");
    exit(said ? 0 : 2);  // libhdf5 cleans up
}

static void a_full_disk_is_an_error_and_no_crash(void **state) {
    (void)state;
    mkdir(at_root("full"), 0777);
    fflush(NULL);
    pid_t pid = fork();
    if (pid == 0) fill_a_disk(at_root("full"));
    int status = 0;
    assert_int_equal(waitpid(pid, &status, 0), pid);
    if (WIFEXITED(status) && WEXITSTATUS(status) == 77) skip();
    assert_int_equal(status, 0);
}

static void names_that_minari_does_not_take_are_refused(void **state) {
    (void)state;
    static const char *const good[] = {"a-v0", "ant/mine-v12", "a_b/c/d-e-v0"},
                             *const bad[] = {"",           "mine",  "mine-v",  "../x-v0",
                                             "/x-v0",      "x-v0/", "a//b-v0", "a b-v0",
                                             "x-v0x",      "-v0",   "a/-v0",   "ant/x-v0\n",
                                             "\x1b[2J-v0", "a/b-v0"};
    udy_error err = {0};
    for (size_t i = 0; i < sizeof good / sizeof *good; i++)
        if (udy__minari_check_id(good[i], &err)) fail_msg("%s", err.message);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_int_equal(udy__minari_check_id(bad[i], &err), UDY_EINVAL);
}

// Two episodes of 3 steps, with rows[i] of an expert's actions in infos.
static const char *put_labels(const uint64_t rows[2], uint64_t width) {
    static const float zeros[8], labels[] = {1, 2, 3, 4, 5, 6, 7, 8};
    static const double rewards[3];
    static char path[1024];
    udy__h5_writer *w;
    udy_error err = {0};
    int status = 0;
    snprintf(path, sizeof path, "%s", at_root("labels.hdf5"));
    if (udy__h5_create(&w, path, &err)) fail_msg("%s", err.message);
    for (int i = 0; i < 2; i++) {
        char name[64];
#define PUT(part, ...)                                    \
    snprintf(name, sizeof name, "episode_%d%s", i, part); \
    if (!status) status = udy__h5_put_##__VA_ARGS__
        PUT("", group(w, name, &err));
        PUT("/infos", group(w, name, &err));
        PUT("/observations", array(w, name, UDY_F32, 4, 2, zeros, &err));
        PUT("/actions", array(w, name, UDY_F32, 3, 1, zeros, &err));
        PUT("/rewards", array(w, name, UDY_F64, 3, 0, rewards, &err));
        PUT("/terminations", array(w, name, UDY_BOOL, 3, 0, zeros, &err));
        PUT("/truncations", array(w, name, UDY_BOOL, 3, 0, zeros, &err));
        PUT("/infos/expert_action", array(w, name, UDY_F32, rows[i], width, labels, &err));
#undef PUT
    }
    if (status || udy__h5_finish(w, &err)) fail_msg("%s", err.message);
    return path;
}

static void an_expert_s_actions_are_labels_or_are_not_said_to_be(void **state) {
    (void)state;
    // As Minari's collector keeps infos, from the reset on.
    taken t = take_file(put_labels((uint64_t[]){4, 4}, 1));
    assert_true(t.facts.has_labels);
    assert_memory_equal(t.rows.label, ((float[]){1, 2, 3, 1, 2, 3}), 6 * sizeof(float));
    udy__rows_free(&t.rows);
    t = take_file(put_labels((uint64_t[]){3, 3}, 2));  // something else by that name
    assert_false(t.facts.has_labels);
    assert_memory_equal(t.rows.label, t.rows.action, 6 * sizeof(float));
    udy__rows_free(&t.rows);
    const char *path = put_labels((uint64_t[]){3, 2}, 1);
    REFUSED((&(udy_recording_source){.paths = &path, .n_paths = 1}), UDY_EFORMAT,
            "episode_1/infos/expert_action", "3 rows of 1");
}

//------------------------------------------ D4RL, imitation ---------------------------------------

static void d4rl_s_episodes_end_at_timeouts_or_where_the_next_does_not_follow(void **state) {
    (void)state;
    taken whole = take_file(SAMPLES "pendulum-v0");
    static const char *const paths[] = {SAMPLES "d4rl.hdf5", SAMPLES "d4rl-follow.hdf5"};
    for (int k = 0; k < 2; k++) {
        taken t = take_file(paths[k]);
        assert_string_equal(t.facts.format, "D4RL");
        assert_int_equal(t.n, 4);
        for (int i = 0; i < 3; i++) {
            assert_int_equal(length(&t, i), 40);
            assert_true(t.ends[i].truncated && !t.ends[i].terminated);
        }
        assert_int_equal(length(&t, 3), 30);  // the file ends within the fourth
        assert_true(t.ends[3].cut_short);
        assert_memory_equal(t.rows.obs, whole.rows.obs, 150 * 4 * sizeof(float));
        assert_memory_equal(t.rows.action, whole.rows.action, 150 * sizeof(float));
        udy__rows_free(&t.rows);
    }
    udy__rows_free(&whole.rows);
}

static void imitation_s_trajectories_are_read_without_their_pickles(void **state) {
    (void)state;
    taken whole = take_file(SAMPLES "pendulum-v0"), t = take_file(SAMPLES "imitation.npz");
    assert_string_equal(t.facts.format, "imitation's .npz");
    assert_int_equal(t.n, 4);
    assert_int_equal(t.rows.n, 160);
    assert_true(t.facts.has_rewards);
    for (int i = 0; i < 4; i++) assert_true(!t.ends[i].terminated);
    assert_memory_equal(t.rows.obs, whole.rows.obs, 160 * 4 * sizeof(float));
    assert_memory_equal(t.rows.action, whole.rows.action, 160 * sizeof(float));
    assert_memory_equal(t.rows.reward, whole.rows.reward, 160 * sizeof(float));
    udy__rows_free(&t.rows);
    udy__rows_free(&whole.rows);
}

//------------------------------------------ CSV ---------------------------------------------------

static const char *put_csv(const char *text) {
    put_file(at_root("t.csv"), text, strlen(text));
    return at_root("t.csv");
}

static udy_recording_source csv_source(const char *const *path) {
    return (udy_recording_source){
        .paths = path, .n_paths = 1, .obs_columns = "x,y", .act_columns = "u"};
}

static void columns_are_taken_by_name_or_number(void **state) {
    (void)state;
    const char *path = put_csv("t,x,y,u,r\n0,1,2,3,4\n1,5,6,7,8\n");
    static const char *const obs[] = {"x,y", "1:3", "1,2", " x , 2", "1:2,\"y\""};
    for (size_t i = 0; i < sizeof obs / sizeof *obs; i++) {
        udy_recording_source s = csv_source(&path);
        s.obs_columns = obs[i];
        s.reward_column = "4";
        taken t;
        udy_error err;
        if (take(&t, &s, &err)) fail_msg("%s", err.message);
        assert_true(t.facts.has_header);
        assert_int_equal(t.n, 1);
        assert_int_equal(t.rows.n, 2);
        assert_true(t.ends[0].cut_short);
        assert_memory_equal(t.rows.obs, ((float[]){1, 2, 5, 6}), 4 * sizeof(float));
        assert_memory_equal(t.rows.action, ((float[]){3, 7}), 2 * sizeof(float));
        assert_memory_equal(t.rows.reward, ((float[]){4, 8}), 2 * sizeof(float));
        udy__rows_free(&t.rows);
    }
}

static void the_same_table_is_read_however_it_is_written(void **state) {
    (void)state;
    static const char *const texts[] = {
        "1,2,3\n4,5,6\n",
        "1,2,3\r\n4,5,6\r\n",
        "1,2,3\r4,5,6",
        "\xef\xbb\xbf"
        "1,2,3\n4,5,6",
        "1;2;3\n4;5;6\n",
        "1\t2\t3\n4\t5\t6\n",
        "# written by numpy.savetxt\n1.000000000000000000e+00 2.0e0 3\n  4   5  6  \n",
        "\"1\",\"2\",\"3\"\n4,\"5\",6\n",
        " 1 , 2 ,3\n4,5, 6\n",
    };
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        const char *path = put_csv(texts[i]);
        udy_recording_source s = csv_source(&path);
        s.obs_columns = "0:2";
        s.act_columns = "2:";
        taken t;
        udy_error err;
        if (take(&t, &s, &err)) fail_msg("case %zu: %s", i, err.message);
        assert_false(t.facts.has_header);
        assert_int_equal(t.n, 1);
        assert_memory_equal(t.rows.obs, ((float[]){1, 2, 4, 5}), 4 * sizeof(float));
        assert_memory_equal(t.rows.action, ((float[]){3, 6}), 2 * sizeof(float));
        udy__rows_free(&t.rows);
    }
}

static void quotes_may_hold_separators_and_line_ends(void **state) {
    (void)state;
    udy__csv *csv;
    udy__csv_record r;
    udy_error err = {0};
    const char *path = put_csv("\"a,b\",\"c\"\"d\",\"e\nf\", g \n\n1,,\"\",4\n");
    if (udy__csv_open(&csv, path, &err)) fail_msg("%s", err.message);
    assert_int_equal(udy__csv_next(csv, &r, &err), 1);
    assert_int_equal(r.n_cells, 4);
    assert_string_equal(r.cells[0], "a,b");
    assert_string_equal(r.cells[1], "c\"d");
    assert_string_equal(r.cells[2], "e\nf");
    assert_string_equal(r.cells[3], "g");
    assert_int_equal(udy__csv_next(csv, &r, &err), 1);
    assert_int_equal(r.line, 4);
    assert_true(r.after_blank);
    assert_int_equal(r.n_cells, 4);
    assert_string_equal(r.cells[1], "");
    assert_string_equal(r.cells[2], "");
    assert_int_equal(udy__csv_next(csv, &r, &err), 0);
    udy__csv_close(csv);
    char cell[32];
    udy__csv_quote(cell, sizeof cell, "torso z");
    assert_string_equal(cell, "torso z");
    udy__csv_quote(cell, sizeof cell, "a,\"b\"");
    assert_string_equal(cell, "\"a,\"\"b\"\"\"");
}

static void episodes_part_at_blank_lines_columns_ends_and_files(void **state) {
    (void)state;
    char other[1024];
    put_file(at_root("other.csv"), "x,y,u,e,d\n9,9,9,9,0\n", strlen("x,y,u,e,d\n9,9,9,9,0\n"));
    snprintf(other, sizeof other, "%s", at_root("other.csv"));
    const char *path =
        put_csv("x,y,u,e,d\n1,1,1,a,0\n2,2,2,a,0\n\n3,3,3,a,false\n4,4,4,b,True\n5,5,5,b,0\n");
    const char *paths[2] = {path, other};
    static const struct {
        const char *episode, *terminated, *truncated;
        int n_files, n;
        size_t first, last;
    } cases[] = {
        {NULL, NULL, NULL, 1, 2, 2, 3}, {"e", NULL, NULL, 1, 3, 2, 2},
        {NULL, "d", NULL, 1, 3, 2, 1},  {"e", "d", NULL, 1, 4, 2, 1},
        {NULL, NULL, "4", 2, 4, 2, 1},  {NULL, NULL, NULL, 2, 3, 2, 1},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        udy_recording_source s = csv_source(paths);
        s.n_paths = cases[i].n_files;
        s.episode_column = cases[i].episode;
        s.terminated_column = cases[i].terminated;
        s.truncated_column = cases[i].truncated;
        taken t;
        udy_error err;
        if (take(&t, &s, &err)) fail_msg("%s", err.message);
        if (t.n != cases[i].n || length(&t, 0) != cases[i].first ||
            length(&t, t.n - 1) != cases[i].last)
            fail_msg("case %zu: %d episodes, %zu to %zu steps", i, t.n, length(&t, 0),
                     length(&t, t.n - 1));
        udy__rows_free(&t.rows);
    }
    put_file(at_root("bare.csv"), "1,1,1,1,0\n", strlen("1,1,1,1,0\n"));
    char bare[1024];
    snprintf(bare, sizeof bare, "%s", at_root("bare.csv"));
    udy_recording_source s = {.paths = (const char *const[]){bare, other},
                              .n_paths = 2,
                              .obs_columns = "0:2",
                              .act_columns = "2"};
    REFUSED(&s, UDY_EMISMATCH, "other.csv: its first line", "bare.csv");
}

static void bad_cells_are_refused_with_file_line_column_and_value(void **state) {
    (void)state;
    static const struct {
        const char *text;
        int status;
        const char *said[3];
    } cases[] = {
        {"x,y,u\n1,2,3\n4,oops,6\n", UDY_EFORMAT, {"t.csv: line 3, column 1 (y)", "'oops'"}},
        {"x,y,u\n1,nan,3\n", UDY_ENONFINITE, {"line 2, column 1 (y)", "'nan'", "finite"}},
        {"x,y,u\n1,2,-inf\n", UDY_ENONFINITE, {"line 2, column 2 (u)", "'-inf'"}},
        {"x,y,u\n1,,3\n", UDY_EFORMAT, {"line 2, column 1", "not nothing"}},
        {"x,y,u\n1,1e39,3\n", UDY_EFORMAT, {"'1e39'", "float32"}},
        {"x;y;u\n1;2,5;3\n", UDY_EFORMAT, {"'2,5'", "decimal point"}},
        {"x,y,u\n1,2,3\n4,5\n", UDY_EFORMAT, {"line 3 has 2 cells", "3"}},
        {"x,y,u\n1,2,3,4\n", UDY_EFORMAT, {"line 2 has 4 cells"}},
        {"x,y,u\n\"1,2,3\n", UDY_EFORMAT, {"line 2", "never closed"}},
        {"x,y,u\n\"1\"2,2,3\n", UDY_EFORMAT, {"line 2", "after a closing quote"}},
        {"x,y,u\n0x10,2,3\n", UDY_EFORMAT, {"'0x10'"}},
        {"x,y,y\n1,2,3\n", UDY_EINVAL, {"two columns are named 'y'"}},
        {"x,z,u\n1,2,3\n", UDY_EINVAL, {"no column 'y'", "--obs-columns"}},
        {"1,2,3\n", UDY_EINVAL, {"no column 'x'", "names none", "0 to 2"}},
        {"\xff\xfe"
         "1,",
         UDY_EUNSUPPORTED,
         {"UTF-16"}},
        {"", UDY_EFORMAT, {"no lines"}},
        {"\x1b[2J,y,u\n1,2,3\n", UDY_EINVAL, {"no column 'x'"}},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const char *path = put_csv(cases[i].text);
        udy_recording_source s = csv_source(&path);
        refused(&s, cases[i].status,
                (const char *const[]){cases[i].said[0], cases[i].said[1] ? cases[i].said[1] : "",
                                      cases[i].said[2] ? cases[i].said[2] : "", NULL});
    }
    put_file(at_root("zero.csv"), "x,y,u\n1,\0,3\n", 12);
    const char *zero = at_root("zero.csv");
    udy_recording_source s = csv_source(&zero);
    REFUSED(&s, UDY_EFORMAT, "line 2", "zero byte");
    // A cell that fills the record's room, and empty cells behind it.
    enum { WIDE = (1 << 20) - 2, CELLS = 60000 };
    char *wide = malloc(WIDE + CELLS);
    assert_non_null(wide);
    memset(wide, '0', WIDE);
    memset(wide + WIDE, ',', CELLS);
    put_file(at_root("wide.csv"), wide, WIDE + CELLS);
    free(wide);
    const char *path = at_root("wide.csv");
    s = csv_source(&path);
    REFUSED(&s, UDY_EFORMAT, "line 1", "1048576 bytes");
}

static void bad_lists_of_columns_say_what_is_wrong(void **state) {
    (void)state;
    const char *path = put_csv("x,y,u\n1,2,3\n");
    static const char *const cases[][2] = {
        {"0:9", "no column 3"},
        {"7", "no column 7"},
        {"2:1", "holds no column"},
        {"x,x", "column 0 twice"},
        {"0:2,1", "column 1 twice"},
        {"x,,y", "names no column somewhere"},
        {"x,", "names no column somewhere"},
        {"-1", "no column '-1'"},
        {":", "no column ':'"},
        {"\"x\"y", "a comma is missing"},
        {"X", "did you mean 'x'"},
        {"99999999999", "no column"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        udy_recording_source s = csv_source(&path);
        s.obs_columns = cases[i][0];
        REFUSED(&s, UDY_EINVAL, cases[i][1], "t.csv");
    }
    udy_recording_source s = csv_source(&path);
    s.reward_column = "0:2";
    REFUSED(&s, UDY_EINVAL, "--reward-column", "2 columns, expected one");
    s = csv_source(&path);
    s.obs_columns = NULL;
    REFUSED(&s, UDY_EINVAL, "--obs-columns", "observations");
}

static void numbers_have_a_point_in_every_locale(void **state) {
    (void)state;
    if (!setlocale(LC_ALL, "de_DE.UTF-8") && !setlocale(LC_ALL, "de_DE")) skip();
    const char *path = put_csv("x,y,u\n1.5,2.5,3.5\n");
    udy_recording_source s = csv_source(&path);
    taken t;
    udy_error err;
    int status = take(&t, &s, &err);
    setlocale(LC_ALL, "C");
    if (status) fail_msg("%s", err.message);
    assert_float_equal(t.rows.obs[0], 1.5f, 0);
    udy__rows_free(&t.rows);
}

//------------------------------------------ NumPy -------------------------------------------------

static const char *put_npy(const char *name, udy_dtype dtype, int64_t rows, int64_t cols,
                           const void *data) {
    udy_tensor t = {.name = name, .dtype = dtype, .ndim = cols ? 2 : 1, .shape = {rows, cols}};
    char header[UDY__NPY_HEADER_MAX], all[4096];
    size_t head = udy__npy_header(header, &t),
           n = udy_dtype_size(dtype) * (size_t)(rows * (cols ? cols : 1));
    memcpy(all, header, head);
    memcpy(all + head, data, n);
    static char paths[16][1024];
    static int turn;
    put_file(at_root(name), all, head + n);
    snprintf(paths[turn % 16], sizeof paths[0], "%s", at_root(name));
    return paths[turn++ % 16];
}

static const double obs_values[] = {1, 2, 3, 4, 5, 6, 7, 8};
static const float act_values[] = {0.5f, -0.5f, 0.25f, 0};

static void a_pair_of_arrays_is_read_with_its_ends(void **state) {
    (void)state;
    const char *obs = put_npy("obs.npy", UDY_F64, 4, 2, obs_values),
               *act = put_npy("act.npy", UDY_F32, 4, 0, act_values),
               *reward = put_npy("reward.npy", UDY_I64, 4, 0, (int64_t[]){1, 2, 3, 4}),
               *ends = put_npy("ends.npy", UDY_I64, 2, 0, (int64_t[]){1, 4}),
               *flags = put_npy("flags.npy", UDY_BOOL, 4, 0, (uint8_t[]){1, 0, 0, 1}),
               *wrong = put_npy("wrong.npy", UDY_I64, 2, 0, (int64_t[]){3, 2}),
               *nan =
                   put_npy("nan.npy", UDY_F64, 4, 2, (double[]){1, 2, 3, 4, 5, (double)NAN, 7, 8});
    const char *const both[] = {ends, flags};
    for (int k = 0; k < 2; k++) {
        udy_recording_source s = {
            .obs_path = obs, .act_path = act, .reward_path = reward, .episode_ends_path = both[k]};
        taken t;
        udy_error err;
        if (take(&t, &s, &err)) fail_msg("%s", err.message);
        assert_string_equal(t.facts.obs_type, "float64");
        assert_int_equal(t.n, 2);
        assert_int_equal(length(&t, 0), 1);
        assert_int_equal(length(&t, 1), 3);
        for (int i = 0; i < 8; i++) assert_float_equal(t.rows.obs[i], (float)obs_values[i], 0);
        assert_memory_equal(t.rows.action, act_values, sizeof act_values);
        assert_float_equal(t.rows.reward[3], 4, 0);
        udy__rows_free(&t.rows);
    }
    udy_recording_source s = {.obs_path = obs, .act_path = act, .episode_ends_path = wrong};
    REFUSED(&s, UDY_EFORMAT, "wrong.npy", "element 1 is 2");
    s = (udy_recording_source){.obs_path = nan, .act_path = act};
    REFUSED(&s, UDY_ENONFINITE, "nan.npy", "row 2, column 1");
    s = (udy_recording_source){.obs_path = obs};
    REFUSED(&s, UDY_EINVAL, "the actions' is missing");
    s = (udy_recording_source){.obs_path = obs, .act_path = ends};
    REFUSED(&s, UDY_EMISMATCH, "ends.npy has 2 rows", "obs.npy 4");
}

static void one_array_is_read_by_its_columns(void **state) {
    (void)state;
    const char *path = put_npy("table.npy", UDY_F64, 2, 4, obs_values);
    udy_recording_source s = {.paths = &path,
                              .n_paths = 1,
                              .obs_columns = "0:2",
                              .act_columns = "2",
                              .episode_column = "3"};
    taken t;
    udy_error err;
    if (take(&t, &s, &err)) fail_msg("%s", err.message);
    assert_int_equal(t.n, 2);
    assert_memory_equal(t.rows.obs, ((float[]){1, 2, 5, 6}), 4 * sizeof(float));
    assert_memory_equal(t.rows.action, ((float[]){3, 7}), 2 * sizeof(float));
    udy__rows_free(&t.rows);
    s.obs_columns = "x";
    REFUSED(&s, UDY_EINVAL, "table.npy", "counted from 0 to 3");
}

static void options_that_a_format_does_not_hear_are_refused(void **state) {
    (void)state;
    const char *obs = put_npy("obs.npy", UDY_F64, 4, 2, obs_values),
               *act = put_npy("act.npy", UDY_F32, 4, 0, act_values),
               *table = put_npy("table.npy", UDY_F64, 2, 4, obs_values),
               *csv = put_csv("x,y,u\n1,2,3\n"), *minari = SAMPLES "pendulum-v0";
    udy_recording_source s = csv_source(&csv);
    s.episode_ends_path = "ends.npy";
    REFUSED(&s, UDY_EINVAL, "--episode-ends", "t.csv");
    s = (udy_recording_source){.paths = &table,
                               .n_paths = 1,
                               .obs_columns = "0:2",
                               .act_columns = "2",
                               .reward_path = act};
    REFUSED(&s, UDY_EINVAL, "--reward ", "table.npy");
    s = (udy_recording_source){.paths = &minari, .n_paths = 1, .obs_columns = "0:2"};
    REFUSED(&s, UDY_EINVAL, "--obs-columns", "pendulum");
    s = (udy_recording_source){.obs_path = obs, .act_path = act, .reward_column = "3"};
    REFUSED(&s, UDY_EINVAL, "--reward-column", "--obs, --act");
}

static void arrays_of_ours_are_read_by_d4rl_s_names(void **state) {
    (void)state;
    udy_tensor arrays[] = {
        {.name = "observations", .dtype = UDY_F32, .ndim = 2, .shape = {3, 2}},
        {.name = "actions", .dtype = UDY_F32, .ndim = 2, .shape = {3, 1}},
        {.name = "rewards", .dtype = UDY_F32, .ndim = 1, .shape = {3}},
        {.name = "terminals", .dtype = UDY_BOOL, .ndim = 1, .shape = {3}},
        {.name = "timeouts", .dtype = UDY_BOOL, .ndim = 1, .shape = {3}},
        {.name = "episode_ends", .dtype = UDY_I64, .ndim = 1, .shape = {2}},
    };
    void *data[6];
    udy__npz *npz;
    udy_error err = {0};
    if (udy__npz_begin(&npz, arrays, 6, data, &err)) fail_msg("%s", err.message);
    for (int i = 0; i < 6; i++) ((float *)data[0])[i] = (float)i;
    ((uint8_t *)data[3])[2] = 1;
    memcpy(data[5], (int64_t[]){1, 3}, 16);
    char path[1024];
    snprintf(path, sizeof path, "%s", at_root("ours.npz"));
    if (udy__npz_write(npz, path, &err)) fail_msg("%s", err.message);
    udy__npz_free(npz);
    taken t = take_file(path);
    assert_string_equal(t.facts.obs_type, "float32");
    assert_int_equal(t.n, 2);
    assert_true(t.ends[0].cut_short);
    assert_true(t.ends[1].terminated);
    assert_int_equal(length(&t, 1), 2);
    assert_float_equal(t.rows.obs[5], 5, 0);
    udy__rows_free(&t.rows);
}

//------------------------------------------ What is none of these ---------------------------------

static void what_is_no_recording_says_what_it_is(void **state) {
    (void)state;
    mkdir(at_root("empty"), 0777);
    mkdir(at_root("hf"), 0777);
    put_file(at_root("hf/dataset_info.json"), "{}", 2);
    mkdir(at_root("arrow"), 0777);
    static const char arrow[] = "{\"data_format\": \"arrow\", \"ref_max_score\": NaN}";
    put_file(at_root("arrow/metadata.json"), arrow, strlen(arrow));
    put_file(at_root("cut.hdf5"), "\x89HDF\r\n\x1a\n", 8);
    static const struct {
        const char *name;
        int status;
        const char *said;
    } cases[] = {{"empty", UDY_EFORMAT, "no Minari dataset"},
                 {"hf", UDY_EUNSUPPORTED, "imitation.data.serialize.load"},
                 {"arrow", UDY_EUNSUPPORTED, "'arrow'"},
                 {"nosuch", UDY_ENOENT, "nosuch"},
                 {"cut.hdf5", UDY_EFORMAT, "libhdf5"}};
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        const char *path = at_root(cases[i].name);
        udy_recording_source s = {.paths = &path, .n_paths = 1};
        REFUSED(&s, cases[i].status, cases[i].said);
    }
    const char *path = at_root("empty");
    udy_recording_source s = {.paths = &path, .n_paths = 1, .format = "minary"};
    REFUSED(&s, UDY_EINVAL, "did you mean 'minari'");
}

static void an_array_that_claims_more_than_its_file_is_refused(void **state) {
    (void)state;
    // A kilobyte of file that says it has 2^40 rows: never written, so all fill values.
    udy__h5 *file;
    udy__h5_info info;
    udy_error err = {0};
    const char *path = UDY_SOURCE_DIR "/tests/data/minari/sparse.hdf5";
    if (udy__h5_open(&file, path, &err)) fail_msg("%s", err.message);
    assert_int_equal(udy__h5_look(file, "observations", &info, &err), UDY_EFORMAT);
    assert_non_null(strstr(err.message, "more than the file can hold"));
    udy__h5_close(file);
    udy_recording_source s = {.paths = &path, .n_paths = 1};
    REFUSED(&s, UDY_EFORMAT, "sparse.hdf5: 'observations'", "more than the file can hold");
}

static void data_in_other_files_are_not_read(void **state) {
    (void)state;
    static const char *const said[] = {"link out of the file", "lie in other files",
                                       "lie in other files"};
    static const char *const names[] = {"linked", "external", "virtual"};
    udy__h5 *file;
    udy__h5_info info;
    udy_error err = {0};
    if (udy__h5_open(&file, UDY_SOURCE_DIR "/tests/data/minari/elsewhere.hdf5", &err))
        fail_msg("%s", err.message);
    for (int i = 0; i < 3; i++) {
        assert_int_equal(udy__h5_look(file, names[i], &info, &err), UDY_EUNSUPPORTED);
        assert_non_null(strstr(err.message, said[i]));
    }
    assert_int_equal(udy__h5_look(file, "lzf", &info, &err), UDY_EUNSUPPORTED);
    assert_non_null(strstr(err.message, "gzip"));
    udy__h5_close(file);
    // A link within the file to what a link out of it leads to.
    if (udy__h5_open(&file, UDY_SOURCE_DIR "/tests/data/minari/detour.hdf5", &err))
        fail_msg("%s", err.message);
    assert_int_equal(udy__h5_look(file, "detour", &info, &err), UDY_EFORMAT);
    assert_int_equal(udy__h5_look(file, "away", &info, &err), UDY_EUNSUPPORTED);
    assert_int_equal(udy__h5_look(file, "away/observations", &info, &err), UDY_EUNSUPPORTED);
    udy__h5_close(file);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(minari_s_own_file_is_read),
        cmocka_unit_test(minari_0_4_s_file_says_what_it_is_in_attributes),
        cmocka_unit_test(a_full_disk_is_an_error_and_no_crash),
        cmocka_unit_test(a_fall_is_told_from_a_limit),
        cmocka_unit_test(spaces_that_are_no_vectors_are_refused_by_name),
        cmocka_unit_test(what_we_write_for_minari_is_read_back_alike),
        cmocka_unit_test(names_that_minari_does_not_take_are_refused),
        cmocka_unit_test(an_expert_s_actions_are_labels_or_are_not_said_to_be),
        cmocka_unit_test(d4rl_s_episodes_end_at_timeouts_or_where_the_next_does_not_follow),
        cmocka_unit_test(imitation_s_trajectories_are_read_without_their_pickles),
        cmocka_unit_test(columns_are_taken_by_name_or_number),
        cmocka_unit_test(the_same_table_is_read_however_it_is_written),
        cmocka_unit_test(quotes_may_hold_separators_and_line_ends),
        cmocka_unit_test(episodes_part_at_blank_lines_columns_ends_and_files),
        cmocka_unit_test(bad_cells_are_refused_with_file_line_column_and_value),
        cmocka_unit_test(bad_lists_of_columns_say_what_is_wrong),
        cmocka_unit_test(numbers_have_a_point_in_every_locale),
        cmocka_unit_test(a_pair_of_arrays_is_read_with_its_ends),
        cmocka_unit_test(one_array_is_read_by_its_columns),
        cmocka_unit_test(options_that_a_format_does_not_hear_are_refused),
        cmocka_unit_test(arrays_of_ours_are_read_by_d4rl_s_names),
        cmocka_unit_test(what_is_no_recording_says_what_it_is),
        cmocka_unit_test(an_array_that_claims_more_than_its_file_is_refused),
        cmocka_unit_test(data_in_other_files_are_not_read),
    };
    return cmocka_run_group_tests_name("recordings", tests, make_root, remove_root);
}
