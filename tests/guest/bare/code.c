/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Code that changes: rewritten in place, seen through several addresses, remapped, changed while
 * another CPU runs it. Manual B2.4.4: DC CVAU, DSB, IC IVAU, DSB, ISB make new code visible; other
 * PEs need an ISB of their own.
 */
#include "bare.h"

enum { RET = 0xd65f03c0, ROUNDS = 1000, CROSS_ROUNDS = 200 };

typedef u64 function(void);

static u32 code[2][PAGE / 4] PAGE_ALIGNED;
static u64 shared_seen, shared_stop;

/* MOVZ W0, #n */
static u32 movz(u64 n)
{
    return (u32)(0x52800000 | (n & 0xffff) << 5);
}

static void write_function(u32 *at, u64 n)
{
    ((volatile u32 *)at)[0] = movz(n);
    ((volatile u32 *)at)[1] = RET;
}

static u64 call(u64 va)
{
    return ((function *)va)();
}

/* --- one CPU ----------------------------------------------------------------------------------*/

static void in_place(void)
{
    u64 sum = 0;

    for (u64 i = 0; i < ROUNDS; i++) {
        write_function(code[0], i);
        sync_code(code[0], 8);
        sum += call((u64)code[0]);
    }
    say("rewritten %d times: sum %d\n", (u64)ROUNDS, sum);
    sum = 0;
    for (u64 i = 0; i < ROUNDS; i++) {
        write_function(code[0] + i % 1000, i);
        asm volatile("dc cvau, %0\n dsb ish\n ic ialluis\n dsb ish\n isb" ::"r"(code[0] + i % 1000)
                     : "memory");
        sum += call((u64)(code[0] + i % 1000));
    }
    say("all over a page, IC IALLUIS: sum %d\n", sum);
}

/* u64 same_page(rounds): adds up what an instruction just behind the writer's ISB moves. */
u64 same_page(u64 rounds);
u64 same_page_branch(u64 rounds);
asm(".pushsection .writable, \"awx\"\n"
    "   .balign 256\n"
    "same_page:\n"
    "   mov x14, x0\n"
    "   mov x9, #0\n"
    "   mov x10, #0\n"
    "   adr x11, 2f\n"
    "   mov w12, #0x52800000\n"
    "1: orr w13, w12, w10, lsl #5\n"
    "   str w13, [x11]\n"
    "   dc cvau, x11\n"
    "   dsb ish\n"
    "   ic ivau, x11\n"
    "   dsb ish\n"
    "   isb\n"
    "2: mov w0, #0xffff\n"
    "   add x9, x9, x0\n"
    "   add x10, x10, #1\n"
    "   cmp x10, x14\n"
    "   b.ne 1b\n"
    "   mov x0, x9\n"
    "   ret\n"
    /* The same with a branch that goes one of two ways, in a loop that runs by itself. */
    "same_page_branch:\n"
    "   mov x9, #0\n"
    "   mov x10, x0\n"
    "   adr x11, 2f\n"
    "   mov w12, #2\n"
    "   movk w12, #0x1400, lsl #16\n" /* B .+8 */
    "1: eor w12, w12, #1\n"           /* B .+12, B .+8 */
    "   str w12, [x11]\n"
    "   dc cvau, x11\n"
    "   dsb ish\n"
    "   ic ivau, x11\n"
    "   dsb ish\n"
    "   isb\n"
    "   mov x13, #3\n"
    "2: b 3f\n"
    "   nop\n"
    "3: add x9, x9, #1\n"
    "   add x9, x9, #16\n"
    "   subs x13, x13, #1\n"
    "   b.ne 2b\n"
    "   subs x10, x10, #1\n"
    "   b.ne 1b\n"
    "   mov x0, x9\n"
    "   ret\n"
    "   .popsection\n");

USER static void user_call(u64 va)
{
    asm volatile("blr %0\n svc #0x42" ::"r"(va) : "x30", "x0");
}

static void levels(void)
{
    u64 bad = 0;

    map_page(WINDOW, code[0], NORMAL | AP(3));
    for (u64 i = 0; i < ROUNDS; i++) {
        write_function(code[0], i);
        sync_code(code[0], 8);
        bad += call(WINDOW) != i;
        bad += run_user(user_call, WINDOW) != i;
    }
    say("called from both levels: %d wrong\n", bad);
}

/* --- addresses --------------------------------------------------------------------------------*/

