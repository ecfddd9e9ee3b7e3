// A process of its own for a library that a hostile file can crash, hang or make greedy: forked,
// locked in, asked through a socket, answering in shared memory. See contained.h.
#include "io/contained.h"

#include <errno.h>
#include <fcntl.h>
#include <math.h>
#include <poll.h>
#include <signal.h>
#include <stddef.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#ifdef __linux__
#include <linux/audit.h>
#include <linux/filter.h>
#include <linux/seccomp.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#endif

struct udy__contained {
    udy__contained_work work;
    char *shared;  // request, reply, bulk
    size_t shared_bytes, reply_at, bulk_at;
    pid_t pid;
    int socket;
    char dead[160];  // why no more answers come; "": they do
};

//------------------------------------------ The other side ----------------------------------------

#if defined(__linux__) && defined(__x86_64__)
#define ARCHITECTURE AUDIT_ARCH_X86_64
#elif defined(__linux__) && defined(__aarch64__)
#define ARCHITECTURE AUDIT_ARCH_AARCH64
#endif

#ifdef ARCHITECTURE
// What reading a file takes: anything else fails with EPERM. Opening is for reading only, and no
// memory becomes executable.
static const int allowed[] = {
    __NR_read,        __NR_write,      __NR_pread64,       __NR_lseek,        __NR_close,
    __NR_fstat,       __NR_newfstatat, __NR_munmap,        __NR_mremap,       __NR_brk,
    __NR_madvise,     __NR_futex,      __NR_rt_sigreturn,  __NR_rt_sigaction, __NR_rt_sigprocmask,
    __NR_exit_group,  __NR_exit,       __NR_clock_gettime, __NR_gettimeofday, __NR_getrandom,
    __NR_flock,       __NR_getcwd,     __NR_readlinkat,    __NR_getpid,       __NR_gettid,
    __NR_sched_yield, __NR_recvfrom,   __NR_sendto,
#ifdef __NR_stat
    __NR_stat,        __NR_lstat,      __NR_readlink,
#endif
};
// Calls that one argument decides: that argument and the bits that it must not have.
static const struct {
    int number, argument;
    unsigned forbidden;
} bounded[] = {
    {__NR_openat, 2, O_WRONLY | O_RDWR | O_CREAT | O_TRUNC | O_APPEND},
    {__NR_mmap, 2, PROT_EXEC},
    {__NR_mprotect, 2, PROT_EXEC},
#ifdef __NR_open
    {__NR_open, 1, O_WRONLY | O_RDWR | O_CREAT | O_TRUNC | O_APPEND},
#endif
};
enum {
    N_ALLOWED = sizeof allowed / sizeof *allowed,
    N_BOUNDED = sizeof bounded / sizeof *bounded,
    FILTER_MAX = 6 + 2 * N_ALLOWED + 6 * N_BOUNDED
};

#define DATA_AT(member) ((unsigned)offsetof(struct seccomp_data, member))

static void forbid_calls(void) {
    struct sock_filter f[FILTER_MAX];
    unsigned short n = 0;
    const struct sock_filter refuse = BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ERRNO | EPERM),
                             accept = BPF_STMT(BPF_RET | BPF_K, SECCOMP_RET_ALLOW);
    f[n++] = (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, DATA_AT(arch));
    f[n++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, ARCHITECTURE, 1, 0);
    f[n++] = refuse;
    f[n++] = (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, DATA_AT(nr));
    for (int i = 0; i < N_ALLOWED; i++) {
        f[n++] =
            (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (unsigned)allowed[i], 0, 1);
        f[n++] = accept;
    }
    for (int i = 0; i < N_BOUNDED; i++) {  // little-endian: the low half of an argument comes first
        unsigned at = DATA_AT(args) + 8u * (unsigned)bounded[i].argument;
        f[n++] = (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K,
                                              (unsigned)bounded[i].number, 0, 4);
        f[n++] = (struct sock_filter)BPF_STMT(BPF_LD | BPF_W | BPF_ABS, at);
        f[n++] =
            (struct sock_filter)BPF_JUMP(BPF_JMP | BPF_JSET | BPF_K, bounded[i].forbidden, 0, 1);
        f[n++] = refuse;
        f[n++] = accept;
    }
    f[n++] = refuse;
    struct sock_fprog program = {.len = n, .filter = f};
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0)
        prctl(PR_SET_SECCOMP, SECCOMP_MODE_FILTER, &program);
}
#else
static void forbid_calls(void) {}
#endif

