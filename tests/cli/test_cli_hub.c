// `understudy expert pull` against a hub on the loopback: what is chosen, saved and said, which
// variables of the environment count, and that Ctrl-C loses nothing.
#include "program.h"

#include <sys/stat.h>

#include "understudy/understudy.h"
#include "unit/hub_server.h"

#define CARD "# An ant\n"

static hub_server *hub;
static char *policy_bytes;
static size_t policy_size;
static bool slow;

//------------------------------------------ The hub -----------------------------------------------

// A policy of the task, 27-N-8, as a file's bytes.
static void make_policy(const char *task) {
    enum { HIDDEN = 3500 };
    static float numbers[HIDDEN * 27];
    for (int i = 0; i < HIDDEN * 27; i++) numbers[i] = (float)(i % 101) * 1e-4f;
    const int64_t shapes[][2] = {{HIDDEN, 27}, {HIDDEN, 0}, {8, HIDDEN}, {8, 0}};
    static const char *const names[] = {"net.0.weight", "net.0.bias", "net.2.weight", "net.2.bias"};
    udy_tensor tensors[4];
    for (int i = 0; i < 4; i++) {
        int64_t cols = shapes[i][1];
        tensors[i] = (udy_tensor){.name = names[i],
                                  .dtype = UDY_F32,
                                  .ndim = cols ? 2 : 1,
                                  .shape = {shapes[i][0], cols},
                                  .data = numbers,
                                  .n_bytes = (size_t)(shapes[i][0] * (cols ? cols : 1)) * 4};
    }
    const udy_text_pair pairs[] = {{"format", "understudy.policy/1"},
                                   {"task", task},
                                   {"activation", "relu"},
                                   {"output", "tanh"},
                                   {"contact_obs", "false"}};
    udy_error err = {0};
    if (udy_safetensors_write("made.safetensors", tensors, 4, pairs, 5, &err) ||
        udy_file_read(&policy_bytes, &policy_size, "made.safetensors", 1 << 24, &err))
        fail_msg("%s", err.message);
}

static bool slow_content(hub_conn *c, const hub_asked *asked) {
    if (!slow || strcmp(asked->method, "GET") || strncmp(asked->path, "/blob/", 6)) return false;
    size_t at = (size_t)asked->from;
    hub_say(c, "HTTP/1.1 200 OK\r\nContent-Length: %zu\r\n\r\n", policy_size - at);
    while (at < policy_size && hub_send(c, policy_bytes + at, 1) &&
           hub_sleep(c, at < 90000 ? 0 : 20))
        at++;
    return true;
}

static int set_up(void **state) {
    (void)state;
    char home[1100];
    make_work_dir("cli-hub");
    make_policy("Ant-v5");
    hub = hub_start(false);
    hub->script = slow_content;
    hub_put(hub, "README.md", CARD, strlen(CARD), false);
    hub_put(hub, "actor.safetensors", policy_bytes, policy_size, true);
    slow = false;
    snprintf(home, sizeof home, "%s/hf", work_dir);
    setenv("HF_HOME", home, 1);
    setenv("HF_ENDPOINT", hub->url, 1);
    static const char *const others[] = {
        "HF_TOKEN",      "HUGGING_FACE_HUB_TOKEN",  "HF_TOKEN_PATH",        "HF_HUB_OFFLINE",
        "HF_HUB_CACHE",  "HUGGINGFACE_HUB_CACHE",   "TRANSFORMERS_OFFLINE", "https_proxy",
        "SSL_CERT_FILE", "HF_HUB_DOWNLOAD_TIMEOUT", "HF_HUB_ETAG_TIMEOUT",  "XDG_CACHE_HOME"};
    for (size_t i = 0; i < sizeof others / sizeof *others; i++) unsetenv(others[i]);
    return 0;
}

static int tear_down(void **state) {
    (void)state;
    hub_stop(hub);
    udy_free(policy_bytes);
    return 0;
}

static void expect_policy(const char *path) {
    char *found;
    size_t n;
    udy_error err = {0};
    if (udy_file_read(&found, &n, path, 1 << 24, &err)) fail_msg("%s", err.message);
    assert_int_equal(n, policy_size);
    assert_memory_equal(found, policy_bytes, n);
    udy_free(found);
}

#define PULL "expert pull hf://" HUB_REPO

//------------------------------------------ Tests -------------------------------------------------

