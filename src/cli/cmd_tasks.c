// cmd_tasks.c: `understudy tasks`: which tasks there are; of one, its facts and options.
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "cli.h"

typedef struct tasks_args {
    cli_common common;
} tasks_args;

static udy_json *task_json(const udy_task *task) {
    udy_json *root = udy_task_json(task);
    udy_json *settings = udy_json_object();
    for (const udy_field *f = udy_task_config_fields; f->key; f++) {
        char *value = cli_setting_value(udy_task_config_of(task), f);
        udy_json *entry = udy_json_object();
        udy_json_put_string(entry, "value", value ? value : "");
        udy_json_put_string(entry, "help", f->help);
        udy_json_put(settings, f->key, entry);
        udy_free(value);
    }
    udy_json_put(root, "settings", settings);
    return root;
}

static int print_list(bool json) {
    udy_json *root = udy_json_array();
    for (size_t i = 0; udy_task_id(i); i++) {
        if (json)
            udy_json_append_string(root, udy_task_id(i));
        else
            printf("%s\n", udy_task_id(i));
    }
    if (json) return cli_print_json(root);
    udy_json_free(root);
    return CLI_DONE;
}

static void print_task(const udy_task *task) {
    const udy_task_info *info = udy_task_info_of(task);
    printf("%s%s%s\n", cli_style("1"), info->id, cli_style_end());
    printf("  observation   %d numbers: ", info->obs_dim);
    char name[64], unit[16];
    for (int i = 0; i < 3 && udy_task_obs_name(task, i, name, unit); i++)
        printf("%s%s%s%s%s", i ? ", " : "", name, *unit ? " [" : "", unit, *unit ? "]" : "");
    printf(", ... (--json lists them all)\n");
    printf("  action        %d torques in [%g, %g]\n", info->act_dim, info->act_low[0],
           info->act_high[0]);
    printf("  control step  %g s\n", info->dt);
    if (info->max_episode_steps)
        printf("  time limit    %d steps\n", info->max_episode_steps);
    else
        printf("  time limit    none\n");
    if (!isnan(info->reward_threshold)) printf("  solved at     %g\n", info->reward_threshold);
    printf("  reward        ");
    for (int i = 0; i < info->n_terms; i++) printf("%s%s", i ? " + " : "", info->term_names[i]);
    printf("\n\n%sOptions, by --set KEY=VALUE:%s\n", cli_style("1"), cli_style_end());
    for (const udy_field *f = udy_task_config_fields; f->key; f++) {
        char *value = cli_setting_value(udy_task_config_of(task), f);
        printf("  %-28s %-14s %s\n", f->key, value ? value : "", f->help ? f->help : "");
        udy_free(value);
    }
}

static int run(void *p) {
    const tasks_args *args = p;
    if (!args->common.n_operands) {
        if (args->common.n_set) return cli_usage("--set wants a task to set it for");
        return print_list(args->common.json);
    }
    udy_task *task = NULL;
    int code = cli_make_task(&task, &args->common, args->common.operand[0], false);
    if (code != CLI_DONE) return code;
    if (args->common.json)
        code = cli_print_json(task_json(task));
    else
        print_task(task);
    udy_task_destroy(task);
    return code;
}

const cli_command cli_tasks = {
    .name = "tasks",
    .summary = "list the tasks; of one, its facts and options",
    .operands = "[TASK]",
    .max_operands = 1,
    .common = CLI_SET | CLI_DATA | CLI_JSON | CLI_QUIET,
    .args_size = sizeof(tasks_args),
    .example = "  understudy tasks Ant-v5 --set contact_obs=true",
    .run = run,
};
