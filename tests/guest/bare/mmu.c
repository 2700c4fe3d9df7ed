/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Address translation as a guest sees it: faults and their syndromes, permissions, access flag and
 * dirty state, and above all that no stale translation is used: remapping, address spaces, blocks
 * that are split, maintenance by another CPU. Manual D8.
 */
#include "bare.h"

enum { ROUNDS = 1000 };

static u64 pages[4][PAGE / 8] PAGE_ALIGNED;
static u32 code[PAGE / 4] PAGE_ALIGNED;
static u64 other_level1[512] PAGE_ALIGNED, other_level2[512] PAGE_ALIGNED;
static u64 other_level3[512] PAGE_ALIGNED;
static u64 shared_stop, shared_bad, shared_rounds;

/* --- one address space ------------------------------------------------------------------------*/

static void levels(void)
{
    u64 tcr = read_sysreg(tcr_el1);

    map_page(WINDOW + PAGE, pages[0], NORMAL);
    peek(0xc0000000ul);
    report("level 1");
    peek(WINDOW + 8 * BLOCK);
    report("level 2");
    peek(WINDOW);
    report("level 3");
    poke(WINDOW, 0);
    report("level 3, write");
    peek(1ul << 39);
    report("beyond TTBR0's range");
    peek(~0xffful);
    report("TTBR1, not configured");
    map_page(WINDOW + PAGE, (void *)(1ul << 41), NORMAL);
    peek(WINDOW + PAGE);
    report("output address too large");
    map_page(WINDOW + PAGE, (void *)0x60000000, NORMAL);
    peek(WINDOW + PAGE);
    report("nothing there");
    map_page(WINDOW + PAGE, pages[0], NORMAL);
    pages[0][0] = 0x1234;
    peek(WINDOW + PAGE + (0x5aul << 56));
    report("tagged address");
    write_sysreg(tcr_el1, tcr | 1ul << 37); /* TBI0 */
    say("tagged address with TBI0: %x\n", peek(WINDOW + PAGE + (0x5aul << 56)));
    report("tagged address with TBI0");
    peek(WINDOW + (0x5aul << 56));
    report("tagged address with TBI0, unmapped");
    map_page(WINDOW + PAGE, 0, 0);
    peek(WINDOW + PAGE + (0x5aul << 56));
    report("tagged address with TBI0, after TLBI of the untagged");
    write_sysreg(tcr_el1, tcr);
    tlbi_all();
}

static void remap(void)
{
    u64 bad = 0;

    pages[0][1] = 10;
    pages[1][1] = 11;
    for (u64 i = 0; i < ROUNDS; i++) {
        map_page(WINDOW, pages[i & 1], NORMAL);
        bad += peek(WINDOW + 8) != 10 + (i & 1);
        poke(WINDOW + 16, i);
        bad += pages[i & 1][2] != i;
    }
    say("remapped: %d wrong\n", bad);
    map_page(WINDOW, 0, 0);
    peek(WINDOW + 8);
    report("unmapped");
}

/* Entries of an invalid descriptor are never cached: no TLBI after making it valid. */
static void no_faults_cached(void)
{
    volatile u64 *desc = page_desc(WINDOW + 3 * PAGE);

    peek(WINDOW + 3 * PAGE);
    *desc = (u64)pages[0] | NORMAL | 3;
    dsb();
    isb();
    peek(WINDOW + 3 * PAGE);
    report("made valid without TLBI");
}

/* --- blocks -----------------------------------------------------------------------------------*/

#define B         (WINDOW + 4ul * BLOCK)
#define RAM_BLOCK 0x46000000ul

static u64 touch(u64 va)
{
    u64 sum = 0;

    for (u64 at = 0; at < BLOCK; at += BLOCK / 16)
        sum += peek(va + at + at / 512);
    return sum;
}