static void the_one_policy_is_taken_and_saved(void **state) {
    (void)state;
    outcome o = run_program(PULL);
    assert_done(o);
    assert_contains(o.out, "ant-expert.safetensors: Ant-v5, 27 observations to 8 actions");
    assert_contains(o.out, "from hf://" HUB_REPO "@" HUB_COMMIT "/actor.safetensors, 504.5 kB");
    assert_contains(o.err, "actor.safetensors");  // its progress
    expect_policy("ant-expert.safetensors");
    assert_true(udy_file_exists("hf/hub/models--someone--ant-expert/refs/main"));
    done(o);
    assert_error(run_program(PULL), 1, "--force writes over it");
    o = run_program(PULL "/actor.safetensors --force --quiet");
    assert_done(o);
    assert_contains(o.out, "that were in the cache");
    assert_string_equal(o.err, "");
    done(o);
    assert_error(run_program(PULL " -o nowhere/x.safetensors"), 1, "nowhere: no such folder");
    assert_error(run_program(PULL " -o hf"), 1, "is a folder");
    assert_int_equal(hub_count(hub, "GET", "/blob/"), 1);
}

static void as_json_it_says_where_it_is_from(void **state) {
    (void)state;
    outcome o = run_program(PULL "@v1/actor.safetensors --task Ant-v5 -o x.safetensors --json");
    udy_json *root;
    udy_error err = {0};
    assert_done(o);
    if (udy_json_parse(&root, o.out, strlen(o.out), "stdout", &err)) fail_msg("%s", err.message);
    const udy_json *source = udy_json_get(root, "source");
    assert_string_equal(udy_json_string(root, "file", ""), "x.safetensors");
    assert_string_equal(udy_json_string(root, "task", ""), "Ant-v5");
    assert_true(udy_json_number(root, "obs_dim", 0) == 27);
    assert_string_equal(udy_json_string(source, "repo", ""), HUB_REPO);
    assert_string_equal(udy_json_string(source, "revision", ""), "v1");
    assert_string_equal(udy_json_string(source, "commit", ""), HUB_COMMIT);
    assert_string_equal(udy_json_string(source, "hash", ""), hub->file[1].hash);
    assert_true(udy_json_number(source, "transferred", 0) == (double)policy_size);
    expect_policy(udy_json_string(source, "cached", ""));
    udy_json_free(root);
    done(o);
}

static void where_there_is_a_choice_it_is_the_users(void **state) {
    (void)state;
    hub_put(hub, "logs/train_eval_metrics.zip", "x", 1, true);
    hub_put(hub, "other.safetensors", policy_bytes, policy_size, true);
    assert_error(run_program(PULL), 1, "more than one policy");
    assert_error(run_program(PULL), 1, "actor.safetensors, other.safetensors");
    hub->file[1].name = "weights/actor.pt";
    hub->file[3].name = "weights/actor.cleanrl_model";
    assert_error(run_program(PULL), 1, "a pickle could run any code, and is not read: weights/");
    hub->n_files = 1;
    assert_error(run_program(PULL), 1, "it has: README.md");
    assert_error(run_program(PULL "/README.md"), 2, "expected a .zip of Stable-Baselines3");
    assert_error(run_program(PULL "/weights/actor.pt"), 2, "is not read");
}

static void what_is_misspelt_is_helped(void **state) {
    (void)state;
    assert_error(run_program(PULL "/actr.safetensors"), 1, "did you mean 'actor.safetensors'?");
    assert_error(run_program(PULL "/xyz.zip"), 1, "there are: actor.safetensors");
    assert_error(run_program(PULL "@v7"), 1, "no branch, tag or commit 'v7'");
    assert_error(run_program("expert pull hf://someone/nobody"), 1, "no model someone/nobody");
    assert_error(run_program("expert pull someone/ant-expert"), 2, "expected hf://OWNER/REPO");
    assert_error(run_program("expert pull hf://a/../../x"), 2, "repository 'a/..'");
    assert_error(run_program(PULL "@v1 --revision main"), 2, "another revision");
    assert_error(run_program(PULL " --task Ant-v9"), 2, "--task");
    assert_error(run_program(PULL " --vecnormalize vec_normalize.pkl"), 2, "is a policy of ours");
    assert_error(run_program(PULL " --set contact_obs=true"), 2, "--set is for models");
    assert_error(run_program(PULL " --task Hopper-v5"), 1, "is of Ant-v5, not of Hopper-v5");
    assert_false(udy_file_exists("ant-expert.safetensors"));
}

static void what_is_no_policy_is_not_saved(void **state) {
    (void)state;
    hub->n_files = 1;
    hub_put(hub, "actor.safetensors", policy_bytes, 1000, true);
    assert_error(run_program(PULL), 1, "actor.safetensors");
    assert_false(udy_file_exists("ant-expert.safetensors"));
}

