// The shift: known answers (the expert against itself, a broken joint, episodes that are their own
// demonstrations), sums that a person would write down by hand, the same bits on any number of threads,
// and a number or a clear word for whatever is degenerate.
#include "test_shift_common.h"

static udy_task *task;  // episodes of at most 120 steps
static udy_policy *expert, *broken, *chance;

//------------------------------------------ Rollouts ----------------------------------------------

static void a_rollout_records_the_state_before_each_step(void **state) {
    (void)state;
    udy_batch *batch = make_batch(task, 1);
    udy_episode e;
    udy_rollout_job job = {.policy = expert, .seed = 4, .record = true, .record_physics = true};
    CHECK(udy_rollout(batch, task, &job, 1, &e, "", NULL, err));
    assert_true(e.length > 20);
    double speed = 0;
    for (int t = 0; t < e.length; t++) {
        const double *qpos = e.qpos + 15 * t, *qvel = e.qvel + 14 * t;
        // The observation is qpos without x and y, then qvel.
        for (int k = 0; k < 13; k++) assert_true(e.obs[27 * t + k] == (float)qpos[k + 2]);
        for (int k = 0; k < 14; k++) assert_true(e.obs[27 * t + 13 + k] == (float)qvel[k]);
        if (t > 0) assert_true(e.height[t - 1] == (float)qpos[2]);
        speed += (double)e.x_velocity[t] / e.length;
    }
    assert_true(fabs(speed - e.speed) < 1e-5);
    udy_episodes_free(&e, 1);
    job.record_physics = false;
    CHECK(udy_rollout(batch, task, &job, 1, &e, "", NULL, err));
    assert_true(e.obs && !e.qpos && !e.qvel && !e.height && !e.x_velocity);
    udy_episodes_free(&e, 1);
    udy_batch_destroy(batch);
}

//------------------------------------------ Known answers -----------------------------------------

static void the_expert_against_itself_is_the_null(void **state) {
    (void)state;
    int energy = 0, anywhere = 0, auc = 0;
    enum { SEEDS = 6 };
    for (uint64_t seed = 0; seed < SEEDS; seed++) {
        udy_shift_config config = quick();
        config.seed = seed;
        config.push_episodes = 0;
        udy_shift s = measured(task, expert, NULL, "copy", expert, &config, 2);
        for (int k = 0; k < 2; k++) {
            assert_true(s.policies[k].error_own.value == 0 && s.policies[k].error_own.ci[1] == 0);
            assert_true(s.policies[k].error_expert.value == 0);
        }
        // A policy that is the expert is the null, to the bit: the same seeds, the same draws.
        assert_memory_equal(&s.policies[0].joint, &s.policies[1].joint, sizeof(udy_joint));
        assert_true(s.policies[0].distance.value == s.policies[1].distance.value);
        assert_true(s.policies[0].mean == s.policies[1].mean);
        energy += s.policies[0].joint.energy.p > 0.05;
        anywhere += s.policies[0].p_anywhere > 0.05;
        auc += s.policies[0].classifier.auc.p > 0.05;
        udy_shift_free(&s);
    }
    print_message("of %d seeds p > 0.05: energy %d, anywhere %d, classifier %d\n", SEEDS, energy,
                  anywhere, auc);
    assert_true(energy >= SEEDS - 1 && anywhere >= SEEDS - 1 && auc >= SEEDS - 1);
}

