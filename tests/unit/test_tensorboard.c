// TensorBoard event files: the bytes are what the format says, whatever happens to the disk, the
// process or the arguments. TensorBoard's own reader is the second witness:
// tests/golden/read_events.sh drives this program as `test_tensorboard write FOLDER`.
#include <math.h>
#include <pthread.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>

#include "event_file.h"

#define DIR_NAME "events"
static char at_events[1024];  // for threads, which may not call at_root

static int remove_events(void **state) {
    (void)state;
    nftw(at_root(DIR_NAME), remove_entry, 8, FTW_DEPTH | FTW_PHYS);
    return 0;
}

static udy_tb *opened(int64_t purge_step) {
    udy_tb *tb;
    udy_error err = {0};
    if (udy_tb_open(&tb, at_root(DIR_NAME), purge_step, &err)) fail_msg("%s", err.message);
    assert_non_null(tb);
    return tb;
}

static void put(udy_tb *tb, const char *tag, int64_t step, double value) {
    udy_error err = {0};
    if (udy_tb_scalar(tb, tag, step, value, &err)) fail_msg("%s", err.message);
}

// The i-th event file, in the order in which TensorBoard reads them.
static const char *file_path(size_t i) {
    static char path[1024];
    char **names;
    size_t n;
    assert_int_equal(udy_dir_list(&names, &n, at_root(DIR_NAME), "", NULL), UDY_OK);
    assert_true(i < n);
    snprintf(path, sizeof path, "%s/%s", at_root(DIR_NAME), names[i]);
    udy_free(names);
    return path;
}

static off_t file_size(const char *path) {
    struct stat st;
    assert_int_equal(stat(path, &st), 0);
    return st.st_size;
}

static void expect_version(const Udy__Tb__Event *event) {
    assert_int_equal(event->what_case, UDY__TB__EVENT__WHAT_FILE_VERSION);
    assert_string_equal(event->file_version, "brain.Event:2");
    assert_int_equal(event->step, 0);
}

static void expect_start(const Udy__Tb__Event *event, int64_t step) {
    assert_int_equal(event->what_case, UDY__TB__EVENT__WHAT_SESSION_LOG);
    assert_int_equal(event->session_log->status, UDY__TB__SESSION_LOG__SESSION_STATUS__START);
    assert_int_equal(event->step, step);
}

static void expect_scalar(const Udy__Tb__Event *event, const char *tag, int64_t step, float value) {
    assert_int_equal(event->what_case, UDY__TB__EVENT__WHAT_SUMMARY);
    assert_int_equal(event->step, step);
    assert_int_equal(event->summary->n_value, 1);
    const Udy__Tb__Summary__Value *v = event->summary->value[0];
    assert_string_equal(v->tag, tag);
    assert_int_equal(v->value_case, UDY__TB__SUMMARY__VALUE__VALUE_SIMPLE_VALUE);
    if (isnan(value)) {
        assert_true(isnan(v->simple_value));
    } else {
        assert_memory_equal(&v->simple_value, &value, sizeof value);
    }
}

//------------------------------------------ Bytes -------------------------------------------------

static void the_checksum_is_crc32c(void **state) {
    (void)state;
    // RFC 3720, B.4, and the check value of the catalogue of CRCs.
    unsigned char bytes[48] = {0};
    assert_int_equal(udy__crc32c(bytes, 32), 0x8a9136aa);
    memset(bytes, 0xff, 32);
    assert_int_equal(udy__crc32c(bytes, 32), 0x62a8ab43);
    for (int i = 0; i < 32; i++) bytes[i] = (unsigned char)i;
    assert_int_equal(udy__crc32c(bytes, 32), 0x46dd794e);
    for (int i = 0; i < 32; i++) bytes[i] = (unsigned char)(31 - i);
    assert_int_equal(udy__crc32c(bytes, 32), 0x113fdb5c);
    const unsigned char iscsi_read[48] = {
        0x01, 0xc0, [16] = 0x14, [20] = 0, 0, 4, 0, 0, 0, 0, 0x14, 0, 0, 0, 0x18, 0x28, [40] = 2};
    assert_int_equal(udy__crc32c(iscsi_read, 48), 0xd9963a56);
    assert_int_equal(udy__crc32c("123456789", 9), 0xe3069283);
    assert_int_equal(udy__crc32c("", 0), 0);
    // TensorBoard's masked_crc32c says the same.
    assert_int_equal(udy__crc32c_masked("", 0), 0xa282ead8);
    assert_int_equal(udy__crc32c_masked("123456789", 9), 0xc78ab0e5);
}

