// NumPy's array format: what NumPy wrote is read, what we write is what NumPy would have written, and
// everything else is refused in words. Samples: tests/data/npy.
#include "test_io_common.h"

#include "io/npy.h"

// A sample's bytes, aligned as udy_file_read gives them; the caller frees.
static char *sample(const char *name, size_t *n) {
    char path[1024], *data;
    udy_error err = {0};
    snprintf(path, sizeof path, UDY_SOURCE_DIR "/tests/data/npy/%s", name);
    if (udy_file_read(&data, n, path, 1 << 16, &err)) fail_msg("%s", err.message);
    return data;
}

static char *parse(udy_tensor *out, const char *name) {
    size_t n;
    udy_error err = {0};
    char *data = sample(name, &n);
    if (udy__npy_parse(out, data, n, name, &err)) fail_msg("%s", err.message);
    assert_string_equal(out->name, name);
    return data;
}

static double number_at(const udy_tensor *t, size_t i) {
    switch (t->dtype) {
        case UDY_F64: return ((const double *)t->data)[i];
        case UDY_F32: return (double)((const float *)t->data)[i];
        case UDY_I64: return (double)((const int64_t *)t->data)[i];
        case UDY_I32: return ((const int32_t *)t->data)[i];
        default: return ((const uint8_t *)t->data)[i];
    }
}

static const struct {
    const char *name;
    udy_dtype dtype;
} kinds[] = {{"f8.npy", UDY_F64}, {"f4.npy", UDY_F32}, {"i8.npy", UDY_I64},
             {"i4.npy", UDY_I32}, {"u1.npy", UDY_U8},  {"b1.npy", UDY_BOOL}};

static void every_kind_of_number_is_read(void **state) {
    (void)state;
    for (size_t k = 0; k < sizeof kinds / sizeof kinds[0]; k++) {
        udy_tensor t;
        char *data = parse(&t, kinds[k].name);
        assert_int_equal(t.dtype, kinds[k].dtype);
        assert_int_equal(t.ndim, 2);
        assert_int_equal(t.shape[0], 2);
        assert_int_equal(t.shape[1], 3);
        assert_int_equal(t.n_bytes, 6 * udy_dtype_size(t.dtype));
        for (size_t i = 0; i < 6; i++) {
            double expected = (double)(i % 5);
            if (t.dtype == UDY_BOOL) expected = expected != 0;
            assert_true(number_at(&t, i) == expected);
        }
        udy_free(data);
    }
}

static void scalars_vectors_and_empty_arrays_are_read(void **state) {
    (void)state;
    udy_tensor t;
    char *data = parse(&t, "scalar.npy");
    assert_int_equal(t.ndim, 0);
    assert_true(number_at(&t, 0) == 2.5);
    udy_free(data);
    data = parse(&t, "vector.npy");
    assert_int_equal(t.ndim, 1);
    assert_int_equal(t.shape[0], 3);
    assert_true(number_at(&t, 1) == -2.0);
    udy_free(data);
    data = parse(&t, "empty.npy");
    assert_int_equal(t.ndim, 2);
    assert_int_equal(t.shape[1], 27);
    assert_int_equal(t.n_bytes, 0);
    udy_free(data);
}

static void versions_2_and_3_are_read(void **state) {
    (void)state;
    static const char *const names[] = {"version2.npy", "version3.npy"};
    for (int i = 0; i < 2; i++) {
        udy_tensor t;
        char *data = parse(&t, names[i]);
        assert_true(number_at(&t, 0) == 1.5 && number_at(&t, 1) == -2.0);
        udy_free(data);
    }
}

static void kinds_without_a_name_of_ours_are_carried_with_their_size(void **state) {
    (void)state;
    udy_tensor t;
    char *data = parse(&t, "half.npy");
    assert_int_equal(t.dtype, UDY_OTHER);
    assert_int_equal(t.n_bytes, 4);
    udy_free(data);
    data = parse(&t, "text.npy");
    assert_int_equal(t.dtype, UDY_OTHER);
    assert_int_equal(t.n_bytes, 4 * 7);
    uint32_t c;
    memcpy(&c, (const char *)t.data + 4 * 2, 4);
    assert_int_equal(c, 0xef);  // the third of "naïve"
    udy_free(data);
}

