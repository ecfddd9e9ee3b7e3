// What a sweep found, as text: the share of the expert's return by method, training and
// demonstrations, and what the target costs in labels. Plain for a terminal, or Markdown for a
// page.
#include <math.h>
#include <string.h>

#include "show/figure.h"

enum { CELL = 48 };

void udy__sweep_line_name(char out[64], const udy_sweep *sweep, int method, int training) {
    const char *name = method == UDY_SWEEP_BC ? "BC" : "DAgger";
    if (training == UDY_SWEEP_TUTORIAL)
        udy__format(out, 64, "%s, %d epoch%s", name, sweep->epochs, sweep->epochs > 1 ? "s" : "");
    else
        udy__format(out, 64, "%s, converged", name);
}

// Whole percent; "-0" is 0.
static double percent(double share) {
    return round(100 * share) + 0.0;
}

// "51 %", with "(44 to 57)" where there is room.
static void format_share(char out[CELL], const udy_sweep_point *p, bool interval) {
    if (!p || !isfinite(p->share.value)) {
        udy__format(out, CELL, "-");
        return;
    }
    if (interval && isfinite(p->share.ci[0]) && isfinite(p->share.ci[1]))
        udy__format(out, CELL, "%.0f %% (%.0f to %.0f)", percent(p->share.value),
                    percent(p->share.ci[0]), percent(p->share.ci[1]));
    else
        udy__format(out, CELL, "%.0f %%", percent(p->share.value));
}

static void format_end(char out[32], double labels) {
    if (isfinite(labels))
        udy__format_short(out, labels);
    else
        udy__format(out, 32, "more than tried");
}

static void format_need(char out[96], const udy_sweep_need *n) {
    char labels[32], low[32], high[32];
    if (!n || isnan(n->labels)) {
        udy__format(out, 96, "-");
        return;
    }
    if (!isfinite(n->labels)) {
        udy__format(out, 96, "not reached");
        return;
    }
    udy__format_short(labels, n->labels);
    if (n->at_most) {
        udy__format(out, 96, "at most %s", labels);
        return;
    }
    format_end(low, n->ci[0]);
    format_end(high, n->ci[1]);
    udy__format(out, 96, "%s (%s to %s)", labels, low, high);
}

static const udy_sweep_need *find_need(const udy_sweep *s, int expert, int method, int training) {
    for (int i = 0; i < s->n_needs; i++)
        if (s->needs[i].expert == expert && s->needs[i].method == method &&
            s->needs[i].training == training)
            return &s->needs[i];
    return NULL;
}

static void end_line(udy__text *text) {
    while (text->n && text->p[text->n - 1] == ' ') text->p[--text->n] = '\0';
    udy__script_add(text, "\n");
}

// A label may come from a file's name: plain ASCII, and no bar in a Markdown table.
static void add_label(udy__text *text, const char *label) {
    for (; *label; label++)
        udy__script_add(text, "%c", *label < ' ' || *label > '~' || *label == '|' ? '?' : *label);
}

static void add_line(udy__text *text, const udy_sweep *s, int expert, int method, int training,
                     bool markdown) {
    char name[64], cell[CELL], need[96];
    udy__sweep_line_name(name, s, method, training);
    if (markdown) {
        udy__script_add(text, "| ");
        add_label(text, s->experts[expert].label);
    }
    udy__script_add(text, markdown ? " | %s" : "  %-20s", name);
    for (int d = 0; d < s->demos.n; d++) {
        format_share(cell, udy_sweep_point_at(s, expert, method, training, s->demos.v[d]),
                     markdown);
        udy__script_add(text, markdown ? " | %s" : " %6s", cell);
    }
    format_need(need, find_need(s, expert, method, training));
    udy__script_add(text, markdown ? " | %s |" : "   %s", need);
    end_line(text);
}

static void add_head(udy__text *text, const udy_sweep *s, bool markdown) {
    if (!markdown) {
        udy__script_add(text,
                        "Return as a share of the expert's, mean over %d seed%s of %d episodes\n\n",
                        s->seeds, s->seeds > 1 ? "s" : "", s->eval_episodes);
        udy__script_add(text, "%-22s", "Demonstrations");
    } else {
        udy__script_add(text, "| Expert | Method");
    }
    for (int d = 0; d < s->demos.n; d++)
        udy__script_add(text, markdown ? " | %d" : " %6d", s->demos.v[d]);
    udy__script_add(text, markdown ? " | Labels for %.0f %% |\n" : "   Labels for %.0f %%\n",
                    100 * s->target);
    if (!markdown) return;
    udy__script_add(text, "|---|---");
    for (int d = 0; d < s->demos.n; d++) udy__script_add(text, "|---:");
    udy__script_add(text, "|---:|\n");
}

char *udy_sweep_table(const udy_sweep *sweep, bool markdown) {
    if (!sweep || sweep->n_experts < 1) return NULL;
    udy__text text = {0};
    add_head(&text, sweep, markdown);
    for (int e = 0; e < sweep->n_experts; e++) {
        const udy_sweep_teacher *t = &sweep->experts[e];
        if (!markdown) {
            add_label(&text, t->label);
            udy__script_add(&text, " (mean return %.0f, %d falls in %d episodes)\n", t->mean,
                            t->falls, t->n);
        }
        for (int m = 0; m < UDY_SWEEP_METHODS; m++)
            for (int k = 0; k < UDY_SWEEP_TRAININGS; k++) add_line(&text, sweep, e, m, k, markdown);
    }
    udy__script_add(
        &text, markdown ? "\nIn brackets: 95 %% intervals, by bootstrap over seeds and episodes."
                        : "\nLabels in brackets: 95 %% interval, by bootstrap over seeds and "
                          "episodes.");
    if (markdown && isfinite(sweep->seconds) && isfinite(sweep->cell_seconds))
        udy__script_add(&text, " The sweep took %.1f minutes; the cells' own times add up to %.1f.",
                        sweep->seconds / 60, sweep->cell_seconds / 60);
    udy__script_add(&text, "\n");
    return udy__text_take(&text);
}
