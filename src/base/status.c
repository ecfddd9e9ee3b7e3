// Status names and messages, and errors in words. Where every room's failures get their text.
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "understudy/base.h"

const char *udy_status_name(int status) {
    switch (status) {
        case UDY_OK: return "UDY_OK";
#define UDY_STATUS_NAME(name, number, message) \
    case number: return "UDY_" #name;
            UDY_STATUS_MAP(UDY_STATUS_NAME)
#undef UDY_STATUS_NAME
        default: return "UDY_UNKNOWN";
    }
}

const char *udy_status_message(int status) {
    switch (status) {
        case UDY_OK: return "success";
#define UDY_STATUS_MESSAGE(name, number, message) \
    case number: return message;
            UDY_STATUS_MAP(UDY_STATUS_MESSAGE)
#undef UDY_STATUS_MESSAGE
        default: return "unknown status";
    }
}

int udy_error_set(udy_error *err, int code, const char *format, ...) {
    if (err) {
        // The arguments may point into err->message itself: print beside it first.
        char message[sizeof err->message];
        va_list args;
        va_start(args, format);
        vsnprintf(message, sizeof message, format, args);
        va_end(args);
        memcpy(err->message, message, sizeof message);
        err->code = code;
    }
    return code;
}

static int status_of_errno(int errno_value) {
    switch (errno_value) {
        case ENOENT:
        case ENOTDIR: return UDY_ENOENT;
        case EEXIST:
        case ENOTEMPTY: return UDY_EEXIST;
        case ENOSPC:
        case EDQUOT:
        case EFBIG: return UDY_ENOSPC;
        case EACCES:
        case EPERM:
        case EROFS: return UDY_EPERM;
        case ENOMEM: return UDY_ENOMEM;
        case EINTR: return UDY_EINTERRUPTED;
        default: return UDY_EIO;
    }
}

int udy_error_set_errno(udy_error *err, int errno_value, const char *format, ...) {
    int code = status_of_errno(errno_value);
    if (err) {
        char what[sizeof err->message - 128];
        va_list args;
        va_start(args, format);
        vsnprintf(what, sizeof what, format, args);
        va_end(args);
        char reason[112];
        udy_error_set(err, code, "%s: %s", what, strerror_r(errno_value, reason, sizeof reason));
    }
    return code;
}

int udy_error_wrap(udy_error *err, int code, const char *format, ...) {
    if (err) {
        char prefix[sizeof err->message / 2];
        va_list args;
        va_start(args, format);
        vsnprintf(prefix, sizeof prefix, format, args);
        va_end(args);
        char message[sizeof err->message];
        const char *old = err->code ? err->message : udy_status_message(code);
        size_t used = (size_t)snprintf(message, sizeof message, "%s: ", prefix);
        snprintf(message + used, sizeof message - used, "%s", old);
        memcpy(err->message, message, sizeof message);
        err->code = code;
    }
    return code;
}
