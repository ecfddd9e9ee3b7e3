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
void udy__axis_round_tight(udy__axis *axis, int n_ticks);  // the same, but for the start at 0
// "set <which>range" and "set <which>tics" with labels such as 500, 2k, 1.5k, 3M.
void udy__script_add_axis(udy__text *script, const char *which, const udy__axis *axis);
// The same without labels: beside a panel that has them.
void udy__script_add_bare_axis(udy__text *script, const char *which, const udy__axis *axis);
// Ticks 1, 2, 5 times a power of ten over a range of positive numbers, and the range.
void udy__script_add_log_axis(udy__text *script, const char *which, double lo, double hi);
// An axis that is linear within some -linear..linear and logarithmic beyond (asinh), for quantities
// that may be noise around 0 in one place and large in another.
void udy__script_add_wide_axis(udy__text *script, const char *which, double lo, double hi,
                               double linear);
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
udy__row_kind udy__kind_of_name(const char *name, int *round);
// First row of a kind, or NULL.
const udy_result_row *udy__find_row(const udy_results *results, udy__row_kind kind);
// The round that "dagger-best" is, where the results have both; else -1.
int udy__best_round(const udy_results *results);
// What a row is called: its label, else its name.
const char *udy__row_label(const udy_result_row *row);

//------------------------------------------ Panels (panels.c) -------------------------------------

#define UDY__COLOUR_NULL "#9BB8CC"  // what the expert's own episodes differ by: a light grey blue
#define UDY__LABEL_CHARS 34
#define UDY__LABEL_SIZE (4 * UDY__LABEL_CHARS + 8)
// s in at most max_chars (2..UDY__LABEL_CHARS) characters, its middle given up for dots: names that
// are told apart by their ends stay so. Returns the number of characters.
int udy__label_shorten(char out[UDY__LABEL_SIZE], const char *s, int max_chars);

// A policy of a shift as all figures show it: by colour, and in greyscale by dash and marker.
typedef struct udy__look {
    const udy_shift_policy *policy;
    char label[UDY__LABEL_SIZE];
    int n_chars;  // of label
    udy__row_kind kind;
    int round;
    char colour[8];
    const char *dash;
    int point;    // gnuplot's pointtype
    double size;  // of it, in `dot`s
} udy__look;

// The policies that a figure draws: the first so many of those that it can.
#define UDY__CAST_MAX 12
typedef struct udy__cast {
    int n, n_left_out;
    int n_chars;  // of the longest label
    udy__look looks[UDY__CAST_MAX];
} udy__cast;
// The policies measured in full (brief: the others too). UDY_EINVAL where dir or shift is NULL, or
// the shift has no such policy or no time step, naming the figure.
int udy__cast_make(udy__cast *out, const char *figure, const char *dir, const udy_shift *shift,
                   bool brief, udy_error *err) UDY_MUST_CHECK;

// A figure of several panels: one table of data (number and panel, values, then texts: what
// comes from outside is last, where no oddity of it can move a number), and a script in which each
// panel lies at a place given in the SVG's pixels from the top left.
typedef struct udy__page {
    udy__text csv, script;
    const char *name;
    int width, height;
    int n_elements;        // of the panel under way
    double left, between;  // its left edge, and the middle of its height: as shares of the page
} udy__page;
// columns: the names of the values and texts. note: a line under the title, how to read it.
void udy__page_begin(udy__page *page, const char *name, const char *columns, const char *title,
                     const char *note, int width, int height);
// Draw it into dir, and give the page's memory back.
int udy__page_draw(udy__page *page, const char *dir, udy_error *err) UDY_MUST_CHECK;

// A row of the data: its first columns, values (empty where not finite), its end. number: 1-based,
// by which the script finds the policy's rows.
void udy__page_row(udy__page *page, int number, const char *panel, const double *values, int n,
                   const char *const *texts, int n_texts);
// The same of the cast's policy i, its texts its name and label.
void udy__page_row_of(udy__page *page, const udy__cast *cast, int i, const char *panel,
                      const double *values, int n);

typedef struct udy__box {
    double left, top, right, bottom;
} udy__box;
// A panel from here to the next; its axes, labels and elements follow. title: "" is none. Labels,
// arrows and objects last until the panel ends.
void udy__panel_begin(udy__page *page, udy__box box, const char *title);
void udy__panel_end(udy__page *page);
// What its axes show, with the unit; "": nothing.
void udy__panel_axes(udy__page *page, const char *x, const char *y);
// Text in a panel or on the page, as gnuplot places it ("graph 0.5, graph 0.5 center"); small type.
void udy__panel_text(udy__page *page, const char *s, const char *place, const char *colour);
// Something to plot: the separator, then the file's name. What follows is the caller's.
void udy__panel_element(udy__page *page);
// Of a policy's rows for a panel (number 0: of all policies): x and y as columns are named; lo and
// hi, too. A curve that may be short is drawn with points, so that one value shows.
void udy__panel_curve(udy__page *page, int number, const char *panel, const char *x, const char *y,
                      const udy__look *look, double width, bool points);
// least: what is lower is drawn there (a logarithmic axis knows no 0); -INFINITY: nothing is.
void udy__panel_band(udy__page *page, int number, const char *panel, const char *x, const char *lo,
                     const char *hi, double least, const char *colour, double opacity);
// Markers, with upright bars unless lo is NULL (where no row has both ends gnuplot complains).
void udy__panel_marks(udy__page *page, int number, const char *panel, const char *x, const char *y,
                      const char *lo, const char *hi, const udy__look *look);
// An invisible element, for a panel that has only labels.
void udy__panel_blank(udy__page *page);

// The names of the cast with samples of their lines or markers, in columns of a width, from the
// place x, y (the middle of the first row) on: part of the panel under way. texts: in the place of
// the labels. Nullable. A layout asks for the number of rows first. chars: of the longest text.
typedef enum { UDY__SAMPLE_LINE = 1, UDY__SAMPLE_POINT = 2 } udy__sample;
#define UDY__LEGEND_ROW 20  // pixels
#define UDY__LEGEND_TEXT 256
int udy__legend_rows(int n, int chars, double width);
void udy__page_legend(udy__page *page, const udy__cast *cast, double x, double y, double width,
                      int samples, const char (*texts)[UDY__LEGEND_TEXT]);
// " (the first 12 of 20 policies)" where some were left out, else "".
void udy__cast_note(char out[64], const udy__cast *cast);

// "BC, 100 epochs", "DAgger, converged": a line of a sweep's figures and table.
void udy__sweep_line_name(char out[64], const udy_sweep *sweep, int method, int training);

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
