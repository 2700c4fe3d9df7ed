/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The other CPUs: PSCI starts and stops each that is described, each has its own interrupts and
 * timer, and their counters agree.
 */
#include "bare/bare.h"
#include "base/tap.h"

enum { CPU_ON = 0xc4000003, AFFINITY_INFO = 0xc4000004 };
enum { ON = 0, OFF = 1 };
enum { SUCCESS = 0, INVALID_PARAMETERS = -2, ALREADY_ON = -4 };
enum { SGI = 5, WAIT_MS = 10000, ROUNDS = 2000, ROUNDS_MS = 500 };
/* struct cpu's state, in this order */
enum { STARTED = 1, LISTENING, GOT_SGI, TIMER_DONE, COUNTED };

static volatile u64 shared; /* the last counter that a CPU saw */
static volatile u32 turn, go;
static u32 looks;

static void on_interrupt(u32 intid)
{
    struct cpu *cpu = arch_cpu();

    if (intid == machine.platform.timer.virtual)
        arch_timer_stop();
    if (intid == SGI)
        cpu->state = GOT_SGI;
}

/* What each other CPU does. result: 0 affinity, 1 frequency, 2 timer's INTID, 3 counter went back.
 */
static void work(struct cpu *cpu)
{
    u32 ppi = machine.platform.timer.virtual;

    cpu->result[0] = arch_affinity();
    cpu->result[1] = arch_counter_hz();
    cpu->state = STARTED;
    cpu->irq = on_interrupt;
    gic_cpu_init();
    gic_enable(SGI, true);
    cpu->state = LISTENING;
    gic_wait(WAIT_MS);
    if (cpu->state == GOT_SGI) {
        gic_enable(ppi, true);
        arch_timer_start(ms_to_ticks(5));
        cpu->result[2] = gic_wait(WAIT_MS);
        arch_timer_stop();
        gic_enable(ppi, false);
        cpu->state = TIMER_DONE;
    }
    /* CPU 0 and this one by turns, each looks whether time went on since the other's look. */
    while (wait_for(&turn, (u32)cpu->number, WAIT_MS) && go) {
        u64 now = arch_counter();
        cpu->result[3] += now < shared;
        shared = now;
        barrier();
        turn = 0;
    }
    cpu->state = COUNTED;
    barrier();
}

static int affinity_info(u64 affinity)
{
    return (int)psci(AFFINITY_INFO, affinity, 0, 0);
}

static bool wait_state(struct cpu *cpu, u32 least)
{
    u64 start = arch_counter();

    while (cpu->state < least)
        if (arch_counter() - start > ms_to_ticks(WAIT_MS))
            return false;
    return true;
}

static bool wait_off(u64 affinity)
{
    u64 start = arch_counter();

    while (affinity_info(affinity) != OFF)
        if (arch_counter() - start > ms_to_ticks(WAIT_MS))
            return false;
    return true;
}

static u32 by_turns(struct cpu *cpu)
{
    u64 start = arch_counter();
    u32 backwards = 0;

    /* Where CPUs have to share one of the host, a turn takes long. */
    for (u32 i = 0; i < ROUNDS && arch_counter() - start < ms_to_ticks(ROUNDS_MS); i++, looks++) {
        u64 now;
        if (!wait_for(&turn, 0, WAIT_MS))
            return ~0u;
        now = arch_counter();
        backwards += now < shared;
        shared = now;
        barrier();
        turn = (u32)cpu->number;
    }
    wait_for(&turn, 0, WAIT_MS);
    go = 0;
    barrier();
    turn = (u32)cpu->number;
    return backwards;
}

struct outcome {
    bool started, answered;
    u32 backwards;
};

static struct outcome run_one(struct cpu *cpu)
{
    struct outcome outcome = {0};
    int status;

    cpu->work = work;
    cpu->state = 0;
    cpu->result[2] = cpu->result[3] = 0;
    shared = turn = 0;
    go = 1;
    arch_clean(image_base, (uptr)(_end - image_base));
    status = (int)psci(CPU_ON, cpu->affinity, arch_entry(), (u64)(uptr)cpu);
    if (status) {
        test_bad("CPU_ON of %llx returns %d", cpu->affinity, status);
        return outcome;
    }
    if (!wait_state(cpu, LISTENING)) {
        test_bad("CPU %llx was switched on and does not run", cpu->affinity);
        return outcome;
    }
    outcome.started = true;
    if (cpu->result[0] != cpu->affinity)
        test_bad("CPU %llx says that it is %llx", cpu->affinity, cpu->result[0]);
    if (affinity_info(cpu->affinity) != ON)
        test_bad("AFFINITY_INFO of %llx, which runs: %d", cpu->affinity,
                 affinity_info(cpu->affinity));
    if ((int)psci(CPU_ON, cpu->affinity, arch_entry(), (u64)(uptr)cpu) != ALREADY_ON)
        test_bad("CPU_ON of %llx, which runs, is not refused with ALREADY_ON", cpu->affinity);
    gic_send(cpu, SGI);
    outcome.answered = wait_state(cpu, TIMER_DONE);
    outcome.backwards = by_turns(cpu);
    if (!wait_state(cpu, COUNTED) || !wait_off(cpu->affinity))
        test_bad("CPU %llx does not switch itself off", cpu->affinity);
    return outcome;
}

