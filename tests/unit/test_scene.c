// Scenes (src/sim/scene.c): shapes and places against what is known of the models.
#include <math.h>

#include "test_learn_common.h"

static udy_task *task_of(const char *id) {
    udy_task *task;
    CHECK(udy_task_create(&task, id, NULL, err));
    return task;
}

static void an_ant_is_a_ball_twelve_capsules_and_a_floor(void **state) {
    (void)state;
    udy_task *task = task_of("Ant-v5");
    udy_scene scene;
    CHECK(udy_scene_create(&scene, task, err));
    int n[6] = {0};
    for (int i = 0; i < scene.n_geoms; i++) {
        const udy_geom *g = &scene.geoms[i];
        n[g->type]++;
        assert_true(g->body >= 0 && g->body < scene.n_bodies);
        assert_true(g->rgba[3] > 0);
        double length = 0;
        for (int k = 0; k < 4; k++) length += g->quat[k] * g->quat[k];
        assert_true(fabs(length - 1) < 1e-9);
    }
    assert_int_equal(n[UDY_GEOM_PLANE], 1);
    assert_int_equal(n[UDY_GEOM_SPHERE], 1);
    assert_int_equal(n[UDY_GEOM_CAPSULE], 12);
    assert_int_equal(scene.n_geoms, 14);
    assert_int_equal(scene.n_bodies, 14);
    assert_int_equal(scene.main_body, 1);
    udy_scene_free(&scene);
    assert_null(scene.geoms);
    udy_scene_free(NULL);
    udy_task_destroy(task);
}

// The torso is where the free joint says, its quaternion made one of length 1; a leg keeps its place on
// the torso whatever the joints do.
static void bodies_are_where_the_joints_put_them(void **state) {
    (void)state;
    udy_task *task = task_of("Ant-v5");
    float qpos[2 * 15] = {0}, pos[2 * 14 * 3], quat[2 * 14 * 4];
    // A quarter turn about z, at (1, 2, 0.5), the quaternion of length 2; then none.
    const float first[] = {1, 2, 0.5F, 1.41421356F, 0, 0, 1.41421356F};
    memcpy(qpos, first, sizeof first);
    qpos[15 + 3] = 1;
    qpos[15 + 7] = 0.3F;  // a hip
    CHECK(udy_scene_poses(task, qpos, 2, pos, quat, err));
    const float *torso = pos + 3, *turn = quat + 4;
    assert_true(fabsf(torso[0] - 1) < 1e-6F && fabsf(torso[1] - 2) < 1e-6F &&
                fabsf(torso[2] - 0.5F) < 1e-6F);
    assert_true(fabsf(turn[0] - 0.70710678F) < 1e-6F && fabsf(turn[3] - 0.70710678F) < 1e-6F);
    for (int b = 2; b < 14; b++) {
        const float *p = pos + 3 * b, *q = pos + 3 * (14 + b), *of = quat + 4 * (14 + b);
        if (b == 2 || b == 5 || b == 8 || b == 11) {  // leg roots: turned with the torso
            assert_true(fabsf(p[0] - (1 - q[1])) < 1e-5F);
            assert_true(fabsf(p[1] - (2 + q[0])) < 1e-5F);
        }
        // The moved hip turns its own leg by 0.3 about z and no other.
        bool moved = b == 3 || b == 4;
        assert_true(moved == (fabsf(of[3] - sinf(0.15F)) < 1e-5F));
    }
    udy_task_destroy(task);
}

static void a_pendulum_leans_by_its_angle(void **state) {
    (void)state;
    udy_task *task = task_of("InvertedPendulum-v5");
    udy_scene scene;
    CHECK(udy_scene_create(&scene, task, err));
    float qpos[] = {0.25F, 0.4F}, pos[3 * 8], quat[4 * 8];
    assert_true(scene.n_bodies <= 8);
    CHECK(udy_scene_poses(task, qpos, 1, pos, quat, err));
    int pole = scene.n_bodies - 1;
    assert_true(fabsf(pos[3 * pole] - 0.25F) < 1e-6F);
    assert_true(fabsf(quat[4 * pole] - cosf(0.2F)) < 1e-6F);
    assert_true(fabsf(quat[4 * pole + 2] - sinf(0.2F)) < 1e-6F);
    udy_scene_free(&scene);
    udy_task_destroy(task);
}

static void a_state_that_is_no_number_is_named(void **state) {
    (void)state;
    udy_task *task = task_of("Ant-v5");
    float qpos[3 * 15] = {0}, pos[3 * 14 * 3], quat[3 * 14 * 4];
    qpos[2 * 15 + 4] = NAN;
    EXPECT_ERROR(UDY_ENONFINITE, udy_scene_poses(task, qpos, 3, pos, quat, err), "qpos[4]",
                 "state 2");
    EXPECT_ERROR(UDY_EINVAL, udy_scene_poses(task, qpos, -1, pos, quat, err), "-1");
    CHECK(udy_scene_poses(task, qpos, 0, pos, quat, err));
    udy_task_destroy(task);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(an_ant_is_a_ball_twelve_capsules_and_a_floor),
        cmocka_unit_test(bodies_are_where_the_joints_put_them),
        cmocka_unit_test(a_pendulum_leans_by_its_angle),
        cmocka_unit_test(a_state_that_is_no_number_is_named),
    };
    return cmocka_run_group_tests_name("scene", tests, make_root, remove_root);
}
