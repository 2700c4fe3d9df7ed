/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Differential tests of floating-point, vector and cryptographic instructions: each row of
 * a64_simd.dec with random fields, from states full of corner cases, in the default FPCR and in
 * every other mode. One instruction a test; registers, memory, NZCV, FPSR and whether it is
 * UNDEFINED must agree with the oracle, on every engine there is.
 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/bits.h"
#include "engine/front/a64.h"
#include "insn.h"
#include "simd_values.h"

enum { BATCH = 2048, SHOWN = 12 };

enum {
    FPCR_FZ16 = 1u << 19,
    FPCR_RMODE = 3u << 22,
    FPCR_FZ = 1u << 24,
    FPCR_DN = 1u << 25,
    FPCR_AHP = 1u << 26,
    FPCR_ALL = FPCR_FZ16 | FPCR_RMODE | FPCR_FZ | FPCR_DN | FPCR_AHP,
    FPSR_ALL = 0x0800009f,
};

struct batch {
    struct insn_machine *machine;
    struct insn_test *test;
    struct insn_result *want;
    unsigned count, shown, differences;
    uint64_t seed;
    bool modes; /* FPCR as random as FPSR */
};

static unsigned below(struct batch *b, unsigned n)
{
    return (unsigned)((simd_random(&b->seed) >> 32) % n);
}

static bool begins(const char *name, const char *prefix)
{
    return strncmp(name, prefix, strlen(prefix)) == 0;
}

static bool is_memory(const char *name)
{
    return begins(name, "LD") || begins(name, "ST");
}

/* Puts value into bits lsb + width - 1 : lsb of a word, where the row leaves them open. */
static void set_field(uint32_t *word, const struct a64_row *row, unsigned lsb, unsigned width,
                      uint32_t value)
{
    const uint32_t mask = ((1u << width) - 1) << lsb & ~row->mask;
    *word = (*word & ~mask) | (value << lsb & mask);
}

/* Keeps what an address is made of small, so that the access falls into the test's memory. */
static void tame_address(struct batch *b, const struct a64_row *row, struct insn_test *t)
{
    uint32_t *word = &t->code[0];
    const char *name = row->name;
    const unsigned Rn = below(b, 31), Rm = (Rn + 1 + below(b, 29)) % 31;
    set_field(word, row, 5, 5, Rn);
    if (strstr(name, "_uimm"))
        set_field(word, row, 10, 12, below(b, 4));
    else if (begins(name, "LDSTP_v") || begins(name, "LDSTNP_v"))
        set_field(word, row, 15, 7, below(b, 5) - 2);
    else if (begins(name, "STUR") || begins(name, "LDUR") || strstr(name, "_post") ||
             strstr(name, "_pre"))
        set_field(word, row, 12, 9, below(b, 63) - 31);
    else if (begins(name, "LDST"))
        set_field(word, row, 16, 5, below(b, 4) ? Rm : 31);
    else
        set_field(word, row, 16, 5, Rm);
    t->before.x[Rm] = below(b, 4);
    if (strstr(name, "_reg") && bits(*word, 15, 13) == 2) /* UXTW: the upper half is ignored */
        t->before.x[Rm] |= simd_random(&b->seed) << 32;
    t->before.x[Rn] = insn_data_va(b->count) + 80 + below(b, 32);
}

/* Corner cases of narrow formats meet only if most of the operands have some. */
static union v128 operand(struct batch *b, const struct a64_row *row)
{
    const uint64_t halves = 1ull << ARM_FEAT_FP16 | 1ull << ARM_FEAT_FHM;
    if (row->features & (halves | 1ull << ARM_FEAT_BF16) && below(b, 4))
        return simd_half_vector(&b->seed, !(row->features & halves));
    return simd_vector(&b->seed);
}

static void make_state(struct batch *b, const struct a64_row *row, struct insn_test *t)
{
    struct insn_state *s = &t->before;
    for (unsigned i = 0; i < 32; i++)
        s->v[i] = operand(b, row);
    for (unsigned i = 0; i < 31; i++)
        s->x[i] = below(b, 3) ? simd_random(&b->seed) >> below(b, 64)
                              : simd_fp_value(&b->seed, below(b, 2) ? 32 : 64);
    for (unsigned i = 0; i < INSN_DATA; i++)
        t->data[i] = (uint8_t)simd_random(&b->seed);
    s->sp = insn_data_va(b->count);
    s->nzcv = simd_random(&b->seed) & 0xf0000000;
    s->fpsr = below(b, 4) ? 0 : simd_random(&b->seed) & FPSR_ALL;
    s->fpcr = b->modes ? simd_random(&b->seed) & FPCR_ALL : 0;
}

