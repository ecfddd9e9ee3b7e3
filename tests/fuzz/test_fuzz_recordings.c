// Damaged tables, arrays, trajectories and metadata: every truncation, every change of one byte and
// random mutations end in an error that says why, or in rows that are finite and in proportion.
// Usage: test_fuzz_recordings [random cases a file] [seed]
#include <math.h>

#include "io/npy.h"
#include "io/recording.h"
#include "mutate.h"

static const char *const tokens[] = {",",
                                     ";",
                                     "\t",
                                     "\"",
                                     "\"\"",
                                     "\n",
                                     "\r\n",
                                     "\n\n",
                                     "#",
                                     "nan",
                                     "-inf",
                                     "1e39",
                                     "1e-400",
                                     "0x1p3",
                                     "-",
                                     ".",
                                     "1,2",
                                     "x",
                                     "y",
                                     " ",
                                     "\xef\xbb\xbf",
                                     "\xff\xfe",
                                     "\xff",
                                     "true",
                                     "%s%n",
                                     "\x1b[2J",
                                     "'descr': '|O'",
                                     "(3, 2)",
                                     "(99999999999, 2)",
                                     "'fortran_order': True",
                                     "<f8",
                                     ">f8",
                                     "Infinity",
                                     "{",
                                     "}",
                                     "[",
                                     "\\\"",
                                     "\\u0000",
                                     "null",
                                     "1e300",
                                     "\"Dict\"",
                                     "\"shape\": [4, 4]",
                                     "\"total_episodes\": 99",
                                     "\"data_format\": \"arrow\"",
                                     "PK\x03\x04",
                                     "\x93NUMPY"};
#define N_TOKENS (sizeof tokens / sizeof tokens[0])

static char folder[256];

static void put_at(const char *path, const block *b) {
    FILE *f = fopen(path, "wb");
    REQUIRE(f && fwrite(b->p, 1, b->n, f) == b->n && fclose(f) == 0, "cannot write %s", path);
}

static void load(block *b, const char *path) {
    udy_error err = {0};
    char *data;
    size_t n;
    REQUIRE(!udy_file_read(&data, &n, path, BLOCK_MAX, &err), "%s", err.message);
    memcpy(b->p, data, n);
    b->n = n;
    udy_free(data);
}

// One kind of file: how it is read.
typedef struct kind {
    const char *name;
    udy_recording_source source;
    char path[512];  // of the file that is damaged
    block sound;
    uint64_t cases, read;
    bool finite;  // does the format's own reader look for NaN?
} kind;

static void read_all(kind *k, const block *b, const char *how, size_t at) {
    udy__recording *recording;
    udy__rows rows = {0};
    udy__ending ending;
    udy_error err = {0};
    put_at(k->path, b);
    k->cases++;
    int status = udy__recording_open(&recording, &k->source, &err);
    if (!status) {
        rows.obs_dim = recording->facts.obs_dim;
        rows.act_dim = recording->facts.act_dim;
        for (int i = 0; (status = recording->next(recording, &rows, &ending, &err)) > 0; i++)
            REQUIRE(i < 1 << 16, "%s, %s %zu: episodes without end", k->name, how, at);
        REQUIRE(rows.n < 1 << 20, "%s, %s %zu: %zu rows", k->name, how, at, rows.n);
        for (size_t i = 0; k->finite && i < rows.n * (size_t)rows.obs_dim; i++)
            REQUIRE(isfinite(rows.obs[i]), "%s, %s %zu: %g", k->name, how, at, (double)rows.obs[i]);
        udy__recording_close(recording);
    }
    udy__rows_free(&rows);
    if (status < 0) check_message(&err, status);
    k->read += status == 0;
}

