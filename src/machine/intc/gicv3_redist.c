/* SPDX-License-Identifier: Apache-2.0 */
/* GICv3 Redistributors, GICR_* (IHI 0069 12.10, 12.11): for each CPU a frame for control
 * (RD_base) and one for SGIs and PPIs (SGI_base). No LPIs. */
#include "machine/intc/gicv3.h"

#include "base/bits.h"

enum {
    FRAME = 0x10000,
    FRAMES = 2 * FRAME, /* a CPU */
    GICR_CTLR = 0x0000,
    GICR_IIDR = 0x0004,
    GICR_TYPER = 0x0008,
    GICR_WAKER = 0x0014,
    GICR_ID_REGISTERS = 0xffd0,
    WAKER_PROCESSOR_SLEEP = 2,
    WAKER_CHILDREN_ASLEEP = 4,
    IIDR_VALUE = 0x43b,
};

/* PIDR4..7, PIDR0..3, CIDR0..3. */
static const uint8_t id_registers[12] = {0x44, 0, 0,    0,    0x93, 0xb4,
                                         0x3b, 0, 0x0d, 0xf0, 0x05, 0xb1};

/* Affinity 63:32, Processor_Number 23:8, Last 4. */
static uint64_t typer(const struct gicv3 *gic, unsigned cpu)
{
    return (uint64_t)gic->cpu[cpu].affinity << 32 | (uint64_t)cpu << 8 |
           (cpu == gic->cpus - 1 ? 1u << 4 : 0);
}

static uint64_t control_read(struct gicv3 *gic, unsigned cpu, uint64_t offset, unsigned size)
{
    if (offset == GICR_TYPER || (offset == GICR_TYPER + 4 && size == 4))
        return size >= 4 ? typer(gic, cpu) >> (8 * (offset & 7)) : 0;
    if (size != 4)
        return 0;
    switch (offset) {
    case GICR_IIDR:
        return IIDR_VALUE;
    case GICR_WAKER:
        return gic->cpu[cpu].asleep ? WAKER_PROCESSOR_SLEEP | WAKER_CHILDREN_ASLEEP : 0;
    default: /* GICR_CTLR has no bits without LPIs and DPG */
        if (offset >= GICR_ID_REGISTERS)
            return id_registers[(offset - GICR_ID_REGISTERS) / 4];
        return 0;
    }
}

static int io_read(void *dev, uint64_t offset, unsigned size, uint64_t *value)
{
    struct gicv3 *gic = dev;
    unsigned cpu = (unsigned)(offset / FRAMES);
    uint64_t in_frame = offset % FRAME;
    *value = 0;
    if (cpu >= gic->cpus)
        return 0;
    pthread_mutex_lock(&gic->lock);
    if (offset % FRAMES < FRAME) {
        *value = control_read(gic, cpu, in_frame, size);
    } else {
        struct gic_where where = gic_bank_decode(in_frame);
        if (where.reg != GIC_NONE && where.bank == 0 && size <= 4)
            *value = gic_bank_read(&gic->cpu[cpu].bank, &where, size);
    }
    pthread_mutex_unlock(&gic->lock);
    return 0;
}

static int io_write(void *dev, uint64_t offset, unsigned size, uint64_t value)
{
    struct gicv3 *gic = dev;
    unsigned cpu = (unsigned)(offset / FRAMES);
    uint64_t in_frame = offset % FRAME;
    if (cpu >= gic->cpus)
        return 0;
    pthread_mutex_lock(&gic->lock);
    if (offset % FRAMES < FRAME) {
        if (in_frame == GICR_WAKER && size == 4)
            gic->cpu[cpu].asleep = (value & WAKER_PROCESSOR_SLEEP) != 0;
    } else {
        struct gic_where where = gic_bank_decode(in_frame);
        if (where.reg != GIC_NONE && where.bank == 0 && size <= 4)
            gic_bank_write(&gic->cpu[cpu].bank, &where, size, (uint32_t)value);
    }
    gicv3_update(gic, cpu);
    pthread_mutex_unlock(&gic->lock);
    return 0;
}

const struct mem_io_ops gicv3_redist_io = {io_read, io_write};
