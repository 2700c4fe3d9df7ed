/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Random tests: words of the architecture's tables with their free bits filled in, registers with
 * corner values. The interpreter says whether a test stays within its memory; if not, its base
 * register is moved or it is thrown away.
 */
#include "insn.h"

#include <string.h>

#include "arch.h"
#include "base/bits.h"
#include "simd_values.h"

static unsigned below(struct insn_random *r, unsigned n)
{
    return (unsigned)((simd_random(&r->seed) >> 32) % n);
}

uint64_t insn_rnd(struct insn_random *r)
{
    return simd_random(&r->seed);
}

/* ---- state ------------------------------------------------------------------------------------*/

static uint64_t corner_integer(struct insn_random *r)
{
    uint64_t v = simd_random(&r->seed);
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
    case 10:
        return simd_fp_value(&r->seed, 16u << below(r, 3));
    default:
        return v;
    }
}

enum {
    FPCR_FZ16 = 1u << 19,
    FPCR_MODES = 0x1fu << 22, /* RMode, FZ, DN, AHP */
    FPSR_ALL = 0x0800009f,    /* QC, IDC, IXC, UFC, OFC, DZC, IOC */
};

void insn_random_state(struct insn_random *r, struct insn_test *test)
{
    struct insn_state *s = &test->before;
    memset(s, 0, sizeof(*s));
    for (unsigned i = 0; i < 31; i++)
        s->x[i] = corner_integer(r);
    for (unsigned i = 0; i < 32; i++)
        s->v[i] = test->values && below(r, 4)
                      ? simd_half_vector(&r->seed, test->values == INSN_BFLOATS)
                      : simd_vector(&r->seed);
    s->sp = insn_data_va(test->area) + INSN_DATA / 2;
    s->nzcv = (uint64_t)below(r, 16) << 28;
    if (below(r, 3) == 0)
        s->fpcr =
            simd_random(&r->seed) & (FPCR_MODES | (r->have >> ARCH_FEAT_FP16 & 1 ? FPCR_FZ16 : 0));
    if (below(r, 4) == 0)
        s->fpsr = simd_random(&r->seed) & FPSR_ALL;
    for (unsigned i = 0; i < INSN_DATA; i += 8) {
        uint64_t v = corner_integer(r);
        memcpy(test->data + i, &v, 8);
    }
    if (test->area == INSN_READ_ONLY)
        memset(test->data + INSN_DATA / 2, INSN_CONSTANT, INSN_DATA / 2);
}

/* ---- words ------------------------------------------------------------------------------------*/

enum { NOP = 0xd503201f, WFI = 0xd503207f };

static bool is_memory(uint32_t w)
{
    return bit(w, 27) && !bit(w, 25);
}

static bool is_literal(uint32_t w)
{
    return (w & 0x3b000000u) == 0x18000000u;
}

/* CPY* and SET*: bits 29:27 = 0b011, 25:24 = 0b01, 21 = 0, 11:10 = 0b01. */
static bool is_copy(uint32_t w)
{
    return (w & 0x3b200c00u) == 0x19000400u;
}

static bool is_branch_register(uint32_t w)
{
    return (w & 0xff9ffc1fu) == 0xd61f0000u;
}

int insn_base(uint32_t w)
{
    return is_memory(w) && !is_literal(w) ? (int)(w >> 5 & 31) : -1;
}

/* Loads and stores whose registers make them CONSTRAINED UNPREDICTABLE (K1.1): write-back of a
 * register that is transferred, pairs loaded into one register, the status of an exclusive store in
 * a register that it uses. */
static bool unpredictable(uint32_t w)
{
    unsigned t = w & 31, n = w >> 5 & 31, t2 = w >> 10 & 31, s = w >> 16 & 31;
    bool pair = bits(w, 29, 27) == 5, vector = bit(w, 26);
    bool single = bits(w, 29, 27) == 7 && !bit(w, 24) && !bit(w, 21);
    bool writes_back = pair ? bits(w, 24, 23) & 1 : single && bit(w, 10);
    if (!is_memory(w) || is_literal(w) || is_copy(w))
        return false;
    if (writes_back && !vector && n != 31 && (t == n || (pair && t2 == n)))
        return true;
    if (pair && bit(w, 22) && t == t2)
        return true;
    if (bits(w, 29, 23) != 0x10) /* exclusive */
        return false;
    bool two = bit(w, 21);
    if (two && !bit(w, 31)) /* CASP */
        return false;
    return bit(w, 22) ? two && t == t2 : s == t || (two && s == t2) || (s == n && n != 31);
}