static void blocks(void)
{
    u64 bad = 0, value;
    static const u32 body[] = {0x52800540, 0xd65f03c0}; /* MOV W0, #42; RET */

    for (u64 at = 0; at < BLOCK; at += BLOCK / 16)
        poke(RAM_BLOCK + at + at / 512, at >> 16);
    for (u64 at = 0; at < BLOCK; at += BLOCK / 16)
        poke(RAM_BLOCK + BLOCK + at + at / 512, 1);
    for (u64 i = 0; i < 50; i++) {
        map_block(B, RAM_BLOCK + (i & 1) * BLOCK, NORMAL);
        value = touch(B);
        bad += value != (i & 1 ? 16 : 2 * 120);
        *block_desc(B) = 0;
        tlbi_va(B + (i * 0x1f000 & (BLOCK - 1))); /* any address in it */
        this_cpu()->exceptions = 0;
        touch(B);
        bad += this_cpu()->exceptions != 16;
    }
    this_cpu()->exceptions = 0;
    say("blocks changed and removed with one TLBI: %d wrong\n", bad);

    map_block(B, RAM_BLOCK, NORMAL);
    value = touch(B);
    *block_desc(B) = 0;
    tlbi_va(B);
    map_page(B, pages[0], NORMAL); /* the descriptor is free: a table is put there */
    map_page(B + BLOCK / 16 + BLOCK / 16 / 512 - BLOCK / 16 / 512 % PAGE, pages[1], NORMAL);
    touch(B);
    say("split: %d of 16 fault\n", this_cpu()->exceptions);
    this_cpu()->exceptions = 0;

    *(volatile u32 *)(RAM_BLOCK + 0x7000) = body[0];
    *(volatile u32 *)(RAM_BLOCK + 0x7004) = body[1];
    *(volatile u32 *)(RAM_BLOCK + 0x107000) = body[0];
    *(volatile u32 *)(RAM_BLOCK + 0x107004) = body[1];
    sync_code((void *)(RAM_BLOCK + 0x7000), 8);
    sync_code((void *)(RAM_BLOCK + 0x107000), 8);
    map_block(B + BLOCK, RAM_BLOCK, NORMAL | UXN);
    say("code in a block: %d %d\n", ((u64(*)(void))(B + BLOCK + 0x7000))(),
        ((u64(*)(void))(B + BLOCK + 0x107000))());
    *block_desc(B + BLOCK) = 0;
    tlbi_va(B + BLOCK + 0x50000);
    ((u64(*)(void))(B + BLOCK + 0x7000))();
    ((u64(*)(void))(B + BLOCK + 0x107000))();
    report("code in a removed block");
}

/* --- address spaces ---------------------------------------------------------------------------*/

#define SPACE (WINDOW + 16ul * BLOCK)

static void set_space(u64 asid)
{
    write_sysreg(ttbr0_el1, (asid == 1 ? (u64)level1 : (u64)other_level1) | asid << 48);
}

static void tlbi_by_asid(u64 asid)
{
    asm volatile("dsb ishst\n tlbi aside1is, %0\n dsb ish\n isb" ::"r"(asid << 48) : "memory");
}

static void tlbi_by_va(u64 asid, u64 va)
{
    asm volatile("dsb ishst\n tlbi vae1is, %0\n dsb ish\n isb" ::"r"(asid << 48 | va >> 12)
                 : "memory");
}

static void spaces(void)
{
    u64 bad = 0;

    for (int i = 0; i < 512; i++)
        other_level1[i] = level1[i];
    other_level1[WINDOW >> 30] = (u64)other_level2 | 3;
    *page_desc(SPACE) = (u64)pages[0] | NORMAL | NG | 3;
    *page_desc(SPACE + PAGE) = (u64)pages[2] | NORMAL | 3; /* global, in both */
    other_level2[16] = (u64)other_level3 | 3;
    other_level3[0] = (u64)pages[1] | NORMAL | NG | 3;
    other_level3[1] = (u64)pages[2] | NORMAL | 3;
    pages[0][3] = 100;
    pages[1][3] = 101;
    pages[2][3] = 102;
    pages[3][3] = 103;
    dsb();
    for (u64 i = 0; i < ROUNDS; i++) {
        set_space(1 + (i & 1));
        bad += peek(SPACE + 24) != 100 + (i & 1);
        bad += peek(SPACE + PAGE + 24) != 102;
        poke(SPACE + 32, i);
        bad += pages[i & 1][4] != i;
    }
    say("two address spaces: %d wrong\n", bad);

    bad = 0;
    for (u64 i = 0; i < ROUNDS; i++) {
        /* From space 1, change space 2. */
        set_space(1);
        other_level3[0] = (u64)pages[i & 2 ? 1 : 3] | NORMAL | NG | 3;
        if (i & 1)
            tlbi_by_asid(2);
        else
            tlbi_by_va(2, SPACE);
        bad += peek(SPACE + 24) != 100;
        set_space(2);
        bad += peek(SPACE + 24) != (i & 2 ? 101 : 103);
    }
    say("another address space changed: %d wrong\n", bad);

    /* A global entry goes with any ASID. */
    bad = 0;
    for (u64 i = 0; i < ROUNDS; i++) {
        set_space(2);
        peek(SPACE + PAGE);
        set_space(1);
        peek(SPACE + PAGE);
        *page_desc(SPACE + PAGE) = other_level3[1] = 0;
        tlbi_by_va(1, SPACE + PAGE);
        *page_desc(SPACE + PAGE) = other_level3[1] = (u64)pages[i & 1 ? 2 : 3] | NORMAL | 3;
        dsb();
        bad += peek(SPACE + PAGE + 24) != (i & 1 ? 102 : 103);
        set_space(2);
        bad += peek(SPACE + PAGE + 24) != (i & 1 ? 102 : 103);
    }
    set_space(1);
    say("global entries: %d wrong\n", bad);
    write_sysreg(ttbr0_el1, level1);
    tlbi_all();
}

