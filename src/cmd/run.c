/* SPDX-License-Identifier: Apache-2.0 */
/* armvm run. The manual is docs/man/armvm-run.1; a test compares its options with the table here.
 */
#include <errno.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "base/error.h"
#include "cmd/commands.h"
#include "cmd/machine_options.h"
#include "cmd/options.h"
#include "cmd/values.h"
#include "host/file.h"
#include "vm/config.h"
#include "vm/vm.h"

static int set_engine(void *ctx, const char *value, struct error *err)
{
    static const char *const names[] = {"auto", "translate", "interpret", "kvm", NULL};
    static const enum engine_kind kinds[] = {ENGINE_AUTO, ENGINE_TRANSLATE, ENGINE_INTERPRET};
    struct vm_config *config = ctx;
    unsigned index;
    int rc = value_choice(value, names, &index, err);

    if (!rc && index == 3)
        rc = error_set(err, -EINVAL,
                       "this build has no KVM engine yet; there are translate and interpret");
    if (!rc)
        config->engine = kinds[index];
    return rc;
}

static int set_host_cpu(void *ctx, const char *value, struct error *err)
{
    static const char *const names[] = {"native", "v2", "v3", "v4", NULL};
    static const enum engine_host_cpu levels[] = {ENGINE_HOST_NATIVE, ENGINE_HOST_V2,
                                                  ENGINE_HOST_V3, ENGINE_HOST_V4};
    struct vm_config *config = ctx;
    unsigned index;
    int rc = value_choice(value, names, &index, err);

    if (!rc)
        config->host_cpu = levels[index];
    return rc;
}

/* Words by comma, or all. */
static int set_without(void *ctx, const char *value, struct error *err)
{
    struct vm_config *config = ctx;
    char word[16];
    unsigned part;

    if (!strcmp(value, "all")) {
        config->without = (1u << ENGINE_PARTS) - 1;
        return 0;
    }
    for (;;) {
        size_t len = strcspn(value, ",");
        snprintf(word, sizeof(word), "%.*s", (int)len, value);
        int rc = value_choice(len < sizeof(word) ? word : value, engine_part_names, &part, err);
        if (rc)
            return rc;
        config->without |= 1u << part;
        if (!value[len])
            return 0;
        value += len + 1;
    }
}

static int set_code_cache(void *ctx, const char *value, struct error *err)
{
    struct vm_config *config = ctx;
    uint64_t bytes;
    int rc = value_size(value, &bytes, err);

    /* Translated code jumps within 2 GiB. */
    if (!rc && (bytes < 1 << 20 || bytes > 1 << 30))
        rc = error_set(err, -EINVAL, "%s is not possible, 1M to 1G are", value);
    if (!rc)
        config->code_cache = (size_t)bytes;
    return rc;
}

static int set_code_store(void *ctx, const char *value, struct error *err)
{
    struct vm_config *config = ctx;

    if (!*value)
        return error_set(err, -EINVAL, "say which directory, or off");
    config->code_store = value;
    return 0;
}

static int set_tier2(void *ctx, const char *value, struct error *err)
{
    enum { SHORTEST = 20, LONGEST = 1000000 };
    struct vm_config *config = ctx;
    uint64_t us;
    int rc = value_number(value, 0, LONGEST, &us, err);

    if (!rc && us && us < SHORTEST)
        rc = error_set(err, -EINVAL, "%s is not possible, 0 or %d to %d are", value, SHORTEST,
                       LONGEST);
    if (!rc)
        config->tier2_us = (uint32_t)us;
    return rc;
}

static int set_acpi(void *ctx, const char *value, struct error *err)
{
    struct vm_config *config = ctx;

    config->acpi = true;
    return 0;
}

static int set_ephemeral(void *ctx, const char *value, struct error *err)
{
    struct vm_config *config = ctx;

    config->ephemeral = true;
    return 0;
}

static int set_timeout(void *ctx, const char *value, struct error *err)
{
    struct vm_config *config = ctx;

    return value_duration(value, &config->timeout_ns, err);
}

static int set_expect(void *ctx, const char *value, struct error *err)
{
    struct vm_config *config = ctx;

    config->expect = value;
    return 0;
}

static int set_trace(void *ctx, const char *value, struct error *err)
{
    struct vm_config *config = ctx;

    config->trace = value;
    return 0;
}

static int set_trace_file(void *ctx, const char *value, struct error *err)
{
    struct vm_config *config = ctx;

    config->trace_file = value;
    return 0;
}