/* Hints that sleep, or sign addresses. */
static bool special_hint(uint32_t w)
{
    unsigned CRm = w >> 8 & 15;
    return (w & 0xfffff01fu) == 0xd503201fu &&
           (w == WFI || CRm == 1 || CRm == 3 || w == 0xd50320ff);
}

/* One register twice, now and then. */
static uint32_t overlap(struct insn_random *r, const struct arch_row *row, uint32_t w)
{
    unsigned d = w & 31, n = w >> 5 & 31, m = w >> 16 & 31, wide = 0x1f;
    switch (below(r, 8)) {
    case 0:
        m = n;
        break;
    case 1:
        n = d;
        break;
    case 2:
        m = d;
        break;
    case 3:
        n = 31;
        break;
    default:
        return w;
    }
    return (((w & ~(wide << 5 | wide << 16)) | n << 5 | m << 16) & ~row->mask) | row->value;
}

static bool random_word(struct insn_random *r, unsigned index, uint64_t have, uint32_t *word)
{
    const struct arch_row *row = &arch_rows[index], *found;
    for (unsigned attempt = 0; attempt < 200; attempt++) {
        uint32_t w = (uint32_t)(simd_random(&r->seed) >> 32);
        w = overlap(r, row, (w & ~row->mask) | row->value);
        if (arch_decode(r->decoder, w, have, &found) != ARCH_DEFINED || unpredictable(w) ||
            (special_hint(w) && !strcmp(row->page, "system_hints")))
            continue;
        *word = w;
        return true;
    }
    return false;
}

/* ---- what a word needs around it --------------------------------------------------------------*/

static void set_code(struct insn_test *test, const uint32_t *code, unsigned length)
{
    memcpy(test->code, code, 4 * length);
    test->length = length;
}

/* A literal load: its literal lies behind it, and a branch over that. */
static void shape_literal(struct insn_random *r, struct insn_test *test, uint32_t w)
{
    const uint32_t code[] = {(w & ~(0x7ffffu << 5)) | 2 << 5, 0x14000005,
                             (uint32_t)simd_random(&r->seed), (uint32_t)simd_random(&r->seed),
                             (uint32_t)simd_random(&r->seed), (uint32_t)simd_random(&r->seed)};
    set_code(test, code, 6);
}

/* A branch over one instruction that says whether it was taken. */
static void shape_branch(struct insn_test *test, uint32_t w)
{
    if ((w & 0x7c000000u) == 0x14000000u) /* B, BL */
        w = (w & 0xfc000000u) | 2;
    else if ((w & 0x7e000000u) == 0x36000000u) /* TBZ, TBNZ */
        w = (w & ~(0x3fffu << 5)) | 2 << 5;
    else if (is_branch_register(w))
        w = (w >> 5 & 31) == 31 ? w & ~(1u << 5) : w; /* somewhere, not to address 0 */
    else
        w = (w & ~(0x7ffffu << 5)) | 2 << 5;
    const uint32_t code[] = {w, 0xd28acf0f, NOP}; /* MOV X15, 0x5678 */
    set_code(test, code, 3);
}

/* Prologue, main part and epilogue together: what is between them is IMPLEMENTATION DEFINED. */
static void shape_copy(struct insn_test *test, uint32_t w)
{
    bool set = (w & 0x3bc00000u) == 0x19c00000u; /* SET*: the stage is bits 15:14, else 23:22 */
    unsigned at = set ? 14 : 22;
    w &= ~(3u << at);
    const uint32_t code[] = {w, w | 1u << at, w | 2u << at};
    set_code(test, code, 3);
}

/* Corner cases of narrow formats meet only if most operands are of them. */
static unsigned values_of(unsigned row, uint32_t w)
{
    uint64_t needs = arch_rows[row].needs;
    bool scalar = (w & 0x5e000000u) == 0x1e000000u; /* with a type field */
    if (needs & (1ull << ARCH_FEAT_FP16 | 1ull << ARCH_FEAT_FHM) ||
        (arch_rows[row].sometimes >> ARCH_FEAT_FP16 & 1 && (!scalar || bits(w, 23, 22) == 3)))
        return INSN_HALVES;
    return needs >> ARCH_FEAT_BF16 & 1 ? INSN_BFLOATS : INSN_ANY_VALUES;
}

