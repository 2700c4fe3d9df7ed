/* SPDX-License-Identifier: Apache-2.0 */
/* The PE whose thread this is: the one piece of thread-local state. For devices whose registers are
 * banked by the accessing PE (GICv2) and for fault handlers. */
#ifndef ARMVM_ARM_CURRENT_H
#define ARMVM_ARM_CURRENT_H

struct arm_cpu;

/* NULL on threads that are no vCPU's. */
struct arm_cpu *arm_current(void);
/* Called by the engine first thing on a vCPU's thread. */
void arm_set_current(struct arm_cpu *cpu);

#endif
