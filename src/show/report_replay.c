// The replay's data: shapes of the robot, where its bodies are at every control step of one episode of
// each policy, and how far each state is from the demonstrations. web/replay reads it.
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "show/report.h"

// Of an episode in the replay: of a task without a time limit, the beginning.
#define STEPS_MAX 4000
#define ROBOTS_MAX 6

static const char *const type_names[] = {"plane",     "sphere",   "capsule",
                                         "ellipsoid", "cylinder", "box"};

static udy_json *geoms_json(const udy_scene *scene) {
    udy_json *list = udy_json_array();
    for (int i = 0; i < scene->n_geoms; i++) {
        const udy_geom *g = &scene->geoms[i];
        udy_json *o = udy_json_object();
        udy_json_put_string(o, "type", type_names[g->type]);
        udy_json_put_int(o, "body", g->body);
        udy_json_put_numbers(o, "size", g->size, 3);
        udy_json_put_numbers(o, "pos", g->pos, 3);
        udy_json_put_numbers(o, "quat", g->quat, 4);
        udy_json_append(list, o);
    }
    return list;
}

//------------------------------------------ Arrays ------------------------------------------------

// Little-endian, as every machine that runs this is; a browser's arrays are too.
static void put_base64(udy_json *o, const char *name, const void *data, size_t n) {
    udy__text text = {0};
    udy__base64_add(&text, data, n);
    char *s = udy__text_take(&text);
    udy_json_put_string(o, name, s);  // NULL marks the tree as incomplete
    udy_free(s);
}

static int put_poses(udy_json *o, const udy__report *r, const udy_scene *scene,
                     const udy_shift_track *track, int T, udy_error *err) {
    size_t n = (size_t)T * (size_t)scene->n_bodies;
    float *pos = udy_alloc(n * 3 * sizeof *pos), *quat = udy_alloc(n * 4 * sizeof *quat);
    int16_t *small = udy_alloc(n * 4 * sizeof *small);
    int status =
        pos && quat && small ? UDY_OK : udy_error_set(err, UDY_ENOMEM, "no memory for the replay");
    if (!status) status = udy_scene_poses(r->task, track->qpos, T, pos, quat, err);
    if (!status) {
        for (size_t i = 0; i < 4 * n; i++) small[i] = (int16_t)lrintf(32767 * quat[i]);
        put_base64(o, "pos", pos, n * 3 * sizeof *pos);
        put_base64(o, "quat", small, n * 4 * sizeof *small);
    }
    udy_free(pos);
    udy_free(quat);
    udy_free(small);
    return status;
}

static int put_so_far(udy_json *o, const udy_shift_track *track, int T, udy_error *err) {
    float *sum = udy_alloc((size_t)T * sizeof *sum);
    double so_far = 0;
    if (!sum) return udy_error_set(err, UDY_ENOMEM, "no memory for the replay");
    for (int t = 0; t < T; t++) {
        so_far += (double)track->reward[t];
        sum[t] = (float)so_far;
    }
    put_base64(o, "so_far", sum, (size_t)T * sizeof *sum);
    udy_free(sum);
    return UDY_OK;
}

//------------------------------------------ Robots ------------------------------------------------

static bool is_end(udy_end end) {
    return end == UDY_END_TOO_LOW || end == UDY_END_TOO_HIGH || end == UDY_END_UNHEALTHY;
}

// Of a robot whose episode has ended: "ended at 3.2 s: body too low".
static void end_words(char out[96], const udy_shift *shift, const udy_shift_track *track, int T) {
    static const char *const why[] = {"", "", ": body too low", ": body too high", ""};
    udy__format(out, 96, "ended at %.1f s%s", (T - 1) * shift->dt, why[track->end]);
}

static int robot_json(udy_json **out, const udy__report *r, const udy_scene *scene,
                      const udy_shift_policy *policy, udy_error *err) {
    const udy_shift_track *track = &policy->track;
    int T = track->length < STEPS_MAX ? track->length : STEPS_MAX;
    size_t n_bytes = (size_t)T * sizeof(float);
    char words[96], title[UDY__WORD];
    udy_json *o = *out = udy_json_object();
    snprintf(title, sizeof title, "%s", TITLE(r, policy));
    if (title[0] == 't' && !strcmp(title, "the expert")) snprintf(title, sizeof title, "Expert");
    udy_json_put_string(o, "name", policy->name);
    udy_json_put_string(o, "label", title);
    udy_json_put_string(o, "colour", udy__colour_of(r, policy->name));
    udy_json_put_int(o, "steps", T);
    bool ended = is_end(track->end) && T == track->length;
    udy_json_put_bool(o, "ended", ended);
    if (ended) {
        end_words(words, r->shift, track, T);
        udy_json_put_string(o, "end_text", words);
    }
    udy_json_put_number(o, "return", track->ret);
    put_base64(o, "distance", track->distance, n_bytes);
    put_base64(o, "speed", track->speed, n_bytes);
    int status = put_so_far(o, track, T, err);
    if (!status) status = put_poses(o, r, scene, track, T, err);
    return status;
}