bool insn_random_word(struct insn_random *r, unsigned row, struct insn_test *test)
{
    uint32_t w;
    if (!random_word(r, row, r->have, &w))
        return false;
    test->name = arch_rows[row].mnemonic;
    test->shares = 0;
    test->values = values_of(row, w);
    if (is_copy(w))
        shape_copy(test, w);
    else if (is_memory(w) && is_literal(w))
        shape_literal(r, test, w);
    else if (!strncmp(arch_rows[row].page, "branch_", 7))
        shape_branch(test, w);
    else
        set_code(test, &w, 1);
    return true;
}

/* ---- operands ---------------------------------------------------------------------------------*/

/* Somewhere in the test's memory, often across the pages' boundary. */
static uint64_t somewhere(struct insn_random *r, enum insn_area area)
{
    uint64_t va = insn_data_va(area) + 64 + below(r, area == INSN_WHOLE ? 128 : 80);
    return below(r, 2) ? align_down(va, 1u << below(r, 5)) : va;
}

/* Moves the base register so that the access at va lands in the test's memory. */
static void aim(struct insn_random *r, struct insn_test *test, unsigned base, uint64_t va,
                bool align)
{
    uint64_t *x = base == 31 ? &test->before.sp : &test->before.x[base];
    uint64_t target = somewhere(r, test->area);
    *x += (align ? align_down(target, 16) : target) - va;
    if (base == 31)
        *x = align_down(*x, 16);
}

static void aim_copy(struct insn_random *r, struct insn_test *test)
{
    uint32_t w = test->code[0];
    struct insn_state *s = &test->before;
    uint64_t length = below(r, 60);
    if (below(r, 16) == 0)
        length = 0;
    s->x[w & 31] = somewhere(r, test->area);
    if ((w & 0x3bc00000u) != 0x19c00000u)
        s->x[w >> 16 & 31] = somewhere(r, test->area);
    s->x[w >> 5 & 31] = length;
    /* CPYF goes forward: what overlaps from below depends on how much is copied at once. */
    uint64_t *to = &s->x[w & 31], *from = &s->x[w >> 16 & 31];
    if ((w & 0x3f000000u) == 0x19000000u && *to - *from < length) {
        uint64_t swap = *to;
        *to = *from;
        *from = swap;
    }
}

bool insn_random_operands(struct insn_random *r, unsigned n, struct insn_test *test, int base)
{
    struct insn_result result;
    unsigned kind = base >= 0 ? below(r, 8) : 7;
    test->area = kind == 0 ? INSN_HOLE : kind == 1 ? INSN_READ_ONLY : INSN_WHOLE;
    insn_random_state(r, test);
    if (is_branch_register(test->code[0]))
        test->before.x[test->code[0] >> 5 & 31] = insn_code_va(n - test->shares) + 8;
    if (is_copy(test->code[0]))
        aim_copy(r, test);
    for (unsigned tries = 0; tries < 4; tries++) {
        insn_run(r->machine, INSN_INTERPRET, test, n, &result);
        bool outside = result.fault == INSN_OUTSIDE;
        bool unaligned = result.fault == INSN_UNALIGNED && !(r->align && tries > 1);
        if (!outside && !unaligned)
            return result.fault != INSN_OTHER || test->length == 1; /* such as FEAT_FPAC's */
        if (base < 0 || is_copy(test->code[0]))
            return false;
        aim(r, test, (unsigned)base, result.fault_va, unaligned || tries == 3);
    }
    return false;
}

/* ---- blocks -----------------------------------------------------------------------------------*/

/* Registers that blocks address memory by: X28 stays, X26 is written back, X27 is an index. */
enum { WRITTEN_BACK = 26, INDEX = 27, BASE = 28 };

/* B.cond, CBZ, TBZ over a few of the next instructions. */
static uint32_t random_branch(struct insn_random *r, unsigned distance)
{
    uint32_t x = (uint32_t)simd_random(&r->seed);
    switch (below(r, 3)) {
    case 0:
        return 0x54000000u | distance << 5 | (x & 15);
    case 1:
        return 0x34000000u | (x & 0x81000000u) | distance << 5 | (x & 31);
    default:
        return 0x36000000u | (x & 0x81f80000u) | distance << 5 | (x & 31);
    }
}

/* Anything may write those registers whose low five bits, or those of a second register, say so. */
static bool may_write_base(uint32_t w)
{
    unsigned d = w & 31, t2 = w >> 10 & 31, s = w >> 16 & 31;
    bool memory = is_memory(w);
    return (d >= WRITTEN_BACK && d <= BASE) ||
           (memory && ((t2 >= WRITTEN_BACK && t2 <= BASE) ||
                       (s >= WRITTEN_BACK - 1 && s <= BASE && bits(w, 29, 24) == 8)));
}