static void a_record_is_the_formats_bytes(void **state) {
    (void)state;
    udy_tb *tb = opened(-1);
    put(tb, "a/b", 300, 1.5);
    udy_tb_close(tb);
    char *text;
    size_t n;
    assert_int_equal(udy_file_read(&text, &n, file_path(0), 1000, NULL), UDY_OK);
    unsigned char *p = (unsigned char *)text;
    // Event{1: wall_time, 3: file_version}, with the frame's length; the checksum of a length of 24
    // is the one that begins every event file.
    assert_int_equal(n, 16 + 24 + 16 + 26);
    const unsigned char head[] = {24, 0, 0, 0, 0, 0, 0, 0, 0xa3, 0x7f, 0x4b, 0x22, 0x09};
    assert_memory_equal(p, head, sizeof head);
    assert_memory_equal(p + 12 + 9,
                        "\x1a\x0d"
                        "brain.Event:2",
                        15);
    // Event{1: wall_time, 2: step 300, 5: Summary{1: Value{1: "a/b", 2: 1.5f}}}
    const unsigned char *second = p + 16 + 24;
    const unsigned char step_and_summary[] = {0x10, 0xac, 0x02, 0x2a, 0x0c, 0x0a, 0x0a, 0x0a, 3,
                                              'a',  '/',  'b',  0x15, 0,    0,    0xc0, 0x3f};
    assert_int_equal(little_endian(second, 8), 26);
    assert_int_equal(second[12], 0x09);
    assert_memory_equal(second + 12 + 9, step_and_summary, sizeof step_and_summary);
    udy_free(text);
}

static void values_come_back_through_the_generated_reader(void **state) {
    (void)state;
    const struct {
        const char *tag;
        int64_t step;
        double value;
    } rows[] = {
        {"train/return", 0, 0.0},
        {"train/return", 1, -0.0},
        {"train/return", 127, 1.0 / 3.0},
        {"train/return", 128, -8509.25},
        {"train/return", INT64_C(1) << 40, 1e-40},
        {"train/return", INT64_MAX, 3.4e38},
        {"loss", 5, NAN},
        {"loss", 6, INFINITY},
        {"loss", 7, -INFINITY},
        {"loss", 8, 1e39},  // no float32: infinite
        {"\xc3\xa9t\xc3\xa9 \xf0\x9f\x90\x9c", 9, 2.0},
        {"x", -1, 3.0},
    };
    enum { N = sizeof rows / sizeof rows[0] };
    time_t begin = time(NULL);
    udy_tb *tb = opened(-1);
    for (size_t i = 0; i < N; i++) put(tb, rows[i].tag, rows[i].step, rows[i].value);
    udy_tb_close(tb);
    events *list = read_events(file_path(0));
    assert_int_equal(list->n, N + 1);
    assert_int_equal(list->n_rest, 0);
    expect_version(list->at[0]);
    for (size_t i = 0; i < N; i++) {
        expect_scalar(list->at[i + 1], rows[i].tag, rows[i].step, (float)rows[i].value);
    }
    for (size_t i = 0; i <= N; i++) {
        assert_true(list->at[i]->wall_time >= (double)begin);
        assert_true(list->at[i]->wall_time <= (double)time(NULL) + 1);
    }
    free_events(list);
}

static void each_value_is_in_the_file_when_the_call_returns(void **state) {
    (void)state;
    udy_tb *tb = opened(-1);
    for (size_t i = 0; i < 50; i++) {
        put(tb, "loss", (int64_t)i, 0.5);
        events *list = read_events(file_path(0));
        assert_int_equal(list->n, i + 2);
        assert_int_equal(list->n_rest, 0);
        free_events(list);
    }
    udy_tb_close(tb);
}

static void writing_allocates_nothing(void **state) {
    (void)state;
    udy_tb *tb = opened(-1);
    uint64_t before = udy_alloc_count();
    for (int i = 0; i < 100; i++) put(tb, "loss", i, 0.5);
    assert_int_equal(udy_alloc_count(), before);
    udy_tb_close(tb);
}

