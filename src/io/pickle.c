// Reading pickles as data: the stack machine of Python's pickle module, without its heart. See
// pickle.h. The opcodes are a table: what is not in it with a function does not run.
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/text.h"
#include "io/pickle_reader.h"

#define DEPTH_MAX 64
#define NAME_BYTES_MAX 256

//------------------------------------------ The stack ---------------------------------------------

// Where the values above the last mark begin; the whole stack where there is no mark.
static size_t floor_of(const reader *r) {
    return r->n_marks ? r->marks[r->n_marks - 1] : 0;
}

static int need(reader *r, size_t n) {
    if (r->n - floor_of(r) >= n) return UDY_OK;
    return FAULT(r, "the stack holds %zu values, expected %zu", r->n - floor_of(r), n);
}

static int pop_mark(reader *r, size_t *at) {
    if (!r->n_marks) return FAULT(r, "no mark on the stack");
    *at = r->marks[--r->n_marks];
    return UDY_OK;
}

static int deepen(reader *r, value *v, const value *child) {
    if (child->depth + 1 > v->depth) v->depth = child->depth + 1;
    return v->depth <= DEPTH_MAX ? UDY_OK : FAULT(r, "nested deeper than %d", DEPTH_MAX);
}

// Put the n values at the stack's end into v.
static int put_items(reader *r, value *v, size_t n) {
    if (v->n + n > v->capacity) {
        size_t capacity = v->capacity ? 2 * v->capacity : n;
        if (capacity < v->n + n) capacity = v->n + n;
        const value **larger = udy__pickle_take(r, capacity * sizeof *larger);
        if (!larger) return udy__pickle_no_memory(r);
        if (v->n) memcpy(larger, v->item, v->n * sizeof *larger);
        v->item = larger;
        v->capacity = capacity;
    }
    int status = UDY_OK;
    for (size_t i = r->n - n; !status && i < r->n; i++) {
        v->item[v->n++] = r->stack[i];
        status = deepen(r, v, r->stack[i]);
    }
    r->n -= n;
    return status;
}

//------------------------------------------ Containers --------------------------------------------

static int op_mark(reader *r, const opcode *op) {
    (void)op;
    void *marks = r->marks;
    if (!udy__pickle_grow(&marks, r->n_marks, &r->marks_capacity, sizeof *r->marks))
        return udy__pickle_no_memory(r);
    r->marks = marks;
    r->marks[r->n_marks++] = r->n;
    return UDY_OK;
}

static int op_empty(reader *r, const opcode *op) {
    return udy__pickle_push(r, udy__pickle_make(r, op->kind));
}

// A container of the last `n` values.
static int collect(reader *r, udy__pickle_kind kind, size_t n) {
    value *v = udy__pickle_make(r, kind);
    if (!v) return udy__pickle_no_memory(r);
    if (kind == UDY__PICKLE_DICT && n % 2) return FAULT(r, "a dict with a key and no value");
    int status = put_items(r, v, n);
    return status ? status : udy__pickle_push(r, v);
}

static int op_collect_marked(reader *r, const opcode *op) {
    size_t at = 0;
    int status = pop_mark(r, &at);
    return status ? status : collect(r, op->kind, r->n - at);
}

static int op_tuple(reader *r, const opcode *op) {
    int status = need(r, op->width);
    return status ? status : collect(r, UDY__PICKLE_TUPLE, op->width);
}

// n values at the end go into the one below them.
static int put_into(reader *r, udy__pickle_kind kind, size_t n) {
    int status = need(r, n + 1);
    if (status) return status;
    value *v = r->stack[r->n - n - 1];
    if (v->kind != kind && v->kind != UDY__PICKLE_OBJECT)
        return FAULT(r, "items for what takes none");
    if (kind == UDY__PICKLE_DICT && n % 2) return FAULT(r, "a key and no value");
    return put_items(r, v, n);
}

static int op_put(reader *r, const opcode *op) {
    return put_into(r, op->kind, op->width);
}

static int op_put_marked(reader *r, const opcode *op) {
    size_t at = 0;
    int status = pop_mark(r, &at);
    return status ? status : put_into(r, op->kind, r->n - at);
}

