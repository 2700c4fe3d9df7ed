/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Drives a GICv3 with an ITS with arbitrary bytes: registers, commands, the guest's tables,
 * messages and acknowledgements. A CPU's line must always agree with what acknowledging then gives.
 */
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "arm/hooks.h"
#include "base/bits.h"
#include "base/error.h"
#include "machine/intc/gic.h"
#include "machine/mem/mem.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

enum { CPUS = 3, MAX_OPS = 300, RAM_SIZE = 1 << 18, GICR_CPU = 0x20000, ITS_SIZE = 0x20000 };
enum { QUEUE = 0, TABLES = 0x4000, PROP = 0x10000, PEND = 0x20000 }; /* in RAM */

#define GICD 0x08000000ull
#define ITS  0x08080000ull
#define GICR 0x080a0000ull
#define RAM  0x40000000ull

#define VALID           (1ull << 63)
#define ICC(crm, op2)   ARM_SYSREG(3, 0, 12, crm, op2)
#define ICC_PMR         ARM_SYSREG(3, 0, 4, 6, 0)
#define GITS(offset)    (ITS + (offset))
#define GITS_TRANSLATER GITS(0x10040)

struct fuzz {
    const uint8_t *data;
    size_t left;
    struct mem *mem;
    struct device *gic, *its;
    struct msi_sink sink;
    bool line[CPUS];
};

static uint64_t take(struct fuzz *f, unsigned bytes)
{
    if (bytes > f->left)
        bytes = (unsigned)f->left;
    uint64_t value = ld_le(f->data, bytes);
    f->data += bytes;
    f->left -= bytes;
    return value;
}

static void set_line(void *ctx, unsigned cpu, bool level)
{
    ((struct fuzz *)ctx)->line[cpu] = level;
}

static void wr(struct fuzz *f, uint64_t pa, unsigned size, uint64_t value)
{
    mem_io_write(f->mem, pa, size, value);
}

static void poke(struct fuzz *f, uint64_t offset, unsigned size, uint64_t value)
{
    uint8_t raw[8];

    st_le(raw, size, value);
    mem_write(f->mem, RAM + offset % RAM_SIZE, raw, size);
}

/* An address that is mostly memory. */
static uint64_t address(struct fuzz *f)
{
    uint64_t value = take(f, 1);

    return value < 0xf0 ? RAM + (value % 0x40 << 12) : value << 40;
}

/* --- operations ------------------------------------------------------------------------------*/

static void set_up_cpu(struct fuzz *f)
{
    unsigned cpu = (unsigned)take(f, 1) % CPUS;
    uint64_t base = GICR + cpu * GICR_CPU, flags = take(f, 1);

    wr(f, GICD, 4, 2);
    wr(f, base + 0x14, 4, 0);
    wr(f, base, 4, 0);
    wr(f, base + 0x70, 8,
       (flags & 1 ? address(f) : RAM + PROP) | (flags & 2 ? 12 + (flags >> 4) : 15));
    wr(f, base + 0x78, 8, (flags & 4 ? address(f) : RAM + PEND) | (flags & 8 ? 0 : 1ull << 62));
    wr(f, base, 4, 1);
    gicv3_icc_write(f->gic, cpu, ICC_PMR, 0xff);
    gicv3_icc_write(f->gic, cpu, ICC(12, 7), 1);
}

static void set_up_its(struct fuzz *f)
{
    uint64_t flags = take(f, 1);

    wr(f, ITS, 4, 0);
    wr(f, GITS(0x100), 8, VALID | (flags & 1) << 62 | (RAM + TABLES) | (flags >> 1 & 3) << 8);
    wr(f, GITS(0x108), 8, VALID | (flags >> 3 & 1) << 62 | (RAM + TABLES + 0x1000));
    wr(f, GITS(0x80), 8, VALID | (RAM + QUEUE) | (flags >> 4 & 3));
    wr(f, GITS(0x88), 8, 0);
    wr(f, ITS, 4, 1);
}

static void submit(struct fuzz *f, const uint64_t *cmd)
{
    uint64_t at = 0;

    mem_io_read(f->mem, GITS(0x88), 8, &at);
    for (unsigned i = 0; i < 4; i++)
        poke(f, QUEUE + at + 8 * i, 8, cmd[i]);
    wr(f, GITS(0x88), 8, (at + 32) % 0x1000 | (cmd[0] >> 8 & 1));
}

