/* SPDX-License-Identifier: Apache-2.0 */
/* The GICv2's parts among themselves. Functions here expect the lock to be held. */
#ifndef ARMVM_MACHINE_INTC_GICV2_H
#define ARMVM_MACHINE_INTC_GICV2_H

#include <pthread.h>

#include "machine/intc/gic.h"
#include "machine/intc/gic_priority.h"
#include "machine/mem/mem.h"

enum { GICV2_BANKS = GIC_SPIS / 32, GICV2_SGIS = 16 };

enum { GICD_CTLR_GRP0 = 1, GICD_CTLR_GRP1 = 2 };

/* GICC_CTLR of a GICv2 without Security Extensions (IHI 0048 4.4.1). */
enum {
    GICC_CTLR_GRP0 = 1,
    GICC_CTLR_GRP1 = 2,
    GICC_CTLR_ACKCTL = 4,
    GICC_CTLR_FIQEN = 8,
    GICC_CTLR_CBPR = 0x10,
    GICC_CTLR_EOIMODE = 0x200,
    GICC_CTLR_MASK = 0x3ff,
};

struct gicv2_cpu {
    struct irq_line irq, fiq;
    bool irq_up, fiq_up;
    struct gic_bank bank;           /* SGIs and PPIs */
    uint8_t sgi_source[GICV2_SGIS]; /* CPUs from which an SGI is pending; latch is set if any */
    uint32_t ctlr;                  /* GICC_CTLR */
    struct gic_priorities priorities;
    struct gic_best best;
};

struct gicv2 {
    struct device dev;
    struct device *frame; /* GICv2m, or NULL */
    pthread_mutex_t lock; /* all below */
    unsigned cpus;
    unsigned (*current)(void *ctx);
    void *current_ctx;
    uint32_t ctlr;
    struct gic_bank bank[GICV2_BANKS];
    uint8_t target[GIC_SPIS]; /* GICD_ITARGETSR: a bit a CPU */
    struct gicv2_cpu cpu[GICV2_MAX_CPUS];
};

void gicv2_update(struct gicv2 *gic, unsigned cpu);
void gicv2_update_all(struct gicv2 *gic);

/* The accessing CPU. */
unsigned gicv2_current(const struct gicv2 *gic);

extern const struct mem_io_ops gicv2_dist_io, gicv2_cpuif_io;

#endif
