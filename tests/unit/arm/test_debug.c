/* SPDX-License-Identifier: Apache-2.0 */
/* Breakpoints, watchpoints and software step. */
#include "pe.h"

#include "arm/debug.h"
#include "arm/exception.h"
#include "arm/pstate.h"
#include "base/bits.h"

enum {
    ADDR = 0x12340,
    EL1_ONLY = 1 << 1,
    EL0_ONLY = 2 << 1,
    BOTH = 3 << 1,
    LOAD = 1 << 3,
    STORE = 2 << 3
};

#define BAS(mask) ((uint64_t)(mask) << 5)

/* Debug exceptions on at EL1 and EL0. */
static int setup(void **state)
{
    int rc = pe_setup(state);
    struct pe *pe = *state;

    pe->cpu.oslsr = ARM_OSLSR_OSLM;
    pe->cpu.mdscr_el1 = ARM_MDSCR_MDE | ARM_MDSCR_KDE;
    pe->cpu.daif = 0;
    return rc;
}

static bool hits(struct pe *pe, uint64_t va)
{
    unsigned ec;
    bool hit = arm_check_breakpoint(&pe->cpu, va);

    assert_int_equal(pe_raised(pe, &ec), hit);
    if (hit) {
        assert_int_equal(ec & ~1u, ARM_EC_BREAK_LOW);
        assert_int_equal(pe->cpu.esr_el1 & 0x1ffffff, ARM_FSC_DEBUG);
        assert_int_equal(pe->cpu.elr_el1, va);
    }
    return hit;
}

static void breakpoint_matches_its_address_and_el(void **state)
{
    struct pe *pe = *state;

    pe->cpu.dbgbvr[0] = ADDR;
    pe->cpu.dbgbcr[0] = 1 | EL0_ONLY | BAS(0xf);
    assert_false(hits(pe, ADDR));
    assert_false(arm_breakpoint_in_page(&pe->cpu, ADDR, 1));
    assert_true(arm_breakpoint_in_page(&pe->cpu, ADDR & ~0xfff, 0));
    assert_false(arm_breakpoint_in_page(&pe->cpu, ADDR + 0x1000, 0));
    arm_set_el(&pe->cpu, 0, 0);
    assert_false(hits(pe, ADDR + 4));
    assert_true(hits(pe, ADDR));
    assert_int_equal(pe->cpu.el, 1);
}

static void breakpoint_needs_enables(void **state)
{
    struct pe *pe = *state;

    pe->cpu.dbgbvr[5] = ADDR;
    pe->cpu.dbgbcr[5] = 1 | BOTH | BAS(0xf);
    pe->cpu.daif = ARM_DAIF_D;
    assert_false(hits(pe, ADDR));
    pe->cpu.daif = 0;
    pe->cpu.mdscr_el1 = ARM_MDSCR_MDE;
    assert_false(hits(pe, ADDR));
    pe->cpu.mdscr_el1 = ARM_MDSCR_KDE;
    assert_false(hits(pe, ADDR));
    pe->cpu.mdscr_el1 = ARM_MDSCR_KDE | ARM_MDSCR_MDE;
    pe->cpu.oslsr |= ARM_OSLSR_OSLK;
    assert_false(hits(pe, ADDR));
    pe->cpu.oslsr = ARM_OSLSR_OSLM;
    pe->cpu.osdlr_el1 = 1;
    assert_false(hits(pe, ADDR));
    pe->cpu.osdlr_el1 = 0;
    assert_true(hits(pe, ADDR));
}

static void linked_breakpoint_needs_its_context(void **state)
{
    struct pe *pe = *state;

    pe->cpu.dbgbvr[0] = ADDR;
    pe->cpu.dbgbcr[0] = 1 | BOTH | BAS(0xf) | 4 << 16 | 1 << 20;
    pe->cpu.dbgbvr[4] = 77;
    pe->cpu.dbgbcr[4] = 1 | BOTH | BAS(0xf) | 3 << 20;
    assert_false(hits(pe, ADDR));
    pe->cpu.contextidr_el1 = 77;
    assert_false(hits(pe, ADDR + 4)); /* the context alone raises nothing */
    assert_true(hits(pe, ADDR));
}

