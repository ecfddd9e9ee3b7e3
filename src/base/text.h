// text.h: small helpers for text that json, settings and io share: growable buffers, numbers that
// read back to the same bits in any locale, UTF-8, and hostile text made fit for a message.
#ifndef UNDERSTUDY_BASE_TEXT_H_
#define UNDERSTUDY_BASE_TEXT_H_

#include <stdarg.h>

#include "understudy/base.h"

// A buffer that grows. Once an allocation fails everything is dropped and take() gives NULL, so
// that a writer checks once, at the end. Initialise with {0}.
typedef struct udy__text {
    char *p;
    size_t n, capacity;
    bool failed;
} udy__text;

void udy__text_add(udy__text *text, const char *s, size_t n);
void udy__text_puts(udy__text *text, const char *s);
// Of any length, in the program's locale.
void udy__text_printf(udy__text *text, const char *format, ...) UDY_PRINTF(2, 3);
void udy__text_vprintf(udy__text *text, const char *format, va_list args) UDY_PRINTF(2, 0);
char *udy__text_take(udy__text *text);  // free with udy_free; NULL: out of memory
void udy__text_drop(udy__text *text);

#define UDY__NUMBER_MAX 32
// The shortest of %.15g, %.16g, %.17g that reads back to the same bits; a '.' in every locale.
void udy__double_print(char out[UDY__NUMBER_MAX], double value);
// The whole of text as a decimal number ("1", "-1.5e3", ".5"); false where it is anything else.
bool udy__double_parse(double *out, const char *text);

// Bytes of the UTF-8 code point at s[0..n); 0 where it is malformed or cut. Nullable: code_point
size_t udy__utf8_decode(const char *s, size_t n, uint32_t *code_point);
bool udy__utf8_valid(const char *s);

#define UDY__SHOW_MAX 96
// Text from outside as it may stand in a message: clipped, control characters as '?'.
const char *udy__text_show(char out[UDY__SHOW_MAX], const char *s, size_t n);

// From here to udy__locale_leave this thread's numbers have a '.', whatever the program's locale.
void *udy__locale_enter(void);
void udy__locale_leave(void *before);

#endif  // UNDERSTUDY_BASE_TEXT_H_
