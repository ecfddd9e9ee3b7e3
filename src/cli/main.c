// main.c: the front door of the command line: finds the command, reads its options, runs it, and
// makes sure that what it printed arrived.
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "cli.h"

// In the order in which a person meets them. A new command is a file and a row here.
static const cli_command *const rows[] = {
    &cli_experiment,
    &cli_expert_train,
    &cli_expert_list,
    &cli_expert_evaluate,
    &cli_expert_curves,
    &cli_expert_keep,
    &cli_expert_pull,
    &cli_import,
    &cli_demos_collect,
    &cli_demos_info,
    &cli_demos_import,
    &cli_demos_export,
    &cli_bc,
    &cli_dagger,
    &cli_evaluate,
    &cli_replay,
    &cli_shift,
    &cli_sweep,
    &cli_render,
    &cli_report,
    &cli_export,
    &cli_tasks,
    &cli_bench,
};
#define N_ROWS ((int)(sizeof rows / sizeof rows[0]))

const char *cli_program = "understudy";

int cli_command_count(void) {
    return N_ROWS;
}
const cli_command *cli_command_at(int i) {
    return rows[i];
}

static void print_version(void) {
    printf("understudy %s\nMuJoCo %s\noneDNN %s\nvector instructions: %s\ncores: %d\n", UDY_VERSION,
           udy_sim_version(), udy_nn_version(), udy_nn_isa(), udy_cpu_count());
}

// The command that argv[1..] names, of one word or two; *used: how many words.
// Nullable result: unknown, said on stderr
static const cli_command *find_command(int argc, char **argv, int *used) {
    const char *first[N_ROWS], *second[N_ROWS];
    int n_second = 0;
    char words[N_ROWS][32];
    for (int i = 0; i < N_ROWS; i++) {
        const char *name = rows[i]->name;
        size_t length = strcspn(name, " ");
        snprintf(words[i], sizeof words[i], "%.*s", (int)length, name);
        first[i] = words[i];
        if (strcmp(words[i], argv[1]) != 0) continue;
        if (name[length] == '\0') {
            *used = 1;
            return rows[i];
        }
        if (argc > 2 && strcmp(name + length + 1, argv[2]) == 0) {
            *used = 2;
            return rows[i];
        }
        second[n_second++] = name + length + 1;
    }
    if (n_second > 0) {
        char list[256] = "";
        for (int i = 0; i < n_second; i++) {
            size_t at = strlen(list);
            snprintf(list + at, sizeof list - at, "%s%s", i ? " or " : "", second[i]);
        }
        const char *near = argc > 2 ? udy_nearest(argv[2], second, (size_t)n_second) : NULL;
        if (near)
            cli_usage("no command '%s %s'; did you mean '%s %s'?", argv[1], argv[2], argv[1], near);
        else
            cli_usage("'%s' wants to know what: %s", argv[1], list);
        return NULL;
    }
    const char *near = udy_nearest(argv[1], first, (size_t)N_ROWS);
    if (near)
        cli_usage("no command '%s'; did you mean '%s'?", argv[1], near);
    else
        cli_usage("no command '%s'; '%s --help' lists them", argv[1], cli_program);
    return NULL;
}

static bool is_help(const char *word) {
    return strcmp(word, "--help") == 0 || strcmp(word, "-h") == 0;
}

// `understudy expert --help`: the commands that start with the word.
static bool help_group(const char *word) {
    bool any = false;
    size_t length = strlen(word);
    for (int i = 0; i < N_ROWS; i++) {
        const char *name = rows[i]->name;
        if (strncmp(name, word, length) != 0 || name[length] != ' ') continue;
        if (any) printf("\n");
        cli_help_command(rows[i]);
        any = true;
    }
    return any;
}

static int run_command(int argc, char **argv) {
    int used = 0;
    const cli_command *command = find_command(argc, argv, &used);
    if (!command) return CLI_USAGE;
    void *args = udy_alloc(command->args_size);
    if (!args) return cli_fail_text("out of memory");
    int code = cli_parse(command, argc, argv, 1 + used, args);
    if (code == CLI_DONE) {
        const cli_common *common = args;
        if (common->help) {
            cli_help_command(command);
        } else {
            code = command->run(args);
            cli_progress_end();
        }
    }
    udy_free(args);
    return code;
}

static int dispatch(int argc, char **argv) {
    if (argc < 2) {
        cli_help_all();
        return CLI_USAGE;
    }
    if (strcmp(argv[1], "--version") == 0) {
        print_version();
        return CLI_DONE;
    }
    if (strcmp(argv[1], "__complete") == 0) return cli_complete(argc - 2, argv + 2);
    if (strcmp(argv[1], "__manual") == 0) return cli_manual(argc - 2, argv + 2);
    if (is_help(argv[1]) || strcmp(argv[1], "help") == 0) {
        if (argc == 2) {
            cli_help_all();
            return CLI_DONE;
        }
        if (argc == 3 && help_group(argv[2])) return CLI_DONE;
        int used = 0;
        const cli_command *command = find_command(argc - 1, argv + 1, &used);
        if (command) cli_help_command(command);
        return command ? CLI_DONE : CLI_USAGE;
    }
    if (argc == 3 && is_help(argv[2]) && help_group(argv[1])) return CLI_DONE;
    if (argv[1][0] == '-')
        return cli_usage("options follow the command: %s COMMAND %s", cli_program, argv[1]);
    return run_command(argc, argv);
}

int main(int argc, char **argv) {
    if (argc > 0) cli_program = argv[0];
    cli_signals_install();
    int code = dispatch(argc, argv);
    // A full disk or a reader that went away shows here at the latest.
    errno = 0;
    bool lost = ferror(stdout) != 0;
    if (fflush(stdout) != 0) lost = true;
    int reason = errno;
    if (fclose(stdout) != 0 && !lost) {
        lost = true;
        reason = errno;
    }
    if (lost) {
        int failed = cli_fail_text("standard output could not be written: %s",
                                   reason ? strerror(reason) : "an earlier write failed");
        if (code == CLI_DONE) code = failed;
    }
    return code;
}
