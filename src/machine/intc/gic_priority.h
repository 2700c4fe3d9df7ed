/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Priorities in a CPU interface, which work alike in GICv2 (IHI 0048 3.3) and GICv3 (IHI 0069
 * 4.8): masking, preemption by group priority, active priorities. Five bits, 32 group priorities.
 */
#ifndef ARMVM_MACHINE_INTC_GIC_PRIORITY_H
#define ARMVM_MACHINE_INTC_GIC_PRIORITY_H

#include <stdbool.h>
#include <stdint.h>

#include "machine/intc/gic_bank.h"

enum { GIC_BPR0_MIN = 7 - GIC_PRIORITY_BITS, GIC_BPR1_MIN = GIC_BPR0_MIN + 1 };

struct gic_priorities {
    uint8_t pmr;
    uint8_t bpr[2]; /* of Group 0, Group 1 */
    bool cbpr;      /* Group 1 uses bpr[0] too */
    uint32_t apr[2];
};

/* What a CPU would take next: the highest priority among pending, enabled, inactive interrupts of
 * enabled groups that are sent to it. */
struct gic_best {
    uint16_t intid; /* GIC_SPURIOUS: none */
    uint8_t priority;
    uint8_t group;
};

static inline struct gic_best gic_best_none(void)
{
    return (struct gic_best){GIC_SPURIOUS, GIC_IDLE_PRIORITY, 0};
}

/* The interrupts of a bank that could be signalled; groups: a mask of all ones or none for each. */
static inline uint32_t gic_ready(const struct gic_bank *bank, const uint32_t groups[2])
{
    uint32_t ready = gic_bank_pending(bank) & bank->enable & ~bank->active;
    return ready & ((bank->group & groups[1]) | (~bank->group & groups[0]));
}

/* Considers `ready` of a bank whose first INTID is `first`; banks go in ascending order. */
void gic_pick(struct gic_best *best, const struct gic_bank *bank, uint32_t ready, unsigned first);

void gic_priorities_reset(struct gic_priorities *p);

/* BPR1 has the minimum that is one higher, and does not change under CBPR. */
void gic_write_bpr(struct gic_priorities *p, unsigned group, uint8_t value);
uint8_t gic_read_bpr1(const struct gic_priorities *p);

/* The highest active group priority, or GIC_IDLE_PRIORITY. */
unsigned gic_running_priority(const struct gic_priorities *p);
/* Whether it passes the mask and preempts what runs. */
bool gic_can_signal(const struct gic_priorities *p, const struct gic_best *best);
/* best was acknowledged: its group priority becomes active. */
void gic_priority_raise(struct gic_priorities *p, const struct gic_best *best);
/* Priority drop; false (nothing done) if what runs is not of that group. */
bool gic_priority_drop(struct gic_priorities *p, unsigned group);

#endif
