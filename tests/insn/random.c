/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Random tests: rows of the decoder tables with their free bits filled in, registers with corner
 * values. What our side takes an exception on is thrown away and tried again: the oracle's CPU has
 * more features than ours.
 */
#include "insn.h"

#include <string.h>

#include "base/bits.h"
#include "engine/front/a64.h"

uint64_t insn_rnd(struct insn_random *r)
{
    r->seed ^= r->seed << 13;
    r->seed ^= r->seed >> 7;
    r->seed ^= r->seed << 17;
    return r->seed * 0x2545f4914f6cdd1d;
}

static unsigned below(struct insn_random *r, unsigned n)
{
    return (unsigned)((insn_rnd(r) >> 32) % n);
}

/* ---- values -----------------------------------------------------------------------------------*/

static uint64_t corner_integer(struct insn_random *r)
{
    uint64_t v = insn_rnd(r);
    switch (below(r, 12)) {
    case 0:
        return 0;
    case 1:
        return ~0ull;
    case 2:
        return 1;
    case 3:
        return 1ull << 63;
    case 4:
        return INT64_MAX;
    case 5:
        return (uint32_t)v;
    case 6:
        return (uint64_t)(int64_t)(int32_t)v;
    case 7:
        return 0x80000000u;
    case 8:
        return v >> below(r, 64);
    case 9:
        return 1ull << below(r, 64);
    default:
        return v;
    }
}

/* Numbers that matter to floating point, of a format with that many exponent and fraction bits. */
static uint64_t corner_float(struct insn_random *r, unsigned exponent, unsigned fraction)
{
    uint64_t sign = (uint64_t)below(r, 2) << (exponent + fraction);
    uint64_t top = ones(exponent), f = insn_rnd(r) & ones(fraction), bias = top >> 1;
    uint64_t quiet = 1ull << (fraction - 1);
    switch (below(r, 16)) {
    case 0:
        return sign; /* zero */
    case 1:
        return sign | top << fraction; /* infinity */
    case 2:
        return sign | top << fraction | quiet | f;
    case 3:
        return sign | top << fraction | ((f & (quiet - 1)) | 1); /* signalling NaN */
    case 4:
        return sign | f; /* denormal */
    case 5:
        return sign | 1ull << fraction; /* smallest normal */
    case 6:
        return sign | (top - 1) << fraction | ones(fraction); /* largest */
    case 7:
        return sign | bias << fraction; /* one */
    case 8:
        return sign | (bias + below(r, 70)) << fraction | f; /* around integers */
    case 9:
        return sign | (bias + below(r, 8)) << fraction | (f & ~ones(fraction - 4));
    case 10:
        return sign | (uint64_t)below(r, 4) << fraction | f;
    default:
        return sign | (bias - 20 + below(r, 40)) << fraction | f;
    }
}

static union v128 corner_vector(struct insn_random *r)
{
    union v128 v;
    unsigned kind = below(r, 8);
    for (unsigned i = 0; i < 2; i++)
        v.d[i] = kind == 0 ? corner_float(r, 11, 52) : insn_rnd(r);
    for (unsigned i = 0; i < 4 && (kind == 1 || kind == 2); i++)
        v.s[i] = kind == 1 ? (uint32_t)corner_float(r, 8, 23) : (uint32_t)corner_integer(r);
    for (unsigned i = 0; i < 8 && (kind == 3 || kind == 4); i++)
        v.h[i] = kind == 3 ? (uint16_t)corner_float(r, 5, 10) : (uint16_t)corner_integer(r);
    for (unsigned i = 0; i < 2 && kind == 5; i++)
        v.d[i] = corner_integer(r);
    for (unsigned i = 0; i < 16 && kind == 6; i++)
        v.b[i] = (uint8_t[]){0, 1, 0x7f, 0x80, 0xff, 0x20, 0xfe, 0x81}[below(r, 8)];
    return v;
}

