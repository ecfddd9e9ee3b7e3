// Samples of episodes: checked, standardised, and thinned to the rows that the tests look at.
#include <math.h>
#include <string.h>

#include "divergence.h"

//------------------------------------------ Checks ------------------------------------------------

static const char *name_of(const udy_sample *sample) {
    return sample->name ? sample->name : "the sample";
}

static int check_shape(const udy_sample *s, udy_error *err) {
    if (s->dims < 1 || s->dims > UDY_SAMPLE_DIMS_MAX)
        return udy_error_set(err, UDY_EINVAL, "%s: rows of %d columns: expected 1 to %d",
                             name_of(s), s->dims, UDY_SAMPLE_DIMS_MAX);
    if (s->n < 1 || s->n > UDY_SAMPLE_EPISODES_MAX)
        return udy_error_set(err, UDY_EINVAL, "%s: %d episodes: expected 1 to %d", name_of(s), s->n,
                             UDY_SAMPLE_EPISODES_MAX);
    for (int e = 0; e < s->n; e++) {
        if (s->episodes[e].length < 1 || !s->episodes[e].data)
            return udy_error_set(err, UDY_EINVAL, "%s: episode %d has no rows: leave it out",
                                 name_of(s), e);
    }
    return UDY_OK;
}

int udy__sample_check(const udy_sample *s, udy_error *err) {
    int status = check_shape(s, err);
    if (status) return status;
    for (int e = 0; e < s->n; e++) {
        const float *x = s->episodes[e].data;
        size_t n = (size_t)s->episodes[e].length * (size_t)s->dims;
        for (size_t i = 0; i < n; i++) {
            if (isfinite(x[i])) continue;
            return udy_error_set(err, UDY_ENONFINITE,
                                 "%s: column %d is %g at row %zu of episode %d: only finite "
                                 "numbers can be compared",
                                 name_of(s), (int)(i % (size_t)s->dims), (double)x[i],
                                 i / (size_t)s->dims, e);
        }
    }
    return UDY_OK;
}

int udy__samples_check(const udy_sample *a, const udy_sample *b, udy_error *err) {
    int status = udy__sample_check(a, err);
    if (!status) status = udy__sample_check(b, err);
    if (status) return status;
    if (a->dims != b->dims)
        return udy_error_set(err, UDY_EMISMATCH,
                             "%s has rows of %d columns, %s of %d: they must be observations of "
                             "the same form",
                             name_of(a), a->dims, name_of(b), b->dims);
    return UDY_OK;
}

int udy__standard_check(const udy_standard *standard, const udy_sample *sample, udy_error *err) {
    if (!standard || standard->dims == sample->dims) return UDY_OK;
    return udy_error_set(err, UDY_EMISMATCH,
                         "the standardisation is of %d columns, %s has rows of %d", standard->dims,
                         name_of(sample), sample->dims);
}

size_t udy__sample_rows(const udy_sample *sample) {
    size_t n = 0;
    for (int e = 0; e < sample->n; e++) n += (size_t)sample->episodes[e].length;
    return n;
}

//------------------------------------------ Standardisation ---------------------------------------

void udy_standard_free(udy_standard *standard) {
    if (!standard) return;
    udy_free(standard->mean);
    udy_free(standard->std);
    udy_free(standard->constant);
    *standard = (udy_standard){0};
}

// to [dims] += (x - centre)^power, and the largest |x| where it is asked for.
static void add_up(const udy_sample *s, const double *centre, double *to, double *largest) {
    for (int e = 0; e < s->n; e++) {
        const float *x = s->episodes[e].data;
        for (int r = 0; r < s->episodes[e].length; r++, x += s->dims) {
            for (int k = 0; k < s->dims; k++) {
                double d = centre ? x[k] - centre[k] : x[k];
                to[k] += centre ? d * d : d;
                if (largest) largest[k] = fmax(largest[k], fabs((double)x[k]));
            }
        }
    }
}

int udy_standard_fit(udy_standard *out, const udy_sample *const *samples, int n_samples,
                     udy_error *err) {
    *out = (udy_standard){0};
    if (n_samples < 1)
        return udy_error_set(err, UDY_EINVAL, "no sample to fit a standardisation to");
    size_t n = 0;
    for (int i = 0; i < n_samples; i++) {
        int status = udy__samples_check(samples[0], samples[i], err);
        if (status) return status;
        n += udy__sample_rows(samples[i]);
    }
    size_t dims = (size_t)samples[0]->dims;
    double *largest = udy_alloc(dims * sizeof *largest);
    *out = (udy_standard){.dims = (int)dims,
                          .mean = udy_alloc(dims * sizeof(double)),
                          .std = udy_alloc(dims * sizeof(double)),
                          .constant = udy_alloc(dims)};
    if (!largest || !out->mean || !out->std || !out->constant) {
        udy_free(largest);
        udy_standard_free(out);
        return udy_error_set(err, UDY_ENOMEM, "no memory for a standardisation");
    }
    for (int i = 0; i < n_samples; i++) add_up(samples[i], NULL, out->mean, largest);
    for (size_t k = 0; k < dims; k++) out->mean[k] /= (double)n;
    for (int i = 0; i < n_samples; i++) add_up(samples[i], out->mean, out->std, NULL);
    for (size_t k = 0; k < dims; k++) {
        out->std[k] = sqrt(out->std[k] / (double)n);
        // A unit in the last place of the largest value, and then some: what is left is rounding.
        out->constant[k] = out->std[k] <= 0x1p-22 * largest[k];
        if (out->constant[k]) out->std[k] = 1;
    }
    udy_free(largest);
    return UDY_OK;
}

