// Pages of several panels: a figure's data as one table, and a script that draws each panel at a
// fixed place with elements that pick their rows out of the table. The figures of a shift are
// written with these; what the policies look like is in cast.c, how the script is drawn in
// gnuplot.c.
#include <math.h>
#include <string.h>

#include "show/figure.h"

//------------------------------------------ Page --------------------------------------------------

void udy__page_begin(udy__page *page, const char *name, const char *columns, const char *title,
                     const char *note, int width, int height) {
    height += 6;  // SVG viewers cut the descenders of the lowest label otherwise
    *page = (udy__page){.name = name, .width = width, .height = height};
    udy__script_add(&page->csv, "number,panel,%s\n", columns);
    udy__text *script = &page->script;
    udy__script_begin(script, name, "");
    udy__script_add(script,
                    "unset title\nunset key\nset errorbars 0.6\n"
                    "# Is this row of the data policy n's (0: anybody's), and for panel p?\n"
                    "of(n, p) = (n == 0 || column('number') == n) && strcol('panel') eq p\n"
                    "above(least, v) = v < least ? least : v\n");
    udy__script_begin_image(script, name, width, height, 12);
    udy__script_add(script, "  set multiplot\n");
    char place[64];
    udy__format(place, sizeof place, "screen 0.5,%.6g center", 1 - 18.0 / height);
    udy__script_add(script, "  set label ");
    udy__script_add_quoted(script, title);
    udy__script_add(script, " at %s textcolor rgb '" UDY__COLOUR_INK "'\n", place);
    if (!note[0]) return;
    udy__format(place, sizeof place, "screen 0.5,%.6g center", 1 - 39.0 / height);
    udy__panel_text(page, note, place, "#666666");
}

int udy__page_draw(udy__page *page, const char *dir, udy_error *err) {
    udy__script_add(&page->script, "  unset multiplot\n");
    udy__script_end_plot(&page->script);
    int rc = udy__figure_draw(dir, page->name, &page->csv, &page->script, err);
    udy__text_drop(&page->csv);
    udy__text_drop(&page->script);
    return rc;
}

void udy__page_row(udy__page *page, int number, const char *panel, const double *values, int n,
                   const char *const *texts, int n_texts) {
    udy__text *csv = &page->csv;
    udy__script_add(csv, "%d,%s", number, panel);
    for (int k = 0; k < n; k++) {
        udy__text_puts(csv, ",");
        udy__script_add_exact(csv, values[k]);
    }
    for (int k = 0; k < n_texts; k++) {
        udy__text_puts(csv, ",");
        udy__script_add_csv(csv, texts[k]);
    }
    udy__text_puts(csv, "\n");
}

void udy__page_row_of(udy__page *page, const udy__cast *cast, int i, const char *panel,
                      const double *values, int n) {
    const char *const texts[] = {cast->looks[i].policy->name, cast->looks[i].policy->label};
    udy__page_row(page, i + 1, panel, values, n, texts, 2);
}

//------------------------------------------ Panels ------------------------------------------------

void udy__panel_begin(udy__page *page, udy__box box, const char *title) {
    double W = page->width, H = page->height;
    page->n_elements = 0;
    page->left = box.left / W;
    page->between = 1 - (box.top + box.bottom) / 2 / H;
    udy__script_add(&page->script,
                    "  set lmargin at screen %.6g\n  set rmargin at screen %.6g\n"
                    "  set tmargin at screen %.6g\n  set bmargin at screen %.6g\n"
                    "  unset logscale\n  unset nonlinear y\n  unset xlabel\n  unset ylabel\n"
                    "  set grid ytics noxtics\n"
                    "  set ytics autofreq nomirror out scale 0.5 font small \\\n"
                    "    textcolor rgb '" UDY__COLOUR_INK "'\n",
                    box.left / W, box.right / W, 1 - box.top / H, 1 - box.bottom / H);
    if (!title[0]) return;
    char place[96];
    udy__format(place, sizeof place, "screen %.6g,%.6g center", (box.left + box.right) / 2 / W,
                1 - (box.top - 12) / H);
    udy__panel_text(page, title, place, UDY__COLOUR_INK);
}

