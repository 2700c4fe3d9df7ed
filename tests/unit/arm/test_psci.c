/* SPDX-License-Identifier: Apache-2.0 */
/* Firmware calls by HVC and SMC: PSCI 1.1 and SMCCC 1.1. */
#include "pe.h"

#include "arm/exception.h"
#include "base/bits.h"

enum { ENTRY = PE_RAM + 0x4000 };

static int64_t call(struct pe *pe, uint32_t function, uint64_t x1, uint64_t x2, uint64_t x3)
{
    pe->cpu.x[0] = function;
    pe->cpu.x[1] = x1;
    pe->cpu.x[2] = x2;
    pe->cpu.x[3] = x3;
    arm_hvc(&pe->cpu, 0, false);
    return (int64_t)pe->cpu.x[0];
}

static void plain_calls_answer(void **state)
{
    static const struct {
        uint32_t function;
        uint64_t arg;
        int64_t result;
    } cases[] = {
        {0x84000000, 0, 0x10001},    /* PSCI_VERSION */
        {0xc4000000, 0, -1},         /* has no SMC64 form */
        {0x84000006, 0, 2},          /* MIGRATE_INFO_TYPE */
        {0x84000005, 0, -1},         /* MIGRATE */
        {0x8400000a, 0x84000000, 0}, /* PSCI_FEATURES of what is there */
        {0x8400000a, 0x84000001, 0},
        {0x8400000a, 0xc4000003, 0},
        {0x8400000a, 0x84000012, 0},
        {0x8400000a, 0x80000000, 0},
        {0x8400000a, 0x8400000e, -1}, /* ... and is not */
        {0x8400000a, 0xc4000000, -1},
        {0x8400000a, 0x80008000, -1},
        {0x80000000, 0, 0x10001},    /* SMCCC_VERSION */
        {0x80000001, 0x80000001, 0}, /* ARCH_FEATURES */
        {0x80000001, 0x80008000, 1},
        {0x80000001, 0x80007fff, 1},
        {0x80000001, 0x80003fff, 1},
        {0x80000001, 0x80000002, -1},
        {0x80000001, 0x84000000, -1},
        {0x80008000, 0, 0},
        {0x8600ff01, 0, -1},
        {0x12345678, 0, -1},
        {0, 0, -1},
    };
    struct pe *pe = *state;

    for (unsigned i = 0; i < ARRAY_SIZE(cases); i++)
        assert_int_equal(call(pe, cases[i].function, cases[i].arg, 0, 0), cases[i].result);
}

static void call_advances_pc_and_keeps_other_registers(void **state)
{
    struct pe *pe = *state;

    pe->cpu.pc = PE_CODE;
    call(pe, 0x84000000, 11, 12, 13);
    assert_int_equal(pe->cpu.pc, PE_CODE + 4);
    assert_int_equal(pe->cpu.x[1], 11);
    assert_int_equal(pe->cpu.x[3], 13);
    assert_false(pe->cpu.raised);
}

static void call_from_el0_is_undefined(void **state)
{
    struct pe *pe = *state;
    unsigned ec;

    arm_set_el(&pe->cpu, 0, 0);
    call(pe, 0x84000000, 0, 0, 0);
    assert_true(pe_raised(pe, &ec));
    assert_int_equal(ec, ARM_EC_UNKNOWN);
}

static void smc_is_served_and_other_immediates_are_not(void **state)
{
    struct pe *pe = *state;

    pe->cpu.x[0] = 0x84000000;
    arm_hvc(&pe->cpu, 0, true);
    assert_int_equal(pe->cpu.x[0], 0x10001);
    pe->cpu.x[0] = 0x84000000;
    arm_hvc(&pe->cpu, 1, false);
    assert_int_equal(pe->cpu.x[0], ~0ull);
}

static void cpu_on_hands_over_and_reports_states(void **state)
{
    struct pe *pe = *state;

    assert_int_equal(call(pe, 0xc4000004, 0x100, 0, 0), 1);
    assert_int_equal(call(pe, 0xc4000003, 0x100, ENTRY, 0x1122334455667788), 0);
    assert_int_equal(pe->other.power, ARM_POWER_ON_PENDING);
    assert_int_equal(pe->other.boot_pc, ENTRY);
    assert_int_equal(pe->other.boot_x0, 0x1122334455667788);
    assert_int_equal(pe->other.attention, ARM_ATTENTION_POWER);
    assert_int_equal(call(pe, 0xc4000004, 0x100, 0, 0), 2);
    assert_int_equal(call(pe, 0xc4000003, 0x100, ENTRY, 0), -5);
    pe->other.power = ARM_POWER_ON;
    assert_int_equal(call(pe, 0xc4000003, 0x100, ENTRY, 0), -4);
    assert_int_equal(call(pe, 0xc4000004, 0x100, 0, 0), 0);
}

