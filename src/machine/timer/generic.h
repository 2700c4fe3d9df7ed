/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The generic timer of an EL1 machine (manual D11): one system counter, and for each PE the EL1
 * physical and virtual timers. CNTVOFF is 0: both counters are the same. Interrupts: line 0 is the
 * secure physical timer's (described only), 1 physical, 2 virtual, 3 hypervisor's (described only).
 */
#ifndef ARMVM_MACHINE_TIMER_GENERIC_H
#define ARMVM_MACHINE_TIMER_GENERIC_H

#include <stdbool.h>
#include <stdint.h>

#include "machine/dev/device.h"

struct loop;

enum { GENERIC_TIMER_PHYS, GENERIC_TIMER_VIRT, GENERIC_TIMERS };

struct generic_timer_config {
    unsigned cpus;
    uint64_t frequency;         /* Hz, 1 to 1 GHz: CNTFRQ_EL0 */
    struct loop *loop;          /* NULL: lines move only when a PE asks */
    uint64_t (*now)(void *ctx); /* nanoseconds; NULL: the host's monotonic clock */
    void *now_ctx;
};

/* NULL when out of memory. */
struct device *generic_timer_create(const struct generic_timer_config *config);
/* Connects a timer's output of a PE. */
void generic_timer_connect(struct device *timer, unsigned cpu, unsigned which,
                           struct irq_line line);

/* For arm_hooks. deadline also raises the lines of timers that have fired by now, so that a
 * sleeping PE that wakes at its deadline and asks again finds its interrupt. */
uint64_t generic_timer_read(void *timer, unsigned cpu, uint32_t sysreg);
void generic_timer_write(void *timer, unsigned cpu, uint32_t sysreg, uint64_t value);
uint64_t generic_timer_deadline(void *timer, unsigned cpu);
/* Nanoseconds that the counters have run. */
uint64_t generic_timer_ns(void *timer);
/* Stops the counters, so that no time passes for the guest while it stands still (a debugger, a
 * pause), and lets them go on. No PE runs meanwhile. */
void generic_timer_stop(void *timer, bool stop);

#endif
