// complete.c: what could come next on a command line that is being typed, for the shells' completion
// (completions/ calls `understudy __complete WORD...` when Tab is pressed). All of it comes from the
// tables that --help is printed from and from what lies in the data folder, so it cannot go stale.
//
// A line of the answer is a word that fits, a tab, and what it is; or what the shell does better:
// ":files" or ":dirs", a tab, and the part of the word before the path; ":nospace" where the last
// word wants more behind it.
#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "cli.h"

// The command line up to the cursor.
typedef struct request {
    const cli_command *command;
    const cli_option *option;  // whose value is being typed. Nullable
    const char *data;          // --data. Nullable
    const char *seen[64];      // options so far, which are not offered again
    int n_seen, n_operands;
    bool only_operands;  // after "--"
    // The word is head, which is given, and stem, of which the rest is sought.
    char head[80];
    const char *stem;
} request;

typedef enum { NOTHING, FILES, DIRS, PRESETS, POLICIES, TASKS, SETTINGS, CHOICES } kind;

// What the names of values in the tables stand for. One in lower case is what to type, or several
// between which a '|' stands; any other is a file, as shells have it.
static const struct {
    const char *option, *value;  // option: NULL for any, and for operands
    kind kind;
} kinds[] = {
    {"preset", "NAME", PRESETS}, {"expert", "NAME", POLICIES},
    {NULL, "E", POLICIES},       {NULL, "P", POLICIES},
    {NULL, "POLICY", POLICIES},  {NULL, "ID", TASKS},
    {NULL, "TASK", TASKS},       {NULL, "KEY=VALUE", SETTINGS},
    {NULL, "DIR", DIRS},         {NULL, "RUN", DIRS},
    {NULL, "D", DIRS},           {NULL, "DATASET", DIRS},
    {NULL, "N", NOTHING},        {NULL, "S", NOTHING},
    {NULL, "NAME", NOTHING},     {NULL, "IDENT", NOTHING},
    {NULL, "TEXT", NOTHING},     {NULL, "RETURN", NOTHING},
    {NULL, "COLUMN", NOTHING},   {NULL, "LIST", NOTHING},
    {NULL, "REV", NOTHING},      {NULL, "A,B,..", NOTHING},
};

static bool starts(const char *word, const char *with) {
    return strncmp(word, with, strlen(with)) == 0;
}

static void offer(const request *r, const char *word, const char *about) {
    if (starts(word, r->stem)) printf("%s%s\t%s\n", r->head, word, about ? about : "");
}

//------------------------------------------ Values ------------------------------------------------

// Files of a data folder by their names without suffix.
static void offer_names(const request *r, const char *part, const char *suffix, const char *about) {
    char dir[UDY_PATH_MAX];
    char **names = NULL;
    size_t n = 0;
    if (cli_find_data(dir, r->data, part, NULL) || udy_dir_list(&names, &n, dir, suffix, NULL))
        return;
    for (size_t i = 0; i < n; i++) {
        names[i][strlen(names[i]) - strlen(suffix)] = '\0';
        offer(r, names[i], about);
    }
    udy_free(names);
}

static void offer_presets(const request *r) {
    const char *name = r->command->name, *folder = "presets";
    if (strcmp(name, "expert train") == 0) folder = "presets/expert";
    if (strcmp(name, "sweep") == 0) folder = "presets/sweep";
    offer_names(r, folder, ".yaml", "preset");
    printf(":files\t%s\n", r->head);
}

static void offer_policies(const request *r) {
    offer_names(r, "experts", ".safetensors", "shipped expert");
    // Where --help says that 'random' will do, as a value or in what the command is about.
    const char *about = r->option ? r->option->help : r->command->about;
    if (about && strstr(about, "'random'")) offer(r, "random", "uniformly drawn actions");
    printf(":files\t%s\n", r->head);
}

static void offer_values(request *r, const udy_field *field) {
    snprintf(r->head + strlen(r->head), sizeof r->head - strlen(r->head), "%s=", field->key);
    r->stem = strchr(r->stem, '=') + 1;
    if (field->type == UDY_FIELD_BOOL) {
        offer(r, "true", field->help);
        offer(r, "false", field->help);
    }
    for (int i = 0; field->type == UDY_FIELD_CHOICE && field->choices[i]; i++)
        offer(r, field->choices[i], field->help);
}

