// What the shells offer when Tab is pressed: the program's own answers, and what bash, zsh and fish make
// of them. Shells that are not installed are skipped, and said.
#include "program.h"

#include "understudy/understudy.h"

// Is `word` a line of its own, or a line's word before its tab?
static bool offered(const char *text, const char *word) {
    size_t n = strlen(word);
    for (const char *at = text; (at = strstr(at, word)) != NULL; at += n)
        if ((at == text || at[-1] == '\n') && (at[n] == '\t' || at[n] == '\n' || !at[n]))
            return true;
    return false;
}

static void assert_offers(const char *line, const char *word) {
    outcome o = run_program("__complete %s", line);
    assert_done(o);
    if (!offered(o.out, word)) fail_msg("'%s' is not offered for '%s': %s", word, line, o.out);
    assert_string_equal(o.err, "");
    done(o);
}

static void assert_offers_not(const char *line, const char *word) {
    outcome o = run_program("__complete %s", line);
    assert_done(o);
    if (offered(o.out, word)) fail_msg("'%s' is offered for '%s': %s", word, line, o.out);
    assert_string_equal(o.err, "");
    done(o);
}

//------------------------------------------ The program -------------------------------------------

static void commands_of_one_and_two_words(void **state) {
    (void)state;
    assert_offers("''", "experiment");
    assert_offers("''", "demos");
    assert_offers("ev", "evaluate");
    assert_offers_not("ev", "experiment");
    assert_offers("demos ''", "collect");
    assert_offers("demos c", "collect");
    assert_offers_not("demos ''", "train");
    assert_offers("help demos ''", "info");
    assert_offers("--", "--version");
}

// Each option that --help shows, of each command that --help lists.
static void every_option_of_every_command(void **state) {
    (void)state;
    outcome all = run_program("--help");
    assert_done(all);
    int n_commands = 0, n_options = 0;
    char *line, *rest = strstr(all.out, "Commands:\n") + 10;
    while ((line = strsep(&rest, "\n")) && strncmp(line, "  ", 2) == 0) {
        char name[40] = "";
        sscanf(line, "  %17[^\n]", name);
        for (size_t n = strlen(name); n && name[n - 1] == ' ';) name[--n] = '\0';
        outcome help = run_program("%s --help", name), o = run_program("__complete %s --", name);
        assert_done(help);
        for (char *at = help.out; (at = strstr(at, "\n  --")) != NULL; at++) {
            char option[64];
            assert_int_equal(sscanf(at, " %63s", option), 1);
            if (!offered(o.out, option)) fail_msg("%s of '%s' is not offered", option, name);
            n_options++;
        }
        n_commands++;
        done(help);
        done(o);
    }
    assert_true(n_commands >= 18);
    assert_true(n_options > 5 * n_commands);
    done(all);
}

static void options_that_may_come_once_come_once(void **state) {
    (void)state;
    assert_offers_not("evaluate ant-v5 --episodes 3 --", "--episodes");
    assert_offers("evaluate ant-v5 --set contact_obs=true --", "--set");
    assert_offers_not("evaluate ant-v5 -- --", "--json");
}

static void names_come_from_the_data_folder(void **state) {
    (void)state;
    assert_offers("evaluate ''", "ant-v5");
    assert_offers("evaluate ''", "random");
    assert_offers("evaluate ''", ":files");
    assert_offers("dagger --expert ant", "ant-v5-medium");
    assert_offers("expert evaluate a", "ant-v5");
    assert_offers("experiment --preset ''", "ant-v5");
    assert_offers("expert train --preset ''", "ant-v5-sac");
    assert_offers_not("experiment --preset ''", "ant-v5-sac");
    assert_offers("experiment --preset=a", "--preset=ant-v5");
    assert_int_equal(system("mkdir -p data/experts && touch data/experts/other.safetensors"), 0);
    assert_offers("evaluate --data data ''", "other");
    assert_offers_not("evaluate --data=data ''", "ant-v5");
    assert_offers_not("evaluate --data nowhere ''", "ant-v5");
}