static void damage(kind *k, uint64_t cases, uint64_t seed) {
    block b = k->sound;
    read_all(k, &b, "whole", 0);
    REQUIRE(k->read == 1, "%s is not read", k->name);
    for (size_t n = 0; n < k->sound.n; n++) {
        b.n = n;
        read_all(k, &b, "cut at", n);
    }
    b = k->sound;
    for (size_t at = 0; at < b.n; at++) {
        unsigned char was = b.p[at];
        b.p[at] = (unsigned char)(was ^ (at % 2 ? 1u << at / 2 % 8 : 0xffu));
        read_all(k, &b, "byte", at);
        b.p[at] = was;
    }
    for (uint64_t i = 0; i < cases; i++) {
        udy_rng rng;
        udy_rng_init_stream(&rng, seed, k->name, i);
        b = k->sound;
        for (uint64_t n = 1 + udy_rng_below(&rng, 4); n > 0; n--)
            mutate(&rng, &b, tokens, N_TOKENS);
        read_all(k, &b, "mutation", (size_t)i);
    }
    printf("%s: %llu cases, %llu read\n", k->name, (unsigned long long)k->cases,
           (unsigned long long)k->read);
}

static void sound_csv(block *b) {
    static const char text[] =
        "\xef\xbb\xbf"
        "run,x,y,u,done\r\n0,1.5,-2e-3,\"0.5\",0\r\n0,2,3,0.25,1\r\n\r\n# a note\n"
        "b,4,5,-1,0\nb,6,7,.5,False\n";
    memcpy(b->p, text, b->n = sizeof text - 1);
}

static void sound_npy(block *b) {
    static const double values[] = {1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12};
    udy_tensor t = {.name = "t", .dtype = UDY_F64, .ndim = 2, .shape = {3, 4}};
    char header[UDY__NPY_HEADER_MAX];
    size_t head = udy__npy_header(header, &t);
    memcpy(b->p, header, head);
    memcpy(b->p + head, values, sizeof values);
    b->n = head + sizeof values;
}

int main(int argc, char **argv) {
    uint64_t cases = argument(argc, argv, 1, 2000), seed = argument(argc, argv, 2, 1);
    static kind csv = {.name = "csv", .finite = true}, npy = {.name = "npy", .finite = true},
                npz = {.name = "npz"}, metadata = {.name = "metadata"};
    char command[600];
    snprintf(folder, sizeof folder, UDY_TEST_TMP "/fuzz-recordings-XXXXXX");
    REQUIRE(mkdtemp(folder), "no folder");
    snprintf(command, sizeof command,
             "cp -r '" UDY_SOURCE_DIR "/tests/data/minari/falls-v0' '%s/minari'", folder);
    REQUIRE(system(command) == 0, "no copy");
    snprintf(csv.path, sizeof csv.path, "%s/t.csv", folder);
    snprintf(npy.path, sizeof npy.path, "%s/t.npy", folder);
    snprintf(npz.path, sizeof npz.path, "%s/t.npz", folder);
    snprintf(metadata.path, sizeof metadata.path, "%s/minari/data/metadata.json", folder);
    sound_csv(&csv.sound);
    sound_npy(&npy.sound);
    load(&npz.sound, UDY_SOURCE_DIR "/tests/data/minari/imitation.npz");
    load(&metadata.sound, metadata.path);
    char minari[512];
    snprintf(minari, sizeof minari, "%s/minari", folder);
    const char *paths[] = {csv.path, npy.path, npz.path, minari};
    kind *kinds[] = {&csv, &npy, &npz, &metadata};
    static const char *const formats[] = {"csv", "npy", "npz", "minari"};
    for (int i = 0; i < 4; i++)
        kinds[i]->source =
            (udy_recording_source){.paths = &paths[i], .n_paths = 1, .format = formats[i]};
    csv.source.obs_columns = "x,y";
    csv.source.act_columns = "u";
    csv.source.episode_column = "run";
    csv.source.terminated_column = "done";
    npy.source.obs_columns = "0:2";
    npy.source.act_columns = "2:4";
    for (int i = 0; i < 4; i++) damage(kinds[i], i == 3 ? cases / 20 : cases, seed);
    snprintf(command, sizeof command, "rm -rf '%s'", folder);
    return system(command);
}
