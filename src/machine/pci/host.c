/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The host bridge. An access to a window finds its BAR in a table (routes.h) that is made anew
 * whenever a BAR or its enable changes. What no function claims reads all ones, and writes to it
 * go nowhere (PCIe 2.3.2). Where BARs overlap, the lower function has the addresses to itself.
 */
#include "machine/pci/host.h"

#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>

#include "base/bits.h"
#include "base/error.h"
#include "machine/fw/acpi/acpi.h"
#include "machine/fw/fdt.h"
#include "machine/mem/mem.h"
#include "machine/pci/pci_impl.h"
#include "machine/pci/routes.h"

enum { FUNCTIONS = 256, PINS = 4, ECAM_BUS_SHIFT = 20, ECAM_FUNCTION_SHIFT = 12 };
enum window { ECAM, PIO, MMIO32, MMIO64, WINDOWS };

struct pci_host {
    struct device dev;
    struct pci_host_config config;
    pthread_mutex_t lock; /* the configuration lock: function[], their config[], edits of routes */
    struct pci_bus root;
    struct pci_function *function[FUNCTIONS]; /* of the root bus */
    struct pci_routes memory, io;
    pthread_mutex_t pins_lock; /* after the functions' locks */
    unsigned asserted[PINS];   /* how many devices hold each line up */
};

/* --- BARs ------------------------------------------------------------------------------------*/

static void add_routes(struct pci_function *f, struct pci_routes_edit *memory,
                       struct pci_routes_edit *io)
{
    for (unsigned n = 0; n < PCI_BARS; n++) {
        struct pci_bar *bar = &f->bar[n];
        uint64_t address;
        if (pci_bar_address(f, n, &address))
            pci_routes_add(bar->flags & PCI_BAR_IO ? io : memory, address,
                           address + (bar->size - 1), bar);
    }
}

static void reroute(struct pci_bus *bus)
{
    struct pci_host *host = (struct pci_host *)((char *)bus - offsetof(struct pci_host, root));
    struct pci_routes_edit memory, io;
    pci_routes_begin(&host->memory, &memory);
    pci_routes_begin(&host->io, &io);
    for (unsigned i = 0; i < FUNCTIONS; i++)
        if (host->function[i])
            add_routes(host->function[i], &memory, &io);
    pci_routes_publish(&memory);
    pci_routes_publish(&io);
}

static int bar_read(struct pci_routes *routes, uint64_t address, unsigned size, uint64_t *value)
{
    uint64_t offset;
    struct pci_bar *bar = pci_routes_find(routes, address, &offset);
    *value = bar && size <= bar->size - offset ? bar->ops->read(bar->function, offset, size)
                                               : ones(8 * size);
    return 0;
}

static int bar_write(struct pci_routes *routes, uint64_t address, unsigned size, uint64_t value)
{
    uint64_t offset;
    struct pci_bar *bar = pci_routes_find(routes, address, &offset);
    if (bar && size <= bar->size - offset)
        bar->ops->write(bar->function, offset, size, value);
    return 0;
}

static int pio_read(void *dev, uint64_t offset, unsigned size, uint64_t *value)
{
    struct pci_host *host = dev;
    return bar_read(&host->io, offset, size, value);
}

static int pio_write(void *dev, uint64_t offset, unsigned size, uint64_t value)
{
    struct pci_host *host = dev;
    return bar_write(&host->io, offset, size, value);
}

static int mmio32_read(void *dev, uint64_t offset, unsigned size, uint64_t *value)
{
    struct pci_host *host = dev;
    return bar_read(&host->memory, host->config.windows.mmio32 + offset, size, value);
}

static int mmio32_write(void *dev, uint64_t offset, unsigned size, uint64_t value)
{
    struct pci_host *host = dev;
    return bar_write(&host->memory, host->config.windows.mmio32 + offset, size, value);
}

static int mmio64_read(void *dev, uint64_t offset, unsigned size, uint64_t *value)
{
    struct pci_host *host = dev;
    return bar_read(&host->memory, host->config.windows.mmio64 + offset, size, value);
}

static int mmio64_write(void *dev, uint64_t offset, unsigned size, uint64_t value)
{
    struct pci_host *host = dev;
    return bar_write(&host->memory, host->config.windows.mmio64 + offset, size, value);
}

/* --- configuration space ---------------------------------------------------------------------*/

/* Only the root bus exists. */
static struct pci_function *find_function(struct pci_host *host, uint64_t offset)
{
    if (offset >> ECAM_BUS_SHIFT != host->root.number)
        return NULL;
    return host->function[offset >> ECAM_FUNCTION_SHIFT & (FUNCTIONS - 1)];
}

