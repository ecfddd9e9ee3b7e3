// tasks.c: the tasks, a row of facts each. To add one: a row here and, where it has a rule of its
// own, a function in parts.c. Facts and defaults: Gymnasium 1.4.0, gymnasium/envs/mujoco/*_v5.py
// and gymnasium/envs/__init__.py.
#include <math.h>

#include "sim/internal.h"

// What a planar robot without contact costs has not; the cheetah is never unhealthy either.
static const char *const no_contacts[] = {"contact_cost_weight", "contact_force_range",
                                          "contact_obs", "main_body", NULL};
static const char *const no_contacts_no_health[] = {
    "contact_cost_weight", "contact_force_range",      "contact_obs",     "main_body",
    "healthy_reward",      "terminate_when_unhealthy", "healthy_z_range", NULL};
// A pendulum's rules are fixed but for the reward of the double one.
#define PENDULUM_LACKS                                                           \
    "contact_cost_weight", "contact_force_range", "contact_obs", "main_body",    \
        "forward_reward_weight", "ctrl_cost_weight", "terminate_when_unhealthy", \
        "healthy_z_range", "exclude_current_positions"
static const char *const no_choice[] = {PENDULUM_LACKS, "healthy_reward", NULL};
static const char *const no_choice_but_reward[] = {PENDULUM_LACKS, NULL};

