/* SPDX-License-Identifier: Apache-2.0 */
#include "vm/config.h"

#include <errno.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/error.h"
#include "host/ram.h"

enum { MIB = 1 << 20, GICV2_MAX_CPUS = 8, FIRMWARE_MIN_MIB = 128, TIER2_US = 4000 };

void vm_config_init(struct vm_config *config)
{
    uint64_t total, available, memory = 1024ull * MIB;

    *config = (struct vm_config){.rng = true, .tier2_us = TIER2_US};
    config->cpus = sysconf(_SC_NPROCESSORS_ONLN) > 1 ? 2 : 1;
    /* Not more than half of a small host. */
    host_ram_sizes(&total, &available);
    while (memory > total / 2 && memory > 128 * MIB)
        memory /= 2;
    config->memory = memory;
}

void vm_config_free(struct vm_config *config)
{
    for (unsigned i = 0; i < config->disks; i++)
        free(config->disk[i].path);
    for (unsigned i = 0; i < config->nets; i++)
        free(config->net[i].spec);
    config->disks = config->nets = 0;
}

bool vm_config_item(char **cursor, char **key, char **value)
{
    char *in = *cursor, *out = *cursor;

    if (!*in)
        return false;
    *key = in;
    while (*in && (*in != ',' || in[1] == ',')) {
        in += *in == ',';
        *out++ = *in++;
    }
    *cursor = in + (*in == ',');
    *out = 0;
    *value = strchr(*key, '=');
    if (*value)
        *(*value)++ = 0;
    return true;
}

int vm_config_bus(const char *option, const char *value, enum vm_bus *bus, struct error *err)
{
    if (!strcmp(value, "mmio"))
        *bus = VM_BUS_MMIO;
    else if (!strcmp(value, "pci"))
        *bus = VM_BUS_PCI;
    else if (!strcmp(value, "xen"))
        return error_set(err, -EINVAL,
                         "%s: this build has no Xen devices yet; there are pci and mmio", option);
    else
        return error_set(err, -EINVAL, "%s: no bus '%s'; there are pci and mmio", option, value);
    return 0;
}

static int disk_item(struct vm_disk *disk, bool first, const char *key, const char *value,
                     struct error *err)
{
    if (!strcmp(key, "path") && value) {
        free(disk->path);
        disk->path = strdup(value);
    } else if (!strcmp(key, "format") && value) {
        disk->format = !strcmp(value, "raw") ? "raw" : !strcmp(value, "qcow2") ? "qcow2" : NULL;
        if (!disk->format)
            return error_set(err, -EINVAL, "--disk: no format '%s'; there are raw and qcow2",
                             value);
    } else if (!strcmp(key, "bus") && value) {
        return vm_config_bus("--disk", value, &disk->bus, err);
    } else if (!strcmp(key, "readonly") && !value) {
        disk->readonly = true;
    } else if (!strcmp(key, "legacy") && !value) {
        disk->legacy = true;
    } else if (first && !value) {
        disk->path = strdup(key);
    } else {
        return error_set(err, -EINVAL,
                         "--disk: '%s' is not understood; there are path=FILE, "
                         "format=raw|qcow2, readonly, bus=pci|mmio, legacy",
                         key);
    }
    return 0;
}

int vm_config_add_disk(struct vm_config *config, const char *spec, struct error *err)
{
    struct vm_disk disk = {0};
    char *copy = strdup(spec), *cursor = copy, *key, *value;
    bool first = true;
    int rc = 0;

    while (!rc && copy && vm_config_item(&cursor, &key, &value)) {
        rc = disk_item(&disk, first, key, value, err);
        first = false;
    }
    free(copy);
    if (!rc && (!disk.path || !*disk.path))
        rc = error_set(err, -EINVAL, "--disk: no path given; write --disk path=FILE");
    if (!rc && config->disks == VM_MAX_DISKS)
        rc = error_set(err, -EINVAL, "--disk: there is room for %d disks", VM_MAX_DISKS);
    if (rc)
        free(disk.path);
    else
        config->disk[config->disks++] = disk;
    return rc;
}

int vm_config_set_image(struct vm_config *config, const char *path, struct error *err)
{
    struct vm_disk disk = {.path = strdup(path)};

    if (!disk.path)
        return error_set(err, -ENOMEM, "out of memory");
    if (config->image || config->disks == VM_MAX_DISKS) {
        free(disk.path);
        return config->image
                   ? error_set(err, -EINVAL,
                               "%s: there is an image to boot already; give further "
                               "disks as --disk path=%s",
                               path, path)
                   : error_set(err, -EINVAL, "--disk: there is room for %d disks", VM_MAX_DISKS);
    }
    memmove(&config->disk[1], &config->disk[0], config->disks * sizeof(config->disk[0]));
    config->disk[0] = disk;
    config->disks++;
    config->image = true;
    return 0;
}

static bool parse_mac(const char *text, uint8_t mac[6])
{
    unsigned byte[6];
    int end = 0;

    if (sscanf(text, "%2x:%2x:%2x:%2x:%2x:%2x%n", &byte[0], &byte[1], &byte[2], &byte[3], &byte[4],
               &byte[5], &end) != 6 ||
        text[end])
        return false;
    for (int i = 0; i < 6; i++)
        mac[i] = (uint8_t)byte[i];
    return true;
}

