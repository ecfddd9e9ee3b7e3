// signals.c: a first interruption asks the work to stop and save (progress callbacks pass it on),
// a second one leaves at once.
//
// A thread of its own takes the signals, and every other thread has them blocked: oneDNN's products
// point the stack register into their workspace, so a signal frame pushed while one runs, as a
// handler would have it, lands in the heap.
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <string.h>
#include <unistd.h>

#include "cli.h"

static atomic_bool asked;
static sigset_t taken;

static void *take_signals(void *ctx) {
    (void)ctx;
    static const char text[] = "\nstopping as soon as the work is saved (once more: at once)\n";
    double first_s = 0;
    for (int number; sigwait(&taken, &number) == 0;) {
        // timeout(1) and the like signal the process and its group: that is one request.
        if (asked && udy_clock_s() - first_s < 0.5) continue;
        if (asked) _exit(CLI_INTERRUPTED);
        first_s = udy_clock_s();
        atomic_store(&asked, true);
        ssize_t written = write(STDERR_FILENO, text, sizeof text - 1);
        (void)written;  // nothing can be done about a failure here
    }
    return NULL;
}

// Before any other thread is made, so that all of them inherit the mask.
void cli_signals_install(void) {
    static const int numbers[] = {SIGINT, SIGTERM, SIGHUP};
    sigset_t before;
    sigemptyset(&taken);
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
        struct sigaction action;
        // What a caller had us ignore (nohup, a shell's background job) stays ignored.
        if (sigaction(numbers[i], NULL, &action) != 0 || action.sa_handler != SIG_IGN)
            sigaddset(&taken, numbers[i]);
    }
    pthread_t thread;
    pthread_attr_t attributes;
    pthread_sigmask(SIG_BLOCK, &taken, &before);
    pthread_attr_init(&attributes);
    pthread_attr_setdetachstate(&attributes, PTHREAD_CREATE_DETACHED);
    // Without the thread, signals do what they do by default: end the program.
    if (pthread_create(&thread, &attributes, take_signals, NULL))
        pthread_sigmask(SIG_SETMASK, &before, NULL);
    pthread_attr_destroy(&attributes);
    // A reader that goes away becomes a failed write, which is reported.
    struct sigaction ignore;
    memset(&ignore, 0, sizeof ignore);
    sigemptyset(&ignore.sa_mask);
    ignore.sa_handler = SIG_IGN;
    sigaction(SIGPIPE, &ignore, NULL);
}

bool cli_interrupted(void) {
    return atomic_load(&asked);
}
