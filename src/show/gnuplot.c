// The only file that knows the program gnuplot: a figure's data and script are written to a
// temporary folder beside their destination, gnuplot draws there, and the four files move together.
// No shell is involved, and a user's ~/.gnuplot is not read.
#include "show/figure.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#include "understudy/io.h"

#define DRAW_TIMEOUT_S 60

extern char **environ;

// What gnuplot said, cut to what fits a message.
typedef struct complaint {
    char words[400];
    size_t length;
} complaint;

// Start the program in folder dir, its stderr going to fd, in a process group of its own: a Ctrl-C
// on the terminal is the caller's to handle, and a timeout ends whatever the program started.
static int spawn_in(pid_t *pid, const char *dir, char *const argv[], int fd) {
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attributes;
    if (posix_spawn_file_actions_init(&actions) != 0) return ENOMEM;
    if (posix_spawnattr_init(&attributes) != 0) {
        posix_spawn_file_actions_destroy(&actions);
        return ENOMEM;
    }
    sigset_t none, defaults;
    sigemptyset(&none);
    sigemptyset(&defaults);
    sigaddset(&defaults, SIGPIPE);
    sigaddset(&defaults, SIGINT);
    posix_spawnattr_setsigmask(&attributes, &none);
    posix_spawnattr_setsigdefault(&attributes, &defaults);
    posix_spawnattr_setpgroup(&attributes, 0);
    posix_spawnattr_setflags(
        &attributes, POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETPGROUP);
    posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_addopen(&actions, 1, "/dev/null", O_WRONLY, 0);
    posix_spawn_file_actions_adddup2(&actions, fd, 2);
    int rc = posix_spawn_file_actions_addchdir_np(&actions, dir);
    if (rc == 0) rc = posix_spawnp(pid, argv[0], &actions, &attributes, argv, environ);
    posix_spawnattr_destroy(&attributes);
    posix_spawn_file_actions_destroy(&actions);
    return rc;
}

// Read fd to its end or the deadline; true at its end.
static bool listen_until(int fd, double deadline_s, complaint *said) {
    for (;;) {
        double left_s = deadline_s - udy_clock_s();
        if (left_s <= 0) return false;
        struct pollfd p = {.fd = fd, .events = POLLIN};
        int ready = poll(&p, 1, left_s > 1 ? 1000 : (int)(left_s * 1000) + 1);
        if (ready < 0 && errno != EINTR) return true;
        if (ready <= 0) continue;
        char bytes[1024];
        ssize_t n = read(fd, bytes, sizeof bytes);
        if (n < 0 && errno == EINTR) continue;
        if (n <= 0) return true;
        for (ssize_t i = 0; i < n && said->length + 1 < sizeof said->words; i++) {
            unsigned char c = (unsigned char)bytes[i];
            bool gap = c <= ' ';  // lines, and the blanks under gnuplot's caret, become one space
            if (gap && (said->length == 0 || said->words[said->length - 1] == ' ')) continue;
            said->words[said->length++] = gap ? ' ' : (char)c;
        }
    }
}

// Wait for the process, killing it at the deadline. True where it ended by itself; *status as
// waitpid gives it (0 where someone else has reaped it: the files then tell).
static bool wait_until(pid_t pid, double deadline_s, int *status) {
    *status = 0;
    for (;;) {
        pid_t got = waitpid(pid, status, WNOHANG);
        if (got == pid || (got < 0 && errno != EINTR)) return true;
        if (udy_clock_s() >= deadline_s) break;
        struct timespec nap = {.tv_nsec = 2000000};
        nanosleep(&nap, NULL);
    }
    kill(-pid, SIGKILL);
    while (waitpid(pid, status, 0) < 0 && errno == EINTR) {
    }
    return false;
}

int udy__gnuplot_run(const char *dir, const char *script, double timeout_s, udy_error *err) {
    int ends[2];
    if (pipe2(ends, O_CLOEXEC) != 0) return udy_error_set_errno(err, errno, "a pipe to gnuplot");
    char program[] = "gnuplot", defaults[] = "-d", name[256];
    if (snprintf(name, sizeof name, "%s", script) >= (int)sizeof name) {
        close(ends[0]);
        close(ends[1]);
        return udy_error_set(err, UDY_EINVAL, "%s: the figure's name is too long", script);
    }
    char *argv[] = {program, defaults, name, NULL};
    pid_t pid = 0;
    int rc = spawn_in(&pid, dir, argv, ends[1]);
    close(ends[1]);
    if (rc != 0) {
        close(ends[0]);
        if (rc == ENOENT)
            return udy_error_set(err, UDY_ENOENT,
                                 "gnuplot, which draws the figures, was not found on PATH: install "
                                 "Debian's package gnuplot-nox (apt-get install gnuplot-nox)");
        return udy_error_set_errno(err, rc, "gnuplot could not be started");
    }
    complaint said = {.length = 0};
    double deadline_s = udy_clock_s() + timeout_s;
    bool in_time = listen_until(ends[0], deadline_s, &said);
    int status = 0;
    in_time = wait_until(pid, deadline_s, &status) && in_time;
    close(ends[0]);
    while (said.length && said.words[said.length - 1] == ' ') said.length--;
    said.words[said.length] = '\0';
    const char *words = said.length ? said.words : "(it said nothing)";
    if (!in_time)
        return udy_error_set(err, UDY_EIO, "gnuplot was stopped after %g s: %s", timeout_s, words);
    if (WIFSIGNALED(status))
        return udy_error_set(err, UDY_EIO, "gnuplot was killed by signal %d: %s", WTERMSIG(status),
                             words);
    if (WEXITSTATUS(status) != 0)
        return udy_error_set(err, UDY_EIO, "gnuplot failed with exit code %d: %s",
                             WEXITSTATUS(status), words);
    return UDY_OK;
}

