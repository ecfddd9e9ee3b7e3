// Datasets: what goes in comes out, a kill or a full disk costs at most the shard under way, and a
// damaged shard costs no more than itself.
#include <math.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include "learn/dataset.h"
#include "test_learn_common.h"

static udy_task *task;  // episodes of at most 20 steps

//------------------------------------------ Helpers -----------------------------------------------

static udy_dataset *created(const char *path) {
    udy_dataset *d;
    CHECK(udy_dataset_create(&d, path, task, "a test", err));
    return d;
}

static udy_dataset *opened_watched(const char *path, watcher *w) {
    udy_dataset *d;
    udy_progress progress = watched(w);
    CHECK(udy_dataset_open(&d, path, &progress, err));
    return d;
}

static udy_dataset *opened(const char *path) {
    watcher w = {0};
    udy_dataset *d = opened_watched(path, &w);
    if (w.n_messages) fail_msg("%s", w.message);
    return d;
}

// One shard of made-up episodes of these lengths (0 ends the list); returns its rows.
static int append_lengths(udy_dataset *d, const int *lengths, uint64_t seed, int round) {
    udy_episode episodes[16];
    int n = 0, rows = 0;
    for (; lengths[n]; n++) {
        episodes[n] = made_up_episode(lengths[n], seed + (uint64_t)n,
                                      n % 2 ? UDY_END_LIMIT : UDY_END_TOO_LOW);
        rows += lengths[n];
    }
    CHECK(udy_dataset_append(d, episodes, n, NULL, round, err));
    udy_episodes_free(episodes, n);
    return rows;
}

// Three shards of 12, 11 and 10 rows: episodes of seeds 10.., 20.., 30...
static void make_three_shards(const char *path) {
    udy_dataset *d = created(path);
    append_lengths(d, (int[]){5, 7, 0}, 10, 0);
    append_lengths(d, (int[]){3, 4, 4, 0}, 20, 1);
    append_lengths(d, (int[]){10, 0}, 30, 2);
    udy_dataset_close(d);
}

static void expect_rows_of(const udy_dataset *d, uint64_t first_row, int length, uint64_t seed) {
    udy_episode e = made_up_episode(length, seed, UDY_END_NONE);
    for (int t = 0; t < length; t++) {
        uint64_t row = first_row + (uint64_t)t;
        assert_memory_equal(udy_dataset_obs(d, row), e.obs + t * O_DIM, O_DIM * sizeof(float));
        assert_memory_equal(udy_dataset_action(d, row), e.action + t * A_DIM,
                            A_DIM * sizeof(float));
    }
    udy_episodes_free(&e, 1);
}

static const char *shard_path(const char *dir, int i) {
    static char path[1400];
    snprintf(path, sizeof path, "%s/shard-%05d.safetensors", dir, i);
    return path;
}

static void put_manifest(const char *dir, const char *text) {
    char path[1400];
    snprintf(path, sizeof path, "%s/manifest.json", dir);
    put_file(path, text, strlen(text));
}

// Change n bytes of a file in place.
static void overwrite(const char *path, long at, const void *bytes, size_t n) {
    FILE *f = fopen(path, "r+b");
    assert_non_null(f);
    assert_int_equal(fseek(f, at, at < 0 ? SEEK_END : SEEK_SET), 0);
    assert_int_equal(fwrite(bytes, 1, n, f), n);
    assert_int_equal(fclose(f), 0);
}

//------------------------------------------ There and back ----------------------------------------

