/* SPDX-License-Identifier: Apache-2.0 */
#include "check/vm/session.h"

#include <errno.h>
#include <inttypes.h>
#include <string.h>

#include "base/error.h"
#include "check/report.h"
#include "check/vm/listen.h"
#include "host/clock.h"
#include "host/process.h"

static const uint64_t SECOND = 1000000000, END_NS = 30 * 1000000000ull;
/* A program that ends so soon and without a word of firmware was called wrongly. */
enum { CANNOT_RUN = 127 };

/* How a start ended. */
enum outcome {
    OFF,      /* by itself, as announced */
    DONE,     /* by itself, and the run is complete */
    STUCK_ON, /* it announced the power off, and stays */
    DIED,     /* it ended without a word */
    TIMEOUT,
    BAILED,
    LOST,
    PEEKED,
};

struct start {
    const struct session_config *config;
    struct listen *listen;
    struct process *process;
    bool peek;
    enum outcome outcome;
    int status;
};

/* Acts on an event; true: enough was read. */
static bool act(struct start *start, enum listen_event event)
{
    struct listen *listen = start->listen;

    switch (event) {
    case LISTEN_BOOT:
        start->outcome = PEEKED;
        return start->peek;
    case LISTEN_TYPE:
        process_write(start->process, listen->text, strlen(listen->text));
        process_write(start->process, "\r", 1);
        return false;
    case LISTEN_POWER_OFF:
        start->outcome = OFF;
        return true;
    case LISTEN_END:
        start->outcome = DONE;
        return true;
    case LISTEN_BAIL:
        start->outcome = BAILED;
        return true;
    case LISTEN_LOST:
        start->outcome = LOST;
        return true;
    default:
        return false;
    }
}

static bool read_some(struct start *start, const char *buf, ssize_t n)
{
    if (start->config->log) {
        fwrite(buf, 1, (size_t)n, start->config->log);
        fflush(start->config->log);
    }
    for (ssize_t i = 0; i < n; i++) {
        enum listen_event event = listen_feed(start->listen, (unsigned char)buf[i]);
        if (act(start, event))
            return true;
    }
    return false;
}

/* Until something decides, or the program ends. */
static int follow(struct start *start, uint64_t deadline)
{
    char buf[4096];

    for (;;) {
        ssize_t n = process_read(start->process, buf, sizeof(buf), deadline);
        if (n > 0 && read_some(start, buf, n))
            return 0;
        if (n == -ETIMEDOUT) {
            start->outcome = TIMEOUT;
            return 0;
        }
        if (n == 0) {
            /* The last line need not have an end. */
            enum listen_event event = listen_feed(start->listen, '\n');
            if (!act(start, event))
                start->outcome = DIED;
            return 0;
        }
        if (n < 0)
            return (int)n;
    }
}

/* After the power off was announced: the rest of the output, and the program's end. */
static int wait_off(struct start *start)
{
    uint64_t deadline = host_now_ns() + END_NS;
    char buf[4096];
    int rc;

    for (;;) {
        ssize_t n = process_read(start->process, buf, sizeof(buf), deadline);
        if (n == -EINTR)
            return (int)n;
        if (n <= 0)
            break;
        if (start->config->log)
            fwrite(buf, 1, (size_t)n, start->config->log);
    }
    rc = process_wait(start->process, deadline, &start->status);
    if (rc == -ETIMEDOUT) {
        start->outcome = STUCK_ON;
        rc = 0;
    }
    return rc;
}

static int run_start(struct start *start, const char *const *argv, struct error *err)
{
    uint64_t deadline = host_now_ns() + start->config->timeout_ns;
    int rc = process_start(argv, start->config->signals, &start->process, err);

    if (rc)
        return rc;
    start->outcome = DIED;
    rc = follow(start, deadline);
    if (!rc && (start->outcome == OFF || start->outcome == DONE || start->outcome == DIED))
        rc = wait_off(start);
    process_end(start->process);
    if (rc)
        return error_set(err, rc, rc == -EINTR ? "stopped" : "%s: %s", argv[0], strerror(-rc));
    if (start->outcome == DIED && !start->listen->boot && start->status)
        return error_set(err, -ENOEXEC, "the machine does not start (status %d): %s", start->status,
                         *start->listen->last ? start->listen->last : argv[0]);
    return 0;
}

