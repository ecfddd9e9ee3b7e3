// Damaged HDF5 files, whose library crashes on some of them: every truncation and every change of one
// byte ends in an error that says why or in rows that are well formed, in bounded time and memory,
// and the program goes on. Usage: test_fuzz_hdf5 [stride] [first byte]; stride 1 tries every byte.
#include <sys/resource.h>
#include <sys/stat.h>

#include "io/hdf5.h"
#include "io/recording.h"
#include "mutate.h"

typedef struct count {
    uint64_t cases, read, refused, crashed, hung;
} count;

static unsigned char *sound;
static size_t n_sound;
static char path[512];

static void load(const char *from) {
    udy_error err = {0};
    char *data;
    REQUIRE(!udy_file_read(&data, &n_sound, from, 1 << 20, &err), "%s", err.message);
    udy_free(sound);
    sound = (unsigned char *)data;
}

static void put(size_t n) {
    FILE *f = fopen(path, "wb");
    REQUIRE(f && fwrite(sound, 1, n, f) == n && fclose(f) == 0, "cannot write %s", path);
}

// Read all of it; what comes must be in proportion to the file.
static void read_all(count *c, const char *what, size_t at) {
    const char *const paths[] = {path};
    udy_recording_source source = {.paths = paths, .n_paths = 1};
    udy__recording *recording;
    udy__rows rows = {0};
    udy__ending ending;
    udy_error err = {0};
    c->cases++;
    int status = udy__recording_open(&recording, &source, &err), n_episodes = 0;
    if (!status) {
        rows.obs_dim = recording->facts.obs_dim;
        rows.act_dim = recording->facts.act_dim;
        REQUIRE(rows.obs_dim >= 1 && rows.act_dim >= 1, "%s at %zu: no dimensions", what, at);
        while ((status = recording->next(recording, &rows, &ending, &err)) > 0) {
            n_episodes++;
            REQUIRE(memchr(ending.place, 0, sizeof ending.place), "a place without an end");
            REQUIRE(n_episodes <= 100000, "%s at %zu: episodes without end", what, at);
        }
        double bytes = (double)rows.n * (double)(rows.obs_dim + rows.act_dim) * sizeof(float);
        REQUIRE(bytes <= 1100.0 * (double)n_sound + (1 << 20),
                "%s at %zu: %g bytes of a file of %zu", what, at, bytes, n_sound);
        udy__recording_close(recording);
    }
    udy__rows_free(&rows);
    c->read += status == 0;
    c->refused += status < 0;
    if (status == 0) return;
    check_message(&err, status);
    c->crashed += strstr(err.message, "crashed") != NULL;
    c->hung += strstr(err.message, "no answer") != NULL;
}

static void change_bytes(count *c, size_t first, size_t stride) {
    put(n_sound);
    for (size_t at = first; at < n_sound; at += stride) {
        // A bit, all bits, the largest: what a size or an address is most hurt by.
        unsigned char was = sound[at],
                      tries[3] = {(unsigned char)(was ^ (1u << at % 8)), (unsigned char)~was, 0xff};
        unsigned char one = tries[at / stride % 3];
        if (one == was) one ^= 0x55;
        FILE *f = fopen(path, "r+b");
        REQUIRE(f && !fseek(f, (long)at, SEEK_SET) && fputc(one, f) == one && !fclose(f),
                "cannot write");
        read_all(c, "byte", at);
        f = fopen(path, "r+b");
        REQUIRE(f && !fseek(f, (long)at, SEEK_SET) && fputc(was, f) == was && !fclose(f),
                "cannot write");
    }
}

static void cut(count *c, size_t first, size_t stride) {
    for (size_t n = first; n < n_sound; n += stride) {
        put(n);
        read_all(c, "cut", n);
    }
}

int main(int argc, char **argv) {
    static const char *const files[] = {
        UDY_SOURCE_DIR "/tests/data/minari/falls-v0/data/main_data.hdf5",
        UDY_SOURCE_DIR "/tests/data/minari/d4rl.hdf5",
    };
    size_t stride = (size_t)argument(argc, argv, 1, 29), first = (size_t)argument(argc, argv, 2, 0);
    if (stride == 0) stride = 1;
    udy__h5_patience_s = 10;
    snprintf(path, sizeof path, UDY_TEST_TMP "/fuzz-hdf5-%d.hdf5", (int)getpid());
    for (size_t i = 0; i < sizeof files / sizeof *files; i++) {
        count changed = {0}, cuts = {0}, whole = {0};
        load(files[i]);
        put(n_sound);
        read_all(&whole, "whole", 0);
        REQUIRE(whole.read == 1, "%s is not read", files[i]);
        change_bytes(&changed, first, stride);
        cut(&cuts, first, stride * 3);
        count *both[] = {&changed, &cuts};
        for (int k = 0; k < 2; k++)
            printf(
                "%s: %s: %llu cases, %llu read, %llu refused, of which %llu crashed and %llu hung "
                "libhdf5\n",
                strrchr(files[i], '/') + 1, k ? "cut short" : "one byte changed",
                (unsigned long long)both[k]->cases, (unsigned long long)both[k]->read,
                (unsigned long long)both[k]->refused, (unsigned long long)both[k]->crashed,
                (unsigned long long)both[k]->hung);
        REQUIRE(cuts.refused == cuts.cases || cuts.read < cuts.cases, "a cut file is read whole");
        put(n_sound);
        whole = (count){0};
        read_all(&whole, "whole", 0);
        REQUIRE(whole.read == 1, "%s is not read after all that", files[i]);
    }
    unlink(path);
    udy_free(sound);
    struct rusage usage;
    getrusage(RUSAGE_SELF, &usage);
    printf("largest memory: %ld MB\n", usage.ru_maxrss / 1024);
#ifndef __SANITIZE_ADDRESS__
    REQUIRE(usage.ru_maxrss < 256 * 1024, "%ld kB of memory", usage.ru_maxrss);
#endif
    return 0;
}
