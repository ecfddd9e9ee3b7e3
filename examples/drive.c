// The library from C: a policy in a loop of one's own.
//
//   cc drive.c $(pkg-config --cflags --libs understudy) -o drive && ./drive ant-v5.safetensors
#include <stdio.h>

#include "understudy/understudy.h"

enum { STEPS = 200, OBS_MAX = 512, SCRATCH_MAX = 4096 };

// The start of the policy's own task's episode 0: its return, and how far it comes.
static int drive(const udy_policy *policy, udy_error *err) {
    udy_task_config config;
    udy_task *task = NULL;
    udy_batch *batch = NULL;
    double obs[OBS_MAX], wide[UDY_ACT_DIM_MAX], total = 0, x = 0;
    float action[UDY_ACT_DIM_MAX], scratch[SCRATCH_MAX];
    udy_step step;
    uint64_t seed = 0;

    int status = udy_task_config_default(&config, udy_policy_task(policy), err);
    config.contact_obs = udy_policy_contact_obs(policy);
    if (!status) status = udy_task_create(&task, udy_policy_task(policy), &config, err);
    if (!status) status = udy_policy_check(policy, task, err);
    if (!status) status = udy_batch_create(&batch, task, 1, 1, err);
    if (!status && (udy_task_info_of(task)->obs_dim > OBS_MAX ||
                    udy_policy_scratch_size(policy) > SCRATCH_MAX))
        status = udy_error_set(err, UDY_EUNSUPPORTED, "the policy is larger than this example");
    if (!status) status = udy_batch_reset(batch, &seed, obs, err);
    for (int t = 0; !status && t < STEPS; t++) {
        udy_policy_act(policy, obs, action, scratch, NULL);
        for (int i = 0; i < udy_task_info_of(task)->act_dim; i++) wide[i] = action[i];
        status = udy_batch_step(batch, wide, obs, &step, NULL, err);
        if (status) break;
        total += step.reward;
        x += step.x_velocity * udy_task_info_of(task)->dt;
    }
    if (!status) printf("%d steps: return %.1f, %.1f m\n", STEPS, total, x);

    udy_batch_destroy(batch);
    udy_task_destroy(task);
    return status;
}

int main(int argc, char **argv) {
    udy_error err = {0};
    udy_policy *policy = NULL;
    if (argc != 2) {
        fprintf(stderr, "usage: drive POLICY.safetensors\n");
        return 2;
    }
    int status = udy_policy_load(&policy, argv[1], &err);
    if (!status) status = drive(policy, &err);
    if (status) fprintf(stderr, "error: %s\n", err.message);
    udy_policy_destroy(policy);
    return status ? 1 : 0;
}