static void context_breakpoint_matches_everywhere(void **state)
{
    struct pe *pe = *state;

    pe->cpu.dbgbvr[5] = 77;
    pe->cpu.dbgbcr[5] = 1 | BOTH | BAS(0xf) | 2 << 20;
    assert_true(arm_breakpoint_in_page(&pe->cpu, 0x5000, 1));
    assert_false(hits(pe, 0x5000));
    pe->cpu.contextidr_el1 = 77;
    assert_true(hits(pe, 0x5000));
}

struct watch {
    uint64_t wvr, wcr, va, len;
    bool write, hit;
    uint64_t far;
};

static const struct watch watches[] = {
    {ADDR, 1 | BOTH | LOAD | BAS(0xff), ADDR, 8, false, true, ADDR},
    {ADDR, 1 | BOTH | LOAD | BAS(0xff), ADDR, 8, true, false, 0},
    {ADDR, 1 | BOTH | STORE | BAS(0xff), ADDR, 8, false, false, 0},
    {ADDR, 1 | BOTH | STORE | BAS(0xff), ADDR - 8, 8, true, false, 0},
    {ADDR, 1 | BOTH | STORE | BAS(0xff), ADDR - 8, 16, true, true, ADDR},
    {ADDR, 1 | BOTH | STORE | BAS(0xff), ADDR + 7, 1, true, true, ADDR + 7},
    {ADDR, 1 | BOTH | STORE | BAS(0xff), ADDR + 8, 1, true, false, 0},
    {ADDR, 1 | BOTH | STORE | BAS(0x0c), ADDR, 2, true, false, 0},
    {ADDR, 1 | BOTH | STORE | BAS(0x0c), ADDR, 4, true, true, ADDR + 2},
    {ADDR, 1 | BOTH | STORE | BAS(0x0c), ADDR + 4, 4, true, false, 0},
    {ADDR + 4, 1 | BOTH | STORE | BAS(0x02), ADDR + 5, 1, true, true, ADDR + 5},
    {ADDR + 4, 1 | BOTH | STORE | BAS(0x02), ADDR + 1, 1, true, false, 0},
    {0x10000, 1 | BOTH | STORE | BAS(0xff) | 16 << 24, 0x1fff0, 4, true, true, 0x1fff0},
    {0x10000, 1 | BOTH | STORE | BAS(0xff) | 16 << 24, 0x20000, 4, true, false, 0},
    {0x10000, 1 | BOTH | STORE | BAS(0x0f) | 16 << 24, 0x10000, 4, true, false, 0},
    {0x10000, 1 | BOTH | STORE | BAS(0xff) | 2 << 24, 0x10000, 4, true, false, 0},
    {ADDR, 0 | BOTH | STORE | BAS(0xff), ADDR, 8, true, false, 0},
    {ADDR, 1 | BOTH | STORE | BAS(0xff) | 1 << 13, ADDR, 8, true, false, 0},
};

static void watchpoints_match_bytes_and_ranges(void **state)
{
    struct pe *pe = *state;

    for (unsigned i = 0; i < ARRAY_SIZE(watches); i++) {
        const struct watch *w = &watches[i];
        pe->cpu.daif = 0;
        pe->cpu.dbgwvr[3] = w->wvr;
        pe->cpu.dbgwcr[3] = w->wcr;
        assert_int_equal(arm_check_watchpoint(&pe->cpu, w->va, w->len, 1, w->write), w->hit);
        assert_int_equal(pe_raised(pe, NULL), w->hit);
        if (!w->hit)
            continue;
        assert_int_equal(pe->cpu.far_el1, w->far);
        assert_int_equal(pe->cpu.esr_el1, 0xd6000000 | (unsigned)w->write << 6 | ARM_FSC_DEBUG);
        assert_true(arm_watchpoint_in_page(&pe->cpu, w->far, 1));
    }
}

static void unprivileged_access_uses_el0_rights(void **state)
{
    struct pe *pe = *state;

    pe->cpu.dbgwvr[0] = ADDR;
    pe->cpu.dbgwcr[0] = 1 | EL0_ONLY | LOAD | BAS(0xff);
    assert_false(arm_check_watchpoint(&pe->cpu, ADDR, 8, 1, false));
    assert_true(arm_check_watchpoint(&pe->cpu, ADDR, 8, 0, false));
}

