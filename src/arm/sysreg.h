/* SPDX-License-Identifier: Apache-2.0 */
/* System registers and the operations encoded like them (MSR/MRS, SYS, SYSL): one table. */
#ifndef ARMVM_ARM_SYSREG_H
#define ARMVM_ARM_SYSREG_H

#include <stdbool.h>
#include <stdint.h>

#include "arm/hooks.h"

struct arm_cpu;
struct arm_features;

enum {
    ARM_SYSREG_R0 = 1, ARM_SYSREG_W0 = 2, /* readable, writable at EL0 */
    ARM_SYSREG_R1 = 4, ARM_SYSREG_W1 = 8, /* at EL1 */
    ARM_SYSREG_LEAVE = 16,    /* a write changes how code translates or runs: leave the region */
    ARM_SYSREG_TRAP0 = 32,    /* EL0 access is decided at run time (a control bit may trap it) */
    ARM_SYSREG_CONST = 64,    /* reads yield `reset`, never changes */
    ARM_SYSREG_W32 = 128,     /* the register has 32 bits: upper half reads as zero */
    ARM_SYSREG_SP0 = 256,     /* SP_EL0: UNDEFINED at EL1 while PSTATE.SP = 0 */
    ARM_SYSREG_FP = 512,      /* FPCR, FPSR: traps as FP instructions do (CPACR_EL1.FPEN) */
    ARM_SYSREG_OP = 1024,     /* an operation (SYS), not a register */
    ARM_SYSREG_ICC = 2048,    /* GIC CPU interface, through the hooks */
};

struct arm_sysreg {
    uint32_t encoding; /* ARM_SYSREG() */
    const char *name;  /* the manual's */
    uint32_t flags;
    int32_t offset;    /* in struct arm_cpu, when read and/or write are NULL: plain 64-bit storage
                          (-1: none). Front ends access such registers without a call. */
    uint64_t (*read)(struct arm_cpu *cpu, const struct arm_sysreg *reg);
    void (*write)(struct arm_cpu *cpu, const struct arm_sysreg *reg, uint64_t value);
    uint64_t reset;    /* value after reset; the value for CONST */
    /* With TRAP0: whether an EL0 access is trapped to EL1 now (EC 0x18). */
    bool (*trap0)(const struct arm_cpu *cpu, bool write);
    uint8_t feature;   /* the arm_feature it belongs to plus 1; UNDEFINED without it. 0: always */
};

/* The entry for an encoding, or NULL: access is UNDEFINED. */
const struct arm_sysreg *arm_sysreg_find(uint32_t encoding);
/* All entries, for tests and tools: NULL past the end. */
const struct arm_sysreg *arm_sysreg_at(unsigned index);

/* The encoding together with where its entry is: the access functions below take either, and need
 * no look-up with this one. */
uint32_t arm_sysreg_key(const struct arm_sysreg *reg);

/* MRS/MSR/SYS at the current EL with every check; take the exception (UNDEFINED, trapped) if it is
 * not allowed. cpu->pc must hold the instruction's address; iss: the trap's ESR.ISS (EC 0x18). */
uint64_t arm_sysreg_read(struct arm_cpu *cpu, uint32_t encoding, uint32_t iss);
void arm_sysreg_write(struct arm_cpu *cpu, uint32_t encoding, uint64_t value, uint32_t iss);

/* Value of an ID register or other constant that depends on the model. */
void arm_sysreg_reset(struct arm_cpu *cpu);

#endif
