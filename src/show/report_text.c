// Sentences under the figures of an experiment's results: what is drawn, what this run measured, and
// which way it came out.
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "show/report.h"

#define RETURN(r, value) NUMBER(value, udy__return_decimals(r))
#define PERCENT(share) NUMBER(100 * (share), 0)

// A share of a negative return would grow as the policy gets worse.
static double share_of(const udy__report *r, const udy_result_row *row) {
    return r->results->expert_mean > 0 ? row->share : NAN;
}

//------------------------------------------ Loss --------------------------------------------------

double udy__late_gain(const udy_results *r) {
    int tenth = r->n_epochs / 10;
    double late = 0, before = 0;
    if (tenth < 1) return NAN;
    for (int i = 0; i < tenth; i++) {
        late += r->val_loss[r->n_epochs - 1 - i];
        before += r->val_loss[r->n_epochs - 1 - tenth - i];
    }
    return before > 0 ? 1 - late / before : NAN;
}

static void say_convergence(udy__report *r) {
    double gain = udy__late_gain(r->results);
    if (!isfinite(gain)) return;
    if (gain > UDY__SETTLED)
        udy__html_say(&r->body,
                      " Over the last tenth of the epochs the held-out loss still %s: "
                      "training was not finished, and part of any gap may be that.",
                      CHANGE(gain));
    else
        udy__html_say(&r->body,
                      " Over the last tenth of the epochs the held-out loss %s only: "
                      "more of the same training would not close a gap.",
                      CHANGE(gain));
}

void udy__text_loss(udy__report *r) {
    const udy_results *res = r->results;
    const udy_result_row *bc = udy__row_named(r, "bc");
    udy__paragraph_begin(&r->body);
    udy__html_say(
        &r->body,
        "The mean squared error between the clone's action and the expert's, by epoch. After %d "
        "epochs it is %s on the demonstrations",
        res->n_epochs, NUMBER(res->n_epochs ? res->train_loss[res->n_epochs - 1] : NAN, -1));
    int best = res->best_epoch;
    if (best >= 1 && best <= res->n_epochs && isfinite(res->val_loss[best - 1])) {
        udy__html_say(&r->body,
                      "; on expert episodes that were held out it is least in epoch %d, at %s.",
                      best, NUMBER(res->val_loss[best - 1], -1));
        say_convergence(r);
    } else {
        udy__html_say(&r->body, "; no episodes were held out.");
    }
    udy__paragraph_end(&r->body);
    if (!bc) return;
    udy__paragraph_begin(&r->body);
    udy__html_say(&r->body,
                  "Both losses are measured on states that the expert visits, and say nothing "
                  "about the states that the clone gets itself into. With this loss it earns %s %% "
                  "of the expert's return.",
                  PERCENT(share_of(r, bc)));
    udy__paragraph_end(&r->body);
}

//------------------------------------------ Rounds ------------------------------------------------

// DAgger's rounds in their order, as the selection episodes saw them.
static const udy_result_row *round_at(const udy__report *r, int round) {
    char name[32];
    snprintf(name, sizeof name, "dagger-%d", round);
    return udy__row_named(r, name);
}

static int first_round_reaching(const udy__report *r, double mean) {
    for (int i = 0; round_at(r, i); i++)
        if (round_at(r, i)->mean >= mean) return i;
    return -1;
}

void udy__text_dagger(udy__report *r) {
    const udy_result_row *first = round_at(r, 0), *best = udy__row_named(r, "dagger-best");
    const udy_result_row *bc = udy__row_named(r, "bc");
    if (!first || !best) return;
    udy__paragraph_begin(&r->body);
    udy__html_say(
        &r->body,
        "In each round the learner drives, the expert labels every state it got into, and a new "
        "policy is trained on all labels so far. Round 0, cloned from %s expert labels, returns "
        "%s; the best round, %d, returned %s on the episodes that chose it and %s on fresh ones: "
        "%s %% of the expert.",
        NUMBER((double)first->labels, 0), RETURN(r, first->mean), r->results->dagger_best,
        RETURN(r, round_at(r, r->results->dagger_best) ? round_at(r, r->results->dagger_best)->mean
                                                       : NAN),
        RETURN(r, best->mean), PERCENT(share_of(r, best)));
    udy__paragraph_end(&r->body);
    int passed = bc ? first_round_reaching(r, bc->mean) : -1;
    if (!bc) return;
    udy__paragraph_begin(&r->body);
    if (passed < 0)
        udy__html_say(&r->body, "No round does better than %s, which returns %s from %s labels.",
                      TITLE(r, bc), RETURN(r, bc->mean), NUMBER((double)bc->labels, 0));
    else
        udy__html_say(&r->body,
                      "%s returns %s from %s labels; DAgger is past that in round %d, with %s.",
                      TITLE(r, bc), RETURN(r, bc->mean), NUMBER((double)bc->labels, 0), passed,
                      NUMBER((double)round_at(r, passed)->labels, 0));
    udy__paragraph_end(&r->body);
}

//------------------------------------------ Returns -----------------------------------------------

static void say_ends(udy__report *r, const udy_result_row *row) {
    udy__html_say(&r->body, "%s: %s (95 %% interval %s to %s)", TITLE(r, row), RETURN(r, row->mean),
                  RETURN(r, row->ci95[0]), RETURN(r, row->ci95[1]));
    if (row->falls == 0)
        udy__html_say(&r->body, ", none of %d episodes cut short", row->n);
    else if (row->too_low + row->too_high > 0)
        udy__html_say(&r->body,
                      ", %d of %d episodes cut short (body too low in %d, too high in %d)",
                      row->falls, row->n, row->too_low, row->too_high);
    else
        udy__html_say(&r->body, ", %d of %d episodes cut short", row->falls, row->n);
}

