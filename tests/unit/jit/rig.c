/* SPDX-License-Identifier: Apache-2.0 */
#include "rig.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "base/bits.h"
#include "base/error.h"
#include "host/ram.h"

enum { LEVEL1 = 0, LEVEL2_RAM = 0x1000, LEVEL2 = 0x2000, LEVEL3 = 0x3000, LEVEL3_GLOBAL = 0x4000 };

#define VALID_TABLE 3ull
#define NORMAL      (1ull << 10 | 3 << 8) /* AF, inner shareable, attributes 0, read and write at EL1 \
                                           */
#define NG (1ull << 11)

static void set(const struct rig *rig, uint64_t table, unsigned index, uint64_t desc)
{
    uint8_t bytes[8];

    st_le(bytes, 8, desc);
    rig_poke(rig, RAM + table + 8ull * index, bytes, 8);
}

static void make_tables(const struct rig *rig)
{
    set(rig, LEVEL1, 1, (RAM + LEVEL2_RAM) | VALID_TABLE);
    set(rig, LEVEL1, 2, (RAM + LEVEL2) | VALID_TABLE);
    for (unsigned i = 0; i < RAM_SIZE >> 21; i++)
        set(rig, LEVEL2_RAM, i, (RAM + ((uint64_t)i << 21)) | NORMAL | 1);
    set(rig, LEVEL2_RAM, (ROM - RAM) >> 21, ROM | NORMAL | 1);
    set(rig, LEVEL2, 0, (RAM + LEVEL3) | VALID_TABLE);
    set(rig, LEVEL2, 1, (RAM + LEVEL3_GLOBAL) | VALID_TABLE);
    set(rig, LEVEL2, 2, DATA | NORMAL | NG | 1);
    for (unsigned i = 0; i < 512; i++) {
        set(rig, LEVEL3, i, (DATA + 4096ull * i) | NORMAL | NG | 3);
        set(rig, LEVEL3_GLOBAL, i, (DATA + 4096ull * i) | NORMAL | 3);
    }
}

static int rom_read(void *dev, uint64_t offset, unsigned size, uint64_t *value)
{
    struct rig *rig = dev;

    __atomic_fetch_add(&rig->rom_reads, 1, __ATOMIC_RELAXED);
    *value = ROM_ANSWER;
    return 0;
}

static int rom_write(void *dev, uint64_t offset, unsigned size, uint64_t value)
{
    struct rig *rig = dev;

    __atomic_fetch_add(&rig->rom_writes, 1, __ATOMIC_RELAXED);
    mem_rom_direct(rig->mem, ROM, value);
    return 0;
}

static const struct mem_io_ops rom_ops = {rom_read, rom_write};

static void create(struct rig *rig, unsigned cpus, enum engine_kind kind, const char *directory,
                   const char *model, uint32_t tier2_us)
{
    struct engine_config config = {.kind = kind,
                                   .cpus = cpus,
                                   .code_cache = 1 << 20,
                                   .code_store = directory,
                                   .tier2_us = tier2_us};
    struct error err;

    memset(rig, 0, sizeof(*rig));
    assert_int_equal(mem_create(&rig->mem, &err), 0);
    assert_int_equal(mem_add_ram(rig->mem, RAM, RAM_SIZE, "ram", &err), 0);
    rig->rom = host_ram_map(ROM_SIZE);
    assert_non_null(rig->rom);
    assert_int_equal(mem_add_rom_device(rig->mem, ROM, ROM_SIZE, rig->rom, &rom_ops, rig, "rom", &err),
                     0);
    assert_int_equal(arm_features_parse(&rig->features, model, &err), 0);
    config.mem = rig->mem;
    config.features = &rig->features;
    config.hooks = &rig->hooks;
    assert_int_equal(engine_create(&config, &rig->engine, &err), 0);
    make_tables(rig);
    for (unsigned i = 0; i < cpus; i++) {
        struct arm_cpu *cpu = engine_cpu(rig->engine, i);
        arm_cpu_reset(cpu, RAM, 0);
        cpu->mair_el1 = 0xff;
        cpu->tcr_el1 = 25 | 1 << 23 | 25 << 16 | 2ull << 30 | 5ull << 32; /* 39 bits, no TTBR1 */
        cpu->sctlr_el1 |= 1 << 0 | 1 << 2 | 1 << 12;
        rig_set_asid(rig_vcpu(rig, i), 1);
    }
}

void rig_create(struct rig *rig, unsigned cpus, enum engine_kind kind)
{
    create(rig, cpus, kind, NULL, "max", 0);
}

void rig_create_stored(struct rig *rig, unsigned cpus, const char *directory, const char *model)
{
    create(rig, cpus, ENGINE_AUTO, directory, model, 0);
}

void rig_create_tier2(struct rig *rig, unsigned cpus, uint32_t tier2_us)
{
    create(rig, cpus, ENGINE_AUTO, NULL, "max", tier2_us);
}

void rig_destroy(struct rig *rig)
{
    engine_destroy(rig->engine);
    mem_destroy(rig->mem);
    host_ram_unmap(rig->rom, ROM_SIZE);
}

struct jit_vcpu *rig_vcpu(const struct rig *rig, unsigned index)
{
    return jit_vcpu(engine_cpu(rig->engine, index));
}

void rig_set_asid(struct jit_vcpu *vcpu, uint16_t asid)
{
    vcpu->cpu.ttbr0_el1 = (RAM + LEVEL1) | (uint64_t)asid << 48;
    jit_context_sync(vcpu);
}

void rig_poke(const struct rig *rig, uint64_t pa, const void *bytes, size_t len)
{
    assert_int_equal(mem_write(rig->mem, pa, bytes, len), 0);
}

bool rig_load_misses(struct jit_vcpu *vcpu, uint64_t va)
{
    uint64_t fills = vcpu->stat_tlb_fills;

    vcpu->cpu.raised = 0;
    jit_runtime.ld(&vcpu->cpu, va, 3, 0);
    assert_int_equal(vcpu->cpu.raised, 0);
    return vcpu->stat_tlb_fills != fills;
}
