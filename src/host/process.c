/* SPDX-License-Identifier: Apache-2.0 */
#include "host/process.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/signalfd.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/error.h"
#include "host/clock.h"

enum { MANY = 64 };
static const uint64_t POLITE_NS = 3000000000ull, MS = 1000000;

struct process_signals {
    int fd, seen;
    sigset_t before;
};

struct process {
    pid_t pid;
    int in, out, pidfd;
    bool ended;
    int status;
    struct process_signals *signals;
};

int process_signals_new(struct process_signals **out, struct error *err)
{
    struct process_signals *signals = calloc(1, sizeof(*signals));
    sigset_t set;

    if (!signals)
        return error_set(err, -ENOMEM, "out of memory");
    sigemptyset(&set);
    sigaddset(&set, SIGINT);
    sigaddset(&set, SIGTERM);
    sigaddset(&set, SIGHUP);
    sigprocmask(SIG_BLOCK, &set, &signals->before);
    signals->fd = signalfd(-1, &set, SFD_CLOEXEC | SFD_NONBLOCK);
    if (signals->fd < 0) {
        int rc = error_set(err, -errno, "signalfd: %s", strerror(errno));
        sigprocmask(SIG_SETMASK, &signals->before, NULL);
        free(signals);
        return rc;
    }
    *out = signals;
    return 0;
}

int process_signals_seen(struct process_signals *signals)
{
    struct signalfd_siginfo info;

    if (!signals->seen && read(signals->fd, &info, sizeof(info)) == sizeof(info))
        signals->seen = (int)info.ssi_signo;
    return signals->seen;
}

void process_signals_free(struct process_signals *signals)
{
    if (!signals)
        return;
    process_signals_seen(signals);
    close(signals->fd);
    sigprocmask(SIG_SETMASK, &signals->before, NULL);
    free(signals);
}

/* In the child. It must not outlive us, not even when we are killed. */
static void become(const char *const *argv, const struct process_signals *signals, pid_t parent,
                   int in, int out)
{
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    if (getppid() != parent)
        _exit(127);
    setpgid(0, 0);
    dup2(in, STDIN_FILENO);
    dup2(out, STDOUT_FILENO);
    dup2(out, STDERR_FILENO);
    signal(SIGPIPE, SIG_DFL);
    sigprocmask(SIG_SETMASK, &signals->before, NULL);
    execvp(argv[0], (char *const *)argv);
    dprintf(STDERR_FILENO, "%s: %s\n", argv[0], strerror(errno));
    _exit(127);
}

int process_start(const char *const *argv, struct process_signals *signals, struct process **out,
                  struct error *err)
{
    struct process *process = calloc(1, sizeof(*process));
    pid_t parent = getpid();
    int in[2] = {-1, -1}, from[2] = {-1, -1}, rc;

    if (!process)
        return error_set(err, -ENOMEM, "out of memory");
    if (pipe2(in, O_CLOEXEC) < 0 || pipe2(from, O_CLOEXEC) < 0)
        goto fail;
    process->pid = fork();
    if (process->pid < 0)
        goto fail;
    if (!process->pid)
        become(argv, signals, parent, in[0], from[1]);
    setpgid(process->pid, process->pid); /* whoever of the two is first */
    close(in[0]);
    close(from[1]);
    process->in = in[1];
    process->out = from[0];
    process->signals = signals;
    process->pidfd = (int)syscall(SYS_pidfd_open, process->pid, 0);
    fcntl(process->in, F_SETFL, O_NONBLOCK);
    *out = process;
    return 0;
fail:
    rc = error_set(err, -errno, "%s: %s", argv[0], strerror(errno));
    for (unsigned i = 0; i < 2; i++) {
        if (in[i] >= 0)
            close(in[i]);
        if (from[i] >= 0)
            close(from[i]);
    }
    free(process);
    return rc;
}

