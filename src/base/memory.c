// Aligned, zeroed memory, counted. One block for a network's parameters, a buffer, a handle.
#include <stdatomic.h>
#include <stdlib.h>
#include <string.h>

#include "understudy/base.h"

static atomic_uint_fast64_t alloc_count;

void *udy_alloc(size_t n_bytes) {
    const size_t alignment = 64;
    if (n_bytes == 0 || n_bytes > SIZE_MAX - alignment) return NULL;
    size_t rounded = (n_bytes + alignment - 1) / alignment * alignment;
    atomic_fetch_add_explicit(&alloc_count, 1, memory_order_relaxed);
    void *p = aligned_alloc(alignment, rounded);
    if (p) memset(p, 0, rounded);
    return p;
}

void udy_free(void *p) {
    free(p);
}

char *udy_strdup(const char *s) {
    if (!s) return NULL;
    size_t n = strlen(s) + 1;
    char *copy = udy_alloc(n);
    if (copy) memcpy(copy, s, n);
    return copy;
}

uint64_t udy_alloc_count(void) {
    return atomic_load_explicit(&alloc_count, memory_order_relaxed);
}

uint64_t udy_hash(const void *data, size_t n_bytes) {
    const unsigned char *bytes = data;
    uint64_t hash = 14695981039346656037u;
    for (size_t i = 0; i < n_bytes; i++) hash = (hash ^ bytes[i]) * 1099511628211u;
    return hash;
}
