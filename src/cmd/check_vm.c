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
#include "cmd/commands.h"
#include "cmd/options.h"
#include "cmd/values.h"
#include "vm/vm.h"

enum { CPUS_MAX = 123 };
static const uint64_t SECOND = 1000000000;

struct check_vm_config {
    struct vm_check check;
    const char *output, *log, *write_image;
    unsigned profile, format;
    bool list, quiet, armvm_only; /* an option was given that is about armvm's machines */
};

/* --- options ---------------------------------------------------------------------------------- */

static int set_profile(void *ctx, const char *value, struct error *err)
{
    return value_choice(value, check_profile_names(), &((struct check_vm_config *)ctx)->profile,
                        err);
}

static int set_format(void *ctx, const char *value, struct error *err)
{
    return value_choice(value, report_format_names(), &((struct check_vm_config *)ctx)->format,
                        err);
}

static int set_text(const char **to, const char *value, struct error *err)
{
    if (!*value)
        return error_set(err, -EINVAL, "it is empty");
    *to = value;
    return 0;
}

static int set_output(void *ctx, const char *value, struct error *err)
{
    return set_text(&((struct check_vm_config *)ctx)->output, value, err);
}

static int set_log(void *ctx, const char *value, struct error *err)
{
    return set_text(&((struct check_vm_config *)ctx)->log, value, err);
}

static int set_write_image(void *ctx, const char *value, struct error *err)
{
    return set_text(&((struct check_vm_config *)ctx)->write_image, value, err);
}

static int set_command(void *ctx, const char *value, struct error *err)
{
    if (!strstr(value, "{image}"))
        return error_set(err, -EINVAL, "say where the probe's disk image goes: {image}");
    return set_text(&((struct check_vm_config *)ctx)->check.command, value, err);
}

static int set_vars(void *ctx, const char *value, struct error *err)
{
    return set_text(&((struct check_vm_config *)ctx)->check.vars, value, err);
}

static int set_timeout(void *ctx, const char *value, struct error *err)
{
    return value_duration(value, &((struct check_vm_config *)ctx)->check.timeout_ns, err);
}

static int set_quick(void *ctx, const char *value, struct error *err)
{
    struct check_vm_config *config = ctx;

    config->check.quick = config->armvm_only = true;
    return 0;
}

static int set_gic(void *ctx, const char *value, struct error *err)
{
    static const char *const names[] = {"2", "3", NULL};
    struct check_vm_config *config = ctx;
    unsigned index;
    int rc = value_choice(value, names, &index, err);

    config->armvm_only = true;
    if (!rc)
        config->check.gic = index + 2;
    return rc;
}

static int set_cpus(void *ctx, const char *value, struct error *err)
{
    struct check_vm_config *config = ctx;
    uint64_t number;
    int rc = value_number(value, 1, CPUS_MAX, &number, err);

    config->armvm_only = true;
    if (!rc)
        config->check.cpus = (unsigned)number;
    return rc;
}

static int set_bus(void *ctx, const char *value, struct error *err)
{
    static const char *const names[] = {"pci", "mmio", NULL};
    struct check_vm_config *config = ctx;
    unsigned index;
    int rc = value_choice(value, names, &index, err);

    config->armvm_only = true;
    if (!rc)
        config->check.bus = names[index];
    return rc;
}

static int set_console(void *ctx, const char *value, struct error *err)
{
    static const char *const names[] = {"pl011", "virtio", NULL};
    struct check_vm_config *config = ctx;
    unsigned index;
    int rc = value_choice(value, names, &index, err);

    config->armvm_only = true;
    if (!rc)
        config->check.console = names[index];
    return rc;
}

static int set_tables(void *ctx, const char *value, struct error *err)
{
    static const char *const names[] = {"dt", "acpi", "both", NULL};
    struct check_vm_config *config = ctx;
    unsigned index;
    int rc = value_choice(value, names, &index, err);

    config->armvm_only = true;
    if (!rc)
        config->check.tables = (enum vm_tables)index;
    return rc;
}

static int set_firmware(void *ctx, const char *value, struct error *err)
{
    struct check_vm_config *config = ctx;

    config->armvm_only = true;
    return set_text(&config->check.firmware, value, err);
}

static int set_run_option(void *ctx, const char *value, struct error *err)
{
    struct check_vm_config *config = ctx;

    config->armvm_only = true;
    if (config->check.mores == VM_CHECK_WORDS)
        return error_set(err, -EINVAL, "no more than %d", VM_CHECK_WORDS);
    return set_text(&config->check.more[config->check.mores++], value, err);
}

static int set_list(void *ctx, const char *value, struct error *err)
{
    ((struct check_vm_config *)ctx)->list = true;
    return 0;
}

