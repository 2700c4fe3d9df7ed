/* SPDX-License-Identifier: Apache-2.0 */
/* The GICv3's parts among themselves. Functions here expect the lock to be held. */
#ifndef ARMVM_MACHINE_INTC_GICV3_H
#define ARMVM_MACHINE_INTC_GICV3_H

#include <pthread.h>

#include "machine/intc/gic.h"
#include "machine/intc/gic_priority.h"
#include "machine/mem/mem.h"

enum { GICV3_BANKS = GIC_SPIS / 32, GICV3_NO_CPU = 0xffff };

/* GICD_CTLR's bits that exist with one security state. */
enum {
    GICD_CTLR_ENABLE_GRP0 = 1,
    GICD_CTLR_ENABLE_GRP1 = 2,
    GICD_CTLR_ARE = 1 << 4,
    GICD_CTLR_DS = 1 << 6
};

struct gicv3_cpu {
    uint64_t mpidr;
    uint32_t affinity; /* Aff3.Aff2.Aff1.Aff0 */
    struct irq_line irq, fiq;
    bool irq_up, fiq_up;
    /* redistributor */
    bool asleep; /* GICR_WAKER.ProcessorSleep */
    struct gic_bank bank;
    /* CPU interface */
    struct gic_priorities priorities;
    bool eoimode;
    bool enable[2]; /* ICC_IGRPEN0_EL1, ICC_IGRPEN1_EL1 */
    struct gic_best best;
};

struct gicv3 {
    struct device dev;
    pthread_mutex_t lock; /* all below */
    unsigned cpus;
    uint32_t ctlr; /* GICD_CTLR_ENABLE_* */
    struct gic_bank bank[GICV3_BANKS];
    uint64_t irouter[GIC_SPIS];
    uint16_t target[GIC_SPIS]; /* the CPU that irouter names, or GICV3_NO_CPU */
    struct gicv3_cpu *cpu;
};

/* Looks anew for what a CPU, or all, should take, and drives the outputs. */
void gicv3_update(struct gicv3 *gic, unsigned cpu);
void gicv3_update_all(struct gicv3 *gic);
/* The outputs only: something in the CPU interface changed that does not change `best`. */
void gicv3_drive(struct gicv3_cpu *cpu);
void gicv3_cpuif_reset(struct gicv3_cpu *cpu);

/* Which CPU has this affinity (a packed Aff3..Aff0), or GICV3_NO_CPU. */
unsigned gicv3_find_cpu(const struct gicv3 *gic, uint32_t affinity);
void gicv3_set_irouter(struct gicv3 *gic, unsigned spi, uint64_t value);

extern const struct mem_io_ops gicv3_dist_io, gicv3_redist_io;

#endif