static void aliases(void)
{
    u64 a = WINDOW, b = WINDOW + 37 * PAGE, c = WINDOW + 1024 * PAGE, bad = 0;

    map_page(a, code[0], NORMAL | UXN);
    map_page(b, code[0], NORMAL | UXN);
    map_page(c, code[0], NORMAL | UXN);
    for (u64 i = 0; i < ROUNDS; i++) {
        write_function((u32 *)(i & 1 ? a : c), i);
        sync_code((u32 *)(i & 2 ? b : a), 8);
        bad += call(a) != i;
        bad += call(b) != i;
        bad += call(c) != i;
        bad += call((u64)code[0]) != i;
    }
    say("one page at four addresses: %d wrong\n", bad);
}

static void remapped(void)
{
    u64 bad = 0;

    write_function(code[0], 0);
    write_function(code[1], 1);
    sync_code(code, sizeof(code));
    for (u64 i = 0; i < ROUNDS; i++) {
        map_page(WINDOW, code[i & 1], NORMAL | UXN);
        bad += call(WINDOW) != (i & 1);
        bad += call(WINDOW) != (i & 1);
    }
    map_page(WINDOW, 0, 0);
    call(WINDOW);
    report("call into what was unmapped");
    say("one address, two pages: %d wrong\n", bad);
}

/* A call across pages, whose target page changes behind the caller. */
static void across(void)
{
    u64 bad = 0;
    u32 *caller = code[0] + PAGE / 4 - 4;

    map_page(WINDOW, code[0], NORMAL | UXN);
    map_page(WINDOW + PAGE, code[1], NORMAL | UXN);
    ((volatile u32 *)caller)[0] = 0x14000004; /* B .+16: first of the next page */
    sync_code(caller, 4);
    for (u64 i = 0; i < ROUNDS; i++) {
        write_function(code[1], i);
        sync_code(code[1], 8);
        bad += call(WINDOW + PAGE - 16) != i;
        bad += call(WINDOW + PAGE - 16) != i;
    }
    write_function(code[0], 7);
    sync_code(code[0], 8);
    map_page(WINDOW + PAGE, code[0], NORMAL | UXN);
    bad += call(WINDOW + PAGE - 16) != 7;
    map_page(WINDOW + PAGE, 0, 0);
    call(WINDOW + PAGE - 16);
    report("branch into what was unmapped");
    say("branch across pages: %d wrong\n", bad);
}

/* --- another CPU ------------------------------------------------------------------------------*/

static void caller(u64 va)
{
    while (!load_acquire(&shared_stop)) {
        isb();
        store_release(&shared_seen, call(va));
    }
}

static void cross(void)
{
    u64 helper = cpu_count(2) > 1;

    write_function(code[0], 0);
    sync_code(code[0], 8);
    map_page(WINDOW, code[0], NORMAL | UXN);
    if (helper)
        cpu_on(1, caller, WINDOW);
    for (u64 i = 1; i <= CROSS_ROUNDS; i++) {
        write_function(code[0], i);
        sync_code(code[0], 8);
        while (load_acquire(&shared_seen) != i)
            if (!helper)
                shared_seen = call(WINDOW);
    }
    store_release(&shared_stop, 1);
    if (helper)
        cpu_wait_off(1);
    say("changed under a running CPU: last seen %d\n", load_acquire(&shared_seen));
}

/* Spins in one page without ISB: B to itself becomes B .+4 (one of the instructions that may be
 * changed under another PE, manual B2.2.5), to be seen in finite time. */
static void spinner(u64 va)
{
    call(va);
    store_release(&shared_seen, 1);
}

static void cross_spin(void)
{
    volatile u32 *at = code[1];

    if (cpu_count(2) > 1) {
        at[0] = 0x14000000;
        at[1] = RET;
        sync_code(code[1], 8);
        shared_seen = 0;
        cpu_on(1, spinner, (u64)at);
        for (u64 i = 0; i < 10000; i++)
            relax();
        at[0] = 0x14000001;
        sync_code(code[1], 4);
        cpu_wait_off(1);
    } else {
        shared_seen = 1;
    }
    say("a spinning CPU let go: %d\n", load_acquire(&shared_seen));
}

int main(void)
{
    in_place();
    say("in its own page: %d\n", same_page(ROUNDS));
    say("branches in its own page: %d\n", same_page_branch(10));
    levels();
    aliases();
    remapped();
    across();
    cross();
    cross_spin();
    say("done\n");
    return 0;
}