/* Takes what is about the device out of the list; the rest is the back end's. */
static int net_items(struct vm_net *net, char *cursor, struct error *err)
{
    char *rest = net->spec, *key, *value;

    *rest = 0;
    while (vm_config_item(&cursor, &key, &value)) {
        if (!strcmp(key, "legacy") && !value) {
            net->legacy = true;
        } else if (!strcmp(key, "bus") && value) {
            int rc = vm_config_bus("--net", value, &net->bus, err);
            if (rc)
                return rc;
        } else if (!strcmp(key, "mac") && value) {
            if (!parse_mac(value, net->mac))
                return error_set(err, -EINVAL,
                                 "--net: '%s' is no MAC address; one looks like "
                                 "52:54:00:12:34:56",
                                 value);
            if (net->mac[0] & 1)
                return error_set(err, -EINVAL,
                                 "--net: %s is a group address; a network card's has an even "
                                 "first byte",
                                 value);
            net->has_mac = true;
        } else {
            rest += sprintf(rest, "%s%s%s%s", rest == net->spec ? "" : ",", key, value ? "=" : "",
                            value ? value : "");
        }
    }
    return 0;
}

int vm_config_add_net(struct vm_config *config, const char *spec, struct error *err)
{
    struct vm_net net = {0};
    size_t kind = strcspn(spec, ",");
    char *copy;
    int rc;

    config->net_given = true;
    if (!strcmp(spec, "none"))
        return 0;
    if (kind == 3 && !memcmp(spec, "tap", 3))
        return error_set(err, -EINVAL,
                         "--net: this build has no tap network yet; there are user and none");
    if (kind != 4 || memcmp(spec, "user", 4))
        return error_set(err, -EINVAL,
                         "--net: no network '%.*s'; there are user[,hostfwd=tcp:HOST:GUEST...] "
                         "and none",
                         (int)kind, spec);
    if (config->nets == VM_MAX_NETS)
        return error_set(err, -EINVAL, "--net: there is room for %d networks", VM_MAX_NETS);

    copy = strdup(spec + kind + (spec[kind] == ','));
    net.spec = malloc(strlen(spec) + 1);
    if (!copy || !net.spec)
        rc = error_set(err, -ENOMEM, "out of memory");
    else
        rc = net_items(&net, copy, err);
    free(copy);
    if (rc)
        free(net.spec);
    else
        config->net[config->nets++] = net;
    return rc;
}

const char *vm_config_firmware(const struct vm_config *config)
{
    bool none = config->firmware && !strcmp(config->firmware, "none");

    if (none || config->blueprint)
        return NULL;
    /* A disk alone can only be booted by firmware. */
    return config->firmware || config->kernel || !config->disks ? config->firmware : "auto";
}

static int check_firmware(const struct vm_config *config, struct error *err)
{
    const char *firmware = vm_config_firmware(config);

    if (!firmware && config->vars)
        return error_set(err, -EINVAL, "--vars: only firmware has variables; add --firmware auto%s",
                         config->kernel ? ", or leave --vars out" : " and an image");
    if (!firmware && config->acpi && !config->blueprint)
        return error_set(err, -EINVAL,
                         "--acpi: only firmware hands ACPI tables over; add --firmware auto%s",
                         config->kernel ? ", or leave --acpi out" : " and an image");
    if (firmware && config->memory < FIRMWARE_MIN_MIB * (uint64_t)MIB)
        return error_set(err, -EINVAL, "--memory: firmware needs %d MiB or more", FIRMWARE_MIN_MIB);
    if (firmware || config->kernel || config->blueprint)
        return 0;
    if (config->disks)
        return error_set(err, -EINVAL,
                         "--firmware none: a disk image is booted by firmware; leave that out, or "
                         "give the kernel with --kernel FILE");
    return error_set(err, -EINVAL,
                     "there is nothing to boot: give a disk image (armvm run IMAGE) or a kernel "
                     "(--kernel FILE)");
}

int vm_config_check(const struct vm_config *config, struct error *err)
{
    bool serial_is_terminal = config->serial && !strcmp(config->serial, "stdio");
    int rc;

    if (!config->kernel && (config->initrd || config->append))
        return error_set(err, -EINVAL, "%s needs a kernel: --kernel FILE",
                         config->initrd ? "--initrd" : "--append");
    rc = check_firmware(config, err);
    if (rc)
        return rc;
    if ((config->user || config->ssh_keys) && !config->disks)
        return error_set(err, -EINVAL,
                         "%s: that is for cloud images; there is none: armvm run IMAGE",
                         config->user ? "--user" : "--ssh-key");
    if (config->gic == 2 && config->cpus > GICV2_MAX_CPUS)
        return error_set(err, -EINVAL, "--cpus: GICv2 serves at most %d CPUs; use --gic 3",
                         GICV2_MAX_CPUS);
    if (config->console == VM_CONSOLE_VIRTIO && serial_is_terminal)
        return error_set(err, -EINVAL,
                         "--serial stdio: the terminal is the virtio console's already; use "
                         "--serial file:F, pty, socket:F or none");
    if (config->ephemeral && !config->disks && !config->vars)
        return error_set(err, -EINVAL,
                         "--ephemeral: there is no disk whose writes could be "
                         "thrown away; add --disk");
    if (config->trace_file && !config->trace)
        return error_set(err, -EINVAL, "--trace-file: say what to trace, such as --trace exc,irq");
    return 0;
}
