/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The state of one Arm processing element, and what the architecture does to it. Knows no engine:
 * an engine embeds struct arm_cpu as the first member of its own vCPU and fills in `engine_ops`.
 *
 * Threads: everything is owned by the vCPU's own thread, except the fields marked atomic.
 */
#ifndef ARMVM_ARM_CPU_H
#define ARMVM_ARM_CPU_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>

#include "base/v128.h"
#include "arm/features.h"
#include "arm/pmu.h"

struct arm_cpu;
struct arm_tlbi;
struct arm_hooks;
struct mem;
struct mem_slot;
struct trace;

/* Interrupt inputs of a PE (bits of arm_cpu.lines). */
enum { ARM_LINE_IRQ = 1, ARM_LINE_FIQ = 2 };

/* Reasons in arm_cpu.attention: running code leaves at its next poll while any bit is set. */
enum {
    ARM_ATTENTION_IRQ = 1,   /* lines changed, or PSTATE.DAIF unmasked one */
    ARM_ATTENTION_WORK = 2,  /* the engine's mailbox has requests of other vCPUs */
    ARM_ATTENTION_STOP = 4,  /* the engine wants the thread parked */
    ARM_ATTENTION_POWER = 8, /* power state changed (PSCI) */
    ARM_ATTENTION_PMU = 16,  /* a performance counter may have overflowed */
    ARM_ATTENTION_SAMPLE = 32, /* the engine wants to know where it is */
};

/* What arm/ asks of the engine that runs this CPU. */
struct arm_engine_ops {
    /* Called on the CPU's own thread. */
    /* TTBRx, TCR, MAIR, SCTLR, EL, PAN... were written. */
    void (*context_changed)(struct arm_cpu *cpu);
    /* TLB maintenance, own PE only when !broadcast (else all PEs; complete at the next dsb). */
    void (*tlbi)(struct arm_cpu *cpu, const struct arm_tlbi *op, bool broadcast);
    void (*dsb)(struct arm_cpu *cpu);             /* waits for broadcasts to be done */
    void (*isb)(struct arm_cpu *cpu);
    /* Instruction-cache maintenance by physical range; len = 0: all. Broadcast to the inner
     * shareable domain, as ARMv8 IC IVAU and IC IALLUIS are. */
    void (*icache_invalidate)(struct arm_cpu *cpu, uint64_t pa, uint64_t len);
    /* Sleeps until a line is up, other attention, or (FEAT_WFxT) the time is over; UINT64_MAX: none. */
    void (*wfi)(struct arm_cpu *cpu, uint64_t timeout_ns);
    void (*wfe)(struct arm_cpu *cpu, uint64_t timeout_ns);
    void (*yield)(struct arm_cpu *cpu);           /* it spins: others may go first; may be NULL */
    void (*debug_changed)(struct arm_cpu *cpu);   /* breakpoints or watchpoints were written */
    /* Bulk copies and sets (FEAT_MOPS), upwards from the addresses or down to them; unprivileged: bit
     * 0 writes, bit 1 reads. The bytes done; fewer: an exception was taken. May be NULL without the
     * feature. */
    uint64_t (*mem_copy)(struct arm_cpu *cpu, uint64_t to, uint64_t from, uint64_t len,
                         bool backward, unsigned unprivileged);
    uint64_t (*mem_set)(struct arm_cpu *cpu, uint64_t to, uint8_t value, uint64_t len,
                        bool unprivileged);
    /* The host's debugger: true if it stops the PE before the instruction at pc; sets raised. */
    bool (*breakpoint)(struct arm_cpu *cpu);
    /* Called on any thread. */
    void (*kick)(struct arm_cpu *cpu);            /* attention was set: wake it if it sleeps */
    void (*sev)(struct arm_cpu *cpu);             /* event to all PEs */
};

/*
 * TLB maintenance operation (manual D8.17), decoded. An entry that was cached from a block goes
 * wholly when any address in the block is named: `pages` counts the granule's pages only, so an
 * engine that splits blocks must remember their sizes.
 */
