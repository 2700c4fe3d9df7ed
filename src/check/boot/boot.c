/* SPDX-License-Identifier: Apache-2.0 */
#include "check/boot/boot.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/error.h"
#include "check/report.h"
#include "check/vm/args.h"
#include "check/vm/instance.h"
#include "host/clock.h"
#include "host/process.h"

/* What a login prompt looks like, or where systemd gets to without one. */
const char boot_expect[] =
    "[Ll]ogin: ?$|Please press Enter to activate this console|Reached target .*[Mm]ulti-[Uu]ser";

static const uint64_t SECOND = 1000000000, GRACE_NS = 20 * 1000000000ull;
/* So long a guest that seems to have ended may still prove that it has not. */
static const uint64_t ENDED_NS = 10 * 1000000000ull;
/* A guest that restarts more often is not coming anywhere; fallback programs restart once. */
enum { MOST_STARTS = 5 };
enum { WRONG_USAGE = 2, HOST_ERROR = 3, CANNOT_RUN = 127 };

/* One boot that is under way. */
struct boot {
    unsigned index; /* of its variant */
    struct args args;
    struct stages stages;
    uint64_t start, deadline, heard; /* the last output's time */
    uint64_t read, read_before;      /* by now; when the guest printed its last line */
    unsigned long lines;
    char vars[INSTANCE_PATH];
    FILE *log;
};

struct runner {
    const struct boot_check *check;
    const struct boot_variant *variant;
    struct boot_result *result;
    unsigned count, next, running, done;
    struct process_signals *signals;
    char directory[INSTANCE_PATH - 20];
    char timeout[24];
    struct process *process[BOOT_JOBS]; /* NULL: this place is free */
    struct boot boot[BOOT_JOBS];
};

/* --- progress --------------------------------------------------------------------------------- */

static void tell(const struct runner *runner, const char *line, bool end)
{
    if (runner->check->machine.progress)
        runner->check->machine.progress(runner->check->machine.ctx, line, end);
}

static void tell_state(const struct runner *runner)
{
    char line[160];
    int n = snprintf(line, sizeof(line), "%u of %u done; at:", runner->done, runner->count);

    for (unsigned i = 0; i < BOOT_JOBS && n > 0 && (size_t)n < sizeof(line); i++)
        if (runner->process[i])
            n += snprintf(line + n, sizeof(line) - (size_t)n, " %s,",
                          boot_stage_name(runner->boot[i].stages.stage));
    line[strlen(line) - 1] = 0; /* a comma, the colon, or what did not fit */
    tell(runner, line, false);
}

static void tell_result(const struct runner *runner, const struct boot_variant *v,
                        const struct boot_result *r)
{
    char line[240];

    snprintf(line, sizeof(line), "%s, %s: %s%s, %.1f s", boot_rows[v->row], boot_columns[v->column],
             r->where == BOOT_DONE ? "" : "stopped: ", boot_where_name(r->where), r->seconds);
    tell(runner, line, true);
}

/* --- one boot --------------------------------------------------------------------------------- */

static int open_log(struct boot *boot, const char *directory, const struct boot_variant *v,
                    struct error *err)
{
    char path[4096];

    if (!directory)
        return 0;
    snprintf(path, sizeof(path), "%s/gic%u-%s-%s-%s.log", directory, v->vm.gic,
             v->vm.pci ? "pci" : "mmio", v->vm.acpi ? "acpi" : "dt",
             v->vm.virtio_console ? "virtio" : "pl011");
    boot->log = fopen(path, "we");
    return boot->log ? 0 : error_set(err, -errno, "--log: %s: %s", path, strerror(errno));
}

