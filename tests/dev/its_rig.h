/* SPDX-License-Identifier: Apache-2.0 */
/* A GICv3 of three CPUs with an ITS and guest memory for their tables; what drivers do with them.
 */
#ifndef ARMVM_TESTS_DEV_ITS_RIG_H
#define ARMVM_TESTS_DEV_ITS_RIG_H

#include "devtest.h"

#include "arm/hooks.h"
#include "base/bits.h"
#include "machine/intc/gic.h"

enum { CPUS = 3, GICD = 0x08000000, GICR = 0x080a0000, GICR_CPU = 0x20000, LPI0 = 8192 };
enum {
    ITS = 0x08080000,
    GITS_CTLR = ITS,
    GITS_TYPER = ITS + 8,
    GITS_CBASER = ITS + 0x80,
    GITS_CWRITER = ITS + 0x88,
    GITS_CREADR = ITS + 0x90,
    GITS_BASER0 = ITS + 0x100,
    GITS_BASER1 = ITS + 0x108,
    GITS_TRANSLATER = ITS + 0x10040,
};

/* Guest memory. */
enum {
    RAM = 0x40000000,
    RAM_SIZE = 1 << 20,
    PROP = RAM,            /* 64 KiB */
    PEND = RAM + 0x10000,  /* 64 KiB a CPU */
    QUEUE = RAM + 0x40000, /* one page: 128 commands */
    QUEUE_SIZE = 4096,
    DEVICES = RAM + 0x50000,
    COLLECTIONS = RAM + 0x60000,
    LEVEL2 = RAM + 0x70000,
    ITT = RAM + 0x80000,
    NOWHERE = 0x70000000,
};

#define VALID    (1ull << 63)
#define INDIRECT (1ull << 62)
#define PTZ      (1ull << 62)

#define ICC(crn, crm, op2) ARM_SYSREG(3, 0, crn, crm, op2)
#define PMR                ICC(4, 6, 0)
#define IAR1               ICC(12, 12, 0)
#define EOIR1              ICC(12, 12, 1)
#define HPPIR1             ICC(12, 12, 2)
#define DIR                ICC(12, 11, 1)
#define RPR                ICC(12, 11, 3)
#define CTLR               ICC(12, 12, 4)
#define IGRPEN1            ICC(12, 12, 7)

struct bench {
    struct mem *mem;
    struct device *gic, *its;
    struct line irq[CPUS];
    struct msi_sink sink;
};

static inline uint64_t icc(struct bench *b, unsigned cpu, uint32_t reg)
{
    uint64_t value = ~0ull;
    assert_true(gicv3_icc_read(b->gic, cpu, reg, &value));
    return value;
}

static inline void set_icc(struct bench *b, unsigned cpu, uint32_t reg, uint64_t value)
{
    assert_true(gicv3_icc_write(b->gic, cpu, reg, value));
}

static inline uint64_t redist(unsigned cpu)
{
    return GICR + (uint64_t)cpu * GICR_CPU;
}

static inline void poke(struct bench *b, uint64_t pa, unsigned size, uint64_t value)
{
    uint8_t raw[8];
    st_le(raw, size, value);
    assert_int_equal(mem_write(b->mem, pa, raw, size), 0);
}

static inline uint64_t peek(struct bench *b, uint64_t pa, unsigned size)
{
    uint8_t raw[8];
    assert_int_equal(mem_read(b->mem, pa, raw, size), 0);
    return ld_le(raw, size);
}

/* Writes the configuration of an LPI into the table; says nothing to the GIC. */
static inline void configure(struct bench *b, uint32_t lpi, unsigned priority, bool enabled)
{
    poke(b, PROP + lpi - LPI0, 1, priority | 2 | (enabled ? 1 : 0));
}

static inline void enable_lpis(struct bench *b, unsigned cpu)
{
    wr(b->mem, redist(cpu) + 0x70, 8, PROP | 15);
    wr(b->mem, redist(cpu) + 0x78, 8, (PEND + cpu * 0x10000) | PTZ);
    wr32(b->mem, redist(cpu), 1);
}

/* CPUs awake, Group 1 on, LPIs on with all of them enabled at priority 0xa0. */
static inline void set_up_gic(struct bench *b)
{
    uint8_t config[0x10000];
    memset(config, 0xa3, sizeof(config));
    assert_int_equal(mem_write(b->mem, PROP, config, sizeof(config)), 0);
    wr32(b->mem, GICD, 2);
    for (unsigned i = 0; i < CPUS; i++) {
        wr32(b->mem, redist(i) + 0x14, 0);
        enable_lpis(b, i);
        set_icc(b, i, PMR, 0xff);
        set_icc(b, i, IGRPEN1, 1);
    }
}

