/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Generic Interrupt Controllers as a board sees them. Create, connect every PE, set resources,
 * map. Outputs (a PE's IRQ and FIQ inputs) are called with the GIC's lock held: they must not call
 * back. The lock is a leaf otherwise: devices may hold their own while they set a line.
 */
#ifndef ARMVM_MACHINE_INTC_GIC_H
#define ARMVM_MACHINE_INTC_GIC_H

#include <stdbool.h>
#include <stdint.h>

#include "machine/dev/device.h"
#include "machine/dev/msi.h"

enum {
    GIC_SPIS = 256, /* INTIDs 32 to 287 */
    GIC_PPI0 = 16,  /* INTID of PPI 0 */
    GIC_SPI0 = 32,
    GICV2_MAX_CPUS = 8, /* IHI 0048: interrupt targets are a byte */
    GICV3_MAX_CPUS = 512,
};

/* GICv3 (IHI 0069), one security state, affinity routing always on, LPIs. Windows: GICD
 * (64 KiB), GICR (128 KiB a CPU, in the order of the CPU numbers). NULL when out of memory. */
struct device *gicv3_create(unsigned cpus);
void gicv3_connect(struct device *gic, unsigned cpu, uint64_t mpidr, struct irq_line irq,
                   struct irq_line fiq);
/* The input of an SPI (cpu is ignored) or of a CPU's PPI. */
struct irq_line gicv3_line(struct device *gic, unsigned cpu, unsigned intid);

/* For arm_hooks: ICC_*_EL1. */
bool gicv3_icc_read(void *gic, unsigned cpu, uint32_t sysreg, uint64_t *value);
bool gicv3_icc_write(void *gic, unsigned cpu, uint32_t sysreg, uint64_t value);

/* The Interrupt Translation Service of a GICv3, which must outlive the PEs' use of it; create it
 * before the GIC is described. Window: GITS and translation frame (128 KiB). Commands run on the
 * thread of the vCPU that submits them. NULL when out of memory. */
struct device *gicv3_its_create(struct device *gic);
/* Messages to its GITS_TRANSLATER; the device must be mapped. Takes the ITS's and the GIC's lock.
 */
struct msi_sink gicv3_its_sink(struct device *its);

/* GICv2 (IHI 0048) without Security Extensions. Windows: GICD (4 KiB or more), GICC (8 KiB).
 * current says which CPU is accessing (registers are banked by it). NULL when out of memory. */
struct device *gicv2_create(unsigned cpus, unsigned (*current)(void *ctx), void *ctx);
void gicv2_connect(struct device *gic, unsigned cpu, struct irq_line irq, struct irq_line fiq);
struct irq_line gicv2_line(struct device *gic, unsigned cpu, unsigned intid);

/* A GICv2m frame (4 KiB) for `count` SPIs from number `first` on; it becomes a part of this GIC's
 * device-tree node, so only one. The GIC outlives it. NULL when out of memory. */
struct device *gicv2m_create(struct device *gic, unsigned first, unsigned count);
struct msi_sink gicv2m_sink(struct device *frame);

#endif
