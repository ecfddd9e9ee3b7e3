// options.c: from a command's table of options come parsing, --help and "did you mean". Numbers are
// read strictly: the whole word, in range, or an error that shows the word.
#include <ctype.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "cli.h"

#define OFFSET(member) offsetof(cli_common, member)

// The common options, each with the bit by which a command takes it (0: every command).
static const struct {
    int bit;
    cli_option option;
} common_options[] = {
    {CLI_PRESET,
     {"preset", "NAME", CLI_OPTION_TEXT, OFFSET(preset), 0, 0,
      "settings to start from: a name in presets/, or a YAML file"}},
    {CLI_SET,
     {"set", "KEY=VALUE", CLI_OPTION_LIST, OFFSET(set), 0, 0,
      "change one setting; may be given again"}},
    {CLI_SEED,
     {"seed", "S", CLI_OPTION_U64, OFFSET(seed), 0, 0, "where all randomness starts (default 0)"}},
    {CLI_THREADS,
     {"threads", "N", CLI_OPTION_INT, OFFSET(threads), 1, 1024,
      "threads to use (default: one a core); results do not depend on it"}},
    {CLI_DATA,
     {"data", "DIR", CLI_OPTION_TEXT, OFFSET(data), 0, 0,
      "folder of presets/, experts/ and models/ (default: $UNDERSTUDY_DATA, or beside the program)"}},
    {CLI_LOGGER,
     {"logger", "LIST", CLI_OPTION_TEXT, OFFSET(logger), 0, 0,
      "who is told of the course: tensorboard, csv and jsonl with commas between, or none"}},
    {CLI_JSON, {"json", NULL, CLI_OPTION_FLAG, OFFSET(json), 0, 0, "print the result as JSON"}},
    {CLI_QUIET,
     {"quiet", NULL, CLI_OPTION_FLAG, OFFSET(quiet), 0, 0, "no progress, only results and errors"}},
    {0, {"help", NULL, CLI_OPTION_FLAG, OFFSET(help), 0, 0, "this text"}},
};
#define N_COMMON ((int)(sizeof common_options / sizeof common_options[0]))

int cli_options_of(const cli_command *command, const cli_option *out[CLI_OPTIONS_MAX]) {
    int n = 0;
    for (const cli_option *o = command->options; o && o->name; o++) out[n++] = o;
    for (int i = 0; i < N_COMMON; i++)
        if (!common_options[i].bit || (common_options[i].bit & command->common))
            out[n++] = &common_options[i].option;
    return n;
}

static bool parse_u64(const char *text, uint64_t *out) {
    if (!isdigit((unsigned char)*text)) return false;
    char *end;
    errno = 0;
    unsigned long long value = strtoull(text, &end, 10);
    if (errno || *end) return false;
    *out = value;
    return true;
}

static int store(const cli_option *option, const char *value, cli_common *common) {
    char *at = (char *)common + option->offset;
    switch (option->type) {
        case CLI_OPTION_FLAG: *(bool *)(void *)at = true; return CLI_DONE;
        case CLI_OPTION_TEXT:
            if (!*value) return cli_usage("--%s: the %s is empty", option->name, option->value);
            *(const char **)(void *)at = value;
            return CLI_DONE;
        case CLI_OPTION_LIST:
            if (common->n_set == CLI_SET_MAX)
                return cli_usage(
                    "--set was given more than %d times; put the settings into a file and "
                    "use --preset FILE.yaml",
                    CLI_SET_MAX);
            if (!strchr(value, '=') || value[0] == '=')
                return cli_usage("--set '%s': expected KEY=VALUE", value);
            common->set[common->n_set++] = value;
            return CLI_DONE;
        case CLI_OPTION_MANY: {
            cli_list *list = (cli_list *)(void *)at;
            if (!*value) return cli_usage("--%s: the %s is empty", option->name, option->value);
            if (list->n == CLI_LIST_MAX)
                return cli_usage("--%s was given more than %d times", option->name, CLI_LIST_MAX);
            list->item[list->n++] = value;
            return CLI_DONE;
        }
        case CLI_OPTION_U64: {
            uint64_t number;
            if (!parse_u64(value, &number))
                return cli_usage("--%s '%s': expected a whole number from 0 to %llu", option->name,
                                 value, (unsigned long long)UINT64_MAX);
            *(uint64_t *)(void *)at = number;
            if (option->offset == OFFSET(seed)) common->has_seed = true;
            return CLI_DONE;
        }
        case CLI_OPTION_INT: {
            uint64_t number;
            if (!parse_u64(value, &number) || number < (uint64_t)option->min ||
                number > (uint64_t)option->max)
                return cli_usage(option->max == INT_MAX
                                     ? "--%s '%s': expected a whole number from %d"
                                     : "--%s '%s': expected a whole number from %d "
                                       "to %d",
                                 option->name, value, option->min, option->max);
            *(int *)(void *)at = (int)number;
            return CLI_DONE;
        }
    }
    return CLI_USAGE;
}

