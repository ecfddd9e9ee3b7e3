// kill_again.h: kill a child at random moments and start it again, until it ends by itself.
#ifndef UNDERSTUDY_TESTS_LEARN_KILL_AGAIN_H_
#define UNDERSTUDY_TESTS_LEARN_KILL_AGAIN_H_

#include <signal.h>
#include <sys/wait.h>

#include "../unit/test_learn_common.h"

static const char *own_path;  // this program's, as it was called

// This program again, as `own_path --run folder`: a fresh process, as after a real kill.
static inline pid_t start_again(const char *folder) {
    pid_t child = fork();
    assert_true(child >= 0);
    if (child) return child;
    execl("/proc/self/exe", own_path, "--run", folder, (char *)NULL);
    _exit(127);
}

// Fails where it ends badly or was killed less than three times.
static inline void kill_until_done(const char *folder, uint64_t seed) {
    udy_rng rng;
    udy_rng_init(&rng, seed);
    int kills = 0, how = -1;
    for (int i = 0; i < 60; i++) {
        pid_t child = start_again(folder);
        // Longer each time, so that it ends even where a stage is slow.
        double patience_s = udy_rng_uniform(&rng, 0.05, 0.25) + 0.05 * i, start = udy_clock_s();
        pid_t done = 0;
        bool last = i == 59;  // left alone: on a busy machine none of the others may get far
        while (!done && (last || udy_clock_s() - start < patience_s)) {
            usleep(2000);
            done = waitpid(child, &how, WNOHANG);
        }
        if (done) break;
        kills++;
        kill(child, SIGKILL);
        assert_int_equal(waitpid(child, &how, 0), child);
    }
    assert_true(WIFEXITED(how) && WEXITSTATUS(how) == 0);
    assert_true(kills >= 3);
    print_message("%d kills\n", kills);
}

#endif  // UNDERSTUDY_TESTS_LEARN_KILL_AGAIN_H_
