/* SPDX-License-Identifier: Apache-2.0 */
/*
 * FEAT_LSE2: which unaligned accesses are allowed (manual B2.8.2, UnalignedAccessFaults()), that
 * they read and write what they should, and that 16 aligned bytes are one access to other CPUs
 * (B2.2.1).
 */
#include "bare.h"

#define A   (1ul << 1)
#define NAA (1ul << 6)

enum { KINDS = 9, ROUNDS = 100000 };

static u8 pages[1][PAGE] PAGE_ALIGNED;
static u64 shared[2] __attribute__((aligned(16)));
static u64 finished, torn;

static void access(int kind, u64 va)
{
    u64 x = 0x1122334455667788, y = x, status;

    switch (kind) {
    case 0:
        asm volatile("ldr %0, [%1]" : "+r"(x) : "r"(va) : "memory");
        break;
    case 1:
        asm volatile("ldar %0, [%1]" : "+r"(x) : "r"(va) : "memory");
        break;
    case 2:
        asm volatile("stlr %0, [%1]" ::"r"(x), "r"(va) : "memory");
        break;
    case 3:
        asm volatile(".arch armv8.5-a\n ldapr %0, [%1]" : "+r"(x) : "r"(va) : "memory");
        break;
    case 4:
        asm volatile("ldxr %0, [%2]\n stxr %w1, %0, [%2]"
                     : "+r"(x), "=&r"(status)
                     : "r"(va)
                     : "memory");
        break;
    case 5:
        asm volatile("ldadd %0, %0, [%1]" : "+r"(x) : "r"(va) : "memory");
        break;
    case 6:
        asm volatile("cas %0, %1, [%2]" : "+r"(x) : "r"(y), "r"(va) : "memory");
        break;
    case 7:
        asm volatile("ldxp %0, %1, [%2]" : "+r"(x), "=&r"(y) : "r"(va) : "memory");
        break;
    default:
        asm volatile(".arch armv8.5-a\n ldapurh %w0, [%1, #1]" : "+r"(x) : "r"(va) : "memory");
    }
}

/* ldr ldar stlr ldapr ldxr ldadd cas ldxp ldapurh: F if it faults. */
static void line(const char *what, u64 va)
{
    char text[KINDS + 1];

    for (int kind = 0; kind < KINDS; kind++) {
        access(kind, va);
        text[kind] = this_cpu()->exceptions ? 'F' : '.';
        this_cpu()->exceptions = 0;
    }
    text[KINDS] = 0;
    say("  %s %s\n", text, what);
}

static void lines(void)
{
    line("aligned", WINDOW + 32);
    line("within 16", WINDOW + 36);
    line("at their end", WINDOW + 40);
    line("beyond", WINDOW + 41);
}

static void values(void)
{
    u8 *p = (u8 *)pages[0];
    u64 x, old, status, tries = 0;

    for (int i = 0; i < 32; i++)
        p[i] = (u8)(i + 1);
    asm volatile("ldar %0, [%1]" : "=r"(x) : "r"(p + 3) : "memory");
    say("  ldar %x\n", x);
    asm volatile("stlr %w0, [%1]" ::"r"(0xaabbccddul), "r"(p + 5) : "memory");
    asm volatile("ldaddal %1, %0, [%2]" : "=&r"(old) : "r"(0x100ul), "r"(p + 2) : "memory");
    say("  ldadd %x\n", old);
    do {
        asm volatile("ldaxr %0, [%2]\n add %0, %0, #1\n stlxr %w1, %0, [%2]"
                     : "=&r"(x), "=&r"(status)
                     : "r"(p + 6)
                     : "memory");
    } while (status & 1 && tries++ < 100);
    old = 0x0f0e0d0c0bul;
    asm volatile("casal %w0, %w1, [%2]" : "+r"(old) : "r"(0x12345678ul), "r"(p + 11) : "memory");
    say("  cas %x\n", old & 0xffffffff);
    asm volatile("swph %w1, %w0, [%2]" : "=&r"(old) : "r"(0x4321ul), "r"(p + 1) : "memory");
    say("  swp %x\n ", old);
    for (int i = 0; i < 20; i++)
        say(" %x", p[i]);
    say("\n");
}

/* --- whole pairs ------------------------------------------------------------------------------*/

static void writer(u64 unused)
{
    for (u64 i = 0; i < ROUNDS; i++)
        asm volatile("stp %0, %0, [%1]" ::"r"(i), "r"(shared) : "memory");
    store_release(&finished, 1);
}

/* Into other registers, or one of them into that of the address. */
static int is_torn(int form)
{
    register u64 x0 asm("x0") = (u64)shared, x1 asm("x1") = (u64)shared, x2 asm("x2");

    switch (form) {
    case 0:
        asm volatile("ldp %0, %1, [%2]" : "=&r"(x1), "=&r"(x2) : "r"(x0) : "memory");
        return x1 != x2;
    case 1:
        asm volatile("ldp %0, %1, [%0]" : "+r"(x0), "=&r"(x1)::"memory");
        break;
    default:
        asm volatile("ldp %0, %1, [%1]" : "=&r"(x0), "+r"(x1)::"memory");
    }
    return x0 != x1;
}

static void whole(void)
{
    if (cpu_count(2) < 2) {
        say("  whole\n");
        return;
    }
    cpu_on(1, writer, 0);
    while (!load_acquire(&finished)) {
        for (int i = 0; i < 100; i++)
            torn += (u64)is_torn(i % 3);
    }
    cpu_wait_off(1);
    say("  %s\n", torn ? "torn" : "whole");
}

int main(void)
{
    u64 sctlr = read_sysreg(sctlr_el1);

    map_page(WINDOW, pages[0], NORMAL);
    say("ID_AA64MMFR2_EL1.AT %d\n", read_sysreg(id_aa64mmfr2_el1) >> 32 & 0xf);
    lines();
    say("nAA = 1\n");
    write_sysreg(sctlr_el1, sctlr | NAA);
    lines();
    say("A = 1\n");
    write_sysreg(sctlr_el1, sctlr | NAA | A);
    lines();
    write_sysreg(sctlr_el1, sctlr);
    say("values\n");
    values();
    say("pairs\n");
    whole();
    say("done\n");
    return 0;
}