static const char *const suffixes[] = {"csv", "gp", "png", "svg"};
enum { N_SUFFIXES = sizeof suffixes / sizeof *suffixes };

// Is the drawing whole? A full disk cuts it short, and gnuplot does not say. On storage, too.
static int check_drawing(const char *path, const char *end, size_t end_bytes, udy_error *err) {
    char tail[16] = {0};
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    bool whole = fd >= 0 && lseek(fd, -(off_t)end_bytes, SEEK_END) > 0 &&
                 read(fd, tail, end_bytes) == (ssize_t)end_bytes && !memcmp(tail, end, end_bytes);
    int rc = UDY_OK;
    if (!whole)
        rc = udy_error_set(err, UDY_EIO, "%s: gnuplot drew no whole image (is the disk full?)",
                           path);
    else if (fsync(fd) != 0)
        rc = udy_error_set_errno(err, errno, "%s: writing it to storage", path);
    if (fd >= 0) close(fd);
    return rc;
}

// Data, script and drawings, all in folder work.
static int draw_in(const char *work, const char *name, const udy__text *csv,
                   const udy__text *script, udy_error *err) {
    char path[UDY_PATH_MAX], script_name[300];
    int rc = udy_path_format(path, err, "%s/%s.csv", work, name);
    if (rc == UDY_OK) rc = udy_file_write(path, csv->p, csv->n, err);
    if (rc == UDY_OK) rc = udy_path_format(path, err, "%s/%s.gp", work, name);
    if (rc == UDY_OK) rc = udy_file_write(path, script->p, script->n, err);
    if (rc != UDY_OK) return rc;
    snprintf(script_name, sizeof script_name, "%s.gp", name);
    rc = udy__gnuplot_run(work, script_name, DRAW_TIMEOUT_S, err);
    if (rc == UDY_OK) rc = udy_path_format(path, err, "%s/%s.svg", work, name);
    if (rc == UDY_OK) rc = check_drawing(path, "</svg>\n\n", 8, err);
    if (rc == UDY_OK) rc = udy_path_format(path, err, "%s/%s.png", work, name);
    if (rc == UDY_OK) rc = check_drawing(path, "IEND\xAE\x42\x60\x82", 8, err);
    return rc;
}

// Rename the files from work into dir; where one cannot be, none stays.
static int move_in(const char *work, const char *dir, const char *name, udy_error *err) {
    char from[UDY_PATH_MAX], to[UDY_PATH_MAX];
    for (int i = 0; i < N_SUFFIXES; i++) {
        int rc = udy_path_format(from, err, "%s/%s.%s", work, name, suffixes[i]);
        if (rc == UDY_OK) rc = udy_path_format(to, err, "%s/%s.%s", dir, name, suffixes[i]);
        if (rc == UDY_OK && rename(from, to) != 0)
            rc = udy_error_set_errno(err, errno, "%s: putting the figure in place", to);
        if (rc != UDY_OK) {
            while (i-- > 0)
                if (udy_path_format(to, NULL, "%s/%s.%s", dir, name, suffixes[i]) == UDY_OK)
                    unlink(to);
            return rc;
        }
    }
    return UDY_OK;
}

int udy__figure_draw(const char *dir, const char *name, const udy__text *csv,
                     const udy__text *script, udy_error *err) {
    char work[UDY_PATH_MAX], path[UDY_PATH_MAX];
    if (csv->failed || script->failed || !csv->n || !script->n)
        return udy_error_set(err, UDY_ENOMEM, "figure %s: out of memory", name);
    int rc = udy_dir_make(dir, err);
    if (rc == UDY_OK) rc = udy_path_format(work, err, "%s/.%s-XXXXXX", dir, name);
    if (rc != UDY_OK) return rc;
    if (!mkdtemp(work))
        return udy_error_set_errno(err, errno, "%s: a temporary folder to draw figure %s in", dir,
                                   name);
    rc = draw_in(work, name, csv, script, err);
    if (rc == UDY_OK) rc = move_in(work, dir, name, err);
    for (int i = 0; i < N_SUFFIXES; i++)
        if (udy_path_format(path, NULL, "%s/%s.%s", work, name, suffixes[i]) == UDY_OK)
            unlink(path);
    rmdir(work);
    return rc == UDY_OK ? rc : udy_error_wrap(err, rc, "figure %s/%s", dir, name);
}
