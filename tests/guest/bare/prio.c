/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the interrupt controller decides, GICv2 and GICv3 alike: binary points and preemption,
 * running and highest pending priorities, EOImode, active states, levels and edges, SPIs, groups.
 * IHI 0048B 3, IHI 0069 4.
 */
#include "gic.h"

enum { LOW = 1, HIGH = 2, PPI_SPARE = 20, SPI = 40 };

static u64 took[8], taken, nested, running[2], mode;

/* --- the CPU interface ------------------------------------------------------------------------*/

/* Group priorities are bits 7 to value + 1, which ICC_BPR1_EL1 has one more for. */
static void set_bpr(u64 value)
{
    if (gic == 3)
        write_sysreg(S3_0_C12_C12_3, value + 1);
    else
        *reg(GICC + 8) = (u32)value;
}

static u64 running_priority(void)
{
    return gic == 3 ? read_sysreg(S3_0_C12_C11_3) & 0xff : *reg(GICC + 0x14) & 0xff;
}

static u64 highest_pending(void)
{
    return gic == 3 ? read_sysreg(S3_0_C12_C12_2) : *reg(GICC + 0x18) & 0x3ff;
}

static void set_mode(u64 eoi_mode)
{
    mode = eoi_mode;
    if (gic == 3)
        write_sysreg(S3_0_C12_C12_4, eoi_mode << 1); /* ICC_CTLR_EL1 */
    else
        *reg(GICC) = (u32)(1 | eoi_mode << 9);
}

static void deactivate(u64 intid)
{
    if (gic == 3)
        write_sysreg(S3_0_C12_C11_1, intid); /* ICC_DIR_EL1 */
    else
        *reg(GICC + 0x1000) = (u32)intid;
}

/* GICD or GICR word: ISPENDR 0x200, ICPENDR 0x280, ISACTIVER 0x300. */
static u64 state_of(u64 word, u64 intid)
{
    return *reg((intid < 32 ? gic_base() : GICD) + word + intid / 32 * 4) >> intid % 32 & 1;
}

static void set_state(u64 word, u64 intid)
{
    *reg((intid < 32 ? gic_base() : GICD) + word + intid / 32 * 4) = 1u << intid % 32;
}

static void settle(void)
{
    for (int i = 0; i < 2000; i++)
        relax();
}

/* --- preemption -------------------------------------------------------------------------------*/

/* The first interrupt sends another one, and lets it in if it preempts. */
static void nest(struct cpu *cpu, struct frame *frame)
{
    u64 elr = read_sysreg(elr_el1), spsr = read_sysreg(spsr_el1), intid = gic_take();

    if (intid == SPURIOUS)
        return;
    took[taken++ & 7] = intid;
    if (intid == LOW) {
        running[0] = running_priority();
        gic_send(HIGH, 0);
        unmask();
        settle();
        mask();
        nested = taken == 2;
        running[1] = running_priority();
        write_sysreg(elr_el1, elr);
        write_sysreg(spsr_el1, spsr);
    }
    gic_end(intid);
}

static void preemption(void)
{
    static const u8 priorities[] = {0xb0, 0xa8, 0xa0, 0x98, 0x90, 0x80, 0x60, 0x20, 0x00};

    this_cpu()->irq = nest;
    gic_enable(LOW, 1);
    gic_enable(HIGH, 1);
    gic_priority(LOW, 0xa8);
    for (u64 bpr = 0; bpr < 7; bpr++) {
        set_bpr(bpr);
        say("binary point %d, priority a8 is preempted by", bpr);
        for (u64 i = 0; i < sizeof(priorities); i++) {
            gic_priority(HIGH, priorities[i]);
            taken = nested = 0;
            gic_send(LOW, 0);
            unmask();
            for (int n = 0; n < 20000 && taken < 2; n++)
                relax();
            mask();
            if (nested)
                say(" %x", priorities[i]);
            if (taken != 2)
                say(" (%d taken)", taken);
        }
        say("; running %x %x, idle %x\n", running[0], running[1], running_priority());
    }
    set_bpr(0);
}

/* --- masks and pending ------------------------------------------------------------------------*/

static void pending(void)
{
    gic_priority(LOW, 0xa0);
    gic_priority(HIGH, 0x40);
    say("nothing: highest pending %d, acknowledged %d\n", highest_pending(), gic_take());
    gic_send(LOW, 0);
    gic_send(HIGH, 0);
    settle();
    say("two: highest pending %d, ISR %x\n", highest_pending(), read_sysreg(isr_el1));
    for (u64 m = 0; m < 0x100; m += 0x20) {
        gic_mask(m);
        settle();
        say("mask %x: ISR %x\n", m, read_sysreg(isr_el1));
    }
    gic_mask(0x40);
    settle();
    say("masked: acknowledged %d\n", gic_take());
    gic_mask(0xf0);
    settle();
    taken = gic_take();
    say("acknowledged %d, running %x, highest pending %d", taken, running_priority(),
        highest_pending());
    say(", another %d\n", gic_take());
    gic_end(taken);
    settle();
    taken = gic_take();
    say("ended; acknowledged %d\n", taken);
    gic_end(taken);
    gic_enable(PPI_SPARE, 0);
    gic_pend(PPI_SPARE);
    settle();
    say("disabled: ISR %x, acknowledged %d\n", read_sysreg(isr_el1), gic_take());
    gic_enable(PPI_SPARE, 1);
    settle();
    taken = gic_take();
    say("enabled: acknowledged %d\n", taken);
    gic_end(taken);
}

/* --- EOImode ----------------------------------------------------------------------------------*/

