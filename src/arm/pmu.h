/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Performance monitors (manual D13): PMUv3 of Armv8.0 with six event counters.
 *
 * Counters are brought up to date when somebody looks, when the EL changes and when an overflow is
 * due; in between nothing counts but arm_pmu.retired, which code translated for it adds to. So
 * there is no cost unless a counter is enabled, and none in translated code unless one counts
 * instructions. A cycle is a nanosecond in which the PE does not sleep.
 */
#ifndef ARMVM_ARM_PMU_H
#define ARMVM_ARM_PMU_H

#include <stdbool.h>
#include <stdint.h>

struct arm_cpu;

enum {
    ARM_PMU_EVENTS = 6,             /* event counters */
    ARM_PMU_CYCLE = ARM_PMU_EVENTS, /* number of the cycle counter in the arrays below */
    ARM_PMU_COUNTERS = ARM_PMU_EVENTS + 1,
};

/* Events that are counted (manual D13.12). */
enum arm_pmu_event {
    ARM_PMU_SW_INCR = 0x00,
    ARM_PMU_INST_RETIRED = 0x08,
    ARM_PMU_EXC_TAKEN = 0x09,
    ARM_PMU_EXC_RETURN = 0x0a,
    ARM_PMU_CPU_CYCLES = 0x11,
    ARM_PMU_CHAIN = 0x1e,
};

struct arm_pmu {
    uint64_t count[ARM_PMU_COUNTERS];
    uint32_t type[ARM_PMU_COUNTERS];       /* PMEVTYPER<n>_EL0, PMCCFILTR_EL0 */
    uint32_t enabled, overflow, interrupt; /* bit n: counter n */
    uint32_t pmcr, selr, userenr;
    bool counting;     /* PMCR_EL0.E, and a counter is enabled */
    bool retiring;     /* one that counts instructions */
    bool line;         /* overflow interrupt */
    uint64_t retired;  /* instructions since the last update */
    uint64_t last_ns;  /* when that was */
    uint64_t pace;     /* instructions in 1024 ns, lately; 0: not known */
    uint64_t alarm_ns; /* when the machine will call; UINT64_MAX: not at all */
};

void arm_pmu_reset(struct arm_cpu *cpu);
/* Brings the counters up to date, and what depends on them. On the PE's own thread. */
void arm_pmu_sync(struct arm_cpu *cpu);
/* After controls were changed (the counters being up to date). */
void arm_pmu_changed(struct arm_cpu *cpu);
/* An event happened; for those that are no matter of time or instructions. Bit n of counters: only
 * there. */
void arm_pmu_count(struct arm_cpu *cpu, enum arm_pmu_event event, uint32_t counters);
/* The EL is another; the counters were brought up to date before. Those that excluded the old EL may
 * overflow in the new one. */
void arm_pmu_el_changed(struct arm_cpu *cpu);
/* The PE goes to sleep, and is back. */
void arm_pmu_sleep(struct arm_cpu *cpu);
void arm_pmu_wake(struct arm_cpu *cpu);
/* The time that was asked for has come. Any thread. */
void arm_pmu_alarm(struct arm_cpu *cpu);
/* The PE's thread has noticed. */
void arm_pmu_alarmed(struct arm_cpu *cpu);

#endif
