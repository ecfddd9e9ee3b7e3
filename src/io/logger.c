// Loggers: who is told of a run's course beside its results. A part of it ("bc", "dagger") goes to
// TensorBoard's events, to lines of scalars.csv and to lines of log.jsonl, whichever are asked for.
// Trainings call udy_logger_scalars from their loops; summaries and figures come at the end.
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/text.h"
#include "io/io_internal.h"
#include "io/tensorboard_write.h"

enum { PART_MAX = 96, LINE_MAX_BYTES = 8192 };
#define FIGURE_BYTES_MAX ((size_t)256 << 20)

struct udy_logger {
    udy_tb *tb;                                   // NULL: not asked for
    char csv[UDY_PATH_MAX], jsonl[UDY_PATH_MAX];  // "": not asked for
    char part[PART_MAX];
    char line[LINE_MAX_BYTES];
};

//------------------------------------------ Names -------------------------------------------------

static const char *const names[] = {"tensorboard", "csv", "jsonl", "none"};
static const unsigned bits[] = {UDY_LOG_TENSORBOARD, UDY_LOG_CSV, UDY_LOG_JSONL, 0};
#define N_NAMES (sizeof names / sizeof names[0])

static int unknown_name(const char *name, udy_error *err) {
    char shown[UDY__SHOW_MAX];
    const char *near = udy_nearest(name, names, N_NAMES);
    udy__text_show(shown, name, strlen(name));
    if (near)
        return udy_error_set(err, UDY_EINVAL, "no logger is named '%s'; did you mean '%s'?", shown,
                             near);
    return udy_error_set(err, UDY_EINVAL,
                         "no logger is named '%s': expected names out of tensorboard, csv, jsonl "
                         "with commas between, or none",
                         shown);
}

int udy_loggers_parse(unsigned *out, const char *list, udy_error *err) {
    *out = 0;
    bool none = false;
    int n = 0;
    if (!list) return udy_error_set(err, UDY_EINVAL, "no list of loggers given");
    for (const char *at = list;; at++) {
        char name[64];
        size_t length = strcspn(at, ",");
        snprintf(name, sizeof name, "%.*s", (int)(length < sizeof name ? length : sizeof name - 1),
                 at);
        size_t i = 0;
        while (i < N_NAMES && strcmp(name, names[i]) != 0) i++;
        if (i == N_NAMES) return unknown_name(name, err);
        *out |= bits[i];
        none = none || !bits[i];
        n++;
        at += length;
        if (!*at) break;
    }
    if (none && n > 1)
        return udy_error_set(err, UDY_EINVAL,
                             "'%s': 'none' stands alone; leave it out to name loggers", list);
    return UDY_OK;
}

static bool part_is_fine(const char *part) {
    size_t n = part ? strlen(part) : PART_MAX;
    if (n >= PART_MAX || strspn(part, "abcdefghijklmnopqrstuvwxyz0123456789-_/") != n) return false;
    return n == 0 || (part[0] != '/' && part[n - 1] != '/' && !strstr(part, "//"));
}

//------------------------------------------ Taking back -------------------------------------------

// Does a line of scalars.csv tell of the part from that step on?
static bool csv_tells(const char *line, size_t n, const char *part, int64_t from_step) {
    const char *end = line + n, *at = memchr(line, ',', n), *comma;
    size_t length = strlen(part);
    if (!at) return false;
    comma = memchr(at + 1, ',', (size_t)(end - at - 1));
    if (!comma || (size_t)(comma - at - 1) != length || memcmp(at + 1, part, length)) return false;
    return strtoll(comma + 1, NULL, 10) >= from_step;
}

static bool jsonl_tells(const char *line, size_t n, const char *part, int64_t from_step) {
    udy_json *root;
    if (udy_json_parse(&root, line, n, "log.jsonl", NULL)) return false;
    bool tells = !strcmp(udy_json_string(root, "event", ""), "scalars") &&
                 !strcmp(udy_json_string(root, "part", ""), part) &&
                 udy_json_number(root, "step", -1) >= (double)from_step;
    udy_json_free(root);
    return tells;
}

typedef bool (*tells_fn)(const char *line, size_t n, const char *part, int64_t from_step);

