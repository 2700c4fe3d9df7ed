/* SPDX-License-Identifier: Apache-2.0 */
/* GICv3 CPU interface, ICC_*_EL1 (IHI 0069 12.2; priorities and preemption 4.8). The PE is
 * Non-secure with one security state: Group 0 is signalled as FIQ, Group 1 as IRQ. */
#include "machine/intc/gicv3.h"

#include "arm/hooks.h"
#include "base/bits.h"

#define ICC(crn, crm, op2) ARM_SYSREG(3, 0, crn, crm, op2)
#define ICC_PMR_EL1        ICC(4, 6, 0)
#define ICC_IAR0_EL1       ICC(12, 8, 0)
#define ICC_EOIR0_EL1      ICC(12, 8, 1)
#define ICC_HPPIR0_EL1     ICC(12, 8, 2)
#define ICC_BPR0_EL1       ICC(12, 8, 3)
#define ICC_AP0R0_EL1      ICC(12, 8, 4)
#define ICC_AP1R0_EL1      ICC(12, 9, 0)
#define ICC_DIR_EL1        ICC(12, 11, 1)
#define ICC_RPR_EL1        ICC(12, 11, 3)
#define ICC_SGI1R_EL1      ICC(12, 11, 5)
#define ICC_ASGI1R_EL1     ICC(12, 11, 6)
#define ICC_SGI0R_EL1      ICC(12, 11, 7)
#define ICC_IAR1_EL1       ICC(12, 12, 0)
#define ICC_EOIR1_EL1      ICC(12, 12, 1)
#define ICC_HPPIR1_EL1     ICC(12, 12, 2)
#define ICC_BPR1_EL1       ICC(12, 12, 3)
#define ICC_CTLR_EL1       ICC(12, 12, 4)
#define ICC_SRE_EL1        ICC(12, 12, 5)
#define ICC_IGRPEN0_EL1    ICC(12, 12, 6)
#define ICC_IGRPEN1_EL1    ICC(12, 12, 7)

enum {
    CTLR_CBPR = 1,
    CTLR_EOIMODE = 2,
    /* PRIbits 10:8, IDbits 13:11 (0: 16 bits), A3V, RSS */
    CTLR_FIXED = (GIC_PRIORITY_BITS - 1) << 8 | 1 << 15 | 1 << 18,
    SRE_FIXED = 7, /* SRE, DFB, DIB: there is no memory-mapped interface */
};

void gicv3_cpuif_reset(struct gicv3_cpu *cpu)
{
    gic_priorities_reset(&cpu->priorities);
    cpu->eoimode = false;
    cpu->enable[0] = cpu->enable[1] = false;
}

void gicv3_drive(struct gicv3_cpu *cpu)
{
    bool signal = gic_can_signal(&cpu->priorities, &cpu->best);
    bool irq = signal && cpu->best.group == 1, fiq = signal && cpu->best.group == 0;
    if (irq != cpu->irq_up) {
        cpu->irq_up = irq;
        irq_set(&cpu->irq, irq);
    }
    if (fiq != cpu->fiq_up) {
        cpu->fiq_up = fiq;
        irq_set(&cpu->fiq, fiq);
    }
}

/* The bank and bit of an INTID as this CPU sees it; NULL for LPIs, special and absent ones. */
static struct gic_bank *find_bank(struct gicv3 *gic, unsigned cpu, uint64_t intid)
{
    if (intid < GIC_SPI0)
        return &gic->cpu[cpu].bank;
    if (intid < GIC_SPI0 + GIC_SPIS)
        return &gic->bank[(intid - GIC_SPI0) / 32];
    return NULL;
}

/* The CPU, whose best may be out of date in the middle of a run of the ITS's commands: an LPI that
 * another CPU has by now must not be taken. */
static struct gicv3_cpu *find_best(struct gicv3 *gic, unsigned index)
{
    if (gic->cpu[index].lpis.stale)
        gicv3_update(gic, index);
    return &gic->cpu[index];
}

