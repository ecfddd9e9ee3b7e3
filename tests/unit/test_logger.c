// Loggers: what is asked for is written, and nothing else; what is told again replaces what was told;
// a full disk is an error that names the file.
#include <math.h>
#include <signal.h>
#include <sys/resource.h>

#include "event_file.h"

static int remove_run(void **state) {
    (void)state;
    nftw(at_root("run"), remove_entry, 8, FTW_DEPTH | FTW_PHYS);
    return 0;
}

static udy_logger *opened(const char *part, unsigned loggers, int64_t from_step) {
    udy_logger *l;
    udy_error err = {0};
    if (udy_logger_open(&l, at_root("run"), part, loggers, from_step, &err))
        fail_msg("%s", err.message);
    return l;
}

static void tell(udy_logger *l, int64_t step, double a, double b) {
    const udy_scalar scalars[] = {{"loss/train", a}, {"loss/validation", b}};
    udy_error err = {0};
    if (udy_logger_scalars(l, step, scalars, 2, &err)) fail_msg("%s", err.message);
}

static char *text_of(const char *name) {
    char *text;
    size_t n;
    udy_error err = {0};
    if (udy_file_read(&text, &n, at_root(name), 1 << 20, &err)) fail_msg("%s", err.message);
    return text;
}

// The file without the first field of each line, the time.
static void expect_csv(const char *expected) {
    char *text = text_of("run/scalars.csv"), out[4096] = "";
    for (char *line = strtok(text, "\n"); line; line = strtok(NULL, "\n")) {
        assert_non_null(strchr(line, ','));
        strcat(strcat(out, strchr(line, ',') + 1), "\n");
    }
    assert_string_equal(out, expected);
    udy_free(text);
}

// Scalars of all files of events/PART in order, as "step tag value;".
static void expect_events(const char *part, size_t n_files, const char *expected) {
    char dir[1200], out[4096] = "", **names;
    size_t n;
    snprintf(dir, sizeof dir, "%s/%s", at_root("run/events"), part);
    assert_int_equal(udy_dir_list(&names, &n, dir, ".understudy", NULL), UDY_OK);
    assert_int_equal(n, n_files);
    for (size_t f = 0; f < n; f++) {
        char path[1400];
        snprintf(path, sizeof path, "%s/%s", dir, names[f]);
        events *list = read_events(path);
        for (size_t i = 0; i < list->n; i++) {
            const Udy__Tb__Event *e = list->at[i];
            if (e->what_case == UDY__TB__EVENT__WHAT_SESSION_LOG)
                sprintf(out + strlen(out), "purge %d;", (int)e->step);
            if (e->what_case != UDY__TB__EVENT__WHAT_SUMMARY) continue;
            const Udy__Tb__Summary__Value *v = e->summary->value[0];
            if (v->value_case == UDY__TB__SUMMARY__VALUE__VALUE_SIMPLE_VALUE)
                sprintf(out + strlen(out), "%d %s %g;", (int)e->step, v->tag,
                        (double)v->simple_value);
            else
                sprintf(out + strlen(out), "%d %s %s;", (int)e->step, v->tag,
                        v->metadata->plugin_data->plugin_name);
        }
        free_events(list);
    }
    udy_free(names);
    assert_string_equal(out, expected);
}

//------------------------------------------ Names -------------------------------------------------

static void names_are_read_and_a_wrong_one_suggests_the_nearest(void **state) {
    (void)state;
    unsigned bits;
    udy_error err = {0};
    assert_int_equal(udy_loggers_parse(&bits, "tensorboard,csv,jsonl", NULL), UDY_OK);
    assert_int_equal(bits, UDY_LOG_TENSORBOARD | UDY_LOG_CSV | UDY_LOG_JSONL);
    assert_int_equal(udy_loggers_parse(&bits, "csv", NULL), UDY_OK);
    assert_int_equal(bits, UDY_LOG_CSV);
    assert_int_equal(udy_loggers_parse(&bits, "none", NULL), UDY_OK);
    assert_int_equal(bits, 0);
    assert_int_equal(udy_loggers_parse(&bits, "csv,tensorbord", &err), UDY_EINVAL);
    assert_non_null(strstr(err.message, "'tensorbord'; did you mean 'tensorboard'"));
    assert_int_equal(udy_loggers_parse(&bits, "wandb", &err), UDY_EINVAL);
    assert_non_null(strstr(err.message, "tensorboard, csv, jsonl"));
    assert_int_equal(udy_loggers_parse(&bits, "none,csv", &err), UDY_EINVAL);
    assert_non_null(strstr(err.message, "stands alone"));
    const char *bad[] = {"", ",", "csv,", ",csv", "csv,,jsonl", "csv jsonl", NULL};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        assert_int_equal(udy_loggers_parse(&bits, bad[i], &err), UDY_EINVAL);
}