static void appended_episodes_come_back_exactly(void **state) {
    (void)state;
    char path[1024];
    fresh("exact", path);
    udy_dataset *d = created(path);
    udy_dataset_info info = udy_dataset_info_of(d);
    assert_int_equal(info.n_rows, 0);
    assert_int_equal(info.n_episodes, 0);
    float labels[12 * A_DIM];
    for (int i = 0; i < 12 * A_DIM; i++) labels[i] = (float)i / 100;
    udy_episode episodes[] = {made_up_episode(5, 10, UDY_END_TOO_HIGH),
                              made_up_episode(7, 11, UDY_END_LIMIT)};
    CHECK(udy_dataset_append(d, episodes, 2, labels, 3, err));
    append_lengths(d, (int[]){4, 0}, 20, 4);
    for (int pass = 0; pass < 2; pass++) {  // the handle that wrote, and one that reads
        info = udy_dataset_info_of(d);
        assert_string_equal(info.path, path);
        assert_string_equal(info.task, "Ant-v5");
        assert_false(info.contact_obs);
        assert_int_equal(info.obs_dim, O_DIM);
        assert_int_equal(info.act_dim, A_DIM);
        assert_int_equal(info.n_shards, 2);
        assert_int_equal(info.n_shards_bad, 0);
        assert_int_equal(info.n_rows, 16);
        assert_int_equal(info.n_labels, 16);
        assert_int_equal(info.n_episodes, 3);
        for (int i = 0, row = 0; i < 2; row += episodes[i++].length) {
            udy_dataset_episode e = udy_dataset_episode_at(d, i);
            assert_int_equal(e.first_row, row);
            assert_int_equal(e.length, episodes[i].length);
            assert_int_equal(e.round, 3);
            assert_true(e.ret == episodes[i].ret);
            assert_int_equal(e.terminated, i == 0);
            assert_int_equal(e.truncated, i == 1);
            const float *view_labels;
            udy_episode v = udy__dataset_view(d, i, &view_labels);
            size_t T = (size_t)e.length;
            assert_int_equal(v.length, e.length);
            assert_memory_equal(v.obs, episodes[i].obs, T * O_DIM * sizeof(float));
            assert_memory_equal(v.action, episodes[i].action, T * A_DIM * sizeof(float));
            assert_memory_equal(v.reward, episodes[i].reward, T * sizeof(float));
            assert_memory_equal(view_labels, labels + row * A_DIM, T * A_DIM * sizeof(float));
            for (int t = 0; t < e.length; t++) {
                uint64_t r = (uint64_t)(row + t);
                assert_memory_equal(udy_dataset_obs(d, r), episodes[i].obs + t * O_DIM,
                                    O_DIM * sizeof(float));
                assert_memory_equal(udy_dataset_action(d, r), labels + r * A_DIM,
                                    A_DIM * sizeof(float));
            }
        }
        expect_rows_of(d, 12, 4, 20);
        CHECK(udy_dataset_check(d, err));
        udy_dataset_close(d);
        d = opened(path);
    }
    udy_dataset_close(d);
    udy_dataset_close(NULL);
    udy_episodes_free(episodes, 2);
}

static void views_appended_elsewhere_make_the_same_bytes(void **state) {
    (void)state;
    char from[1024], to[1024];
    fresh("from", from);
    fresh("to", to);
    make_three_shards(from);
    udy_dataset *a = opened(from), *b = created(to);
    udy_episode views[2] = {udy__dataset_view(a, 0, NULL), udy__dataset_view(a, 1, NULL)};
    CHECK(udy_dataset_append(b, views, 2, NULL, 0, err));
    udy_dataset_close(a);
    udy_dataset_close(b);
    char x[1400];
    snprintf(x, sizeof x, "%s", shard_path(from, 0));
    assert_true(files_equal(x, shard_path(to, 0)));
}

static void fill_gathers_rows_of_any_shard_in_any_order(void **state) {
    (void)state;
    char path[1024];
    fresh("fill", path);
    make_three_shards(path);
    udy_dataset *d = opened(path);
    uint32_t index[33];
    udy_rng rng;
    udy_rng_init(&rng, 0);
    udy_rng_permutation(&rng, index, 33);
    float x[33 * O_DIM], y[33 * A_DIM];
    udy__dataset_fill(d, index, 33, x, y);
    for (int i = 0; i < 33; i++) {
        assert_memory_equal(x + i * O_DIM, udy_dataset_obs(d, index[i]), O_DIM * sizeof(float));
        assert_memory_equal(y + i * A_DIM, udy_dataset_action(d, index[i]), A_DIM * sizeof(float));
    }
    udy_dataset_close(d);
}

static void nothing_recorded_is_nothing_to_append(void **state) {
    (void)state;
    char path[1024];
    fresh("nothing", path);
    udy_dataset *d = created(path);
    udy_episode unrecorded = {.length = 4};
    EXPECT_ERROR(UDY_EINVAL, udy_dataset_append(d, &unrecorded, 1, NULL, 0, err), "episode 0");
    udy_episode empty = made_up_episode(1, 0, UDY_END_NONE);
    empty.length = 0;
    EXPECT_ERROR(UDY_EINVAL, udy_dataset_append(d, &empty, 1, NULL, 0, err), "no rows");
    udy_episodes_free(&empty, 1);
    assert_int_equal(count_entries(path), 1);  // the manifest alone
    udy_dataset_close(d);
}

