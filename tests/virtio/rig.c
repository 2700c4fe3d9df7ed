/* SPDX-License-Identifier: Apache-2.0 */
#include "rig.h"

#include <string.h>
#include <unistd.h>

#include "base/bits.h"
#include "base/error.h"
#include "machine/dev/device.h"
#include "machine/mem/mem.h"

static void set_irq(void *ctx, unsigned input, bool level)
{
    struct rig *rig = ctx;

    if (level && !atomic_exchange(&rig->level, 1))
        atomic_fetch_add(&rig->edges, 1);
    else if (!level)
        atomic_store(&rig->level, 0);
}

void rig_create(struct rig *rig)
{
    struct error err = {0};

    memset(rig, 0, sizeof(*rig));
    assert_int_equal(mem_create(&rig->mem, &err), 0);
    assert_int_equal(mem_add_ram(rig->mem, RAM_BASE, RAM_SIZE, "ram", &err), 0);
    assert_int_equal(mem_add_ram(rig->mem, RAM_BASE + RAM_SIZE, RAM2_SIZE, "ram2", &err), 0);
}

void rig_attach(struct rig *rig, struct device *dev, bool legacy)
{
    assert_non_null(dev);
    rig->dev = dev;
    rig->legacy = legacy;
    dev->mem = rig->mem;
    dev->resources.mmio[0].base = 0x0a000000;
    dev->resources.mmio[0].size = 0x200;
    dev->resources.mmios = 1;
    dev->resources.irq[0].number = 16;
    dev->resources.irqs = 1;
    dev->irq[0] = (struct irq_line){set_irq, rig, 0};
    dev->ops->reset(dev);
}

void rig_destroy(struct rig *rig)
{
    if (rig->dev)
        rig->dev->ops->destroy(rig->dev);
    mem_destroy(rig->mem);
}

uint64_t config_read(struct rig *rig, unsigned offset, unsigned size)
{
    uint64_t value = ~0ull;

    assert_int_equal(rig->dev->ops->io[0]->read(rig->dev, 0x100 + offset, size, &value), 0);
    return value;
}

void config_write(struct rig *rig, unsigned offset, unsigned size, uint64_t value)
{
    assert_int_equal(rig->dev->ops->io[0]->write(rig->dev, 0x100 + offset, size, value), 0);
}

uint32_t reg_read(struct rig *rig, unsigned offset)
{
    uint64_t value = ~0ull;

    assert_int_equal(rig->dev->ops->io[0]->read(rig->dev, offset, 4, &value), 0);
    return (uint32_t)value;
}

void reg_write(struct rig *rig, unsigned offset, uint32_t value)
{
    assert_int_equal(rig->dev->ops->io[0]->write(rig->dev, offset, 4, value), 0);
}

void *guest(struct rig *rig, uint64_t pa, uint64_t len)
{
    void *p = mem_ptr(rig->mem, pa, len, true);

    assert_non_null(p);
    return p;
}

uint64_t peek(struct rig *rig, uint64_t pa, unsigned size)
{
    uint8_t raw[8];

    assert_int_equal(mem_read(rig->mem, pa, raw, size), 0);
    return ld_le(raw, size);
}

void poke(struct rig *rig, uint64_t pa, unsigned size, uint64_t value)
{
    uint8_t raw[8];

    st_le(raw, size, value);
    assert_int_equal(mem_write(rig->mem, pa, raw, size), 0);
}

uint64_t driver_begin(struct rig *rig, uint64_t features)
{
    uint64_t offered = 0;

    reg_write(rig, 0x70, 0);
    reg_write(rig, 0x70, 1);
    reg_write(rig, 0x70, 3);
    for (unsigned i = 0; i < 2; i++) {
        reg_write(rig, 0x14, i);
        offered |= (uint64_t)reg_read(rig, 0x10) << (32 * i);
    }
    features &= offered;
    for (unsigned i = 0; i < 2; i++) {
        reg_write(rig, 0x24, i);
        reg_write(rig, 0x20, (uint32_t)(features >> (32 * i)));
    }
    if (rig->legacy) {
        reg_write(rig, 0x28, 4096);
        return features;
    }
    reg_write(rig, 0x70, 11);
    assert_int_equal(reg_read(rig, 0x70), 11);
    return features;
}

void driver_queue(struct rig *rig, struct ring *ring, unsigned index, unsigned size)
{
    uint64_t base = RAM_BASE + 0x10000 * (index + 1);

    memset(ring, 0, sizeof(*ring));
    ring->index = index;
    ring->size = size;
    ring->desc = base;
    ring->avail = base + 16 * size;
    ring->used = align_up(ring->avail + 6 + 2 * size, 4096);
    memset(guest(rig, base, 0x10000), 0, 0x10000);

    reg_write(rig, 0x30, index);
    reg_write(rig, 0x38, size);
    if (rig->legacy) {
        reg_write(rig, 0x3c, 4096);
        reg_write(rig, 0x40, (uint32_t)(base / 4096));
        return;
    }
    reg_write(rig, 0x80, (uint32_t)ring->desc);
    reg_write(rig, 0x84, (uint32_t)(ring->desc >> 32));
    reg_write(rig, 0x90, (uint32_t)ring->avail);
    reg_write(rig, 0x94, (uint32_t)(ring->avail >> 32));
    reg_write(rig, 0xa0, (uint32_t)ring->used);
    reg_write(rig, 0xa4, (uint32_t)(ring->used >> 32));
    reg_write(rig, 0x44, 1);
    assert_int_equal(reg_read(rig, 0x44), 1);
}

void driver_ok(struct rig *rig)
{
    reg_write(rig, 0x70, reg_read(rig, 0x70) | 4);
}

void set_desc(struct rig *rig, uint64_t table, unsigned i, uint64_t addr, uint32_t len,
              unsigned flags, unsigned next)
{
    poke(rig, table + 16 * i, 8, addr);
    poke(rig, table + 16 * i + 8, 4, len);
    poke(rig, table + 16 * i + 12, 2, flags);
    poke(rig, table + 16 * i + 14, 2, next);
}

void make_available(struct rig *rig, struct ring *ring, unsigned head)
{
    poke(rig, ring->avail + 4 + 2 * (ring->avail_idx % ring->size), 2, head);
    __atomic_store_n((uint16_t *)guest(rig, ring->avail + 2, 2), ++ring->avail_idx,
                     __ATOMIC_SEQ_CST);
}

void notify(struct rig *rig, const struct ring *ring)
{
    reg_write(rig, 0x50, ring->index);
}

bool has_used(struct rig *rig, const struct ring *ring)
{
    return __atomic_load_n((uint16_t *)guest(rig, ring->used + 2, 2), __ATOMIC_SEQ_CST) !=
           ring->used_idx;
}

struct used wait_used(struct rig *rig, struct ring *ring)
{
    uint64_t entry = ring->used + 4 + 8 * (ring->used_idx % ring->size);

    for (unsigned i = 0; i < 50000 && !has_used(rig, ring); i++)
        usleep(100);
    assert_true(has_used(rig, ring));
    ring->used_idx++;
    return (struct used){(uint32_t)peek(rig, entry, 4), (uint32_t)peek(rig, entry + 4, 4)};
}

bool needs_reset(struct rig *rig)
{
    return reg_read(rig, 0x70) & 64;
}
