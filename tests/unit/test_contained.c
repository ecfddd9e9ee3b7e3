// A library that a hostile file crashes, hangs, makes greedy or takes over: what it does stays in the
// process that it was put in, and the caller gets an error.
#include <fcntl.h>
#include <signal.h>
#include <sys/socket.h>
#include <sys/wait.h>

#include "io/contained.h"
#include "test_io_common.h"

typedef enum {
    ECHO,
    CRASH,
    ABORT,
    HANG,
    EAT,
    LEAVE,
    WRITE_FILE,
    READ_FILE,
    RUN,
    CONNECT,
    FORK,
    CLOSE
} deed;

typedef struct request {
    deed what;
    int number;
    char path[600];
} request;

typedef struct reply {
    int number;
    char text[32];
} reply;

static bool prepared;

static void prepare(void *ctx) {
    (void)ctx;
    prepared = true;
}

static int eat(void) {
    for (int i = 0; i < 4096; i++) {
        char *p = malloc((size_t)1 << 20);
        if (!p) return i;
        memset(p, 1, (size_t)1 << 20);
    }
    return 4096;
}

static void serve(void *ctx, const void *request_, void *reply_, void *bulk) {
    (void)ctx;
    const request *q = request_;
    reply *r = reply_;
    char *const args[] = {(char[]){"true"}, NULL};
    r->number = q->number + prepared;
    switch (q->what) {
        case ECHO: memset(bulk, 'x', 100); break;
        case CRASH: __builtin_trap();
        case ABORT: abort();
        case HANG:
            for (volatile int i = 0; i >= 0;) continue;
            break;
        case EAT: r->number = eat(); break;
        case LEAVE: _exit(0);
        case WRITE_FILE: r->number = open(q->path, O_WRONLY | O_CREAT, 0666); break;
        case READ_FILE: {
            int fd = open(q->path, O_RDONLY);
            r->number = fd < 0 ? -1 : (int)read(fd, r->text, sizeof r->text);
            break;
        }
        case RUN: r->number = execv("/bin/true", args); break;
        case CONNECT: r->number = socket(AF_INET, SOCK_STREAM, 0); break;
        case FORK: r->number = fork(); break;
        case CLOSE:
            close(3);
            for (volatile int i = 0; i >= 0;) continue;
            break;
    }
}

static udy__contained *begin(double patience_s) {
    udy__contained_work work = {.prepare = prepare,
                                .serve = serve,
                                .request_bytes = sizeof(request),
                                .reply_bytes = sizeof(reply),
                                .bulk_bytes = 4096,
                                .memory_bytes = (uint64_t)64 << 20,
                                .patience_s = patience_s,
                                .path = "some.file",
                                .library = "libsome"};
    udy__contained *c;
    udy_error err = {0};
    if (udy__contained_start(&c, &work, &err)) fail_msg("%s", err.message);
    return c;
}

static int ask(udy__contained *c, deed what, const char *path, reply *r, udy_error *err) {
    request q = {.what = what, .number = 41};
    snprintf(q.path, sizeof q.path, "%s", path);
    *err = (udy_error){0};
    return udy__contained_call(c, &q, r, err);
}

static void answers_come_back_with_their_data(void **state) {
    (void)state;
    udy__contained *c = begin(10);
    reply r;
    udy_error err;
    for (int i = 0; i < 3; i++) {
        assert_int_equal(ask(c, ECHO, "", &r, &err), 0);
        assert_int_equal(r.number, 42);
        assert_int_equal(((const char *)udy__contained_bulk(c))[99], 'x');
    }
    assert_false(prepared);  // in this process it was not
    udy__contained_stop(c);
    udy__contained_stop(NULL);
}

static void a_program_without_its_first_descriptors_is_answered(void **state) {
    (void)state;
    int kept[2] = {fcntl(0, F_DUPFD, 10), fcntl(2, F_DUPFD, 10)};
    close(0);
    close(2);  // the socket's two ends are 0 and 2 now
    udy__contained *c = begin(10);
    reply r;
    udy_error err;
    int status = ask(c, ECHO, "", &r, &err);
    udy__contained_stop(c);
    if (kept[0] >= 0) dup2(kept[0], 0), close(kept[0]);
    dup2(kept[1], 2);
    close(kept[1]);
    assert_int_equal(status, 0);
    assert_int_equal(r.number, 42);
}

