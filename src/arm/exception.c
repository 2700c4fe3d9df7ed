/* SPDX-License-Identifier: Apache-2.0 */
/* Exception entry to EL1 and exception return (manual D1.3; pseudocode AArch64.TakeException,
 * AArch64.ExceptionReturn). */
#include "arm/exception.h"

#include "arm/cpu.h"
#include "arm/debug.h"
#include "arm/mmu.h"
#include "arm/psci.h"
#include "arm/pstate.h"
#include "base/bits.h"
#include "base/trace.h"

enum { VECTOR_SYNC = 0, VECTOR_IRQ = 0x80, VECTOR_FIQ = 0x100 };

/* AArch64.TakeException() with target EL1. `ret` is the preferred return address. */
static void enter(struct arm_cpu *cpu, unsigned vector, uint64_t ret)
{
    if (cpu->el == 0)
        vector += 0x400;
    else if (cpu->spsel)
        vector += 0x200;

    if (cpu->pmu.counting) {
        arm_pmu_sync(cpu);
        arm_pmu_count(cpu, ARM_PMU_EXC_TAKEN, ~0u);
    }
    cpu->spsr_el1 = arm_pstate(cpu);
    cpu->elr_el1 = ret;
    arm_set_el(cpu, 1, 1);
    if (cpu->pmu.counting)
        arm_pmu_el_changed(cpu);
    cpu->daif = 0xf;
    cpu->ss = 0;
    cpu->il = 0;
    cpu->btype = 0;
    cpu->uao = 0;
    if (arm_has(cpu->features, ARM_FEAT_PAN) && !(cpu->sctlr_el1 & ARM_SCTLR_SPAN))
        cpu->pan = 1;
    if (arm_has(cpu->features, ARM_FEAT_SSBS))
        cpu->ssbs = !!(cpu->sctlr_el1 & ARM_SCTLR_DSSBS);
    cpu->pc = cpu->vbar_el1 + vector;
    cpu->engine_ops->context_changed(cpu);
}

/* Whether the instruction at fault has been counted as executed, but was not. */
static bool not_retired(enum arm_ec ec)
{
    return ec == ARM_EC_UNKNOWN || ec == ARM_EC_WFX || ec == ARM_EC_FP || ec == ARM_EC_SYSREG ||
           ec == ARM_EC_DABORT_LOW || ec == ARM_EC_SP_ALIGN || ec == ARM_EC_WATCH_LOW;
}

/* Classes that come in pairs: the odd one says that the exception was taken from the same EL. */
static bool has_twin(enum arm_ec ec)
{
    return ec == ARM_EC_IABORT_LOW || ec == ARM_EC_DABORT_LOW || ec == ARM_EC_BREAK_LOW ||
           ec == ARM_EC_STEP_LOW || ec == ARM_EC_WATCH_LOW;
}

static void take_sync_at(struct arm_cpu *cpu, enum arm_ec ec, uint32_t iss, bool far_valid,
                         uint64_t far, uint64_t ret)
{
    unsigned class = ec;

    if (has_twin(ec) && cpu->el == 1)
        class |= 1;
    /* IL = 1: every A64 instruction has 32 bits, and the classes without an instruction demand 1.
     */
    cpu->esr_el1 = (uint64_t) class << 26 | 1u << 25 | (iss & 0x1ffffff);
    if (far_valid)
        cpu->far_el1 = far;
    if (trace_on(cpu->trace, TRACE_EXC))
        trace_print(cpu->trace, TRACE_EXC,
                    "cpu%u EL%u sync ec 0x%02x iss 0x%07x pc 0x%llx far 0x%llx", cpu->index,
                    cpu->el, class, iss, (unsigned long long)cpu->pc,
                    (unsigned long long)(far_valid ? far : 0));
    if (cpu->pmu.retiring && cpu->pmu.retired && not_retired(ec))
        cpu->pmu.retired--;
    enter(cpu, VECTOR_SYNC, ret);
    cpu->raised = 1;
}

void arm_take_sync(struct arm_cpu *cpu, enum arm_ec ec, uint32_t iss, bool far_valid, uint64_t far)
{
    take_sync_at(cpu, ec, iss, far_valid, far, cpu->pc);
}

