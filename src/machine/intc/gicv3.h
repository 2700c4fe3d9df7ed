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

/* LPIs have 16 bits of INTID. */
enum { GIC_LPI0 = 8192, GIC_LPI_END = 65536, GIC_LPIS = GIC_LPI_END - GIC_LPI0 };
#define GICR_PENDBASER_PTZ (1ull << 62)
enum { LPI_WORDS = GIC_LPIS / 64, LPI_SUMMARY = (LPI_WORDS + 63) / 64 };

/* What is pending for one CPU. LPIs are edges and have no active state. */
struct gicv3_lpis {
    uint64_t propbaser, pendbaser;
    bool enabled;   /* GICR_CTLR.EnableLPIs */
    bool stale;     /* best has to be searched for */
    bool unloaded;  /* configurations of some that are pending may not be cached */
    uint32_t end;   /* INTIDs from here on are out of PROPBASER.IDbits */
    uint32_t count; /* pending ones */
    struct gic_best best;
    uint64_t *pending; /* a bit for each LPI, then a bit for each word that is not 0 */
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
    struct gicv3_lpis lpis;
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
    struct device *its;    /* or NULL; described inside of the GIC */
    uint64_t *lpi_pending; /* all CPUs' */
    uint64_t lpi_table;    /* LPI configuration, common to all CPUs (GICR_TYPER.CommonLPIAff) */
    uint8_t lpi_top;       /* no cached configuration that is enabled has a higher priority */
    bool lpi_cached;       /* lpi_config has something */
    bool lpi_stale;        /* some CPU's lpis.stale */
    uint8_t lpi_config[GIC_LPIS]; /* cached bytes of the table; 0: not cached */
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

/* --- LPIs: gicv3_lpi.c ---
 * What is to be searched for the best pending LPI again is "stale" until gicv3_lpi_settle, which
 * must follow these functions before the guest may expect an effect: a run of commands searches
 * once. */

/* Whether this CPU takes that LPI: LPIs are enabled and the number is in range. */
static inline bool gicv3_lpi_exists(const struct gicv3_cpu *cpu, uint32_t lpi)
{
    return cpu->lpis.enabled && lpi >= GIC_LPI0 && lpi < cpu->lpis.end;
}

/* Makes it pending; ignored where it does not exist. */
void gicv3_lpi_set(struct gicv3 *gic, unsigned cpu, uint32_t lpi);
/* Takes the pending state away; true if there was one. */
bool gicv3_lpi_clear(struct gicv3 *gic, unsigned cpu, uint32_t lpi);
/* The pending state of one or all goes to another CPU, which must have LPIs enabled. */
void gicv3_lpi_move(struct gicv3 *gic, unsigned from, unsigned to, uint32_t lpi);
void gicv3_lpi_move_all(struct gicv3 *gic, unsigned from, unsigned to);
/* Drops cached configurations. */
void gicv3_lpi_invalidate(struct gicv3 *gic, unsigned cpu, uint32_t lpi);
void gicv3_lpi_invalidate_all(struct gicv3 *gic);
/* Considers the CPU's best LPI, for gicv3_update. */
void gicv3_lpi_pick(struct gicv3 *gic, struct gicv3_cpu *cpu, struct gic_best *best);
/* Brings CPUs that are stale up to date; drops the lock between them. */
void gicv3_lpi_settle(struct gicv3 *gic);
/* It was acknowledged; the caller updates. */
void gicv3_lpi_acknowledge(struct gicv3_cpu *cpu, uint32_t lpi);

/* GICR_CTLR.EnableLPIs: takes over the tables; gives the pending state back to memory. */
void gicv3_lpi_enable(struct gicv3 *gic, unsigned cpu, bool on);
void gicv3_lpi_reset(struct gicv3 *gic);

extern const struct mem_io_ops gicv3_dist_io, gicv3_redist_io;

#endif
