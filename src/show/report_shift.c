// Sentences under the figures of a measured shift: where the states of each policy differ from the
// expert's, when, and what becomes of it. The expert on other seeds is the yardstick in each.
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "show/report.h"

#define PERCENT(share) NUMBER(100 * (share), 0)

// Begin a paragraph with what the figure shows; true where there is somebody to speak of.
static bool begin(udy__report *r, const char *what, const udy_shift_policy **subjects, int *n) {
    udy__paragraph_begin(&r->body);
    udy__html_say(&r->body, "%s", what);
    *n = udy__subjects(r, subjects);
    return *n > 0;
}

static void end(udy__report *r) {
    udy__paragraph_end(&r->body);
}

// What stands before item i of n in "a; b; c.", and after the last.
static const char *between(int i) {
    return i == 0 ? " " : "; ";
}

//------------------------------------------ Distributions -----------------------------------------

// Columns 0 and 1 of a shift are torso height and forward speed.
static void say_column(udy__report *r, int column, const char *what, const udy_shift_policy **s,
                       int n) {
    const udy_shift *shift = r->shift;
    const udy_shift_policy *null = udy__null_of(r);
    if (column >= shift->n_columns || !null->columns) return;
    udy__html_say(&r->body, " %s lies from the expert's (Wasserstein distance, in %s):", what,
                  shift->column_unit[column]);
    for (int i = 0; i < n; i++) {
        const udy_measure *w = &s[i]->columns[column].wasserstein;
        udy__html_say(&r->body, "%s%s: %s (%s)", between(i), TITLE(r, s[i]), NUMBER(w->value, -1),
                      P_VALUE(w->p));
    }
    udy__html_say(&r->body, "; the expert on other seeds: %s.",
                  NUMBER(null->columns[column].wasserstein.value, -1));
}

void udy__text_states(udy__report *r) {
    const udy_shift_policy *s[UDY__SUBJECTS_MAX];
    int n;
    if (begin(r,
              "How often a policy's torso is at a height, and how fast it goes, over all its "
              "steps; the expert on other seeds shows what chance alone makes different.",
              s, &n)) {
        say_column(r, 0, "How far the height", s, n);
        say_column(r, 1, "How far the speed", s, n);
    }
    end(r);
}

void udy__text_map(udy__report *r) {
    const udy_shift_policy *s[UDY__SUBJECTS_MAX];
    const udy_shift_policy *null = udy__null_of(r);
    int n;
    bool any = begin(r,
                     "Every state, flattened to the two directions in which the expert's states "
                     "vary most.",
                     s, &n);
    if (any)
        udy__html_say(&r->body, " The two hold %s %% of their variance.",
                      PERCENT(r->shift->map_share[0] + r->shift->map_share[1]));
    for (int i = 0; i < n; i++) {
        const udy_measure *e = &s[i]->joint.energy;
        udy__html_say(&r->body, "%s%s: energy distance %s over all dimensions (%s)", between(i),
                      TITLE(r, s[i]), NUMBER(e->value, -1), P_VALUE(e->p));
        if (s[i]->has_classifier)
            udy__html_say(&r->body, ", told from the expert with an AUC of %s",
                          NUMBER(s[i]->classifier.auc.value, 2));
    }
    if (any) {
        udy__html_say(&r->body, "; the expert on other seeds: %s",
                      NUMBER(null->joint.energy.value, -1));
        if (null->has_classifier)
            udy__html_say(&r->body, ", AUC %s (0.5 is a coin's)",
                          NUMBER(null->classifier.auc.value, 2));
        udy__html_say(&r->body, ".");
    }
    end(r);
}

typedef struct top {
    int column;
    double size;
} top;

// The columns in which a policy is farthest from the expert, in standard deviations.
static int farthest(const udy_shift *shift, const udy_shift_policy *p, top out[3]) {
    int n = 0;
    for (int c = 0; c < shift->n_columns; c++) {
        top now = {c, shift->column_std[c] > 0
                          ? p->columns[c].wasserstein.value / shift->column_std[c]
                          : 0};
        for (int k = 0; k < 3; k++) {
            if (k < n && out[k].size >= now.size) continue;
            top pushed = k < n ? out[k] : (top){-1, 0};
            out[k] = now;
            now = pushed;
            if (k == n) n++;
            if (now.column < 0) break;
        }
    }
    return n;
}

