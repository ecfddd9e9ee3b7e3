// The report's tables: results, what each piece is called in language-model training, how the run was
// made.
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "show/report.h"

//------------------------------------------ Results -----------------------------------------------

static void cell(udy__text *html, const char *text) {
    udy__text_puts(html, "<td class=\"n\">");
    udy__html_add(html, text);
    udy__text_puts(html, "</td>");
}

static void falls_cell(udy__text *html, const udy_result_row *row) {
    udy__text_puts(html, "<td class=\"n\">");
    udy__html_say(html, "%d/%d", row->falls, row->n);
    if (row->too_low + row->too_high > 0)
        udy__html_say(html, " (%d, %d)", row->too_low, row->too_high);
    udy__text_puts(html, "</td>");
}

static void result_row(udy__report *r, const udy_result_row *row) {
    udy__text *html = &r->body;
    int decimals = udy__return_decimals(r);
    double expert = r->results->expert_mean, share = expert > 0 ? row->share : NAN;
    bool made = row->labels > 0 || row->seconds > 0;  // else it took no number to make it
    udy__text_puts(html, "<tr><th scope=\"row\">");
    udy__html_add(html, udy__row_label(row));
    udy__text_puts(html, "</th><td class=\"n\">");
    udy__html_say(html, "%s", NUMBER(row->mean, decimals));
    if (isfinite(share) && share > 0)
        udy__script_add(html,
                        "<span class=\"bar\" style=\"width:%.1f%%;--bar:var(--policy-%s)\"></span>",
                        fmin(100 * share, 100), udy__colour_of(r, row->name));
    udy__text_puts(html, "</td>");
    udy__text_puts(html, "<td class=\"n\">");
    udy__html_say(html, "%s to %s", NUMBER(row->ci95[0], decimals), NUMBER(row->ci95[1], decimals));
    udy__text_puts(html, "</td>");
    cell(html, isfinite(share) ? NUMBER(100 * share, 1) : "-");
    falls_cell(html, row);
    cell(html, isfinite(row->speed_mean) ? NUMBER(row->speed_mean, 2) : "-");
    cell(html, made ? NUMBER((double)row->labels, 0) : "-");
    cell(html, made && isfinite(row->seconds) ? NUMBER(row->seconds, 1) : "-");
    udy__text_puts(html, "</tr>\n");
}

static void results_table(udy__report *r, const char *name, const char *caption, bool rounds) {
    udy__text *html = &r->body;
    udy__text_puts(html, "<p class=\"note\">");
    udy__html_say(html, "%s", caption);
    udy__text_puts(html,
                   "</p>\n<div class=\"scroll\" role=\"region\" tabindex=\"0\" aria-label=\"");
    udy__html_add(html, name);
    udy__text_puts(html,
                   "\"><table><thead><tr><th scope=\"col\">Policy</th>"
                   "<th scope=\"col\" class=\"n\">Mean return</th>"
                   "<th scope=\"col\" class=\"n\">95 % interval</th>"
                   "<th scope=\"col\" class=\"n\">% of expert</th>"
                   "<th scope=\"col\" class=\"n\">Ended early</th>"
                   "<th scope=\"col\" class=\"n\">Speed, m/s</th>"
                   "<th scope=\"col\" class=\"n\">Expert labels</th>"
                   "<th scope=\"col\" class=\"n\">Time, s</th></tr></thead><tbody>\n");
    for (int i = 0; i < r->results->n_rows; i++) {
        int round;
        bool is_round = udy__row_kind_of(&r->results->rows[i], &round) == UDY__ROW_ROUND;
        if (is_round == rounds) result_row(r, &r->results->rows[i]);
    }
    udy__text_puts(html, "</tbody></table></div>\n");
}

