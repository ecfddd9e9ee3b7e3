#!/usr/bin/env python3
"""Writes src/show/font.h: the printable ASCII characters of DejaVu Sans as small grey pictures.

    python3 scripts/make_font.py > src/show/font.h      # needs Pillow and the DejaVu fonts

Videos have their text drawn with it, so that none of them depends on the fonts of a machine. Each
glyph is kept at 32 pixels an em, cropped to its ink, in 16 greys, a letter ('A' none to 'P' full) a
pixel; src/show/video_text.c scales them down.
"""
import sys

from PIL import ImageFont

EM = 32
PATH = sys.argv[1] if len(sys.argv) > 1 else "/usr/share/fonts/truetype/dejavu/DejaVuSans.ttf"

font = ImageFont.truetype(PATH, EM, layout_engine=ImageFont.Layout.BASIC)
glyphs = []
for code in range(32, 127):
    mask, (left, top) = font.getmask2(chr(code), mode="L", anchor="ls")
    width, height = mask.size
    grey = [[(mask.getpixel((x, y)) * 15 + 127) // 255 for x in range(width)] for y in range(height)]
    while width and not any(row[0] for row in grey):
        grey, left, width = [row[1:] for row in grey], left + 1, width - 1
    while width and not any(row[-1] for row in grey):
        grey, width = [row[:-1] for row in grey], width - 1
    if not width:
        left = top = height = 0
    # Advances are kept in 64ths of a pixel: text is set at other sizes.
    advance = round(font.getlength(chr(code) * 64))
    pixels = "".join(chr(ord("A") + g) for row in grey for g in row) if width else ""
    glyphs.append((code, advance, left, top, width, height, pixels))

print(f"""\
// Printable ASCII of DejaVu Sans (Copyright (c) 2003 by Bitstream, Inc.; DejaVu changes are in the public
// domain: THIRD_PARTY.md), as pictures. Written by scripts/make_font.py.
#ifndef UNDERSTUDY_SRC_SHOW_FONT_H_
#define UNDERSTUDY_SRC_SHOW_FONT_H_

// clang-format off
enum {{ FONT_EM = {EM}, FONT_FIRST = 32, FONT_COUNT = {len(glyphs)} }};

// advance: in 64ths of a pixel; left, top: of the picture from the pen on the base line, y down;
// pixels: [height, width], 'A' none to 'P' full.
typedef struct font_glyph {{
    short advance, left, top, width, height;
    const char *pixels;
}} font_glyph;

static const font_glyph font_glyphs[FONT_COUNT] = {{""")
for code, *numbers, pixels in glyphs:
    print("    {" + ", ".join(map(str, numbers)) + ",  // " + ("backslash" if code == 92 else chr(code)))
    lines = [pixels[i:i + 92] for i in range(0, len(pixels), 92)] or [""]
    print("\n".join(f'     "{line}"' for line in lines) + "},")
print("""};
// clang-format on

#endif  // UNDERSTUDY_SRC_SHOW_FONT_H_""")
