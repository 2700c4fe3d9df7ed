/* SPDX-License-Identifier: Apache-2.0 */
/* Performance monitors: what counts when, overflow and its interrupt, alarms, no work when idle. */
#include "pe.h"

#include "arm/exception.h"
#include "arm/pstate.h"
#include "arm/sysreg.h"

#define REG(op0, op1, crn, crm, op2) ARM_SYSREG(op0, op1, crn, crm, op2)
#define PMCR                         REG(3, 3, 9, 12, 0)
#define PMCNTENSET                   REG(3, 3, 9, 12, 1)
#define PMCNTENCLR                   REG(3, 3, 9, 12, 2)
#define PMOVSCLR                     REG(3, 3, 9, 12, 3)
#define PMSWINC                      REG(3, 3, 9, 12, 4)
#define PMCCNTR                      REG(3, 3, 9, 13, 0)
#define PMINTENSET                   REG(3, 0, 9, 14, 1)
#define COUNTER(n)                   REG(3, 3, 14, 8, n)
#define TYPE(n)                      REG(3, 3, 14, 12, n)
#define PMCCFILTR                    REG(3, 3, 14, 15, 7)

struct clock {
    struct pe *pe;
    uint64_t now, calls, alarm, alarms, level;
};

static uint64_t clock_now(void *ctx)
{
    struct clock *clock = ctx;

    clock->calls++;
    return clock->now;
}

static void clock_alarm(void *ctx, unsigned cpu, uint64_t ns)
{
    struct clock *clock = ctx;

    clock->alarm = ns;
    clock->alarms++;
}

static void clock_line(void *ctx, unsigned cpu, bool level)
{
    ((struct clock *)ctx)->level = level;
}

static struct clock attach(struct pe *pe)
{
    return (struct clock){.pe = pe, .now = 1000};
}

static void connect(struct clock *clock)
{
    struct pe *pe = clock->pe;

    pe->hooks.pmu = clock;
    pe->hooks.pmu_now = clock_now;
    pe->hooks.pmu_alarm = clock_alarm;
    pe->hooks.pmu_line = clock_line;
}

static void cycles_follow_the_clock_while_enabled(void **state)
{
    struct clock clock = attach(*state);
    struct pe *pe = clock.pe;

    connect(&clock);
    pe_msr(pe, PMCNTENSET, 1u << 31);
    clock.now += 100;
    assert_int_equal(pe_mrs(pe, PMCCNTR), 0);
    pe_msr(pe, PMCR, 1);
    clock.now += 100;
    assert_int_equal(pe_mrs(pe, PMCCNTR), 100);
    arm_pmu_sleep(&pe->cpu);
    clock.now += 1000;
    arm_pmu_wake(&pe->cpu);
    clock.now += 10;
    assert_int_equal(pe_mrs(pe, PMCCNTR), 110);
    pe_msr(pe, PMCNTENCLR, 1u << 31);
    clock.now += 100;
    assert_int_equal(pe_mrs(pe, PMCCNTR), 110);
    pe_msr(pe, PMCR, 4);
    assert_int_equal(pe_mrs(pe, PMCCNTR), 0);
}

static void counters_stop_at_the_el_they_exclude(void **state)
{
    struct clock clock = attach(*state);
    struct pe *pe = clock.pe;

    connect(&clock);
    pe_msr(pe, PMCCFILTR, 1u << 31);
    pe_msr(pe, TYPE(0), 1u << 30 | 0x11);
    pe_msr(pe, PMCNTENSET, 1u << 31 | 1);
    pe_msr(pe, PMCR, 1);
    clock.now += 100;
    pe->cpu.spsr_el1 = 0x3c0;
    arm_eret(&pe->cpu);
    clock.now += 30;
    arm_take_svc(&pe->cpu, 0);
    clock.now += 7;
    assert_int_equal(pe_mrs(pe, PMCCNTR), 30);
    assert_int_equal(pe_mrs(pe, COUNTER(0)), 107);
}

static void instructions_that_fault_are_taken_back(void **state)
{
    struct clock clock = attach(*state);
    struct pe *pe = clock.pe;

    connect(&clock);
    pe_msr(pe, TYPE(2), 8);
    pe_msr(pe, PMCNTENSET, 4);
    pe->context_changed = 0;
    assert_false(pe->cpu.pmu.retiring);
    pe_msr(pe, PMCR, 1);
    assert_true(pe->cpu.pmu.retiring);
    assert_int_equal(pe->context_changed, 1);
    pe->cpu.pmu.retired = 5;
    arm_take_data_abort(&pe->cpu, 0, ARM_FSC_TRANSLATION, false, false);
    assert_int_equal(pe_mrs(pe, COUNTER(2)), 4);
    pe->cpu.pmu.retired = 5;
    arm_take_svc(&pe->cpu, 0);
    assert_int_equal(pe_mrs(pe, COUNTER(2)), 9);
}