static void about_interrupts(const struct outcome *outcome, u32 count)
{
    test_begin("P4 each CPU gets SGIs");
    for (u32 i = 1; i < count; i++)
        if (outcome[i].started && !outcome[i].answered)
            test_bad("an SGI to CPU %llx does not arrive", cpus[i].affinity);
    test_end("%u other CPUs", count - 1);
}

static void about_time(const struct outcome *outcome, u32 count)
{
    test_begin("P5 each CPU has a virtual timer, and all have the same time");
    for (u32 i = 1; i < count; i++) {
        const struct cpu *cpu = &cpus[i];
        if (!outcome[i].started)
            continue;
        if (cpu->result[1] != arch_counter_hz())
            test_bad("CNTFRQ_EL0 of CPU %llx is %llu", cpu->affinity, cpu->result[1]);
        if (outcome[i].answered && cpu->result[2] != machine.platform.timer.virtual)
            test_bad("the timer of CPU %llx raises INTID %llu", cpu->affinity, cpu->result[2]);
        if (outcome[i].backwards == ~0u)
            test_bad("CPU %llx stopped answering", cpu->affinity);
        else if (outcome[i].backwards || cpu->result[3])
            test_bad("time goes back between CPU 0 and CPU %llx: %llu times", cpu->affinity,
                     outcome[i].backwards + cpu->result[3]);
    }
    test_end("%u other CPUs, %u looks", count - 1, 2 * looks);
}

/* The CPU that runs is first, the others as they are described. */
static u32 collect(void)
{
    const struct platform *p = &machine.platform;
    u32 count = 1;

    for (u32 i = 0; i < p->cpus && count < CPUS_BARE; i++)
        if (p->cpu[i] != arch_affinity()) {
            arch_cpu_init(count, p->cpu[i]);
            count++;
        }
    return count;
}

static void test_described(void)
{
    const struct platform *p = &machine.platform;
    bool self = false;

    test_begin("P7 every CPU that is described exists");
    for (u32 i = 0; i < p->cpus; i++) {
        int info = affinity_info(p->cpu[i]);
        self |= p->cpu[i] == arch_affinity();
        if (info != (p->cpu[i] == arch_affinity() ? ON : OFF))
            test_bad("AFFINITY_INFO of %llx is %d", p->cpu[i], info);
    }
    if (!self)
        test_bad("the CPU that runs, %llx, is not described", arch_affinity());
    if (affinity_info(0xff00ffff07ull) != INVALID_PARAMETERS)
        test_bad("AFFINITY_INFO of a CPU that is not described is %d",
                 affinity_info(0xff00ffff07ull));
    test_end("%u CPUs", p->cpus);
}

/* P2 is about CPUs that can; starting a 32-bit program takes a probe of that architecture. */
static void test_aarch32(void)
{
    if (arch_has_aarch32())
        skip("P2 AArch32 at EL1 where the CPU can", "there is no 32-bit probe yet");
    else
        test("P2 AArch32 at EL1 where the CPU can", true, "the CPU has AArch64 only");
}

void test_cpus(void)
{
    static struct outcome outcome[CPUS_BARE];
    u32 count;

    test_aarch32();
    if (!psci_there()) {
        skip("P7 CPUs are switched on and off", "there is no PSCI");
        return;
    }
    test_described();
    count = collect();
    if (count == 1) {
        skip("P7 CPUs are switched on and off", "there is only one CPU");
        return;
    }
    test_begin("P7 CPUs are switched on and off");
    for (u32 i = 1; i < count; i++)
        outcome[i] = run_one(&cpus[i]);
    test_end("%u of %u CPUs", count - 1, machine.platform.cpus);
    about_interrupts(outcome, count);
    about_time(outcome, count);
    test_begin("P7 a CPU that was off starts again");
    run_one(&cpus[1]);
    test_end("CPU %llx", cpus[1].affinity);
}
