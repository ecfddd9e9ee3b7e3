// Settings from YAML: libyaml's events, walked with every bound checked. What a settings file has
// no use for (aliases, anchors, tags, several documents) is refused, so that a hostile file can
// make a load fail and never more.
#include <ctype.h>
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <yaml.h>

#include "base/settings_internal.h"
#include "base/text.h"

#define FILE_BYTES_MAX ((size_t)256 << 10)
#define DEPTH_MAX 8

typedef struct loader {
    yaml_parser_t parser;
    yaml_event_t event;  // the current one; owned
    bool has_event;
    void *settings;
    const udy_field *table;
    bool *seen;        // [fields of table]
    const char *path;  // NULL: text of an assignment
    udy_error *err;
    char key[UDY__KEY_MAX];
} loader;

//------------------------------------------ Events ------------------------------------------------

// Put "file:line: " in front of a message that is already in err.
static int at_line(loader *l, int code, size_t line) {
    return l->path ? udy_error_wrap(l->err, code, "%s:%zu", l->path, line + 1) : code;
}

static int refuse(loader *l, const char *what) {
    int code = udy_error_set(l->err, UDY_EFORMAT, "%s", what);
    return at_line(l, code, l->event.start_mark.line);
}

static int parser_fault(loader *l) {
    const yaml_parser_t *p = &l->parser;
    if (p->error == YAML_MEMORY_ERROR) {
        return udy_error_set(l->err, UDY_ENOMEM, "%s: out of memory", l->path ? l->path : "value");
    }
    size_t line = p->problem_mark.line;
    const char *problem = p->problem ? p->problem : "malformed text";
    int code;
    if (p->error == YAML_READER_ERROR) {
        line = p->mark.line;
        code = udy_error_set(l->err, UDY_EFORMAT, "not YAML: %s (byte %zu)", problem,
                             p->problem_offset);
    } else {
        code = udy_error_set(l->err, UDY_EFORMAT, "not YAML: %s%s%s", p->context ? p->context : "",
                             p->context ? ", " : "", problem);
    }
    return at_line(l, code, line);
}

static int next(loader *l) {
    if (l->has_event) yaml_event_delete(&l->event);
    l->has_event = false;
    if (!yaml_parser_parse(&l->parser, &l->event)) return parser_fault(l);
    l->has_event = true;
    const yaml_char_t *anchor = NULL, *tag = NULL;
    switch (l->event.type) {
        case YAML_ALIAS_EVENT: return refuse(l, "aliases (*name) are not allowed in settings");
        case YAML_SCALAR_EVENT:
            anchor = l->event.data.scalar.anchor;
            tag = l->event.data.scalar.tag;
            break;
        case YAML_SEQUENCE_START_EVENT:
            anchor = l->event.data.sequence_start.anchor;
            tag = l->event.data.sequence_start.tag;
            break;
        case YAML_MAPPING_START_EVENT:
            anchor = l->event.data.mapping_start.anchor;
            tag = l->event.data.mapping_start.tag;
            break;
        default: break;
    }
    if (anchor) return refuse(l, "anchors (&name) are not allowed in settings");
    if (tag) return refuse(l, "tags (!name) are not allowed in settings");
    return UDY_OK;
}

//------------------------------------------ Values ------------------------------------------------

static int refuse_item(loader *l) {
    int code = udy_error_set(l->err, UDY_EFORMAT, "%s%sa list may hold only numbers", l->key,
                             l->key[0] ? ": " : "");
    return at_line(l, code, l->event.start_mark.line);
}

static int read_list(loader *l, udy__value *value) {
    value->kind = UDY__VALUE_LIST;
    value->n = 0;
    for (;;) {
        int code = next(l);
        if (code) return code;
        if (l->event.type == YAML_SEQUENCE_END_EVENT) return UDY_OK;
        if (l->event.type != YAML_SCALAR_EVENT) return refuse_item(l);
        const char *text = (const char *)l->event.data.scalar.value;
        size_t length = l->event.data.scalar.length;
        bool plain = l->event.data.scalar.style == YAML_PLAIN_SCALAR_STYLE;
        if (!plain || length >= UDY__LIST_TEXT_MAX || strlen(text) != length) {
            return refuse_item(l);
        }
        if (value->n < UDY_INTS_MAX) memcpy(value->items[value->n], text, length + 1);
        value->n++;
    }
}