static void our_headers_are_numpys_to_the_byte(void **state) {
    (void)state;
    char header[UDY__NPY_HEADER_MAX];
    size_t n;
    for (size_t k = 0; k < sizeof kinds / sizeof kinds[0]; k++) {
        const udy_tensor t = {.dtype = kinds[k].dtype, .ndim = 2, .shape = {2, 3}};
        char *data = sample(kinds[k].name, &n);
        assert_int_equal(udy__npy_header(header, &t), 128);
        assert_memory_equal(header, data, 128);
        udy_free(data);
    }
    const udy_tensor vector = {.dtype = UDY_F32, .ndim = 1, .shape = {3}};
    char *data = sample("vector.npy", &n);
    assert_int_equal(udy__npy_header(header, &vector), 128);
    assert_memory_equal(header, data, 128);
    udy_free(data);
    data = sample("text.npy", &n);
    assert_int_equal(udy__npy_header_text(header, 7), 128);
    assert_memory_equal(header, data, 128);
    udy_free(data);
}

static void the_longest_header_fits_and_reads_back(void **state) {
    (void)state;
    char header[UDY__NPY_HEADER_MAX];
    udy_tensor t = {.dtype = UDY_F32, .ndim = UDY_TENSOR_NDIM_MAX}, back;
    for (int i = 0; i < t.ndim; i++) t.shape[i] = i ? INT64_MAX : 0;
    size_t n = udy__npy_header(header, &t), at;
    assert_true(n > 128 && n <= sizeof header);
    udy_error err = {0};
    if (udy__npy_parse_header(&back, &at, header, n, "long", &err)) fail_msg("%s", err.message);
    assert_int_equal(at, n);
    assert_int_equal(back.ndim, t.ndim);
    assert_memory_equal(back.shape, t.shape, sizeof t.shape);
}

static void what_a_header_cannot_say_gives_none(void **state) {
    (void)state;
    char header[UDY__NPY_HEADER_MAX];
    const udy_tensor other = {.dtype = UDY_OTHER, .ndim = 1, .shape = {3}};
    const udy_tensor negative = {.dtype = UDY_F32, .ndim = 1, .shape = {-1}};
    const udy_tensor many = {.dtype = UDY_F32, .ndim = 9};
    assert_int_equal(udy__npy_header(header, &other), 0);
    assert_int_equal(udy__npy_header(header, &negative), 0);
    assert_int_equal(udy__npy_header(header, &many), 0);
}

static void refused(const void *data, size_t n, int code, const char *part) {
    udy_tensor t;
    udy_error err = {0};
    assert_int_equal(udy__npy_parse(&t, data, n, "a.npy", &err), code);
    assert_int_equal(err.code, code);
    if (!strstr(err.message, part) || !strstr(err.message, "a.npy"))
        fail_msg("'%s' is not in '%s'", part, err.message);
}

static void what_is_not_plain_numbers_in_rows_is_refused_by_name(void **state) {
    (void)state;
    static const struct {
        const char *name, *part;
    } cases[] = {{"columns.npy", "Fortran"},
                 {"big.npy", "big-endian"},
                 {"structure.npy", "structures"},
                 {"object.npy", "pickle"},
                 {"date.npy", "dates"}};
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        size_t n;
        char *data = sample(cases[i].name, &n);
        refused(data, n, UDY_EUNSUPPORTED, cases[i].part);
        udy_free(data);
    }
}

static void data_of_another_length_than_the_shape_are_refused(void **state) {
    (void)state;
    size_t n;
    char *data = sample("f4.npy", &n);
    for (size_t cut = 0; cut < n; cut++)
        refused(data, cut, UDY_EFORMAT,
                cut < 10    ? "not a NumPy array"
                : cut < 128 ? "ends within"
                            : "shape [2, 3] needs 24");
    refused(data, n + 1, UDY_EFORMAT, "25 bytes of data");  // the '\0' after the file
    udy_free(data);
}

// A file of version 1 with this literal, padded to 64 bytes, and no data.
static size_t with_literal(char out[512], const char *literal) {
    size_t n = strlen(literal), total = (10 + n + 1 + 63) / 64 * 64;
    memset(out, ' ', total);
    memcpy(out, "\x93NUMPY\x01\x00", 8);
    out[8] = (char)((total - 10) & 0xff);
    out[9] = (char)((total - 10) >> 8);
    memcpy(out + 10, literal, n);
    out[total - 1] = '\n';
    return total;
}

