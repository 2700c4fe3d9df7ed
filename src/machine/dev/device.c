/* SPDX-License-Identifier: Apache-2.0 */
#include "machine/dev/device.h"

#include <inttypes.h>

#include "base/error.h"
#include "machine/fw/acpi/aml.h"
#include "machine/fw/fdt.h"
#include "machine/mem/mem.h"

int device_map(struct device *dev, struct mem *mem, struct error *err)
{
    const struct device_resources *res = &dev->resources;
    dev->mem = mem;
    for (unsigned i = 0; i < res->mmios; i++) {
        uint64_t base = res->mmio[i].base, size = res->mmio[i].size;
        int rc = dev->rom[i]
                     ? mem_add_rom_device(mem, base, size, dev->rom[i], dev->ops->io[i], dev,
                                          dev->ops->name, err)
                     : mem_add_io(mem, base, size, dev->ops->io[i], dev, dev->ops->name, err);
        if (rc)
            return rc;
    }
    return 0;
}

void device_dt_begin(const struct device *dev, struct fdt_builder *fdt, const char *name,
                     const char *compatible)
{
    const struct device_resources *res = &dev->resources;
    struct dt_range reg[DEVICE_MAX_MMIO];
    struct dt_irq irqs[DEVICE_MAX_IRQS];
    for (unsigned i = 0; i < res->mmios; i++)
        reg[i] = (struct dt_range){res->mmio[i].base, res->mmio[i].size};
    for (unsigned i = 0; i < res->irqs; i++)
        irqs[i] = (struct dt_irq){
            .ppi = res->irq[i].ppi,
            .number = res->irq[i].number,
            .flags = res->irq[i].edge ? DT_IRQ_EDGE_RISING : DT_IRQ_LEVEL_HIGH,
        };
    if (res->mmios)
        dt_node(fdt, "%s@%" PRIx64, name, res->mmio[0].base);
    else
        dt_node(fdt, "%s", name);
    dt_strings(fdt, "compatible", compatible);
    if (res->mmios)
        dt_reg(fdt, reg, res->mmios);
    if (res->irqs)
        dt_interrupts(fdt, irqs, res->irqs);
}

uint32_t device_gsiv(const struct device *dev, unsigned irq)
{
    enum { PPI0 = 16, SPI0 = 32 };
    return dev->resources.irq[irq].number + (dev->resources.irq[irq].ppi ? PPI0 : SPI0);
}

void device_acpi_begin(const struct device *dev, struct aml *aml, const char *name, const char *hid,
                       unsigned uid)
{
    const struct device_resources *res = &dev->resources;
    aml_device(aml, "%s", name);
    aml_name_string(aml, "_HID", hid);
    aml_name_int(aml, "_UID", uid);
    aml_resources(aml, "_CRS");
    for (unsigned i = 0; i < res->mmios; i++)
        aml_memory(aml, res->mmio[i].base, res->mmio[i].size);
    for (unsigned i = 0; i < res->irqs; i++)
        aml_interrupt(aml, device_gsiv(dev, i), res->irq[i].edge);
    aml_resources_end(aml);
}