static void a_broken_joint_is_called_different(void **state) {
    (void)state;
    udy_shift_config config = quick();
    config.classifier.updates = 300;
    udy_shift s = measured(task, expert, NULL, "broken", broken, &config, 2);
    const udy_shift_policy *p = &s.policies[1];
    print_message("AUC %.3f, energy %.3f, far %.3f, error %.4f\n", p->classifier.auc.value,
                  p->joint.energy.value, p->far, p->error_expert.value);
    assert_true(p->joint.energy.p <= 0.05 && p->p_anywhere <= 0.05);
    assert_true(p->classifier.auc.value > 0.7);
    assert_true(p->joint.energy.value > 3 * fabs(s.policies[0].joint.energy.null[1]));
    assert_true(p->far > s.policies[0].far && p->distance.value > s.policies[0].distance.value);
    // One of eight actions is 0: the error there is its square, and nothing is wrong elsewhere.
    assert_true(p->error_expert.value > 0.001 && p->error_expert.value < 1.0 / 8);
    assert_true(p->error_own.value > 0);
    assert_true(p->error_own.ci[0] <= p->error_own.value &&
                p->error_own.value <= p->error_own.ci[1]);
    // What it loses is what was lost at the last horizon.
    assert_true(p->mean < s.policies[0].mean);
    assert_true(p->cost[s.n_T - 1] > 0);
    udy_shift_free(&s);
}

static void own_episodes_as_demonstrations_are_at_no_distance(void **state) {
    (void)state;
    udy_shift_config config = quick();
    config.push_episodes = 0;
    uint64_t seed = udy_seed_range(config.seed, UDY_SEEDS_SHIFT);
    udy_dataset *demos = collected(task, expert, "own", config.episodes, seed);
    udy_shift s = measured(task, expert, demos, "random", chance, &config, 2);
    assert_true(s.policies[0].distance.value == 0 && s.policies[0].far == 0);
    assert_true(s.policies[1].distance.value > 0);
    assert_int_equal(s.demo_rows, udy_dataset_info_of(demos).n_rows);
    // The observations' spread is the demonstrations'.
    double sum = 0, square = 0, n = (double)s.demo_rows;
    for (uint64_t r = 0; r < s.demo_rows; r++) sum += (double)udy_dataset_obs(demos, r)[5] / n;
    for (uint64_t r = 0; r < s.demo_rows; r++)
        square += pow((double)udy_dataset_obs(demos, r)[5] - sum, 2) / n;
    assert_true(fabs(s.column_std[7] - sqrt(square)) < 1e-9);
    assert_string_equal(s.column_name[0], "torso height");
    assert_string_equal(s.column_name[2], "torso z");
    udy_shift_free(&s);
    udy_dataset_close(demos);
}

//------------------------------------------ Sums --------------------------------------------------

static void the_parts_add_up(void **state) {
    (void)state;
    udy_shift_config config = quick();
    udy_shift s = measured(task, expert, NULL, "random", chance, &config, 2);
    for (int k = 0; k < s.n; k++) {
        const udy_shift_policy *p = &s.policies[k];
        double rows = 0, error = 0, distance = 0, height = 0, speed = 0, map = 0;
        int longest = 0;
        for (int e = 0; e < p->n; e++) longest = p->lengths[e] > longest ? p->lengths[e] : longest;
        assert_int_equal(p->windows[p->n_windows - 1].end >= longest, 1);
        for (int i = 0; i < p->n_windows; i++) {
            const udy_shift_window *w = &p->windows[i];
            double in = 0;
            int n = 0;
            for (int e = 0; e < p->n; e++) {
                int end = p->lengths[e] < w->end ? p->lengths[e] : w->end;
                in += end > w->first ? end - w->first : 0;
                n += end > w->first;
            }
            assert_int_equal(w->n, n);
            rows += in;
            error += in * w->error.value;
            distance += in * w->distance.value;
            assert_true(w->height[0] <= w->height[1] && w->height[1] <= w->height[2]);
        }
        assert_true(fabs(error / rows - p->error_own.value) < 1e-12);
        assert_true(fabs(distance / rows - p->distance.value) < 1e-9);
        for (int i = 0; i < UDY_SHIFT_BINS; i++) height += p->height_density[i];
        for (int i = 0; i < UDY_SHIFT_BINS; i++) speed += p->speed_density[i];
        for (int i = 0; i < config.map_bins * config.map_bins; i++) map += p->map[i];
        assert_true(fabs(height - 1) < 1e-9 && fabs(speed - 1) < 1e-9 && fabs(map - 1) < 1e-9);
        // The last horizon is the whole episode: J(reference) - J(it).
        assert_true(s.T[s.n_T - 1] == 120);
        double reference = s.policies[0].cost[s.n_T - 1] + s.policies[0].mean;
        assert_true(fabs(p->cost[s.n_T - 1] + p->mean - reference) < 1e-3);
    }
    udy_shift_free(&s);
}

