/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Holds the A64 front end to the architecture's tables: for sampled words, whether it takes the
 * UNDEFINED exception must be what the tables say for a PE with the ID registers of `max`.
 *
 *   a64_coverage [--words N] [--per-row N] [--seed N] [--write FILE | --check FILE]
 *
 * --words: from all 2^32, at random; --per-row: inside each row of the tables and of our decoder.
 * --write, --check: the report (docs/a64-coverage.md), or whether it is as it should be.
 */
#include <getopt.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "arch.h"
#include "engine/front/a64.h"

enum { SHOWN = 40, PAGE_WORDS = IR_PAGE_SIZE / 4 };

struct coverage {
    struct arm_features features;
    uint64_t have; /* enum arch_feature */
    struct arch_decoder *decoder;
    struct ir *ir;
    uint32_t page[PAGE_WORDS];
    uint64_t seed;
    unsigned long words, differences;
    unsigned verdicts[ARCH_ROWS][ARCH_NEXT]; /* words inside each row */
};

static uint32_t random_word(struct coverage *c)
{
    c->seed ^= c->seed << 13;
    c->seed ^= c->seed >> 7;
    c->seed ^= c->seed << 17;
    return (uint32_t)((c->seed * 0x2545f4914f6cdd1dull) >> 32);
}

/* ---- one word ---------------------------------------------------------------------------------*/

/* At EL1, where nothing is trapped: what is UNDEFINED there is so for its encoding alone. */
static bool ours_is_undefined(struct coverage *c, uint32_t word)
{
    struct front_region region = {
        .code = (const uint8_t *)c->page,
        .mode = FRONT_EL1 | FRONT_SPSEL | FRONT_DZE | FRONT_UCT | FRONT_UCI | FRONT_UMA |
                FRONT_NTWI | FRONT_NTWE | FRONT_MSC,
        .max_insns = 1,
        .features = &c->features,
    };
    c->page[0] = word;
    a64_translate(&region, c->ir);
    for (unsigned i = 0; i < c->ir->count; i++)
        if (c->ir->insn[i].op == IR_CALL && c->ir->insn[i].imm == A64_HELPER_UNDEFINED)
            return true;
    return false;
}

/* The row of ours that a word is: of those that match, the one with most fixed bits. */
static const struct a64_row *our_row(uint32_t word)
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

static enum arch_verdict check_word(struct coverage *c, uint32_t word, bool *allocated)
{
    const struct arch_row *row;
    enum arch_verdict verdict = arch_decode(c->decoder, word, c->have, &row);
    bool undefined = ours_is_undefined(c, word);
    c->words++;
    *allocated = row != NULL;
    if (verdict == ARCH_EITHER || undefined == (verdict == ARCH_UNDEFINED))
        return verdict;
    if (c->differences++ < SHOWN) {
        const struct a64_row *ours = our_row(word);
        printf("%08x is %s here (%s), %s in the tables (%s, %s)\n", word,
               undefined ? "UNDEFINED" : "defined", ours ? ours->name : "no row",
               verdict == ARCH_UNDEFINED ? "UNDEFINED" : "defined", row ? row->mnemonic : "no row",
               row ? row->page : "unallocated");
    }
    return verdict;
}

/* Random words inside a pattern; now and then with small or full fields, which are where the
 * exceptions lie. */
static uint32_t word_in(struct coverage *c, uint32_t mask, uint32_t value)
{
    uint32_t word = random_word(c), kind = random_word(c);
    if ((kind & 7) == 0)
        word &= random_word(c) & random_word(c);
    else if ((kind & 7) == 1)
        word |= random_word(c) | random_word(c);
    return (word & ~mask) | value;
}

/* Counts words by the pattern they were made from: a row's may be another's that decodes first. */
static void sample_rows(struct coverage *c, unsigned each)
{
    bool allocated;
    for (unsigned i = 0; i < ARCH_ROWS; i++) {
        const struct arch_row *row = &arch_rows[i];
        for (unsigned k = 0; k < each; k++) {
            c->verdicts[i][check_word(c, word_in(c, row->mask, row->value), &allocated)]++;
            if (row->should)
                check_word(c, word_in(c, row->mask & ~row->should, row->value & ~row->should),
                           &allocated);
        }
    }
    for (unsigned i = 0; i < A64_ROWS; i++)
        for (unsigned k = 0; k < each; k++)
            check_word(c, word_in(c, a64_rows[i].mask, a64_rows[i].value), &allocated);
}

