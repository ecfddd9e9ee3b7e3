// safetensors: what is written reads back, in any order, shape and type; what others write is read
// too; data is always aligned. Hostile files are in test_io_hostile.c.
#include <math.h>

#include "test_io_tensors.h"

//------------------------------------------ Round trips -------------------------------------------

static void every_type_and_shape_reads_back(void **state) {
    (void)state;
    const udy_dtype types[] = {UDY_U8, UDY_F64, UDY_BOOL, UDY_I32, UDY_F32, UDY_I64};
    udy_rng rng;
    udy_rng_init(&rng, 3);
    for (int round = 0; round < 60; round++) {
        udy_tensor tensors[12];
        char names[12][32];
        unsigned char *data[12];
        size_t n = udy_rng_below(&rng, 13);
        for (size_t i = 0; i < n; i++) {
            udy_tensor *t = &tensors[i];
            *t = (udy_tensor){.dtype = types[udy_rng_below(&rng, 6)],
                              .ndim = (int)udy_rng_below(&rng, UDY_TENSOR_NDIM_MAX + 1)};
            t->n_bytes = udy_dtype_size(t->dtype);
            for (int d = 0; d < t->ndim; d++) {
                t->shape[d] = (int64_t)udy_rng_below(&rng, 4);
                t->n_bytes *= (size_t)t->shape[d];
            }
            snprintf(names[i], sizeof names[i], "net.%zu.\"wéight\"\n", i);
            t->name = names[i];
            data[i] = malloc(t->n_bytes + 1);
            assert_non_null(data[i]);
            for (size_t k = 0; k < t->n_bytes; k++) data[i][k] = (unsigned char)udy_rng_u32(&rng);
            t->data = data[i];
        }
        const udy_text_pair metadata[] = {
            {"format", "test/1"}, {"", "empty key"}, {"k", "\"\\é\n"}};
        udy_error err = {0};
        if (udy_safetensors_write(path, tensors, n, metadata, 3, &err)) fail_msg("%s", err.message);
        udy_safetensors *file;
        if (udy_safetensors_open(&file, path, &err)) fail_msg("%s", err.message);
        assert_int_equal(udy_safetensors_count(file), n);
        assert_string_equal(udy_safetensors_path(file), path);
        for (size_t i = 0; i < n; i++) {
            const udy_tensor *t;
            if (udy_safetensors_require(file, names[i], tensors[i].dtype, tensors[i].ndim,
                                        tensors[i].shape, &t, &err)) {
                fail_msg("%s", err.message);
            }
            assert_int_equal(t->n_bytes, tensors[i].n_bytes);
            assert_non_null(t->data);
            assert_memory_equal(t->data, data[i], t->n_bytes);
            assert_int_equal((uintptr_t)t->data % udy_dtype_size(t->dtype), 0);
            free(data[i]);
        }
        assert_int_equal(udy_safetensors_metadata_count(file), 3);
        assert_string_equal(udy_safetensors_metadata(file, "k"), "\"\\é\n");
        assert_string_equal(udy_safetensors_metadata(file, ""), "empty key");
        assert_null(udy_safetensors_metadata(file, "absent"));
        assert_string_equal(udy_safetensors_metadata_at(file, 2).key, "k");
        assert_null(udy_safetensors_metadata_at(file, 3).key);
        assert_null(udy_safetensors_at(file, n));
        assert_null(udy_safetensors_find(file, "absent"));
        udy_safetensors_close(file);
    }
    udy_safetensors_close(NULL);
}

static void an_empty_file_of_no_tensors_reads_back(void **state) {
    (void)state;
    assert_int_equal(udy_safetensors_write(path, NULL, 0, NULL, 0, NULL), UDY_OK);
    struct stat st;
    assert_int_equal(stat(path, &st), 0);
    assert_int_equal(st.st_size, 16);  // 8, "{}" and its padding
    udy_safetensors *file;
    assert_int_equal(udy_safetensors_open(&file, path, NULL), UDY_OK);
    assert_int_equal(udy_safetensors_count(file), 0);
    assert_int_equal(udy_safetensors_metadata_count(file), 0);
    assert_null(udy_safetensors_find(file, "a"));
    assert_null(udy_safetensors_metadata(file, "a"));
    assert_null(udy_safetensors_at(file, 0));
    udy_safetensors_close(file);
}

