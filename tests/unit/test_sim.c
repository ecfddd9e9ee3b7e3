// test_sim.c: tasks, their options and one simulation: facts, endings, refusals, MuJoCo's faults.
#include <math.h>
#include <stdlib.h>
#include <unistd.h>

#include "test_sim_common.h"

static void assert_create_fails(const char *id, const udy_task_config *config, int status,
                                const char *words) {
    udy_task *task = NULL;
    udy_error err = {0};
    assert_int_equal(udy_task_create(&task, id, config, &err), status);
    assert_null(task);
    assert_int_equal(err.code, status);
    if (strstr(err.message, words) == NULL) fail_msg("\"%s\" lacks \"%s\"", err.message, words);
}

static drive *new_drive(uint64_t seed, int n_steps, double size) {
    drive *r = test_calloc(1, sizeof *r);
    r->seed = seed, r->n_steps = n_steps, r->size = size;
    return r;
}

// An episode on a task made for it.
static drive *drive_config(const udy_task_config *config, uint64_t seed, int n_steps, double size) {
    udy_task *task = NULL;
    udy_batch *batch = NULL;
    drive *r = new_drive(seed, n_steps, size);
    CHECK(udy_task_create(&task, "Ant-v5", config, err));
    CHECK(udy_batch_create(&batch, task, 1, 1, err));
    CHECK(udy_batch_episodes(batch, 1, run_drive, r, err));
    udy_batch_destroy(batch);
    udy_task_destroy(task);
    return r;
}

//------------------------------------------ Facts -------------------------------------------------

static void ant_has_gymnasiums_facts(void **state) {
    (void)state;
    udy_task *task = make_ant();
    const udy_task_info *info = udy_task_info_of(task);
    assert_string_equal(info->id, "Ant-v5");
    assert_int_equal(info->obs_dim, 27);
    assert_int_equal(info->act_dim, 8);
    assert_int_equal(info->nq, 15);
    assert_int_equal(info->nv, 14);
    assert_true(info->dt == 0.01 * 5);
    assert_int_equal(info->max_episode_steps, 1000);
    assert_true(info->reward_threshold == 6000);
    assert_int_equal(info->n_terms, 4);
    assert_string_equal(info->term_names[0], "reward_forward");
    assert_string_equal(info->term_names[3], "reward_survive");
    for (int a = 0; a < info->act_dim; ++a) {
        assert_true(info->act_low[a] == -1 && info->act_high[a] == 1);
    }
    udy_task_destroy(task);
    assert_string_equal(udy_sim_version(), "4.0.0");
}

static void pendulums_have_gymnasiums_facts(void **state) {
    (void)state;
    static const struct {
        const char *id;
        int obs_dim, n;
        double bound, dt, threshold;
    } facts[] = {{"InvertedPendulum-v5", 4, 2, 3, 0.02 * 2, 950},
                 {"InvertedDoublePendulum-v5", 9, 3, 1, 0.01 * 5, 9100}};
    for (size_t i = 0; i < sizeof facts / sizeof facts[0]; ++i) {
        udy_task *task = NULL;
        CHECK(udy_task_create(&task, facts[i].id, NULL, err));
        const udy_task_info *info = udy_task_info_of(task);
        assert_int_equal(info->obs_dim, facts[i].obs_dim);
        assert_int_equal(info->act_dim, 1);
        assert_int_equal(info->nq, facts[i].n);
        assert_int_equal(info->nv, facts[i].n);
        assert_true(info->act_low[0] == -facts[i].bound && info->act_high[0] == facts[i].bound);
        assert_true(info->dt == facts[i].dt);
        assert_int_equal(info->max_episode_steps, 1000);
        assert_true(info->reward_threshold == facts[i].threshold);
        assert_string_equal(info->term_names[0], "reward_survive");
        udy_task_destroy(task);
    }
}

static void observation_options_change_its_length(void **state) {
    (void)state;
    static const struct {
        bool contact, exclude;
        int obs_dim;
    } cases[] = {{false, true, 27}, {true, true, 105}, {false, false, 29}, {true, false, 107}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; ++i) {
        udy_task_config config = ant_config();
        udy_task *task = NULL;
        config.contact_obs = cases[i].contact;
        config.exclude_current_positions = cases[i].exclude;
        CHECK(udy_task_create(&task, "Ant-v5", &config, err));
        assert_int_equal(udy_task_info_of(task)->obs_dim, cases[i].obs_dim);
        udy_task_destroy(task);
    }
}

