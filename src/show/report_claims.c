// The tutorial's claims, each held against this run: what it says, what was measured, and whether that
// confirms it. Which way it comes out is decided here, by numbers and their intervals.
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "show/report.h"

typedef enum { HOLDS, CORRECTED, OPEN } verdict;

static void begin(udy__report *r, verdict v, const char *word, const char *claim) {
    static const char *const classes[] = {"holds", "corrected", "open"};
    udy__script_add(&r->body, "<li><span class=\"verdict %s\">", classes[v]);
    udy__html_add(&r->body, word);
    udy__text_puts(&r->body, "</span>\n<p class=\"says\">");
    udy__html_add(&r->body, claim);
    udy__text_puts(&r->body, "</p>\n<p>");
}

static void end(udy__report *r) {
    udy__text_puts(&r->body, "</p></li>\n");
}

static void not_measured(udy__report *r, const char *claim, const char *why) {
    begin(r, OPEN, "not measured here", claim);
    udy__html_add(&r->body, why);
    end(r);
}

//------------------------------------------ Shares of the expert ----------------------------------

// A share of the expert's return that the tutorial puts between low and high. Returns whether the claim
// is open for more sentences.
static bool claim_share(udy__report *r, const udy_result_row *row, const char *claim, double low,
                        double high) {
    double expert = r->results->expert_mean;
    if (!row || !(expert > 0)) {
        not_measured(
            r, claim,
            "There is no such policy in this run, or no positive return of the expert to divide "
            "by.");
        return false;
    }
    double share = row->share, from = row->ci95[0] / expert, to = row->ci95[1] / expert;
    bool within = share >= low && share <= high, touches = to >= low && from <= high;
    verdict v = within ? HOLDS : touches ? OPEN : CORRECTED;
    begin(r, v,
          within         ? "confirmed"
          : touches      ? "not decided"
          : share > high ? "corrected: it is more"
                         : "corrected: it is less",
          claim);
    udy__html_say(&r->body, "%s: %s %% of the expert (95 %% interval %s to %s %%), from %s labels.",
                  TITLE(r, row), NUMBER(100 * share, 0), NUMBER(100 * from, 0), NUMBER(100 * to, 0),
                  NUMBER((double)row->labels, 0));
    if (v == OPEN)
        udy__html_say(
            &r->body,
            " The mean lies outside of the claim, its interval does not: more episodes would "
            "decide.");
    return true;
}

static void claim_bc(udy__report *r) {
    const udy_result_row *bc = udy__row_named(r, "bc"), *few = udy__row_named(r, "dagger-0");
    if (!claim_share(r, bc,
                     "Behavioural cloning from 50 episodes gets 50-80 % of the expert's return.",
                     0.5, 0.8))
        return;
    if (r->settings && r->settings->demo_episodes != 50)
        udy__html_say(&r->body, " Note that this run cloned %d, not 50.",
                      r->settings->demo_episodes);
    if (few)
        udy__html_say(&r->body,
                      " The number of demonstrations decides: %s gets %s %%, by the same training.",
                      TITLE(r, few), NUMBER(100 * few->share, 0));
    end(r);
}

static void claim_dagger(udy__report *r) {
    const udy_result_row *best = udy__row_named(r, "dagger-best");
    if (claim_share(r, best, "DAgger gets 70-90 % of the expert's return.", 0.7, 0.9)) end(r);
}

//------------------------------------------ Compounding -------------------------------------------

static void claim_exponent(udy__report *r, const udy_shift_policy *p, const char *claim,
                           double slope) {
    if (!p || p->brief) {
        not_measured(r, claim,
                     "The shift of this policy was not measured (understudy shift --run RUN).");
        return;
    }
    const udy_exponent *e = &p->exponent;
    if (e->status == UDY_FIT_NONE || !e->has_ci) {
        begin(r, OPEN, "cannot be told", claim);
        if (e->status == UDY_FIT_NONE)
            udy__html_say(&r->body, "%s: no power law fits its cost: %s.", TITLE(r, p),
                          e->words[0] ? e->words : "there is none");
        else
            udy__html_say(&r->body, "%s: the cost grows as T to the %s; %s.", TITLE(r, p),
                          NUMBER(e->k, 2), e->words[0] ? e->words : "no interval");
        end(r);
        return;
    }
    bool inside = e->ci[0] <= slope && slope <= e->ci[1], below = e->ci[1] < slope;
    begin(r, inside ? HOLDS : CORRECTED,
          inside  ? "confirmed"
          : below ? "corrected: it grows more slowly"
                  : "corrected: it grows faster",
          claim);
    udy__html_say(&r->body, "%s: the cost grows as T to the %s (95 %% interval %s to %s).",
                  TITLE(r, p), NUMBER(e->k, 2), NUMBER(e->ci[0], 2), NUMBER(e->ci[1], 2));
    if (below) udy__html_say(&r->body, " A bound says how bad it can get, not how bad it is.");
    if (e->words[0]) udy__html_say(&r->body, " (%s)", e->words);
    end(r);
}

