/* SPDX-License-Identifier: Apache-2.0 */
#include "compare.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>

static bool same_state(const struct insn_result *a, const struct insn_result *b)
{
    return !memcmp(&a->state, &b->state, sizeof(a->state)) && !memcmp(a->data, b->data, INSN_DATA);
}

/*
 * Of faults the kind and the instruction count, and the address. State after one: our engines must
 * agree to the bit. The oracle may have done a part of what an instruction that makes several
 * accesses does, which the architecture allows (registers loaded and memory stored by it are
 * UNKNOWN then, B2.2.1), so only blocks of one instruction are looked at, and they must leave all
 * as it was.
 */
bool insn_same(const struct insn_test *test, const struct insn_result *got,
               const struct insn_result *want, enum insn_against against)
{
    if (got->fault != want->fault || got->fault_pc != want->fault_pc)
        return false;
    switch (got->fault) {
    case INSN_RAN:
        return same_state(got, want);
    case INSN_NO_PAGE:
    case INSN_NO_WRITE:
        if (got->fault_va != want->fault_va)
            return false;
        if (against == INSN_OURS)
            return same_state(got, want);
        return test->length > 1 || (!memcmp(&got->state, &test->before, sizeof(got->state)) &&
                                    !memcmp(got->data, test->data, INSN_DATA));
    default:
        return true;
    }
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
    differ("fault pc ", 0, got->fault_pc, want->fault_pc);
    differ("fault va ", 0, got->fault_va, want->fault_va);
    for (unsigned i = 0; i < INSN_DATA; i += 8) {
        uint64_t x, y;
        memcpy(&x, got->data + i, 8);
        memcpy(&y, want->data + i, 8);
        differ("data+", i, x, y);
    }
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
}

void insn_report(const struct insn_test *test, unsigned n, enum insn_how how,
                 const struct insn_result *got, const struct insn_result *want, const char *by)
{
    printf("%s, %s (want: %s), area %u at %" PRIx64 ":", test->name, insn_how_name(how), by,
           test->area, insn_code_va(n - test->shares));
    for (unsigned i = 0; i < test->length; i++)
        printf(" %08x", test->code[i]);
    printf("\n");
    if (test->length <= 6)
        print_registers(test);
    printf("    before: nzcv=%x fpcr=%08" PRIx64 " fpsr=%08" PRIx64 "\n",
           (unsigned)(test->before.nzcv >> 28), test->before.fpcr, test->before.fpsr);
    print_difference(got, want);
}
