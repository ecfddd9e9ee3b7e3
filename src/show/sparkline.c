// The loss curve as text, for a terminal: log scale, y labels, an axis of epochs. Braille cells
// hold 2 x 4 dots each; ASCII draws '*' for training and 'o' for validation.
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "show/figure.h"

#define LABEL_WIDTH 9  // "0.000123 " and the axis follows

typedef struct canvas {
    int columns, rows;   // characters
    int dots_x, dots_y;  // dots a character
    double log_lo, log_hi;
    int n_epochs;
    unsigned char *cells;  // [rows, columns]: braille's dot bits, or a character
} canvas;

static bool drawable(double loss) {
    return isfinite(loss) && loss > 0;
}

static void see(canvas *c, const double *loss) {
    for (int i = 0; loss && i < c->n_epochs; i++)
        if (drawable(loss[i])) {
            c->log_lo = fmin(c->log_lo, log10(loss[i]));
            c->log_hi = fmax(c->log_hi, log10(loss[i]));
        }
}

// Dot (x, y) from the top left; mark: the ASCII character.
static void set_dot(canvas *c, int x, int y, char mark) {
    static const unsigned char bits[4][2] = {
        {0x01, 0x08}, {0x02, 0x10}, {0x04, 0x20}, {0x40, 0x80}};
    unsigned char *cell = &c->cells[y / c->dots_y * c->columns + x / c->dots_x];
    if (c->dots_x == 2)
        *cell |= bits[y % 4][x % 2];
    else if (*cell != '*')  // where the curves meet, training is seen
        *cell = (unsigned char)mark;
}

static int y_of(const canvas *c, double loss) {
    int top = c->rows * c->dots_y - 1;
    double share = (c->log_hi - log10(loss)) / (c->log_hi - c->log_lo);
    int y = (int)lround(share * top);
    return y < 0 ? 0 : y > top ? top : y;
}

// The loss at dot column x: between two epochs on the line that joins them (in logarithms, as it is
// drawn), NaN where there is none.
static double loss_at(const canvas *c, const double *loss, int x) {
    int last = c->columns * c->dots_x - 1;
    double at = (double)x / last * (c->n_epochs - 1);
    int before = (int)at;
    double t = at - before;
    if (before + 1 >= c->n_epochs || t == 0) return drawable(loss[before]) ? loss[before] : NAN;
    if (!drawable(loss[before]) || !drawable(loss[before + 1])) {
        double nearest = loss[t < 0.5 ? before : before + 1];
        return drawable(nearest) ? nearest : NAN;
    }
    return loss[before] * pow(loss[before + 1] / loss[before], t);
}

// solid: joined from column to column; else every third column of dots, so that the curves differ.
static void draw(canvas *c, const double *loss, bool solid, char mark) {
    int before = -1;
    for (int x = 0; loss && x < c->columns * c->dots_x; x++) {
        double value = loss_at(c, loss, x);
        if (isnan(value)) {
            before = -1;
            continue;
        }
        int y = y_of(c, value);
        if (solid || c->dots_x == 1 || x % 3 == 0) set_dot(c, x, y, mark);
        for (int k = before; solid && c->dots_x == 2 && before >= 0 && k != y; k += k < y ? 1 : -1)
            set_dot(c, x, k, mark);
        before = y;
    }
}

static void add_cell(udy__text *text, const canvas *c, unsigned char cell) {
    if (c->dots_x == 1)
        udy__script_add(text, "%c", cell ? cell : ' ');
    else if (!cell)
        udy__script_add(text, " ");
    else  // U+2800 + bits, as UTF-8
        udy__script_add(text, "\xE2%c%c", 0xA0 + (cell >> 6), 0x80 + (cell & 0x3F));
}

static void add_rows(udy__text *text, const canvas *c) {
    for (int r = 0; r < c->rows; r++) {
        // Labels at the top, the bottom and, where there is room, between.
        char label[32] = "";
        if (r == 0 || r == c->rows - 1 || (c->rows >= 5 && r == c->rows / 2)) {
            double share = c->rows > 1 ? (double)r / (c->rows - 1) : 0;
            double value = pow(10, c->log_hi - share * (c->log_hi - c->log_lo));
            udy__format(label, sizeof label, "%.3g", value);
        }
        udy__script_add(text, "%*s |", LABEL_WIDTH - 1, label);
        int end = c->columns;
        while (end > 0 && !c->cells[r * c->columns + end - 1]) end--;
        for (int x = 0; x < end; x++) add_cell(text, c, c->cells[r * c->columns + x]);
        udy__script_add(text, "\n");
    }
}

// The axis: first and last epoch under the ends, what is drawn in between where it fits.
static void add_axis(udy__text *text, const canvas *c, bool has_train, bool has_val) {
    udy__script_add(text, "%*s +", LABEL_WIDTH - 1, "loss");
    for (int x = 0; x < c->columns; x++) udy__script_add(text, "-");
    const char *names = has_train ? "training" : "validation";
    if (has_train && has_val)
        names = c->dots_x == 2 ? "training (line), validation (dots)" : "* training, o validation";
    char first[64], last[16], middle[64];
    snprintf(first, sizeof first, "epoch 1");
    snprintf(last, sizeof last, "%d", c->n_epochs);
    snprintf(middle, sizeof middle, "%s", names);
    int room = c->columns - (int)strlen(first) - (c->n_epochs > 1 ? (int)strlen(last) : 0);
    if (room < (int)strlen(middle) + 4) middle[0] = '\0';
    int before = (room - (int)strlen(middle)) / 2, after = room - (int)strlen(middle) - before;
    udy__script_add(text, "\n%*s%s%*s%s", LABEL_WIDTH + 1, "", first, before > 0 ? before : 1, "",
                    middle);
    if (c->n_epochs > 1) udy__script_add(text, "%*s%s", after > 0 ? after : 1, "", last);
    udy__script_add(text, "\n");
}

char *udy_loss_sparkline(const double *train, const double *val, int n_epochs, int width,
                         int height, bool ascii) {
    canvas c = {.n_epochs = n_epochs > 0 ? n_epochs : 0, .log_lo = INFINITY, .log_hi = -INFINITY};
    see(&c, train);
    see(&c, val);
    if (!(c.log_lo <= c.log_hi)) return udy_strdup("(no finite, positive loss to draw)\n");
    if (c.log_hi - c.log_lo < 1e-6) {  // a flat line runs through the middle
        c.log_lo -= 0.05;
        c.log_hi += 0.05;
    }
    // Whatever is asked for, something readable fits; nothing larger than a terminal could be.
    c.columns = (width < 24 ? 24 : width > 1000 ? 1000 : width) - LABEL_WIDTH - 1;
    c.rows = (height < 4 ? 4 : height > 1000 ? 1000 : height) - 2;
    c.dots_x = ascii ? 1 : 2;
    c.dots_y = ascii ? 1 : 4;
    c.cells = udy_alloc((size_t)c.columns * (size_t)c.rows);
    if (!c.cells) return NULL;
    canvas train_only = c, val_only = c;
    train_only.log_lo = val_only.log_lo = INFINITY;
    train_only.log_hi = val_only.log_hi = -INFINITY;
    see(&train_only, train);
    see(&val_only, val);
    bool has_train = train_only.log_lo <= train_only.log_hi;
    bool has_val = val_only.log_lo <= val_only.log_hi;
    draw(&c, val, !has_train, has_train ? 'o' : '*');
    draw(&c, train, true, '*');
    udy__text text = {0};
    add_rows(&text, &c);
    add_axis(&text, &c, has_train, has_val);
    udy_free(c.cells);
    return udy__text_take(&text);
}
