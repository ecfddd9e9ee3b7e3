// The policies of a measured shift as every figure of it shows them: which are drawn, in what
// colour, with which dash and marker (so that a greyscale print tells them apart), and the legend.
// Figures choose their cast here first, then lay out a page (panels.c).
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "show/figure.h"

//------------------------------------------ Labels ------------------------------------------------

// Characters of s; a byte of broken UTF-8 counts as one, as it is drawn.
static int count_chars(const char *s) {
    int n_chars = 0;
    for (size_t n = strlen(s), i = 0; i < n; n_chars++) {
        size_t length = udy__utf8_decode(s + i, n - i, NULL);
        i += length ? length : 1;
    }
    return n_chars;
}

int udy__label_shorten(char out[UDY__LABEL_SIZE], const char *s, int max_chars) {
    int n_chars = count_chars(s), at = 0;
    bool whole = n_chars <= max_chars;
    int head = whole ? n_chars : max_chars / 2, tail = whole ? 0 : max_chars - head - 1;
    size_t used = 0;
    for (size_t n = strlen(s), i = 0; i < n; at++) {
        size_t length = udy__utf8_decode(s + i, n - i, NULL);
        if (length == 0) length = 1;
        if (at < head || at >= n_chars - tail) {
            memcpy(out + used, s + i, length);
            used += length;
        } else if (at == head) {
            memcpy(out + used, "\xE2\x80\xA6", 3);  // U+2026, the ellipsis
            used += 3;
        }
        i += length;
    }
    out[used] = '\0';
    return whole ? n_chars : max_chars;
}

//------------------------------------------ Looks -------------------------------------------------

static void set_look(udy__look *look, const char *colour, const char *dash, int point,
                     double size) {
    snprintf(look->colour, sizeof look->colour, "%s", colour);
    look->dash = dash;
    look->point = point;
    look->size = size;
}

// DAgger's policy j of m: the last one in the full purple, those before it lighter.
static void set_dagger(udy__look *look, int j, int m) {
    static const int light[3] = {0xBC, 0x7F, 0xC4}, full[3] = {0x7A, 0x1F, 0x7A};
    static const char *const dashes[] = {"(2,3)", "(5,3,2,3)", "(9,3,2,3,2,3)", "(4,3)"};
    static const int points[] = {10, 8, 6, 4};  // hollow triangles, circle, square
    double t = m > 1 ? (double)j / (m - 1) : 1;
    int rgb[3];
    for (int k = 0; k < 3; k++) rgb[k] = (int)lround(light[k] + t * (full[k] - light[k]));
    char colour[40];
    snprintf(colour, sizeof colour, "#%02X%02X%02X", rgb[0], rgb[1], rgb[2]);
    if (j == m - 1)
        set_look(look, colour, "(12,3,2,3)", 13, 1.3);
    else
        set_look(look, colour, dashes[j % 4], points[j % 4], 1.1);
}

// Whoever else a user brings: Okabe & Ito's colours that nobody here has.
static void set_other(udy__look *look, int j) {
    static const char *const colours[] = {"#009E73", "#E69F00", "#56B4E9", "#000000", "#B07AA1"};
    static const char *const dashes[] = {"(6,3)", "(3,3)", "(10,4)", "(8,3,2,3)"};
    static const int points[] = {5, 11, 15, 4, 8, 14};
    set_look(look, colours[j % 5], dashes[(j + j / 5) % 4], points[j % 6], 1);
}

static void set_looks(udy__cast *cast) {
    int n_dagger = 0, dagger = 0, others = 0;
    for (int i = 0; i < cast->n; i++) {
        udy__row_kind kind = cast->looks[i].kind;
        n_dagger += kind == UDY__ROW_ROUND || kind == UDY__ROW_BEST;
    }
    for (int i = 0; i < cast->n; i++) {
        udy__look *look = &cast->looks[i];
        switch (look->kind) {
            case UDY__ROW_EXPERT: set_look(look, UDY__COLOUR_EXPERT, "1", 7, 1); break;
            case UDY__ROW_BC: set_look(look, UDY__COLOUR_BC, "(8,4)", 9, 1.2); break;
            case UDY__ROW_RANDOM: set_look(look, UDY__COLOUR_RANDOM, "(2,4)", 2, 1); break;
            case UDY__ROW_ROUND:
            case UDY__ROW_BEST: set_dagger(look, dagger++, n_dagger); break;
            case UDY__ROW_OTHER: set_other(look, others++); break;
        }
    }
}

