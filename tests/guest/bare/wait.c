/* SPDX-License-Identifier: Apache-2.0 */
/* Timers and waiting: compare values past and to come, the TVAL views, WFI and WFE and what ends
 * them, the event stream. Manual D11, D1.7. */
#include "gic.h"

static u64 hz, cpus_there;
static struct {
    u64 flag, pad[15], word, pad2[15], woken;
} s PAGE_ALIGNED;

#define TIMER(name, prefix)                                                                        \
    static void name##_set(u64 cval, u64 ctl)                                                      \
    {                                                                                              \
        write_sysreg(prefix##_cval_el0, cval);                                                     \
        write_sysreg(prefix##_ctl_el0, ctl);                                                       \
    }                                                                                              \
    static u64 name##_tval(u64 value)                                                              \
    {                                                                                              \
        write_sysreg(prefix##_tval_el0, value);                                                    \
        return read_sysreg(prefix##_cval_el0);                                                     \
    }                                                                                              \
    static u64 name##_ctl(void)                                                                    \
    {                                                                                              \
        return read_sysreg(prefix##_ctl_el0);                                                      \
    }                                                                                              \
    static u64 name##_read_tval(void)                                                              \
    {                                                                                              \
        return read_sysreg(prefix##_tval_el0);                                                     \
    }
TIMER(virtual, cntv)
TIMER(physical, cntp)

static u64 now(void)
{
    return read_sysreg(cntvct_el0);
}

static u64 pending(void)
{
    for (int i = 0; i < 2000 && !read_sysreg(isr_el1); i++)
        relax();
    return read_sysreg(isr_el1);
}

static u64 not_pending(void)
{
    for (int i = 0; i < 2000 && read_sysreg(isr_el1); i++)
        relax();
    return read_sysreg(isr_el1);
}

static void timer(const char *name, void (*set)(u64, u64), u64 (*tval)(u64), u64 (*ctl)(void),
                  u64 (*read_tval)(void))
{
    u64 before, cval;

    say("%s timer\n", name);
    set(0, 1);
    say("  CVAL 0: CTL %x, pending %x\n", ctl(), pending());
    set(~0ul, 1);
    say("  CVAL ~0: CTL %x, pending %x\n", ctl(), not_pending());
    set(now() - 1, 1);
    say("  CVAL just past: CTL %x, pending %x\n", ctl(), pending());
    set(now() + hz * 1000, 1);
    say("  CVAL far ahead: CTL %x, pending %x\n", ctl(), not_pending());
    set(0, 3);
    say("  masked: CTL %x, pending %x\n", ctl(), not_pending());
    set(0, 1);
    say("  no more: CTL %x, pending %x\n", ctl(), pending());
    set(0, 2);
    say("  disabled: CTL %x, pending %x\n", ctl() & 3, not_pending());
    set(0, 0xfffffffffffffff9);
    say("  other bits: CTL %x\n", ctl());
    for (u64 i = 0; i < 4; i++) {
        static const u64 values[] = {0, 1000000000, 0x7fffffff, 0x1234567800000010};
        before = now();
        cval = tval(values[i]);
        cval -= values[i] & 0x7fffffff;
        say("  TVAL %x: CVAL is ahead by that %d", values[i], cval >= before && cval <= now());
        say(", TVAL has 32 bits %d\n", read_tval() >> 32 == 0);
    }
    set(now() + 1000, 1);
    while (!(ctl() & 4))
        ;
    say("  TVAL when it has fired: negative %d\n", read_tval() >> 31);
    set(now() + hz / 100, 1);
    before = read_tval();
    while (read_tval() >= before)
        ;
    say("  TVAL counts down\n");
    set(0, 0);
    not_pending();
}

/* --- WFE --------------------------------------------------------------------------------------*/

static void wfe(void)
{
    asm volatile("wfe" ::: "memory");
}

static void take(struct cpu *cpu, struct frame *frame)
{
    u64 intid = gic_take();

    if (intid == PPI_VIRTUAL_TIMER)
        write_sysreg(cntv_ctl_el0, 0);
    if (intid != SPURIOUS)
        gic_end(intid);
}

static void events(void)
{
    u64 start;

    this_cpu()->irq = take;
    asm volatile("sevl\n wfe" ::: "memory");
    say("SEVL ends WFE\n");
    asm volatile("sev\n wfe" ::: "memory");
    say("SEV ends its own PE's WFE\n");
    asm volatile("svc #0\n wfe" ::: "memory");
    this_cpu()->exceptions = 0;
    say("an exception return ends WFE\n");
    asm volatile("sevl\n sevl\n wfe" ::: "memory");
    start = now();
    virtual_set(start + hz / 100, 1);
    unmask();
    while (read_sysreg(cntv_ctl_el0))
        wfe();
    mask();
    say("an interrupt ends WFE\n");
    write_sysreg(cntkctl_el1, 1 << 2 | 10 << 4); /* EVNTEN; each 2048 ticks */
    start = now();
    for (int i = 0; i < 50; i++)
        wfe();
    say("the event stream ends WFE, up\n");
    write_sysreg(cntkctl_el1, 1 << 3 | 1 << 2 | 10 << 4);
    for (int i = 0; i < 50; i++)
        wfe();
    say("the event stream ends WFE, down\n");
    virtual_set(0, 1);
    pending();
    for (int i = 0; i < 10; i++)
        wfe();
    say("with an interrupt pending that is masked, too\n");
    virtual_set(0, 0);
    not_pending();
    write_sysreg(cntkctl_el1, 0);
}

/* Waits for s.word to become i, as locks do. */
static void waiter(u64 rounds)
{
    u64 value;

    for (u64 i = 1; i <= rounds; i++) {
        store_release(&s.flag, i);
        do {
            asm volatile("ldaxr %0, [%1]" : "=r"(value) : "r"(&s.word) : "memory");
            if (value < i)
                wfe();
        } while (value < i);
        store_release(&s.woken, i);
    }
    /* And for SEV alone. */
    store_release(&s.flag, rounds + 1);
    while (load_acquire(&s.word) <= rounds)
        wfe();
    store_release(&s.woken, rounds + 1);
}

static void pause(u64 ticks)
{
    u64 start = now();

    while (now() - start < ticks)
        relax();
}

static void between_cpus(void)
{
    enum { ROUNDS = 200 };

    if (cpus_there > 1)
        while (cpu_on(1, waiter, ROUNDS))
            relax();
    for (u64 i = 1; cpus_there > 1 && i <= ROUNDS; i++) {
        while (load_acquire(&s.flag) < i)
            relax();
        pause(i % 4 ? 0 : hz / 2000); /* now and then it has gone to sleep */
        *(volatile u64 *)&s.word = i;
        while (load_acquire(&s.woken) < i)
            relax();
    }
    say("stores end the WFE of who has marked the location\n");
    if (cpus_there > 1) {
        while (load_acquire(&s.flag) <= ROUNDS)
            relax();
        pause(hz / 1000);
        store_release(&s.word, ROUNDS + 1);
        asm volatile("dsb ish\n sev" ::: "memory");
        while (load_acquire(&s.woken) <= ROUNDS)
            relax();
        cpu_wait_off(1);
    }
    say("SEV ends another PE's WFE\n");
}

/* --- WFI --------------------------------------------------------------------------------------*/

static void interrupts(void)
{
    u64 start = now();

    virtual_set(start + hz / 200, 1);
    while (!read_sysreg(isr_el1))
        asm volatile("wfi" ::: "memory");
    say("WFI, masked: not early %d\n", now() - start >= hz / 200);
    for (int i = 0; i < 10; i++)
        asm volatile("wfi" ::: "memory");
    say("WFI with one pending: %x\n", read_sysreg(isr_el1));
    virtual_set(0, 0);
    not_pending();
    for (u64 i = 0; i < 50; i++) {
        start = now();
        physical_set(start + hz / 10000, 1);
        while (!read_sysreg(isr_el1))
            asm volatile("wfi" ::: "memory");
        physical_set(0, 0);
        not_pending();
    }
    say("50 WFIs by the physical timer\n");
}

int main(void)
{
    hz = read_sysreg(cntfrq_el0);
    cpus_there = cpu_count(2);
    gic_init();
    gic_enable(PPI_VIRTUAL_TIMER, 1);
    gic_enable(PPI_PHYSICAL_TIMER, 1);
    timer("virtual", virtual_set, virtual_tval, virtual_ctl, virtual_read_tval);
    timer("physical", physical_set, physical_tval, physical_ctl, physical_read_tval);
    events();
    between_cpus();
    interrupts();
    say("done\n");
    return 0;
}