void udy__panel_end(udy__page *page) {
    udy__script_add(&page->script, "\n  unset label\n  unset arrow\n  unset object\n");
}

void udy__panel_axes(udy__page *page, const char *x, const char *y) {
    if (x[0]) {
        udy__script_add(&page->script, "  set xlabel ");
        udy__script_add_quoted(&page->script, x);
        udy__script_add(&page->script,
                        " font small offset 0,0.4 textcolor rgb '" UDY__COLOUR_INK "'\n");
    }
    if (!y[0]) return;
    // Not as a ylabel, whose place depends on the ticks: panels above each other have theirs in
    // line.
    char place[96];
    udy__format(place, sizeof place, "screen %.6g,%.6g center rotate by 90",
                page->left - 54.0 / page->width, page->between);
    udy__panel_text(page, y, place, UDY__COLOUR_INK);
}

void udy__panel_text(udy__page *page, const char *s, const char *place, const char *colour) {
    udy__script_add(&page->script, "  set label ");
    udy__script_add_quoted(&page->script, s);
    udy__script_add(&page->script, " at %s font small textcolor rgb '%s' front\n", place, colour);
}

//------------------------------------------ Elements ----------------------------------------------

void udy__panel_element(udy__page *page) {
    udy__script_add(&page->script, "%s'%s.csv' ", page->n_elements++ ? ", \\\n    " : "  plot ",
                    page->name);
}

void udy__panel_blank(udy__page *page) {
    udy__script_add(&page->script, "%sNaN notitle", page->n_elements++ ? ", \\\n    " : "  plot ");
}

void udy__panel_curve(udy__page *page, int number, const char *panel, const char *x, const char *y,
                      const udy__look *look, double width, bool points) {
    udy__panel_element(page);
    udy__script_add(&page->script,
                    "using (of(%d, '%s') ? column('%s') : NaN):'%s' \\\n      with %s "
                    "linecolor rgb '%s' linewidth %g dashtype %s ",
                    number, panel, x, y, points ? "linespoints" : "lines", look->colour, width,
                    look->dash);
    if (points)
        udy__script_add(&page->script, "pointtype %d pointsize %g * dot ", look->point, look->size);
    udy__script_add(&page->script, "notitle");
}

void udy__panel_band(udy__page *page, int number, const char *panel, const char *x, const char *lo,
                     const char *hi, double least, const char *colour, double opacity) {
    udy__panel_element(page);
    udy__script_add(&page->script, "using (of(%d, '%s') ? column('%s') : NaN):", number, panel, x);
    if (isfinite(least))
        udy__script_add(&page->script, "(above(%.9g, column('%s'))):(above(%.9g, column('%s')))",
                        least, lo, least, hi);
    else
        udy__script_add(&page->script, "'%s':'%s'", lo, hi);
    udy__script_add(&page->script,
                    " with filledcurves \\\n"
                    "      fillstyle transparent solid %g noborder linecolor rgb '%s' notitle",
                    opacity, colour);
}

void udy__panel_marks(udy__page *page, int number, const char *panel, const char *x, const char *y,
                      const char *lo, const char *hi, const udy__look *look) {
    // Points once more by themselves: one whose bar is not known still counts.
    for (int bars = lo != NULL; bars >= 0; bars--) {
        udy__panel_element(page);
        udy__script_add(&page->script, "using (of(%d, '%s') ? column('%s') : NaN):'%s'", number,
                        panel, x, y);
        if (bars) udy__script_add(&page->script, ":'%s':'%s'", lo, hi);
        udy__script_add(&page->script,
                        " \\\n      with %s linecolor rgb '%s' linewidth 1.5 pointtype %d "
                        "pointsize %g * dot notitle",
                        bars ? "yerrorbars" : "points", look->colour, look->point, look->size);
    }
}
