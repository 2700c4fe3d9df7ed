/* SPDX-License-Identifier: Apache-2.0 */
/* Stage 1 address translation of the EL1&0 regime (manual D8). */
#ifndef ARMVM_ARM_MMU_H
#define ARMVM_ARM_MMU_H

#include <stdbool.h>
#include <stdint.h>

struct arm_cpu;

enum arm_access { ARM_READ, ARM_WRITE, ARM_FETCH, ARM_ATOMIC /* read and write */ };

enum arm_memattr { ARM_MEM_DEVICE, ARM_MEM_NC, ARM_MEM_NORMAL };

struct arm_translation {
    uint64_t pa;       /* of the address asked for */
    uint64_t size;     /* bytes of the page or block (MMU off: all that there is) */
    enum arm_memattr attr;
    bool readable, writable; /* at the EL and PAN state asked for */
    bool executable;
    bool dirty;        /* writable without a hardware dirty-state update still to come */
    bool global;       /* nG = 0: valid for all ASIDs */
    bool guarded;      /* GP: indirect branches must lead to landing pads (FEAT_BTI) */
    uint8_t mair;      /* MAIR_EL1's byte for it, and shareability, as PAR_EL1 shows them */
    uint8_t sh;
};

struct arm_fault {
    uint8_t fsc;       /* fault status code as in ESR_ELx.ISS<5:0> */
    bool s1ptw;        /* on a table walk (external abort): always false without stage 2 */
    bool write;        /* ISS.WnR: for atomics, whether a read would not have faulted */
};

/*
 * Translates va for an access at EL el (0 or 1), with PAN in force if pan. Updates the access flag
 * and dirty state in memory (HAFDBS) by compare-and-swap when TCR_EL1.HA/HD ask for it. va is as
 * the program gave it: TBI is applied here. 0, or -EFAULT with the fault's code.
 * With arm_translate_probe nothing is updated in memory (AT instructions, debuggers).
 */
int arm_translate(struct arm_cpu *cpu, uint64_t va, unsigned el, bool pan, enum arm_access access,
                  struct arm_translation *out, struct arm_fault *fault);
int arm_translate_probe(struct arm_cpu *cpu, uint64_t va, unsigned el, bool pan,
                        enum arm_access access, struct arm_translation *out,
                        struct arm_fault *fault);

/* The current ASID: of TTBR0_EL1 or TTBR1_EL1 as TCR_EL1.A1 says, 8 or 16 bits as AS says. */
uint16_t arm_asid(const struct arm_cpu *cpu);

/* EffectiveTBI() of the upper or lower half of the address space: addresses have tags that do not
 * count. TCR_EL1.TBID<n> keeps addresses of instructions out (FEAT_PAuth). */
bool arm_top_byte_ignored(const struct arm_cpu *cpu, bool upper, bool instruction);

/* Bits of an address that count in the upper or lower half: 64 - TCR_EL1.TnSZ. */
unsigned arm_va_bits(const struct arm_cpu *cpu, bool upper);

/* AArch64.BranchAddr(): a branch target without its tag, if TCR_EL1.TBI0 or TBI1 says so. */
uint64_t arm_branch_addr(const struct arm_cpu *cpu, uint64_t va);

#endif
