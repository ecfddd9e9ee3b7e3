// What is written on a video's pictures: the policy's name, a gauge of how far its state is from the
// expert's, time, speed and return, and how the episode ended. Sizes grow with the picture.
#include <math.h>
#include <stdio.h>
#include <string.h>

#include "show/figure.h"
#include "show/video.h"

struct udy__overlay {
    int width, height;
    double unit;  // pixels of the picture for one of 640x480
    udy__letters *large, *small;
};

static const udy__colour ink = {255, 255, 255}, faint = {190, 200, 212}, band = {16, 24, 36};
static const udy__colour calm = {0x56, 0xB4, 0xE9};   // Okabe & Ito's sky blue
static const udy__colour wary = {0xF0, 0xE4, 0x42};   // yellow
static const udy__colour alarm = {0xD5, 0x5E, 0x00};  // and vermillion
static const udy__colour pale = {225, 232, 240};

int udy__overlay_create(udy__overlay **out, int width, int height, udy_error *err) {
    *out = NULL;
    udy__overlay *o = udy_alloc(sizeof *o);
    if (!o) return udy_error_set(err, UDY_ENOMEM, "no memory for a video's captions");
    o->width = width;
    o->height = height;
    o->unit = fmin(width / 640.0, height / 480.0);
    int status = udy__letters_create(&o->large, fmax(9, 19 * o->unit), err);
    if (status == UDY_OK) status = udy__letters_create(&o->small, fmax(8, 15 * o->unit), err);
    if (status != UDY_OK) {
        udy__overlay_destroy(o);
        return status;
    }
    *out = o;
    return UDY_OK;
}

void udy__overlay_destroy(udy__overlay *o) {
    if (!o) return;
    udy__letters_destroy(o->large);
    udy__letters_destroy(o->small);
    udy_free(o);
}

static int px(const udy__overlay *o, double units) {
    return (int)lround(units * o->unit);
}

static udy__colour mix(udy__colour a, udy__colour b, double share) {
    return (udy__colour){(uint8_t)lround(a.r + (b.r - a.r) * share),
                         (uint8_t)lround(a.g + (b.g - a.g) * share),
                         (uint8_t)lround(a.b + (b.b - a.b) * share)};
}

// "out of distribution [=====    ]" at the right; returns where it starts.
static double draw_gauge(const udy__overlay *o, udy__image *image, const udy__caption *c) {
    static const char text[] = "out of distribution";
    int bar = px(o, 130), high = px(o, 14), x = o->width - px(o, 12) - bar, y = px(o, 11);
    double value = isfinite(c->gauge) ? fmin(1, fmax(0, c->gauge)) : 0;
    double start = x - px(o, 10) - udy__letters_width(o->small, text);
    udy__letters_draw(o->small, image, start, px(o, 23), text, faint, 0);
    udy__fill(image, x, y, bar, high, ink, 0.22);
    udy__colour colour = value < 0.5 ? mix(calm, wary, 2 * value) : mix(wary, alarm, 2 * value - 1);
    udy__fill(image, x, y, (int)lround(bar * value), high, colour, 1);
    if (!isfinite(c->gauge))
        udy__letters_draw(o->small, image, x + bar / 2.0 - px(o, 10), px(o, 23), "n/a", faint, 0);
    return start;
}

// "speed 5.21 m/s": the word faint, the number bright, the number's place fixed.
static void draw_pair(const udy__overlay *o, udy__image *image, double x, const char *word,
                      const char *number) {
    int y = o->height - px(o, 12);
    udy__letters_draw(o->small, image, x, y, word, faint, 0);
    x += udy__letters_width(o->small, word) + px(o, 8);
    udy__letters_draw(o->large, image, x, y, number, ink, 0);
}

static void draw_end(const udy__overlay *o, udy__image *image, const udy__caption *c) {
    static const char *const words[] = {"", "time limit", "fell: too low", "ended: too high",
                                        "ended: unhealthy"};
    char text[64];
    int last = (int)(sizeof words / sizeof *words) - 1;
    if (c->end <= UDY_END_NONE || (int)c->end > last) return;
    udy__format(text, sizeof text, "%s at %.2f s", words[c->end], c->time_s);
    double wide = udy__letters_width(o->large, text);
    int x = (int)lround((o->width - wide) / 2), y = o->height - px(o, 38) - px(o, 44);
    udy__colour box = c->end == UDY_END_LIMIT ? band : alarm;
    udy__fill(image, x - px(o, 12), y, (int)wide + px(o, 24), px(o, 32), box, 0.85);
    udy__letters_draw(o->large, image, x, y + px(o, 22), text, ink, 0);
}

void udy__overlay_draw(const udy__overlay *o, udy__image *image, const udy__caption *c) {
    char number[32];
    if (c->is_still) udy__fill(image, 0, 0, o->width, o->height, pale, 0.5);
    udy__fill(image, 0, 0, o->width, px(o, 36), band, 0.72);
    udy__fill(image, 0, o->height - px(o, 38), o->width, px(o, 38), band, 0.72);
    double end = c->has_gauge ? draw_gauge(o, image, c) : o->width;
    udy__letters_draw(o->large, image, px(o, 12), px(o, 25), c->label, ink,
                      fmax(1, end - px(o, 24)));
    udy__format(number, sizeof number, "%.2f s", c->time_s);
    draw_pair(o, image, px(o, 12), "time", number);
    udy__format(number, sizeof number, "%.2f m/s", c->speed);
    draw_pair(o, image, o->width * 0.31, "speed", number);
    udy__format(number, sizeof number, "%.1f", c->ret);
    draw_pair(o, image, o->width * 0.68, "return", number);
    draw_end(o, image, c);
}
