// The manual's pages: one a command, which says what --help says, in roff that its readers take without
// a warning.
#include "program.h"

#include <ctype.h>

#include "understudy/understudy.h"

static bool have(const char *program) {
    char command[80];
    snprintf(command, sizeof command, "command -v %s >/dev/null 2>&1", program);
    return system(command) == 0;
}

// Text without white space, roff's marks of hyphens and the ends of lines taken out.
static char *squeeze(char *text) {
    char *to = text;
    for (const char *c = text; *c; c++)
        if (!isspace((unsigned char)*c)) *to++ = *c;
    *to = '\0';
    return text;
}

static void every_command_has_a_page_that_says_what_its_help_says(void **state) {
    (void)state;
    if (!have("groff")) skip();
    outcome all = run_program("--help");
    assert_done(all);
    int n = 0;
    char *line, *rest = strstr(all.out, "Commands:\n") + 10;
    while ((line = strsep(&rest, "\n")) && strncmp(line, "  ", 2) == 0) {
        char name[40] = "", page[80], command[400];
        sscanf(line, "  %17[^\n]", name);
        for (size_t k = strlen(name); k && name[k - 1] == ' ';) name[--k] = '\0';
        snprintf(page, sizeof page, "understudy-%s", name);
        for (char *c = page; *c; c++)
            if (*c == ' ') *c = '-';
        snprintf(command, sizeof command,
                 "groff -man -Tutf8 -P-c -P-b -P-u -P-o -rLL=200n man/%s.1 >page.txt", page);
        assert_int_equal(system(command), 0);
        char *text = read_all("page.txt");
        assert_non_null(text);
        squeeze(text);
        outcome help = run_program("%s --help", name);
        assert_done(help);
        // Each line of --help but its own headings is on the page.
        char *said, *lines = help.out;
        while ((said = strsep(&lines, "\n")) != NULL) {
            if (strncmp(said, "Usage:", 6) == 0 || strncmp(said, "Options:", 8) == 0 ||
                strncmp(said, "Example:", 8) == 0 || strncmp(said, "Keys for --set:", 15) == 0)
                continue;
            squeeze(said);
            if (!strstr(text, said))
                fail_msg("'%s' is in %s --help and not in %s.1", said, name, page);
        }
        free(text);
        done(help);
        n++;
    }
    assert_true(n >= 18);
    done(all);
}

static void the_overview_names_every_command(void **state) {
    (void)state;
    char *text = read_all("man/understudy.1");
    outcome all = run_program("--help");
    assert_non_null(text);
    char *line, *rest = strstr(all.out, "Commands:\n") + 10;
    while ((line = strsep(&rest, "\n")) && strncmp(line, "  ", 2) == 0) {
        char name[40] = "", term[100];
        sscanf(line, "  %17[^\n]", name);
        for (size_t k = strlen(name); k && name[k - 1] == ' ';) name[--k] = '\0';
        int at = snprintf(term, sizeof term, "\\fBunderstudy\\-");
        for (char *c = name; *c; c++)
            at += snprintf(term + at, sizeof term - (size_t)at, *c == ' ' ? "\\-" : "%c", *c);
        assert_contains(text, term);
    }
    assert_contains(text, "UNDERSTUDY_DATA");
    assert_contains(text, "interrupted");
    free(text);
    done(all);
}

static void assert_silent(const char *command) {
    char whole[300];
    snprintf(whole, sizeof whole, "{ %s; } >/dev/null 2>said.txt", command);
    int status = system(whole);
    char *said = read_all("said.txt");
    assert_non_null(said);
    if (status != 0 || *said) fail_msg("'%s' says: %s", command, said);
    free(said);
}

static void groff_and_man_have_no_warnings(void **state) {
    (void)state;
    if (!have("groff")) skip();
    assert_silent("groff -man -Tutf8 -ww -rCHECKSTYLE=3 -z man/*.1");
    if (have("man"))
        assert_silent("LC_ALL=C.UTF-8 MANWIDTH=80 man --warnings -l -Tutf8 -Z man/understudy.1");
}

static void mandoc_has_no_warnings(void **state) {
    (void)state;
    if (!have("mandoc")) skip();
    // A page made from the program has no date of its own: it has its version.
    assert_silent("mandoc -Tlint -Wwarning man/*.1 | grep -v 'missing date' >&2 || true");
}

static void a_folder_that_is_not_there_is_an_error(void **state) {
    (void)state;
    assert_error(run_program("__manual nowhere/man"), 1, "nowhere/man");
    assert_error(run_program("__manual"), 2, "folder");
}

int main(void) {
    make_work_dir("test_manual");
    if (system("mkdir man && '" UDY_PROGRAM "' __manual man") != 0) return 1;
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_command_has_a_page_that_says_what_its_help_says),
        cmocka_unit_test(the_overview_names_every_command),
        cmocka_unit_test(groff_and_man_have_no_warnings),
        cmocka_unit_test(mandoc_has_no_warnings),
        cmocka_unit_test(a_folder_that_is_not_there_is_an_error),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