static int unknown_option(const cli_command *command, const char *name,
                          const cli_option *const *options, int n) {
    for (int i = 0; i < N_COMMON; i++)
        if (strcmp(common_options[i].option.name, name) == 0)
            return cli_usage("'%s' takes no --%s; '%s %s --help' lists what it takes",
                             command->name, name, cli_program, command->name);
    const char *names[CLI_OPTIONS_MAX];
    for (int i = 0; i < n; i++) names[i] = options[i]->name;
    const char *near = udy_nearest(name, names, (size_t)n);
    if (near)
        return cli_usage("'%s' has no option --%s; did you mean --%s?", command->name, name, near);
    return cli_usage("'%s' has no option --%s; '%s %s --help' lists what it takes", command->name,
                     name, cli_program, command->name);
}

// argv[*i] is "--name" or "--name=value"; takes the next word where it needs it.
static int parse_option(const cli_command *command, int argc, char **argv, int *i,
                        cli_common *common, uint64_t *seen) {
    const cli_option *options[CLI_OPTIONS_MAX];
    int n = cli_options_of(command, options), k = 0;
    char name[64];
    const char *word = argv[*i] + 2, *equals = strchr(word, '=');
    size_t length = equals ? (size_t)(equals - word) : strlen(word);
    snprintf(name, sizeof name, "%.*s", (int)(length < sizeof name ? length : sizeof name - 1),
             word);
    while (k < n && strcmp(options[k]->name, name) != 0) k++;
    if (k == n) return unknown_option(command, name, options, n);
    const cli_option *option = options[k];
    bool once = option->type != CLI_OPTION_LIST && option->type != CLI_OPTION_MANY;
    if (once && (*seen & UINT64_C(1) << k)) return cli_usage("--%s is given twice", name);
    *seen |= UINT64_C(1) << k;
    const char *value = NULL;
    if (option->type == CLI_OPTION_FLAG) {
        if (equals) return cli_usage("--%s takes no value", name);
    } else if (equals) {
        value = equals + 1;
    } else if (*i + 1 < argc) {
        value = argv[++*i];
        if (strncmp(value, "--", 2) == 0)
            return cli_usage("--%s wants a value (%s), not the option '%s'", name, option->value,
                             value);
    } else {
        return cli_usage("--%s wants a value (%s)", name, option->value);
    }
    return store(option, value, common);
}

// -o FILE is --out FILE, as compilers have it, where the command takes that.
static bool is_short_out(const cli_command *command, const char *word) {
    for (const cli_option *o = command->options; o && o->name; o++)
        if (strcmp(o->name, "out") == 0) return strcmp(word, "-o") == 0;
    return false;
}

int cli_parse(const cli_command *command, int argc, char **argv, int first, void *args) {
    static char long_out[] = "--out";
    cli_common *common = args;
    uint64_t seen = 0;
    bool only_operands = false;
    for (int i = first; i < argc; i++) {
        if (!only_operands && is_short_out(command, argv[i])) argv[i] = long_out;
        if (!only_operands && strcmp(argv[i], "--") == 0) {
            only_operands = true;
        } else if (!only_operands && strcmp(argv[i], "-h") == 0) {
            common->help = true;
        } else if (!only_operands && argv[i][0] == '-' && argv[i][1] == '-') {
            int code = parse_option(command, argc, argv, &i, common, &seen);
            if (code != CLI_DONE) return code;
        } else if (!only_operands && argv[i][0] == '-' && argv[i][1]) {
            return cli_usage("'%s': options are long ones, such as --help", argv[i]);
        } else {
            if (common->n_operands == command->max_operands)
                return cli_usage("'%s' takes %s%s; '%s' is one too many", command->name,
                                 command->max_operands ? "" : "no argument", command->operands,
                                 argv[i]);
            common->operand[common->n_operands++] = argv[i];
        }
    }
    if (!common->help && common->n_operands < command->min_operands)
        return cli_usage("'%s' wants %s; '%s %s --help' shows an example", command->name,
                         command->operands, cli_program, command->name);
    return CLI_DONE;
}

//------------------------------------------ Help --------------------------------------------------

