// The replay in memory: a ring of transitions, a row one piece of memory. Filled by the training
// loop, read at random by its updates: a row costs as many cache misses as it has cache lines, and
// these are asked for some rows ahead, so that they overlap. replay_files.c keeps it on disk.
#include <assert.h>
#include <string.h>

#include "learn/replay_internal.h"

enum {
    CACHE_LINE = 64,             // bytes
    DIM_MAX = 1 << 20,           // of observations and actions: keeps sizes far from overflow
    ROWS_AHEAD = 8,              // measured: 4 to 16 do as well, 256 Ant rows in 9 us against 18
    SEGMENT_ROWS_USUAL = 65536,  // 16 MiB of Ant
};

//------------------------------------------ Create ------------------------------------------------

static int check_sizes(int capacity, int obs_dim, int act_dim, int n_envs, udy_error *err) {
    if (obs_dim < 1 || obs_dim > DIM_MAX || act_dim < 1 || act_dim > DIM_MAX)
        return udy_error_set(err, UDY_EINVAL,
                             "replay of %d observations and %d actions: both must be 1 to %d",
                             obs_dim, act_dim, DIM_MAX);
    if (n_envs < 1 || capacity < n_envs)
        return udy_error_set(err, UDY_EINVAL,
                             "replay of %d transitions for %d simulations: it must hold at least "
                             "one of each, and there must be a simulation",
                             capacity, n_envs);
    return UDY_OK;
}

int udy__replay_create(udy__replay **out, int capacity, int obs_dim, int act_dim, int n_envs,
                       udy_error *err) {
    *out = NULL;
    int status = check_sizes(capacity, obs_dim, act_dim, n_envs, err);
    if (status) return status;
    const size_t line = CACHE_LINE / sizeof(float), O = (size_t)obs_dim, A = (size_t)act_dim;
    udy__replay *r = udy_alloc(sizeof *r);
    if (!r) return udy_error_set(err, UDY_ENOMEM, "no memory for a replay");
    r->obs_dim = obs_dim;
    r->act_dim = act_dim;
    r->n_envs = n_envs;
    r->capacity = capacity / n_envs * n_envs;
    r->next_at = O + A;
    r->reward_at = O + A + O;
    r->flags_at = r->reward_at + 1;
    r->row_floats = (r->flags_at + 1 + line - 1) / line * line;
    r->segment_rows = SEGMENT_ROWS_USUAL;
    size_t n_bytes = (size_t)r->capacity * r->row_floats * sizeof(float);
    r->rows = udy_alloc(n_bytes);
    if (!r->rows) {
        status = udy_error_set(err, UDY_ENOMEM,
                               "no memory for a replay of %d transitions (%zu MB); a smaller "
                               "sac.replay_size needs less",
                               r->capacity, n_bytes / 1000000);
        udy__replay_destroy(r);
        return status;
    }
    *out = r;
    return UDY_OK;
}

void udy__replay_destroy(udy__replay *replay) {
    if (!replay) return;
    udy_free(replay->rows);
    udy_free(replay);
}

//------------------------------------------ Append ------------------------------------------------

void udy__replay_append(udy__replay *r, const udy__transition *step) {
    const size_t obs_bytes = (size_t)r->obs_dim * sizeof(float);
    const size_t act_bytes = (size_t)r->act_dim * sizeof(float);
    for (int i = 0; i < r->n_envs; i++) {
        const udy__transition *t = &step[i];
        float *row = udy__replay_row(r, r->head + (uint32_t)i);
        uint32_t flags = (t->terminated ? UDY__REPLAY_TERMINATED : 0) |
                         (t->truncated ? UDY__REPLAY_TRUNCATED : 0);
        memcpy(row, t->obs, obs_bytes);
        memcpy(row + r->obs_dim, t->action, act_bytes);
        memcpy(row + r->next_at, t->next_obs, obs_bytes);
        row[r->reward_at] = t->reward;
        memcpy(row + r->flags_at, &flags, sizeof flags);
    }
    r->count += r->n_envs;
    r->head += (uint32_t)r->n_envs;  // capacity is whole steps: a step never wraps within
    if (r->head == (uint32_t)r->capacity) r->head = 0;
}

int64_t udy__replay_count(const udy__replay *replay) {
    return replay->count;
}

int udy__replay_size(const udy__replay *replay) {
    return replay->count < replay->capacity ? (int)replay->count : replay->capacity;
}

//------------------------------------------ Draw --------------------------------------------------

