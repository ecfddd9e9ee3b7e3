// A map of states: the two directions in which a standardised sample varies most.
#include <float.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "divergence.h"

void udy_pca_free(udy_pca *pca) {
    if (!pca) return;
    udy_free(pca->centre);
    udy_free(pca->std);
    udy_free(pca->variance);
    for (int c = 0; c < UDY_PCA_COMPONENTS; c++) udy_free(pca->components[c]);
    *pca = (udy_pca){0};
}

//------------------------------------------ Eigenvectors ------------------------------------------

// Rotate rows p and q of M [n, n].
static void rotate_rows(double *M, int n, int p, int q, double c, double s) {
    double *x = M + (size_t)p * (size_t)n, *y = M + (size_t)q * (size_t)n;
    for (int k = 0; k < n; k++) {
        double a = x[k], b = y[k];
        x[k] = c * a - s * b;
        y[k] = s * a + c * b;
    }
}

static void rotate_columns(double *M, int n, int p, int q, double c, double s) {
    for (int k = 0; k < n; k++, M += n) {
        double a = M[p], b = M[q];
        M[p] = c * a - s * b;
        M[q] = s * a + c * b;
    }
}

// One sweep of Jacobi's rotations over a symmetric A [n, n]; V's rows become eigenvectors, A's
// diagonal their values. Returns whether anything was left to rotate.
// Source: Golub & Van Loan, Matrix Computations, section 8.5.
static bool sweep(double *A, double *V, int n, double negligible) {
    bool rotated = false;
    for (int p = 0; p < n; p++) {
        for (int q = p + 1; q < n; q++) {
            double apq = A[(size_t)p * (size_t)n + (size_t)q];
            if (fabs(apq) <= negligible) continue;
            double app = A[(size_t)p * (size_t)n + (size_t)p];
            double aqq = A[(size_t)q * (size_t)n + (size_t)q];
            double tau = (aqq - app) / (2 * apq);
            double t = tau >= 0 ? 1 / (tau + hypot(1, tau)) : 1 / (tau - hypot(1, tau));
            double c = 1 / hypot(1, t), s = t * c;
            rotate_rows(A, n, p, q, c, s);
            rotate_columns(A, n, p, q, c, s);
            rotate_rows(V, n, p, q, c, s);
            rotated = true;
        }
    }
    return rotated;
}

static void eigen(double *A, double *V, int n) {
    double largest = 0;
    for (int i = 0; i < n * n; i++) largest = fmax(largest, fabs(A[i]));
    for (int i = 0; i < n; i++) V[(size_t)i * (size_t)n + (size_t)i] = 1;
    // Convergence is quadratic: some eight sweeps for any size; the bound is for a bug of ours.
    for (int i = 0; i < 60 && sweep(A, V, n, DBL_EPSILON * 0.01 * largest); i++) continue;
}

//------------------------------------------ Fit ---------------------------------------------------

// A [dims, dims] = covariance of the standardised rows, n - 1 in the denominator; 0 for one row.
static void covariance(const udy_sample *s, const udy_pca *pca, double *z, double *A) {
    int d = s->dims;
    size_t rows = udy__sample_rows(s);
    for (int e = 0; e < s->n; e++) {
        const float *x = s->episodes[e].data;
        for (int r = 0; r < s->episodes[e].length; r++, x += d) {
            for (int k = 0; k < d; k++) z[k] = (x[k] - pca->centre[k]) / pca->std[k];
            for (int i = 0; i < d; i++) {
                double *row = A + (size_t)i * (size_t)d;
                for (int j = i; j < d; j++) row[j] += z[i] * z[j];
            }
        }
    }
    for (int i = 0; i < d; i++) {
        for (int j = i; j < d; j++) {
            double c = rows > 1 ? A[(size_t)i * (size_t)d + (size_t)j] / (double)(rows - 1) : 0;
            A[(size_t)i * (size_t)d + (size_t)j] = A[(size_t)j * (size_t)d + (size_t)i] = c;
        }
    }
}

// The mean of the sample in x's units, and the standard's spread.
static void put_centre(udy_pca *pca, const udy_sample *s, const udy_standard *standard) {
    for (int e = 0; e < s->n; e++) {
        const float *x = s->episodes[e].data;
        for (int r = 0; r < s->episodes[e].length; r++, x += s->dims)
            for (int k = 0; k < s->dims; k++) pca->centre[k] += x[k];
    }
    for (int k = 0; k < s->dims; k++) {
        pca->centre[k] /= (double)udy__sample_rows(s);
        pca->std[k] = standard->std[k];
    }
}

