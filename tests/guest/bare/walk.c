/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Table walks in the upper half of the address space, which nothing else here uses: every granule,
 * size and level with every kind of fault, for reads, writes, fetches and address translation
 * instructions; all permissions with those of tables above them; every form of TLB maintenance; and
 * access flag and dirty state set by two CPUs at once. Manual D8.
 */
#include "bare.h"

enum { TABLE_ROOM = 1 << 16, TABLES = 5, CODE = 0xd65f03c0 /* RET */ };

static u8 tables[TABLES][TABLE_ROOM] __attribute__((aligned(1 << 16)));
static u8 target[1 << 16] __attribute__((aligned(1 << 16)));
static u64 tcr0; /* TCR_EL1 without what is about the upper half */

#define HOLE    0x60000000ul /* no memory there */
#define IPS(n)  ((u64)(n) << 32)
#define DS      (1ul << 59)
#define TG1(n)  ((u64)(n) << 30)
#define EPD1    (1ul << 23)
#define HA      (1ul << 39)
#define HD      (1ul << 40)
#define HPD1    (1ul << 42)
#define INVALID 0ul

struct shape {
    u64 grain, txsz, ds;
};

static u64 ones(u64 n)
{
    return n > 63 ? ~0ul : (1ul << n) - 1;
}

static u64 low_bit(const struct shape *s, long level)
{
    return (u64)(3 - level) * (s->grain - 3) + s->grain;
}

static long first_level(const struct shape *s)
{
    return 4 - (long)((64 - s->txsz - s->grain + s->grain - 4) / (s->grain - 3));
}

static u64 tcr(const struct shape *s)
{
    u64 tg = s->grain == 12 ? 2 : s->grain == 14 ? 1 : 3;

    return tcr0 | TG1(tg) | s->txsz << 16 | 3ul << 28 | (s->ds ? DS : 0);
}

static volatile u64 *entry(const struct shape *s, u64 va, long level)
{
    long first = first_level(s);
    u64 top = level == first ? 63 - s->txsz : low_bit(s, level - 1) - 1, low = low_bit(s, level);
    u64 index = va >> low & ones(top - low + 1);

    return (volatile u64 *)tables[level - first] + index;
}

/* Tables down to `level`, where desc goes, without its type bits if it is a page or block. */
static void map_at(const struct shape *s, u64 va, long level, u64 desc, u64 table_bits)
{
    for (long l = first_level(s); l < level; l++)
        *entry(s, va, l) = (u64)tables[l + 1 - first_level(s)] | table_bits | 3;
    *entry(s, va, level) = desc;
    tlbi_all();
}

static u64 take_esr(void)
{
    struct cpu *cpu = this_cpu();
    u64 esr = cpu->exceptions ? cpu->esr : 0;

    cpu->exceptions = 0;
    return esr;
}

/* What came of an AT: its exception, the fault in PAR_EL1, or 0. */
static u64 translated(void)
{
    u64 esr = take_esr(), par = read_sysreg(par_el1);

    return esr ? esr & 0xfdffffff : par & 1 ? par : 0;
}

/* The exception class and status of a read, a write, a fetch, and what AT says of both. */
static void probe(const char *what, u64 va)
{
    say(" %s", what);
    peek(va);
    say(" %x", take_esr() & 0xfdffffff);
    poke(va, CODE);
    say(" %x", take_esr() & 0xfdffffff);
    ((void (*)(void))va)();
    say(" %x", take_esr() & 0xfdffffff);
    asm volatile("at s1e1r, %0\n isb" ::"r"(va));
    say(" %x", translated());
    asm volatile("at s1e0w, %0\n isb" ::"r"(va));
    say(" %x", translated());
}

static u64 type_of(long level)
{
    return level == 3 ? 3 : 1;
}

