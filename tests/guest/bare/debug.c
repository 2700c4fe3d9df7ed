/* SPDX-License-Identifier: Apache-2.0 */
/* Self-hosted debug: breakpoints, watchpoints, software step. Manual D2. */
#include "bare.h"

enum { MDE = 1 << 15, KDE = 1 << 13, SS = 1, SPSR_D = 1 << 9, SPSR_SS = 1 << 21 };

static u64 data[PAGE / 8] PAGE_ALIGNED;

static void unmask_debug(void)
{
    asm volatile("msr daifclr, #8\n isb" ::: "memory");
}

static void mask_debug(void)
{
    asm volatile("msr daifset, #8\n isb" ::: "memory");
}

/* --- breakpoints ------------------------------------------------------------------------------*/

/* u64 three(x): x + 111, an instruction each for 1, 10, 100. */
u64 three(u64 x);
asm(".pushsection .user, \"ax\"\n"
    "three: add x0, x0, #1\n"
    "   add x0, x0, #10\n"
    "   add x0, x0, #100\n"
    "   ret\n"
    "user_three: bl three\n"
    "   svc #0x42\n"
    ".popsection\n");
void user_three(u64);

/* Goes on behind a breakpoint without the instruction: +4, as for other exceptions. */
static void breakpoints(void)
{
    u64 at = (u64)three;

    write_sysreg(mdscr_el1, KDE | MDE);
    write_sysreg(dbgbvr0_el1, at + 4);
    write_sysreg(dbgbcr0_el1, 0x1e7); /* BAS, EL1 and EL0, E */
    say("masked by PSTATE.D: %d\n", three(0));
    report("  breakpoint");
    unmask_debug();
    say("at EL1: %d\n", three(0));
    say("  where: +%d\n", this_cpu()->elr - at);
    report("  breakpoint");
    for (u64 i = 0; i < 100; i++)
        three(0);
    say("again, %d times\n", this_cpu()->exceptions);
    this_cpu()->exceptions = 0;
    write_sysreg(dbgbvr1_el1, at + 8);
    write_sysreg(dbgbcr1_el1, 0x1e7);
    say("two: %d\n", three(0));
    report("  breakpoint");
    write_sysreg(dbgbcr1_el1, 0x1e6);
    write_sysreg(dbgbcr0_el1, 0x1e5); /* EL0 only */
    say("EL0 only, at EL1: %d\n", three(0));
    report("  breakpoint");
    say("EL0 only, at EL0: %d\n", run_at(user_three, 0, 0, SPSR_EL0 & ~SPSR_D));
    report("  breakpoint");
    say("EL0 only, at EL0, D masked: %d\n", run_at(user_three, 0, 0, SPSR_EL0));
    report("  breakpoint");
    unmask_debug();
    write_sysreg(dbgbcr0_el1, 0x1e3); /* EL1 only */
    write_sysreg(mdscr_el1, MDE);
    say("without KDE: %d\n", three(0));
    report("  breakpoint");
    write_sysreg(mdscr_el1, KDE);
    say("without MDE: %d\n", three(0));
    report("  breakpoint");
    write_sysreg(dbgbcr0_el1, 0);
    mask_debug();
}

/* --- watchpoints ------------------------------------------------------------------------------*/

enum { LOAD = 1, STORE = 2 };

static void watch(u64 number, u64 va, u64 bas, u64 kinds, u64 levels)
{
    u64 control = 1 | levels << 1 | kinds << 3 | bas << 5;

    if (number) {
        write_sysreg(dbgwvr1_el1, va);
        write_sysreg(dbgwcr1_el1, control);
    } else {
        write_sysreg(dbgwvr0_el1, va);
        write_sysreg(dbgwcr0_el1, control);
    }
}

static void store_byte(u64 va, u64 value)
{
    asm volatile("strb %w0, [%1]" ::"r"(value), "r"(va) : "memory");
}

USER static void user_store(u64 va)
{
    asm volatile("str xzr, [%0]\n svc #0x42" ::"r"(va) : "memory");
}

