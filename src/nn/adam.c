// Adam (Kingma & Ba 2015, algorithm 1) and AdamW (Loshchilov & Hutter 2019, algorithm 2), with
// torch.optim's arithmetic: corrections in double, eps added after the corrected square root.
#include <math.h>

#include "nn/nn_internal.h"

// Parameters of one task of udy_adam_step.
#define CHUNK 4096

udy_adam_config udy_adam_config_default(void) {
    return (udy_adam_config){
        .learning_rate = 1e-3, .beta1 = 0.9, .beta2 = 0.999, .eps = 1e-8, .weight_decay = 0};
}

static int check_config(const udy_adam_config *c, udy_error *err) {
    const struct {
        const char *name;
        double value, below;
    } rows[] = {
        {"learning_rate", c->learning_rate, INFINITY},
        {"beta1", c->beta1, 1},
        {"beta2", c->beta2, 1},
        {"eps", c->eps, INFINITY},
        {"weight_decay", c->weight_decay, INFINITY},
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        if (!(rows[i].value >= 0 && rows[i].value < rows[i].below))
            return udy_error_set(err, UDY_EINVAL, "Adam's %s is %g: expected 0 or more, below %g",
                                 rows[i].name, rows[i].value, rows[i].below);
    }
    return UDY_OK;
}

int udy_adam_create(udy_adam **out, size_t n_params, const udy_adam_config *config,
                    udy_error *err) {
    *out = NULL;
    int status = check_config(config, err);
    if (status) return status;
    if (n_params == 0) return udy_error_set(err, UDY_EINVAL, "Adam for 0 parameters");
    udy_adam *adam = udy_alloc(sizeof *adam);
    if (!adam) return udy_error_set(err, UDY_ENOMEM, "no memory for Adam");
    adam->config = *config;
    adam->n_params = n_params;
    adam->m = udy_alloc(n_params * sizeof *adam->m);
    adam->v = udy_alloc(n_params * sizeof *adam->v);
    if (!adam->m || !adam->v) {
        udy_adam_destroy(adam);
        return udy_error_set(err, UDY_ENOMEM, "no memory for Adam's moments of %zu parameters",
                             n_params);
    }
    *out = adam;
    return UDY_OK;
}

void udy_adam_destroy(udy_adam *adam) {
    if (!adam) return;
    udy_free(adam->m);
    udy_free(adam->v);
    udy_free(adam);
}

udy__adam_coefficients udy__adam_begin(udy_adam *adam) {
    const udy_adam_config *c = &adam->config;
    double t = (double)++adam->t;
    return (udy__adam_coefficients){
        .decay = (float)(1.0 - c->learning_rate * c->weight_decay),
        .one_minus_beta1 = (float)(1.0 - c->beta1),
        .beta2 = (float)c->beta2,
        .one_minus_beta2 = (float)(1.0 - c->beta2),
        .inv_sqrt_correction2 = (float)(1.0 / sqrt(1.0 - pow(c->beta2, t))),
        .step = (float)(c->learning_rate / (1.0 - pow(c->beta1, t))),
        .eps = (float)c->eps,
    };
}

typedef struct adam_run {
    udy_adam *adam;
    float *params;
    const float *grads;
    udy__adam_coefficients coefficients;
} adam_run;

static void adam_task(void *ctx, int task, int thread) {
    (void)thread;
    const adam_run *run = ctx;
    size_t at = (size_t)task * CHUNK, left = run->adam->n_params - at;
    unsigned saved = udy__flush_begin();
    udy__kernels_best()->adam(run->params + at, run->adam->m + at, run->adam->v + at, 0,
                              run->grads + at, 0, 1, left < CHUNK ? (int)left : CHUNK,
                              &run->coefficients);
    udy__flush_end(saved);
}

void udy_adam_step(udy_adam *adam, udy_pool *pool, float *params, const float *grads) {
    adam_run run = {.adam = adam, .params = params, .grads = grads};
    run.coefficients = udy__adam_begin(adam);
    udy_pool_run(pool, (int)((adam->n_params + CHUNK - 1) / CHUNK), adam_task, &run);
}

void udy_adam_set_learning_rate(udy_adam *adam, double learning_rate) {
    adam->config.learning_rate = learning_rate;
}

float *udy_adam_m(udy_adam *adam) {
    return adam->m;
}

float *udy_adam_v(udy_adam *adam) {
    return adam->v;
}

int64_t *udy_adam_t(udy_adam *adam) {
    return &adam->t;
}
