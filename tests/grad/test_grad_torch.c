// Training trajectories against PyTorch's numbers: make_torch_trajectory.py wrote the data, the
// minibatches, each loss and the final parameters; udy_regression_step replays them.
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#include "understudy/io.h"
#include "understudy/nn.h"

enum { STEPS = 40, BATCH = 32, ROWS = 256, IN = 11, OUT = 3 };

static udy_safetensors *file;

static const void *tensor(const char *name, udy_dtype dtype, int64_t rows, int64_t cols) {
    const udy_tensor *t;
    udy_error err;
    int64_t shape[2] = {rows, cols};
    if (udy_safetensors_require(file, name, dtype, cols ? 2 : 1, shape, &t, &err))
        fail_msg("%s", err.message);
    return t->data;
}

// The parameter named `prefix`.net.N.weight or bias.
static const float *param_tensor(const char *prefix, const udy_param *p) {
    char name[64];
    snprintf(name, sizeof name, "%s.%s", prefix, p->name);
    return tensor(name, UDY_F32, p->rows, strstr(p->name, "bias") ? 0 : p->cols);
}

static void fill(void *ctx, const uint32_t *index, int n, float *x, float *y) {
    const float *const *data = ctx;
    for (int i = 0; i < n; i++) {
        memcpy(x + i * IN, data[0] + index[i] * IN, IN * sizeof *x);
        memcpy(y + i * OUT, data[1] + index[i] * OUT, OUT * sizeof *y);
    }
}

static void replay(const char *run, double weight_decay) {
    udy_mlp_config config = {.n_layers = 3, .dims = {IN, 32, 32, OUT}, .hidden = UDY_RELU};
    udy_adam_config adam_config = udy_adam_config_default();
    adam_config.learning_rate = 3e-3;
    adam_config.weight_decay = weight_decay;
    udy_pool *pool;
    udy_mlp *mlp;
    udy_adam *adam;
    udy_regression *regression;
    size_t n_params;
    assert_int_equal(udy_pool_create(&pool, 2, NULL), 0);
    assert_int_equal(udy_mlp_create(&mlp, &config, NULL), 0);
    udy_mlp_params(mlp, &n_params);
    assert_int_equal(udy_adam_create(&adam, n_params, &adam_config, NULL), 0);
    assert_int_equal(udy_regression_create(&regression, mlp, adam, BATCH, pool, NULL), 0);
    for (int i = 0; i < udy_mlp_param_count(mlp); i++) {
        udy_param p = udy_mlp_param(mlp, i);
        memcpy(p.data, param_tensor("initial", &p), (size_t)(p.rows * p.cols) * sizeof(float));
    }
    udy_mlp_sync(mlp);

    const float *data[2] = {tensor("x", UDY_F32, ROWS, IN), tensor("y", UDY_F32, ROWS, OUT)};
    udy_row_source rows = {fill, (void *)data};
    const uint32_t *index = tensor("index", UDY_I32, STEPS, BATCH);
    char name[32];
    snprintf(name, sizeof name, "%s.losses", run);
    const double *losses = tensor(name, UDY_F64, STEPS, 0);
    for (int s = 0; s < STEPS; s++) {
        double loss;
        assert_int_equal(udy_regression_step(regression, &rows, index + s * BATCH, BATCH, &loss),
                         0);
        if (!(fabs(loss - losses[s]) <= 1e-5 * losses[s]))
            fail_msg("%s: loss of step %d is %.9g, PyTorch's %.9g", run, s, loss, losses[s]);
    }
    assert_true(losses[STEPS - 1] < 0.9 * losses[0]);
    for (int i = 0; i < udy_mlp_param_count(mlp); i++) {
        udy_param p = udy_mlp_param(mlp, i);
        const float *want = param_tensor(run, &p);
        for (int k = 0; k < p.rows * p.cols; k++) {
            if (!(fabsf(p.data[k] - want[k]) <= 1e-4f))
                fail_msg("%s: %s[%d] is %.9g, PyTorch's %.9g", run, p.name, k, (double)p.data[k],
                         (double)want[k]);
        }
    }
    udy_regression_destroy(regression);
    udy_adam_destroy(adam);
    udy_mlp_destroy(mlp);
    udy_pool_destroy(pool);
}

static void adam_trains_as_torch_optim_adam(void **state) {
    (void)state;
    replay("adam", 0);
}

static void adamw_trains_as_torch_optim_adamw(void **state) {
    (void)state;
    replay("adamw", 0.05);
}

static int set_up(void **state) {
    (void)state;
    udy_error err;
    int status = udy_safetensors_open(
        &file, UDY_SOURCE_DIR "/tests/data/nn-torch-trajectory.safetensors", &err);
    if (status) print_error("%s\n", err.message);
    return status;
}

static int tear_down(void **state) {
    (void)state;
    udy_safetensors_close(file);
    return 0;
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(adam_trains_as_torch_optim_adam),
        cmocka_unit_test(adamw_trains_as_torch_optim_adamw),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