struct arm_tlbi {
    enum { ARM_TLBI_ALL, ARM_TLBI_ASID, ARM_TLBI_VA, ARM_TLBI_VAA } kind;
    uint16_t asid;
    uint64_t va;    /* sign-extended from bit 55, page-aligned */
    uint64_t pages; /* of 4 KiB from va on: 1 for the 4K granule, more for larger granules */
    bool last_level;
};

/* Debug register file sizes presented in ID_AA64DFR0_EL1. */
enum { ARM_BREAKPOINTS = 6, ARM_WATCHPOINTS = 4, ARM_CONTEXT_BREAKPOINTS = 2 };

struct arm_cpu {
    /* --- what translated code touches: first, in this order ---------------------------------- */
    uint64_t x[32];             /* X0..X30; [31] is SP of the current EL (see sp_el[]) */
    uint64_t pc_page;
    uint64_t pc;
    uint16_t nzcv;              /* host-friendly form: IR_NZCV in ir.h; arm_nzcv()/arm_set_nzcv() */
    uint16_t pad0;
    uint32_t raised;            /* set by whoever takes an exception; the engine clears it */
    _Atomic uint32_t attention; /* ARM_ATTENTION_*, set by any thread */
    uint32_t rstack_top;
    void *tlb;                  /* see ir_layout: the engine's */
    uint64_t tlb_mask;
    void *itlb;
    uint64_t itlb_mask;
    uint64_t monitor[4];        /* struct ir_monitor: exclusive monitor */
    uint32_t fpcr;              /* struct ir_fpenv: must stay adjacent */
    uint32_t fpsr;
    uint64_t spare0;
    union v128 scratch[4];      /* arguments of called evaluators */
    union v128 second;          /* second result of runtime calls */
    union v128 v[32];
    struct { uint64_t va; void *host; } rstack[32];

    /* --- PSTATE outside NZCV ----------------------------------------------------------------- */
    uint8_t el;                 /* 0 or 1 */
    uint8_t spsel;              /* PSTATE.SP */
    uint8_t daif;               /* D A I F in bits 3:0 */
    uint8_t pan, uao, dit, ssbs, tco;
    uint8_t ss, il;             /* software step, illegal execution state */
    uint8_t btype;              /* 0 while translated code runs: see engine/jit/cache.c */
    uint8_t halted;             /* PSCI: powered off (read by others: see power) */
    uint64_t sp_el[2];          /* SP_EL0, SP_EL1; the one in use lives in x[31] */

    /* --- EL1 system registers (fields are the manual's names in lower case) ------------------ */
    uint64_t sctlr_el1, actlr_el1, cpacr_el1;
    uint64_t ttbr0_el1, ttbr1_el1, tcr_el1, mair_el1, amair_el1;
    uint64_t afsr0_el1, afsr1_el1, esr_el1, far_el1, par_el1;
    uint64_t elr_el1, spsr_el1, vbar_el1, contextidr_el1;
    uint64_t tpidr_el0, tpidrro_el0, tpidr_el1;
    uint64_t csselr_el1, cntkctl_el1;
    uint64_t mdscr_el1, osdlr_el1, oslsr, osdtrrx, osdtrtx, oseccr, mdccint;
    uint64_t dbgbvr[ARM_BREAKPOINTS], dbgbcr[ARM_BREAKPOINTS];
    uint64_t dbgwvr[ARM_WATCHPOINTS], dbgwcr[ARM_WATCHPOINTS];
    uint64_t dbgclaim;
    uint64_t mpidr;             /* MPIDR_EL1 value, set at creation */

