/* SPDX-License-Identifier: Apache-2.0 */
/*
 * G1, G2, G3, G5 by what files show: the kernel's configuration says what is built in and what is a
 * module, the file systems and the initial RAM disk which modules are there.
 */
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/bits.h"
#include "check/guest_files.h"
#include "image/kconfig.h"

/* One option of the kernel, and what it is to people. */
static const struct driver {
    const char *what, *config;
    const char *module, *alias; /* NULL: cannot be a module; needs no alias */
} drivers[] = {
    {"PL011", "SERIAL_AMBA_PL011", "amba_pl011", NULL},
    {"console on PL011", "SERIAL_AMBA_PL011_CONSOLE", NULL, NULL},
    {"virtio console", "VIRTIO_CONSOLE", "virtio_console", "virtio:d00000003v"},
    {"Xen console", "HVC_XEN", NULL, NULL},
    {"GICv2", "ARM_GIC", NULL, NULL},
    {"GICv3", "ARM_GIC_V3", NULL, NULL},
    {"virtio over PCI", "VIRTIO_PCI", "virtio_pci", "pci:v00001AF4d"},
    {"virtio over MMIO", "VIRTIO_MMIO", "virtio_mmio", "of:N*T*Cvirtio,mmio"},
    {"virtio block", "VIRTIO_BLK", "virtio_blk", "virtio:d00000002v"},
    {"virtio network", "VIRTIO_NET", "virtio_net", "virtio:d00000001v"},
    {"virtio balloon", "VIRTIO_BALLOON", "virtio_balloon", "virtio:d00000005v"},
    {"Xen guest", "XEN", NULL, NULL},
    {"Xen block", "XEN_BLKDEV_FRONTEND", "xen_blkfront", "xen:vbd"},
    {"Xen network", "XEN_NETDEV_FRONTEND", "xen_netfront", "xen:vif"},
    {"Xen balloon", "XEN_BALLOON", NULL, NULL},
    {"UEFI runtime", "EFI", NULL, NULL},
    {"clocks", "RTC_CLASS", NULL, NULL},
    {"UEFI clock", "RTC_DRV_EFI", "rtc_efi", NULL},
};

/* What each requirement needs, by config's name. */
static const struct need {
    const char *id;
    bool early;           /* must be there before the root file system is */
    const char *list[12]; /* ends with NULL */
} needs[] = {
    {"G1", false, {"SERIAL_AMBA_PL011", "SERIAL_AMBA_PL011_CONSOLE", "VIRTIO_CONSOLE", "HVC_XEN"}},
    {"G2", false, {"ARM_GIC", "ARM_GIC_V3"}},
    {"G3",
     true,
     {"VIRTIO_PCI", "VIRTIO_MMIO", "VIRTIO_BLK", "VIRTIO_NET", "VIRTIO_CONSOLE", "VIRTIO_BALLOON",
      "XEN", "XEN_BLKDEV_FRONTEND", "XEN_NETDEV_FRONTEND", "HVC_XEN", "XEN_BALLOON"}},
    {"G5", false, {"EFI", "RTC_CLASS", "RTC_DRV_EFI"}},
};

enum state { BUILT_IN, IN_RAM, IN_ROOT, MISSING, UNKNOWN };

struct judge {
    struct report *report;
    const struct guest_files *files;
    struct check_result *result;
    char builtin[400], ram[400], root[400], unknown[400], elsewhere[400]; /* lists for people */
};

static unsigned driver_index(const char *config)
{
    unsigned i = 0;

    while (i < ARRAY_SIZE(drivers) - 1 && strcmp(drivers[i].config, config))
        i++;
    return i;
}

static void append(char list[400], const char *what)
{
    size_t len = strlen(list);

    snprintf(list + len, 400 - len, "%s%s", len ? ", " : "", what);
}

/* --- one driver ------------------------------------------------------------------------------- */

/* As a module: which copies there are. */
static enum state module_state(const struct guest_files *f, uint64_t mask)
{
    if (f->ram.there & mask)
        return IN_RAM;
    if (f->root.there & mask)
        return IN_ROOT;
    /* Where both could be read, it is not there. */
    if ((f->ram.known || !f->initrd[0]) && f->root.known)
        return MISSING;
    return UNKNOWN;
}

