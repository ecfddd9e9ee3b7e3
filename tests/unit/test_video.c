// Videos (src/show/video*.c, footage.c): files are decoded again by FFmpeg's libraries and compared
// with what went in; footage is compared with rollouts. Drawing is tested in test_render.c; what needs
// it here is skipped, visibly, where there is no OpenGL.
#include "test_learn_common.h"

#include <math.h>
#include <signal.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include "show/video.h"
#include "test_video_decode.h"

enum { PW = 160, PH = 120 };  // a panel

static bool can_draw;

static void need_drawing(void) {
    if (can_draw) return;
    print_message("skipped: this machine has no OpenGL to draw with\n");
    skip();
}

//------------------------------------------ MP4 ---------------------------------------------------

// Frame k: a colour of its own on the left, another on the right.
static void paint(uint8_t *rgb, int width, int height, int k) {
    for (int y = 0; y < height; y++)
        for (int x = 0; x < width; x++, rgb += 3) {
            bool left = x < width / 2;
            rgb[0] = (uint8_t)(left ? 20 + 15 * k : 200);
            rgb[1] = (uint8_t)(left ? 60 : 220 - 12 * k);
            rgb[2] = (uint8_t)(left ? 180 : 40);
        }
}

static void what_is_encoded_is_what_is_decoded(void **state) {
    (void)state;
    enum { N = 13, W = 64, H = 48 };
    static uint8_t rgb[W * H * 3];
    const char *path = at_root("colours.mp4");
    udy__mp4 *mp4;
    int64_t n_bytes = 0;
    CHECK(udy__mp4_open(&mp4, W, H, 20, 12, N, err));
    for (int k = 0; k < N; k++) {
        paint(rgb, W, H, k);
        CHECK(udy__mp4_frame(mp4, rgb, err));
    }
    CHECK(udy__mp4_write(mp4, path, &n_bytes, err));
    udy__mp4_close(mp4);

    decoded d = decode(path);
    assert_int_equal(d.n, N);
    assert_int_equal(d.width, W);
    assert_int_equal(d.height, H);
    assert_true(fabs(d.duration_s - N / 20.0) < 1e-9);
    assert_true(fabs((double)d.pts_step * av_q2d(d.time_base) - 0.05) < 1e-9);
    for (int k = 0; k < N; k++) {
        paint(rgb, W, H, k);
        for (int side = 0; side < 2; side++) {
            int x = side ? 3 * W / 4 : W / 4;
            const uint8_t *got = pixel(&d, k, x, H / 2), *want = rgb + (H / 2 * W + x) * 3;
            for (int c = 0; c < 3; c++)
                if (abs(got[c] - want[c]) > 8)
                    fail_msg("frame %d, side %d, channel %d: %d, expected about %d", k, side, c,
                             got[c], want[c]);
        }
    }
    free(d.rgb);
    char *file;
    size_t size;
    CHECK(udy_file_read(&file, &size, path, 1 << 24, err));
    assert_int_equal(size, n_bytes);
    // The index comes before the pictures, so that a browser plays the file as it loads.
    const char *moov = memmem(file, size, "moov", 4), *mdat = memmem(file, size, "mdat", 4);
    assert_true(moov && mdat && moov < mdat);
    udy_free(file);
}

static void a_video_of_one_frame_and_one_of_an_hour_have_room_for_their_index(void **state) {
    (void)state;
    enum { W = 16, H = 16, LONG = 3600 };
    static uint8_t rgb[W * H * 3];
    for (int i = 0; i < 2; i++) {
        int n = i ? LONG : 1;
        udy__mp4 *mp4;
        CHECK(udy__mp4_open(&mp4, W, H, 29.97, 51, n, err));
        for (int k = 0; k < n; k++) {
            memset(rgb, k * 37 % 256, sizeof rgb);
            CHECK(udy__mp4_frame(mp4, rgb, err));
        }
        CHECK(udy__mp4_write(mp4, at_root("length.mp4"), NULL, err));
        udy__mp4_close(mp4);
        decoded d = decode(at_root("length.mp4"));
        assert_int_equal(d.n, n);
        assert_true(fabs(d.duration_s - n / 29.97) < 0.01);
        free(d.rgb);
    }
}

