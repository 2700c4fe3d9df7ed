/* SPDX-License-Identifier: Apache-2.0 */
/* Performance monitors (manual D13): registers, events, filters, overflow, its interrupt, and what
 * EL0 may do. Instructions are counted to the very one. */
#include "gic.h"

enum {
    SW_INCR = 0,
    INST_RETIRED = 8,
    EXC_TAKEN = 9,
    EXC_RETURN = 10,
    CPU_CYCLES = 0x11,
    CHAIN = 0x1e
};
#define NOT_EL1 (1u << 31)
#define NOT_EL0 (1u << 30)
#define CYCLES  (1u << 31)

static u64 interrupts, last;

static void stop(void)
{
    write_sysreg(pmcr_el0, 0x46); /* LC, both resets */
    write_sysreg(pmcntenclr_el0, ~0u);
    write_sysreg(pmintenclr_el1, ~0u);
    write_sysreg(pmovsclr_el0, ~0u);
    write_sysreg(pmccfiltr_el0, 0);
}

static void start(u64 counters)
{
    write_sysreg(pmcntenset_el0, counters);
    write_sysreg(pmcr_el0, 0x41);
}

/* --- software increments ----------------------------------------------------------------------*/

static void increments(void)
{
    stop();
    write_sysreg(pmevtyper0_el0, SW_INCR);
    write_sysreg(pmevtyper1_el0, CPU_CYCLES);
    write_sysreg(pmevtyper2_el0, SW_INCR);
    write_sysreg(pmevtyper3_el0, SW_INCR | NOT_EL1);
    write_sysreg(pmswinc_el0, 0xf);
    start(0xb);
    for (int i = 0; i < 5; i++)
        write_sysreg(pmswinc_el0, 0xd);
    write_sysreg(pmcr_el0, 0x40);
    write_sysreg(pmswinc_el0, 0xd);
    say("software increments: %d, not enabled %d, not at EL1 %d\n", read_sysreg(pmevcntr0_el0),
        read_sysreg(pmevcntr2_el0), read_sysreg(pmevcntr3_el0));
    write_sysreg(pmselr_el0, 0);
    say("selected: type %x, count %d\n", read_sysreg(pmxevtyper_el0), read_sysreg(pmxevcntr_el0));
    write_sysreg(pmxevcntr_el0, 0x1ffffffff);
    say("32 bits: %x\n", read_sysreg(pmevcntr0_el0));
    write_sysreg(pmselr_el0, 31);
    write_sysreg(pmxevtyper_el0, NOT_EL1);
    say("selected 31: %x\n", read_sysreg(pmccfiltr_el0));
    write_sysreg(pmcr_el0, 0x42);
    say("reset: %d\n", read_sysreg(pmevcntr0_el0));
    say("enabled %x", read_sysreg(pmcntenset_el0));
    write_sysreg(pmcntenset_el0, 4);
    say(", with one more %x", read_sysreg(pmcntenclr_el0));
    write_sysreg(pmcntenclr_el0, 3);
    say(", two less %x\n", read_sysreg(pmcntenset_el0));
}

/* --- overflow ---------------------------------------------------------------------------------*/

static void take(struct cpu *cpu, struct frame *frame)
{
    u64 intid = gic_take();

    if (intid == SPURIOUS)
        return;
    last = intid;
    interrupts++;
    write_sysreg(pmovsclr_el0, ~0u);
    gic_end(intid);
}