//------------------------------------------ Damage ------------------------------------------------

static void cut_short(const char *path) {
    assert_int_equal(truncate(path, 1500), 0);
}
static void cut_by_a_byte(const char *path) {
    struct stat st;
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(truncate(path, st.st_size - 1), 0);
}
static void flip_header(const char *path) {
    overwrite(path, 9, "#", 1);
}
static void huge_header(const char *path) {
    overwrite(path, 0, "\xff\xff\xff\xff\xff\xff\xff\x7f", 8);
}
static void lose(const char *path) {
    assert_int_equal(remove(path), 0);
}
static void empty_it(const char *path) {
    put_file(path, "", 0);
}
static void make_folder(const char *path) {
    lose(path);
    assert_int_equal(mkdir(path, 0777), 0);
}
// A sound file with other columns.
static void other_columns(const char *path) {
    const float x[4] = {0};
    udy_tensor t = {.name = "observation",
                    .dtype = UDY_F32,
                    .ndim = 2,
                    .shape = {2, 2},
                    .data = x,
                    .n_bytes = 16};
    CHECK(udy_safetensors_write(path, &t, 1, NULL, 0, err));
}
// A shard of the task's other form: 105 observations.
static void other_task(const char *path) {
    char elsewhere[1024];
    fresh("other-form", elsewhere);
    udy_task *contact = make_task(20, true);
    udy_dataset *d;
    CHECK(udy_dataset_create(&d, elsewhere, contact, NULL, err));
    udy_episode e = made_up_episode(40, 0, UDY_END_LIMIT);
    e.length = 8;  // as 105 columns take more numbers a row
    CHECK(udy_dataset_append(d, &e, 1, NULL, 0, err));
    udy_episodes_free(&e, 1);
    udy_dataset_close(d);
    udy_task_destroy(contact);
    assert_int_equal(rename(shard_path(elsewhere, 0), path), 0);
}

static void a_damaged_shard_is_skipped_with_a_message_and_the_rest_is_used(void **state) {
    (void)state;
    static void (*const damages[])(const char *) = {cut_short,   cut_by_a_byte, flip_header,
                                                    huge_header, lose,          empty_it,
                                                    make_folder, other_columns, other_task};
    for (size_t i = 0; i < sizeof damages / sizeof *damages; i++) {
        char path[1024], middle[1400];
        fresh("damaged", path);
        make_three_shards(path);
        snprintf(middle, sizeof middle, "%s", shard_path(path, 1));
        damages[i](middle);
        watcher w = {0};
        udy_dataset *d = opened_watched(path, &w);
        assert_int_equal(w.n_messages, 1);
        assert_non_null(strstr(w.message, "shard-00001.safetensors"));
        udy_dataset_info info = udy_dataset_info_of(d);
        assert_int_equal(info.n_shards, 2);
        assert_int_equal(info.n_shards_bad, 1);
        assert_int_equal(info.n_rows, 22);
        assert_int_equal(info.n_episodes, 3);
        expect_rows_of(d, 0, 5, 10);
        expect_rows_of(d, 5, 7, 11);
        expect_rows_of(d, 12, 10, 30);  // numbered through the good ones
        assert_int_equal(udy_dataset_episode_at(d, 2).first_row, 12);
        assert_int_equal(udy_dataset_episode_at(d, 2).round, 2);
        // Going on with it keeps the list as it is, the damaged one included.
        append_lengths(d, (int[]){6, 0}, 40, 3);
        expect_rows_of(d, 22, 6, 40);
        udy_dataset_close(d);
        w = (watcher){0};
        d = opened_watched(path, &w);
        assert_int_equal(udy_dataset_info_of(d).n_rows, 28);
        assert_int_equal(udy_dataset_info_of(d).n_shards_bad, 1);
        expect_rows_of(d, 22, 6, 40);
        udy_dataset_close(d);
    }
}

