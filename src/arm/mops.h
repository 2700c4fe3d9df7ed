/* SPDX-License-Identifier: Apache-2.0 */
/* Memory copy and memory set instructions (FEAT_MOPS; manual C6.2 CPYP.., SETP..). */
#ifndef ARMVM_ARM_MOPS_H
#define ARMVM_ARM_MOPS_H

#include <stdbool.h>
#include <stdint.h>

struct arm_cpu;

/* Executes CPY*, CPYF* or SET*, whose registers the caller has checked to be different and none of
 * them 31 (but SET*'s Xs). False: it is not done yet, and must be executed again (an interrupt
 * waits perhaps). May take an exception, and sets `raised` then; registers say how far it has come.
 */
bool arm_mops(struct arm_cpu *cpu, uint32_t insn);

#endif
