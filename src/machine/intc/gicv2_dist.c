/* SPDX-License-Identifier: Apache-2.0 */
/* GICv2 Distributor registers, GICD_* (IHI 0048 4.3), without Security Extensions. Those of SGIs
 * and PPIs are banked by the accessing CPU. */
#include "machine/intc/gicv2.h"

#include "base/bits.h"
#include "base/trace.h"

enum {
    GICD_CTLR = 0x000,
    GICD_TYPER = 0x004,
    GICD_IIDR = 0x008,
    GICD_ITARGETSR = 0x800,
    GICD_ITARGETSR_END = 0xc00,
    GICD_SGIR = 0xf00,
    GICD_CPENDSGIR = 0xf10,
    GICD_SPENDSGIR = 0xf20,
    GICD_SPENDSGIR_END = 0xf30,
    GICD_ID_REGISTERS = 0xfd0,
    GICD_END = 0x1000,
    IIDR_VALUE = 0x0200043b,
};

/* PIDR4..7, PIDR0..3, CIDR0..3: Arm, GICv2 (PIDR2.ArchRev = 2). */
static const uint8_t id_registers[12] = {0x04, 0, 0,    0,    0x90, 0xb4,
                                         0x2b, 0, 0x0d, 0xf0, 0x05, 0xb1};

static struct gic_bank *find_bank(struct gicv2 *gic, unsigned cpu, unsigned bank)
{
    if (bank == 0)
        return &gic->cpu[cpu].bank;
    return bank <= GICV2_BANKS ? &gic->bank[bank - 1] : NULL;
}

/* One interrupt's targets: banked ones go to the CPU that reads (4.3.12). */
static uint8_t read_target(const struct gicv2 *gic, unsigned cpu, unsigned intid)
{
    if (gic->cpus == 1 || intid >= GIC_SPI0 + GIC_SPIS)
        return 0;
    return intid < GIC_SPI0 ? (uint8_t)(1u << cpu) : gic->target[intid - GIC_SPI0];
}

static void write_target(struct gicv2 *gic, unsigned intid, uint8_t value)
{
    if (gic->cpus > 1 && intid >= GIC_SPI0 && intid < GIC_SPI0 + GIC_SPIS)
        gic->target[intid - GIC_SPI0] = value & (uint8_t)ones(gic->cpus);
}

static void update_sgi_latch(struct gicv2_cpu *cpu, unsigned sgi)
{
    if (cpu->sgi_source[sgi])
        cpu->bank.latch |= 1u << sgi;
    else
        cpu->bank.latch &= ~(1u << sgi);
}

/* GICD_SGIR: TargetListFilter 25:24, CPUTargetList 23:16, SGIINTID 3:0. */
static void generate_sgi(struct gicv2 *gic, unsigned from, uint32_t value)
{
    unsigned sgi = value & 15;
    uint32_t all = (uint32_t)ones(gic->cpus), to;
    switch (value >> 24 & 3) {
    case 0:
        to = value >> 16 & all;
        break;
    case 1:
        to = all & ~(1u << from);
        break;
    case 2:
        to = 1u << from;
        break;
    default: /* reserved */
        return;
    }
    for (; to; to &= to - 1) {
        struct gicv2_cpu *cpu = &gic->cpu[__builtin_ctz(to)];
        cpu->sgi_source[sgi] |= (uint8_t)(1u << from);
        update_sgi_latch(cpu, sgi);
    }
}

static uint64_t read_bytes(const struct gicv2 *gic, unsigned cpu, uint64_t offset, unsigned size)
{
    uint64_t value = 0;
    for (unsigned i = 0; i < size; i++) {
        uint64_t at = offset + i;
        uint8_t byte = at < GICD_ITARGETSR_END
                           ? read_target(gic, cpu, (unsigned)(at - GICD_ITARGETSR))
                           : gic->cpu[cpu].sgi_source[at & 15];
        value |= (uint64_t)byte << (8 * i);
    }
    return value;
}