static void the_written_bytes_are_the_formats(void **state) {
    (void)state;
    const float w[2] = {1.0f, 2.0f};
    const uint8_t flag = 1;
    const double d = 0.5;
    const udy_tensor tensors[] = {
        {.name = "flag", .dtype = UDY_BOOL, .data = &flag, .n_bytes = 1},
        {.name = "w", .dtype = UDY_F32, .ndim = 2, .shape = {1, 2}, .data = w, .n_bytes = 8},
        {.name = "d", .dtype = UDY_F64, .ndim = 1, .shape = {1}, .data = &d, .n_bytes = 8},
    };
    const udy_text_pair metadata[] = {{"format", "x"}};
    assert_int_equal(udy_safetensors_write(path, tensors, 3, metadata, 1, NULL), UDY_OK);
    char *text;
    size_t n;
    assert_int_equal(udy_file_read(&text, &n, path, 1 << 20, NULL), UDY_OK);
    // Wide elements first, so that each lies aligned.
    const char *header =
        "{\"__metadata__\": {\"format\": \"x\"}, "
        "\"d\": {\"dtype\": \"F64\", \"shape\": [1], \"data_offsets\": [0, 8]}, "
        "\"w\": {\"dtype\": \"F32\", \"shape\": [1, 2], \"data_offsets\": [8, 16]}, "
        "\"flag\": {\"dtype\": \"BOOL\", \"shape\": [], \"data_offsets\": [16, 17]}}";
    size_t length = (strlen(header) + 7) / 8 * 8;
    uint64_t said;
    memcpy(&said, text, 8);
    assert_int_equal(said, length);
    assert_int_equal(n, 8 + length + 17);
    assert_memory_equal(text + 8, header, strlen(header));
    for (size_t i = strlen(header); i < length; i++) assert_int_equal(text[8 + i], ' ');
    assert_memory_equal(text + 8 + length, &d, 8);
    assert_memory_equal(text + 8 + length + 8, w, 8);
    assert_int_equal(text[8 + length + 16], 1);
    udy_free(text);
}

static void what_cannot_be_written_is_refused_and_leaves_nothing(void **state) {
    (void)state;
    const float w[4] = {0};
    const udy_tensor good = {
        .name = "w", .dtype = UDY_F32, .ndim = 1, .shape = {4}, .data = w, .n_bytes = 16};
    udy_tensor bad[10];
    const char *what[10];
    for (int i = 0; i < 10; i++) bad[i] = good;
    bad[0].name = NULL, what[0] = "name";
    bad[1].name = "__metadata__", what[1] = "__metadata__";
    bad[2].name = "\xff", what[2] = "UTF-8";
    bad[3].dtype = UDY_OTHER, what[3] = "'w' has a dtype";
    bad[4].ndim = 9, what[4] = "9 dimensions";
    bad[5].shape[0] = -1, what[5] = "no shape";
    bad[6].n_bytes = 12, what[6] = "F32 [4] takes 16 bytes, found 12";
    bad[7].data = NULL, what[7] = "no data";
    bad[8].ndim = 2, bad[8].shape[0] = bad[8].shape[1] = INT64_MAX / 2, what[8] = "no shape";
    bad[9].ndim = -1, what[9] = "-1 dimensions";
    unlink(path);
    for (int i = 0; i < 10; i++) {
        udy_error err = {0};
        const udy_tensor both[2] = {{.name = "a", .dtype = UDY_U8, .data = w, .n_bytes = 1},
                                    bad[i]};
        int code = udy_safetensors_write(path, both, 2, NULL, 0, &err);
        assert_int_equal(code, i == 3 ? UDY_EUNSUPPORTED : UDY_EINVAL);
        if (!strstr(err.message, what[i]) || !strstr(err.message, path))
            fail_msg("%s", err.message);
    }
    udy_error err = {0};
    const udy_tensor twice[2] = {good, good};
    assert_int_equal(udy_safetensors_write(path, twice, 2, NULL, 0, &err), UDY_EINVAL);
    assert_non_null(strstr(err.message, "tensor 'w' is given twice"));
    const udy_text_pair same[] = {{"k", "1"}, {"k", "2"}};
    assert_int_equal(udy_safetensors_write(path, &good, 1, same, 2, &err), UDY_EINVAL);
    assert_non_null(strstr(err.message, "metadata 'k' is given twice"));
    const udy_text_pair none[] = {{"k", NULL}};
    assert_int_equal(udy_safetensors_write(path, &good, 1, none, 1, &err), UDY_EINVAL);
    const udy_text_pair bytes[] = {{"k", "\xc3"}};
    assert_int_equal(udy_safetensors_write(path, &good, 1, bytes, 1, &err), UDY_EINVAL);
    assert_int_equal(udy_safetensors_write(path, NULL, 1, NULL, 0, &err), UDY_EINVAL);
    assert_int_equal(udy_safetensors_write(NULL, &good, 1, NULL, 0, &err), UDY_EINVAL);
    assert_int_equal(udy_safetensors_write(at_root("absent/x"), &good, 1, NULL, 0, &err),
                     UDY_ENOENT);
    assert_int_equal(count_entries(root), 0);
}

