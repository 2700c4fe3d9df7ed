/* SPDX-License-Identifier: Apache-2.0 */
/* armvm check guest: an image in every variation of the machine (check/boot/boot.h). */
#include <errno.h>
#include <limits.h>
#include <regex.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/error.h"
#include "check/boot/boot.h"
#include "check/report.h"
#include "cmd/check_machines.h"
#include "cmd/commands.h"
#include "cmd/options.h"
#include "cmd/values.h"
#include "vm/vm.h"

/* Without --timeout: a slow boot shows that it goes on. */
static const uint64_t SILENCE_NS = 180 * 1000000000ull, LONGEST_NS = 900 * 1000000000ull;
enum { DEFAULT_CPUS = 2 };

struct check_guest_config {
    struct check_machines common;
    struct boot_check check; /* its machine is filled from the above */
    bool line;               /* progress on a terminal has begun a line */
};

/* --- options ---------------------------------------------------------------------------------- */

static int set_expect(void *ctx, const char *value, struct error *err)
{
    struct check_guest_config *config = ctx;
    regex_t regex;
    char reason[120];
    int rc = regcomp(&regex, value, REG_EXTENDED | REG_NOSUB);

    if (rc) {
        regerror(rc, &regex, reason, sizeof(reason));
        return error_set(err, -EINVAL, "'%s' is no extended regular expression: %s", value, reason);
    }
    regfree(&regex);
    return check_set_text(&config->check.expect, value, err);
}

static int set_jobs(void *ctx, const char *value, struct error *err)
{
    uint64_t number;
    int rc = value_number(value, 1, BOOT_JOBS, &number, err);

    if (!rc)
        ((struct check_guest_config *)ctx)->check.jobs = (unsigned)number;
    return rc;
}

static int set_log(void *ctx, const char *value, struct error *err)
{
    return check_set_text(&((struct check_guest_config *)ctx)->check.logs, value, err);
}

static int set_path(void *ctx, const char *value, struct error *err)
{
    struct check_guest_config *config = ctx;

    if (config->check.image)
        return error_set(err, -EINVAL, "one image at a time: %s, or %s", config->check.image,
                         value);
    return check_set_text(&config->check.image, value, err);
}

static const struct option table[] = {
    {.group = "Which variations",
     .name = "quick",
     .set = check_set_quick,
     .help = "only two, which between them have every GIC, bus, console and description"},
    {.name = "tables",
     .arg = "dt|acpi|both",
     .set = check_set_tables,
     .words = "dt acpi both",
     .help = "machines described by a device tree, by ACPI (run --acpi), or both sorts (default: "
             "both)"},
    {.name = "cpus", .arg = "N", .set = check_set_cpus, .help = "number of CPUs (default: 2)"},
    {.sub = check_machine_options},

    {.group = "What is asked",
     .name = "expect",
     .arg = "REGEX",
     .set = set_expect,
     .help = "the guest has booted when a line on its console matches this extended regular "
             "expression (default: a login prompt, or systemd's multi-user target)"},
    {.name = "timeout",
     .arg = "TIME",
     .set = check_set_timeout,
     .help =
         "how long each boot may take, such as 90s or 5m (default: until 3m pass without a word on "
         "the console, at most 15m)"},
    {.name = "jobs",
     .arg = "N",
     .set = set_jobs,
     .help = "boots at the same time (default: half of the host's CPUs)"},
    {.sub = check_report_options},
    {.sub = check_quiet_options},
    {.name = "log",
     .arg = "DIRECTORY",
     .set = set_log,
     .words = "@file",
     .help = "keep what each machine prints, in a file of its own there"},
    {.name = NULL},
};

const struct option_set check_guest_options = {
    .command = "check guest",
    .usage = "[options] IMAGE",
    .intro =
        "Boots a disk image to user space on every machine that the ARM VM System Specification "
        "allows and armvm offers: {GICv2, GICv3} x {PCI, virtio-mmio} x {PL011, virtio console} x "
        "{device tree, ACPI}. Says which variation fails, and where it stopped: firmware, boot "
        "loader, kernel, root file system, console or user space. The image is only read: writes "
        "and variables are thrown away. Variations that armvm does not offer are named.",
    .table = table,
    .operand = set_path,
    .epilog =
        "Exit status: 0 no requirement (\"must\") fails, 1 one does; 2 wrong usage, 3 it could not "
        "be looked at; 130 interrupted.",
};

