/* SPDX-License-Identifier: Apache-2.0 */
/* Exception entry and return: vectors, syndromes, PSTATE before and after. */
#include "pe.h"

#include "arm/exception.h"
#include "arm/mmu.h"
#include "arm/pstate.h"
#include "base/bits.h"

enum { VBAR = PE_RAM + 0x8000, PC = PE_RAM + 0x2000 };

static const uint64_t N = 1ull << 31, Z = 1ull << 30, C = 1ull << 29, V = 1ull << 28;

static void at(struct pe *pe, unsigned el, unsigned spsel)
{
    arm_cpu_reset(&pe->cpu, PC, 0);
    pe->cpu.vbar_el1 = VBAR;
    pe->cpu.sctlr_el1 |= ARM_SCTLR_SPAN;
    arm_set_el(&pe->cpu, el, spsel);
}

static void reset_state_is_el1h_masked_with_the_mmu_off(void **state)
{
    struct pe *pe = *state;

    pe->cpu.x[5] = 1;
    arm_cpu_reset(&pe->cpu, 0x40080000, 0x1234);
    assert_int_equal(pe->cpu.pc, 0x40080000);
    assert_int_equal(pe->cpu.x[0], 0x1234);
    assert_int_equal(pe->cpu.x[5], 0);
    assert_int_equal(arm_pstate(&pe->cpu), 0x3c5);
    assert_false(pe->cpu.sctlr_el1 & (ARM_SCTLR_M | ARM_SCTLR_C | ARM_SCTLR_I | ARM_SCTLR_EE));
}

static void nzcv_survives_its_host_form(void **state)
{
    struct pe *pe = *state;

    for (unsigned nzcv = 0; nzcv < 16; nzcv++) {
        arm_set_nzcv(&pe->cpu, nzcv);
        assert_int_equal(arm_nzcv(&pe->cpu), nzcv);
    }
}

static void changing_el_and_spsel_swaps_stack_pointers(void **state)
{
    struct pe *pe = *state;

    pe->cpu.x[31] = 0x1111;
    arm_set_el(&pe->cpu, 1, 0);
    pe->cpu.x[31] = 0x2222;
    arm_set_el(&pe->cpu, 1, 1);
    assert_int_equal(pe->cpu.x[31], 0x1111);
    assert_int_equal(pe->cpu.sp_el[0], 0x2222);
    arm_set_el(&pe->cpu, 0, 0);
    assert_int_equal(pe->cpu.x[31], 0x2222);
    assert_int_equal(pe->cpu.sp_el[1], 0x1111);
}

static void vector_follows_source_and_kind(void **state)
{
    static const struct {
        unsigned el, spsel, offset;
    } cases[] = {{1, 0, 0}, {1, 1, 0x200}, {0, 0, 0x400}};
    struct pe *pe = *state;

    for (unsigned i = 0; i < ARRAY_SIZE(cases); i++) {
        at(pe, cases[i].el, cases[i].spsel);
        arm_take_undefined(&pe->cpu);
        assert_int_equal(pe->cpu.pc, VBAR + cases[i].offset);
        assert_true(pe->cpu.raised);

        at(pe, cases[i].el, cases[i].spsel);
        pe->cpu.daif = 0;
        pe->cpu.lines = ARM_LINE_IRQ;
        assert_true(arm_take_interrupt(&pe->cpu));
        assert_int_equal(pe->cpu.pc, VBAR + cases[i].offset + 0x80);
        assert_false(pe->cpu.raised);

        at(pe, cases[i].el, cases[i].spsel);
        pe->cpu.daif = 0;
        pe->cpu.lines = ARM_LINE_IRQ | ARM_LINE_FIQ;
        assert_true(arm_take_interrupt(&pe->cpu));
        assert_int_equal(pe->cpu.pc, VBAR + cases[i].offset + 0x100);
    }
}