    /* --- wiring ------------------------------------------------------------------------------ */
    unsigned index;             /* 0-based number in the machine */
    const struct arm_features *features;
    struct mem *mem;
    const struct arm_hooks *hooks;           /* GIC, timers, power: see hooks.h */
    const struct arm_engine_ops *engine_ops;
    const struct trace *trace;
    _Atomic uint32_t lines;     /* ARM_LINE_*: levels at the PE's inputs */
    _Atomic uint32_t event;     /* WFE event register */
    _Atomic uint32_t power;     /* enum arm_power */
    uint64_t boot_pc, boot_x0;  /* where the next power-on starts; written before power changes */

    /* --- additions --------------------------------------------------------------------------- */
    _Atomic uint32_t boot_lock; /* held by the CPU_ON call that writes boot_pc and boot_x0 */
    uint8_t step_isv, step_ex;  /* for the next software step exception's ISS */
    uint64_t cntfrq_el0, dbgprcr, scxtnum_el0, scxtnum_el1;
    const struct mem_slot *walk_slot; /* where the last translation table was */
    /* struct ir_seal, by enum arm_pac_key: where PACs lie in addresses of the upper and lower half,
     * none with a key that is not enabled; and AP<key>Key. */
    _Alignas(16) uint64_t pac_mask[8];
    union v128 ap_key[4];
    union v128 ap_generic_key;
    void *utlb;         /* see ir_layout: EL0's data TLB, for LDTR and STTR at EL1 */
    uint64_t utlb_mask;
    uint8_t page_slots_used[32];                         /* see ir_layout */
    struct { uint64_t page, addend; } page_slot[512];    /* struct ir_page_slot */
    struct arm_pmu pmu; /* performance monitors */
    uint64_t stream_events; /* of the event stream, when it was last looked at */
};

/* The bits of FPSR that are implemented: QC, IDC, IXC..IOC. */
#define ARM_FPSR_BITS 0x0800009fu

/* The same of FPCR: AHP, DN, FZ, RMode, and with half-precision arithmetic FZ16. Trapped exceptions
 * are absent. */
static inline uint32_t arm_fpcr_bits(const struct arm_features *features)
{
    return 0x07c00000u | (arm_has(features, ARM_FEAT_FP16) ? 1u << 19 : 0);
}

enum arm_power { ARM_POWER_OFF, ARM_POWER_ON_PENDING, ARM_POWER_ON };

/* Puts the PE into its reset state at EL1h with the MMU off, DAIF masked (manual D1.3 as far as an
 * EL1-only machine has it), at pc with x0. */
void arm_cpu_reset(struct arm_cpu *cpu, uint64_t pc, uint64_t x0);

/* NZCV in bits 3:0. */
unsigned arm_nzcv(const struct arm_cpu *cpu);
void arm_set_nzcv(struct arm_cpu *cpu, unsigned nzcv);

/* PSTATE in SPSR's layout, and back (exception return: manual AArch64.ExceptionReturn). */
uint64_t arm_pstate(const struct arm_cpu *cpu);
/* For debuggers, while the PE stands still: false (nothing done) for a state it cannot be in. */
bool arm_set_pstate(struct arm_cpu *cpu, uint64_t spsr);

/* Changes EL and SP selection, moving SP between x[31] and sp_el[]. */
void arm_set_el(struct arm_cpu *cpu, unsigned el, unsigned spsel);

/* PSTATE.DAIF changed: asks for attention if that unmasked a pending interrupt, and tells the
 * engine if debug exceptions depend on it. */
void arm_daif_changed(struct arm_cpu *cpu);

/* Nanoseconds until the next event of the event stream, 0 if there was one since the last call,
 * UINT64_MAX if it is off. */
uint64_t arm_wfe_timeout(struct arm_cpu *cpu);

/* Nanoseconds until CNTVCT_EL0 reaches a value: 0 if it has, UINT64_MAX if there is no counter. */
uint64_t arm_counter_distance(struct arm_cpu *cpu, uint64_t value);

/* Sets or clears an interrupt input, from any thread. */
void arm_set_line(struct arm_cpu *cpu, uint32_t line, bool level);

/* True if an interrupt is both pending and unmasked now. */
bool arm_interrupt_ready(const struct arm_cpu *cpu);

#endif