/* --- access flag and dirty state --------------------------------------------------------------*/

static void hardware_update(void)
{
    u64 tcr = read_sysreg(tcr_el1), va = WINDOW + 5 * PAGE;
    volatile u64 *desc = page_desc(va);

    map_page(va, pages[0], INNER);
    peek(va);
    report("AF = 0, read");
    poke(va, 1);
    report("AF = 0, write");
    asm volatile("at s1e1r, %0\n isb" ::"r"(va));
    say("AT S1E1R: PAR_EL1 %x\n", read_sysreg(par_el1) & 0xfff);
    write_sysreg(tcr_el1, tcr | 1ul << 39); /* HA */
    tlbi_all();
    peek(va);
    report("HA, read");
    say("  AF %d\n", *desc >> 10 & 1);
    map_page(va, pages[0], INNER | AP(2));
    poke(va, 1);
    report("HA, write to a read-only page");
    map_page(va, pages[0], INNER | AP(2) | DBM);
    poke(va, 1);
    report("HA without HD, write to a clean page");
    write_sysreg(tcr_el1, tcr | 3ul << 39); /* HA, HD */
    tlbi_all();
    map_page(va, pages[0], INNER | AP(2) | DBM);
    peek(va);
    report("HD, read of a clean page");
    say("  AF %d, AP<2> %d\n", *desc >> 10 & 1, *desc >> 7 & 1);
    poke(va, 0x77);
    report("HD, write to a clean page");
    say("  AF %d, AP<2> %d, memory %x\n", *desc >> 10 & 1, *desc >> 7 & 1, pages[0][0]);
    map_page(va, pages[0], INNER | AP(2) | DBM);
    peek(va);
    asm volatile("ldadd %0, x9, [%1]" ::"r"(1ul), "r"(va) : "x9", "memory");
    report("HD, atomic on a clean page");
    say("  AP<2> %d, memory %x\n", *desc >> 7 & 1, pages[0][0]);
    map_page(va, pages[0], INNER | AP(3));
    poke(va, 0);
    report("HD, write to a page without DBM");
    write_sysreg(tcr_el1, tcr);
    tlbi_all();
}

/* --- permissions ------------------------------------------------------------------------------*/

USER static void user_read(u64 va)
{
    asm volatile("ldr x9, [%0]\n svc #0x42" ::"r"(va) : "x9");
}

USER static void user_write(u64 va)
{
    asm volatile("str xzr, [%0]\n svc #0x42" ::"r"(va) : "memory");
}

USER static void user_run(u64 va)
{
    asm volatile("blr %0\n svc #0x42" ::"r"(va) : "x30");
}

/* The fault's status code, or 0. */
static u64 fault(void)
{
    struct cpu *cpu = this_cpu();
    u64 code = cpu->exceptions ? cpu->esr & 0x7f : 0;

    cpu->exceptions = 0;
    return code;
}