void udy__text_dimensions(udy__report *r) {
    const udy_shift_policy *s[UDY__SUBJECTS_MAX];
    const udy_shift_policy *null = udy__null_of(r);
    int n;
    bool any = begin(r,
                     "The same distance for every observation, in standard deviations of the "
                     "demonstrations, so that metres and radians compare.",
                     s, &n);
    for (int i = 0; any && i < n; i++) {
        top tops[3];
        int k = farthest(r->shift, s[i], tops);
        udy__html_say(&r->body, " %s is farthest in", TITLE(r, s[i]));
        for (int t = 0; t < k; t++)
            udy__html_say(&r->body, "%s %s (%s)", t ? "," : "",
                          r->shift->column_name[tops[t].column], NUMBER(tops[t].size, 2));
        udy__html_say(&r->body, ".");
    }
    top tops[3];
    if (any && null->columns && farthest(r->shift, null, tops) > 0)
        udy__html_say(&r->body,
                      " Between two sets of the expert's own episodes no distance is above %s.",
                      NUMBER(tops[0].size, 2));
    end(r);
}

//------------------------------------------ In time -----------------------------------------------

// The last window in which at least half of the episodes still go on; -1: none.
static int last_common(const udy_shift_policy *p) {
    int found = -1;
    for (int i = 0; i < p->n_windows; i++)
        if (2 * p->windows[i].n >= p->n) found = i;
    return found;
}

void udy__text_traces(udy__report *r) {
    const udy_shift_policy *s[UDY__SUBJECTS_MAX];
    const udy_shift_policy *null = udy__null_of(r);
    int n;
    bool any = begin(r,
                     "Height and speed as the episode goes on: the line is the median over the "
                     "episodes that still run, the band holds 80 % of them.",
                     s, &n);
    for (int i = 0; any && i < n; i++) {
        int at = last_common(s[i]);
        if (at < 0) continue;
        const udy_shift_window *w = &s[i]->windows[at];
        udy__html_say(
            &r->body,
            " After %s s, when %d of its %d episodes still run, the median of %s is %s m/s at %s m",
            NUMBER(w->first * r->shift->dt, 1), w->n, s[i]->n, TITLE(r, s[i]),
            NUMBER(w->speed[1], 2), NUMBER(w->height[1], 2));
        if (at < null->n_windows)
            udy__html_say(&r->body, ", the expert's %s m/s at %s m.",
                          NUMBER(null->windows[at].speed[1], 2),
                          NUMBER(null->windows[at].height[1], 2));
        else
            udy__html_say(&r->body, ".");
    }
    end(r);
}

void udy__text_divergence(udy__report *r) {
    const udy_shift_policy *s[UDY__SUBJECTS_MAX];
    int n;
    bool any =
        begin(r,
              "When the states part from the expert's: energy distance to the expert at the "
              "same time, distance to the nearest demonstrated state, and how far the action "
              "is from the expert's label.",
              s, &n);
    for (int i = 0; any && i < n; i++) {
        const udy_shift_policy *p = s[i];
        int at = last_common(p);
        if (p->n_windows < 1) continue;
        udy__html_say(&r->body, " %s is %s standard deviations from the demonstrations at first",
                      TITLE(r, p), NUMBER(p->windows[0].distance.value, 1));
        if (at > 0)
            udy__html_say(&r->body, " and %s after %s s", NUMBER(p->windows[at].distance.value, 1),
                          NUMBER(p->windows[at].first * r->shift->dt, 1));
        udy__html_say(&r->body,
                      " (unlike the expert at some time: %s); its squared error is %s on its own "
                      "states and %s on the expert's.",
                      P_VALUE(p->p_anywhere), NUMBER(p->error_own.value, -1),
                      NUMBER(p->error_expert.value, -1));
    }
    if (any) udy__html_say(&r->body, " The gap between the two errors is the shift.");
    end(r);
}

void udy__text_rounds(udy__report *r) {
    const udy_shift_policy *bc = udy__policy_named(r, "bc");
    const udy_shift_policy *first = udy__policy_named(r, "dagger-0"), *last = NULL;
    char name[32];
    udy__paragraph_begin(&r->body);
    udy__html_say(&r->body,
                  "What DAgger's labels change, round by round: how far the learner's states are "
                  "from the demonstrations, and how well it knows what to do in them.");
    for (int i = 1; i < UDY_SHIFT_SUBJECTS_MAX; i++) {
        snprintf(name, sizeof name, "dagger-%d", i);
        const udy_shift_policy *p = udy__policy_named(r, name);
        if (p) last = p;
    }
    if (first && last)
        udy__html_say(
            &r->body,
            " From round 0 to %s the squared error on its own states goes from %s to %s, and the "
            "share of states farther out than 95 %% of the expert's from %s to %s %%.",
            TITLE(r, last), NUMBER(first->error_own.value, -1), NUMBER(last->error_own.value, -1),
            PERCENT(first->far), PERCENT(last->far));
    if (bc)
        udy__html_say(&r->body, " %s has %s and %s %%.", TITLE(r, bc),
                      NUMBER(bc->error_own.value, -1), PERCENT(bc->far));
    udy__paragraph_end(&r->body);
}

