/* SPDX-License-Identifier: Apache-2.0 */
/* What the rows of the system-register table call: private to the sysreg files. */
#ifndef ARMVM_ARM_SYSREG_IMPL_H
#define ARMVM_ARM_SYSREG_IMPL_H

#include "arm/cpu.h"
#include "arm/sysreg.h"

typedef uint64_t arm_sysreg_reader(struct arm_cpu *cpu, const struct arm_sysreg *reg);
typedef void arm_sysreg_writer(struct arm_cpu *cpu, const struct arm_sysreg *reg, uint64_t value);
typedef bool arm_sysreg_trap(const struct arm_cpu *cpu, bool write);

/* The table, sorted by encoding (sysreg_table.c). */
extern const struct arm_sysreg arm_sysreg_table[];
extern const unsigned arm_sysreg_count;

/* The register's storage. */
static inline uint64_t *arm_sysreg_storage(struct arm_cpu *cpu, const struct arm_sysreg *reg)
{
    return (uint64_t *)(void *)((char *)cpu + reg->offset);
}

/* sysreg_id.c: identification. */
arm_sysreg_reader arm_read_id, arm_read_midr, arm_read_mpidr, arm_read_dczid, arm_read_ccsidr;
arm_sysreg_writer arm_write_csselr;
arm_sysreg_trap arm_trap_uct;

/* sysreg_ctl.c: PSTATE, floating point, memory and exception control. */
arm_sysreg_reader arm_read_nzcv, arm_read_daif, arm_read_spsel, arm_read_currentel, arm_read_pan,
    arm_read_uao, arm_read_dit, arm_read_ssbs, arm_read_fpcr, arm_read_fpsr, arm_read_isr;
arm_sysreg_writer arm_write_nzcv, arm_write_daif, arm_write_spsel, arm_write_pan, arm_write_uao,
    arm_write_dit, arm_write_ssbs, arm_write_fpcr, arm_write_fpsr, arm_write_sctlr,
    arm_write_cpacr, arm_write_ttbr, arm_write_tcr, arm_write_mair, arm_write_vbar,
    arm_write_word;
arm_sysreg_trap arm_trap_uma, arm_trap_tscxt;

/* sysreg_debug.c: self-hosted debug registers. */
arm_sysreg_reader arm_read_claimset, arm_read_zero;
arm_sysreg_writer arm_write_mdscr, arm_write_oslar, arm_write_osdlr, arm_write_prcr,
    arm_write_claimset, arm_write_claimclr, arm_write_bcr, arm_write_bvr, arm_write_wvr,
    arm_write_wcr, arm_write_mdccint, arm_write_nothing;
arm_sysreg_trap arm_trap_dcc;

/* sysreg_pmu.c: performance monitors. */
arm_sysreg_reader arm_read_pmcr, arm_read_pmmask, arm_read_pmceid0, arm_read_pmselr,
    arm_read_pmcounter, arm_read_pmtype, arm_read_pmuserenr;
arm_sysreg_writer arm_write_pmcr, arm_write_pmset, arm_write_pmclr, arm_write_pmswinc,
    arm_write_pmselr, arm_write_pmcounter, arm_write_pmtype, arm_write_pmuserenr;
arm_sysreg_trap arm_trap_pm, arm_trap_pm_swinc, arm_trap_pm_cycles, arm_trap_pm_events,
    arm_trap_pm_select;

/* sysreg_op.c: TLB, cache and address translation operations. */
arm_sysreg_writer arm_op_tlbi, arm_op_ic_all, arm_op_ic_va, arm_op_dc_va, arm_op_dc_ivac,
    arm_op_dc_zva, arm_op_dc_sw, arm_op_at, arm_op_restrict;
arm_sysreg_trap arm_trap_uci, arm_trap_dze, arm_trap_rctx;

/* sysreg_hook.c: what the machine around the PE answers. */
arm_sysreg_reader arm_read_timer, arm_read_icc, arm_read_random;
arm_sysreg_writer arm_write_timer, arm_write_icc, arm_write_cntkctl, arm_write_cntfrq;
arm_sysreg_trap arm_trap_cntfrq, arm_trap_cntpct, arm_trap_cntvct, arm_trap_cntp, arm_trap_cntv;

#endif
