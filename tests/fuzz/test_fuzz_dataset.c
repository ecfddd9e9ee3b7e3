// Mutated dataset folders, policy files and training checkpoints: none crashes, each failure says
// why, a damaged shard costs no other, and what opens can be read to its last row and appended to.
// Usage: test_fuzz_dataset [cases] [seed]
#include <inttypes.h>
#include <math.h>
#include <sys/stat.h>

#include "mutate.h"
#include "understudy/learn.h"

enum { O_DIM = 27, A_DIM = 8, ROWS = 3 };

static const char *const tokens[] = {"{",
                                     "}",
                                     "[",
                                     "]",
                                     ",",
                                     ":",
                                     "\"",
                                     "\\",
                                     "null",
                                     "true",
                                     "false",
                                     "-1",
                                     "0",
                                     "1",
                                     "3",
                                     "8",
                                     "27",
                                     "28",
                                     "1e300",
                                     "0.5",
                                     "18446744073709551616",
                                     "4294967296",
                                     "\"F64\"",
                                     "\"F32\"",
                                     "\"I32\"",
                                     "\"U8\"",
                                     "\"shape\":[0]",
                                     "\"shape\":[3,27]",
                                     "\"data_offsets\":[0,0]",
                                     "\"observation\"",
                                     "\"action\"",
                                     "\"shards\": []",
                                     "\"shards\": [\"shard-00001.safetensors\"]",
                                     "\"shard-00000.safetensors\"",
                                     "\"../x\"",
                                     "\"/dev/zero\"",
                                     "\"manifest.json\"",
                                     "\"task\": \"\"",
                                     "\"contact_obs\": true",
                                     "\"obs_dim\": 1048576",
                                     "\"act_dim\": 64",
                                     "\"next_row\"",
                                     "\"best_epoch\"",
                                     "\"adam_t\"",
                                     "\"tanh\"",
                                     "\\u0000",
                                     "\\u001b[2J",
                                     "\xff",
                                     "\n",
                                     "%s%n",
                                     "nan",
                                     "[[[[[[[[[[[[[[[["};
#define N_TOKENS (sizeof tokens / sizeof tokens[0])

// The files of the folder, as they are when sound.
enum { MANIFEST, SHARD_0, SHARD_1, POLICY, CHECKPOINT, N_FILES };
static const char *const names[N_FILES] = {"data/manifest.json", "data/shard-00000.safetensors",
                                           "data/shard-00001.safetensors", "policy.safetensors",
                                           "checkpoint.safetensors"};
static block sound[N_FILES];
static char folder[256];
static udy_task *task;
static udy_pool *pool;

static const char *at(const char *name) {
    static char path[512];
    snprintf(path, sizeof path, "%s/%s", folder, name);
    return path;
}

static void put(int file, const block *b) {
    FILE *f = fopen(at(names[file]), "wb");
    REQUIRE(f && fwrite(b->p, 1, b->n, f) == b->n && fclose(f) == 0, "cannot write %s",
            names[file]);
}

static udy_episode episode_of(uint64_t seed) {
    static float obs[ROWS * O_DIM], action[ROWS * A_DIM], reward[ROWS];
    udy_rng rng;
    udy_rng_init(&rng, seed);
    for (int i = 0; i < ROWS * O_DIM; i++) obs[i] = (float)udy_rng_normal(&rng);
    for (int i = 0; i < ROWS * A_DIM; i++) action[i] = (float)udy_rng_uniform(&rng, -1, 1);
    for (int i = 0; i < ROWS; i++) reward[i] = (float)i;
    return (udy_episode){
        .length = ROWS, .end = UDY_END_LIMIT, .obs = obs, .action = action, .reward = reward};
}

//------------------------------------------ The sound files ---------------------------------------

static udy_bc_config training(void) {
    udy_bc_config c = udy_bc_config_default();
    c.hidden = (udy_ints){1, {2}};
    c.epochs = 2;
    c.batch_size = 2;
    c.val_fraction = 0;
    return c;
}

static int stop_at_once(void *ctx, const char *stage, int64_t done, int64_t total, const char *unit,
                        const char *note) {
    (void)ctx, (void)stage, (void)done, (void)total, (void)unit, (void)note;
    return 1;
}