static void a_part_is_a_folder_below_events_and_nowhere_else(void **state) {
    (void)state;
    const char *bad[] = {"..", "a/../b", "/a", "a/", "a//b", "A", "a b", "a.b", "a\n", NULL};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        udy_logger *l;
        udy_error err = {0};
        assert_int_equal(udy_logger_open(&l, at_root("run"), bad[i], 7, -1, &err), UDY_EINVAL);
        assert_null(l);
    }
    assert_false(udy_dir_exists(at_root("run")));
}

//------------------------------------------ What is written ---------------------------------------

static void what_is_asked_for_is_written_and_nothing_else(void **state) {
    (void)state;
    static const char *const files[] = {"run/events", "run/scalars.csv", "run/log.jsonl"};
    for (unsigned which = 0; which < 8; which++) {
        remove_run(NULL);
        udy_logger *l = opened("bc", which, 0);
        tell(l, 1, 0.5, 0.25);
        assert_true(!udy_logger_tb(l) == !(which & UDY_LOG_TENSORBOARD));
        udy_logger_close(l);
        for (unsigned i = 0; i < 3; i++) {
            bool there = udy_dir_exists(at_root(files[i])) || udy_file_exists(at_root(files[i]));
            assert_true(there == (which >> i & 1));
        }
        assert_true(udy_dir_exists(at_root("run")) == (which != 0));
    }
    udy_logger_close(NULL);
}

static void each_says_the_same(void **state) {
    (void)state;
    udy_logger *l = opened("bc", 7, 0);
    tell(l, 1, 0.5, 0.1);
    tell(l, 2, 0.25, NAN);  // nothing held out
    tell(l, 3, NAN, NAN);
    tell(l, 4, INFINITY, 1e-300);
    udy_logger_close(l);
    expect_csv(
        "part,step,tag,value\nbc,1,loss/train,0.5\nbc,1,loss/validation,0.1\n"
        "bc,2,loss/train,0.25\nbc,4,loss/train,inf\nbc,4,loss/validation,1e-300\n");
    expect_events("bc", 1,
                  "purge 0;purge 0;1 loss/train 0.5;1 loss/validation 0.1;2 loss/train 0.25;"
                  "4 loss/train inf;4 loss/validation 0;");
    char *text = text_of("run/log.jsonl");
    static const char *const lines[] = {
        "\"event\": \"scalars\", \"part\": \"bc\", \"step\": 1, \"loss/train\": 0.5, "
        "\"loss/validation\": 0.1}\n",
        "\"step\": 2, \"loss/train\": 0.25}\n",
        "\"step\": 4, \"loss/train\": null, \"loss/validation\": 1e-300}\n"};
    int n = 0;
    for (size_t i = 0; i < 3; i++) assert_non_null(strstr(text, lines[i]));
    for (char *line = text, *end; (end = strchr(line, '\n')); line = end + 1, n++) {
        udy_json *tree;
        assert_int_equal(udy_json_parse(&tree, line, (size_t)(end - line), "line", NULL), UDY_OK);
        assert_int_equal(strlen(udy_json_string(tree, "time", "")), 20);
        udy_json_free(tree);
    }
    assert_int_equal(n, 3);
    udy_free(text);
}

