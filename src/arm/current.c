/* SPDX-License-Identifier: Apache-2.0 */
#include "arm/current.h"

#include <stddef.h>

static _Thread_local struct arm_cpu *current;

struct arm_cpu *arm_current(void)
{
    return current;
}

void arm_set_current(struct arm_cpu *cpu)
{
    current = cpu;
}