void arm_take_data_abort(struct arm_cpu *cpu, uint64_t va, uint8_t fsc, bool write, bool cm)
{
    /* Cache maintenance and address translation report WnR = 1 (ISS encoding of a Data Abort). */
    uint32_t iss = (uint32_t)(cm << 8) | (uint32_t)((write || cm) << 6) | fsc;

    arm_take_sync(cpu, ARM_EC_DABORT_LOW, iss, true, va);
}

void arm_take_inst_abort(struct arm_cpu *cpu, uint64_t va, uint8_t fsc)
{
    arm_take_sync(cpu, ARM_EC_IABORT_LOW, fsc, true, va);
}

void arm_take_undefined(struct arm_cpu *cpu)
{
    arm_take_sync(cpu, ARM_EC_UNKNOWN, 0, false, 0);
}

void arm_take_bti(struct arm_cpu *cpu)
{
    arm_take_sync(cpu, ARM_EC_BTI, cpu->btype, false, 0);
}

void arm_take_svc(struct arm_cpu *cpu, uint16_t imm)
{
    /* AArch64.CallSupervisor() advances the step state machine: the SVC counts as executed. */
    if (arm_step_active(cpu))
        cpu->ss = 0;
    take_sync_at(cpu, ARM_EC_SVC64, imm, false, 0, cpu->pc + 4);
}

void arm_take_brk(struct arm_cpu *cpu, uint16_t imm)
{
    arm_take_sync(cpu, ARM_EC_BRK64, imm, false, 0);
}

bool arm_take_interrupt(struct arm_cpu *cpu)
{
    uint32_t lines = atomic_load(&cpu->lines);
    unsigned vector;

    if ((lines & ARM_LINE_FIQ) && !(cpu->daif & ARM_DAIF_F))
        vector = VECTOR_FIQ;
    else if ((lines & ARM_LINE_IRQ) && !(cpu->daif & ARM_DAIF_I))
        vector = VECTOR_IRQ;
    else
        return false;
    if (trace_on(cpu->trace, TRACE_EXC))
        trace_print(cpu->trace, TRACE_EXC, "cpu%u EL%u %s pc 0x%llx", cpu->index, cpu->el,
                    vector == VECTOR_FIQ ? "fiq" : "irq", (unsigned long long)cpu->pc);
    enter(cpu, vector, cpu->pc);
    return true;
}

/* IllegalExceptionReturn() and ELFromSPSR(), for returns from EL1 on a PE without AArch32. */
static bool illegal_return(uint64_t spsr)
{
    if (bit(spsr, 4) || bit(spsr, 1) || bits(spsr, 3, 2) > 1)
        return true;
    return bits(spsr, 3, 2) == 0 && bit(spsr, 0);
}

/* DebugExceptionReturnSS(): whether SPSR's SS bit arms software step. */
static bool return_ss(const struct arm_cpu *cpu, uint64_t spsr, bool illegal)
{
    unsigned dest = illegal ? cpu->el : (unsigned)bits(spsr, 3, 2);

    return (cpu->mdscr_el1 & ARM_MDSCR_SS) &&
           !arm_debug_enabled(cpu, cpu->el, cpu->daif & ARM_DAIF_D) &&
           arm_debug_enabled(cpu, dest, bit(spsr, ARM_SPSR_DAIF + 3)) && bit(spsr, ARM_SPSR_SS);
}

/* The fields of SPSR that every return takes over, even an illegal one. */
static void set_fields(struct arm_cpu *cpu, uint64_t spsr)
{
    const struct arm_features *f = cpu->features;

    arm_set_nzcv(cpu, (unsigned)bits(spsr, 31, 28));
    cpu->daif = (uint8_t)bits(spsr, ARM_SPSR_DAIF + 3, ARM_SPSR_DAIF);
    cpu->pan = arm_has(f, ARM_FEAT_PAN) && bit(spsr, ARM_SPSR_PAN);
    cpu->uao = arm_has(f, ARM_FEAT_UAO) && bit(spsr, ARM_SPSR_UAO);
    cpu->dit = arm_has(f, ARM_FEAT_DIT) && bit(spsr, ARM_SPSR_DIT);
    cpu->ssbs = arm_has(f, ARM_FEAT_SSBS) && bit(spsr, ARM_SPSR_SSBS);
    cpu->btype =
        arm_has(f, ARM_FEAT_BTI) ? (uint8_t)bits(spsr, ARM_SPSR_BTYPE + 1, ARM_SPSR_BTYPE) : 0;
}

