/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Several CPUs: PSCI, atomic increments in every form, and the two litmus tests that tell a memory
 * order that is too weak (message passing, store buffering). What is printed does not depend on how
 * many CPUs there are.
 */
#include "bare.h"

enum { INCREMENTS = 100000, MESSAGES = 20000, ROUNDS = 2000 };

static u64 counters[16 * 16] PAGE_ALIGNED; /* each in a line of its own */
static u64 cpus_there, go, arrived;
/* Shared words in lines of their own. */
static struct {
    u64 x, pad1[15], y, pad2[15], r[2], pad3[14], turn;
} s PAGE_ALIGNED;
static u64 bad;

#define COUNTER(n) (&counters[(n)*16])

/* --- everybody does the same ------------------------------------------------------------------*/

static void start_all(void (*work)(u64))
{
    arrived = 0;
    go = 0;
    for (u64 i = 1; i < cpus_there; i++)
        while (cpu_on(i, work, i))
            relax();
    while (load_acquire(&arrived) != cpus_there - 1)
        relax();
    store_release(&go, 1);
    work(0);
    for (u64 i = 1; i < cpus_there; i++)
        cpu_wait_off(i);
}

static void gather(u64 self)
{
    if (!self)
        return;
    __atomic_fetch_add(&arrived, 1, __ATOMIC_ACQ_REL);
    while (!load_acquire(&go))
        relax();
}

/* --- increments -------------------------------------------------------------------------------*/

#define ATOMIC ".arch armv8.2-a+lse\n"

static void with_atomics(u64 self)
{
    gather(self);
    for (u64 i = 0; i < INCREMENTS / 4; i++) {
        asm volatile(ATOMIC "ldadd %0, x9, [%1]" ::"r"(1ul), "r"(COUNTER(0)) : "x9", "memory");
        asm volatile(ATOMIC "stadd %w0, [%1]" ::"r"(1), "r"(COUNTER(1)) : "memory");
        asm volatile(ATOMIC "ldaddal %w0, w9, [%1]" ::"r"(0x101), "r"(COUNTER(2)) : "x9", "memory");
        asm volatile(ATOMIC "ldaddalb %w0, w9, [%1]" ::"r"(1), "r"((u8 *)COUNTER(3) + self)
                     : "x9", "memory");
        asm volatile(ATOMIC "1: ldr x9, [%0]\n add x10, x9, #1\n mov x11, x9\n"
                            "casal x9, x10, [%0]\n cmp x9, x11\n b.ne 1b" ::"r"(COUNTER(4))
                     : "x9", "x10", "x11", "cc", "memory");
        asm volatile(ATOMIC "1: ldp x8, x9, [%0]\n mov x12, x8\n mov x13, x9\n add x10, x8, #1\n"
                            "sub x11, x9, #1\n caspal x8, x9, x10, x11, [%0]\n cmp x8, x12\n"
                            "ccmp x9, x13, #0, eq\n b.ne 1b" ::"r"(COUNTER(5))
                     : "x8", "x9", "x10", "x11", "x12", "x13", "cc", "memory");
        asm volatile(ATOMIC "ldeoral %0, x9, [%1]" ::"r"(1ul << (i & 63)), "r"(COUNTER(6))
                     : "x9", "memory");
        asm volatile(ATOMIC "ldumax %0, x9, [%1]" ::"r"(i), "r"(COUNTER(7)) : "x9", "memory");
    }
}

static void with_exclusives(u64 self)
{
    gather(self);
    for (u64 i = 0; i < INCREMENTS / 4; i++) {
        asm volatile("1: ldxr x9, [%0]\n add x9, x9, #1\n stxr w10, x9, [%0]\n cbnz w10, 1b" ::"r"(
                         COUNTER(8))
                     : "x9", "x10", "memory");
        asm volatile("1: ldaxrh w9, [%0]\n add w9, w9, #1\n stlxrh w10, w9, [%0]\n"
                     "cbnz w10, 1b" ::"r"((u16 *)COUNTER(9) + self)
                     : "x9", "x10", "memory");
        asm volatile("1: ldaxp x9, x10, [%0]\n add x9, x9, #1\n add x10, x10, #2\n"
                     "stlxp w11, x9, x10, [%0]\n cbnz w11, 1b" ::"r"(COUNTER(10))
                     : "x9", "x10", "x11", "memory");
        asm volatile("1: ldxp w9, w10, [%0]\n add w9, w9, #1\n add w10, w10, #3\n"
                     "stxp w11, w9, w10, [%0]\n cbnz w11, 1b" ::"r"(COUNTER(11))
                     : "x9", "x10", "x11", "memory");
    }
}

/* A ticket of two halves in one word: FIFO lock with WFE, as kernels have them. */
static void with_lock(u64 self)
{
    u32 *lock = (u32 *)COUNTER(12);
    u64 *count = COUNTER(13);

    gather(self);
    for (u64 i = 0; i < 500; i++) {
        asm volatile("1: ldaxr w9, [%0]\n cbz w9, 2f\n wfe\n b 1b\n"
                     "2: mov w10, #1\n stxr w9, w10, [%0]\n cbnz w9, 1b" ::"r"(lock)
                     : "x9", "x10", "memory");
        *(volatile u64 *)count = *(volatile u64 *)count + 1;
        asm volatile("stlr wzr, [%0]\n" ::"r"(lock) : "memory");
    }
}

static u64 per_cpu(u64 sum)
{
    return sum % cpus_there ? ~0ul : sum / cpus_there;
}

