// figures.c: the figures of a folder's results, for commands that end with them. What keeps one from
// being drawn, a missing gnuplot say, costs the picture and not the numbers.
#include <string.h>

#include "cli.h"

// The folder for figures; false: it cannot be made.
static bool figures_dir(char dir[UDY_PATH_MAX], const char *out, udy_error *first) {
    return !udy_path_format(dir, first, "%s/figures", out) && !udy_dir_make(dir, first);
}

static void note(udy_error *first, const udy_error *err) {
    if (err->code && !first->code) *first = *err;
}

void cli_draw_results(const char *out, const udy_results *results, udy_error *first) {
    char dir[UDY_PATH_MAX];
    udy_error err[3] = {0};
    if (!figures_dir(dir, out, first)) return;
    if (udy_figure_loss(dir, "Behavioural cloning: loss", results->train_loss, results->val_loss,
                        results->n_epochs, results->best_epoch, &err[0]))
        note(first, &err[0]);
    if (udy_figure_dagger(dir, results, &err[1])) note(first, &err[1]);
    if (udy_figure_returns(dir, results, &err[2])) note(first, &err[2]);
}

typedef int (*figure_fn)(const char *dir, const udy_shift *shift, udy_error *err);
static const figure_fn shift_figures[] = {
    udy_figure_states,     udy_figure_traces,      udy_figure_map,   udy_figure_divergence,
    udy_figure_dimensions, udy_figure_compounding, udy_figure_falls, udy_figure_pushes};

static bool has_rounds(const udy_shift *shift) {
    for (int i = 0; i < shift->n; i++)
        if (!strncmp(shift->policies[i].name, "dagger-", 7)) return true;
    return false;
}

void cli_draw_shift(const char *out, const udy_shift *shift, const udy_results *results,
                    udy_error *first) {
    char dir[UDY_PATH_MAX];
    udy_error err = {0};
    if (!figures_dir(dir, out, first)) return;
    for (size_t i = 0; i < sizeof shift_figures / sizeof *shift_figures; i++) {
        err = (udy_error){0};
        if (shift_figures[i](dir, shift, &err)) note(first, &err);
    }
    if (has_rounds(shift) && udy_figure_rounds(dir, shift, &err)) note(first, &err);
    if (results && udy_figure_labels(dir, results, &err)) note(first, &err);
}