//------------------------------------------ What others write -------------------------------------

static void types_without_a_name_of_ours_are_carried(void **state) {
    (void)state;
    udy_safetensors *file =
        opened("{" T("a", "BF16", "[3]", "0", "6") "," T("b", "F4", "[4]", "6", "8") "," T(
                   "c", "F8_E4M3", "[2]", "8",
                   "10") "," T("d", "U16", "[1]", "10",
                               "12") "," T("e", "C64", "[1]", "12",
                                           "20") "," T("f", "F6_E2M3", "[4]", "20", "23") "}",
               23);
    for (size_t i = 0; i < 6; i++) {
        assert_int_equal(udy_safetensors_at(file, i)->dtype, UDY_OTHER);
    }
    assert_int_equal(udy_safetensors_find(file, "a")->n_bytes, 6);
    assert_int_equal(((const unsigned char *)udy_safetensors_find(file, "f")->data)[0], 20);
    udy_error err = {0};
    const udy_tensor *t;
    int64_t shape[1] = {3};
    assert_int_equal(udy_safetensors_require(file, "a", UDY_F32, 1, shape, &t, &err),
                     UDY_EMISMATCH);
    assert_non_null(strstr(err.message, "tensor 'a': expected F32 [3], found BF16 [3]"));
    udy_safetensors_close(file);
}

static void zero_sized_and_scalar_tensors_are_read(void **state) {
    (void)state;
    udy_safetensors *file =
        opened("{" T("s", "F32", "[]", "0", "4") "," T("z", "F32", "[0,3]", "4", "4") "," T(
                   "y", "F64", "[0,4294967296,4294967296]", "0", "0") "}",
               4);
    assert_int_equal(udy_safetensors_find(file, "s")->ndim, 0);
    assert_int_equal(udy_safetensors_find(file, "z")->n_bytes, 0);
    assert_non_null(udy_safetensors_find(file, "z")->data);
    assert_int_equal((uintptr_t)udy_safetensors_find(file, "y")->data % 8, 0);
    udy_safetensors_close(file);
}

static void unknown_members_and_blanks_are_passed_over(void **state) {
    (void)state;
    udy_safetensors *file = opened(
        "\n { \"a\" : {\"x\":[{}],\"data_offsets\":[0,2],\"shape\":[2.0],"
        "\"dtype\":\"U8\"} }\t  ",
        2);
    assert_int_equal(udy_safetensors_find(file, "a")->shape[0], 2);
    udy_safetensors_close(file);
}

