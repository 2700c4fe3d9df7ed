/* SPDX-License-Identifier: Apache-2.0 */
/* H2: the device tree is whole, and each device that it names answers as what it is called. */
#include "bare/bare.h"
#include "base/tap.h"
#include "describe/fdt.h"
#include "uefi/uefi.h"

/* --- its form --------------------------------------------------------------------------------- */

static bool is_pci(const struct fdt *fdt, int node)
{
    const char *type = node == FDT_NONE ? NULL : fdt_text(fdt, node, "device_type");

    return type && text_equal(type, "pci");
}

static void check_root(const struct fdt *fdt)
{
    static const char *const needed[] = {"#address-cells", "#size-cells", "compatible"};
    u32 size, cpus = 0, memory = 0;

    for (u32 i = 0; i < COUNT(needed); i++)
        if (!fdt_property(fdt, FDT_ROOT, needed[i], &size))
            test_bad("the root node has no %s", needed[i]);
    for (int i = 1; i < fdt->nodes; i++) {
        const char *type = fdt_text(fdt, i, "device_type");
        cpus += type && text_equal(type, "cpu");
        memory += type && text_equal(type, "memory");
    }
    if (!cpus)
        test_bad("there is no node with device_type \"cpu\"");
    /* UEFI's memory map is what counts; firmware may take the nodes away. */
    if (fdt_by_path(fdt, "/chosen") == FDT_NONE)
        test_bad("there is no node /chosen");
}

/* "name@12ab" against the first address of reg, where that is a plain number. A wrong one misleads
 * people only: a note. */
static void check_unit(const struct fdt *fdt, int node, u64 address)
{
    const char *at = fdt->node[node].name;
    u64 unit = 0;

    while (*at && *at != '@')
        at++;
    if (!*at++)
        return;
    for (; *at; at++) {
        u32 digit = *at >= '0' && *at <= '9' ? (u32)(*at - '0') : (u32)((*at | 32) - 'a' + 10);
        if (digit > 15)
            return;
        unit = unit << 4 | digit;
    }
    if (unit != address)
        note("%s: its reg begins at 0x%llx", fdt->node[node].name, address);
}

static void check_node(const struct fdt *fdt, int node)
{
    const char *name = fdt->node[node].name;
    int parent = fdt->node[node].parent, regs = fdt_regs(fdt, node), interrupts;
    u32 phandle = fdt_cell(fdt, node, "phandle", 0);
    bool on_bus = parent == FDT_ROOT || fdt_is(fdt, parent, "simple-bus");
    u64 address, size;

    if (regs < 0)
        test_bad("%s: the length of reg is no multiple of an entry's", name);
    if (regs > 0 && on_bus && !is_pci(fdt, parent)) {
        if (!fdt_reg(fdt, node, 0, &address, &size))
            test_bad("%s: reg has no address of the CPU's", name);
        else if (parent == FDT_ROOT)
            check_unit(fdt, node, address);
    }
    interrupts = fdt_interrupts(fdt, node);
    if (interrupts < 0)
        test_bad("%s: interrupts does not fit an interrupt parent", name);
    for (int i = 0; i < interrupts; i++) {
        struct fdt_interrupt interrupt;
        u32 intid;
        if (fdt_interrupt(fdt, node, (u32)i, &interrupt) && interrupt.cells == 3 &&
            fdt_is(fdt, interrupt.controller, "arm,gic-v3") && !fdt_gic_intid(&interrupt, &intid))
            test_bad("%s: no GIC has interrupt <%u %u>", name, interrupt.cell[0],
                     interrupt.cell[1]);
    }
    if (phandle && fdt_by_phandle(fdt, phandle) != node)
        test_bad("%s: another node has its phandle", name);
}

void test_tree_form(void)
{
    const struct fdt *fdt = machine.fdt;

    if (!fdt)
        return; /* main.c has said so */
    test_begin("H2 the nodes of the device tree are well-formed");
    check_root(fdt);
    for (int i = 1; i < fdt->nodes; i++)
        check_node(fdt, i);
    test_end("%u nodes", (u32)fdt->nodes);
}

/* --- its devices ------------------------------------------------------------------------------ */

/* PrimeCell identification: four bytes, one a word, at the end of the page. */
static u32 identification(u64 at)
{
    u32 id = 0, word = 0;

    for (u32 i = 0; i < 4; i++)
        if (arch_try_read32(at + 4 * i, &word))
            id |= (word & 255) << 8 * i;
    return id;
}

static const char *primecell(u64 base, u64 size, u32 part)
{
    if (size < PAGE)
        return "is smaller than a PrimeCell's 4 KiB";
    if (identification(base + 0xff0) != 0xb105f00d)
        return "has no PrimeCell identification";
    return part && (identification(base + 0xfe0) & 0xfff) != part ? "is another PrimeCell" : NULL;
}

static const char *pl011(u64 base, u64 size)
{
    return primecell(base, size, 0x011);
}

static const char *pl031(u64 base, u64 size)
{
    return primecell(base, size, 0x031);
}

static const char *pl061(u64 base, u64 size)
{
    return primecell(base, size, 0x061);
}

static const char *any_primecell(u64 base, u64 size)
{
    return primecell(base, size, 0);
}

