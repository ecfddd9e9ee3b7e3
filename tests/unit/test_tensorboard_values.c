// Histograms, images, text and hyperparameters in event files: the bytes are those of TensorFlow's
// messages, which TensorBoard's own writers make of the same values (tests/golden/read_events.sh asks
// its readers); nonsense is refused, and leaves the file as it was.
#include <math.h>
#include <signal.h>
#include <sys/resource.h>

#include "event_file.h"

#define DIR_NAME "events"

static int remove_events(void **state) {
    (void)state;
    nftw(at_root(DIR_NAME), remove_entry, 8, FTW_DEPTH | FTW_PHYS);
    return 0;
}

static udy_tb *opened(void) {
    udy_tb *tb;
    udy_error err = {0};
    if (udy_tb_open(&tb, at_root(DIR_NAME), -1, &err)) fail_msg("%s", err.message);
    return tb;
}

static const char *only_file(void) {
    static char path[1100];
    char **names;
    size_t n;
    assert_int_equal(udy_dir_list(&names, &n, at_root(DIR_NAME), "", NULL), UDY_OK);
    assert_int_equal(n, 1);
    snprintf(path, sizeof path, "%s/%s", at_root(DIR_NAME), names[0]);
    udy_free(names);
    return path;
}

// The data of the second record, after wall_time's nine bytes.
static char *second_record(size_t *n, const unsigned char **data) {
    char *text;
    size_t size;
    assert_int_equal(udy_file_read(&text, &size, only_file(), 1 << 20, NULL), UDY_OK);
    const unsigned char *p = (const unsigned char *)text + 16 + 24;  // after the version
    *n = (size_t)little_endian(p, 8) - 9;
    *data = p + 12 + 9;
    assert_int_equal(p[12], 0x09);
    return text;
}

static void expect_second_record(const void *bytes, size_t n) {
    size_t found;
    const unsigned char *data;
    char *text = second_record(&found, &data);
    assert_int_equal(found, n);
    assert_memory_equal(data, bytes, n);
    udy_free(text);
}

//------------------------------------------ Bytes -------------------------------------------------

static void a_histogram_is_the_formats_bytes(void **state) {
    (void)state;
    // Bins [0, 1), [1, 2), [2, 4] with nothing in the first: only the other two are kept.
    const double edges[] = {0, 1, 2, 4}, counts[] = {0, 3, 1};
    udy_tb *tb = opened();
    assert_int_equal(udy_tb_histogram(tb, "h", 5, edges, counts, 3, NULL), UDY_OK);
    udy_tb_close(tb);
    const unsigned char bytes[] = {
        0x10, 5,                                               // Event.step
        0x2a, 87,                                              // .summary
        0x0a, 85,                                              // Summary.value
        0x0a, 1,  'h',  0x42, 62,                              // Value.tensor
        0x08, 2,                                               // dtype DT_DOUBLE
        0x12, 8,  0x12, 2,    0x08, 2,   0x12, 2,    0x08, 3,  // shape [2, 3]
        0x22, 48,                                              // tensor_content, little-endian
        0,    0,  0,    0,    0,    0,   0xf0, 0x3f, 0,    0,   0,   0,   0,   0,   0,
        0x40, 0,  0,    0,    0,    0,   0,    8,    0x40,  // 1 2 3
        0,    0,  0,    0,    0,    0,   0,    0x40, 0,    0,   0,   0,   0,   0,   0x10,
        0x40, 0,  0,    0,    0,    0,   0,    0xf0, 0x3f,  // 2 4 1
        0x4a, 16,                                           // Value.metadata
        0x0a, 12, 0x0a, 10,   'h',  'i', 's',  't',  'o',  'g', 'r', 'a', 'm', 's',  // plugin_data
        0x20, 2,  // DATA_CLASS_TENSOR
    };
    expect_second_record(bytes, sizeof bytes);
}

static void a_text_is_the_formats_bytes(void **state) {
    (void)state;
    udy_tb *tb = opened();
    assert_int_equal(udy_tb_text(tb, "t", 0, "*x*", NULL), UDY_OK);
    udy_tb_close(tb);
    const unsigned char bytes[] = {
        0x2a, 28, 0x0a, 26,  0x0a, 1, 't', 0x42, 9,  // tensor
        0x08, 7,  0x12, 0,                           // DT_STRING, no dimension
        0x42, 3,  '*',  'x', '*',                    // string_val
        0x4a, 10, 0x0a, 6,   0x0a, 4, 't', 'e',  'x', 't', 0x20, 2,
    };
    expect_second_record(bytes, sizeof bytes);
}