// The value that starts at the current event. A scalar's text lives until the next event.
static int read_value(loader *l, udy__value *value) {
    *value = (udy__value){0};
    if (l->event.type == YAML_SEQUENCE_START_EVENT) return read_list(l, value);
    if (l->event.type == YAML_MAPPING_START_EVENT) {
        value->kind = UDY__VALUE_MAPPING;
        return UDY_OK;
    }
    value->kind = UDY__VALUE_SCALAR;
    value->text = (const char *)l->event.data.scalar.value;
    value->length = l->event.data.scalar.length;
    value->plain = l->event.data.scalar.style == YAML_PLAIN_SCALAR_STYLE;
    return UDY_OK;
}

//------------------------------------------ Mappings ----------------------------------------------

static int read_mapping(loader *l, int depth);

// Append ".part" to the key at hand; the part is the current event, a scalar.
static int extend_key(loader *l, size_t n_before) {
    const char *part = (const char *)l->event.data.scalar.value;
    size_t n_part = l->event.data.scalar.length;
    size_t n = n_before + (n_before > 0) + n_part;
    if (n >= sizeof l->key || n_part == 0 || strlen(part) != n_part) {
        char shown[UDY__SHOW_MAX];
        udy__text_show(shown, part, n_part);
        int code = udy_error_set(l->err, UDY_EINVAL, "unknown key '%s'", shown);
        return at_line(l, code, l->event.start_mark.line);
    }
    if (n_before > 0) l->key[n_before++] = '.';
    memcpy(l->key + n_before, part, n_part + 1);
    return UDY_OK;
}

static int store(loader *l, const udy_field *field, size_t line) {
    size_t index = (size_t)(field - l->table);
    if (l->seen[index]) {
        return at_line(l, udy_error_set(l->err, UDY_EINVAL, "%s is given twice", field->key), line);
    }
    l->seen[index] = true;
    udy__value value;
    int code = read_value(l, &value);
    if (code) return code;
    code = udy__settings_assign(l->settings, field, &value, l->err);
    return code ? at_line(l, code, line) : UDY_OK;
}

// The value of the key at hand is the current event.
static int read_member(loader *l, size_t line, int depth) {
    const udy_field *field = udy__settings_find(l->table, l->key);
    if (field) return store(l, field, line);
    if (l->event.type == YAML_MAPPING_START_EVENT) return read_mapping(l, depth + 1);
    if (!udy__settings_is_group(l->table, l->key)) {
        return at_line(l, udy__settings_unknown(l->table, l->key, l->err), line);
    }
    // A group whose keys are all commented out reads as an empty scalar.
    bool empty = l->event.type == YAML_SCALAR_EVENT && l->event.data.scalar.length == 0 &&
                 l->event.data.scalar.style == YAML_PLAIN_SCALAR_STYLE;
    if (empty) return UDY_OK;
    int code =
        udy_error_set(l->err, UDY_EINVAL, "'%s' is a group of settings, not a value", l->key);
    return at_line(l, code, line);
}

static int read_mapping(loader *l, int depth) {
    if (depth > DEPTH_MAX) return refuse(l, "nested too deeply");
    size_t n_before = strlen(l->key), line = l->event.start_mark.line;
    for (int n_members = 0;; n_members++) {
        int code = next(l);
        if (code) return code;
        if (l->event.type == YAML_MAPPING_END_EVENT) {
            bool known = n_before == 0 || udy__settings_is_group(l->table, l->key);
            if (n_members > 0 || known) return UDY_OK;
            return at_line(l, udy__settings_unknown(l->table, l->key, l->err), line);
        }
        if (l->event.type != YAML_SCALAR_EVENT) return refuse(l, "a key must be a word");
        size_t key_line = l->event.start_mark.line;
        code = extend_key(l, n_before);
        if (!code) code = next(l);
        if (!code) code = read_member(l, key_line, depth);
        if (code) return code;
        l->key[n_before] = '\0';
    }
}

//------------------------------------------ Documents ---------------------------------------------