static void episodes_can_be_repeated_from_their_seeds(void **state) {
    (void)state;
    udy_shift_config config = quick();
    config.seed = 9;
    udy_shift s = measured(task, expert, NULL, "broken", broken, &config, 2);
    udy_batch *batch = make_batch(task, 2);
    udy_evaluation e;
    uint64_t seed = udy_seed_range(9, UDY_SEEDS_SHIFT);
    CHECK(udy_evaluate(&e, broken, task, batch, config.episodes, seed, "", NULL, err));
    for (int i = 0; i < config.episodes; i++) {
        assert_true(e.returns[i] == s.policies[1].returns[i]);
        assert_int_equal(e.lengths[i], s.policies[1].lengths[i]);
    }
    assert_true(s.policies[1].track.seed == seed && s.policies[1].track.ret == e.returns[0]);
    assert_int_equal(s.policies[1].track.length, e.lengths[0]);
    udy_evaluation_free(&e);
    // The reference is the expert on the seeds after these.
    CHECK(udy_evaluate(&e, expert, task, batch, config.episodes, seed + (uint64_t)config.episodes,
                       "", NULL, err));
    assert_true(fabs(s.policies[1].cost[s.n_T - 1] - (e.mean - s.policies[1].mean)) < 1e-3);
    udy_evaluation_free(&e);
    udy_batch_destroy(batch);
    udy_shift_free(&s);
}

static void brief_policies_have_the_same_numbers_and_fewer(void **state) {
    (void)state;
    udy_shift_config config = quick();
    udy_shift_subject both[] = {
        {.name = "full", .label = "Full", .policy = broken, .has_labels = true, .labels = 77},
        {.name = "brief", .policy = broken, .brief = true},
    };
    udy_shift s;
    CHECK(udy_shift_measure(&s, task, expert, "E", NULL, both, 2, &config, 2, NULL, err));
    const udy_shift_policy *full = &s.policies[1], *brief = &s.policies[2];
    assert_true(full->mean == brief->mean && full->error_own.value == brief->error_own.value);
    assert_memory_equal(&full->joint, &brief->joint, sizeof full->joint);
    // One row stands for four.
    assert_true(fabs(full->distance.value - brief->distance.value) < 0.1 * full->distance.value);
    assert_true(fabs(full->far - brief->far) < 0.1);
    assert_true(full->columns && full->n_windows && full->map && full->n_push && full->track.qpos);
    assert_true(!brief->columns && !brief->n_windows && !brief->map && !brief->n_push &&
                !brief->track.qpos && !brief->survival && !brief->has_classifier);
    assert_true(full->has_labels && full->labels == 77 && !brief->has_labels);
    assert_string_equal(brief->label, "brief");
    udy_shift_free(&s);
    udy_shift_free(&s);  // twice is fine
    udy_shift_free(NULL);
}

//------------------------------------------ Pushes ------------------------------------------------