static void one_level(const struct shape *s, u64 va, long level)
{
    u64 low = low_bit(s, level), page = (u64)target & ~ones(low), leaf = page | type_of(level);
    u64 sh = s->ds ? 0 : INNER; /* with DS they are address bits */
    long first = first_level(s);

    va = (va & ~ones(low)) | ((u64)target & ones(low));
    say("%dK%s, T1SZ %d, level %d:", 1ul << (s->grain - 10), s->ds ? " DS" : "", s->txsz, level);
    map_at(s, va, level, INVALID, 0);
    probe("invalid", va);
    map_at(s, va, level, leaf | AF | sh, 0);
    probe("mapped", va);
    map_at(s, va, level, leaf | sh, 0);
    probe("AF", va);
    map_at(s, va, level, leaf | AF | sh | AP(2) | PXN, 0);
    probe("permission", va);
    map_at(s, va, level, leaf | AF | sh | 1ul << 47, 0);
    probe("size", va);
    if (level > first) {
        map_at(s, va, level - 1, HOLE | 3, 0);
        probe("walk", va);
        map_at(s, va, level - 1, 1ul << 47 | 3, 0);
        probe("table size", va);
    }
    say("\n");
    map_at(s, va, level, INVALID, 0);
}

static void geometry(void)
{
    static const struct shape shapes[] = {
        {12, 16, 0},
        {12, 25, 0},
        {12, 33, 0},
        {12, 39, 0},
        {14, 16, 0},
        {14, 17, 0},
        {14, 28, 0},
        {14, 39, 0},
        {16, 16, 0},
        {16, 22, 0},
        {16, 39, 0},
        {12, 42, 0},
        {12, 45, 0},
        {14, 48, 0},
        {16, 47, 0},
        {12, 12, 1},
        {12, 16, 1},
        {14, 12, 1},
        {14, 18, 1},
        {16, 12, 0},
        /* out of range */
        {12, 15, 0},
        {12, 11, 1},
        {14, 15, 0},
        {16, 11, 0},
        {12, 49, 0},
        {16, 48, 0},
    };

    for (u64 i = 0; i < sizeof(shapes) / sizeof(shapes[0]); i++) {
        const struct shape *s = &shapes[i];
        u64 va = ~ones(64 - s->txsz) | (0x5a5a5a5a5a5a5a5a & ones(64 - s->txsz));
        *(volatile u32 *)target = CODE;
        sync_code(target, 4);
        for (long level = first_level(s); level <= 3; level++) {
            if (level < -1 || level + TABLES - 1 < 3)
                continue;
            mmu_shareability(!s->ds); /* DS is for both halves */
            write_sysreg(ttbr1_el1, tables[0]);
            write_sysreg(tcr_el1, tcr(s));
            one_level(s, va, level);
            write_sysreg(tcr_el1, tcr0 | EPD1);
        }
    }
    mmu_shareability(1);
    tlbi_all();
}

/* --- where the halves end ---------------------------------------------------------------------*/

static const struct shape four = {12, 25, 0};

static u64 status(u64 va)
{
    peek(va);
    return take_esr() & 0x3f;
}

static void limits(void)
{
    u64 va = ~0ul << 39;

    write_sysreg(ttbr1_el1, tables[0]);
    write_sysreg(tcr_el1, tcr(&four));
    for (u64 n = 0; n < 8; n++) {
        u64 tag = 0x5aul << 56;
        write_sysreg(tcr_el1, tcr(&four) | (n & 1) << 37 | (n >> 1 & 1) << 38 | (n >> 2 & 1) << 23);
        map_at(&four, va, 3, (u64)target | NORMAL | 3, 0);
        say("TBI0 %d TBI1 %d EPD1 %d: lowest %x, below %x, tagged %x, tagged below %x, ", n & 1,
            n >> 1 & 1, n >> 2, status(va), status(va - PAGE), status(va ^ tag),
            status((va - PAGE) ^ tag));
        say("lower half %x, tagged %x, above %x, tagged %x\n", status((u64)target),
            status((u64)target ^ tag), status((1ul << 39) + (u64)target),
            status(((1ul << 39) + (u64)target) ^ tag));
    }
    write_sysreg(tcr_el1, tcr0 | EPD1);
}

/* --- permissions ------------------------------------------------------------------------------*/

USER static void user_read(u64 va)
{
    asm volatile("ldr x9, [%0]\n svc #0x42" ::"r"(va) : "x9");
}

USER static void user_write(u64 va)
{
    asm volatile("str %w1, [%0]\n svc #0x42" ::"r"(va), "r"(CODE) : "memory");
}

USER static void user_run(u64 va)
{
    asm volatile("blr %0\n svc #0x42" ::"r"(va) : "x30");
}

