/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Self-hosted debug (manual D2): hardware breakpoints, watchpoints, software step, for a debugger
 * at EL1. All calls on the PE's own thread.
 *
 * The page queries are conservative: they look at what is programmed (DBGBCR, DBGWCR, MDSCR_EL1,
 * the OS lock) but not at PSTATE.D, SP or the context ID, so that an answer stays true until
 * engine_ops->debug_changed is called. The check functions are exact.
 */
#ifndef ARMVM_ARM_DEBUG_H
#define ARMVM_ARM_DEBUG_H

#include <stdbool.h>
#include <stdint.h>

struct arm_cpu;

/* AArch64.GenerateDebugExceptionsFrom(): whether debug exceptions are generated at el with
 * PSTATE.D = masked. */
bool arm_debug_enabled(const struct arm_cpu *cpu, unsigned el, bool masked);

/* Whether a watchpoint or breakpoint could match in the 4 KiB page of va, for accesses made at EL
 * el (0 for LDTR, STTR). */
bool arm_watchpoint_in_page(const struct arm_cpu *cpu, uint64_t va, unsigned el);
bool arm_breakpoint_in_page(const struct arm_cpu *cpu, uint64_t va, unsigned el);
/* Whether any watchpoint or breakpoint at all could match at el. */
bool arm_watchpoints_on(const struct arm_cpu *cpu, unsigned el);
bool arm_breakpoints_on(const struct arm_cpu *cpu, unsigned el);

/* Checks len bytes from va, accessed with the privilege of EL el; takes the watchpoint exception
 * and returns true on a match. cpu->pc holds the instruction's address. */
bool arm_check_watchpoint(struct arm_cpu *cpu, uint64_t va, uint64_t len, unsigned el, bool write);
/* The same for cache maintenance (ISS.CM set). */
bool arm_check_watchpoint_cm(struct arm_cpu *cpu, uint64_t va, unsigned el);
/* Checks the instruction at va, about to be executed; takes the exception (cpu->pc = va) and
 * returns true on a match. */
bool arm_check_breakpoint(struct arm_cpu *cpu, uint64_t va);

/*
 * Software step (manual D2.12). While arm_step_active, before each instruction: if
 * arm_step_pending, call arm_take_step instead of executing it. Else execute it, and if it took no
 * exception, call arm_step_done.
 */
bool arm_step_active(const struct arm_cpu *cpu);  /* MDSCR_EL1.SS, and enabled at this EL */
bool arm_step_pending(const struct arm_cpu *cpu); /* active and PSTATE.SS = 0 */
void arm_step_done(struct arm_cpu *cpu, bool load_exclusive); /* SSAdvance() */
void arm_take_step(struct arm_cpu *cpu);

#endif