/* SetPSTATEFromPSR(). An illegal return keeps EL and SP but takes over the rest. */
static void return_pstate(struct arm_cpu *cpu, uint64_t spsr)
{
    bool illegal = illegal_return(spsr);

    cpu->ss = return_ss(cpu, spsr, illegal);
    cpu->il = illegal || bit(spsr, ARM_SPSR_IL);
    if (!illegal)
        arm_set_el(cpu, (unsigned)bits(spsr, 3, 2), (unsigned)bit(spsr, 0));
    set_fields(cpu, spsr);
}

bool arm_set_pstate(struct arm_cpu *cpu, uint64_t spsr)
{
    if (illegal_return(spsr) || bit(spsr, ARM_SPSR_IL))
        return false;
    arm_set_el(cpu, (unsigned)bits(spsr, 3, 2), (unsigned)bit(spsr, 0));
    set_fields(cpu, spsr);
    cpu->ss = bit(spsr, ARM_SPSR_SS);
    cpu->engine_ops->context_changed(cpu);
    arm_daif_changed(cpu);
    return true;
}

/*
 * With PSTATE.IL set the next instruction is never executed: what comes instead follows from the
 * priorities of synchronous exceptions (manual D1.3.5.4), so it is taken here, and no engine ever
 * runs with IL set.
 */
static void take_illegal_state(struct arm_cpu *cpu)
{
    struct arm_translation unused;
    struct arm_fault fault;

    if (arm_step_pending(cpu))
        arm_take_step(cpu);
    else if (cpu->pc & 3)
        arm_take_sync(cpu, ARM_EC_PC_ALIGN, 0, true, cpu->pc);
    else if (arm_translate(cpu, cpu->pc, cpu->el, cpu->pan, ARM_FETCH, &unused, &fault))
        arm_take_inst_abort(cpu, cpu->pc, fault.fsc);
    else
        arm_take_sync(cpu, ARM_EC_ILLEGAL, 0, false, 0);
}

void arm_eret(struct arm_cpu *cpu)
{
    arm_eret_to(cpu, cpu->elr_el1);
}

void arm_eret_to(struct arm_cpu *cpu, uint64_t target)
{
    if (cpu->pmu.counting) {
        arm_pmu_sync(cpu);
        arm_pmu_count(cpu, ARM_PMU_EXC_RETURN, ~0u);
    }
    return_pstate(cpu, cpu->spsr_el1);
    if (cpu->pmu.counting)
        arm_pmu_el_changed(cpu);
    cpu->step_isv = cpu->step_ex = 0;
    cpu->monitor[0] = ARM_MONITOR_OPEN; /* ClearExclusiveLocal() */
    atomic_store(&cpu->event, 1);       /* SendEventLocal() */
    cpu->pc = arm_branch_addr(cpu, target);
    cpu->raised = 1;
    if (trace_on(cpu->trace, TRACE_EXC))
        trace_print(cpu->trace, TRACE_EXC, "cpu%u eret to EL%u pc 0x%llx spsr 0x%llx%s", cpu->index,
                    cpu->el, (unsigned long long)cpu->pc, (unsigned long long)cpu->spsr_el1,
                    cpu->il ? " illegal" : "");
    cpu->engine_ops->context_changed(cpu);
    if (cpu->il)
        take_illegal_state(cpu);
    arm_daif_changed(cpu);
}

void arm_hvc(struct arm_cpu *cpu, uint16_t imm, bool smc)
{
    if (cpu->el == 0) {
        arm_take_undefined(cpu);
        return;
    }
    cpu->pc += 4;
    arm_psci_call(cpu, imm, smc);
}
