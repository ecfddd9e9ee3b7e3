// pickle.h: Python's pickles as data. Between the files of Stable-Baselines3, PyTorch and NumPy and
// what is wanted of them: pickle.c reads one into a tree of values, pickle_value.c finds numbers and
// arrays in the tree.
//
// A pickle is a program. Here its objects are built as records of what would have been called with
// what, and nothing is ever called: a global is a name, and only a name that the caller expects. All
// other opcodes and names are refused. Protocols 0 to 5.
#ifndef UNDERSTUDY_IO_PICKLE_H_
#define UNDERSTUDY_IO_PICKLE_H_

#include "understudy/io.h"

typedef enum {
    UDY__PICKLE_NONE,
    UDY__PICKLE_BOOL,
    UDY__PICKLE_INT,
    UDY__PICKLE_LONG,  // an integer beyond 64 bits, whose value nobody here wants
    UDY__PICKLE_FLOAT,
    UDY__PICKLE_TEXT,
    UDY__PICKLE_BYTES,
    UDY__PICKLE_TUPLE,
    UDY__PICKLE_LIST,
    UDY__PICKLE_SET,
    UDY__PICKLE_DICT,
    UDY__PICKLE_GLOBAL,      // a name
    UDY__PICKLE_OBJECT,      // what calling a global would give
    UDY__PICKLE_PERSISTENT,  // something kept elsewhere, by its id
} udy__pickle_kind;

typedef struct udy__pickle_value udy__pickle_value;
struct udy__pickle_value {
    udy__pickle_kind kind;
    int depth;  // of the tree below; lists that were filled later may lie deeper
    union {
        bool truth;
        int64_t integer;
        double real;
        struct {
            const char *p;  // '\0' after it in a GLOBAL alone
            size_t n;
        } text;  // TEXT (UTF-8, if the file is honest), BYTES, GLOBAL ("module name")
    };
    const udy__pickle_value *callable, *args;  // OBJECT; PERSISTENT has its id in args
    const udy__pickle_value *state;            // OBJECT: what BUILD gave it. Nullable
    // TUPLE, LIST, SET; DICT: key, value, key, value. OBJECT: what was put into it, in either way.
    const udy__pickle_value **item;
    size_t n, capacity;
};

typedef struct udy__pickle udy__pickle;

// Read one. TEXT and BYTES point into data, which must outlive it.
//   name     for messages
//   allowed  globals as "module name", ended by NULL; one that ends in '*' stands for all that start so
// Memory is bounded by a multiple of n_bytes. UDY_EUNSUPPORTED: an opcode or a global that is not
// allowed, named; UDY_EFORMAT: malformed.
int udy__pickle_read(udy__pickle **out, const void *data, size_t n_bytes, const char *name,
                     const char *const *allowed, udy_error *err) UDY_MUST_CHECK;
void udy__pickle_free(udy__pickle *pickle);  // NULL is legal
const udy__pickle_value *udy__pickle_root(const udy__pickle *pickle);

// What a thing would be if the program ran. All take NULL, and anything; a value shared between two
// places may make the tree a graph, even a cycle, so that nothing walks it to its ends.
bool udy__pickle_is_text(const udy__pickle_value *v, const char *text);
// A whole text as a string that ends; false where it is none, too long, or holds a '\0'.
bool udy__pickle_text(const udy__pickle_value *v, char *out, size_t size);
// "module name" of an object's class, or of a global; NULL where it is neither.
const char *udy__pickle_class(const udy__pickle_value *v);
// A member of a dict, of an object's state, or of a dict-like object; the last of its name, as Python
// has it. NULL where there is none.
const udy__pickle_value *udy__pickle_get(const udy__pickle_value *v, const char *key);
// The i-th of a tuple or list; NULL past the end.
const udy__pickle_value *udy__pickle_at(const udy__pickle_value *v, size_t i);
bool udy__pickle_int(const udy__pickle_value *v, int64_t *out);
bool udy__pickle_number(const udy__pickle_value *v, double *out);  // NumPy's scalars too
bool udy__pickle_truth(const udy__pickle_value *v, bool fallback);

// A NumPy array of numbers; data lies in the pickle.
typedef struct udy__pickle_array {
    char type[8];  // "f8", "u1"
    int ndim;
    int64_t shape[UDY_TENSOR_NDIM_MAX];
    size_t n;  // elements
    const unsigned char *data;
} udy__pickle_array;
bool udy__pickle_array_of(udy__pickle_array *out, const udy__pickle_value *v);
// Of a type that is a number (f4, f8, i1..i8, u1..u8, b1); false where it is another.
bool udy__pickle_array_at(const udy__pickle_array *array, size_t i, double *out);
// The names that NumPy's arrays, dtypes and scalars take, for a list of what is allowed.
#define UDY__PICKLE_NUMPY                                                                          \
    "numpy dtype", "numpy ndarray", "numpy bool", "numpy bool_", "numpy float32", "numpy float64", \
        "numpy.core.multiarray *", "numpy._core.multiarray *", "numpy.core.numeric *",             \
        "numpy._core.numeric *", "_codecs encode"

#endif  // UNDERSTUDY_IO_PICKLE_H_