static void every_shard_damaged_leaves_an_empty_dataset(void **state) {
    (void)state;
    char path[1024];
    fresh("ruins", path);
    make_three_shards(path);
    for (int i = 0; i < 3; i++) cut_short(shard_path(path, i));
    watcher w = {0};
    udy_dataset *d = opened_watched(path, &w);
    assert_int_equal(w.n_messages, 3);
    assert_int_equal(udy_dataset_info_of(d).n_rows, 0);
    assert_int_equal(udy_dataset_info_of(d).n_shards_bad, 3);
    CHECK(udy_dataset_check(d, err));
    udy_dataset_close(d);
}

static void nan_and_infinity_are_named_by_shard_column_and_row(void **state) {
    (void)state;
    static const struct {
        int which;
        const char *column;
    } cases[] = {{0, "'observation'"}, {1, "'behaviour'"}, {2, "'reward'"}, {3, "'action'"}};
    for (int c = 0; c < 4; c++) {
        char path[1024];
        fresh("nan", path);
        make_three_shards(path);
        udy_dataset *d = opened(path);
        udy_episode e[2] = {made_up_episode(3, 0, UDY_END_LIMIT),
                            made_up_episode(3, 1, UDY_END_LIMIT)};
        float labels[6 * A_DIM] = {0};
        if (cases[c].which == 0) e[1].obs[1 * O_DIM + 26] = NAN;
        if (cases[c].which == 1) e[1].action[1 * A_DIM + 3] = INFINITY;
        if (cases[c].which == 2) e[1].reward[1] = -INFINITY;
        if (cases[c].which == 3) labels[4 * A_DIM + 7] = NAN;
        CHECK(udy_dataset_append(d, e, 2, labels, 0, err));
        EXPECT_ERROR(UDY_ENONFINITE, udy_dataset_check(d, err), path, "shard-00003.safetensors",
                     cases[c].column, "row 4");
        udy_episodes_free(e, 2);
        udy_dataset_close(d);
    }
}

//------------------------------------------ Manifests ---------------------------------------------

#define HEAD "{\"format\": \"understudy.dataset/1\", \"task\": \"Ant-v5\", "
#define DIMS "\"obs_dim\": 27, \"act_dim\": 8, "

static void what_is_no_dataset_is_said_to_be_none(void **state) {
    (void)state;
    udy_dataset *d;
    EXPECT_ERROR(UDY_ENOENT, udy_dataset_open(&d, at_root("nowhere"), NULL, err), "nowhere",
                 "not a dataset");
    CHECK(udy_dir_make(at_root("bare"), err));
    EXPECT_ERROR(UDY_ENOENT, udy_dataset_open(&d, at_root("bare"), NULL, err), "bare",
                 "not a dataset");
    assert_null(d);
}

static void an_occupied_folder_is_refused(void **state) {
    (void)state;
    char path[1024];
    fresh("occupied", path);
    udy_dataset *d;
    CHECK(udy_dir_make(path, err));
    udy_dataset_close(created(path));  // empty is fine
    EXPECT_ERROR(UDY_EEXIST, udy_dataset_create(&d, path, task, NULL, err), path, "not empty");
    assert_null(d);
    put_file(at_root("a-file"), "x", 1);
    EXPECT_ERROR(UDY_EEXIST, udy_dataset_create(&d, at_root("a-file"), task, NULL, err), "a-file",
                 "is a file");
}

static void a_shard_taken_off_the_list_by_hand_costs_no_other(void **state) {
    (void)state;
    char path[1024];
    fresh("edited", path);
    make_three_shards(path);
    put_manifest(
        path, HEAD DIMS "\"shards\": [\"shard-00000.safetensors\", \"shard-00002.safetensors\"]}");
    udy_dataset *d = opened(path);
    append_lengths(d, (int[]){6, 0}, 40, 3);  // must not take the name of shard 2
    udy_dataset_close(d);
    d = opened(path);
    assert_int_equal(udy_dataset_info_of(d).n_rows, 28);
    expect_rows_of(d, 12, 10, 30);
    expect_rows_of(d, 22, 6, 40);
    udy_dataset_close(d);
}

//------------------------------------------ Kills and full disks ----------------------------------

