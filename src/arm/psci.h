/* SPDX-License-Identifier: Apache-2.0 */
/* PSCI 1.1 (DEN 0022) and the SMC calling convention 1.1 (DEN 0028), by HVC and SMC alike. */
#ifndef ARMVM_ARM_PSCI_H
#define ARMVM_ARM_PSCI_H

#include <stdbool.h>
#include <stdint.h>

struct arm_cpu;

/* Serves the call in X0..X3 and leaves the result in X0; pc is behind the instruction. */
void arm_psci_call(struct arm_cpu *cpu, uint16_t imm, bool smc);

#endif
