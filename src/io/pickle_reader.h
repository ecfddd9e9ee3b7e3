// pickle_reader.h: the pickle machine between its two files: pickle_constants.c has what needs no
// stack but its end (numbers, texts, memory), pickle.c the containers, names and the table of opcodes.
#ifndef UNDERSTUDY_IO_PICKLE_READER_H_
#define UNDERSTUDY_IO_PICKLE_READER_H_

#include "io/pickle.h"

typedef udy__pickle_value value;

// Memory is taken in blocks and given back at once: no tree is walked.
typedef struct block {
    struct block *next;
    size_t used, size;
    _Alignas(16) char bytes[];
} block;

struct udy__pickle {
    block *blocks;
    const value *root;
};

typedef struct reader {
    udy__pickle *pickle;
    const unsigned char *start, *at, *end;
    const char *name;
    const char *const *allowed;
    value **stack;
    size_t n, capacity;
    size_t *marks;  // places in the stack
    size_t n_marks, marks_capacity;
    value **memo;
    size_t n_memo, memo_capacity;
    size_t n_encoded;  // bytes of text made bytes
    bool stopped;
    udy_error *err;
} reader;

typedef struct opcode {
    unsigned char code;
    const char *name;
    int (*run)(reader *r, const struct opcode *op);  // NULL: not allowed
    unsigned char width;                             // of the number that follows, or a count
    udy__pickle_kind kind;                           // that it makes
} opcode;

// Failures name the file and the byte.
int udy__pickle_fault(reader *r, int status, const char *format, ...) UDY_PRINTF(3, 4);
#define FAULT(r, ...) udy__pickle_fault(r, UDY_EFORMAT, __VA_ARGS__)
int udy__pickle_no_memory(reader *r);

void *udy__pickle_take(reader *r, size_t n);  // of the tree's memory; NULL: there is none
// Room for one more in an array that grows by doubling; false: out of memory.
bool udy__pickle_grow(void **array, size_t n, size_t *capacity, size_t size);
value *udy__pickle_make(reader *r, udy__pickle_kind kind);  // NULL: out of memory
int udy__pickle_push(reader *r, value *v);                  // NULL: out of memory
int udy__pickle_push_text(reader *r, udy__pickle_kind kind, const char *p, size_t n);

int udy__pickle_read_number(reader *r, int width, uint64_t *out);  // little-endian
int udy__pickle_read_line(reader *r, const char **p, size_t *n);   // without its end
int udy__pickle_read_short_line(reader *r, char out[64]);          // with a '\0'

// Opcodes of pickle_constants.c.
int udy__pickle_op_constant(reader *r, const opcode *op);  // None, True, False
int udy__pickle_op_integer(reader *r, const opcode *op);   // of 1, 2 or 4 bytes
int udy__pickle_op_long(reader *r, const opcode *op);      // as many bytes as it says
int udy__pickle_op_float(reader *r, const opcode *op);
int udy__pickle_op_counted(reader *r, const opcode *op);   // texts, bytes
int udy__pickle_op_int_line(reader *r, const opcode *op);  // protocol 0: a line of text
int udy__pickle_op_float_line(reader *r, const opcode *op);
int udy__pickle_op_text_line(reader *r, const opcode *op);

#endif  // UNDERSTUDY_IO_PICKLE_READER_H_