static void odd_sizes_and_rates_are_errors(void **state) {
    (void)state;
    udy__mp4 *mp4;
    EXPECT_ERROR(UDY_EINVAL, udy__mp4_open(&mp4, 63, 48, 20, 23, 1, err), "63x48", "even");
    EXPECT_ERROR(UDY_EINVAL, udy__mp4_open(&mp4, 64, 0, 20, 23, 1, err), "64x0");
    EXPECT_ERROR(UDY_EINVAL, udy__mp4_open(&mp4, 64, 48, 0, 23, 1, err), "0 frames a second");
    EXPECT_ERROR(UDY_EINVAL, udy__mp4_open(&mp4, 64, 48, (double)NAN, 23, 1, err), "frames");
    udy__mp4_close(NULL);
}

// The encoder has words for everything; none of them reach the terminal.
static void nothing_is_printed(void **state) {
    (void)state;
    static uint8_t rgb[64 * 48 * 3];
    int kept = dup(STDERR_FILENO);
    FILE *words = fopen(at_root("words.txt"), "w");
    assert_non_null(words);
    assert_true(dup2(fileno(words), STDERR_FILENO) >= 0);
    udy__mp4 *mp4;
    udy_error e = {0};
    int status = udy__mp4_open(&mp4, 64, 48, 20, 23, 1, &e);
    if (!status) status = udy__mp4_frame(mp4, rgb, &e);
    if (!status) status = udy__mp4_write(mp4, at_root("quiet.mp4"), NULL, &e);
    udy__mp4_close(mp4);
    dup2(kept, STDERR_FILENO);
    close(kept);
    fclose(words);
    if (status) fail_msg("%s", e.message);
    expect_file(at_root("words.txt"), "");
}

//------------------------------------------ Text and captions -------------------------------------

static int ink_in(const udy__image *image, int x0, int x1) {
    int n = 0;
    for (int y = 0; y < image->height; y++)
        for (int x = x0; x < x1; x++) n += image->rgb[(y * image->width + x) * 3] > 128;
    return n;
}

static void text_stays_in_its_width_and_digits_do_not_jiggle(void **state) {
    (void)state;
    enum { W = 300, H = 40 };
    static uint8_t rgb[W * H * 3];
    const udy__colour white = {255, 255, 255};
    udy__image image = {rgb, W, H};
    udy__letters *letters;
    CHECK(udy__letters_create(&letters, 18, err));
    assert_true(udy__letters_width(letters, "1111") == udy__letters_width(letters, "8888"));
    assert_true(udy__letters_width(letters, "W") > udy__letters_width(letters, "i"));
    assert_true(udy__letters_width(letters, "\xC3\xA9") == udy__letters_width(letters, "?"));
    udy__letters_draw(letters, &image, 10, 25, "a rather long name of a policy, with a tail", white,
                      120);
    assert_true(ink_in(&image, 0, 10) == 0 && ink_in(&image, 131, W) == 0);
    assert_in_range(ink_in(&image, 10, 131), 100, 120 * H / 2);
    // Beyond the picture's edges there is nothing to hit.
    udy__letters_draw(letters, &image, -30, 3, "edge \x01\x7F\xFF", white, 0);
    udy__letters_draw(letters, &image, W - 5, H + 8, "edge", white, 0);
    udy__letters_destroy(letters);
}

static double redness(const udy__image *image) {
    double sum = 0;
    for (int i = 0; i < image->width * image->height; i++)
        sum += image->rgb[3 * i] > image->rgb[3 * i + 2] + 60;
    return sum;
}