static void help_fields(const udy_field *fields) {
    printf("\n%sKeys for --set:%s\n", cli_style("1"), cli_style_end());
    for (const udy_field *f = fields; f->key; f++) {
        printf("  %-28s %s", f->key, f->help ? f->help : "");
        if (f->type == UDY_FIELD_CHOICE && f->choices) {
            printf(" (");
            for (int i = 0; f->choices[i]; i++) printf("%s%s", i ? ", " : "", f->choices[i]);
            printf(")");
        }
        printf("\n");
    }
}

void cli_help_command(const cli_command *command) {
    const cli_option *options[CLI_OPTIONS_MAX];
    int n = cli_options_of(command, options);
    printf("%s\n\n%sUsage:%s understudy %s%s%s [--option value]...\n", command->summary,
           cli_style("1"), cli_style_end(), command->name, *command->operands ? " " : "",
           command->operands);
    if (command->about) printf("\n%s\n", command->about);
    printf("\n%sOptions:%s\n", cli_style("1"), cli_style_end());
    for (int i = 0; i < n; i++) {
        char left[48];
        snprintf(left, sizeof left, "--%s%s%s", options[i]->name, options[i]->value ? " " : "",
                 options[i]->value ? options[i]->value : "");
        printf("  %-22s %s\n", left, options[i]->help);
    }
    if (command->set_fields) help_fields(command->set_fields);
    if (command->set_fields_of) help_fields(command->set_fields_of());
    printf("\n%sExample:%s\n%s\n", cli_style("1"), cli_style_end(), command->example);
}

void cli_help_all(void) {
    printf(
        "Understudy trains policies by imitation: behavioural cloning and DAgger, on MuJoCo.\n\n"
        "%sUsage:%s understudy COMMAND [ARGUMENT] [--option value]...\n\n%sCommands:%s\n",
        cli_style("1"), cli_style_end(), cli_style("1"), cli_style_end());
    for (int i = 0; i < cli_command_count(); i++)
        printf("  %-17s %s\n", cli_command_at(i)->name, cli_command_at(i)->summary);
    printf(
        "\n%sExample:%s\n  understudy experiment --preset ant-v5\n\n"
        "'understudy COMMAND --help' tells more; 'understudy --version' says what it is made "
        "of.\n",
        cli_style("1"), cli_style_end());
}

//------------------------------------------ Settings ----------------------------------------------

udy_field *cli_fields_join(const cli_fields_part *parts, int n) {
    size_t rows = 1, text = 0;
    for (int p = 0; p < n; p++)
        for (const udy_field *f = parts[p].fields; f->key; f++) {
            rows++;
            text += strlen(parts[p].prefix) + strlen(f->key) + 1;
        }
    // One block: the rows, then their keys.
    udy_field *out = udy_alloc(rows * sizeof *out + text);
    if (!out) return NULL;
    char *key = (char *)(out + rows);
    udy_field *to = out;
    for (int p = 0; p < n; p++)
        for (const udy_field *f = parts[p].fields; f->key; f++, to++) {
            *to = *f;
            to->offset += parts[p].offset;
            to->key = key;
            key += sprintf(key, "%s%s", parts[p].prefix, f->key) + 1;
        }
    return out;
}

int cli_apply_set(const cli_common *common, void *settings, const udy_field *table) {
    for (int i = 0; i < common->n_set; i++) {
        udy_error err = {0};
        if (udy_settings_set(settings, table, common->set[i], &err))
            return cli_usage("--set %s: %s", common->set[i],
                             err.message[0] ? err.message : udy_status_message(err.code));
    }
    return CLI_DONE;
}

int cli_apply_seed(const cli_common *common, void *settings, const udy_field *table) {
    char assignment[40];
    udy_error err = {0};
    if (!common->has_seed) return CLI_DONE;
    snprintf(assignment, sizeof assignment, "seed=%llu", (unsigned long long)common->seed);
    if (udy_settings_set(settings, table, assignment, &err))
        return cli_usage("--seed %llu: %s", (unsigned long long)common->seed, err.message);
    return CLI_DONE;
}

char *cli_setting_value(const void *settings, const udy_field *field) {
    udy_field table[2] = {*field, {0}};
    const char *dot = strrchr(field->key, '.');
    // Without its group and its comment it is one line: "key: value".
    if (dot) table[0].key = dot + 1;
    table[0].help = NULL;
    char *text = udy_settings_print(settings, table);
    char *value = text ? strchr(text, ':') : NULL;
    if (!value) return text;
    value += 1 + strspn(value + 1, " ");
    memmove(text, value, strlen(value) + 1);
    text[strcspn(text, "\n")] = '\0';
    return text;
}
