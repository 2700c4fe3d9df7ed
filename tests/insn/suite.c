/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The differential suite: every encoding of the architecture's tables that user mode can run, and
 * random blocks of them, on all our engines and on the oracle.
 *
 *   suite [--row GLOB] [--sets N] [--blocks N] [--cases N] [--seed N] [--big-endian] [--alone
 * [--align]] suite --words N
 *
 * --sets: operand sets a row; --blocks, --cases: random blocks, and runs of each block of cases.c;
 * --row: rows whose mnemonic matches; --alone: without the oracle, and --align: with
 * alignment checking, which it cannot show; --words: nothing but which of so
 * many words are UNDEFINED. Prints the first disagreements, and one line of counts at the end. 77
 * (skipped) without an emulator.
 */
#include "insn.h"

#include <fnmatch.h>
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "arch.h"
#include "arm/features.h"
#include "compare.h"

/* Operand sets for one word: translated once by each engine. */
enum { OPERANDS = 8, MAX_REPORTS = 25 };

/* In place of a row; a lone block may do what the oracle cannot. */
enum { BLOCK = ARCH_ROWS, LONE_BLOCK, KINDS };

struct suite {
    struct insn_random random;
    struct insn_test *tests;
    struct insn_result *ours, *expected;
    unsigned row[INSN_BATCH]; /* of arch_rows; BLOCK, LONE_BLOCK */
    unsigned count;
    uint64_t oracle_have;
    bool big_endian, alone;
    unsigned long sets, blocks, reports, differences;
    struct {
        unsigned long sets, lacking, differences;
    } of[KINDS];
};

static void differ(struct suite *s, unsigned n, enum insn_how how, const struct insn_result *got,
                   const struct insn_result *want, const char *by)
{
    s->differences++;
    if (s->of[s->row[n]].differences++ < 3 && s->reports++ < MAX_REPORTS)
        insn_report(&s->tests[n], n, how, got, want, by);
}

/* Ours against the interpreter, the interpreter against the oracle. */
static void compare(struct suite *s, unsigned n, enum insn_how how, const struct insn_result *first,
                    struct insn_result *got)
{
    insn_run(s->random.machine, how, &s->tests[n], n, got);
    if (!insn_same(&s->tests[n], got, first, INSN_OURS))
        differ(s, n, how, got, first, "the interpreter");
}

static void check_oracle(struct suite *s, unsigned n, const struct insn_result *ours)
{
    const struct insn_result *oracle = &s->expected[n];
    const char *why;
    unsigned row = s->row[n];
    bool featured = row < ARCH_ROWS ? (arch_rows[row].needs | arch_rows[row].sometimes) != 0
                                    : s->tests[n].features != 0;
    enum insn_reach reach = row < ARCH_ROWS ? insn_row_reach(row, &why) : INSN_COMPARED;
    if (row == LONE_BLOCK)
        return;
    if (reach == INSN_ALONE || (reach == INSN_NO_FAULTS && ours->fault))
        return;
    if (featured && oracle->fault == INSN_UNDEFINED && ours->fault != INSN_UNDEFINED) {
        s->of[row].lacking++; /* it does not know the feature: coverage.c says it is right */
        return;
    }
    if (!insn_same(&s->tests[n], ours, oracle, INSN_ORACLE) && !insn_oracle_errs(&s->tests[n]))
        differ(s, n, INSN_INTERPRET, ours, oracle, "the oracle");
}

static bool flush(struct suite *s)
{
    struct insn_result *first = s->ours, got;
    if (!s->count)
        return true;
    if (!s->alone && insn_oracle(s->tests, s->count, s->big_endian, s->expected))
        return false;
    for (unsigned i = 0; i < s->count; i++) {
        insn_run(s->random.machine, INSN_INTERPRET, &s->tests[i], i, &first[i]);
        if (!s->alone)
            check_oracle(s, i, &first[i]);
    }
    for (enum insn_how how = INSN_OPTIMISE; how < INSN_HOWS; how++)
        for (unsigned i = 0; i < s->count && insn_can(s->random.machine, how); i++)
            compare(s, i, how, &first[i], &got);
    s->count = 0;
    return true;
}

static bool room(struct suite *s, unsigned n)
{
    return s->count + n <= INSN_BATCH || flush(s);
}

/* One word and its operand sets; how many sets that made, or -1 without oracle. */
static int one_word(struct suite *s, unsigned row)
{
    struct insn_test *first = &s->tests[s->count];
    unsigned start = s->count;
    if (!insn_random_word(&s->random, row, first))
        return 0;
    int base = insn_base(first->code[0]);
    for (unsigned i = 0; i < OPERANDS; i++) {
        struct insn_test *test = &s->tests[s->count];
        if (s->count != start) {
            memcpy(test->code, first->code, 4 * first->length);
            test->values = first->values;
            test->length = first->length;
            test->name = first->name;
        }
        test->shares = s->count - start;
        if (!insn_random_operands(&s->random, s->count, test, base))
            continue;
        s->row[s->count++] = row;
    }
    return (int)(s->count - start);
}

static bool test_row(struct suite *s, unsigned row, unsigned long sets)
{
    unsigned long tries = 0;
    while (s->of[row].sets < sets && tries++ < 4 * sets) {
        if (!room(s, OPERANDS))
            return false;
        s->of[row].sets += (unsigned)one_word(s, row);
    }
    return true;
}

