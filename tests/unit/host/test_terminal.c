/* SPDX-License-Identifier: Apache-2.0 */
/* Each test gives a child a pseudo-terminal, lets it go raw and end in some way, and looks at the
 * settings afterwards through our own descriptor of the terminal. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <fcntl.h>
#include <pty.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <termios.h>
#include <unistd.h>
#include <utmp.h>

#include "base/error.h"
#include "host/terminal.h"

enum ending { CLOSES, KILLED, CRASHES, EXITS_AT_ONCE, RESTORES, KILLED_WITH_ITS_GROUP };

static void die(enum ending how, struct terminal *terminal)
{
    switch (how) {
    case CLOSES:
        terminal_close(terminal);
        break;
    case RESTORES:
        terminal_restore(terminal);
        pause();
        break;
    case KILLED:
        kill(getpid(), SIGKILL);
        break;
    case CRASHES:
        signal(SIGSEGV, SIG_DFL);
        kill(getpid(), SIGSEGV);
        break;
    case KILLED_WITH_ITS_GROUP:
        kill(0, SIGKILL);
        break;
    case EXITS_AT_ONCE:
        break;
    }
    _exit(0);
}

struct child {
    int master, slave;
    pid_t pid;
};

static void start(struct child *child, enum ending how)
{
    int ready[2];
    char byte;

    assert_int_equal(openpty(&child->master, &child->slave, NULL, NULL, NULL), 0);
    assert_int_equal(pipe(ready), 0);
    child->pid = fork();
    if (!child->pid) {
        struct terminal *terminal;
        login_tty(child->slave);
        close(child->master);
        if (terminal_open(&terminal, 0, NULL) || !terminal_raw(terminal))
            _exit(9);
        if (write(ready[1], "r", 1) != 1)
            _exit(8);
        /* The test looks, then lets us go on. */
        if (read(0, &byte, 1) != 1)
            _exit(7);
        die(how, terminal);
    }
    close(ready[1]);
    assert_int_equal(read(ready[0], &byte, 1), 1);
    close(ready[0]);
}

static bool cooked(const struct child *child)
{
    struct termios now;

    assert_int_equal(tcgetattr(child->slave, &now), 0);
    return (now.c_lflag & (ICANON | ECHO | ISIG)) == (ICANON | ECHO | ISIG) && now.c_oflag & OPOST;
}

static void becomes_cooked(const struct child *child)
{
    for (int i = 0; i < 400 && !cooked(child); i++)
        usleep(5000);
    assert_true(cooked(child));
}

static void run(enum ending how)
{
    struct child child;

    start(&child, how);
    assert_false(cooked(&child));
    assert_int_equal(write(child.master, "\003", 1), 1); /* no signal: a key */
    becomes_cooked(&child);
    kill(child.pid, SIGKILL);
    waitpid(child.pid, NULL, 0);
    close(child.master);
    close(child.slave);
}

static void close_restores(void **state)
{
    run(CLOSES);
}

static void restore_restores(void **state)
{
    run(RESTORES);
}

static void supervisor_restores_after_sigkill(void **state)
{
    run(KILLED);
}

static void supervisor_restores_after_a_crash(void **state)
{
    run(CRASHES);
}

static void supervisor_restores_after_exit(void **state)
{
    run(EXITS_AT_ONCE);
}

static void supervisor_survives_its_group(void **state)
{
    run(KILLED_WITH_ITS_GROUP);
}

static void suspend_stops_with_the_terminal_restored(void **state)
{
    struct child child;
    int status;

    assert_int_equal(openpty(&child.master, &child.slave, NULL, NULL, NULL), 0);
    child.pid = fork();
    if (!child.pid) {
        struct terminal *terminal;
        login_tty(child.slave);
        if (terminal_open(&terminal, 0, NULL) || !terminal_raw(terminal))
            _exit(9);
        terminal_suspend(terminal);
        _exit(terminal_is_raw(terminal) ? 0 : 1);
    }
    assert_int_equal(waitpid(child.pid, &status, WUNTRACED), child.pid);
    assert_true(WIFSTOPPED(status));
    assert_true(cooked(&child));
    kill(child.pid, SIGCONT);
    assert_int_equal(waitpid(child.pid, &status, 0), child.pid);
    assert_true(WIFEXITED(status) && WEXITSTATUS(status) == 0);
    becomes_cooked(&child);
    close(child.master);
    close(child.slave);
}

static void file_is_no_terminal(void **state)
{
    struct terminal *terminal;
    struct error err = {0};
    int fd = open("/dev/null", O_RDONLY);

    assert_true(terminal_open(&terminal, fd, &err) < 0);
    assert_non_null(strstr(err.text, "no terminal"));
    close(fd);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(close_restores),
        cmocka_unit_test(restore_restores),
        cmocka_unit_test(supervisor_restores_after_sigkill),
        cmocka_unit_test(supervisor_restores_after_a_crash),
        cmocka_unit_test(supervisor_restores_after_exit),
        cmocka_unit_test(supervisor_survives_its_group),
        cmocka_unit_test(suspend_stops_with_the_terminal_restored),
        cmocka_unit_test(file_is_no_terminal),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