static uint64_t acknowledge(struct gicv3 *gic, unsigned index, unsigned group)
{
    struct gicv3_cpu *cpu = find_best(gic, index);
    if (cpu->best.group != group || !gic_can_signal(&cpu->priorities, &cpu->best))
        return GIC_SPURIOUS;
    unsigned intid = cpu->best.intid;
    gic_priority_raise(&cpu->priorities, &cpu->best);
    if (intid >= GIC_LPI0)
        gicv3_lpi_acknowledge(cpu, intid);
    else
        gic_bank_activate(find_bank(gic, index, intid), intid % 32);
    gicv3_update(gic, index);
    return intid;
}

static void deactivate(struct gicv3 *gic, unsigned index, uint64_t intid)
{
    struct gic_bank *bank = find_bank(gic, index, intid);
    if (!bank)
        return;
    bank->active &= ~(1u << (intid % 32));
    /* A shared interrupt may be another CPU's by now. */
    if (intid >= GIC_SPI0 && gic->target[intid - GIC_SPI0] != index &&
        gic->target[intid - GIC_SPI0] != GICV3_NO_CPU)
        gicv3_update(gic, gic->target[intid - GIC_SPI0]);
}

/* EOIR: drops the running priority; deactivates too unless EOImode. LPIs have nothing to
 * deactivate. */
static void end_of_interrupt(struct gicv3 *gic, unsigned index, unsigned group, uint64_t intid)
{
    struct gicv3_cpu *cpu = &gic->cpu[index];
    if (!find_bank(gic, index, intid) && !(intid >= GIC_LPI0 && intid < GIC_LPI_END))
        return;
    if (!gic_priority_drop(&cpu->priorities, group))
        return;
    if (!cpu->eoimode)
        deactivate(gic, index, intid);
    gicv3_update(gic, index);
}

/* ICC_SGI{0,1}R: to the CPUs of a list under one Aff3.Aff2.Aff1, or to all others (12.2.19). The
 * SGI reaches only where it is configured to be in that group. */
static void generate_sgi(struct gicv3 *gic, unsigned from, unsigned group, uint64_t value)
{
    unsigned intid = (unsigned)bits(value, 27, 24);
    bool others = bit(value, 40);
    uint32_t cluster = (uint32_t)(bits(value, 55, 48) << 24 | bits(value, 39, 32) << 16 |
                                  bits(value, 23, 16) << 8);
    unsigned first = 16 * (unsigned)bits(value, 47, 44);
    for (unsigned i = 0; i < gic->cpus; i++) {
        struct gicv3_cpu *cpu = &gic->cpu[i];
        unsigned aff0 = cpu->affinity & 0xff;
        bool listed =
            (cpu->affinity & ~0xffu) == cluster && aff0 - first < 16 && bit(value, aff0 - first);
        if (others ? i == from : !listed)
            continue;
        if ((cpu->bank.group >> intid & 1) != group)
            continue;
        cpu->bank.latch |= 1u << intid;
        gicv3_update(gic, i);
    }
}

static uint64_t highest_pending(const struct gicv3_cpu *cpu, unsigned group)
{
    return cpu->best.group == group ? cpu->best.intid : GIC_SPURIOUS;
}