// Stream and document start; *empty where there is no document. Else the root's event is current.
static int open_document(loader *l, bool *empty) {
    *empty = false;
    int code = next(l);  // STREAM-START
    if (!code) code = next(l);
    if (code) return code;
    if (l->event.type == YAML_STREAM_END_EVENT) {
        *empty = true;
        return UDY_OK;
    }
    return next(l);
}

// After the root's last event: the document and the stream end.
static int close_document(loader *l) {
    int code = next(l);  // DOCUMENT-END
    if (!code) code = next(l);
    if (code) return code;
    return l->event.type == YAML_STREAM_END_EVENT ? UDY_OK : refuse(l, "more than one document");
}

static int read_root(loader *l) {
    bool empty;
    int code = open_document(l, &empty);
    if (code || empty) return code;
    bool blank = l->event.type == YAML_SCALAR_EVENT && l->event.data.scalar.length == 0;
    if (l->event.type != YAML_MAPPING_START_EVENT && !blank) {
        return refuse(l, "expected a mapping of keys to values");
    }
    if (!blank) code = read_mapping(l, 1);
    return code ? code : close_document(l);
}

static int loader_open(loader *l, const char *text, size_t n_bytes) {
    if (!yaml_parser_initialize(&l->parser)) {
        return udy_error_set(l->err, UDY_ENOMEM, "out of memory for a YAML parser");
    }
    yaml_parser_set_encoding(&l->parser, YAML_UTF8_ENCODING);
    yaml_parser_set_input_string(&l->parser, (const unsigned char *)text, n_bytes);
    return UDY_OK;
}

static void loader_close(loader *l) {
    if (l->has_event) yaml_event_delete(&l->event);
    yaml_parser_delete(&l->parser);
}

//------------------------------------------ Files -------------------------------------------------

// Whole file; udy_file_read's little brother, for base may not see io.
static int read_file(char **out, size_t *n_bytes, const char *path, udy_error *err) {
    // O_NONBLOCK: opening a pipe by mistake must fail, not wait.
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0) return udy_error_set_errno(err, errno, "%s", path);
    struct stat st;
    char *text = udy_alloc(FILE_BYTES_MAX + 1);
    size_t n = 0;
    int code = text ? UDY_OK : udy_error_set(err, UDY_ENOMEM, "%s: out of memory", path);
    if (!code && (fstat(fd, &st) != 0 || !S_ISREG(st.st_mode))) {
        code = udy_error_set(err, UDY_EINVAL, "%s: not a regular file", path);
    }
    while (!code && n <= FILE_BYTES_MAX) {
        ssize_t got = read(fd, text + n, FILE_BYTES_MAX + 1 - n);
        if (got == 0) break;
        if (got < 0 && errno != EINTR) code = udy_error_set_errno(err, errno, "%s", path);
        if (got > 0) n += (size_t)got;
    }
    close(fd);
    if (!code && n > FILE_BYTES_MAX) {
        code = udy_error_set(err, UDY_EFORMAT, "%s: larger than 256 KiB, too large for settings",
                             path);
    }
    if (code) {
        udy_free(text);
        return code;
    }
    *out = text;
    *n_bytes = n;
    return UDY_OK;
}

// Bytes from the start of a settings struct to the end of its last field.
static size_t settings_extent(const udy_field *table) {
    size_t extent = 0;
    for (const udy_field *f = table; f->key; f++) {
        size_t size = 0;
        switch (f->type) {
            case UDY_FIELD_INT:
            case UDY_FIELD_CHOICE: size = sizeof(int); break;
            case UDY_FIELD_U64: size = sizeof(uint64_t); break;
            case UDY_FIELD_F64: size = sizeof(double); break;
            case UDY_FIELD_BOOL: size = sizeof(bool); break;
            case UDY_FIELD_TEXT: size = f->size; break;
            case UDY_FIELD_INTS: size = sizeof(udy_ints); break;
            case UDY_FIELD_PAIR: size = 2 * sizeof(double); break;
        }
        if (f->offset + size > extent) extent = f->offset + size;
    }
    return extent;
}