// The clone in which the fault shows most: from few demonstrations where there is one.
static const udy_shift_policy *weak_clone(const udy__report *r) {
    const udy_shift_policy *few = udy__policy_named(r, "dagger-0");
    const udy_shift_policy *bc = udy__policy_named(r, "bc");
    if (!few || few->brief) return bc;
    return !bc || few->mean <= bc->mean ? few : bc;
}

//------------------------------------------ Why ---------------------------------------------------

static void claim_shift(udy__report *r) {
    static const char claim[] =
        "The clone fails since its own mistakes lead it to states that were never demonstrated.";
    const udy_shift_policy *p = weak_clone(r), *null = udy__null_of(r);
    if (!p) {
        not_measured(r, claim, "The shift was not measured (understudy shift --run RUN).");
        return;
    }
    bool states = p->joint.energy.p <= 0.05, error = p->error_own.ci[0] > p->error_expert.ci[1];
    bool neither = !states && !error;
    begin(r,
          states && error ? HOLDS
          : neither       ? CORRECTED
                          : OPEN,
          states && error ? "confirmed"
          : neither       ? "corrected: no shift is to be seen"
                          : "in part",
          claim);
    udy__html_say(
        &r->body,
        "%s: its states differ from the expert's by an energy distance of %s (%s; the "
        "expert on other seeds: %s), %s %% of them farther out than 95 %% of the expert's. ",
        TITLE(r, p), NUMBER(p->joint.energy.value, -1), P_VALUE(p->joint.energy.p),
        NUMBER(null->joint.energy.value, -1), NUMBER(100 * p->far, 0));
    udy__html_say(&r->body,
                  "Its squared action error is %s (%s to %s) on its own states, %s (%s to %s) on "
                  "the expert's.",
                  NUMBER(p->error_own.value, -1), NUMBER(p->error_own.ci[0], -1),
                  NUMBER(p->error_own.ci[1], -1), NUMBER(p->error_expert.value, -1),
                  NUMBER(p->error_expert.ci[0], -1), NUMBER(p->error_expert.ci[1], -1));
    end(r);
}

// Shift or undertraining: had the held-out loss of the clone settled?
static void claim_training(udy__report *r) {
    static const char claim[] = "It is shift, and not too little training.";
    const udy_results *res = r->results;
    const udy_result_row *bc = udy__row_named(r, "bc"), *few = udy__row_named(r, "dagger-0");
    double gain = udy__late_gain(res);
    if (!bc || !isfinite(gain)) {
        not_measured(r, claim,
                     "No episodes were held out, or too few epochs were trained, so that there is "
                     "no loss to judge by.");
        return;
    }
    bool settled = gain <= UDY__SETTLED;
    begin(r, settled ? HOLDS : OPEN, settled ? "confirmed" : "not decided", claim);
    udy__html_say(&r->body,
                  "The held-out loss of %s, on the expert's states, %s over the last "
                  "tenth of %d epochs: %s",
                  TITLE(r, bc), CHANGE(gain), res->n_epochs,
                  settled ? "it had settled, and what is missing is not epochs."
                          : "it was still falling, so that some of the gap may be too little "
                            "training (understudy sweep trains on, and tells).");
    if (few && bc->labels > few->labels && few->n > 0)
        udy__html_say(&r->body,
                      " The same training on %s instead of %s labels takes it from %s to %s %% of "
                      "the expert.",
                      NUMBER((double)bc->labels, 0), NUMBER((double)few->labels, 0),
                      NUMBER(100 * few->share, 0), NUMBER(100 * bc->share, 0));
    end(r);
}