static bool test_blocks(struct suite *s, unsigned long blocks, unsigned long cases)
{
    unsigned long all = cases * insn_case_count();
    for (unsigned long i = 0; i < blocks + all; i++) {
        if (!room(s, 1))
            return false;
        struct insn_test *test = &s->tests[s->count];
        bool lone = i >= all && i % 8 == 0;
        test->features = 0;
        s->random.block_have = s->random.have & (lone ? ~0ull : s->oracle_have);
        if (i < all)
            insn_case(&s->random, (unsigned)(i % insn_case_count()), test);
        else
            insn_random_block(&s->random, s->count, test);
        s->row[s->count++] = lone ? LONE_BLOCK : BLOCK;
        s->blocks++;
    }
    return true;
}

/* The line that closes the run, and the rows that went wrong. */
static int summary(struct suite *s, const char *only)
{
    char oracle[32] = "nothing";
    unsigned implemented = 0, absent = 0, compared = 0, alone = 0, other = 0;
    const char *why;
    for (unsigned row = 0; row < ARCH_ROWS; row++) {
        s->sets += s->of[row].sets;
        if (s->of[row].differences)
            printf("%s (%s): %lu differences\n", arch_rows[row].mnemonic, arch_rows[row].page,
                   s->of[row].differences);
        if (arch_rows[row].needs & ~s->random.have) {
            absent++;
            continue;
        }
        implemented += !arch_rows[row].never;
        if (insn_row_reach(row, &why) == INSN_NOT_USER)
            other += !arch_rows[row].never;
        else if (s->alone || insn_row_reach(row, &why) == INSN_ALONE ||
                 (s->of[row].sets && s->of[row].lacking == s->of[row].sets))
            alone++;
        else
            compared += s->of[row].sets != 0;
        if (!s->of[row].sets && insn_row_reach(row, &why) != INSN_NOT_USER && !only) {
            printf("%s (%s): no test was found\n", arch_rows[row].mnemonic, arch_rows[row].page);
            s->differences++;
        }
    }
    if (!s->alone)
        insn_oracle_name(s->big_endian, oracle, sizeof(oracle));
    printf("a64.tsv: %u encodings implemented (%u against %s, %u ours alone, %u not for user "
           "mode), %u of absent features; %lu operand sets, %lu blocks, %lu differences\n",
           implemented, compared, oracle, alone, other, absent, s->sets, s->blocks, s->differences);
    return s->differences != 0;
}

struct arguments {
    const char *only;
    unsigned long sets, blocks, cases, words;
};

static bool parse(struct suite *s, struct arguments *a, int argc, char **argv)
{
    static const struct option options[] = {
        {"row", 1, NULL, 'r'},   {"sets", 1, NULL, 'n'},  {"blocks", 1, NULL, 'b'},
        {"cases", 1, NULL, 'c'}, {"seed", 1, NULL, 's'},  {"big-endian", 0, NULL, 'e'},
        {"align", 0, NULL, 'l'}, {"alone", 0, NULL, 'a'}, {"words", 1, NULL, 'w'},
        {NULL, 0, NULL, 0},
    };
    int option;
    while ((option = getopt_long(argc, argv, "", options, NULL)) >= 0) {
        unsigned long number = optarg ? strtoul(optarg, NULL, 0) : 0;
        if (option == 'r')
            a->only = optarg;
        else if (option == 'n')
            a->sets = number;
        else if (option == 'b')
            a->blocks = number;
        else if (option == 'c')
            a->cases = number;
        else if (option == 's')
            s->random.seed = number * 2 + 1;
        else if (option == 'w')
            a->words = number;
        else if (option == 'e')
            s->big_endian = true;
        else if (option == 'a')
            s->alone = true;
        else if (option == 'l')
            s->random.align = true;
        else
            return false;
    }
    return true;
}

static bool run(struct suite *s, const struct arguments *a)
{
    const char *why;
    for (unsigned row = 0; row < ARCH_ROWS; row++) {
        const struct arch_row *r = &arch_rows[row];
        if (r->never || r->needs & ~s->random.have || insn_row_reach(row, &why) == INSN_NOT_USER ||
            (a->only && fnmatch(a->only, r->mnemonic, 0)))
            continue;
        if (!test_row(s, row, a->sets))
            return false;
    }
    return test_blocks(s, a->blocks, a->cases) && flush(s);
}

int main(int argc, char **argv)
{
    struct suite *s = calloc(1, sizeof(*s));
    struct arguments a = {.sets = 200, .blocks = 1000, .cases = 4};
    if (!s)
        return 1;
    s->random.seed = 0x9e3779b97f4a7c15;
    if (!parse(s, &a, argc, argv))
        return 2;
    struct arch_decoder *decoder = arch_decoder_create();
    s->tests = calloc(INSN_BATCH, sizeof(*s->tests));
    s->expected = calloc(INSN_BATCH, sizeof(*s->expected));
    s->ours = calloc(INSN_BATCH, sizeof(*s->ours));
    s->random.machine = insn_machine_create(s->big_endian);
    if (s->random.align)
        insn_machine_align(s->random.machine);
    s->random.decoder = decoder;
    s->random.have = arch_announced(insn_features(s->random.machine));
    int ret = 0;
    if (a.words)
        ret = insn_check_undefined(&s->random, a.words);
    else if (!s->tests || !s->expected || !s->ours ||
             (!s->alone && insn_oracle_features(&s->random, &s->oracle_have)) || !run(s, &a))
        ret = -1;
    else
        ret = summary(s, a.only);
    if (ret < 0) {
        printf("no qemu-aarch64-static here, or it failed\n");
        ret = 77;
    }
    insn_machine_destroy(s->random.machine);
    arch_decoder_destroy(decoder);
    free(s->ours);
    free(s->tests);
    free(s->expected);
    free(s);
    return ret;
}