static void write_bytes(struct gicv2 *gic, unsigned cpu, uint64_t offset, unsigned size,
                        uint64_t value)
{
    for (unsigned i = 0; i < size; i++) {
        uint64_t at = offset + i;
        uint8_t byte = (uint8_t)(value >> (8 * i));
        uint8_t *source = &gic->cpu[cpu].sgi_source[at & 15];
        if (at < GICD_ITARGETSR_END) {
            write_target(gic, (unsigned)(at - GICD_ITARGETSR), byte);
            continue;
        }
        if (at < GICD_SPENDSGIR)
            *source &= (uint8_t)~byte;
        else
            *source |= byte & (uint8_t)ones(gic->cpus);
        update_sgi_latch(&gic->cpu[cpu], at & 15);
    }
}

/* Registers with a byte an interrupt that is not IPRIORITYR. */
static bool has_bytes(uint64_t offset)
{
    return (offset >= GICD_ITARGETSR && offset < GICD_ITARGETSR_END) ||
           (offset >= GICD_CPENDSGIR && offset < GICD_SPENDSGIR_END);
}

static uint64_t dist_read(struct gicv2 *gic, unsigned cpu, uint64_t offset, unsigned size)
{
    struct gic_where where = gic_bank_decode(offset);
    if (size > 4 || offset >= GICD_END)
        return 0;
    if (where.reg != GIC_NONE) {
        struct gic_bank *bank = find_bank(gic, cpu, where.bank);
        return bank ? gic_bank_read(bank, &where, size) : 0;
    }
    if (has_bytes(offset))
        return read_bytes(gic, cpu, offset, size);
    if (size != 4)
        return 0;
    switch (offset) {
    case GICD_CTLR:
        return gic->ctlr;
    case GICD_TYPER: /* ITLinesNumber 4:0, CPUNumber 7:5 */
        return GICV2_BANKS | (gic->cpus - 1) << 5;
    case GICD_IIDR:
        return IIDR_VALUE;
    default:
        if (offset >= GICD_ID_REGISTERS)
            return id_registers[(offset - GICD_ID_REGISTERS) / 4];
        return 0;
    }
}

static void dist_write(struct gicv2 *gic, unsigned cpu, uint64_t offset, unsigned size,
                       uint32_t value)
{
    struct gic_where where = gic_bank_decode(offset);
    if (size > 4 || offset >= GICD_END)
        return;
    if (where.reg != GIC_NONE) {
        struct gic_bank *bank = find_bank(gic, cpu, where.bank);
        /* SGIs: always enabled, made pending by SGIR and SPENDSGIR only (4.3.5, 4.3.7). */
        if (where.bank == 0 && where.reg >= GIC_ISENABLER && where.reg <= GIC_ICPENDR)
            value &= 0xffff0000;
        if (bank)
            gic_bank_write(bank, &where, size, value);
    } else if (has_bytes(offset)) {
        write_bytes(gic, cpu, offset, size, value);
    } else if (offset == GICD_SGIR && size == 4) {
        generate_sgi(gic, cpu, value);
    } else if (offset == GICD_CTLR && size == 4) {
        gic->ctlr = value & (GICD_CTLR_GRP0 | GICD_CTLR_GRP1);
    }
}

static int io_read(void *dev, uint64_t offset, unsigned size, uint64_t *value)
{
    struct gicv2 *gic = dev;
    unsigned cpu = gicv2_current(gic);
    pthread_mutex_lock(&gic->lock);
    *value = dist_read(gic, cpu, offset, size);
    pthread_mutex_unlock(&gic->lock);
    return 0;
}

static int io_write(void *dev, uint64_t offset, unsigned size, uint64_t value)
{
    struct gicv2 *gic = dev;
    unsigned cpu = gicv2_current(gic);
    if (trace_on(gic->dev.trace, TRACE_IRQ))
        trace_print(gic->dev.trace, TRACE_IRQ, "cpu %u: GICD 0x%03x = 0x%x", cpu, (unsigned)offset,
                    (unsigned)value);
    pthread_mutex_lock(&gic->lock);
    dist_write(gic, cpu, offset, size, (uint32_t)value);
    gicv2_update_all(gic);
    pthread_mutex_unlock(&gic->lock);
    return 0;
}

const struct mem_io_ops gicv2_dist_io = {io_read, io_write};