static void captions_show_gauge_and_end(void **state) {
    (void)state;
    enum { W = 640, H = 480 };
    uint8_t *rgb = calloc(W * H, 3);
    udy__image image = {rgb, W, H};
    udy__overlay *overlay;
    CHECK(udy__overlay_create(&overlay, W, H, err));
    double red[3];
    for (int i = 0; i < 3; i++) {
        memset(rgb, 90, W * H * 3);
        udy__caption caption = {.label = "a policy",
                                .has_gauge = true,
                                .gauge = i == 0 ? 0.05 : 0.95,
                                .end = i == 2 ? UDY_END_TOO_LOW : UDY_END_NONE};
        udy__overlay_draw(overlay, &image, &caption);
        red[i] = redness(&image);
    }
    assert_true(red[0] < 50);
    assert_in_range(red[1], 1000, 3000);  // the bar
    assert_true(red[2] > red[1] + 3000);  // and the box that says that it fell
    const double odd[] = {NAN, -3, 7, INFINITY, 1e300};
    for (size_t i = 0; i < sizeof odd / sizeof *odd; i++) {
        udy__caption caption = {.label = "",
                                .has_gauge = true,
                                .gauge = odd[i],
                                .speed = odd[i],
                                .ret = odd[i],
                                .time_s = odd[i],
                                .end = (udy_end)(i + 2)};
        udy__overlay_draw(overlay, &image, &caption);
    }
    udy__overlay_destroy(overlay);
    free(rgb);
}

//------------------------------------------ Footage -----------------------------------------------

typedef struct cast {
    udy_task *task;
    udy_batch *batch;
    udy_policy *random;
} cast;

static cast make_cast(int max_steps) {
    cast c = {.task = make_task(max_steps, false)};
    c.batch = make_batch(c.task, 2);
    CHECK(udy_policy_random(&c.random, c.task, err));
    return c;
}

static void free_cast(cast *c) {
    udy_policy_destroy(c->random);
    udy_batch_destroy(c->batch);
    udy_task_destroy(c->task);
}

// The first seed with which the random policy falls, as a rollout has it.
static udy_episode first_fall(const cast *c) {
    udy_episode e = {0};
    for (uint64_t seed = 0; seed < 50; seed++) {
        udy_rollout_job job = {.policy = c->random, .seed = seed};
        CHECK(udy_rollout(c->batch, c->task, &job, 1, &e, "roll", NULL, err));
        if (e.end != UDY_END_LIMIT) return e;
    }
    fail_msg("the random policy does not fall with 50 seeds");
    return e;
}

static void footage_is_the_episode_that_a_rollout_gives_and_a_second_more(void **state) {
    (void)state;
    cast c = make_cast(300);
    udy_episode e = first_fall(&c);
    udy_footage_config config;
    udy_footage_config_default(&config);
    udy_footage f;
    CHECK(udy_footage_record(&f, (const udy_policy *const *)&c.random, 1, c.task, c.batch, e.seed,
                             &config, NULL, err));
    assert_int_equal(f.n_episode, e.length + 1);
    assert_int_equal(f.end, e.end);
    assert_true(f.ret == e.ret);
    assert_int_equal(f.n_states, f.n_episode + 20);  // a second, at 0.05 s a step
    assert_true(f.so_far[0] == 0 && f.speed[0] == 0);
    assert_true(f.so_far[f.n_states - 1] == f.ret);
    double sum = 0;
    for (int t = 1; t < f.n_episode; t++) sum += f.speed[t];
    assert_true(fabs(sum / e.length - e.speed) < 1e-9);
    // The observation is of the state beside it: Ant's begins with qpos from the height on.
    for (int t = 0; t < f.n_states; t++)
        for (int k = 0; k < 13; k++)
            assert_true(f.obs[27 * t + k] == (float)f.qpos[15 * t + 2 + k]);
    udy_footage_free(&f);
    assert_null(f.qpos);
    udy_footage_free(&f);
    free_cast(&c);
}

