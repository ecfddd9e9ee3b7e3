// Text on pictures: letters scaled down once from font.h's pictures, then mixed into pixels. Part of
// the overlay of videos.
#include <math.h>
#include <string.h>

#include "show/font.h"
#include "show/video.h"

typedef struct glyph {
    int left, top, width, height;
    double advance;
    uint8_t *cover;  // [height, width] of 255
} glyph;

struct udy__letters {
    double scale;
    glyph glyphs[FONT_COUNT];
    uint8_t *pixels;
};

void udy__fill(udy__image *image, int x, int y, int width, int height, udy__colour colour,
               double cover) {
    int x1 = x + width < image->width ? x + width : image->width;
    int y1 = y + height < image->height ? y + height : image->height;
    int weight = (int)lround(cover * 256);
    const uint8_t c[3] = {colour.r, colour.g, colour.b};
    x = x > 0 ? x : 0;
    for (y = y > 0 ? y : 0; y < y1; y++)
        for (int i = x; i < x1; i++) {
            uint8_t *p = image->rgb + ((size_t)y * (size_t)image->width + (size_t)i) * 3;
            for (int k = 0; k < 3; k++)
                p[k] = (uint8_t)((p[k] * (256 - weight) + c[k] * weight) >> 8);
        }
}

//------------------------------------------ Scaling -----------------------------------------------

// How much of [a, b] pixel i covers.
static double overlap(double a, double b, int i) {
    return fmax(0, fmin(b, i + 1) - fmax(a, i));
}

// The mean of a picture's pixels over a rectangle in its own pixels, which may reach outside.
static double mean_over(int g, double x0, double x1, double y0, double y1) {
    int w = font_glyphs[g].width, h = font_glyphs[g].height;
    const char *pixels = font_glyphs[g].pixels;
    double sum = 0;
    for (int y = (int)fmax(0, floor(y0)); y < h && y < y1; y++)
        for (int x = (int)fmax(0, floor(x0)); x < w && x < x1; x++)
            sum += (pixels[y * w + x] - 'A') / 15.0 * overlap(x0, x1, x) * overlap(y0, y1, y);
    return sum / ((x1 - x0) * (y1 - y0));
}

// The box of a glyph at its new size, in whole pixels around the pen.
static void place_glyph(glyph *out, int g, double s) {
    out->left = (int)floor(font_glyphs[g].left * s);
    out->top = (int)floor(font_glyphs[g].top * s);
    out->width = (int)ceil((font_glyphs[g].left + font_glyphs[g].width) * s) - out->left;
    out->height = (int)ceil((font_glyphs[g].top + font_glyphs[g].height) * s) - out->top;
    out->advance = font_glyphs[g].advance / 64.0 * s;
}

static void scale_glyph(glyph *out, int g, double s) {
    for (int y = 0; y < out->height; y++)
        for (int x = 0; x < out->width; x++) {
            double x0 = (out->left + x) / s - font_glyphs[g].left;
            double y0 = (out->top + y) / s - font_glyphs[g].top;
            double mean = mean_over(g, x0, x0 + 1 / s, y0, y0 + 1 / s);
            // Thin strokes lose contrast when scaled down: a little is given back.
            out->cover[y * out->width + x] = (uint8_t)lround(255 * fmin(1, pow(mean, 0.8)));
        }
}

int udy__letters_create(udy__letters **out, double px, udy_error *err) {
    *out = NULL;
    udy__letters *letters = udy_alloc(sizeof *letters);
    size_t n = 0;
    if (letters) {
        letters->scale = px / FONT_EM;
        for (int g = 0; g < FONT_COUNT; g++) {
            place_glyph(&letters->glyphs[g], g, letters->scale);
            n += (size_t)letters->glyphs[g].width * (size_t)letters->glyphs[g].height;
        }
        letters->pixels = udy_alloc(n);
    }
    if (!letters || !letters->pixels) {
        udy_free(letters);
        return udy_error_set(err, UDY_ENOMEM, "no memory for letters");
    }
    uint8_t *at = letters->pixels;
    for (int g = 0; g < FONT_COUNT; g++) {
        glyph *to = &letters->glyphs[g];
        to->cover = at;
        at += (size_t)to->width * (size_t)to->height;
        scale_glyph(to, g, letters->scale);
    }
    *out = letters;
    return UDY_OK;
}

void udy__letters_destroy(udy__letters *letters) {
    if (!letters) return;
    udy_free(letters->pixels);
    udy_free(letters);
}

//------------------------------------------ Setting -----------------------------------------------

// UTF-8's later bytes take no room: a character that is not ASCII is one '?'.
static bool is_later_byte(char c) {
    return ((unsigned char)c & 0xC0) == 0x80;
}

static const glyph *glyph_of(const udy__letters *letters, char c) {
    int g = (unsigned char)c - FONT_FIRST;
    return &letters->glyphs[g >= 0 && g < FONT_COUNT ? g : '?' - FONT_FIRST];
}

double udy__letters_width(const udy__letters *letters, const char *text) {
    double width = 0;
    for (; *text; text++)
        if (!is_later_byte(*text)) width += glyph_of(letters, *text)->advance;
    return width;
}

static void draw_glyph(const glyph *g, udy__image *image, int x, int y, udy__colour colour) {
    for (int j = 0; j < g->height; j++)
        for (int i = 0; i < g->width; i++)
            udy__fill(image, x + g->left + i, y + g->top + j, 1, 1, colour,
                      g->cover[j * g->width + i] / 255.0);
}

void udy__letters_draw(const udy__letters *letters, udy__image *image, double x, int y,
                       const char *text, udy__colour colour, double max_width) {
    bool cut = max_width > 0 && udy__letters_width(letters, text) > max_width;
    double room = cut ? max_width - udy__letters_width(letters, "...") : 0, end = x + room;
    for (; *text; text++) {
        if (is_later_byte(*text)) continue;
        const glyph *g = glyph_of(letters, *text);
        if (cut && x + g->advance > end) break;
        draw_glyph(g, image, (int)lround(x), y, colour);
        x += g->advance;
    }
    if (cut && room >= 0) udy__letters_draw(letters, image, x, y, "...", colour, 0);
}
