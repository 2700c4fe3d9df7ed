/* SPDX-License-Identifier: Apache-2.0 */
#include "machine/intc/gic_bank.h"

#include <string.h>

#include "base/bits.h"

void gic_bank_reset(struct gic_bank *bank, bool sgis)
{
    uint32_t level = bank->level;
    *bank = (struct gic_bank){.level = level};
    if (sgis) {
        bank->edge = 0xffff;
        bank->fixed = 0xffff;
    }
}

bool gic_bank_line(struct gic_bank *bank, unsigned n, bool level)
{
    uint32_t mask = 1u << n;
    if (level == ((bank->level & mask) != 0))
        return false;
    if (level) {
        bank->level |= mask;
        if (bank->edge & mask)
            bank->latch |= mask;
    } else {
        bank->level &= ~mask;
    }
    return true;
}

void gic_bank_activate(struct gic_bank *bank, unsigned n)
{
    bank->active |= 1u << n;
    bank->latch &= ~(1u << n);
}

struct gic_where gic_bank_decode(uint64_t offset)
{
    struct gic_where where = {GIC_NONE, 0, 0};
    if (offset >= 0x80 && offset < 0x400) {
        where.reg = GIC_IGROUPR + (unsigned)((offset - 0x80) >> 7);
        where.bank = (unsigned)(offset & 0x7f) >> 2;
    } else if (offset >= 0x400 && offset < 0x800) {
        where.reg = GIC_IPRIORITYR;
        where.bank = (unsigned)(offset - 0x400) >> 5;
        where.first = offset & 31;
    } else if (offset >= 0xc00 && offset < 0xd00) {
        where.reg = GIC_ICFGR;
        where.bank = (unsigned)(offset - 0xc00) >> 3;
        where.first = offset & 4 ? 16 : 0;
    }
    return where;
}

/* ICFGR has two bits an interrupt, of which the upper one is the configuration. */
static uint32_t read_config(const struct gic_bank *bank, unsigned first)
{
    uint32_t value = 0;
    for (unsigned i = 0; i < 16; i++)
        value |= (bank->edge >> (first + i) & 1) << (2 * i + 1);
    return value;
}

static void write_config(struct gic_bank *bank, unsigned first, uint32_t value)
{
    for (unsigned i = 0; i < 16; i++) {
        uint32_t mask = 1u << (first + i);
        if (bank->fixed & mask)
            continue;
        if (value >> (2 * i + 1) & 1)
            bank->edge |= mask;
        else
            bank->edge &= ~mask;
    }
}

uint32_t gic_bank_read(const struct gic_bank *bank, const struct gic_where *where, unsigned size)
{
    if (where->reg == GIC_IPRIORITYR)
        return (uint32_t)ld_le(bank->priority + where->first, size);
    if (size != 4)
        return 0;
    switch (where->reg) {
    case GIC_IGROUPR:
        return bank->group;
    case GIC_ISENABLER:
    case GIC_ICENABLER:
        return bank->enable;
    case GIC_ISPENDR:
    case GIC_ICPENDR:
        return gic_bank_pending(bank);
    case GIC_ISACTIVER:
    case GIC_ICACTIVER:
        return bank->active;
    case GIC_ICFGR:
        return read_config(bank, where->first);
    case GIC_IPRIORITYR:
    case GIC_NONE:
        break;
    }
    return 0;
}

void gic_bank_write(struct gic_bank *bank, const struct gic_where *where, unsigned size,
                    uint32_t value)
{
    if (where->reg == GIC_IPRIORITYR) {
        for (unsigned i = 0; i < size; i++)
            bank->priority[where->first + i] = (uint8_t)(value >> (8 * i)) & GIC_PRIORITY_MASK;
        return;
    }
    if (size != 4)
        return;
    switch (where->reg) {
    case GIC_IGROUPR:
        bank->group = value;
        break;
    case GIC_ISENABLER:
        bank->enable |= value;
        break;
    case GIC_ICENABLER:
        bank->enable &= ~value;
        break;
    case GIC_ISPENDR:
        bank->latch |= value;
        break;
    case GIC_ICPENDR:
        bank->latch &= ~value;
        break;
    case GIC_ISACTIVER:
        bank->active |= value;
        break;
    case GIC_ICACTIVER:
        bank->active &= ~value;
        break;
    case GIC_ICFGR:
        write_config(bank, where->first, value);
        break;
    case GIC_IPRIORITYR:
    case GIC_NONE:
        break;
    }
}