static int op_pop(reader *r, const opcode *op) {
    (void)op;
    if (r->n_marks && r->marks[r->n_marks - 1] == r->n) {
        r->n_marks--;
        return UDY_OK;
    }
    int status = need(r, 1);
    if (!status) r->n--;
    return status;
}

static int op_pop_mark(reader *r, const opcode *op) {
    (void)op;
    return pop_mark(r, &r->n);
}

static int op_dup(reader *r, const opcode *op) {
    (void)op;
    int status = need(r, 1);
    return status ? status : udy__pickle_push(r, r->stack[r->n - 1]);
}

//------------------------------------------ Memo --------------------------------------------------

static int remember(reader *r, uint64_t i) {
    int status = need(r, 1);
    // Whoever writes a pickle counts up: an index beyond its bytes is a trick.
    if (!status && i > (uint64_t)(r->end - r->start))
        status = FAULT(r, "memo %llu, in a pickle of %zu bytes", (unsigned long long)i,
                       (size_t)(r->end - r->start));
    if (status) return status;
    if (i >= r->memo_capacity) {
        size_t larger = r->memo_capacity ? 2 * r->memo_capacity : 64;
        if (larger <= i) larger = (size_t)i + 1;
        value **p = udy_alloc(larger * sizeof *p);
        if (!p) return udy__pickle_no_memory(r);
        if (r->memo) memcpy(p, r->memo, r->memo_capacity * sizeof *p);
        udy_free(r->memo);
        r->memo = p;
        r->memo_capacity = larger;
    }
    if (!r->memo[i]) r->n_memo++;
    r->memo[i] = r->stack[r->n - 1];
    return UDY_OK;
}

// Its place: a number, or a line (width 0).
static int read_place(reader *r, const opcode *op, uint64_t *out) {
    char line[64], *end;
    if (op->width) return udy__pickle_read_number(r, op->width, out);
    int status = udy__pickle_read_short_line(r, line);
    if (status) return status;
    if (line[0] < '0' || line[0] > '9') return FAULT(r, "a line that is no place");
    errno = 0;
    *out = strtoull(line, &end, 10);
    return errno || *end ? FAULT(r, "a line that is no place") : UDY_OK;
}

static int op_memo_put(reader *r, const opcode *op) {
    uint64_t i;
    int status = read_place(r, op, &i);
    return status ? status : remember(r, i);
}

static int op_memoize(reader *r, const opcode *op) {
    (void)op;
    return remember(r, r->n_memo);
}

static int op_memo_get(reader *r, const opcode *op) {
    uint64_t i;
    int status = read_place(r, op, &i);
    if (status) return status;
    if (i >= r->memo_capacity || !r->memo[i])
        return FAULT(r, "nothing is remembered at %llu", (unsigned long long)i);
    return udy__pickle_push(r, r->memo[i]);
}

//------------------------------------------ Names and objects -------------------------------------

static bool is_allowed(const reader *r, const char *name) {
    for (const char *const *a = r->allowed; *a; a++) {
        size_t n = strlen(*a);
        bool prefix = n && (*a)[n - 1] == '*';
        if (prefix ? !strncmp(*a, name, n - 1) : !strcmp(*a, name)) return true;
    }
    return false;
}

static int push_global(reader *r, const char *module, size_t m, const char *name, size_t n) {
    char *p = udy__pickle_take(r, m + n + 2), shown[UDY__SHOW_MAX];
    if (!p) return udy__pickle_no_memory(r);
    memcpy(p, module, m);
    p[m] = ' ';
    memcpy(p + m + 1, name, n);
    p[m + 1 + n] = '\0';
    // One text may serve for many names: a long one would make a small pickle large.
    bool plain = m + n < NAME_BYTES_MAX && !memchr(p, 0, m + n + 1) && !memchr(module, ' ', m) &&
                 !memchr(name, ' ', n);
    if (!plain || !is_allowed(r, p)) {
        if (m + n) p[m] = '.';
        return udy__pickle_fault(r, UDY_EUNSUPPORTED,
                                 "refuses the name '%s': data are read here, and no code is run",
                                 udy__text_show(shown, p, m + n + 1));
    }
    return udy__pickle_push_text(r, UDY__PICKLE_GLOBAL, p, m + n + 1);
}