/* --- what the ends mean ----------------------------------------------------------------------- */

static void fail(struct report *report, const char *id, const char *title, const char *fix,
                 const char *text)
{
    struct check_result *result = report_add(report, id, CHECK_FAIL, title);

    result_fail(report, result, NULL, fix, "%s", text);
}

static void judge_unfinished(const struct start *start, const struct session_config *config)
{
    static const char title[] = "the probe comes to its end";
    const struct listen *listen = start->listen;
    char text[400];

    if (start->outcome == BAILED)
        snprintf(text, sizeof(text), "in boot %u: %.350s", listen->boot, listen->text);
    else if (start->outcome == LOST)
        snprintf(text, sizeof(text), "the variables were lost over the reset after boot %u",
                 listen->boot);
    else if (start->outcome == TIMEOUT && listen->boot)
        snprintf(text, sizeof(text), "no end after %" PRIu64 " s, in boot %u; the last line: %s",
                 config->timeout_ns / SECOND, listen->boot, listen->last);
    else if (listen->boot)
        snprintf(text, sizeof(text), "the machine ended (status %d) in boot %u; the last line: %s",
                 start->status, listen->boot, listen->last);
    else
        snprintf(text, sizeof(text), "the probe never started; the machine's last line: %s",
                 *listen->last ? listen->last : "(nothing was printed)");
    fail(config->report, start->outcome == LOST ? "F5" : "F1",
         start->outcome == LOST ? "variables survive a reset" : title, NULL, text);
}

/* The power off is seen from outside only. True: the run can go on. */
static bool judge(const struct start *start, const struct session_config *config)
{
    switch (start->outcome) {
    case OFF:
        return true;
    case STUCK_ON:
        fail(config->report, start->listen->boot < LISTEN_BOOTS ? "F1" : "P7",
             start->listen->boot < LISTEN_BOOTS ? "ResetSystem switches the power off"
                                                : "SYSTEM_OFF switches the power off",
             NULL, "the machine runs on 30 s after the power was switched off");
        return start->listen->boot < LISTEN_BOOTS;
    case DONE:
        report_add(config->report, "P7", CHECK_PASS, "SYSTEM_OFF switches the power off");
        report_add(config->report, "F1", CHECK_PASS, "the probe comes to its end");
        return false;
    default:
        judge_unfinished(start, config);
        return false;
    }
}

int session_run(const struct session_config *config, struct error *err)
{
    struct listen listen;
    struct start start = {.config = config, .listen = &listen};
    unsigned before;
    int rc;

    listen_init(&listen, config->report);
    rc = run_start(&start, config->first, err);
    if (rc || !judge(&start, config))
        return rc;
    if (config->between && (rc = config->between(config->ctx, err)))
        return rc;
    before = listen.boot;
    rc = run_start(&start, config->again, err);
    if (rc)
        return rc;
    if (start.outcome == LOST || (start.outcome != DONE && listen.boot < before)) {
        fail(config->report, "F5", "variables survive a power cycle", NULL,
             "the probe began anew: its variables are gone");
        return 0;
    }
    judge(&start, config);
    return 0;
}

int session_peek(const struct session_config *config, const char *const *argv, unsigned *boot,
                 struct error *err)
{
    struct report *report = report_new("vm", "peek", PROFILE_RFC_V2);
    struct listen listen;
    struct start start = {.config = config, .listen = &listen, .peek = true};
    int rc;

    if (!report)
        return error_set(err, -ENOMEM, "out of memory");
    listen_init(&listen, report);
    rc = run_start(&start, argv, err);
    *boot = listen.boot;
    report_free(report);
    return rc;
}
