// What the figures share, inside `show`: growing text, gnuplot's quoting, ticks, the look, and the
// one way to have a script drawn. Not public.
#ifndef UDY_SHOW_FIGURE_H_
#define UDY_SHOW_FIGURE_H_

#include "base/text.h"
#include "understudy/show.h"

//------------------------------------------ Text (script.c) ---------------------------------------

// Append to a text, formatted in the C locale whatever the host program's is; any length.
void udy__script_add(udy__text *text, const char *format, ...) UDY_PRINTF(2, 3);
// snprintf in the C locale.
void udy__format(char *out, size_t size, const char *format, ...) UDY_PRINTF(3, 4);
// Append the shortest decimal that reads back to the same double; nothing for NaN or infinities
// (an empty CSV field is a missing value).
void udy__script_add_exact(udy__text *text, double value);
// Append s as a CSV field, quoted where it must be; control characters become spaces.
void udy__script_add_csv(udy__text *text, const char *s);
// Append s as a single-quoted gnuplot string. Such strings know neither escapes nor command
// substitution, so nothing in s can become a command; quotes, backquotes, control characters and
// broken UTF-8 are replaced.
void udy__script_add_quoted(udy__text *text, const char *s);

//------------------------------------------ Look (style.c) ----------------------------------------

#define UDY__COLOUR_EXPERT "#0072B2"  // Okabe & Ito's blue
#define UDY__COLOUR_BC "#D55E00"      // Okabe & Ito's vermillion
// A purple that protanopes and deuteranopes tell from both the blue and the vermillion (CIE76
// distance at least 21 under each simulated deficiency; #8E44AD is 4 from the blue).
#define UDY__COLOUR_DAGGER "#7A1F7A"
#define UDY__COLOUR_RANDOM "#7F7F7F"
#define UDY__COLOUR_INK "#333333"

// A finite range with some room around the data, and the step of its ticks.
typedef struct udy__axis {
    double lo, hi, step;
} udy__axis;

// Nothing seen yet; then every value to show (NaN and infinities are passed over).
udy__axis udy__axis_empty(void);
void udy__axis_see(udy__axis *axis, double value);
// Make room around what was seen and choose a step of 1, 2, 2.5 or 5 times a power of ten for
// about n_ticks ticks. A range of positive numbers starts at 0 where that wastes little.
void udy__axis_round(udy__axis *axis, int n_ticks);
// "set <which>range" and "set <which>tics" with labels such as 500, 2k, 1.5k, 3M.
void udy__script_add_axis(udy__text *script, const char *which, const udy__axis *axis);
// Ticks 1, 2, 5 times a power of ten over a range of positive numbers, and the range.
void udy__script_add_log_axis(udy__text *script, const char *which, double lo, double hi);
// Whole numbers from..to on axis `which`, thinned so that at most max_ticks are labelled; fn (NULL:
// the number itself) writes the label of i.
typedef void (*udy__tick_label)(char out[32], int i, const void *ctx);
void udy__script_add_count_axis(udy__text *script, const char *which, int from, int to,
                                int max_ticks, udy__tick_label fn, const void *ctx);
// 500, 12k, 1.5M.
void udy__format_short(char out[32], double value);

// The head of a script: what it is, encoding, data, borders, grid.
void udy__script_begin(udy__text *script, const char *name, const char *title);
// Between these two comes one plot command; it is drawn to <name>.svg and <name>.png. Sizes are in
// the SVG's pixels, of which the PNG has two; the text is 14 high, that of the x axis xtics_px.
// Point sizes are multiples of `dot`: gnuplot's terminals disagree about the size of 1.
void udy__script_begin_plot(udy__text *script, const char *name, int width, int height,
                            double xtics_px);
void udy__script_end_plot(udy__text *script);
// The same, for more commands than one plot: several panels.
void udy__script_begin_image(udy__text *script, const char *name, int width, int height,
                             double xtics_px);

// What a row of the results is; a DAgger round's number is in *round.
typedef enum {
    UDY__ROW_OTHER,
    UDY__ROW_RANDOM,
    UDY__ROW_BC,
    UDY__ROW_ROUND,
    UDY__ROW_BEST,
    UDY__ROW_EXPERT
} udy__row_kind;
udy__row_kind udy__row_kind_of(const udy_result_row *row, int *round);
// First row of a kind, or NULL.
const udy_result_row *udy__find_row(const udy_results *results, udy__row_kind kind);
// The round that "dagger-best" is, where the results have both; else -1.
int udy__best_round(const udy_results *results);
// The row's label, with "(provisional)" where that is so of the expert.
void udy__row_label(char out[64], const udy_results *results, const udy_result_row *row);

//------------------------------------------ Drawing (gnuplot.c) -----------------------------------

// Write <dir>/<name>.csv and .gp, run gnuplot on the script, and put all four files in dir; on
// failure none of them, and nothing else. dir is made where it is absent. Takes neither text over.
int udy__figure_draw(const char *dir, const char *name, const udy__text *csv,
                     const udy__text *script, udy_error *err) UDY_MUST_CHECK;
// Run `gnuplot <script>` in folder dir. UDY_ENOENT where there is no gnuplot, UDY_EIO with its own
// words where it fails or takes longer than timeout_s.
int udy__gnuplot_run(const char *dir, const char *script, double timeout_s, udy_error *err)
    UDY_MUST_CHECK;

#endif  // UDY_SHOW_FIGURE_H_