static int op_global(reader *r, const opcode *op) {
    const char *module, *name;
    size_t m, n;
    (void)op;
    int status = udy__pickle_read_line(r, &module, &m);
    if (!status) status = udy__pickle_read_line(r, &name, &n);
    return status ? status : push_global(r, module, m, name, n);
}

static int op_stack_global(reader *r, const opcode *op) {
    (void)op;
    int status = need(r, 2);
    if (status) return status;
    const value *module = r->stack[r->n - 2], *name = r->stack[r->n - 1];
    if (module->kind != UDY__PICKLE_TEXT || name->kind != UDY__PICKLE_TEXT)
        return FAULT(r, "a name that is no text");
    r->n -= 2;
    return push_global(r, module->text.p, module->text.n, name->text.p, name->text.n);
}

// Before protocol 3 there are no bytes: they are text, to be encoded as Latin-1.
static int push_encoded(reader *r, const value *args) {
    if (args->n != 2 || args->item[0]->kind != UDY__PICKLE_TEXT ||
        !(udy__pickle_is_text(args->item[1], "latin1") ||
          udy__pickle_is_text(args->item[1], "latin-1")))
        return FAULT(r, "text that is not to be encoded as Latin-1");
    const char *text = args->item[0]->text.p;
    size_t n = args->item[0]->text.n, used = 0;
    // Each text is encoded once, and Latin-1 takes two bytes at most: more is one text many times.
    r->n_encoded += n;
    if (r->n_encoded > 2 * (size_t)(r->end - r->start))
        return FAULT(r, "text encoded again and again, %zu bytes of it", r->n_encoded);
    char *out = udy__pickle_take(r, n + 1);
    if (!out) return udy__pickle_no_memory(r);
    for (size_t i = 0; i < n;) {
        uint32_t c;
        size_t length = udy__utf8_decode(text + i, n - i, &c);
        if (!length || c > 255) return FAULT(r, "text that is not Latin-1");
        out[used++] = (char)(unsigned char)c;
        i += length;
    }
    return udy__pickle_push_text(r, UDY__PICKLE_BYTES, out, used);
}

// What calling a name with a tuple of arguments would give. width: values on the stack above the
// name: the tuple, and a dict of keywords.
static int op_object(reader *r, const opcode *op) {
    int status = need(r, (size_t)op->width + 1);
    if (status) return status;
    value **top = r->stack + r->n - op->width - 1;
    const value *callable = top[0], *args = top[1];
    if (callable->kind != UDY__PICKLE_GLOBAL) return FAULT(r, "a call of what is no name");
    if (args->kind != UDY__PICKLE_TUPLE) return FAULT(r, "arguments that are no tuple");
    if (op->width == 2 && (top[2]->kind != UDY__PICKLE_DICT || top[2]->n))
        return udy__pickle_fault(r, UDY_EUNSUPPORTED, "an object made with keywords");
    r->n -= (size_t)op->width + 1;
    if (op->code == 'R' && !strcmp(callable->text.p, "_codecs encode"))
        return push_encoded(r, args);
    value *v = udy__pickle_make(r, UDY__PICKLE_OBJECT);
    if (!v) return udy__pickle_no_memory(r);
    v->callable = callable;
    v->args = args;
    status = deepen(r, v, args);
    return status ? status : udy__pickle_push(r, v);
}

static int op_build(reader *r, const opcode *op) {
    (void)op;
    int status = need(r, 2);
    if (status) return status;
    value *v = r->stack[r->n - 2];
    if (v->kind != UDY__PICKLE_OBJECT) return FAULT(r, "a state for what has none");
    v->state = r->stack[--r->n];
    return deepen(r, v, v->state);
}

// An id on the stack, or on a line.
static int op_persistent(reader *r, const opcode *op) {
    int status = UDY_OK;
    if (op->code == 'P') {
        const char *p;
        size_t n;
        status = udy__pickle_read_line(r, &p, &n);
        if (!status) status = udy__pickle_push_text(r, UDY__PICKLE_TEXT, p, n);
    } else {
        status = need(r, 1);
    }
    if (status) return status;
    value *v = udy__pickle_make(r, UDY__PICKLE_PERSISTENT);
    if (!v) return udy__pickle_no_memory(r);
    v->args = r->stack[--r->n];
    status = deepen(r, v, v->args);
    return status ? status : udy__pickle_push(r, v);
}

