/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Interrupts: the generic timer through GICv2 or GICv3, masks and priorities, WFI, software
 * generated interrupts between CPUs, lines that go away again.
 */
#include "gic.h"

enum { PPI_SPARE = 20, SGI = 5 };

static volatile u64 last, order, order_bits;
static u64 cpus_there, ready[CPUS], got[CPUS], stop;

/* --- handlers ---------------------------------------------------------------------------------*/

static void stop_timer(u64 intid)
{
    if (intid == PPI_VIRTUAL_TIMER)
        write_sysreg(cntv_ctl_el0, 0);
    if (intid == PPI_PHYSICAL_TIMER)
        write_sysreg(cntp_ctl_el0, 0);
}

static void take_one(struct cpu *cpu, struct frame *frame)
{
    last = gic_take();
    order |= last << order_bits;
    order_bits += 8;
    stop_timer(last);
    if (!(frame->spsr & 0xf))
        frame->x[9] = 0; /* ends user_spin() */
    if (last != SPURIOUS)
        gic_end(last);
}

/* Waits without losing the interrupt that comes between the look and the WFI: WFI wakes up for one
 * that is masked. Leaves interrupts unmasked. */
static void wait_irqs(struct cpu *cpu, u64 count)
{
    mask();
    while (cpu->irqs < count) {
        asm volatile("wfi" ::: "memory");
        unmask();
        mask();
    }
    unmask();
}

static void arm_timer(u64 ticks)
{
    write_sysreg(cntv_tval_el0, ticks);
    write_sysreg(cntv_ctl_el0, 1);
}

/* --- one CPU ----------------------------------------------------------------------------------*/

static void timers(void)
{
    struct cpu *cpu = this_cpu();
    u64 hz = read_sysreg(cntfrq_el0), start;

    cpu->irq = take_one;
    gic_enable(PPI_VIRTUAL_TIMER, 1);
    gic_enable(PPI_PHYSICAL_TIMER, 1);

    unmask();
    arm_timer(hz / 1000);
    while (!cpu->irqs)
        ;
    say("virtual timer, busy: %d interrupt, INTID %d\n", cpu->irqs, last);

    cpu->irqs = 0;
    start = read_sysreg(cntvct_el0);
    arm_timer(hz / 100);
    wait_irqs(cpu, 1);
    start = read_sysreg(cntvct_el0) - start;
    say("WFI: INTID %d, not early: %d\n", last, (u64)(start >= hz / 100));

    mask();
    cpu->irqs = 0;
    arm_timer(hz / 1000);
    while (!(read_sysreg(cntv_ctl_el0) & 4))
        ;
    asm volatile("wfi" ::: "memory"); /* wakes, though masked */
    say("masked: %d interrupts, ISR_EL1 %x, CTL %x\n", cpu->irqs, read_sysreg(isr_el1),
        read_sysreg(cntv_ctl_el0));
    unmask();
    say("unmasked: %d interrupt, INTID %d, CTL %x\n", cpu->irqs, last, read_sysreg(cntv_ctl_el0));

    mask();
    cpu->irqs = 0;
    arm_timer(0);
    for (u64 i = 0; i < 1000 && !read_sysreg(isr_el1); i++)
        relax();
    write_sysreg(cntv_ctl_el0, 0); /* the level goes away before anybody has taken it */
    for (u64 i = 0; i < 1000 && read_sysreg(isr_el1); i++)
        relax();
    say("withdrawn: ISR_EL1 %x, acknowledge reads %d\n", read_sysreg(isr_el1), gic_take());
    unmask();
    say("withdrawn: %d interrupts\n", cpu->irqs);

    write_sysreg(cntp_tval_el0, hz / 1000);
    write_sysreg(cntp_ctl_el0, 1);
    wait_irqs(cpu, 1);
    say("physical timer: INTID %d\n", last);

    cpu->irqs = 0;
    for (u64 i = 0; i < 200; i++) {
        arm_timer(hz / 20000);
        wait_irqs(cpu, i + 1);
    }
    say("200 ticks: %d interrupts\n", cpu->irqs);
    write_sysreg(cntv_ctl_el0, 3); /* IMASK */
    write_sysreg(cntv_tval_el0, 0);
    cpu->irqs = 0;
    for (u64 i = 0; i < 1000; i++)
        relax();
    say("IMASK: CTL %x, %d interrupts\n", read_sysreg(cntv_ctl_el0), cpu->irqs);
    write_sysreg(cntv_ctl_el0, 0);
    mask();
}

