/* SPDX-License-Identifier: Apache-2.0 */
/* The x86-64 back end is not in this build. */
#include "insn_x64.h"

#include <stddef.h>

struct insn_x64 *insn_x64_create(unsigned level, unsigned without, const struct ir_runtime *runtime)
{
    return NULL;
}

void insn_x64_destroy(struct insn_x64 *x64)
{
}

int insn_x64_compile(struct insn_x64 *x64, struct ir *ir)
{
    return -1;
}

bool insn_x64_run(struct insn_x64 *x64, struct arm_cpu *cpu, uint64_t data_va, uint8_t *data,
                  enum insn_area area)
{
    return false;
}
