// contained.h: work on a hostile file in a process of its own, for libraries that a file can crash.
// hdf5.c serves requests there; hdf5_read.c asks.
#ifndef UNDERSTUDY_IO_CONTAINED_H_
#define UNDERSTUDY_IO_CONTAINED_H_

#include "understudy/io.h"

// What runs on the other side. Both are called in the forked process only, whose memory is a copy:
// nothing they do reaches the caller but the reply and the bulk.
typedef struct udy__contained_work {
    void (*prepare)(void *ctx);  // before the limits close. Nullable
    // Answer a request: fill reply (zeroed), and bulk where the request is for data.
    void (*serve)(void *ctx, const void *request, void *reply, void *bulk);
    void *ctx;
    size_t request_bytes, reply_bytes, bulk_bytes;
    uint64_t memory_bytes;  // that it may map beyond what the caller has
    double patience_s;      // for one answer
    const char *path;       // of the file, and the library's name: for messages; kept
    const char *library;
} udy__contained_work;

typedef struct udy__contained udy__contained;

// Fork the process: no files but those it opens to read, no network, no programs, no core file,
// bounded memory; it dies with its parent. Where the kernel offers no seccomp, limits alone hold.
int udy__contained_start(udy__contained **out, const udy__contained_work *work, udy_error *err)
    UDY_MUST_CHECK;
void udy__contained_stop(udy__contained *c);  // NULL is legal
// One request and its answer, copied out of reach of the other side before it returns; its numbers
// are as hostile as the file. UDY_EFORMAT where the library crashed, hung or met its limits; from
// then on every call says so.
int udy__contained_call(udy__contained *c, const void *request, void *reply, udy_error *err)
    UDY_MUST_CHECK;
const void *udy__contained_bulk(const udy__contained *c);  // any bytes: copy before judging them

#endif  // UNDERSTUDY_IO_CONTAINED_H_
