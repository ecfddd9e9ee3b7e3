// Progress callbacks, called where there are any. `cli` draws what these carry.
#include <stdarg.h>
#include <stdio.h>

#include "understudy/base.h"

int udy_progress_advance(const udy_progress *progress, const char *stage, int64_t done,
                         int64_t total, const char *unit, const char *note) {
    if (!progress || !progress->on_advance) return 0;
    return progress->on_advance(progress->ctx, stage ? stage : "", done, total, unit ? unit : "",
                                note ? note : "");
}

void udy_progress_message(const udy_progress *progress, const char *format, ...) {
    if (!progress || !progress->on_message) return;
    char message[1024];
    va_list args;
    va_start(args, format);
    vsnprintf(message, sizeof message, format, args);
    va_end(args);
    progress->on_message(progress->ctx, message);
}
