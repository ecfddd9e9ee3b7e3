// manual.c: the manual's pages, in roff, from the tables that --help is printed from, so that the two
// cannot disagree. The build runs `understudy __manual DIR`; installed they are man1.
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli.h"

//------------------------------------------ Text as roff ------------------------------------------

// One line of text: what roff would take for its own is escaped.
static void put_text(FILE *f, const char *text, size_t n) {
    if (n && (*text == '.' || *text == '\'')) fputs("\\&", f);
    for (size_t i = 0; i < n; i++) {
        switch (text[i]) {
            case '\\': fputs("\\e", f); break;
            case '-': fputs("\\-", f); break;
            case '\'': fputs("\\(aq", f); break;
            case '`': fputs("\\(ga", f); break;
            case '^': fputs("\\(ha", f); break;
            case '~': fputs("\\(ti", f); break;
            default: fputc(text[i], f);
        }
    }
}

static void put(FILE *f, const char *text) {
    put_text(f, text, strlen(text));
}

static void put_line(FILE *f, const char *text) {
    put(f, text);
    fputc('\n', f);
}

// Lines as they stand, less an indent that all of an example's have.
static void put_lines(FILE *f, const char *text) {
    fputs(".RS 4\n.nf\n", f);
    for (const char *at = text; *at;) {
        size_t n = strcspn(at, "\n"), indent = strncmp(at, "  ", 2) == 0 ? 2 : 0;
        put_text(f, at + indent, n - indent);
        fputc('\n', f);
        at += n + (at[n] == '\n');
    }
    fputs(".fi\n.RE\n", f);
}

// Is it a line of a table or a formula, whose spaces matter?
static bool is_laid_out(const char *line, size_t n) {
    for (size_t i = 0; i + 1 < n; i++)
        if (line[i] == ' ' && line[i + 1] == ' ') return true;
    return n > 0 && *line == ' ';
}

// Paragraphs are filled anew at the reader's width.
static void put_prose(FILE *f, const char *text) {
    bool laid_out = false;
    for (const char *at = text; *at;) {
        size_t n = strcspn(at, "\n");
        bool now = is_laid_out(at, n);
        if (now != laid_out && at != text) fputs(now ? ".PP\n" : ".fi\n.PP\n", f);
        if (now && !laid_out) fputs(".nf\n", f);
        laid_out = now;
        if (n == 0) {
            fputs(".PP\n", f);
        } else {
            put_text(f, at, n);
            fputc('\n', f);
        }
        at += n + (at[n] == '\n');
    }
    if (laid_out) fputs(".fi\n", f);
}

//------------------------------------------ A command's page --------------------------------------

static void put_head(FILE *f, const char *title, const char *summary) {
    char upper[80];
    snprintf(upper, sizeof upper, "%s", title);
    for (char *c = upper; *c; c++)
        if (*c >= 'a' && *c <= 'z') *c = (char)(*c - 'a' + 'A');
    fputs(".\\\" Made by the program from its tables of options; not to be edited.\n.TH ", f);
    put(f, upper);
    fprintf(f, " 1 \"\" \"Understudy %s\" \"Understudy\"\n.nh\n.ad l\n.SH NAME\n", UDY_VERSION);
    put(f, title);
    fputs(" \\- ", f);
    put_line(f, summary);
}

static void put_options(FILE *f, const cli_command *command) {
    const cli_option *options[CLI_OPTIONS_MAX];
    int n = cli_options_of(command, options);
    fputs(".SH OPTIONS\n", f);
    for (int i = 0; i < n; i++) {
        fputs(".TP\n\\fB\\-\\-", f);
        put(f, options[i]->name);
        fputs("\\fR", f);
        if (options[i]->value) {
            fputs(" \\fI", f);
            put(f, options[i]->value);
            fputs("\\fR", f);
        }
        fputc('\n', f);
        put_line(f, options[i]->help);
    }
}

static void put_fields(FILE *f, const udy_field *fields) {
    fputs(".SH SETTINGS\nKeys for \\fB\\-\\-set\\fR \\fIKEY=VALUE\\fR:\n", f);
    for (; fields->key; fields++) {
        fputs(".TP\n\\fB", f);
        put(f, fields->key);
        fputs("\\fR\n", f);
        put(f, fields->help ? fields->help : "");
        if (fields->type == UDY_FIELD_CHOICE && fields->choices)
            for (int i = 0; fields->choices[i]; i++) {
                fputs(i ? ", " : " (", f);
                put(f, fields->choices[i]);
            }
        fputs(fields->type == UDY_FIELD_CHOICE && fields->choices ? ")\n" : "\n", f);
    }
}

// "demos collect" gives "understudy-demos-collect".
static void page_name(char *out, size_t size, const char *command) {
    snprintf(out, size, "understudy-%s", command);
    for (char *c = out; *c; c++)
        if (*c == ' ') *c = '-';
}

// The overview, and the commands that share the first word.
static void put_see_also(FILE *f, const cli_command *command) {
    char name[80];
    size_t n = strcspn(command->name, " ");
    fputs(".SH SEE ALSO\n\\fBunderstudy\\fR(1)", f);
    for (int i = 0; i < cli_command_count(); i++) {
        const cli_command *c = cli_command_at(i);
        if (c == command || strcspn(c->name, " ") != n || strncmp(c->name, command->name, n) != 0)
            continue;
        page_name(name, sizeof name, c->name);
        fputs(",\n\\fB", f);
        put(f, name);
        fputs("\\fR(1)", f);
    }
    fputc('\n', f);
}

