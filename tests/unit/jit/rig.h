/* SPDX-License-Identifier: Apache-2.0 */
/* An engine without threads over a little RAM, its MMU on, to call the run-time system's parts. */
#ifndef ARMVM_TESTS_JIT_RIG_H
#define ARMVM_TESTS_JIT_RIG_H

#include "arm/hooks.h"
#include "engine/jit/jit.h"
#include "machine/mem/mem.h"

/* RAM holds the page tables first, then what the tests map. */
#define RAM      0x40000000ull
#define RAM_SIZE (16ull << 20)
#define DATA     (RAM + (8ull << 20)) /* what PAGES and BLOCK are mapped to */
/* Virtual: 512 pages, not global; 512 global ones; and a block of 2 MiB, all over DATA. */
#define PAGES  0x80000000ull
#define GLOBAL 0x80200000ull
#define BLOCK  0x80400000ull
/* RAM itself, flat, in blocks: for code. */
/* A ROM device, flat too. A store of value 0 to it ends direct mode, of another one begins it; what
 * the device answers is ROM_ANSWER. */
#define ROM        0x60000000ull
#define ROM_SIZE   (64ull << 10)
#define ROM_ANSWER 0x00800080ull

struct rig {
    struct mem *mem;
    uint8_t *rom;
    uint64_t rom_reads, rom_writes; /* that reached the device */
    struct arm_features features;
    struct arm_hooks hooks;
    struct engine *engine;
};

void rig_create(struct rig *rig, unsigned cpus, enum engine_kind kind);
/* The same with a code store in this directory, and with CPUs of this model. */
void rig_create_stored(struct rig *rig, unsigned cpus, const char *directory, const char *model);
/* And with a second tier. */
void rig_create_tier2(struct rig *rig, unsigned cpus, uint32_t tier2_us);
void rig_destroy(struct rig *rig);
struct jit_vcpu *rig_vcpu(const struct rig *rig, unsigned index);
void rig_set_asid(struct jit_vcpu *vcpu, uint16_t asid);
void rig_poke(const struct rig *rig, uint64_t pa, const void *bytes, size_t len);
/* Loads from va; true if that filled the TLB, so was not in it. */
bool rig_load_misses(struct jit_vcpu *vcpu, uint64_t va);

#endif