static void every_observation_has_its_own_name_and_a_unit(void **state) {
    (void)state;
    udy_task_config config = ant_config();
    udy_task *task = NULL;
    char name[64], unit[16], other[64];
    config.contact_obs = true;
    CHECK(udy_task_create(&task, "Ant-v5", &config, err));
    for (int i = 0; i < 105; ++i) {
        assert_true(udy_task_obs_name(task, i, name, unit));
        assert_true(strlen(name) > 0 && strlen(unit) > 0);
        for (int j = 0; j < i; ++j) {
            assert_true(udy_task_obs_name(task, j, other, unit));
            assert_string_not_equal(name, other);
        }
    }
    assert_false(udy_task_obs_name(task, 105, name, unit));
    assert_false(udy_task_obs_name(task, -1, name, unit));
    assert_true(udy_task_obs_name(task, 0, name, unit));
    assert_string_equal(name, "torso z");
    assert_string_equal(unit, "m");
    assert_true(udy_task_obs_name(task, 5, name, unit));
    assert_string_equal(name, "hip_1 angle");
    assert_string_equal(unit, "rad");
    assert_true(udy_task_obs_name(task, 13, name, unit));
    assert_string_equal(name, "torso vx");
    assert_string_equal(unit, "m/s");
    assert_true(udy_task_obs_name(task, 27, name, unit));
    assert_string_equal(name, "torso contact torque x");
    udy_task_destroy(task);
}

static void every_task_of_the_table_can_be_made(void **state) {
    (void)state;
    assert_true(udy_task_count() >= 1);
    assert_null(udy_task_id(udy_task_count()));
    for (size_t i = 0; i < udy_task_count(); ++i) {
        udy_task *task = NULL;
        char name[64], unit[16];
        CHECK(udy_task_create(&task, udy_task_id(i), NULL, err));
        int n_obs = udy_task_info_of(task)->obs_dim;
        for (int o = 0; o < n_obs; ++o) assert_true(udy_task_obs_name(task, o, name, unit));
        assert_false(udy_task_obs_name(task, n_obs, name, unit));
        udy_task_destroy(task);
    }
}

//------------------------------------------ Refusals ----------------------------------------------

static void an_unknown_task_is_refused_with_the_nearest_name(void **state) {
    (void)state;
    udy_task_config config;
    udy_error err = {0};
    assert_create_fails("Ant-v6", NULL, UDY_ENOENT, "did you mean \"Ant-v5\"?");
    assert_create_fails("Qwertyuiop", NULL, UDY_ENOENT, "Qwertyuiop");
    assert_create_fails(NULL, NULL, UDY_EINVAL, "id");
    assert_int_equal(udy_task_config_default(&config, "ant-v5", &err), UDY_ENOENT);
}

static void options_out_of_range_are_refused_by_name(void **state) {
    (void)state;
    udy_task_config config = ant_config();
    config.frame_skip = 0;
    assert_create_fails("Ant-v5", &config, UDY_EINVAL, "frame_skip is 0");
    config = ant_config();
    config.ctrl_cost_weight = NAN;
    assert_create_fails("Ant-v5", &config, UDY_EINVAL, "ctrl_cost_weight is nan");
    config = ant_config();
    config.reset_noise_scale = -0.1;
    assert_create_fails("Ant-v5", &config, UDY_EINVAL, "reset_noise_scale is -0.1");
    config = ant_config();
    config.healthy_z_range[0] = 2;
    assert_create_fails("Ant-v5", &config, UDY_EINVAL, "healthy_z_range is [2, 1]");
    config = ant_config();
    config.contact_force_range[1] = NAN;
    assert_create_fails("Ant-v5", &config, UDY_EINVAL, "contact_force_range");
    config = ant_config();
    config.max_episode_steps = -1;
    assert_create_fails("Ant-v5", &config, UDY_EINVAL, "max_episode_steps is -1");
    config = ant_config();
    config.main_body = 14;
    assert_create_fails("Ant-v5", &config, UDY_EINVAL, "0 to 13");
}

