/* SPDX-License-Identifier: Apache-2.0 */
/* Performance monitors: counting. Their registers are in sysreg_pmu.c. */
#include "arm/pmu.h"

#include <string.h>

#include "arm/cpu.h"
#include "arm/hooks.h"
#include "base/bits.h"

/* PMEVTYPER<n>_EL0 and PMCCFILTR_EL0: do not count at EL1, at EL0 (manual D13.8.2). */
#define TYPE_P (1u << 31)
#define TYPE_U (1u << 30)

/* Guesses at when a number of instructions will have run are not below this. */
enum { LEAST_NS = 10000 };

static bool counts(const struct arm_cpu *cpu, unsigned n)
{
    const struct arm_pmu *pmu = &cpu->pmu;

    return pmu->enabled >> n & 1 && !(pmu->type[n] & (cpu->el ? TYPE_P : TYPE_U));
}

static unsigned event_of(const struct arm_pmu *pmu, unsigned n)
{
    return n == ARM_PMU_CYCLE ? ARM_PMU_CPU_CYCLES : pmu->type[n] & 0x3ff;
}

/* The cycle counter has 64 bits (PMCR_EL0.LC is 1), the others 32; an even one that wraps carries
 * into its odd neighbour if that counts CHAIN. */
static void advance(struct arm_cpu *cpu, unsigned n, uint64_t by)
{
    struct arm_pmu *pmu = &cpu->pmu;
    uint64_t sum = pmu->count[n] + by;

    if (n == ARM_PMU_CYCLE) {
        pmu->overflow |= (uint32_t)(sum < by) << n;
        pmu->count[n] = sum;
        return;
    }
    pmu->count[n] = (uint32_t)sum;
    if (!(sum >> 32))
        return;
    pmu->overflow |= 1u << n;
    if (!(n & 1) && counts(cpu, n + 1) && event_of(pmu, n + 1) == ARM_PMU_CHAIN)
        advance(cpu, n + 1, sum >> 32);
}

/* --- the interrupt ----------------------------------------------------------------------------*/

static uint64_t now(const struct arm_cpu *cpu)
{
    return cpu->hooks && cpu->hooks->pmu_now ? cpu->hooks->pmu_now(cpu->hooks->pmu) : 0;
}

/* Nanoseconds until counter n may overflow, as far as can be known. */
static uint64_t remaining(const struct arm_cpu *cpu, unsigned n)
{
    const struct arm_pmu *pmu = &cpu->pmu;
    uint64_t left = n == ARM_PMU_CYCLE ? -pmu->count[n] : (1ull << 32) - pmu->count[n];
    unsigned event = event_of(pmu, n);

    if (!counts(cpu, n) || !(pmu->interrupt >> n & 1) ||
        (event != ARM_PMU_CPU_CYCLES && event != ARM_PMU_INST_RETIRED))
        return UINT64_MAX;
    if (event == ARM_PMU_INST_RETIRED && pmu->pace)
        left = left * 1024 / pmu->pace;
    return left && left < LEAST_NS ? LEAST_NS : left - 1;
}

static void set_alarm(struct arm_cpu *cpu)
{
    struct arm_pmu *pmu = &cpu->pmu;
    uint64_t least = UINT64_MAX;

    if (!pmu->counting || !pmu->interrupt || !cpu->hooks || !cpu->hooks->pmu_alarm)
        return;
    for (unsigned n = 0; n < ARM_PMU_COUNTERS; n++) {
        uint64_t left = remaining(cpu, n);
        least = left < least ? left : least;
    }
    /* Only ever moved forward: one that comes early is set again. */
    if (least < UINT64_MAX - pmu->last_ns && pmu->last_ns + least < pmu->alarm_ns) {
        pmu->alarm_ns = pmu->last_ns + least;
        cpu->hooks->pmu_alarm(cpu->hooks->pmu, cpu->index, least);
    }
}

static void set_line(struct arm_cpu *cpu)
{
    struct arm_pmu *pmu = &cpu->pmu;
    bool level = pmu->pmcr & 1 && pmu->overflow & pmu->interrupt;

    if (level == pmu->line)
        return;
    pmu->line = level;
    if (cpu->hooks && cpu->hooks->pmu_line)
        cpu->hooks->pmu_line(cpu->hooks->pmu, cpu->index, level);
}

/* --- counting ---------------------------------------------------------------------------------*/

void arm_pmu_sync(struct arm_cpu *cpu)
{
    struct arm_pmu *pmu = &cpu->pmu;
    uint64_t time = now(cpu), ns = time - pmu->last_ns, retired = pmu->retired;

    if (ns >= LEAST_NS && retired)
        pmu->pace = retired / (ns / 1024) + 1;
    pmu->last_ns = time;
    pmu->retired = 0;
    if (pmu->counting)
        for (unsigned n = 0; n < ARM_PMU_COUNTERS; n++) {
            unsigned event = event_of(pmu, n);
            if (!counts(cpu, n))
                continue;
            if (event == ARM_PMU_CPU_CYCLES)
                advance(cpu, n, ns);
            else if (event == ARM_PMU_INST_RETIRED)
                advance(cpu, n, retired);
        }
    set_line(cpu);
    if (!pmu->line)
        set_alarm(cpu);
}

void arm_pmu_count(struct arm_cpu *cpu, enum arm_pmu_event event, uint32_t counters)
{
    struct arm_pmu *pmu = &cpu->pmu;

    if (!pmu->counting)
        return;
    for (unsigned n = 0; n < ARM_PMU_EVENTS; n++)
        if (counters >> n & 1 && counts(cpu, n) && event_of(pmu, n) == event)
            advance(cpu, n, 1);
    set_line(cpu);
}

void arm_pmu_changed(struct arm_cpu *cpu)
{
    struct arm_pmu *pmu = &cpu->pmu;
    bool retiring = false;

    pmu->counting = pmu->pmcr & 1 && pmu->enabled;
    for (unsigned n = 0; n < ARM_PMU_EVENTS; n++)
        retiring |= pmu->enabled >> n & 1 && event_of(pmu, n) == ARM_PMU_INST_RETIRED;
    retiring = retiring && pmu->counting;
    if (retiring != pmu->retiring) {
        pmu->retiring = retiring;
        cpu->engine_ops->context_changed(cpu);
    }
    set_line(cpu);
    set_alarm(cpu);
}

void arm_pmu_el_changed(struct arm_cpu *cpu)
{
    if (!cpu->pmu.line)
        set_alarm(cpu);
}

void arm_pmu_sleep(struct arm_cpu *cpu)
{
    if (cpu->pmu.counting)
        arm_pmu_sync(cpu);
}

void arm_pmu_wake(struct arm_cpu *cpu)
{
    if (!cpu->pmu.counting)
        return;
    cpu->pmu.last_ns = now(cpu);
    set_alarm(cpu);
}

void arm_pmu_alarm(struct arm_cpu *cpu)
{
    atomic_fetch_or(&cpu->attention, ARM_ATTENTION_PMU);
    cpu->engine_ops->kick(cpu);
}

void arm_pmu_alarmed(struct arm_cpu *cpu)
{
    cpu->pmu.alarm_ns = UINT64_MAX;
    arm_pmu_sync(cpu);
}

void arm_pmu_reset(struct arm_cpu *cpu)
{
    struct arm_pmu *pmu = &cpu->pmu;
    uint64_t alarm_ns = pmu->alarm_ns ? pmu->alarm_ns : UINT64_MAX;

    pmu->pmcr = 0;
    set_line(cpu);
    memset(pmu, 0, sizeof(*pmu));
    pmu->alarm_ns = alarm_ns;
}