/* --- the command ------------------------------------------------------------------------------ */

static int fail(const struct error *err, int status)
{
    fprintf(stderr, "armvm check guest: %s\n", err->text);
    return status;
}

/* How far they are is one line of a terminal that changes; what is done stays. */
static void progress(void *ctx, const char *line, bool end)
{
    struct check_guest_config *config = ctx;
    bool terminal = isatty(STDERR_FILENO);

    if (!terminal && !end)
        return;
    fprintf(stderr, "%s%.200s%s", terminal ? "\r\033[K" : "", line, end ? "\n" : "");
    config->line = !end;
}

static int check_usage(struct check_guest_config *config, struct error *err)
{
    struct stat st;

    if (!config->check.image)
        return error_set(err, -EINVAL, "which image? armvm check guest IMAGE");
    if (access(config->check.image, R_OK) < 0)
        return error_set(err, -errno == -EINVAL ? -EIO : -errno, "%s: %s", config->check.image,
                         strerror(errno));
    if (config->check.logs && mkdir(config->check.logs, 0777) < 0 && errno != EEXIST)
        return error_set(err, -errno, "--log: %s: %s", config->check.logs, strerror(errno));
    if (config->check.logs && (stat(config->check.logs, &st) < 0 || !S_ISDIR(st.st_mode)))
        return error_set(err, -ENOTDIR, "--log: %s is no directory", config->check.logs);
    return check_machines_usage(&config->common, err);
}

static void list(const struct boot_check *check)
{
    struct boot_variant variant[VM_CHECK_VARIANTS];
    unsigned count = boot_variants(&check->machine, variant);

    for (unsigned i = 0; i < count; i++)
        printf("%s, %s\n", boot_rows[variant[i].row], boot_columns[variant[i].column]);
}

static int run(struct check_guest_config *config, int *status, struct error *err)
{
    struct report *report =
        report_new("guest", config->check.image, (enum check_profile)config->common.report.profile);
    int rc;

    if (!report)
        return error_set(err, -ENOMEM, "out of memory");
    rc = boot_check_run(&config->check, report, err);
    if (config->line)
        fputs("\r\033[K", stderr);
    if (!rc)
        rc = report_save(report, (enum report_format)config->common.report.format,
                         config->common.report.output, err);
    *status = report_status(report);
    report_free(report);
    return rc;
}

/* What was not said; the machines' part goes to where the check reads it. */
static void complete(struct check_guest_config *config, const char *self)
{
    long cpus = sysconf(_SC_NPROCESSORS_ONLN);

    check_machines_complete(&config->common);
    config->check.machine = config->common.check;
    if (!config->check.machine.timeout_ns) {
        config->check.machine.timeout_ns = LONGEST_NS;
        config->check.silence_ns = SILENCE_NS;
    }
    config->check.machine.armvm = self;
    config->check.machine.progress = config->common.quiet ? NULL : progress;
    config->check.machine.ctx = config;
    if (!config->check.machine.cpus)
        config->check.machine.cpus = DEFAULT_CPUS;
    if (!config->check.jobs)
        config->check.jobs = cpus < 4 ? 1 : cpus / 2 > BOOT_JOBS ? BOOT_JOBS : (unsigned)cpus / 2;
}

int command_check_guest(int argc, char **argv)
{
    struct check_guest_config config = {.common.check.tables = VM_TABLES_BOTH};
    struct error err = {0};
    char self[PATH_MAX] = "armvm";
    int rc = options_parse(&check_guest_options, argc, argv, &config, &err), status = 0;

    if (rc == OPTIONS_HELP) {
        options_print_help(&check_guest_options, stdout);
        return 0;
    }
    if (!rc && config.common.list) {
        complete(&config, self);
        list(&config.check);
        return 0;
    }
    if (rc || (rc = check_usage(&config, &err)))
        return fail(&err, rc == -EINVAL ? VM_EXIT_USAGE : VM_EXIT_HOST);
    if (readlink("/proc/self/exe", self, sizeof(self) - 1) < 0)
        strcpy(self, "armvm");
    complete(&config, self);
    rc = run(&config, &status, &err);
    if (rc)
        return fail(&err, rc == -EINTR    ? VM_EXIT_SIGNAL + 2
                          : rc == -EINVAL ? VM_EXIT_USAGE
                                          : VM_EXIT_HOST);
    return status ? VM_EXIT_FAILED : 0;
}
