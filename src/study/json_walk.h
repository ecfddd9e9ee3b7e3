// Structs as JSON objects and back: one walk over a struct's fields both writes and reads them.
#ifndef UDY_STUDY_JSON_WALK_H_
#define UDY_STUDY_JSON_WALK_H_

#include "understudy/base.h"

// An object under way: written to, or read from. Reading never trusts the file: the first member that
// is missing or not what it should be is the fault, and all after it is left alone.
typedef struct udy__walk {
    bool reading, no_memory;
    udy_json *to;
    const udy_json *from;
    const char *fault;  // name of the member; NULL: none so far
} udy__walk;

bool udy__walk_stopped(const udy__walk *w);

// One member each. Numbers are finite; a count is 0 or more; text fits in size with its end.
void udy__walk_number(udy__walk *w, const char *name, double *x);
void udy__walk_int(udy__walk *w, const char *name, int *x);
void udy__walk_count(udy__walk *w, const char *name, int *x);
void udy__walk_u64(udy__walk *w, const char *name, uint64_t *x);
void udy__walk_i64(udy__walk *w, const char *name, int64_t *x);  // 0 or more
void udy__walk_bool(udy__walk *w, const char *name, bool *x);
void udy__walk_text(udy__walk *w, const char *name, char *x, size_t size);
// An array of exactly n numbers: in place, or allocated on reading.
void udy__walk_numbers(udy__walk *w, const char *name, double *x, size_t n);
void udy__walk_new_numbers(udy__walk *w, const char *name, double **x, size_t n);
// n float32 numbers as base64 of their little-endian bytes, allocated on reading.
void udy__walk_floats(udy__walk *w, const char *name, float **x, size_t n);
// Zeroed memory while all is well, else NULL.
void *udy__walk_room(udy__walk *w, size_t n, size_t size);

// An object in an object: members are walked between the two.
udy__walk udy__walk_into(udy__walk *w, const char *name);
void udy__walk_out(udy__walk *w, const char *name, udy__walk *inner);

// An array of n objects of `size` bytes; on reading n (at most `most`) and the array are made.
typedef void (*udy__walk_fn)(udy__walk *w, void *item, const void *whole);
// Returns items, or what was made.
void *udy__walk_list(udy__walk *w, const char *name, void *items, int *n, size_t size, int most,
                     udy__walk_fn each, const void *whole);

#endif  // UDY_STUDY_JSON_WALK_H_
