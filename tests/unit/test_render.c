// Pictures of states (src/sim/render*.c, gl.c): what is in them, that they are the same whoever draws
// them, and what is said where nothing can be drawn with.
#include "test_sim_common.h"

#include <errno.h>
#include <math.h>
#include <pthread.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum { W = 160, H = 120, NQ = 15 };
typedef uint8_t picture[H][W][3];

static const double standing[NQ] = {0, 0, 0.75, 1, 0, 0, 0, 0, 1, 0, -1, 0, -1, 0, 1};

static udy_renderer *make_renderer(const udy_task *task) {
    udy_renderer *renderer = NULL;
    CHECK(udy_renderer_create(&renderer, task, W, H, err));
    return renderer;
}

static void draw(udy_renderer *renderer, const double *qpos, const double *look_at, picture out) {
    udy_view view = {.qpos = qpos, .look_at = look_at};
    memset(out, 7, sizeof(picture));
    CHECK(udy_renderer_draw(renderer, &view, &out[0][0][0], err));
}

// The robot is brown in a picture of greys and blues.
static bool is_robot(const uint8_t *p) {
    return p[0] > p[2] + 30;
}

typedef struct seen {
    int n, shadow;
    double x, y;  // the middle of what is brown
} seen;

static seen look(picture image) {
    seen s = {0};
    for (int y = 0; y < H; y++)
        for (int x = 0; x < W; x++) {
            const uint8_t *p = image[y][x];
            s.shadow += p[0] < 125 && p[2] < 140 && p[2] >= p[0];
            if (!is_robot(p)) continue;
            s.n++;
            s.x += x;
            s.y += y;
        }
    s.x /= s.n > 0 ? s.n : 1;
    s.y /= s.n > 0 ? s.n : 1;
    return s;
}

static double distance(picture a, picture b) {
    double sum = 0;
    for (size_t i = 0; i < sizeof(picture); i++) sum += abs((&a[0][0][0])[i] - (&b[0][0][0])[i]);
    return sum / sizeof(picture);
}

//------------------------------------------ What is in it -----------------------------------------

static void a_picture_shows_the_ant_its_shadow_and_the_sky_above(void **state) {
    (void)state;
    udy_task *task = make_ant();
    udy_renderer *renderer = make_renderer(task);
    static picture image;
    draw(renderer, standing, NULL, image);
    seen s = look(image);
    assert_in_range(s.n, W * H / 40, W * H / 3);
    assert_in_range(s.shadow, W * H / 200, W * H / 5);
    assert_true(fabs(s.x - W / 2.0) < W / 8.0);
    assert_true(fabs(s.y - H / 2.0) < H / 6.0);
    for (int x = 0; x < W; x++) {
        assert_true(image[0][x][2] > 200);  // sky
        assert_false(is_robot(image[0][x]) || is_robot(image[H - 1][x]));
    }
    udy_renderer_destroy(renderer);
    udy_task_destroy(task);
}

static void rows_run_from_the_top(void **state) {
    (void)state;
    udy_task *task = make_ant();
    udy_renderer *renderer = make_renderer(task);
    static picture low, high;
    double above[NQ];
    memcpy(above, standing, sizeof above);
    above[2] += 0.4;
    draw(renderer, standing, standing, low);
    draw(renderer, above, standing, high);
    assert_true(look(high).y < look(low).y - 5);
    udy_renderer_destroy(renderer);
    udy_task_destroy(task);
}

static void camera_floor_and_shadow_come_along_with_the_ant(void **state) {
    (void)state;
    udy_task *task = make_ant();
    udy_renderer *renderer = make_renderer(task);
    static picture here, there, between;
    double far_off[NQ];
    memcpy(far_off, standing, sizeof far_off);
    far_off[0] +=
        400;  // whole tiles, so that the picture is the same; the model's floor ends at 40 m
    far_off[1] -= 22;
    draw(renderer, standing, NULL, here);
    draw(renderer, far_off, NULL, there);
    assert_true(distance(here, there) < 0.5);
    far_off[0] += 0.7;  // half a tile on, the floor is another, the ant and its shadow are not
    draw(renderer, far_off, NULL, between);
    assert_true(distance(here, between) > 2);
    seen a = look(here), b = look(between);
    assert_true(abs(a.n - b.n) < a.n / 50 + 3);
    assert_true(fabs(a.x - b.x) < 1 && fabs(a.y - b.y) < 1);
    assert_true(abs(a.shadow - b.shadow) < a.shadow / 3);
    udy_renderer_destroy(renderer);
    udy_task_destroy(task);
}