static void what_a_policy_says_does_not_steer_the_terminal(void **state) {
    (void)state;
    udy_free(policy_bytes);
    make_policy("\x1b]0;title\a Ant\xc2\x9b");
    hub->n_files = 1;
    hub_put(hub, "actor.safetensors", policy_bytes, policy_size, true);
    outcome o = run_program(PULL);
    assert_done(o);
    assert_contains(o.out, ": ?]0;title? Ant?, 27 observations");
    done(o);
    assert_error(run_program(PULL " --task Ant-v5 --force"), 1, "is of  ]0;title  Ant");
}

static void the_environment_counts_as_for_huggingface_hub(void **state) {
    (void)state;
    FILE *f;
    assert_int_equal(mkdir("hf", 0777), 0);
    f = fopen("hf/token", "w");
    assert_non_null(f);
    fputs("hf_FromTheFile\n", f);
    fclose(f);
    outcome o = run_program(PULL);
    assert_done(o);
    assert_null(strstr(o.out, "hf_From"));
    assert_null(strstr(o.err, "hf_From"));
    done(o);
    assert_string_equal(hub->asked[0].auth, "Bearer hf_FromTheFile");
    setenv("HF_TOKEN", " hf_FromTheEnvironment ", 1);
    setenv("HF_HUB_CACHE", "$HF_HOME/elsewhere", 1);
    int before = hub->n_asked;
    done(run_program(PULL " --force"));
    assert_string_equal(hub->asked[before].auth, "Bearer hf_FromTheEnvironment");
    assert_true(udy_dir_exists("hf/elsewhere/models--someone--ant-expert"));
    setenv("HF_TOKEN", "hf_Two words", 1);
    o = run_program(PULL " --force");
    assert_contains(o.err, "token has a blank");
    assert_null(strstr(o.err, "words"));
    assert_error(o, 1, "token");
    unsetenv("HF_TOKEN");
    before = hub->n_asked;
    setenv("HF_HUB_OFFLINE", "1", 1);
    o = run_program(PULL " --force");
    assert_done(o);
    expect_policy("ant-expert.safetensors");
    done(o);
    assert_error(run_program(PULL "/other.safetensors --force"), 1, "not in the cache");
    assert_int_equal(hub->n_asked, before);
    setenv("HF_HUB_OFFLINE", "0", 1);
    setenv("HF_HUB_ETAG_TIMEOUT", "soon", 1);
    assert_error(run_program(PULL " --force"), 1, "HF_HUB_ETAG_TIMEOUT is 'soon'");
    unsetenv("HF_HUB_ETAG_TIMEOUT");
    setenv("HF_ENDPOINT", "http://huggingface.co", 1);
    assert_error(run_program(PULL " --force"), 1, "expected https://");
    unsetenv("HF_HUB_CACHE");
    unsetenv("HF_HUB_OFFLINE");
}

//------------------------------------------ Stable-Baselines3 -------------------------------------

// Put a file of a folder on the hub; false where it is not there. Its bytes are freed by put_away.
static char *borrowed[4];
static int n_borrowed;

static bool put_from(const char *path, const char *name) {
    size_t n;
    udy_error err = {0};
    if (udy_file_read(&borrowed[n_borrowed], &n, path, 1 << 24, &err)) return false;
    hub_put(hub, name, borrowed[n_borrowed++], n, true);
    return true;
}

static void put_away(void) {
    while (n_borrowed) udy_free(borrowed[--n_borrowed]);
}

static void a_model_that_fits_no_task_is_refused_by_its_name_on_the_hub(void **state) {
    (void)state;
    hub->n_files = 1;
    assert_true(put_from(UDY_SOURCE_DIR "/tests/data/sb3/sac.zip", "sac.zip"));
    assert_error(run_program(PULL " --task Ant-v5"), 1, "hf://" HUB_REPO "@" HUB_COMMIT "/sac.zip");
    assert_false(udy_file_exists("ant-expert.safetensors"));
    put_away();
}

// Pull the model; was normalisation folded in?
static bool pulls_normalized(const char *options, const char *said) {
    udy_json *root;
    udy_error err = {0};
    outcome o = run_program(PULL " --task Ant-v5 --force --json %s", options);
    assert_done(o);
    assert_contains(o.err, said);
    if (udy_json_parse(&root, o.out, strlen(o.out), "stdout", &err)) fail_msg("%s", err.message);
    const udy_json *source = udy_json_get(root, "source");
    bool normalized = udy_json_bool(root, "normalized", false);
    assert_string_equal(udy_json_string(root, "file", ""), "ant-expert.safetensors");
    assert_string_equal(udy_json_string(root, "algorithm", ""), "PPO");
    assert_string_equal(udy_json_string(source, "file", ""), "models/ppo.zip");
    assert_int_equal(udy_json_string(source, "vecnormalize", NULL) != NULL, normalized);
    udy_json_free(root);
    done(o);
    return normalized;
}

