// The library from C: record an expert, clone it, measure the clone.
//
//   ninja -C build example_clone && build/example_clone experts/ant-v5.safetensors demos
#include <stdio.h>

#include "understudy/understudy.h"

// Every function that can fail returns 0 or a negative status and fills err: one way out for all.
static int clone_expert(const char *expert_path, const char *dataset_path, udy_error *err) {
    udy_task *task = NULL;
    udy_batch *batch = NULL;
    udy_pool *pool = NULL;
    udy_policy *expert = NULL, *clone = NULL;
    udy_dataset *demos = NULL;
    udy_bc *bc = NULL;
    udy_evaluation score = {0};
    udy_bc_config config = udy_bc_config_default();
    config.epochs = 20;

    int status = udy_task_create(&task, "Ant-v5", NULL, err);
    if (!status) status = udy_policy_load(&expert, expert_path, err);
    if (!status) status = udy_pool_create(&pool, 0, err);  // 0: a thread per core
    if (!status) status = udy_batch_create(&batch, task, udy_pool_threads(pool), 0, err);

    // Ten episodes of the expert, on seeds 0 to 9, into a folder that other programs can read.
    if (!status) status = udy_dataset_create(&demos, dataset_path, task, expert_path, err);
    if (!status)
        status = udy_dataset_collect(demos, batch, task, expert, 10, 0, "collect", NULL, err);

    // Seed 0, stream 0: the same weights, order and held-out episodes whenever this runs.
    if (!status) status = udy_bc_create(&bc, &config, task, pool, 0, 0, err);
    if (!status) status = udy_bc_train(bc, demos, "clone", NULL, NULL, err);
    if (!status) status = udy_bc_policy(bc, true, &clone, err);
    if (!status) status = udy_policy_save(clone, "clone.safetensors", NULL, 0, err);

    if (!status) status = udy_evaluate(&score, clone, task, batch, 20, 1000, "evaluate", NULL, err);
    if (!status)
        printf("%d epochs, validation loss %.4f; return %.0f [%.0f, %.0f], %d falls of %d\n",
               udy_bc_epochs(bc), udy_bc_curve(bc)[udy_bc_best_epoch(bc)].val_loss, score.mean,
               score.ci95[0], score.ci95[1], score.falls, score.n);

    udy_evaluation_free(&score);
    udy_policy_destroy(clone);
    udy_bc_destroy(bc);
    udy_dataset_close(demos);
    udy_policy_destroy(expert);
    udy_batch_destroy(batch);
    udy_pool_destroy(pool);
    udy_task_destroy(task);
    return status;
}

int main(int argc, char **argv) {
    if (argc != 3) {
        fprintf(stderr, "usage: clone EXPERT.safetensors NEW-DATASET-FOLDER\n");
        return 2;
    }
    udy_error err = {0};
    if (clone_expert(argv[1], argv[2], &err)) {
        fprintf(stderr, "error: %s\n", err.message);
        return 1;
    }
    return 0;
}