static void a_camera_that_looks_elsewhere_sees_the_ant_to_the_side(void **state) {
    (void)state;
    udy_task *task = make_ant();
    udy_renderer *renderer = make_renderer(task);
    static picture image;
    const double ahead[3] = {1, 0, 0.75};
    draw(renderer, standing, ahead, image);
    assert_true(look(image).x < W / 2.0 - 10);
    udy_renderer_destroy(renderer);
    udy_task_destroy(task);
}

static void a_fraction_draws_the_state_on_the_way(void **state) {
    (void)state;
    udy_task *task = make_ant();
    udy_renderer *renderer = make_renderer(task);
    static picture wanted, got;
    double next[NQ], half[NQ];
    memcpy(next, standing, sizeof next);
    next[0] = 0.6;
    next[8] = 0.5;
    // Turned by 90 degrees about the vertical: half of it is 45, along the sphere of quaternions.
    next[3] = next[6] = sqrt(0.5);
    memcpy(half, next, sizeof half);
    half[0] = 0.3;
    half[8] = 0.75;
    half[3] = cos(atan(1) / 2);
    half[6] = sin(atan(1) / 2);
    udy_view view = {.qpos = standing, .next = next, .fraction = 0.5, .look_at = standing};
    CHECK(udy_renderer_draw(renderer, &view, &got[0][0][0], err));
    draw(renderer, half, standing, wanted);
    assert_true(distance(wanted, got) < 0.05);
    view.fraction = 0;
    CHECK(udy_renderer_draw(renderer, &view, &got[0][0][0], err));
    draw(renderer, standing, standing, wanted);
    assert_memory_equal(wanted, got, sizeof wanted);
    udy_renderer_destroy(renderer);
    udy_task_destroy(task);
}

static void every_task_has_its_picture(void **state) {
    (void)state;
    for (size_t i = 0; i < udy_task_count(); i++) {
        udy_task *task = NULL;
        CHECK(udy_task_create(&task, udy_task_id(i), NULL, err));
        udy_renderer *renderer = make_renderer(task);
        static picture image;
        double qpos[64] = {0};
        if (strncmp(udy_task_id(i), "Ant", 3) == 0) memcpy(qpos, standing, sizeof standing);
        draw(renderer, qpos, NULL, image);
        int colours = 0;
        static bool found[32 * 32 * 32];
        memset(found, 0, sizeof found);
        for (size_t p = 0; p < (size_t)W * H; p++) {
            const uint8_t *c = &image[0][0][0] + 3 * p;
            bool *at = &found[(c[0] >> 3) * 1024 + (c[1] >> 3) * 32 + (c[2] >> 3)];
            colours += !*at;
            *at = true;
        }
        if (colours < 8) fail_msg("%s: a picture of %d colours", udy_task_id(i), colours);
        udy_renderer_destroy(renderer);
        udy_task_destroy(task);
    }
}

static void a_users_model_without_lights_or_textures_has_its_picture(void **state) {
    (void)state;
    udy_task *task = NULL;
    udy_task_config config = config_of_model("render-spinner", SPINNER("", "1"));
    CHECK(udy_task_create(&task, "Ant-v5", &config, err));
    udy_renderer *renderer = make_renderer(task);
    static picture with, without;
    const double qpos[8] = {0, 0, 0.5, 1, 0, 0, 0, 0}, gone[8] = {90, 90, 0.5, 1, 0, 0, 0, 0};
    const double place[3] = {0, 0, 0.6};
    draw(renderer, qpos, place, with);
    draw(renderer, gone, place, without);
    int differing = 0;
    for (int y = 0; y < H; y++)
        for (int x = 0; x < W; x++) differing += memcmp(with[y][x], without[y][x], 3) != 0;
    assert_in_range(differing, W * H / 100, W * H / 2);
    udy_renderer_destroy(renderer);
    udy_task_destroy(task);
}

//------------------------------------------ The same pixels ---------------------------------------

