/* SPDX-License-Identifier: Apache-2.0 */
/* Taking exceptions to EL1 and returning from them (manual D1.3, D1.4). All take the exception at
 * cpu->pc (the caller has stored the instruction's address there), set pc to the vector and set
 * cpu->raised. */
#ifndef ARMVM_ARM_EXCEPTION_H
#define ARMVM_ARM_EXCEPTION_H

#include <stdbool.h>
#include <stdint.h>

struct arm_cpu;

/* Exception classes, ESR_ELx.EC (manual D19.2.37), those an EL1-only PE takes. */
enum arm_ec {
    ARM_EC_UNKNOWN = 0x00, ARM_EC_WFX = 0x01, ARM_EC_FP = 0x07, ARM_EC_BTI = 0x0d,
    ARM_EC_ILLEGAL = 0x0e, ARM_EC_SVC64 = 0x15, ARM_EC_SYSREG = 0x18, ARM_EC_PAC_FAIL = 0x1c,
    ARM_EC_IABORT_LOW = 0x20,
    ARM_EC_IABORT = 0x21, ARM_EC_PC_ALIGN = 0x22, ARM_EC_DABORT_LOW = 0x24, ARM_EC_DABORT = 0x25,
    ARM_EC_SP_ALIGN = 0x26, ARM_EC_MOPS = 0x27, ARM_EC_FP_TRAP64 = 0x2c, ARM_EC_SERROR = 0x2f,
    ARM_EC_BREAK_LOW = 0x30, ARM_EC_BREAK = 0x31, ARM_EC_STEP_LOW = 0x32, ARM_EC_STEP = 0x33,
    ARM_EC_WATCH_LOW = 0x34, ARM_EC_WATCH = 0x35, ARM_EC_BRK64 = 0x3c,
};

/* A synchronous exception. For classes with a _LOW twin pass the _LOW one: the current EL decides.
 * il: the instruction was 32 bits (or the class demands IL = 1). far_valid: FAR_EL1 = far. */
void arm_take_sync(struct arm_cpu *cpu, enum arm_ec ec, uint32_t iss, bool far_valid, uint64_t far);

/* Data abort: fsc from arm_translate; write as in ISS.WnR; cm for cache maintenance. */
void arm_take_data_abort(struct arm_cpu *cpu, uint64_t va, uint8_t fsc, bool write, bool cm);
void arm_take_inst_abort(struct arm_cpu *cpu, uint64_t va, uint8_t fsc);
void arm_take_undefined(struct arm_cpu *cpu);
/* Branch Target exception: PSTATE.BTYPE does not allow the instruction at pc, in a guarded page. */
void arm_take_bti(struct arm_cpu *cpu);
/* SVC: the preferred return address is the next instruction; pc holds SVC's own. */
void arm_take_svc(struct arm_cpu *cpu, uint16_t imm);
void arm_take_brk(struct arm_cpu *cpu, uint16_t imm);

/* Takes a pending unmasked interrupt if there is one; pc is the preferred return address. Does not
 * set raised. True if taken. */
bool arm_take_interrupt(struct arm_cpu *cpu);

/* ERETAA and ERETAB: as arm_eret, but to an address that has been authenticated. */
void arm_eret_to(struct arm_cpu *cpu, uint64_t target);

/* ERET: sets pc and PSTATE, sets raised (so that running code leaves). */
void arm_eret(struct arm_cpu *cpu);

/* HVC/SMC: PSCI and SMCCC (psci.h); pc holds the instruction's own address and is advanced. Sets
 * raised when the PE must leave running code (power changes). */
void arm_hvc(struct arm_cpu *cpu, uint16_t imm, bool smc);

#endif