static void an_option_that_a_task_lacks_must_stay_as_it_is(void **state) {
    (void)state;
    udy_task_config config;
    udy_task *task = NULL;
    CHECK(udy_task_config_default(&config, "HalfCheetah-v5", err));
    CHECK(udy_task_create(&task, "HalfCheetah-v5", &config, err));
    assert_true(udy_settings_equal(udy_task_config_of(task), &config, udy_task_config_fields));
    udy_task_destroy(task);
    config.healthy_reward = 1;
    assert_create_fails("HalfCheetah-v5", &config, UDY_EINVAL, "no option healthy_reward");
    CHECK(udy_task_config_default(&config, "InvertedPendulum-v5", err));
    config.exclude_current_positions = true;
    assert_create_fails("InvertedPendulum-v5", &config, UDY_EINVAL,
                        "no option exclude_current_positions");
}

static void a_model_that_is_not_there_or_not_a_model_is_an_error(void **state) {
    (void)state;
    udy_task_config config = ant_config();
    snprintf(config.xml_file, sizeof config.xml_file, "no_such_robot.xml");
    assert_create_fails("Ant-v5", &config, UDY_ENOENT, "no_such_robot.xml");
    config = ant_config();
    snprintf(config.model_dir, sizeof config.model_dir, "/no/such/folder");
    assert_create_fails("Ant-v5", &config, UDY_ENOENT, "/no/such/folder/ant.xml");
    config = config_of_model("broken", "<mujoco><worldbody><body></worldbody></mujoco>");
    assert_create_fails("Ant-v5", &config, UDY_EFORMAT, "broken.xml");
    config = config_of_model("unknown", "<mujoco><wheel size='1'/></mujoco>");
    assert_create_fails("Ant-v5", &config, UDY_EFORMAT, "wheel");
    config = config_of_model("empty", "");
    assert_create_fails("Ant-v5", &config, UDY_EFORMAT, "empty.xml");
}

static void a_model_that_does_not_fit_the_task_is_an_error(void **state) {
    (void)state;
    udy_task_config config = config_of_model(
        "passive",
        "<mujoco><worldbody><body><freejoint/><geom size='1'/></body></worldbody></mujoco>");
    assert_create_fails("Ant-v5", &config, UDY_EMISMATCH, "0 actuators");
    config = config_of_model(
        "hinge",
        "<mujoco><worldbody><body><joint name='a'/><geom size='1'/></body></worldbody>"
        "<actuator><motor joint='a'/></actuator></mujoco>");
    assert_create_fails("Ant-v5", &config, UDY_EMISMATCH, "1 position coordinates");
    udy_task_config pendulum;
    CHECK(udy_task_config_default(&pendulum, "InvertedDoublePendulum-v5", err));
    snprintf(pendulum.xml_file, sizeof pendulum.xml_file, "%s", config.xml_file);
    assert_create_fails("InvertedDoublePendulum-v5", &pendulum, UDY_EMISMATCH,
                        "1 position coordinates");
    config = config_of_model("siteless", SPINNER("", "1"));
    snprintf(pendulum.xml_file, sizeof pendulum.xml_file, "%s", config.xml_file);
    assert_create_fails("InvertedDoublePendulum-v5", &pendulum, UDY_EMISMATCH, "0 sites");
}

//------------------------------------------ Endings -----------------------------------------------

static void the_time_limit_truncates_and_does_not_terminate(void **state) {
    (void)state;
    udy_task_config config = ant_config();
    config.max_episode_steps = 3;
    drive *r = drive_config(&config, 1, 10, 0);
    assert_int_equal(r->n_done, 3);
    assert_int_equal(r->steps[1].truncated, 0);
    assert_int_equal(r->steps[2].truncated, 1);
    assert_int_equal(r->steps[2].terminated, 0);
    assert_int_equal(r->steps[2].end, UDY_END_LIMIT);
    test_free(r);
    config.max_episode_steps = 0;
    r = drive_config(&config, 1, 10, 0);
    assert_int_equal(r->n_done, 10);
    assert_int_equal(r->steps[9].end, UDY_END_NONE);
    test_free(r);
}