static void the_same_state_gives_the_same_pixels_whatever_was_drawn_before(void **state) {
    (void)state;
    udy_task *task = make_ant();
    udy_renderer *one = make_renderer(task), *other = make_renderer(task);
    static picture first, again, elsewhere;
    double moved[NQ];
    memcpy(moved, standing, sizeof moved);
    moved[0] = 3.3;
    moved[2] = 0.4;
    draw(one, standing, NULL, first);
    draw(one, moved, NULL, again);
    assert_true(distance(first, again) > 1);
    draw(one, standing, NULL, again);
    draw(other, standing, NULL, elsewhere);
    assert_memory_equal(first, again, sizeof first);
    assert_memory_equal(first, elsewhere, sizeof first);
    udy_renderer_destroy(one);
    udy_renderer_destroy(other);
    udy_task_destroy(task);
}

// Small pictures, many of them, and renderers that come and go: what threads might trip over each
// other with. Drivers differ in what they stand.
enum { ARTISTS = 5, POSES = 4, SW = 64, SH = 48 };
typedef uint8_t sketch[SH * SW * 3];

typedef struct artist {
    const udy_task *task;
    sketch *wanted;  // [POSES]
    unsigned chance;
    int differing, status;
    udy_error err;
} artist;

static void pose(int k, double qpos[NQ]) {
    memcpy(qpos, standing, sizeof standing);
    qpos[2] += 0.1 * k;
    qpos[8] = 0.3 * k;
}

static void *draw_alone(void *arg) {
    enum { RENDERERS = 4, PICTURES = 12 };
    artist *a = arg;
    sketch got;
    double qpos[NQ];
    for (int i = 0; a->status == UDY_OK && i < RENDERERS; i++) {
        udy_renderer *renderer = NULL;
        a->status = udy_renderer_create(&renderer, a->task, SW, SH, &a->err);
        for (int j = 0; a->status == UDY_OK && j < PICTURES; j++) {
            int k = rand_r(&a->chance) % POSES;
            udy_view view = {.qpos = qpos};
            pose(k, qpos);
            a->status = udy_renderer_draw(renderer, &view, got, &a->err);
            a->differing += memcmp(got, a->wanted[k], sizeof got) != 0;
        }
        udy_renderer_destroy(renderer);
    }
    return NULL;
}

static void threads_that_draw_at_once_draw_the_same_pixels(void **state) {
    (void)state;
    udy_task *task = make_ant();
    udy_renderer *renderer = NULL;
    static sketch wanted[POSES];
    static artist artists[ARTISTS];
    pthread_t threads[ARTISTS];
    double qpos[NQ];
    CHECK(udy_renderer_create(&renderer, task, SW, SH, err));
    for (int k = 0; k < POSES; k++) {
        udy_view view = {.qpos = qpos};
        pose(k, qpos);
        CHECK(udy_renderer_draw(renderer, &view, wanted[k], err));
        assert_true(k == 0 || memcmp(wanted[k], wanted[k - 1], sizeof(sketch)) != 0);
    }
    for (int i = 0; i < ARTISTS; i++) {
        artists[i] = (artist){.task = task, .wanted = wanted, .chance = (unsigned)i};
        assert_int_equal(pthread_create(&threads[i], NULL, draw_alone, &artists[i]), 0);
    }
    for (int i = 0; i < ARTISTS; i++) pthread_join(threads[i], NULL);
    for (int i = 0; i < ARTISTS; i++) {
        if (artists[i].status) fail_msg("%s", artists[i].err.message);
        assert_int_equal(artists[i].differing, 0);
    }
    udy_renderer_destroy(renderer);
    udy_task_destroy(task);
}

//------------------------------------------ The camera's path -------------------------------------

static void a_camera_path_keeps_a_steady_run_and_smooths_a_shaking_one(void **state) {
    (void)state;
    enum { T = 100 };
    udy_task *task = make_ant();
    static double qpos[T][NQ], path[T][3];
    for (int t = 0; t < T; t++) {
        memcpy(qpos[t], standing, sizeof standing);
        qpos[t][0] = 0.3 * t;
        qpos[t][2] = 0.75 + (t % 2 ? 0.2 : -0.2);
    }
    CHECK(udy_camera_path(task, &qpos[0][0], T, &path[0][0], err));
    for (int t = 30; t < T - 30; t++) {
        assert_true(fabs(path[t][0] - qpos[t][0]) < 1e-9);
        assert_true(fabs(path[t][1]) < 1e-12);
        assert_true(fabs(path[t][2] - path[30][2]) < 0.01);
    }
    // One state is a path, too: where the robot is.
    static picture own, along;
    udy_renderer *renderer = make_renderer(task);
    CHECK(udy_camera_path(task, standing, 1, path[0], err));
    draw(renderer, standing, NULL, own);
    draw(renderer, standing, path[0], along);
    assert_memory_equal(own, along, sizeof own);
    udy_renderer_destroy(renderer);
    udy_task_destroy(task);
}