static int ecam_read(void *dev, uint64_t offset, unsigned size, uint64_t *value)
{
    struct pci_host *host = dev;
    pthread_mutex_lock(&host->lock);
    struct pci_function *f = size <= 4 ? find_function(host, offset) : NULL;
    *value = f ? pci_config_read(f, offset & ones(ECAM_FUNCTION_SHIFT), size) : ones(8 * size);
    pthread_mutex_unlock(&host->lock);
    return 0;
}

static int ecam_write(void *dev, uint64_t offset, unsigned size, uint64_t value)
{
    struct pci_host *host = dev;
    pthread_mutex_lock(&host->lock);
    struct pci_function *f = size <= 4 ? find_function(host, offset) : NULL;
    if (f)
        pci_config_write(f, offset & ones(ECAM_FUNCTION_SHIFT), size, (uint32_t)value);
    pthread_mutex_unlock(&host->lock);
    return 0;
}

/* --- INTx ------------------------------------------------------------------------------------*/

/* Devices' pins are spread over the lines (PCIe 2.2.8.1, table 2-20). */
static unsigned line_of(unsigned device, unsigned pin)
{
    return (device + pin) % PINS;
}

static void intx(struct pci_bus *bus, unsigned device, unsigned pin, bool level)
{
    struct pci_host *host = (struct pci_host *)((char *)bus - offsetof(struct pci_host, root));
    unsigned line = line_of(device, pin);
    pthread_mutex_lock(&host->pins_lock);
    unsigned before = host->asserted[line];
    host->asserted[line] = level ? before + 1 : before - 1;
    if (!before != !host->asserted[line])
        irq_set(&host->dev.irq[line], level);
    pthread_mutex_unlock(&host->pins_lock);
}

/* --- the bridge's own function ---------------------------------------------------------------*/

static void bridge_destroy(struct pci_function *f)
{
    pci_fini(f);
    free(f);
}

static const struct pci_function_ops bridge_ops = {.name = "host bridge",
                                                   .destroy = bridge_destroy};

static struct pci_function *create_bridge(void)
{
    const struct pci_ids ids = {
        .vendor = 0x1b36,
        .device = 0x0008,
        .subsystem_vendor = 0x1af4,
        .subsystem = 0x1100,
        .class_code = 0x060000,
    };
    struct pci_function *f = calloc(1, sizeof(*f));
    if (f)
        pci_init(f, &bridge_ops, &ids);
    return f;
}

/* --- device tree -----------------------------------------------------------------------------*/

/* phys.hi of the PCI bus binding (IEEE 1275): the address space in bits 25:24. */
enum { SPACE_IO = 1 << 24, SPACE_MEM32 = 2 << 24, SPACE_MEM64 = 3 << 24 };

static void put_range(uint32_t cells[7], uint32_t space, uint64_t bus, uint64_t cpu, uint64_t size)
{
    const uint32_t range[] = {
        space,         (uint32_t)(bus >> 32),  (uint32_t)bus,  (uint32_t)(cpu >> 32),
        (uint32_t)cpu, (uint32_t)(size >> 32), (uint32_t)size,
    };
    for (unsigned i = 0; i < ARRAY_SIZE(range); i++)
        cells[i] = range[i];
}

/* Four devices and four pins; the others are the same in turns. The interrupt controller has two
 * address cells, which mean nothing here. */
static void describe_interrupts(const struct pci_host *host, struct fdt_builder *fdt)
{
    uint32_t map[PINS * PINS * 10], *to = map;
    for (unsigned device = 0; device < PINS; device++) {
        for (unsigned pin = 0; pin < PINS; pin++, to += 10) {
            const uint32_t entry[10] = {
                device << 11,
                0,
                0,
                pin + 1,
                DT_PHANDLE_INTC,
                0,
                0,
                0,
                host->config.windows.intx_spi + line_of(device, pin),
                DT_IRQ_LEVEL_HIGH,
            };
            for (unsigned i = 0; i < 10; i++)
                to[i] = entry[i];
        }
    }
    dt_u32(fdt, "#interrupt-cells", 1);
    dt_cells(fdt, "interrupt-map-mask", (const uint32_t[]){3 << 11, 0, 0, 7}, 4);
    dt_cells(fdt, "interrupt-map", map, ARRAY_SIZE(map));
}

