/* SPDX-License-Identifier: Apache-2.0 */
/* armvm check vm: a machine against the specification's requirements, from inside (check/vm/vm.h).
 */
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/error.h"
#include "check/report.h"
#include "check/vm/probe.h"
#include "check/vm/vm.h"
#include "cmd/check_machines.h"
#include "cmd/commands.h"
#include "cmd/options.h"
#include "vm/vm.h"

static const uint64_t SECOND = 1000000000;

struct check_vm_config {
    struct check_machines common;
    const char *log, *write_image;
};

/* --- options ---------------------------------------------------------------------------------- */

static int set_log(void *ctx, const char *value, struct error *err)
{
    return check_set_text(&((struct check_vm_config *)ctx)->log, value, err);
}

static int set_write_image(void *ctx, const char *value, struct error *err)
{
    return check_set_text(&((struct check_vm_config *)ctx)->write_image, value, err);
}

static int set_command(void *ctx, const char *value, struct error *err)
{
    if (!strstr(value, "{image}"))
        return error_set(err, -EINVAL, "say where the probe's disk image goes: {image}");
    return check_set_text(&((struct check_vm_config *)ctx)->common.check.command, value, err);
}

static int set_vars(void *ctx, const char *value, struct error *err)
{
    return check_set_text(&((struct check_vm_config *)ctx)->common.check.vars, value, err);
}

static const struct option table[] = {
    {.group = "Which machine",
     .name = "command",
     .arg = "COMMAND",
     .set = set_command,
     .help =
         "another hypervisor: a command for the shell with the machine's console on its standard "
         "input and output. {image} is replaced by the probe's disk image (raw), {vars} by a "
         "file for the firmware's variables, {scratch} by a disk that may be written to. It is "
         "run again after the machine has switched itself off"},
    {.name = "vars",
     .arg = "FILE",
     .set = set_vars,
     .words = "@file",
     .help = "what {vars} is a copy of (default: 64 MiB of zeroes)"},
    {.name = "write-image",
     .arg = "FILE",
     .set = set_write_image,
     .words = "@file",
     .help =
         "write the probe's disk image there, for a machine that no command starts, and stop; its "
         "results are on that machine's console"},

    {.group = "armvm's own machines",
     .name = "quick",
     .set = check_set_quick,
     .help = "only two configurations, which between them have every GIC, bus and console"},
    {.name = "tables",
     .arg = "dt|acpi|both",
     .set = check_set_tables,
     .words = "dt acpi both",
     .help = "machines described by a device tree, by ACPI (run --acpi), or one after the other "
             "(default: dt)"},
    {.name = "cpus",
     .arg = "N",
     .set = check_set_cpus,
     .help = "number of CPUs (default: from 1 to 8 by turns)"},
    {.sub = check_machine_options},

    {.group = "What is asked",
     .name = "timeout",
     .arg = "TIME",
     .set = check_set_timeout,
     .help = "how long a machine may take between two starts, such as 90s or 5m (default: 3m)"},

    {.sub = check_report_options},
    {.sub = check_quiet_options},
    {.name = "log",
     .arg = "FILE",
     .set = set_log,
     .words = "@file",
     .help = "keep everything that the machines print"},
    {.name = NULL},
};

const struct option_set check_vm_options = {
    .command = "check vm",
    .usage = "[options]",
    .intro =
        "Checks virtual machines against the ARM VM System Specification, from inside: boots a "
        "probe, "
        "a small EFI application, and asks it what it finds: UEFI's tables, services, variables "
        "and "
        "clock; the device tree and ACPI against what answers; console, GIC, timers, PSCI, PCI and "
        "virtio by using them. Without --command the machines are armvm's own, in every "
        "configuration. All files are copies that are thrown away.",
    .table = table,
    .epilog =
        "Exit status: 0 no requirement (\"must\") fails on any machine, 1 one does; 2 wrong usage, "
        "3 "
        "it could not be looked at.\n\n"
        "armvm check vm --command 'qemu-system-aarch64 -M virt,acpi=off -cpu max -m 512 -nographic "
        "-nic none -drive if=pflash,format=raw,readonly=on,file=/usr/share/AAVMF/AAVMF_CODE.fd "
        "-drive if=pflash,format=raw,file={vars} -drive if=virtio,format=raw,file={image}'",
};

