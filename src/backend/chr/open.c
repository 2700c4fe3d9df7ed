/* SPDX-License-Identifier: Apache-2.0 */
/* The kinds of character back ends: stdio, file:F, pty, socket:F, none. */
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <termios.h>
#include <unistd.h>

#include "backend/chr/core.h"
#include "base/error.h"
#include "host/loop.h"

/* --- stdio ----------------------------------------------------------------------------------- */

/* A terminal or pipe opened anew can be non-blocking without making it so for the shell and
 * everybody else who shares our descriptor. Others keep theirs. */
static int reopen_output(int fd)
{
    struct stat st;
    int again = -1;

    if (!fstat(fd, &st) && (S_ISFIFO(st.st_mode) || isatty(fd)))
        again = open(fd == STDOUT_FILENO ? "/proc/self/fd/1" : "/proc/self/fd/2",
                     O_WRONLY | O_NONBLOCK | O_NOCTTY | O_CLOEXEC);
    return again >= 0 ? again : fd;
}

static int open_stdio(struct chr *chr, const char *arg, struct error *err)
{
    struct winsize size;
    int r;

    if (!ioctl(STDOUT_FILENO, TIOCGWINSZ, &size)) {
        chr->columns = size.ws_col;
        chr->rows = size.ws_row;
    }
    if (!isatty(STDOUT_FILENO))
        chr->patience_ms = CHR_LONG_PATIENCE_MS;
    r = chr_start_output(chr, reopen_output(STDOUT_FILENO), err);
    if (r)
        return r;
    r = chr_set_input(chr, STDIN_FILENO);
    /* A closed standard input is like an empty one. */
    return r == -EBADF ? 0 : r;
}

/* --- file:F ---------------------------------------------------------------------------------- */

static int open_file(struct chr *chr, const char *path, struct error *err)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC | O_NOCTTY, 0666);

    if (fd < 0)
        return error_set(err, -errno, "--serial file:%s: cannot open: %s", path, strerror(errno));
    chr->patience_ms = CHR_LONG_PATIENCE_MS;
    return chr_start_output(chr, fd, err);
}

/* --- pty ------------------------------------------------------------------------------------- */

static int open_pty(struct chr *chr, const char *arg, struct error *err)
{
    struct termios raw;
    char name[128];
    int fd = posix_openpt(O_RDWR | O_NOCTTY | O_CLOEXEC | O_NONBLOCK);
    int r;

    if (fd < 0)
        return error_set(err, -errno, "--serial pty: cannot get a pseudo terminal: %s",
                         strerror(errno));
    chr->in_fd = fd;
    if (grantpt(fd) || unlockpt(fd) || ptsname_r(fd, name, sizeof(name)))
        return error_set(err, -errno, "--serial pty: cannot set up a pseudo terminal: %s",
                         strerror(errno));
    /* Held open, so that it does not hang up whenever its user closes it. */
    chr->listen_fd = open(name, O_RDWR | O_NOCTTY | O_CLOEXEC);
    if (chr->listen_fd < 0)
        return error_set(err, -errno, "--serial pty: cannot open %s: %s", name, strerror(errno));
    if (!tcgetattr(chr->listen_fd, &raw)) {
        cfmakeraw(&raw);
        tcsetattr(chr->listen_fd, TCSANOW, &raw);
    }
    free(chr->name);
    chr->name = strdup(name);
    if (!chr->name)
        return error_set(err, -ENOMEM, "out of memory");
    chr->keep_latest = true;
    r = chr_start_output(chr, fd, err);
    return r ? r : chr_set_input(chr, fd);
}

/* --- socket:F -------------------------------------------------------------------------------- */

/* The client went away: the next one may come. */
static void socket_hangup(struct chr *chr)
{
    int fd = chr->in_fd;

    chr_set_input(chr, -1);
    chr_set_output(chr, -1);
    close(fd);
    loop_fd_set(chr->listen_watch, LOOP_READ);
}