/* What is denied, a bit each: reads, writes and fetches at EL1, LDTR, STTR, at EL0, and what AT
 * says. */
static u64 denied(u64 va, u64 pan, u64 uao)
{
    u64 bits = 0;

    asm volatile(".arch armv8.2-a+pan\n cbz %0, 1f\n msr pan, #1\n 1: cbz %1, 2f\n msr uao, #1\n"
                 "2:" ::"r"(pan),
                 "r"(uao));
    peek(va);
    bits |= (u64) !!take_esr() << 0;
    asm volatile("str %w1, [%0]" ::"r"(va), "r"(CODE) : "memory");
    bits |= (u64) !!take_esr() << 1;
    ((void (*)(void))va)();
    bits |= (u64) !!take_esr() << 2;
    asm volatile("ldtr x9, [%0]" ::"r"(va) : "x9");
    bits |= (u64) !!take_esr() << 3;
    asm volatile("sttr %w1, [%0]" ::"r"(va), "r"(CODE) : "memory");
    bits |= (u64) !!take_esr() << 4;
    asm volatile("at s1e1r, %0\n isb" ::"r"(va));
    bits |= (read_sysreg(par_el1) & 1) << 8;
    asm volatile("at s1e1w, %0\n isb" ::"r"(va));
    bits |= (read_sysreg(par_el1) & 1) << 9;
    asm volatile("at s1e0r, %0\n isb" ::"r"(va));
    bits |= (read_sysreg(par_el1) & 1) << 10;
    asm volatile("at s1e0w, %0\n isb" ::"r"(va));
    bits |= (read_sysreg(par_el1) & 1) << 11;
    asm volatile(".arch armv8.2-a+pan\n at s1e1rp, %0\n isb" ::"r"(va));
    bits |= (read_sysreg(par_el1) & 1) << 12;
    asm volatile(".arch armv8.2-a+pan\n at s1e1wp, %0\n isb" ::"r"(va));
    bits |= (read_sysreg(par_el1) & 1) << 13;
    /* This comes back with PAN and UAO clear. */
    run_user(user_read, va);
    bits |= (u64) !!take_esr() << 5;
    run_user(user_write, va);
    bits |= (u64) !!take_esr() << 6;
    run_user(user_run, va);
    bits |= (u64) !!take_esr() << 7;
    return bits;
}

/* One sum for all page descriptors below one kind of table descriptor. */
static u64 sum_of(u64 va, u64 table_bits, u64 pan, u64 uao)
{
    u64 sum = 0;

    for (u64 page = 0; page < 16; page++) {
        u64 desc =
            (u64)target | NORMAL | AP(page & 3) | (page & 4 ? PXN : 0) | (page & 8 ? UXN : 0);
        map_at(&four, va, 3, desc | 3, table_bits);
        sum = sum * 31 + denied(va, pan, uao);
        *(volatile u32 *)target = CODE;
    }
    return sum & 0xffffffff;
}

static void permissions(void)
{
    u64 va = ~0ul << 39, sctlr = read_sysreg(sctlr_el1);

    say("sums of what is denied, by APTable, PXNTable, UXNTable\n");
    for (u64 n = 0; n < 16; n++) {
        u64 wxn = n & 1, pan = n >> 1 & 1, uao = n >> 2 & 1, hpd = n >> 3;
        write_sysreg(ttbr1_el1, tables[0]);
        write_sysreg(tcr_el1, tcr(&four) | (hpd ? HPD1 : 0));
        write_sysreg(sctlr_el1, sctlr | wxn << 19);
        say("WXN %d PAN %d UAO %d HPD %d:", wxn, pan, uao, hpd);
        for (u64 t = 0; t < 16; t++)
            say(" %x", sum_of(va, t << 59, pan, uao));
        say("\n");
    }
    write_sysreg(sctlr_el1, sctlr);
    write_sysreg(tcr_el1, tcr0 | EPD1);
    tlbi_all();
}

/* --- TLB maintenance --------------------------------------------------------------------------*/

static u64 ready, go, saw, watched_va;

