/* SPDX-License-Identifier: Apache-2.0 */
/* GICv2 CPU interface registers, GICC_* (IHI 0048 4.4), of the accessing CPU. */
#include "machine/intc/gicv2.h"

enum {
    GICC_CTLR = 0x00,
    GICC_PMR = 0x04,
    GICC_BPR = 0x08,
    GICC_IAR = 0x0c,
    GICC_EOIR = 0x10,
    GICC_RPR = 0x14,
    GICC_HPPIR = 0x18,
    GICC_ABPR = 0x1c,
    GICC_AIAR = 0x20,
    GICC_AEOIR = 0x24,
    GICC_AHPPIR = 0x28,
    GICC_APR0 = 0xd0,
    GICC_NSAPR0 = 0xe0,
    GICC_IIDR = 0xfc,
    GICC_DIR = 0x1000,
    IIDR_VALUE = 0x0202043b, /* architecture version 2 in 19:16 */
    /* IAR: the highest pending interrupt is of Group 1 and AckCtl is 0 (3.2.5). */
    GIC_USE_ALIAS = 1022,
};

static struct gic_bank *find_bank(struct gicv2 *gic, unsigned cpu, unsigned intid)
{
    if (intid < GIC_SPI0)
        return &gic->cpu[cpu].bank;
    if (intid < GIC_SPI0 + GIC_SPIS)
        return &gic->bank[(intid - GIC_SPI0) / 32];
    return NULL;
}

/* The other CPUs that an SPI targets see a change of its state too. */
static void update_targets(struct gicv2 *gic, unsigned cpu, unsigned intid)
{
    gicv2_update(gic, cpu);
    if (intid < GIC_SPI0)
        return;
    uint8_t others = gic->target[intid - GIC_SPI0] & (uint8_t) ~(1u << cpu);
    for (unsigned i = 0; others; i++, others >>= 1)
        if (others & 1)
            gicv2_update(gic, i);
}

/* What IAR and HPPIR (alias: AIAR, AHPPIR) say about the best candidate's group (3.2.5). */
static uint32_t visible(const struct gicv2_cpu *cpu, bool alias)
{
    if (cpu->best.intid == GIC_SPURIOUS)
        return GIC_SPURIOUS;
    if (alias)
        return cpu->best.group == 1 ? cpu->best.intid : GIC_SPURIOUS;
    return cpu->best.group == 0 || cpu->ctlr & GICC_CTLR_ACKCTL ? cpu->best.intid : GIC_USE_ALIAS;
}

/* Removes one source of a pending SGI; returns its CPUID field (bits 12:10). */
static uint32_t take_sgi_source(struct gicv2_cpu *cpu, unsigned sgi)
{
    if (!cpu->sgi_source[sgi])
        return 0;
    unsigned source = (unsigned)__builtin_ctz(cpu->sgi_source[sgi]);
    cpu->sgi_source[sgi] &= (uint8_t) ~(1u << source);
    if (cpu->sgi_source[sgi])
        cpu->bank.latch |= 1u << sgi;
    return source << 10;
}

static uint32_t acknowledge(struct gicv2 *gic, unsigned index, bool alias)
{
    struct gicv2_cpu *cpu = &gic->cpu[index];
    if (!gic_can_signal(&cpu->priorities, &cpu->best))
        return GIC_SPURIOUS;
    uint32_t intid = visible(cpu, alias), source = 0;
    if (intid >= GIC_USE_ALIAS)
        return intid;
    gic_priority_raise(&cpu->priorities, &cpu->best);
    gic_bank_activate(find_bank(gic, index, intid), intid % 32);
    if (intid < GICV2_SGIS)
        source = take_sgi_source(cpu, intid);
    update_targets(gic, index, intid);
    return source | intid;
}

static void deactivate(struct gicv2 *gic, unsigned index, uint32_t value)
{
    unsigned intid = value & 0x3ff;
    struct gic_bank *bank = find_bank(gic, index, intid);
    if (!bank)
        return;
    bank->active &= ~(1u << (intid % 32));
    update_targets(gic, index, intid);
}

