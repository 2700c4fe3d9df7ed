/* SPDX-License-Identifier: Apache-2.0 */
/* Runs regions through the x86-64 back end, where the host has it (x64.c, or no_x64.c). */
#ifndef ARMVM_TESTS_INSN_INSN_X64_H
#define ARMVM_TESTS_INSN_INSN_X64_H

#include <stdint.h>

#include "engine/ir/ir.h"
#include "engine/x64/x64.h"
#include "insn.h"

struct arm_cpu;
struct insn_x64;

/* level: 0 to 2 for x86-64-v2 to v4; without: X64_NO_*. NULL if the host cannot. */
struct insn_x64 *insn_x64_create(unsigned level, unsigned without,
                                 const struct ir_runtime *runtime);
void insn_x64_destroy(struct insn_x64 *x64);

/* Compiles a region, which takes the place of the one before. */
int insn_x64_compile(struct insn_x64 *x64, struct ir *ir);

/* Runs it from its first block until it leaves; cpu->pc is then set. True: it asks to go on with
 * code that checks each access by itself (FRONT_CAREFUL). The two pages at data_va are
 * mapped as the area says: the first to data, the second to two pages behind. */
bool insn_x64_run(struct insn_x64 *x64, struct arm_cpu *cpu, uint64_t data_va, uint8_t *data,
                  enum insn_area area);

#endif