static void overflow_raises_the_line_until_it_is_cleared(void **state)
{
    struct clock clock = attach(*state);
    struct pe *pe = clock.pe;

    connect(&clock);
    pe_msr(pe, COUNTER(0), 0xffffffff);
    pe_msr(pe, TYPE(1), 0x1e);
    pe_msr(pe, COUNTER(1), 41);
    pe_msr(pe, PMCNTENSET, 3);
    pe_msr(pe, PMINTENSET, 1);
    pe_msr(pe, PMCR, 1);
    assert_false(clock.level);
    pe_msr(pe, PMSWINC, 1);
    assert_true(clock.level);
    assert_int_equal(pe_mrs(pe, PMOVSCLR), 1);
    assert_int_equal(pe_mrs(pe, COUNTER(0)), 0);
    assert_int_equal(pe_mrs(pe, COUNTER(1)), 42);
    pe_msr(pe, PMOVSCLR, 1);
    assert_false(clock.level);
}

static void an_alarm_is_asked_for_and_brings_the_overflow(void **state)
{
    struct clock clock = attach(*state);
    struct pe *pe = clock.pe;

    connect(&clock);
    pe_msr(pe, PMCCNTR, -1000000ull);
    pe_msr(pe, PMINTENSET, 1u << 31);
    pe_msr(pe, PMCNTENSET, 1u << 31);
    pe_msr(pe, PMCR, 1);
    assert_int_equal(clock.alarms, 1);
    assert_in_range(clock.alarm, 999990, 1000000);
    clock.now += 1000;
    pe_mrs(pe, PMCCNTR); /* no later: nothing to ask for */
    assert_int_equal(clock.alarms, 1);
    clock.now += 999000;
    arm_pmu_alarm(&pe->cpu);
    assert_true(pe->cpu.attention & ARM_ATTENTION_PMU);
    assert_false(clock.level);
    arm_pmu_alarmed(&pe->cpu);
    assert_true(clock.level);
}

/* As Linux has it for a user's events: started in EL1, where it does not count. */
static void an_alarm_is_asked_for_when_the_el_begins_that_counts(void **state)
{
    struct clock clock = attach(*state);
    struct pe *pe = clock.pe;

    connect(&clock);
    pe_msr(pe, PMCCFILTR, 1u << 31);
    pe_msr(pe, PMCCNTR, -1000000ull);
    pe_msr(pe, PMINTENSET, 1u << 31);
    pe_msr(pe, PMCNTENSET, 1u << 31);
    pe_msr(pe, PMCR, 1);
    assert_int_equal(clock.alarms, 0);
    pe->cpu.spsr_el1 = 0x3c0;
    arm_eret(&pe->cpu);
    assert_int_equal(clock.alarms, 1);
    assert_in_range(clock.alarm, 999990, 1000000);
    clock.now += 1000000;
    arm_pmu_alarm(&pe->cpu);
    arm_pmu_alarmed(&pe->cpu);
    assert_true(clock.level);

    /* The reverse: counts in EL1 alone. */
    arm_take_svc(&pe->cpu, 0);
    pe_msr(pe, PMCNTENCLR, 1u << 31);
    pe_msr(pe, PMCCFILTR, 1u << 30);
    pe_msr(pe, PMCCNTR, -1000000ull);
    pe_msr(pe, PMOVSCLR, 1u << 31);
    arm_eret(&pe->cpu);
    pe->cpu.pmu.userenr = 1;
    pe_msr(pe, PMCNTENSET, 1u << 31);
    assert_false(clock.level);
    assert_int_equal(clock.alarms, 1);
    arm_take_svc(&pe->cpu, 0);
    assert_int_equal(clock.alarms, 2);
}

/* Exceptions and returns look at nothing while no counter is enabled. */
static void nothing_is_done_while_off(void **state)
{
    struct clock clock = attach(*state);
    struct pe *pe = clock.pe;

    connect(&clock);
    pe_msr(pe, PMCR, 1);
    clock.calls = 0;
    arm_take_svc(&pe->cpu, 0);
    pe->cpu.spsr_el1 = 0x3c0;
    arm_eret(&pe->cpu);
    arm_pmu_sleep(&pe->cpu);
    arm_pmu_wake(&pe->cpu);
    assert_int_equal(clock.calls, 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, pe_setup, pe_teardown)

int main(void)
{
    static const struct CMUnitTest tests[] = {
        TEST(cycles_follow_the_clock_while_enabled),
        TEST(counters_stop_at_the_el_they_exclude),
        TEST(instructions_that_fault_are_taken_back),
        TEST(overflow_raises_the_line_until_it_is_cleared),
        TEST(an_alarm_is_asked_for_and_brings_the_overflow),
        TEST(an_alarm_is_asked_for_when_the_el_begins_that_counts),
        TEST(nothing_is_done_while_off),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