/* Every word of a pattern of ours that is not absent is in some row of the tables. */
static void check_our_rows(struct coverage *c)
{
    for (unsigned i = 0; i < A64_ROWS; i++) {
        bool found = a64_rows[i].absent != NULL;
        for (unsigned k = 0; k < 100 && !found; k++)
            check_word(c, word_in(c, a64_rows[i].mask, a64_rows[i].value), &found);
        if (!found) {
            printf("%s is in no row of the tables\n", a64_rows[i].name);
            c->differences++;
        }
    }
}

/* ---- the report -------------------------------------------------------------------------------*/

enum fate { IMPLEMENTED, ABSENT, NEVER, FATES };

static enum fate fate_of(const struct coverage *c, unsigned i)
{
    if (c->verdicts[i][ARCH_DEFINED])
        return IMPLEMENTED;
    if (arch_rows[i].needs & ~c->have)
        return ABSENT;
    return c->verdicts[i][ARCH_EITHER] ? IMPLEMENTED : NEVER;
}

static void write_groups(const struct coverage *c, FILE *out)
{
    static const char *const groups[][2] = {
        {"Reserved", "reserved"},
        {"DataProcImm", "data processing, immediate"},
        {"BranchExcSys", "branches, exceptions, system"},
        {"LoadStore", "loads and stores"},
        {"DataProcReg", "data processing, register"},
        {"DataProcFPSIMD", "floating point, vectors, cryptography"},
    };
    unsigned total[FATES] = {0};
    fprintf(out, "| group | encodings | implemented | feature absent | always UNDEFINED |\n"
                 "|---|---|---|---|---|\n");
    for (unsigned g = 0; g < sizeof(groups) / sizeof(groups[0]); g++) {
        unsigned n[FATES] = {0};
        for (unsigned i = 0; i < ARCH_ROWS; i++)
            if (!strcmp(arch_rows[i].group, groups[g][0]))
                n[fate_of(c, i)]++;
        fprintf(out, "| %s | %u | %u | %u | %u |\n", groups[g][1],
                n[IMPLEMENTED] + n[ABSENT] + n[NEVER], n[IMPLEMENTED], n[ABSENT], n[NEVER]);
        for (unsigned f = 0; f < FATES; f++)
            total[f] += n[f];
    }
    fprintf(out, "| all | %u | %u | %u | %u |\n", ARCH_ROWS, total[IMPLEMENTED], total[ABSENT],
            total[NEVER]);
}

/* Rows counted under the first feature they lack; a mnemonic with several rows is named once. */
static void write_absent(const struct coverage *c, FILE *out)
{
    fprintf(out, "\n| feature | announced by | encodings | mnemonics |\n|---|---|---|---|\n");
    for (unsigned f = 0; f < ARCH_FEATURES; f++) {
        unsigned rows = 0, partly = 0;
        const char *last = "";
        char *names = NULL;
        size_t size;
        FILE *list = open_memstream(&names, &size);
        for (unsigned i = 0; list && i < ARCH_ROWS; i++) {
            partly += !(c->have >> f & 1) && (arch_rows[i].sometimes >> f & 1);
            if (fate_of(c, i) != ABSENT || __builtin_ctzll(arch_rows[i].needs & ~c->have) != (int)f)
                continue;
            rows++;
            if (strcmp(last, arch_rows[i].mnemonic))
                fprintf(list, "%s%s", *last ? ", " : "", arch_rows[i].mnemonic);
            last = arch_rows[i].mnemonic;
        }
        if (list)
            fclose(list);
        if (partly)
            fprintf(out, "| FEAT_%s | `%s` | %u, and words of %u more | %s |\n",
                    arch_feature_names[f], arch_feature_field((enum arch_feature)f), rows, partly,
                    names);
        else if (rows)
            fprintf(out, "| FEAT_%s | `%s` | %u | %s |\n", arch_feature_names[f],
                    arch_feature_field((enum arch_feature)f), rows, names);
        free(names);
    }
}