static void odd_tags_are_quoted(void **state) {
    (void)state;
    const udy_scalar odd = {"a, \"b\"\n\\ \xc3\xa9", 1};
    udy_logger *l = opened("", UDY_LOG_CSV | UDY_LOG_JSONL, -1);
    assert_int_equal(udy_logger_scalars(l, 0, &odd, 1, NULL), UDY_OK);
    udy_logger_close(l);
    expect_csv("part,step,tag,value\n,0,\"a, \"\"b\"\" \\ \xc3\xa9\",1\n");
    char *text = text_of("run/log.jsonl");
    udy_json *tree;
    assert_int_equal(udy_json_parse(&tree, text, strlen(text), "log.jsonl", NULL), UDY_OK);
    assert_true(udy_json_number(tree, odd.tag, 0) == 1);
    udy_json_free(tree);
    udy_free(text);
}

static void telling_allocates_nothing(void **state) {
    (void)state;
    udy_logger *l = opened("bc", 7, 0);
    uint64_t before = udy_alloc_count();
    for (int i = 0; i < 100; i++) tell(l, i, 0.5, 0.25);
    assert_int_equal(udy_alloc_count(), before);
    udy_logger_close(l);
}

static void a_line_that_does_not_fit_is_refused(void **state) {
    (void)state;
    static char tags[20][500];
    udy_scalar scalars[20];
    for (int i = 0; i < 20; i++) {
        memset(tags[i], 'a' + i, sizeof tags[i] - 1);
        scalars[i] = (udy_scalar){tags[i], 1};
    }
    udy_logger *l = opened("bc", UDY_LOG_JSONL, 0);
    udy_error err = {0};
    assert_int_equal(udy_logger_scalars(l, 0, scalars, 20, &err), UDY_EINVAL);
    assert_non_null(strstr(err.message, "run/log.jsonl"));
    assert_int_equal(udy_logger_scalars(l, 0, scalars, 15, &err), UDY_OK);
    udy_logger_close(l);
    char *text = text_of("run/log.jsonl");
    assert_true(strlen(text) > 15 * 500 && text[strlen(text) - 1] == '\n');
    udy_free(text);
}

//------------------------------------------ Told again --------------------------------------------

static void what_is_told_again_from_a_step_on_is_not_there_twice(void **state) {
    (void)state;
    udy_logger *l = opened("bc", 7, -1), *other = opened("dagger", 7, -1);
    for (int i = 1; i <= 3; i++) tell(l, i, i, NAN), tell(other, i, 10 * i, NAN);
    udy_logger_close(l);
    udy_logger_close(other);
    // A kill left half a line, and other lines are none of its business.
    FILE *f = fopen(at_root("run/log.jsonl"), "ab");
    fputs("{\"time\": \"x\", \"event\": \"stage\", \"step\": 9}\n{\"time\": \"x\", \"eve", f);
    fclose(f);
    f = fopen(at_root("run/scalars.csv"), "ab");
    fputs("2026-01-01T00:00:00Z,bc,9,loss", f);
    fclose(f);
    l = opened("bc", 7, 2);
    tell(l, 2, 0.5, NAN);
    udy_logger_close(l);
    expect_csv(
        "part,step,tag,value\nbc,1,loss/train,1\ndagger,1,loss/train,10\n"
        "dagger,2,loss/train,20\ndagger,3,loss/train,30\nbc,2,loss/train,0.5\n");
    expect_events("bc", 2,
                  "1 loss/train 1;2 loss/train 2;3 loss/train 3;purge 2;purge 2;2 loss/train 0.5;");
    char *text = text_of("run/log.jsonl");
    int n = 0;
    for (char *at = text; (at = strchr(at, '\n')); at++) n++;
    assert_int_equal(n, 1 + 3 + 1 + 1);
    assert_non_null(strstr(text, "\"stage\", \"step\": 9}\n"));
    assert_null(strstr(text, "\"eve\n"));
    assert_null(strstr(text, "\"bc\", \"step\": 3"));
    udy_free(text);
}

static void what_is_told_anew_takes_the_place_of_all_of_it(void **state) {
    (void)state;
    for (int times = 0; times < 3; times++) {
        udy_logger *l = opened("dagger", 7, 0);
        for (int i = 0; i < 2; i++) tell(l, i, i + times, NAN);
        udy_logger_close(l);
        udy_logger_close(opened("other", 7, 0));
    }
    expect_events("dagger", 1, "purge 0;purge 0;0 loss/train 2;1 loss/train 3;");
    expect_csv("part,step,tag,value\ndagger,0,loss/train,2\ndagger,1,loss/train,3\n");
    // Files of others stay.
    put_file(at_root("run/events/dagger/events.out.tfevents.1.host"), "x", 1);
    udy_logger_close(opened("dagger", UDY_LOG_TENSORBOARD, 0));
    assert_true(udy_file_exists(at_root("run/events/dagger/events.out.tfevents.1.host")));
    expect_events("dagger", 1, "purge 0;purge 0;");
}