static void large_watchpoints_cover_all_their_pages(void **state)
{
    struct pe *pe = *state;

    pe->cpu.dbgwvr[0] = 0x40000000;
    pe->cpu.dbgwcr[0] = 1 | BOTH | STORE | BAS(0xff) | 20ull << 24;
    assert_true(arm_watchpoint_in_page(&pe->cpu, 0x400ff000, 1));
    assert_false(arm_watchpoint_in_page(&pe->cpu, 0x40100000, 1));
    assert_true(arm_watchpoints_on(&pe->cpu, 0));
    pe->cpu.mdscr_el1 = 0;
    assert_false(arm_watchpoints_on(&pe->cpu, 0));
}

static void step_runs_one_instruction_then_traps(void **state)
{
    struct pe *pe = *state;

    pe->cpu.mdscr_el1 = ARM_MDSCR_SS;
    assert_false(arm_step_active(&pe->cpu)); /* EL1 without KDE */
    pe->cpu.spsr_el1 = 1 << 21;
    pe->cpu.elr_el1 = 0x1000;
    arm_eret(&pe->cpu);
    pe->cpu.raised = 0;
    assert_true(arm_step_active(&pe->cpu));
    assert_false(arm_step_pending(&pe->cpu));
    pe->cpu.pc += 4;
    arm_step_done(&pe->cpu, false);
    assert_true(arm_step_pending(&pe->cpu));
    arm_take_step(&pe->cpu);
    assert_int_equal(pe->cpu.esr_el1, 0xcb000022);
    assert_int_equal(pe->cpu.elr_el1, 0x1004);
    assert_int_equal(pe->cpu.spsr_el1, 0);
    assert_false(arm_step_active(&pe->cpu));
}

static void step_of_a_load_exclusive_says_so(void **state)
{
    struct pe *pe = *state;

    pe->cpu.mdscr_el1 = ARM_MDSCR_SS;
    pe->cpu.spsr_el1 = 1 << 21;
    arm_eret(&pe->cpu);
    arm_step_done(&pe->cpu, true);
    arm_take_step(&pe->cpu);
    assert_int_equal(pe->cpu.esr_el1, 0xcb000062);
}

static void return_without_ss_traps_at_once_without_isv(void **state)
{
    struct pe *pe = *state;

    pe->cpu.mdscr_el1 = ARM_MDSCR_SS;
    pe->cpu.spsr_el1 = 0;
    arm_eret(&pe->cpu);
    assert_true(arm_step_pending(&pe->cpu));
    arm_take_step(&pe->cpu);
    assert_int_equal(pe->cpu.esr_el1, 0xca000022);
}

static void stepped_svc_counts_as_executed(void **state)
{
    struct pe *pe = *state;

    pe->cpu.mdscr_el1 = ARM_MDSCR_SS;
    pe->cpu.spsr_el1 = 1 << 21;
    arm_eret(&pe->cpu);
    arm_take_svc(&pe->cpu, 0);
    assert_int_equal(pe->cpu.spsr_el1, 0);
}

static void faulting_instruction_keeps_its_step(void **state)
{
    struct pe *pe = *state;

    pe->cpu.mdscr_el1 = ARM_MDSCR_SS;
    pe->cpu.spsr_el1 = 1 << 21;
    arm_eret(&pe->cpu);
    arm_take_data_abort(&pe->cpu, 0, 7, false, false);
    assert_int_equal(pe->cpu.spsr_el1, 1 << 21);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, pe_teardown)

int main(void)
{
    static const struct CMUnitTest tests[] = {
        TEST(breakpoint_matches_its_address_and_el),
        TEST(breakpoint_needs_enables),
        TEST(linked_breakpoint_needs_its_context),
        TEST(context_breakpoint_matches_everywhere),
        TEST(watchpoints_match_bytes_and_ranges),
        TEST(unprivileged_access_uses_el0_rights),
        TEST(large_watchpoints_cover_all_their_pages),
        TEST(step_runs_one_instruction_then_traps),
        TEST(step_of_a_load_exclusive_says_so),
        TEST(return_without_ss_traps_at_once_without_isv),
        TEST(stepped_svc_counts_as_executed),
        TEST(faulting_instruction_keeps_its_step),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