static bool read_locked(struct gicv3 *gic, unsigned index, uint32_t sysreg, uint64_t *value)
{
    struct gicv3_cpu *cpu = &gic->cpu[index];
    switch (sysreg) {
    case ICC_IAR0_EL1:
        *value = acknowledge(gic, index, 0);
        return true;
    case ICC_IAR1_EL1:
        *value = acknowledge(gic, index, 1);
        return true;
    case ICC_HPPIR0_EL1:
        *value = highest_pending(find_best(gic, index), 0);
        return true;
    case ICC_HPPIR1_EL1:
        *value = highest_pending(find_best(gic, index), 1);
        return true;
    case ICC_PMR_EL1:
        *value = cpu->priorities.pmr;
        return true;
    case ICC_RPR_EL1:
        *value = gic_running_priority(&cpu->priorities);
        return true;
    case ICC_BPR0_EL1:
        *value = cpu->priorities.bpr[0];
        return true;
    case ICC_BPR1_EL1:
        *value = gic_read_bpr1(&cpu->priorities);
        return true;
    case ICC_AP0R0_EL1:
        *value = cpu->priorities.apr[0];
        return true;
    case ICC_AP1R0_EL1:
        *value = cpu->priorities.apr[1];
        return true;
    case ICC_CTLR_EL1:
        *value =
            CTLR_FIXED | (cpu->priorities.cbpr ? CTLR_CBPR : 0) | (cpu->eoimode ? CTLR_EOIMODE : 0);
        return true;
    case ICC_SRE_EL1:
        *value = SRE_FIXED;
        return true;
    case ICC_IGRPEN0_EL1:
        *value = cpu->enable[0];
        return true;
    case ICC_IGRPEN1_EL1:
        *value = cpu->enable[1];
        return true;
    default:
        return false;
    }
}

bool gicv3_icc_read(void *ctx, unsigned index, uint32_t sysreg, uint64_t *value)
{
    struct gicv3 *gic = ctx;
    pthread_mutex_lock(&gic->lock);
    bool exists = read_locked(gic, index, sysreg, value);
    pthread_mutex_unlock(&gic->lock);
    return exists;
}

static void write_ctlr(struct gicv3_cpu *cpu, uint64_t value)
{
    cpu->priorities.cbpr = value & CTLR_CBPR;
    cpu->eoimode = (value & CTLR_EOIMODE) != 0;
}

static bool write_locked(struct gicv3 *gic, unsigned index, uint32_t sysreg, uint64_t value)
{
    struct gicv3_cpu *cpu = &gic->cpu[index];
    switch (sysreg) {
    case ICC_EOIR0_EL1:
        end_of_interrupt(gic, index, 0, value & 0xffffff);
        return true;
    case ICC_EOIR1_EL1:
        end_of_interrupt(gic, index, 1, value & 0xffffff);
        return true;
    case ICC_DIR_EL1:
        if (cpu->eoimode)
            deactivate(gic, index, value & 0xffffff);
        break;
    case ICC_SGI0R_EL1:
        generate_sgi(gic, index, 0, value);
        return true;
    case ICC_SGI1R_EL1:
        generate_sgi(gic, index, 1, value);
        return true;
    case ICC_ASGI1R_EL1: /* to the other security state, which does not exist */
        return true;
    case ICC_PMR_EL1:
        cpu->priorities.pmr = value & GIC_PRIORITY_MASK;
        gicv3_drive(cpu);
        return true;
    case ICC_BPR0_EL1:
        gic_write_bpr(&cpu->priorities, 0, (uint8_t)value);
        break;
    case ICC_BPR1_EL1:
        gic_write_bpr(&cpu->priorities, 1, (uint8_t)value);
        break;
    case ICC_AP0R0_EL1:
        cpu->priorities.apr[0] = (uint32_t)value;
        break;
    case ICC_AP1R0_EL1:
        cpu->priorities.apr[1] = (uint32_t)value;
        break;
    case ICC_CTLR_EL1:
        write_ctlr(cpu, value);
        break;
    case ICC_SRE_EL1:
        return true;
    case ICC_IGRPEN0_EL1:
        cpu->enable[0] = value & 1;
        break;
    case ICC_IGRPEN1_EL1:
        cpu->enable[1] = value & 1;
        break;
    default:
        return false;
    }
    gicv3_update(gic, index);
    return true;
}

bool gicv3_icc_write(void *ctx, unsigned index, uint32_t sysreg, uint64_t value)
{
    struct gicv3 *gic = ctx;
    pthread_mutex_lock(&gic->lock);
    bool exists = write_locked(gic, index, sysreg, value);
    pthread_mutex_unlock(&gic->lock);
    return exists;
}