static void pushes_are_the_same_for_all_and_tell_policies_apart(void **state) {
    (void)state;
    udy_shift_config config = quick();
    config.push_episodes = 12;
    config.push_steps = 60;
    config.n_push_speeds = 2;
    config.push_speeds[0] = 0;
    config.push_speeds[1] = 60;
    udy_shift s = measured(task, expert, NULL, "copy", expert, &config, 2);
    const udy_shift_policy *a = &s.policies[0], *b = &s.policies[1];
    assert_int_equal(a->n_push, 2);
    assert_memory_equal(a->push, b->push, sizeof a->push);
    // Not pushed at all, the expert goes on; thrown at 60 m/s it does not.
    assert_true(a->push[0].back >= 10);
    assert_true(a->push[1].back < a->push[0].back);
    for (int i = 0; i < 2; i++) {
        const udy_shift_push *p = &a->push[i];
        assert_true(p->n == 12 && p->back >= 0 && p->fell >= 0 && p->back + p->fell <= 12);
        assert_true(p->back_ci[0] <= p->back / 12.0 && p->back / 12.0 <= p->back_ci[1]);
        assert_true(p->median_steps >= 0 && p->median_steps <= 40);
    }
    udy_shift_free(&s);
    s = measured(task, expert, NULL, "random", chance, &config, 2);
    assert_true(s.policies[1].push[0].back < s.policies[0].push[0].back);
    udy_shift_free(&s);
}

//------------------------------------------ Files and threads -------------------------------------

static void the_same_bits_on_any_number_of_threads(void **state) {
    (void)state;
    udy_shift_config config = quick();
    udy_shift one = measured(task, expert, NULL, "random", chance, &config, 1);
    udy_shift three = measured(task, expert, NULL, "random", chance, &config, 3);
    CHECK(udy_shift_save(&one, at_root("one.json"), err));
    CHECK(udy_shift_save(&three, at_root("three.json"), err));
    assert_true(files_equal(at_root("one.json"), at_root("three.json")));
    udy_shift_free(&one);
    udy_shift_free(&three);
}

static void progress_names_stages_and_stops(void **state) {
    (void)state;
    udy_shift_config config = quick();
    udy_shift_subject subject = {.name = "random", .policy = chance};
    udy_shift s;
    udy_error problem = {0};
    // Each stage is heard of, from its policy's name on.
    static const char *const stages[] = {"reference: episodes", "random: episodes",
                                         "expert: measuring", "random: measuring"};
    for (int i = 0; i < 4; i++) {
        watcher w = {.stop_stage = stages[i]};
        udy_progress progress = watched(&w);
        CHECK(udy_shift_measure(&s, task, expert, "E", NULL, &subject, 1, &config, 2, &progress,
                                err));
        assert_true(w.calls >= 1);
        if (i >= 2) assert_int_equal(w.calls > 11, 1);
        udy_shift_free(&s);
    }
    // Between any two measurements it stops when asked to, and leaves nothing.
    for (int at = 1; at <= 11; at += 5) {
        watcher w = {.stop_stage = "random: measuring", .stop_at = at};
        udy_progress progress = watched(&w);
        assert_int_equal(udy_shift_measure(&s, task, expert, "E", NULL, &subject, 1, &config, 2,
                                           &progress, &problem),
                         UDY_EINTERRUPTED);
        assert_non_null(strstr(problem.message, "random"));
        assert_true(!s.policies && !s.T && !s.column_name);
    }
}

int main(void) {
    task = make_task(120, false);
    expert = load_expert();
    broken = broken_expert(3);
    if (udy_policy_random(&chance, task, NULL)) return 1;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_rollout_records_the_state_before_each_step),
        cmocka_unit_test(the_expert_against_itself_is_the_null),
        cmocka_unit_test(a_broken_joint_is_called_different),
        cmocka_unit_test(own_episodes_as_demonstrations_are_at_no_distance),
        cmocka_unit_test(the_parts_add_up),
        cmocka_unit_test(episodes_can_be_repeated_from_their_seeds),
        cmocka_unit_test(brief_policies_have_the_same_numbers_and_fewer),
        cmocka_unit_test(pushes_are_the_same_for_all_and_tell_policies_apart),
        cmocka_unit_test(the_same_bits_on_any_number_of_threads),
        cmocka_unit_test(progress_names_stages_and_stops),
    };
    int failed = cmocka_run_group_tests(tests, make_root, remove_root);
    udy_policy_destroy(chance);
    udy_policy_destroy(broken);
    udy_policy_destroy(expert);
    udy_task_destroy(task);
    return failed;
}