static int compare_descending(const void *a, const void *b) {
    double x = *(const double *)a, y = *(const double *)b;
    return (x < y) - (x > y);
}

// The component'th largest of the diagonal, the first of equals.
static int place_of(const double *A, int n, const int *taken, int n_taken) {
    int best = -1;
    for (int i = 0; i < n; i++) {
        bool gone = false;
        for (int t = 0; t < n_taken; t++) gone = gone || taken[t] == i;
        size_t at = (size_t)i * (size_t)n + (size_t)i;
        if (!gone && (best < 0 || A[at] > A[(size_t)best * (size_t)n + (size_t)best])) best = i;
    }
    return best;
}

static void put_components(udy_pca *pca, const double *A, const double *V) {
    int n = pca->dims, taken[UDY_PCA_COMPONENTS];
    double whole = 0;
    for (int i = 0; i < n; i++) {
        pca->variance[i] = fmax(A[(size_t)i * (size_t)n + (size_t)i], 0);
        whole += pca->variance[i];
    }
    qsort(pca->variance, (size_t)n, sizeof *pca->variance, compare_descending);
    for (int c = 0; c < UDY_PCA_COMPONENTS && c < n; c++) {
        taken[c] = place_of(A, n, taken, c);
        const double *v = V + (size_t)taken[c] * (size_t)n;
        int peak = 0;
        for (int k = 1; k < n; k++) {
            // Equal but for rounding counts as equal: the sign must not hang on it.
            if (fabs(v[k]) > fabs(v[peak]) * (1 + 1e-9)) peak = k;
        }
        for (int k = 0; k < n; k++) pca->components[c][k] = v[peak] < 0 ? -v[k] : v[k];
        pca->share[c] = whole > 0 ? pca->variance[c] / whole : 0;
    }
}

static int make_room(udy_pca *pca, int dims, udy_error *err) {
    size_t bytes = (size_t)dims * sizeof(double);
    *pca = (udy_pca){.dims = dims,
                     .centre = udy_alloc(bytes),
                     .std = udy_alloc(bytes),
                     .variance = udy_alloc(bytes)};
    bool all = pca->centre && pca->std && pca->variance;
    for (int c = 0; c < UDY_PCA_COMPONENTS; c++) {
        pca->components[c] = udy_alloc(bytes);
        all = all && pca->components[c];
    }
    return all ? UDY_OK : udy_error_set(err, UDY_ENOMEM, "no memory for %d components", dims);
}

int udy_pca_fit(udy_pca *out, const udy_sample *sample, const udy_standard *standard,
                udy_error *err) {
    *out = (udy_pca){0};
    int status = udy__sample_check(sample, err);
    if (!status) status = udy__standard_check(standard, sample, err);
    udy_standard fitted = {0};
    if (!status && !standard) status = udy_standard_fit(&fitted, &sample, 1, err);
    if (status) return status;
    size_t n = (size_t)sample->dims;
    double *A = udy_alloc(n * n * sizeof *A), *V = udy_alloc(n * n * sizeof *V);
    double *z = udy_alloc(n * sizeof *z);
    status = make_room(out, sample->dims, err);
    if (!status && !(A && V && z))
        status = udy_error_set(err, UDY_ENOMEM, "no memory for a covariance of %zu columns", n);
    if (!status) {
        put_centre(out, sample, standard ? standard : &fitted);
        covariance(sample, out, z, A);
        eigen(A, V, sample->dims);
        put_components(out, A, V);
    } else {
        udy_pca_free(out);
    }
    udy_free(A);
    udy_free(V);
    udy_free(z);
    udy_standard_free(&fitted);
    return status;
}

void udy_pca_project(const udy_pca *pca, const float *rows, size_t n, double *out) {
    for (size_t r = 0; r < n; r++, rows += pca->dims, out += UDY_PCA_COMPONENTS) {
        for (int c = 0; c < UDY_PCA_COMPONENTS; c++) {
            double sum = 0;
            for (int k = 0; k < pca->dims; k++)
                sum += pca->components[c][k] * (rows[k] - pca->centre[k]) / pca->std[k];
            out[c] = sum;
        }
    }
}
