/* SPDX-License-Identifier: Apache-2.0 */
#include "cmd/machine_options.h"

#include <errno.h>
#include <stddef.h>
#include <string.h>

#include "arm/features.h"
#include "base/error.h"
#include "cmd/values.h"
#include "vm/config.h"
#include "vm/seed.h"

enum {
    MEMORY_MIN_MIB = 16,
    CPUS_MAX = 123, /* as many redistributors as the board's window holds */
};

int set_kernel(void *ctx, const char *value, struct error *err)
{
    struct vm_config *config = ctx;

    config->kernel = value;
    return 0;
}

int set_initrd(void *ctx, const char *value, struct error *err)
{
    struct vm_config *config = ctx;

    config->initrd = value;
    return 0;
}

int set_append(void *ctx, const char *value, struct error *err)
{
    struct vm_config *config = ctx;

    config->append = value;
    return 0;
}

int set_firmware(void *ctx, const char *value, struct error *err)
{
    struct vm_config *config = ctx;

    if (!*value)
        return error_set(err, -EINVAL, "say auto, none or a file");
    config->firmware = value;
    return 0;
}

int set_vars(void *ctx, const char *value, struct error *err)
{
    struct vm_config *config = ctx;

    if (!*value)
        return error_set(err, -EINVAL, "say which file");
    config->vars = value;
    return 0;
}

int set_user(void *ctx, const char *value, struct error *err)
{
    struct vm_config *config = ctx;

    config->user = value;
    return seed_check_user(value, err);
}

int set_ssh_key(void *ctx, const char *value, struct error *err)
{
    struct vm_config *config = ctx;

    if (config->ssh_keys == VM_MAX_SSH_KEYS)
        return error_set(err, -EINVAL, "no more than %d files", VM_MAX_SSH_KEYS);
    config->ssh_key[config->ssh_keys++] = value;
    return 0;
}

int set_cpus(void *ctx, const char *value, struct error *err)
{
    struct vm_config *config = ctx;
    uint64_t number;
    int rc = value_number(value, 1, CPUS_MAX, &number, err);

    if (!rc)
        config->cpus = (unsigned)number;
    return rc;
}

int set_memory(void *ctx, const char *value, struct error *err)
{
    struct vm_config *config = ctx;
    uint64_t bytes;
    int rc = value_size(value, &bytes, err);

    if (rc)
        return rc;
    if (bytes < (uint64_t)MEMORY_MIN_MIB << 20) {
        /* "--memory 512" was meant in MiB by everybody who ever wrote it. */
        if (bytes >= MEMORY_MIN_MIB && value[strspn(value, "0123456789")] == 0)
            return error_set(err, -EINVAL, "%s is that many bytes; did you mean %sM?", value,
                             value);
        return error_set(err, -EINVAL, "%s is too little, %dM is the least", value, MEMORY_MIN_MIB);
    }
    /* Guests and the device tree count in pages of at most 64 KiB, firmware in sections. */
    if (bytes & ((1 << 20) - 1))
        return error_set(err, -EINVAL, "%s is no whole number of MiB", value);
    config->memory = bytes;
    return 0;
}

int set_cpu(void *ctx, const char *value, struct error *err)
{
    struct vm_config *config = ctx;
    struct arm_features features;
    int rc = arm_features_parse(&features, value, err);

    if (!rc)
        config->cpu = value;
    return rc;
}

int set_board(void *ctx, const char *value, struct error *err)
{
    static const char *const names[] = {"virt", "kvmtool", "xen", NULL};
    unsigned index;
    int rc = value_choice(value, names, &index, err);

    if (!rc && index)
        rc = error_set(err, -EINVAL, "this build does not have the board '%s' yet; it has virt",
                       value);
    return rc;
}

int set_gic(void *ctx, const char *value, struct error *err)
{
    static const char *const names[] = {"2", "3", NULL};
    struct vm_config *config = ctx;
    unsigned index;
    int rc = value_choice(value, names, &index, err);

    if (!rc)
        config->gic = index + 2;
    return rc;
}