static void misaligned_data_is_read_into_aligned_memory(void **state) {
    (void)state;
    // Every length of header modulo 8, and an F64 behind three bytes.
    for (int pad = 0; pad < 8; pad++) {
        char header[400];
        snprintf(header, sizeof header, "{%s%.*s}",
                 T("b", "U8", "[3]", "0", "3") "," T("d", "F64", "[2]", "3", "19") "," T(
                     "f", "F32", "[1]", "19", "23") "," T("u", "U16", "[1]", "23", "25"),
                 pad, "        ");
        udy_safetensors *file = opened(header, 25);
        for (size_t i = 0; i < 4; i++) {
            const udy_tensor *t = udy_safetensors_at(file, i);
            const unsigned char *p = t->data;
            const unsigned char first[4] = {0, 3, 19, 23};
            const size_t element[4] = {1, 8, 4, 2};
            assert_int_equal((uintptr_t)p % element[i], 0);
            for (size_t k = 0; k < t->n_bytes; k++) assert_int_equal(p[k], first[i] + k);
        }
        udy_safetensors_close(file);
    }
}

static void a_huge_misaligned_file_is_refused_not_copied(void **state) {
    (void)state;
    char header[200];
    const uint64_t n = (uint64_t)3 << 30;
    snprintf(header, sizeof header, "{%s }", T("a", "F32", "[805306368]", "0", "3221225472"));
    while (strlen(header) % 4 != 1) strcat(header, " ");
    make_file(header, 0, strlen(header));
    assert_int_equal(truncate(path, (off_t)(8 + strlen(header) + n)), 0);  // sparse
    udy_safetensors *file;
    udy_error err = {0};
    assert_int_equal(udy_safetensors_open(&file, path, &err), UDY_EUNSUPPORTED);
    assert_non_null(strstr(err.message, "not aligned"));
    // The same, aligned: mapped, whatever its size.
    while (strlen(header) % 8 != 0) strcat(header, " ");
    make_file(header, 0, strlen(header));
    assert_int_equal(truncate(path, (off_t)(8 + strlen(header) + n)), 0);
    assert_int_equal(udy_safetensors_open(&file, path, &err), UDY_OK);
    const float *last = (const float *)udy_safetensors_at(file, 0)->data + 805306367;
    assert_true(*last == 0.0f);
    udy_safetensors_close(file);
    unlink(path);
}

