/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Memory copies and sets (FEAT_MOPS): all sizes and distances, both directions, faults in the
 * middle and going on after them, what does not fit together. Manual C6.2 (CPYP.., SETP..),
 * D19.2.37.
 *
 * How far the prologue gets is IMPLEMENTATION DEFINED, so what is printed does not depend on which
 * of the three instructions a fault was taken at.
 */
#include "bare.h"

#define MSCEN   (1ul << 33)
#define EC_MOPS 0x27
#define WORD(x) ".inst " #x "\n "

enum { AREA = 3 * PAGE };

static u8 pages[4][PAGE] PAGE_ALIGNED, expected[AREA];
static u64 seed;

static u64 random(u64 below)
{
    seed = seed * 6364136223846793005ul + 1442695040888963407ul;
    return (seed >> 33) % below;
}

struct regs {
    u64 d, s, n, nzcv;
};

/* [x0]!, [x1]!, x2! */
#define COPY(name, p, m, e)                                                                        \
    static void name(struct regs *r)                                                               \
    {                                                                                              \
        register u64 d asm("x0") = r->d;                                                           \
        register u64 s asm("x1") = r->s;                                                           \
        register u64 n asm("x2") = r->n;                                                           \
        asm volatile(WORD(p) WORD(m) WORD(e) "mrs %3, nzcv"                                        \
                     : "+r"(d), "+r"(s), "+r"(n), "=r"(r->nzcv)::"memory", "cc");                  \
        r->d = d;                                                                                  \
        r->s = s;                                                                                  \
        r->n = n;                                                                                  \
    }
COPY(cpy, 0x1d010440, 0x1d410440, 0x1d810440)
COPY(cpyf, 0x19010440, 0x19410440, 0x19810440)
COPY(cpyfwt, 0x19011440, 0x19411440, 0x19811440) /* unprivileged writes */
COPY(cpyfrt, 0x19012440, 0x19412440, 0x19812440) /* unprivileged reads */
COPY(cpyfn, 0x1901c440, 0x1941c440, 0x1981c440)  /* non-temporal */
COPY(set, 0x19c10440, 0x19c14440, 0x19c18440)    /* [x0]!, x2!, x1 */
COPY(sett, 0x19c11440, 0x19c15440, 0x19c19440)
COPY(only_cpyfm, 0xd503201f, 0x19410440, 0xd503201f)
COPY(only_cpyfe, 0xd503201f, 0xd503201f, 0x19810440)
COPY(only_sete, 0xd503201f, 0xd503201f, 0x19c18440)

/* The window, which the compiler is not to subtract from another address: nobody relocates what it
 * would keep the difference in. */
static u8 *window(void)
{
    u64 at = WINDOW;

    asm("" : "+r"(at));
    return (u8 *)at;
}

static void fill(void)
{
    u8 *area = window();

    for (int i = 0; i < AREA; i++)
        area[i] = expected[i] = (u8)random(256);
}

static int same(void)
{
    u8 *area = window();

    for (int i = 0; i < AREA; i++)
        if (area[i] != expected[i])
            return 0;
    return 1;
}

/* Registers after all three: addresses behind the areas where it went forwards, Xn zero. */
static int done(const struct regs *r, u64 d, u64 s, u64 n)
{
    int forward = r->d == d + n && r->s == s + n, backward = r->d == d && r->s == s;

    return r->n == 0 && (forward || backward) && r->nzcv == 0;
}

static void moves(int rounds, u64 longest)
{
    int wrong = 0;

    fill();
    for (int i = 0; i < rounds; i++) {
        u64 n = random(longest), d = random(AREA - n), s = random(AREA - n);
        struct regs r = {WINDOW + d, WINDOW + s, n, 1};

        if (random(2)) /* overlapping */
            s = d + random(40) < AREA - n ? d + random(40) : d;
        r.s = WINDOW + s;
        if (d <= s)
            for (u64 k = 0; k < n; k++)
                expected[d + k] = expected[s + k];
        else
            for (u64 k = n; k-- > 0;)
                expected[d + k] = expected[s + k];
        cpy(&r);
        wrong += !done(&r, WINDOW + d, WINDOW + s, n);
    }
    say("  %d moves: %d wrong registers, memory %s\n", rounds, wrong, same() ? "right" : "wrong");
    report("  moves");
}

static void copies(void)
{
    int wrong = 0;

    fill();
    for (int i = 0; i < 200; i++) {
        u64 n = random(5000), d = random(AREA / 2 - 5000 + 1), s = AREA / 2 + random(1000);
        struct regs r = {WINDOW + d, WINDOW + s, n, 1};

        for (u64 k = 0; k < n; k++)
            expected[d + k] = expected[s + k];
        if (i & 1)
            cpyf(&r);
        else
            cpyfn(&r);
        wrong += r.n || r.d != WINDOW + d + n || r.s != WINDOW + s + n || r.nzcv;
    }
    say("  copies: %d wrong registers, memory %s\n", wrong, same() ? "right" : "wrong");
    wrong = 0;
    for (int i = 0; i < 200; i++) {
        u64 n = random(9000), d = random(AREA - n);
        struct regs r = {WINDOW + d, random(1 << 20), n, 1};

        for (u64 k = 0; k < n; k++)
            expected[d + k] = (u8)r.s;
        set(&r);
        wrong += r.n || r.d != WINDOW + d + n || r.nzcv;
    }
    say("  sets: %d wrong registers, memory %s\n", wrong, same() ? "right" : "wrong");
    report("  copies and sets");
}

