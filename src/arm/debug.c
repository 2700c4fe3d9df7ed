/* SPDX-License-Identifier: Apache-2.0 */
/* Self-hosted debug: breakpoints, watchpoints and software step (manual D2). */
#include "arm/debug.h"

#include "arm/cpu.h"
#include "arm/exception.h"
#include "arm/pstate.h"
#include "base/bits.h"

/* The highest-numbered ARM_CONTEXT_BREAKPOINTS breakpoints can compare context IDs. */
enum { FIRST_CONTEXT = ARM_BREAKPOINTS - ARM_CONTEXT_BREAKPOINTS };

/* DBGBCR<n>_EL1.BT values that exist without EL2 and AArch32. */
enum { BT_ADDRESS = 0, BT_ADDRESS_LINKED = 1, BT_CONTEXT = 2, BT_CONTEXT_LINKED = 3 };

/* DoubleLockStatus(): OSDLR_EL1.DLK, unless DBGPRCR_EL1.CORENPDRQ forbids powering down. */
static bool locked(const struct arm_cpu *cpu)
{
    return (cpu->oslsr & ARM_OSLSR_OSLK) || (bit(cpu->osdlr_el1, 0) && !bit(cpu->dbgprcr, 0));
}

bool arm_debug_enabled(const struct arm_cpu *cpu, unsigned el, bool masked)
{
    if (locked(cpu))
        return false;
    return el == 0 || ((cpu->mdscr_el1 & ARM_MDSCR_KDE) && !masked);
}

/* The part of that which does not depend on PSTATE.D, and the monitor debug enable. */
static bool hardware_on(const struct arm_cpu *cpu, unsigned el)
{
    return (cpu->mdscr_el1 & ARM_MDSCR_MDE) && arm_debug_enabled(cpu, el, false);
}

/*
 * AArch64.StateMatch() without the linked breakpoint. PMC (PAC) bit 0 is EL1, bit 1 EL0. Without
 * EL2 and EL3, HMC and SSC other than 0 are reserved combinations: disabled.
 */
static bool state_match(uint64_t control, unsigned el)
{
    if (!bit(control, 0) || bits(control, 15, 13))
        return false;
    return el ? bit(control, 1) : bit(control, 2);
}

/* Compares as the registers hold addresses: bits 48:0, 52:0 with FEAT_LVA; those above are copies
 * of the highest. */
static uint64_t address(const struct arm_cpu *cpu, uint64_t va)
{
    return va & ones(arm_has(cpu->features, ARM_FEAT_LVA) ? 53 : 49);
}

static bool context_match(const struct arm_cpu *cpu, unsigned n)
{
    return (uint32_t)cpu->dbgbvr[n] == (uint32_t)cpu->contextidr_el1;
}

/* The breakpoint that control's LBN names: is it a linked context breakpoint that matches? */
static bool linked_match(const struct arm_cpu *cpu, uint64_t control)
{
    unsigned n = (unsigned)bits(control, 19, 16);

    return n >= FIRST_CONTEXT && n < ARM_BREAKPOINTS && bit(cpu->dbgbcr[n], 0) &&
           bits(cpu->dbgbcr[n], 23, 20) == BT_CONTEXT_LINKED && context_match(cpu, n);
}

static bool breakpoint_match(const struct arm_cpu *cpu, unsigned n, uint64_t va)
{
    uint64_t control = cpu->dbgbcr[n];

    if (!state_match(control, cpu->el))
        return false;
    switch (bits(control, 23, 20)) {
    case BT_ADDRESS_LINKED:
        if (!linked_match(cpu, control))
            return false;
        return address(cpu, va) >> 2 == address(cpu, cpu->dbgbvr[n]) >> 2;
    case BT_ADDRESS:
        return address(cpu, va) >> 2 == address(cpu, cpu->dbgbvr[n]) >> 2;
    case BT_CONTEXT:
        return n >= FIRST_CONTEXT && context_match(cpu, n);
    default:
        return false;
    }
}

bool arm_check_breakpoint(struct arm_cpu *cpu, uint64_t va)
{
    if (!(cpu->mdscr_el1 & ARM_MDSCR_MDE) ||
        !arm_debug_enabled(cpu, cpu->el, cpu->daif & ARM_DAIF_D))
        return false;
    for (unsigned n = 0; n < ARM_BREAKPOINTS; n++) {
        if (!breakpoint_match(cpu, n, va))
            continue;
        cpu->pc = va;
        arm_take_sync(cpu, ARM_EC_BREAK_LOW, ARM_FSC_DEBUG, false, 0);
        return true;
    }
    return false;
}

static bool breakpoint_possible(const struct arm_cpu *cpu, unsigned n, unsigned el)
{
    unsigned type = (unsigned)bits(cpu->dbgbcr[n], 23, 20);

    return state_match(cpu->dbgbcr[n], el) && type <= BT_CONTEXT;
}

bool arm_breakpoints_on(const struct arm_cpu *cpu, unsigned el)
{
    if (!hardware_on(cpu, el))
        return false;
    for (unsigned n = 0; n < ARM_BREAKPOINTS; n++)
        if (breakpoint_possible(cpu, n, el))
            return true;
    return false;
}