void insn_random_state(struct insn_random *r, unsigned n, struct insn_test *test)
{
    struct insn_state *s = &test->before;
    memset(s, 0, sizeof(*s));
    for (unsigned i = 0; i < 31; i++)
        s->x[i] = corner_integer(r);
    for (unsigned i = 0; i < 32; i++)
        s->v[i] = corner_vector(r);
    s->sp = insn_data_va(n) + INSN_DATA / 2;
    s->nzcv = (uint64_t)below(r, 16) << 28;
    if (below(r, 3) == 0) /* AHP, DN, FZ, RMode */
        s->fpcr = (uint64_t)below(r, 32) << 22;
    if (below(r, 4) == 0) /* QC, IDC, IXC, UFC, OFC, DZC, IOC */
        s->fpsr = insn_rnd(r) & 0x0800009f;
    for (unsigned i = 0; i < INSN_DATA; i += 8) {
        uint64_t v = corner_integer(r);
        memcpy(test->data + i, &v, 8);
    }
}

/* ---- instructions -----------------------------------------------------------------------------*/

static bool begins_with(const char *name, const char *const *list)
{
    for (; *list; list++)
        if (!strncmp(name, *list, strlen(*list)))
            return true;
    return false;
}

bool insn_row_testable(const struct insn_random *r, unsigned row)
{
    /* What a user program cannot do or see the same of everywhere; barriers would say nothing. */
    static const char *const not_here[] = {
        "UDF", "SVC",  "HVC", "SMC", "BRK", "HLT", "ERET", "HINT", "YIELD", "WFE", "WFI",
        "SEV", "MSR_", "MRS", "SYS", "ISB", "BL",  "BR",   "RET",  "DCPS",  NULL,
    };
    /* Branches that other tests cover: B and B_cond; B is a prefix of BIC. And where the oracle
     * errs, see simd.c. */
    static const char *const exact[] = {"B",   "B_cond", "CBZ",        "CBNZ",
                                        "TBZ", "TBNZ",   "FCVTZS_ish", NULL};
    const struct a64_row *a = &a64_rows[row];
    if (a->absent || begins_with(a->name, not_here))
        return false;
    for (unsigned i = 0; exact[i]; i++)
        if (!strcmp(a->name, exact[i]))
            return false;
    return !r->only || !strncmp(a->name, r->only, strlen(r->only));
}

static bool is_memory(uint32_t insn)
{
    return bit(insn, 27) && !bit(insn, 25);
}

static bool is_vector_memory(uint32_t insn)
{
    return is_memory(insn) && bit(insn, 26);
}

/* Register numbers of loads and stores that must differ, or the outcome is CONSTRAINED
 * UNPREDICTABLE: all fields that may name a register. */
static bool overlaps(uint32_t insn)
{
    unsigned t = insn & 31, n = insn >> 5 & 31, t2 = insn >> 10 & 31, s = insn >> 16 & 31;
    bool pairs = bits(insn, 29, 27) == 5 || bits(insn, 29, 24) == 8;
    if (is_vector_memory(insn))
        return bits(insn, 29, 27) == 5 && t == t2;
    if (t == n || (pairs && (t2 == n || t2 == t)))
        return true;
    return bits(insn, 29, 24) == 8 && (s == t || s == n || s == t2 || s + 1 == n || t + 1 == n);
}

static uint32_t random_insn(struct insn_random *r, unsigned row)
{
    const struct a64_row *a = &a64_rows[row];
    uint32_t insn;
    do {
        insn = ((uint32_t)insn_rnd(r) & ~a->mask) | a->value;
        if (below(r, 4) == 0 && !is_memory(insn)) /* overlapping registers */
            insn = (((insn & ~(31u << 5)) | (insn & 31) << 5) & ~a->mask) | a->value;
        if (is_memory(insn) && (a->mask >> 5 & 31) == 0 && below(r, 8) == 0)
            insn |= 31 << 5; /* SP */
    } while (is_memory(insn) && overlaps(insn));
    return insn;
}

/* Moves the base register so that the access that missed lands in the data area. */
static void aim(struct insn_random *r, struct insn_test *test, uint32_t insn, unsigned n,
                uint64_t va)
{
    unsigned base = insn >> 5 & 31;
    uint64_t target = insn_data_va(n) + 64 + below(r, INSN_DATA - 128);
    if (below(r, 4))
        target = align_down(target, 16);
    uint64_t *x = base == 31 ? &test->before.sp : &test->before.x[base];
    *x += target - va;
    if (base == 31)
        *x = align_down(*x, 16);
}