static void what_is_required_is_checked(void **state) {
    (void)state;
    udy_safetensors *file = opened("{" T("net.0.weight", "F32", "[2,3]", "0", "24") "}", 24);
    const udy_tensor *t;
    udy_error err = {0};
    assert_int_equal(
        udy_safetensors_require(file, "net.0.weight", UDY_F32, 2, (int64_t[]){2, -1}, &t, &err),
        UDY_OK);
    assert_int_equal(t->shape[1], 3);
    assert_int_equal(
        udy_safetensors_require(file, "net.0.weight", UDY_F32, 2, (int64_t[]){2, 3}, NULL, NULL),
        UDY_OK);
    const struct {
        const char *name;
        udy_dtype dtype;
        int ndim;
        int64_t shape[3];
        const char *what;
    } cases[] = {
        {"net.0.weight", UDY_F64, 2, {2, 3}, "expected F64 [2, 3], found F32 [2, 3]"},
        {"net.0.weight", UDY_F32, 1, {6}, "expected F32 [6], found F32 [2, 3]"},
        {"net.0.weight", UDY_F32, 2, {-1, 4}, "expected F32 [*, 4], found F32 [2, 3]"},
        {"net.0.weight", UDY_F32, 3, {2, 3, 1}, "expected F32 [2, 3, 1]"},
        {"net.0.weigth",
         UDY_F32,
         2,
         {2, 3},
         "no tensor 'net.0.weigth'; did you mean 'net.0.weight'"},
        {"observation", UDY_F32, 2, {2, 3}, "no tensor 'observation' among its 1"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof cases[0]; i++) {
        int code = udy_safetensors_require(file, cases[i].name, cases[i].dtype, cases[i].ndim,
                                           cases[i].shape, &t, &err);
        assert_int_equal(code, UDY_EMISMATCH);
        assert_null(t);
        if (strncmp(err.message, path, strlen(path)) || !strstr(err.message, cases[i].what)) {
            fail_msg("%s", err.message);
        }
    }
    assert_int_equal(udy_safetensors_require(file, NULL, UDY_F32, 0, NULL, &t, &err), UDY_EINVAL);
    assert_int_equal(udy_safetensors_require(file, "a", UDY_F32, 9, NULL, &t, &err), UDY_EINVAL);
    udy_safetensors_close(file);
}

static void an_open_file_may_be_replaced_and_removed(void **state) {
    (void)state;
    float values[4] = {1, 2, 3, 4};
    udy_tensor t = {.name = "t",
                    .dtype = UDY_F32,
                    .ndim = 1,
                    .shape = {4},
                    .data = values,
                    .n_bytes = sizeof values};
    assert_int_equal(udy_safetensors_write(path, &t, 1, NULL, 0, NULL), UDY_OK);
    udy_safetensors *file;
    assert_int_equal(udy_safetensors_open(&file, path, NULL), UDY_OK);
    values[0] = 9;
    t.shape[0] = 1;
    t.n_bytes = 4;
    assert_int_equal(udy_safetensors_write(path, &t, 1, NULL, 0, NULL), UDY_OK);
    assert_int_equal(udy_file_remove(path, NULL), UDY_OK);
    assert_true(((const float *)udy_safetensors_at(file, 0)->data)[0] == 1.0f);
    assert_true(((const float *)udy_safetensors_at(file, 0)->data)[3] == 4.0f);
    udy_safetensors_close(file);
}

static void the_shipped_expert_opens(void **state) {
    (void)state;
    udy_safetensors *file;
    udy_error err = {0};
    const char *expert = UDY_SOURCE_DIR "/experts/ant-v5.safetensors";
    if (udy_safetensors_open(&file, expert, &err)) fail_msg("%s", err.message);
    const udy_tensor *w;
    assert_int_equal(
        udy_safetensors_require(file, "net.0.weight", UDY_F32, 2, (int64_t[]){-1, 27}, &w, &err),
        UDY_OK);
    const float *p = w->data;
    double sum = 0;
    for (size_t i = 0; i < w->n_bytes / 4; i++) sum += fabs((double)p[i]);
    assert_true(isfinite(sum) && sum > 0);
    assert_string_equal(udy_safetensors_metadata(file, "format"), "understudy.policy/1");
    udy_safetensors_close(file);
}

static void names_and_sizes_of_types_are_the_formats(void **state) {
    (void)state;
    assert_string_equal(udy_dtype_name(UDY_F32), "F32");
    assert_string_equal(udy_dtype_name(UDY_BOOL), "BOOL");
    assert_string_equal(udy_dtype_name(UDY_OTHER), "OTHER");
    assert_string_equal(udy_dtype_name((udy_dtype)99), "OTHER");
    assert_int_equal(udy_dtype_size(UDY_F64), 8);
    assert_int_equal(udy_dtype_size(UDY_I32), 4);
    assert_int_equal(udy_dtype_size(UDY_BOOL), 1);
    assert_int_equal(udy_dtype_size(UDY_OTHER), 0);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(every_type_and_shape_reads_back),
        cmocka_unit_test(an_empty_file_of_no_tensors_reads_back),
        cmocka_unit_test(the_written_bytes_are_the_formats),
        cmocka_unit_test(what_cannot_be_written_is_refused_and_leaves_nothing),
        cmocka_unit_test(types_without_a_name_of_ours_are_carried),
        cmocka_unit_test(zero_sized_and_scalar_tensors_are_read),
        cmocka_unit_test(unknown_members_and_blanks_are_passed_over),
        cmocka_unit_test(misaligned_data_is_read_into_aligned_memory),
        cmocka_unit_test(a_huge_misaligned_file_is_refused_not_copied),
        cmocka_unit_test(what_is_required_is_checked),
        cmocka_unit_test(an_open_file_may_be_replaced_and_removed),
        cmocka_unit_test(the_shipped_expert_opens),
        cmocka_unit_test(names_and_sizes_of_types_are_the_formats),
    };
    return cmocka_run_group_tests(tests, setup, remove_root);
}