static void a_model_of_stable_baselines3_is_imported_with_its_statistics(void **state) {
    (void)state;
    hub->n_files = 1;
    if (!put_from(UDY_SHARED_DIR "/interop/ppo-ant-v5.zip", "models/ppo.zip")) {
        print_message("skipped: no ../shared/interop\n");
        return;
    }
    const char *const statistics = UDY_SHARED_DIR "/interop/ppo-ant-v5.vecnormalize.pkl";
    assert_false(pulls_normalized("", "normalised observations"));
    assert_true(udy_file_exists("hf/hub/models--someone--ant-expert/.no_exist/" HUB_COMMIT
                                "/models/vec_normalize.pkl"));
    assert_true(put_from(statistics, "stats.pkl"));
    assert_true(pulls_normalized("--vecnormalize stats.pkl", ""));
    assert_error(run_program(PULL " --task Ant-v5 --force --vecnormalize other.pkl"), 1,
                 "other.pkl");
    // The file's own conventions: beside the model, under the zoo's name.
    setenv("HF_HUB_CACHE", "another", 1);
    hub->file[2].name = "models/vec_normalize.pkl";
    assert_true(pulls_normalized("", "lies beside the model"));
    assert_false(pulls_normalized("--vecnormalize none", ""));
    setenv("HF_HUB_OFFLINE", "1", 1);
    assert_true(pulls_normalized("", "lies beside the model"));
    outcome o = run_program("evaluate ant-expert.safetensors --episodes 1 --quiet --json");
    assert_done(o);
    done(o);
    // Whether there are statistics must be known.
    assert_int_equal(system("rm another/models--*/snapshots/*/models/vec_normalize.pkl"), 0);
    assert_error(run_program(PULL " --task Ant-v5 --force"), 1, "--vecnormalize none does without");
    unsetenv("HF_HUB_OFFLINE");
    unsetenv("HF_HUB_CACHE");
    put_away();
}

static void an_interruption_keeps_what_came_and_says_how_to_go_on(void **state) {
    (void)state;
    char part[300];
    struct stat st = {0};
    slow = true;
    snprintf(part, sizeof part, "hf/hub/models--someone--ant-expert/blobs/%s.incomplete",
             hub->file[1].hash);
    pid_t pid = start(PULL " -o mine.safetensors --data . --json");
    for (int i = 0; i < 600 && (stat(part, &st) || st.st_size < 80000); i++) usleep(50000);
    kill(pid, SIGINT);
    outcome o = finish(pid);
    assert_int_equal(o.code, 130);
    assert_contains(o.err, "interrupted with");
    assert_contains(o.err, "to go on: ");
    assert_contains(o.err, "expert pull hf://" HUB_REPO " -o mine.safetensors --data . --json");
    assert_int_equal(stat(part, &st), 0);
    assert_true(st.st_size >= 80000);
    assert_false(udy_file_exists("mine.safetensors"));
    done(o);
    slow = false;
    o = run_program(PULL " -o mine.safetensors --json");
    assert_done(o);
    expect_policy("mine.safetensors");
    long long from = 0;
    for (int i = 0; i < hub->n_asked; i++) from = hub->asked[i].from ? hub->asked[i].from : from;
    assert_int_equal(from, st.st_size);
    done(o);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(the_one_policy_is_taken_and_saved, set_up, tear_down),
        cmocka_unit_test_setup_teardown(as_json_it_says_where_it_is_from, set_up, tear_down),
        cmocka_unit_test_setup_teardown(where_there_is_a_choice_it_is_the_users, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_is_misspelt_is_helped, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_is_no_policy_is_not_saved, set_up, tear_down),
        cmocka_unit_test_setup_teardown(what_a_policy_says_does_not_steer_the_terminal, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(the_environment_counts_as_for_huggingface_hub, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(a_model_that_fits_no_task_is_refused_by_its_name_on_the_hub,
                                        set_up, tear_down),
        cmocka_unit_test_setup_teardown(
            a_model_of_stable_baselines3_is_imported_with_its_statistics, set_up, tear_down),
        cmocka_unit_test_setup_teardown(an_interruption_keeps_what_came_and_says_how_to_go_on,
                                        set_up, tear_down),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
