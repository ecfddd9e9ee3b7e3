// The report: one HTML file about a run, complete in itself. Here the page is put together from its
// parts and written; what stands in them comes from the other report_*.c and from web/.
#include "show/report.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

//------------------------------------------ Files -------------------------------------------------

int udy__report_part(const udy__report *r, const char *name, char **out, udy_error *err) {
    char path[UDY_PATH_MAX];
    size_t n = 0;
    int status = udy_path_format(path, err, "%s/%s", r->web_dir, name);
    return status ? status : udy_file_read(out, &n, path, (size_t)8 << 20, err);
}

static uint64_t bytes_of(const char *path) {
    struct stat st;
    return stat(path, &st) == 0 && st.st_size > 0 ? (uint64_t)st.st_size : 0;
}

// Base64 takes a third more.
static bool fits(const udy__report *r, const char *path) {
    return r->body.n + r->scripts.n + bytes_of(path) / 3 * 4 < UDY__REPORT_MAX;
}

// What would make the page too large stays in its folder, and is named.
static void leave_out(udy__report *r, const char *path) {
    char words[256];
    const char *name = path + strlen(r->run_path) + 1;
    snprintf(words, sizeof words,
             "%.150s (%s MB) is too large to be put in here; it lies in the run folder.", name,
             NUMBER((double)bytes_of(path) / 1e6, 1));
    udy__report_missing(r, words);
}

// A picture's size, so that the page does not jump as it loads; false where the file does not tell.
static bool size_of(const char *data, size_t n, bool svg, int size[2]) {
    if (svg) {
        const char *box = strstr(data, "viewBox=\"");
        char *end = NULL;
        if (!box) return false;
        box += strlen("viewBox=\"");
        double v[4];
        for (int i = 0; i < 4; i++) {
            v[i] = strtod(box, &end);
            if (end == box) return false;
            box = end;
        }
        for (int i = 0; i < 2; i++) size[i] = v[2 + i] >= 1 && v[2 + i] < 1e6 ? (int)v[2 + i] : 0;
        return size[0] > 0 && size[1] > 0;
    }
    if (n < 24) return false;
    const uint8_t *b = (const uint8_t *)data + 16;
    for (int i = 0; i < 2; i++)
        size[i] = b[4 * i] ? 0 : b[4 * i + 1] << 16 | b[4 * i + 2] << 8 | b[4 * i + 3];
    return size[0] > 0 && size[1] > 0;
}

//------------------------------------------ Figures -----------------------------------------------

typedef struct figure {
    const char *name, *title, *alt;
    void (*text)(udy__report *r);
} figure;

static const figure learning_figures[] = {
    {"loss", "The loss of the clone", "Training and held-out loss by epoch", udy__text_loss},
    {"returns", "Returns, episode by episode", "Distribution of episode returns of each policy",
     udy__text_returns},
    {"dagger", "DAgger, round by round", "Return by DAgger round with intervals", udy__text_dagger},
    {"labels", "What labels cost", "Return against expert labels used", udy__text_labels},
};
static const figure why_figures[] = {
    {"map", "A map of states", "Density of each policy's states on two principal components",
     udy__text_map},
    {"states", "Height and speed", "Distributions of torso height and forward speed",
     udy__text_states},
    {"traces", "Height and speed over time", "Median height and speed by time with bands",
     udy__text_traces},
    {"divergence", "When it parts",
     "Energy distance, distance to the demonstrations and action error by time",
     udy__text_divergence},
    {"dimensions", "In which dimensions", "Wasserstein distance of every observation",
     udy__text_dimensions},
    {"rounds", "What DAgger's labels change",
     "Distance, far states and action error by DAgger round", udy__text_rounds},
};
static const figure after_figures[] = {
    {"compounding", "Does the error compound?",
     "Cost of imitation against the horizon with fitted slopes", udy__text_compounding},
    {"falls", "Falls", "Share of episodes still running by time, and what led up to a fall",
     udy__text_falls},
    {"pushes", "Pushed", "Share that comes back from a push by its size", udy__text_pushes},
};
#define COUNT(array) ((int)(sizeof(array) / sizeof *(array)))

#define SVG_MAX ((size_t)400 << 10)  // a larger one gives way to its PNG