bool arm_breakpoint_in_page(const struct arm_cpu *cpu, uint64_t va, unsigned el)
{
    if (!hardware_on(cpu, el))
        return false;
    for (unsigned n = 0; n < ARM_BREAKPOINTS; n++) {
        if (!breakpoint_possible(cpu, n, el))
            continue;
        if (bits(cpu->dbgbcr[n], 23, 20) == BT_CONTEXT ||
            address(cpu, va) >> 12 == address(cpu, cpu->dbgbvr[n]) >> 12)
            return true;
    }
    return false;
}

/*
 * The bytes a watchpoint covers, as a base and the number of low address bits that BAS or MASK
 * stand for (AArch64.WatchpointByteMatch). False if its programming makes it match nothing: the
 * constrained unpredictable cases (MASK 1, 2, MASK with a partial BAS) count as disabled.
 */
static bool watched(const struct arm_cpu *cpu, unsigned n, uint64_t *base, unsigned *low)
{
    uint64_t control = cpu->dbgwcr[n];
    unsigned mask = (unsigned)bits(control, 28, 24);

    if (mask && (mask < 3 || bits(control, 12, 5) != 0xff))
        return false;
    *low = mask ? mask : bit(cpu->dbgwvr[n], 2) ? 2 : 3;
    *base = address(cpu, cpu->dbgwvr[n]) & ~ones(*low);
    return true;
}

static bool watchpoint_byte(const struct arm_cpu *cpu, unsigned n, uint64_t va)
{
    uint64_t base;
    unsigned low;

    if (!watched(cpu, n, &base, &low) || (address(cpu, va) & ~ones(low)) != base)
        return false;
    return low > 3 || bit(cpu->dbgwcr[n], 5 + (unsigned)(va & ones(low)));
}

bool arm_watchpoints_on(const struct arm_cpu *cpu, unsigned el)
{
    if (!hardware_on(cpu, el))
        return false;
    for (unsigned n = 0; n < ARM_WATCHPOINTS; n++)
        if (state_match(cpu->dbgwcr[n], el))
            return true;
    return false;
}

bool arm_watchpoint_in_page(const struct arm_cpu *cpu, uint64_t va, unsigned el)
{
    if (!hardware_on(cpu, el))
        return false;
    for (unsigned n = 0; n < ARM_WATCHPOINTS; n++) {
        uint64_t base;
        unsigned low;

        if (!state_match(cpu->dbgwcr[n], el) || !watched(cpu, n, &base, &low))
            continue;
        if (low < 12)
            low = 12;
        if ((address(cpu, va) & ~ones(low)) == (base & ~ones(low)))
            return true;
    }
    return false;
}

static bool watchpoint_match(const struct arm_cpu *cpu, unsigned n, uint64_t va, uint64_t len,
                             unsigned el, bool write, uint64_t *hit)
{
    uint64_t control = cpu->dbgwcr[n];

    if (!state_match(control, el) || !bit(control, write ? 4 : 3))
        return false;
    if (bit(control, 20) && !linked_match(cpu, control))
        return false;
    for (uint64_t i = 0; i < len; i++) {
        if (!watchpoint_byte(cpu, n, va + i))
            continue;
        *hit = va + i;
        return true;
    }
    return false;
}

static bool check_watchpoint(struct arm_cpu *cpu, uint64_t va, uint64_t len, unsigned el,
                             bool write, bool cm)
{
    uint64_t hit;

    if (!(cpu->mdscr_el1 & ARM_MDSCR_MDE) ||
        !arm_debug_enabled(cpu, cpu->el, cpu->daif & ARM_DAIF_D))
        return false;
    for (unsigned n = 0; n < ARM_WATCHPOINTS; n++) {
        if (!watchpoint_match(cpu, n, va, len, el, write, &hit))
            continue;
        arm_take_sync(cpu, ARM_EC_WATCH_LOW,
                      (uint32_t)cm << 8 | (uint32_t)write << 6 | ARM_FSC_DEBUG, true, hit);
        return true;
    }
    return false;
}

bool arm_check_watchpoint(struct arm_cpu *cpu, uint64_t va, uint64_t len, unsigned el, bool write)
{
    return check_watchpoint(cpu, va, len, el, write, false);
}

/* Only DC IVAC (a write, to the whole line) and DC ZVA generate watchpoint exceptions. */
bool arm_check_watchpoint_cm(struct arm_cpu *cpu, uint64_t va, unsigned el)
{
    return check_watchpoint(cpu, align_down(va, 64), 64, el, true, true);
}

bool arm_step_active(const struct arm_cpu *cpu)
{
    return (cpu->mdscr_el1 & ARM_MDSCR_SS) &&
           arm_debug_enabled(cpu, cpu->el, cpu->daif & ARM_DAIF_D);
}

bool arm_step_pending(const struct arm_cpu *cpu)
{
    return arm_step_active(cpu) && !cpu->ss;
}

void arm_step_done(struct arm_cpu *cpu, bool load_exclusive)
{
    if (!arm_step_active(cpu))
        return;
    cpu->step_isv = cpu->ss;
    cpu->step_ex = load_exclusive;
    cpu->ss = 0;
}

void arm_take_step(struct arm_cpu *cpu)
{
    uint32_t iss = ARM_FSC_DEBUG;

    /* EX means something only with ISV (manual, ISS encoding of a Software Step exception). */
    if (cpu->step_isv)
        iss |= 1u << 24 | (uint32_t)cpu->step_ex << 6;
    cpu->step_isv = cpu->step_ex = 0;
    arm_take_sync(cpu, ARM_EC_STEP_LOW, iss, false, 0);
}