bool insn_random_row(struct insn_random *r, unsigned row, unsigned n, struct insn_test *test)
{
    struct insn_result result;
    for (unsigned attempt = 0; attempt < 30; attempt++) {
        uint32_t insn = random_insn(r, row);
        uint64_t va = 0;
        insn_random_state(r, n, test);
        test->name = a64_rows[row].name;
        test->code[0] = insn;
        test->length = 1;
        for (unsigned tries = 0; tries < 3; tries++) {
            insn_run(r->machine, INSN_INTERPRET, test, n, &result, &va);
            if (!result.fault)
                return true;
            if (!va || !is_memory(insn))
                break;
            aim(r, test, insn, n, va);
        }
    }
    return false;
}

/* ---- blocks -----------------------------------------------------------------------------------*/

/* B.cond, CBZ, TBZ over a few of the next instructions. */
static uint32_t random_branch(struct insn_random *r, unsigned distance)
{
    uint32_t x = (uint32_t)insn_rnd(r);
    switch (below(r, 3)) {
    case 0:
        return 0x54000000u | distance << 5 | (x & 15);
    case 1:
        return 0x34000000u | (x & 0x81000000u) | distance << 5 | (x & 31);
    default:
        return 0x36000000u | (x & 0x81f80000u) | distance << 5 | (x & 31);
    }
}

/* Whether it writes X28, which points at the data area throughout a block: anything may whose low
 * five bits, or those of a second register, say 28. */
static bool may_write_base(uint32_t insn)
{
    return (insn & 31) == 28 || (insn >> 10 & 31) == 28 || (insn >> 16 & 31) == 28 ||
           (insn >> 16 & 31) == 27;
}

static uint32_t block_insn(struct insn_random *r)
{
    /* After a load exclusive of another size the outcome is IMPLEMENTATION DEFINED: test_cases.c.
     */
    static const char *const exclusive[] = {"STX", "STLX", NULL};
    for (;;) {
        unsigned row = below(r, A64_ROWS);
        if (!insn_row_testable(r, row) || begins_with(a64_rows[row].name, exclusive))
            continue;
        uint32_t insn = random_insn(r, row);
        if (is_memory(insn)) {
            if (a64_rows[row].mask >> 5 & 31)
                continue; /* no base register */
            insn = (insn & ~(31u << 5)) | 28 << 5;
            if (overlaps(insn) || (bits(insn, 29, 27) == 7 && bit(insn, 24) == 0 && bit(insn, 10)))
                continue; /* write-back moves X28 */
        }
        if (!may_write_base(insn))
            return insn;
    }
}

/*
 * Grows the block by instructions that do not fault when control reaches them from its beginning.
 * What a forward branch skips may fault, so branches are put in at the end of each try and stay
 * only if the whole block still runs through.
 */
void insn_random_block(struct insn_random *r, unsigned n, struct insn_test *test)
{
    unsigned wanted = 2 + below(r, INSN_MAX_BLOCK - 2);
    struct insn_result result;
    insn_random_state(r, n, test);
    test->name = "block";
    test->before.x[28] = insn_data_va(n) + INSN_DATA / 2;
    test->length = 0;
    for (unsigned tries = 0; tries < 200 && test->length < wanted; tries++) {
        test->code[test->length++] = block_insn(r);
        insn_run(r->machine, INSN_INTERPRET, test, n, &result, NULL);
        if (result.fault)
            test->length--;
    }
    for (unsigned i = 0; i + 2 < test->length; i++) {
        uint32_t old = test->code[i];
        if (below(r, 5))
            continue;
        test->code[i] = random_branch(r, 2 + below(r, test->length - i - 2));
        insn_run(r->machine, INSN_INTERPRET, test, n, &result, NULL);
        if (result.fault)
            test->code[i] = old;
    }
    if (!test->length) {
        test->code[0] = 0xd503201f; /* NOP */
        test->length = 1;
    }
}
