/* SPDX-License-Identifier: Apache-2.0 */
/* The machine as its description has it, whether that is a device tree or ACPI. Nothing else is
 * ever touched: no address is built into the probe. */
#ifndef PROBE_PLATFORM_H
#define PROBE_PLATFORM_H

#include "base/base.h"

enum { CPUS_MAX = 128, GICRS_MAX = 16, UARTS_MAX = 4, VIRTIO_MAX = 64, WINDOWS_MAX = 8 };
enum { SPACE_IO = 1, SPACE_32 = 2, SPACE_64 = 3 };

struct region {
    u64 base, size;
};

struct window {
    u32 space;
    u64 cpu, pci, size;
};

struct platform {
    const char *source; /* "device tree", "ACPI" */
    struct {
        u32 version; /* 2, 3 or 4; 0: none is described */
        struct region d, c, its, v2m;
        u32 redistributors;
        struct region r[GICRS_MAX];
    } gic;
    struct {
        u32 virtual, physical; /* INTIDs; 0: not described */
    } timer;
    struct {
        bool described, hvc, smc;
    } psci;
    u32 cpus;
    u64 cpu[CPUS_MAX]; /* MPIDR */
    u32 uarts;         /* PL011 and SBSA UARTs; the console first */
    struct {
        struct region regs;
        u32 intid;
        bool full; /* a PL011, with all registers */
    } uart[UARTS_MAX];
    u32 virtios; /* on virtio-mmio */
    struct {
        struct region regs;
        u32 intid;
    } virtio[VIRTIO_MAX];
    struct {
        struct region ecam;
        u32 first_bus, last_bus, windows;
        struct window window[WINDOWS_MAX];
        int node; /* in the device tree, for its interrupt-map; -1 */
    } pci;
};

struct fdt;
void platform_from_fdt(struct platform *platform, const struct fdt *fdt);
/* False: there is no usable ACPI. */
bool platform_from_acpi(struct platform *platform, const void *rsdp);

/* INTx pin (1 to 4) of a function, by the bridge's interrupt-map; 0: not said. */
u32 platform_intx(const struct platform *platform, const struct fdt *fdt, u32 device, u32 pin);

#endif
