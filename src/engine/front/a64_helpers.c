/* SPDX-License-Identifier: Apache-2.0 */
/* What A64 translations call, and where they find CPU state. */
#include "engine/front/a64_helpers.h"

#include "arm/cpu.h"
#include "arm/debug.h"
#include "arm/exception.h"
#include "arm/sysreg.h"
#include "engine/front/front.h"

uint64_t a64_help_undefined(void *cpu, uint64_t a, uint64_t b, uint64_t c)
{
    arm_take_undefined(cpu);
    return 0;
}

/* a: exception class, b: ISS. */
uint64_t a64_help_sync(void *cpu, uint64_t a, uint64_t b, uint64_t c)
{
    arm_take_sync(cpu, (enum arm_ec)a, (uint32_t)b, false, 0);
    return 0;
}

uint64_t a64_help_svc(void *cpu, uint64_t a, uint64_t b, uint64_t c)
{
    arm_take_svc(cpu, (uint16_t)a);
    return 0;
}

uint64_t a64_help_brk(void *cpu, uint64_t a, uint64_t b, uint64_t c)
{
    arm_take_brk(cpu, (uint16_t)a);
    return 0;
}

/* a: immediate, b: 1 for SMC. */
uint64_t a64_help_hvc(void *cpu, uint64_t a, uint64_t b, uint64_t c)
{
    arm_hvc(cpu, (uint16_t)a, b != 0);
    return 0;
}

uint64_t a64_help_eret(void *cpu, uint64_t a, uint64_t b, uint64_t c)
{
    arm_eret(cpu);
    return 0;
}

/* The host's debugger goes first: the guest must not see its breakpoints. */
uint64_t a64_help_breakpoint(void *cpu, uint64_t a, uint64_t b, uint64_t c)
{
    struct arm_cpu *arm = cpu;
    if (!arm->engine_ops->breakpoint || !arm->engine_ops->breakpoint(arm))
        arm_check_breakpoint(arm, arm->pc);
    return 0;
}

/* a: encoding, b: ISS of a trap. */
uint64_t a64_help_sysreg_read(void *cpu, uint64_t a, uint64_t b, uint64_t c)
{
    return arm_sysreg_read(cpu, (uint32_t)a, (uint32_t)b);
}

/* a: encoding, b: ISS of a trap, c: value. */
uint64_t a64_help_sysreg_write(void *cpu, uint64_t a, uint64_t b, uint64_t c)
{
    arm_sysreg_write(cpu, (uint32_t)a, c, (uint32_t)b);
    return 0;
}

uint64_t a64_help_wfi(void *cpu, uint64_t a, uint64_t b, uint64_t c)
{
    struct arm_cpu *arm = cpu;
    arm->engine_ops->wfi(arm, UINT64_MAX);
    return 0;
}

/* a: the virtual counter's value that ends the wait. */
uint64_t a64_help_wfit(void *cpu, uint64_t a, uint64_t b, uint64_t c)
{
    struct arm_cpu *arm = cpu;
    uint64_t timeout = arm_counter_distance(arm, a);
    if (timeout)
        arm->engine_ops->wfi(arm, timeout);
    return 0;
}

static void wait_for_event(struct arm_cpu *cpu, uint64_t timeout)
{
    uint64_t stream = arm_wfe_timeout(cpu);
    if (!atomic_exchange(&cpu->event, 0))
        cpu->engine_ops->wfe(cpu, stream < timeout ? stream : timeout);
}

uint64_t a64_help_wfe(void *cpu, uint64_t a, uint64_t b, uint64_t c)
{
    wait_for_event(cpu, UINT64_MAX);
    return 0;
}

uint64_t a64_help_wfet(void *cpu, uint64_t a, uint64_t b, uint64_t c)
{
    uint64_t timeout = arm_counter_distance(cpu, a);
    if (timeout)
        wait_for_event(cpu, timeout);
    return 0;
}

/* WFI or WFE (TI's bit 0 in a, the ISS of EC 0x01) at EL0 where SCTLR_EL1 traps it, but only if it
 * would wait (manual C6.2: WFE, WFI); b: the virtual counter's value that ends the wait. */
uint64_t a64_help_trap_wfx(void *cpu, uint64_t a, uint64_t b, uint64_t c)
{
    struct arm_cpu *arm = cpu;
    bool over = a & 1 ? !arm_wfe_timeout(arm) || atomic_exchange(&arm->event, 0)
                      : atomic_load(&arm->lines) != 0;
    if (!over && arm_counter_distance(arm, b))
        arm_take_sync(arm, ARM_EC_WFX, (uint32_t)a, false, 0);
    return 0;
}

