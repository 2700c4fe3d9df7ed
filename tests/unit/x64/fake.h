/* SPDX-License-Identifier: Apache-2.0 */
/* A guest without an architecture: CPU state, four pages of memory behind a soft TLB, helpers. */
#ifndef TESTS_UNIT_X64_FAKE_H
#define TESTS_UNIT_X64_FAKE_H

#include "engine/ir/ir.h"
#include "engine/x64/x64.h"

enum { FAKE_BASE = 0x10000, FAKE_SIZE = 0x4000, FAKE_TLB = 16, FAKE_CODE = 1 << 20 };

struct fake_cpu {
    uint64_t x[32];
    uint64_t pc_page, pc;
    uint16_t nzcv, pad;
    uint32_t raised, attention, rstack_top;
    void *tlb;
    uint64_t tlb_mask;
    void *itlb;
    uint64_t itlb_mask;
    uint64_t monitor[4];
    struct ir_fpenv fpenv;
    uint64_t spare;
    union v128 scratch[4];
    union v128 second;
    union v128 v[32];
    struct ir_rstack_entry rstack[IR_RSTACK];
    uint64_t misc[64]; /* other state */
    /* the fake's own */
    struct ir_tlb_entry dtlb[FAKE_TLB];
    struct ir_itlb_entry ctlb[FAKE_TLB];
    uint8_t slots_used[IR_PAGE_SLOTS / IR_SLOT_GROUP];
    struct ir_page_slot slots[IR_PAGE_SLOTS];
    uint8_t memory[FAKE_SIZE];
    uint64_t calls; /* how often a service ran */
    uint64_t fills; /* how often the TLB was to be filled */
    uint32_t left;  /* 1 + the link that an unlinked exit took, by tests that note it */
};

extern const struct ir_layout fake_layout;
extern const struct ir_runtime fake_runtime;
extern const struct ir_helper fake_helpers[];
enum { FAKE_HELPERS = 5 };

/* Page 0 and 1 hit for reads and writes, page 2 for reads, page 3 never. */
void fake_init(struct fake_cpu *cpu);

/* Code memory, one mapping. NULL when the host refuses. */
uint8_t *fake_code(void);
uint64_t fake_random(uint64_t *state);

#endif