static void permissions(void)
{
    u64 va = WINDOW + 6 * PAGE, sctlr = read_sysreg(sctlr_el1);

    code[0] = 0xd65f03c0;
    sync_code(code, 4);
    say("AP PXN UXN WXN PAN: read write run at EL1, at EL0, LDTR STTR\n");
    for (u64 i = 0; i < 64; i++) {
        u64 ap = i & 3, pxn = i >> 2 & 1, uxn = i >> 3 & 1, wxn = i >> 4 & 1, pan = i >> 5;
        u64 status[8];
        map_page(va, code, NORMAL | AP(ap) | (pxn ? PXN : 0) | (uxn ? UXN : 0));
        write_sysreg(sctlr_el1, sctlr | wxn << 19);
        asm volatile(".arch armv8.2-a+pan\n cbz %0, 1f\n msr pan, #1\n 1:" ::"r"(pan));
        peek(va);
        status[0] = fault();
        poke(va, 0xd65f03c0);
        status[1] = fault();
        ((void (*)(void))va)();
        status[2] = fault();
        asm volatile("ldtr x9, [%0]" ::"r"(va) : "x9");
        status[6] = fault();
        asm volatile("sttr %0, [%1]" ::"r"(0xd65f03c0ul), "r"(va) : "memory");
        status[7] = fault();
        asm volatile("msr pan, #0");
        run_user(user_read, va);
        status[3] = fault();
        run_user(user_run, va);
        status[5] = fault();
        run_user(user_write, va);
        status[4] = fault();
        poke(va, 0xd65f03c0);
        fault();
        *(volatile u32 *)code = 0xd65f03c0;
        say("%d %d %d %d %d: %x %x %x, %x %x %x, %x %x\n", ap, pxn, uxn, wxn, pan, status[0],
            status[1], status[2], status[3], status[4], status[5], status[6], status[7]);
    }
    write_sysreg(sctlr_el1, sctlr);
    map_page(va, 0, 0);
}

/* --- another CPU ------------------------------------------------------------------------------*/

#define SHARED (WINDOW + 32ul * BLOCK)
enum { LIVE = 1, DEAD = 2 };

static void again(struct cpu *cpu, struct frame *frame)
{
    (void)frame;
    (void)cpu;
}

/* Reads and writes what CPU 0 maps; it may fault, but never see a page that was taken away. */
static void user_of_page(u64 va)
{
    u64 bad = 0, rounds = 0;

    this_cpu()->handler = again;
    while (!load_acquire(&shared_stop)) {
        bad += peek(va) != LIVE;
        poke(va + 8, 1);
        store_release(&shared_rounds, ++rounds);
    }
    shared_bad = bad;
    this_cpu()->handler = 0;
}

static void broken_by_another(void)
{
    u64 cpus = cpu_count(4), bad = 0;

    for (int i = 0; i < 4; i++)
        pages[i][0] = LIVE;
    map_page(SHARED, pages[0], NORMAL);
    if (cpus > 1)
        cpu_on(1, user_of_page, SHARED);
    for (u64 i = 0; i < 100; i++) {
        u64 *old = pages[i & 1], *new = pages[(i + 1) & 1];
        u64 seen = load_acquire(&shared_rounds);
        while (cpus > 1 && load_acquire(&shared_rounds) == seen)
            relax();
        *page_desc(SHARED) = 0;
        if (i & 2)
            tlbi_all();
        else
            tlbi_va(SHARED);
        ((volatile u64 *)old)[0] = DEAD;
        ((volatile u64 *)old)[1] = 0;
        for (u64 n = 0; n < 100; n++)
            bad += ((volatile u64 *)old)[1] != 0;
        ((volatile u64 *)new)[0] = LIVE;
        *page_desc(SHARED) = (u64) new | NORMAL | 3;
        dsb();
    }
    store_release(&shared_stop, 1);
    if (cpus > 1)
        cpu_wait_off(1);
    say("pages taken away from another CPU: %d wrong\n", bad + shared_bad);
}

static __attribute__((noinline)) u64 sum_of(const volatile u64 *words)
{
    u64 sum = 0;
    for (int i = 0; i < 512; i++)
        sum += words[i];
    return sum;
}

static __attribute__((noinline)) void fill_with(volatile u64 *words, u64 value)
{
    for (int i = 0; i < 512; i++)
        words[i] = value;
}

/* The same loops before and after: whatever they keep of the page must go with its translation. */
static void loops_follow(void)
{
    u64 sum[3];

    fill_with(pages[0], 1);
    fill_with(pages[1], 2);
    map_page(SHARED, pages[0], NORMAL);
    fill_with((u64 *)SHARED, 3);
    sum[0] = sum_of((u64 *)SHARED);
    for (int all = 0; all < 2; all++) {
        *page_desc(SHARED) = 0;
        if (all)
            tlbi_all();
        else
            tlbi_va(SHARED);
        *page_desc(SHARED) = (u64)pages[all ? 0 : 1] | NORMAL | 3;
        dsb();
        fill_with((u64 *)SHARED, (u64)(4 + all));
        sum[1 + all] = sum_of((u64 *)SHARED);
    }
    say("loops over a page that changes: %d %d %d, left %d %d\n", sum[0], sum[1], sum[2],
        pages[0][511], pages[1][511]);
}

int main(void)
{
    levels();
    remap();
    no_faults_cached();
    blocks();
    spaces();
    hardware_update();
    permissions();
    broken_by_another();
    loops_follow();
    say("done\n");
    return 0;
}
