/* SPDX-License-Identifier: Apache-2.0 */
#include "machine/intc/gic_priority.h"

#include "base/bits.h"

void gic_pick(struct gic_best *best, const struct gic_bank *bank, uint32_t ready, unsigned first)
{
    for (; ready; ready &= ready - 1) {
        unsigned n = (unsigned)__builtin_ctz(ready);
        /* Among equal priorities the lowest INTID wins: only a higher one replaces. */
        if (best->intid != GIC_SPURIOUS && bank->priority[n] >= best->priority)
            continue;
        best->intid = (uint16_t)(first + n);
        best->priority = bank->priority[n];
        best->group = bank->group >> n & 1;
    }
}

void gic_priorities_reset(struct gic_priorities *p)
{
    *p = (struct gic_priorities){.bpr = {GIC_BPR0_MIN, GIC_BPR1_MIN}};
}

void gic_write_bpr(struct gic_priorities *p, unsigned group, uint8_t value)
{
    uint8_t bpr = value & 7, min = group ? GIC_BPR1_MIN : GIC_BPR0_MIN;
    if (!(group && p->cbpr))
        p->bpr[group] = bpr < min ? min : bpr;
}

uint8_t gic_read_bpr1(const struct gic_priorities *p)
{
    /* With CBPR it reads as BPR0 + 1, saturated: the Non-secure view of the same field. */
    if (!p->cbpr)
        return p->bpr[1];
    return p->bpr[0] < 7 ? p->bpr[0] + 1 : 7;
}

/* The group-priority field is [7:BPR0+1] in Group 0 and [7:BPR1] in Group 1. */
static uint8_t group_priority(const struct gic_priorities *p, unsigned group, uint8_t priority)
{
    unsigned low = group == 0 || p->cbpr ? p->bpr[0] + 1u : p->bpr[1];
    return (uint8_t)(priority & ~ones(low));
}

unsigned gic_running_priority(const struct gic_priorities *p)
{
    uint32_t active = p->apr[0] | p->apr[1];
    return active ? (unsigned)__builtin_ctz(active) << (8 - GIC_PRIORITY_BITS) : GIC_IDLE_PRIORITY;
}

bool gic_can_signal(const struct gic_priorities *p, const struct gic_best *best)
{
    return best->intid != GIC_SPURIOUS && best->priority < p->pmr &&
           group_priority(p, best->group, best->priority) < gic_running_priority(p);
}

void gic_priority_raise(struct gic_priorities *p, const struct gic_best *best)
{
    uint8_t priority = group_priority(p, best->group, best->priority);
    p->apr[best->group] |= 1u << (priority >> (8 - GIC_PRIORITY_BITS));
}

bool gic_priority_drop(struct gic_priorities *p, unsigned group)
{
    uint32_t all = p->apr[0] | p->apr[1], highest = all & -all;
    if (!(p->apr[group] & highest))
        return false;
    p->apr[group] &= ~highest;
    return true;
}