// Robots stand beside each other only if they started from the same seed.
static int choose(const udy__report *r, const udy_shift_policy *out[ROBOTS_MAX]) {
    int n = 0;
    for (int i = 0; r->shift && i < r->shift->n && n < ROBOTS_MAX; i++) {
        const udy_shift_policy *p = &r->shift->policies[i];
        bool whole = p->track.length > 0 && p->track.qpos && p->track.distance && p->track.reward &&
                     p->track.speed;
        if (whole && (n == 0 || p->track.seed == out[0]->track.seed)) out[n++] = p;
    }
    return n;
}

static int replay_json(udy__report *r, const udy_scene *scene,
                       const udy_shift_policy *const *chosen, int n, udy_error *err) {
    udy_json *root = udy_json_object(), *robots = udy_json_array();
    int status = UDY_OK;
    udy_json_put_string(root, "task", r->shift->task);
    udy_json_put_number(root, "dt", r->shift->dt);
    udy_json_put_number(root, "q95", r->shift->distance_q95 > 0 ? r->shift->distance_q95 : 1);
    udy_json_put_int(root, "n_bodies", scene->n_bodies);
    udy_json_put_int(root, "main_body", scene->main_body);
    udy_json_put(root, "geoms", geoms_json(scene));
    for (int i = 0; !status && i < n; i++) {
        udy_json *robot = NULL;
        status = robot_json(&robot, r, scene, chosen[i], err);
        // More than four robots at first are a crowd; the rest are a tick away.
        udy_json_put_bool(robot, "shown", i < 4);
        udy_json_append(robots, robot);
    }
    udy_json_put(root, "robots", robots);
    if (status) {
        udy_json_free(root);
        return status;
    }
    udy__text_puts(&r->scripts, "<script type=\"application/json\" id=\"replay-data\">");
    status = udy__html_add_json(&r->scripts, root, err);
    udy__text_puts(&r->scripts, "</script>\n");
    return status;
}

//------------------------------------------ Page --------------------------------------------------

// The chart in words, for those who do not see it.
static char *chart_label(const udy__report *r, const udy_shift_policy *const *chosen, int n) {
    udy__text words = {0};
    udy__html_say(&words, "Distance to the demonstrations over time.");
    for (int i = 0; i < n; i++) {
        const udy_shift_track *t = &chosen[i]->track;
        double sum = 0;
        for (int k = 0; k < t->length; k++) sum += (double)t->distance[k];
        udy__html_say(&words, " %s: %s on average, return %s.", TITLE(r, chosen[i]),
                      NUMBER(sum / t->length, 2), NUMBER(t->ret, udy__return_decimals(r)));
    }
    return udy__text_take(&words);
}

static int replay_page(udy__report *r, const udy_shift_policy *const *chosen, int n,
                       udy_error *err) {
    char *page = NULL, *program = NULL, *label = chart_label(r, chosen, n);
    int status = label ? UDY_OK : udy_error_set(err, UDY_ENOMEM, "no memory for the replay");
    if (!status) status = udy__report_part(r, "replay.html", &page, err);
    if (!status) status = udy__report_part(r, "replay.js", &program, err);
    if (!status) {
        const udy__slot slots[] = {{"chart_label", label}};
        status = udy__html_fill(&r->body, "replay.html", page, slots, 1, err);
    }
    if (!status) udy__html_add_script(&r->scripts, program);
    udy_free(label);
    udy_free(page);
    udy_free(program);
    return status;
}

int udy__report_replay(udy__report *r, udy_error *err) {
    const udy_shift_policy *chosen[ROBOTS_MAX];
    int n = choose(r, chosen);
    udy_scene scene = {0};
    char program[UDY_PATH_MAX];
    int status = udy_path_format(program, err, "%s/replay.js", r->web_dir);
    if (status) return status;
    udy__section(r, "replay", "Watch it happen");
    if (n == 0 || !udy_file_exists(program)) {
        udy__report_missing(
            r, n == 0 ? "No episodes to replay: this run has no shift.json (understudy shift --run "
                        "RUN makes it)."
                      : "No replay: this build of understudy could not fetch three.js, which draws "
                        "it (scripts/setup.sh, then build again).");
        return UDY_OK;
    }
    udy__paragraph_begin(&r->body);
    udy__html_say(
        &r->body,
        "One episode of each policy, all from seed %llu. A robot's colour is the distance of its "
        "state to the nearest demonstrated one: blue, it is where the expert goes; red, three "
        "times as far out as 95 %% of the expert's states. One whose episode has ended stays "
        "where it was.",
        (unsigned long long)chosen[0]->track.seed);
    udy__paragraph_end(&r->body);
    status = udy_scene_create(&scene, r->task, err);
    if (!status) status = replay_json(r, &scene, chosen, n, err);
    if (!status) status = replay_page(r, chosen, n, err);
    udy_scene_free(&scene);
    return status;
}