/* --- commands --------------------------------------------------------------------------------*/

/* Puts a command into the queue and has it executed. */
static inline void command(struct bench *b, uint64_t w0, uint64_t w1, uint64_t w2, uint64_t w3)
{
    uint64_t at = rd(b->mem, GITS_CWRITER, 8), words[] = {w0, w1, w2, w3};
    for (unsigned i = 0; i < 4; i++)
        poke(b, QUEUE + at + 8 * i, 8, words[i]);
    wr(b->mem, GITS_CWRITER, 8, (at + 32) % QUEUE_SIZE);
}

static inline void mapd(struct bench *b, uint32_t device, uint64_t itt, unsigned event_bits)
{
    command(b, 8 | (uint64_t)device << 32, event_bits - 1, VALID | itt, 0);
}

static inline void mapc(struct bench *b, unsigned collection, uint64_t cpu)
{
    command(b, 9, 0, VALID | cpu << 16 | collection, 0);
}

static inline void mapti(struct bench *b, uint32_t device, uint32_t event, uint32_t lpi,
                         unsigned collection)
{
    command(b, 10 | (uint64_t)device << 32, event | (uint64_t)lpi << 32, collection, 0);
}

/* INT, CLEAR, INV, DISCARD. */
enum { MOVI = 1, INT = 3, CLEAR = 4, MAPI = 11, INV = 12, INVALL = 13, MOVALL = 14, DISCARD = 15 };
static inline void on_event(struct bench *b, unsigned opcode, uint32_t device, uint32_t event)
{
    command(b, opcode | (uint64_t)device << 32, event, 0, 0);
}

static inline void movi(struct bench *b, uint32_t device, uint32_t event, unsigned collection)
{
    command(b, MOVI | (uint64_t)device << 32, event, collection, 0);
}

/* Queue and flat tables, enabled. */
static inline void set_up_its(struct bench *b)
{
    wr(b->mem, GITS_BASER0, 8, VALID | DEVICES | 0xf);
    wr(b->mem, GITS_BASER1, 8, VALID | COLLECTIONS);
    wr(b->mem, GITS_CBASER, 8, VALID | QUEUE);
    wr(b->mem, GITS_CWRITER, 8, 0);
    wr32(b->mem, GITS_CTLR, 1);
}

static inline void msi(struct bench *b, uint32_t device, uint32_t event)
{
    b->sink.send(b->sink.ctx, device, GITS_TRANSLATER, event);
}

/* What the CPU takes next, ended at once; 1023: its line was down. */
static inline uint64_t take(struct bench *b, unsigned cpu)
{
    bool up = b->irq[cpu].level;
    uint64_t intid = icc(b, cpu, IAR1);
    assert_int_equal(up, intid != 1023);
    if (up)
        set_icc(b, cpu, EOIR1, intid);
    return intid;
}

static inline int make_bench(void **state)
{
    struct bench *b = test_calloc(1, sizeof(*b));
    b->mem = new_mem();
    assert_int_equal(mem_add_ram(b->mem, RAM, RAM_SIZE, "RAM", NULL), 0);
    b->gic = gicv3_create(CPUS);
    b->gic->resources =
        (struct device_resources){.mmio = {{GICD, 0x10000}, {GICR, CPUS * GICR_CPU}}, .mmios = 2};
    assert_int_equal(device_map(b->gic, b->mem, NULL), 0);
    b->its = gicv3_its_create(b->gic);
    b->its->resources = (struct device_resources){.mmio = {{ITS, 0x20000}}, .mmios = 1};
    assert_int_equal(device_map(b->its, b->mem, NULL), 0);
    b->sink = gicv3_its_sink(b->its);
    for (unsigned i = 0; i < CPUS; i++)
        gicv3_connect(b->gic, i, i, line_to(&b->irq[i]), (struct irq_line){0});
    set_up_gic(b);
    set_up_its(b);
    *state = b;
    return 0;
}

static inline int end_bench(void **state)
{
    struct bench *b = *state;
    b->its->ops->destroy(b->its);
    b->gic->ops->destroy(b->gic);
    mem_destroy(b->mem);
    test_free(b);
    return 0;
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, end_bench)

#endif