static void filming_until_a_fall_stops_everybody(void **state) {
    (void)state;
    cast c = make_cast(300);
    udy_episode e = first_fall(&c);
    udy_policy *expert = load_expert();
    const udy_policy *policies[2] = {expert, c.random};
    udy_footage_config config;
    udy_footage_config_default(&config);
    config.until_fall = true;
    udy_footage f[2];
    CHECK(udy_footage_record(f, policies, 2, c.task, c.batch, e.seed, &config, NULL, err));
    assert_int_equal(f[1].n_states, e.length + 1 + 20);
    assert_int_equal(f[0].n_states, f[1].n_states);
    assert_int_equal(f[0].n_episode, f[0].n_states);
    assert_int_equal(f[0].end, UDY_END_NONE);
    assert_true(f[0].ret == f[0].so_far[f[0].n_states - 1]);
    for (int i = 0; i < 2; i++) udy_footage_free(&f[i]);
    // At most so many steps, and no second more where nothing ended.
    config = (udy_footage_config){.max_steps = 12, .after_s = 1};
    CHECK(udy_footage_record(f, policies, 1, c.task, c.batch, 0, &config, NULL, err));
    assert_int_equal(f[0].n_states, 13);
    assert_int_equal(f[0].end, UDY_END_NONE);
    udy_footage_free(&f[0]);
    udy_policy_destroy(expert);
    free_cast(&c);
}

static void a_fall_is_found_or_said_not_to_be(void **state) {
    (void)state;
    cast c = make_cast(300);
    udy_episode e = first_fall(&c);
    udy_policy *expert = load_expert();
    const udy_policy *policies[2] = {expert, c.random};
    uint64_t seed = 99;
    CHECK(udy_footage_find_fall(&seed, policies, 2, c.task, c.batch, 0, 50, 0, NULL, err));
    assert_int_equal(seed, e.seed);
    CHECK(udy_footage_find_fall(&seed, policies, 2, c.task, c.batch, e.seed, 1, 0, NULL, err));
    assert_int_equal(seed, e.seed);
    EXPECT_ERROR(UDY_ENOENT,
                 udy_footage_find_fall(&seed, policies, 1, c.task, c.batch, 7, 3, 5, NULL, err),
                 "within 5 steps", "7 to 9");
    EXPECT_ERROR(UDY_EINVAL,
                 udy_footage_find_fall(&seed, policies, 0, c.task, c.batch, 0, 3, 5, NULL, err),
                 "0 policies");
    watcher w = {.stop_at = 1};
    udy_progress progress = watched(&w);
    EXPECT_ERROR(
        UDY_EINTERRUPTED,
        udy_footage_find_fall(&seed, policies, 1, c.task, c.batch, 0, 90, 0, &progress, err),
        "interrupted");
    udy_policy_destroy(expert);
    free_cast(&c);
}

//------------------------------------------ The whole ---------------------------------------------

typedef struct scene {
    cast cast;
    udy_policy *expert;
    udy_footage footage[2];
    double gauge[64];
    udy_video_config config;
} scene;

static void make_scene(scene *s) {
    *s = (scene){.cast = make_cast(300), .expert = load_expert()};
    const udy_policy *policies[2] = {s->expert, s->cast.random};
    udy_footage_config config = {.max_steps = 9};
    CHECK(udy_footage_record(s->footage, policies, 2, s->cast.task, s->cast.batch, 3, &config, NULL,
                             err));
    snprintf(s->footage[0].label, sizeof s->footage[0].label, "expert");
    for (int t = 0; t < 64; t++) s->gauge[t] = t / 10.0;
    s->footage[1].gauge = s->gauge;
    udy_video_config_default(&s->config);
    s->config.width = PW;
    s->config.height = PH;
    s->config.crf = 10;
}

