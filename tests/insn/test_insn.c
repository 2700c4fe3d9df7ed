/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Runs random instruction tests on all our engines and on the oracle and compares.
 *
 *   test_insn [--big-endian] [--row PREFIX] [--count N] [--blocks N] [--seed N] [--rounds N]
 *
 * --count: tests a row or hand-written case and round; --blocks: blocks a round. Prints each
 * disagreement: the block, the state before where it matters, and the first things that differ. 77
 * (skipped) without an emulator.
 */
#include "insn.h"

#include <getopt.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "engine/front/a64.h"

enum { BATCH = 2000, MAX_REPORTS = 25 };

struct run {
    struct insn_machine *machine;
    struct insn_random random;
    struct insn_test *tests;
    struct insn_result *expected;
    unsigned count;
    bool big_endian;
    unsigned long done, reports;
    unsigned long wrong[A64_ROWS + 1];
};

static void print_code(const struct insn_test *test)
{
    for (unsigned i = 0; i < test->length; i++)
        printf(" %08x", test->code[i]);
    printf("\n");
}

static void print_registers(const struct insn_test *test)
{
    uint32_t insn = test->code[0];
    const unsigned fields[] = {insn & 31, insn >> 5 & 31, insn >> 16 & 31, insn >> 10 & 31};
    const struct insn_state *s = &test->before;
    for (unsigned i = 0; i < 4; i++)
        printf("    before: x%u=%016" PRIx64 " v%u=%016" PRIx64 "%016" PRIx64 "\n", fields[i],
               fields[i] == 31 ? s->sp : s->x[fields[i]], fields[i], s->v[fields[i]].d[1],
               s->v[fields[i]].d[0]);
    printf("    before: nzcv=%x fpcr=%08" PRIx64 " fpsr=%08" PRIx64 "\n", (unsigned)(s->nzcv >> 28),
           s->fpcr, s->fpsr);
}

static void differ(const char *what, unsigned n, uint64_t got, uint64_t want)
{
    if (got != want)
        printf("    %s%u: got %016" PRIx64 ", want %016" PRIx64 "\n", what, n, got, want);
}

static void print_difference(const struct insn_result *got, const struct insn_result *want)
{
    const struct insn_state *a = &got->state, *b = &want->state;
    for (unsigned i = 0; i < 31; i++)
        differ("x", i, a->x[i], b->x[i]);
    for (unsigned i = 0; i < 32; i++)
        if (a->v[i].d[0] != b->v[i].d[0] || a->v[i].d[1] != b->v[i].d[1])
            printf("    v%u: got %016" PRIx64 "%016" PRIx64 ", want %016" PRIx64 "%016" PRIx64 "\n",
                   i, a->v[i].d[1], a->v[i].d[0], b->v[i].d[1], b->v[i].d[0]);
    differ("sp", 0, a->sp, b->sp);
    differ("nzcv", 0, a->nzcv >> 28, b->nzcv >> 28);
    differ("fpcr", 0, a->fpcr, b->fpcr);
    differ("fpsr", 0, a->fpsr, b->fpsr);
    differ("fault", 0, got->fault, want->fault);
    for (unsigned i = 0; i < INSN_DATA; i += 8) {
        uint64_t x, y;
        memcpy(&x, got->data + i, 8);
        memcpy(&y, want->data + i, 8);
        differ("data+", i, x, y);
    }
}

static bool same(const struct insn_result *a, const struct insn_result *b)
{
    return !memcmp(&a->state, &b->state, sizeof(a->state)) &&
           !memcmp(a->data, b->data, INSN_DATA) && a->fault == b->fault;
}

static unsigned row_of(const char *name)
{
    for (unsigned i = 0; i < A64_ROWS; i++)
        if (a64_rows[i].name == name)
            return i;
    return A64_ROWS;
}