/* ---- comparing --------------------------------------------------------------------------------*/

static void show_vector(const char *what, const union v128 *v)
{
    print_message("    %-5s %016llx_%016llx\n", what, (unsigned long long)v->d[1],
                  (unsigned long long)v->d[0]);
}

static void show(struct batch *b, const struct insn_test *t, enum insn_how how,
                 const struct insn_result *got, const struct insn_result *want)
{
    const uint32_t word = t->code[0];
    if (b->shown++ >= SHOWN)
        return;
    print_message("%s %08x, %s: fpcr %08x fpsr %08x -> %08x, oracle %08x; nzcv %x, oracle %x; "
                  "undefined %d, oracle %d\n",
                  t->name, word, insn_how_name[how], (unsigned)t->before.fpcr,
                  (unsigned)t->before.fpsr, (unsigned)got->state.fpsr, (unsigned)want->state.fpsr,
                  (unsigned)(got->state.nzcv >> 28), (unsigned)(want->state.nzcv >> 28), got->fault,
                  want->fault);
    show_vector("n", &t->before.v[bits(word, 9, 5)]);
    show_vector("m", &t->before.v[bits(word, 20, 16)]);
    show_vector("d", &t->before.v[bits(word, 4, 0)]);
    for (unsigned i = 0; i < 32; i++) {
        if (memcmp(&got->state.v[i], &want->state.v[i], 16) == 0)
            continue;
        print_message("  V%u\n", i);
        show_vector("ours", &got->state.v[i]);
        show_vector("want", &want->state.v[i]);
    }
    for (unsigned i = 0; i < 31; i++) {
        if (got->state.x[i] != want->state.x[i])
            print_message("  X%u %llx, oracle %llx\n", i, (unsigned long long)got->state.x[i],
                          (unsigned long long)want->state.x[i]);
    }
}

static bool same(const struct insn_result *a, const struct insn_result *b)
{
    if (a->fault || b->fault)
        return a->fault == b->fault;
    return memcmp(a->state.v, b->state.v, sizeof(a->state.v)) == 0 &&
           memcmp(a->state.x, b->state.x, sizeof(a->state.x)) == 0 &&
           a->state.nzcv == b->state.nzcv && a->state.fpsr == b->state.fpsr &&
           memcmp(a->data, b->data, INSN_DATA) == 0;
}

/*
 * Where the oracle errs. FCVTZS (scalar, half precision, fixed point) sign-extends its result to 32
 * bits; FJCVTZS says that a denormal which was flushed converts exactly (manual, FPToFixedJS()).
 */
static void correct(const struct insn_test *t, struct insn_result *want)
{
    const uint32_t word = t->code[0];
    const union v128 *n = &t->before.v[bits(word, 9, 5)];
    if (!strcmp(t->name, "FCVTZS_ish"))
        want->state.v[bits(word, 4, 0)].d[0] &= 0xffff;
    if (!strcmp(t->name, "FJCVTZS") && t->before.fpcr & FPCR_FZ && n->d[0] >> 52 == 0 && n->d[0])
        want->state.nzcv = 0;
}

static void run_batch(struct batch *b)
{
    if (b->count == 0)
        return;
    assert_int_equal(insn_oracle(b->test, b->count, false, b->want), 0);
    for (unsigned i = 0; i < b->count; i++)
        correct(&b->test[i], &b->want[i]);
    for (unsigned i = 0; i < b->count; i++) {
        for (enum insn_how how = INSN_INTERPRET; how < INSN_HOWS; how++) {
            struct insn_result got;
            if (!insn_can(b->machine, how))
                continue;
            insn_run(b->machine, how, &b->test[i], i, &got, NULL);
            if (same(&got, &b->want[i]))
                continue;
            b->differences++;
            show(b, &b->test[i], how, &got, &b->want[i]);
        }
    }
    b->count = 0;
}

/* The row whose encoding a word is: of those that match, the one with most fixed bits. */
static const struct a64_row *row_of(uint32_t word)
{
    const struct a64_row *best = NULL;
    for (unsigned i = 0; i < A64_ROWS; i++) {
        const struct a64_row *row = &a64_rows[i];
        if ((word & row->mask) == row->value &&
            (!best || __builtin_popcount(row->mask) > __builtin_popcount(best->mask)))
            best = row;
    }
    return best;
}

