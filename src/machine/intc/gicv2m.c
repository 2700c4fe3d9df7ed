/* SPDX-License-Identifier: Apache-2.0 */
/*
 * GICv2m frame (Arm Server Base System Architecture, appendix on GICv2m): turns writes of an
 * interrupt's number into pulses of a GICv2's SPIs. One window of 4 KiB. SPIs that software has
 * not made edge-triggered do not notice a pulse.
 */
#include "machine/intc/gic.h"

#include <pthread.h>
#include <stdlib.h>

#include "base/trace.h"
#include "machine/fw/acpi/acpi.h"
#include "machine/fw/fdt.h"
#include "machine/intc/gicv2.h"
#include "machine/mem/mem.h"

enum {
    MSI_TYPER = 0x008,
    MSI_SETSPI_NS = 0x040,
    MSI_IIDR = 0xfcc,
    IIDR_VALUE = 0x43b, /* Arm's; product and revision 0 */
};

struct gicv2m {
    struct device dev;
    struct device *gic;
    unsigned first, count; /* INTIDs */
    pthread_mutex_t lock;  /* a pulse is one step: another message's edge must not fall into it */
};

static void set_spi(struct gicv2m *frame, uint32_t intid)
{
    if (intid < frame->first || intid - frame->first >= frame->count)
        return;
    struct irq_line line = gicv2_line(frame->gic, 0, intid);
    pthread_mutex_lock(&frame->lock);
    irq_set(&line, true);
    irq_set(&line, false);
    pthread_mutex_unlock(&frame->lock);
}

static int io_read(void *dev, uint64_t offset, unsigned size, uint64_t *value)
{
    const struct gicv2m *frame = dev;
    *value = 0;
    if (size == 4 && offset == MSI_TYPER)
        *value = frame->first << 16 | frame->count;
    else if (size == 4 && offset == MSI_IIDR)
        *value = IIDR_VALUE;
    return 0;
}

/* The number is in bits 9:0; a 16-bit write does as well. */
static int io_write(void *dev, uint64_t offset, unsigned size, uint64_t value)
{
    if (offset == MSI_SETSPI_NS && (size == 4 || size == 2))
        set_spi(dev, value & 0x3ff);
    return 0;
}

static void send(void *ctx, uint32_t device_id, uint64_t address, uint32_t data)
{
    struct gicv2m *frame = ctx;
    if (address == frame->dev.resources.mmio[0].base + MSI_SETSPI_NS)
        set_spi(frame, data & 0x3ff);
    else if (trace_on(frame->dev.trace, TRACE_IRQ))
        trace_print(frame->dev.trace, TRACE_IRQ, "message of device %#x to %#llx is lost",
                    (unsigned)device_id, (unsigned long long)address);
}

static void destroy(struct device *dev)
{
    struct gicv2m *frame = (struct gicv2m *)dev;
    pthread_mutex_destroy(&frame->lock);
    free(frame);
}

/* A child of the GIC's node; Linux Documentation/devicetree/bindings/interrupt-controller/
 * arm,gic.yaml */
static int describe(struct device *dev, struct fdt_builder *fdt)
{
    device_dt_begin(dev, fdt, "v2m", "arm,gic-v2m-frame");
    dt_empty(fdt, "msi-controller");
    dt_phandle(fdt, DT_PHANDLE_MSI);
    dt_end(fdt);
    return 0;
}

static void describe_acpi(struct device *dev, struct acpi *acpi)
{
    struct gicv2m *frame = (struct gicv2m *)dev;
    acpi->msi_frame.base = dev->resources.mmio[0].base;
    acpi->msi_frame.first_gsiv = (uint16_t)frame->first;
    acpi->msi_frame.count = (uint16_t)frame->count;
}

static const struct mem_io_ops io_ops = {io_read, io_write};

static const struct device_ops ops = {
    .name = "gicv2m",
    .destroy = destroy,
    .describe = describe,
    .describe_acpi = describe_acpi,
    .io = {&io_ops},
};

struct device *gicv2m_create(struct device *gic, unsigned first, unsigned count)
{
    struct gicv2m *frame = calloc(1, sizeof(*frame));
    if (!frame)
        return NULL;
    frame->dev.ops = &ops;
    frame->dev.hidden = true; /* the GIC describes it within its own node */
    frame->gic = gic;
    frame->first = GIC_SPI0 + first;
    frame->count = count;
    pthread_mutex_init(&frame->lock, NULL);
    ((struct gicv2 *)gic)->frame = &frame->dev;
    return &frame->dev;
}

struct msi_sink gicv2m_sink(struct device *frame)
{
    return (struct msi_sink){send, frame};
}