/* Until fd has something, a signal came or the time is over. */
static int wait_fd(struct process *process, int fd, uint64_t deadline)
{
    for (;;) {
        struct pollfd fds[] = {{fd, POLLIN, 0}, {process->signals->fd, POLLIN, 0}};
        uint64_t now = host_now_ns();
        int n = poll(fds, 2, now >= deadline ? 0 : (int)((deadline - now) / MS + 1));
        if (n < 0 && errno != EINTR)
            return -errno;
        if (process_signals_seen(process->signals))
            return -EINTR;
        if (n > 0 && fds[0].revents)
            return 0;
        if (host_now_ns() >= deadline)
            return -ETIMEDOUT;
    }
}

ssize_t process_read(struct process *process, void *buf, size_t size, uint64_t deadline)
{
    int rc = wait_fd(process, process->out, deadline);
    ssize_t n;

    if (rc)
        return rc;
    n = read(process->out, buf, size);
    return n < 0 ? -errno : n;
}

int process_wait_any(struct process *const *process, unsigned count,
                     struct process_signals *signals, uint64_t deadline, unsigned *which)
{
    struct pollfd fds[MANY + 1];

    if (count > MANY)
        return -EINVAL;
    for (;;) {
        uint64_t now = host_now_ns();
        int n;
        for (unsigned i = 0; i < count; i++)
            fds[i] = (struct pollfd){process[i] ? process[i]->out : -1, POLLIN, 0};
        fds[count] = (struct pollfd){signals->fd, POLLIN, 0};
        n = poll(fds, count + 1, now >= deadline ? 0 : (int)((deadline - now) / MS + 1));
        if (n < 0 && errno != EINTR)
            return -errno;
        if (process_signals_seen(signals))
            return -EINTR;
        for (unsigned i = 0; n > 0 && i < count; i++)
            if (fds[i].revents) {
                *which = i;
                return 0;
            }
        if (host_now_ns() >= deadline)
            return -ETIMEDOUT;
    }
}

uint64_t process_bytes_read(const struct process *process)
{
    char path[40], line[80];
    uint64_t bytes = 0;
    FILE *in;

    snprintf(path, sizeof(path), "/proc/%d/io", (int)process->pid);
    in = fopen(path, "re");
    if (!in)
        return 0;
    while (fgets(line, sizeof(line), in))
        if (!strncmp(line, "rchar: ", 7))
            bytes = strtoull(line + 7, NULL, 10);
    fclose(in);
    return bytes;
}

void process_write(struct process *process, const void *data, size_t size)
{
    ssize_t n = write(process->in, data, size);

    (void)n; /* a guest that does not read has no input */
}

static bool reap(struct process *process, int options)
{
    int status;

    if (!process->ended && waitpid(process->pid, &status, options) == process->pid) {
        process->ended = true;
        process->status = WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
    }
    return process->ended;
}

int process_wait(struct process *process, uint64_t deadline, int *status)
{
    while (!reap(process, WNOHANG)) {
        uint64_t now = host_now_ns(), soon = now + 20 * MS;
        int rc = process->pidfd >= 0 ? wait_fd(process, process->pidfd, deadline)
                                     : poll(NULL, 0, 20); /* an old kernel */
        if (rc < 0 && process->pidfd >= 0)
            return rc;
        if (process->pidfd < 0 && soon > deadline)
            return -ETIMEDOUT;
    }
    *status = process->status;
    return 0;
}

static void end(struct process *process, uint64_t deadline)
{
    while (!reap(process, WNOHANG) && host_now_ns() < deadline)
        poll(NULL, 0, 5);
    kill(-process->pid, SIGKILL); /* and what it may have started */
    reap(process, 0);
    close(process->in);
    close(process->out);
    if (process->pidfd >= 0)
        close(process->pidfd);
    free(process);
}

void process_end_all(struct process *const *process, unsigned count)
{
    uint64_t deadline = host_now_ns() + POLITE_NS;

    for (unsigned i = 0; i < count; i++)
        if (process[i] && !reap(process[i], WNOHANG))
            kill(-process[i]->pid, SIGTERM);
    for (unsigned i = 0; i < count; i++)
        if (process[i])
            end(process[i], deadline);
}

void process_end(struct process *process)
{
    process_end_all(&process, 1);
}
