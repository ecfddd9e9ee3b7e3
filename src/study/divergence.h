// What the parts of the divergence section share: samples checked and picked from, and the shuffles
// and resamples of whole episodes that every test and interval is made of.
#ifndef UDY_STUDY_DIVERGENCE_H_
#define UDY_STUDY_DIVERGENCE_H_

#include "understudy/study.h"

//------------------------------------------ Samples -----------------------------------------------

int udy__sample_check(const udy_sample *sample, udy_error *err) UDY_MUST_CHECK;
// Each of them, and that they have the same columns.
int udy__samples_check(const udy_sample *a, const udy_sample *b, udy_error *err) UDY_MUST_CHECK;
int udy__standard_check(const udy_standard *standard, const udy_sample *sample, udy_error *err)
    UDY_MUST_CHECK;
size_t udy__sample_rows(const udy_sample *sample);
void udy__standardise(const udy_standard *standard, const float *row, double *z);

// Rows of two samples' episodes, a's first.
typedef struct udy__picked {
    int dims, n_a, n;   // episodes of a, of both
    int n_rows;         // picked
    int *start;         // [n + 1]: episode e has rows start[e]..start[e+1]-1
    double *weight;     // [n]: rows that the episode has, picked or not
    const float **row;  // [n_rows], into the samples
} udy__picked;
// At most `each` rows of an episode (0: all), one at random from each of as many stretches.
int udy__pick(udy__picked *out, const udy_sample *a, const udy_sample *b, int each, uint64_t seed,
              udy_error *err) UDY_MUST_CHECK;
// Only the episodes [n_use] listed, of one sample.
int udy__pick_some(udy__picked *out, const udy_sample *sample, const uint32_t *use, int n_use,
                   int each, uint64_t seed, udy_error *err) UDY_MUST_CHECK;
void udy__picked_free(udy__picked *picked);

//------------------------------------------ Shuffles and resamples --------------------------------

// Values of one arrangement of episodes: list [n] has a's episodes first, n_a of them, by their
// numbers; shuffled, any of them once; resampled, each sample's own, with repeats.
//   values [n_values] out; NaN: none for this arrangement
typedef void (*udy__arrange_fn)(const void *ctx, const int *list, bool shuffled, double *values,
                                double *scratch);

typedef struct udy__reps {
    int n_a, n_b, permutations, resamples;
    double level;
    uint64_t seed;  // of all arrangements' streams
    int n_values;
    size_t n_scratch;  // doubles, for each thread
    udy__arrange_fn arrange;
    const void *ctx;
    double *values;  // [1 + permutations + resamples, n_values]: as observed, shuffled, resampled
} udy__reps;

// Evaluate every arrangement; free with udy__reps_free, also after an error.
int udy__reps_run(udy__reps *reps, udy_pool *pool, const char *stage, const udy_progress *progress,
                  udy_error *err) UDY_MUST_CHECK;
void udy__reps_free(udy__reps *reps);
// Value k with interval, null and p. Distances that differ by less than tolerance are the same, but
// for the order of a sum. n_a, n_b: the episodes that took part.
int udy__reps_measure(const udy__reps *reps, int k, double tolerance, int n_a, int n_b,
                      udy_measure *out, udy_error *err) UDY_MUST_CHECK;

// Check the settings that all tests share.
int udy__reps_check(int rows_per_episode, int permutations, int resamples, double level,
                    udy_error *err) UDY_MUST_CHECK;

// udy_pool_run, on the caller's thread where there is no pool.
void udy__run(udy_pool *pool, int n_tasks, udy_task_fn fn, void *ctx);
int udy__threads(const udy_pool *pool);

//------------------------------------------ Pairs of episodes -------------------------------------

// Means of a function of two rows over the rows of two episodes, for each pair of n episodes.
typedef struct udy__pairs {
    int n;
    const double *mean;    // [n, n], symmetric
    const double *weight;  // [n]
} udy__pairs;

// 2 E_ab - E_aa - E_bb over the episodes a [n_a], b [n_b] (repeats allowed), E_aa over pairs of
// different episodes, or over all (all_pairs). Where a is one episode, or one repeated: its own pairs.
double udy__pairs_energy(const udy__pairs *pairs, const int *a, int n_a, const int *b, int n_b,
                         bool all_pairs);

//------------------------------------------ Loops -------------------------------------------------

// out [8 n_blocks] = |x - y|^2 for x [dims] and blocks [n_blocks, dims, 8] of rows y, float64; each
// sum in the order of the dimensions: the same bits on any CPU.
void udy__square_distances(const double *x, const double *blocks, int dims, size_t n_blocks,
                           double *out);
// The same in float32 and blocks of 64; returns the least.
float udy__square_distances_f32(const float *x, const float *blocks, int dims, size_t n_blocks,
                                float *out);

// The inverse of the standard normal distribution function; 0 < p < 1.
double udy__normal_quantile(double p);
// Wilson's score interval of k of n > 0 (Wilson 1927).
void udy__wilson(int64_t k, int64_t n, double level, double ci[2]);

#endif  // UDY_STUDY_DIVERGENCE_H_