static void free_scene(scene *s) {
    for (int i = 0; i < 2; i++) udy_footage_free(&s->footage[i]);
    udy_policy_destroy(s->expert);
    free_cast(&s->cast);
}

static void a_video_shows_each_episode_in_its_panel(void **state) {
    (void)state;
    need_drawing();
    scene s;
    make_scene(&s);
    const char *path = at_root("two.mp4");
    udy_video_info info;
    watcher w = {0};
    udy_progress progress = watched(&w);
    CHECK(udy_video_write(path, s.cast.task, s.footage, 2, &s.config, 2, &info, &progress, err));
    assert_int_equal(w.done, w.total);
    assert_int_equal(info.frames, 10);
    assert_true(fabs(info.seconds - 0.5) < 1e-9);
    decoded d = decode(path);
    assert_int_equal(d.n, 10);
    assert_int_equal(d.width, 2 * PW);
    assert_int_equal(d.height, PH);

    udy_renderer *renderer;
    CHECK(udy_renderer_create(&renderer, s.cast.task, PW, PH, err));
    static uint8_t rgb[PW * PH * 3];
    for (int panel = 0; panel < 2; panel++) {
        double path_of[10][3];
        const udy_footage *f = &s.footage[panel];
        CHECK(udy_camera_path(s.cast.task, f->qpos, f->n_states, &path_of[0][0], err));
        udy_view view = {.qpos = f->qpos + 15 * 7, .look_at = path_of[7]};
        CHECK(udy_renderer_draw(renderer, &view, rgb, err));
        double own = 0, other = 0;
        int top = PH / 8, bottom = PH * 7 / 8;  // between the captions
        for (int y = top; y < bottom; y++)
            for (int x = 0; x < PW * 3; x++) {
                int wanted = rgb[y * PW * 3 + x];
                own += abs(pixel(&d, 7, panel * PW, y)[x] - wanted);
                other += abs(pixel(&d, 7, !panel * PW, y)[x] - wanted);
            }
        double n = (double)(bottom - top) * PW * 3;
        if (own / n >= 6) fail_msg("panel %d: off by %g", panel, own / n);
        assert_true(other / n > 1.5 * own / n);
    }
    udy_renderer_destroy(renderer);
    free(d.rgb);
    free_scene(&s);
}

// This program again, in a process of its own that does one thing (main) with path; its exit status.
// Nothing is drawn between a fork and an exec: Mesa's threads do not come along.
static int run_again(const char *what, const char *path, int threads, int fill) {
    char count[16], perturb[16];
    snprintf(count, sizeof count, "%d", threads);
    snprintf(perturb, sizeof perturb, "%d", fill);
    fflush(NULL);
    pid_t pid = fork();
    assert_true(pid >= 0);
    if (pid == 0) {
        setenv("MALLOC_PERTURB_", perturb, 1);
        execl("/proc/self/exe", "test_video", what, path, count, (char *)NULL);
        _exit(127);
    }
    int how = 0;
    assert_int_equal(waitpid(pid, &how, 0), pid);
    if (WIFSIGNALED(how)) fail_msg("%s: killed by signal %d", what, WTERMSIG(how));
    return WEXITSTATUS(how);
}

static int film_in_child(const char *path, int threads) {
    scene s;
    udy_error e = {0};
    make_scene(&s);
    int status =
        udy_video_write(path, s.cast.task, s.footage, 2, &s.config, threads, NULL, NULL, &e);
    if (status) fprintf(stderr, "%s\n", e.message);
    free_scene(&s);
    return status != UDY_OK;
}

// Heaps are filled with one value or another before they are used and after: an encoder that reads
// what nobody wrote shows here, and threads that look at each other's memory.
static void the_files_bytes_depend_neither_on_threads_nor_on_what_lies_in_memory(void **state) {
    (void)state;
    need_drawing();
    static const int fills[] = {0, 1, 85, 170, 200};
    for (int i = 0; i < 5; i++) {
        const char *path = at_root(i ? "again.mp4" : "bytes.mp4");
        assert_int_equal(run_again("--film", path, 1 + i % 3, fills[i]), 0);
        if (i && !files_equal(at_root("bytes.mp4"), path)) fail_msg("fill %d differs", fills[i]);
    }
}