static void limit(int resource, rlim_t most) {
    struct rlimit now;
    if (getrlimit(resource, &now) != 0) return;
    if (now.rlim_max == RLIM_INFINITY || now.rlim_max > most) now.rlim_max = most;
    if (now.rlim_cur == RLIM_INFINITY || now.rlim_cur > most) now.rlim_cur = now.rlim_max;
    setrlimit(resource, &now);
}

// Address space in use, in bytes; 0: not known.
static uint64_t mapped_bytes(void) {
    FILE *f = fopen("/proc/self/statm", "re");
    unsigned long long pages = 0;
    if (!f) return 0;
    if (fscanf(f, "%llu", &pages) != 1) pages = 0;
    fclose(f);
    return pages * (uint64_t)sysconf(_SC_PAGESIZE);
}

static void lock_in(const udy__contained_work *work) {
    limit(RLIMIT_CORE, 0);
    limit(RLIMIT_FSIZE, 0);
    limit(RLIMIT_NPROC, 0);
#ifndef __SANITIZE_ADDRESS__  // whose shadow takes terabytes of address space
    uint64_t now = mapped_bytes();
    if (now && work->memory_bytes) limit(RLIMIT_AS, now + work->memory_bytes);
#else
    (void)work, (void)mapped_bytes;
#endif
    forbid_calls();
}

// Keep the socket as descriptor 3, and nothing of the parent's.
static void drop_files(int *socket) {
    // In a program started without the first three it may be one of these.
    if ((*socket = fcntl(*socket, F_DUPFD, 3)) < 0) _exit(1);
    int null = open("/dev/null", O_RDWR);
    if (null < 0) _exit(1);
    for (int fd = 0; fd < 3; fd++)
        if (dup2(null, fd) < 0) _exit(1);
    if (*socket != 3 && dup2(*socket, 3) < 0) _exit(1);
    *socket = 3;
    if (close_range(4, ~0u, 0) != 0)
        for (int fd = 4; fd < 1024; fd++) close(fd);
}

static void run_child(udy__contained *c) {
    const udy__contained_work *work = &c->work;
    drop_files(&c->socket);
#ifdef __linux__
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    prctl(PR_SET_DUMPABLE, 0);
#endif
    if (work->prepare) work->prepare(work->ctx);
    lock_in(work);
    for (char go; recv(c->socket, &go, 1, 0) == 1;) {
        memset(c->shared + c->reply_at, 0, work->reply_bytes);
        work->serve(work->ctx, c->shared, c->shared + c->reply_at, c->shared + c->bulk_at);
        if (send(c->socket, &go, 1, MSG_NOSIGNAL) != 1) break;
    }
    _exit(0);
}

//------------------------------------------ The caller's side -------------------------------------

static size_t rounded(size_t n) {
    return (n + 63) / 64 * 64;
}

static int give_up(udy__contained *c, udy_error *err, const char *what, int errno_value) {
    int status =
        udy_error_set_errno(err, errno_value, "%s: cannot %s to read it", c->work.path, what);
    udy__contained_stop(c);
    return status;
}