void udy__report_results(udy__report *r) {
    udy__section(r, "results", "Results");
    results_table(
        r, "Results",
        "Each policy on fresh episodes. Ended early: by the task, in brackets with the body too "
        "low, too high. Time: to collect, label and train.",
        false);
    if (!udy__row_named(r, "dagger-0")) return;
    udy__text_puts(&r->body, "<details><summary>DAgger round by round</summary>\n");
    results_table(r, "DAgger's rounds",
                  "DAgger's rounds, on the episodes that choose the best of them.", true);
    udy__text_puts(&r->body, "</details>\n");
}

//------------------------------------------ Language models ---------------------------------------

static void word_row(udy__report *r, const char *here, const char *run, const char *there) {
    udy__text_puts(&r->body, "<tr><th scope=\"row\">");
    udy__html_add(&r->body, here);
    udy__text_puts(&r->body, "</th><td>");
    udy__html_add(&r->body, run);
    udy__text_puts(&r->body, "</td><td>");
    udy__html_add(&r->body, there);
    udy__text_puts(&r->body, "</td></tr>\n");
}

static void labels_words(char out[160], const udy_result_row *row, const char *what) {
    if (row)
        snprintf(out, 160, "%s %s", NUMBER((double)row->labels, 0), what);
    else
        snprintf(out, 160, "not in this run");
}

static void exponent_words(const udy__report *r, char out[160]) {
    const udy_shift_policy *p = udy__policy_named(r, "dagger-0");
    if (p && !p->brief && p->exponent.status != UDY_FIT_NONE)
        snprintf(out, 160, "lost return grows as T to the %s", NUMBER(p->exponent.k, 2));
    else
        snprintf(out, 160, "return lost against the horizon T");
}

static void shift_words(const udy__report *r, char out[160]) {
    const udy_shift_policy *p = udy__policy_named(r, "dagger-0");
    if (p && p->error_expert.value > 0)
        snprintf(out, 160, "error %s times as large on the clone's own states",
                 NUMBER(p->error_own.value / p->error_expert.value, 1));
    else
        snprintf(out, 160, "the clone's states against the expert's");
}

void udy__report_language(udy__report *r) {
    char words[160];
    const udy_task_info *info = udy_task_info_of(r->task);
    udy__section(r, "language", "The same in the training of language models");
    udy__text_puts(
        &r->body,
        "<p>An assistant is trained much as this robot is, and its pieces have other names.</p>\n"
        "<div class=\"scroll\" role=\"region\" tabindex=\"0\" aria-label=\"Names in "
        "language-model training\">"
        "<table class=\"words\"><thead><tr><th scope=\"col\">Here</th><th scope=\"col\">In this "
        "run</th>"
        "<th scope=\"col\">There</th></tr></thead><tbody>\n");
    snprintf(words, sizeof words, "%d numbers in, %d out", info->obs_dim, info->act_dim);
    word_row(r, "State and action", words, "The text so far, and the next token");
    word_row(r, "Expert", r->settings ? r->settings->expert : "a policy to imitate",
             "People who write or correct answers; or a larger model");
    labels_words(words, udy__row_named(r, "bc"), "expert labels");
    word_row(r, "Demonstrations", words, "Prompts with written answers");
    word_row(r, "Behavioural cloning", "regression of the expert's actions",
             "Supervised fine-tuning (SFT): cross-entropy on written answers, each token given the "
             "writer's own beginning");
    shift_words(r, words);
    word_row(r, "Distribution shift", words,
             "Exposure bias: the model goes on from its own text, and after a slip from text that "
             "nobody wrote");
    exponent_words(r, words);
    word_row(r, "Compounding error", words,
             "Long answers and agents that drift off the further they go");
    labels_words(words, udy__row_named(r, "dagger-best"), "expert labels by its best round");
    word_row(r, "DAgger", words,
             "Interactive labelling: people (or a teacher model) correct what the model itself "
             "produced; on-policy distillation");
    word_row(r, "Query cost", "one label a visited state",
             "Labelling cost. Comparing two answers is cheaper than writing one: preferences and a "
             "reward model in the place of labels, which is RLHF");
    word_row(r, "Return", "reward of the task, summed over an episode",
             "Score of a reward model, or a task that is solved or not");
    udy__text_puts(&r->body, "</tbody></table></div>\n");
}