static void increments(void)
{
    u64 bytes = 0, halves = 0;

    start_all(with_atomics);
    start_all(with_exclusives);
    for (u64 i = 0; i < cpus_there; i++) {
        bytes += ((u8 *)COUNTER(3))[i];
        halves += ((u16 *)COUNTER(9))[i];
    }
    say("LDADD %d, STADD %d, LDADDAL %x, LDADDALB %d\n", per_cpu(*COUNTER(0)), per_cpu(*COUNTER(1)),
        per_cpu(*COUNTER(2)), per_cpu(bytes));
    say("CASAL %d, CASPAL %d %d, LDEORAL %x, LDUMAX %d\n", per_cpu(*COUNTER(4)),
        per_cpu(COUNTER(5)[0]), per_cpu(-COUNTER(5)[1]), cpus_there & 1 ? 0 : *COUNTER(6),
        *COUNTER(7));
    say("LDXR %d, LDAXRH %d, LDAXP %d %d, LDXP %d %d\n", per_cpu(*COUNTER(8)), per_cpu(halves),
        per_cpu(COUNTER(10)[0]), per_cpu(COUNTER(10)[1]), per_cpu(((u32 *)COUNTER(11))[0]),
        per_cpu(((u32 *)COUNTER(11))[1]));
    start_all(with_lock);
    say("lock with WFE: %d\n", per_cpu(*COUNTER(13)));
}

/* --- order ------------------------------------------------------------------------------------*/

/* Message passing: a plain store, then STLR; LDAR, then a plain load; and with DMB. */
static void reader(u64 self)
{
    u64 flag, data;

    do {
        asm volatile("ldar %0, [%1]" : "=r"(flag) : "r"(&s.y) : "memory");
        data = *(volatile u64 *)&s.x;
        bad += data < flag;
        flag = *(volatile u64 *)&s.y;
        asm volatile("dmb ishld" ::: "memory");
        data = *(volatile u64 *)&s.x;
        bad += data < flag;
    } while (flag != MESSAGES);
}

static void messages(void)
{
    s.x = s.y = bad = 0;
    if (cpus_there > 1)
        while (cpu_on(1, reader, 0))
            relax();
    for (u64 i = 1; i <= MESSAGES; i++) {
        *(volatile u64 *)&s.x = i;
        if (i & 1) {
            asm volatile("stlr %0, [%1]" ::"r"(i), "r"(&s.y) : "memory");
        } else {
            asm volatile("dmb ishst" ::: "memory");
            *(volatile u64 *)&s.y = i;
        }
    }
    if (cpus_there > 1)
        cpu_wait_off(1);
    say("message passing: %d wrong\n", bad);
}

/* Store buffering: both store, then load what the other one stores. Both seeing the old value is
 * forbidden with DMB between, and between STLR and LDAR. */
static void buffer(u64 self)
{
    u64 *mine = self ? &s.y : &s.x, *other = self ? &s.x : &s.y, seen;

    for (u64 i = 1; i <= ROUNDS; i++) {
        if (i & 1) {
            *(volatile u64 *)mine = i;
            asm volatile("dmb ish" ::: "memory");
            seen = *(volatile u64 *)other;
        } else {
            asm volatile("stlr %1, [%2]\n ldar %0, [%3]"
                         : "=&r"(seen)
                         : "r"(i), "r"(mine), "r"(other)
                         : "memory");
        }
        if (cpus_there < 2)
            continue;
        store_release(&s.r[self], i << 1 | (seen >= i));
        while (load_acquire(&s.r[1 - self]) >> 1 < i)
            relax();
        if (!self) /* the other one waits for us before it goes on */
            bad += !((load_acquire(&s.r[1]) | s.r[0]) & 1);
        asm volatile("dmb ish" ::: "memory");
        if (self) {
            while (load_acquire(&s.turn) < i)
                relax();
        } else {
            store_release(&s.turn, i);
        }
    }
}

static void buffering(void)
{
    s.x = s.y = bad = 0;
    if (cpus_there > 1)
        while (cpu_on(1, buffer, 1))
            relax();
    buffer(0);
    if (cpus_there > 1)
        cpu_wait_off(1);
    say("store buffering: %d wrong\n", bad);
}

/* --- power ------------------------------------------------------------------------------------*/

static void wait_for_go(u64 argument)
{
    store_release(&arrived, argument);
    while (!load_acquire(&go))
        relax();
}

static void power(void)
{
    long on, again, running, off;

    arrived = go = 0;
    say("PSCI %x, features of CPU_ON %d, of nothing %d\n", hvc(0x84000000, 0, 0, 0),
        (long)(int)hvc(0x8400000a, 0xc4000003, 0, 0), (long)(int)hvc(0x8400000a, 0x8400ffff, 0, 0));
    say("CPU_ON of a CPU that is not there: %d\n", (long)(int)hvc(0xc4000003, 0xff, 0x40000000, 0));
    say("CPU_ON of itself: %d\n", cpu_on(0, wait_for_go, 0));
    say("AFFINITY_INFO of itself: %d\n", cpu_state(0));
    if (cpus_there < 2) {
        say("on 0, again -4, running 0, off 1, argument 1234\n");
        return;
    }
    off = cpu_state(1);
    on = cpu_on(1, wait_for_go, 0x1234);
    while (!load_acquire(&arrived))
        relax();
    again = (int)hvc(0xc4000003, 1, (u64)secondary, 1);
    running = cpu_state(1);
    store_release(&go, 1);
    cpu_wait_off(1);
    say("on %d, again %d, running %d, off %d, argument %x\n", on, again, running, off, arrived);
}

int main(void)
{
    cpus_there = cpu_count(8);
    power();
    messages();
    buffering();
    increments();
    say("done\n");
    return 0;
}
