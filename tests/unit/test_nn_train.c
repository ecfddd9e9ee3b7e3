// Training: the same bits at any number of threads, nothing allocated, broken numbers leave the
// state untouched, a saved state goes on with the same bits, and it learns.
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

#include "understudy/nn.h"

enum { ROWS = 2048 };

typedef struct table {
    float *x, *y;
    size_t in, out;
} table;

static void fill(void *ctx, const uint32_t *index, int n, float *x, float *y) {
    const table *t = ctx;
    for (int i = 0; i < n; i++) {
        memcpy(x + (size_t)i * t->in, t->x + index[i] * t->in, t->in * sizeof *x);
        memcpy(y + (size_t)i * t->out, t->y + index[i] * t->out, t->out * sizeof *y);
    }
}

// A network, its optimiser and a table of random rows whose targets come from a teacher.
typedef struct learner {
    udy_pool *pool;
    udy_mlp *mlp;
    udy_adam *adam;
    udy_regression *regression;
    table data;
    udy_row_source rows;
    uint32_t index[ROWS];
    size_t n_params;
} learner;

static const udy_mlp_config ANT = {.n_layers = 3, .dims = {27, 256, 256, 8}, .hidden = UDY_RELU};

static learner *learner_create(const udy_mlp_config *config, int n_threads, int max_batch) {
    learner *s = test_malloc(sizeof *s);
    udy_rng rng;
    udy_rng_init(&rng, 11);
    udy_adam_config adam_config = udy_adam_config_default();
    assert_int_equal(udy_pool_create(&s->pool, n_threads, NULL), 0);
    assert_int_equal(udy_mlp_create(&s->mlp, config, NULL), 0);
    size_t in = (size_t)config->dims[0], out = (size_t)config->dims[config->n_layers];
    s->data = (table){test_malloc(ROWS * in * sizeof(float)),
                      test_malloc(ROWS * out * sizeof(float)), in, out};
    udy_mlp *teacher;
    udy_mlp_workspace *ws;
    assert_int_equal(udy_mlp_create(&teacher, config, NULL), 0);
    assert_int_equal(udy_mlp_workspace_create(&ws, teacher, 64, NULL), 0);
    udy_mlp_init(teacher, &rng);
    for (size_t i = 0; i < ROWS * in; i++) s->data.x[i] = (float)udy_rng_normal(&rng);
    udy_mlp_predict(teacher, ws, s->pool, s->data.x, ROWS, s->data.y);
    udy_mlp_workspace_destroy(ws);
    udy_mlp_destroy(teacher);
    udy_mlp_init(s->mlp, &rng);
    udy_mlp_params(s->mlp, &s->n_params);
    assert_int_equal(udy_adam_create(&s->adam, s->n_params, &adam_config, NULL), 0);
    assert_int_equal(
        udy_regression_create(&s->regression, s->mlp, s->adam, max_batch, s->pool, NULL), 0);
    s->rows = (udy_row_source){fill, &s->data};
    udy_rng_permutation(&rng, s->index, ROWS);
    return s;
}

static void learner_destroy(learner *s) {
    udy_regression_destroy(s->regression);
    udy_adam_destroy(s->adam);
    udy_mlp_destroy(s->mlp);
    udy_pool_destroy(s->pool);
    test_free(s->data.x), test_free(s->data.y);
    test_free(s);
}

static double step(learner *s, int at, int B) {
    double loss = -1;
    assert_int_equal(udy_regression_step(s->regression, &s->rows, s->index + at, B, &loss), 0);
    return loss;
}

