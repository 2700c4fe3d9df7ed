/* SPDX-License-Identifier: Apache-2.0 */
/* P5: the virtual counter counts, the virtual timer interrupts. */
#include "bare/bare.h"
#include "base/tap.h"

static void stop(u32 intid)
{
    if (intid == machine.platform.timer.virtual)
        arch_timer_stop();
}

static void test_counter(void)
{
    u64 hz = arch_counter_hz(), last = arch_counter(), start = last, now;
    u32 backwards = 0;

    test_begin("P5 the virtual counter has a frequency and only goes up");
    if (!hz)
        test_bad("CNTFRQ_EL0 is 0");
    else if (hz < 100000 || hz > 10000000000ull)
        test_bad("CNTFRQ_EL0 is %llu Hz", hz);
    for (u32 i = 0; i < 100000; i++) {
        now = arch_counter();
        backwards += now < last;
        last = now;
    }
    if (backwards)
        test_bad("CNTVCT_EL0 went back %u times", backwards);
    if (last == start)
        test_bad("CNTVCT_EL0 stands still at %llu", last);
    test_end("%llu Hz", hz);
}

static void test_timer(void)
{
    struct cpu *cpu = arch_cpu();
    u32 ppi = machine.platform.timer.virtual, got;
    u64 start, passed = 0;

    test_begin("P5 the virtual timer raises its PPI");
    if (ppi < 16 || ppi > 31) {
        test_bad("the %s gives it INTID %u", machine.platform.source, ppi);
    } else {
        cpu->irq = stop;
        gic_enable(ppi, true);
        start = arch_counter();
        arch_timer_start(ms_to_ticks(10));
        got = gic_wait(10000);
        passed = arch_counter() - start;
        arch_timer_stop();
        if (!got)
            test_bad("nothing arrives");
        else if (got != ppi)
            test_bad("INTID %u arrives, %u is described", got, ppi);
        else if (passed < ms_to_ticks(10))
            test_bad("it comes after %llu us, 10000 are set", passed * 1000000 / arch_counter_hz());
        gic_enable(ppi, false);
    }
    test_end("INTID %u, 10 ms took %llu us", ppi, passed * 1000000 / (arch_counter_hz() | 1));
}

/* A CPU that sleeps must wake up. */
static void test_sleep(void)
{
    u32 ppi = machine.platform.timer.virtual;
    u64 start;

    test_begin("P5 WFI sleeps until the timer");
    arch_cpu()->irq = stop;
    gic_enable(ppi, true);
    start = arch_counter();
    arch_timer_start(ms_to_ticks(20));
    while (!gic_pending(ppi) && arch_counter() - start < ms_to_ticks(10000))
        arch_wait();
    if (!gic_pending(ppi))
        test_bad("the timer's interrupt is not pending after 10 s");
    if (gic_wait(10000) != ppi)
        test_bad("it is not taken afterwards");
    arch_timer_stop();
    gic_enable(ppi, false);
    test_end("20 ms took %llu us", (arch_counter() - start) * 1000000 / (arch_counter_hz() | 1));
}

void test_timers(void)
{
    test_counter();
    test_timer();
    if (machine.platform.timer.virtual >= 16 && machine.platform.timer.virtual < 32)
        test_sleep();
}