static void too_low_and_too_high_are_told_apart(void **state) {
    (void)state;
    udy_task_config config = ant_config();
    config.healthy_z_range[0] = 10, config.healthy_z_range[1] = 20;
    drive *low = drive_config(&config, 1, 10, 0);
    config.healthy_z_range[0] = -INFINITY, config.healthy_z_range[1] = -1;
    drive *high = drive_config(&config, 1, 10, 0);
    assert_int_equal(low->n_done, 1);
    assert_int_equal(low->steps[0].end, UDY_END_TOO_LOW);
    assert_int_equal(low->steps[0].terminated, 1);
    assert_int_equal(low->steps[0].truncated, 0);
    assert_int_equal(high->n_done, 1);
    assert_int_equal(high->steps[0].end, UDY_END_TOO_HIGH);
    assert_true(high->steps[0].torso_z == high->obs[1][0]);
    assert_true(low->steps[0].terms[3] == 0);
    test_free(low);
    test_free(high);
}

static void an_episode_may_terminate_at_its_time_limit(void **state) {
    (void)state;
    udy_task_config config = ant_config();
    config.max_episode_steps = 1;
    config.healthy_z_range[0] = 10, config.healthy_z_range[1] = 20;
    drive *r = drive_config(&config, 1, 10, 0);
    assert_int_equal(r->steps[0].terminated, 1);
    assert_int_equal(r->steps[0].truncated, 1);
    assert_int_equal(r->steps[0].end, UDY_END_TOO_LOW);
    test_free(r);
}

static void an_unhealthy_robot_goes_on_where_told_so(void **state) {
    (void)state;
    udy_task_config config = ant_config();
    config.healthy_z_range[0] = 10, config.healthy_z_range[1] = 20;
    config.terminate_when_unhealthy = false;
    drive *r = drive_config(&config, 1, 10, 1);
    assert_int_equal(r->n_done, 10);
    assert_int_equal(r->steps[9].end, UDY_END_NONE);
    assert_true(r->steps[9].terms[3] == 0);
    test_free(r);
}

static void the_reward_is_its_terms_weighed_by_the_options(void **state) {
    (void)state;
    udy_task_config config = ant_config();
    drive *a = drive_config(&config, 2, 40, 1);
    config.forward_reward_weight = 3;
    config.ctrl_cost_weight = 0.25;
    config.contact_cost_weight = 1e-3;
    config.healthy_reward = 2;
    drive *b = drive_config(&config, 2, 40, 1);
    assert_true(a->n_done > 5);
    assert_int_equal(a->n_done, b->n_done);
    double contact = 0;
    for (int t = 0; t < a->n_done; ++t) {
        const udy_step *s = &a->steps[t], *w = &b->steps[t];
        assert_true(fabs(s->terms[0] + s->terms[1] + s->terms[2] + s->terms[3] - s->reward) <
                    1e-12);
        assert_true(s->terms[0] == s->x_velocity);
        assert_true(w->terms[0] == 3 * s->terms[0]);
        assert_true(w->terms[1] == 0.5 * s->terms[1]);
        assert_true(w->terms[2] == 2 * s->terms[2]);
        assert_true(w->terms[3] == 2 * s->terms[3]);
        contact += s->terms[2];
    }
    assert_true(contact < 0);
    test_free(a);
    test_free(b);
}

//------------------------------------------ Faults ------------------------------------------------

typedef struct refusal {
    int before_reset, nan_action, nan_state, after;
    double obs[2][27];
    udy_error err;
} refusal;

static int refuse(udy_env *env, int job, void *ctx, udy_error *err) {
    (void)job;
    refusal *r = ctx;
    double good[8] = {0.5}, bad[8] = {0}, qpos[15] = {0}, qvel[14] = {0};
    udy_step step;
    udy_rng rng;
    bad[6] = NAN;
    qvel[3] = INFINITY;
    r->before_reset = udy_env_step(env, good, r->obs[0], &step, NULL);
    for (int k = 0; k < 2; ++k) {
        udy_rng_init(&rng, 7);
        int status = udy_env_reset(env, &rng, r->obs[k], err);
        if (status != UDY_OK) return status;
        if (k == 1) r->nan_action = udy_env_step(env, bad, r->obs[k], &step, &r->err);
        if (k == 1) r->nan_state = udy_env_set_state(env, qpos, qvel, NULL, NULL);
        r->after = udy_env_step(env, good, r->obs[k], &step, err);
    }
    return UDY_OK;
}