static int set_quiet(void *ctx, const char *value, struct error *err)
{
    ((struct check_vm_config *)ctx)->quiet = true;
    return 0;
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
     .set = set_quick,
     .help = "only two configurations, which between them have every GIC, bus and console"},
    {.name = "gic", .arg = "2|3", .set = set_gic, .words = "2 3", .help = "only this version"},
    {.name = "virtio-bus",
     .arg = "pci|mmio",
     .set = set_bus,
     .words = "pci mmio",
     .help = "only this bus"},
    {.name = "console",
     .arg = "pl011|virtio",
     .set = set_console,
     .words = "pl011 virtio",
     .help = "only this console"},
    {.name = "tables",
     .arg = "dt|acpi|both",
     .set = set_tables,
     .words = "dt acpi both",
     .help = "machines described by a device tree, by ACPI (run --acpi), or one after the other "
             "(default: dt)"},
    {.name = "cpus",
     .arg = "N",
     .set = set_cpus,
     .help = "number of CPUs (default: from 1 to 8 by turns)"},
    {.name = "firmware",
     .arg = "FILE|auto",
     .set = set_firmware,
     .words = "auto @file",
     .help = "as of 'armvm run' (default: auto)"},
    {.name = "run-option",
     .arg = "WORD",
     .set = set_run_option,
     .help = "a further word of armvm run's command line, as often as needed: "
             "--run-option=--cpu --run-option=cortex-a72"},
    {.name = "list", .set = set_list, .help = "print the configurations and stop"},

    {.group = "What is asked",
     .name = "profile",
     .arg = "rfc-v2|v1.0|v2.0",
     .set = set_profile,
     .words = "rfc-v2 v1.0 v2.0",
     .help = "the text of the specification (default: rfc-v2)"},
    {.name = "timeout",
     .arg = "TIME",
     .set = set_timeout,
     .help = "how long a machine may take between two starts, such as 90s or 5m (default: 3m)"},

    {.group = "Output",
     .name = "format",
     .arg = "text|json|junit|tap|html",
     .set = set_format,
     .words = "text json junit tap html",
     .help = "for people (text, html), programs (json) or test harnesses (junit, tap); default: "
             "text"},
    {.name = "output",
     .arg = "FILE",
     .set = set_output,
     .words = "@file",
     .help = "writes the report there instead of to standard output"},
    {.name = "log",
     .arg = "FILE",
     .set = set_log,
     .words = "@file",
     .help = "keep everything that the machines print"},
    {.name = "quiet", .set = set_quiet, .help = "no progress on standard error"},
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
    const char *subject = config->check.command ? "the command's machine" : "armvm";
    struct report *report = report_new("vm", subject, (enum check_profile)config->profile);
    int rc;

    if (!report)
        return error_set(err, -ENOMEM, "out of memory");
    rc = vm_check_run(&config->check, report, err);
    if (!rc)
        rc = report_save(report, (enum report_format)config->format, config->output, err);
    *status = report_status(report);
    report_free(report);
    return rc;
}

static int with_log(struct check_vm_config *config, int *status, struct error *err)
{
    int rc;

    if (config->log) {
        config->check.log = fopen(config->log, "we");
        if (!config->check.log)
            return error_set(err, -errno, "--log: %s: %s", config->log, strerror(errno));
    }
    rc = run(config, status, err);
    if (config->check.log && fclose(config->check.log) && !rc)
        rc = error_set(err, -EIO, "--log: %s: cannot be written", config->log);
    return rc;
}

static int check_usage(const struct check_vm_config *config, struct error *err)
{
    if (config->check.command && config->armvm_only)
        return error_set(
            err, -EINVAL,
            "--command: that machine is as the command says; options about armvm's own "
            "machines do not go with it");
    if (config->check.vars && (!config->check.command || !strstr(config->check.command, "{vars}")))
        return error_set(err, -EINVAL, "--vars: only a --command with {vars} uses it");
    if (config->check.vars && access(config->check.vars, R_OK) < 0)
        return error_set(err, -errno, "--vars: %s: %s", config->check.vars, strerror(errno));
    if (config->check.gic == 2 && config->check.cpus > 8)
        return error_set(err, -EINVAL, "--cpus: GICv2 serves at most 8 CPUs; use --gic 3");
    return 0;
}

int command_check_vm(int argc, char **argv)
{
    struct check_vm_config config = {.check.timeout_ns = 180 * SECOND};
    struct error err = {0};
    char self[PATH_MAX] = "armvm";
    int rc = options_parse(&check_vm_options, argc, argv, &config, &err), status = 0;

    if (rc == OPTIONS_HELP) {
        options_print_help(&check_vm_options, stdout);
        return 0;
    }
    if (rc || (rc = check_usage(&config, &err)))
        return fail(&err, rc == -EINVAL ? VM_EXIT_USAGE : VM_EXIT_HOST);
    if (config.list) {
        list(&config.check);
        return 0;
    }
    if (config.write_image) {
        rc = probe_write_image(config.write_image, &err);
        return rc ? fail(&err, VM_EXIT_HOST) : 0;
    }
    if (readlink("/proc/self/exe", self, sizeof(self) - 1) < 0)
        strcpy(self, "armvm");
    config.check.armvm = self;
    config.check.progress = config.quiet ? NULL : progress;
    rc = with_log(&config, &status, &err);
    if (rc)
        return fail(&err, rc == -EINTR ? VM_EXIT_SIGNAL + 2 : VM_EXIT_HOST);
    return status ? VM_EXIT_FAILED : 0;
}