static void write_report(const struct coverage *c, FILE *out)
{
    const char *sep = "";
    fprintf(out,
            "<!-- Written by `make coverage`; `make check` compares. -->\n# A64 coverage\n\n"
            "Every encoding of A64 up to Armv9.4 (tests/insn/arch), against what `--cpu max` does. "
            "An encoding is\nimplemented, or UNDEFINED because the ID registers say that its "
            "feature is absent, or UNDEFINED by\ndefinition. Samples of the whole 32-bit space, of "
            "each row of the tables and of each row of the decoder\nare translated and must be "
            "UNDEFINED exactly where the tables say so (tests/insn/coverage.c).\nSVE and SME are "
            "absent: no word of theirs decodes. Hints of absent features are NOPs. System\n"
            "registers and operations count as one encoding each of MRS, MSR, SYS and SYSL.\n\n");
    write_groups(c, out);
    write_absent(c, out);
    fprintf(out, "\nAlways UNDEFINED: ");
    for (unsigned i = 0; i < ARCH_ROWS; i++)
        if (fate_of(c, i) == NEVER) {
            fprintf(out, "%s%s", sep, arch_rows[i].mnemonic);
            sep = ", ";
        }
    fprintf(out, ".\n");
}

static int use_report(const struct coverage *c, const char *path, bool check)
{
    char *text = NULL, *old = NULL;
    size_t size, old_size = 0;
    FILE *out = open_memstream(&text, &size), *file;
    int ret = 1;
    if (!out)
        return 1;
    write_report(c, out);
    fclose(out);
    file = fopen(path, check ? "r" : "w");
    if (!file) {
        perror(path);
    } else if (check) {
        old = calloc(1, size + 2);
        old_size = old ? fread(old, 1, size + 1, file) : 0;
        ret = old_size != size || memcmp(old, text, size) != 0;
        if (ret)
            printf("%s is not up to date: run `make coverage`\n", path);
    } else {
        ret = fwrite(text, 1, size, file) != size;
    }
    if (file)
        fclose(file);
    free(old);
    free(text);
    return ret;
}

/* The decoder's conditions for features are those of enum arm_feature; ours lack one of the tables'
 * if no ID register field is known for it. */
static void check_fields(struct coverage *c)
{
    for (unsigned f = 0; f < ARCH_FEATURES; f++)
        if (!arch_feature_field((enum arch_feature)f)) {
            printf("no ID register field is known for FEAT_%s (tests/insn/arch.c)\n",
                   arch_feature_names[f]);
            c->differences++;
        }
}

int main(int argc, char **argv)
{
    static const struct option options[] = {{"words", 1, NULL, 'w'}, {"per-row", 1, NULL, 'r'},
                                            {"seed", 1, NULL, 's'},  {"write", 1, NULL, 'o'},
                                            {"check", 1, NULL, 'c'}, {NULL, 0, NULL, 0}};
    struct coverage *c = calloc(1, sizeof(*c));
    const char *report = NULL;
    unsigned long words = 1000000;
    unsigned each = 400;
    bool check = false;
    int option, ret = 0;
    if (!c)
        return 1;
    c->seed = 0x9e3779b97f4a7c15;
    while ((option = getopt_long(argc, argv, "", options, NULL)) >= 0) {
        if (option == 'w')
            words = strtoul(optarg, NULL, 0);
        else if (option == 'r')
            each = (unsigned)strtoul(optarg, NULL, 0);
        else if (option == 's')
            c->seed = strtoull(optarg, NULL, 0) * 2 + 1;
        else if (option == 'o' || option == 'c')
            report = optarg;
        else
            return 2;
        check |= option == 'c';
    }
    arm_features_parse(&c->features, NULL, NULL);
    c->have = arch_announced(&c->features);
    c->decoder = arch_decoder_create();
    c->ir = ir_create();
    check_fields(c);
    check_our_rows(c);
    sample_rows(c, each);
    if (report)
        ret = use_report(c, report, check);
    for (unsigned long i = 0; i < words; i++) {
        bool allocated;
        check_word(c, random_word(c), &allocated);
    }
    unsigned n[FATES] = {0};
    for (unsigned i = 0; i < ARCH_ROWS; i++)
        n[fate_of(c, i)]++;
    printf("%u encodings: %u implemented, %u of absent features, %u always UNDEFINED; %lu words, "
           "%lu differences\n",
           ARCH_ROWS, n[IMPLEMENTED], n[ABSENT], n[NEVER], c->words, c->differences);
    ret = ret || c->differences;
    ir_destroy(c->ir);
    arch_decoder_destroy(c->decoder);
    free(c);
    return ret;
}
