// `understudy render` as a person meets it: a film, a fall that is found, and what is said when
// something is wrong. Pictures are small, films short.
#include "program.h"

#include <stdbool.h>
#include <sys/stat.h>

#define SMALL "--width 64 --height 48 --quiet "

static bool can_draw;

static void need_drawing(void) {
    if (can_draw) return;
    print_message("skipped: this machine has no OpenGL to draw with\n");
    skip();
}

static bool is_mp4(const char *path) {
    char head[12] = {0};
    FILE *f = fopen(path, "rb");
    if (!f) return false;
    size_t n = fread(head, 1, sizeof head, f);
    fclose(f);
    return n == sizeof head && memcmp(head + 4, "ftyp", 4) == 0;
}

static void policies_are_filmed_side_by_side(void **state) {
    (void)state;
    need_drawing();
    outcome o = run_program(
        "render ant-v5 random -o two.mp4 --steps 5 --seed 3 --json "
        "--labels 'the expert,random' " SMALL);
    assert_done(o);
    assert_contains(o.out, "\"frames\": 6");
    assert_contains(o.out, "\"seconds\": 0.3");
    assert_contains(o.out, "\"width\": 128");
    assert_contains(o.out, "\"seed\": 3");
    assert_contains(o.out, "\"label\": \"the expert\"");
    assert_contains(o.out, "\"end\": \"none\"");
    assert_true(is_mp4("two.mp4"));
    done(o);
    // What is there is kept, unless told otherwise.
    assert_error(run_program("render random --out two.mp4 --steps 2 " SMALL), 1, "--force");
    o = run_program("render random --out two.mp4 --steps 2 --force " SMALL);
    assert_done(o);
    assert_contains(o.out, "two.mp4: 3 frames, 0.15 s, 64x48");
    done(o);
}

static void a_fall_is_looked_for_and_filmed(void **state) {
    (void)state;
    need_drawing();
    outcome o =
        run_program("render random -o fall.mp4 --until fall --seed any --fps 5 --json " SMALL);
    assert_done(o);
    assert_contains(o.out, "\"end\": \"too_");
    assert_true(is_mp4("fall.mp4"));
    done(o);
    assert_error(
        run_program("render ant-v5 -o none.mp4 --until fall --seed any --tries 2 --steps 3 " SMALL),
        1, "nobody falls within 3 steps");
    assert_true(access("none.mp4", F_OK) != 0);
}

static void demonstrations_give_a_gauge(void **state) {
    (void)state;
    need_drawing();
    outcome o = run_program(
        "demos collect --expert ant-v5 --episodes 3 --out demos --set max_episode_steps=20 --quiet");
    assert_done(o);
    done(o);
    o = run_program("render ant-v5 random --demos demos -o gauge.mp4 --steps 5 --json " SMALL);
    assert_done(o);
    assert_contains(o.out, "\"gauge_full_at\": ");
    assert_contains(o.out, "\"gauge_mean\": 0.");
    assert_true(is_mp4("gauge.mp4"));
    done(o);
    assert_error(run_program("render ant-v5 --demos nowhere -o n.mp4 --steps 2 " SMALL), 1,
                 "nowhere");
    assert_error(run_program("render random --task Hopper-v5 --demos demos -o n.mp4 " SMALL), 1,
                 "demos holds Ant-v5");
    assert_true(access("n.mp4", F_OK) != 0);
}

// As long as it takes to be in the middle of it, then Ctrl-C.
static void an_interruption_leaves_no_half_file(void **state) {
    (void)state;
    need_drawing();
    pid_t pid = start("render ant-v5 -o cut.mp4 --seed 5");
    sleep(2);
    kill(pid, SIGINT);
    outcome o = finish(pid);
    assert_int_equal(o.code, 130);
    done(o);
    if (system("ls -A | grep -q cut") == 0) fail_msg("a file was left behind");
}

static void wrong_usage_is_told_apart(void **state) {
    (void)state;
    assert_error(run_program("render"), 2, "wants POLICY");
    assert_error(run_program("render random"), 2, "-o FILE.mp4");
    assert_error(run_program("render random -o"), 2, "--out wants a value");
    assert_error(run_program("render random -o a.gif"), 2, ".mp4");
    assert_error(run_program("render random -o a.mp4 --seed x"), 2, "'any'");
    assert_error(run_program("render random -o a.mp4 --seed -1"), 2, "--seed '-1'");
    assert_error(run_program("render random -o a.mp4 --seed 99999999999999999999"), 2, "--seed");
    assert_error(run_program("render random -o a.mp4 --seed any"), 2, "--until fall");
    assert_error(run_program("render random -o a.mp4 --until dawn"), 2, "'fall'");
    assert_error(run_program("render random -o a.mp4 --tries 3"), 2, "--seed any");
    assert_error(run_program("render random -o a.mp4 --labels a,b"), 2, "2 names for 1 panel");
    assert_error(run_program("render random -o a.mp4 --width 63"), 2, "even");
    assert_error(run_program("render random -o a.mp4 --height 8"), 2, "16 to 4096");
    assert_error(run_program("render nobody -o a.mp4"), 1, "nobody");
    assert_error(run_program("render random -o no/such/a.mp4 --steps 2 " SMALL), 1, "no/such");
    assert_error(run_program("render ant-v5 -o a.mp4 --task Hopper-v5 --steps 2 " SMALL), 1,
                 "Hopper");
    assert_true(access("a.mp4", F_OK) != 0);
}

// Empty files in the places of the libraries: as if they were not installed.
static void without_opengl_the_packages_are_named(void **state) {
    (void)state;
    static const char *const names[] = {"libEGL.so.1", "libEGL.so", "libOSMesa.so.8",
                                        "libOSMesa.so.6", "libOSMesa.so"};
    assert_int_equal(mkdir("none", 0777), 0);
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        char path[64];
        snprintf(path, sizeof path, "none/%s", names[i]);
        FILE *f = fopen(path, "w");
        assert_non_null(f);
        fclose(f);
    }
    char dir[1100];
    snprintf(dir, sizeof dir, "%s/none", work_dir);
    setenv("LD_LIBRARY_PATH", dir, 1);
    outcome drawn = run_program("render random -o b.mp4 --steps 2 " SMALL);
    outcome other = run_program("evaluate random --episodes 1 --set max_episode_steps=5 --quiet");
    unsetenv("LD_LIBRARY_PATH");
    assert_error(drawn, 1, "apt-get install libegl1 libgl1-mesa-dri");
    assert_done(other);
    done(other);
    assert_true(access("b.mp4", F_OK) != 0);
}

int main(void) {
    make_work_dir("render");
    outcome o = run_program("render random -o probe.mp4 --steps 1 " SMALL);
    can_draw = o.code == 0;
    if (!can_draw && !strstr(o.err, "nothing to draw with")) fprintf(stderr, "%s", o.err);
    done(o);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(policies_are_filmed_side_by_side),
        cmocka_unit_test(a_fall_is_looked_for_and_filmed),
        cmocka_unit_test(demonstrations_give_a_gauge),
        cmocka_unit_test(an_interruption_leaves_no_half_file),
        cmocka_unit_test(wrong_usage_is_told_apart),
        cmocka_unit_test(without_opengl_the_packages_are_named),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