// The picture's file in figures/: SVG, unless it is absent, or large beside a PNG. UDY_ENOENT: neither
// is there.
static int find_picture(const udy__report *r, const char *name, char path[UDY_PATH_MAX], bool *svg,
                        udy_error *err) {
    char png[UDY_PATH_MAX];
    int status = udy_path_format(path, err, "%s/figures/%s.svg", r->run_path, name);
    if (!status) status = udy_path_format(png, err, "%s/figures/%s.png", r->run_path, name);
    if (status) return status;
    bool has_png = udy_file_exists(png);
    *svg = udy_file_exists(path);
    if (!*svg && !has_png) return UDY_ENOENT;
    if (*svg && (!has_png || bytes_of(path) <= SVG_MAX)) return UDY_OK;
    *svg = false;
    return udy_path_format(path, err, "%s", png);
}

static void begin_figure(udy__report *r, const char *name, const char *title) {
    udy__script_add(&r->body, "<h3 id=\"figure-%s\">", name);
    udy__html_add(&r->body, title);
    udy__script_add(&r->body, "</h3>\n<figure aria-labelledby=\"figure-%s\">", name);
}

static int add_figure(udy__report *r, const figure *f, udy_error *err) {
    char path[UDY_PATH_MAX], *data = NULL;
    size_t n = 0;
    bool svg;
    int size[2];
    int status = find_picture(r, f->name, path, &svg, err);
    if (status == UDY_ENOENT) {
        size_t at = strlen(r->missing);
        snprintf(r->missing + at, sizeof r->missing - at, "%s%s", at ? ", " : "", f->name);
        return UDY_OK;
    }
    if (!status && !fits(r, path)) {
        leave_out(r, path);
        return UDY_OK;
    }
    if (!status) status = udy_file_read(&data, &n, path, UDY__REPORT_MAX, err);
    if (status) return status;
    begin_figure(r, f->name, f->title);
    udy__text_puts(&r->body, "<button type=\"button\" class=\"enlarge\" aria-label=\"Enlarge: ");
    udy__html_add(&r->body, f->title);
    udy__text_puts(&r->body, "\"><img alt=\"");
    udy__html_add(&r->body, f->alt);
    udy__text_puts(&r->body, "\"");
    if (size_of(data, n, svg, size))
        udy__script_add(&r->body, " width=\"%d\" height=\"%d\"", size[0], size[1]);
    udy__script_add(&r->body, " src=\"data:image/%s;base64,", svg ? "svg+xml" : "png");
    udy__base64_add(&r->body, data, n);
    udy__text_puts(&r->body, "\"></button>\n<figcaption>\n");
    if (f->text) f->text(r);
    udy__text_puts(&r->body, "</figcaption></figure>\n");
    udy_free(data);
    return UDY_OK;
}

static int add_figures(udy__report *r, const figure *figures, int n, udy_error *err) {
    int status = UDY_OK;
    for (int i = 0; !status && i < n; i++) status = add_figure(r, &figures[i], err);
    return status;
}

static bool is_known(const char *name) {
    const figure *const tables[] = {learning_figures, why_figures, after_figures};
    const int counts[] = {COUNT(learning_figures), COUNT(why_figures), COUNT(after_figures)};
    for (int t = 0; t < 3; t++)
        for (int i = 0; i < counts[t]; i++)
            if (!strcmp(tables[t][i].name, name)) return true;
    return false;
}

// Pictures that the run has and this file does not know: under their own names.
static int add_others(udy__report *r, const char *suffix, bool *any, udy_error *err) {
    char dir[UDY_PATH_MAX], svg[UDY_PATH_MAX], **names = NULL;
    size_t n = 0;
    int status = udy_path_format(dir, err, "%s/figures", r->run_path);
    if (status || !udy_dir_exists(dir)) return status;
    status = udy_dir_list(&names, &n, dir, suffix, err);
    for (size_t i = 0; !status && i < n; i++) {
        names[i][strlen(names[i]) - strlen(suffix)] = '\0';
        if (is_known(names[i]) ||
            strspn(names[i], "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789.-_") !=
                strlen(names[i]))
            continue;
        status = udy_path_format(svg, err, "%s/%s.svg", dir, names[i]);
        if (status) break;
        if (strcmp(suffix, ".svg") != 0 && udy_file_exists(svg)) continue;  // it was here before
        if (!*any) udy__section(r, "more", "More figures of this run");
        *any = true;
        status = add_figure(r, &(figure){names[i], names[i], names[i], NULL}, err);
    }
    udy_free(names);
    return status;
}

void udy__report_missing(udy__report *r, const char *what) {
    udy__text_puts(&r->body, "<p class=\"missing\">");
    udy__html_add(&r->body, what);
    udy__text_puts(&r->body, "</p>\n");
}