static void tasks_settings_and_choices(void **state) {
    (void)state;
    assert_offers("tasks A", "Ant-v5");
    assert_offers("evaluate random --task ''", "Hopper-v5");
    assert_offers("evaluate random --set contact_o", "contact_obs=");
    assert_offers("evaluate random --set contact_o", ":nospace");
    assert_offers("evaluate random --set contact_obs=", "contact_obs=true");
    assert_offers("evaluate random --set contact_obs=f", "contact_obs=false");
    assert_offers("evaluate random --set=contact_obs=f", "--set=contact_obs=false");
    assert_offers("dagger --set beta_schedule=", "beta_schedule=exponential");
    assert_offers("render ant-v5 --until ''", "fall");
    assert_offers("export ant-v5 --format ''", "onnx");
    assert_offers("export ant-v5 --quantize i", "int8");
}

static void files_and_folders_are_left_to_the_shell(void **state) {
    (void)state;
    assert_offers("bc demos --out ''", ":files");
    assert_offers("bc demos -o ''", ":files");
    assert_offers("bc ''", ":dirs");
    assert_offers_not("evaluate random --episodes ''", ":files");
    outcome o = run_program("__complete bc demos --out=x");
    assert_string_equal(o.out, ":files\t--out=\n");
    done(o);
}

static void nonsense_is_answered_with_nothing(void **state) {
    (void)state;
    static const char *const lines[] = {"",
                                        "nosuch ''",
                                        "demos nosuch ''",
                                        "evaluate --nosuch ''",
                                        "-- ''",
                                        "evaluate --nosuch=x",
                                        "help nosuch ''",
                                        "evaluate random --set =",
                                        "bc a b c",
                                        "evaluate random --json=''"};
    for (size_t i = 0; i < sizeof lines / sizeof lines[0]; i++) {
        outcome o = run_program("__complete %s", lines[i]);
        assert_int_equal(o.code, 0);
        assert_string_equal(o.err, "");
        done(o);
    }
    char many[2600] = "__complete evaluate";
    for (int i = 0; i < 300; i++) strcat(many, " --json");
    outcome o = run_program("%s --", many);
    assert_int_equal(o.code, 0);
    done(o);
}

static void what_shells_ask_is_not_offered_to_people(void **state) {
    (void)state;
    outcome o = run_program("--help");
    assert_done(o);
    assert_null(strstr(o.out, "__"));
    done(o);
    assert_offers_not("''", "__complete");
    assert_error(run_program("complete"), 2, "no command 'complete'");
}

//------------------------------------------ The shells --------------------------------------------

static bool installed(const char *shell) {
    char command[80];
    snprintf(command, sizeof command, "command -v %s >/dev/null 2>&1", shell);
    if (system(command) == 0) return true;
    print_message("%s is not installed\n", shell);
    return false;
}

static outcome run_shell(const char *format, ...) __attribute__((format(printf, 1, 2)));
static outcome run_shell(const char *format, ...) {
    char command[4000], whole[4200];
    va_list list;
    va_start(list, format);
    vsnprintf(command, sizeof command, format, list);
    va_end(list);
    snprintf(whole, sizeof whole, "{ %s; } >out.txt 2>err.txt </dev/null", command);
    int status = system(whole);
    outcome o = {exit_code(status), read_all("out.txt"), read_all("err.txt")};
    assert_non_null(o.out);
    assert_non_null(o.err);
    return o;
}

// What bash's function leaves for a line; words: the same, cut as bash cuts it.
static void assert_in_bash(const char *line, const char *words, const char *word) {
    outcome o = run_shell(
        "bash --norc -c 'compopt() { echo \"compopt $*\"; }; source \"$0\"; COMP_LINE=\"$1\";"
        " shift; COMP_WORDS=(\"$@\"); COMP_CWORD=$((${#COMP_WORDS[@]} - 1)); _understudy;"
        " printf \"%%s\\n\" \"${COMPREPLY[@]}\"' '%s/completions/understudy.bash' '%s %s' '%s' %s",
        UDY_SOURCE_DIR, UDY_PROGRAM, line, UDY_PROGRAM, words);
    if (o.code != 0 || !offered(o.out, word))
        fail_msg("'%s' is not offered for '%s': %s%s", word, line, o.out, o.err);
    done(o);
}

