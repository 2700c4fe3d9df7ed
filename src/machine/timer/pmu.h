/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The machine's part in the PEs' performance monitors (arm/pmu.h): the clock that cycles are
 * counted by, a call when a counter may overflow, and the overflow interrupts. Interrupt: one PPI.
 */
#ifndef ARMVM_MACHINE_TIMER_PMU_H
#define ARMVM_MACHINE_TIMER_PMU_H

#include "machine/dev/device.h"

struct loop;

struct pmu_config {
    unsigned cpus;
    struct loop *loop;          /* NULL: nobody is called */
    uint64_t (*now)(void *ctx); /* nanoseconds of guest time */
    void *now_ctx;
};

/* NULL when out of memory. */
struct device *pmu_create(const struct pmu_config *config);
/* Connects a PE: its overflow interrupt, and what is raised when the time it asked for has come. */
void pmu_connect(struct device *pmu, unsigned cpu, struct irq_line line, struct irq_line alarm);

/* For arm_hooks. */
uint64_t pmu_now(void *pmu);
void pmu_alarm(void *pmu, unsigned cpu, uint64_t ns);
void pmu_line(void *pmu, unsigned cpu, bool level);

#endif
