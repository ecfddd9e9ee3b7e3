// signals.c: a first interruption asks the work to stop and save (progress callbacks pass it on),
// a second one leaves at once.
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "cli.h"

static volatile sig_atomic_t asked;

static void on_signal(int number) {
    (void)number;
    if (asked) _exit(CLI_INTERRUPTED);
    asked = 1;
    static const char text[] = "\nstopping: saving what is done (once more: leave at once)\n";
    // Nothing can be done about a failed write in here.
    ssize_t written = write(STDERR_FILENO, text, sizeof text - 1);
    (void)written;
}

void cli_signals_install(void) {
    struct sigaction action;
    memset(&action, 0, sizeof action);
    sigemptyset(&action.sa_mask);
    action.sa_flags = SA_RESTART;
    static const int numbers[] = {SIGINT, SIGTERM, SIGHUP};
    for (size_t i = 0; i < sizeof numbers / sizeof numbers[0]; i++) {
        struct sigaction before;
        // What a caller had us ignore (nohup, a shell's background job) stays ignored.
        if (sigaction(numbers[i], NULL, &before) == 0 && before.sa_handler == SIG_IGN) continue;
        action.sa_handler = on_signal;
        sigaction(numbers[i], &action, NULL);
    }
    // A reader that goes away becomes a failed write, which is reported.
    action.sa_handler = SIG_IGN;
    sigaction(SIGPIPE, &action, NULL);
}

bool cli_interrupted(void) { return asked != 0; }