/* Small numbers: commands that are about each other. */
static void small_command(struct fuzz *f)
{
    uint64_t op = take(f, 1), ids = take(f, 1), event = ids >> 2 & 7, cpu = ids >> 5 & 3;
    uint64_t cmd[4] = {(op & 15) | (ids & 3) << 32, event, ids >> 6, 0};

    switch (op & 15) {
    case 8:
        cmd[1] = op >> 4;
        cmd[2] = (op & 16 ? 0 : VALID) | address(f);
        break;
    case 9:
        cmd[2] |= (op & 16 ? 0 : VALID) | cpu << 16;
        break;
    case 10:
        cmd[1] |= (8190 + take(f, 1)) << 32;
        break;
    case 14:
        cmd[2] = cpu << 16;
        cmd[3] = (ids & 3) << 16;
        break;
    default:
        break;
    }
    submit(f, cmd);
}

static void any_command(struct fuzz *f)
{
    uint64_t cmd[4];

    for (unsigned i = 0; i < 4; i++)
        cmd[i] = take(f, 8);
    submit(f, cmd);
}

static void any_register(struct fuzz *f)
{
    uint64_t where = take(f, 2), size = 1u << (where & 3), value = take(f, 8), read;
    uint64_t base = where & 4 ? ITS : where & 8 ? GICR : GICD;
    uint64_t pa = base + align_down(where >> 4, size);

    wr(f, pa, (unsigned)size, value);
    mem_io_read(f->mem, pa, (unsigned)size, &read);
}

/* The line before must tell what acknowledging gives. */
static void acknowledge(struct fuzz *f, unsigned cpu)
{
    bool up = f->line[cpu];
    uint64_t intid = 0;

    gicv3_icc_read(f->gic, cpu, ICC(12, 0), &intid);
    if (up != (intid != 1023))
        abort();
    gicv3_icc_write(f->gic, cpu, ICC(12, 1), intid);
}

static void step(struct fuzz *f)
{
    uint64_t op = take(f, 1), value;

    switch (op % 12) {
    case 0:
        set_up_cpu(f);
        break;
    case 1:
        set_up_its(f);
        break;
    case 2:
    case 3:
    case 4:
        small_command(f);
        break;
    case 5:
        any_command(f);
        break;
    case 6:
        any_register(f);
        break;
    case 7:
        value = take(f, 1);
        f->sink.send(f->sink.ctx, value & 3, GITS_TRANSLATER, value >> 2 & 7);
        break;
    case 8:
        value = take(f, 3);
        poke(f, value, 8, take(f, 8));
        break;
    case 9: /* a configuration */
        value = take(f, 1);
        poke(f, PROP + value, 1, take(f, 1));
        break;
    case 10:
        acknowledge(f, (unsigned)(op / 12) % CPUS);
        break;
    default:
        if (op / 12 == 0) {
            f->gic->ops->reset(f->gic);
            f->its->ops->reset(f->its);
        }
        break;
    }
}

static void build(struct fuzz *f)
{
    static const struct device_resources gic = {.mmio = {{GICD, 0x10000}, {GICR, CPUS * GICR_CPU}},
                                                .mmios = 2};
    static const struct device_resources its = {.mmio = {{ITS, ITS_SIZE}}, .mmios = 1};
    struct error err;

    f->gic = gicv3_create(CPUS);
    f->its = gicv3_its_create(f->gic);
    f->gic->resources = gic;
    f->its->resources = its;
    if (mem_create(&f->mem, &err) || mem_add_ram(f->mem, RAM, RAM_SIZE, "ram", &err) ||
        device_map(f->gic, f->mem, &err) || device_map(f->its, f->mem, &err))
        abort();
    f->sink = gicv3_its_sink(f->its);
    for (unsigned i = 0; i < CPUS; i++)
        gicv3_connect(f->gic, i, i, (struct irq_line){set_line, f, i}, (struct irq_line){0});
    for (unsigned i = 0; i < 256; i++)
        poke(f, PROP + i, 1, 0xa3);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct fuzz f = {.data = data, .left = size};

    build(&f);
    for (unsigned n = 0; f.left && n < MAX_OPS; n++)
        step(&f);
    for (unsigned cpu = 0; cpu < CPUS; cpu++)
        acknowledge(&f, cpu);
    f.its->ops->destroy(f.its);
    f.gic->ops->destroy(f.gic);
    mem_destroy(f.mem);
    return 0;
}