/* Linux Documentation/devicetree/bindings/pci/host-generic-pci.yaml */
static int describe(struct device *dev, struct fdt_builder *fdt)
{
    const struct pci_host *host = (struct pci_host *)dev;
    const struct pci_windows *w = &host->config.windows;
    struct dt_range ecam = {w->ecam, w->ecam_size};
    uint32_t ranges[3 * 7];
    put_range(ranges, SPACE_IO, 0, w->pio, w->pio_size);
    put_range(ranges + 7, SPACE_MEM32, w->mmio32, w->mmio32, w->mmio32_size);
    put_range(ranges + 14, SPACE_MEM64, w->mmio64, w->mmio64, w->mmio64_size);
    dt_node(fdt, "pcie@%" PRIx64, w->ecam);
    dt_string(fdt, "compatible", "pci-host-ecam-generic");
    dt_string(fdt, "device_type", "pci");
    dt_reg(fdt, &ecam, 1);
    dt_u32(fdt, "#address-cells", 3);
    dt_u32(fdt, "#size-cells", 2);
    dt_cells(fdt, "ranges", ranges, ARRAY_SIZE(ranges));
    dt_cells(fdt, "bus-range", (const uint32_t[]){0, w->buses - 1}, 2);
    dt_u32(fdt, "linux,pci-domain", 0);
    dt_empty(fdt, "dma-coherent");
    describe_interrupts(host, fdt);
    if (host->config.msi.send && host->config.msi_by_requester)
        dt_cells(fdt, "msi-map", (const uint32_t[]){0, DT_PHANDLE_MSI, 0, 0x10000}, 4);
    else if (host->config.msi.send)
        dt_u32(fdt, "msi-parent", DT_PHANDLE_MSI);
    dt_end(fdt);
    return 0;
}

/* --- life ------------------------------------------------------------------------------------*/

static void reset(struct device *dev)
{
    struct pci_host *host = (struct pci_host *)dev;
    pthread_mutex_lock(&host->lock);
    for (unsigned i = 0; i < FUNCTIONS; i++)
        if (host->function[i])
            pci_reset(host->function[i]);
    reroute(&host->root);
    pthread_mutex_unlock(&host->lock);
}

static void destroy(struct device *dev)
{
    struct pci_host *host = (struct pci_host *)dev;
    for (unsigned i = 0; i < FUNCTIONS; i++)
        if (host->function[i])
            host->function[i]->ops->destroy(host->function[i]);
    pthread_mutex_destroy(&host->pins_lock);
    pthread_mutex_destroy(&host->lock);
    free(host);
}

static const struct mem_io_ops ecam_ops = {ecam_read, ecam_write};
static const struct mem_io_ops pio_ops = {pio_read, pio_write};
static const struct mem_io_ops mmio32_ops = {mmio32_read, mmio32_write};
static const struct mem_io_ops mmio64_ops = {mmio64_read, mmio64_write};

static void describe_acpi(struct device *dev, struct acpi *acpi)
{
    acpi_pci_host(acpi, &((struct pci_host *)dev)->config.windows);
}

static const struct device_ops host_ops = {
    .name = "pcie",
    .reset = reset,
    .destroy = destroy,
    .describe = describe,
    .describe_acpi = describe_acpi,
    .io = {[ECAM] = &ecam_ops, [PIO] = &pio_ops, [MMIO32] = &mmio32_ops, [MMIO64] = &mmio64_ops},
};

static void set_resources(struct device_resources *to, const struct pci_windows *w)
{
    const uint64_t window[WINDOWS][2] = {
        [ECAM] = {w->ecam, w->ecam_size},
        [PIO] = {w->pio, w->pio_size},
        [MMIO32] = {w->mmio32, w->mmio32_size},
        [MMIO64] = {w->mmio64, w->mmio64_size},
    };
    for (unsigned i = 0; i < WINDOWS; i++) {
        to->mmio[i].base = window[i][0];
        to->mmio[i].size = window[i][1];
    }
    to->mmios = WINDOWS;
    for (unsigned i = 0; i < PINS; i++)
        to->irq[i].number = w->intx_spi + i;
    to->irqs = PINS;
}

struct device *pci_host_create(const struct pci_host_config *config)
{
    struct pci_host *host = calloc(1, sizeof(*host));
    if (!host)
        return NULL;
    host->dev.ops = &host_ops;
    host->config = *config;
    host->root = (struct pci_bus){.msi = config->msi, .reroute = reroute, .intx = intx};
    set_resources(&host->dev.resources, &config->windows);
    pthread_mutex_init(&host->lock, NULL);
    pthread_mutex_init(&host->pins_lock, NULL);
    host->function[0] = create_bridge();
    if (!host->function[0]) {
        destroy(&host->dev);
        return NULL;
    }
    pci_attach(host->function[0], &host->root, 0, NULL, NULL);
    return &host->dev;
}

int pci_host_add(struct device *dev, unsigned device, struct pci_function *f, struct error *err)
{
    struct pci_host *host = (struct pci_host *)dev;
    if (!f)
        return error_set(err, -ENOMEM, "out of memory");
    if (device == 0 || device > PCI_HOST_SLOTS || host->function[device << 3]) {
        f->ops->destroy(f);
        return error_set(err, -ENOSPC, "PCI: there is no free device %u", device);
    }
    pthread_mutex_lock(&host->lock);
    pci_attach(f, &host->root, device << 3, dev->mem, dev->trace);
    host->function[device << 3] = f;
    pthread_mutex_unlock(&host->lock);
    return 0;
}