static void more_frames_than_steps_move_smoothly_and_a_short_episode_stands_still(void **state) {
    (void)state;
    need_drawing();
    scene s;
    make_scene(&s);
    s.config.fps = 40;
    s.footage[0].n_states = s.footage[0].n_episode = 4;
    s.footage[0].end = UDY_END_TOO_LOW;
    const char *path = at_root("smooth.mp4");
    CHECK(udy_video_write(path, s.cast.task, s.footage, 2, &s.config, 2, NULL, NULL, err));
    decoded d = decode(path);
    assert_int_equal(d.n, 19);
    // From one frame to the next: the short one has stopped, the other goes on.
    double moved[2] = {0};
    for (int panel = 0; panel < 2; panel++)
        for (int y = PH / 8; y < PH * 6 / 8; y++)
            for (int x = 0; x < PW * 3; x++)
                moved[panel] +=
                    abs(pixel(&d, 14, panel * PW, y)[x] - pixel(&d, 15, panel * PW, y)[x]);
    assert_true(moved[1] > 4 * moved[0]);
    free(d.rgb);
    free_scene(&s);
}

static void hostile_requests_are_errors_that_leave_no_file(void **state) {
    (void)state;
    scene s;
    make_scene(&s);
    const char *path = at_root("never.mp4");
    const struct {
        udy_video_config config;
        const char *word;
    } bad[] = {{{.width = 161, .height = 120, .crf = 23}, "161x120"},
               {{.width = 0, .height = 0, .crf = 23}, "0x0"},
               {{.width = -2, .height = 120, .crf = 23}, "-2x120"},
               {{.width = 8192, .height = 120, .crf = 23}, "8192"},
               {{.width = 160, .height = 120, .crf = 52}, "crf 52"},
               {{.width = 160, .height = 120, .crf = 23, .fps = 1e9}, "frames a second"},
               {{.width = 160, .height = 120, .crf = 23, .fps = (double)INFINITY}, "frames"}};
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        EXPECT_ERROR(
            UDY_EINVAL,
            udy_video_write(path, s.cast.task, s.footage, 2, &bad[i].config, 1, NULL, NULL, err),
            bad[i].word);
    EXPECT_ERROR(UDY_EINVAL,
                 udy_video_write(path, s.cast.task, s.footage, 0, &s.config, 1, NULL, NULL, err),
                 "0 panels");
    EXPECT_ERROR(UDY_ENOENT,
                 udy_video_write(at_root("no/such/folder.mp4"), s.cast.task, s.footage, 1,
                                 &s.config, 1, NULL, NULL, err),
                 "no/such");
    EXPECT_ERROR(UDY_EEXIST,
                 udy_video_write(root, s.cast.task, s.footage, 1, &s.config, 1, NULL, NULL, err),
                 "a file");
    udy_footage nothing = {0};
    EXPECT_ERROR(UDY_EINVAL,
                 udy_video_write(path, s.cast.task, &nothing, 1, &s.config, 1, NULL, NULL, err),
                 "no footage");
    watcher w = {.stop_at = 1};
    udy_progress progress = watched(&w);
    EXPECT_ERROR(
        UDY_EINTERRUPTED,
        udy_video_write(path, s.cast.task, s.footage, 2, &s.config, 2, NULL, &progress, err),
        "interrupted");
    assert_false(udy_file_exists(path));
    free_scene(&s);
}