int set_console(void *ctx, const char *value, struct error *err)
{
    static const char *const names[] = {"pl011", "virtio", "xen", NULL};
    struct vm_config *config = ctx;
    unsigned index;
    int rc = value_choice(value, names, &index, err);

    if (!rc && index == 2)
        rc = error_set(err, -EINVAL,
                       "this build has no Xen console yet; there are pl011 and virtio");
    if (!rc)
        config->console = index ? VM_CONSOLE_VIRTIO : VM_CONSOLE_PL011;
    return rc;
}

int set_serial(void *ctx, const char *value, struct error *err)
{
    struct vm_config *config = ctx;
    size_t kind = strcspn(value, ":");
    const char *rest = value + kind + (value[kind] == ':');

    if (!strcmp(value, "stdio") || !strcmp(value, "pty") || !strcmp(value, "none")) {
        config->serial = value;
        return 0;
    }
    if ((kind == 4 && !memcmp(value, "file", 4)) || (kind == 6 && !memcmp(value, "socket", 6))) {
        if (!*rest)
            return error_set(err, -EINVAL, "%.*s needs a path: --serial %.*s:PATH", (int)kind,
                             value, (int)kind, value);
        config->serial = value;
        return 0;
    }
    return error_set(err, -EINVAL, "no '%s'; there are stdio, file:PATH, pty, socket:PATH and none",
                     value);
}

int set_disk(void *ctx, const char *value, struct error *err)
{
    return vm_config_add_disk(ctx, value, err);
}

int set_net(void *ctx, const char *value, struct error *err)
{
    return vm_config_add_net(ctx, value, err);
}

int set_virtio_bus(void *ctx, const char *value, struct error *err)
{
    struct vm_config *config = ctx;

    return vm_config_bus("--virtio-bus", value, &config->virtio_bus, err);
}

int set_rng(void *ctx, const char *value, struct error *err)
{
    struct vm_config *config = ctx;

    config->rng = !value;
    return 0;
}

int set_legacy_virtio(void *ctx, const char *value, struct error *err)
{
    struct vm_config *config = ctx;

    config->legacy_virtio = true;
    return 0;
}

const struct option boot_options[] = {
    {.group = "What to boot",
     .name = "kernel",
     .arg = "FILE",
     .set = set_kernel,
     .words = "@file",
     .help = "arm64 kernel: Image, Image.gz, EFI zboot vmlinuz, or an AArch64 ELF file"},
    {.name = "initrd",
     .arg = "FILE",
     .set = set_initrd,
     .words = "@file",
     .help = "initial RAM disk for the kernel"},
    {.name = "append", .arg = "TEXT", .set = set_append, .help = "the kernel's command line"},
    {.name = NULL},
};

const struct option machine_options[] = {
    {.group = "Machine",
     .name = "cpus",
     .arg = "N",
     .set = set_cpus,
     .help = "number of CPUs: 1 to 123, at most 8 with --gic 2 (default: 2; 1 on a host with one)"},
    {.name = "memory",
     .arg = "SIZE",
     .set = set_memory,
     .help = "RAM, such as 512M or 4G (default: 1G, less on a small host)"},
    {.name = "cpu",
     .arg = "MODEL[,+F,-F...]",
     .set = set_cpu,
     .words = "max cortex-a53 cortex-a72 neoverse-n1",
     .help =
         "CPU model, with features added or taken away; 'armvm cpus' lists both (default: max)"},
    {.name = "board",
     .arg = "virt|kvmtool|xen",
     .set = set_board,
     .words = "virt",
     .help = "memory and interrupt map (this build: only virt)"},
    {.name = "gic",
     .arg = "2|3",
     .set = set_gic,
     .words = "2 3",
     .help = "interrupt controller version (default: 3)"},
    {.name = "virtio-bus",
     .arg = "pci|mmio",
     .set = set_virtio_bus,
     .words = "pci mmio",
     .help = "where virtio devices are that say no bus of their own (default: pci with firmware, "
             "mmio without)"},
    {.name = NULL},
};

const struct option console_options[] = {
    {.group = "Consoles",
     .name = "console",
     .arg = "pl011|virtio|xen",
     .set = set_console,
     .words = "pl011 virtio",
     .help = "what the guest's console is: a PL011 UART (ttyAMA0) or a virtio console (hvc0; adds "
             "console=hvc0 to --append unless that names a console) (default: pl011; this build "
             "has no xen)"},
    {.name = NULL},
};