uint64_t a64_help_yield(void *cpu, uint64_t a, uint64_t b, uint64_t c)
{
    struct arm_cpu *arm = cpu;
    if (arm->engine_ops->yield)
        arm->engine_ops->yield(arm);
    return 0;
}

uint64_t a64_help_sev(void *cpu, uint64_t a, uint64_t b, uint64_t c)
{
    struct arm_cpu *arm = cpu;
    arm->engine_ops->sev(arm);
    return 0;
}

uint64_t a64_help_dsb(void *cpu, uint64_t a, uint64_t b, uint64_t c)
{
    struct arm_cpu *arm = cpu;
    arm->engine_ops->dsb(arm);
    return 0;
}

uint64_t a64_help_isb(void *cpu, uint64_t a, uint64_t b, uint64_t c)
{
    struct arm_cpu *arm = cpu;
    arm->engine_ops->isb(arm);
    return 0;
}

uint64_t a64_help_spsel(void *cpu, uint64_t a, uint64_t b, uint64_t c)
{
    struct arm_cpu *arm = cpu;
    arm_set_el(arm, arm->el, (unsigned)a);
    arm->engine_ops->context_changed(arm);
    return 0;
}

uint64_t a64_help_pan(void *cpu, uint64_t a, uint64_t b, uint64_t c)
{
    struct arm_cpu *arm = cpu;
    arm->pan = (uint8_t)a;
    arm->engine_ops->context_changed(arm);
    return 0;
}

uint64_t a64_help_uao(void *cpu, uint64_t a, uint64_t b, uint64_t c)
{
    struct arm_cpu *arm = cpu;
    arm->uao = (uint8_t)a;
    arm->engine_ops->context_changed(arm);
    return 0;
}

uint64_t a64_help_daif(void *cpu, uint64_t a, uint64_t b, uint64_t c)
{
    arm_daif_changed(cpu);
    return 0;
}

enum {
    A64_HELPER_AUT = IR_HELPER_RAISES | IR_HELPER_READS_R | IR_HELPER_WRITES_R | IR_HELPER_OPEN
};

const struct ir_helper a64_helpers[] = {
#define HELPER(id, function, bits) [A64_HELPER_##id] = {.name = #id, .fn = function, .flags = bits},
#define VHELPER(id, function, bits)                                                                \
    [A64_HELPER_##id] = {.name = #id, .fnv = function, .flags = bits},
#include "engine/front/a64_helpers.def"
#include "engine/front/a64_simd_helpers.def"
#undef HELPER
#undef VHELPER
};
const unsigned a64_nhelpers = A64_HELPERS;

#define AT(field) .field = offsetof(struct arm_cpu, field)

const struct ir_layout a64_layout = {
    AT(pc_page),
    AT(pc),
    AT(nzcv),
    AT(raised),
    AT(attention),
    AT(scratch),
    AT(second),
    AT(tlb),
    AT(tlb_mask),
    AT(itlb),
    AT(itlb_mask),
    AT(utlb),
    AT(utlb_mask),
    AT(rstack),
    AT(rstack_top),
    AT(monitor),
    .slots = offsetof(struct arm_cpu, page_slot),
    .slots_used = offsetof(struct arm_cpu, page_slots_used),
    .fpenv = offsetof(struct arm_cpu, fpcr),
    .seal = offsetof(struct arm_cpu, pac_mask),
    .landing = offsetof(struct arm_cpu, btype),
    .x0 = offsetof(struct arm_cpu, x),
    .v0 = offsetof(struct arm_cpu, v),
};

_Static_assert(offsetof(struct arm_cpu, fpsr) == offsetof(struct arm_cpu, fpcr) + 4, "ir_fpenv");
_Static_assert(offsetof(struct arm_cpu, ap_key) ==
                   offsetof(struct arm_cpu, pac_mask) + offsetof(struct ir_seal, key),
               "ir_seal");
_Static_assert(sizeof(struct arm_cpu) < 32768, "offsets of CPU state");
_Static_assert(sizeof(((struct arm_cpu *)0)->monitor) == sizeof(struct ir_monitor), "monitor");
_Static_assert(sizeof(((struct arm_cpu *)0)->page_slot) ==
                   IR_PAGE_SLOTS * sizeof(struct ir_page_slot),
               "page slots");
_Static_assert(sizeof(((struct arm_cpu *)0)->rstack[0]) == sizeof(struct ir_rstack_entry),
               "rstack");
