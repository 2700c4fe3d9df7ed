/* SPDX-License-Identifier: Apache-2.0 */
/* GICv3: state, routing and selection. gicv3_dist.c and gicv3_redist.c hold the memory-mapped
 * registers, gicv3_cpuif.c the system registers, gicv3_lpi.c LPIs, gicv3_its.c the ITS. */
#include "machine/intc/gicv3.h"

#include <stdlib.h>

#include "base/bits.h"
#include "machine/fw/acpi/acpi.h"
#include "machine/fw/fdt.h"
#include "machine/intc/its.h"

void gicv3_update(struct gicv3 *gic, unsigned index)
{
    struct gicv3_cpu *cpu = &gic->cpu[index];
    struct gic_best best = gic_best_none();
    uint32_t groups[2] = {
        gic->ctlr & GICD_CTLR_ENABLE_GRP0 && cpu->enable[0] ? ~0u : 0,
        gic->ctlr & GICD_CTLR_ENABLE_GRP1 && cpu->enable[1] ? ~0u : 0,
    };
    if (!cpu->asleep) {
        gic_pick(&best, &cpu->bank, gic_ready(&cpu->bank, groups), 0);
        for (unsigned i = 0; i < GICV3_BANKS; i++) {
            uint32_t ready = gic_ready(&gic->bank[i], groups);
            for (uint32_t left = ready; left; left &= left - 1) {
                unsigned n = (unsigned)__builtin_ctz(left);
                if (gic->target[32 * i + n] != index)
                    ready &= ~(1u << n);
            }
            gic_pick(&best, &gic->bank[i], ready, GIC_SPI0 + 32 * i);
        }
        if (groups[1] && (cpu->lpis.count || cpu->lpis.stale))
            gicv3_lpi_pick(gic, cpu, &best);
    }
    cpu->best = best;
    gicv3_drive(cpu);
}

void gicv3_update_all(struct gicv3 *gic)
{
    for (unsigned i = 0; i < gic->cpus; i++)
        gicv3_update(gic, i);
}

unsigned gicv3_find_cpu(const struct gicv3 *gic, uint32_t affinity)
{
    for (unsigned i = 0; i < gic->cpus; i++)
        if (gic->cpu[i].affinity == affinity)
            return i;
    return GICV3_NO_CPU;
}

void gicv3_set_irouter(struct gicv3 *gic, unsigned spi, uint64_t value)
{
    /* Interrupt_Routing_Mode (bit 31) is RES0: GICD_TYPER.No1N says so. */
    value &= 0xff00ffffffull;
    gic->irouter[spi] = value;
    uint32_t affinity = (uint32_t)(bits(value, 39, 32) << 24 | bits(value, 23, 0));
    gic->target[spi] = (uint16_t)gicv3_find_cpu(gic, affinity);
}

/* Inputs carry the INTID in bits 15:0 and for PPIs the CPU in 31:16. */
static void set_input(void *ctx, unsigned input, bool level)
{
    struct gicv3 *gic = ctx;
    unsigned intid = input & 0xffff;
    pthread_mutex_lock(&gic->lock);
    if (intid < GIC_SPI0) {
        unsigned cpu = input >> 16;
        if (gic_bank_line(&gic->cpu[cpu].bank, intid, level))
            gicv3_update(gic, cpu);
    } else {
        unsigned spi = intid - GIC_SPI0;
        if (gic_bank_line(&gic->bank[spi / 32], spi % 32, level) &&
            gic->target[spi] != GICV3_NO_CPU)
            gicv3_update(gic, gic->target[spi]);
    }
    pthread_mutex_unlock(&gic->lock);
}

struct irq_line gicv3_line(struct device *dev, unsigned cpu, unsigned intid)
{
    struct gicv3 *gic = (struct gicv3 *)dev;
    if (intid >= GIC_SPI0 + GIC_SPIS || cpu >= gic->cpus)
        return (struct irq_line){0};
    return (struct irq_line){set_input, gic, intid < GIC_SPI0 ? cpu << 16 | intid : intid};
}