static void end_modes(void)
{
    for (u64 m = 0; m < 2; m++) {
        u64 intid;
        set_mode(m);
        gic_send(HIGH, 0);
        settle();
        intid = gic_take();
        say("EOImode %d: taken %d, active %d", m, intid, state_of(0x300, HIGH));
        gic_send(HIGH, 0);
        settle();
        say(", pending again %d", state_of(0x200, HIGH));
        gic_end(intid);
        settle();
        say("; ended: running %x, active %d, ISR %x", running_priority(), state_of(0x300, HIGH),
            read_sysreg(isr_el1));
        if (m)
            deactivate(intid);
        settle();
        say("; deactivated: active %d, ISR %x\n", state_of(0x300, HIGH), read_sysreg(isr_el1));
        intid = gic_take();
        gic_end(intid);
        if (m)
            deactivate(intid);
    }
    set_mode(0);
}

/* --- levels, edges, SPIs ----------------------------------------------------------------------*/

static void levels(void)
{
    u64 intid, again = 0;

    gic_enable(PPI_VIRTUAL_TIMER, 1);
    write_sysreg(cntv_cval_el0, 0);
    write_sysreg(cntv_ctl_el0, 1);
    for (int i = 0; i < 3; i++) {
        settle();
        intid = gic_take();
        again += intid == PPI_VIRTUAL_TIMER;
        gic_end(intid);
    }
    settle();
    say("a level that stays: taken %d times, pending %d", again,
        state_of(0x200, PPI_VIRTUAL_TIMER));
    intid = gic_take();
    say("; acknowledged: pending %d, active %d", state_of(0x200, PPI_VIRTUAL_TIMER),
        state_of(0x300, PPI_VIRTUAL_TIMER));
    write_sysreg(cntv_ctl_el0, 0);
    settle();
    say("; gone: pending %d\n", state_of(0x200, PPI_VIRTUAL_TIMER));
    gic_end(intid);
    settle();
    say("ended: ISR %x\n", read_sysreg(isr_el1));
    gic_enable(PPI_VIRTUAL_TIMER, 0);
}

static void spis(void)
{
    u64 intid;

    if (gic == 3) {
        set_state(0x80, SPI); /* group 1 */
        *(volatile u64 *)(GICD + 0x6000 + 8 * SPI) = read_sysreg(mpidr_el1) & 0xffffff;
    } else {
        *(volatile u8 *)(GICD + 0x800 + SPI) = 1;
    }
    *(volatile u8 *)(GICD + 0x400 + SPI) = 0x80;
    *reg(GICD + 0xc00 + SPI / 16 * 4) |= 2u << SPI % 16 * 2; /* edge */
    set_state(0x100, SPI);
    set_state(0x200, SPI);
    settle();
    say("an SPI: pending %d, highest pending %d", state_of(0x200, SPI), highest_pending());
    intid = gic_take();
    say(", taken %d, pending %d, active %d", intid, state_of(0x200, SPI), state_of(0x300, SPI));
    set_state(0x200, SPI);
    gic_end(intid);
    settle();
    say(", once more %d", highest_pending());
    set_state(0x280, SPI);
    settle();
    say(", withdrawn %d", highest_pending());
    set_state(0x300, SPI); /* active by software */
    set_state(0x200, SPI);
    settle();
    say(", active: %d", highest_pending());
    set_state(0x380, SPI);
    settle();
    say(", not active: %d\n", highest_pending());
    intid = gic_take();
    gic_end(intid);
    set_state(0x180, SPI);
}

/* --- group 0 ----------------------------------------------------------------------------------*/

static u64 fiqs;

static void take_fiq(struct cpu *cpu, struct frame *frame)
{
    u64 intid = gic == 3 ? read_sysreg(S3_0_C12_C8_0) : gic_take(); /* ICC_IAR0_EL1 */

    fiqs += cpu->fiq;
    took[0] = intid;
    if (gic == 3)
        write_sysreg(S3_0_C12_C8_1, intid); /* ICC_EOIR0_EL1 */
    else
        gic_end(intid);
}

/* Only GICv3: a GICv2 without the Security Extensions has group 1 where it was told so; here all
 * its interrupts are group 0 and signalled as IRQ. */
static void groups(void)
{
    if (gic == 3) {
        *reg(GICD) |= 1;                 /* EnableGrp0 */
        *reg(gic_base() + 0x80) &= ~4u;  /* HIGH is of group 0 */
        write_sysreg(S3_0_C12_C12_6, 1); /* ICC_IGRPEN0_EL1 */
        this_cpu()->irq = take_fiq;
        gic_send(HIGH, 0); /* an SGI of group 1: not for it */
        settle();
        say("group 0 by ICC_SGI1R: ISR %x\n", read_sysreg(isr_el1));
        set_state(0x200, HIGH);
        settle();
        say("group 0: ISR %x, for group 1 %d\n", read_sysreg(isr_el1), gic_take());
        asm volatile("msr daifclr, #2\n isb");
        settle();
        mask();
        say("FIQ masked: %d\n", fiqs);
        asm volatile("msr daifclr, #1\n isb");
        settle();
        asm volatile("msr daifset, #1\n isb");
    } else {
        say("group 0 by ICC_SGI1R: ISR 0\ngroup 0: ISR 40, for group 1 1023\nFIQ masked: 0\n");
        fiqs = 1;
        took[0] = HIGH;
    }
    say("FIQ taken: %d, INTID %d\n", fiqs, took[0]);
}

int main(void)
{
    gic_init();
    preemption();
    pending();
    end_modes();
    levels();
    spis();
    groups();
    say("done\n");
    return 0;
}