static void a_run_without_jsonl_logs_nothing_and_else_as_ever(void **state) {
    (void)state;
    udy_run *run;
    assert_int_equal(udy_run_create(&run, at_root("run"), "a: 1\n", NULL), UDY_OK);
    assert_int_equal(udy_run_loggers(run), UDY_LOG_DEFAULT);
    udy_run_set_loggers(run, UDY_LOG_CSV);
    udy_json *fields = udy_json_object();
    udy_json_put_int(fields, "x", 1);
    assert_int_equal(udy_run_log(run, "event", fields, NULL), UDY_OK);
    assert_false(udy_file_exists(at_root("run/log.jsonl")));
    fields = udy_json_object();
    udy_json_put_int(fields, "time", 1);
    assert_int_equal(udy_run_log(run, "event", fields, NULL), UDY_EINVAL);  // still checked
    udy_run_set_loggers(run, UDY_LOG_DEFAULT);
    assert_int_equal(udy_run_log(run, "event", NULL, NULL), UDY_OK);
    assert_true(udy_file_exists(at_root("run/log.jsonl")));
    udy_run_close(run);
}

//------------------------------------------ Summary and figures -----------------------------------

typedef struct settings {
    int epochs;
    uint64_t seed;
    double rate, pair[2];
    bool warm;
    int schedule;
    char task[16], empty[16], command[16], dir[16];
    udy_ints hidden;
} settings;

static const char *const schedules[] = {"constant", "linear", NULL};
#define FIELD(member) offsetof(settings, member)
#define HUNDRED \
    "a hundred letters of help, such as long tables of settings add up to, all of it kept, "
static const udy_field fields[] = {
    {"bc.epochs", UDY_FIELD_INT, FIELD(epochs), 0, 0, 0, NULL, "epochs"},
    {"seed", UDY_FIELD_U64, FIELD(seed), 0, 0, 0, NULL, "seed"},
    {"rate", UDY_FIELD_F64, FIELD(rate), 0, 0, 0, NULL, "rate"},
    {"pair", UDY_FIELD_PAIR, FIELD(pair), 0, 0, 0, NULL, "pair"},
    {"warm", UDY_FIELD_BOOL, FIELD(warm), 0, 0, 0, NULL, "warm"},
    {"schedule", UDY_FIELD_CHOICE, FIELD(schedule), 0, 0, 0, schedules, "schedule"},
    {"task", UDY_FIELD_TEXT, FIELD(task), 16, 0, 0, NULL, "task"},
    {"empty", UDY_FIELD_TEXT, FIELD(empty), 16, 0, 0, NULL, "empty"},
    {"command", UDY_FIELD_TEXT, FIELD(command), 16, 0, 0, NULL, "a note"},
    {"env.model_dir", UDY_FIELD_TEXT, FIELD(dir), 16, 0, 0, NULL, "a place"},
    {"hidden", UDY_FIELD_INTS, FIELD(hidden), 0, 0, 0, NULL,
     HUNDRED HUNDRED HUNDRED HUNDRED HUNDRED "widths"},
    {0},
};
static const settings some = {.epochs = 7,
                              .seed = 3,
                              .rate = 1e-3,
                              .pair = {0.25, 1},
                              .warm = true,
                              .schedule = 1,
                              .task = "Ant-v5",
                              .command = "understudy x",
                              .dir = "/models",
                              .hidden = {2, {256, 32}}};

static const Udy__Tb__Event *event_tagged(const events *list, const char *tag) {
    for (size_t i = 0; i < list->n; i++)
        if (list->at[i]->what_case == UDY__TB__EVENT__WHAT_SUMMARY &&
            !strcmp(list->at[i]->summary->value[0]->tag, tag))
            return list->at[i];
    return NULL;
}

