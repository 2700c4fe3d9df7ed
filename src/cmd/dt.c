/* SPDX-License-Identifier: Apache-2.0 */
/* armvm dt: the device tree blob of a machine, to a file or to a pipe (dtc turns it into text). */
#include <errno.h>
#include <stdio.h>
#include <unistd.h>

#include "base/error.h"
#include "cmd/commands.h"
#include "cmd/machine_options.h"
#include "cmd/options.h"
#include "host/file.h"
#include "vm/config.h"
#include "vm/vm.h"

/* The configuration first: the shared setters see only that. */
struct dt_config {
    struct vm_config vm;
    const char *out;
};

static int set_out(void *ctx, const char *value, struct error *err)
{
    struct dt_config *config = ctx;

    config->out = value;
    return 0;
}

static const struct option table[] = {
    {.group = "Output",
     .name = "out",
     .arg = "FILE",
     .set = set_out,
     .words = "@file",
     .help = "write the blob to FILE (default: standard output, unless that is a terminal)"},

    {.sub = boot_options},
    {.sub = machine_options},
    {.sub = console_options},
    {.name = NULL},
};

const struct option_set dt_options = {
    .command = "dt",
    .usage = "[options]",
    .intro =
        "Prints the device tree blob that a guest would get. As text: armvm dt | dtc -I dtb -O "
        "dts",
    .table = table,
};

static int write_blob(const void *fdt, size_t size, const char *out, struct error *err)
{
    if (out)
        return file_write("--out", out, fdt, size, err);
    if (isatty(STDOUT_FILENO))
        return error_set(err, -EINVAL,
                         "the device tree is binary: give --out FILE, or | dtc -I dtb -O dts");
    fwrite(fdt, 1, size, stdout); /* main() looks for errors */
    return 0;
}

static int fail(const struct error *err, int status)
{
    fprintf(stderr, "armvm dt: %s\n", err->text);
    return status;
}

int command_dt(int argc, char **argv)
{
    struct dt_config config = {0};
    struct error err = {0};
    struct vm *vm;
    const void *fdt;
    size_t size;
    int status, rc;

    vm_config_init(&config.vm);
    rc = options_parse(&dt_options, argc, argv, &config, &err);
    if (rc == OPTIONS_HELP) {
        options_print_help(&dt_options, stdout);
        return 0;
    }
    if (rc)
        return fail(&err, VM_EXIT_USAGE);
    config.vm.blueprint = true;
    rc = vm_create(&config.vm, &vm, &status, &err);
    if (rc)
        return fail(&err, status);
    fdt = vm_fdt(vm, &size);
    rc = write_blob(fdt, size, config.out, &err);
    vm_destroy(vm);
    return rc ? fail(&err, rc == -EINVAL ? VM_EXIT_USAGE : VM_EXIT_HOST) : 0;
}
