// show.h: figures through gnuplot, SVG and PNG with their data beside them; videos through FFmpeg's
// libraries. Sees all rooms but cli.
#ifndef UNDERSTUDY_SHOW_H_
#define UNDERSTUDY_SHOW_H_

#include "understudy/study.h"

#ifdef __cplusplus
extern "C" {
#endif

// Each writes <dir>/<name>.svg, .png, .csv (the data) and .gp (the gnuplot script that drew it,
// which a reader can run again). Colours (Okabe & Ito's colour-blind-safe palette where the
// tutorial's allow): expert blue, BC red, DAgger purple, random grey.
// UDY_ENOENT with the package to install where gnuplot is absent; UDY_EIO with gnuplot's own words.

// loss.*: training (and validation) loss by epoch, log scale. best_epoch 1-based, 0: not marked.
int udy_figure_loss(const char *dir, const char *title, const double *train, const double *val,
                    int n_epochs, int best_epoch, udy_error *err) UDY_MUST_CHECK;
// dagger.*: return by round with 95 % intervals; BC and the expert as lines with bands.
int udy_figure_dagger(const char *dir, const udy_results *results, udy_error *err) UDY_MUST_CHECK;
// returns.*: distribution of episode returns of each policy: every episode a dot, box, mean.
int udy_figure_returns(const char *dir, const udy_results *results, udy_error *err) UDY_MUST_CHECK;

// learning.*: evaluation return by environment step and by wall-clock, one line a run (a name and its
// folder), the spread over episodes as a band where there is one run; the share of episodes that
// ended early below.
typedef struct udy_learning_run {
    const char *name, *path;
} udy_learning_run;
int udy_figure_learning(const char *dir, const udy_learning_run *runs, int n_runs, udy_error *err)
    UDY_MUST_CHECK;

// The table as text, for a terminal of `columns` (0: no limit); free with udy_free.
char *udy_results_table(const udy_results *results, int columns);
// The loss curve as text (braille or ASCII), width x height characters; free with udy_free.
char *udy_loss_sparkline(const double *train, const double *val, int n_epochs, int width,
                         int height, bool ascii);

#ifdef __cplusplus
}
#endif

#endif  // UNDERSTUDY_SHOW_H_
