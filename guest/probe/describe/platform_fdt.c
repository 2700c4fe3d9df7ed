/* SPDX-License-Identifier: Apache-2.0 */
/* What the probe needs of the machine, out of the device tree. */
#include "describe/fdt.h"
#include "describe/platform.h"

enum { TIMER_PHYSICAL = 1, TIMER_VIRTUAL = 2 }; /* places in the timer's list of interrupts */

static int find(const struct fdt *fdt, const char *const *names)
{
    for (; *names; names++)
        for (int node = fdt_next(fdt, FDT_NONE, *names); node != FDT_NONE;
             node = fdt_next(fdt, node, *names))
            if (fdt_enabled(fdt, node))
                return node;
    return FDT_NONE;
}

static void region(const struct fdt *fdt, int node, u32 index, struct region *region)
{
    if (node == FDT_NONE || !fdt_reg(fdt, node, index, &region->base, &region->size))
        *region = (struct region){0, 0};
}

static u32 intid(const struct fdt *fdt, int node, u32 index)
{
    struct fdt_interrupt interrupt;
    u32 id;

    return fdt_interrupt(fdt, node, index, &interrupt) && fdt_gic_intid(&interrupt, &id) ? id : 0;
}

static void gic(struct platform *p, const struct fdt *fdt)
{
    static const char *const v2[] = {"arm,cortex-a15-gic", "arm,gic-400", "arm,cortex-a7-gic",
                                     NULL};
    static const char *const v3[] = {"arm,gic-v3", NULL}, *const its[] = {"arm,gic-v3-its", NULL};
    static const char *const v2m[] = {"arm,gic-v2m-frame", NULL};
    int node = find(fdt, v3);

    if (node != FDT_NONE) {
        p->gic.version = 3;
        p->gic.redistributors = fdt_cell(fdt, node, "#redistributor-regions", 1);
        if (p->gic.redistributors > GICRS_MAX)
            p->gic.redistributors = GICRS_MAX;
        for (u32 i = 0; i < p->gic.redistributors; i++)
            region(fdt, node, 1 + i, &p->gic.r[i]);
        region(fdt, find(fdt, its), 0, &p->gic.its);
    } else {
        node = find(fdt, v2);
        if (node == FDT_NONE)
            return;
        p->gic.version = 2;
        region(fdt, node, 1, &p->gic.c);
        region(fdt, find(fdt, v2m), 0, &p->gic.v2m);
    }
    region(fdt, node, 0, &p->gic.d);
}

static void timer_and_psci(struct platform *p, const struct fdt *fdt)
{
    static const char *const timers[] = {"arm,armv8-timer", "arm,armv7-timer", NULL};
    static const char *const pscis[] = {"arm,psci-1.0", "arm,psci-0.2", NULL};
    int node = find(fdt, timers);
    const char *method;

    if (node != FDT_NONE) {
        p->timer.physical = intid(fdt, node, TIMER_PHYSICAL);
        p->timer.virtual = intid(fdt, node, TIMER_VIRTUAL);
    }
    node = find(fdt, pscis);
    method = fdt_text(fdt, node, "method");
    p->psci.described = node != FDT_NONE;
    p->psci.hvc = method && text_equal(method, "hvc");
    p->psci.smc = method && text_equal(method, "smc");
}

static void cpus(struct platform *p, const struct fdt *fdt)
{
    for (int i = 0; i < fdt->nodes && p->cpus < CPUS_MAX; i++) {
        const char *type = fdt_text(fdt, i, "device_type");
        u32 size;
        const u8 *reg = fdt_property(fdt, i, "reg", &size);
        if (!type || !text_equal(type, "cpu") || !reg || !fdt_enabled(fdt, i))
            continue;
        if (size == 4 || size == 8)
            p->cpu[p->cpus++] = size == 4 ? be32(reg) : (u64)be32(reg) << 32 | be32(reg + 4);
    }
}

static void add_uart(struct platform *p, const struct fdt *fdt, int node)
{
    struct region regs;

    region(fdt, node, 0, &regs);
    for (u32 i = 0; i < p->uarts; i++)
        if (p->uart[i].regs.base == regs.base)
            return;
    if (!regs.size || p->uarts == UARTS_MAX || !fdt_enabled(fdt, node))
        return;
    p->uart[p->uarts].regs = regs;
    p->uart[p->uarts].intid = intid(fdt, node, 0);
    p->uart[p->uarts++].full = fdt_is(fdt, node, "arm,pl011");
}