static void a_summary_is_settings_and_what_came_of_them(void **state) {
    (void)state;
    const udy_scalar outcome = {"outcome/return", 12.5};
    udy_error err = {0};
    if (udy_logger_summary(at_root("run"), "summary", 7, &some, fields, NULL, 0, 5, &err))
        fail_msg("%s", err.message);
    expect_events("summary", 1,
                  "purge 0;purge 0;0 settings text;0 _hparams_/session_start_info hparams;");
    assert_false(udy_file_exists(at_root("run/scalars.csv")));
    if (udy_logger_summary(at_root("run"), "summary", 7, &some, fields, &outcome, 1, 5, &err))
        fail_msg("%s", err.message);
    expect_events("summary", 1,
                  "purge 0;purge 0;0 settings text;0 _hparams_/session_start_info hparams;"
                  "0 outcome/return 12.5;0 _hparams_/session_end_info hparams;");
    expect_csv("part,step,tag,value\nsummary,0,outcome/return,12.5\n");
    char **names, path[1400];
    size_t n;
    assert_int_equal(udy_dir_list(&names, &n, at_root("run/events/summary"), "", NULL), UDY_OK);
    snprintf(path, sizeof path, "%s/%s", at_root("run/events/summary"), names[0]);
    udy_free(names);
    events *list = read_events(path);
    const Udy__Tb__Summary__Value *start =
        event_tagged(list, "_hparams_/session_start_info")->summary->value[0];
    const ProtobufCBinaryData *content = &start->metadata->plugin_data->content;
    Udy__Tb__HParams *found = udy__tb__hparams__unpack(NULL, content->len, content->data);
    assert_non_null(found);
    assert_int_equal(found->session_start_info->n_hparams, 8);
    char out[1000] = "";
    for (size_t i = 0; i < 8; i++) {
        const Udy__Tb__HParams__Entry *e = found->session_start_info->hparams[i];
        char *to = out + sprintf(out + strlen(out), "%s", e->key);
        to = out + strlen(out);
        if (e->value->kind_case == UDY__TB__HPARAMS__VALUE__KIND_NUMBER_VALUE)
            sprintf(to, "=%g;", e->value->number_value);
        else if (e->value->kind_case == UDY__TB__HPARAMS__VALUE__KIND_BOOL_VALUE)
            sprintf(to, "=%s;", e->value->bool_value ? "true" : "false");
        else
            sprintf(to, "='%s';", e->value->string_value);
    }
    assert_string_equal(out,
                        "bc.epochs=7;seed=3;rate=0.001;pair='[0.25, 1]';warm=true;"
                        "schedule='linear';task='Ant-v5';hidden='[256, 32]';");
    double now = list->at[0]->wall_time;
    assert_true(fabs(found->session_start_info->start_time_secs - (now - 5)) < 3);
    udy__tb__hparams__free_unpacked(found, NULL);
    const ProtobufCBinaryData *text =
        &event_tagged(list, "settings")->summary->value[0]->tensor->string_val[0];
    assert_non_null(memmem(text->data, text->len, "```yaml\n", 8));
    assert_non_null(memmem(text->data, text->len, "model_dir: ", 11));
    assert_true(text->len > 600);  // all of it
    assert_memory_equal(text->data + text->len - 11, "widths\n```\n", 11);
    free_events(list);
}

static void figures_are_a_folders_pngs(void **state) {
    (void)state;
    static const unsigned char png[33] = {0x89, 'P', 'N', 'G', '\r', '\n', 0x1a,     '\n',    0, 0,
                                          0,    13,  'I', 'H', 'D',  'R',  [19] = 2, [23] = 3};
    udy_error err = {0};
    assert_int_equal(udy_logger_figures(at_root("run"), 7, at_root("run/none"), &err), UDY_OK);
    assert_int_equal(udy_dir_make(at_root("run/figures"), NULL), UDY_OK);
    assert_int_equal(udy_logger_figures(at_root("run"), 7, at_root("run/figures"), &err), UDY_OK);
    assert_false(udy_dir_exists(at_root("run/events")));
    put_file(at_root("run/figures/loss.png"), png, sizeof png);
    put_file(at_root("run/figures/dagger.png"), png, sizeof png);
    put_file(at_root("run/figures/loss.svg"), "x", 1);
    assert_int_equal(udy_logger_figures(at_root("run"), UDY_LOG_CSV, at_root("run/figures"), &err),
                     UDY_OK);
    assert_false(udy_dir_exists(at_root("run/events")));
    for (int times = 0; times < 2; times++) {
        assert_int_equal(udy_logger_figures(at_root("run"), 7, at_root("run/figures"), &err),
                         UDY_OK);
        expect_events("figures", 1, "purge 0;purge 0;0 dagger images;0 loss images;");
    }
    put_file(at_root("run/figures/a.png"), "no", 2);
    assert_int_equal(udy_logger_figures(at_root("run"), 7, at_root("run/figures"), &err),
                     UDY_EINVAL);
    assert_non_null(strstr(err.message, "'a' is not a PNG"));
}