// A full disk, which a limit on the size of files stands for: it is the process's.
static int write_on_a_full_disk(const char *path) {
    struct rlimit limit = {3000, 3000};
    udy_error e = {0};
    scene s;
    make_scene(&s);
    signal(SIGXFSZ, SIG_IGN);
    if (setrlimit(RLIMIT_FSIZE, &limit) != 0) return 2;
    int status = udy_video_write(path, s.cast.task, s.footage, 1, &s.config, 1, NULL, NULL, &e);
    free_scene(&s);
    return status == UDY_ENOSPC && strstr(e.message, "old.mp4") ? 0 : 1;
}

static void a_full_disk_leaves_the_old_video(void **state) {
    (void)state;
    need_drawing();
    put_file(at_root("old.mp4"), "old", 3);
    size_t entries = count_entries(root);
    assert_int_equal(run_again("--full-disk", at_root("old.mp4"), 1, 0), 0);
    expect_file(at_root("old.mp4"), "old");
    assert_int_equal(count_entries(root), entries);
}

//------------------------------------------ Gauge -------------------------------------------------

// Episodes of the expert's, 40 steps each.
static udy_dataset *make_demos(const cast *c, const udy_policy *expert, int n, const char *name) {
    udy_dataset *demos;
    CHECK(udy_dataset_create(&demos, at_root(name), c->task, "a test", err));
    CHECK(udy_dataset_collect(demos, c->batch, c->task, expert, n, 100, "collect", NULL, err));
    return demos;
}

static double mean_of(const double *values, int n) {
    double sum = 0;
    for (int t = 0; t < n; t++) {
        assert_true(values[t] >= 0 && values[t] <= 1);
        sum += values[t];
    }
    return sum / n;
}

static void a_gauge_is_low_where_demonstrations_are_and_high_where_they_are_not(void **state) {
    (void)state;
    cast c = make_cast(40);
    udy_policy *expert = load_expert();
    udy_dataset *demos = make_demos(&c, expert, 8, "demos");
    const udy_policy *policies[2] = {expert, c.random};
    udy_footage_config config;
    udy_footage_config_default(&config);
    udy_footage f[2], seen[1];
    double first[64], values[64];
    for (int threads = 1; threads <= 2; threads++) {
        udy_gauge *gauge;
        CHECK(udy_gauge_create(&gauge, demos, c.task, threads, NULL, err));
        assert_true(udy_gauge_full_at(gauge) > 0 && udy_gauge_full_at(gauge) < 100);
        // Its own episode: the states before each action are the demonstration's rows.
        CHECK(udy_footage_record(seen, policies, 1, c.task, c.batch, 103, &config, NULL, err));
        CHECK(udy_gauge_read(gauge, seen, values, NULL, err));
        for (int t = 0; t < 40; t++) assert_true(values[t] == 0);
        CHECK(udy_footage_record(f, policies, 2, c.task, c.batch, 7, &config, NULL, err));
        CHECK(udy_gauge_read(gauge, &f[0], values, NULL, err));
        double of_expert = mean_of(values, f[0].n_states);
        CHECK(udy_gauge_read(gauge, &f[1], values, NULL, err));
        double of_random = mean_of(values, f[1].n_states);
        assert_true(of_expert > 0.05 && of_expert < 0.7 && of_random > of_expert + 0.1);
        if (threads == 2) assert_memory_equal(first, values, sizeof(double) * 20);
        memcpy(first, values, sizeof first);
        f[1].obs[2 * 27 + 5] = INFINITY;
        CHECK(udy_gauge_read(gauge, &f[1], values, NULL, err));
        assert_true(isnan(values[2]) && values[1] == first[1] && values[3] == first[3]);
        f[1].n_states = 0;
        CHECK(udy_gauge_read(gauge, &f[1], NULL, NULL, err));
        udy_gauge_destroy(gauge);
        for (int i = 0; i < 2; i++) udy_footage_free(&f[i]);
        udy_footage_free(seen);
    }
    udy_gauge_destroy(NULL);
    udy_dataset_close(demos);
    udy_policy_destroy(expert);
    free_cast(&c);
}

