/* SPDX-License-Identifier: Apache-2.0 */
/* The CPUs: exceptions, faults that are expected, calls to the hypervisor, the timer, caches. */
#include "arch.h"
#include "bare/bare.h"
#include "base/tap.h"

enum { STACK = 16384, SECONDARIES = 8 };

struct frame {
    u64 x[31], elr, spsr;
};

struct cpu cpus[CPUS_BARE];
static u8 stacks[CPUS_BARE][STACK] PAGE_ALIGNED;
extern u8 secondary_entry[];

bool try_read32(u64 at, u32 *value, volatile u64 *fixup);
bool try_read8(u64 at, u32 *value, volatile u64 *fixup);
void exception(struct frame *frame, u64 vector);
void secondary_main(struct cpu *cpu);

struct cpu *arch_cpu(void)
{
    return (struct cpu *)(uptr)read_sysreg(tpidr_el1);
}

void arch_cpu_init(u32 number, u64 affinity)
{
    cpus[number].stack = (u64)(uptr)stacks[number] + STACK;
    cpus[number].number = number;
    cpus[number].affinity = affinity;
    if (!number)
        write_sysreg(tpidr_el1, &cpus[0]);
}

u64 arch_entry(void)
{
    return (u64)(uptr)secondary_entry;
}

void secondary_main(struct cpu *cpu)
{
    write_sysreg(tpidr_el1, cpu);
    cpu->work(cpu);
    psci_cpu_off();
}

/* --- exceptions ------------------------------------------------------------------------------- */

static void unexpected(const struct frame *frame, u64 vector)
{
    /* Whatever was under way: this one line says where it ended. */
    bail_out("exception %llu at 0x%llx, ESR_EL1 0x%llx, FAR_EL1 0x%llx (program at 0x%llx)", vector,
             frame->elr, read_sysreg(esr_el1), read_sysreg(far_el1), (u64)(uptr)image_base);
}

void exception(struct frame *frame, u64 vector)
{
    struct cpu *cpu = arch_cpu();

    if ((vector & 3) == 1) {
        gic_interrupt(cpu);
        return;
    }
    if (cpu->fixup && vector == 4) {
        cpu->faulted++;
        frame->elr = cpu->fixup;
        cpu->fixup = 0;
        return;
    }
    if (cpu->fixup && vector == 7) { /* SError: the access reached nobody */
        cpu->faulted++;
        frame->elr = cpu->fixup;
        cpu->fixup = 0;
        return;
    }
    unexpected(frame, vector);
}

bool arch_try_read32(u64 at, u32 *value)
{
    return try_read32(at, value, &arch_cpu()->fixup);
}

bool arch_try_read8(u64 at, u8 *value)
{
    u32 word = 0;
    bool good = try_read8(at, &word, &arch_cpu()->fixup);

    *value = (u8)word;
    return good;
}

/* --- instructions ----------------------------------------------------------------------------- */

u64 arch_call(bool hvc, u64 function, u64 a, u64 b, u64 c)
{
    register u64 x0 asm("x0") = function;
    register u64 x1 asm("x1") = a;
    register u64 x2 asm("x2") = b;
    register u64 x3 asm("x3") = c;

    /* SMCCC 1.0 lets a callee change x4 to x17. */
    if (hvc)
        asm volatile("hvc #0"
                     : "+r"(x0), "+r"(x1), "+r"(x2), "+r"(x3)::"x4", "x5", "x6", "x7", "x8", "x9",
                       "x10", "x11", "x12", "x13", "x14", "x15", "x16", "x17", "memory");
    else
        asm volatile("smc #0"
                     : "+r"(x0), "+r"(x1), "+r"(x2), "+r"(x3)::"x4", "x5", "x6", "x7", "x8", "x9",
                       "x10", "x11", "x12", "x13", "x14", "x15", "x16", "x17", "memory");
    return x0;
}

void arch_timer_start(u64 ticks)
{
    write_sysreg(cntv_tval_el0, ticks);
    write_sysreg(cntv_ctl_el0, 1);
}

void arch_timer_stop(void)
{
    write_sysreg(cntv_ctl_el0, 0);
}

void arch_wait(void)
{
    asm volatile("dsb sy\n wfi" ::: "memory");
}

void arch_clean(const void *from, uptr size)
{
    u64 line = 4ull << (read_sysreg(ctr_el0) >> 16 & 15);

    for (u64 at = align_down((uptr)from, line); at < (uptr)from + size; at += line)
        asm volatile("dc civac, %0" ::"r"(at) : "memory");
    barrier();
}