static void assert_same_state(learner *a, learner *b) {
    size_t bytes = a->n_params * sizeof(float);
    assert_memory_equal(udy_mlp_params(a->mlp, NULL), udy_mlp_params(b->mlp, NULL), bytes);
    assert_memory_equal(udy_adam_m(a->adam), udy_adam_m(b->adam), bytes);
    assert_memory_equal(udy_adam_v(a->adam), udy_adam_v(b->adam), bytes);
    assert_true(*udy_adam_t(a->adam) == *udy_adam_t(b->adam));
    float scratch[1024], ya[16], yb[16];
    assert_true(udy_mlp_scratch_size(a->mlp) <= 1024 && a->data.out <= 16);
    udy_mlp_forward_row(a->mlp, a->data.x, ya, scratch);  // reads the transposed copy
    udy_mlp_forward_row(b->mlp, a->data.x, yb, scratch);
    assert_memory_equal(ya, yb, a->data.out * sizeof *ya);
}

static void training_has_the_same_bits_at_any_number_of_threads(void **state) {
    (void)state;
    const udy_mlp_config configs[] = {
        ANT,
        {.n_layers = 3, .dims = {11, 70, 150, 3}, .hidden = UDY_GELU, .output = UDY_TANH},
        {.n_layers = 2, .dims = {520, 130, 16}, .hidden = UDY_TANH},
    };
    const int batches[] = {1, 31, 64, 100, 256, 300}, threads[] = {2, 3, 5};
    for (int c = 0; c < 3; c++) {
        for (int t = 0; t < 3; t++) {
            learner *one = learner_create(&configs[c], 1, 300);
            learner *many = learner_create(&configs[c], threads[t], 300);
            for (int b = 0; b < 6; b++) {
                for (int k = 0; k < 3; k++)
                    assert_true(step(one, k * 300, batches[b]) == step(many, k * 300, batches[b]));
            }
            assert_same_state(one, many);
            double la, lb;
            assert_int_equal(
                udy_regression_evaluate(one->regression, &one->rows, one->index, 1000, &la), 0);
            assert_int_equal(
                udy_regression_evaluate(many->regression, &many->rows, many->index, 1000, &lb), 0);
            assert_true(la == lb);
            learner_destroy(one), learner_destroy(many);
        }
    }
}

static void parts_called_apart_have_the_same_bits_at_any_number_of_threads(void **state) {
    (void)state;
    enum { B = 90 };
    float *first = NULL;
    for (int threads = 1; threads <= 3; threads++) {
        learner *s = learner_create(&ANT, threads, B);
        udy_mlp_workspace *ws;
        assert_int_equal(udy_mlp_workspace_create(&ws, s->mlp, B, NULL), 0);
        float *all = test_malloc((2 * s->n_params + B * 27) * sizeof *all);
        float *grads = all + s->n_params, *dX = grads + s->n_params, dY[B * 8];
        for (int k = 0; k < 3; k++) {
            const float *Y = udy_mlp_forward(s->mlp, ws, s->pool, s->data.x, B);
            for (int i = 0; i < B * 8; i++) dY[i] = Y[i] - s->data.y[i];
            udy_mlp_backward(s->mlp, ws, s->pool, s->data.x, B, dY, grads, dX);
            udy_adam_step(s->adam, s->pool, udy_mlp_params(s->mlp, NULL), grads);
            udy_mlp_sync(s->mlp);
        }
        memcpy(all, udy_mlp_params(s->mlp, NULL), s->n_params * sizeof *all);
        if (!first)
            first = all;
        else {
            assert_memory_equal(all, first, (2 * s->n_params + B * 27) * sizeof *all);
            test_free(all);
        }
        udy_mlp_workspace_destroy(ws);
        learner_destroy(s);
    }
    test_free(first);
}

static void a_saved_state_goes_on_with_the_same_bits(void **state) {
    (void)state;
    learner *whole = learner_create(&ANT, 2, 64), *resumed = learner_create(&ANT, 1, 64);
    for (int k = 0; k < 5; k++) step(whole, k * 64, 64);
    size_t bytes = whole->n_params * sizeof(float);
    memcpy(udy_mlp_params(resumed->mlp, NULL), udy_mlp_params(whole->mlp, NULL), bytes);
    udy_mlp_sync(resumed->mlp);
    memcpy(udy_adam_m(resumed->adam), udy_adam_m(whole->adam), bytes);
    memcpy(udy_adam_v(resumed->adam), udy_adam_v(whole->adam), bytes);
    *udy_adam_t(resumed->adam) = *udy_adam_t(whole->adam);
    for (int k = 5; k < 9; k++) assert_true(step(whole, k * 64, 64) == step(resumed, k * 64, 64));
    assert_same_state(whole, resumed);
    learner_destroy(whole), learner_destroy(resumed);
}