static void a_gauge_needs_two_episodes_of_the_same_task(void **state) {
    (void)state;
    cast c = make_cast(40);
    udy_policy *expert = load_expert();
    udy_dataset *one = make_demos(&c, expert, 1, "one"), *few = make_demos(&c, expert, 3, "few");
    udy_gauge *gauge;
    EXPECT_ERROR(UDY_EINVAL, udy_gauge_create(&gauge, one, c.task, 1, NULL, err), "one",
                 "1 episode;", "2 or more");
    assert_null(gauge);
    udy_task *with_contacts = make_task(40, true), *other;
    CHECK(udy_task_create(&other, "Hopper-v5", NULL, err));
    EXPECT_ERROR(UDY_EMISMATCH, udy_gauge_create(&gauge, few, with_contacts, 1, NULL, err), "few",
                 "27 observations", "105");
    EXPECT_ERROR(UDY_EMISMATCH, udy_gauge_create(&gauge, few, other, 1, NULL, err), "Ant-v5",
                 "Hopper-v5");
    watcher w = {.stop_at = 1};
    udy_progress progress = watched(&w);
    EXPECT_ERROR(UDY_EINTERRUPTED, udy_gauge_create(&gauge, few, c.task, 1, &progress, err),
                 "interrupted");
    udy_task_destroy(with_contacts);
    udy_task_destroy(other);
    udy_dataset_close(one);
    udy_dataset_close(few);
    udy_policy_destroy(expert);
    free_cast(&c);
}

//------------------------------------------ Program -----------------------------------------------

static int probe_in_child(void) {
    udy_task *task = make_task(10, false);
    udy_renderer *renderer = NULL;
    udy_error e = {0};
    int status = udy_renderer_create(&renderer, task, 16, 16, &e);
    if (status) fprintf(stderr, "%s\n", e.message);
    udy_renderer_destroy(renderer);
    udy_task_destroy(task);
    return status != UDY_OK;
}

int main(int argc, char **argv) {
    if (argc == 4) alarm(300);  // a child that hangs is a failure, not a wait
    if (argc == 4 && strcmp(argv[1], "--probe") == 0) return probe_in_child();
    if (argc == 4 && strcmp(argv[1], "--film") == 0) return film_in_child(argv[2], atoi(argv[3]));
    if (argc == 4 && strcmp(argv[1], "--full-disk") == 0) return write_on_a_full_disk(argv[2]);
    can_draw = run_again("--probe", "", 1, 0) == 0;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_encoded_is_what_is_decoded),
        cmocka_unit_test(a_video_of_one_frame_and_one_of_an_hour_have_room_for_their_index),
        cmocka_unit_test(odd_sizes_and_rates_are_errors),
        cmocka_unit_test(nothing_is_printed),
        cmocka_unit_test(text_stays_in_its_width_and_digits_do_not_jiggle),
        cmocka_unit_test(captions_show_gauge_and_end),
        cmocka_unit_test(footage_is_the_episode_that_a_rollout_gives_and_a_second_more),
        cmocka_unit_test(filming_until_a_fall_stops_everybody),
        cmocka_unit_test(a_fall_is_found_or_said_not_to_be),
        cmocka_unit_test(a_video_shows_each_episode_in_its_panel),
        cmocka_unit_test(more_frames_than_steps_move_smoothly_and_a_short_episode_stands_still),
        cmocka_unit_test(the_files_bytes_depend_neither_on_threads_nor_on_what_lies_in_memory),
        cmocka_unit_test(a_full_disk_leaves_the_old_video),
        cmocka_unit_test(hostile_requests_are_errors_that_leave_no_file),
        cmocka_unit_test(a_gauge_is_low_where_demonstrations_are_and_high_where_they_are_not),
        cmocka_unit_test(a_gauge_needs_two_episodes_of_the_same_task),
    };
    return cmocka_run_group_tests(tests, make_root, remove_root);
}