int udy__cast_make(udy__cast *out, const char *figure, const char *dir, const udy_shift *shift,
                   bool brief, udy_error *err) {
    *out = (udy__cast){0};
    if (!dir || !shift)
        return udy_error_set(err, UDY_EINVAL, "figure %s: no folder or no measured shift given",
                             figure);
    if (!(shift->dt > 0) || !isfinite(shift->dt))
        return udy_error_set(err, UDY_EINVAL,
                             "figure %s: the shift's time step is %g s, expected a positive one",
                             figure, shift->dt);
    for (int i = 0; shift->policies && i < shift->n; i++) {
        const udy_shift_policy *policy = &shift->policies[i];
        if (policy->brief && !brief) continue;
        if (out->n == UDY__CAST_MAX) {
            out->n_left_out++;
            continue;
        }
        udy__look *look = &out->looks[out->n++];
        look->policy = policy;
        look->n_chars = udy__label_shorten(
            look->label, policy->label[0] ? policy->label : policy->name, UDY__LABEL_CHARS);
        out->n_chars = look->n_chars > out->n_chars ? look->n_chars : out->n_chars;
        look->kind = udy__kind_of_name(policy->name, &look->round);
        // The first is the expert, whatever it is called, and nobody else is.
        if (i == 0)
            look->kind = UDY__ROW_EXPERT;
        else if (look->kind == UDY__ROW_EXPERT)
            look->kind = UDY__ROW_OTHER;
    }
    if (out->n == 0)
        return udy_error_set(err, UDY_EINVAL,
                             "figure %s: none of the shift's %d policies is measured in full",
                             figure, shift->n);
    set_looks(out);
    return UDY_OK;
}

void udy__cast_note(char out[64], const udy__cast *cast) {
    out[0] = '\0';
    if (cast->n_left_out)
        snprintf(out, 64, " (the first %d of %d policies)", cast->n, cast->n + cast->n_left_out);
}

//------------------------------------------ Legend ------------------------------------------------

// Pixels: the sample, and a character of small type (a wide sans-serif's mean).
enum { SAMPLE_WIDTH = 44, CHAR_WIDTH = 7, GAP = 18 };

static int legend_columns(int n, int chars, double width) {
    int columns = (int)(width / (SAMPLE_WIDTH + chars * CHAR_WIDTH + GAP));
    columns = columns < 1 ? 1 : columns > n ? n : columns;
    int rows = (n + columns - 1) / columns;
    return (n + rows - 1) / rows;  // no more than fill the rows evenly
}

int udy__legend_rows(int n, int chars, double width) {
    int columns = n > 0 ? legend_columns(n, chars, width) : 1;
    return (n + columns - 1) / columns;
}

void udy__page_legend(udy__page *page, const udy__cast *cast, double x, double y, double width,
                      int samples, const char (*texts)[UDY__LEGEND_TEXT]) {
    int chars = cast->n_chars;
    for (int i = 0; texts && i < cast->n; i++) {
        int n = count_chars(texts[i]);
        chars = n > chars ? n : chars;
    }
    int columns = legend_columns(cast->n, chars, width);
    double W = page->width, H = page->height;
    double column_width = SAMPLE_WIDTH + chars * CHAR_WIDTH + GAP;
    for (int i = 0; i < cast->n; i++) {
        const udy__look *look = &cast->looks[i];
        double left = x + i % columns * column_width;
        double middle = 1 - (y + i / columns * UDY__LEGEND_ROW) / H;
        if (samples & UDY__SAMPLE_LINE)
            udy__script_add(&page->script,
                            "  set arrow from screen %.6g,%.6g to screen %.6g,%.6g nohead "
                            "linecolor rgb '%s' linewidth 2 dashtype %s front\n",
                            left / W, middle, (left + SAMPLE_WIDTH - 8) / W, middle, look->colour,
                            look->dash);
        // In the middle of its line, or near its name.
        double point = left + (samples & UDY__SAMPLE_LINE ? (SAMPLE_WIDTH - 8) / 2.0 : 28);
        if (samples & UDY__SAMPLE_POINT)
            udy__script_add(&page->script,
                            "  set label '' at screen %.6g,%.6g point pointtype %d "
                            "pointsize %g * dot linewidth 1.5 linecolor rgb '%s' front\n",
                            point / W, middle, look->point, look->size, look->colour);
        char place[96];
        udy__format(place, sizeof place, "screen %.6g,%.6g left", (left + SAMPLE_WIDTH) / W,
                    middle);
        udy__panel_text(page, texts ? texts[i] : look->label, place, UDY__COLOUR_INK);
    }
}
