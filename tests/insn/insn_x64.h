/* SPDX-License-Identifier: Apache-2.0 */
/* Runs regions through the x86-64 back end, where the host has it (x64.c, or no_x64.c). */
#ifndef ARMVM_TESTS_INSN_INSN_X64_H
#define ARMVM_TESTS_INSN_INSN_X64_H

#include <stdint.h>

#include "engine/ir/ir.h"

struct arm_cpu;
struct insn_x64;

/* level: 0 to 2 for x86-64-v2 to v4. NULL if the host cannot. */
struct insn_x64 *insn_x64_create(unsigned level, const struct ir_runtime *runtime);
void insn_x64_destroy(struct insn_x64 *x64);

/* Compiles a region and runs it from its first block until it leaves; cpu->pc is then set. The page
 * at data_va is mapped to data. */
void insn_x64_run(struct insn_x64 *x64, struct ir *ir, struct arm_cpu *cpu, uint64_t data_va,
                  uint8_t *data);

#endif
