/* SPDX-License-Identifier: Apache-2.0 */
/* Registers of self-hosted debug (manual D19.3). The debug communication channel has no other end:
 * its transmit side swallows words, its receive side stays empty. */
#include "arm/sysreg_impl.h"

#include "arm/pstate.h"
#include "base/bits.h"

static void changed(struct arm_cpu *cpu)
{
    cpu->engine_ops->debug_changed(cpu);
    cpu->engine_ops->context_changed(cpu);
}

uint64_t arm_read_zero(struct arm_cpu *cpu, const struct arm_sysreg *reg)
{
    return 0;
}

void arm_write_nothing(struct arm_cpu *cpu, const struct arm_sysreg *reg, uint64_t value)
{
}

bool arm_trap_dcc(const struct arm_cpu *cpu, bool write)
{
    return bit(cpu->mdscr_el1, 12); /* TDCC */
}

/* The copies of EDSCR bits (ERR, TDA, INTdis, TXU, RXO, TXfull, RXfull) are writable only while
 * the OS lock is held. */
void arm_write_mdscr(struct arm_cpu *cpu, const struct arm_sysreg *reg, uint64_t value)
{
    uint64_t mask = ARM_MDSCR_SS | 1u << 12 | ARM_MDSCR_KDE | 1u << 14 | ARM_MDSCR_MDE;

    if (cpu->oslsr & ARM_OSLSR_OSLK)
        mask |= 0x6ce00040;
    cpu->mdscr_el1 = (cpu->mdscr_el1 & ~mask) | (value & mask);
    changed(cpu);
}

void arm_write_oslar(struct arm_cpu *cpu, const struct arm_sysreg *reg, uint64_t value)
{
    cpu->oslsr = ARM_OSLSR_OSLM | (value & 1 ? ARM_OSLSR_OSLK : 0);
    changed(cpu);
}

void arm_write_osdlr(struct arm_cpu *cpu, const struct arm_sysreg *reg, uint64_t value)
{
    cpu->osdlr_el1 = value & 1;
    changed(cpu);
}

void arm_write_prcr(struct arm_cpu *cpu, const struct arm_sysreg *reg, uint64_t value)
{
    cpu->dbgprcr = value & 1;
    changed(cpu);
}

/* Eight claim tags; DBGCLAIMSET_EL1 reads as all of them. */
uint64_t arm_read_claimset(struct arm_cpu *cpu, const struct arm_sysreg *reg)
{
    return 0xff;
}

void arm_write_claimset(struct arm_cpu *cpu, const struct arm_sysreg *reg, uint64_t value)
{
    cpu->dbgclaim |= value & 0xff;
}

void arm_write_claimclr(struct arm_cpu *cpu, const struct arm_sysreg *reg, uint64_t value)
{
    cpu->dbgclaim &= ~value;
}

void arm_write_mdccint(struct arm_cpu *cpu, const struct arm_sysreg *reg, uint64_t value)
{
    cpu->mdccint = value & 3u << 29;
}

/* Without AArch32, BAS is RES1. */
void arm_write_bcr(struct arm_cpu *cpu, const struct arm_sysreg *reg, uint64_t value)
{
    *arm_sysreg_storage(cpu, reg) = (value & 0x00ffe007) | 0x1e0;
    changed(cpu);
}

/* An address or a context ID: what it is depends on DBGBCR<n>_EL1.BT, so all bits are kept. */
void arm_write_bvr(struct arm_cpu *cpu, const struct arm_sysreg *reg, uint64_t value)
{
    *arm_sysreg_storage(cpu, reg) = value;
    changed(cpu);
}

void arm_write_wvr(struct arm_cpu *cpu, const struct arm_sysreg *reg, uint64_t value)
{
    *arm_sysreg_storage(cpu, reg) =
        (uint64_t)sext64(value & ~3ull, arm_has(cpu->features, ARM_FEAT_LVA) ? 53 : 49);
    changed(cpu);
}

void arm_write_wcr(struct arm_cpu *cpu, const struct arm_sysreg *reg, uint64_t value)
{
    *arm_sysreg_storage(cpu, reg) = value & 0x1f1fffff;
    changed(cpu);
}
