// Who is who in a report: rows of the results and policies of the shift by name, what sentences call
// them, which colour they have.
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "show/report.h"

const udy_result_row *udy__row_named(const udy__report *r, const char *name) {
    for (int i = 0; i < r->results->n_rows; i++)
        if (!strcmp(r->results->rows[i].name, name)) return &r->results->rows[i];
    return NULL;
}

static const udy_shift_policy *policy_of(const udy_shift *shift, const char *name) {
    for (int i = 0; shift && i < shift->n; i++)
        if (!strcmp(shift->policies[i].name, name)) return &shift->policies[i];
    return NULL;
}

static void best_name(const udy__report *r, char out[32]) {
    snprintf(out, 32, "dagger-%d", r->results->dagger_best);
}

const udy_shift_policy *udy__policy_named(const udy__report *r, const char *name) {
    const udy_shift_policy *policy = policy_of(r->shift, name);
    if (policy || strcmp(name, "dagger-best") != 0 || !udy__row_named(r, "dagger-best"))
        return policy;
    char best[32];
    best_name(r, best);
    return policy_of(r->shift, best);
}

const udy_shift_policy *udy__null_of(const udy__report *r) {
    return r->shift && r->shift->n > 0 ? &r->shift->policies[0] : NULL;
}

int udy__subjects(const udy__report *r, const udy_shift_policy *out[UDY__SUBJECTS_MAX]) {
    static const char *const names[] = {"bc", "dagger-0", "dagger-best"};
    int n = 0;
    for (int i = 0; i < UDY__SUBJECTS_MAX; i++) {
        const udy_shift_policy *policy = udy__policy_named(r, names[i]);
        bool again = n > 0 && out[n - 1] == policy;  // round 0 may be the best
        if (policy && !policy->brief && !again) out[n++] = policy;
    }
    if (n > 0) return n;
    for (int i = 1; r->shift && i < r->shift->n && n < UDY__SUBJECTS_MAX; i++)
        if (!r->shift->policies[i].brief) out[n++] = &r->shift->policies[i];
    return n;
}

//------------------------------------------ Names -------------------------------------------------

static bool is_null(const udy__report *r, const char *name) {
    const udy_shift_policy *null = udy__null_of(r);
    return null && !strcmp(null->name, name);
}

const char *udy__title_of(const udy__report *r, const char *name, const char *label,
                          char out[UDY__WORD]) {
    int round = 0;
    udy__row_kind kind = udy__kind_of_name(name, &round);
    bool is_best = kind == UDY__ROW_BEST;
    if (is_best) round = r->results->dagger_best;
    if (kind == UDY__ROW_EXPERT || (kind == UDY__ROW_OTHER && is_null(r, name)))
        snprintf(out, UDY__WORD, "the expert");
    else if (kind == UDY__ROW_BC && r->settings)
        snprintf(out, UDY__WORD, "BC from %d episode%s", r->settings->demo_episodes,
                 r->settings->demo_episodes == 1 ? "" : "s");
    else if (kind == UDY__ROW_ROUND && round == 0 && r->settings)
        snprintf(out, UDY__WORD, "BC from %d episode%s", r->settings->dagger.initial_episodes,
                 r->settings->dagger.initial_episodes == 1 ? "" : "s");
    else if (kind == UDY__ROW_ROUND || is_best)
        snprintf(out, UDY__WORD, "DAgger round %d%s", round, is_best ? " (its best)" : "");
    else
        snprintf(out, UDY__WORD, "%.60s", label);
    return out;
}

const char *udy__colour_of(const udy__report *r, const char *name) {
    int round = 0;
    switch (udy__kind_of_name(name, &round)) {
        case UDY__ROW_EXPERT: return "expert";
        case UDY__ROW_RANDOM: return "random";
        case UDY__ROW_BC: return "bc";
        case UDY__ROW_BEST: return "dagger";
        case UDY__ROW_ROUND:
            if (round == 0) return "few";
            return round == r->results->dagger_best ? "dagger" : "other";
        default: return is_null(r, name) ? "expert" : "other";
    }
}

int udy__return_decimals(const udy__report *r) {
    double largest = 0;
    for (int i = 0; i < r->results->n_rows; i++)
        if (isfinite(r->results->rows[i].mean))
            largest = fmax(largest, fabs(r->results->rows[i].mean));
    return largest >= 100 ? 0 : largest >= 10 ? 1 : 2;
}
