// When do episodes fall? The share still standing after t steps, with time limits as censoring, and
// the rate of falls in windows of steps.
#include <math.h>
#include <stdlib.h>
#include <string.h>

#include "divergence.h"

// Wichura 1988, algorithm AS 241 (PPND16): about 16 digits.
double udy__normal_quantile(double p) {
    static const double a[8] = {3.3871328727963666080e0,  1.3314166789178437745e+2,
                                1.9715909503065514427e+3, 1.3731693765509461125e+4,
                                4.5921953931549871457e+4, 6.7265770927008700853e+4,
                                3.3430575583588128105e+4, 2.5090809287301226727e+3};
    static const double b[8] = {1.0,
                                4.2313330701600911252e+1,
                                6.8718700749205790830e+2,
                                5.3941960214247511077e+3,
                                2.1213794301586595867e+4,
                                3.9307895800092710610e+4,
                                2.8729085735721942674e+4,
                                5.2264952788528545610e+3};
    static const double c[8] = {1.42343711074968357734e0,  4.63033784615654529590e0,
                                5.76949722146069140550e0,  3.64784832476320460504e0,
                                1.27045825245236838258e0,  2.41780725177450611770e-1,
                                2.27238449892691845833e-2, 7.74545014278341407640e-4};
    static const double d[8] = {1.0,
                                2.05319162663775882187e0,
                                1.67638483018380384940e0,
                                6.89767334985100004550e-1,
                                1.48103976427480074590e-1,
                                1.51986665636164571966e-2,
                                5.47593808499534494600e-4,
                                1.05075007164441684324e-9};
    static const double e[8] = {6.65790464350110377720e0,  5.46378491116411436990e0,
                                1.78482653991729133580e0,  2.96560571828504891230e-1,
                                2.65321895265761230930e-2, 1.24266094738807843860e-3,
                                2.71155556874348757815e-5, 2.01033439929228813265e-7};
    static const double f[8] = {1.0,
                                5.99832206555887937690e-1,
                                1.36929880922735805310e-1,
                                1.48753612908506148525e-2,
                                7.86869131145613259100e-4,
                                1.84631831751005468180e-5,
                                1.42151175831644588870e-7,
                                2.04426310338993978564e-15};
    double q = p - 0.5, r;
    const double *top = a, *bottom = b;
    if (fabs(q) <= 0.425) {
        r = 0.180625 - q * q;
    } else {
        r = sqrt(-log(q < 0 ? p : 1 - p));
        top = r <= 5 ? c : e;
        bottom = r <= 5 ? d : f;
        r -= r <= 5 ? 1.6 : 5;
    }
    double above = 0, below = 0;
    for (int i = 7; i >= 0; i--) {
        above = above * r + top[i];
        below = below * r + bottom[i];
    }
    double x = above / below;
    return fabs(q) <= 0.425 ? q * x : q < 0 ? -x : x;
}

static int check(const int *lengths, const uint8_t *fell, int n, double level, udy_error *err) {
    if (n < 1 || !lengths || !fell)
        return udy_error_set(err, UDY_EINVAL, "%d episodes: expected at least 1", n);
    if (!(level > 0 && level < 1))
        return udy_error_set(err, UDY_EINVAL,
                             "a level of %g: expected a share between 0 and 1, such as 0.95",
                             level);
    for (int i = 0; i < n; i++) {
        if (lengths[i] < 1 || fell[i] > 1)
            return udy_error_set(err, UDY_EINVAL,
                                 "episode %d: %d steps, fell %d: expected at least 1 step, and 0 "
                                 "or 1",
                                 i, lengths[i], fell[i]);
    }
    return UDY_OK;
}

typedef struct ending {
    int t;
    uint8_t fell;
} ending;

static int compare_endings(const void *a, const void *b) {
    int x = ((const ending *)a)->t, y = ((const ending *)b)->t;
    return (x > y) - (x < y);
}