void gicv3_connect(struct device *dev, unsigned index, uint64_t mpidr, struct irq_line irq,
                   struct irq_line fiq)
{
    struct gicv3 *gic = (struct gicv3 *)dev;
    struct gicv3_cpu *cpu = &gic->cpu[index];
    cpu->mpidr = mpidr;
    cpu->affinity = (uint32_t)(bits(mpidr, 39, 32) << 24 | bits(mpidr, 23, 0));
    cpu->irq = irq;
    cpu->fiq = fiq;
    for (unsigned i = 0; i < GIC_SPIS; i++)
        gicv3_set_irouter(gic, i, gic->irouter[i]);
}

static void gicv3_reset(struct device *dev)
{
    struct gicv3 *gic = (struct gicv3 *)dev;
    pthread_mutex_lock(&gic->lock);
    gic->ctlr = 0;
    for (unsigned i = 0; i < GICV3_BANKS; i++)
        gic_bank_reset(&gic->bank[i], false);
    for (unsigned i = 0; i < GIC_SPIS; i++)
        gicv3_set_irouter(gic, i, 0);
    for (unsigned i = 0; i < gic->cpus; i++) {
        struct gicv3_cpu *cpu = &gic->cpu[i];
        gic_bank_reset(&cpu->bank, true);
        /* Awake, as the EL3 firmware that this board does not have would hand it over: UEFI at
         * EL1 relies on it. */
        cpu->asleep = false;
        gicv3_cpuif_reset(cpu);
    }
    gicv3_lpi_reset(gic);
    gicv3_update_all(gic);
    pthread_mutex_unlock(&gic->lock);
}

static void gicv3_destroy(struct device *dev)
{
    struct gicv3 *gic = (struct gicv3 *)dev;
    pthread_mutex_destroy(&gic->lock);
    free(gic->lpi_pending);
    free(gic->cpu);
    free(gic);
}

/* Linux Documentation/devicetree/bindings/interrupt-controller/arm,gic-v3.yaml */
static int gicv3_describe(struct device *dev, struct fdt_builder *fdt)
{
    struct gicv3 *gic = (struct gicv3 *)dev;
    device_dt_begin(dev, fdt, "intc", "arm,gic-v3");
    dt_empty(fdt, "interrupt-controller");
    dt_u32(fdt, "#interrupt-cells", 3);
    dt_u32(fdt, "#redistributor-regions", 1);
    dt_phandle(fdt, DT_PHANDLE_INTC);
    dt_u32(fdt, "#address-cells", 2);
    dt_u32(fdt, "#size-cells", 2);
    dt_empty(fdt, "ranges");
    if (gic->its)
        gicv3_its_describe(gic->its, fdt);
    dt_end(fdt);
    return 0;
}

static void gicv3_describe_acpi(struct device *dev, struct acpi *acpi)
{
    const struct gicv3 *gic = (struct gicv3 *)dev;
    acpi->gic.version = 3;
    acpi->gic.distributor = dev->resources.mmio[0].base;
    acpi->gic.redistributors = dev->resources.mmio[1].base;
    acpi->gic.redistributor_size = dev->resources.mmio[1].size;
    if (gic->its)
        acpi->its = gic->its->resources.mmio[0].base;
}

static const struct device_ops gicv3_ops = {
    .name = "gicv3",
    .reset = gicv3_reset,
    .destroy = gicv3_destroy,
    .describe = gicv3_describe,
    .describe_acpi = gicv3_describe_acpi,
    .io = {&gicv3_dist_io, &gicv3_redist_io},
};

struct device *gicv3_create(unsigned cpus)
{
    struct gicv3 *gic = calloc(1, sizeof(*gic));
    if (!gic)
        return NULL;
    gic->cpu = calloc(cpus, sizeof(*gic->cpu));
    gic->lpi_pending = calloc(cpus, (LPI_WORDS + LPI_SUMMARY) * sizeof(*gic->lpi_pending));
    if (!gic->cpu || !gic->lpi_pending) {
        free(gic->lpi_pending);
        free(gic->cpu);
        free(gic);
        return NULL;
    }
    for (unsigned i = 0; i < cpus; i++)
        gic->cpu[i].lpis.pending = gic->lpi_pending + (size_t)i * (LPI_WORDS + LPI_SUMMARY);
    gic->dev.ops = &gicv3_ops;
    gic->cpus = cpus;
    pthread_mutex_init(&gic->lock, NULL);
    gicv3_reset(&gic->dev);
    return &gic->dev;
}