// The least PNG there is: one grey pixel.
static const unsigned char pixel[] = {0x89, 'P', 'N', 'G',  '\r', '\n', 0x1a, '\n', 0,    0, 0, 13,
                                      'I',  'H', 'D', 'R',  0,    0,    0,    1,    0,    0, 0, 1,
                                      8,    0,   0,   0,    0,    0x3a, 0x7e, 0x9b, 0x55, 0, 0, 0,
                                      10,   'I', 'D', 'A',  'T',  0x78, 0x9c, 0x63, 0x60, 0, 0, 0,
                                      2,    0,   1,   0x48, 0xaf, 0xa4, 0x71, 0,    0,    0, 0, 'I',
                                      'E',  'N', 'D', 0xae, 0x42, 0x60, 0x82};

static void an_image_is_its_width_its_height_and_the_file(void **state) {
    (void)state;
    udy_tb *tb = opened();
    assert_int_equal(udy_tb_image(tb, "i", 300, pixel, sizeof pixel, NULL), UDY_OK);
    udy_tb_close(tb);
    size_t n;
    const unsigned char *data,
        head[] = {0x10, 0xac, 0x02, 0x2a, 104,  0x0a, 102,  0x0a,
                  1,    'i',  0x42, 83,                         // tensor
                  0x08, 7,    0x12, 4,    0x12, 2,    0x08, 3,  // DT_STRING [3]
                  0x42, 1,    '1',  0x42, 1,    '1',  0x42, sizeof pixel};
    char *text = second_record(&n, &data);
    assert_int_equal(n, sizeof head + sizeof pixel + 14);
    assert_memory_equal(data, head, sizeof head);
    assert_memory_equal(data + sizeof head, pixel, sizeof pixel);
    assert_memory_equal(data + sizeof head + sizeof pixel, "\x4a\x0c\x0a\x08\x0a\x06images\x20\x03",
                        14);
    udy_free(text);
}

static void hyperparameters_are_the_formats_bytes(void **state) {
    (void)state;
    const udy_tb_hparam hparams[] = {{.name = "n", .type = UDY_TB_NUMBER, .number = 0},
                                     {.name = "b", .type = UDY_TB_BOOL, .number = 1},
                                     {.name = "t", .type = UDY_TB_TEXT, .text = "x"},
                                     {.name = "i", .type = UDY_TB_NUMBER, .number = INFINITY}};
    udy_tb *tb = opened();
    assert_int_equal(udy_tb_hparams(tb, hparams, 4, 1.0, NULL), UDY_OK);
    udy_tb_close(tb);
    const unsigned char content[] = {
        0x1a, 56,  // session_start_info
        0x0a, 14, 0x0a, 1, 'n', 0x12, 9, 0x11, 0,    0,   0,   0,
        0,    0,  0,    0,                                           // number_value, though 0
        0x0a, 7,  0x0a, 1, 'b', 0x12, 2, 0x20, 1,                    // bool_value
        0x0a, 8,  0x0a, 1, 't', 0x12, 3, 0x1a, 1,    'x',            // string_value
        0x0a, 10, 0x0a, 1, 'i', 0x12, 5, 0x1a, 3,    'i', 'n', 'f',  // no number in JSON
        0x29, 0,  0,    0, 0,   0,    0, 0xf0, 0x3f,                 // start_time_secs
    };
    // An empty tensor of floats (shape [0]) beside it.
    const unsigned char before[] = {0x2a, 115, 0x0a, 113, 0x0a, 28};
    static const char after[] =
        "\x42\x06\x08\x01\x12\x02\x12\x00\x4aI\x0a\x45\x0a\x07hparams\x12\x3a";
    size_t n;
    const unsigned char *data;
    char *text = second_record(&n, &data);
    const unsigned char *at = data;
    assert_int_equal(n, sizeof before + 28 + sizeof after - 1 + sizeof content + 2);
    assert_memory_equal(at, before, sizeof before);
    assert_memory_equal(at += sizeof before, "_hparams_/session_start_info", 28);
    assert_memory_equal(at += 28, after, sizeof after - 1);
    assert_memory_equal(at += sizeof after - 1, content, sizeof content);
    assert_memory_equal(at + sizeof content, "\x20\x02", 2);  // DATA_CLASS_TENSOR
    udy_free(text);
}

