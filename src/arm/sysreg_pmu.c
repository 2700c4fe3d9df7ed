/* SPDX-License-Identifier: Apache-2.0 */
/* Registers of the performance monitors (manual D13.8). */
#include "arm/sysreg_impl.h"

#include "base/bits.h"

/* PMCR_EL0. LC is RES1 where there is no AArch32: the cycle counter has 64 bits, D does nothing. */
enum { PMCR_E = 1 << 0, PMCR_P = 1 << 1, PMCR_C = 1 << 2, PMCR_LC = 1 << 6 };
enum { PMCR_KEPT = PMCR_E | 1 << 3 | 1 << 4 | 1 << 5, PMCR_N = 11, PMCR_IMP = 24 };

/* PMUSERENR_EL0. */
enum { EN = 1, SW = 2, CR = 4, ER = 8 };

/* Masks of counters have the cycle counter at bit 31. */
static uint32_t from_mask(uint64_t mask)
{
    return ((uint32_t)mask & ((1u << ARM_PMU_EVENTS) - 1)) | (uint32_t)bit(mask, 31)
                                                                 << ARM_PMU_CYCLE;
}

static uint64_t to_mask(uint32_t counters)
{
    return (counters & ((1u << ARM_PMU_EVENTS) - 1)) | (uint64_t)(counters >> ARM_PMU_CYCLE) << 31;
}

/* --- EL0 --------------------------------------------------------------------------------------*/

bool arm_trap_pm(const struct arm_cpu *cpu, bool write)
{
    return !(cpu->pmu.userenr & EN);
}

bool arm_trap_pm_swinc(const struct arm_cpu *cpu, bool write)
{
    return !(cpu->pmu.userenr & (EN | SW));
}

bool arm_trap_pm_cycles(const struct arm_cpu *cpu, bool write)
{
    return !(cpu->pmu.userenr & (write ? EN : EN | CR));
}

bool arm_trap_pm_events(const struct arm_cpu *cpu, bool write)
{
    return !(cpu->pmu.userenr & (write ? EN : EN | ER));
}

bool arm_trap_pm_select(const struct arm_cpu *cpu, bool write)
{
    return !(cpu->pmu.userenr & (EN | ER));
}

uint64_t arm_read_pmuserenr(struct arm_cpu *cpu, const struct arm_sysreg *reg)
{
    return cpu->pmu.userenr;
}

void arm_write_pmuserenr(struct arm_cpu *cpu, const struct arm_sysreg *reg, uint64_t value)
{
    cpu->pmu.userenr = value & 0xf;
}

/* --- control ----------------------------------------------------------------------------------*/

uint64_t arm_read_pmcr(struct arm_cpu *cpu, const struct arm_sysreg *reg)
{
    return bits(cpu->features->midr, 31, 24) << PMCR_IMP | ARM_PMU_EVENTS << PMCR_N | PMCR_LC |
           cpu->pmu.pmcr;
}

void arm_write_pmcr(struct arm_cpu *cpu, const struct arm_sysreg *reg, uint64_t value)
{
    struct arm_pmu *pmu = &cpu->pmu;

    arm_pmu_sync(cpu);
    if (value & PMCR_C)
        pmu->count[ARM_PMU_CYCLE] = 0;
    for (unsigned n = 0; value & PMCR_P && n < ARM_PMU_EVENTS; n++)
        pmu->count[n] = 0;
    pmu->pmcr = value & PMCR_KEPT;
    arm_pmu_changed(cpu);
}

/* Which of arm_pmu's masks a pair of set and clear registers stands for. */
static uint32_t *mask_of(struct arm_cpu *cpu, const struct arm_sysreg *reg)
{
    switch (reg->encoding & 0x7f) {
    case 12 << 3 | 1:
    case 12 << 3 | 2:
        return &cpu->pmu.enabled; /* PMCNTENSET_EL0, PMCNTENCLR_EL0 */
    case 12 << 3 | 3:
    case 14 << 3 | 3:
        return &cpu->pmu.overflow; /* PMOVSCLR_EL0, PMOVSSET_EL0 */
    default:
        return &cpu->pmu.interrupt; /* PMINTENSET_EL1, PMINTENCLR_EL1 */
    }
}