static void socket_accept(void *ctx, int fd, unsigned events)
{
    struct chr *chr = ctx;
    int client = accept4(fd, NULL, NULL, SOCK_CLOEXEC | SOCK_NONBLOCK);

    if (client < 0)
        return;
    if (chr_set_input(chr, client)) {
        chr->in_fd = -1;
        close(client);
        return;
    }
    /* One at a time; others wait in the queue. */
    loop_fd_set(chr->listen_watch, 0);
    chr_set_output(chr, client);
    chr_ready(chr);
}

/* A socket file that nobody listens on is left over from a machine that is gone. */
static void remove_stale(const struct sockaddr_un *address)
{
    struct stat st;
    int fd;

    if (lstat(address->sun_path, &st) || !S_ISSOCK(st.st_mode))
        return;
    fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return;
    if (connect(fd, (const struct sockaddr *)address, sizeof(*address)) && errno == ECONNREFUSED)
        unlink(address->sun_path);
    close(fd);
}

static int open_socket(struct chr *chr, const char *path, struct error *err)
{
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int fd, r;

    if (strlen(path) >= sizeof(address.sun_path))
        return error_set(err, -ENAMETOOLONG,
                         "--serial socket:%s: the path is longer than %zu bytes", path,
                         sizeof(address.sun_path) - 1);
    memcpy(address.sun_path, path, strlen(path) + 1);
    fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0);
    if (fd < 0)
        return error_set(err, -errno, "--serial socket:%s: %s", path, strerror(errno));
    chr->listen_fd = fd;
    remove_stale(&address);
    if (bind(fd, (struct sockaddr *)&address, sizeof(address)))
        return error_set(err, -errno, "--serial socket:%s: %s%s", path, strerror(errno),
                         errno == EADDRINUSE ? " (another machine's, or a file: choose another "
                                               "name or remove it)"
                                             : "");
    chr->unlink_name = true;
    free(chr->name);
    chr->name = strdup(path);
    if (!chr->name)
        return error_set(err, -ENOMEM, "out of memory");
    if (listen(fd, 4))
        return error_set(err, -errno, "--serial socket:%s: %s", path, strerror(errno));
    chr->keep_latest = true;
    chr->hangup = socket_hangup;
    r = chr_start_output(chr, -1, err);
    return r ? r : loop_fd_add(chr->loop, fd, LOOP_READ, socket_accept, chr, &chr->listen_watch);
}

/* --- none ------------------------------------------------------------------------------------ */

static int open_none(struct chr *chr, const char *arg, struct error *err)
{
    return 0;
}

static const struct {
    const char *word;
    bool has_arg;
    int (*open)(struct chr *chr, const char *arg, struct error *err);
} kinds[] = {
    {"stdio", false, open_stdio},  {"file", true, open_file},  {"pty", false, open_pty},
    {"socket", true, open_socket}, {"none", false, open_none},
};

int chr_open_spec(struct chr *chr, const char *spec, struct error *err)
{
    size_t word = strcspn(spec, ":");
    const char *arg = spec[word] ? spec + word + 1 : NULL;

    for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
        if (strlen(kinds[i].word) != word || memcmp(kinds[i].word, spec, word))
            continue;
        if (kinds[i].has_arg && (!arg || !*arg))
            return error_set(err, -EINVAL, "--serial %s: a path is missing (%s:PATH)", spec,
                             kinds[i].word);
        if (!kinds[i].has_arg && arg)
            return error_set(err, -EINVAL, "--serial %s: %s takes no argument", spec,
                             kinds[i].word);
        chr->name = strdup(arg ? arg : spec);
        if (!chr->name)
            return error_set(err, -ENOMEM, "out of memory");
        int r = kinds[i].open(chr, arg, err);
        /* Those that had nothing more to say than the number. */
        return r && err && !err->code ? error_set(err, r, "--serial %s: %s", spec, strerror(-r))
                                      : r;
    }
    return error_set(err, -EINVAL,
                     "--serial %s: there are stdio, file:PATH, pty, socket:PATH and none", spec);
}