static void smc32_arguments_have_32_bits(void **state)
{
    struct pe *pe = *state;

    assert_int_equal(
        call(pe, 0x84000003, 0xffffffff00000100, ENTRY | 1ull << 40, 0x1122334455667788), 0);
    assert_int_equal(pe->other.boot_pc, ENTRY);
    assert_int_equal(pe->other.boot_x0, 0x55667788);
}

static void cpu_on_refuses_bad_arguments(void **state)
{
    struct pe *pe = *state;

    assert_int_equal(call(pe, 0xc4000003, 0x200, ENTRY, 0), -2);
    assert_int_equal(call(pe, 0xc4000003, 0x80000100, ENTRY, 0), -2);
    assert_int_equal(call(pe, 0xc4000003, 0x100, 0x1000, 0), -9);
    assert_int_equal(call(pe, 0xc4000003, 0x100, ENTRY + 2, 0), -9);
    assert_int_equal(call(pe, 0xc4000003, 0x100, PE_RAM + PE_RAM_SIZE, 0), -9);
    assert_int_equal(call(pe, 0xc4000003, 0, ENTRY, 0), -4);
    assert_int_equal(call(pe, 0xc4000004, 0x200, 0, 0), -2);
    assert_int_equal(call(pe, 0xc4000004, 0x100, 1, 0), -2);
    assert_int_equal(pe->other.power, ARM_POWER_OFF);
}

static void cpu_off_leaves_running_code(void **state)
{
    struct pe *pe = *state;

    call(pe, 0x84000002, 0, 0, 0);
    assert_int_equal(pe->cpu.power, ARM_POWER_OFF);
    assert_int_equal(pe->cpu.attention, ARM_ATTENTION_POWER);
    assert_true(pe->cpu.raised);
}

static void cpu_suspend_waits_and_checks_its_arguments(void **state)
{
    struct pe *pe = *state;

    assert_int_equal(call(pe, 0xc4000001, 0, 0, 0), 0);
    assert_int_equal(pe->wfis, 1);
    assert_int_equal(call(pe, 0xc4000001, 1 << 16, ENTRY, 0), 0);
    assert_int_equal(pe->wfis, 2);
    assert_int_equal(call(pe, 0xc4000001, 1 << 16, 0x1000, 0), -9);
    assert_int_equal(call(pe, 0xc4000001, 1 << 17, 0, 0), -2);
    assert_int_equal(pe->wfis, 2);
}

static void system_calls_reach_the_machine(void **state)
{
    static const struct {
        uint32_t function;
        int event;
    } cases[] = {
        {0x84000008, ARM_EVENT_SYSTEM_OFF},
        {0x84000009, ARM_EVENT_SYSTEM_RESET},
        {0x84000012, ARM_EVENT_SYSTEM_RESET},
        {0xc4000012, ARM_EVENT_SYSTEM_RESET},
    };
    struct pe *pe = *state;

    for (unsigned i = 0; i < ARRAY_SIZE(cases); i++) {
        pe->power_event = -1;
        pe->cpu.raised = 0;
        call(pe, cases[i].function, 0, 0, 0);
        assert_int_equal(pe->power_event, cases[i].event);
        assert_true(pe->cpu.raised);
    }
    pe->power_event = -1;
    assert_int_equal(call(pe, 0x84000012, 1, 0, 0), -2);
    assert_int_equal(pe->power_event, -1);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, pe_setup, pe_teardown)

int main(void)
{
    static const struct CMUnitTest tests[] = {
        TEST(plain_calls_answer),
        TEST(call_advances_pc_and_keeps_other_registers),
        TEST(call_from_el0_is_undefined),
        TEST(smc_is_served_and_other_immediates_are_not),
        TEST(cpu_on_hands_over_and_reports_states),
        TEST(smc32_arguments_have_32_bits),
        TEST(cpu_on_refuses_bad_arguments),
        TEST(cpu_off_leaves_running_code),
        TEST(cpu_suspend_waits_and_checks_its_arguments),
        TEST(system_calls_reach_the_machine),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