//------------------------------------------ Files of a run ----------------------------------------

static void a_resumed_run_says_what_to_purge(void **state) {
    (void)state;
    const int64_t purge[] = {-1, 0, 70000, INT64_MAX};
    for (size_t i = 0; i < 4; i++) {
        udy_tb *tb = opened(purge[i]);
        put(tb, "loss", 7, 0.5);
        udy_tb_close(tb);
        events *list = read_events(file_path(i));
        expect_version(list->at[0]);
        size_t n = 1;
        // Twice, as TensorBoard may take the first of a run for no restart.
        while (i > 0 && n < 3) expect_start(list->at[n++], purge[i]);
        expect_scalar(list->at[n++], "loss", 7, 0.5f);
        assert_int_equal(list->n, n);
        free_events(list);
    }
}

static void a_later_file_sorts_after_every_earlier_one(void **state) {
    (void)state;
    // Many in one second, after a clock that was ahead, beside files that are not ours.
    assert_int_equal(udy_dir_make(at_root(DIR_NAME), NULL), UDY_OK);
    put_file(at_root(DIR_NAME "/aaa"), "", 0);
    put_file(at_root(DIR_NAME "/events.out.tfevents."), "", 0);
    put_file(at_root(DIR_NAME "/events.out.tfevents.123"), "", 0);
    put_file(at_root(DIR_NAME "/events.out.tfevents.5999999999.99.host.7"), "", 0);
    for (int i = 0; i < 20; i++) {
        udy_tb *tb = opened(i);
        put(tb, "loss", i, i);
        udy_tb_close(tb);
    }
    for (size_t i = 0; i < 20; i++) {
        events *list = read_events(file_path(i + 4));
        expect_start(list->at[1], (int64_t)i);
        free_events(list);
    }
    assert_non_null(strstr(file_path(4), "/events.out.tfevents.6000000000."));
    // Numbers at the end of what ten digits hold, and past it, are no reason to fail.
    put_file(at_root(DIR_NAME "/events.out.tfevents.9999999999.1.x"), "", 0);
    put_file(at_root(DIR_NAME "/events.out.tfevents.99999999999999999999999.1.x"), "", 0);
    udy_tb_close(opened(-1));
    udy_tb_close(opened(-1));
}

static void *open_and_write(void *out) {
    udy_tb *tb;
    int code = udy_tb_open(&tb, at_events, -1, NULL);
    for (int i = 0; i < 10 && !code; i++) code = udy_tb_scalar(tb, "loss", i, i, NULL);
    if (!code) udy_tb_close(tb);
    *(int *)out = code;
    return NULL;
}

static void files_opened_at_once_do_not_mix(void **state) {
    (void)state;
    enum { N = 8 };
    pthread_t threads[N];
    int codes[N];
    snprintf(at_events, sizeof at_events, "%s", at_root(DIR_NAME));
    for (int i = 0; i < N; i++) {
        assert_int_equal(pthread_create(&threads[i], NULL, open_and_write, &codes[i]), 0);
    }
    for (int i = 0; i < N; i++) {
        assert_int_equal(pthread_join(threads[i], NULL), 0);
        assert_int_equal(codes[i], UDY_OK);
    }
    assert_int_equal(count_entries(at_events), N);
    for (size_t k = 0; k < N; k++) {
        events *list = read_events(file_path(k));
        assert_int_equal(list->n, 11);
        for (size_t i = 0; i < 10; i++) {
            expect_scalar(list->at[i + 1], "loss", (int64_t)i, (float)i);
        }
        free_events(list);
    }
}