static void a_nan_action_is_refused_and_leaves_no_trace(void **state) {
    (void)state;
    udy_task *task = make_ant();
    udy_batch *batch = NULL;
    refusal r = {0};
    CHECK(udy_batch_create(&batch, task, 1, 1, err));
    CHECK(udy_batch_episodes(batch, 1, refuse, &r, err));
    assert_int_equal(r.before_reset, UDY_EINVAL);
    assert_int_equal(r.nan_action, UDY_ENONFINITE);
    assert_non_null(strstr(r.err.message, "action[6]"));
    assert_int_equal(r.nan_state, UDY_ENONFINITE);
    assert_int_equal(r.after, UDY_OK);
    assert_memory_equal(r.obs[0], r.obs[1], sizeof r.obs[0]);
    udy_batch_destroy(batch);
    udy_task_destroy(task);
}

typedef struct fault {
    int status, after, again;
    udy_error err;
    double obs[64];
} fault;

// A motor pushes with all it has; then is the simulation closed until a reset, and fine after it?
static int push(udy_env *env, int job, void *ctx, udy_error *err) {
    (void)job;
    fault *f = ctx;
    const double action[1] = {1};
    udy_step step;
    udy_rng rng;
    udy_rng_init(&rng, 3);
    f->status = udy_env_reset(env, &rng, f->obs, &f->err);
    for (int t = 0; t < 50 && f->status == UDY_OK; ++t) {
        f->status = udy_env_step(env, action, f->obs, &step, &f->err);
    }
    f->after = udy_env_step(env, action, f->obs, &step, NULL);
    f->again = udy_env_reset(env, &rng, f->obs, NULL);
    *err = f->err;
    return f->status;
}

static fault push_model(const char *name, const char *xml) {
    udy_task_config config = config_of_model(name, xml);
    udy_task *task = NULL;
    udy_batch *batch = NULL;
    fault f = {0};
    udy_error e = {0};
    config.terminate_when_unhealthy = false;
    CHECK(udy_task_create(&task, "Ant-v5", &config, err));
    CHECK(udy_batch_create(&batch, task, 1, 1, err));
    int status = udy_batch_episodes(batch, 1, push, &f, &e);
    assert_int_equal(status, f.status);
    udy_batch_destroy(batch);
    udy_task_destroy(task);
    return f;
}

static void a_state_that_mujoco_would_reset_in_silence_is_an_error(void **state) {
    (void)state;
    fault f = push_model("unstable", SPINNER("", "1e14"));
    assert_int_equal(f.status, UDY_EPHYSICS);
    assert_non_null(strstr(f.err.message, "unstable"));  // MuJoCo: "The simulation is unstable."
    assert_int_equal(f.after, UDY_EINVAL);
    assert_int_equal(f.again, UDY_OK);
}

static void an_error_raised_by_mujoco_comes_back_as_a_status(void **state) {
    (void)state;
    fault f = push_model("cramped", SPINNER("<size memory='1K'/>", "1"));
    assert_int_equal(f.status, UDY_EPHYSICS);
    assert_non_null(strstr(f.err.message, "MuJoCo"));
    assert_non_null(strstr(f.err.message, "memory"));
    assert_int_equal(f.after, UDY_EINVAL);
}

static void a_small_healthy_model_runs_under_the_ants_rules(void **state) {
    (void)state;
    fault f = push_model("spinner", SPINNER("", "0.001"));
    assert_int_equal(f.status, UDY_OK);
    assert_int_equal(f.after, UDY_OK);
}

static void mujoco_writes_no_log_file(void **state) {
    (void)state;
    char before[4096], here[1024];
    assert_non_null(getcwd(before, sizeof before));
    snprintf(here, sizeof here, "%s/sim-log-XXXXXX", UDY_TEST_TMP);
    assert_non_null(mkdtemp(here));
    assert_int_equal(chdir(here), 0);
    assert_int_equal(push_model("unstable", SPINNER("", "1e14")).status, UDY_EPHYSICS);
    assert_int_equal(push_model("cramped", SPINNER("<size memory='1K'/>", "1")).status,
                     UDY_EPHYSICS);
    assert_int_not_equal(access("MUJOCO_LOG.TXT", F_OK), 0);
    assert_int_equal(chdir(before), 0);
    assert_int_equal(rmdir(here), 0);  // fails if anything else was written either
}

//------------------------------------------ State -------------------------------------------------