//------------------------------------------ Errors ------------------------------------------------

static void bad_sizes_and_numbers_are_errors(void **state) {
    (void)state;
    static const int sizes[][2] = {{0, 48},  {64, 0},    {-64, 48},
                                   {15, 16}, {16, 4097}, {1 << 30, 64}};
    udy_task *task = make_ant();
    udy_error e = {0};
    for (size_t i = 0; i < sizeof sizes / sizeof *sizes; i++) {
        udy_renderer *none = (udy_renderer *)task;
        assert_int_equal(udy_renderer_create(&none, task, sizes[i][0], sizes[i][1], &e),
                         UDY_EINVAL);
        assert_null(none);
    }
    udy_renderer *renderer = make_renderer(task);
    static picture image;
    double bad[NQ];
    memcpy(bad, standing, sizeof bad);
    bad[4] = NAN;
    udy_view view = {.qpos = bad};
    assert_int_equal(udy_renderer_draw(renderer, &view, &image[0][0][0], &e), UDY_ENONFINITE);
    assert_non_null(strstr(e.message, "qpos[4]"));
    view = (udy_view){.qpos = standing, .next = bad, .fraction = 0.5};
    assert_int_equal(udy_renderer_draw(renderer, &view, &image[0][0][0], &e), UDY_ENONFINITE);
    view = (udy_view){.qpos = standing, .look_at = bad + 2};
    assert_int_equal(udy_renderer_draw(renderer, &view, &image[0][0][0], &e), UDY_ENONFINITE);
    view = (udy_view){.qpos = standing, .next = standing, .fraction = 1.5};
    assert_int_equal(udy_renderer_draw(renderer, &view, &image[0][0][0], &e), UDY_EINVAL);
    view = (udy_view){0};
    assert_int_equal(udy_renderer_draw(renderer, &view, &image[0][0][0], &e), UDY_EINVAL);
    double path[3];
    assert_int_equal(udy_camera_path(task, standing, 0, path, &e), UDY_EINVAL);
    assert_int_equal(udy_camera_path(task, bad, 1, path, &e), UDY_ENONFINITE);
    // After all that, it draws.
    draw(renderer, standing, NULL, image);
    assert_true(look(image).n > W * H / 40);
    udy_renderer_destroy(renderer);
    udy_renderer_destroy(NULL);
    udy_task_destroy(task);
}

// This program again, where the libraries named cannot be loaded: empty files stand in their places.
static int run_without(const char *const *libraries, const char *argument, char *words,
                       size_t size) {
    char dir[2048], path[2200];
    int ends[2];
    snprintf(dir, sizeof dir, "%s/without-gl-%d", UDY_TEST_TMP, (int)getpid());
    assert_true(mkdir(dir, 0777) == 0 || errno == EEXIST);
    for (int i = 0; libraries[i]; i++) {
        snprintf(path, sizeof path, "%s/%s", dir, libraries[i]);
        FILE *file = fopen(path, "w");
        assert_non_null(file);
        fclose(file);
    }
    assert_int_equal(pipe(ends), 0);
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        dup2(ends[1], STDOUT_FILENO);
        setenv("LD_LIBRARY_PATH", dir, 1);
        setenv("ASAN_OPTIONS", "detect_leaks=0", 1);  // OSMesa forgets its last buffer's 480 bytes
        execl("/proc/self/exe", "test_render", argument, (char *)NULL);
        _exit(127);
    }
    close(ends[1]);
    size_t n = 0;
    for (ssize_t got; (got = read(ends[0], words + n, size - 1 - n)) > 0;) n += (size_t)got;
    words[n] = '\0';
    close(ends[0]);
    int status = 0;
    waitpid(pid, &status, 0);
    for (int i = 0; libraries[i]; i++) {
        snprintf(path, sizeof path, "%s/%s", dir, libraries[i]);
        unlink(path);
    }
    rmdir(dir);
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