/* Interrupts taken at EL0 go through the other vectors and come back there. Spins until one does,
 * or ticks are over. */
USER static void user_spin(u64 ticks)
{
    asm volatile("mrs x9, cntvct_el0\n add x9, x9, %0\n 1: mrs x10, cntvct_el0\n cmp x10, x9\n"
                 "b.lo 1b\n svc #0x42" ::"r"(ticks)
                 : "x9", "x10", "cc");
}

static void from_user(void)
{
    struct cpu *cpu = this_cpu();
    u64 hz = read_sysreg(cntfrq_el0);

    write_sysreg(cntkctl_el1, 3);
    cpu->irqs = 0;
    arm_timer(hz / 1000);
    run_at(user_spin, hz * 10, 0, 0);
    mask();
    say("at EL0: %d interrupt, INTID %d\n", cpu->irqs, last);
}

static void priorities(void)
{
    struct cpu *cpu = this_cpu();

    cpu->irqs = order = order_bits = 0;
    for (u64 i = 1; i < 4; i++) {
        gic_enable(i, 1);
        gic_priority(i, 0xc0 - 0x20 * i);
        gic_send(i, 0);
    }
    unmask();
    while (cpu->irqs < 3)
        relax();
    mask();
    say("by priority: %x\n", order);
    gic_mask(0x80);
    gic_send(1, 0);
    gic_send(2, 0);
    gic_send(3, 0);
    cpu->irqs = order = order_bits = 0;
    unmask();
    for (u64 i = 0; i < 1000; i++)
        relax();
    say("priority mask 0x80: %d interrupt, %x\n", cpu->irqs, order);
    gic_mask(0xf0);
    while (cpu->irqs < 3)
        relax();
    say("priority mask 0xf0: %d interrupts, %x\n", cpu->irqs, order);
    gic_enable(PPI_SPARE, 0);
    gic_pend(PPI_SPARE);
    for (u64 i = 0; i < 1000; i++)
        relax();
    say("disabled: %d interrupts\n", cpu->irqs - 3);
    gic_enable(PPI_SPARE, 1);
    while (cpu->irqs < 4)
        relax();
    mask();
    say("enabled: INTID %d\n", last);
}

/* --- several CPUs -----------------------------------------------------------------------------*/

/* Passes the message on to the next CPU. */
static void pass_on(struct cpu *cpu, struct frame *frame)
{
    u64 intid = gic_take(), self = read_sysreg(mpidr_el1) & 0xff;

    if (intid == SPURIOUS)
        return;
    gic_end(intid);
    store_release(&got[self], got[self] + 1);
    if (self || got[0] < 100)
        gic_send(SGI, (self + 1) % cpus_there);
}

static void listener(u64 self)
{
    gic_init();
    gic_enable(SGI, 1);
    this_cpu()->irq = pass_on;
    store_release(&ready[self], 1);
    while (!load_acquire(&stop)) {
        asm volatile("wfi" ::: "memory");
        unmask();
        mask();
    }
}

static void nobody(struct cpu *cpu, struct frame *frame)
{
    u64 intid = gic_take();

    if (intid != SPURIOUS)
        gic_end(intid);
}

static void around(void)
{
    struct cpu *cpu = this_cpu();

    for (u64 i = 1; i < cpus_there; i++) {
        cpu_on(i, listener, i);
        while (!load_acquire(&ready[i]))
            relax();
    }
    cpu->irq = pass_on;
    gic_enable(SGI, 1);
    unmask();
    gic_send(SGI, 1 % cpus_there);
    while (load_acquire(&got[0]) < 100)
        asm volatile("msr daifset, #2\n ldr x9, [%0]\n cmp x9, #100\n b.hs 1f\n wfi\n"
                     "1: msr daifclr, #2" ::"r"(&got[0])
                     : "x9", "cc", "memory");
    mask();
    say("SGI around all CPUs: %d, the last one's %d\n", got[0], got[cpus_there - 1]);
    cpu->irq = nobody;
    store_release(&stop, 1);
    for (u64 i = 1; i < cpus_there; i++) {
        gic_send(SGI, i);
        cpu_wait_off(i);
    }
}

int main(void)
{
    cpus_there = cpu_count(8);
    gic_init();
    timers();
    from_user();
    priorities();
    around();
    say("done\n");
    return 0;
}