static void entry_saves_pstate_and_masks(void **state)
{
    struct pe *pe = *state;

    at(pe, 0, 0);
    pe->cpu.daif = 0;
    pe->cpu.uao = pe->cpu.dit = pe->cpu.ss = 1;
    arm_set_nzcv(&pe->cpu, 0xa);
    arm_take_undefined(&pe->cpu);
    assert_int_equal(pe->cpu.spsr_el1, N | C | 1u << 24 | 1u << 23 | 1u << 21);
    assert_int_equal(pe->cpu.elr_el1, PC);
    assert_int_equal(arm_pstate(&pe->cpu), N | C | 1u << 24 | 0x3c5);
    assert_int_equal(pe->context_changed > 0, true);
}

static void pan_is_set_on_entry_unless_span(void **state)
{
    struct pe *pe = *state;

    at(pe, 0, 0);
    arm_take_undefined(&pe->cpu);
    assert_int_equal(pe->cpu.pan, 0);
    at(pe, 0, 0);
    pe->cpu.sctlr_el1 &= ~ARM_SCTLR_SPAN;
    arm_take_undefined(&pe->cpu);
    assert_int_equal(pe->cpu.pan, 1);
    pe_model(pe, "cortex-a72");
    arm_take_undefined(&pe->cpu);
    assert_int_equal(pe->cpu.pan, 0);
}

static void ssbs_follows_dssbs_on_entry(void **state)
{
    struct pe *pe = *state;

    at(pe, 0, 0);
    pe->cpu.sctlr_el1 |= ARM_SCTLR_DSSBS;
    arm_take_undefined(&pe->cpu);
    assert_int_equal(pe->cpu.ssbs, 1);
    pe->cpu.sctlr_el1 &= ~ARM_SCTLR_DSSBS;
    arm_take_undefined(&pe->cpu);
    assert_int_equal(pe->cpu.ssbs, 0);
}

static void svc_returns_behind_itself_brk_to_itself(void **state)
{
    struct pe *pe = *state;

    at(pe, 0, 0);
    arm_take_svc(&pe->cpu, 0x1234);
    assert_int_equal(pe->cpu.esr_el1, 0x56001234);
    assert_int_equal(pe->cpu.elr_el1, PC + 4);
    at(pe, 0, 0);
    arm_take_brk(&pe->cpu, 0xf000);
    assert_int_equal(pe->cpu.esr_el1, 0xf200f000);
    assert_int_equal(pe->cpu.elr_el1, PC);
}

static void abort_syndromes_are_exact(void **state)
{
    struct pe *pe = *state;

    at(pe, 0, 0);
    arm_take_data_abort(&pe->cpu, 0x123, 0x07, true, false);
    assert_int_equal(pe->cpu.esr_el1, 0x92000047);
    assert_int_equal(pe->cpu.far_el1, 0x123);
    at(pe, 1, 1);
    arm_take_data_abort(&pe->cpu, 0x123, 0x0f, false, false);
    assert_int_equal(pe->cpu.esr_el1, 0x9600000f);
    at(pe, 1, 1);
    arm_take_data_abort(&pe->cpu, 0x123, 0x05, false, true);
    assert_int_equal(pe->cpu.esr_el1, 0x96000145);
    at(pe, 0, 0);
    arm_take_inst_abort(&pe->cpu, PC, 0x06);
    assert_int_equal(pe->cpu.esr_el1, 0x82000006);
    assert_int_equal(pe->cpu.far_el1, PC);
    at(pe, 1, 1);
    arm_take_inst_abort(&pe->cpu, PC, 0x06);
    assert_int_equal(pe->cpu.esr_el1, 0x86000006);
}

static void undefined_leaves_far_alone(void **state)
{
    struct pe *pe = *state;

    at(pe, 0, 0);
    pe->cpu.far_el1 = 0x77;
    arm_take_undefined(&pe->cpu);
    assert_int_equal(pe->cpu.esr_el1, 0x02000000);
    assert_int_equal(pe->cpu.far_el1, 0x77);
}

