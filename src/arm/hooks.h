/* SPDX-License-Identifier: Apache-2.0 */
/* How the architecture reaches the machine around it. The board fills this in; a PE calls it on
 * its own thread. Any pointer may be NULL: the registers behind it are then UNDEFINED. */
#ifndef ARMVM_ARM_HOOKS_H
#define ARMVM_ARM_HOOKS_H

#include <stdbool.h>
#include <stdint.h>

struct arm_cpu;

/* A system register's encoding as one number: op0<15:14> op1<13:11> CRn<10:7> CRm<6:3> op2<2:0>,
 * as in the MRS/MSR instruction's bits 20:5 with op0 = 2 + o0. */
#define ARM_SYSREG(op0, op1, crn, crm, op2)                                                        \
    ((uint32_t)((op0) << 14 | (op1) << 11 | (crn) << 7 | (crm) << 3 | (op2)))

enum arm_power_event { ARM_EVENT_SYSTEM_OFF, ARM_EVENT_SYSTEM_RESET };

struct arm_hooks {
    /* GICv3 CPU interface: ICC_* by encoding. Return false if the register does not exist. */
    bool (*icc_read)(void *gic, unsigned cpu, uint32_t sysreg, uint64_t *value);
    bool (*icc_write)(void *gic, unsigned cpu, uint32_t sysreg, uint64_t value);
    void *gic;

    /* Generic timer: counters and CNT{P,V}_{CTL,CVAL,TVAL}_EL0 by encoding. */
    uint64_t (*timer_read)(void *timer, unsigned cpu, uint32_t sysreg);
    void (*timer_write)(void *timer, unsigned cpu, uint32_t sysreg, uint64_t value);
    /* Nanoseconds until this PE's next timer interrupt could fire, UINT64_MAX for never. */
    uint64_t (*timer_deadline)(void *timer, unsigned cpu);
    void *timer;

    /* PSCI SYSTEM_OFF, SYSTEM_RESET and RESET2: asks the machine; returns, and the PE parks. */
    void (*power)(void *machine, enum arm_power_event event);
    void *machine;

    /* All PEs, for PSCI CPU_ON and AFFINITY_INFO. */
    struct arm_cpu *(*cpu_by_mpidr)(void *machine, uint64_t mpidr);

    /* 64 random bits for RNDR and RNDRRS; false if there are none now. NULL: always so. */
    bool (*random)(void *machine, uint64_t *value);

    /* All PEs stand still from now on, or are about to run again: the counters stop with them, so
     * that a pause or a debugger costs the guest no time. Not nested. May be NULL. */
    void (*timer_stop)(void *timer, bool stop);

    /* Performance monitors: the time in nanoseconds, which stops as the counters do; a call of
     * arm_pmu_alarm() in that many; the PE's overflow interrupt. May be NULL. */
    uint64_t (*pmu_now)(void *pmu);
    void (*pmu_alarm)(void *pmu, unsigned cpu, uint64_t ns);
    void (*pmu_line)(void *pmu, unsigned cpu, bool level);
    void *pmu;
};

#endif