static void watchpoints(void)
{
    u64 va = WINDOW + 16;

    map_page(WINDOW, data, NORMAL | AP(1));
    write_sysreg(mdscr_el1, KDE | MDE);
    poke(va, 0x11); /* in the TLB before */
    watch(0, va, 0xff, STORE, 3);
    unmask_debug();
    peek(va);
    report("store watched, load");
    poke(va, 0x22);
    report("store watched, store");
    say("  memory %x\n", data[2]);
    poke(va - 8, 0x33);
    poke(va + 8, 0x33);
    report("store watched, neighbours");
    poke(va - 1, 0);
    report("store watched, unaligned from below");
    asm volatile("stp xzr, xzr, [%0]" ::"r"(va - 8) : "memory");
    report("store watched, STP from below");
    say("  memory %x %x\n", data[1], data[2]);
    asm volatile(".arch armv8.2-a+lse\n ldadd %0, x9, [%1]" ::"r"(1ul), "r"(va) : "x9", "memory");
    report("store watched, LDADD");
    asm volatile("dc zva, %0" ::"r"(WINDOW + 5) : "memory");
    report("store watched, DC ZVA named below");
    asm volatile("dc zva, %0" ::"r"(WINDOW + 63) : "memory");
    report("store watched, DC ZVA named above");
    asm volatile("dc zva, %0" ::"r"(WINDOW + 64) : "memory");
    report("store watched, DC ZVA to the next block");
    say("  memory %x %x\n", data[1], data[2]);
    watch(0, va, 0xff, LOAD, 3);
    poke(va, 0x44);
    report("load watched, store");
    say("  loaded %x\n", peek(va));
    report("load watched, load");
    watch(0, va, 1 << 3, LOAD | STORE, 3);
    store_byte(va + 2, 1);
    report("byte 3 watched, byte 2");
    store_byte(va + 3, 1);
    report("byte 3 watched, byte 3");
    store_byte(va + 4, 1);
    report("byte 3 watched, byte 4");
    asm volatile("ldr w9, [%0]" ::"r"(va) : "x9");
    report("byte 3 watched, word");
    watch(0, va, 0xff, LOAD | STORE, 2);
    poke(va, 0);
    report("EL0 watched, EL1");
    asm volatile("sttr xzr, [%0]" ::"r"(va) : "memory");
    report("EL0 watched, STTR");
    run_at(user_store, va, 0, SPSR_EL0 & ~SPSR_D);
    unmask_debug();
    report("EL0 watched, EL0");
    watch(0, WINDOW, 0xff | 10 << 19, STORE, 3); /* MASK 10: 1 KiB */
    poke(WINDOW + 1016, 0);
    report("1 KiB watched, its end");
    poke(WINDOW + 1024, 0);
    report("1 KiB watched, behind");
    watch(0, WINDOW + PAGE, 0xff, STORE, 3);
    map_page(WINDOW + PAGE, data, NORMAL);
    poke(WINDOW + PAGE - 4, 0);
    report("watched on the second page, store across");
    watch(0, va, 0xff, STORE, 3);
    mask_debug();
    poke(va, 0);
    report("masked by PSTATE.D");
    write_sysreg(dbgwcr0_el1, 0);
    unmask_debug();
    poke(va, 0x55);
    report("switched off");
    say("  memory %x\n", data[2]);
    mask_debug();
}

/* --- software step ----------------------------------------------------------------------------*/

/* EL0 runs these, one at a time. */
asm(".pushsection .user, \"ax\"\n"
    "stepped: mov x0, #5\n"
    "1: sub x0, x0, #1\n"
    "   cbnz x0, 1b\n"
    "   svc #1\n"
    "   mov x1, #7\n"
    "   ldxr x2, [x3]\n"
    "   add x1, x1, x2\n"
    "   b 2f\n"
    "   nop\n"
    "2: ldr x4, [x5]\n" /* faults */
    "   add x0, x1, #100\n"
    "   svc #0x42\n"
    ".popsection\n");
void stepped(u64);

static u64 step_log[64], steps;

static void on_step(struct cpu *cpu, struct frame *frame)
{
    u64 ec = cpu->esr >> 26;

    if (steps < 64)
        step_log[steps++] =
            ec << 32 | (cpu->esr & 0x1ffffff) << 7 | ((frame->elr - (u64)stepped) / 4 & 0x7f);
    if (ec == EC_DABORT_LOW)
        frame->elr += 4;
    /* Handled; the next instruction, with the step armed again. */
    frame->spsr |= SPSR_SS;
    frame->x[3] = (u64)WINDOW;
    frame->x[5] = (u64)WINDOW + 5 * BLOCK;
}

static void print_steps(void)
{
    for (u64 i = 0; i < steps; i++)
        say("  +%d: class %x, %x\n", step_log[i] & 0x7f, step_log[i] >> 32,
            step_log[i] >> 7 & 0x1ffffff);
    steps = 0;
}

static void software_step(void)
{
    struct cpu *cpu = this_cpu();
    u64 result;

    data[0] = 35;
    cpu->handler = on_step;
    write_sysreg(mdscr_el1, SS);
    result = run_at(stepped, 0, 0, SPSR_EL0 | SPSR_SS);
    say("stepped, D masked: %d, %d exceptions\n", result, steps);
    steps = 0;
    result = run_at(stepped, 0, 0, (SPSR_EL0 & ~SPSR_D) | SPSR_SS);
    write_sysreg(mdscr_el1, 0);
    cpu->handler = 0;
    say("stepped: %d\n", result);
    print_steps();
    cpu->exceptions = 0;
}

/* At EL1 with KDE: ERET with D clear steps one instruction there, the exception masks D again. */
static void on_kernel_step(struct cpu *cpu, struct frame *frame)
{
    if (steps < 64)
        step_log[steps++] = (cpu->esr >> 26) << 32 | (cpu->esr & 0x1ffffff) << 7 |
                            ((frame->elr - (u64)three) / 4 & 0x7f);
    frame->spsr |= SPSR_SS;
    if (steps == 4)
        frame->spsr = (frame->spsr & ~(u64)SPSR_SS) | SPSR_D;
}

void call_three(u64);
asm("call_three: bl three\n"
    "   svc #0x42\n");

static void kernel_step(void)
{
    struct cpu *cpu = this_cpu();
    u64 result;

    cpu->handler = on_kernel_step;
    write_sysreg(mdscr_el1, SS | KDE);
    result = run_at(call_three, 0, 0, (SPSR_EL1H & ~SPSR_D) | SPSR_SS);
    write_sysreg(mdscr_el1, 0);
    cpu->handler = 0;
    say("stepped at EL1: %d\n", result);
    print_steps();
    cpu->exceptions = 0;
}

int main(void)
{
    write_sysreg(oslar_el1, 0);
    write_sysreg(osdlr_el1, 0);
    breakpoints();
    watchpoints();
    software_step();
    kernel_step();
    say("done\n");
    return 0;
}