// A key of --set, or behind its "=" a value of it.
static void offer_settings(request *r) {
    const cli_command *c = r->command;
    const udy_field *fields = c->set_fields_of ? c->set_fields_of() : c->set_fields;
    const char *equals = strchr(r->stem, '=');
    bool any = false;
    for (const udy_field *f = fields; f && f->key; f++) {
        if (equals && strlen(f->key) == (size_t)(equals - r->stem) && starts(r->stem, f->key)) {
            offer_values(r, f);
            return;
        }
        if (equals || !starts(f->key, r->stem)) continue;
        printf("%s%s=\t%s\n", r->head, f->key, f->help ? f->help : "");
        any = true;
    }
    if (any) printf(":nospace\n");
}

static void offer_choices(const request *r, const char *value, const char *about) {
    char word[40];
    for (const char *at = value; *at; at += strcspn(at, "|"), at += *at == '|') {
        snprintf(word, sizeof word, "%.*s", (int)strcspn(at, "|"), at);
        offer(r, word, about);
    }
}

static kind kind_of(const char *option, const char *value) {
    bool upper = false;
    for (const char *c = value; *c; c++) upper = upper || isupper((unsigned char)*c);
    if (!upper) return CHOICES;
    if (strstr(value, "://")) return NOTHING;
    for (size_t i = 0; i < sizeof kinds / sizeof kinds[0]; i++)
        if (strcmp(kinds[i].value, value) == 0 &&
            (!kinds[i].option || (option && strcmp(kinds[i].option, option) == 0)))
            // An operand that is a name is one of a policy.
            return !option && strcmp(value, "NAME") == 0 ? POLICIES : kinds[i].kind;
    return FILES;
}

static void offer_value(request *r, const char *option, const char *value, const char *about) {
    switch (kind_of(option, value)) {
        case NOTHING: return;
        case FILES: printf(":files\t%s\n", r->head); return;
        case DIRS: printf(":dirs\t%s\n", r->head); return;
        case PRESETS: offer_presets(r); return;
        case POLICIES: offer_policies(r); return;
        case SETTINGS: offer_settings(r); return;
        case CHOICES: offer_choices(r, value, about); return;
        case TASKS:
            for (size_t i = 0; udy_task_id(i); i++) offer(r, udy_task_id(i), "task");
            return;
    }
}

//------------------------------------------ Words -------------------------------------------------

// What the next operand is: the word at its place in "POLICY [POLICY]...", the last for all further.
static void offer_operand(request *r) {
    char word[64] = "";
    const char *at = r->command->operands;
    if (r->n_operands >= r->command->max_operands) return;
    for (int i = 0; *at && i <= r->n_operands; i++) {
        size_t n = strcspn(at, " ");
        int k = 0;
        for (size_t j = 0; j < n && k + 1 < (int)sizeof word; j++)
            if (!strchr("[].", at[j])) word[k++] = at[j];
        word[k] = '\0';
        at += n + strspn(at + n, " ");
    }
    offer_value(r, NULL, word, r->command->operands);
}

static bool may_come(const request *r, const cli_option *o) {
    if (o->type == CLI_OPTION_LIST || o->type == CLI_OPTION_MANY) return true;
    for (int i = 0; i < r->n_seen; i++)
        if (strcmp(r->seen[i], o->name) == 0) return false;
    return true;
}

static void offer_options(const request *r) {
    const cli_option *options[CLI_OPTIONS_MAX];
    int n = cli_options_of(r->command, options);
    for (int i = 0; i < n; i++) {
        char word[72];
        snprintf(word, sizeof word, "--%s", options[i]->name);
        if (may_come(r, options[i])) offer(r, word, options[i]->help);
    }
}