//------------------------------------------ Frame -------------------------------------------------

static int op_proto(reader *r, const opcode *op) {
    uint64_t version;
    int status = udy__pickle_read_number(r, op->width, &version);
    if (!status && version > 5)
        status =
            udy__pickle_fault(r, UDY_EUNSUPPORTED, "protocol %d; 0 to 5 are known", (int)version);
    return status;
}

static int op_frame(reader *r, const opcode *op) {
    uint64_t n;
    int status = udy__pickle_read_number(r, op->width, &n);
    if (!status && n > (uint64_t)(r->end - r->at))
        status = FAULT(r, "a frame of %llu bytes, %zu are left", (unsigned long long)n,
                       (size_t)(r->end - r->at));
    return status;
}

static int op_stop(reader *r, const opcode *op) {
    (void)op;
    if (r->n != 1 || r->n_marks) return FAULT(r, "it ends with %zu values, expected 1", r->n);
    if (r->at != r->end) return FAULT(r, "%zu bytes follow its end", (size_t)(r->end - r->at));
    r->stopped = true;
    return UDY_OK;
}

#define TEXT UDY__PICKLE_TEXT
#define BYTES UDY__PICKLE_BYTES
#define LIST UDY__PICKLE_LIST
#define DICT UDY__PICKLE_DICT
#define SET UDY__PICKLE_SET
#define TUPLE UDY__PICKLE_TUPLE
#define NONE UDY__PICKLE_NONE
#define BOOL UDY__PICKLE_BOOL
static const opcode opcodes[] = {
    {0x80, "PROTO", op_proto, 1, NONE},
    {0x95, "FRAME", op_frame, 8, NONE},
    {'.', "STOP", op_stop, 0, NONE},
    {'N', "NONE", udy__pickle_op_constant, 0, NONE},
    {0x88, "NEWTRUE", udy__pickle_op_constant, 1, BOOL},
    {0x89, "NEWFALSE", udy__pickle_op_constant, 0, BOOL},
    {'K', "BININT1", udy__pickle_op_integer, 1, NONE},
    {'M', "BININT2", udy__pickle_op_integer, 2, NONE},
    {'J', "BININT", udy__pickle_op_integer, 4, NONE},
    {0x8a, "LONG1", udy__pickle_op_long, 1, NONE},
    {0x8b, "LONG4", udy__pickle_op_long, 4, NONE},
    {'I', "INT", udy__pickle_op_int_line, 0, NONE},
    {'L', "LONG", udy__pickle_op_int_line, 0, NONE},
    {'G', "BINFLOAT", udy__pickle_op_float, 8, NONE},
    {'F', "FLOAT", udy__pickle_op_float_line, 0, NONE},
    {'S', "STRING", udy__pickle_op_text_line, 0, NONE},
    {'V', "UNICODE", udy__pickle_op_text_line, 0, NONE},
    {'U', "SHORT_BINSTRING", udy__pickle_op_counted, 1, TEXT},
    {'T', "BINSTRING", udy__pickle_op_counted, 4, TEXT},
    {0x8c, "SHORT_BINUNICODE", udy__pickle_op_counted, 1, TEXT},
    {'X', "BINUNICODE", udy__pickle_op_counted, 4, TEXT},
    {0x8d, "BINUNICODE8", udy__pickle_op_counted, 8, TEXT},
    {'C', "SHORT_BINBYTES", udy__pickle_op_counted, 1, BYTES},
    {'B', "BINBYTES", udy__pickle_op_counted, 4, BYTES},
    {0x8e, "BINBYTES8", udy__pickle_op_counted, 8, BYTES},
    {0x96, "BYTEARRAY8", udy__pickle_op_counted, 8, BYTES},
    {'(', "MARK", op_mark, 0, NONE},
    {'0', "POP", op_pop, 0, NONE},
    {'1', "POP_MARK", op_pop_mark, 0, NONE},
    {'2', "DUP", op_dup, 0, NONE},
    {')', "EMPTY_TUPLE", op_empty, 0, TUPLE},
    {']', "EMPTY_LIST", op_empty, 0, LIST},
    {'}', "EMPTY_DICT", op_empty, 0, DICT},
    {0x8f, "EMPTY_SET", op_empty, 0, SET},
    {0x85, "TUPLE1", op_tuple, 1, TUPLE},
    {0x86, "TUPLE2", op_tuple, 2, TUPLE},
    {0x87, "TUPLE3", op_tuple, 3, TUPLE},
    {'t', "TUPLE", op_collect_marked, 0, TUPLE},
    {'l', "LIST", op_collect_marked, 0, LIST},
    {'d', "DICT", op_collect_marked, 0, DICT},
    {0x91, "FROZENSET", op_collect_marked, 0, SET},
    {'a', "APPEND", op_put, 1, LIST},
    {'e', "APPENDS", op_put_marked, 0, LIST},
    {'s', "SETITEM", op_put, 2, DICT},
    {'u', "SETITEMS", op_put_marked, 0, DICT},
    {0x90, "ADDITEMS", op_put_marked, 0, SET},
    {'p', "PUT", op_memo_put, 0, NONE},
    {'q', "BINPUT", op_memo_put, 1, NONE},
    {'r', "LONG_BINPUT", op_memo_put, 4, NONE},
    {0x94, "MEMOIZE", op_memoize, 0, NONE},
    {'g', "GET", op_memo_get, 0, NONE},
    {'h', "BINGET", op_memo_get, 1, NONE},
    {'j', "LONG_BINGET", op_memo_get, 4, NONE},
    {'c', "GLOBAL", op_global, 0, NONE},
    {0x93, "STACK_GLOBAL", op_stack_global, 0, NONE},
    {'R', "REDUCE", op_object, 1, NONE},
    {0x81, "NEWOBJ", op_object, 1, NONE},
    {0x92, "NEWOBJ_EX", op_object, 2, NONE},
    {'b', "BUILD", op_build, 0, NONE},
    {'P', "PERSID", op_persistent, 0, NONE},
    {'Q', "BINPERSID", op_persistent, 0, NONE},
    {'i', "INST", NULL, 0, NONE},
    {'o', "OBJ", NULL, 0, NONE},
    {0x82, "EXT1", NULL, 0, NONE},
    {0x83, "EXT2", NULL, 0, NONE},
    {0x84, "EXT4", NULL, 0, NONE},
    {0x97, "NEXT_BUFFER", NULL, 0, NONE},
    {0x98, "READONLY_BUFFER", NULL, 0, NONE},
};

