/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Guest code as fuzz input: bytes become a state and a program, which runs at EL0 or EL1, with the
 * MMU on or off, on the translator (for this host, and for x86-64-v2) and on the interpreter. The
 * states they end in must agree.
 *
 * A PE runs until it has taken so many exceptions; a handler at EL1 notes each one and steps over
 * the instruction. What does not get there in time (a loop, a WFI) is stopped and not compared.
 */
#ifndef ARMVM_TESTS_FUZZ_CODE_H
#define ARMVM_TESTS_FUZZ_CODE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct code_rig;

/* NULL if the host cannot. */
struct code_rig *code_rig_create(void);
void code_rig_destroy(struct code_rig *rig);

enum code_outcome { CODE_AGREES, CODE_UNFINISHED, CODE_DIFFERS };

/* Runs one input. Differences are printed. */
enum code_outcome code_run(struct code_rig *rig, const uint8_t *data, size_t size);

#endif
