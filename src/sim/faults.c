// faults.c: MuJoCo's errors and warnings, which by default print, write MUJOCO_LOG.TXT into the
// current folder and end the process. Here they become what callers can read.
#include <pthread.h>
#include <setjmp.h>
#include <stdio.h>
#include <string.h>

#include "sim/internal.h"

// Where an error raised on this thread goes while udy__faults_trap runs; NULL otherwise. Inside
// mjb_apply MuJoCo's own thread-local handler comes first.
static _Thread_local jmp_buf *trap_jump;
static _Thread_local char trap_message[512];
static mjfLogHandler previous_handler;

// Warnings and information are dropped: warnings are counted in mjData, where they are read after
// every step. An error must not return; without a trap it was raised by somebody else's call.
static void on_log(const mjLogMessage *message) {
    if (message->level != mjLOG_ERROR) return;
    if (trap_jump != NULL) {
        snprintf(trap_message, sizeof trap_message, "%.500s", message->subject);
        longjmp(*trap_jump, 1);
    }
    previous_handler(message);
}

static void install(void) {
    previous_handler = mju_setLogHandler(on_log);
}

void udy__faults_install(void) {
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    pthread_once(&once, install);
}

bool udy__faults_trap(void (*fn)(void *), void *arg, char *message, size_t message_size) {
    jmp_buf jump;
    jmp_buf *outer = trap_jump;
    if (setjmp(jump) == 0) {
        trap_jump = &jump;
        fn(arg);
        trap_jump = outer;
        return true;
    }
    trap_jump = outer;
    snprintf(message, message_size, "%s", trap_message);
    return false;
}

int udy__faults_error(udy_error *err, const udy_task *task, const char *words) {
    char line[420];
    size_t n = 0;
    for (const char *c = words; *c != '\0' && n + 1 < sizeof line; ++c) {
        char next = *c == '\n' ? ' ' : *c;
        if (next != ' ' || (n > 0 && line[n - 1] != ' ')) line[n++] = next;
    }
    line[n] = '\0';
    return udy_error_set(err, UDY_EPHYSICS, "%s: MuJoCo: %s", task->row->id, line);
}

const char *udy__faults_warning(const mjData *d) {
    for (int w = 0; w < mjNWARNING; ++w) {
        if (d->warning[w].number > 0) return mju_warningText(w, (size_t)d->warning[w].lastinfo);
    }
    return NULL;
}
