// The learning curve of an expert's training: curve.csv, a line an evaluation. Written by the
// training after each, read by whoever draws or compares, also while it goes on.
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "base/text.h"
#include "expert.h"

static const char header[] =
    "steps,updates,seconds,mean,median,std,episodes,falls,too_low,too_high,speed_m_per_s";
enum { N_COLUMNS = 11, CURVE_BYTES_MAX = 64 << 20 };

static int curve_path(char out[UDY_PATH_MAX], const char *run_path, udy_error *err) {
    return udy_path_format(out, err, "%s/curve.csv", run_path);
}

int udy__curve_write(const udy_curve_point *curve, int n, const char *run_path, udy_error *err) {
    char path[UDY_PATH_MAX];
    int status = curve_path(path, run_path, err);
    if (status) return status;
    udy__text csv = {0};
    udy__text_printf(&csv, "%s\n", header);
    for (int i = 0; i < n; i++) {
        const udy_curve_point *p = &curve[i];
        const double values[N_COLUMNS] = {
            (double)p->steps, (double)p->updates, p->seconds,  p->mean, p->median, p->std, p->n,
            p->falls,         p->too_low,         p->too_high, p->speed};
        for (int k = 0; k < N_COLUMNS; k++) {
            char number[UDY__NUMBER_MAX];
            udy__double_print(number, values[k]);
            udy__text_printf(&csv, "%s%s", k ? "," : "", number);
        }
        udy__text_puts(&csv, "\n");
    }
    if (csv.failed) return udy_error_set(err, UDY_ENOMEM, "%s: no memory for its text", path);
    status = udy_file_write(path, csv.p, csv.n, err);
    udy__text_drop(&csv);
    return status;
}

//------------------------------------------ Reading -----------------------------------------------

// One line, without its '\n', to a point; false where it is anything else.
static bool read_point(udy_curve_point *p, const char *line, size_t n) {
    double v[N_COLUMNS];
    for (int k = 0; k < N_COLUMNS; k++) {
        char number[UDY__NUMBER_MAX];
        const char *comma = memchr(line, ',', n);
        size_t length = comma ? (size_t)(comma - line) : n;
        if ((k < N_COLUMNS - 1) != (comma != NULL) || length >= sizeof number) return false;
        memcpy(number, line, length);
        number[length] = '\0';
        if (!udy__double_parse(&v[k], number) || !isfinite(v[k])) return false;
        line += comma ? length + 1 : length;
        n -= comma ? length + 1 : length;
    }
    // Counts are whole numbers that their types hold.
    for (int k = 0; k < 2; k++)
        if (!(v[k] >= 0 && v[k] <= 9e15) || v[k] != floor(v[k])) return false;
    for (int k = 6; k < 10; k++)
        if (!(v[k] >= 0 && v[k] <= 1e9) || v[k] != floor(v[k])) return false;
    *p = (udy_curve_point){.steps = (int64_t)v[0],
                           .updates = (int64_t)v[1],
                           .seconds = v[2],
                           .mean = v[3],
                           .median = v[4],
                           .std = v[5],
                           .n = (int)v[6],
                           .falls = (int)v[7],
                           .too_low = (int)v[8],
                           .too_high = (int)v[9],
                           .speed = v[10]};
    return true;
}

static int read_points(udy_curve_point *curve, int *n, const char *text, const char *path,
                       udy_error *err) {
    *n = 0;
    for (int line = 1; *text; line++) {
        const char *end = strchr(text, '\n');
        size_t length = end ? (size_t)(end - text) : strlen(text);
        bool ok = end != NULL;
        if (ok && line == 1)
            ok = length == sizeof header - 1 && !strncmp(text, header, length);
        else if (ok)
            ok = read_point(&curve[*n], text, length) &&
                 (*n == 0 || curve[*n].steps > curve[*n - 1].steps);
        if (!ok)
            return udy_error_set(err, UDY_EFORMAT, "%s: line %d is not one of a learning curve",
                                 path, line);
        *n += line > 1;
        text = end + 1;
    }
    return UDY_OK;
}

int udy_expert_curve(udy_curve_point **out, int *n, const char *run_path, udy_error *err) {
    char path[UDY_PATH_MAX], *text;
    size_t n_bytes, lines = 1;
    *out = NULL;
    *n = 0;
    int status = curve_path(path, run_path, err);
    if (!status) status = udy_file_read(&text, &n_bytes, path, CURVE_BYTES_MAX, err);
    if (status) return status;
    for (size_t i = 0; i < n_bytes; i++) lines += text[i] == '\n';
    udy_curve_point *curve = udy_alloc(lines * sizeof *curve);
    status = curve ? read_points(curve, n, text, path, err)
                   : udy_error_set(err, UDY_ENOMEM, "%s: no memory to read it", path);
    if (!status && *n == 0)
        status = udy_error_set(err, UDY_ENOENT, "%s: no evaluation has been made yet", path);
    udy_free(text);
    if (status) {
        udy_free(curve);
        *n = 0;
        return status;
    }
    *out = curve;
    return UDY_OK;
}

//------------------------------------------ Points of it ------------------------------------------

const double udy_milestones[UDY_MILESTONES] = {1000, 3000, 5000, 7000, 8000};

const udy_curve_point *udy_curve_reached(const udy_curve_point *curve, int n, double mean) {
    for (int i = 0; i < n; i++)
        if (curve[i].mean >= mean) return &curve[i];
    return NULL;
}

const udy_curve_point *udy_curve_best(const udy_curve_point *curve, int n) {
    const udy_curve_point *best = NULL;
    for (int i = 0; i < n; i++)
        if (!best || curve[i].mean > best->mean) best = &curve[i];
    return best;
}

const udy_curve_point *udy_curve_nearest(const udy_curve_point *curve, int n, double mean) {
    const udy_curve_point *nearest = NULL;
    for (int i = 0; i < n; i++)
        if (!nearest || fabs(curve[i].mean - mean) < fabs(nearest->mean - mean))
            nearest = &curve[i];
    return nearest;
}

udy_json *udy_curve_point_json(const udy_curve_point *point) {
    udy_json *o = udy_json_object();
    udy_json_put_int(o, "steps", point->steps);
    udy_json_put_int(o, "updates", point->updates);
    udy_json_put_number(o, "mean", point->mean);
    udy_json_put_number(o, "median", point->median);
    udy_json_put_number(o, "std", point->std);
    udy_json_put_int(o, "episodes", point->n);
    udy_json_put_int(o, "falls", point->falls);
    udy_json_put_int(o, "too_low", point->too_low);
    udy_json_put_int(o, "too_high", point->too_high);
    udy_json_put_number(o, "speed_mean", point->speed);
    return o;
}
