/* SPDX-License-Identifier: Apache-2.0 */
/* armvm acpi: the ACPI tables of a machine, a file each (iasl -d turns them into text). */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>

#include "base/error.h"
#include "cmd/commands.h"
#include "cmd/machine_options.h"
#include "cmd/options.h"
#include "host/file.h"
#include "vm/config.h"
#include "vm/vm.h"

/* The configuration first: the shared setters see only that. */
struct acpi_config {
    struct vm_config vm;
    const char *output;
};

static int set_output(void *ctx, const char *value, struct error *err)
{
    struct acpi_config *config = ctx;

    config->output = value;
    return 0;
}

static const struct option table[] = {
    {.group = "Output",
     .name = "output",
     .arg = "DIR",
     .set = set_output,
     .words = "@file",
     .help = "where the tables are written, as dsdt.dat, facp.dat...; made if missing"},
    {.sub = boot_options},
    {.sub = machine_options},
    {.sub = console_options},
    {.name = NULL},
};

const struct option_set acpi_options = {
    .command = "acpi",
    .usage = "--output DIR [options]",
    .intro = "Writes the ACPI tables that a guest would get with armvm run --acpi, a file each. "
             "As text: iasl -d DIR/*.dat",
    .table = table,
};

static int write_table(void *ctx, const char *name, const void *data, size_t size,
                       struct error *err)
{
    const struct acpi_config *config = ctx;
    char *path;
    int rc;

    if (asprintf(&path, "%s/%s.dat", config->output, name) < 0)
        return error_set(err, -ENOMEM, "out of memory");
    rc = file_write("--output", path, data, size, err);
    if (!rc)
        printf("%s: %zu bytes\n", path, size);
    free(path);
    return rc;
}

static int fail(const struct error *err, int status)
{
    fprintf(stderr, "armvm acpi: %s\n", err->text);
    return status;
}

int command_acpi(int argc, char **argv)
{
    struct acpi_config config = {0};
    struct error err = {0};
    struct vm *vm;
    int status, rc;

    vm_config_init(&config.vm);
    rc = options_parse(&acpi_options, argc, argv, &config, &err);
    if (rc == OPTIONS_HELP) {
        options_print_help(&acpi_options, stdout);
        return 0;
    }
    if (!rc && !config.output)
        rc = error_set(&err, -EINVAL, "--output DIR is missing: where the tables are written");
    if (rc)
        return fail(&err, VM_EXIT_USAGE);
    config.vm.blueprint = config.vm.acpi = true;
    rc = vm_create(&config.vm, &vm, &status, &err);
    if (rc)
        return fail(&err, status);
    rc = file_make_directory("--output", config.output, &err);
    if (!rc)
        rc = vm_acpi(vm, write_table, &config, &err);
    vm_destroy(vm);
    return rc ? fail(&err, VM_EXIT_HOST) : 0;
}