/* Another CPU: uses the page at each odd step, and tells at the next whether it is gone. */
static void watcher(u64 steps)
{
    write_sysreg(ttbr0_el1, (u64)level1 | 3ul << 48);
    for (u64 i = 1; i <= steps; i++) {
        while (load_acquire(&go) < i)
            relax();
        peek(watched_va);
        saw = this_cpu()->exceptions;
        this_cpu()->exceptions = 0;
        store_release(&ready, i);
    }
}

#define TLBI(name, encoding)                                                                       \
    static void name(u64 operand)                                                                  \
    {                                                                                              \
        asm volatile("dsb ish\n " encoding "\n dsb ish\n isb" ::"r"(operand) : "memory");          \
    }
TLBI(vmalle1, "tlbi vmalle1")
TLBI(vmalle1is, "tlbi vmalle1is")
TLBI(vmalle1os, "sys #0, c8, c1, #0")
TLBI(vae1, "tlbi vae1, %0")
TLBI(vae1is, "tlbi vae1is, %0")
TLBI(vae1os, "sys #0, c8, c1, #1, %0")
TLBI(aside1, "tlbi aside1, %0")
TLBI(aside1is, "tlbi aside1is, %0")
TLBI(aside1os, "sys #0, c8, c1, #2, %0")
TLBI(vaae1, "tlbi vaae1, %0")
TLBI(vaae1is, "tlbi vaae1is, %0")
TLBI(vaae1os, "sys #0, c8, c1, #3, %0")
TLBI(vale1, "tlbi vale1, %0")
TLBI(vale1is, "tlbi vale1is, %0")
TLBI(vale1os, "sys #0, c8, c1, #5, %0")
TLBI(vaale1, "tlbi vaale1, %0")
TLBI(vaale1is, "tlbi vaale1is, %0")
TLBI(vaale1os, "sys #0, c8, c1, #7, %0")
TLBI(rvae1, "sys #0, c8, c6, #1, %0")
TLBI(rvae1is, "sys #0, c8, c2, #1, %0")
TLBI(rvae1os, "sys #0, c8, c5, #1, %0")
TLBI(rvaae1, "sys #0, c8, c6, #3, %0")
TLBI(rvaae1is, "sys #0, c8, c2, #3, %0")
TLBI(rvaae1os, "sys #0, c8, c5, #3, %0")
TLBI(rvale1, "sys #0, c8, c6, #5, %0")
TLBI(rvale1is, "sys #0, c8, c2, #5, %0")
TLBI(rvale1os, "sys #0, c8, c5, #5, %0")
TLBI(rvaale1, "sys #0, c8, c6, #7, %0")
TLBI(rvaale1is, "sys #0, c8, c2, #7, %0")
TLBI(rvaale1os, "sys #0, c8, c5, #7, %0")

static u64 step, cpus_there;

static void next_step(void)
{
    store_release(&go, ++step);
    while (cpus_there > 1 && load_acquire(&ready) < step)
        relax();
}

/* Takes a page away with one operation; whether this CPU and another one (for a broadcast) fault.
 */
static void one_form(const char *name, void (*tlbi)(u64), u64 operand, int broadcast)
{
    u64 here;

    map_page(watched_va, target, NORMAL | NG);
    peek(watched_va);
    next_step();
    this_cpu()->exceptions = 0;
    *page_desc(watched_va) = 0;
    tlbi(operand);
    peek(watched_va);
    here = this_cpu()->exceptions;
    this_cpu()->exceptions = 0;
    next_step();
    say("%s: %d %d\n", name, here, broadcast && cpus_there > 1 ? saw : 1);
}

static void forms(const char *name, void (*local)(u64), void (*inner)(u64), void (*outer)(u64),
                  u64 operand)
{
    say("%s, local, inner, outer\n", name);
    one_form("  local", local, operand, 0);
    one_form("  inner", inner, operand, 1);
    one_form("  outer", outer, operand, 1);
}

/* BaseADDR, and ranges: TG 4 KiB, SCALE, NUM. */
static u64 range(u64 va, u64 scale, u64 num)
{
    return (va >> 12 & ones(37)) | num << 39 | scale << 44 | 1ul << 46 | 3ul << 48;
}