static void nothing_is_allocated_in_the_loops(void **state) {
    (void)state;
    enum { B = 100 };
    learner *s = learner_create(&ANT, 2, B);
    udy_mlp_workspace *ws;
    assert_int_equal(udy_mlp_workspace_create(&ws, s->mlp, B, NULL), 0);
    float *grads = test_malloc(s->n_params * sizeof *grads), *Y = test_malloc(ROWS * 8 * sizeof *Y);
    float dY[B * 8] = {0}, scratch[1024], y[8];
    double loss;
    uint64_t before = udy_alloc_count();
    for (int k = 0; k < 10; k++) {
        step(s, k * B, B);
        assert_int_equal(udy_regression_evaluate(s->regression, &s->rows, s->index, 500, &loss), 0);
        assert_non_null(udy_mlp_forward(s->mlp, ws, s->pool, s->data.x, B));
        udy_mlp_backward(s->mlp, ws, s->pool, s->data.x, B, dY, grads, NULL);
        udy_adam_step(s->adam, s->pool, udy_mlp_params(s->mlp, NULL), grads);
        udy_mlp_sync(s->mlp);
        udy_mlp_predict(s->mlp, ws, s->pool, s->data.x, ROWS, Y);
        udy_mlp_forward_row(s->mlp, s->data.x, y, scratch);
    }
    assert_true(udy_alloc_count() == before);
    test_free(grads), test_free(Y);
    udy_mlp_workspace_destroy(ws);
    learner_destroy(s);
}

static void a_loss_that_is_not_finite_leaves_the_state_untouched(void **state) {
    (void)state;
    learner *s = learner_create(&ANT, 2, 64), *same = learner_create(&ANT, 2, 64);
    step(s, 0, 64), step(same, 0, 64);
    const struct {
        float value;
        bool target;
    } cases[] = {{NAN, false}, {INFINITY, false}, {-INFINITY, false},
                 {NAN, true},  {INFINITY, true},  {1e30f, true}};  // the last: its square overflows
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        size_t row = s->index[40];
        float *at = cases[i].target ? &s->data.y[row * 8 + 3] : &s->data.x[row * 27 + 5];
        float kept = *at;
        *at = cases[i].value;
        double loss = 0;
        assert_int_equal(udy_regression_step(s->regression, &s->rows, s->index, 64, &loss),
                         UDY_ENONFINITE);
        assert_false(isfinite((float)loss));
        assert_int_equal(udy_regression_evaluate(s->regression, &s->rows, s->index, 64, &loss),
                         UDY_ENONFINITE);
        *at = kept;
        assert_same_state(s, same);
    }
    assert_true(step(s, 64, 64) == step(same, 64, 64));
    assert_same_state(s, same);
    learner_destroy(s), learner_destroy(same);
}

static void an_infinity_behind_a_unit_that_is_off_is_still_found(void **state) {
    (void)state;
    udy_mlp_config config = {.n_layers = 2, .dims = {1, 1, 1}, .hidden = UDY_RELU};
    learner *s = learner_create(&config, 1, 4);
    udy_mlp_param(s->mlp, 0).data[0] = -1.0f;  // relu(-1 * inf) = 0: the loss alone looks fine
    udy_mlp_sync(s->mlp);
    s->data.x[s->index[2]] = INFINITY;
    double loss;
    assert_int_equal(udy_regression_step(s->regression, &s->rows, s->index, 4, &loss),
                     UDY_ENONFINITE);
    for (int i = 0; i < 4; i++) assert_true(isfinite(udy_mlp_params(s->mlp, NULL)[i]));
    learner_destroy(s);
}