/* The variables are fresh: there is no such file, and --ephemeral makes none. */
static int start(struct runner *runner, unsigned place, struct error *err)
{
    const struct boot_check *check = runner->check;
    struct boot *boot = &runner->boot[place];
    const struct boot_variant *v = &runner->variant[runner->next];
    int rc;

    *boot = (struct boot){.index = runner->next};
    snprintf(boot->vars, sizeof(boot->vars), "%s/vars-%u", runner->directory, runner->next);
    stages_init(&boot->stages);
    rc = open_log(boot, check->logs, v, err);
    if (rc)
        return rc;
    args_run(&boot->args, &check->machine, &v->vm, check->image);
    args_add(&boot->args, "--ephemeral");
    args_add(&boot->args, "--vars");
    args_add(&boot->args, boot->vars);
    args_add(&boot->args, "--timeout");
    args_add(&boot->args, runner->timeout);
    args_add(&boot->args, "--expect");
    args_add(&boot->args, check->expect ? check->expect : boot_expect);
    boot->start = boot->heard = host_now_ns();
    boot->deadline = boot->start + check->machine.timeout_ns + GRACE_NS;
    rc = process_start(boot->args.word, runner->signals, &runner->process[place], err);
    if (rc)
        return rc;
    runner->next++;
    runner->running++;
    return 0;
}

static void leave(struct runner *runner, unsigned place)
{
    if (runner->boot[place].log)
        fclose(runner->boot[place].log);
    runner->boot[place].log = NULL;
    process_end(runner->process[place]);
    runner->process[place] = NULL;
    runner->running--;
}

/* armvm refused, or could not: that says nothing about the guest. */
static bool not_started(const struct boot *boot, const struct boot_result *result)
{
    return (result->status == WRONG_USAGE || result->status == HOST_ERROR ||
            result->status == CANNOT_RUN) &&
           !boot->lines;
}

static int conclude(struct runner *runner, unsigned place, struct error *err)
{
    struct boot *boot = &runner->boot[place];
    struct boot_result *result = &runner->result[boot->index];

    stages_end(&boot->stages);
    result->stage = boot->stages.stage;
    result->trouble = boot->stages.trouble;
    result->bytes_read = boot->read > boot->read_before ? boot->read - boot->read_before : 0;
    result->seconds = (double)(host_now_ns() - boot->start) / 1e9;
    result->where = boot_judge(result);
    snprintf(result->line, sizeof(result->line), "%s",
             result->where == BOOT_DIED && *boot->stages.said ? boot->stages.said
             : boot->stages.trouble                           ? boot->stages.cause
                                                              : boot->stages.last);
    leave(runner, place);
    if (not_started(boot, result))
        return error_set(err, -ENOEXEC, "%s",
                         *boot->stages.said ? boot->stages.said : "armvm run does not start");
    runner->done++;
    tell_result(runner, &runner->variant[boot->index], result);
    return 0;
}

static int finish(struct runner *runner, unsigned place, struct error *err)
{
    struct boot *boot = &runner->boot[place];
    struct boot_result *result = &runner->result[boot->index];
    int rc = process_wait(runner->process[place], boot->deadline, &result->status);

    if (rc == -EINTR)
        return rc;
    if (rc)
        result->status = CANNOT_RUN + 1;
    return conclude(runner, place, err);
}

/* Whether nothing is to be expected of a boot any more. On a busy host a boot may take long, and
 * what it prints shows that it goes on. */
static bool is_over(const struct runner *runner, const struct boot *boot, uint64_t now)
{
    uint64_t silence = runner->check->silence_ns;

    return (silence && now >= boot->heard + silence) || boot->stages.starts > MOST_STARTS ||
           (now >= boot->heard + ENDED_NS && stages_ended(&boot->stages));
}

/* Its last words were its last: as if the time were over. What --expect waits for armvm itself
 * would have found by now, in an unfinished line, too. */
static int give_up(struct runner *runner, unsigned place, struct error *err)
{
    runner->result[runner->boot[place].index].status = BOOT_TIMED_OUT;
    return conclude(runner, place, err);
}

/* --- all of them ------------------------------------------------------------------------------ */

static int hear(struct runner *runner, unsigned place, struct error *err)
{
    struct boot *boot = &runner->boot[place];
    char buf[8192];
    ssize_t n = process_read(runner->process[place], buf, sizeof(buf), host_now_ns() + SECOND);

    if (n == -EINTR)
        return -EINTR;
    if (n <= 0)
        return finish(runner, place, err);
    boot->heard = host_now_ns();
    if (boot->log)
        fwrite(buf, 1, (size_t)n, boot->log);
    if (stages_feed(&boot->stages, buf, (size_t)n))
        tell_state(runner);
    if (boot->stages.lines != boot->lines) {
        boot->lines = boot->stages.lines;
        boot->read = boot->read_before = process_bytes_read(runner->process[place]);
    }
    return 0;
}