static int set_gdb(void *ctx, const char *value, struct error *err)
{
    struct vm_config *config = ctx;
    size_t len = strcspn(value, ",");
    char number[8];
    uint64_t port;
    int rc;

    if (value[len] && strcmp(value + len, ",wait"))
        return error_set(err, -EINVAL, "'%s' is not understood; write PORT or PORT,wait", value);
    snprintf(number, sizeof(number), "%.*s", (int)len, value);
    rc = value_number(number, 0, UINT16_MAX, &port, err);
    if (rc)
        return rc;
    config->gdb = true;
    config->gdb_wait = value[len];
    config->gdb_port = (uint16_t)port;
    return 0;
}

static int set_stats(void *ctx, const char *value, struct error *err)
{
    struct vm_config *config = ctx;

    config->stats = true;
    return 0;
}

static int set_perf_map(void *ctx, const char *value, struct error *err)
{
    struct vm_config *config = ctx;

    config->perf_map = true;
    return 0;
}

static int set_dry_run(void *ctx, const char *value, struct error *err)
{
    struct vm_config *config = ctx;

    config->dry_run = true;
    return 0;
}

/* The header of an arm64 Image (Linux Documentation/arch/arm64/booting.rst). */
static bool is_kernel(const char *path)
{
    /* Opening something that is no file could wait forever. */
    FILE *file = file_check("", path, UINT64_MAX, NULL, NULL) ? NULL : fopen(path, "re");
    char head[64];
    bool yes = file && fread(head, sizeof(head), 1, file) == 1 && !memcmp(head + 56, "ARM\x64", 4);

    if (file)
        fclose(file);
    return yes;
}

static int set_image(void *ctx, const char *value, struct error *err)
{
    if (is_kernel(value))
        return error_set(err, -EINVAL, "%s is a kernel: --kernel %s", value, value);
    return vm_config_set_image(ctx, value, err);
}

static const struct option table[] = {
    {.sub = boot_options},
    {.name = "firmware",
     .arg = "FILE|auto|none",
     .set = set_firmware,
     .words = "auto none @file",
     .help = "virtual firmware: a UEFI or U-Boot binary for this board; auto finds the installed "
             "one. With --kernel, firmware starts that (default: auto for an image, none with "
             "--kernel)"},
    {.name = "vars",
     .arg = "FILE",
     .set = set_vars,
     .words = "@file",
     .help = "file that keeps the firmware's variables, made if it does not exist (default: "
             "IMAGE.vars; without an image they are not kept)"},

    {.name = "user",
     .arg = "NAME",
     .set = set_user,
     .help = "have cloud-init make this user in a cloud image (default there: your own name)"},
    {.name = "ssh-key",
     .arg = "FILE",
     .set = set_ssh_key,
     .words = "@file",
     .help = "public key that lets you in as that user (default: those in ~/.ssh)"},

    {.sub = machine_options},
    {.name = "acpi",
     .set = set_acpi,
     .help = "describe the machine by ACPI tables instead of a device tree, for guests that need "
             "them; the firmware hands them over"},

    {.sub = console_options},
    {.name = "serial",
     .arg = "WHERE",
     .set = set_serial,
     .words = "stdio file: pty socket: none",
     .help =
         "the other end of the PL011: stdio, file:PATH, pty, socket:PATH or none (default: "
         "stdio; with --console virtio, which has the terminal itself, there is no PL011 unless "
         "this option is given or the firmware needs one)"},

    {.group = "Devices",
     .name = "disk",
     .arg = "path=FILE[,...]",
     .set = set_disk,
     .words = "path=",
     .help = "virtio disk from a raw or qcow2 image or a block device, up to 16 times; also: "
             "format=raw|qcow2, readonly, bus=pci|mmio, legacy. Writes go to the image"},
    {.name = "ephemeral",
     .set = set_ephemeral,
     .help = "throw the writes to all disks, and to the firmware's variables, away at the end"},
    {.name = "net",
     .arg = "user[,...]|none",
     .set = set_net,
     .words = "user none",
     .help = "virtio network card, up to 8 times. user: a network of its own behind the host "
             "(10.0.2.0/24), with hostfwd=tcp:HOST:GUEST as often as needed; also: mac=ADDRESS, "
             "bus=pci|mmio, legacy (default: user; with an image, a port from 2222 on leads to the "
             "guest's SSH server)"},
    {.name = "rng", .off = true, .set = set_rng, .help = "virtio entropy source (default: on)"},
    {.name = "legacy-virtio",
     .set = set_legacy_virtio,
     .help = "all disks and networks for drivers older than 2014 too: virtio-mmio version 1, on "
             "PCI transitional devices"},

    {.group = "Execution",
     .name = "engine",
     .arg = "auto|translate|interpret|kvm",
     .set = set_engine,
     .words = "auto translate interpret",
     .help = "what runs the guest's instructions (default: auto, the fastest that the host "
             "offers; this build has no kvm)"},
    {.name = "host-cpu",
     .arg = "native|v2|v3|v4",
     .set = set_host_cpu,
     .words = "native v2 v3 v4",
     .help = "x86-64 level that translated code may use (default: native)"},
    {.name = "code-cache",
     .arg = "SIZE",
     .set = set_code_cache,
     .help = "memory for translated code, 1M to 1G (default: an eighth of the guest's, 32M to "
             "256M); used as needed"},
    {.name = "code-store",
     .arg = "DIR|off",
     .set = set_code_store,
     .words = "off @file",
     .help = "directory that keeps translated code, so that the next start of the same guest need "
             "not translate it again; it must be yours alone (default: armvm/code in "
             "$XDG_CACHE_HOME or "
             "~/.cache)"},
    {.name = "tier2",
     .arg = "MICROSECONDS",
     .set = set_tier2,
     .help = "how often to look for hot code, which is then translated once more, and better: 20 "
             "to 1000000, or 0: never (default: 4000)"},

    {.group = "Ends and checks",
     .name = "timeout",
     .arg = "TIME",
     .set = set_timeout,
     .help = "stop after so many seconds (or 90s, 10m, 1h), exit status 124"},
    {.name = "expect",
     .arg = "REGEX",
     .set = set_expect,
     .help = "stop with status 0 as soon as a line on the console matches this extended regular "
             "expression; status 1 if the guest powers off before"},
    {.name = "dry-run",
     .set = set_dry_run,
     .help = "check everything, print what would run, do not run it"},

    {.group = "Looking inside",
     .name = "trace",
     .arg = "CATEGORIES",
     .set = set_trace,
     .words = "all exc mmu irq dev virtio psci code unimp",
     .help = "print events, by comma: exc, mmu, irq, dev, virtio, psci, code, unimp, or all"},
    {.name = "trace-file",
     .arg = "FILE",
     .set = set_trace_file,
     .words = "@file",
     .help = "where --trace goes (default: standard error)"},
    {.name = "stats", .set = set_stats, .help = "print the engine's counters at the end"},
    {.name = "perf-map",
     .set = set_perf_map,
     .help = "write /tmp/perf-PID.map, so that perf(1) knows translated code"},
    {.name = "without",
     .arg = "PARTS",
     .set = set_without,
     .words = "forward simplify dead fuse lazy share hint slots returns links regions tier2 all",
     .help =
         "leave out parts of the translator, by comma, to find out which one is at fault: "
         "forward, simplify, dead, fuse, lazy, share, hint, slots, returns, links, regions, tier2, "
         "or all"},
    {.name = "gdb",
     .arg = "PORT[,wait]",
     .set = set_gdb,
     .help = "let a debugger in on this TCP port of the host itself (0: any free one); wait: the "
             "guest starts when the debugger says so"},
    {.name = NULL},
};

