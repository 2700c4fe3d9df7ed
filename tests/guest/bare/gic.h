/* SPDX-License-Identifier: Apache-2.0 */
/* The interrupt controller, GICv2 or GICv3, whichever there is: this CPU's side, group 1. */
#ifndef GIC_H
#define GIC_H

#include "bare.h"

enum { GICD = 0x08000000, GICC = 0x08010000, GICR = 0x080a0000, GICR_SIZE = 0x20000 };
enum { PPI_PMU = 23, PPI_VIRTUAL_TIMER = 27, PPI_PHYSICAL_TIMER = 30, SPURIOUS = 1023 };

extern u64 gic; /* 2 or 3; gic_init() sets it */

volatile u32 *reg(u64 address);
/* Makes this CPU's interface ready: all interrupts at priority 0xa0, none enabled. */
void gic_init(void);
/* Where the registers of this CPU's SGIs and PPIs are. */
u64 gic_base(void);
void gic_enable(u64 intid, int on);
void gic_pend(u64 intid);
void gic_priority(u64 intid, u64 priority);
void gic_mask(u64 priority);
u64 gic_take(void);
void gic_end(u64 intid);
void gic_send(u64 intid, u64 target);

static inline void unmask(void)
{
    asm volatile("msr daifclr, #2\n isb" ::: "memory");
}

static inline void mask(void)
{
    asm volatile("msr daifset, #2\n isb" ::: "memory");
}

#endif