static void uarts(struct platform *p, const struct fdt *fdt)
{
    static const char *const kinds[] = {"arm,pl011", "arm,sbsa-uart"};
    int chosen = fdt_by_path(fdt, "/chosen");
    const char *out = fdt_text(fdt, chosen, "stdout-path");
    int node = out ? fdt_by_path(fdt, out) : FDT_NONE;

    if (node != FDT_NONE && (fdt_is(fdt, node, kinds[0]) || fdt_is(fdt, node, kinds[1])))
        add_uart(p, fdt, node);
    for (u32 i = 0; i < COUNT(kinds); i++)
        for (node = fdt_next(fdt, FDT_NONE, kinds[i]); node != FDT_NONE;
             node = fdt_next(fdt, node, kinds[i]))
            add_uart(p, fdt, node);
}

static void virtio(struct platform *p, const struct fdt *fdt)
{
    for (int node = fdt_next(fdt, FDT_NONE, "virtio,mmio"); node != FDT_NONE;
         node = fdt_next(fdt, node, "virtio,mmio")) {
        if (p->virtios == VIRTIO_MAX || !fdt_enabled(fdt, node))
            continue;
        region(fdt, node, 0, &p->virtio[p->virtios].regs);
        p->virtio[p->virtios].intid = intid(fdt, node, 0);
        p->virtios += p->virtio[p->virtios].regs.size != 0;
    }
}

/* PCI Bus Binding: three address cells, the first with the space in bits 25:24. */
static void pci_windows(struct platform *p, const struct fdt *fdt, int node)
{
    u32 above = fdt_cell(fdt, fdt->node[node].parent, "#address-cells", 2), size;
    const u8 *at = fdt_property(fdt, node, "ranges", &size);
    u32 entry = (3 + above + 2) * 4;

    for (; at && above <= 2 && size >= entry && p->pci.windows < WINDOWS_MAX; size -= entry) {
        struct window *window = &p->pci.window[p->pci.windows++];
        window->space = be32(at) >> 24 & 3;
        window->pci = (u64)be32(at + 4) << 32 | be32(at + 8);
        window->cpu = above == 2 ? (u64)be32(at + 12) << 32 | be32(at + 16) : be32(at + 12);
        window->size = (u64)be32(at + entry - 8) << 32 | be32(at + entry - 4);
        at += entry;
    }
}

static void pci(struct platform *p, const struct fdt *fdt)
{
    static const char *const kinds[] = {"pci-host-ecam-generic", NULL};
    u32 size;
    int node = find(fdt, kinds);
    const u8 *range;

    p->pci.node = node;
    if (node == FDT_NONE)
        return;
    region(fdt, node, 0, &p->pci.ecam);
    range = fdt_property(fdt, node, "bus-range", &size);
    p->pci.first_bus = range && size == 8 ? be32(range) & 255 : 0;
    p->pci.last_bus = range && size == 8 ? be32(range + 4) & 255 : 255;
    pci_windows(p, fdt, node);
}

void platform_from_fdt(struct platform *platform, const struct fdt *fdt)
{
    memset(platform, 0, sizeof(*platform));
    platform->source = "device tree";
    gic(platform, fdt);
    timer_and_psci(platform, fdt);
    cpus(platform, fdt);
    uarts(platform, fdt);
    virtio(platform, fdt);
    pci(platform, fdt);
}

/* interrupt-map: child address (3), pin (1), parent, parent's address, parent's interrupt (3). */
u32 platform_intx(const struct platform *platform, const struct fdt *fdt, u32 device, u32 pin)
{
    int node = platform->pci.node, parent;
    u32 size, mask_size, addresses, entry, address = device << 11;
    const u8 *map, *mask;

    if (!fdt || node < 0 || fdt_cell(fdt, node, "#interrupt-cells", 0) != 1)
        return 0;
    map = fdt_property(fdt, node, "interrupt-map", &size);
    mask = fdt_property(fdt, node, "interrupt-map-mask", &mask_size);
    if (!map || !mask || mask_size != 16)
        return 0;
    while (size >= 20) {
        struct fdt_interrupt interrupt = {.cells = 3};
        u32 id;
        parent = fdt_by_phandle(fdt, be32(map + 16));
        addresses = parent == FDT_NONE ? ~0u : fdt_cell(fdt, parent, "#address-cells", 0);
        entry = (5 + addresses + 3) * 4;
        if (addresses > 2 || fdt_cell(fdt, parent, "#interrupt-cells", 0) != 3 || size < entry)
            return 0;
        for (u32 i = 0; i < 3; i++)
            interrupt.cell[i] = be32(map + (5 + addresses + i) * 4);
        if (((be32(map) ^ address) & be32(mask)) == 0 &&
            ((be32(map + 12) ^ pin) & be32(mask + 12)) == 0)
            return fdt_gic_intid(&interrupt, &id) ? id : 0;
        map += entry;
        size -= entry;
    }
    return 0;
}
