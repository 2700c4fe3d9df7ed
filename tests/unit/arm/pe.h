/* SPDX-License-Identifier: Apache-2.0 */
/* One PE with 16 MiB of RAM and an engine that only counts what it is told. */
#ifndef ARMVM_TESTS_UNIT_ARM_PE_H
#define ARMVM_TESTS_UNIT_ARM_PE_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "arm/cpu.h"
#include "arm/hooks.h"

enum { PE_RAM = 0x40000000, PE_RAM_SIZE = 16 << 20, PE_CODE = PE_RAM + 0x1000 };

struct pe {
    struct arm_cpu cpu; /* first: the engine's ops get back here */
    struct arm_cpu other;
    struct arm_features features;
    struct arm_hooks hooks;
    struct mem *mem;
    unsigned context_changed, debug_changed, kicks, wfis, tlbis;
    struct arm_tlbi tlbi;
    bool broadcast;
    uint64_t icache_pa, icache_len;
    unsigned icache_calls;
    int power_event; /* enum arm_power_event, or -1 */
    bool random_dry;
};

/* cmocka set-up and tear-down; *state is a struct pe. */
int pe_setup(void **state);
int pe_teardown(void **state);

/* Back to reset, with another CPU model. */
void pe_model(struct pe *pe, const char *spec);

void pe_store(struct pe *pe, uint64_t pa, uint64_t value);
uint64_t pe_load(struct pe *pe, uint64_t pa);

/* MRS and MSR at the PE's EL. pe_raised: whether an exception was taken since, with its EC. */
uint64_t pe_mrs(struct pe *pe, uint32_t encoding);
void pe_msr(struct pe *pe, uint32_t encoding, uint64_t value);
bool pe_raised(struct pe *pe, unsigned *ec);

#endif
