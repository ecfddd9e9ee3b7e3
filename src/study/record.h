// record.h: what the stages of a run leave behind under its folder's checkpoints/, for those that go on.
#ifndef UNDERSTUDY_SRC_STUDY_RECORD_H_
#define UNDERSTUDY_SRC_STUDY_RECORD_H_

#include "understudy/study.h"

// checkpoints/<name>.json below folder run, of at most max_bytes; *out NULL where there is none.
int udy__record_read(const char *run, const char *name, size_t max_bytes, udy_json **out,
                     udy_error *err) UDY_MUST_CHECK;
// Takes ownership of record.
int udy__record_write(const char *run, const char *name, udy_json *record, udy_error *err)
    UDY_MUST_CHECK;
// A folder where something else has begun must not lend this one its records: note in the record what
// this is made with, or find that it is the same. UDY_EMISMATCH says that the folder was begun with
// `others` ("other settings or another expert").
int udy__record_claim(const char *run, const char *name, size_t max_bytes, const char *made_with,
                      const char *others, udy_error *err) UDY_MUST_CHECK;
// Wall-clock of a run, over all the processes that have worked on it.
typedef struct udy__elapsed {
    double start_s, before_s;  // when this process began; taken by those before it
} udy__elapsed;
double udy__elapsed_s(const udy__elapsed *elapsed);  // so far
// The record "elapsed": written as it is now, and read back by the next process.
int udy__elapsed_keep(const udy__elapsed *elapsed, const char *run, udy_error *err);
int udy__elapsed_recall(udy__elapsed *elapsed, const char *run, size_t max_bytes, udy_error *err)
    UDY_MUST_CHECK;
// Make the n folders `names` below folder run.
int udy__run_folders(const char *run, const char *const *names, int n, udy_error *err)
    UDY_MUST_CHECK;

#endif  // UNDERSTUDY_SRC_STUDY_RECORD_H_