const udy__row udy__rows[] = {
    {
        .id = "Ant-v5",
        .xml_file = "ant.xml",
        .defaults =
            {
                .frame_skip = 5,
                .forward_reward_weight = 1,
                .ctrl_cost_weight = 0.5,
                .contact_cost_weight = 5e-4,
                .healthy_reward = 1,
                .main_body = 1,
                .terminate_when_unhealthy = true,
                .healthy_z_range = {0.2, 1.0},
                .contact_force_range = {-1.0, 1.0},
                .reset_noise_scale = 0.1,
                .exclude_current_positions = true,
                .contact_obs = false,
                .max_episode_steps = 1000,
            },
        .reward_threshold = 6000,
        .n_root_qpos = 2,
        .n_qpos_min = 3,
        .height_qpos = 2,
        .velocity_noise = udy__noise_normal,
        .x_position = udy__x_of_main_body,
        .height = udy__height_of_torso,
        .health = udy__health_z_range,
        .obs_parts = {&udy__obs_qpos, &udy__obs_qvel, &udy__obs_cfrc_ext},
        .terms = {{"reward_forward", udy__term_forward, false},
                  {"reward_ctrl", udy__term_ctrl, true},
                  {"reward_contact", udy__term_contact, true},
                  {"reward_survive", udy__term_survive, false}},
    },
    {
        .id = "HalfCheetah-v5",
        .xml_file = "half_cheetah.xml",
        .lacks = no_contacts_no_health,
        .defaults =
            {
                .frame_skip = 5,
                .forward_reward_weight = 1,
                .ctrl_cost_weight = 0.1,
                .main_body = 1,
                .reset_noise_scale = 0.1,
                .exclude_current_positions = true,
                .max_episode_steps = 1000,
            },
        .reward_threshold = 4800,
        .n_root_qpos = 1,
        .n_qpos_min = 2,
        .height_qpos = 1,
        .velocity_noise = udy__noise_normal,
        .x_position = udy__x_of_root_joint,
        .height = udy__height_of_torso,
        .health = udy__health_always,
        .obs_parts = {&udy__obs_qpos, &udy__obs_qvel},
        .terms = {{"reward_forward", udy__term_forward, false},
                  {"reward_ctrl", udy__term_ctrl, true}},
    },
    // Hopper and Walker2d: Gymnasium's healthy_angle_range and healthy_state_range are facts here,
    // not options.
    {
        .id = "Hopper-v5",
        .xml_file = "hopper.xml",
        .lacks = no_contacts,
        .defaults =
            {
                .frame_skip = 4,
                .forward_reward_weight = 1,
                .ctrl_cost_weight = 1e-3,
                .healthy_reward = 1,
                .main_body = 1,
                .terminate_when_unhealthy = true,
                .healthy_z_range = {0.7, INFINITY},
                .reset_noise_scale = 5e-3,
                .exclude_current_positions = true,
                .max_episode_steps = 1000,
            },
        .reward_threshold = 3800,
        .n_root_qpos = 1,
        .n_qpos_min = 3,
        .height_qpos = 1,
        .velocity_noise = udy__noise_uniform,
        .healthy_angle_range = {-0.2, 0.2},
        .healthy_state_range = {-100, 100},
        .x_position = udy__x_of_root_joint,
        .height = udy__height_of_torso,
        .health = udy__health_upright,
        .obs_parts = {&udy__obs_qpos, &udy__obs_qvel_clipped},
        .terms = {{"reward_forward", udy__term_forward, false},
                  {"reward_ctrl", udy__term_ctrl, true},
                  {"reward_survive", udy__term_survive, false}},
    },
    {
        .id = "Walker2d-v5",
        .xml_file = "walker2d_v5.xml",
        .lacks = no_contacts,
        .defaults =
            {
                .frame_skip = 4,
                .forward_reward_weight = 1,
                .ctrl_cost_weight = 1e-3,
                .healthy_reward = 1,
                .main_body = 1,
                .terminate_when_unhealthy = true,
                .healthy_z_range = {0.8, 2.0},
                .reset_noise_scale = 5e-3,
                .exclude_current_positions = true,
                .max_episode_steps = 1000,
            },
        .reward_threshold = NAN,
        .n_root_qpos = 1,
        .n_qpos_min = 3,
        .height_qpos = 1,
        .velocity_noise = udy__noise_uniform,
        .healthy_angle_range = {-1.0, 1.0},
        .x_position = udy__x_of_root_joint,
        .height = udy__height_of_torso,
        .health = udy__health_upright,
        .obs_parts = {&udy__obs_qpos, &udy__obs_qvel_clipped},
        .terms = {{"reward_forward", udy__term_forward, false},
                  {"reward_ctrl", udy__term_ctrl, true},
                  {"reward_survive", udy__term_survive, false}},
    },
    {
        .id = "InvertedPendulum-v5",
        .xml_file = "inverted_pendulum.xml",
        .lacks = no_choice,
        .defaults =
            {
                .frame_skip = 2,
                .healthy_reward = 1,
                .main_body = 1,
                .terminate_when_unhealthy = true,
                .reset_noise_scale = 0.01,
                .max_episode_steps = 1000,
            },
        .reward_threshold = 950,
        .n_root_qpos = 1,
        .n_qpos_min = 2,
        .velocity_noise = udy__noise_uniform,
        .healthy_angle_range = {-0.2, 0.2},
        .x_position = udy__x_of_root_joint,
        .health = udy__health_balanced,
        .obs_parts = {&udy__obs_qpos, &udy__obs_qvel},
        .terms = {{"reward_survive", udy__term_survive, false}},
    },
    // Gymnasium subtracts the penalties one by one: here each is a gain below zero.
    {
        .id = "InvertedDoublePendulum-v5",
        .xml_file = "inverted_double_pendulum.xml",
        .lacks = no_choice_but_reward,
        .defaults =
            {
                .frame_skip = 5,
                .healthy_reward = 10,
                .main_body = 1,
                .terminate_when_unhealthy = true,
                .reset_noise_scale = 0.1,
                .max_episode_steps = 1000,
            },
        .reward_threshold = 9100,
        .n_root_qpos = 1,
        .n_qpos_min = 3,
        .n_site_min = 1,
        .velocity_noise = udy__noise_normal,
        .x_position = udy__x_of_root_joint,
        .height = udy__height_of_site,
        .health = udy__health_site_above_1,
        .obs_parts = {&udy__obs_root, &udy__obs_sin, &udy__obs_cos, &udy__obs_qvel_clipped,
                      &udy__obs_root_force},
        .terms = {{"reward_survive", udy__term_survive, false},
                  {"distance_penalty", udy__term_off_upright, false},
                  {"velocity_penalty", udy__term_swing, false}},
    },
};

const size_t udy__row_count = sizeof udy__rows / sizeof udy__rows[0];