static enum state driver_state(const struct guest_files *f, unsigned index, char *value)
{
    const struct driver *driver = &drivers[index];
    uint64_t mask = 1ull << index;

    *value = f->config ? kconfig_get(f->config, driver->config) : 0;
    switch (*value) {
    case 'y':
        return BUILT_IN;
    case 'n':
        return MISSING;
    case 'm':
        return driver->module ? module_state(f, mask) : BUILT_IN;
    }
    if ((f->root.built_in | f->ram.built_in) & mask)
        return BUILT_IN;
    if (!driver->module)
        return UNKNOWN;
    return f->root.builtins       ? module_state(f, mask)
           : f->ram.there & mask  ? IN_RAM
           : f->root.there & mask ? IN_ROOT
                                  : UNKNOWN;
}

static void missing(struct judge *j, const struct driver *driver, char value)
{
    const struct guest_files *f = j->files;
    char id[64];

    snprintf(id, sizeof(id), "kernel-%s", driver->config);
    if (value == 'n')
        result_fail(j->report, j->result, id, NULL,
                    "kernel %s has no driver for %s: CONFIG_%s is not set (%s)", f->version,
                    driver->what, driver->config, f->config_from);
    else
        result_fail(j->report, j->result, id, NULL,
                    "kernel %s: the driver for %s is a module, and %s.ko is not in %s", f->version,
                    driver->what, driver->module,
                    f->root.known ? f->root.where : "the initial RAM disk");
}

/* Loaded by the kernel's request only if modules.alias names it. */
static void judge_alias(struct judge *j, unsigned index, const struct module_set *set,
                        const char *where)
{
    const struct driver *driver = &drivers[index];
    char id[64];

    if (!driver->alias || !set->aliases || set->aliased & 1ull << index)
        return;
    snprintf(id, sizeof(id), "alias-%s", driver->module);
    result_fail(j->report, j->result, id,
                "run depmod for this kernel and make the initial RAM disk anew",
                "%s: modules.alias has no line for %s (%s*), which nothing would load then", where,
                driver->module, driver->alias);
}

/* A module that the initial RAM disk should have, and has not. */
static void late(struct judge *j, const struct driver *driver)
{
    const struct guest_files *f = j->files;
    char id[64];

    if (f->initrd[0] && !f->ram.known) { /* it may be in what could not be read */
        append(j->unknown, driver->what);
        return;
    }
    snprintf(id, sizeof(id), "initrd-%s", driver->module);
    result_fail(j->report, j->result, id, NULL, "%s.ko (%s) is not in %s", driver->module,
                driver->what, f->initrd[0] ? f->initrd : "an initial RAM disk: there is none");
}

/* Consoles are G1's, too. */
static bool needed_by_first(const char *config)
{
    for (unsigned i = 0; i < ARRAY_SIZE(needs[0].list) && needs[0].list[i]; i++)
        if (!strcmp(needs[0].list[i], config))
            return true;
    return false;
}

static void judge_driver(struct judge *j, const struct need *need, unsigned index)
{
    const struct guest_files *f = j->files;
    const struct driver *driver = &drivers[index];
    char value;

    switch (driver_state(f, index, &value)) {
    case BUILT_IN:
        append(j->builtin, driver->what);
        break;
    case IN_RAM:
        append(j->ram, driver->what);
        judge_alias(j, index, &f->ram, "the initial RAM disk");
        break;
    case IN_ROOT:
        append(j->root, driver->what);
        judge_alias(j, index, &f->root, f->root.where);
        if (need->early)
            late(j, driver);
        break;
    case MISSING:
        if (need->early && needed_by_first(driver->config))
            append(j->elsewhere, driver->what); /* a defect is one requirement's */
        else
            missing(j, driver, value);
        break;
    case UNKNOWN:
        if (need->early && value == 'm' && f->ram.known)
            late(j, driver);
        else
            append(j->unknown, driver->what);
        break;
    }
}

/* --- one requirement -------------------------------------------------------------------------- */

