/* SPDX-License-Identifier: Apache-2.0 */
/* GICv3 Redistributors, GICR_* (IHI 0069 12.10, 12.11): for each CPU a frame for control
 * (RD_base) and one for SGIs and PPIs (SGI_base). */
#include "machine/intc/gicv3.h"

#include "base/bits.h"

enum {
    FRAME = 0x10000,
    FRAMES = 2 * FRAME, /* a CPU */
    GICR_CTLR = 0x0000,
    GICR_IIDR = 0x0004,
    GICR_TYPER = 0x0008,
    GICR_WAKER = 0x0014,
    GICR_PROPBASER = 0x0070,
    GICR_PENDBASER = 0x0078,
    GICR_INVLPIR = 0x00a0,
    GICR_INVALLR = 0x00b0,
    GICR_ID_REGISTERS = 0xffd0,
    CTLR_ENABLE_LPIS = 1,
    /* CES: LPIs can be disabled again. IR: GICR_INVLPIR, INVALLR, SYNCR (which is never busy). */
    CTLR_FIXED = 1 << 1 | 1 << 2,
    TYPER_PLPIS = 1,
    WAKER_PROCESSOR_SLEEP = 2,
    WAKER_CHILDREN_ASLEEP = 4,
    IIDR_VALUE = 0x43b,
};

/* Cacheability and shareability are kept as they are written: tables are coherent memory. */
#define PROPBASER_MASK 0x70fffffffffff9full
#define PENDBASER_MASK (0x70fffffffff0f80ull | GICR_PENDBASER_PTZ)

/* PIDR4..7, PIDR0..3, CIDR0..3. */
static const uint8_t id_registers[12] = {0x44, 0, 0,    0,    0x93, 0xb4,
                                         0x3b, 0, 0x0d, 0xf0, 0x05, 0xb1};

/* Affinity 63:32, CommonLPIAff 25:24 (all share one configuration table), Processor_Number 23:8,
 * Last 4. */
static uint64_t typer(const struct gicv3 *gic, unsigned cpu)
{
    return (uint64_t)gic->cpu[cpu].affinity << 32 | (uint64_t)cpu << 8 |
           (cpu == gic->cpus - 1 ? 1u << 4 : 0) | TYPER_PLPIS;
}

/* A 64-bit register that an access lies in. */
static uint64_t read64(uint64_t value, uint64_t offset, unsigned size)
{
    return size >= 4 ? value >> (8 * (offset & 7)) : 0;
}

static uint64_t control_read(struct gicv3 *gic, unsigned index, uint64_t offset, unsigned size)
{
    const struct gicv3_cpu *cpu = &gic->cpu[index];
    switch (offset & ~7ull) {
    case GICR_TYPER:
        return read64(typer(gic, index), offset, size);
    case GICR_PROPBASER:
        return read64(cpu->lpis.propbaser, offset, size);
    case GICR_PENDBASER:
        return read64(cpu->lpis.pendbaser & ~GICR_PENDBASER_PTZ, offset, size);
    }
    if (size != 4)
        return 0;
    switch (offset) {
    case GICR_CTLR:
        return CTLR_FIXED | (cpu->lpis.enabled ? CTLR_ENABLE_LPIS : 0);
    case GICR_IIDR:
        return IIDR_VALUE;
    case GICR_WAKER:
        return cpu->asleep ? WAKER_PROCESSOR_SLEEP | WAKER_CHILDREN_ASLEEP : 0;
    default:
        if (offset >= GICR_ID_REGISTERS)
            return id_registers[(offset - GICR_ID_REGISTERS) / 4];
        return 0;
    }
}

/* The table registers: while LPIs are enabled a write is UNPREDICTABLE, and ignored here. */
static void write_table(struct gicv3_lpis *lpis, uint64_t *reg, uint64_t writable, uint64_t offset,
                        unsigned size, uint64_t value)
{
    unsigned shift = 8 * (offset & 7);
    uint64_t mask = (ones(8 * size) << shift) & writable;
    if (size >= 4 && !lpis->enabled)
        *reg = (*reg & ~mask) | (value << shift & mask);
}

static void control_write(struct gicv3 *gic, unsigned index, uint64_t offset, unsigned size,
                          uint64_t value)
{
    struct gicv3_cpu *cpu = &gic->cpu[index];
    struct gicv3_lpis *lpis = &cpu->lpis;
    switch (offset & ~7ull) {
    case GICR_PROPBASER:
        write_table(lpis, &lpis->propbaser, PROPBASER_MASK, offset, size, value);
        return;
    case GICR_PENDBASER:
        write_table(lpis, &lpis->pendbaser, PENDBASER_MASK, offset, size, value);
        return;
    }
    if (offset == GICR_CTLR && size == 4)
        gicv3_lpi_enable(gic, index, value & CTLR_ENABLE_LPIS);
    else if (offset == GICR_WAKER && size == 4)
        cpu->asleep = (value & WAKER_PROCESSOR_SLEEP) != 0;
    else if (offset == GICR_INVLPIR && size >= 4)
        gicv3_lpi_invalidate(gic, index, (uint32_t)value);
    else if (offset == GICR_INVALLR && size >= 4)
        gicv3_lpi_invalidate_all(gic);
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
        control_write(gic, cpu, in_frame, size, value);
    } else {
        struct gic_where where = gic_bank_decode(in_frame);
        if (where.reg != GIC_NONE && where.bank == 0 && size <= 4)
            gic_bank_write(&gic->cpu[cpu].bank, &where, size, (uint32_t)value);
    }
    gicv3_update(gic, cpu);
    gicv3_lpi_settle(gic);
    pthread_mutex_unlock(&gic->lock);
    return 0;
}

const struct mem_io_ops gicv3_redist_io = {io_read, io_write};
