/* SPDX-License-Identifier: Apache-2.0 */
/* What device tests share: an address space of their own, lines that remember, short accessors. */
#ifndef ARMVM_TESTS_DEV_DEVTEST_H
#define ARMVM_TESTS_DEV_DEVTEST_H

#include <setjmp.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "base/error.h"
#include "machine/dev/device.h"
#include "machine/mem/mem.h"

struct line {
    bool level;
    unsigned changes;
};

static inline void line_set(void *ctx, unsigned input, bool level)
{
    struct line *line = ctx;
    line->level = level;
    line->changes++;
}

static inline struct irq_line line_to(struct line *line)
{
    return (struct irq_line){line_set, line, 0};
}

static inline struct mem *new_mem(void)
{
    struct mem *mem;
    assert_int_equal(mem_create(&mem, NULL), 0);
    return mem;
}

/* Maps a device's only window and connects its only interrupt. */
static inline void map_one(struct device *dev, struct mem *mem, uint64_t base, uint64_t size,
                           struct line *line)
{
    struct error err = {0};
    assert_non_null(dev);
    dev->resources.mmio[0].base = base;
    dev->resources.mmio[0].size = size;
    dev->resources.mmios = 1;
    dev->irq[0] = line_to(line);
    if (device_map(dev, mem, &err))
        fail_msg("%s", err.text);
}

static inline uint64_t rd(struct mem *mem, uint64_t pa, unsigned size)
{
    uint64_t value = ~0ull;
    assert_int_equal(mem_io_read(mem, pa, size, &value), 0);
    return value;
}

static inline void wr(struct mem *mem, uint64_t pa, unsigned size, uint64_t value)
{
    assert_int_equal(mem_io_write(mem, pa, size, value), 0);
}

static inline uint32_t rd32(struct mem *mem, uint64_t pa)
{
    return (uint32_t)rd(mem, pa, 4);
}

static inline void wr32(struct mem *mem, uint64_t pa, uint32_t value)
{
    wr(mem, pa, 4, value);
}

#endif
