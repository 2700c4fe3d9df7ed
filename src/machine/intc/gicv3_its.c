/* SPDX-License-Identifier: Apache-2.0 */
/*
 * GICv3 Interrupt Translation Service (IHI 0069 chapter 5, registers 12.17 to 12.20). One window:
 * the control frame GITS_* and, 64 KiB above, the translation frame with GITS_TRANSLATER. Devices
 * write there through gicv3_its_sink; a PE's own write counts as device 0's.
 */
#include "machine/intc/its.h"

#include <stdlib.h>

#include "base/bits.h"
#include "base/trace.h"
#include "machine/fw/fdt.h"

enum {
    GITS_CTLR = 0x0000,
    GITS_IIDR = 0x0004,
    GITS_TYPER = 0x0008,
    GITS_CBASER = 0x0080,
    GITS_CWRITER = 0x0088,
    GITS_CREADR = 0x0090,
    GITS_BASER = 0x0100, /* the first of eight */
    GITS_ID_REGISTERS = 0xffd0,
    GITS_TRANSLATER = 0x10040,

    CTLR_ENABLED = 1,
    CWRITER_RETRY = 1,
    CREADR_STALLED = 1,
    OFFSET_MASK = 0xfffe0, /* of CWRITER and CREADR */
    IIDR_VALUE = 0x43b,
};

#define CTLR_QUIESCENT (1u << 31)
#define CBASER_MASK    0xb8effffffffffcffull
#define BASER_MASK     0xf8e0ffffffffffffull

/* Physical 0, ITT_entry_size 7:4 (minus one), ID_bits 12:8, Devbits 17:13 (minus one each). No
 * SErrors, PTA: RDbase is a processor number, no collections but those in memory (HCC), 16 bits of
 * collection ID (CIL). */
enum {
    TYPER_VALUE =
        1 | (ITS_ENTRY - 1) << 4 | (ITS_EVENT_BITS - 1) << 8 | (ITS_DEVICE_BITS - 1) << 13,
};

/* Type 58:56 (1 devices, 4 collections), Entry_Size 52:48 (minus one). */
static const uint64_t baser_fixed[ITS_TABLES] = {
    [ITS_DEVICES] = 1ull << 56 | (ITS_ENTRY - 1ull) << 48,
    [ITS_COLLECTIONS] = 4ull << 56 | (ITS_ENTRY - 1ull) << 48,
};

/* PIDR4..7, PIDR0..3, CIDR0..3. */
static const uint8_t id_registers[12] = {0x44, 0, 0,    0,    0x94, 0xb4,
                                         0x3b, 0, 0x0d, 0xf0, 0x05, 0xb1};

/* --- messages --------------------------------------------------------------------------------*/

static void message(struct its *its, uint32_t device, uint32_t event)
{
    uint32_t lpi;
    unsigned cpu;
    pthread_mutex_lock(&its->lock);
    bool mapped = its->enabled && its_translate(its, device, event, &lpi, &cpu) == 0;
    if (mapped) {
        pthread_mutex_lock(&its->gic->lock);
        gicv3_lpi_set(its->gic, cpu, lpi);
        gicv3_lpi_settle(its->gic);
        pthread_mutex_unlock(&its->gic->lock);
    }
    pthread_mutex_unlock(&its->lock);
    if (trace_on(its->dev.trace, TRACE_IRQ)) {
        if (mapped)
            trace_print(its->dev.trace, TRACE_IRQ, "MSI device 0x%x event %u: LPI %u, CPU %u",
                        device, event, lpi, cpu);
        else
            trace_print(its->dev.trace, TRACE_IRQ, "MSI device 0x%x event %u: ignored", device,
                        event);
    }
}

static void send(void *ctx, uint32_t device, uint64_t address, uint32_t data)
{
    struct its *its = ctx;
    if (address == its->dev.resources.mmio[0].base + GITS_TRANSLATER)
        message(its, device, data);
}

struct msi_sink gicv3_its_sink(struct device *its)
{
    return (struct msi_sink){send, its};
}

/* --- registers -------------------------------------------------------------------------------*/

/* The table of a GITS_BASER, or -1. */
static int baser_table(uint64_t offset)
{
    uint64_t n = (offset - GITS_BASER) / 8;
    return offset >= GITS_BASER && n < ITS_TABLES ? (int)n : -1;
}

/* The value of the 64-bit register that an offset lies in; false if there is none. */
static bool get64(const struct its *its, uint64_t offset, uint64_t *value)
{
    int table = baser_table(offset);
    switch (offset & ~7ull) {
    case GITS_TYPER:
        *value = TYPER_VALUE;
        return true;
    case GITS_CBASER:
        *value = its->cbaser;
        return true;
    case GITS_CWRITER:
        *value = its->cwriter;
        return true;
    case GITS_CREADR:
        *value = its->creadr | (its->stalled ? CREADR_STALLED : 0);
        return true;
    }
    if (table >= 0)
        *value = its->baser[table] | baser_fixed[table];
    return table >= 0;
}

