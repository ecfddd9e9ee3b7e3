// Behavioural cloning where actions are not in [-1, 1]: what a tanh output learns, what its loss is
// measured in, and that the policy it makes acts as the expert did.
#include <math.h>

#include "../unit/test_learn_common.h"
#include "understudy/study.h"

static udy_pool *pool;  // two threads

static udy_bc_config small_config(void) {
    udy_bc_config c = udy_bc_config_default();
    c.hidden = (udy_ints){2, {24, 16}};
    c.batch_size = 32;
    c.val_fraction = 0.25;
    return c;
}

static udy_policy *policy_of(const udy_bc *bc, bool best) {
    udy_policy *policy;
    CHECK(udy_bc_policy(bc, best, &policy, err));
    return policy;
}

enum { PENDULUM_OBS = 4 };

// A controller that balances: 3 tanh(k . obs), the pendulum's bounds being [-3, 3]; or, with an
// identity output, k . obs.
static udy_policy *balancer(const udy_task *of, udy_activation output, float gain) {
    const float k[PENDULUM_OBS] = {0.5f, 8, 0.6f, 1.5f};
    const udy_mlp_config config = {
        .n_layers = 1, .dims = {PENDULUM_OBS, 1}, .output = output, .init = UDY_INIT_ZERO};
    udy_mlp *mlp;
    udy_policy *policy;
    CHECK(udy_mlp_create(&mlp, &config, err));
    for (int i = 0; i < PENDULUM_OBS; i++) udy_mlp_param(mlp, 0).data[i] = gain * k[i];
    udy_mlp_sync(mlp);
    CHECK(udy_policy_from_mlp(&policy, mlp, of, err));
    udy_mlp_destroy(mlp);
    return policy;
}

static udy_dataset *balanced(const udy_task *of, udy_batch *batch, const udy_policy *expert,
                             int episodes) {
    udy_dataset *d;
    char path[1024];
    snprintf(path, sizeof path, "%s", at_root("balanced"));
    nftw(path, remove_entry, 8, FTW_DEPTH | FTW_PHYS);
    CHECK(udy_dataset_create(&d, path, of, "a test", err));
    CHECK(udy_dataset_collect(d, batch, of, expert, episodes, 0, "collect", NULL, err));
    return d;
}

// Labels of up to 3 are out of a tanh's reach: unless they are mapped, nothing can fit them.
static void a_tanh_output_imitates_actions_beyond_one(void **state) {
    (void)state;
    udy_task *of;
    udy_task_config tilted;
    CHECK(udy_task_config_default(&tilted, "InvertedPendulum-v5", err));
    tilted.reset_noise_scale = 0.1;  // so that it takes more than a force of 1 to get upright
    CHECK(udy_task_create(&of, "InvertedPendulum-v5", &tilted, err));
    udy_batch *batch = make_batch(of, 2);
    udy_policy *expert = balancer(of, UDY_TANH, 1);
    udy_dataset *data = balanced(of, batch, expert, 40);
    uint64_t beyond = 0, rows = udy_dataset_info_of(data).n_rows;
    for (uint64_t r = 0; r < rows; r++) beyond += fabs((double)*udy_dataset_action(data, r)) > 1;
    assert_true(beyond > 200);
    udy_bc_config config = small_config();
    config.hidden.n = 0;  // as the controller
    config.learning_rate = 0.01;
    config.epochs = 40;
    udy_bc *bc;
    CHECK(udy_bc_create(&bc, &config, of, pool, 0, 0, err));
    CHECK(udy_bc_train(bc, data, "train", NULL, NULL, err));
    udy_policy *clone = policy_of(bc, true);
    CHECK(udy_policy_check(clone, of, err));
    float *labels = udy_alloc(rows * sizeof(float));
    assert_non_null(labels);
    CHECK(udy_policy_label(clone, pool, udy_dataset_obs(data, 0), rows, labels, err));
    double sum = 0, largest = 0;
    for (uint64_t r = 0; r < rows; r++) {
        double off = (double)labels[r] - (double)*udy_dataset_action(data, r);
        sum += off * off;
        largest = fmax(largest, fabs((double)labels[r]));
    }
    print_message("off by %.4f, labels up to %.2f\n", sqrt(sum / (double)rows), largest);
    assert_true(sqrt(sum / (double)rows) < 0.02);
    assert_true(largest > 2);
    udy_evaluation e;
    CHECK(udy_evaluate(&e, clone, of, batch, 4, 900, "evaluate", NULL, err));
    assert_true(e.mean == 1000);
    udy_evaluation_free(&e);
    udy_free(labels);
    udy_policy_destroy(clone);
    udy_bc_destroy(bc);
    udy_dataset_close(data);
    udy_policy_destroy(expert);
    udy_batch_destroy(batch);
    udy_task_destroy(of);
}

static void one_batchs_loss_is_of_labels_mapped_for_tanh_and_as_they_are_for_identity(
    void **state) {
    (void)state;
    udy_task *of;
    CHECK(udy_task_create(&of, "InvertedPendulum-v5", NULL, err));
    udy_batch *batch = make_batch(of, 1);
    udy_policy *expert = balancer(of, UDY_IDENTITY, 30);
    udy_dataset *data = balanced(of, batch, expert, 1);
    uint64_t rows = udy_dataset_info_of(data).n_rows;
    float *outputs = udy_alloc(rows * sizeof(float));
    assert_non_null(outputs);
    for (int tanh_output = 0; tanh_output < 2; tanh_output++) {
        udy_bc_config config = small_config();
        config.epochs = 1;
        config.batch_size = 2000;
        config.val_fraction = 0;
        config.output = tanh_output ? UDY_TANH : UDY_IDENTITY;
        udy_bc *bc;
        CHECK(udy_bc_create(&bc, &config, of, pool, 1, 0, err));
        udy_policy *before = policy_of(bc, false);
        CHECK(udy_policy_label(before, pool, udy_dataset_obs(data, 0), rows, outputs, err));
        double half = tanh_output ? 3 : 1, sum = 0;
        for (uint64_t r = 0; r < rows; r++) {
            double off = ((double)outputs[r] - (double)*udy_dataset_action(data, r)) / half;
            sum += off * off;
        }
        CHECK(udy_bc_train(bc, data, "train", NULL, NULL, err));
        double loss = udy_bc_curve(bc)[0].train_loss;
        assert_true(fabs(loss - sum / (double)rows) < 1e-5 * loss);
        // Weights for other bounds are another policy's.
        udy_policy *expert_of_ant = load_expert();
        EXPECT_ERROR(UDY_EMISMATCH, udy_bc_warm_start(bc, expert_of_ant, err), "Ant-v5",
                     "InvertedPendulum-v5");
        udy_policy_destroy(expert_of_ant);
        udy_policy_destroy(before);
        udy_bc_destroy(bc);
    }
    udy_free(outputs);
    udy_dataset_close(data);
    udy_policy_destroy(expert);
    udy_batch_destroy(batch);
    udy_task_destroy(of);
}

static int set_up(void **state) {
    pool = make_pool(2);
    return make_root(state);
}

static int tear_down(void **state) {
    udy_pool_destroy(pool);
    return remove_root(state);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_tanh_output_imitates_actions_beyond_one),
        cmocka_unit_test(one_batchs_loss_is_of_labels_mapped_for_tanh_and_as_they_are_for_identity),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
