/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Differential tests of guest instructions: blocks of a few instructions run on our side (the IR
 * interpreter, with and without the optimiser, and the x86-64 back end) and by an outside oracle
 * (qemu-aarch64-static running a generated ELF), from the same state; the states after must agree.
 *
 * A batch of tests is one guest image: for every test a slot of code (load the state, the block,
 * store the state) and a record of data (state before, state after, a memory area). Both sides use
 * the same addresses, so that PC-relative results and pointers agree.
 */
#ifndef ARMVM_TESTS_INSN_INSN_H
#define ARMVM_TESTS_INSN_INSN_H

#include <stdbool.h>
#include <stdint.h>

#include "base/v128.h"

enum { INSN_MAX_BLOCK = 24, INSN_DATA = 256 };

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
    const char *name; /* what it tests, for messages */
    struct insn_state before;
    uint8_t data[INSN_DATA]; /* memory before, at insn_data_va() */
};

struct insn_result {
    struct insn_state state;
    uint8_t data[INSN_DATA];
    bool fault; /* it took an exception */
};

/* Where test number n of a batch finds its code and its memory. */
uint64_t insn_code_va(unsigned n);
uint64_t insn_data_va(unsigned n);

/* ---- our side (run.c) -------------------------------------------------------------------------*/

enum insn_how { INSN_INTERPRET, INSN_OPTIMISE, INSN_X64_V2, INSN_X64_V3, INSN_X64_V4, INSN_HOWS };

extern const char *const insn_how_name[INSN_HOWS];

struct insn_machine;
/* big_endian: data accesses are. */
struct insn_machine *insn_machine_create(bool big_endian);
/* What it has of enum arm_feature from now on, a bit each; all at first. */
void insn_machine_offer(struct insn_machine *machine, uint64_t have);
void insn_machine_destroy(struct insn_machine *machine);
/* Whether this host and this build can run tests that way. */
bool insn_can(const struct insn_machine *machine, enum insn_how how);

/* Runs one test as number n of its batch. first_va (may be NULL) receives the address of the first
 * access outside the test's memory, if that is why it faulted; else 0. */
void insn_run(struct insn_machine *machine, enum insn_how how, const struct insn_test *test,
              unsigned n, struct insn_result *result, uint64_t *first_va);

/* ---- the oracle (oracle.c) --------------------------------------------------------------------*/

/* Runs a batch; 0, or negative if there is no emulator here or it failed. */
int insn_oracle(const struct insn_test *tests, unsigned count, bool big_endian,
                struct insn_result *results);

/* ---- random tests (random.c) ------------------------------------------------------------------*/

struct insn_random {
    struct insn_machine *machine;
    uint64_t seed;
    const char *only; /* rows whose name begins so, or NULL */
};

uint64_t insn_rnd(struct insn_random *r);
/* Whether a row can be tested in user mode: no branches, no system, nothing absent. */
bool insn_row_testable(const struct insn_random *r, unsigned row);
/* One instruction of that row from a random state; false if none was found that does not fault. */
bool insn_random_row(struct insn_random *r, unsigned row, unsigned n, struct insn_test *test);
/* Fills in everything but the code. */
void insn_random_state(struct insn_random *r, unsigned n, struct insn_test *test);
/* A block of random instructions with forward branches. */
void insn_random_block(struct insn_random *r, unsigned n, struct insn_test *test);

/* ---- written by hand (cases.c) ----------------------------------------------------------------*/

unsigned insn_case_count(void);
void insn_case(struct insn_random *r, unsigned index, unsigned n, struct insn_test *test);

#endif