// The interval of a point whose survival and sum of Greenwood's terms are known.
static void put_interval(udy_survival_point *p, const udy_survival_point *before, double sum,
                         double level) {
    if (p->survival >= 1) {
        // Nobody of at_risk fell: the share that may yet do so is below this, as the binomial says.
        p->ci[0] = pow(0.5 * (1 - level), 1.0 / p->at_risk);
        p->ci[1] = 1;
    } else if (p->survival <= 0) {
        p->ci[0] = 0;
        p->ci[1] = before->ci[1];
    } else {
        double z = udy__normal_quantile(0.5 * (1 + level));
        double half = z * sqrt(sum) / fabs(log(p->survival));
        p->ci[0] = pow(p->survival, exp(half));
        p->ci[1] = pow(p->survival, exp(-half));
        p->greenwood = p->survival * sqrt(sum);
    }
}

int udy_survival(udy_survival_point **out, int *n_points, const int *lengths, const uint8_t *fell,
                 int n, double level, udy_error *err) {
    *out = NULL;
    *n_points = 0;
    int status = check(lengths, fell, n, level, err);
    if (status) return status;
    udy_survival_point *points = udy_alloc(((size_t)n + 1) * sizeof *points);
    ending *endings = udy_alloc((size_t)n * sizeof *endings);
    if (!points || !endings) {
        udy_free(points);
        udy_free(endings);
        return udy_error_set(err, UDY_ENOMEM, "no memory for %d episodes", n);
    }
    for (int i = 0; i < n; i++) endings[i] = (ending){lengths[i], fell[i]};
    qsort(endings, (size_t)n, sizeof *endings, compare_endings);
    points[0] = (udy_survival_point){.at_risk = n, .survival = 1, .ci = {1, 1}};
    int made = 1;
    double survival = 1, sum = 0;
    for (int i = 0; i < n;) {
        udy_survival_point *p = &points[made++];
        *p = (udy_survival_point){.t = endings[i].t, .at_risk = n - i};
        for (; i < n && endings[i].t == p->t; i++) {
            p->falls += endings[i].fell;
            p->censored += !endings[i].fell;
        }
        p->hazard = (double)p->falls / p->at_risk;
        survival *= 1 - p->hazard;
        if (p->falls < p->at_risk) sum += p->falls / ((double)p->at_risk * (p->at_risk - p->falls));
        p->survival = survival;
        put_interval(p, p - 1, sum, level);
    }
    udy_free(endings);
    *out = points;
    *n_points = made;
    return UDY_OK;
}

void udy__wilson(int64_t k, int64_t n, double level, double ci[2]) {
    double z = udy__normal_quantile(0.5 * (1 + level)), square = z * z;
    double count = (double)n, share = (double)k / count;
    double centre = (share + square / (2 * count)) / (1 + square / count);
    double half =
        z / (1 + square / count) * sqrt(share * (1 - share) / count + square / (4 * count * count));
    // At 0 and at n the ends are 0 and 1 themselves, but for rounding.
    ci[0] = k == 0 ? 0 : fmax(centre - half, 0);
    ci[1] = k == n ? 1 : fmin(centre + half, 1);
}

int udy_hazard(udy_hazard_window **out, int *n_windows, const int *lengths, const uint8_t *fell,
               int n, int window, double level, udy_error *err) {
    *out = NULL;
    *n_windows = 0;
    int status = check(lengths, fell, n, level, err);
    if (status) return status;
    if (window < 1)
        return udy_error_set(err, UDY_EINVAL, "windows of %d steps: expected at least 1", window);
    int longest = 0;
    for (int i = 0; i < n; i++) longest = lengths[i] > longest ? lengths[i] : longest;
    if (window > longest) window = longest;
    int count = (longest - 1) / window + 1;
    udy_hazard_window *windows = udy_alloc((size_t)count * sizeof *windows);
    if (!windows) return udy_error_set(err, UDY_ENOMEM, "no memory for %d windows", count);
    for (int w = 0; w < count; w++) {
        udy_hazard_window *h = &windows[w];
        int first = w * window, end = longest - first < window ? longest : first + window;
        *h = (udy_hazard_window){.first = first, .end = end, .ci = {0, 1}};
        for (int i = 0; i < n; i++) {
            if (lengths[i] <= first) continue;
            h->at_risk++;
            h->steps += (lengths[i] < end ? lengths[i] : end) - first;
            h->falls += fell[i] && lengths[i] <= end;
        }
        if (h->steps == 0) continue;
        h->hazard = (double)h->falls / (double)h->steps;
        udy__wilson(h->falls, h->steps, level, h->ci);
    }
    *out = windows;
    *n_windows = count;
    return UDY_OK;
}