static const char *virtio(u64 base, u64 size)
{
    u32 magic = 0, version = 0;

    if (!arch_try_read32(base, &magic) || magic != 0x74726976)
        return "has no magic value";
    return arch_try_read32(base + 4, &version) && (version == 1 || version == 2)
               ? NULL
               : "has an unknown version";
}

static const char *its(u64 base, u64 size)
{
    u32 pidr2 = 0;

    return size >= 0x20000 && arch_try_read32(base + 0xffe8, &pidr2) && (pidr2 >> 4 & 15) >= 3
               ? NULL
               : "is no GICv3's ITS by its PIDR2";
}

static const char *v2m(u64 base, u64 size)
{
    u32 kind = 0;

    if (!arch_try_read32(base + 8, &kind)) /* MSI_TYPER */
        return "does not answer";
    return (kind >> 16 & 0x3ff) >= 32 && (kind & 0x3ff) ? NULL : "has no SPIs";
}

static const char *redistributors(u64 base, u64 size)
{
    u32 pidr2 = 0;

    return arch_try_read32(base + 0xffe8, &pidr2) && (pidr2 >> 4 & 15) >= 3 ? NULL : "is no GICv3";
}

static const char *distributor(u64 base, u64 size)
{
    u32 typer = 0;

    return arch_try_read32(base + 4, &typer) ? NULL : "does not answer";
}

/* The selector's register is big-endian, data come in order; item 0 is the signature. */
static const char *fw_cfg(u64 base, u64 size)
{
    u8 byte[4] = {0};

    if (size < 10)
        return "is too small";
    io_write16(base + 8, 0);
    for (u32 i = 0; i < 4; i++)
        if (!arch_try_read8(base, &byte[i]))
            return "does not answer";
    return memcmp(byte, "QEMU", 4) ? "has no signature" : NULL;
}

static const char *host_bridge(u64 base, u64 size)
{
    u32 id = 0;

    return arch_try_read32(base, &id) ? NULL : "does not answer";
}

/* Left alone: the firmware's variables are in there. */
static const char *flash(u64 base, u64 size)
{
    return size % PAGE ? "is no number of pages" : NULL;
}

struct kind {
    const char *compatible;
    const char *(*check)(u64 base, u64 size);
};

/* The first that fits counts. */
static const struct kind kinds[] = {
    {"arm,pl011", pl011},
    {"arm,sbsa-uart", distributor},
    {"arm,pl031", pl031},
    {"arm,pl061", pl061},
    {"arm,primecell", any_primecell},
    {"virtio,mmio", virtio},
    {"arm,gic-v3", redistributors},
    {"arm,gic-v3-its", its},
    {"arm,gic-v2m-frame", v2m},
    {"arm,cortex-a15-gic", distributor},
    {"arm,gic-400", distributor},
    {"qemu,fw-cfg-mmio", fw_cfg},
    {"pci-host-ecam-generic", host_bridge},
    {"cfi-flash", flash},
};

static const struct kind *kind_of(const struct fdt *fdt, int node)
{
    for (u32 i = 0; i < COUNT(kinds); i++)
        if (fdt_is(fdt, node, kinds[i].compatible))
            return &kinds[i];
    return NULL;
}

/* Part of what UEFI calls memory, of any type. */
static bool in_memory_map(u64 base, u64 size)
{
    u64 end = base + size;

    for (bool more = true; more && base < end;) {
        more = false;
        for (uptr i = 0; memory_at(i); i++) {
            u64 from = memory_at(i)->physical, to = from + memory_at(i)->pages * PAGE;
            if (base >= from && base < to) {
                base = to;
                more = true;
            }
        }
    }
    return base >= end;
}

static void check_device(const struct fdt *fdt, int node, u32 *checked, u32 *unknown)
{
    const char *type = fdt_text(fdt, node, "device_type"), *wrong;
    const struct kind *kind = kind_of(fdt, node);
    bool memory = type && text_equal(type, "memory");
    u64 base, size;

    if (!fdt_enabled(fdt, node) || fdt_regs(fdt, node) <= 0 || !fdt_reg(fdt, node, 0, &base, &size))
        return;
    if (memory) {
        ++*checked;
        for (u32 i = 0; fdt_reg(fdt, node, i, &base, &size); i++)
            if (!in_memory_map(base, size))
                test_bad("%s: 0x%llx, 0x%llx bytes, is not in UEFI's memory map",
                         fdt->node[node].name, base, size);
        return;
    }
    if (!kind) {
        *unknown += size != 0;
        return;
    }
    ++*checked;
    wrong = mmu_device(base, size) ? kind->check(base, size) : "is beyond the CPU's addresses";
    if (wrong)
        test_bad("%s (%s) at 0x%llx %s", fdt->node[node].name, kind->compatible, base, wrong);
}

void test_tree_devices(void)
{
    u32 checked = 0, unknown = 0;

    if (!machine.fdt)
        return;
    test_begin("H2 each device of the device tree answers as what it is called");
    for (int i = 1; i < machine.fdt->nodes; i++)
        check_device(machine.fdt, i, &checked, &unknown);
    test_end("%u devices, %u more of kinds that the probe does not know", checked, unknown);
}
