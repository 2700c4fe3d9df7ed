/* SPDX-License-Identifier: Apache-2.0 */
/* GICv3 Distributor registers, GICD_* (IHI 0069 12.9), with one security state (GICD_CTLR.DS = 1)
 * and affinity routing always on. SGIs and PPIs live in the redistributors: their fields here are
 * RES0. */
#include "machine/intc/gicv3.h"

#include "base/bits.h"
#include "base/trace.h"

enum {
    GICD_CTLR = 0x0000,
    GICD_TYPER = 0x0004,
    GICD_IIDR = 0x0008,
    GICD_IROUTER = 0x6000, /* of INTID 0 */
    GICD_IROUTER_END = GICD_IROUTER + 8 * 1020,
    GICD_ID_REGISTERS = 0xffd0,
};

/* ITLinesNumber 4:0; LPIS 17; IDbits 23:19 (16 bits of INTID); A3V; No1N; RSS. CPUNumber is 0
 * because without affinity routing there is nothing. No message-based SPIs, no NMIs. num_LPIs is 0:
 * as many as IDbits says. */
enum { TYPER_VALUE = GICV3_BANKS | 1 << 17 | 15 << 19 | 1 << 24 | 1 << 25 | 1 << 26 };
enum { IIDR_VALUE = 0x43b }; /* implementer Arm, product and revision 0 */

/* PIDR4..7, PIDR0..3, CIDR0..3: Arm, GICv3 (PIDR2.ArchRev = 3). */
static const uint8_t id_registers[12] = {0x44, 0, 0,    0,    0x92, 0xb4,
                                         0x3b, 0, 0x0d, 0xf0, 0x05, 0xb1};

static struct gic_bank *spi_bank(struct gicv3 *gic, const struct gic_where *where)
{
    return where->bank >= 1 && where->bank <= GICV3_BANKS ? &gic->bank[where->bank - 1] : NULL;
}

/* The SPI whose IROUTER an offset lies in, or -1. */
static int router_spi(uint64_t offset)
{
    if (offset < GICD_IROUTER || offset >= GICD_IROUTER_END)
        return -1;
    int spi = (int)((offset - GICD_IROUTER) / 8) - GIC_SPI0;
    return spi < GIC_SPIS ? spi : -1;
}

static uint64_t dist_read(struct gicv3 *gic, uint64_t offset, unsigned size)
{
    struct gic_where where = gic_bank_decode(offset);
    if (where.reg != GIC_NONE) {
        struct gic_bank *bank = spi_bank(gic, &where);
        return bank && size <= 4 ? gic_bank_read(bank, &where, size) : 0;
    }
    int spi = router_spi(offset);
    if (spi >= 0)
        return size >= 4 ? gic->irouter[spi] >> (8 * (offset & 7)) : 0;
    if (size != 4)
        return 0;
    switch (offset) {
    case GICD_CTLR:
        return gic->ctlr | GICD_CTLR_ARE | GICD_CTLR_DS;
    case GICD_TYPER:
        return TYPER_VALUE;
    case GICD_IIDR:
        return IIDR_VALUE;
    default:
        if (offset >= GICD_ID_REGISTERS)
            return id_registers[(offset - GICD_ID_REGISTERS) / 4];
        return 0;
    }
}

static void dist_write(struct gicv3 *gic, uint64_t offset, unsigned size, uint64_t value)
{
    struct gic_where where = gic_bank_decode(offset);
    if (where.reg != GIC_NONE) {
        struct gic_bank *bank = spi_bank(gic, &where);
        if (bank && size <= 4)
            gic_bank_write(bank, &where, size, (uint32_t)value);
        return;
    }
    int spi = router_spi(offset);
    if (spi >= 0 && size >= 4) {
        unsigned shift = 8 * (offset & 7);
        uint64_t old = gic->irouter[spi] & ~(ones(8 * size) << shift);
        gicv3_set_irouter(gic, (unsigned)spi, old | value << shift);
    } else if (offset == GICD_CTLR && size == 4) {
        gic->ctlr = value & (GICD_CTLR_ENABLE_GRP0 | GICD_CTLR_ENABLE_GRP1);
    }
}

static int io_read(void *dev, uint64_t offset, unsigned size, uint64_t *value)
{
    struct gicv3 *gic = dev;
    pthread_mutex_lock(&gic->lock);
    *value = dist_read(gic, offset, size);
    pthread_mutex_unlock(&gic->lock);
    return 0;
}

static int io_write(void *dev, uint64_t offset, unsigned size, uint64_t value)
{
    struct gicv3 *gic = dev;
    if (trace_on(gic->dev.trace, TRACE_IRQ))
        trace_print(gic->dev.trace, TRACE_IRQ, "GICD 0x%04x = 0x%llx", (unsigned)offset,
                    (unsigned long long)value);
    pthread_mutex_lock(&gic->lock);
    dist_write(gic, offset, size, value);
    gicv3_update_all(gic);
    pthread_mutex_unlock(&gic->lock);
    return 0;
}

const struct mem_io_ops gicv3_dist_io = {io_read, io_write};