static void the_end_of_a_session_says_how_it_ended(void **state) {
    (void)state;
    udy_tb *tb = opened();
    assert_int_equal(udy_tb_session_end(tb, true, 1.0, NULL), UDY_OK);
    assert_int_equal(udy_tb_session_end(tb, false, 1.0, NULL), UDY_OK);
    udy_tb_close(tb);
    events *list = read_events(only_file());
    assert_int_equal(list->n, 3);
    for (size_t i = 1; i < 3; i++) {
        const Udy__Tb__Summary__Value *v = list->at[i]->summary->value[0];
        const unsigned char content[] = {0x22, 11,   0x08, (unsigned char)i, 0x11, 0, 0, 0, 0, 0,
                                         0,    0xf0, 0x3f};
        assert_string_equal(v->tag, "_hparams_/session_end_info");
        assert_int_equal(v->metadata->plugin_data->content.len, sizeof content);
        assert_memory_equal(v->metadata->plugin_data->content.data, content, sizeof content);
    }
    free_events(list);
}

//------------------------------------------ Edges -------------------------------------------------

static void a_histogram_of_nothing_is_empty_and_a_large_one_is_whole(void **state) {
    (void)state;
    static double edges[UDY_TB_BINS_MAX + 1], counts[UDY_TB_BINS_MAX];
    udy_tb *tb = opened();
    for (int i = 0; i <= UDY_TB_BINS_MAX; i++) edges[i] = i;
    assert_int_equal(udy_tb_histogram(tb, "h", 0, edges, counts, 3, NULL), UDY_OK);
    for (int i = 0; i < UDY_TB_BINS_MAX; i++) counts[i] = i + 1;
    assert_int_equal(udy_tb_histogram(tb, "h", 1, edges, counts, UDY_TB_BINS_MAX, NULL), UDY_OK);
    assert_int_equal(udy_tb_scalar(tb, "s", 2, 0.5, NULL), UDY_OK);
    udy_tb_close(tb);
    events *list = read_events(only_file());
    assert_int_equal(list->n, 4);
    const Udy__Tb__Tensor *none = list->at[1]->summary->value[0]->tensor,
                          *all = list->at[2]->summary->value[0]->tensor;
    assert_int_equal(none->shape->dim[0]->size, 0);
    assert_int_equal(none->content.len, 0);
    assert_int_equal(all->shape->dim[0]->size, UDY_TB_BINS_MAX);
    for (size_t i = 0; i < UDY_TB_BINS_MAX; i++) {
        double row[3];
        memcpy(row, all->content.data + 24 * i, sizeof row);
        assert_true(row[0] == (double)i && row[1] == (double)i + 1 && row[2] == (double)i + 1);
    }
    free_events(list);
}