static void a_shard_that_is_not_listed_is_ignored_and_overwritten(void **state) {
    (void)state;
    char path[1024];
    fresh("orphan", path);
    make_three_shards(path);
    put_file(shard_path(path, 3), "half a shard", 12);
    udy_dataset *d = opened(path);
    assert_int_equal(udy_dataset_info_of(d).n_rows, 33);
    append_lengths(d, (int[]){6, 0}, 40, 3);
    udy_dataset_close(d);
    d = opened(path);
    assert_int_equal(udy_dataset_info_of(d).n_rows, 39);
    expect_rows_of(d, 33, 6, 40);
    assert_int_equal(count_entries(path), 5);
    udy_dataset_close(d);
}

// Appends to the dataset until it is killed.
static void append_for_ever(const char *path) {
    for (uint64_t i = 0;; i++) {
        udy_dataset *d;
        if (udy_dataset_open(&d, path, NULL, NULL)) _exit(3);
        udy_episode e =
            made_up_episode(50, 100 + (uint64_t)udy_dataset_info_of(d).n_shards, UDY_END_LIMIT);
        if (udy_dataset_append(d, &e, 1, NULL, 0, NULL)) _exit(4);
        udy_episodes_free(&e, 1);
        udy_dataset_close(d);
    }
}

static void a_kill_loses_at_most_the_shard_under_way(void **state) {
    (void)state;
    char path[1024];
    fresh("killed", path);
    udy_dataset_close(created(path));
    udy_rng rng;
    udy_rng_init(&rng, 11);
    int before = 0;
    for (int i = 0; i < 12; i++) {
        pid_t child = fork();
        assert_true(child >= 0);
        if (child == 0) append_for_ever(path);
        usleep((useconds_t)udy_rng_uniform(&rng, 5e3, 60e3));
        kill(child, SIGKILL);
        int how;
        assert_int_equal(waitpid(child, &how, 0), child);
        assert_true(WIFSIGNALED(how));
        udy_dataset *d = opened(path);  // no message: no shard is damaged
        udy_dataset_info info = udy_dataset_info_of(d);
        assert_true(info.n_shards >= before);
        before = info.n_shards;
        assert_int_equal(info.n_rows, 50 * (uint64_t)info.n_shards);
        for (int k = 0; k < info.n_shards; k++)
            expect_rows_of(d, 50 * (uint64_t)k, 50, 100 + (uint64_t)k);
        udy_dataset_close(d);
    }
    assert_true(before > 5);
}

static void a_full_disk_leaves_the_dataset_as_it_was(void **state) {
    (void)state;
    char path[1024];
    fresh("full", path);
    make_three_shards(path);
    size_t entries = count_entries(path);
    struct rlimit was, tight;
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &was), 0);
    signal(SIGXFSZ, SIG_IGN);
    for (int kind = 0; kind < 2; kind++) {
        udy_dataset *d = opened(path);
        udy_episode e = made_up_episode(kind ? 1 : 400, 77, UDY_END_LIMIT);
        tight = was;
        tight.rlim_cur = kind ? 64 : 20000;  // full from the first bytes on, or in the midst of it
        assert_int_equal(setrlimit(RLIMIT_FSIZE, &tight), 0);
        udy_error why = {0};
        int status = udy_dataset_append(d, &e, 1, NULL, 0, &why);
        assert_int_equal(setrlimit(RLIMIT_FSIZE, &was), 0);
        assert_int_equal(status, UDY_ENOSPC);
        assert_non_null(strstr(why.message, path));
        assert_int_equal(count_entries(path), entries);
        assert_int_equal(udy_dataset_info_of(d).n_rows, 33);  // this handle goes on too
        expect_rows_of(d, 23, 10, 30);
        udy_dataset_close(d);
        d = opened(path);
        assert_int_equal(udy_dataset_info_of(d).n_rows, 33);
        CHECK(udy_dataset_append(d, &e, 1, NULL, 9, err));  // once there is room
        assert_int_equal(udy_dataset_info_of(d).n_rows, kind ? 34 : 433);
        CHECK(udy_dataset_truncate(d, 3, err));
        udy_dataset_close(d);
        udy_episodes_free(&e, 1);
    }
    signal(SIGXFSZ, SIG_DFL);
}

