/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Loops that end in a fault, after a while: what the handler finds in SPSR_EL1 are the flags of the
 * last turn's comparison (D1.3.1), whatever an engine makes of a loop that is hot.
 */
#include "bare.h"

enum { N = 8, Z = 4, C = 2, V = 1, TURNS = 200, ROUNDS = 1500 };

static u8 page[PAGE] PAGE_ALIGNED;
static u64 nzcv, left[4];

/* The fault ends the loop: it goes on where x10 says. */
static void leave(struct cpu *cpu, struct frame *frame)
{
    nzcv = frame->spsr >> 28;
    left[0] = frame->x[0];
    left[1] = frame->x[1];
    frame->elr = frame->x[10];
}

static u64 flags64(u64 a, u64 b)
{
    u64 r = a - b;

    return (r >> 63) * N + !r * Z + (a >= b) * C + (((a ^ b) & (a ^ r)) >> 63) * V;
}

static u64 flags32(u32 a, u32 b)
{
    return flags64((u64)a << 32, (u64)b << 32);
}

/* Some bits of each kind, as other guests' numbers are. */
static u64 number(u64 round)
{
    static const u64 some[] = {0, 1, 1ul << 63, 1ul << 31, ~0ul, 1ul << 32, ~0ul >> 1, 0x80000001};

    return some[round % 8] + round / 8 % 3 - 1;
}

/* Each loop takes where to begin in the mapped page and a number, and says which flags there have
 * to be. */

static u64 pointers(u64 from, u64 n)
{
    register u64 x0 asm("x0") = from;
    register u64 x1 asm("x1") = (n ^ from) | 4;

    asm volatile("adr x10, 2f\n"
                 "1: ldr x9, [x0]\n add x0, x0, #8\n cmp x0, x1\n b.ne 1b\n"
                 "2:"
                 : "+r"(x0)
                 : "r"(x1)
                 : "x9", "x10", "cc", "memory");
    return flags64(left[0], left[1]);
}

static u64 counts(u64 from, u64 n)
{
    register u64 x0 asm("x0") = from;
    register u64 x1 asm("x1") = n;

    asm volatile("adr x10, 2f\n"
                 "1: str w1, [x0], #8\n subs w1, w1, #3\n b.ne 1b\n"
                 "2:"
                 : "+r"(x0), "+r"(x1)::"x9", "x10", "cc", "memory");
    return flags32((u32)left[1] + 3, 3);
}

static u64 values(u64 from, u64 n)
{
    register u64 x0 asm("x0") = from;
    register u64 x1 asm("x1") = n;

    asm volatile("adr x10, 2f\n mov x9, #1\n"
                 "1: cbz x9, 2f\n ldr x1, [x0], #8\n eor x9, x1, x0\n cmp w1, #5\n b.ne 1b\n"
                 "2:"
                 : "+r"(x0), "+r"(x1)::"x9", "x10", "cc", "memory");
    return flags32((u32)left[1], 5);
}

/* Flags that the next turn looks at, too. */
static u64 carried(u64 from, u64 n)
{
    register u64 x0 asm("x0") = from;
    register u64 x1 asm("x1") = n | 1;

    asm volatile("adr x10, 2f\n cmp x0, x1\n"
                 "1: csinc x11, x0, x1, hi\n ldr x9, [x0], #8\n cmp x0, x1\n b.ne 1b\n"
                 "2:"
                 : "+r"(x0)
                 : "r"(x1)
                 : "x9", "x10", "x11", "cc", "memory");
    return flags64(left[0], left[1]);
}

/* The last comparison's operand is gone when the next turn begins. */
static u64 forgotten(u64 from, u64 n)
{
    register u64 x0 asm("x0") = from;
    register u64 x1 asm("x1") = n;

    asm volatile("adr x10, 2f\n mov x11, #64\n"
                 "1: ldr x9, [x0], #8\n mov x1, x11\n cmp x11, #9\n mov x11, x9\n b.ne 1b\n"
                 "2:"
                 : "+r"(x0), "+r"(x1)::"x9", "x10", "x11", "cc", "memory");
    return flags64(left[1], 9);
}

/* Rounds of a loop that runs into the end of the page, after up to TURNS turns. */
static void look(const char *name, u64 (*loop)(u64 from, u64 n), u64 end)
{
    u64 wrong = 0, faults = this_cpu()->exceptions;

    for (u64 round = 0; round < ROUNDS; round++) {
        nzcv = 16;
        u64 expected = loop(end - 8 * (TURNS - round * 7 % TURNS), number(round));
        wrong += nzcv != expected;
    }
    say("%s: %d faults, flags wrong: %d\n", name, this_cpu()->exceptions - faults, wrong);
}

int main(void)
{
    u64 end = WINDOW + 5 * PAGE;

    for (u64 i = 0; i < PAGE; i += 8)
        *(u64 *)(page + i) = i * 0x9e3779b97f4a7c15 | 64;
    map_page(end - PAGE, page, NORMAL);
    map_page(end, 0, 0);
    this_cpu()->handler = leave;
    look("a pointer up to another", pointers, end);
    look("a count of 32 bits that is written back", counts, end);
    look("a value that was loaded, and a constant", values, end);
    look("flags that the next turn looks at", carried, end);
    look("a value that is overwritten", forgotten, end);
    say("done\n");
    return 0;
}
