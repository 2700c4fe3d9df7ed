/* SPDX-License-Identifier: Apache-2.0 */
#include "check/vm/vm.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/bits.h"
#include "base/error.h"
#include "check/report.h"
#include "check/vm/args.h"
#include "check/vm/fold.h"
#include "check/vm/instance.h"
#include "check/vm/session.h"
#include "host/clock.h"
#include "host/process.h"

static const uint64_t SHORT_NS = 20 * 1000000000ull;

static void armvm_args(struct args *args, const struct vm_check *check, const struct vm_variant *v,
                       const char *image, const char *vars)
{
    args_run(args, check, v, image);
    args_add(args, "--vars");
    args_add(args, vars);
}

/* --- another hypervisor's command ------------------------------------------------------------- */

static int expand(struct args *args, const char *command, const char *image, const char *vars,
                  const char *scratch)
{
    const struct {
        const char *name, *value;
    } places[] = {{"{image}", image}, {"{vars}", vars}, {"{scratch}", scratch}};
    size_t size = 0;
    FILE *out = open_memstream(&args->line, &size);

    if (!out)
        return -ENOMEM;
    while (*command) {
        size_t n = 1;
        const char *value = NULL;
        for (unsigned i = 0; i < ARRAY_SIZE(places) && !value; i++)
            if (!strncmp(command, places[i].name, strlen(places[i].name))) {
                n = strlen(places[i].name);
                value = places[i].value;
            }
        if (value)
            fputs(value, out);
        else
            fputc(*command, out);
        command += n;
    }
    if (fclose(out))
        return -ENOMEM;
    args_add(args, "sh");
    args_add(args, "-c");
    args_add(args, args->line);
    return 0;
}

/* --- one machine ------------------------------------------------------------------------------ */

struct machine {
    const struct vm_check *check;
    struct session_config session;
    struct instance *instance;
    struct args first, again, second;
    bool has_vars;        /* the variables are a file of ours */
    const char *template; /* what that begins with */
};

/* While the first machine is off: a second one with the same image, whose variables are others. */
static int look_at_second(void *ctx, struct error *err)
{
    static const char title[] = "two machines of one image do not share variables";
    struct machine *m = ctx;
    struct report *report = m->session.report;
    bool changed = false;
    unsigned boot = 0;
    int rc = instance_copy(m->instance, m->template, err);

    if (!rc)
        rc = instance_changed(m->instance, &changed, err);
    if (!rc)
        rc = session_peek(&m->session, m->second.word, &boot, err);
    if (rc)
        return rc;
    if (boot == 1)
        report_add(report, "F6", CHECK_PASS, title);
    else if (boot && !m->has_vars && !changed)
        result_found(report, report_add(report, "F6", CHECK_SKIP, title),
                     "the command has no {vars}: a second machine would be the same one");
    else
        result_fail(report, report_add(report, "F6", CHECK_FAIL, title), NULL, NULL,
                    boot ? "a second machine finds the variables of the first one"
                         : "a second machine does not start the probe");
    return 0;
}

static int judge_image(const struct machine *m, struct error *err)
{
    static const char title[] = "the image is the same after variables were set";
    struct report *report = m->session.report;
    bool changed;
    int rc = instance_changed(m->instance, &changed, err);

    if (!rc)
        rc = instance_look(m->instance, report, err);
    if (rc)
        return rc;
    if (!changed)
        report_add(report, "F6", CHECK_PASS, title);
    else
        result_fail(report, report_add(report, "F6", CHECK_FAIL, title), "image-changed", NULL,
                    "the machine has written to its disk image");
    return 0;
}

static int run_machine(struct machine *m, struct error *err)
{
    int rc;

    m->session.first = m->first.word;
    m->session.again = m->again.word;
    m->session.between = look_at_second;
    m->session.ctx = m;
    rc = session_run(&m->session, err);
    return rc ? rc : judge_image(m, err);
}

static void machine_free(struct machine *m)
{
    free(m->first.line);
    free(m->again.line);
    free(m->second.line);
}

/* --- armvm ------------------------------------------------------------------------------------ */

/* P4: what a GICv2 cannot serve is refused, with the reason. */
static int check_refusal(const struct vm_check *check, struct process_signals *signals,
                         struct report *report, struct error *err)
{
    static const char title[] = "nine CPUs on a GICv2 are refused with the reason";
    const char *argv[] = {check->armvm, "run", "--firmware", "auto", "--gic",     "2",
                          "--cpus",     "9",   "--net",      "none", "--dry-run", NULL};
    uint64_t deadline = host_now_ns() + SHORT_NS;
    struct process *process;
    char text[512] = "";
    size_t len = 0;
    ssize_t n;
    int status = 0, rc = process_start(argv, signals, &process, err);

    if (rc)
        return rc;
    while ((n = process_read(process, text + len, sizeof(text) - 1 - len, deadline)) > 0)
        len += (size_t)n;
    text[len] = 0;
    text[strcspn(text, "\n")] = 0;
    if (process_wait(process, deadline, &status))
        status = -1;
    process_end(process);
    if (status == 2 && strstr(text, "GIC"))
        result_found(report, report_add(report, "P4", CHECK_PASS, title), "%s", text);
    else
        result_fail(report, report_add(report, "P4", CHECK_FAIL, title), NULL, NULL,
                    "status %d: %s", status, text);
    return 0;
}

struct matrix {
    struct check_matrix *cells;
    unsigned row;
};

static const char *const groups[] = {"firmware", "hardware", "platform"};