static int figures(udy__report *r, udy_error *err) {
    int status = add_figures(r, learning_figures, COUNT(learning_figures), err);
    if (status) return status;
    udy__section(r, "why", "Why it breaks");
    if (!r->shift)
        udy__report_missing(
            r,
            "The shift was not measured in this run, so that the figures that show it are "
            "missing: understudy shift --run RUN measures it.");
    status = add_figures(r, why_figures, COUNT(why_figures), err);
    if (status) return status;
    if (r->shift) udy__section(r, "after", "What becomes of it");
    status = add_figures(r, after_figures, COUNT(after_figures), err);
    bool any = false;
    if (!status) status = add_others(r, ".svg", &any, err);
    if (!status) status = add_others(r, ".png", &any, err);
    if (!status && r->missing[0] && r->shift) {
        char words[640];
        snprintf(words, sizeof words, "Figures that this run does not have: %s.", r->missing);
        udy__report_missing(r, words);
    }
    return status;
}

//------------------------------------------ Videos ------------------------------------------------

// "side-by-side.mp4": "Side by side".
static void caption_of(char out[128], const char *file) {
    size_t n = strlen(file) - strlen(".mp4");
    snprintf(out, 128, "%.*s", n < 127 ? (int)n : 127, file);
    for (char *c = out; *c; c++)
        if (*c == '-' || *c == '_') *c = ' ';
    if (out[0] >= 'a' && out[0] <= 'z') out[0] = (char)(out[0] - 'a' + 'A');
}

static void add_video(udy__report *r, int i, const char *file, const char *data, size_t n) {
    char caption[128];
    caption_of(caption, file);
    udy__text_puts(&r->body, "<figure>");
    udy__script_add(
        &r->body,
        "<video controls playsinline muted loop preload=\"metadata\" data-base64=\"video-%d\" "
        "aria-label=\"",
        i);
    udy__html_add(&r->body, caption);
    udy__text_puts(&r->body, "\"></video><figcaption><p>");
    udy__html_say(&r->body, "%s (video/%s, %s MB).", caption, file, NUMBER((double)n / 1e6, 1));
    udy__text_puts(&r->body, "</p></figcaption></figure>\n");
    udy__script_add(&r->scripts, "<script type=\"text/plain\" id=\"video-%d\">", i);
    udy__base64_add(&r->scripts, data, n);
    udy__text_puts(&r->scripts, "</script>\n");
}

static int videos(udy__report *r, udy_error *err) {
    char dir[UDY_PATH_MAX], path[UDY_PATH_MAX], **names = NULL;
    size_t n_names = 0;
    int status = udy_path_format(dir, err, "%s/video", r->run_path);
    if (status) return status;
    udy__section(r, "videos", "On film");
    if (udy_dir_exists(dir)) status = udy_dir_list(&names, &n_names, dir, ".mp4", err);
    if (!status && n_names == 0)
        udy__report_missing(
            r,
            "This run has no videos: understudy render makes them, and what lies under video/ is "
            "shown here.");
    else if (!status)
        udy__text_puts(
            &r->body,
            "<p>Each panel shows time, speed and return; all start from the same seed. A robot "
            "that fell goes on for a second, so that one sees what became of "
            "it.</p>\n<noscript><p>Videos need JavaScript here; they lie under video/ in the run "
            "folder.</p></noscript>\n");
    for (size_t i = 0; !status && i < n_names; i++) {
        char *data = NULL;
        size_t n = 0;
        status = udy_path_format(path, err, "%s/%s", dir, names[i]);
        if (status) break;
        if (!fits(r, path)) {
            leave_out(r, path);
            continue;
        }
        status = udy_file_read(&data, &n, path, UDY__REPORT_MAX, err);
        if (!status) add_video(r, (int)i, names[i], data, n);
        udy_free(data);
    }
    udy_free(names);
    return status;
}

//------------------------------------------ Page --------------------------------------------------

static int add_scripts(udy__report *r, udy_error *err) {
    char *program = NULL;
    int status = udy__report_part(r, "page.js", &program, err);
    if (!status) udy__html_add_script(&r->scripts, program);
    udy_free(program);
    return status;
}

static int fill_body(udy__report *r, udy_error *err) {
    udy__report_lead(r);
    int status = udy__report_replay(r, err);
    if (status) return status;
    udy__report_claims(r);
    udy__report_results(r);
    status = figures(r, err);
    if (!status) status = videos(r, err);
    if (status) return status;
    udy__report_language(r);
    status = udy__report_settings(r, err);
    return status ? status : add_scripts(r, err);
}

// Escaped text of a slot; free with udy_free.
static char *escaped(const char *text) {
    udy__text html = {0};
    udy__html_add(&html, text);
    return udy__text_take(&html);
}