static void claim_mended(udy__report *r) {
    static const char claim[] =
        "DAgger mends it: the expert's labels on the learner's own states teach it what to do "
        "there.";
    const udy_shift_policy *before = udy__policy_named(r, "dagger-0");
    const udy_shift_policy *after = udy__policy_named(r, "dagger-best");
    if (!before || !after || before == after) {
        not_measured(
            r, claim,
            before && before == after
                ? "The best round is round 0, before any of its labels."
                : "The shift was not measured before and after DAgger (understudy shift --run "
                  "RUN).");
        return;
    }
    bool less = after->error_own.ci[1] < before->error_own.ci[0];
    bool more = after->error_own.ci[0] > before->error_own.ci[1];
    begin(r,
          less   ? HOLDS
          : more ? CORRECTED
                 : OPEN,
          less   ? "confirmed"
          : more ? "corrected: it does not"
                 : "not decided",
          claim);
    udy__html_say(&r->body,
                  "From %s to %s: squared error on its own states %s (%s to %s) to %s (%s to %s), "
                  "states out of the expert's range %s to %s %%, episodes that end early %d to %d "
                  "of %d.",
                  TITLE(r, before), TITLE(r, after), NUMBER(before->error_own.value, -1),
                  NUMBER(before->error_own.ci[0], -1), NUMBER(before->error_own.ci[1], -1),
                  NUMBER(after->error_own.value, -1), NUMBER(after->error_own.ci[0], -1),
                  NUMBER(after->error_own.ci[1], -1), NUMBER(100 * before->far, 0),
                  NUMBER(100 * after->far, 0), before->falls, after->falls, after->n);
    end(r);
}

static void claim_labels(udy__report *r) {
    static const char claim[] = "DAgger needs fewer labels of the expert for the same return.";
    const udy_result_row *bc = udy__row_named(r, "bc"), *few = udy__row_named(r, "dagger-0");
    const udy_result_row *found = NULL;
    char name[32];
    if (!bc || !few) {
        not_measured(r, claim, "This run has not both of the two.");
        return;
    }
    for (int i = 0; !found; i++) {
        snprintf(name, sizeof name, "dagger-%d", i);
        const udy_result_row *row = udy__row_named(r, name);
        if (!row) break;
        if (row->mean >= bc->mean) found = row;
    }
    bool fewer = found && found->labels < bc->labels;
    // Round 0 is a clone: what it has is none of DAgger's doing.
    if (found == few)
        begin(r, OPEN, "not decided", claim);
    else
        begin(r, fewer ? HOLDS : CORRECTED, fewer ? "confirmed" : "corrected: not in this run",
              claim);
    if (found)
        udy__html_say(&r->body, "%s has the return of %s (%s) with %s labels; that one took %s.",
                      TITLE(r, found), TITLE(r, bc), NUMBER(bc->mean, udy__return_decimals(r)),
                      NUMBER((double)found->labels, 0), NUMBER((double)bc->labels, 0));
    if (found == few)
        udy__html_say(&r->body, " Both are clones, so that nothing was left for DAgger to save.");
    if (!found)
        udy__html_say(&r->body, "No round has the return of %s, %s from %s labels.", TITLE(r, bc),
                      NUMBER(bc->mean, udy__return_decimals(r)), NUMBER((double)bc->labels, 0));
    end(r);
}

void udy__report_claims(udy__report *r) {
    udy__section(r, "claims", "What the tutorial says, and what this run says");
    udy__text_puts(&r->body, "<ul class=\"claims\">\n");
    claim_bc(r);
    claim_dagger(r);
    claim_shift(r);
    claim_training(r);
    claim_exponent(r, weak_clone(r),
                   "A clone's errors compound: its cost grows as the square of the horizon "
                   "(\xCE\xB5T\xC2\xB2).",
                   2);
    claim_exponent(r, udy__policy_named(r, "dagger-best"),
                   "With DAgger the cost grows only as the horizon (\xCE\xB5T).", 1);
    claim_mended(r);
    claim_labels(r);
    udy__text_puts(&r->body, "</ul>\n");
    udy__paragraph_begin(&r->body);
    udy__html_say(
        &r->body,
        "One run with one seed: it says what happened here, and the intervals say how much the "
        "episodes leave open, not what another seed would have given.");
    udy__paragraph_end(&r->body);
}