static void bad_batches_and_optimisers_are_refused(void **state) {
    (void)state;
    learner *s = learner_create(&ANT, 1, 64);
    double loss;
    assert_int_equal(udy_regression_step(s->regression, &s->rows, s->index, 0, &loss), UDY_EINVAL);
    assert_int_equal(udy_regression_step(s->regression, &s->rows, s->index, 65, &loss), UDY_EINVAL);
    assert_int_equal(udy_regression_evaluate(s->regression, &s->rows, s->index, 0, &loss),
                     UDY_EINVAL);
    assert_true(*udy_adam_t(s->adam) == 0);
    udy_adam *adam;
    udy_adam_config c = udy_adam_config_default();
    udy_regression *r;
    udy_error err;
    assert_int_equal(udy_adam_create(&adam, 10, &c, NULL), 0);
    assert_int_equal(udy_regression_create(&r, s->mlp, adam, 64, s->pool, &err), UDY_EMISMATCH);
    assert_non_null(strstr(err.message, "75016"));
    assert_int_equal(udy_regression_create(&r, s->mlp, s->adam, 0, s->pool, &err), UDY_EINVAL);
    udy_adam_destroy(adam);
    learner_destroy(s);
}

static void evaluation_is_the_mean_over_all_rows_and_changes_nothing(void **state) {
    (void)state;
    learner *s = learner_create(&ANT, 2, 50), *same = learner_create(&ANT, 1, 50);
    enum { N = 777 };
    double loss, want = 0;
    float scratch[1024], y[8];
    assert_int_equal(udy_regression_evaluate(s->regression, &s->rows, s->index, N, &loss), 0);
    for (int i = 0; i < N; i++) {
        udy_mlp_forward_row(s->mlp, s->data.x + s->index[i] * 27, y, scratch);
        for (int o = 0; o < 8; o++) {
            double e = (double)y[o] - s->data.y[s->index[i] * 8 + (uint32_t)o];
            want += e * e / (N * 8);
        }
    }
    assert_true(fabs(loss - want) < 1e-5 * want);
    assert_same_state(s, same);
    learner_destroy(s), learner_destroy(same);
}

static void a_student_learns_its_teacher(void **state) {
    (void)state;
    learner *s = learner_create(&ANT, 2, 64);
    float *before = test_malloc(s->n_params * sizeof *before);
    memcpy(before, udy_mlp_params(s->mlp, NULL), s->n_params * sizeof *before);
    double first, last;
    assert_int_equal(udy_regression_evaluate(s->regression, &s->rows, s->index, ROWS, &first), 0);
    int n_steps = 0;
    for (int epoch = 0; epoch < 25; epoch++) {
        for (int at = 0; at < ROWS; at += 64, n_steps++) step(s, at, 64);
    }
    assert_int_equal(udy_regression_evaluate(s->regression, &s->rows, s->index, ROWS, &last), 0);
    if (!(last * 50 < first)) fail_msg("loss %g after, %g before", last, first);
    assert_int_equal(*udy_adam_t(s->adam), n_steps);
    size_t changed = 0;
    for (size_t i = 0; i < s->n_params; i++)
        changed += udy_mlp_params(s->mlp, NULL)[i] != before[i];
    assert_true(changed > s->n_params * 9 / 10);
    test_free(before);
    learner_destroy(s);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(training_has_the_same_bits_at_any_number_of_threads),
        cmocka_unit_test(parts_called_apart_have_the_same_bits_at_any_number_of_threads),
        cmocka_unit_test(a_saved_state_goes_on_with_the_same_bits),
        cmocka_unit_test(nothing_is_allocated_in_the_loops),
        cmocka_unit_test(a_loss_that_is_not_finite_leaves_the_state_untouched),
        cmocka_unit_test(an_infinity_behind_a_unit_that_is_off_is_still_found),
        cmocka_unit_test(bad_batches_and_optimisers_are_refused),
        cmocka_unit_test(evaluation_is_the_mean_over_all_rows_and_changes_nothing),
        cmocka_unit_test(a_student_learns_its_teacher),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