typedef struct revisit {
    double qpos[2][15], qvel[2][14], obs[2][27];
    udy_step steps[2];
} revisit;

// Come back to a state, by two different histories, and take the same step.
static int run_revisit(udy_env *env, int job, void *ctx, udy_error *err) {
    (void)job;
    revisit *r = ctx;
    double action[8], qpos[15], qvel[14], obs[27];
    udy_step step;
    udy_rng rng;
    udy_rng_init(&rng, 11);
    int status = udy_env_reset(env, &rng, obs, err);
    for (int t = 0; t < 15 && status == UDY_OK; ++t) {
        random_actions(&rng, 1, action, 8);
        status = udy_env_step(env, action, obs, &step, err);
    }
    udy_env_state(env, qpos, qvel);
    for (int k = 0; k < 2 && status == UDY_OK; ++k) {
        status = udy_env_set_state(env, qpos, qvel, obs, err);
        if (status == UDY_OK && memcmp(obs, qpos + 2, 13 * sizeof *obs) != 0) {
            return udy_error_set(err, UDY_EINVAL, "the observation is not the state");
        }
        if (status == UDY_OK) {
            status = udy_env_step(env, action, r->obs[k], &r->steps[k], err);
        }
        udy_env_state(env, r->qpos[k], r->qvel[k]);
        for (int t = 0; t < 5 && status == UDY_OK; ++t) {
            status = udy_env_step(env, action, obs, &step, err);
        }
    }
    return status;
}

static void a_state_that_is_set_forgets_what_was_before(void **state) {
    (void)state;
    udy_task *task = make_ant();
    udy_batch *batch = NULL;
    revisit r = {0};
    CHECK(udy_batch_create(&batch, task, 1, 1, err));
    CHECK(udy_batch_episodes(batch, 1, run_revisit, &r, err));
    assert_memory_equal(r.qpos[0], r.qpos[1], sizeof r.qpos[0]);
    assert_memory_equal(r.qvel[0], r.qvel[1], sizeof r.qvel[0]);
    assert_memory_equal(r.obs[0], r.obs[1], sizeof r.obs[0]);
    assert_true(same_step(&r.steps[0], &r.steps[1]));
    udy_batch_destroy(batch);
    udy_task_destroy(task);
}

static void the_raw_rate_is_measured(void **state) {
    (void)state;
    udy_task *task = make_ant();
    double rate = 0;
    CHECK(udy_sim_raw_rate(task, 0.05, &rate, err));
    assert_true(isfinite(rate) && rate > 1);
    udy_task_destroy(task);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ant_has_gymnasiums_facts),
        cmocka_unit_test(pendulums_have_gymnasiums_facts),
        cmocka_unit_test(observation_options_change_its_length),
        cmocka_unit_test(every_observation_has_its_own_name_and_a_unit),
        cmocka_unit_test(every_task_of_the_table_can_be_made),
        cmocka_unit_test(an_unknown_task_is_refused_with_the_nearest_name),
        cmocka_unit_test(options_out_of_range_are_refused_by_name),
        cmocka_unit_test(an_option_that_a_task_lacks_must_stay_as_it_is),
        cmocka_unit_test(a_model_that_is_not_there_or_not_a_model_is_an_error),
        cmocka_unit_test(a_model_that_does_not_fit_the_task_is_an_error),
        cmocka_unit_test(the_time_limit_truncates_and_does_not_terminate),
        cmocka_unit_test(too_low_and_too_high_are_told_apart),
        cmocka_unit_test(an_episode_may_terminate_at_its_time_limit),
        cmocka_unit_test(an_unhealthy_robot_goes_on_where_told_so),
        cmocka_unit_test(the_reward_is_its_terms_weighed_by_the_options),
        cmocka_unit_test(a_nan_action_is_refused_and_leaves_no_trace),
        cmocka_unit_test(a_state_that_mujoco_would_reset_in_silence_is_an_error),
        cmocka_unit_test(an_error_raised_by_mujoco_comes_back_as_a_status),
        cmocka_unit_test(a_small_healthy_model_runs_under_the_ants_rules),
        cmocka_unit_test(mujoco_writes_no_log_file),
        cmocka_unit_test(a_state_that_is_set_forgets_what_was_before),
        cmocka_unit_test(the_raw_rate_is_measured),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