/* --- faults -----------------------------------------------------------------------------------*/

static u64 hole;

/* Notes the first fault, maps the page and goes on: the instruction is executed again. */
static void repair(struct cpu *cpu, struct frame *frame)
{
    map_page(hole, pages[(hole - WINDOW) / PAGE], NORMAL);
    say("    esr %x at page + %x\n", cpu->esr, cpu->far - hole);
}

static void repaired(const char *what, void (*f)(struct regs *), u64 d, u64 s, u64 n)
{
    struct regs r = {WINDOW + d, WINDOW + s, n, 1};
    struct cpu *cpu = this_cpu();

    say("  %s\n", what);
    fill();
    if (f == set)
        for (u64 k = 0; k < n; k++)
            expected[d + k] = (u8)(WINDOW + s);
    else if (d <= s)
        for (u64 k = 0; k < n; k++)
            expected[d + k] = expected[s + k];
    else
        for (u64 k = n; k-- > 0;)
            expected[d + k] = expected[s + k];
    map_page(hole, 0, 0);
    cpu->handler = repair;
    f(&r);
    cpu->handler = 0;
    cpu->exceptions = 0;
    say("    Xn %x, memory %s\n", r.n, same() ? "right" : "wrong");
}

static void faults(void)
{
    hole = WINDOW + PAGE;
    repaired("CPY down into a hole", cpy, PAGE - 100, 2 * PAGE, 300);
    repaired("CPY out of a hole", cpy, 2 * PAGE, PAGE - 100, 300);
    repaired("CPY backwards into a hole", cpy, PAGE + 3000, 2 * PAGE - 1500, 3000);
    repaired("CPYF across a hole", cpyf, PAGE - 1000, 2 * PAGE + 100, 1000 + PAGE / 2);
    repaired("SET across a hole", set, 500, 7, 2 * PAGE);
    hole = WINDOW;
    repaired("CPY at once", cpy, 0, PAGE, 10);
    hole = WINDOW + 2 * PAGE;
    repaired("SET at its end", set, 0, 3, 2 * PAGE + 1);
}

/* --- what does not fit -------------------------------------------------------------------------*/

static void wrongs(void)
{
    struct regs r = {WINDOW + 100, WINDOW + 200, -50ul, 0};

    asm volatile("msr nzcv, %0" ::"r"(2ul << 28) : "cc");
    only_cpyfm(&r);
    say("  CPYFM with C set: ec %x", this_cpu()->esr >> 26);
    report("");
    r.n = -50ul;
    asm volatile("msr nzcv, %0" ::"r"(2ul << 28) : "cc");
    only_sete(&r);
    report("  SETE with C set");
    r.n = -2ul * PAGE;
    asm volatile("msr nzcv, xzr" ::: "cc");
    only_cpyfe(&r);
    report("  CPYFE with much left");
    asm volatile(WORD(0x19000440)::: "x0", "x2"); /* cpyfp [x0]!, [x0]!, x2! */
    report("  one register twice");
    asm volatile(WORD(0x190107e0)::: "x0", "x1"); /* cpyfp [x0]!, [x1]!, xzr! */
    report("  XZR");
    asm volatile(WORD(0x1dc10440)::: "x0", "x2"); /* setgp */
    this_cpu()->exceptions = 0;
}

USER static void user(u64 to)
{
    asm volatile("mov x0, %0\n mov x1, %0\n add x1, x1, #64\n mov x2, #16\n" WORD(0x19010440)
                     WORD(0x19410440) WORD(0x19810440) "svc #0x42" ::"r"(to)
                 : "x0", "x1", "x2", "memory");
}

static void privileges(void)
{
    u64 sctlr = read_sysreg(sctlr_el1);
    struct regs r;

    map_page(WINDOW, pages[0], NORMAL | AP(1));
    write_sysreg(sctlr_el1, sctlr & ~MSCEN);
    run_user(user, WINDOW);
    report("  EL0, MSCEn = 0");
    write_sysreg(sctlr_el1, sctlr | MSCEN);
    run_user(user, WINDOW);
    report("  EL0, MSCEn = 1");
    map_page(WINDOW, pages[0], NORMAL);
    run_user(user, WINDOW);
    report("  EL0, memory of EL1");
    r = (struct regs){WINDOW, WINDOW + PAGE, 8, 0};
    cpyf(&r);
    report("  EL1");
    r = (struct regs){WINDOW, WINDOW + PAGE, 8, 0};
    cpyfwt(&r);
    report("  CPYFPWT");
    r = (struct regs){WINDOW, WINDOW + PAGE, 8, 0};
    cpyfrt(&r);
    report("  CPYFPRT");
    r = (struct regs){WINDOW, 0, 8, 0};
    sett(&r);
    report("  SETPT");
    map_page(WINDOW, pages[0], NORMAL | AP(2));
    r = (struct regs){WINDOW, 0, 8, 0};
    set(&r);
    report("  SETP, read-only");
    map_page(WINDOW, pages[0], NORMAL);
}

int main(void)
{
    for (int i = 0; i < 3; i++)
        map_page(WINDOW + (u64)i * PAGE, pages[i], NORMAL);
    say("ID_AA64ISAR2_EL1.MOPS %d\n", read_sysreg(s3_0_c0_c6_2) >> 16 & 0xf);
    say("moves\n");
    moves(300, 40);
    moves(200, 9000);
    copies();
    say("faults\n");
    faults();
    say("mismatches\n");
    wrongs();
    say("privileges\n");
    privileges();
    say("done\n");
    return 0;
}
