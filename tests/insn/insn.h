/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Differential tests of guest instructions: blocks of a few instructions run on our side (the IR
 * interpreter, with and without the optimiser, and the x86-64 back end) and by an outside oracle
 * (qemu-aarch64-static running a generated ELF), from the same state; the states after must agree.
 *
 * A batch of tests is one guest image: slots of code and records of data (state and memory before
 * and after). Before each test its memory is copied into an area at a fixed place; both sides use
 * the same addresses, so that PC-relative results and pointers agree. Each area lies across the
 * boundary of two pages, the second of which may be missing or read-only.
 */
#ifndef ARMVM_TESTS_INSN_INSN_H
#define ARMVM_TESTS_INSN_INSN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "base/v128.h"

enum { INSN_MAX_BLOCK = 50, INSN_DATA = 256 };

/* A read-only page holds nothing but this byte. */
enum { INSN_CONSTANT = 0xa5 };

/* What the second page of a test's memory is; half of the INSN_DATA bytes lie in each. */
enum insn_area { INSN_WHOLE, INSN_HOLE, INSN_READ_ONLY, INSN_AREAS };

/* How a test ended before its end. */
enum insn_fault {
    INSN_RAN,
    INSN_UNDEFINED,
    INSN_NO_PAGE,  /* translation fault */
    INSN_NO_WRITE, /* permission fault */
    INSN_UNALIGNED,
    INSN_OTHER,
    INSN_OUTSIDE, /* ours only: it reached beyond its memory, which says nothing */
};

struct arm_features;

struct insn_state {
    union v128 v[32];
    uint64_t x[31];
    uint64_t sp;
    uint64_t nzcv; /* bits 31:28 */
    uint64_t fpcr, fpsr;
    uint64_t pad;
};

struct insn_test {
    uint32_t code[INSN_MAX_BLOCK];
    unsigned length;
    const char *name;  /* what it tests, for messages */
    uint64_t features; /* that it needs, bits of enum arm_feature */
    struct insn_state before;
    uint8_t data[INSN_DATA]; /* memory before, at insn_data_va() */
    enum insn_area area;
    enum { INSN_ANY_VALUES, INSN_HALVES, INSN_BFLOATS } values; /* of most vectors */
    unsigned shares; /* its code is that of the test so many places before it */
};

struct insn_result {
    struct insn_state state;
    uint8_t data[INSN_DATA];
    enum insn_fault fault;
    uint64_t fault_pc, fault_va; /* va: of NO_PAGE and NO_WRITE */
};

/* Where test number n of a batch finds its code, and tests their memory. */
uint64_t insn_code_va(unsigned n);
uint64_t insn_data_va(enum insn_area area);

/* ---- our side (run.c) -------------------------------------------------------------------------*/

/* The translator by host level, then with each optimisation left out. */
enum insn_how {
    INSN_INTERPRET,
    INSN_OPTIMISE,
    INSN_X64_V2,
    INSN_X64_V3,
    INSN_X64_V4,
    INSN_NO_PASSES,
    INSN_NO_FORWARD,
    INSN_NO_DEAD,
    INSN_NO_SIMPLIFY,
    INSN_NO_FUSE,
    INSN_NO_LAZY,
    INSN_NO_SHARE,
    INSN_NO_HINT,
    INSN_SUPERBLOCKS,
    INSN_HOWS
};

const char *insn_how_name(enum insn_how how);

struct insn_machine;
/* big_endian: data accesses are. */
struct insn_machine *insn_machine_create(bool big_endian);
/* From now on elements must be aligned (SCTLR_EL1.A). */
void insn_machine_align(struct insn_machine *machine);
/* What it has of enum arm_feature from now on, a bit each; all of `max` at first. */
void insn_machine_offer(struct insn_machine *machine, uint64_t have);
void insn_machine_destroy(struct insn_machine *machine);
/* Whether this host and this build can run tests that way. */
bool insn_can(const struct insn_machine *machine, enum insn_how how);
const struct arm_features *insn_features(const struct insn_machine *machine);

/* Runs one test as number n of its batch; what was translated for the test before is used again if
 * their code is the same. */
void insn_run(struct insn_machine *machine, enum insn_how how, const struct insn_test *test,
              unsigned n, struct insn_result *result);

/* ---- the oracle (oracle.c) --------------------------------------------------------------------*/

enum { INSN_BATCH = 2048 };

/* Runs a batch of at most INSN_BATCH tests by qemu-aarch64 in the first directory of
 * ARMVM_QEMU_USER (with colons between them) that has it, or else by qemu-aarch64-static; 0, or
 * negative if there is none or it failed. */
int insn_oracle(const struct insn_test *tests, unsigned count, bool big_endian,
                struct insn_result *results);

/* Which it is: "QEMU 7.2.22". */
void insn_oracle_name(bool big_endian, char *name, size_t size);

/* ---- random tests (random.c) ------------------------------------------------------------------*/

struct arch_decoder;

struct insn_random {
    struct insn_machine *machine;
    const struct arch_decoder *decoder;
    uint64_t have;       /* enum arch_feature: what the machine announces */
    uint64_t block_have; /* what blocks make do with */
    uint64_t seed;
    bool align; /* faults of alignment are of interest */
};

uint64_t insn_rnd(struct insn_random *r);
/* Registers, flags and memory. Everything but the code. */
void insn_random_state(struct insn_random *r, struct insn_test *test);
/* A test of a word of a row of arch_rows that is DEFINED; false if none was found. Rows that
 * branch or have literals get what they lead to, too. */
bool insn_random_word(struct insn_random *r, unsigned row, struct insn_test *test);
/* A state for the code that is there, such that it stays in its memory; false if none was found.
 * base: the register that accesses go by, 31 for SP, or negative. */
bool insn_random_operands(struct insn_random *r, unsigned n, struct insn_test *test, int base);
/* The register that a word accesses memory by, or negative. */
int insn_base(uint32_t word);
/* A block of 1 to INSN_MAX_BLOCK random instructions with forward branches. */
void insn_random_block(struct insn_random *r, unsigned n, struct insn_test *test);

/* ---- what cannot be compared (exceptions.c) ---------------------------------------------------*/

enum insn_reach {
    INSN_COMPARED,
    INSN_NO_FAULTS, /* but where ours takes a fault */
    INSN_ALONE,     /* our engines agree; the oracle's result is another, and may be */
    INSN_NOT_USER,  /* user mode cannot run it: tests of the machine do */
};
/* The row's, and why (for people). */
enum insn_reach insn_row_reach(unsigned row, const char **why);
/* Whether the oracle is known to be wrong about a word with some operands, and about a test of one
 * instruction. */
bool insn_oracle_may_err(uint32_t word);
bool insn_oracle_errs(const struct insn_test *test);

/* ---- which words are UNDEFINED (undefined.c) --------------------------------------------------*/

/* The bits of enum arch_feature that the oracle has; -1 without oracle. */
int insn_oracle_features(struct insn_random *r, uint64_t *have);
/* 0 if the oracle and the tables agree about so many words, 1 if not, -1 without oracle. */
int insn_check_undefined(struct insn_random *r, unsigned long words);

/* ---- written by hand (cases.c) ----------------------------------------------------------------*/

unsigned insn_case_count(void);
void insn_case(struct insn_random *r, unsigned index, struct insn_test *test);

#endif
