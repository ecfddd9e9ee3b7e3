// The loss curve: training and validation loss by epoch on a log scale, the best epoch marked.
// Drawn after behavioural cloning and after an experiment.
#include <math.h>

#include "show/figure.h"

typedef struct curve {
    const double *loss;     // NULL: none
    int n_epochs, n_shown;  // n_shown: finite and positive, what a log scale can show
    double lo, hi;
} curve;

static curve curve_of(const double *loss, int n_epochs) {
    curve c = {.loss = loss, .n_epochs = n_epochs, .lo = INFINITY};
    for (int i = 0; loss && i < n_epochs; i++)
        if (isfinite(loss[i]) && loss[i] > 0) {
            c.n_shown++;
            c.lo = fmin(c.lo, loss[i]);
            c.hi = fmax(c.hi, loss[i]);
        }
    return c;
}

static void write_csv(udy__text *csv, const curve *train, const curve *val, int best_epoch) {
    udy__script_add(csv, "epoch,train_loss,val_loss,best\n");
    for (int i = 0; i < train->n_epochs; i++) {
        udy__script_add(csv, "%d,", i + 1);
        udy__script_add_exact(csv, train->loss[i]);
        udy__script_add(csv, ",");
        if (val->loss) udy__script_add_exact(csv, val->loss[i]);
        udy__script_add(csv, ",%d\n", i + 1 == best_epoch);
    }
}

static void add_curve(udy__text *script, const curve *c, const char *column, const char *title,
                      const char *colour, const char *dash, const char *with) {
    if (c->n_shown)
        udy__script_add(script,
                        "'loss.csv' using 'epoch':'%s' with %s \\\n"
                        "      linecolor rgb '%s' linewidth 2 dashtype %s title '%s'",
                        column, with, colour, dash, title);
}

static void write_script(udy__text *script, const char *title, const curve *train, const curve *val,
                         int best_epoch) {
    int n = train->n_epochs;
    const curve *marked = val->n_shown ? val : train;
    udy__script_begin(script, "loss", title);
    udy__script_add(script,
                    "set bmargin 6.2\nset xlabel 'Epoch' offset 0,0.2\n"
                    "set ylabel 'Loss (mean squared error, log scale)'\n"
                    "set key at screen 0.54, screen 0.02 center bottom horizontal Left \\\n"
                    "  reverse samplen 3\n");
    double room = n > 1 ? 0.015 * n : 0.5;
    udy__script_add(script, "set xrange [%g:%g]\n", 1 - room, n + room);
    udy__script_add_count_axis(script, "x", 1, n, 11, NULL, NULL);
    udy__script_add_log_axis(script, "y", fmin(train->lo, val->lo), fmax(train->hi, val->hi));
    udy__script_begin_plot(script, "loss", 800, 480, 14);
    // Few epochs: show each; a single one has no line.
    bool few = n <= 25;
    add_curve(script, train, "train_loss", "training", UDY__COLOUR_BC, "1",
              few ? "linespoints pointtype 7 pointsize 0.6 * dot" : "lines");
    if (train->n_shown && val->n_shown) udy__script_add(script, ", \\\n    ");
    add_curve(script, val, "val_loss", "validation", UDY__COLOUR_INK, "(8,4)",
              few ? "linespoints pointtype 5 pointsize 0.6 * dot" : "lines");
    if (best_epoch >= 1 && best_epoch <= n && marked->loss[best_epoch - 1] > 0 &&
        isfinite(marked->loss[best_epoch - 1]))
        udy__script_add(script,
                        ", \\\n    'loss.csv' \\\n"
                        "      using (column('best') == 1 ? column('epoch') : NaN):'%s' \\\n"
                        "      with points linecolor rgb '%s' linewidth 2 \\\n"
                        "      pointtype 6 pointsize 2 * dot \\\n"
                        "      title 'best epoch: %d (%.3g)'",
                        val->n_shown ? "val_loss" : "train_loss", UDY__COLOUR_EXPERT, best_epoch,
                        marked->loss[best_epoch - 1]);
    udy__script_end_plot(script);
}

int udy_figure_loss(const char *dir, const char *title, const double *train, const double *val,
                    int n_epochs, int best_epoch, udy_error *err) {
    if (!dir || !train || n_epochs < 1)
        return udy_error_set(err, UDY_EINVAL, "figure loss: %s",
                             !dir ? "no folder given" : "no epochs to draw");
    curve t = curve_of(train, n_epochs), v = curve_of(val, n_epochs);
    if (t.n_shown + v.n_shown == 0)
        return udy_error_set(err, UDY_ENONFINITE,
                             "figure loss: none of %d epochs has a finite, positive loss, and a "
                             "log scale shows no other",
                             n_epochs);
    udy__text csv = {0}, script = {0};
    write_csv(&csv, &t, &v, best_epoch);
    write_script(&script, title ? title : "Loss", &t, &v, best_epoch);
    int rc = udy__figure_draw(dir, "loss", &csv, &script, err);
    udy__text_drop(&csv);
    udy__text_drop(&script);
    return rc;
}