void udy__standardise(const udy_standard *standard, const float *row, double *z) {
    for (int k = 0; k < standard->dims; k++) z[k] = (row[k] - standard->mean[k]) / standard->std[k];
}

//------------------------------------------ Picking rows ------------------------------------------

void udy__picked_free(udy__picked *picked) {
    udy_free(picked->start);
    udy_free(picked->weight);
    udy_free((void *)picked->row);
    *picked = (udy__picked){0};
}

static int picked_of(const udy_rows *episode, int each) {
    return each > 0 && episode->length > each ? each : episode->length;
}

// Room for the rows of n episodes, their starts filled in.
static int make_room(udy__picked *p, const udy_rows *const *episodes, int each, udy_error *err) {
    p->start = udy_alloc(((size_t)p->n + 1) * sizeof *p->start);
    p->weight = udy_alloc((size_t)p->n * sizeof *p->weight);
    int64_t rows = 0;
    for (int e = 0; e < p->n; e++) rows += picked_of(episodes[e], each);
    if (rows > INT32_MAX / 4) {
        udy__picked_free(p);
        return udy_error_set(err, UDY_EINVAL,
                             "%lld rows are too many to compare: take fewer of each episode",
                             (long long)rows);
    }
    p->row = udy_alloc((size_t)rows * sizeof *p->row);
    if (!p->start || !p->weight || !p->row) {
        udy__picked_free(p);
        return udy_error_set(err, UDY_ENOMEM, "no memory to pick %lld rows", (long long)rows);
    }
    for (int e = 0; e < p->n; e++) {
        p->start[e + 1] = p->start[e] + picked_of(episodes[e], each);
        p->weight[e] = episodes[e]->length;
    }
    p->n_rows = (int)rows;
    return UDY_OK;
}

static int pick(udy__picked *p, const udy_rows *const *episodes, int each, uint64_t seed,
                udy_error *err) {
    int status = make_room(p, episodes, each, err);
    if (status) return status;
    for (int e = 0; e < p->n; e++) {
        udy_rng rng;
        udy_rng_init_stream(&rng, seed, "divergence/rows", (uint64_t)e);
        int64_t length = episodes[e]->length, n = p->start[e + 1] - p->start[e];
        for (int64_t j = 0; j < n; j++) {
            int64_t from = j * length / n, to = (j + 1) * length / n;
            int64_t r = from + (int64_t)udy_rng_below(&rng, (uint64_t)(to - from));
            p->row[p->start[e] + j] = episodes[e]->data + (size_t)r * (size_t)p->dims;
        }
    }
    return UDY_OK;
}

int udy__pick(udy__picked *out, const udy_sample *a, const udy_sample *b, int each, uint64_t seed,
              udy_error *err) {
    *out = (udy__picked){.dims = a->dims, .n_a = a->n, .n = a->n + b->n};
    const udy_rows **episodes = udy_alloc((size_t)out->n * sizeof *episodes);
    if (!episodes) return udy_error_set(err, UDY_ENOMEM, "no memory to pick rows");
    for (int e = 0; e < out->n; e++)
        episodes[e] = e < a->n ? &a->episodes[e] : &b->episodes[e - a->n];
    int status = pick(out, episodes, each, seed, err);
    udy_free((void *)episodes);
    return status;
}

int udy__pick_some(udy__picked *out, const udy_sample *sample, const uint32_t *use, int n_use,
                   int each, uint64_t seed, udy_error *err) {
    *out = (udy__picked){.dims = sample->dims, .n_a = n_use, .n = n_use};
    const udy_rows **episodes = udy_alloc((size_t)n_use * sizeof *episodes);
    if (!episodes) return udy_error_set(err, UDY_ENOMEM, "no memory to pick rows");
    for (int e = 0; e < n_use; e++) episodes[e] = &sample->episodes[use[e]];
    int status = pick(out, episodes, each, seed, err);
    udy_free((void *)episodes);
    return status;
}