// What the child does: 1 where nothing can be drawn with, though simulations run; else 0.
static int draw_in_child(void) {
    udy_error e = {0};
    udy_task *task = make_ant();
    udy_batch *batch = NULL;
    udy_renderer *renderer = NULL;
    static picture image;
    CHECK(udy_batch_create(&batch, task, 1, 1, err));
    udy_batch_destroy(batch);
    int status = udy_renderer_create(&renderer, task, W, H, &e);
    if (status == UDY_OK) {
        draw(renderer, standing, NULL, image);
        printf("%s %016llx", udy_renderer_kind(renderer),
               (unsigned long long)udy_hash(image, sizeof image));
    } else {
        printf("%s: %s", udy_status_name(status), e.message);
    }
    udy_renderer_destroy(renderer);
    udy_task_destroy(task);
    fflush(stdout);
    return status != UDY_OK;
}

static void without_opengl_all_but_drawing_works_and_the_error_names_the_packages(void **state) {
    (void)state;
    static const char *const all[] = {"libEGL.so.1",    "libEGL.so",    "libOSMesa.so.8",
                                      "libOSMesa.so.6", "libOSMesa.so", NULL};
    char words[2048];
    assert_int_equal(run_without(all, "--draw", words, sizeof words), 1);
    assert_non_null(strstr(words, "UDY_EUNSUPPORTED"));
    assert_non_null(strstr(words, "apt-get install libegl1 libgl1-mesa-dri"));
}

static void osmesa_draws_the_same_where_egl_is_absent(void **state) {
    (void)state;
    static const char *const egl[] = {"libEGL.so.1", "libEGL.so", NULL};
    static const char *const none[] = {NULL};
    char with[2048], without[2048];
    int code = run_without(egl, "--draw", without, sizeof without);
    if (code == 1 && strstr(without, "UDY_EUNSUPPORTED")) skip();  // no OSMesa here
    assert_int_equal(code, 0);
    assert_int_equal(strncmp(without, "OSMesa ", 7), 0);
    assert_int_equal(run_without(none, "--draw", with, sizeof with), 0);
    // The same software on another way in; a GPU draws a little differently.
    const char *a = strchr(with, ' '), *b = strchr(without, ' ');
    if (strncmp(with, "EGL ", 4) == 0 && strcmp(a, b) != 0)
        print_message("EGL's pictures differ from OSMesa's: is there a GPU?\n");
}

//------------------------------------------ Program -----------------------------------------------

int main(int argc, char **argv) {
    if (argc == 2 && strcmp(argv[1], "--draw") == 0) return draw_in_child();
    udy_error err = {0};
    udy_task *task = NULL;
    udy_renderer *renderer = NULL;
    if (udy_task_create(&task, "Ant-v5", NULL, &err) != UDY_OK) return 1;
    int status = udy_renderer_create(&renderer, task, W, H, &err);
    udy_renderer_destroy(renderer);
    udy_task_destroy(task);
    if (status == UDY_EUNSUPPORTED) {
        fprintf(stderr, "skipped: %s\n", err.message);
        return 77;
    }
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_picture_shows_the_ant_its_shadow_and_the_sky_above),
        cmocka_unit_test(rows_run_from_the_top),
        cmocka_unit_test(camera_floor_and_shadow_come_along_with_the_ant),
        cmocka_unit_test(a_camera_that_looks_elsewhere_sees_the_ant_to_the_side),
        cmocka_unit_test(a_fraction_draws_the_state_on_the_way),
        cmocka_unit_test(every_task_has_its_picture),
        cmocka_unit_test(a_users_model_without_lights_or_textures_has_its_picture),
        cmocka_unit_test(the_same_state_gives_the_same_pixels_whatever_was_drawn_before),
        cmocka_unit_test(threads_that_draw_at_once_draw_the_same_pixels),
        cmocka_unit_test(a_camera_path_keeps_a_steady_run_and_smooths_a_shaking_one),
        cmocka_unit_test(bad_sizes_and_numbers_are_errors),
        cmocka_unit_test(without_opengl_all_but_drawing_works_and_the_error_names_the_packages),
        cmocka_unit_test(osmesa_draws_the_same_where_egl_is_absent),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