static void make_sound_files(void) {
    udy_error err = {0};
    udy_dataset *d;
    udy_bc *bc;
    udy_policy *policy;
    udy_bc_config config = training();
    REQUIRE(!udy_dataset_create(&d, at("data"), task, "fuzz", &err), "%s", err.message);
    for (uint64_t i = 0; i < 2; i++) {
        udy_episode e = episode_of(i);
        REQUIRE(!udy_dataset_append(d, &e, 1, NULL, (int)i, &err), "%s", err.message);
    }
    char checkpoint[512];
    snprintf(checkpoint, sizeof checkpoint, "%s", at(names[CHECKPOINT]));
    udy_progress stop = {.on_advance = stop_at_once};
    REQUIRE(!udy_bc_create(&bc, &config, task, pool, 0, 0, &err), "%s", err.message);
    REQUIRE(udy_bc_train(bc, d, "fuzz", checkpoint, &stop, &err) == UDY_EINTERRUPTED, "%s",
            err.message);
    REQUIRE(!udy_bc_policy(bc, false, &policy, &err), "%s", err.message);
    REQUIRE(!udy_policy_save(policy, at(names[POLICY]), NULL, 0, &err), "%s", err.message);
    udy_policy_destroy(policy);
    udy_bc_destroy(bc);
    udy_dataset_close(d);
    for (int i = 0; i < N_FILES; i++) {
        char *text;
        size_t n;
        REQUIRE(!udy_file_read(&text, &n, at(names[i]), BLOCK_MAX, &err), "%s", err.message);
        memcpy(sound[i].p, text, n);
        sound[i].n = n;
        udy_free(text);
    }
}

//------------------------------------------ Cases -------------------------------------------------

// The header of a safetensors file is mutated with its length kept true in half of the cases, so
// that they get past the first check.
static block mutated(udy_rng *rng, int file) {
    block b = sound[file];
    uint64_t n = 1 + udy_rng_below(rng, 3);
    if (file != MANIFEST && udy_rng_below(rng, 2)) {
        size_t length = (size_t)b.p[0] | (size_t)b.p[1] << 8, rest = b.n - 8 - length;
        block header = {.n = length};
        memcpy(header.p, b.p + 8, length);
        while (n--) mutate(rng, &header, tokens, N_TOKENS);
        if (8 + header.n + rest > BLOCK_MAX) return b;
        block whole = {.n = 8 + header.n + rest};
        for (int i = 0; i < 8; i++) whole.p[i] = (unsigned char)((uint64_t)header.n >> (8 * i));
        memcpy(whole.p + 8, header.p, header.n);
        memcpy(whole.p + 8 + header.n, b.p + 8 + length, rest);
        return whole;
    }
    while (n--) mutate(rng, &b, tokens, N_TOKENS);
    return b;
}

// Reads all there is; the sums keep the compiler from leaving it out.
static double walk(const udy_dataset *d) {
    udy_dataset_info info = udy_dataset_info_of(d);
    uint64_t rows = 0;
    double sum = 0;
    REQUIRE(info.obs_dim >= 1 && info.act_dim >= 1 && info.act_dim <= UDY_ACT_DIM_MAX, "sizes");
    for (int i = 0; i < info.n_episodes; i++) {
        udy_dataset_episode e = udy_dataset_episode_at(d, i);
        REQUIRE(e.first_row == rows && e.length >= 1, "episode %d", i);
        rows += (uint64_t)e.length;
    }
    REQUIRE(rows == info.n_rows && info.n_labels <= rows, "rows");
    for (uint64_t r = 0; r < rows; r++) {
        for (int k = 0; k < info.obs_dim; k++) sum += (double)udy_dataset_obs(d, r)[k];
        for (int k = 0; k < info.act_dim; k++) sum += (double)udy_dataset_action(d, r)[k];
    }
    udy_error err = {0};
    int status = udy_dataset_check(d, &err);
    if (status) check_message(&err, UDY_ENONFINITE);
    return sum;
}

static int messages;

static void take_message(void *ctx, const char *message) {
    (void)ctx;
    udy_error err = {.code = UDY_EFORMAT};
    messages++;
    snprintf(err.message, sizeof err.message, "%s", message);
    check_message(&err, UDY_EFORMAT);
}

