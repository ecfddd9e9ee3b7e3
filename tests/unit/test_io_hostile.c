// safetensors from outside: whatever is wrong or hostile in a file makes open fail with the file,
// the tensor, expected and found, and never more.
#include "test_io_tensors.h"

static void lengths_that_do_not_fit_are_refused(void **state) {
    (void)state;
    const char *header = "{" T("a", "U8", "[4]", "0", "4") "}";
    const struct {
        uint64_t length;
        const char *what;
    } cases[] = {
        {strlen(header) + 5, "cut short: its header is"},
        {strlen(header) + 4, "header:1:"},  // the data as JSON
        {strlen(header) - 1, "header:1:"},
        {0, "header:1:1"},
        {1, "header:1:2"},
        {100000000, "cut short"},
        {100000001, "not a safetensors file"},
        {UINT64_MAX, "not a safetensors file"},
        {UINT64_MAX - 7, "not a safetensors file"},
        {(uint64_t)1 << 63, "not a safetensors file"},
        {(uint64_t)1 << 32, "not a safetensors file"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        make_file(header, 4, cases[i].length);
        udy_safetensors *file;
        udy_error err = {0};
        assert_int_equal(udy_safetensors_open(&file, path, &err), UDY_EFORMAT);
        if (!strstr(err.message, cases[i].what)) fail_msg("%s", err.message);
    }
    for (size_t n = 0; n < 8; n++) {
        unlink(path);
        put_file(path, "\2\0\0\0\0\0\0\0", n);
        udy_safetensors *file;
        udy_error err = {0};
        assert_int_equal(udy_safetensors_open(&file, path, &err), UDY_EFORMAT);
        assert_non_null(strstr(err.message, "too short for a safetensors file"));
    }
    make_file(header, 4, strlen(header));
    udy_safetensors *file;
    assert_int_equal(udy_safetensors_open(&file, path, NULL), UDY_OK);
    udy_safetensors_close(file);
}

static void malformed_headers_are_refused(void **state) {
    (void)state;
    refused("[]", 0, UDY_EFORMAT, "not a JSON object");
    refused("1", 0, UDY_EFORMAT, "not a JSON object");
    refused("null", 0, UDY_EFORMAT, "not a JSON object");
    refused("{\"a\":", 0, UDY_EFORMAT, "header:1:6");
    refused("{} x", 0, UDY_EFORMAT, "header:1:4");
    refused("{\"a\":1}", 0, UDY_EFORMAT, "tensor 'a': expected an object");
    refused("{\"a\":{}}", 0, UDY_EFORMAT, "tensor 'a': no dtype");
    refused("{\"a\":{\"dtype\":3}}", 0, UDY_EFORMAT, "no dtype");
    refused("{\"a\":{\"dtype\":\"F32\"}}", 0, UDY_EFORMAT, "no shape");
    refused("{\"a\":{\"dtype\":\"F32\",\"shape\":[1]}}", 4, UDY_EFORMAT, "data_offsets");
    refused("{" T("a", "F128", "[1]", "0", "16") "}", 16, UDY_EFORMAT, "unknown dtype F128");
    refused("{" T("a", "f32", "[1]", "0", "4") "}", 4, UDY_EFORMAT, "unknown dtype f32");
    refused("{" T("a", "F32", "{}", "0", "4") "}", 4, UDY_EFORMAT, "no shape");
    refused("{" T("a", "F32", "[-1]", "0", "4") "}", 4, UDY_EFORMAT, "dimension 0 of its shape");
    refused("{" T("a", "F32", "[1,1.5]", "0", "4") "}", 4, UDY_EFORMAT, "dimension 1 of its shape");
    refused("{" T("a", "F32", "[\"1\"]", "0", "4") "}", 4, UDY_EFORMAT, "dimension 0");
    refused("{" T("a", "F32", "[null]", "0", "4") "}", 4, UDY_EFORMAT, "dimension 0");
    refused("{" T("a", "F32", "[1e300]", "0", "4") "}", 4, UDY_EFORMAT, "dimension 0");
    refused("{" T("a", "F32", "[1,1,1,1,1,1,1,1,1]", "0", "4") "}", 4, UDY_EUNSUPPORTED,
            "more than 8 dimensions");
    refused("{" T("a", "F32", "[1]", "4", "0") "}", 4, UDY_EFORMAT, "data_offsets");
    refused("{" T("a", "F32", "[1]", "-4", "0") "}", 4, UDY_EFORMAT, "data_offsets");
    refused("{" T("a", "F32", "[1]", "0.5", "4.5") "}", 8, UDY_EFORMAT, "data_offsets");
    refused("{" T("a", "F32", "[1]", "0,2", "4") "}", 4, UDY_EFORMAT, "data_offsets");
    refused("{" T("a", "F32", "[1]", "1e300", "1e300") "}", 4, UDY_EFORMAT, "data_offsets");
    refused("{\"a\":{\"dtype\":\"U8\",\"shape\":[1],\"shape\":[1],\"data_offsets\":[0,1]}}", 1,
            UDY_EFORMAT, "shape is given twice");
    refused("{\"a\\u0000\":{}}", 0, UDY_EFORMAT, "NUL");
    refused("{" T("a", "U8", "[1]", "0", "1") "," T("a", "U8", "[1]", "1", "2") "}", 2, UDY_EFORMAT,
            "tensor 'a' is given twice");
    refused("{" T("a", "F32", "[0]", "0", "0") "," T("a", "F32", "[0]", "0", "0") "}", 0,
            UDY_EFORMAT, "tensor 'a' is given twice");
}

static void shapes_and_byte_ranges_must_agree(void **state) {
    (void)state;
    refused("{" T("a", "F32", "[2,3]", "0", "20") "}", 20, UDY_EFORMAT,
            "F32 [2, 3] takes 24 bytes, but data_offsets give it 20");
    refused("{" T("a", "F32", "[2,3]", "0", "24") "}", 23, UDY_EFORMAT,
            "cut short: tensor 'a' ends at byte 24 of the data, which has 23");
    refused("{" T("a", "F32", "[2,3]", "0", "24") "}", 25, UDY_EFORMAT,
            "25 bytes of data, expected 24");
    refused("{}", 1, UDY_EFORMAT, "1 bytes of data, expected 0");
    // Products that wrap around 2^64.
    refused("{" T("a", "U8", "[4294967296,4294967296]", "0", "0") "}", 0, UDY_EFORMAT, "fits 64");
    refused("{" T("a", "F64", "[2305843009213693952]", "0", "0") "}", 0, UDY_EFORMAT, "dimension");
    refused("{" T("a", "F64", "[4503599627370496,4096]", "0", "0") "}", 0, UDY_EFORMAT, "fits 64");
    refused("{" T("a", "U8", "[9007199254740992,4]", "0", "8") "}", 8, UDY_EFORMAT, "takes");
    refused("{" T("a", "F4", "[3]", "0", "1") "}", 1, UDY_EFORMAT, "no whole number of bytes");
}

static void overlaps_and_holes_are_refused(void **state) {
    (void)state;
    refused("{" T("a", "U8", "[4]", "0", "4") "," T("b", "U8", "[4]", "2", "6") "}", 6, UDY_EFORMAT,
            "tensor 'b' starts at byte 2, inside tensor 'a', which ends at 4");
    refused("{" T("a", "U8", "[4]", "0", "4") "," T("b", "U8", "[4]", "0", "4") "}", 4, UDY_EFORMAT,
            "starts at byte 0, inside");
    refused("{" T("a", "U8", "[4]", "0", "4") "," T("b", "U8", "[2]", "6", "8") "}", 8, UDY_EFORMAT,
            "tensor 'b' starts at byte 6, expected 4");
    refused("{" T("a", "U8", "[2]", "1", "3") "}", 3, UDY_EFORMAT, "starts at byte 1, expected 0");
    refused("{" T("a", "U8", "[4]", "0", "4") "," T("z", "U8", "[0]", "2", "2") "}", 4, UDY_EFORMAT,
            "inside");
    refused("{" T("z", "U8", "[0]", "3", "3") "}", 3, UDY_EFORMAT, "expected 0");
}

static void metadata_must_be_strings(void **state) {
    (void)state;
    refused("{\"__metadata__\":1}", 0, UDY_EFORMAT, "not an object of strings");
    refused("{\"__metadata__\":[\"a\"]}", 0, UDY_EFORMAT, "not an object of strings");
    refused("{\"__metadata__\":{\"a\":1}}", 0, UDY_EFORMAT, "metadata 'a' is not a string");
    refused("{\"__metadata__\":{\"a\":null}}", 0, UDY_EFORMAT, "metadata 'a' is not a string");
    refused("{\"__metadata__\":{\"a\":{\"b\":\"c\"}}}", 0, UDY_EFORMAT, "'a' is not a string");
    refused("{\"__metadata__\":{\"a\":\"1\",\"a\":\"2\"}}", 0, UDY_EFORMAT, "'a' is given twice");
    refused("{\"__metadata__\":{},\"__metadata__\":{}}", 0, UDY_EFORMAT, "is given twice");
    udy_safetensors_close(opened("{\"__metadata__\":{}}", 0));
}

static void names_of_any_length_and_content_are_safe(void **state) {
    (void)state;
    const size_t n = 1 << 20;
    char *header = malloc(2 * n + 200);
    assert_non_null(header);
    // A mebibyte of name: fine where the tensor is, clipped in a message where it is not.
    for (int good = 0; good < 2; good++) {
        strcpy(header, "{\"");
        memset(header + 2, 'n', n);
        strcpy(header + 2 + n, "\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[0,1]}}");
        udy_safetensors *file;
        udy_error err;
        int code = open_header(header, good ? 1 : 2, &file, &err);
        assert_int_equal(code, good ? UDY_OK : UDY_EFORMAT);
        if (good) {
            assert_int_equal(strlen(udy_safetensors_at(file, 0)->name), n);
            assert_non_null(udy_safetensors_find(file, udy_safetensors_at(file, 0)->name));
            const udy_tensor *t;
            int64_t shape[1] = {2};
            assert_int_equal(udy_safetensors_require(file, udy_safetensors_at(file, 0)->name,
                                                     UDY_U8, 1, shape, &t, &err),
                             UDY_EMISMATCH);
            assert_non_null(strstr(err.message, "nnn..."));
            assert_int_equal(udy_safetensors_require(file, header, UDY_U8, 1, shape, &t, &err),
                             UDY_EMISMATCH);
        }
        udy_safetensors_close(file);
    }
    free(header);
    refused("{\"\\u001b[31m%s%n\":{}}", 0, UDY_EFORMAT, "tensor '?[31m%s%n': no dtype");
    udy_safetensors *file = opened("{" T("", "U8", "[1]", "0", "1") "}", 1);
    assert_non_null(udy_safetensors_find(file, ""));
    udy_safetensors_close(file);
}

static void many_tensors_are_no_trouble(void **state) {
    (void)state;
    enum { N = 20000 };
    char *header = malloc(N * 80);
    assert_non_null(header);
    size_t used = 0;
    header[used++] = '{';
    for (int i = 0; i < N; i++) {
        used += (size_t)sprintf(
            header + used, "%s\"t%d\":{\"dtype\":\"U8\",\"shape\":[1],\"data_offsets\":[%d,%d]}",
            i ? "," : "", i, N - 1 - i, N - i);
    }
    strcpy(header + used, "}");
    udy_safetensors *file = opened(header, N);
    assert_int_equal(udy_safetensors_count(file), N);
    assert_string_equal(udy_safetensors_at(file, 0)->name, "t19999");  // by offset
    const udy_tensor *t = udy_safetensors_find(file, "t12345");
    assert_int_equal(*(const unsigned char *)t->data, (unsigned char)(N - 1 - 12345));
    udy_safetensors_close(file);
    free(header);
}

static void a_header_of_too_many_values_is_refused(void **state) {
    (void)state;
    const size_t n = 8u << 20;
    char *header = malloc(n + 1);
    assert_non_null(header);
    memcpy(header, "{\"a\":[", 6);
    for (size_t i = 6; i < n; i++) header[i] = i % 2 ? ',' : '0';
    memcpy(header + n - 3, "0]}", 4);
    refused(header, 0, UDY_EFORMAT, "too many values");
    memset(header, '[', n);
    refused(header, 0, UDY_EFORMAT, "nested too deeply");
    free(header);
}

static void what_is_no_file_is_an_error(void **state) {
    (void)state;
    udy_safetensors *file;
    udy_error err = {0};
    assert_int_equal(udy_safetensors_open(&file, at_root("absent"), &err), UDY_ENOENT);
    assert_non_null(strstr(err.message, "absent"));
    assert_int_equal(udy_safetensors_open(&file, root, &err), UDY_EINVAL);
    assert_non_null(strstr(err.message, "is a folder"));
    assert_int_equal(udy_safetensors_open(&file, "/dev/zero", &err), UDY_EINVAL);
    assert_int_equal(udy_safetensors_open(&file, NULL, &err), UDY_EINVAL);
    assert_null(file);
    unlink(path);
    put_file(path, "PK\3\4 this is a zip archive of some kind", 38);
    assert_int_equal(udy_safetensors_open(&file, path, &err), UDY_EFORMAT);
    assert_non_null(strstr(err.message, "not a safetensors file"));
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(lengths_that_do_not_fit_are_refused),
        cmocka_unit_test(malformed_headers_are_refused),
        cmocka_unit_test(shapes_and_byte_ranges_must_agree),
        cmocka_unit_test(overlaps_and_holes_are_refused),
        cmocka_unit_test(metadata_must_be_strings),
        cmocka_unit_test(names_of_any_length_and_content_are_safe),
        cmocka_unit_test(many_tensors_are_no_trouble),
        cmocka_unit_test(a_header_of_too_many_values_is_refused),
        cmocka_unit_test(what_is_no_file_is_an_error),
    };
    return cmocka_run_group_tests(tests, setup, remove_root);
}