static uint64_t control_read(const struct its *its, uint64_t offset, unsigned size)
{
    uint64_t value;
    if (size < 4)
        return 0;
    if (get64(its, offset, &value))
        return value >> (8 * (offset & 7));
    if (size != 4)
        return 0;
    switch (offset) {
    case GITS_CTLR:
        return its->enabled ? CTLR_ENABLED : CTLR_QUIESCENT;
    case GITS_IIDR:
        return IIDR_VALUE;
    default:
        return offset >= GITS_ID_REGISTERS ? id_registers[(offset - GITS_ID_REGISTERS) / 4] : 0;
    }
}

static void write_baser(struct its *its, unsigned table, uint64_t value)
{
    value &= BASER_MASK;
    if (bits(value, 9, 8) == 3) /* reserved, taken for 64 KiB */
        value &= ~(1ull << 8);
    its->baser[table] = value;
    its_cache_flush(its);
}

/* The tables and the queue are fixed while the ITS is enabled: writes are UNPREDICTABLE then, and
 * ignored here. */
static void set64(struct its *its, uint64_t offset, uint64_t value)
{
    int table = baser_table(offset);
    if (offset == GITS_CWRITER) {
        its->cwriter = value & OFFSET_MASK;
        if (value & CWRITER_RETRY)
            its->stalled = false;
        its_run_commands(its);
    } else if (offset == GITS_CBASER && !its->enabled) {
        its->cbaser = value & CBASER_MASK;
        its->creadr = 0;
        its->stalled = false;
    } else if (table >= 0 && !its->enabled) {
        write_baser(its, (unsigned)table, value);
    }
}

static void control_write(struct its *its, uint64_t offset, unsigned size, uint64_t value)
{
    uint64_t old;
    if (size < 4)
        return;
    if (get64(its, offset, &old)) {
        unsigned shift = 8 * (offset & 7);
        uint64_t mask = ones(8 * size) << shift;
        set64(its, offset & ~7ull, (old & ~mask) | (value << shift & mask));
    } else if (offset == GITS_CTLR && size == 4) {
        its->enabled = value & CTLR_ENABLED;
        its_cache_flush(its);
        its_run_commands(its);
    }
}

static int io_read(void *dev, uint64_t offset, unsigned size, uint64_t *value)
{
    struct its *its = dev;
    pthread_mutex_lock(&its->lock);
    *value = offset < 0x10000 ? control_read(its, offset, size) : 0;
    pthread_mutex_unlock(&its->lock);
    return 0;
}

static int io_write(void *dev, uint64_t offset, unsigned size, uint64_t value)
{
    struct its *its = dev;
    if (offset == GITS_TRANSLATER && (size == 2 || size == 4)) {
        message(its, 0, (uint32_t)value);
        return 0;
    }
    if (offset >= 0x10000)
        return 0;
    if (trace_on(its->dev.trace, TRACE_IRQ))
        trace_print(its->dev.trace, TRACE_IRQ, "GITS 0x%04x = 0x%llx", (unsigned)offset,
                    (unsigned long long)value);
    pthread_mutex_lock(&its->lock);
    control_write(its, offset, size, value);
    pthread_mutex_unlock(&its->lock);
    return 0;
}

/* --- the device ------------------------------------------------------------------------------*/

static void its_reset(struct device *dev)
{
    struct its *its = (struct its *)dev;
    pthread_mutex_lock(&its->lock);
    its->enabled = its->stalled = false;
    its->cbaser = 0;
    its->cwriter = its->creadr = 0;
    for (unsigned i = 0; i < ITS_TABLES; i++)
        its->baser[i] = 0;
    its_cache_flush(its);
    pthread_mutex_unlock(&its->lock);
}

static void its_destroy(struct device *dev)
{
    struct its *its = (struct its *)dev;
    pthread_mutex_destroy(&its->lock);
    free(its);
}

/* Linux Documentation/devicetree/bindings/interrupt-controller/arm,gic-v3.yaml: a child of the
 * GIC. */
void gicv3_its_describe(struct device *its, struct fdt_builder *fdt)
{
    device_dt_begin(its, fdt, "msi-controller", "arm,gic-v3-its");
    dt_empty(fdt, "msi-controller");
    dt_u32(fdt, "#msi-cells", 1);
    dt_phandle(fdt, DT_PHANDLE_MSI);
    dt_end(fdt);
}

static const struct mem_io_ops its_io = {io_read, io_write};

static const struct device_ops its_ops = {
    .name = "gicv3-its",
    .reset = its_reset,
    .destroy = its_destroy,
    .io = {&its_io},
};

struct device *gicv3_its_create(struct device *gic)
{
    struct its *its = calloc(1, sizeof(*its));
    if (!its)
        return NULL;
    its->dev.ops = &its_ops;
    its->gic = (struct gicv3 *)gic;
    its->gic->its = &its->dev;
    pthread_mutex_init(&its->lock, NULL);
    return &its->dev;
}