// Without the lines that will be told again, and without half a line that a kill left.
static int cut_lines(const char *path, tells_fn tells, const char *part, int64_t from_step,
                     udy_error *err) {
    if (!udy_file_exists(path)) return UDY_OK;
    if (from_step < 0) return udy__file_end_line(path, err);
    char *text;
    size_t n;
    int code = udy_file_read(&text, &n, path, (size_t)1 << 30, err);
    if (code) return code;
    udy__text kept = {0};
    for (const char *line = text, *end; (end = strchr(line, '\n')); line = end + 1) {
        size_t length = (size_t)(end - line);
        if (!tells(line, length, part, from_step)) udy__text_add(&kept, line, length + 1);
    }
    if (kept.failed)
        code = udy_error_set(err, UDY_ENOMEM, "%s: no memory to cut it back", path);
    else if (kept.n != n)
        code = udy_file_write(path, kept.n ? kept.p : "", kept.n, err);
    udy__text_drop(&kept);
    udy_free(text);
    return code;
}

//------------------------------------------ Open and close ----------------------------------------

static int open_csv(udy_logger *l, const char *dir, int64_t from_step, udy_error *err) {
    int code = udy_path_format(l->csv, err, "%s/scalars.csv", dir);
    if (!code) code = cut_lines(l->csv, csv_tells, l->part, from_step, err);
    if (code || udy_file_exists(l->csv)) return code;
    return udy_file_append_line(l->csv, "time,part,step,tag,value", err);
}

static int open_jsonl(udy_logger *l, const char *dir, int64_t from_step, udy_error *err) {
    int code = udy_path_format(l->jsonl, err, "%s/log.jsonl", dir);
    return code ? code : cut_lines(l->jsonl, jsonl_tells, l->part, from_step, err);
}

static int open_events(udy_logger *l, const char *dir, int64_t from_step, udy_error *err) {
    char path[UDY_PATH_MAX];
    int code = udy_path_format(path, err, "%s/events%s%s", dir, l->part[0] ? "/" : "", l->part);
    if (!code) code = udy_tb_open(&l->tb, path, from_step, err);
    // The new file says to drop what earlier ones have, for a TensorBoard that has them open.
    if (!code && from_step == 0) code = udy__tb_remove_older(l->tb, err);
    return code;
}

int udy_logger_open(udy_logger **out, const char *dir, const char *part, unsigned loggers,
                    int64_t from_step, udy_error *err) {
    *out = NULL;
    if (!part_is_fine(part))
        return udy_error_set(err, UDY_EINVAL, "'%.*s' is no name for a part of a log", PART_MAX,
                             part ? part : "");
    udy_logger *l = udy_alloc(sizeof *l);
    if (!l) return udy_error_set(err, UDY_ENOMEM, "%s: no memory for a logger", dir);
    memcpy(l->part, part, strlen(part) + 1);
    int code = loggers ? udy_dir_make(dir, err) : UDY_OK;
    if (!code && (loggers & UDY_LOG_CSV)) code = open_csv(l, dir, from_step, err);
    if (!code && (loggers & UDY_LOG_JSONL)) code = open_jsonl(l, dir, from_step, err);
    if (!code && (loggers & UDY_LOG_TENSORBOARD)) code = open_events(l, dir, from_step, err);
    if (code)
        udy_logger_close(l);
    else
        *out = l;
    return code;
}

void udy_logger_close(udy_logger *logger) {
    if (!logger) return;
    udy_tb_close(logger->tb);
    udy_free(logger);
}

udy_tb *udy_logger_tb(udy_logger *logger) {
    return logger->tb;
}

//------------------------------------------ Scalars -----------------------------------------------

// Text into the logger's line, as far as there is room. Returns the new length; LINE_MAX_BYTES:
// there was none.
static size_t put(udy_logger *l, size_t n, const char *text) {
    size_t length = strlen(text);
    if (n >= LINE_MAX_BYTES || length >= LINE_MAX_BYTES - n) return LINE_MAX_BYTES;
    memcpy(l->line + n, text, length + 1);
    return n + length;
}

static size_t put_int(udy_logger *l, size_t n, int64_t value) {
    char text[24];
    snprintf(text, sizeof text, "%lld", (long long)value);
    return put(l, n, text);
}

// "a ""b""" where a field needs it.
static size_t put_csv(udy_logger *l, size_t n, const char *text) {
    if (!text[strcspn(text, "\",\r\n")]) return put(l, n, text);
    n = put(l, n, "\"");
    for (; *text; text++) {
        const char one[3] = {*text == '\n' ? ' ' : *text, *text == '"' ? '"' : '\0', '\0'};
        n = put(l, n, one);
    }
    return put(l, n, "\"");
}