static void overflow(void)
{
    stop();
    write_sysreg(pmevtyper0_el0, SW_INCR);
    write_sysreg(pmevtyper1_el0, CHAIN);
    write_sysreg(pmevtyper2_el0, SW_INCR);
    write_sysreg(pmevtyper3_el0, CHAIN);
    write_sysreg(pmevcntr0_el0, 0xffffffff);
    write_sysreg(pmevcntr1_el0, 7);
    write_sysreg(pmevcntr2_el0, 0xffffffff);
    write_sysreg(pmevcntr3_el0, 0xffffffff);
    start(0xd);
    write_sysreg(pmswinc_el0, 5);
    say("overflow %x: counts %x %x %x %x\n", read_sysreg(pmovsset_el0), read_sysreg(pmevcntr0_el0),
        read_sysreg(pmevcntr1_el0), read_sysreg(pmevcntr2_el0), read_sysreg(pmevcntr3_el0));
    write_sysreg(pmovsclr_el0, 4);
    say("cleared: %x\n", read_sysreg(pmovsclr_el0));

    this_cpu()->irq = take;
    gic_init();
    gic_enable(PPI_PMU, 1);
    unmask();
    say("overflow, interrupt off: %d\n", interrupts);
    write_sysreg(pmintenset_el1, 1);
    for (int i = 0; i < 1000 && !interrupts; i++)
        relax();
    say("switched on: %d, INTID %d, overflow %x\n", interrupts, last, read_sysreg(pmovsset_el0));
    interrupts = last = 0;
    write_sysreg(pmintenset_el1, CYCLES);
    write_sysreg(pmccntr_el0, -100000ul);
    write_sysreg(pmcntenset_el0, CYCLES);
    for (u64 i = 0; i < 10000000000 && !*(volatile u64 *)&interrupts; i++)
        relax();
    say("64-bit cycle counter: %d, INTID %d, past zero %d\n", interrupts, last,
        read_sysreg(pmccntr_el0) < 1ul << 40);
    mask();
    write_sysreg(pmcr_el0, 0x40);
    interrupts = 0;
    write_sysreg(pmovsset_el0, 1);
    say("PMCR_EL0.E off: pending %x\n", read_sysreg(isr_el1));
    write_sysreg(pmcr_el0, 0x41);
    for (int i = 0; i < 1000 && !read_sysreg(isr_el1); i++)
        relax();
    say("on: pending %x\n", read_sysreg(isr_el1));
    stop();
}

/* --- cycles -----------------------------------------------------------------------------------*/

USER static void user_work(u64 n)
{
    asm volatile("1: sub %0, %0, #1\n cbnz %0, 1b\n svc #0x42" : "+r"(n));
}

static u64 cycles_at(u64 filter)
{
    u64 value;

    stop();
    write_sysreg(pmccfiltr_el0, filter);
    start(CYCLES);
    run_user(user_work, 1000000);
    value = read_sysreg(pmccntr_el0);
    stop();
    return value;
}

static void cycles(void)
{
    u64 all = cycles_at(0), user = cycles_at(NOT_EL1), kernel = cycles_at(NOT_EL0), before;

    say("cycles: some %d, most of them at EL0 %d, few at EL1 %d, neither %d\n", all > 1000,
        user > all / 100, kernel < user, cycles_at(NOT_EL0 | NOT_EL1));
    start(CYCLES);
    before = read_sysreg(pmccntr_el0);
    for (int i = 0; i < 100000; i++)
        relax();
    all = read_sysreg(pmccntr_el0);
    write_sysreg(pmcntenclr_el0, CYCLES);
    user = read_sysreg(pmccntr_el0);
    for (int i = 0; i < 100000; i++)
        relax();
    say("running %d, stopped %d\n", all > before, read_sysreg(pmccntr_el0) - user);
    write_sysreg(pmccntr_el0, 0x123456789a);
    say("written: %x\n", read_sysreg(pmccntr_el0));
}

/* --- instructions and exceptions --------------------------------------------------------------*/

USER static void user_events(u64 unused)
{
    asm volatile("svc #1\n udf #0\n svc #0x42");
}

/* Between two reads of the counter: one of the reads, a loop of 3 n + 1, an access that faults and
 * is not executed. */
static u64 instructions(u64 n, u64 fault)
{
    u64 first, second;

    asm volatile("mrs %0, pmevcntr0_el0\n mov x9, %2\n 1: sub x9, x9, #1\n nop\n cbnz x9, 1b\n"
                 "cbz %3, 2f\n udf #0\n 2: mrs %1, pmevcntr0_el0"
                 : "=&r"(first), "=&r"(second)
                 : "r"(n), "r"(fault)
                 : "x9", "memory");
    return second - first;
}

