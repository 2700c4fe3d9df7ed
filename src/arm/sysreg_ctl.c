/* SPDX-License-Identifier: Apache-2.0 */
/* PSTATE fields, floating-point control, memory and exception control registers. Bits of features
 * that are absent are RES0 and read as zero. */
#include "arm/sysreg_impl.h"

#include "arm/pauth.h"
#include "arm/pstate.h"
#include "base/bits.h"

static void changed(struct arm_cpu *cpu)
{
    cpu->engine_ops->context_changed(cpu);
}

bool arm_trap_uma(const struct arm_cpu *cpu, bool write)
{
    return !(cpu->sctlr_el1 & ARM_SCTLR_UMA);
}

bool arm_trap_tscxt(const struct arm_cpu *cpu, bool write)
{
    return cpu->sctlr_el1 & ARM_SCTLR_TSCXT;
}

uint64_t arm_read_nzcv(struct arm_cpu *cpu, const struct arm_sysreg *reg)
{
    return (uint64_t)arm_nzcv(cpu) << 28;
}

void arm_write_nzcv(struct arm_cpu *cpu, const struct arm_sysreg *reg, uint64_t value)
{
    arm_set_nzcv(cpu, (unsigned)bits(value, 31, 28));
}

uint64_t arm_read_daif(struct arm_cpu *cpu, const struct arm_sysreg *reg)
{
    return (uint64_t)cpu->daif << ARM_SPSR_DAIF;
}

void arm_write_daif(struct arm_cpu *cpu, const struct arm_sysreg *reg, uint64_t value)
{
    cpu->daif = (uint8_t)bits(value, ARM_SPSR_DAIF + 3, ARM_SPSR_DAIF);
    arm_daif_changed(cpu);
}

uint64_t arm_read_spsel(struct arm_cpu *cpu, const struct arm_sysreg *reg)
{
    return cpu->spsel;
}

void arm_write_spsel(struct arm_cpu *cpu, const struct arm_sysreg *reg, uint64_t value)
{
    arm_set_el(cpu, 1, value & 1);
    changed(cpu);
}

uint64_t arm_read_currentel(struct arm_cpu *cpu, const struct arm_sysreg *reg)
{
    return (uint64_t)cpu->el << 2;
}

uint64_t arm_read_pan(struct arm_cpu *cpu, const struct arm_sysreg *reg)
{
    return (uint64_t)cpu->pan << ARM_SPSR_PAN;
}

void arm_write_pan(struct arm_cpu *cpu, const struct arm_sysreg *reg, uint64_t value)
{
    cpu->pan = bit(value, ARM_SPSR_PAN);
    changed(cpu);
}

uint64_t arm_read_uao(struct arm_cpu *cpu, const struct arm_sysreg *reg)
{
    return (uint64_t)cpu->uao << ARM_SPSR_UAO;
}

void arm_write_uao(struct arm_cpu *cpu, const struct arm_sysreg *reg, uint64_t value)
{
    cpu->uao = bit(value, ARM_SPSR_UAO);
    changed(cpu);
}

uint64_t arm_read_dit(struct arm_cpu *cpu, const struct arm_sysreg *reg)
{
    return (uint64_t)cpu->dit << ARM_SPSR_DIT;
}

void arm_write_dit(struct arm_cpu *cpu, const struct arm_sysreg *reg, uint64_t value)
{
    cpu->dit = bit(value, ARM_SPSR_DIT);
}

uint64_t arm_read_ssbs(struct arm_cpu *cpu, const struct arm_sysreg *reg)
{
    return (uint64_t)cpu->ssbs << ARM_SPSR_SSBS;
}

void arm_write_ssbs(struct arm_cpu *cpu, const struct arm_sysreg *reg, uint64_t value)
{
    cpu->ssbs = bit(value, ARM_SPSR_SSBS);
}

uint64_t arm_read_fpcr(struct arm_cpu *cpu, const struct arm_sysreg *reg)
{
    return cpu->fpcr;
}

void arm_write_fpcr(struct arm_cpu *cpu, const struct arm_sysreg *reg, uint64_t value)
{
    uint32_t fpcr = (uint32_t)value & arm_fpcr_bits(cpu->features);

    if (fpcr == cpu->fpcr)
        return;
    cpu->fpcr = fpcr;
    changed(cpu);
}

uint64_t arm_read_fpsr(struct arm_cpu *cpu, const struct arm_sysreg *reg)
{
    return cpu->fpsr;
}

/* QC, IDC, IXC, UFC, OFC, DZC, IOC. */
void arm_write_fpsr(struct arm_cpu *cpu, const struct arm_sysreg *reg, uint64_t value)
{
    cpu->fpsr = (uint32_t)value & ARM_FPSR_BITS;
}

uint64_t arm_read_isr(struct arm_cpu *cpu, const struct arm_sysreg *reg)
{
    uint32_t lines = atomic_load(&cpu->lines);

    return (lines & ARM_LINE_IRQ ? 1u << 7 : 0) | (lines & ARM_LINE_FIQ ? 1u << 6 : 0);
}

