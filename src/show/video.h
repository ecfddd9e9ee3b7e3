// What the files of videos share, inside `show`: text, an encoder, pictures. footage.c plays episodes,
// video.c has them drawn on all threads, video_overlay.c writes on the pictures with video_text.c's
// letters, video_mp4.c makes a file of them. Not public.
#ifndef UDY_SHOW_VIDEO_H_
#define UDY_SHOW_VIDEO_H_

#include "understudy/show.h"

//------------------------------------------ Pictures ----------------------------------------------

typedef struct udy__image {
    uint8_t *rgb;  // [height, width, 3], rows from the top
    int width, height;
} udy__image;

typedef struct udy__colour {
    uint8_t r, g, b;
} udy__colour;

// Mix a colour over a rectangle, of which what lies outside is passed over. cover: 0 to 1
void udy__fill(udy__image *image, int x, int y, int width, int height, udy__colour colour,
               double cover);

//------------------------------------------ Text (video_text.c) -----------------------------------

// Letters of one size. ASCII; each byte of anything else is drawn as '?'.
typedef struct udy__letters udy__letters;
int udy__letters_create(udy__letters **out, double px, udy_error *err) UDY_MUST_CHECK;  // px an em
void udy__letters_destroy(udy__letters *letters);  // NULL is legal
double udy__letters_width(const udy__letters *letters, const char *text);
// Draw text from x on, its base line at y. With max_width > 0, text that is wider ends in "...".
void udy__letters_draw(const udy__letters *letters, udy__image *image, double x, int y,
                       const char *text, udy__colour colour, double max_width);

//------------------------------------------ Overlay (video_overlay.c) -----------------------------

typedef struct udy__overlay udy__overlay;
int udy__overlay_create(udy__overlay **out, int width, int height, udy_error *err) UDY_MUST_CHECK;
void udy__overlay_destroy(udy__overlay *overlay);  // NULL is legal

// What is written on one picture of a panel.
typedef struct udy__caption {
    const char *label;
    double time_s, speed, ret;
    bool has_gauge;
    double gauge;   // 0 to 1; NaN: unknown here
    udy_end end;    // NONE: the episode goes on
    bool is_still;  // its pictures are used up: dimmed
} udy__caption;
void udy__overlay_draw(const udy__overlay *overlay, udy__image *image, const udy__caption *caption);

//------------------------------------------ MP4 (video_mp4.c) -------------------------------------

// Encodes pictures as H.264 in an MP4 that is kept in memory until it is whole.
typedef struct udy__mp4 udy__mp4;
// width, height: even. n_frames: how many will come, which sizes the table at the file's front.
int udy__mp4_open(udy__mp4 **out, int width, int height, double fps, int crf, int64_t n_frames,
                  udy_error *err) UDY_MUST_CHECK;
int udy__mp4_frame(udy__mp4 *mp4, const uint8_t *rgb, udy_error *err) UDY_MUST_CHECK;
// End the file and write it to path, whole or not at all.
int udy__mp4_write(udy__mp4 *mp4, const char *path, int64_t *n_bytes, udy_error *err)
    UDY_MUST_CHECK;
void udy__mp4_close(udy__mp4 *mp4);  // NULL is legal

#endif  // UDY_SHOW_VIDEO_H_
