// How far is a row from anything demonstrated? All distances to the reference are made in float32, a
// vector of rows at a time, with a bound on their error; what the bound cannot rule out is measured
// again in float64. So the answer is exact at the speed of float32, whatever the numbers are.
#include <float.h>
#include <math.h>
#include <stdatomic.h>
#include <string.h>

#include "divergence.h"

enum {
    LANES = 64,         // rows of a block
    CHUNK_BLOCKS = 16,  // blocks that stay in cache while a task's queries pass over them
    TASK_ROWS = 32,     // queries of a task
    TASKS_A_REGION = 32
};

struct udy_neighbours {
    udy_standard standard;  // of its own
    int dims;
    size_t n, n_blocks;  // rows of the reference
    double *z;           // [n, dims] standardised
    float *blocks;       // [n_blocks, dims, LANES]; the last is filled up with rows far away
    double *reach;       // [n_blocks / CHUNK_BLOCKS, rounded up]: the longest |z| in a chunk
};

void udy_neighbours_destroy(udy_neighbours *nb) {
    if (!nb) return;
    udy_standard_free(&nb->standard);
    udy_free(nb->z);
    udy_free(nb->blocks);
    udy_free(nb->reach);
    udy_free(nb);
}

static double length_of(const double *z, int dims) {
    double sum = 0;
    for (int k = 0; k < dims; k++) sum += z[k] * z[k];
    return sqrt(sum);
}

static int copy_standard(udy_standard *to, const udy_standard *from, udy_error *err) {
    size_t n = (size_t)from->dims;
    *to = (udy_standard){.dims = from->dims,
                         .mean = udy_alloc(n * sizeof(double)),
                         .std = udy_alloc(n * sizeof(double)),
                         .constant = udy_alloc(n)};
    if (!to->mean || !to->std || !to->constant) {
        udy_standard_free(to);
        return udy_error_set(err, UDY_ENOMEM, "no memory for a standardisation");
    }
    memcpy(to->mean, from->mean, n * sizeof(double));
    memcpy(to->std, from->std, n * sizeof(double));
    memcpy(to->constant, from->constant, n);
    return UDY_OK;
}

static void fill(udy_neighbours *nb, const udy_sample *reference) {
    size_t dims = (size_t)nb->dims, r = 0;
    for (int e = 0; e < reference->n; e++) {
        const float *x = reference->episodes[e].data;
        for (int i = 0; i < reference->episodes[e].length; i++, r++, x += dims)
            udy__standardise(&nb->standard, x, nb->z + r * dims);
    }
    for (r = 0; r < nb->n_blocks * LANES; r++) {
        float *lane = nb->blocks + r / LANES * dims * LANES + r % LANES;
        double *reach = &nb->reach[r / LANES / CHUNK_BLOCKS];
        if (r < nb->n) *reach = fmax(*reach, length_of(nb->z + r * dims, nb->dims));
        for (size_t k = 0; k < dims; k++)
            lane[k * LANES] = r < nb->n ? (float)nb->z[r * dims + k] : INFINITY;
    }
}

int udy_neighbours_create(udy_neighbours **out, const udy_sample *reference,
                          const udy_standard *standard, udy_error *err) {
    *out = NULL;
    int status = udy__sample_check(reference, err);
    if (!status) status = udy__standard_check(standard, reference, err);
    if (status) return status;
    size_t n = udy__sample_rows(reference), dims = (size_t)reference->dims;
    if (n > UINT32_MAX - LANES)
        return udy_error_set(err, UDY_EINVAL, "%zu rows to be near to: at most %u", n,
                             UINT32_MAX - LANES);
    udy_neighbours *nb = udy_alloc(sizeof *nb);
    if (!nb) return udy_error_set(err, UDY_ENOMEM, "no memory for a reference");
    nb->dims = reference->dims;
    nb->n = n;
    nb->n_blocks = (n + LANES - 1) / LANES;
    status = standard ? copy_standard(&nb->standard, standard, err)
                      : udy_standard_fit(&nb->standard, &reference, 1, err);
    if (!status) {
        nb->z = udy_alloc(n * dims * sizeof *nb->z);
        nb->blocks = udy_alloc(nb->n_blocks * dims * LANES * sizeof *nb->blocks);
        nb->reach = udy_alloc((nb->n_blocks / CHUNK_BLOCKS + 1) * sizeof *nb->reach);
        if (!nb->z || !nb->blocks || !nb->reach)
            status =
                udy_error_set(err, UDY_ENOMEM, "no memory for %zu rows of %zu columns", n, dims);
    }
    if (status) {
        udy_neighbours_destroy(nb);
        return status;
    }
    fill(nb, reference);
    *out = nb;
    return UDY_OK;
}

//------------------------------------------ Query -------------------------------------------------

typedef struct best {
    double square, length;  // of the nearest so far; |z| of the query
    size_t index;
} best;

typedef struct query {
    const udy_neighbours *nb;
    const float *rows;
    size_t n, first_task;
    double *distance;
    uint32_t *index;
    double *z;      // [threads, TASK_ROWS, dims]
    float *zf;      // the same, float32
    float *square;  // [threads, CHUNK_BLOCKS LANES]
} query;

// The float32 square that a row at least as near as the nearest so far cannot exceed. Rounding z to
// float32 moves a row by at most 2^-24 of its length; the sum of squares is off by at most dims + 3
// roundings of itself, and by underflow.
static float limit_of(const best *b, double reach, int dims) {
    if (!(b->length + reach < 1e15)) return INFINITY;
    double radius = sqrt(b->square) + 0x1.1p-24 * (b->length + reach);
    double limit = radius * radius * (1 + (dims + 8) * 0x1p-24) + (dims + 1) * (double)FLT_MIN;
    return limit < FLT_MAX ? nextafterf((float)limit, INFINITY) : INFINITY;
}