void arm_write_sctlr(struct arm_cpu *cpu, const struct arm_sysreg *reg, uint64_t value)
{
    /* RES1 here: ITD, SED (no AArch32), EOS, EIS, nTLSMD, LSMAOE. */
    uint64_t res1 = 0x30400980;
    uint64_t known = ARM_SCTLR_M | ARM_SCTLR_A | ARM_SCTLR_C | ARM_SCTLR_SA | ARM_SCTLR_SA0 |
                     ARM_SCTLR_UMA | ARM_SCTLR_I | ARM_SCTLR_DZE | ARM_SCTLR_UCT | ARM_SCTLR_NTWI |
                     ARM_SCTLR_NTWE | ARM_SCTLR_WXN | ARM_SCTLR_E0E | ARM_SCTLR_EE | ARM_SCTLR_UCI;

    if (arm_has(cpu->features, ARM_FEAT_PAN))
        known |= ARM_SCTLR_SPAN;
    else
        res1 |= ARM_SCTLR_SPAN;
    if (arm_has(cpu->features, ARM_FEAT_SSBS))
        known |= ARM_SCTLR_DSSBS;
    if (arm_has(cpu->features, ARM_FEAT_CSV2_3))
        known |= ARM_SCTLR_TSCXT;
    else
        res1 |= ARM_SCTLR_TSCXT;
    if (arm_has(cpu->features, ARM_FEAT_PAUTH))
        known |= ARM_SCTLR_EnIA | ARM_SCTLR_EnIB | ARM_SCTLR_EnDA | ARM_SCTLR_EnDB;
    if (arm_has(cpu->features, ARM_FEAT_BTI))
        known |= ARM_SCTLR_BT0 | ARM_SCTLR_BT1;
    if (arm_has(cpu->features, ARM_FEAT_MOPS))
        known |= ARM_SCTLR_MSCEn;
    if (arm_has(cpu->features, ARM_FEAT_LSE2))
        known |= ARM_SCTLR_nAA;
    if (arm_has(cpu->features, ARM_FEAT_SPECRES))
        known |= ARM_SCTLR_EnRCTX;
    cpu->sctlr_el1 = (value & known) | res1;
    arm_pac_update(cpu);
    changed(cpu);
}

/* FPEN alone: no trace unit, no SVE. */
void arm_write_cpacr(struct arm_cpu *cpu, const struct arm_sysreg *reg, uint64_t value)
{
    uint64_t cpacr = value & 3u << 20;

    if (cpacr == cpu->cpacr_el1)
        return;
    cpu->cpacr_el1 = cpacr;
    changed(cpu);
}

/* CnP says that TLBs may be shared; here none are. */
void arm_write_ttbr(struct arm_cpu *cpu, const struct arm_sysreg *reg, uint64_t value)
{
    uint64_t res0 = arm_has(cpu->features, ARM_FEAT_CNP) ? 0 : 1;

    *arm_sysreg_storage(cpu, reg) = value & ~res0;
    changed(cpu);
}

void arm_write_tcr(struct arm_cpu *cpu, const struct arm_sysreg *reg, uint64_t value)
{
    uint64_t known = ones(39) & ~(1ull << 6 | 1ull << 35);

    if (arm_has(cpu->features, ARM_FEAT_HAFDBS))
        known |= 1ull << ARM_TCR_HA | 1ull << ARM_TCR_HD;
    if (arm_has(cpu->features, ARM_FEAT_E0PD))
        known |= 1ull << ARM_TCR_E0PD0 | 1ull << ARM_TCR_E0PD1;
    if (arm_has(cpu->features, ARM_FEAT_PAUTH))
        known |= 1ull << ARM_TCR_TBID0 | 1ull << ARM_TCR_TBID1;
    if (arm_has(cpu->features, ARM_FEAT_HPDS))
        known |= 1ull << ARM_TCR_HPD0 | 1ull << ARM_TCR_HPD1;
    if (arm_has(cpu->features, ARM_FEAT_HPDS2)) /* kept; no hardware here uses PBHA */
        known |= ones(8) << ARM_TCR_HWU;
    if (arm_has(cpu->features, ARM_FEAT_LPA2))
        known |= 1ull << ARM_TCR_DS;
    cpu->tcr_el1 = value & known;
    arm_pac_update(cpu);
    changed(cpu);
}

void arm_write_mair(struct arm_cpu *cpu, const struct arm_sysreg *reg, uint64_t value)
{
    cpu->mair_el1 = value;
    changed(cpu);
}

void arm_write_vbar(struct arm_cpu *cpu, const struct arm_sysreg *reg, uint64_t value)
{
    cpu->vbar_el1 = value & ~ones(11);
}

/* Registers with bits 31:0 only. */
void arm_write_word(struct arm_cpu *cpu, const struct arm_sysreg *reg, uint64_t value)
{
    *arm_sysreg_storage(cpu, reg) = (uint32_t)value;
}
