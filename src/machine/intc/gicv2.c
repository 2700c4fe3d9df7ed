/* SPDX-License-Identifier: Apache-2.0 */
/* GICv2: state and selection. gicv2_dist.c holds the distributor's registers, gicv2_cpuif.c those
 * of the CPU interfaces. */
#include "machine/intc/gicv2.h"

#include <stdlib.h>
#include <string.h>

#include "machine/fw/acpi/acpi.h"
#include "machine/fw/fdt.h"

/* Drives a CPU's inputs: Group 0 is signalled as FIQ if GICC_CTLR.FIQEn, else everything as IRQ. */
static void drive(struct gicv2_cpu *cpu)
{
    bool signal = gic_can_signal(&cpu->priorities, &cpu->best);
    bool as_fiq = cpu->best.group == 0 && cpu->ctlr & GICC_CTLR_FIQEN;
    bool irq = signal && !as_fiq, fiq = signal && as_fiq;
    if (irq != cpu->irq_up) {
        cpu->irq_up = irq;
        irq_set(&cpu->irq, irq);
    }
    if (fiq != cpu->fiq_up) {
        cpu->fiq_up = fiq;
        irq_set(&cpu->fiq, fiq);
    }
}

void gicv2_update(struct gicv2 *gic, unsigned index)
{
    struct gicv2_cpu *cpu = &gic->cpu[index];
    struct gic_best best = gic_best_none();
    uint32_t groups[2] = {
        gic->ctlr & GICD_CTLR_GRP0 && cpu->ctlr & GICC_CTLR_GRP0 ? ~0u : 0,
        gic->ctlr & GICD_CTLR_GRP1 && cpu->ctlr & GICC_CTLR_GRP1 ? ~0u : 0,
    };
    gic_pick(&best, &cpu->bank, gic_ready(&cpu->bank, groups), 0);
    for (unsigned i = 0; i < GICV2_BANKS; i++) {
        uint32_t ready = gic_ready(&gic->bank[i], groups);
        for (uint32_t left = ready; left; left &= left - 1) {
            unsigned n = (unsigned)__builtin_ctz(left);
            if (!(gic->target[32 * i + n] >> index & 1))
                ready &= ~(1u << n);
        }
        gic_pick(&best, &gic->bank[i], ready, GIC_SPI0 + 32 * i);
    }
    cpu->best = best;
    drive(cpu);
}

void gicv2_update_all(struct gicv2 *gic)
{
    for (unsigned i = 0; i < gic->cpus; i++)
        gicv2_update(gic, i);
}

unsigned gicv2_current(const struct gicv2 *gic)
{
    unsigned cpu = gic->current ? gic->current(gic->current_ctx) : 0;
    return cpu < gic->cpus ? cpu : 0;
}

/* Inputs carry the INTID in bits 15:0 and for PPIs the CPU in 31:16. */
static void set_input(void *ctx, unsigned input, bool level)
{
    struct gicv2 *gic = ctx;
    unsigned intid = input & 0xffff;
    pthread_mutex_lock(&gic->lock);
    if (intid < GIC_SPI0) {
        unsigned cpu = input >> 16;
        if (gic_bank_line(&gic->cpu[cpu].bank, intid, level))
            gicv2_update(gic, cpu);
    } else {
        unsigned spi = intid - GIC_SPI0;
        if (gic_bank_line(&gic->bank[spi / 32], spi % 32, level))
            for (unsigned i = 0; i < gic->cpus; i++)
                if (gic->target[spi] >> i & 1)
                    gicv2_update(gic, i);
    }
    pthread_mutex_unlock(&gic->lock);
}

struct irq_line gicv2_line(struct device *dev, unsigned cpu, unsigned intid)
{
    struct gicv2 *gic = (struct gicv2 *)dev;
    if (intid >= GIC_SPI0 + GIC_SPIS || cpu >= gic->cpus)
        return (struct irq_line){0};
    return (struct irq_line){set_input, gic, intid < GIC_SPI0 ? cpu << 16 | intid : intid};
}