static void end_of_interrupt(struct gicv2 *gic, unsigned index, uint32_t value, bool alias)
{
    struct gicv2_cpu *cpu = &gic->cpu[index];
    unsigned intid = value & 0x3ff;
    struct gic_bank *bank = find_bank(gic, index, intid);
    if (!bank)
        return;
    unsigned group = bank->group >> (intid % 32) & 1;
    /* EOIR ends Group 1 interrupts only if IAR may acknowledge them. */
    if (alias ? group == 0 : group == 1 && !(cpu->ctlr & GICC_CTLR_ACKCTL))
        return;
    if (!gic_priority_drop(&cpu->priorities, group))
        return;
    if (!(cpu->ctlr & GICC_CTLR_EOIMODE))
        bank->active &= ~(1u << (intid % 32));
    update_targets(gic, index, intid);
}

static uint32_t cpuif_read(struct gicv2 *gic, unsigned index, uint64_t offset)
{
    struct gicv2_cpu *cpu = &gic->cpu[index];
    switch (offset) {
    case GICC_CTLR:
        return cpu->ctlr;
    case GICC_PMR:
        return cpu->priorities.pmr;
    case GICC_BPR:
        return cpu->priorities.bpr[0];
    case GICC_ABPR:
        return gic_read_bpr1(&cpu->priorities);
    case GICC_IAR:
        return acknowledge(gic, index, false);
    case GICC_AIAR:
        return acknowledge(gic, index, true);
    case GICC_HPPIR:
        return visible(cpu, false);
    case GICC_AHPPIR:
        return visible(cpu, true);
    case GICC_RPR:
        return gic_running_priority(&cpu->priorities);
    case GICC_APR0:
        return cpu->priorities.apr[0];
    case GICC_NSAPR0:
        return cpu->priorities.apr[1];
    case GICC_IIDR:
        return IIDR_VALUE;
    default:
        return 0;
    }
}

static void cpuif_write(struct gicv2 *gic, unsigned index, uint64_t offset, uint32_t value)
{
    struct gicv2_cpu *cpu = &gic->cpu[index];
    switch (offset) {
    case GICC_CTLR:
        cpu->ctlr = value & GICC_CTLR_MASK;
        cpu->priorities.cbpr = (value & GICC_CTLR_CBPR) != 0;
        break;
    case GICC_PMR:
        cpu->priorities.pmr = value & GIC_PRIORITY_MASK;
        break;
    case GICC_BPR:
        gic_write_bpr(&cpu->priorities, 0, (uint8_t)value);
        break;
    case GICC_ABPR:
        gic_write_bpr(&cpu->priorities, 1, (uint8_t)value);
        break;
    case GICC_EOIR:
        end_of_interrupt(gic, index, value, false);
        return;
    case GICC_AEOIR:
        end_of_interrupt(gic, index, value, true);
        return;
    case GICC_DIR:
        if (cpu->ctlr & GICC_CTLR_EOIMODE)
            deactivate(gic, index, value);
        return;
    case GICC_APR0:
        cpu->priorities.apr[0] = value;
        break;
    case GICC_NSAPR0:
        cpu->priorities.apr[1] = value;
        break;
    default:
        return;
    }
    gicv2_update(gic, index);
}

static int io_read(void *dev, uint64_t offset, unsigned size, uint64_t *value)
{
    struct gicv2 *gic = dev;
    unsigned cpu = gicv2_current(gic);
    *value = 0;
    if (size != 4)
        return 0;
    pthread_mutex_lock(&gic->lock);
    *value = cpuif_read(gic, cpu, offset);
    pthread_mutex_unlock(&gic->lock);
    return 0;
}

static int io_write(void *dev, uint64_t offset, unsigned size, uint64_t value)
{
    struct gicv2 *gic = dev;
    unsigned cpu = gicv2_current(gic);
    if (size != 4)
        return 0;
    pthread_mutex_lock(&gic->lock);
    cpuif_write(gic, cpu, offset, (uint32_t)value);
    pthread_mutex_unlock(&gic->lock);
    return 0;
}

const struct mem_io_ops gicv2_cpuif_io = {io_read, io_write};