//------------------------------------------ What becomes of it ------------------------------------

void udy__text_compounding(udy__report *r) {
    const udy_shift_policy *s[UDY__SUBJECTS_MAX];
    int n;
    bool any =
        begin(r,
              "The return lost to the expert up to a horizon T, both axes logarithmic, so "
              "that a cost of c T^k is a line of slope k. The theory bounds k: at most 2 for "
              "behavioural cloning, about 1 for DAgger.",
              s, &n);
    for (int i = 0; any && i < n; i++) {
        const udy_exponent *e = &s[i]->exponent;
        udy__html_say(&r->body, "%s%s: ", between(i), TITLE(r, s[i]));
        if (e->status == UDY_FIT_NONE)
            udy__html_say(&r->body, "no power law (%s)", e->words[0] ? e->words : "no cost to fit");
        else if (e->has_ci)
            udy__html_say(&r->body, "k = %s (95 %% interval %s to %s)%s%s", NUMBER(e->k, 2),
                          NUMBER(e->ci[0], 2), NUMBER(e->ci[1], 2), e->words[0] ? ", " : "",
                          e->words);
        else
            udy__html_say(&r->body, "k = %s (%s)", NUMBER(e->k, 2), e->words);
    }
    if (any) udy__html_say(&r->body, ".");
    end(r);
}

// The mean distance at the first and the last step before a fall.
static void say_last_second(udy__report *r, const udy_shift_policy *p) {
    if (p->n_before < 2) return;
    const udy_shift_before *from = &p->before[0], *to = &p->before[p->n_before - 1];
    udy__html_say(&r->body,
                  " In the %s s before one, %s goes from %s to %s standard deviations away from "
                  "the demonstrations, its error from %s to %s.",
                  NUMBER((to->t - from->t) * r->shift->dt, 1), TITLE(r, p),
                  NUMBER(from->distance, 2), NUMBER(to->distance, 2), NUMBER(from->error, -1),
                  NUMBER(to->error, -1));
}

void udy__text_falls(udy__report *r) {
    const udy_shift_policy *s[UDY__SUBJECTS_MAX], *most = NULL;
    const udy_shift_policy *null = udy__null_of(r);
    int n;
    bool any = begin(r,
                     "The share of episodes still running after a time (Kaplan and Meier), with "
                     "95 % intervals; and the mean of what led up to an end.",
                     s, &n);
    for (int i = 0; any && i < n; i++) {
        udy__html_say(&r->body, "%s%s ends early in %d of %d episodes", between(i), TITLE(r, s[i]),
                      s[i]->falls, s[i]->n);
        if (!most || s[i]->falls > most->falls) most = s[i];
    }
    if (any) udy__html_say(&r->body, "; the expert in %d of %d.", null->falls, null->n);
    if (most && most->falls > 0)
        say_last_second(r, most);
    else if (any)
        udy__html_say(&r->body, " Nobody fell, so there is no last second to show.");
    end(r);
}

void udy__text_pushes(udy__report *r) {
    const udy_shift_policy *s[UDY__SUBJECTS_MAX];
    const udy_shift_policy *null = udy__null_of(r);
    int n;
    bool any = begin(r,
                     "Each policy is put into states of the expert and its torso pushed sideways: "
                     "how often it is back among the demonstrated states in time, and how soon.",
                     s, &n);
    if (any && null->n_push == 0) udy__html_say(&r->body, " This run measured no pushes.");
    for (int k = 0; any && k < null->n_push; k++) {
        if (k != 0 && k != null->n_push - 1) continue;  // the lightest and the hardest
        udy__html_say(&r->body, " From a push of %s m/s come back: the expert in %d of %d",
                      NUMBER(null->push[k].speed, 1), null->push[k].back, null->push[k].n);
        for (int i = 0; i < n; i++)
            if (k < s[i]->n_push)
                udy__html_say(&r->body, ", %s in %d", TITLE(r, s[i]), s[i]->push[k].back);
        udy__html_say(&r->body, ".");
    }
    end(r);
}