// The option that word, "--out" or "--out=x" or "-o", is. Nullable result: none of the command's
static const cli_option *option_of(const cli_command *command, const char *word) {
    const cli_option *options[CLI_OPTIONS_MAX];
    int n = cli_options_of(command, options);
    const char *name = strcmp(word, "-o") == 0 ? "--out" : word;
    if (!starts(name, "--")) return NULL;
    size_t length = strcspn(name + 2, "=");
    for (int i = 0; i < n; i++)
        if (strlen(options[i]->name) == length && strncmp(options[i]->name, name + 2, length) == 0)
            return options[i];
    return NULL;
}

// Note what a word before the cursor says; the next one may be its value.
static void take_word(request *r, const char *word) {
    const cli_option *waiting = r->option;
    r->option = NULL;
    if (waiting) {
        if (strcmp(waiting->name, "data") == 0) r->data = word;
    } else if (!r->only_operands && strcmp(word, "--") == 0) {
        r->only_operands = true;
    } else if (!r->only_operands && *word == '-' && word[1]) {
        const cli_option *o = option_of(r->command, word);
        const char *equals = strchr(word, '=');
        if (o && r->n_seen < (int)(sizeof r->seen / sizeof r->seen[0]))
            r->seen[r->n_seen++] = o->name;
        if (o && o->value && !equals) r->option = o;
        if (o && equals && strcmp(o->name, "data") == 0) r->data = equals + 1;
    } else {
        r->n_operands++;
    }
}

static void complete_word(request *r, const char *word) {
    r->stem = word;
    const char *equals = strchr(word, '=');
    if (!r->option && !r->only_operands && starts(word, "--") && equals) {
        r->option = option_of(r->command, word);
        if (!r->option || !r->option->value) return;
        snprintf(r->head, sizeof r->head, "%.*s", (int)(equals + 1 - word), word);
        r->stem = equals + 1;
    }
    if (r->option)
        offer_value(r, r->option->name, r->option->value, r->option->help);
    else if (!r->only_operands && *word == '-')
        offer_options(r);
    else
        offer_operand(r);
    // Where no operand is due, Tab alone shows what could come.
    if (!r->option && !*word && r->n_operands >= r->command->max_operands) offer_options(r);
}

//------------------------------------------ Commands ----------------------------------------------

// First words of commands, or second ones behind `group`.
static void offer_commands(const request *r, const char *group) {
    char last[32] = "", word[32];
    for (int i = 0; i < cli_command_count(); i++) {
        const cli_command *c = cli_command_at(i);
        size_t n = strcspn(c->name, " ");
        snprintf(word, sizeof word, "%.*s", (int)n, c->name);
        if (group && (strcmp(word, group) != 0 || !c->name[n])) continue;
        if (group) {
            offer(r, c->name + n + 1, c->summary);
        } else if (strcmp(word, last) != 0) {
            char about[80];
            snprintf(about, sizeof about, "%s ...", c->name);
            offer(r, word, c->name[n] ? about : c->summary);
        }
        snprintf(last, sizeof last, "%s", word);
    }
}

static const cli_command *command_of(int n, char **words, int *used) {
    for (int i = 0; i < cli_command_count(); i++) {
        const char *name = cli_command_at(i)->name;
        size_t k = strcspn(name, " ");
        if (strncmp(name, words[0], k) != 0 || words[0][k]) continue;
        *used = name[k] ? 2 : 1;
        if (!name[k] || (n > 1 && strcmp(name + k + 1, words[1]) == 0)) return cli_command_at(i);
    }
    return NULL;
}

int cli_complete(int n, char **words) {
    request r = {0};
    int used = 0, last = n - 1;
    if (n < 1) return CLI_DONE;
    r.stem = words[last];
    bool help = last > 0 && strcmp(words[0], "help") == 0;
    if (last == (help ? 1 : 0)) {
        offer_commands(&r, NULL);
        if (help) return CLI_DONE;
        offer(&r, "help", "tell more of a command");
        if (*r.stem == '-') offer(&r, "--help", "list the commands");
        if (*r.stem == '-') offer(&r, "--version", "what the program is made of");
        return CLI_DONE;
    }
    r.command = command_of(last - help, words + help, &used);
    if (!r.command && last - help == 1) offer_commands(&r, words[help]);
    if (!r.command || help) return CLI_DONE;
    for (int i = used; i < last; i++) take_word(&r, words[i]);
    complete_word(&r, words[last]);
    return CLI_DONE;
}
