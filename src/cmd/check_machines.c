/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/check_machines.h"

#include <errno.h>
#include <string.h>

#include "base/error.h"
#include "check/report.h"
#include "check/requirement.h"
#include "cmd/options.h"
#include "cmd/values.h"
#include "vm/firmware.h"

enum { CPUS_MAX = 123 };

int check_set_text(const char **to, const char *value, struct error *err)
{
    if (!*value)
        return error_set(err, -EINVAL, "it is empty");
    *to = value;
    return 0;
}

int check_set_quick(void *ctx, const char *value, struct error *err)
{
    struct check_machines *config = ctx;

    config->check.quick = config->armvm_only = true;
    return 0;
}

static int set_gic(void *ctx, const char *value, struct error *err)
{
    static const char *const names[] = {"2", "3", NULL};
    struct check_machines *config = ctx;
    unsigned index;
    int rc = value_choice(value, names, &index, err);

    config->armvm_only = true;
    if (!rc)
        config->check.gic = index + 2;
    return rc;
}

int check_set_cpus(void *ctx, const char *value, struct error *err)
{
    struct check_machines *config = ctx;
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
    struct check_machines *config = ctx;
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
    struct check_machines *config = ctx;
    unsigned index;
    int rc = value_choice(value, names, &index, err);

    config->armvm_only = true;
    if (!rc)
        config->check.console = names[index];
    return rc;
}

int check_set_tables(void *ctx, const char *value, struct error *err)
{
    static const char *const names[] = {"dt", "acpi", "both", NULL};
    struct check_machines *config = ctx;
    unsigned index;
    int rc = value_choice(value, names, &index, err);

    config->armvm_only = true;
    if (!rc)
        config->check.tables = (enum vm_tables)index;
    return rc;
}

static int set_firmware(void *ctx, const char *value, struct error *err)
{
    struct check_machines *config = ctx;

    config->armvm_only = true;
    return check_set_text(&config->check.firmware, value, err);
}

static int set_run_option(void *ctx, const char *value, struct error *err)
{
    struct check_machines *config = ctx;

    config->armvm_only = true;
    if (config->check.mores == VM_CHECK_WORDS)
        return error_set(err, -EINVAL, "no more than %d", VM_CHECK_WORDS);
    return check_set_text(&config->check.more[config->check.mores++], value, err);
}

static int set_list(void *ctx, const char *value, struct error *err)
{
    ((struct check_machines *)ctx)->list = true;
    return 0;
}

static int set_quiet(void *ctx, const char *value, struct error *err)
{
    ((struct check_machines *)ctx)->quiet = true;
    return 0;
}

int check_set_timeout(void *ctx, const char *value, struct error *err)
{
    return value_duration(value, &((struct check_machines *)ctx)->check.timeout_ns, err);
}

const struct option check_machine_options[] = {
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
    {.name = NULL},
};

const struct option check_quiet_options[] = {
    {.name = "quiet", .set = set_quiet, .help = "no progress on standard error"},
    {.name = NULL},
};

/* A PL011 beside the virtio console: as vm.c decides. What cannot be looked at is an error later.
 */
void check_machines_complete(struct check_machines *config)
{
    const char *firmware = config->check.firmware ? config->check.firmware : "auto";
    struct firmware found = {0};
    struct error err;

    for (unsigned i = 0; i < config->check.mores; i++)
        if (!strncmp(config->check.more[i], "--serial", strlen("--serial")))
            config->check.uart_kept = true;
    if (!firmware_find(firmware, &firmware_host, &found, &err))
        config->check.uart_kept |= firmware_needs_uart(found.code);
    firmware_free(&found);
}

int check_machines_usage(const struct check_machines *config, struct error *err)
{
    if (config->check.gic == 2 && config->check.cpus > 8)
        return error_set(err, -EINVAL, "--cpus: GICv2 serves at most 8 CPUs; use --gic 3");
    return 0;
}