static void truncate_forgets_shards_and_their_files(void **state) {
    (void)state;
    char path[1024];
    fresh("truncated", path);
    make_three_shards(path);
    udy_dataset *d = opened(path);
    EXPECT_ERROR(UDY_EINVAL, udy_dataset_truncate(d, 4, err), "4 of 3");
    EXPECT_ERROR(UDY_EINVAL, udy_dataset_truncate(d, -1, err), "-1 of 3");
    CHECK(udy_dataset_truncate(d, 3, err));
    assert_int_equal(udy_dataset_info_of(d).n_rows, 33);
    CHECK(udy_dataset_truncate(d, 1, err));
    assert_int_equal(udy_dataset_info_of(d).n_rows, 12);
    assert_int_equal(udy_dataset_info_of(d).n_episodes, 2);
    expect_rows_of(d, 5, 7, 11);
    assert_int_equal(count_entries(path), 2);
    append_lengths(d, (int[]){3, 4, 4, 0}, 20, 1);
    expect_rows_of(d, 12, 3, 20);
    udy_dataset_close(d);
    d = opened(path);
    assert_int_equal(udy_dataset_info_of(d).n_rows, 23);
    CHECK(udy_dataset_truncate(d, 0, err));
    assert_int_equal(udy_dataset_info_of(d).n_rows, 0);
    udy_dataset_close(d);
    assert_int_equal(count_entries(path), 1);
}

//------------------------------------------ Memory ------------------------------------------------

static size_t resident_bytes(void) {
    long pages = 0, resident = 0;
    FILE *f = fopen("/proc/self/statm", "r");
    assert_non_null(f);
    assert_int_equal(fscanf(f, "%ld %ld", &pages, &resident), 2);
    fclose(f);
    return (size_t)resident * (size_t)sysconf(_SC_PAGESIZE);
}

static void opening_a_large_dataset_takes_little_memory(void **state) {
    (void)state;
    enum { ROWS = 130000, SHARDS = 4 };  // 100 MB
    char path[1024];
    fresh("large", path);
    udy_dataset *d = created(path);
    udy_episode e = made_up_episode(ROWS, 1, UDY_END_LIMIT);
    for (int i = 0; i < SHARDS; i++) CHECK(udy_dataset_append(d, &e, 1, NULL, 0, err));
    udy_dataset_close(d);
    size_t before = resident_bytes();
    d = opened(path);
    size_t after = resident_bytes();
    assert_int_equal(udy_dataset_info_of(d).n_rows, SHARDS * ROWS);
    size_t size = (size_t)SHARDS * ROWS * (O_DIM + 2 * A_DIM + 1) * sizeof(float);
    assert_true(size > (size_t)80 << 20);
    if (after > before + size / 5) fail_msg("%zu bytes more", after - before);
    assert_memory_equal(udy_dataset_obs(d, 3 * ROWS + 7), e.obs + 7 * O_DIM, O_DIM * sizeof(float));
    udy_dataset_close(d);
    udy_episodes_free(&e, 1);
    fresh("large", path);
}

static int set_up(void **state) {
    task = make_task(20, false);
    return make_root(state);
}

static int tear_down(void **state) {
    udy_task_destroy(task);
    return remove_root(state);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(appended_episodes_come_back_exactly),
        cmocka_unit_test(views_appended_elsewhere_make_the_same_bytes),
        cmocka_unit_test(fill_gathers_rows_of_any_shard_in_any_order),
        cmocka_unit_test(nothing_recorded_is_nothing_to_append),
        cmocka_unit_test(a_damaged_shard_is_skipped_with_a_message_and_the_rest_is_used),
        cmocka_unit_test(every_shard_damaged_leaves_an_empty_dataset),
        cmocka_unit_test(nan_and_infinity_are_named_by_shard_column_and_row),
        cmocka_unit_test(what_is_no_dataset_is_said_to_be_none),
        cmocka_unit_test(an_occupied_folder_is_refused),
        cmocka_unit_test(a_shard_taken_off_the_list_by_hand_costs_no_other),
        cmocka_unit_test(a_shard_that_is_not_listed_is_ignored_and_overwritten),
        cmocka_unit_test(a_kill_loses_at_most_the_shard_under_way),
        cmocka_unit_test(a_full_disk_leaves_the_dataset_as_it_was),
        cmocka_unit_test(truncate_forgets_shards_and_their_files),
        cmocka_unit_test(opening_a_large_dataset_takes_little_memory),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