static void maintenance(void)
{
    u64 page, asid = 3ul << 48;

    cpus_there = cpu_count(2);
    watched_va = WINDOW + 40 * BLOCK + 33 * PAGE;
    page = watched_va >> 12;
    write_sysreg(ttbr0_el1, (u64)level1 | asid);
    map_page(watched_va, target, NORMAL);
    if (cpus_there > 1)
        while (cpu_on(1, watcher, 14 * 3 * 2))
            relax();
    forms("VMALLE1", vmalle1, vmalle1is, vmalle1os, 0);
    forms("VAE1", vae1, vae1is, vae1os, asid | page);
    forms("ASIDE1", aside1, aside1is, aside1os, asid);
    forms("VAAE1", vaae1, vaae1is, vaae1os, page);
    forms("VALE1", vale1, vale1is, vale1os, asid | page);
    forms("VALE1 with TTL", vale1, vale1is, vale1os, asid | 7ul << 44 | page);
    forms("VAALE1", vaale1, vaale1is, vaale1os, page);
    forms("RVAE1", rvae1, rvae1is, rvae1os, range(watched_va, 0, 0));
    forms("RVAE1, the last page", rvae1, rvae1is, rvae1os, range(watched_va - PAGE, 0, 0));
    forms("RVAAE1, 64 pages", rvaae1, rvaae1is, rvaae1os, range(watched_va - 63 * PAGE, 0, 31));
    forms("RVALE1, scale 1", rvale1, rvale1is, rvale1os, range(watched_va - 128 * PAGE, 1, 2));
    forms("RVAALE1, scale 2", rvaale1, rvaale1is, rvaale1os, range(WINDOW, 2, 15));
    forms("RVAALE1, scale 3", rvaale1, rvaale1is, rvaale1os, range(WINDOW, 3, 0));
    forms("RVAAE1, from zero", rvaae1, rvaae1is, rvaae1os, range(0, 3, 31));
    if (cpus_there > 1)
        cpu_wait_off(1);
    write_sysreg(ttbr0_el1, level1);
    tlbi_all();
}

/* --- access flag and dirty state, by two CPUs -------------------------------------------------*/

enum { RACES = 1000 };
static u64 race_turn, race_done;

static void racer(u64 self)
{
    write_sysreg(tcr_el1, tcr0 | EPD1 | HA | HD);
    for (u64 i = 1; i <= RACES; i++) {
        while (load_acquire(&race_turn) < i)
            relax();
        if (i & 1)
            poke(WINDOW + 48 * BLOCK + 8 * self, i);
        else
            asm volatile("ldadd %0, x9, [%1]" ::"r"(1ul), "r"(WINDOW + 48 * BLOCK + 8 * self)
                         : "x9", "memory");
        store_release(&race_done, i);
    }
}

static void races(void)
{
    volatile u64 *desc = page_desc(WINDOW + 48 * BLOCK), *words = (volatile u64 *)target;
    u64 bad = 0, lost = 0;

    cpus_there = cpu_count(2);
    *desc = (u64)target | INNER | AP(2) | DBM | 3;
    write_sysreg(tcr_el1, tcr0 | EPD1 | HA | HD);
    tlbi_all();
    if (cpus_there > 1)
        while (cpu_on(1, racer, 1))
            relax();
    for (u64 i = 1; i <= RACES; i++) {
        *desc = 0;
        tlbi_all();
        words[0] = words[1] = i - 1;
        *desc = (u64)target | INNER | AP(2) | DBM | (i & 2 ? AF : 0) | 3;
        dsb();
        store_release(&race_turn, i);
        poke(WINDOW + 48 * BLOCK, i);
        while (cpus_there > 1 && load_acquire(&race_done) < i)
            relax();
        bad += (*desc & (AF | AP(2))) != AF;
        lost += words[0] != i || (cpus_there > 1 && words[1] != i);
    }
    if (cpus_there > 1)
        cpu_wait_off(1);
    report("access flag and dirty state by two CPUs");
    say("descriptors wrong %d, stores lost %d\n", bad, lost);
    write_sysreg(tcr_el1, tcr0 | EPD1);
    tlbi_all();
}

int main(void)
{
    tcr0 = read_sysreg(tcr_el1) & ~(3ul << 30 | EPD1 | 0x3ful << 16);
    geometry();
    limits();
    permissions();
    maintenance();
    races();
    say("done\n");
    return 0;
}