static int put_together(udy__report *r, udy__text *html, udy_error *err) {
    char *page = NULL, *style = NULL, words[3][256];
    const char *slash = strrchr(r->run_path, '/'), *id = udy_task_info_of(r->task)->id;
    const char *run = slash && slash[1] ? slash + 1 : r->run_path;
    snprintf(words[0], sizeof words[0], "Imitation on %.60s: %.120s", id, run);
    snprintf(words[1], sizeof words[1], "Imitation learning, and why it breaks: %.60s", id);
    snprintf(words[2], sizeof words[2], "%.200s", run);
    char *safe[] = {escaped(words[0]),
                    escaped(words[1]),
                    escaped(words[2]),
                    udy__text_take(&r->body),
                    udy__text_take(&r->contents),
                    udy__text_take(&r->scripts)};
    int status = udy__report_part(r, "page.html", &page, err);
    if (!status) status = udy__report_part(r, "style.css", &style, err);
    for (int i = 0; !status && i < COUNT(safe); i++)
        if (!safe[i]) status = udy_error_set(err, UDY_ENOMEM, "no memory for the report");
    if (!status) {
        const udy__slot slots[] = {
            {"title", safe[0]},       {"heading", safe[1]},  {"run", safe[2]},
            {"body", safe[3]},        {"contents", safe[4]}, {"scripts", safe[5]},
            {"version", UDY_VERSION}, {"style", style},
        };
        status = udy__html_fill(html, "page.html", page, slots, COUNT(slots), err);
    }
    for (int i = 0; i < COUNT(safe); i++) udy_free(safe[i]);
    udy_free(page);
    udy_free(style);
    return status;
}

static int write_page(udy__report *r, const char *path, uint64_t *n_bytes, udy_error *err) {
    udy__text html = {0};
    int status = put_together(r, &html, err);
    if (!status && html.failed) status = udy_error_set(err, UDY_ENOMEM, "no memory for the report");
    if (!status) status = udy_file_write(path, html.p, html.n, err);
    if (!status && n_bytes) *n_bytes = html.n;
    udy__text_drop(&html);
    return status;
}

// What a run folder says of itself; either may be absent.
static void read_facts(udy__report *r, udy_experiment_config *settings, udy_json **facts) {
    char path[UDY_PATH_MAX];
    udy_experiment_config_default(settings);
    if (!udy_path_format(path, NULL, "%s/run.yaml", r->run_path) && udy_file_exists(path) &&
        !udy_settings_load(settings, udy_experiment_fields(), path, NULL))
        r->settings = settings;
    if (!udy_path_format(path, NULL, "%s/results.json", r->run_path) && udy_file_exists(path) &&
        !udy_json_load(facts, path, (size_t)256 << 20, NULL))
        r->facts = *facts;
}

int udy_report_write(const char *run_path, const udy_report_config *config, const udy_task *task,
                     const udy_results *results, const udy_shift *shift, uint64_t *n_bytes,
                     udy_error *err) {
    if (!run_path || !config || !config->web_dir || !task || !results || results->n_rows < 1)
        return udy_error_set(err, UDY_EINVAL,
                             "a report needs a run folder, the page's parts, a task and results");
    if (shift && shift->nq != udy_task_info_of(task)->nq)
        return udy_error_set(err, UDY_EMISMATCH,
                             "%s: its shift was measured on %s with %d positions, the task %s has "
                             "%d; measure it again (understudy shift)",
                             run_path, shift->task, shift->nq, udy_task_info_of(task)->id,
                             udy_task_info_of(task)->nq);
    udy__report r = {.run_path = run_path,
                     .web_dir = config->web_dir,
                     .task = task,
                     .results = results,
                     .shift = shift && shift->n > 0 ? shift : NULL};
    udy_experiment_config *settings = udy_alloc(sizeof *settings);
    udy_json *facts = NULL;
    char path[UDY_PATH_MAX];
    int status = settings ? UDY_OK : udy_error_set(err, UDY_ENOMEM, "no memory for the report");
    if (!status && config->path) status = udy_path_format(path, err, "%s", config->path);
    if (!status && !config->path) status = udy_path_format(path, err, "%s/report.html", run_path);
    if (!status) read_facts(&r, settings, &facts);
    if (!status) status = fill_body(&r, err);
    if (!status) status = write_page(&r, path, n_bytes, err);
    udy__text_drop(&r.body);
    udy__text_drop(&r.contents);
    udy__text_drop(&r.scripts);
    udy_json_free(facts);
    udy_free(settings);
    return status;
}