int udy__contained_start(udy__contained **out, const udy__contained_work *work, udy_error *err) {
    *out = NULL;
    udy__contained *c = udy_alloc(sizeof *c);
    if (!c) return udy_error_set(err, UDY_ENOMEM, "%s: no memory to read it", work->path);
    *c = (udy__contained){.work = *work, .socket = -1};
    c->reply_at = rounded(work->request_bytes);
    c->bulk_at = c->reply_at + rounded(work->reply_bytes);
    c->shared_bytes = c->bulk_at + rounded(work->bulk_bytes);
    void *shared =
        mmap(NULL, c->shared_bytes, PROT_READ | PROT_WRITE, MAP_SHARED | MAP_ANONYMOUS, -1, 0);
    if (shared == MAP_FAILED) return give_up(c, err, "share memory", errno);
    c->shared = shared;
    int ends[2];
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) != 0)
        return give_up(c, err, "make a socket", errno);
    // With every signal blocked, a crash there is a plain death: no handler of ours runs in it, and an
    // interruption meant for the caller is the caller's to take.
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_BLOCK, &all, &before);
    pid_t pid = fork();
    if (pid == 0) {
        c->socket = ends[1];
        run_child(c);
    }
    int fault = errno;
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    close(ends[1]);
    c->socket = ends[0];
    if (pid < 0) return give_up(c, err, "start a process", fault);
    c->pid = pid;
    *out = c;
    return UDY_OK;
}

// Collect the process, killed first; its wait status, or -1 where someone else collected it.
static int bury(udy__contained *c) {
    int status = -1;
    if (c->pid <= 0) return -1;
    kill(c->pid, SIGKILL);
    pid_t got;
    while ((got = waitpid(c->pid, &status, 0)) < 0 && errno == EINTR) continue;
    c->pid = 0;
    return got > 0 ? status : -1;
}

void udy__contained_stop(udy__contained *c) {
    if (!c) return;
    bury(c);
    if (c->socket >= 0) close(c->socket);
    if (c->shared) munmap(c->shared, c->shared_bytes);
    udy_free(c);
}

// The socket closed: the process is ending or has ended by itself. What of?
static void note_death(udy__contained *c) {
    int status = bury(c);
    if (status != -1 && WIFSIGNALED(status))
        snprintf(c->dead, sizeof c->dead, "crashed on it (%s)", strsignal(WTERMSIG(status)));
    else
        snprintf(c->dead, sizeof c->dead, "gave up on it");
}

// Wait for the answer's byte; false, with c->dead said, where none came.
static bool answered(udy__contained *c) {
    double end = udy_clock_s() + c->work.patience_s;
    for (;;) {
        struct pollfd p = {.fd = c->socket, .events = POLLIN};
        double left = end - udy_clock_s();
        int n = left > 0 ? poll(&p, 1, (int)fmin(ceil(left * 1000), 1e6)) : 0;
        if (n < 0 && errno == EINTR) continue;
        if (n == 0 && left > 0) continue;
        char byte;
        if (n > 0 && recv(c->socket, &byte, 1, 0) == 1) return true;
        if (n > 0) {
            note_death(c);
            return false;
        }
        bury(c);
        snprintf(c->dead, sizeof c->dead, "gave no answer in %g s", c->work.patience_s);
        return false;
    }
}

int udy__contained_call(udy__contained *c, const void *request, void *reply, udy_error *err) {
    if (!c->dead[0]) {
        memcpy(c->shared, request, c->work.request_bytes);
        char go = 1;
        if (send(c->socket, &go, 1, MSG_NOSIGNAL) != 1)
            note_death(c);
        else
            answered(c);
    }
    if (c->dead[0])
        return udy_error_set(err, UDY_EFORMAT, "%s: %s %s; the file is damaged, or made to do harm",
                             c->work.path, c->work.library, c->dead);
    memcpy(reply, c->shared + c->reply_at, c->work.reply_bytes);
    return UDY_OK;
}

const void *udy__contained_bulk(const udy__contained *c) {
    return c->shared + c->bulk_at;
}
