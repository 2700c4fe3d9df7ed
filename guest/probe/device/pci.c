/* SPDX-License-Identifier: Apache-2.0 */
/* PCI functions, by the ECAM (PCI Express 7.2.2) that the machine's description names. */
#include "bare/bare.h"
#include "base/tap.h"
#include "device/virtio.h"

enum {
    ID = 0x00,
    COMMAND = 0x04,
    STATUS = 0x06,
    CLASS = 0x08,
    HEADER = 0x0e,
    BAR = 0x10,
    CAP_LIST = 0x34,
    COMMAND_MEMORY = 2,
    COMMAND_MASTER = 4,
    COMMAND_NO_INTX = 0x400,
    STATUS_CAPS = 0x10,
    CAP_MSIX = 0x11,
    VENDOR_VIRTIO = 0x1af4,
    BARS = 6,
};

static u64 handed_out[WINDOWS_MAX]; /* by us, of each window, from its middle */

static const struct window *window_of(u64 address, bool io)
{
    const struct platform *p = &machine.platform;

    for (u32 i = 0; i < p->pci.windows; i++) {
        const struct window *w = &p->pci.window[i];
        if ((w->space == SPACE_IO) == io && address >= w->pci && address - w->pci < w->size)
            return w;
    }
    return NULL;
}

static u64 read_bar(u64 at)
{
    u32 low = io_read32(at);

    return (low & 7) == 4 ? (low & ~15u) | (u64)io_read32(at + 4) << 32 : low & ~15u;
}

/* For firmware that leaves functions alone: sizes a memory BAR and gives it a place. */
static u64 assign(u64 at)
{
    const struct platform *p = &machine.platform;
    bool wide = (io_read32(at) & 7) == 4;
    u64 size;

    io_write32(at, ~0u);
    size = io_read32(at) & ~15u;
    if (wide) {
        io_write32(at + 4, ~0u);
        size |= (u64)io_read32(at + 4) << 32;
    } else {
        size |= 0xffffffffull << 32;
    }
    size = ~size + 1;
    for (u32 i = 0; i < p->pci.windows && size; i++) {
        const struct window *w = &p->pci.window[i];
        u64 place = align_up(w->pci + w->size / 2 + handed_out[i], size);
        if (w->space != SPACE_32 || place + size > w->pci + w->size)
            continue;
        handed_out[i] = place + size - w->pci - w->size / 2;
        io_write32(at, (u32)place);
        if (wide)
            io_write32(at + 4, (u32)(place >> 32));
        return place;
    }
    return 0;
}

u64 pci_bar(const struct pci_function *f, u32 index)
{
    u64 at = f->config + BAR + 4 * index, address;
    const struct window *w;
    u16 command = io_read16(f->config + COMMAND);

    if (index >= BARS || io_read32(at) & 1)
        return 0;
    address = read_bar(at);
    if (!address)
        address = assign(at);
    io_write16(f->config + COMMAND,
               (u16)((command | COMMAND_MEMORY | COMMAND_MASTER) & ~COMMAND_NO_INTX));
    w = window_of(address, false);
    /* ACPI has the windows in AML only; what is mapped one to one is tried. */
    if (!w && machine.platform.pci.windows)
        return 0;
    if (w)
        address = address - w->pci + w->cpu;
    return mmu_device(address, 0x10000) ? address : 0;
}

/* What firmware set up must lie in the bridge's windows. */
static void check_bars(const struct pci_function *f)
{
    for (u32 i = 0; i < BARS; i++) {
        u64 at = f->config + BAR + 4 * i;
        u32 low = io_read32(at);
        bool io = low & 1, wide = !io && (low & 6) == 4;
        u64 address = io ? low & ~3u : read_bar(at);
        if (address && machine.platform.pci.windows && !window_of(address, io))
            test_bad("%02x:%02x.%u: BAR %u, 0x%llx, is outside of the bridge's windows", f->bus,
                     f->device, f->function, i, address);
        i += wide;
    }
}

/* The list must end, and MSI-X must be off: nobody set it up for us. */
static void check_capabilities(const struct pci_function *f)
{
    u32 at = io_read8(f->config + CAP_LIST) & 0xfc, count = 0;

    if (!(io_read16(f->config + STATUS) & STATUS_CAPS))
        return;
    for (; at >= 0x40 && count < 49; count++) {
        if (io_read8(f->config + at) == CAP_MSIX)
            io_write16(f->config + at + 2, (u16)(io_read16(f->config + at + 2) & 0x3fff));
        at = io_read8(f->config + at + 1) & 0xfc;
    }
    if (count == 49 || (at && at < 0x40))
        test_bad("%02x:%02x.%u: the list of capabilities does not end", f->bus, f->device,
                 f->function);
}

static bool look(u32 bus, u32 device, u32 function)
{
    const struct platform *p = &machine.platform;
    struct pci_function f = {.bus = bus, .device = device, .function = function};
    u32 id;

    f.config =
        p->pci.ecam.base + ((u64)(bus - p->pci.first_bus) << 20 | device << 15 | function << 12);
    if (!arch_try_read32(f.config + ID, &id)) {
        test_bad("the ECAM at 0x%llx does not answer", f.config);
        return false;
    }
    if ((id & 0xffff) == 0xffff || !id)
        return false;
    f.vendor = id & 0xffff;
    f.id = id >> 16;
    if ((io_read8(f.config + HEADER) & 0x7f) == 0) {
        check_bars(&f);
        check_capabilities(&f);
        if (f.vendor == VENDOR_VIRTIO)
            virtio_pci_add(&f);
    }
    return true;
}

void pci_find(bool tell)
{
    const struct platform *p = &machine.platform;
    u64 most = p->pci.ecam.size >> 20;
    u32 functions = 0, buses = 0;

    if (!p->pci.ecam.size) {
        if (tell)
            skip("P1 PCI functions are found by enumeration", "no PCI host bridge is described");
        return;
    }
    test_begin("P1 PCI functions are found by enumeration");
    if (p->pci.last_bus - p->pci.first_bus + 1 > most)
        test_bad("buses %u to %u do not fit into an ECAM of %llu MiB", p->pci.first_bus,
                 p->pci.last_bus, most);
    if (!mmu_device(p->pci.ecam.base, p->pci.ecam.size))
        test_bad("the ECAM, 0x%llx, is not addressable", p->pci.ecam.base);
    for (u32 bus = p->pci.first_bus; !test_failed() && bus <= p->pci.last_bus; bus++, buses++)
        for (u32 device = 0; !test_failed() && device < 32; device++) {
            u32 many;
            if (!look(bus, device, 0))
                continue;
            functions++;
            many = io_read8(p->pci.ecam.base +
                            ((u64)(bus - p->pci.first_bus) << 20 | device << 15) + HEADER) &
                   0x80;
            for (u32 function = 1; many && function < 8; function++)
                functions += look(bus, device, function);
        }
    if (!functions)
        test_bad("there is not one function, not even the bridge");
    if (tell)
        test_end("%u functions on %u buses", functions, buses);
}
