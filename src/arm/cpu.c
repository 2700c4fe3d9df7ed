/* SPDX-License-Identifier: Apache-2.0 */
/* A PE's own state: reset (manual D1.3), PSTATE, stack pointers, interrupt inputs. */
#include "arm/cpu.h"

#include <string.h>

#include "base/bits.h"
#include "arm/pauth.h"
#include "arm/hooks.h"
#include "arm/pstate.h"
#include "arm/sysreg.h"

void arm_cpu_reset(struct arm_cpu *cpu, uint64_t pc, uint64_t x0)
{
    memset(cpu->x, 0, sizeof(cpu->x));
    memset(cpu->v, 0, sizeof(cpu->v));
    memset(cpu->sp_el, 0, sizeof(cpu->sp_el));
    cpu->x[0] = x0;
    cpu->pc = pc;
    cpu->pc_page = align_down(pc, 4096);
    arm_set_nzcv(cpu, 0);
    cpu->raised = 0;
    cpu->monitor[0] = ARM_MONITOR_OPEN;

    cpu->el = 1;
    cpu->spsel = 1;
    cpu->daif = 0xf;
    cpu->pan = cpu->uao = cpu->dit = cpu->tco = 0;
    cpu->ssbs = 0;
    cpu->ss = cpu->il = cpu->btype = 0;
    cpu->step_isv = cpu->step_ex = 0;
    cpu->halted = 0;
    cpu->walk_slot = NULL;
    atomic_store(&cpu->event, 0);

    arm_sysreg_reset(cpu);
    arm_pac_update(cpu);
    arm_pmu_reset(cpu);
    cpu->engine_ops->debug_changed(cpu);
    cpu->engine_ops->context_changed(cpu);
}

/* The at-rest form is defined in engine/ir/ir.h (ir_nzcv_load): N 15, Z 14, C 8, V 0. */
unsigned arm_nzcv(const struct arm_cpu *cpu)
{
    uint16_t rest = cpu->nzcv;

    return (rest >> 15 & 1u) << 3 | (rest >> 14 & 1u) << 2 | (rest >> 8 & 1u) << 1 | (rest & 1u);
}

void arm_set_nzcv(struct arm_cpu *cpu, unsigned nzcv)
{
    cpu->nzcv = (uint16_t)((nzcv >> 3 & 1) << 15 | (nzcv >> 2 & 1) << 14 | (nzcv >> 1 & 1) << 8 |
                           (nzcv & 1));
}

uint64_t arm_pstate(const struct arm_cpu *cpu)
{
    return (uint64_t)arm_nzcv(cpu) << 28 | (uint64_t)cpu->tco << ARM_SPSR_TCO |
           (uint64_t)cpu->dit << ARM_SPSR_DIT | (uint64_t)cpu->uao << ARM_SPSR_UAO |
           (uint64_t)cpu->pan << ARM_SPSR_PAN | (uint64_t)cpu->ss << ARM_SPSR_SS |
           (uint64_t)cpu->il << ARM_SPSR_IL | (uint64_t)cpu->ssbs << ARM_SPSR_SSBS |
           (uint64_t)cpu->btype << ARM_SPSR_BTYPE | (uint64_t)cpu->daif << ARM_SPSR_DAIF |
           (uint64_t)cpu->el << 2 | (cpu->el ? cpu->spsel : 0);
}

/* Which of sp_el[] the SP in x[31] belongs to. */
static unsigned sp_bank(unsigned el, unsigned spsel)
{
    return el && spsel;
}

void arm_set_el(struct arm_cpu *cpu, unsigned el, unsigned spsel)
{
    unsigned from = sp_bank(cpu->el, cpu->spsel);
    unsigned to = sp_bank(el, spsel);

    if (from != to) {
        cpu->sp_el[from] = cpu->x[31];
        cpu->x[31] = cpu->sp_el[to];
    }
    cpu->el = (uint8_t)el;
    cpu->spsel = (uint8_t)spsel;
}

void arm_set_line(struct arm_cpu *cpu, uint32_t line, bool level)
{
    if (!level) {
        atomic_fetch_and(&cpu->lines, ~line);
        return;
    }
    if (atomic_fetch_or(&cpu->lines, line) & line)
        return;
    atomic_fetch_or(&cpu->attention, ARM_ATTENTION_IRQ);
    cpu->engine_ops->kick(cpu);
}

bool arm_interrupt_ready(const struct arm_cpu *cpu)
{
    uint32_t lines = atomic_load_explicit(&cpu->lines, memory_order_relaxed);

    return ((lines & ARM_LINE_IRQ) && !(cpu->daif & ARM_DAIF_I)) ||
           ((lines & ARM_LINE_FIQ) && !(cpu->daif & ARM_DAIF_F));
}

void arm_daif_changed(struct arm_cpu *cpu)
{
    if (arm_interrupt_ready(cpu))
        atomic_fetch_or(&cpu->attention, ARM_ATTENTION_IRQ);
    /* PSTATE.D decides whether software step is active. */
    if (cpu->mdscr_el1 & (ARM_MDSCR_SS | ARM_MDSCR_MDE))
        cpu->engine_ops->context_changed(cpu);
}

/* The event stream is bit EVNTI of the virtual counter, or of the counter without its low 8 bits
 * (EVNTIS), going up, or down with EVNTDIR, as CNTKCTL_EL1 says (manual D11.2.4). An event since the
 * last call is in the event register. */
uint64_t arm_wfe_timeout(struct arm_cpu *cpu)
{
    const uint32_t cntvct = ARM_SYSREG(3, 3, 14, 0, 2);
    uint64_t ticks = 2ull << (bits(cpu->cntkctl_el1, 7, 4) + 8 * bit(cpu->cntkctl_el1, 17));
    uint64_t count, number;

    if (!bit(cpu->cntkctl_el1, 2) || !cpu->features->cntfrq)
        return UINT64_MAX;
    count =
        cpu->hooks->timer_read ? cpu->hooks->timer_read(cpu->hooks->timer, cpu->index, cntvct) : 0;
    count += bit(cpu->cntkctl_el1, 3) ? 0 : ticks / 2;
    number = count / ticks;
    if (number != cpu->stream_events) {
        cpu->stream_events = number;
        return 0;
    }
    return (ticks - count % ticks) * 1000000000ull / cpu->features->cntfrq + 1;
}

uint64_t arm_counter_distance(struct arm_cpu *cpu, uint64_t value)
{
    const struct arm_hooks *hooks = cpu->hooks;
    const uint32_t cntvct = ARM_SYSREG(3, 3, 14, 0, 2);
    uint64_t now, frequency = cpu->features->cntfrq;

    if (!hooks || !hooks->timer_read || !frequency)
        return UINT64_MAX;
    now = hooks->timer_read(hooks->timer, cpu->index, cntvct);
    if (now >= value)
        return 0;
    if (value - now > UINT64_MAX / 1000000000u)
        return UINT64_MAX;
    return (value - now) * 1000000000u / frequency + 1;
}