static void events(void)
{
    stop();
    write_sysreg(pmevtyper0_el0, INST_RETIRED);
    start(1);
    instructions(1, 0);
    say("instructions: %d", instructions(1, 0));
    say(" %d", instructions(2, 0));
    say(" %d\n", instructions(1000, 0));
    stop();
    write_sysreg(pmevtyper0_el0, INST_RETIRED | NOT_EL1);
    write_sysreg(pmevtyper1_el0, EXC_TAKEN);
    write_sysreg(pmevtyper2_el0, EXC_RETURN);
    write_sysreg(pmevtyper3_el0, EXC_TAKEN | NOT_EL1);
    start(0xf);
    run_user(user_events, 0);
    say("at EL0: instructions %d, exceptions %d, from EL0 %d, returns %d\n",
        read_sysreg(pmevcntr0_el0), read_sysreg(pmevcntr1_el0), read_sysreg(pmevcntr3_el0),
        read_sysreg(pmevcntr2_el0));
    this_cpu()->exceptions = 0;
    stop();
    write_sysreg(pmevtyper0_el0, 0x3ff);
    start(1);
    run_user(user_work, 1000);
    say("no such event: %d\n", read_sysreg(pmevcntr0_el0));
    stop();
}

/* --- EL0 --------------------------------------------------------------------------------------*/

#define EL0_ACCESS(name, text)                                                                     \
    USER static void name(u64 unused)                                                              \
    {                                                                                              \
        asm volatile(text "\n svc #0x42" ::: "x9", "memory");                                      \
    }
EL0_ACCESS(read_pmcr, "mrs x9, pmcr_el0")
EL0_ACCESS(write_swinc, "msr pmswinc_el0, xzr")
EL0_ACCESS(read_ccntr, "mrs x9, pmccntr_el0")
EL0_ACCESS(write_ccntr, "msr pmccntr_el0, xzr")
EL0_ACCESS(read_evcntr, "mrs x9, pmevcntr5_el0")
EL0_ACCESS(write_xevcntr, "msr pmxevcntr_el0, xzr")
EL0_ACCESS(write_selr, "msr pmselr_el0, xzr")
EL0_ACCESS(read_evtyper, "mrs x9, pmevtyper1_el0")
EL0_ACCESS(read_ceid, "mrs x9, pmceid0_el0")
EL0_ACCESS(read_userenr, "mrs x9, pmuserenr_el0")
EL0_ACCESS(write_userenr, "msr pmuserenr_el0, xzr")
EL0_ACCESS(read_intenset, "mrs x9, pmintenset_el1")

static void try_all(const char *name, void (*access)(u64))
{
    say("EL0, %s, PMUSERENR 0 to 15:", name);
    for (u64 enable = 0; enable < 16; enable++) {
        this_cpu()->esr = 0;
        write_sysreg(pmuserenr_el0, enable);
        run_user(access, 0);
        say(" %x", this_cpu()->esr);
    }
    say("\n");
}

static void user(void)
{
    try_all("PMCR", read_pmcr);
    try_all("PMSWINC written", write_swinc);
    try_all("PMCCNTR", read_ccntr);
    try_all("PMCCNTR written", write_ccntr);
    try_all("PMEVCNTR5", read_evcntr);
    try_all("PMXEVCNTR written", write_xevcntr);
    try_all("PMSELR written", write_selr);
    try_all("PMEVTYPER1", read_evtyper);
    try_all("PMCEID0", read_ceid);
    try_all("PMUSERENR", read_userenr);
    try_all("PMUSERENR written", write_userenr);
    try_all("PMINTENSET", read_intenset);
    this_cpu()->exceptions = 0;
    write_sysreg(pmuserenr_el0, 0);
}

int main(void)
{
    u64 version = read_sysreg(id_aa64dfr0_el1) >> 8 & 0xf, events_there;

    events_there = read_sysreg(pmceid0_el0);
    say("version there %d, counters 6 %d, events %x\n", version > 0,
        (read_sysreg(pmcr_el0) >> 11 & 0x1f) == 6, events_there & 0x40020f01);
    increments();
    overflow();
    cycles();
    user();
    if (events_there >> INST_RETIRED & 1)
        events();
    say("done\n");
    return 0;
}