//------------------------------------------ Running -----------------------------------------------

static int step(reader *r) {
    if (r->at == r->end) return FAULT(r, "it ends before its STOP");
    unsigned char code = *r->at;
    for (size_t i = 0; i < sizeof opcodes / sizeof *opcodes; i++) {
        if (opcodes[i].code != code) continue;
        if (!opcodes[i].run)
            return udy__pickle_fault(r, UDY_EUNSUPPORTED,
                                     "refuses the opcode %s: data need none such", opcodes[i].name);
        r->at++;
        return opcodes[i].run(r, &opcodes[i]);
    }
    return FAULT(r, "0x%02x is no opcode", code);
}

int udy__pickle_read(udy__pickle **out, const void *data, size_t n_bytes, const char *name,
                     const char *const *allowed, udy_error *err) {
    *out = NULL;
    reader r = {.start = data, .at = data, .name = name, .allowed = allowed, .err = err};
    r.end = r.start + n_bytes;
    r.pickle = udy_alloc(sizeof *r.pickle);
    if (!r.pickle) return udy__pickle_no_memory(&r);
    int status = UDY_OK;
    while (!status && !r.stopped) status = step(&r);
    if (!status) r.pickle->root = r.stack[0];
    udy_free(r.stack);
    udy_free(r.marks);
    udy_free(r.memo);
    if (status)
        udy__pickle_free(r.pickle);
    else
        *out = r.pickle;
    return status;
}

void udy__pickle_free(udy__pickle *pickle) {
    if (!pickle) return;
    for (block *b = pickle->blocks; b;) {
        block *next = b->next;
        udy_free(b);
        b = next;
    }
    udy_free(pickle);
}

const udy__pickle_value *udy__pickle_root(const udy__pickle *pickle) {
    return pickle->root;
}