const struct option_set run_options = {
    .command = "run",
    .usage = "[options] [IMAGE]",
    .intro = "Boots a guest and stays until it powers off: a disk image, through UEFI firmware, or "
             "a kernel (--kernel) without. The console is on the terminal: every "
             "key goes to the guest, Ctrl-C too; Ctrl-] opens a menu (quit, reset, power button, "
             "status).",
    .table = table,
    .operand = set_image,
    .epilog = "Sizes take K, M, G and T (powers of 1024).\n"
              "\n"
              "SIGTERM presses the power button; a second one, or 10 seconds, stop the guest.\n"
              "\n"
              "Exit status: 0 the guest powered off (or --expect matched), 1 it ended without "
              "--expect's match, 2 wrong usage, 3 a host or file error, 124 --timeout ran out, 128 "
              "+ N stopped by signal N.",
};

int command_run(int argc, char **argv)
{
    struct vm_config config;
    struct error err = {0};
    struct vm *vm;
    int status = VM_EXIT_USAGE, rc;

    vm_config_init(&config);
    rc = options_parse(&run_options, argc, argv, &config, &err);
    if (rc == OPTIONS_HELP) {
        options_print_help(&run_options, stdout);
        vm_config_free(&config);
        return 0;
    }
    if (!rc)
        rc = vm_create(&config, &vm, &status, &err);
    if (rc) {
        fprintf(stderr, "armvm run: %s\n", err.text);
        vm_config_free(&config);
        return status;
    }
    if (config.dry_run) {
        vm_print_plan(vm, stdout);
        status = VM_EXIT_OFF;
    } else {
        status = vm_run(vm);
    }
    vm_destroy(vm);
    vm_config_free(&config);
    return status;
}
