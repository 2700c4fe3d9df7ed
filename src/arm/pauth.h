/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Pointer authentication (FEAT_PAuth, FEAT_PAuth2; manual D8.9): where the codes lie in a pointer,
 * adding and checking them. What a code is is IMPLEMENTATION DEFINED here (ID_AA64ISAR1_EL1.API):
 * the caller brings the hash, which an engine has in the host's own instructions.
 */
#ifndef ARMVM_ARM_PAUTH_H
#define ARMVM_ARM_PAUTH_H

#include <stdbool.h>
#include <stdint.h>

#include "base/v128.h"

struct arm_cpu;

enum arm_pac_key { ARM_PAC_IA, ARM_PAC_IB, ARM_PAC_DA, ARM_PAC_DB };

typedef uint64_t arm_pac_hash(uint64_t pointer, uint64_t modifier, union v128 key);

/* TCR_EL1 or SCTLR_EL1 was written: computes cpu->pac_mask anew. */
void arm_pac_update(struct arm_cpu *cpu);

/* AddPAC(). */
uint64_t arm_pac_add(const struct arm_cpu *cpu, uint64_t pointer, uint64_t modifier,
                     enum arm_pac_key key, arm_pac_hash *hash);

/* Auth(): a pointer whose code is wrong takes an exception (FEAT_FPAC; for the combined
 * instructions FEAT_FPACCOMBINE), or comes back unusable. */
uint64_t arm_pac_auth(struct arm_cpu *cpu, uint64_t pointer, uint64_t modifier,
                      enum arm_pac_key key, bool combined, arm_pac_hash *hash);

/* Strip(): the pointer without its code. */
uint64_t arm_pac_strip(const struct arm_cpu *cpu, uint64_t pointer, bool data);

#endif