int udy_settings_load(void *settings, const udy_field *table, const char *path, udy_error *err) {
    if (!settings || !table || !path) {
        return udy_error_set(err, UDY_EINVAL, "settings, table and path must be given");
    }
    char *text = NULL;
    size_t n_bytes = 0, n_fields = 0, extent = settings_extent(table);
    while (table[n_fields].key) n_fields++;
    int code = read_file(&text, &n_bytes, path, err);
    if (code) return code;
    // Into a copy, so that a file with a fault changes nothing.
    loader l = {.table = table, .path = path, .err = err};
    l.settings = udy_alloc(extent + 1);
    l.seen = udy_alloc(n_fields + 1);
    if (!l.settings || !l.seen) {
        code = udy_error_set(err, UDY_ENOMEM, "%s: out of memory", path);
    } else {
        memcpy(l.settings, settings, extent);
        code = loader_open(&l, text, n_bytes);
        if (!code) {
            code = read_root(&l);
            loader_close(&l);
        }
        if (!code) memcpy(settings, l.settings, extent);
    }
    udy_free(l.settings);
    udy_free(l.seen);
    udy_free(text);
    return code;
}

//------------------------------------------ One value ---------------------------------------------

// A text needs no quotes on a command line, and a list no brackets, which a shell would take.
static bool is_verbatim(const udy_field *field, const char *text) {
    return field->type == UDY_FIELD_TEXT && *text != '"' && *text != '\'';
}

static int assign_verbatim(void *settings, const udy_field *field, const char *text, size_t n,
                           udy_error *err) {
    if (!udy__utf8_valid(text)) {
        return udy_error_set(err, UDY_EINVAL, "%s: the text is not UTF-8", field->key);
    }
    udy__value value = {.kind = UDY__VALUE_SCALAR, .text = text, .length = n};
    return udy__settings_assign(settings, field, &value, err);
}

static int assign_yaml(void *settings, const udy_field *field, const char *text, size_t n,
                       udy_error *err) {
    loader l = {.settings = settings, .err = err};
    int code = loader_open(&l, text, n);
    if (code) return code;
    bool empty;
    udy__value value = {.kind = UDY__VALUE_SCALAR, .text = "", .plain = true};
    code = open_document(&l, &empty);
    if (!code && !empty) code = read_value(&l, &value);
    if (!code && value.kind == UDY__VALUE_SCALAR) {
        // The text lives in the event, which the end of the document replaces: keep a copy.
        char *copy = udy_alloc(value.length + 1);
        if (!copy) {
            code = udy_error_set(err, UDY_ENOMEM, "%s: out of memory", field->key);
        } else {
            memcpy(copy, value.text, value.length);
            value.text = copy;
            if (!empty) code = close_document(&l);
            if (!code) code = udy__settings_assign(settings, field, &value, err);
            udy_free(copy);
        }
    } else if (!code) {
        if (value.kind == UDY__VALUE_LIST) code = close_document(&l);
        if (!code) code = udy__settings_assign(settings, field, &value, err);
    }
    loader_close(&l);
    return code;
}

int udy__settings_assign_text(void *settings, const udy_field *field, const char *text,
                              udy_error *err) {
    while (isspace((unsigned char)*text)) text++;
    size_t n = strlen(text);
    while (n > 0 && isspace((unsigned char)text[n - 1])) n--;
    bool list = field->type == UDY_FIELD_INTS || field->type == UDY_FIELD_PAIR;
    bool bare = list && n > 0 && *text != '[';
    if (n > FILE_BYTES_MAX) return udy_error_set(err, UDY_EINVAL, "%s: too long", field->key);
    udy__text value = {0};
    if (bare) udy__text_puts(&value, "[");
    udy__text_add(&value, text, n);
    if (bare) udy__text_puts(&value, "]");
    n = value.n;
    char *copy = udy__text_take(&value);
    if (!copy) return udy_error_set(err, UDY_ENOMEM, "%s: out of memory", field->key);
    int code;
    if (is_verbatim(field, copy)) {
        code = assign_verbatim(settings, field, copy, n, err);
    } else {
        code = assign_yaml(settings, field, copy, n, err);
        // Syntax errors do not know the key.
        if (code == UDY_EFORMAT) code = udy_error_wrap(err, code, "%s", field->key);
    }
    udy_free(copy);
    return code;
}