//------------------------------------------ How it was made ---------------------------------------

static void fact(udy__text *html, const char *name, const char *value) {
    if (!value || !*value) return;
    udy__text_puts(html, "<dt>");
    udy__html_add(html, name);
    udy__text_puts(html, "</dt><dd>");
    udy__html_add(html, value);
    udy__text_puts(html, "</dd>\n");
}

static void machine_facts(udy__report *r) {
    const udy_json *v = udy_json_get(r->facts, "versions"),
                   *timing = udy_json_get(r->facts, "timing");
    char words[160];
    snprintf(words, sizeof words, "Understudy %s, MuJoCo %s, oneDNN %s",
             udy_json_string(v, "understudy", "?"), udy_json_string(v, "mujoco", "?"),
             udy_json_string(v, "onednn", "?"));
    fact(&r->body, "Versions", v ? words : "");
    udy__format(words, sizeof words, "%.0f threads, %s", udy_json_number(timing, "threads", NAN),
                udy_json_string(v, "vector_instructions", "?"));
    fact(&r->body, "Machine", timing ? words : "");
    snprintf(words, sizeof words, "%s s", NUMBER(r->results->seconds_total, 1));
    fact(&r->body, "Took", isfinite(r->results->seconds_total) ? words : "");
    fact(&r->body, "Finished", udy_json_string(timing, "finished", ""));
}

static void expert_facts(udy__report *r) {
    const udy_json *expert = udy_json_get(r->facts, "expert");
    char words[400];
    snprintf(words, sizeof words, "%.100s%s%.200s", udy_json_string(expert, "file", "unknown"),
             udy_json_get(expert, "made_by") ? ", " : "", udy_json_string(expert, "made_by", ""));
    fact(&r->body, "Expert", expert ? words : "");
}

int udy__report_settings(udy__report *r, udy_error *err) {
    char path[UDY_PATH_MAX], words[160], *yaml = NULL;
    size_t n = 0;
    int status = udy_path_format(path, err, "%s/run.yaml", r->run_path);
    if (status) return status;
    udy__section(r, "made", "How this run was made");
    udy__text_puts(&r->body, "<dl>\n");
    fact(&r->body, "Task", udy_task_info_of(r->task)->id);
    expert_facts(r);
    if (r->settings) {
        snprintf(words, sizeof words, "%llu", (unsigned long long)r->settings->seed);
        fact(&r->body, "Seed", words);
        snprintf(words, sizeof words,
                 "BC from %d episodes; DAgger from %d, then %d rounds of %d episodes",
                 r->settings->demo_episodes, r->settings->dagger.initial_episodes,
                 r->settings->dagger.rounds, r->settings->dagger.episodes_per_round);
        fact(&r->body, "Experiment", words);
    }
    if (r->shift) {
        snprintf(words, sizeof words, "%d episodes of each of %d policies",
                 r->shift->config.episodes, r->shift->n);
        fact(&r->body, "Shift", words);
    }
    machine_facts(r);
    fact(&r->body, "Run it again",
         "understudy experiment --preset run.yaml, with this run's run.yaml (below)");
    udy__text_puts(&r->body, "</dl>\n");
    if (!udy_file_exists(path)) return UDY_OK;
    status = udy_file_read(&yaml, &n, path, (size_t)1 << 20, err);
    if (status) return status;
    udy__text_puts(&r->body,
                   "<details><summary>Every setting (run.yaml)</summary>\n<pre tabindex=\"0\">");
    udy__html_add(&r->body, yaml);
    udy__text_puts(&r->body, "</pre></details>\n");
    udy_free(yaml);
    return UDY_OK;
}
