/* SPDX-License-Identifier: Apache-2.0 */
/* Registers that the machine around the PE serves: generic timer (manual D11), GICv3 CPU interface
 * (IHI 0069), random numbers (K12.1). */
#include "arm/sysreg_impl.h"

#include "arm/exception.h"
#include "base/bits.h"

/* CNTKCTL_EL1: what lets EL0 in; EVNTIS, the event stream's scale (FEAT_ECV). */
enum { EL0PCTEN = 1, EL0VCTEN = 2, EL0VTEN = 1 << 8, EL0PTEN = 1 << 9, EVNTIS = 1 << 17 };

bool arm_trap_cntfrq(const struct arm_cpu *cpu, bool write)
{
    return !(cpu->cntkctl_el1 & (EL0PCTEN | EL0VCTEN));
}

bool arm_trap_cntpct(const struct arm_cpu *cpu, bool write)
{
    return !(cpu->cntkctl_el1 & EL0PCTEN);
}

bool arm_trap_cntvct(const struct arm_cpu *cpu, bool write)
{
    return !(cpu->cntkctl_el1 & EL0VCTEN);
}

bool arm_trap_cntp(const struct arm_cpu *cpu, bool write)
{
    return !(cpu->cntkctl_el1 & EL0PTEN);
}

bool arm_trap_cntv(const struct arm_cpu *cpu, bool write)
{
    return !(cpu->cntkctl_el1 & EL0VTEN);
}

void arm_write_cntkctl(struct arm_cpu *cpu, const struct arm_sysreg *reg, uint64_t value)
{
    cpu->cntkctl_el1 = value & (arm_has(cpu->features, ARM_FEAT_ECV) ? 0x3ff | EVNTIS : 0x3ff);
}

/* Writable at the highest implemented EL; it is a note for software, the counter does not change.
 */
void arm_write_cntfrq(struct arm_cpu *cpu, const struct arm_sysreg *reg, uint64_t value)
{
    cpu->cntfrq_el0 = (uint32_t)value;
}

uint64_t arm_read_timer(struct arm_cpu *cpu, const struct arm_sysreg *reg)
{
    if (cpu->hooks->timer_read)
        return cpu->hooks->timer_read(cpu->hooks->timer, cpu->index, reg->encoding);
    arm_take_undefined(cpu);
    return 0;
}

void arm_write_timer(struct arm_cpu *cpu, const struct arm_sysreg *reg, uint64_t value)
{
    if (cpu->hooks->timer_write)
        cpu->hooks->timer_write(cpu->hooks->timer, cpu->index, reg->encoding, value);
    else
        arm_take_undefined(cpu);
}

uint64_t arm_read_icc(struct arm_cpu *cpu, const struct arm_sysreg *reg)
{
    const struct arm_hooks *hooks = cpu->hooks;
    uint64_t value = 0;

    if (!hooks->icc_read || cpu->features->gic != 3 ||
        !hooks->icc_read(hooks->gic, cpu->index, reg->encoding, &value))
        arm_take_undefined(cpu);
    return value;
}

void arm_write_icc(struct arm_cpu *cpu, const struct arm_sysreg *reg, uint64_t value)
{
    const struct arm_hooks *hooks = cpu->hooks;

    if (!hooks->icc_write || cpu->features->gic != 3 ||
        !hooks->icc_write(hooks->gic, cpu->index, reg->encoding, value))
        arm_take_undefined(cpu);
}

/* RNDR and RNDRRS: NZCV is 0b0000 with a number, 0b0100 and zero without one. */
uint64_t arm_read_random(struct arm_cpu *cpu, const struct arm_sysreg *reg)
{
    uint64_t value = 0;
    bool ok = cpu->hooks->random && cpu->hooks->random(cpu->hooks->machine, &value);

    arm_set_nzcv(cpu, ok ? 0 : 4);
    return ok ? value : 0;
}