static void a_kill_leaves_whole_records(void **state) {
    (void)state;
    for (size_t i = 0; i < 8; i++) {
        fflush(NULL);
        pid_t pid = fork();
        assert_true(pid >= 0);
        if (pid == 0) {
            udy_tb *tb;
            if (udy_tb_open(&tb, at_root(DIR_NAME), (int64_t)i, NULL)) _exit(1);
            for (int64_t k = 0; k < EVENTS_MAX - 10; k++) {
                if (udy_tb_scalar(tb, "loss", k, (double)k, NULL)) _exit(1);
            }
            pause();
        }
        // The first files may be killed before they are begun: wait for them to be there.
        while (!udy_dir_exists(at_root(DIR_NAME)) || count_entries(at_root(DIR_NAME)) <= i) {
            assert_int_equal(waitpid(pid, NULL, WNOHANG), 0);
            usleep(100);
        }
        usleep((useconds_t)i * 1501);
        kill(pid, SIGKILL);
        int status;
        assert_int_equal(waitpid(pid, &status, 0), pid);
        assert_true(WIFSIGNALED(status));
        events *list = read_events(file_path(i));
        if (list->n > 0) expect_version(list->at[0]);
        for (size_t k = 3; k < list->n; k++) {
            expect_scalar(list->at[k], "loss", (int64_t)k - 3, (float)(k - 3));
        }
        free_events(list);
    }
}

//------------------------------------------ Faults ------------------------------------------------

// Files of this process grow to n bytes and no further; RLIM_INFINITY takes it back.
static void limit_file_size(rlim_t n) {
    struct rlimit limit;
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &limit), 0);
    limit.rlim_cur = n < limit.rlim_max ? n : limit.rlim_max;
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
}

static void a_full_disk_is_an_error_and_leaves_whole_records(void **state) {
    (void)state;
    signal(SIGXFSZ, SIG_IGN);
    udy_tb *tb = opened(-1);
    put(tb, "loss", 0, 0.5);
    off_t before = file_size(file_path(0));
    for (off_t room = 0; room < 40; room++) {  // a record of 41 bytes, cut at every byte
        udy_error err = {0};
        limit_file_size((rlim_t)(before + room));
        int code = udy_tb_scalar(tb, "loss", 1, 0.5, &err);
        limit_file_size(RLIM_INFINITY);
        assert_int_equal(code, UDY_ENOSPC);
        assert_int_equal(err.code, UDY_ENOSPC);
        assert_non_null(strstr(err.message, file_path(0)));
        assert_int_equal(file_size(file_path(0)), before);
    }
    put(tb, "loss", 2, 0.25);  // there is room again
    udy_tb_close(tb);
    events *list = read_events(file_path(0));
    assert_int_equal(list->n, 3);
    assert_int_equal(list->n_rest, 0);
    expect_scalar(list->at[1], "loss", 0, 0.5f);
    expect_scalar(list->at[2], "loss", 2, 0.25f);
    free_events(list);
}

static void a_disk_too_full_to_begin_leaves_no_file(void **state) {
    (void)state;
    signal(SIGXFSZ, SIG_IGN);
    for (rlim_t room = 0; room < 100; room += 9) {  // 40 bytes of version, 2 of START
        udy_tb *tb;
        udy_error err = {0};
        limit_file_size(room);
        int code = udy_tb_open(&tb, at_root(DIR_NAME), 1, &err);
        limit_file_size(RLIM_INFINITY);
        assert_int_equal(code, UDY_ENOSPC);
        assert_null(tb);
        assert_non_null(strstr(err.message, at_root(DIR_NAME)));
        assert_int_equal(count_entries(at_root(DIR_NAME)), 0);
    }
}

static void a_folder_that_cannot_be_written_is_named(void **state) {
    (void)state;
    udy_tb *tb;
    udy_error err = {0};
    put_file(at_root(DIR_NAME), "x", 1);
    assert_int_equal(udy_tb_open(&tb, at_root(DIR_NAME), -1, &err), UDY_EEXIST);
    assert_null(tb);
    assert_non_null(strstr(err.message, at_root(DIR_NAME)));
    assert_true(udy_tb_open(&tb, at_root(DIR_NAME "/below"), -1, &err) < 0);
    unlink(at_root(DIR_NAME));
    assert_true(udy_tb_open(&tb, "/proc/self", -1, &err) < 0);  // not even root makes files there
    assert_non_null(strstr(err.message, "/proc/self/events.out.tfevents."));
    assert_int_equal(udy_tb_open(&tb, NULL, -1, &err), UDY_EINVAL);
    assert_int_equal(udy_tb_open(&tb, "", -1, &err), UDY_EINVAL);
    assert_int_equal(udy_tb_open(&tb, "", -1, NULL), UDY_EINVAL);
    char longest[UDY_PATH_MAX];
    memset(longest, '/', sizeof longest - 1);
    longest[sizeof longest - 1] = '\0';
    assert_int_equal(udy_tb_open(&tb, longest, -1, &err), UDY_EINVAL);  // fits, but with no name
    assert_null(tb);
}