//------------------------------------------ Faults ------------------------------------------------

static void limit_file_size(rlim_t n) {
    struct rlimit limit;
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &limit), 0);
    limit.rlim_cur = n < limit.rlim_max ? n : limit.rlim_max;
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
}

static void a_full_disk_is_an_error_that_names_the_file(void **state) {
    (void)state;
    signal(SIGXFSZ, SIG_IGN);
    static const struct {
        unsigned which;
        const char *file;
    } cases[] = {{UDY_LOG_TENSORBOARD, "run/events/bc/events.out"},
                 {UDY_LOG_CSV, "run/scalars.csv"},
                 {UDY_LOG_JSONL, "run/log.jsonl"}};
    for (size_t i = 0; i < 3; i++) {
        udy_logger *l = opened("bc", cases[i].which, 0);
        tell(l, 1, 1, 2);
        const udy_scalar scalar = {"loss/train", 3};
        udy_error err = {0};
        limit_file_size(150);
        int code = UDY_OK, told = 1;
        while (!code && told < 100) code = udy_logger_scalars(l, ++told, &scalar, 1, &err);
        limit_file_size(RLIM_INFINITY);
        assert_true(code == UDY_ENOSPC || code == UDY_EIO);
        assert_non_null(strstr(err.message, cases[i].file));
        tell(l, told, 4, NAN);  // there is room again, and no half line or record is in the way
        udy_logger_close(l);
        if (i > 0) {
            char *text = text_of(cases[i].file);
            assert_int_equal(text[strlen(text) - 1], '\n');
            assert_non_null(strstr(text, i == 1 ? "loss/train,4\n" : "\"loss/train\": 4}\n"));
            udy_free(text);
        }
    }
}

static void a_folder_that_cannot_be_made_is_named(void **state) {
    (void)state;
    udy_logger *l;
    udy_error err = {0};
    put_file(at_root("run"), "x", 1);
    for (unsigned which = 1; which < 8; which++) {
        assert_true(udy_logger_open(&l, at_root("run"), "bc", which, 0, &err) < 0);
        assert_null(l);
        assert_non_null(strstr(err.message, at_root("run")));
    }
    assert_int_equal(udy_logger_open(&l, at_root("run"), "bc", 0, 0, &err), UDY_OK);
    udy_logger_close(l);
    unlink(at_root("run"));
}

#define TEST(name) cmocka_unit_test_teardown(name, remove_run)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(names_are_read_and_a_wrong_one_suggests_the_nearest),
        TEST(a_part_is_a_folder_below_events_and_nowhere_else),
        TEST(what_is_asked_for_is_written_and_nothing_else),
        TEST(each_says_the_same),
        TEST(odd_tags_are_quoted),
        TEST(telling_allocates_nothing),
        TEST(a_line_that_does_not_fit_is_refused),
        TEST(what_is_told_again_from_a_step_on_is_not_there_twice),
        TEST(what_is_told_anew_takes_the_place_of_all_of_it),
        TEST(a_run_without_jsonl_logs_nothing_and_else_as_ever),
        TEST(a_summary_is_settings_and_what_came_of_them),
        TEST(figures_are_a_folders_pngs),
        TEST(a_full_disk_is_an_error_that_names_the_file),
        TEST(a_folder_that_cannot_be_made_is_named),
    };
    return cmocka_run_group_tests(tests, make_root, remove_root);
}
