/* SPDX-License-Identifier: Apache-2.0 */
/*
 * 32 interrupts as both GIC architectures' distributors (and GICv3's redistributors) keep them:
 * IHI 0069 chapter 12, IHI 0048 chapter 4. The caller holds the GIC's lock.
 */
#ifndef ARMVM_MACHINE_INTC_GIC_BANK_H
#define ARMVM_MACHINE_INTC_GIC_BANK_H

#include <stdbool.h>
#include <stdint.h>

enum { GIC_SPURIOUS = 1023, GIC_IDLE_PRIORITY = 0xff };

/* Priorities have five bits, 7:3: 32 levels, one active-priorities register. */
enum { GIC_PRIORITY_BITS = 5, GIC_PRIORITY_MASK = 0xf8 };

struct gic_bank {
    uint32_t group; /* 1: Group 1 */
    uint32_t enable;
    uint32_t latch; /* pending by an edge or by a register write */
    uint32_t active;
    uint32_t level; /* inputs */
    uint32_t edge;  /* edge-triggered; else level-sensitive */
    uint32_t fixed; /* ICFGR is read-only: SGIs */
    uint8_t priority[32];
};

/* A level-sensitive interrupt is pending while its input is up, or latched by software. */
static inline uint32_t gic_bank_pending(const struct gic_bank *bank)
{
    return bank->latch | (bank->level & ~bank->edge);
}

/* sgis: bits 15:0 are SGIs. Inputs keep their levels. */
void gic_bank_reset(struct gic_bank *bank, bool sgis);

/* An input changed; true if that may change what is pending. */
bool gic_bank_line(struct gic_bank *bank, unsigned n, bool level);

/* Acknowledges n: it becomes active and loses its latch. */
void gic_bank_activate(struct gic_bank *bank, unsigned n);

/* The registers that exist once a bank, from GICD_IGROUPR to GICD_ICFGR. Offsets are GICD's; the
 * word says which bank a register belongs to. */
enum gic_reg {
    GIC_NONE,
    GIC_IGROUPR,
    GIC_ISENABLER,
    GIC_ICENABLER,
    GIC_ISPENDR,
    GIC_ICPENDR,
    GIC_ISACTIVER,
    GIC_ICACTIVER,
    GIC_IPRIORITYR,
    GIC_ICFGR,
};

struct gic_where {
    enum gic_reg reg;
    unsigned bank;  /* INTID / 32 */
    unsigned first; /* IPRIORITYR, ICFGR: INTID % 32 of the access's first field */
};

struct gic_where gic_bank_decode(uint64_t offset);

/* size 1, 2, 4. Only IPRIORITYR has bytes: elsewhere accesses other than words read as zero. */
uint32_t gic_bank_read(const struct gic_bank *bank, const struct gic_where *where, unsigned size);
void gic_bank_write(struct gic_bank *bank, const struct gic_where *where, unsigned size,
                    uint32_t value);

#endif