static bool dataset_case(int file, bool append) {
    udy_dataset *d = NULL;
    udy_error err = {0};
    udy_progress listen = {.on_message = take_message};
    messages = 0;
    int status = udy_dataset_open(&d, at("data"), &listen, &err);
    if (status) {
        REQUIRE(file == MANIFEST, "a shard spoilt the whole: %s", err.message);
        REQUIRE(!d, "a failed open gave a dataset");
        check_message(&err, status);
        return false;
    }
    udy_dataset_info info = udy_dataset_info_of(d);
    REQUIRE(messages == info.n_shards_bad, "%d messages", messages);
    walk(d);
    if (file != MANIFEST) {  // the other shard is whole
        REQUIRE(info.n_shards_bad <= 1 && info.n_shards + info.n_shards_bad == 2, "shards");
        udy_episode e = episode_of(file == SHARD_0);
        uint64_t first = file == SHARD_0 && !info.n_shards_bad ? ROWS : 0;
        if (info.n_rows == (info.n_shards_bad ? ROWS : 2 * ROWS))
            REQUIRE(!memcmp(udy_dataset_obs(d, first), e.obs, ROWS * O_DIM * sizeof(float)),
                    "other rows");
    }
    bool good = info.n_shards_bad == 0;
    if (append && info.obs_dim == O_DIM && info.act_dim == A_DIM) {
        udy_episode e = episode_of(7);
        REQUIRE(!udy_dataset_append(d, &e, 1, NULL, 0, &err), "%s", err.message);
        REQUIRE(udy_dataset_info_of(d).n_rows == info.n_rows + ROWS, "rows");
        REQUIRE(!memcmp(udy_dataset_obs(d, info.n_rows), e.obs, ROWS * O_DIM * sizeof(float)),
                "rows");
        int listed = info.n_shards + info.n_shards_bad;
        REQUIRE(!udy_dataset_truncate(d, listed, &err), "%s", err.message);
        REQUIRE(udy_dataset_info_of(d).n_rows == info.n_rows, "truncated");
    }
    udy_dataset_close(d);
    return good;
}

static bool policy_case(void) {
    udy_policy *policy = NULL;
    udy_error err = {0};
    int status = udy_policy_load(&policy, at(names[POLICY]), &err);
    if (status) {
        REQUIRE(!policy, "a failed load gave a policy");
        check_message(&err, status);
        return false;
    }
    status = udy_policy_check(policy, task, &err);
    if (status) check_message(&err, status);
    double obs[O_DIM] = {0};
    float action[UDY_ACT_DIM_MAX];
    float *scratch = udy_alloc(udy_policy_scratch_size(policy) * sizeof(float));
    REQUIRE(scratch, "memory");
    if (!status) udy_policy_act(policy, obs, action, scratch, NULL);
    udy_free(scratch);
    udy_policy_destroy(policy);
    return !status;
}

static bool checkpoint_case(void) {
    udy_dataset *d;
    udy_bc *bc;
    udy_error err = {0};
    udy_bc_config config = training();
    char path[512];
    snprintf(path, sizeof path, "%s", at(names[CHECKPOINT]));
    REQUIRE(!udy_dataset_open(&d, at("data"), NULL, &err), "%s", err.message);
    REQUIRE(!udy_bc_create(&bc, &config, task, pool, 0, 0, &err), "%s", err.message);
    int status = udy_bc_train(bc, d, "fuzz", path, NULL, &err);
    if (status)
        check_message(&err, status);
    else
        REQUIRE(udy_bc_epochs(bc) == 2, "epochs");
    udy_bc_destroy(bc);
    udy_dataset_close(d);
    return !status;
}

static bool run_case(uint64_t seed, uint64_t number) {
    udy_rng rng;
    udy_rng_init_stream(&rng, seed, "fuzz/dataset", number);
    int file = (int)udy_rng_below(&rng, N_FILES);
    block b = mutated(&rng, file);
    put(file, &b);
    bool good;
    if (file == POLICY) {
        good = policy_case();
    } else if (file == CHECKPOINT) {
        good = checkpoint_case();
    } else {
        bool append = udy_rng_below(&rng, 40) == 0;
        good = dataset_case(file, append);
        if (append) put(MANIFEST, &sound[MANIFEST]);
    }
    put(file, &sound[file]);
    return good;
}

int main(int argc, char **argv) {
    uint64_t n = argument(argc, argv, 1, 10000), seed = argument(argc, argv, 2, 1), good = 0;
    udy_error err = {0};
    snprintf(folder, sizeof folder, UDY_TEST_TMP "/fuzz-dataset-XXXXXX");
    REQUIRE(mkdtemp(folder), "no folder %s", folder);
    REQUIRE(!udy_task_create(&task, "Ant-v5", NULL, &err), "%s", err.message);
    REQUIRE(!udy_pool_create(&pool, 1, &err), "%s", err.message);
    make_sound_files();
    REQUIRE(dataset_case(SHARD_0, true) && policy_case() && checkpoint_case(),
            "the sound files are not");
    for (uint64_t k = 0; k < n; k++) good += run_case(seed, k);
    REQUIRE(dataset_case(SHARD_0, false) && policy_case() && checkpoint_case(),
            "a case left a mark");
    printf("%" PRIu64 " mutated files: %" PRIu64 " harmless, %" PRIu64 " refused or skipped\n", n,
           good, n - good);
    REQUIRE(n < 1000 || (good > n / 100 && good < n * 3 / 4), "the mutations do not bite");
    udy_pool_destroy(pool);
    udy_task_destroy(task);
    char command[512];
    snprintf(command, sizeof command, "rm -r '%s'", folder);
    REQUIRE(system(command) == 0, "cannot remove %s", folder);
    return 0;
}