static void say_found(struct judge *j)
{
    char text[1600];

    snprintf(text, sizeof(text), "kernel %s: %s%s%s%s%s%s", j->files->version,
             j->builtin[0] ? "built in: " : "", j->builtin,
             j->ram[0]
                 ? (j->builtin[0] ? "; in the initial RAM disk: " : "in the initial RAM disk: ")
                 : "",
             j->ram, j->root[0] ? "; modules: " : "", j->root);
    result_found(j->report, j->result, "%s", text);
}

static void judge(struct image_check *c, const struct guest_files *f, const struct need *need)
{
    struct judge *j = calloc(1, sizeof(*j));
    struct check_result *result = report_add(c->report, need->id, CHECK_PASS, NULL);

    if (!j)
        return;
    j->report = c->report;
    j->files = f;
    j->result = result;
    if (need->early && f->ram_damaged)
        result_fail(c->report, result, "initrd-damaged",
                    "make it anew in the guest (Debian: update-initramfs -u)", "%s: %s", f->initrd,
                    f->ram_problem);
    for (unsigned i = 0; i < ARRAY_SIZE(need->list) && need->list[i]; i++)
        judge_driver(j, need, driver_index(need->list[i]));
    if (result_good(result) && j->unknown[0])
        result_skip(c->report, result, "%s%s%s%s%s: cannot tell %s",
                    f->config ? "" : "no kernel configuration was found",
                    f->ram_problem[0] ? (f->config ? "the initial RAM disk cannot be read: "
                                                   : "; the initial RAM disk cannot be read: ")
                                      : "",
                    f->ram_problem,
                    f->unreadable[0] && !f->root.known ? " no modules were found; not readable: "
                                                       : "",
                    f->unreadable[0] && !f->root.known ? f->unreadable : "", j->unknown);
    else if (result_good(result))
        say_found(j);
    if (j->elsewhere[0])
        result_note(c->report, result, "see-G1", "missing, as G1 says: %s", j->elsewhere);
    free(j);
}

static void skip_all(struct image_check *c, const struct guest_files *f)
{
    for (unsigned i = 0; i < ARRAY_SIZE(needs); i++)
        if (f->unreadable[0])
            report_skip(c->report, needs[i].id,
                        "no Linux kernel was found; file systems that cannot be read here: %s",
                        f->unreadable);
        else
            report_skip(c->report, needs[i].id, "no Linux kernel was found in the image");
}

static void add_facts(struct image_check *c, const struct guest_files *f)
{
    report_fact(c->report, "kernel", "%s on %s%s", f->kernel, f->tree[f->kernel_tree].name,
                f->others ? " (the newest of several)" : "");
    report_fact(c->report, "kernel configuration", "%s", f->config ? f->config_from : "not found");
    if (f->initrd[0])
        report_fact(c->report, "initial RAM disk", "%s (%s%s%s)", f->initrd,
                    f->ram_kinds[0] ? f->ram_kinds : "unreadable", f->ram_problem[0] ? ": " : "",
                    f->ram_problem);
    if (f->root.known)
        report_fact(c->report, "modules", "%s", f->root.where);
    for (unsigned i = 0; i < f->trees; i++)
        if (f->tree[i].tree.ext && ext_needs_recovery(f->tree[i].tree.ext))
            report_fact(c->report, f->tree[i].name,
                        "was not unmounted: its journal has newer data, which was not read");
}

int check_guest(struct image_check *c)
{
    struct guest_files *files = malloc(sizeof(*files));
    struct module_name modules[ARRAY_SIZE(drivers)];
    int rc;

    if (!files)
        return -ENOMEM;
    for (unsigned i = 0; i < ARRAY_SIZE(drivers); i++)
        modules[i] = (struct module_name){drivers[i].module, drivers[i].alias};
    rc = guest_files_find(c, modules, ARRAY_SIZE(drivers), files);
    if (!rc && !files->found)
        skip_all(c, files);
    if (!rc && files->found) {
        add_facts(c, files);
        for (unsigned i = 0; i < ARRAY_SIZE(needs); i++)
            judge(c, files, &needs[i]);
    }
    guest_files_free(files);
    free(files);
    return rc;
}