static void compare(struct run *run, enum insn_how how, unsigned n)
{
    const struct insn_test *test = &run->tests[n];
    struct insn_result got;
    insn_run(run->machine, how, test, n, &got, NULL);
    run->done++;
    if (same(&got, &run->expected[n]))
        return;
    if (++run->wrong[row_of(test->name)] > 3 || ++run->reports > MAX_REPORTS)
        return;
    printf("%s, %s:", test->name, insn_how_name[how]);
    print_code(test);
    print_registers(test);
    print_difference(&got, &run->expected[n]);
}

/* Runs what has been collected. False if there is no oracle. */
static bool flush(struct run *run)
{
    if (!run->count)
        return true;
    if (insn_oracle(run->tests, run->count, run->big_endian, run->expected))
        return false;
    for (unsigned how = 0; how < INSN_HOWS; how++)
        for (unsigned i = 0; i < run->count && insn_can(run->machine, how); i++)
            compare(run, how, i);
    run->count = 0;
    return true;
}

static bool one_round(struct run *run, unsigned count, unsigned blocks)
{
    for (unsigned row = 0; row < A64_ROWS; row++) {
        if (!insn_row_testable(&run->random, row))
            continue;
        unsigned made = 0;
        for (unsigned i = 0; i < count; i++) {
            if (run->count == BATCH && !flush(run))
                return false;
            if (insn_random_row(&run->random, row, run->count, &run->tests[run->count])) {
                run->count++;
                made++;
            } else if (++made && !i) {
                break;
            }
        }
        if (!made)
            printf("%s: found no case that runs\n", a64_rows[row].name);
    }
    for (unsigned i = 0; i < insn_case_count() * count && !run->random.only; i++) {
        if (run->count == BATCH && !flush(run))
            return false;
        insn_case(&run->random, i % insn_case_count(), run->count, &run->tests[run->count]);
        run->count++;
    }
    for (unsigned i = 0; i < blocks; i++) {
        if (run->count == BATCH && !flush(run))
            return false;
        insn_random_block(&run->random, run->count, &run->tests[run->count]);
        run->count++;
    }
    return flush(run);
}

int main(int argc, char **argv)
{
    static const struct option options[] = {{"row", 1, NULL, 'r'},    {"count", 1, NULL, 'c'},
                                            {"blocks", 1, NULL, 'b'}, {"seed", 1, NULL, 's'},
                                            {"rounds", 1, NULL, 'n'}, {"big-endian", 0, NULL, 'e'},
                                            {NULL, 0, NULL, 0}};
    struct run run = {.big_endian = false};
    unsigned count = 4, blocks = 500, rounds = 1;
    unsigned long wrong = 0;
    int option;
    run.random = (struct insn_random){.seed = 0x9e3779b97f4a7c15};
    run.tests = calloc(BATCH, sizeof(*run.tests));
    run.expected = calloc(BATCH, sizeof(*run.expected));
    while ((option = getopt_long(argc, argv, "", options, NULL)) >= 0) {
        uint64_t number = optarg ? strtoull(optarg, NULL, 0) : 0;
        if (option == 'r')
            run.random.only = optarg;
        else if (option == 'c')
            count = (unsigned)number;
        else if (option == 'b')
            blocks = (unsigned)number;
        else if (option == 's')
            run.random.seed = number * 2 + 1;
        else if (option == 'n')
            rounds = (unsigned)number;
        else if (option == 'e')
            run.big_endian = true;
        else
            return 2;
    }
    run.machine = run.random.machine = insn_machine_create(run.big_endian);
    for (unsigned i = 0; i < rounds; i++)
        if (!one_round(&run, count, blocks)) {
            printf("no qemu-aarch64-static here, or it failed\n");
            return 77;
        }
    for (unsigned row = 0; row <= A64_ROWS; row++) {
        if (run.wrong[row])
            printf("%s: %lu wrong\n", row < A64_ROWS ? a64_rows[row].name : "cases and blocks",
                   run.wrong[row]);
        wrong += run.wrong[row];
    }
    printf("%lu runs, %lu wrong\n", run.done, wrong);
    insn_machine_destroy(run.machine);
    free(run.tests);
    free(run.expected);
    return wrong != 0;
}
