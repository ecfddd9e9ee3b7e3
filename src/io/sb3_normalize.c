// Stable-Baselines3's VecNormalize: mean and variance of observations, from its pickle into a
// network's first layer, so that the policy takes observations as they are. See sb3.h.
#include <math.h>
#include <string.h>

#include "base/text.h"
#include "io/pickle.h"
#include "io/sb3.h"

#define FILE_BYTES_MAX ((size_t)64 << 20)

static const char *const allowed[] = {
    "stable_baselines3.*", "copy_reg _reconstructor", "copyreg _reconstructor",
    "__builtin__ object",  "builtins object",         "collections deque",
    UDY__SB3_SPACES,       UDY__PICKLE_NUMPY,         NULL};

typedef struct statistics {
    udy__pickle_array mean, var;
    double epsilon;
} statistics;

static int find_statistics(statistics *out, const udy__pickle_value *root, udy_sb3_facts *facts,
                           const char *path, udy_error *err) {
    const char *class = udy__pickle_class(root);
    char shown[UDY__SHOW_MAX];
    if (!class || root->kind != UDY__PICKLE_OBJECT ||
        strcmp(class, "stable_baselines3.common.vec_env.vec_normalize VecNormalize"))
        return udy_error_set(err, UDY_EFORMAT,
                             "%s: holds %s, expected what VecNormalize.save of Stable-Baselines3 "
                             "writes",
                             path,
                             class ? udy__text_show(shown, class, strlen(class)) : "no object");
    facts->norm_obs_off = !udy__pickle_truth(udy__pickle_get(root, "norm_obs"), true);
    if (facts->norm_obs_off) return UDY_OK;
    int n;
    int status = udy__sb3_box(udy__pickle_get(root, "observation_space"), &n, NULL, NULL, 1 << 16,
                              path, "observation space", err);
    if (status) return status;
    const udy__pickle_value *rms = udy__pickle_get(root, "obs_rms");
    if (!udy__pickle_array_of(&out->mean, udy__pickle_get(rms, "mean")) ||
        !udy__pickle_array_of(&out->var, udy__pickle_get(rms, "var")) || out->mean.ndim != 1 ||
        out->var.ndim != 1 || out->mean.n != out->var.n)
        return udy_error_set(
            err, UDY_EFORMAT,
            "%s: no mean and variance of observations (obs_rms) that are two lists "
            "of numbers",
            path);
    if (!udy__pickle_number(udy__pickle_get(root, "epsilon"), &out->epsilon) ||
        !udy__pickle_number(udy__pickle_get(root, "clip_obs"), &facts->clip_obs))
        return udy_error_set(err, UDY_EFORMAT, "%s: no numbers epsilon and clip_obs", path);
    if (!(facts->clip_obs > 0))
        return udy_error_set(err, UDY_EFORMAT, "%s: clip_obs is %g, expected more than 0", path,
                             facts->clip_obs);
    return UDY_OK;
}

// x' = (x - mean) / sd in W x' + b gives W / sd for W, and b - sum (W / sd) mean for b.
static int fold(const udy__sb3_layer *layer, const double *mean, const double *sd, const char *path,
                udy_error *err) {
    for (int o = 0; o < layer->out; o++) {
        float *w = layer->weight + (size_t)o * (size_t)layer->in;
        double b = (double)layer->bias[o];
        for (int i = 0; i < layer->in; i++) {
            double scaled = (double)w[i] / sd[i];
            b -= scaled * mean[i];
            w[i] = (float)scaled;
            if (!isfinite(w[i]))
                return udy_error_set(err, UDY_ENONFINITE,
                                     "%s: the spread %g of observation %d is too small for float32",
                                     path, sd[i], i);
        }
        layer->bias[o] = (float)b;
        if (!isfinite(layer->bias[o]))
            return udy_error_set(err, UDY_ENONFINITE,
                                 "%s: folded in, the bias of unit %d is %g, beyond float32", path,
                                 o, b);
    }
    return UDY_OK;
}

// clip((x - mean) / sd, -c, c) is (clip(x, mean - c sd, mean + c sd) - mean) / sd.
static int clip_of(double *low, double *high, const double *mean, const double *sd, int n, double c,
                   const char *path, udy_error *err) {
    for (int i = 0; i < n; i++) {
        low[i] = mean[i] - c * sd[i];
        high[i] = mean[i] + c * sd[i];
        if (!((float)low[i] < (float)high[i]) || !isfinite((float)low[i]) ||
            !isfinite((float)high[i]))
            return udy_error_set(err, UDY_ENONFINITE,
                                 "%s: observation %d is clipped to [%g, %g], which float32 cannot "
                                 "tell apart",
                                 path, i, low[i], high[i]);
    }
    return UDY_OK;
}

static int apply(const statistics *s, const udy__sb3_layer *layers, int n_layers, double *low,
                 double *high, double clip, const char *path, udy_error *err) {
    int n = layers[0].in, status = UDY_OK;
    if (s->mean.n != (size_t)n)
        return udy_error_set(err, UDY_EMISMATCH,
                             "%s: statistics of %zu observations, the model takes %d", path,
                             s->mean.n, n);
    double *mean = udy_alloc(2 * (size_t)n * sizeof *mean), *sd = mean + n;
    if (!mean) return udy_error_set(err, UDY_ENOMEM, "%s: out of memory", path);
    for (int i = 0; !status && i < n; i++) {
        double var = 0;
        bool ok = udy__pickle_array_at(&s->mean, (size_t)i, &mean[i]) &&
                  udy__pickle_array_at(&s->var, (size_t)i, &var);
        sd[i] = sqrt(var + s->epsilon);
        if (!ok || !isfinite(mean[i]) || !isfinite(sd[i]) || !(sd[i] > 0))
            status = udy_error_set(err, UDY_ENONFINITE,
                                   "%s: observation %d has mean %g and variance %g (epsilon %g)",
                                   path, i, mean[i], var, s->epsilon);
    }
    for (int l = 0; !status && l < n_layers; l++) status = fold(&layers[l], mean, sd, path, err);
    if (!status && isfinite(clip)) status = clip_of(low, high, mean, sd, n, clip, path, err);
    udy_free(mean);
    return status;
}

int udy__sb3_normalize(const udy__sb3_layer *layers, int n_layers, double *low, double *high,
                       bool *clips, udy_sb3_facts *facts, const char *path, udy_error *err) {
    char *data;
    size_t n;
    int status = udy_file_read(&data, &n, path, FILE_BYTES_MAX, err);
    if (status) return status;
    udy__pickle *pickle = NULL;
    statistics s;
    status = udy__pickle_read(&pickle, data, n, path, allowed, err);
    if (!status) status = find_statistics(&s, udy__pickle_root(pickle), facts, path, err);
    if (!status && !facts->norm_obs_off) {
        status = apply(&s, layers, n_layers, low, high, facts->clip_obs, path, err);
        facts->normalized = !status;
        *clips = isfinite(facts->clip_obs);
    }
    udy__pickle_free(pickle);
    udy_free(data);
    return status;
}
