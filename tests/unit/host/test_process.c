/* SPDX-License-Identifier: Apache-2.0 */
/* Several programs under our eyes at once. */
#include <stdarg.h>
#include <setjmp.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include <errno.h>
#include <signal.h>
#include <string.h>
#include <unistd.h>

#include "base/error.h"
#include "host/clock.h"
#include "host/process.h"

static const uint64_t SECOND = 1000000000;
static struct process_signals *signals;

static struct process *start(const char *script)
{
    const char *argv[] = {"sh", "-c", script, NULL};
    struct process *process;
    struct error err;

    assert_int_equal(process_start(argv, signals, &process, &err), 0);
    return process;
}

/* The one that has something to say is found, between others and free places. */
static void test_wait_any(void **state)
{
    struct process *process[4] = {start("sleep 60"), NULL, start("echo hello; sleep 60"), NULL};
    unsigned which = 99;
    char buf[16];

    assert_int_equal(process_wait_any(process, 4, signals, host_now_ns() + 20 * SECOND, &which), 0);
    assert_int_equal(which, 2);
    assert_int_equal(process_read(process[2], buf, sizeof(buf), host_now_ns() + SECOND), 6);
    assert_true(process_bytes_read(process[2]) > 0);
    assert_int_equal(process_wait_any(process, 4, signals, host_now_ns() + SECOND / 10, &which),
                     -ETIMEDOUT);
    assert_int_equal(process_wait_any(process, 65, signals, 0, &which), -EINVAL);
    process_end_all(process, 4);
}

static void test_signal(void **state)
{
    struct process *process[1] = {start("sleep 60")};
    unsigned which;

    kill(getpid(), SIGINT);
    assert_int_equal(process_wait_any(process, 1, signals, host_now_ns() + 20 * SECOND, &which),
                     -EINTR);
    process_end_all(process, 1);
}

/* Those that do not want to end are waited for at the same time. */
static void test_end_all(void **state)
{
    static const char stubborn[] = "trap '' TERM; echo; while :; do sleep 1; done";
    struct process *process[3] = {start(stubborn), start(stubborn), start(stubborn)};
    uint64_t before;
    char c;

    for (unsigned i = 0; i < 3; i++)
        assert_int_equal(process_read(process[i], &c, 1, host_now_ns() + 20 * SECOND), 1);
    before = host_now_ns();
    process_end_all(process, 3);
    assert_true(host_now_ns() - before < 7 * SECOND);
}

static int open_signals(void **state)
{
    return process_signals_new(&signals, NULL);
}

static int close_signals(void **state)
{
    process_signals_free(signals);
    return 0;
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_wait_any, open_signals, close_signals),
        cmocka_unit_test_setup_teardown(test_end_all, open_signals, close_signals),
        cmocka_unit_test_setup_teardown(test_signal, open_signals, close_signals),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