static void a_read_only_folder_is_permission_denied(void **state) {
    (void)state;
    char dir[] = P_tmpdir "/udy-events-XXXXXX";
    assert_non_null(mkdtemp(dir));
    assert_int_equal(chmod(dir, 0555), 0);
    bool root_user = geteuid() == 0;  // whom the folder's rights do not stop
    if (root_user) assert_int_equal(seteuid(65534), 0);
    udy_tb *tb;
    udy_error err = {0};
    int code = udy_tb_open(&tb, dir, -1, &err);
    if (root_user) assert_int_equal(seteuid(0), 0);
    assert_int_equal(rmdir(dir), 0);  // and so it is empty
    assert_int_equal(code, UDY_EPERM);
    assert_null(tb);
    assert_non_null(strstr(err.message, dir));
    assert_non_null(strstr(err.message, "denied"));
}

static void bad_scalars_are_refused_and_write_nothing(void **state) {
    (void)state;
    udy_tb *tb = opened(-1);
    off_t before = file_size(file_path(0));
    char longest[UDY_TB_TAG_MAX + 2];
    memset(longest, 't', sizeof longest - 1);
    longest[sizeof longest - 1] = '\0';
    const char *tags[] = {NULL, "", "\xff", "a\xc3", "\xed\xa0\x80", "\xc0\x80", longest};
    for (size_t i = 0; i < sizeof tags / sizeof tags[0]; i++) {
        udy_error err = {0};
        assert_int_equal(udy_tb_scalar(tb, tags[i], 0, 1.0, &err), UDY_EINVAL);
        assert_non_null(strstr(err.message, file_path(0)));
        assert_int_equal(udy_tb_scalar(tb, tags[i], 0, 1.0, NULL), UDY_EINVAL);
    }
    assert_int_equal(file_size(file_path(0)), before);
    // The longest event there is.
    longest[UDY_TB_TAG_MAX] = '\0';
    put(tb, longest, -1, 1.0);
    udy_tb_close(tb);
    events *list = read_events(file_path(0));
    assert_int_equal(list->n, 2);
    expect_scalar(list->at[1], longest, -1, 1.0f);
    free_events(list);
}

static void without_an_open_file_nothing_happens(void **state) {
    (void)state;
    udy_error err = {0};
    assert_int_equal(udy_tb_scalar(NULL, "loss", 0, 1.0, &err), UDY_EINVAL);
    assert_non_null(strstr(err.message, "no event file"));
    udy_tb_close(NULL);
    udy_tb_close(opened(-1));  // a file without a value is a whole one
    events *list = read_events(file_path(0));
    assert_int_equal(list->n, 1);
    free_events(list);
}

static void a_file_that_is_removed_meanwhile_harms_nobody(void **state) {
    (void)state;
    udy_tb *tb = opened(-1);
    unlink(file_path(0));
    put(tb, "loss", 0, 1.0);
    udy_tb_close(tb);
    assert_int_equal(count_entries(at_root(DIR_NAME)), 0);
}

//------------------------------------------ For the golden test -----------------------------------

// "STEP N EDGE... COUNT... TAG"
static int write_histogram(udy_tb *tb, const char *text, udy_error *err) {
    static double numbers[2 * 512 + 1];
    char *at;
    long long step = strtoll(text, &at, 10);
    int n = (int)strtol(at, &at, 10);
    if (n < 0 || n > 512) return UDY_EINVAL;
    for (int i = 0; i < 2 * n + 1; i++) numbers[i] = strtod(at, &at);
    return udy_tb_histogram(tb, at + 1, step, numbers, numbers + n + 1, n, err);
}

// "STEP TAG<TAB>FILE": the file's bytes as an image or a text.
static int write_file(udy_tb *tb, bool image, char *text, udy_error *err) {
    char *tag, *path = strchr(text, '\t'), *data;
    size_t n;
    long long step = strtoll(text, &tag, 10);
    if (!path) return UDY_EINVAL;
    *path++ = '\0';
    int code = udy_file_read(&data, &n, path, 1 << 24, err);
    if (code) return code;
    code = image ? udy_tb_image(tb, tag + 1, step, data, n, err)
                 : udy_tb_text(tb, tag + 1, step, data, err);
    udy_free(data);
    return code;
}