// Rows appended after the one at position; n_envs of them are a step later.
static int64_t rows_after(const udy__replay *r, uint32_t position) {
    int64_t after = (int64_t)r->head - 1 - (int64_t)position;
    return after < 0 ? after + r->capacity : after;
}

// The same simulation a step later.
static uint32_t next_position(const udy__replay *r, uint32_t position) {
    uint32_t next = position + (uint32_t)r->n_envs;
    return next < (uint32_t)r->capacity ? next : next - (uint32_t)r->capacity;
}

static uint32_t flags_of(const udy__replay *r, const float *row) {
    uint32_t flags;
    memcpy(&flags, row + r->flags_at, sizeof flags);
    return flags & UDY__REPLAY_FLAGS;
}

// Are the n_step rewards from here on in the ring, or all up to an end? A row's future is newer
// than the row and so never overwritten before it: only the newest steps can lack theirs.
static bool has_future(const udy__replay *r, uint32_t position, int n_step) {
    int64_t after = rows_after(r, position);
    if (after >= (int64_t)(n_step - 1) * r->n_envs) return true;
    for (;;) {
        if (flags_of(r, udy__replay_row(r, position))) return true;
        if (after < r->n_envs) return false;
        after -= r->n_envs;
        position = next_position(r, position);
    }
}

// By rejection, so uniform over the rows that has_future; the same rows for the same rng and ring.
// While fewer than n_step steps are held, they count as the n_step: else there would be none.
uint32_t udy__replay_draw(const udy__replay *r, int n_step, udy_rng *rng) {
    const int size = udy__replay_size(r);
    assert(size > 0 && n_step > 0);
    if (size == 0) return 0;
    if (n_step > size / r->n_envs) n_step = size / r->n_envs;
    for (;;) {
        uint32_t position = (uint32_t)udy_rng_below(rng, (uint64_t)size);
        if (n_step <= 1 || has_future(r, position, n_step)) return position;
    }
}

//------------------------------------------ Gather ------------------------------------------------

static void prefetch(const float *from, size_t n_floats) {
    for (size_t i = 0; i < n_floats; i += CACHE_LINE / sizeof(float)) __builtin_prefetch(from + i);
}

// Of the rows after the first, next_obs and what follows it are all that may be read.
static void prefetch_row(const udy__replay *r, uint32_t position, int n_step) {
    prefetch(udy__replay_row(r, position), r->row_floats);
    for (int k = 1; k < n_step; k++) {
        position = next_position(r, position);
        prefetch(udy__replay_row(r, position) + r->next_at, r->row_floats - r->next_at);
    }
}

// Rewards and discount of the row at position, by the equations of replay.h; returns the row whose
// next_obs ends the sum. Stops at the newest row too, so that no row is read as another's future.
static const float *look_ahead(const udy__replay *r, uint32_t position, int n_step, double gamma,
                               float *reward, float *discount) {
    double sum = 0, power = 1;
    int64_t after = n_step > 1 ? rows_after(r, position) : 0;
    const float *row;
    for (;;) {
        row = udy__replay_row(r, position);
        sum += power * (double)row[r->reward_at];
        power *= gamma;
        uint32_t flags = flags_of(r, row);
        if (flags & UDY__REPLAY_TERMINATED) power = 0;
        if (flags || --n_step < 1 || after < r->n_envs) break;
        after -= r->n_envs;
        position = next_position(r, position);
    }
    *reward = (float)sum;
    *discount = (float)power;
    return row;
}

void udy__replay_gather(const udy__replay *r, const uint32_t *rows, int n, int n_step, double gamma,
                        const udy__replay_rows *out) {
    const size_t obs_bytes = (size_t)r->obs_dim * sizeof(float);
    const size_t act_bytes = (size_t)r->act_dim * sizeof(float);
    for (int i = 0; i < n && i < ROWS_AHEAD; i++) prefetch_row(r, rows[i], n_step);
    for (int i = 0; i < n; i++) {
        if (n - i > ROWS_AHEAD) prefetch_row(r, rows[i + ROWS_AHEAD], n_step);
        const float *first = udy__replay_row(r, rows[i]);
        const float *last =
            look_ahead(r, rows[i], n_step, gamma, &out->reward[i], &out->discount[i]);
        memcpy(out->obs + (size_t)i * (size_t)out->ld_obs, first, obs_bytes);
        memcpy(out->action + (size_t)i * (size_t)out->ld_act, first + r->obs_dim, act_bytes);
        memcpy(out->next_obs + (size_t)i * (size_t)out->ld_next, last + r->next_at, obs_bytes);
    }
}