static void bash_completes(void **state) {
    (void)state;
    if (!installed("bash")) skip();
    assert_in_bash("eva", "eva", "evaluate");
    assert_in_bash("demos c", "demos c", "collect");
    assert_in_bash("evaluate ant-v5 --ep", "evaluate ant-v5 --ep", "--episodes");
    assert_in_bash("dagger --set beta_sch", "dagger --set beta_sch", "beta_schedule=");
    assert_in_bash("dagger --set beta_sch", "dagger --set beta_sch", "compopt -o nospace");
    // bash cuts at "=", and puts back only what is behind it.
    assert_in_bash("dagger --set beta_schedule=exp", "dagger --set beta_schedule = exp",
                   "exponential");
    assert_in_bash("experiment --preset=ant", "experiment --preset = ant", "ant-v5");
    assert_int_equal(system("mkdir -p 'a b' && touch 'a b/c d.safetensors' plain.safetensors"), 0);
    assert_in_bash("bc demos --out pl", "bc demos --out pl", "plain.safetensors");
    assert_in_bash("bc demos --out=pl", "bc demos --out = pl", "plain.safetensors");
    assert_in_bash("bc demos --out a\\ b/", "bc demos --out 'a\\ b/'", "a b/c d.safetensors");
    assert_in_bash("bc demos --out \"a b/", "bc demos --out '\"a b/'", "a b/c d.safetensors");
    assert_in_bash("bc a", "bc a", "a b");
}

static void fish_completes(void **state) {
    (void)state;
    if (!installed("fish")) skip();
    assert_int_equal(system("touch plain.safetensors && mkdir -p home"), 0);
    static const char *const cases[][2] = {
        {"eva", "evaluate"},
        {"evaluate ant-v5 --ep", "--episodes"},
        {"dagger --set beta_schedule=exp", "beta_schedule=exponential"},
        {"bc demos --out pl", "plain.safetensors"},
        {"bc demos --out=pl", "--out=plain.safetensors"}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        outcome o = run_shell(
            "HOME=$PWD/home fish --no-config -c 'source \"%s/completions/understudy.fish\";"
            " function understudy; \"%s\" $argv; end; complete -C \"understudy %s\"'",
            UDY_SOURCE_DIR, UDY_PROGRAM, cases[i][0]);
        if (o.code != 0 || !offered(o.out, cases[i][1]))
            fail_msg("'%s' is not offered for '%s': %s%s", cases[i][1], cases[i][0], o.out, o.err);
        done(o);
    }
}

// zsh completes only at a terminal: one is made for it, and Tab is pressed.
static void zsh_completes(void **state) {
    (void)state;
    if (!installed("zsh")) skip();
    assert_int_equal(system("touch plain.safetensors"), 0);
    static const char *const cases[][2] = {
        {"eva", "evaluate "},
        {"evaluate ant-v5 --epi", "--episodes "},
        {"dagger --set beta_schedule=expo", "beta_schedule=exponential"},
        {"bc demos --out pla", "--out plain.safetensors"},
        {"bc demos --out=pla", "--out=plain.safetensors"}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        outcome o =
            run_shell("zsh -f '%s/tests/cli/press_tab.zsh' '%s/completions' '%s' 'understudy %s'",
                      UDY_SOURCE_DIR, UDY_SOURCE_DIR, UDY_PROGRAM, cases[i][0]);
        if (o.code != 0 || !strstr(o.out, cases[i][1]))
            fail_msg("'%s' is not offered for '%s': %s%s", cases[i][1], cases[i][0], o.out, o.err);
        done(o);
    }
}

int main(void) {
    make_work_dir("test_complete");
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(commands_of_one_and_two_words),
        cmocka_unit_test(every_option_of_every_command),
        cmocka_unit_test(options_that_may_come_once_come_once),
        cmocka_unit_test(names_come_from_the_data_folder),
        cmocka_unit_test(tasks_settings_and_choices),
        cmocka_unit_test(files_and_folders_are_left_to_the_shell),
        cmocka_unit_test(nonsense_is_answered_with_nothing),
        cmocka_unit_test(what_shells_ask_is_not_offered_to_people),
        cmocka_unit_test(bash_completes),
        cmocka_unit_test(fish_completes),
        cmocka_unit_test(zsh_completes),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