void gicv2_connect(struct device *dev, unsigned index, struct irq_line irq, struct irq_line fiq)
{
    struct gicv2 *gic = (struct gicv2 *)dev;
    gic->cpu[index].irq = irq;
    gic->cpu[index].fiq = fiq;
}

static void gicv2_reset(struct device *dev)
{
    struct gicv2 *gic = (struct gicv2 *)dev;
    pthread_mutex_lock(&gic->lock);
    gic->ctlr = 0;
    for (unsigned i = 0; i < GICV2_BANKS; i++)
        gic_bank_reset(&gic->bank[i], false);
    /* In a uniprocessor ITARGETSR is RAZ/WI and everything goes to the one CPU (4.3.12). */
    memset(gic->target, gic->cpus == 1 ? 1 : 0, sizeof(gic->target));
    for (unsigned i = 0; i < gic->cpus; i++) {
        struct gicv2_cpu *cpu = &gic->cpu[i];
        gic_bank_reset(&cpu->bank, true);
        cpu->bank.enable = 0xffff; /* SGIs are always enabled (4.3.5) */
        memset(cpu->sgi_source, 0, sizeof(cpu->sgi_source));
        cpu->ctlr = 0;
        gic_priorities_reset(&cpu->priorities);
    }
    gicv2_update_all(gic);
    pthread_mutex_unlock(&gic->lock);
}

static void gicv2_destroy(struct device *dev)
{
    struct gicv2 *gic = (struct gicv2 *)dev;
    pthread_mutex_destroy(&gic->lock);
    free(gic);
}

/* Linux Documentation/devicetree/bindings/interrupt-controller/arm,gic.yaml */
static int gicv2_describe(struct device *dev, struct fdt_builder *fdt)
{
    const struct gicv2 *gic = (struct gicv2 *)dev;
    int rc = 0;
    device_dt_begin(dev, fdt, "intc", "arm,cortex-a15-gic");
    dt_empty(fdt, "interrupt-controller");
    dt_u32(fdt, "#interrupt-cells", 3);
    dt_u32(fdt, "#address-cells", 2);
    dt_u32(fdt, "#size-cells", 2);
    dt_empty(fdt, "ranges");
    dt_phandle(fdt, DT_PHANDLE_INTC);
    if (gic->frame)
        rc = gic->frame->ops->describe(gic->frame, fdt);
    dt_end(fdt);
    return rc;
}

static void gicv2_describe_acpi(struct device *dev, struct acpi *acpi)
{
    const struct gicv2 *gic = (struct gicv2 *)dev;
    acpi->gic.version = 2;
    acpi->gic.distributor = dev->resources.mmio[0].base;
    acpi->gic.cpu_interface = dev->resources.mmio[1].base;
    if (gic->frame)
        gic->frame->ops->describe_acpi(gic->frame, acpi);
}

static const struct device_ops gicv2_ops = {
    .name = "gicv2",
    .reset = gicv2_reset,
    .destroy = gicv2_destroy,
    .describe = gicv2_describe,
    .describe_acpi = gicv2_describe_acpi,
    .io = {&gicv2_dist_io, &gicv2_cpuif_io},
};

struct device *gicv2_create(unsigned cpus, unsigned (*current)(void *ctx), void *ctx)
{
    struct gicv2 *gic = calloc(1, sizeof(*gic));
    if (!gic)
        return NULL;
    gic->dev.ops = &gicv2_ops;
    gic->cpus = cpus > GICV2_MAX_CPUS ? GICV2_MAX_CPUS : cpus;
    gic->current = current;
    gic->current_ctx = ctx;
    pthread_mutex_init(&gic->lock, NULL);
    gicv2_reset(&gic->dev);
    return &gic->dev;
}