static size_t put_json(udy_logger *l, size_t n, const char *text) {
    n = put(l, n, "\"");
    for (; *text; text++) {
        char one[8] = {*text, '\0'};
        if (*text == '"' || *text == '\\') snprintf(one, sizeof one, "\\%c", *text);
        if ((unsigned char)*text < 0x20) snprintf(one, sizeof one, "\\u%04x", (unsigned)*text);
        n = put(l, n, one);
    }
    return put(l, n, "\"");
}

static int append(udy_logger *l, const char *path, size_t n, udy_error *err) {
    if (n >= LINE_MAX_BYTES)
        return udy_error_set(err, UDY_EINVAL, "%s: a line of more than %d bytes", path,
                             LINE_MAX_BYTES - 1);
    return udy_file_append_line(path, l->line, err);
}

static int tell_csv(udy_logger *l, const char *now, int64_t step, const udy_scalar *s,
                    udy_error *err) {
    char value[UDY__NUMBER_MAX];
    udy__double_print(value, s->value);
    size_t n = put(l, 0, now);
    n = put(l, put(l, put(l, n, ","), l->part), ",");
    n = put(l, put_int(l, n, step), ",");
    n = put(l, put_csv(l, n, s->tag), ",");
    return append(l, l->csv, put(l, n, value), err);
}

static int tell_jsonl(udy_logger *l, const char *now, int64_t step, const udy_scalar *scalars,
                      int n_scalars, udy_error *err) {
    size_t n = put_json(l, put(l, 0, "{\"time\": "), now);
    n = put_json(l, put(l, n, ", \"event\": \"scalars\", \"part\": "), l->part);
    n = put_int(l, put(l, n, ", \"step\": "), step);
    for (int i = 0; i < n_scalars; i++) {
        char value[UDY__NUMBER_MAX] = "null";
        if (isnan(scalars[i].value)) continue;
        if (isfinite(scalars[i].value)) udy__double_print(value, scalars[i].value);
        n = put_json(l, put(l, n, ", "), scalars[i].tag);
        n = put(l, put(l, n, ": "), value);
    }
    return append(l, l->jsonl, put(l, n, "}"), err);
}

// One that fails costs the others nothing; the first fault is the one that is named.
int udy_logger_scalars(udy_logger *l, int64_t step, const udy_scalar *scalars, int n,
                       udy_error *err) {
    char now[21];
    int fault = UDY_OK;
    bool any = false;
    udy_clock_utc(now);
    for (int i = 0; i < n; i++) {
        int code = UDY_OK;
        if (isnan(scalars[i].value)) continue;
        any = true;
        if (l->tb)
            code = udy_tb_scalar(l->tb, scalars[i].tag, step, scalars[i].value, fault ? NULL : err);
        if (!fault) fault = code;
        if (l->csv[0]) code = tell_csv(l, now, step, &scalars[i], fault ? NULL : err);
        if (!fault) fault = code;
    }
    if (any && l->jsonl[0]) {
        int code = tell_jsonl(l, now, step, scalars, n, fault ? NULL : err);
        if (!fault) fault = code;
    }
    return fault;
}

//------------------------------------------ Summary -----------------------------------------------

enum { SETTING_TEXT_MAX = 320 };

// "[0.2, 1]"
static void print_list(char out[SETTING_TEXT_MAX], const double *values, int n) {
    size_t used = (size_t)snprintf(out, SETTING_TEXT_MAX, "[");
    for (int i = 0; i < n; i++) {
        char number[UDY__NUMBER_MAX];
        udy__double_print(number, values[i]);
        used +=
            (size_t)snprintf(out + used, SETTING_TEXT_MAX - used, "%s%s", i ? ", " : "", number);
    }
    snprintf(out + used, SETTING_TEXT_MAX - used, "]");
}

// A setting as a hyperparameter; false: an empty text.
static bool setting(udy_tb_hparam *h, const void *settings, const udy_field *f,
                    char text[SETTING_TEXT_MAX]) {
    const void *at = (const char *)settings + f->offset;
    double list[UDY_INTS_MAX];
    *h = (udy_tb_hparam){.name = f->key, .type = UDY_TB_NUMBER, .text = text};
    switch (f->type) {
        case UDY_FIELD_INT: h->number = *(const int *)at; break;
        case UDY_FIELD_U64: h->number = (double)*(const uint64_t *)at; break;
        case UDY_FIELD_F64: h->number = *(const double *)at; break;
        case UDY_FIELD_BOOL:
            h->type = UDY_TB_BOOL;
            h->number = *(const bool *)at;
            break;
        case UDY_FIELD_CHOICE:
            h->type = UDY_TB_TEXT;
            h->text = f->choices[*(const int *)at];
            break;
        case UDY_FIELD_TEXT:
            h->type = UDY_TB_TEXT;
            h->text = at;
            return h->text[0];
        case UDY_FIELD_INTS: {
            const udy_ints *ints = at;
            for (int i = 0; i < ints->n; i++) list[i] = ints->v[i];
            print_list(text, list, ints->n);
            h->type = UDY_TB_TEXT;
            break;
        }
        case UDY_FIELD_PAIR:
            print_list(text, at, 2);
            h->type = UDY_TB_TEXT;
            break;
    }
    return true;
}