static void odd_literals_are_refused(void **state) {
    (void)state;
#define REST "'fortran_order': False, 'shape': (0,)"
    static const struct {
        const char *literal, *part;
        int code;
    } cases[] = {
        {"", "a dictionary is expected", UDY_EFORMAT},
        {"{}", "without all of", UDY_EFORMAT},
        {"{'descr': '<f4', " REST "} x", "more after", UDY_EFORMAT},
        {"{'descr': '<f4', " REST ", 'shape': (0,)}", "once each", UDY_EFORMAT},
        {"{'descr': '<f4', " REST ", 'x': 1}", "a key other", UDY_EFORMAT},
        {"{'descr': '<f4', 'fortran_order': 0, 'shape': (0,)}", "True or False", UDY_EFORMAT},
        {"{'descr': '<f4', 'fortran_order': False, 'shape': (0)}", "a comma", UDY_EFORMAT},
        {"{'descr': '<f4', 'fortran_order': False, 'shape': (-1,)}", "a size", UDY_EFORMAT},
        {"{'descr': '<f4', 'fortran_order': False, 'shape': (9223372036854775808,)}", "too large",
         UDY_EFORMAT},
        {"{'descr': '<f8', 'fortran_order': False, 'shape': (4294967296, 4294967296)}", "too large",
         UDY_EFORMAT},
        {"{'descr': '<f4', 'fortran_order': False, 'shape': (0,0,0,0,0,0,0,0,0)}", "8 dimensions",
         UDY_EFORMAT},
        {"{'descr': '<f4\\x00', " REST "}", "a string", UDY_EFORMAT},
        {"{'descr': '<f4', " REST "", "without an end", UDY_EFORMAT},
        {"{'descr': '', " REST "}", "not known", UDY_EUNSUPPORTED},
        {"{'descr': 'f4', " REST "}", "not known", UDY_EUNSUPPORTED},
        {"{'descr': '|f4', " REST "}", "not known", UDY_EUNSUPPORTED},
        {"{'descr': '<f3', " REST "}", "not known", UDY_EUNSUPPORTED},
        {"{'descr': '<f', " REST "}", "not known", UDY_EUNSUPPORTED},
        {"{'descr': '<U99999999999999999999', " REST "}", "not known", UDY_EUNSUPPORTED},
        {"{'descr': '|V8', " REST "}", "raw structures", UDY_EUNSUPPORTED},
    };
#undef REST
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        _Alignas(64) char data[512];
        size_t n = with_literal(data, cases[i].literal);
        refused(data, n, cases[i].code, cases[i].part);
    }
}

static void python_2s_way_of_writing_sizes_is_read(void **state) {
    (void)state;
    _Alignas(64) char data[512];
    udy_tensor t;
    udy_error err = {0};
    size_t n = with_literal(data,
                            "{\"shape\": (0L, 3L), \"descr\": \"<f4\", "
                            "\"fortran_order\": False}");
    if (udy__npy_parse(&t, data, n, "old", &err)) fail_msg("%s", err.message);
    assert_int_equal(t.shape[1], 3);
}

static void a_header_alone_says_where_the_data_begin(void **state) {
    (void)state;
    size_t n, at;
    udy_tensor t;
    udy_error err = {0};
    char *data = sample("f8.npy", &n);
    assert_int_equal(udy__npy_parse_header(&t, &at, data, 128, "f8", &err), UDY_OK);
    assert_int_equal(at, 128);
    assert_int_equal(t.n_bytes, 48);
    assert_null(t.data);
    assert_int_equal(udy__npy_parse_header(&t, &at, data, 127, "f8", &err), UDY_EFORMAT);
    udy_free(data);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_kind_of_number_is_read),
        cmocka_unit_test(scalars_vectors_and_empty_arrays_are_read),
        cmocka_unit_test(versions_2_and_3_are_read),
        cmocka_unit_test(kinds_without_a_name_of_ours_are_carried_with_their_size),
        cmocka_unit_test(our_headers_are_numpys_to_the_byte),
        cmocka_unit_test(the_longest_header_fits_and_reads_back),
        cmocka_unit_test(what_a_header_cannot_say_gives_none),
        cmocka_unit_test(what_is_not_plain_numbers_in_rows_is_refused_by_name),
        cmocka_unit_test(data_of_another_length_than_the_shape_are_refused),
        cmocka_unit_test(odd_literals_are_refused),
        cmocka_unit_test(python_2s_way_of_writing_sizes_is_read),
        cmocka_unit_test(a_header_alone_says_where_the_data_begin),
    };
    return cmocka_run_group_tests(tests, make_root, remove_root);
}
