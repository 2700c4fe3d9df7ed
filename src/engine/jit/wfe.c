/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Waiting for events (manual D1.7.1). What sets the event register: SEV, exception returns, the
 * event stream, and the loss of an exclusive reservation, when another PE stores to what this one
 * has marked by a load-exclusive (B2.9.4): software waits for locks that way. Stores announce
 * themselves to nobody here, so whoever waits looks at the marked memory: closely for a moment,
 * then giving way to other threads, then asleep for times that grow. An interrupt that is not
 * masked, SEV and requests of other vCPUs end a sleep at once.
 *
 * A store that leaves the value as it was goes unseen; the limit of a sleep covers that.
 */
#include <sched.h>

#include "arm/pstate.h"
#include "engine/jit/jit.h"
#include "host/clock.h"
#include "host/futex.h"

enum {
    SPINS = 100,            /* looks, with a pause of some 10 to 50 ns each */
    YIELDS = 30,            /* then, each with a system call */
    FIRST_SLEEP_NS = 20000, /* then */
    LONGEST_SLEEP_NS = 500000,
    LIMIT_NS = 2000000,       /* of one WFE, while memory is marked */
    IDLE_LIMIT_NS = 50000000, /* while none is */
};

static void pause_briefly(void)
{
#if defined(__x86_64__)
    __builtin_ia32_pause();
#endif
}

static bool woken(struct jit_vcpu *vcpu)
{
    struct arm_cpu *cpu = &vcpu->cpu;

    return atomic_load_explicit(&cpu->event, memory_order_relaxed) ||
           atomic_load_explicit(&cpu->attention, memory_order_relaxed) ||
           arm_interrupt_ready(cpu) || jit_monitor_lost(vcpu);
}

/* True if something came meanwhile. */
static bool spin(struct jit_vcpu *vcpu)
{
    for (unsigned i = 0; i < SPINS; i++) {
        if (woken(vcpu))
            return true;
        pause_briefly();
    }
    for (unsigned i = 0; i < YIELDS; i++) {
        if (woken(vcpu))
            return true;
        sched_yield();
    }
    return false;
}

void jit_wfe(struct arm_cpu *cpu, uint64_t timeout_ns)
{
    struct jit_vcpu *vcpu = jit_vcpu(cpu);
    bool marked = cpu->monitor[0] != ARM_MONITOR_OPEN;
    uint64_t limit = marked ? LIMIT_NS : IDLE_LIMIT_NS;

    if (!timeout_ns || (vcpu->engine->cpus > 1 && spin(vcpu))) {
        atomic_store(&cpu->event, 0);
        return;
    }
    vcpu->wake_deadline = host_now_ns() + (timeout_ns < limit ? timeout_ns : limit);
    vcpu->sleep = JIT_WFE;
    atomic_fetch_or(&cpu->attention, ARM_ATTENTION_WORK);
}

bool jit_wfe_sleep(struct jit_vcpu *vcpu, uint32_t wake, uint64_t *step)
{
    bool marked = vcpu->cpu.monitor[0] != ARM_MONITOR_OPEN;
    uint64_t now = host_now_ns(), until = vcpu->wake_deadline;

    if (now >= until || jit_monitor_lost(vcpu))
        return false;
    *step = *step ? *step * 2 : FIRST_SLEEP_NS;
    if (*step > LONGEST_SLEEP_NS)
        *step = LONGEST_SLEEP_NS;
    if (marked && now + *step < until)
        until = now + *step;
    host_futex_wait(&vcpu->wake, wake, until);
    return true;
}