static void masked_interrupts_stay_pending(void **state)
{
    struct pe *pe = *state;

    at(pe, 1, 1);
    arm_set_line(&pe->cpu, ARM_LINE_IRQ, true);
    assert_int_equal(pe->cpu.attention, ARM_ATTENTION_IRQ);
    assert_int_equal(pe->kicks, 1);
    assert_false(arm_interrupt_ready(&pe->cpu));
    assert_false(arm_take_interrupt(&pe->cpu));
    pe->cpu.daif &= ~ARM_DAIF_I;
    assert_true(arm_interrupt_ready(&pe->cpu));
    arm_set_line(&pe->cpu, ARM_LINE_IRQ, false);
    assert_false(arm_interrupt_ready(&pe->cpu));
}

static void raising_a_raised_line_kicks_nobody(void **state)
{
    struct pe *pe = *state;

    arm_set_line(&pe->cpu, ARM_LINE_IRQ, true);
    arm_set_line(&pe->cpu, ARM_LINE_IRQ, true);
    assert_int_equal(pe->kicks, 1);
}

static void eret_to(struct pe *pe, uint64_t spsr, uint64_t elr)
{
    at(pe, 1, 1);
    pe->cpu.spsr_el1 = spsr;
    pe->cpu.elr_el1 = elr;
    pe->cpu.monitor[0] = 0x40000000;
    arm_eret(&pe->cpu);
}

static void eret_restores_pstate(void **state)
{
    struct pe *pe = *state;
    uint64_t spsr = N | Z | 1u << 24 | 1u << 23 | 1u << 22 | 1u << 12 | 0xaull << 6;

    eret_to(pe, spsr, 0x1000);
    assert_int_equal(pe->cpu.pc, 0x1000);
    assert_int_equal(pe->cpu.el, 0);
    assert_int_equal(arm_pstate(&pe->cpu), spsr);
    assert_true(pe->cpu.raised);
    assert_int_equal(pe->cpu.monitor[0], ARM_MONITOR_OPEN);
    assert_int_equal(pe->cpu.event, 1);
    eret_to(pe, V | 0x3c4, 0x1000);
    assert_int_equal(arm_pstate(&pe->cpu), V | 0x3c4);
    eret_to(pe, 5, 0x1000);
    assert_int_equal(arm_pstate(&pe->cpu), 5);
}

static void eret_ignores_bits_of_absent_features(void **state)
{
    struct pe *pe = *state;

    pe_model(pe, "cortex-a53");
    eret_to(pe, 0x1f << 21 | 3 << 10 | 1 << 12, 0x1000);
    assert_int_equal(arm_pstate(&pe->cpu), 0);
}

static void illegal_returns_take_illegal_state(void **state)
{
    /* EL0 with SP_EL1, reserved bit, EL2, EL3, AArch32 user and supervisor */
    static const uint8_t modes[] = {0x1, 0x2, 0x6, 0x8, 0x9, 0xc, 0xd, 0x10, 0x13};
    struct pe *pe = *state;

    for (unsigned i = 0; i < ARRAY_SIZE(modes); i++) {
        eret_to(pe, N | modes[i], PC);
        assert_int_equal(pe->cpu.esr_el1, 0x3a000000);
        assert_int_equal(pe->cpu.spsr_el1, N | 1u << 20 | 5);
        assert_int_equal(pe->cpu.elr_el1, PC);
        assert_int_equal(pe->cpu.pc, VBAR + 0x200);
        assert_int_equal(pe->cpu.il, 0);
    }
}

static void il_in_spsr_takes_illegal_state_at_the_target(void **state)
{
    struct pe *pe = *state;

    eret_to(pe, 1u << 20, PC);
    assert_int_equal(pe->cpu.esr_el1, 0x3a000000);
    assert_int_equal(pe->cpu.spsr_el1, 1u << 20);
    assert_int_equal(pe->cpu.pc, VBAR + 0x400);
}

static void pc_alignment_outranks_illegal_state(void **state)
{
    struct pe *pe = *state;

    eret_to(pe, 1u << 20, PC + 2);
    assert_int_equal(pe->cpu.esr_el1 >> 26, ARM_EC_PC_ALIGN);
    assert_int_equal(pe->cpu.far_el1, PC + 2);
    assert_int_equal(pe->cpu.spsr_el1, 1u << 20);
}