/* The worst of each group, and which requirements it is. */
static void fill_row(struct report *report, const struct matrix *matrix, const struct report *from,
                     double seconds)
{
    static const char letters[] = "FHP";
    const struct check_result *result;

    for (unsigned g = 0; g < ARRAY_SIZE(groups); g++) {
        enum check_outcome worst = CHECK_PASS;
        char note[200] = "";
        for (size_t i = 0; (result = report_at(from, i)); i++) {
            const char *id = result->requirement->id;
            bool here = id[0] == letters[g] || (id[0] == 'I' && letters[g] == 'F');
            if (!here || (result->outcome != CHECK_FAIL && result->outcome != CHECK_WARN))
                continue;
            worst = result->outcome == CHECK_FAIL || worst == CHECK_FAIL ? CHECK_FAIL : CHECK_WARN;
            if (!strstr(note, id) && strlen(note) + strlen(id) + 2 < sizeof(note))
                sprintf(note + strlen(note), "%s%s", *note ? " " : "", id);
        }
        matrix_set(report, matrix->cells, matrix->row, g, worst, g ? -1 : seconds,
                   *note ? note : NULL);
    }
}

static void tell(const struct vm_check *check, const char *line, bool end)
{
    if (check->progress)
        check->progress(check->ctx, line, end);
}

static int check_variant(struct machine *m, const struct vm_variant *v, struct report *report,
                         struct matrix *matrix, struct error *err)
{
    const struct vm_check *check = m->check;
    uint64_t start = host_now_ns();
    struct check_counts counts;
    char line[100];
    int rc = instance_reset(m->instance, NULL, err);

    tell(check, v->name, false);
    m->has_vars = true;
    m->template = NULL;
    armvm_args(&m->first, check, v, m->instance->image, m->instance->vars);
    args_disk(&m->first, m->instance->scratch);
    /* F4: the entry also survives a disk that is added. */
    armvm_args(&m->again, check, v, m->instance->image, m->instance->vars);
    args_disk(&m->again, m->instance->extra);
    args_disk(&m->again, m->instance->scratch);
    armvm_args(&m->second, check, v, m->instance->image2, m->instance->vars2);
    m->session.report = report_new("vm", v->name, report_profile(report));
    if (!rc && !m->session.report)
        rc = error_set(err, -ENOMEM, "out of memory");
    if (!rc)
        rc = run_machine(m, err);
    if (!rc) {
        double seconds = (double)(host_now_ns() - start) / 1e9;
        counts = report_counts(m->session.report);
        report_fold(report, m->session.report, matrix->cells ? v->name : NULL);
        fill_row(report, matrix, m->session.report, seconds);
        snprintf(line, sizeof(line), "%u passed, %u failed, %u recommended but missing, %.1f s",
                 counts.outcome[CHECK_PASS], counts.outcome[CHECK_FAIL], counts.outcome[CHECK_WARN],
                 seconds);
        tell(check, line, true);
    } else {
        tell(check, "cannot be looked at", true);
    }
    report_free(m->session.report);
    m->session.report = NULL;
    return rc;
}

static int check_armvm(struct machine *m, struct report *report, struct error *err)
{
    struct vm_variant variant[VM_CHECK_VARIANTS];
    const char *names[VM_CHECK_VARIANTS];
    struct matrix matrix = {0};
    unsigned count = vm_variants(m->check, variant);
    int rc;

    if (!count)
        return error_set(err, -EINVAL, "no configuration is left");
    for (unsigned i = 0; i < count; i++)
        names[i] = variant[i].name;
    report_fact(report, "machines", "%u", count);
    report_fact(report, "firmware", "%s", m->check->firmware ? m->check->firmware : "auto");
    report_fact(report, "virtio console", "%s", vm_console_fact(m->check));
    if (count > 1)
        matrix.cells =
            report_matrix(report, "Configurations", count, names, ARRAY_SIZE(groups), groups);
    rc = check_refusal(m->check, m->session.signals, report, err);
    for (unsigned i = 0; !rc && i < count; i++) {
        matrix.row = i;
        rc = check_variant(m, &variant[i], report, &matrix, err);
        if (rc && rc != -EINTR)
            error_prefix(err, "%s", variant[i].name);
    }
    return rc;
}

static int check_command(struct machine *m, struct report *report, struct error *err)
{
    const struct vm_check *check = m->check;
    struct instance *at = m->instance;
    int rc;

    m->has_vars = strstr(check->command, "{vars}");
    m->template = m->has_vars ? check->vars ? check->vars : "" : NULL;
    rc = instance_reset(at, m->template, err);
    if (rc)
        return rc;
    if (expand(&m->first, check->command, at->image, at->vars, at->scratch) ||
        expand(&m->again, check->command, at->image, at->vars, at->scratch) ||
        expand(&m->second, check->command, at->image2, at->vars2, at->extra))
        return error_set(err, -ENOMEM, "out of memory");
    m->session.report = report;
    report_fact(report, "command", "%s", check->command);
    return run_machine(m, err);
}

/* Musts that no probe can look at are named. */
static void name_others(struct report *report)
{
    if (!report_result(report, "H3"))
        report_skip(report, "H3", "the probe is no kernel; boot one (armvm run --kernel)");
}

int vm_check_run(const struct vm_check *check, struct report *report, struct error *err)
{
    struct machine machine = {.check = check};
    struct process_signals *signals = NULL;
    struct instance instance;
    int rc = process_signals_new(&signals, err);

    if (rc)
        return rc;
    rc = instance_open(&instance, err);
    machine.instance = &instance;
    machine.session = (struct session_config){
        .timeout_ns = check->timeout_ns, .signals = signals, .log = check->log};
    if (!rc)
        rc = check->command ? check_command(&machine, report, err)
                            : check_armvm(&machine, report, err);
    name_others(report);
    machine_free(&machine);
    instance_close(&instance);
    process_signals_free(signals);
    return rc;
}
