/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Raw mode and its supervisor. No signal handler restores anything: handlers cannot run after
 * SIGKILL, and a crashed process should touch as little as possible. The supervisor is a child in a
 * session of its own, so that neither a signal to the process group nor job control reaches it; it
 * sleeps in read() on a socket whose other end only we hold.
 */
#include "host/terminal.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>

#include "base/error.h"

struct terminal {
    int fd;
    char path[64];
    struct termios saved;
    bool raw;
    int link; /* to the supervisor, or -1 */
    pid_t supervisor;
};

static int set(int fd, const struct termios *settings)
{
    int rc;

    do
        rc = tcsetattr(fd, TCSANOW, settings);
    while (rc < 0 && errno == EINTR);
    return rc;
}

/* 1, or 0 when the other end is closed. */
static ssize_t read_byte(int fd)
{
    char byte;
    ssize_t n;

    do
        n = recv(fd, &byte, 1, 0);
    while (n < 0 && errno == EINTR);
    return n;
}

static void write_byte(int fd, char byte)
{
    ssize_t n;

    do
        n = send(fd, &byte, 1, MSG_NOSIGNAL);
    while (n < 0 && errno == EINTR);
}

/* The child's whole life. Only async-signal-safe calls: the parent may have threads. */
static void __attribute__((noreturn)) supervise(const struct terminal *terminal, int link)
{
    ssize_t n;

    setsid();
    for (int sig = 1; sig < NSIG; sig++)
        signal(sig, SIG_IGN);
    prctl(PR_SET_NAME, "armvm-terminal");

    /* Whatever else we inherited must close with the parent (pipes of a test, sockets). */
    for (int fd = 0, limit = (int)sysconf(_SC_OPEN_MAX); fd < limit && fd < 1024; fd++)
        if (fd != terminal->fd && fd != link)
            close(fd);

    /* From here on nothing that ends the parent ends us. */
    write_byte(link, 'r');
    n = read_byte(link);
    /* A byte: all is well. The end without one: the parent is gone. */
    if (n <= 0 && set(terminal->fd, &terminal->saved) < 0) {
        /* The parent led its session: with its end our descriptor was hung up. Others may go on
         * using the terminal. */
        int fd = open(terminal->path, O_RDWR | O_NOCTTY | O_NONBLOCK);
        if (fd >= 0)
            set(fd, &terminal->saved);
    }
    _exit(0);
}

static void start_supervisor(struct terminal *terminal)
{
    int ends[2];

    terminal->link = -1;
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, ends) < 0)
        return;
    terminal->supervisor = fork();
    if (terminal->supervisor == 0)
        supervise(terminal, ends[0]);
    close(ends[0]);
    /* Out of processes: an orderly end still restores. */
    if (terminal->supervisor < 0 || read_byte(ends[1]) != 1)
        close(ends[1]);
    else
        terminal->link = ends[1];
}

int terminal_open(struct terminal **out, int fd, struct error *err)
{
    struct terminal *terminal = calloc(1, sizeof(*terminal));

    if (!terminal)
        return error_set(err, -ENOMEM, "out of memory");
    if (tcgetattr(fd, &terminal->saved) < 0) {
        int rc = -errno;
        free(terminal);
        return error_set(err, rc, "the standard input is no terminal: %s", strerror(-rc));
    }
    terminal->fd = fd;
    if (ttyname_r(fd, terminal->path, sizeof(terminal->path)))
        terminal->path[0] = 0;
    start_supervisor(terminal);
    *out = terminal;
    return 0;
}

void terminal_close(struct terminal *terminal)
{
    if (!terminal)
        return;
    terminal_restore(terminal);
    if (terminal->link >= 0) {
        write_byte(terminal->link, 'q');
        close(terminal->link);
        while (waitpid(terminal->supervisor, NULL, 0) < 0 && errno == EINTR)
            ;
    }
    free(terminal);
}

/* Changing the settings from the background would stop us (SIGTTOU). A terminal that does not
 * control us (-1) may be changed. */
static bool foreground(const struct terminal *terminal)
{
    pid_t group = tcgetpgrp(terminal->fd);

    return group < 0 || group == getpgrp();
}

bool terminal_raw(struct terminal *terminal)
{
    struct termios raw = terminal->saved;

    if (!foreground(terminal))
        return false;
    cfmakeraw(&raw);
    raw.c_cc[VMIN] = 1;
    raw.c_cc[VTIME] = 0;
    set(terminal->fd, &raw);
    terminal->raw = true;
    return true;
}

void terminal_restore(struct terminal *terminal)
{
    if (!terminal->raw)
        return;
    if (foreground(terminal))
        set(terminal->fd, &terminal->saved);
    terminal->raw = false;
}

bool terminal_is_raw(const struct terminal *terminal)
{
    return terminal->raw;
}

void terminal_size(const struct terminal *terminal, unsigned *columns, unsigned *rows)
{
    struct winsize size = {0};

    ioctl(terminal->fd, TIOCGWINSZ, &size);
    *columns = size.ws_col ? size.ws_col : 80;
    *rows = size.ws_row ? size.ws_row : 24;
}

void terminal_suspend(struct terminal *terminal)
{
    bool raw = terminal->raw;

    terminal_restore(terminal);
    raise(SIGSTOP);
    if (raw)
        terminal_raw(terminal);
}