static void put_command(FILE *f, const cli_command *c) {
    char name[80];
    page_name(name, sizeof name, c->name);
    put_head(f, name, c->summary);
    fputs(".SH SYNOPSIS\n\\fBunderstudy ", f);
    put(f, c->name);
    fputs("\\fR", f);
    if (*c->operands) {
        fputs(" \\fI", f);
        put(f, c->operands);
        fputs("\\fR", f);
    }
    fputs(" [\\fB\\-\\-option\\fR \\fIvalue\\fR]...\n", f);
    if (c->about) {
        fputs(".SH DESCRIPTION\n", f);
        put_prose(f, c->about);
    }
    put_options(f, c);
    const udy_field *fields = c->set_fields_of ? c->set_fields_of() : c->set_fields;
    if (fields) put_fields(f, fields);
    fputs(".SH EXAMPLES\n", f);
    put_lines(f, c->example);
    put_see_also(f, c);
}

//------------------------------------------ The overview ------------------------------------------

typedef struct item {
    const char *term, *text;
} item;

static void put_items(FILE *f, const char *section, const item *items, size_t n) {
    fprintf(f, ".SH %s\n", section);
    for (size_t i = 0; i < n; i++) {
        fputs(".TP\n\\fB", f);
        put(f, items[i].term);
        fputs("\\fR\n", f);
        put_line(f, items[i].text);
    }
}

static void put_overview(FILE *f) {
    static const item exits[] = {{"0", "done"},
                                 {"1", "failed; the reason is on standard error"},
                                 {"2", "bad usage"},
                                 {"130", "interrupted, with the work so far saved"}};
    static const item environment[] = {
        {"UNDERSTUDY_DATA", "the folder of presets/, experts/, models/ and report/, as --data"},
        {"HF_ENDPOINT, HF_TOKEN, HF_HOME, HF_HUB_OFFLINE",
         "the model hub, as its Python client has them"},
        {"NO_COLOR", "set and not empty: no colours on a terminal"}};
    static const item files[] = {
        {"../share/understudy/ beside the program's folder",
         "presets/, experts/, models/ and report/; --data names another place"},
        {"runs/", "where runs lie that were given no folder"}};
    put_head(f, "understudy", "imitation learning on MuJoCo: behavioural cloning and DAgger");
    fputs(
        ".SH SYNOPSIS\n\\fBunderstudy\\fR \\fICOMMAND\\fR [\\fIARGUMENT\\fR]... "
        "[\\fB\\-\\-option\\fR \\fIvalue\\fR]...\n.br\n"
        "\\fBunderstudy\\fR [\\fICOMMAND\\fR] \\fB\\-\\-help\\fR\n.br\n"
        "\\fBunderstudy\\fR \\fB\\-\\-version\\fR\n.SH DESCRIPTION\n",
        f);
    put_prose(f,
              "Trains policies by imitation of an expert, shows where and why they fail, and mends "
              "them. Results go to standard output, progress, notes and errors to standard error.\n"
              "Each command has a page of its own, and --help with an example.");
    fputs(".SH COMMANDS\n", f);
    for (int i = 0; i < cli_command_count(); i++) {
        char name[80];
        page_name(name, sizeof name, cli_command_at(i)->name);
        fputs(".TP\n\\fB", f);
        put(f, name);
        fputs("\\fR(1)\n", f);
        put_line(f, cli_command_at(i)->summary);
    }
    put_items(f, "EXIT STATUS", exits, sizeof exits / sizeof exits[0]);
    put_items(f, "ENVIRONMENT", environment, sizeof environment / sizeof environment[0]);
    put_items(f, "FILES", files, sizeof files / sizeof files[0]);
    fputs(".SH EXAMPLES\n", f);
    put_lines(f, "understudy experiment --preset ant-v5\nunderstudy bc --help");
    fputs(
        ".SH SEE ALSO\nThe library for programs in C: \\fIunderstudy/understudy.h\\fR, "
        "\\fBpkg\\-config\\fR \\fIunderstudy\\fR.\n",
        f);
}

//------------------------------------------ Files -------------------------------------------------

static int write_page(const char *dir, const cli_command *command) {
    char name[80] = "understudy", path[UDY_PATH_MAX];
    char *text = NULL;
    size_t n = 0;
    udy_error err = {0};
    if (command) page_name(name, sizeof name, command->name);
    FILE *f = open_memstream(&text, &n);
    if (!f) return cli_fail_text("out of memory");
    if (command)
        put_command(f, command);
    else
        put_overview(f);
    int status = fclose(f) ? udy_error_set(&err, UDY_ENOMEM, "out of memory") : UDY_OK;
    if (!status) status = udy_path_format(path, &err, "%s/%s.1", dir, name);
    if (!status) status = udy_file_write(path, text, n, &err);
    free(text);
    return status ? cli_fail(&err) : CLI_DONE;
}

int cli_manual(int n, char **words) {
    if (n != 1) return cli_usage("__manual wants the folder to write the pages into");
    int code = write_page(words[0], NULL);
    for (int i = 0; i < cli_command_count() && code == CLI_DONE; i++)
        code = write_page(words[0], cli_command_at(i));
    return code;
}