// Notes and places, by which runs are not to be compared.
static bool is_note(const char *key) {
    const char *dot = strrchr(key, '.'), *name = dot ? dot + 1 : key;
    static const char *const notes[] = {"command", "model_dir", "from", "from_command"};
    for (size_t i = 0; i < sizeof notes / sizeof *notes; i++)
        if (!strcmp(name, notes[i])) return true;
    return false;
}

static int write_settings(udy_tb *tb, const void *settings, const udy_field *table, double start_s,
                          udy_error *err) {
    size_t n_fields = 0, n = 0;
    while (table[n_fields].key) n_fields++;
    udy_tb_hparam *hparams = udy_alloc((n_fields + 1) * sizeof *hparams);
    char(*texts)[SETTING_TEXT_MAX] = udy_alloc((n_fields + 1) * sizeof *texts);
    char *yaml = udy_settings_print(settings, table);
    udy__text markdown = {0};
    udy__text_printf(&markdown, "```yaml\n%s```\n", yaml ? yaml : "");
    int code = hparams && texts && yaml && !markdown.failed
                   ? UDY_OK
                   : udy_error_set(err, UDY_ENOMEM, "no memory to log settings");
    for (size_t i = 0; i < n_fields && !code; i++)
        if (!is_note(table[i].key)) n += setting(&hparams[n], settings, &table[i], texts[n]);
    if (!code) code = udy_tb_text(tb, "settings", 0, markdown.p, err);
    if (!code) code = udy_tb_hparams(tb, hparams, n, start_s, err);
    udy__text_drop(&markdown);
    udy_free(yaml);
    udy_free(texts);
    udy_free(hparams);
    return code;
}

int udy_logger_summary(const char *dir, const char *part, unsigned loggers, const void *settings,
                       const udy_field *table, const udy_scalar *outcome, int n, double seconds,
                       udy_error *err) {
    udy_logger *l;
    // While the run goes on there is nothing for lines to tell.
    if (n == 0) loggers &= UDY_LOG_TENSORBOARD;
    int code = udy_logger_open(&l, dir, part, loggers, 0, err);
    if (code) return code;
    double now = (double)time(NULL);
    if (l->tb) code = write_settings(l->tb, settings, table, now - seconds, err);
    if (!code) code = udy_logger_scalars(l, 0, outcome, n, err);
    if (!code && l->tb && n > 0) code = udy_tb_session_end(l->tb, true, now, err);
    udy_logger_close(l);
    return code;
}

//------------------------------------------ Figures -----------------------------------------------

static int write_figures(udy_tb *tb, const char *dir, char **files, size_t n, udy_error *err) {
    int code = UDY_OK;
    for (size_t i = 0; i < n && !code; i++) {
        char path[UDY_PATH_MAX], tag[UDY_TB_TAG_MAX], *png;
        size_t n_bytes;
        snprintf(tag, sizeof tag, "%.*s", (int)(strlen(files[i]) - strlen(".png")), files[i]);
        code = udy_path_format(path, err, "%s/%s", dir, files[i]);
        if (!code) code = udy_file_read(&png, &n_bytes, path, FIGURE_BYTES_MAX, err);
        if (code) break;
        code = udy_tb_image(tb, tag, 0, png, n_bytes, err);
        udy_free(png);
    }
    return code;
}

int udy_logger_figures(const char *dir, unsigned loggers, const char *figures_dir, udy_error *err) {
    char **files;
    size_t n;
    udy_logger *l;
    if (!(loggers & UDY_LOG_TENSORBOARD) || !udy_dir_exists(figures_dir)) return UDY_OK;
    int code = udy_dir_list(&files, &n, figures_dir, ".png", err);
    if (code) return code;
    code = n ? udy_logger_open(&l, dir, "figures", UDY_LOG_TENSORBOARD, 0, err) : UDY_OK;
    if (n && !code) {
        code = write_figures(l->tb, figures_dir, files, n, err);
        udy_logger_close(l);
    }
    udy_free(files);
    return code;
}
