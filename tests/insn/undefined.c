/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The architecture's tables and rules (tests/insn/arch) held to the oracle: which words are
 * UNDEFINED. Words are run one by one; every register holds an address that no program has, so that
 * nothing but the oracle's own memory can be read and nothing written. Which features the oracle
 * has is found out by running words that need them. Branches, exceptions and system instructions
 * are left out, and SVE and SME, which the oracle has and the tables do not hold.
 */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "arch.h"
#include "base/bits.h"
#include "insn.h"
#include "simd_values.h"

enum { SAMPLES = 64, SHOWN = 25 }; /* samples: enough to meet each form that some feature brings */

struct probe {
    struct insn_random *r;
    struct insn_test *tests;
    struct insn_result *results;
    unsigned count;
    uint64_t have; /* of the oracle */
    unsigned long words, differences;
};

static bool runnable(uint32_t w)
{
    unsigned op0 = (unsigned)bits(w, 28, 25);
    if (op0 == 2 || (op0 == 0 && bit(w, 31))) /* SVE, SME */
        return false;
    return bits(w, 28, 26) != 5; /* branches, exceptions, system */
}

static void add(struct probe *p, uint32_t word)
{
    struct insn_test *test = &p->tests[p->count++];
    memset(test, 0, sizeof(*test));
    test->code[0] = word;
    test->length = 1;
    for (unsigned i = 0; i < 31; i++)
        test->before.x[i] = 0x00addead00000000 + (uint32_t)simd_random(&p->r->seed);
    test->before.sp = 0x00addead00000000;
}

static bool run(struct probe *p)
{
    bool ok = !p->count || !insn_oracle(p->tests, p->count, false, p->results);
    p->words += p->count;
    return ok;
}

/* SIGILL stands for two other exceptions, too: authentication that fails (EC 0x1c), and a part of a
 * memory copy out of its order (EC 0x27). */
static bool other_exception(const struct arch_row *row)
{
    return row && (!strncmp(row->page, "integer_pac_", 12) || !strcmp(row->mnemonic, "ldra") ||
                   !strncmp(row->page, "memory_mcpymset_", 16));
}

static void check(struct probe *p)
{
    for (unsigned i = 0; i < p->count; i++) {
        uint32_t word = p->tests[i].code[0];
        const struct arch_row *row;
        enum arch_verdict verdict = arch_decode(p->r->decoder, word, p->have, &row);
        bool undefined = p->results[i].fault == INSN_UNDEFINED;
        if (verdict == ARCH_EITHER || undefined == (verdict == ARCH_UNDEFINED) ||
            (undefined && other_exception(row)))
            continue;
        if (p->differences++ < SHOWN)
            printf("%08x is %s in the oracle, %s in the tables (%s, %s)\n", word,
                   undefined ? "UNDEFINED" : "defined", undefined ? "defined" : "UNDEFINED",
                   row ? row->mnemonic : "no row", row ? row->page : "unallocated");
    }
    p->count = 0;
}

/* The features without which a word would be UNDEFINED. */
static uint64_t needed(const struct probe *p, uint32_t word)
{
    const struct arch_row *row;
    uint64_t needs = 0;
    for (unsigned f = 0; f < ARCH_FEATURES; f++)
        if (arch_decode(p->r->decoder, word, ~(1ull << f), &row) == ARCH_UNDEFINED)
            needs |= 1ull << f;
    return needs;
}

/* The oracle has the features of words that are not UNDEFINED there. */
static bool find_features(struct probe *p)
{
    unsigned row = 0;
    while (row < ARCH_ROWS) {
        for (; row < ARCH_ROWS && p->count + SAMPLES <= INSN_BATCH; row++) {
            const struct arch_row *a = &arch_rows[row], *found;
            for (unsigned k = 0; k < SAMPLES && (a->needs | a->sometimes); k++) {
                uint32_t w = ((uint32_t)(simd_random(&p->r->seed) >> 32) & ~a->mask) | a->value;
                if (runnable(w) && arch_decode(p->r->decoder, w, ~0ull, &found) == ARCH_DEFINED)
                    add(p, w);
            }
        }
        if (!run(p))
            return false;
        for (unsigned i = 0; i < p->count; i++)
            if (p->results[i].fault != INSN_UNDEFINED)
                p->have |= needed(p, p->tests[i].code[0]);
        p->count = 0;
    }
    return true;
}

/* One word in two from anywhere, one inside a row. */
static uint32_t sample(struct probe *p)
{
    for (;;) {
        uint64_t random = simd_random(&p->r->seed);
        uint32_t w = (uint32_t)(random >> 32);
        if (random & 1) {
            const struct arch_row *a = &arch_rows[(random >> 1 & 0xffffff) % ARCH_ROWS];
            w = (w & ~a->mask) | a->value;
        }
        if (runnable(w))
            return w;
    }
}

int insn_oracle_features(struct insn_random *r, uint64_t *have)
{
    struct probe p = {.r = r,
                      .tests = calloc(INSN_BATCH, sizeof(struct insn_test)),
                      .results = calloc(INSN_BATCH, sizeof(struct insn_result))};
    bool ok = p.tests && p.results && find_features(&p);
    *have = p.have;
    free(p.tests);
    free(p.results);
    return ok ? 0 : -1;
}

int insn_check_undefined(struct insn_random *r, unsigned long words)
{
    struct probe p = {.r = r,
                      .tests = calloc(INSN_BATCH, sizeof(struct insn_test)),
                      .results = calloc(INSN_BATCH, sizeof(struct insn_result))};
    bool ok = p.tests && p.results && find_features(&p);
    while (ok && p.words < words) {
        while (p.count < INSN_BATCH)
            add(&p, sample(&p));
        ok = run(&p);
        check(&p);
    }
    free(p.tests);
    free(p.results);
    if (!ok)
        return -1;
    printf("%lu words: UNDEFINED as the tables say but for %lu\n", p.words, p.differences);
    return p.differences != 0;
}