/* Small offsets from one of the base registers. */
static uint32_t tame(struct insn_random *r, uint32_t w)
{
    bool single = bits(w, 29, 27) == 7;
    uint32_t base = BASE;
    if (single && !bit(w, 24) && bit(w, 21) && bits(w, 11, 10) == 2) { /* register offset */
        w = (w & ~(31u << 16)) | INDEX << 16;
    } else if (single && bit(w, 24)) { /* imm12 */
        w = (w & ~(0xfffu << 10)) | below(r, 6) << 10;
    } else if (single && !bit(w, 24) && !bit(w, 21)) { /* imm9 */
        w = (w & ~(0x1ffu << 12)) | ((below(r, 96) - 48) & 0x1ff) << 12;
        base = bit(w, 10) ? WRITTEN_BACK : BASE;
    } else if (bits(w, 29, 27) == 5) { /* imm7 */
        w = (w & ~(0x7fu << 15)) | ((below(r, 6) - 3) & 0x7f) << 15;
        base = bits(w, 24, 23) & 1 ? WRITTEN_BACK : BASE;
    } else if ((w & 0xbe800000u) == 0x0c800000u) { /* structures, post-indexed */
        w = (w & ~(31u << 16)) | (below(r, 2) ? 31u : INDEX) << 16;
        base = WRITTEN_BACK;
    }
    return (w & ~(31u << 5)) | base << 5;
}

/* memory: loads and stores only. */
static uint32_t block_word(struct insn_random *r, bool memory)
{
    const char *why;
    for (;;) {
        unsigned row = below(r, ARCH_ROWS);
        uint32_t w;
        if (memory && !is_memory(arch_rows[row].value))
            continue;
        if (insn_row_reach(row, &why) > INSN_NO_FAULTS || !random_word(r, row, r->block_have, &w))
            continue;
        if (!strncmp(arch_rows[row].page, "branch_", 7) || is_copy(w) || insn_oracle_may_err(w) ||
            (is_memory(w) && is_literal(w)))
            continue;
        /* After a load exclusive of another size the outcome is IMPLEMENTATION DEFINED: cases.c. */
        if (bits(w, 29, 23) == 0x10 && !bit(w, 22))
            continue;
        if (is_memory(w))
            w = tame(r, w);
        if (!unpredictable(w) && !may_write_base(w))
            return w;
    }
}

static void block_state(struct insn_random *r, struct insn_test *test)
{
    unsigned kind = below(r, 6);
    test->area = kind == 0 ? INSN_HOLE : kind == 1 ? INSN_READ_ONLY : INSN_WHOLE;
    insn_random_state(r, test);
    uint64_t middle = insn_data_va(test->area) + INSN_DATA / 2 - (kind < 2 ? 32 : 0);
    test->before.x[BASE] = middle + below(r, 16);
    test->before.x[WRITTEN_BACK] = middle - below(r, 16);
    test->before.x[INDEX] = below(r, 12);
}

/* Loads and stores often follow each other, for what is shared between them. Instructions that
 * reach outside are exchanged for others, and most that fault, since a fault ends the block. */
void insn_random_block(struct insn_random *r, unsigned n, struct insn_test *test)
{
    struct insn_result result;
    test->values = INSN_ANY_VALUES;
    block_state(r, test);
    test->name = "block";
    test->shares = 0;
    test->length = 1 + below(r, INSN_MAX_BLOCK);
    for (unsigned i = 0; i < test->length; i++)
        test->code[i] = i + 2 < test->length && below(r, 12) == 0
                            ? random_branch(r, 2 + below(r, test->length - i - 2))
                            : block_word(r, i && is_memory(test->code[i - 1]) && below(r, 2));
    for (unsigned tries = 0; tries < 200; tries++) {
        insn_run(r->machine, INSN_INTERPRET, test, n, &result);
        bool fault = result.fault == INSN_NO_PAGE || result.fault == INSN_NO_WRITE ||
                     (r->align && result.fault == INSN_UNALIGNED);
        if (result.fault == INSN_RAN || (fault && below(r, 4) == 0))
            return;
        uint64_t at = (result.fault_pc - insn_code_va(n)) / 4;
        if (at >= test->length)
            break;
        test->code[at] = tries > 150 ? NOP : block_word(r, fault);
    }
    test->code[0] = NOP;
    test->length = 1;
}