void udy__text_returns(udy__report *r) {
    static const char *const names[] = {"bc", "dagger-0", "dagger-best", "expert"};
    udy__paragraph_begin(&r->body);
    udy__html_say(&r->body,
                  "Every episode is a dot; the box holds the middle half. A mean alone hides "
                  "whether a policy is slow or runs well and sometimes falls. ");
    bool any = false;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        const udy_result_row *row = udy__row_named(r, names[i]);
        if (!row) continue;
        udy__html_say(&r->body, "%s", any ? "; " : "");
        say_ends(r, row);
        any = true;
    }
    udy__html_say(&r->body, ".");
    udy__paragraph_end(&r->body);
}

//------------------------------------------ Labels ------------------------------------------------

// The fewest labels with which a row of BC or of DAgger's rounds reaches a mean. NULL: none does.
static const udy_result_row *cheapest(const udy__report *r, double mean) {
    const udy_result_row *found = NULL;
    for (int i = 0; i < r->results->n_rows; i++) {
        const udy_result_row *row = &r->results->rows[i];
        int round;
        udy__row_kind kind = udy__row_kind_of(row, &round);
        if (kind != UDY__ROW_BC && kind != UDY__ROW_ROUND) continue;
        if (row->mean >= mean && (!found || row->labels < found->labels)) found = row;
    }
    return found;
}

void udy__text_labels(udy__report *r) {
    const udy_result_row *bc = udy__row_named(r, "bc");
    double goal = 0.9 * r->results->expert_mean;
    const udy_result_row *enough = goal > 0 ? cheapest(r, goal) : NULL;
    udy__paragraph_begin(&r->body);
    udy__html_say(&r->body,
                  "What a return costs in labels of the expert, on one axis for both ways of "
                  "spending them.");
    if (bc) {
        const udy_result_row *as_good = cheapest(r, bc->mean);
        udy__html_say(&r->body, " %s takes %s labels for %s", TITLE(r, bc),
                      NUMBER((double)bc->labels, 0), RETURN(r, bc->mean));
        if (as_good && as_good != bc)
            udy__html_say(&r->body, "; %s has as much from %s, %s %% of them.", TITLE(r, as_good),
                          NUMBER((double)as_good->labels, 0),
                          PERCENT((double)as_good->labels / (double)bc->labels));
        else
            udy__html_say(&r->body, "; no round of DAgger has as much from fewer.");
    }
    if (enough)
        udy__html_say(&r->body, " 90 %% of the expert (%s) is first reached with %s labels, by %s.",
                      RETURN(r, goal), NUMBER((double)enough->labels, 0), TITLE(r, enough));
    else if (goal > 0)
        udy__html_say(&r->body, " 90 %% of the expert (%s) is reached by neither in this run.",
                      RETURN(r, goal));
    udy__paragraph_end(&r->body);
}

//------------------------------------------ In short ----------------------------------------------

static void say_gap(udy__report *r) {
    const udy_shift_policy *subjects[UDY__SUBJECTS_MAX];
    int n = udy__subjects(r, subjects), worst = 0;
    for (int i = 1; i < n; i++)
        if (subjects[i]->error_own.value > subjects[worst]->error_own.value) worst = i;
    if (n == 0 || !(subjects[worst]->error_expert.value > 0)) return;
    const udy_shift_policy *p = subjects[worst];
    double ratio = p->error_own.value / p->error_expert.value;
    udy__html_say(
        &r->body,
        " On states that the expert visits, %s misses its action by %s (mean square); on the "
        "states it gets into itself by %s: ",
        TITLE(r, p), NUMBER(p->error_expert.value, -1), NUMBER(p->error_own.value, -1));
    if (ratio >= 1.5)
        udy__html_say(&r->body, "%s times as much. That difference is the distribution shift.",
                      NUMBER(ratio, ratio < 10 ? 1 : 0));
    else
        udy__html_say(&r->body, "%s times as much, so little shift is to be seen in this run.",
                      NUMBER(ratio, 2));
}

// "from 50 episodes" of "BC from 50 episodes".
static const char *after_bc(const char *title) {
    return strncmp(title, "BC ", 3) == 0 ? title + 3 : title;
}

void udy__report_lead(udy__report *r) {
    const udy_result_row *bc = udy__row_named(r, "bc"), *few = udy__row_named(r, "dagger-0");
    const udy_result_row *best = udy__row_named(r, "dagger-best");
    udy__text_puts(&r->body, "<p class=\"lead\">");
    udy__html_say(&r->body, "An expert that returns %s was imitated in two ways.",
                  RETURN(r, r->results->expert_mean));
    if (bc)
        udy__html_say(&r->body,
                      " Behavioural cloning, %s, reaches %s %% of that, and %d of %d episodes end "
                      "early",
                      after_bc(TITLE(r, bc)), PERCENT(share_of(r, bc)), bc->falls, bc->n);
    if (bc && few)
        udy__html_say(&r->body, "; %s it reaches %s %%", after_bc(TITLE(r, few)),
                      PERCENT(share_of(r, few)));
    if (bc) udy__html_say(&r->body, ".");
    if (best)
        udy__html_say(&r->body,
                      " DAgger, which starts from those few and has the expert label the learner's "
                      "own states, reaches %s %% in its best round.",
                      PERCENT(share_of(r, best)));
    say_gap(r);
    udy__text_puts(&r->body, "</p>\n");
}