static void eret_strips_the_tag_for_tbi(void **state)
{
    struct pe *pe = *state;

    at(pe, 1, 1);
    pe->cpu.tcr_el1 = 1ull << 37;
    pe->cpu.spsr_el1 = 0;
    pe->cpu.elr_el1 = 0xab00000000001000;
    arm_eret(&pe->cpu);
    assert_int_equal(pe->cpu.pc, 0x1000);
}

static void unmasking_return_asks_for_attention(void **state)
{
    struct pe *pe = *state;

    at(pe, 1, 1);
    pe->cpu.lines = ARM_LINE_IRQ;
    pe->cpu.spsr_el1 = 0;
    arm_eret(&pe->cpu);
    assert_int_equal(pe->cpu.attention, ARM_ATTENTION_IRQ);
}

static void ss_is_armed_only_by_enabled_step(void **state)
{
    struct pe *pe = *state;

    eret_to(pe, 1u << 21, PC);
    assert_int_equal(pe->cpu.ss, 0);
    at(pe, 1, 1);
    pe->cpu.oslsr = 0;
    pe->cpu.mdscr_el1 = ARM_MDSCR_SS;
    pe->cpu.spsr_el1 = 1u << 21;
    arm_eret(&pe->cpu);
    assert_int_equal(pe->cpu.ss, 1);
    at(pe, 1, 1);
    pe->cpu.oslsr = 0;
    pe->cpu.mdscr_el1 = ARM_MDSCR_SS | ARM_MDSCR_KDE;
    pe->cpu.spsr_el1 = 1u << 21 | 5; /* D clear at the destination, set here */
    arm_eret(&pe->cpu);
    assert_int_equal(pe->cpu.ss, 1);
    at(pe, 1, 1);
    pe->cpu.oslsr = 0;
    pe->cpu.mdscr_el1 = ARM_MDSCR_SS | ARM_MDSCR_KDE;
    pe->cpu.daif = 0; /* enabled at the source: no step into the destination */
    pe->cpu.spsr_el1 = 1u << 21 | 5;
    arm_eret(&pe->cpu);
    assert_int_equal(pe->cpu.ss, 0);
}

static void event_stream_bounds_wfe(void **state)
{
    struct pe *pe = *state;

    assert_true(arm_wfe_timeout(&pe->cpu) == UINT64_MAX);
    pe->cpu.cntkctl_el1 = 1u << 2 | 9u << 4;
    assert_int_equal(arm_wfe_timeout(&pe->cpu), 512 * 1000000000ull / pe->features.cntfrq + 1);
    pe->cpu.cntkctl_el1 |= 1u << 3;
    assert_int_equal(arm_wfe_timeout(&pe->cpu), 1024 * 1000000000ull / pe->features.cntfrq + 1);
    pe->cpu.stream_events = 5;
    assert_int_equal(arm_wfe_timeout(&pe->cpu), 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, pe_setup, pe_teardown)

int main(void)
{
    static const struct CMUnitTest tests[] = {
        TEST(reset_state_is_el1h_masked_with_the_mmu_off),
        TEST(nzcv_survives_its_host_form),
        TEST(changing_el_and_spsel_swaps_stack_pointers),
        TEST(vector_follows_source_and_kind),
        TEST(entry_saves_pstate_and_masks),
        TEST(pan_is_set_on_entry_unless_span),
        TEST(ssbs_follows_dssbs_on_entry),
        TEST(svc_returns_behind_itself_brk_to_itself),
        TEST(abort_syndromes_are_exact),
        TEST(undefined_leaves_far_alone),
        TEST(masked_interrupts_stay_pending),
        TEST(raising_a_raised_line_kicks_nobody),
        TEST(eret_restores_pstate),
        TEST(eret_ignores_bits_of_absent_features),
        TEST(illegal_returns_take_illegal_state),
        TEST(il_in_spsr_takes_illegal_state_at_the_target),
        TEST(pc_alignment_outranks_illegal_state),
        TEST(eret_strips_the_tag_for_tbi),
        TEST(unmasking_return_asks_for_attention),
        TEST(ss_is_armed_only_by_enabled_step),
        TEST(event_stream_bounds_wfe),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
