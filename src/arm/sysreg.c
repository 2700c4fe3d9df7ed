/* SPDX-License-Identifier: Apache-2.0 */
/* Access to system registers: look-up, access rules, traps (manual D19.1, C5). */
#include "arm/sysreg.h"

#include <string.h>

#include "arm/cpu.h"
#include "arm/exception.h"
#include "arm/sysreg_impl.h"
#include "base/bits.h"
#include "base/trace.h"

/* Halving without unpredictable branches: TLB maintenance, timers and the GIC come by here. */
const struct arm_sysreg *arm_sysreg_find(uint32_t encoding)
{
    const struct arm_sysreg *reg = arm_sysreg_table;
    unsigned n = arm_sysreg_count;

    while (n > 1) {
        unsigned half = n / 2;
        reg = reg[half].encoding <= encoding ? reg + half : reg;
        n -= half;
    }
    return reg->encoding == encoding ? reg : NULL;
}

const struct arm_sysreg *arm_sysreg_at(unsigned index)
{
    return index < arm_sysreg_count ? &arm_sysreg_table[index] : NULL;
}

void arm_sysreg_reset(struct arm_cpu *cpu)
{
    for (unsigned i = 0; i < arm_sysreg_count; i++) {
        const struct arm_sysreg *reg = &arm_sysreg_table[i];
        if (reg->offset >= 0)
            *arm_sysreg_storage(cpu, reg) = reg->reset;
    }
    cpu->fpcr = 0;
    cpu->fpsr = 0;
    cpu->dbgclaim = 0;
    cpu->cntfrq_el0 = cpu->features->cntfrq;
}

uint32_t arm_sysreg_key(const struct arm_sysreg *reg)
{
    return reg->encoding | (uint32_t)(reg - arm_sysreg_table + 1) << 16;
}

static void undefined(struct arm_cpu *cpu, uint32_t encoding, const char *name, bool write)
{
    if (trace_on(cpu->trace, TRACE_UNIMP))
        trace_print(cpu->trace, TRACE_UNIMP,
                    "cpu%u EL%u %s of S%u_%u_C%u_C%u_%u (%s) at 0x%llx is undefined", cpu->index,
                    cpu->el, write ? "write" : "read", encoding >> 14, encoding >> 11 & 7,
                    encoding >> 7 & 15, encoding >> 3 & 15, encoding & 7, name,
                    (unsigned long long)cpu->pc);
    arm_take_undefined(cpu);
}

/* The feature ID space, whose UNDEFINED reads tell what was read (FEAT_IDST). */
static bool in_id_space(const struct arm_cpu *cpu, uint32_t encoding, bool write)
{
    unsigned op1 = (unsigned)bits(encoding, 13, 11);

    return arm_has(cpu->features, ARM_FEAT_IDST) && !write && bits(encoding, 15, 14) == 3 &&
           (op1 == 0 || op1 == 1 || op1 == 3) && !bits(encoding, 10, 6);
}

/* CPACR_EL1.FPEN: 0b11 traps nothing, 0b01 traps EL0, else both. */
static bool fp_trapped(const struct arm_cpu *cpu)
{
    unsigned fpen = (unsigned)bits(cpu->cpacr_el1, 21, 20);

    return fpen != 3 && !(fpen == 1 && cpu->el == 1);
}

/* The entry if the current EL may access it now; else takes the exception and yields NULL. */
static const struct arm_sysreg *checked(struct arm_cpu *cpu, uint32_t encoding, uint32_t iss,
                                        bool write)
{
    uint32_t place = encoding >> 16;
    const struct arm_sysreg *reg = place ? arm_sysreg_at(place - 1) : arm_sysreg_find(encoding);
    unsigned right = write ? ARM_SYSREG_W0 : ARM_SYSREG_R0;

    if (cpu->el)
        right = write ? ARM_SYSREG_W1 : ARM_SYSREG_R1;
    if (!reg || !(reg->flags & right) ||
        (reg->feature && !arm_has(cpu->features, reg->feature - 1u)) ||
        ((reg->flags & ARM_SYSREG_SP0) && !cpu->spsel)) {
        if (in_id_space(cpu, encoding, write))
            arm_take_sync(cpu, ARM_EC_SYSREG, iss, false, 0);
        else
            undefined(cpu, encoding & 0xffff, reg ? reg->name : "unknown", write);
        return NULL;
    }
    if ((reg->flags & ARM_SYSREG_TRAP0) && cpu->el == 0 && reg->trap0(cpu, write)) {
        arm_take_sync(cpu, ARM_EC_SYSREG, iss, false, 0);
        return NULL;
    }
    if ((reg->flags & ARM_SYSREG_FP) && fp_trapped(cpu)) {
        /* ISS: CV = 1, COND = 0b1110, as for every A64 instruction. */
        arm_take_sync(cpu, ARM_EC_FP, 1u << 24 | 0xeu << 20, false, 0);
        return NULL;
    }
    return reg;
}

uint64_t arm_sysreg_read(struct arm_cpu *cpu, uint32_t encoding, uint32_t iss)
{
    const struct arm_sysreg *reg = checked(cpu, encoding, iss, false);

    if (!reg)
        return 0;
    if (reg->read)
        return reg->read(cpu, reg);
    return reg->offset >= 0 ? *arm_sysreg_storage(cpu, reg) : reg->reset;
}

void arm_sysreg_write(struct arm_cpu *cpu, uint32_t encoding, uint64_t value, uint32_t iss)
{
    const struct arm_sysreg *reg = checked(cpu, encoding, iss, true);

    if (!reg)
        return;
    if (reg->write)
        reg->write(cpu, reg, value);
    else if (reg->offset >= 0)
        *arm_sysreg_storage(cpu, reg) = value;
}