uint64_t arm_read_pmmask(struct arm_cpu *cpu, const struct arm_sysreg *reg)
{
    arm_pmu_sync(cpu);
    return to_mask(*mask_of(cpu, reg));
}

void arm_write_pmset(struct arm_cpu *cpu, const struct arm_sysreg *reg, uint64_t value)
{
    arm_pmu_sync(cpu);
    *mask_of(cpu, reg) |= from_mask(value);
    arm_pmu_changed(cpu);
}

void arm_write_pmclr(struct arm_cpu *cpu, const struct arm_sysreg *reg, uint64_t value)
{
    arm_pmu_sync(cpu);
    *mask_of(cpu, reg) &= ~from_mask(value);
    arm_pmu_changed(cpu);
}

void arm_write_pmswinc(struct arm_cpu *cpu, const struct arm_sysreg *reg, uint64_t value)
{
    arm_pmu_count(cpu, ARM_PMU_SW_INCR, (uint32_t)value);
}

/* Common events 0 to 0x1f; there are none above. */
uint64_t arm_read_pmceid0(struct arm_cpu *cpu, const struct arm_sysreg *reg)
{
    return 1u << ARM_PMU_SW_INCR | 1u << ARM_PMU_INST_RETIRED | 1u << ARM_PMU_EXC_TAKEN |
           1u << ARM_PMU_EXC_RETURN | 1u << ARM_PMU_CPU_CYCLES | 1u << ARM_PMU_CHAIN;
}

/* --- counters ---------------------------------------------------------------------------------*/

uint64_t arm_read_pmselr(struct arm_cpu *cpu, const struct arm_sysreg *reg)
{
    return cpu->pmu.selr;
}

void arm_write_pmselr(struct arm_cpu *cpu, const struct arm_sysreg *reg, uint64_t value)
{
    cpu->pmu.selr = value & 0x1f;
}

/* The counter that a register stands for: by its number, or by PMSELR_EL0, where 31 is the cycle
 * counter. ARM_PMU_COUNTERS: none, reads as zero. */
static unsigned counter_of(const struct arm_cpu *cpu, const struct arm_sysreg *reg)
{
    unsigned crn = (unsigned)bits(reg->encoding, 10, 7), n = reg->encoding & 0x1f;

    if (crn == 9)
        n = (reg->encoding & 0x7f) == (13 << 3) ? 31 : cpu->pmu.selr;
    if (n == 31)
        return ARM_PMU_CYCLE;
    return n < ARM_PMU_EVENTS ? n : ARM_PMU_COUNTERS;
}

uint64_t arm_read_pmcounter(struct arm_cpu *cpu, const struct arm_sysreg *reg)
{
    unsigned n = counter_of(cpu, reg);

    if (n == ARM_PMU_COUNTERS)
        return 0;
    arm_pmu_sync(cpu);
    return cpu->pmu.count[n];
}

void arm_write_pmcounter(struct arm_cpu *cpu, const struct arm_sysreg *reg, uint64_t value)
{
    unsigned n = counter_of(cpu, reg);

    if (n == ARM_PMU_COUNTERS)
        return;
    arm_pmu_sync(cpu);
    cpu->pmu.count[n] = n == ARM_PMU_CYCLE ? value : (uint32_t)value;
    arm_pmu_changed(cpu);
}

uint64_t arm_read_pmtype(struct arm_cpu *cpu, const struct arm_sysreg *reg)
{
    unsigned n = counter_of(cpu, reg);

    return n == ARM_PMU_COUNTERS ? 0 : cpu->pmu.type[n];
}

/* P, U, and the event, which PMCCFILTR_EL0 has not. */
void arm_write_pmtype(struct arm_cpu *cpu, const struct arm_sysreg *reg, uint64_t value)
{
    unsigned n = counter_of(cpu, reg);

    if (n == ARM_PMU_COUNTERS)
        return;
    arm_pmu_sync(cpu);
    cpu->pmu.type[n] = (uint32_t)value & (3u << 30 | (n == ARM_PMU_CYCLE ? 0 : 0x3ff));
    arm_pmu_changed(cpu);
}