static void look_at(const udy_neighbours *nb, const double *z, size_t r, best *b) {
    const double *y = nb->z + r * (size_t)nb->dims;
    double square = 0;
    for (int k = 0; k < nb->dims; k++) square += (z[k] - y[k]) * (z[k] - y[k]);
    if (square < b->square || (square == b->square && r < b->index)) {
        b->square = square;
        b->index = r;
    }
}

// One query against one chunk: rows first..end-1, their float32 squares in square, the least of them
// in least.
static void look_through(const udy_neighbours *nb, const double *z, size_t first, size_t end,
                         const float *square, float least, best *b) {
    double reach = nb->reach[first / (LANES * CHUNK_BLOCKS)];
    float limit = limit_of(b, reach, nb->dims);
    // Beyond float32's range squares may be NaN: then nothing is ruled out.
    bool blind = !(b->length + reach < 1e15);
    if (!blind && least > limit) return;
    if (!blind) {
        // The likely nearest first: hardly any other row is then left to look at.
        size_t r = first;
        while (r < end && square[r - first] != least) r++;
        if (r < end) look_at(nb, z, r, b);
        limit = limit_of(b, reach, nb->dims);
    }
    for (size_t r = first; r < end; r++) {
        if (blind || square[r - first] <= limit) look_at(nb, z, r, b);
    }
}

static void query_task(void *ctx, int task, int thread) {
    const query *q = ctx;
    const udy_neighbours *nb = q->nb;
    size_t dims = (size_t)nb->dims, from = (q->first_task + (size_t)task) * TASK_ROWS;
    size_t n = q->n - from < TASK_ROWS ? q->n - from : TASK_ROWS;
    double *z = q->z + (size_t)thread * TASK_ROWS * dims;
    float *zf = q->zf + (size_t)thread * TASK_ROWS * dims;
    float *square = q->square + (size_t)thread * CHUNK_BLOCKS * LANES;
    best b[TASK_ROWS];
    for (size_t i = 0; i < n; i++) {
        udy__standardise(&nb->standard, q->rows + (from + i) * dims, z + i * dims);
        for (size_t k = 0; k < dims; k++) zf[i * dims + k] = (float)z[i * dims + k];
        b[i] = (best){INFINITY, length_of(z + i * dims, nb->dims), SIZE_MAX};
    }
    for (size_t block = 0; block < nb->n_blocks; block += CHUNK_BLOCKS) {
        size_t left = nb->n_blocks - block, count = left < CHUNK_BLOCKS ? left : CHUNK_BLOCKS;
        size_t first = block * LANES,
               end = first + count * LANES < nb->n ? first + count * LANES : nb->n;
        for (size_t i = 0; i < n; i++) {
            float least = udy__square_distances_f32(
                zf + i * dims, nb->blocks + block * dims * LANES, nb->dims, count, square);
            look_through(nb, z + i * dims, first, end, square, least, &b[i]);
        }
    }
    for (size_t i = 0; i < n; i++) {
        q->distance[from + i] = sqrt(b[i].square);
        if (q->index) q->index[from + i] = (uint32_t)b[i].index;
    }
}

static int check_rows(const float *rows, size_t n, int dims, udy_error *err) {
    for (size_t i = 0; i < n * (size_t)dims; i++) {
        if (!isfinite(rows[i]))
            return udy_error_set(err, UDY_ENONFINITE,
                                 "column %d of row %zu is %g: it has no distance to anything",
                                 (int)(i % (size_t)dims), i / (size_t)dims, (double)rows[i]);
    }
    return UDY_OK;
}

static int search(query *q, udy_pool *pool, const char *stage, const udy_progress *progress,
                  udy_error *err) {
    size_t n_tasks = (q->n + TASK_ROWS - 1) / TASK_ROWS;
    double next_s = udy_clock_s() + 0.25;
    for (size_t t = 0; t < n_tasks; t += TASKS_A_REGION) {
        q->first_task = t;
        udy__run(pool, (int)(n_tasks - t < TASKS_A_REGION ? n_tasks - t : TASKS_A_REGION),
                 query_task, q);
        if (udy_clock_s() < next_s) continue;
        next_s = udy_clock_s() + 0.25;
        size_t done = (t + TASKS_A_REGION) * TASK_ROWS;
        if (done < q->n &&
            udy_progress_advance(progress, stage, (int64_t)done, (int64_t)q->n, "rows", ""))
            return udy_error_set(err, UDY_EINTERRUPTED, "%s: interrupted after %zu of %zu rows",
                                 stage, done, q->n);
    }
    return UDY_OK;
}

int udy_neighbours_query(const udy_neighbours *nb, const float *rows, size_t n, double *distance,
                         uint32_t *index, udy_pool *pool, const char *stage,
                         const udy_progress *progress, udy_error *err) {
    int status = check_rows(rows, n, nb->dims, err);
    if (status || n == 0) return status;
    size_t threads = (size_t)udy__threads(pool), dims = (size_t)nb->dims;
    query q = {.nb = nb,
               .rows = rows,
               .n = n,
               .distance = distance,
               .index = index,
               .z = udy_alloc(threads * TASK_ROWS * dims * sizeof(double)),
               .zf = udy_alloc(threads * TASK_ROWS * dims * sizeof(float)),
               .square = udy_alloc(threads * CHUNK_BLOCKS * LANES * sizeof(float))};
    if (q.z && q.zf && q.square)
        status = search(&q, pool, stage, progress, err);
    else
        status = udy_error_set(err, UDY_ENOMEM, "no memory to look for neighbours");
    udy_free(q.z);
    udy_free(q.zf);
    udy_free(q.square);
    return status;
}