static void nonsense_is_refused_and_writes_nothing(void **state) {
    (void)state;
    udy_tb *tb = opened();
    const double up[] = {0, 1, 2}, down[] = {0, 2, 1}, odd[] = {0, NAN, 2}, some[] = {1, 2},
                 negative[] = {1, -1}, endless[] = {1, INFINITY};
    udy_error err = {0};
    assert_int_equal(udy_tb_histogram(tb, "h", 0, down, some, 2, &err), UDY_EINVAL);
    assert_non_null(strstr(err.message, "edge 2 of histogram 'h' is 1"));
    assert_int_equal(udy_tb_histogram(tb, "h", 0, odd, some, 2, &err), UDY_EINVAL);
    assert_int_equal(udy_tb_histogram(tb, "h", 0, up, negative, 2, &err), UDY_EINVAL);
    assert_non_null(strstr(err.message, "bin 1 of histogram 'h' holds -1"));
    assert_int_equal(udy_tb_histogram(tb, "h", 0, up, endless, 2, &err), UDY_EINVAL);
    assert_int_equal(udy_tb_histogram(tb, "h", 0, up, some, 0, &err), UDY_EINVAL);
    assert_int_equal(udy_tb_histogram(tb, "h", 0, up, some, UDY_TB_BINS_MAX + 1, &err), UDY_EINVAL);
    assert_int_equal(udy_tb_histogram(tb, "", 0, up, some, 2, &err), UDY_EINVAL);
    assert_int_equal(udy_tb_histogram(NULL, "h", 0, up, some, 2, &err), UDY_EINVAL);
    unsigned char bad[sizeof pixel];
    for (size_t n = 0; n < 33; n++) {  // cut in its header
        assert_int_equal(udy_tb_image(tb, "i", 0, pixel, n, &err), UDY_EINVAL);
    }
    for (size_t i = 0; i < 16; i++) {
        memcpy(bad, pixel, sizeof bad);
        bad[i] ^= 1;
        assert_int_equal(udy_tb_image(tb, "i", 0, bad, sizeof bad, &err), UDY_EINVAL);
    }
    memcpy(bad, pixel, sizeof bad);
    bad[19] = 0;  // no width
    assert_int_equal(udy_tb_image(tb, "i", 0, bad, sizeof bad, &err), UDY_EINVAL);
    assert_non_null(strstr(err.message, "'i' is not a PNG"));
    assert_int_equal(udy_tb_text(tb, "t", 0, "\xff", &err), UDY_EINVAL);
    assert_int_equal(udy_tb_text(tb, "t", 0, NULL, &err), UDY_EINVAL);
    assert_int_equal(udy_tb_text(tb, "\xff", 0, "x", &err), UDY_EINVAL);
    const udy_tb_hparam hparams[] = {{.name = "", .type = UDY_TB_NUMBER},
                                     {.name = "x", .type = UDY_TB_TEXT},
                                     {.name = "x", .type = UDY_TB_TEXT, .text = "\xff"},
                                     {.name = "\xff", .type = UDY_TB_BOOL}};
    for (int i = 0; i < 4; i++)
        assert_int_equal(udy_tb_hparams(tb, &hparams[i], 1, 0, &err), UDY_EINVAL);
    assert_int_equal(udy_tb_hparams(NULL, hparams, 0, 0, &err), UDY_EINVAL);
    assert_int_equal(udy_tb_session_end(NULL, true, 0, &err), UDY_EINVAL);
    udy_tb_close(tb);
    events *list = read_events(only_file());
    assert_int_equal(list->n, 1);
    free_events(list);
}

static void limit_file_size(rlim_t n) {
    struct rlimit limit;
    assert_int_equal(getrlimit(RLIMIT_FSIZE, &limit), 0);
    limit.rlim_cur = n < limit.rlim_max ? n : limit.rlim_max;
    assert_int_equal(setrlimit(RLIMIT_FSIZE, &limit), 0);
}

static void a_full_disk_names_the_file_and_leaves_whole_records(void **state) {
    (void)state;
    signal(SIGXFSZ, SIG_IGN);
    udy_tb *tb = opened();
    const double edges[] = {0, 1}, counts[] = {1};
    for (rlim_t room = 0; room < 120; room += 7) {
        udy_error err = {0};
        limit_file_size(40 + room);
        int code = udy_tb_image(tb, "i", 0, pixel, sizeof pixel, &err);
        limit_file_size(RLIM_INFINITY);
        assert_int_equal(code, UDY_ENOSPC);
        assert_non_null(strstr(err.message, only_file()));
    }
    assert_int_equal(udy_tb_histogram(tb, "h", 1, edges, counts, 1, NULL), UDY_OK);
    udy_tb_close(tb);
    events *list = read_events(only_file());
    assert_int_equal(list->n, 2);
    assert_int_equal(list->n_rest, 0);
    free_events(list);
}

#define TEST(name) cmocka_unit_test_teardown(name, remove_events)

int main(void) {
    const struct CMUnitTest tests[] = {
        TEST(a_histogram_is_the_formats_bytes),
        TEST(a_text_is_the_formats_bytes),
        TEST(an_image_is_its_width_its_height_and_the_file),
        TEST(hyperparameters_are_the_formats_bytes),
        TEST(the_end_of_a_session_says_how_it_ended),
        TEST(a_histogram_of_nothing_is_empty_and_a_large_one_is_whole),
        TEST(nonsense_is_refused_and_writes_nothing),
        TEST(a_full_disk_names_the_file_and_leaves_whole_records),
    };
    return cmocka_run_group_tests(tests, make_root, remove_root);
}