// "START_S<TAB>NAME<TAB>nVALUE | bVALUE | tTEXT<TAB>..."
static int write_hparams(udy_tb *tb, char *text, udy_error *err) {
    udy_tb_hparam hparams[64];
    char *rest = NULL, *word = strtok_r(text, "\t", &rest), *name;
    size_t n = 0;
    double start = strtod(word, NULL);
    while (n < 64 && (name = strtok_r(NULL, "\t", &rest)) && (word = strtok_r(NULL, "\t", &rest)))
        hparams[n++] = (udy_tb_hparam){.name = name,
                                       .type = *word == 't'   ? UDY_TB_TEXT
                                               : *word == 'b' ? UDY_TB_BOOL
                                                              : UDY_TB_NUMBER,
                                       .number = strtod(word + 1, NULL),
                                       .text = word + 1};
    return udy_tb_hparams(tb, hparams, n, start, err);
}

// Do what lines of stdin say, and answer each with "ok" or the error: "open PURGE_STEP",
// "scalar STEP VALUE TAG", "histogram ...", "image ...", "text ...", "hparams ...", "end SUCCESS
// END_S", "close".
static int write_on_command(const char *dir) {
    udy_tb *tb = NULL;
    static char line[60000];
    while (fgets(line, sizeof line, stdin)) {
        line[strcspn(line, "\n")] = '\0';
        long long step;
        int tag_at = 0, success;
        char value[100];
        double end_s;
        udy_error err = {0};
        int code = UDY_EINVAL;
        if (sscanf(line, "open %lld", &step) == 1) {
            udy_tb_close(tb);
            code = udy_tb_open(&tb, dir, step, &err);
        } else if (sscanf(line, "scalar %lld %99s %n", &step, value, &tag_at) == 2 && tag_at) {
            code = udy_tb_scalar(tb, line + tag_at, step, strtod(value, NULL), &err);
        } else if (!strncmp(line, "histogram ", 10)) {
            code = write_histogram(tb, line + 10, &err);
        } else if (!strncmp(line, "image ", 6) || !strncmp(line, "text ", 5)) {
            code = write_file(tb, *line == 'i', strchr(line, ' ') + 1, &err);
        } else if (!strncmp(line, "hparams ", 8)) {
            code = write_hparams(tb, line + 8, &err);
        } else if (sscanf(line, "end %d %lf", &success, &end_s) == 2) {
            code = udy_tb_session_end(tb, success, end_s, &err);
        } else if (!strcmp(line, "close")) {
            udy_tb_close(tb);
            tb = NULL;
            code = UDY_OK;
        }
        printf("%s\n", code ? err.message : "ok");
        fflush(stdout);
    }
    udy_tb_close(tb);
    return 0;
}

#define TEST(name) cmocka_unit_test_teardown(name, remove_events)

int main(int argc, char **argv) {
    if (argc == 3 && !strcmp(argv[1], "write")) return write_on_command(argv[2]);
    const struct CMUnitTest tests[] = {
        TEST(the_checksum_is_crc32c),
        TEST(a_record_is_the_formats_bytes),
        TEST(values_come_back_through_the_generated_reader),
        TEST(each_value_is_in_the_file_when_the_call_returns),
        TEST(writing_allocates_nothing),
        TEST(a_resumed_run_says_what_to_purge),
        TEST(a_later_file_sorts_after_every_earlier_one),
        TEST(files_opened_at_once_do_not_mix),
        TEST(a_kill_leaves_whole_records),
        TEST(a_full_disk_is_an_error_and_leaves_whole_records),
        TEST(a_disk_too_full_to_begin_leaves_no_file),
        TEST(a_folder_that_cannot_be_written_is_named),
        TEST(a_read_only_folder_is_permission_denied),
        TEST(bad_scalars_are_refused_and_write_nothing),
        TEST(without_an_open_file_nothing_happens),
        TEST(a_file_that_is_removed_meanwhile_harms_nobody),
    };
    return cmocka_run_group_tests(tests, make_root, remove_root);
}