/* Now and then: how much was read, and who has not come to an end though armvm was told when. */
static int look(struct runner *runner, struct error *err)
{
    uint64_t now = host_now_ns();
    int rc = 0;

    for (unsigned i = 0; !rc && i < BOOT_JOBS; i++) {
        const struct boot *boot = &runner->boot[i];
        uint64_t read = 0;
        /* At its end armvm reads for itself (the code store). */
        if (runner->process[i] && now < boot->start + runner->check->machine.timeout_ns)
            read = process_bytes_read(runner->process[i]);
        if (read > runner->boot[i].read)
            runner->boot[i].read = read;
        if (runner->process[i] && now >= boot->deadline)
            rc = finish(runner, i, err);
        else if (runner->process[i] && is_over(runner, boot, now))
            rc = give_up(runner, i, err);
    }
    return rc;
}

static int run_all(struct runner *runner, struct error *err)
{
    uint64_t soon = 0;
    unsigned place;
    int rc = 0;

    while (!rc && runner->done < runner->count) {
        for (place = 0; !rc && place < runner->check->jobs && runner->next < runner->count; place++)
            if (!runner->process[place])
                rc = start(runner, place, err);
        if (rc)
            break;
        rc = process_wait_any(runner->process, BOOT_JOBS, runner->signals, soon, &place);
        if (!rc)
            rc = hear(runner, place, err);
        else if (rc == -ETIMEDOUT)
            rc = 0;
        if (!rc && host_now_ns() >= soon) {
            rc = look(runner, err);
            soon = host_now_ns() + SECOND;
        }
    }
    if (rc == -EINTR)
        return error_set(err, rc, "stopped");
    return rc;
}

static void end_all(struct runner *runner)
{
    process_end_all(runner->process, BOOT_JOBS);
    for (unsigned i = 0; i < BOOT_JOBS; i++)
        if (runner->process[i] && runner->boot[i].log)
            fclose(runner->boot[i].log);
}

static void add_facts(const struct boot_check *check, unsigned count, struct report *report)
{
    report_fact(report, "variations", "%u", count);
    report_fact(report, "at the same time", "%u", check->jobs);
    report_fact(report, "firmware", "%s",
                check->machine.firmware ? check->machine.firmware : "auto");
    report_fact(report, "virtio console", "%s", vm_console_fact(&check->machine));
    report_fact(report, "expected", "%s", check->expect ? check->expect : "a login prompt");
    report_fact(report, "timeout", "%" PRIu64 " s", check->machine.timeout_ns / SECOND);
    if (check->silence_ns)
        report_fact(report, "longest silence", "%" PRIu64 " s", check->silence_ns / SECOND);
}

static int run_in_directory(struct runner *runner, struct report *report, struct error *err)
{
    int rc = instance_directory(runner->directory, sizeof(runner->directory), err);

    if (rc)
        return rc;
    rc = run_all(runner, err);
    end_all(runner);
    rmdir(runner->directory);
    if (rc)
        return rc;
    boot_compare(runner->variant, runner->result, runner->count);
    boot_report(runner->check, runner->variant, runner->result, runner->count, report);
    return 0;
}

int boot_check_run(const struct boot_check *check, struct report *report, struct error *err)
{
    struct boot_variant variant[VM_CHECK_VARIANTS];
    struct boot_result result[VM_CHECK_VARIANTS] = {0};
    struct runner *runner = calloc(1, sizeof(*runner));
    int rc = runner ? 0 : error_set(err, -ENOMEM, "out of memory");

    if (!rc) {
        runner->check = check;
        runner->variant = variant;
        runner->result = result;
        runner->count = boot_variants(&check->machine, variant);
        snprintf(runner->timeout, sizeof(runner->timeout), "%.3f",
                 (double)check->machine.timeout_ns / 1e9);
        if (!runner->count)
            rc = error_set(err, -EINVAL, "no variation is left");
    }
    if (!rc)
        rc = process_signals_new(&runner->signals, err);
    if (!rc) {
        add_facts(check, runner->count, report);
        rc = run_in_directory(runner, report, err);
    }
    if (runner)
        process_signals_free(runner->signals);
    free(runner);
    return rc;
}