static void a_crash_is_an_error_and_so_is_every_call_after_it(void **state) {
    (void)state;
    static const struct {
        deed what;
        const char *said;
    } deaths[] = {{CRASH, "crashed"}, {ABORT, "on it"}, {LEAVE, "gave up"}, {CLOSE, "crashed"}};
    for (size_t i = 0; i < sizeof deaths / sizeof *deaths; i++) {
        udy__contained *c = begin(10);
        reply r;
        udy_error err;
        for (int k = 0; k < 2; k++) {
            assert_int_equal(ask(c, k ? ECHO : deaths[i].what, "", &r, &err), UDY_EFORMAT);
            assert_non_null(strstr(err.message, "some.file: libsome"));
            assert_non_null(strstr(err.message, deaths[i].said));
        }
        udy__contained_stop(c);
    }
    assert_int_equal(waitpid(-1, NULL, WNOHANG), -1);  // none is left behind
}

static void a_hang_is_cut_off(void **state) {
    (void)state;
    udy__contained *c = begin(0.3);
    reply r;
    udy_error err;
    double start = udy_clock_s();
    assert_int_equal(ask(c, HANG, "", &r, &err), UDY_EFORMAT);
    assert_non_null(strstr(err.message, "no answer in 0.3 s"));
    assert_true(udy_clock_s() - start < 20);
    udy__contained_stop(c);
}

static void memory_is_bounded(void **state) {
    (void)state;
#ifdef __SANITIZE_ADDRESS__
    skip();  // its shadow takes the whole address space
#endif
    udy__contained *c = begin(60);
    reply r;
    udy_error err;
    assert_int_equal(ask(c, EAT, "", &r, &err), 0);
    assert_in_range(r.number, 1, 64);  // MB
    udy__contained_stop(c);
}

// Does the kernel filter calls here? Where it does not, the next test has nothing to show.
static bool filtered(udy__contained *c) {
    reply r;
    udy_error err;
    return ask(c, CONNECT, "", &r, &err) == 0 && r.number < 0;
}

static void only_reading_is_possible(void **state) {
    (void)state;
    udy__contained *c = begin(10);
    if (!filtered(c)) {
        udy__contained_stop(c);
        skip();
    }
    reply r;
    udy_error err;
    char path[600];
    snprintf(path, sizeof path, "%s", at_root("written"));
    assert_int_equal(ask(c, WRITE_FILE, path, &r, &err), 0);
    assert_int_equal(r.number, -1);
    assert_false(udy_file_exists(path));
    assert_int_equal(ask(c, RUN, "", &r, &err), 0);
    assert_int_equal(r.number, -1);
    assert_int_equal(ask(c, FORK, "", &r, &err), 0);
    assert_int_equal(r.number, -1);
    put_file(path, "hello", 5);
    assert_int_equal(ask(c, READ_FILE, path, &r, &err), 0);
    assert_int_equal(r.number, 5);
    assert_memory_equal(r.text, "hello", 5);
    udy__contained_stop(c);
}

static void files_of_the_caller_are_out_of_reach(void **state) {
    (void)state;
    int low = open(at_root("mine"), O_RDWR | O_CREAT, 0666), fd = fcntl(low, F_DUPFD, 50);
    assert_true(low >= 0 && fd >= 50);
    udy__contained *c = begin(10);
    char path[64];
    reply r;
    udy_error err;
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    assert_int_equal(ask(c, READ_FILE, path, &r, &err), 0);
    assert_int_equal(r.number, -1);
    udy__contained_stop(c);
    close(fd);
    close(low);
}

int main(void) {
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(answers_come_back_with_their_data),
        cmocka_unit_test(a_program_without_its_first_descriptors_is_answered),
        cmocka_unit_test(a_crash_is_an_error_and_so_is_every_call_after_it),
        cmocka_unit_test(a_hang_is_cut_off),
        cmocka_unit_test(memory_is_bounded),
        cmocka_unit_test(only_reading_is_possible),
        cmocka_unit_test(files_of_the_caller_are_out_of_reach),
    };
    return cmocka_run_group_tests_name("contained", tests, make_root, remove_root);
}