static void add_test(struct batch *b, const struct a64_row *row)
{
    struct insn_test *t = &b->test[b->count];
    memset(t, 0, sizeof(*t));
    t->code[0] = row->value | ((uint32_t)simd_random(&b->seed) & ~row->mask);
    t->length = 1;
    t->name = row->name;
    make_state(b, row, t);
    if (is_memory(row->name))
        tame_address(b, row, t);
    else if (below(b, 8) == 0) /* one register twice */
        set_field(&t->code[0], row, 16, 5, (uint32_t)bits(t->code[0], 9, 5));
    if (row_of(t->code[0]) == row && ++b->count == BATCH)
        run_batch(b);
}

/* Rows from first to last, `each` times. */
static void check_rows(unsigned first, unsigned last, unsigned each, bool modes)
{
    struct batch b = {
        .machine = insn_machine_create(false),
        .test = calloc(BATCH, sizeof(struct insn_test)),
        .want = calloc(BATCH, sizeof(struct insn_result)),
        .seed = 0x9e3779b97f4a7c15ull + first,
        .modes = modes,
    };
    const char *more = getenv("ARMVM_INSN_TIMES"), *seed = getenv("ARMVM_INSN_SEED");
    each *= more ? (unsigned)atoi(more) : 1;
    b.seed ^= seed ? strtoull(seed, NULL, 0) * 0x2545f4914f6cdd1dull : 0;
    assert_non_null(b.machine);
    assert_non_null(b.test);
    assert_non_null(b.want);
    for (unsigned i = first; i <= last; i++) {
        /* A literal lies beside the code, out of reach of a test's memory. */
        if (a64_rows[i].absent || i == A64_LDR_v_lit)
            continue;
        for (unsigned k = 0; k < each; k++)
            add_test(&b, &a64_rows[i]);
    }
    run_batch(&b);
    insn_machine_destroy(b.machine);
    free(b.test);
    free(b.want);
    assert_int_equal(b.differences, 0);
}

static void loads_and_stores_agree(void **state)
{
    check_rows(A64_STR_v_uimm, A64_LDST_lane_p, 24, false);
}

static void scalar_fp_agrees(void **state)
{
    check_rows(A64_SCVTF_fix, A64_FNMSUB_h, 48, false);
}

static void scalar_fp_agrees_in_every_fpcr_mode(void **state)
{
    check_rows(A64_SCVTF_fix, A64_FNMSUB_h, 48, true);
}

static void vectors_agree(void **state)
{
    check_rows(A64_SHADD_v, A64_BFMLAL_e, 12, false);
}

static void vectors_agree_in_every_fpcr_mode(void **state)
{
    check_rows(A64_SHADD_v, A64_BFMLAL_e, 12, true);
}

static void cryptography_agrees(void **state)
{
    check_rows(A64_AESE, A64_XAR, 12, false);
}

/* Whatever the open fields hold: rows that are never there, and rows of features that are not. */
static void rows_of_absent_features_are_undefined(void **state)
{
    struct insn_machine *machine = insn_machine_create(false);
    uint64_t seed = 1;
    assert_non_null(machine);
    for (unsigned i = A64_STR_v_uimm; i <= A64_XAR; i++) {
        const struct a64_row *row = &a64_rows[i];
        uint64_t left = row->absent ? 1 : row->features;
        for (; left; left &= left - 1) { /* one of its features at a time */
            struct insn_test test = {.length = 1};
            struct insn_result result;
            do
                test.code[0] = row->value | ((uint32_t)simd_random(&seed) & ~row->mask);
            while (row_of(test.code[0]) != row);
            insn_machine_offer(machine, row->absent ? ~0ull : ~(left & -left));
            insn_run(machine, INSN_INTERPRET, &test, 0, &result, NULL);
            assert_true(result.fault);
        }
    }
    insn_machine_destroy(machine);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(loads_and_stores_agree),
        cmocka_unit_test(scalar_fp_agrees),
        cmocka_unit_test(scalar_fp_agrees_in_every_fpcr_mode),
        cmocka_unit_test(vectors_agree),
        cmocka_unit_test(vectors_agree_in_every_fpcr_mode),
        cmocka_unit_test(cryptography_agrees),
        cmocka_unit_test(rows_of_absent_features_are_undefined),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