/* --- the command ------------------------------------------------------------------------------ */

static int fail(const struct error *err, int status)
{
    fprintf(stderr, "armvm check vm: %s\n", err->text);
    return status;
}

static void progress(void *ctx, const char *line, bool end)
{
    fprintf(stderr, end ? " %s\n" : "%s:", line);
}

static void list(const struct vm_check *check)
{
    struct vm_variant variant[VM_CHECK_VARIANTS];
    unsigned count = vm_variants(check, variant);

    for (unsigned i = 0; i < count; i++)
        printf("%s\n", variant[i].name);
}

static int run(struct check_vm_config *config, int *status, struct error *err)
{
    const char *subject = config->common.check.command ? "the command's machine" : "armvm";
    struct report *report =
        report_new("vm", subject, (enum check_profile)config->common.report.profile);
    int rc;

    if (!report)
        return error_set(err, -ENOMEM, "out of memory");
    rc = vm_check_run(&config->common.check, report, err);
    if (!rc)
        rc = report_save(report, (enum report_format)config->common.report.format,
                         config->common.report.output, err);
    *status = report_status(report);
    report_free(report);
    return rc;
}

static int with_log(struct check_vm_config *config, int *status, struct error *err)
{
    int rc;

    if (config->log) {
        config->common.check.log = fopen(config->log, "we");
        if (!config->common.check.log)
            return error_set(err, -errno, "--log: %s: %s", config->log, strerror(errno));
    }
    rc = run(config, status, err);
    if (config->common.check.log && fclose(config->common.check.log) && !rc)
        rc = error_set(err, -EIO, "--log: %s: cannot be written", config->log);
    return rc;
}

static int check_usage(const struct check_vm_config *config, struct error *err)
{
    if (config->common.check.command && config->common.armvm_only)
        return error_set(
            err, -EINVAL,
            "--command: that machine is as the command says; options about armvm's own "
            "machines do not go with it");
    if (config->common.check.vars &&
        (!config->common.check.command || !strstr(config->common.check.command, "{vars}")))
        return error_set(err, -EINVAL, "--vars: only a --command with {vars} uses it");
    if (config->common.check.vars && access(config->common.check.vars, R_OK) < 0)
        return error_set(err, -errno, "--vars: %s: %s", config->common.check.vars, strerror(errno));
    return check_machines_usage(&config->common, err);
}

int command_check_vm(int argc, char **argv)
{
    struct check_vm_config config = {.common.check.timeout_ns = 180 * SECOND};
    struct error err = {0};
    char self[PATH_MAX] = "armvm";
    int rc = options_parse(&check_vm_options, argc, argv, &config, &err), status = 0;

    if (rc == OPTIONS_HELP) {
        options_print_help(&check_vm_options, stdout);
        return 0;
    }
    if (rc || (rc = check_usage(&config, &err)))
        return fail(&err, rc == -EINVAL ? VM_EXIT_USAGE : VM_EXIT_HOST);
    if (config.common.list) {
        list(&config.common.check);
        return 0;
    }
    if (config.write_image) {
        rc = probe_write_image(config.write_image, &err);
        return rc ? fail(&err, VM_EXIT_HOST) : 0;
    }
    if (readlink("/proc/self/exe", self, sizeof(self) - 1) < 0)
        strcpy(self, "armvm");
    check_machines_complete(&config.common);
    config.common.check.armvm = self;
    config.common.check.progress = config.common.quiet ? NULL : progress;
    rc = with_log(&config, &status, &err);
    if (rc)
        return fail(&err, rc == -EINTR ? VM_EXIT_SIGNAL + 2 : VM_EXIT_HOST);
    return status ? VM_EXIT_FAILED : 0;
}
