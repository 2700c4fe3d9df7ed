/* SPDX-License-Identifier: Apache-2.0 */
/* Table walks: geometry of every granule, permissions, faults, access flag and dirty state. */
#include "pe.h"

#include <string.h>

#include "arm/mmu.h"
#include "arm/pstate.h"
#include "base/bits.h"
#include "machine/mem/mem.h"

#define AF    (1ull << 10)
#define EL0   (1ull << 6)
#define RO    (1ull << 7)
#define NG    (1ull << 11)
#define DBM   (1ull << 51)
#define PXN   (1ull << 53)
#define UXN   (1ull << 54)
#define HA    (1ull << 39)
#define HD    (1ull << 40)
#define TBI0  (1ull << 37)
#define TBI1  (1ull << 38)
#define IPS48 (5ull << 32)
#define IPS52 (6ull << 32)
#define DS    (1ull << 59)

enum { TABLES = PE_RAM + 0x100000, PAGE = PE_RAM + 0x800000 };

struct geometry {
    unsigned grain, txsz;
    uint64_t tg0, tg1; /* TCR fields */
    int start;
    bool ds;
};

static const struct geometry geometries[] = {
    {12, 16, 0, 2, 0},
    {12, 25, 0, 2, 1},
    {12, 34, 0, 2, 2},
    {12, 39, 0, 2, 2},
    {14, 16, 2, 1, 0},
    {14, 17, 2, 1, 1},
    {14, 28, 2, 1, 2},
    {14, 39, 2, 1, 3},
    {16, 16, 1, 3, 1},
    {16, 22, 1, 3, 2},
    {16, 35, 1, 3, 3},
    {16, 39, 1, 3, 3},
    /* small tables (FEAT_TTST), 52-bit addresses (FEAT_LVA, FEAT_LPA2) */
    {12, 40, 0, 2, 2},
    {12, 43, 0, 2, 3},
    {12, 48, 0, 2, 3},
    {14, 48, 2, 1, 3},
    {16, 47, 1, 3, 3},
    {12, 12, 0, 2, -1, true},
    {12, 15, 0, 2, -1, true},
    {12, 16, 0, 2, 0, true},
    {14, 12, 2, 1, 0, true},
    {14, 17, 2, 1, 1, true},
    {16, 12, 1, 3, 1},
};

static unsigned low_bit(unsigned grain, int level)
{
    return grain + (unsigned)(3 - level) * (grain - 3);
}

static void mmu_on(struct pe *pe, uint64_t tcr)
{
    pe->cpu.tcr_el1 = tcr;
    pe->cpu.ttbr0_el1 = pe->cpu.ttbr1_el1 = TABLES;
    pe->cpu.sctlr_el1 |= ARM_SCTLR_M;
    pe->cpu.mair_el1 = 0x4400ff; /* 0 normal, 1 device, 2 non-cacheable */
}

static uint64_t geometry_tcr(const struct geometry *g)
{
    return IPS48 | g->txsz | (uint64_t)g->txsz << 16 | g->tg0 << 14 | g->tg1 << 30 |
           (g->ds ? DS : 0);
}

/* Tables at TABLES, one granule each, that map va at `level` to `leaf` (without its type bits). */
static void map_at(struct pe *pe, const struct geometry *g, uint64_t va, int level, uint64_t leaf,
                   uint64_t table_bits)
{
    uint64_t table = TABLES;
    unsigned top = 63 - g->txsz;

    memset(mem_ptr(pe->mem, TABLES, 0x100000, true), 0, 0x100000);
    for (int l = g->start;; l++) {
        unsigned low = low_bit(g->grain, l);
        uint64_t where = table + 8 * bits(va, top, low);
        if (l == level) {
            pe_store(pe, where, leaf | (l == 3 ? 3 : 1));
            return;
        }
        table = TABLES + (uint64_t)(l + 1) * 0x10000 + 0x30000;
        pe_store(pe, where, table | 3 | table_bits);
        top = low - 1;
    }
}

/* The common case: 4 KiB granule, 48 bits, one page. */
static const struct geometry *const plain = &geometries[0];

static void map(struct pe *pe, uint64_t va, uint64_t leaf)
{
    mmu_on(pe, geometry_tcr(plain));
    map_at(pe, plain, va, 3, leaf, 0);
}

static int translate(struct pe *pe, uint64_t va, unsigned el, enum arm_access access,
                     struct arm_translation *t, struct arm_fault *f)
{
    memset(t, 0, sizeof(*t));
    memset(f, 0, sizeof(*f));
    return arm_translate(&pe->cpu, va, el, pe->cpu.pan, access, t, f);
}

/* The fault code, or -1 if the address translates. */
static int fault_of(struct pe *pe, uint64_t va, unsigned el, enum arm_access access)
{
    struct arm_translation t;
    struct arm_fault f;

    return translate(pe, va, el, access, &t, &f) ? f.fsc : -1;
}

static void mmu_off_is_flat_and_device(void **state)
{
    struct pe *pe = *state;
    struct arm_translation t;
    struct arm_fault f;

    assert_int_equal(translate(pe, 0x40001234, 1, ARM_READ, &t, &f), 0);
    assert_int_equal(t.pa, 0x40001234);
    assert_int_equal(t.attr, ARM_MEM_DEVICE);
    assert_true(t.readable && t.writable && t.executable && t.dirty);
    assert_int_equal(translate(pe, 0x40001234, 1, ARM_FETCH, &t, &f), 0);
    assert_int_not_equal(t.attr, ARM_MEM_DEVICE);
    assert_int_equal(fault_of(pe, 1ull << 52, 1, ARM_READ), ARM_FSC_ADDRESS_SIZE);
    assert_int_equal(fault_of(pe, 1ull << 51, 1, ARM_READ), -1);
    pe_model(pe, "max,-lpa");
    assert_int_equal(fault_of(pe, 1ull << 48, 1, ARM_READ), ARM_FSC_ADDRESS_SIZE);
}

static void every_granule_and_level_maps(void **state)
{
    struct pe *pe = *state;

    for (unsigned i = 0; i < ARRAY_SIZE(geometries); i++) {
        const struct geometry *g = &geometries[i];
        for (int level = g->start; level <= 3; level++) {
            unsigned low = low_bit(g->grain, level);
            uint64_t va = 0xa123456789abcull & ones(64 - g->txsz);
            uint64_t out = 0x7f0000000000ull & ~ones(low);
            bool block = level >= 2 || (level == 1 && (g->grain != 14 || g->ds)) ||
                         (level == 0 && g->grain == 12 && g->ds);
            for (unsigned upper = 0; upper < 2; upper++) {
                uint64_t addr = upper ? va | ~ones(64 - g->txsz) : va;
                struct arm_translation t;
                struct arm_fault f;
                mmu_on(pe, geometry_tcr(g));
                map_at(pe, g, va, level, out | AF, 0);
                int rc = translate(pe, addr, 1, ARM_READ, &t, &f);
                if (block) {
                    assert_int_equal(rc, 0);
                    assert_int_equal(t.pa, out | (va & ones(low)));
                    assert_int_equal(t.size, 1ull << low);
                } else {
                    assert_int_equal(f.fsc, level < 0 ? ARM_FSC_TRANSLATION_M1
                                                      : ARM_FSC_TRANSLATION + level);
                }
            }
        }
    }
}

/* TxSZ out of range: a level 0 fault. */
static void table_sizes_out_of_range_fault(void **state)
{
    static const struct {
        const char *model;
        struct geometry g;
    } cases[] = {
        {"max", {12, 15, 0, 2, 0}},        {"max", {14, 15, 2, 1, 0}},
        {"max", {12, 11, 0, 2, -1, true}}, {"max", {16, 11, 1, 3, 1}},
        {"max", {12, 49, 0, 2, 3}},        {"max", {14, 49, 2, 1, 3}},
        {"max", {16, 48, 1, 3, 3}},        {"max,-ttst", {12, 40, 0, 2, 2}},
        {"max,-lva", {16, 15, 1, 3, 1}},   {"max,-lva", {12, 15, 0, 2, 0}},
    };
    struct pe *pe = *state;

    for (unsigned i = 0; i < ARRAY_SIZE(cases); i++) {
        pe_model(pe, cases[i].model);
        mmu_on(pe, geometry_tcr(&cases[i].g));
        if (64 - cases[i].g.txsz > cases[i].g.grain) /* else there is no table to look into */
            map_at(pe, &cases[i].g, 0, cases[i].g.start, PAGE | AF, 0);
        assert_int_equal(fault_of(pe, 0, 1, ARM_READ), ARM_FSC_TRANSLATION);
    }
}

/* Output address bits 51:48 stand elsewhere in each format, and need IPS. */
static void outputs_of_52_bits_are_assembled(void **state)
{
    static const struct geometry four = {12, 12, 0, 2, -1, true}, sixteen = {14, 12, 2, 1, 0, true},
                                 large = {16, 12, 1, 3, 1};
    static const struct {
        const struct geometry *g;
        uint64_t high; /* 0xb000000000000 in the descriptor */
    } cases[] = {
        {&four, 2ull << 8 | 3ull << 48},
        {&sixteen, 2ull << 8 | 3ull << 48},
        {&large, 0xbull << 12},
    };
    struct pe *pe = *state;

    for (unsigned i = 0; i < ARRAY_SIZE(cases); i++) {
        const struct geometry *g = cases[i].g;
        struct arm_translation t;
        struct arm_fault f;
        mmu_on(pe, (geometry_tcr(g) & ~IPS48) | IPS52 | 3ull << 12);
        map_at(pe, g, 0xf000012340000, 3, 0x7fff00000000 | AF | cases[i].high, 0);
        assert_int_equal(translate(pe, 0xf000012340000, 1, ARM_READ, &t, &f), 0);
        assert_int_equal(t.pa, 0xb7fff00000000);
        assert_int_equal(t.sh, g->ds ? 3 : 0);
        pe->cpu.tcr_el1 = geometry_tcr(g); /* 48 bits */
        assert_int_equal(fault_of(pe, 0xf000012340000, 1, ARM_READ), ARM_FSC_ADDRESS_SIZE + 3);
        pe->cpu.tcr_el1 |= IPS52;
        pe->cpu.ttbr0_el1 = TABLES | 1 << 2; /* BADDR<48>: nothing there */
        assert_int_equal(fault_of(pe, 0xf000012340000, 1, ARM_READ),
                         g->start < 0 ? ARM_FSC_EXTERNAL_WALK_M1
                                      : ARM_FSC_EXTERNAL_WALK + g->start);
        pe->cpu.tcr_el1 = geometry_tcr(g);
        assert_int_equal(fault_of(pe, 0xf000012340000, 1, ARM_READ),
                         g->ds ? ARM_FSC_ADDRESS_SIZE : ARM_FSC_ADDRESS_SIZE + 3);
    }
}

/* Table descriptors' permissions are not there with TCR_EL1.HPD0. */
static void hierarchical_permissions_can_be_disabled(void **state)
{
    const uint64_t none = 1ull << 59 | 1ull << 60 | 1ull << 61 | 1ull << 62;
    struct pe *pe = *state;

    mmu_on(pe, geometry_tcr(plain));
    map_at(pe, plain, 0, 3, PAGE | AF | EL0, none);
    assert_int_equal(fault_of(pe, 0, 0, ARM_READ), ARM_FSC_PERMISSION + 3);
    assert_int_equal(fault_of(pe, 0, 1, ARM_WRITE), ARM_FSC_PERMISSION + 3);
    pe->cpu.tcr_el1 |= 1ull << 42;
    assert_int_equal(fault_of(pe, 0, 0, ARM_READ), ARM_FSC_PERMISSION + 3);
    pe->cpu.tcr_el1 |= 1ull << 41;
    assert_int_equal(fault_of(pe, 0, 0, ARM_READ), -1);
    assert_int_equal(fault_of(pe, 0, 0, ARM_FETCH), -1);
    assert_int_equal(fault_of(pe, 0, 1, ARM_WRITE), -1);
}

static void invalid_descriptor_faults_at_its_level(void **state)
{
    struct pe *pe = *state;

    for (unsigned i = 0; i < ARRAY_SIZE(geometries); i++) {
        const struct geometry *g = &geometries[i];
        mmu_on(pe, geometry_tcr(g));
        for (int level = g->start; level < 3; level++) {
            /* the last table on the way is empty below `level` */
            map_at(pe, g, 0x1000, level, 0, 0);
            unsigned low = low_bit(g->grain, level);
            uint64_t table =
                level == g->start ? TABLES : TABLES + (uint64_t)level * 0x10000 + 0x30000;
            pe_store(pe,
                     table + 8 * bits(0x1000, level == g->start ? 63 - g->txsz : low + g->grain - 4,
                                      low),
                     0);
            assert_int_equal(fault_of(pe, 0x1000, 1, ARM_READ),
                             level < 0 ? ARM_FSC_TRANSLATION_M1 : ARM_FSC_TRANSLATION + level);
        }
    }
}

static void reserved_page_type_faults(void **state)
{
    struct pe *pe = *state;

    map(pe, 0, 0);
    pe_store(pe, TABLES + 0x60000, PAGE | AF | 1);
    assert_int_equal(fault_of(pe, 0, 1, ARM_READ), ARM_FSC_TRANSLATION + 3);
}

static void addresses_between_the_halves_fault(void **state)
{
    struct pe *pe = *state;

    map(pe, 0, PAGE | AF);
    assert_int_equal(fault_of(pe, 0, 1, ARM_READ), -1);
    assert_int_equal(fault_of(pe, 1ull << 48, 1, ARM_READ), ARM_FSC_TRANSLATION);
    assert_int_equal(fault_of(pe, 0xfffeull << 48, 1, ARM_READ), ARM_FSC_TRANSLATION);
    assert_int_equal(fault_of(pe, 0xffffull << 48, 1, ARM_READ), -1);
}

static void tagged_address_translates_with_tbi_only(void **state)
{
    struct pe *pe = *state;

    map(pe, 0, PAGE | AF);
    assert_int_equal(fault_of(pe, 0xabull << 56, 1, ARM_READ), ARM_FSC_TRANSLATION);
    pe->cpu.tcr_el1 |= TBI0;
    assert_int_equal(fault_of(pe, 0xabull << 56, 1, ARM_READ), -1);
    assert_int_equal(fault_of(pe, 0xabull << 56, 1, ARM_FETCH), -1);
    assert_int_equal(fault_of(pe, 0xabffull << 48, 1, ARM_READ), ARM_FSC_TRANSLATION);
    pe->cpu.tcr_el1 |= TBI1;
    assert_int_equal(fault_of(pe, 0xabffull << 48, 1, ARM_READ), -1);
}

static void disabled_walks_fault(void **state)
{
    struct pe *pe = *state;

    map(pe, 0, PAGE | AF);
    pe->cpu.tcr_el1 |= 1ull << 7;
    assert_int_equal(fault_of(pe, 0, 1, ARM_READ), ARM_FSC_TRANSLATION);
    assert_int_equal(fault_of(pe, 0xffffull << 48, 1, ARM_READ), -1);
    pe->cpu.tcr_el1 |= 1ull << 23;
    assert_int_equal(fault_of(pe, 0xffffull << 48, 1, ARM_READ), ARM_FSC_TRANSLATION);
}

static void e0pd_hides_a_half_from_el0(void **state)
{
    struct pe *pe = *state;

    map(pe, 0, PAGE | AF | EL0);
    assert_int_equal(fault_of(pe, 0xffffull << 48, 0, ARM_READ), -1);
    pe->cpu.tcr_el1 |= 1ull << 56;
    assert_int_equal(fault_of(pe, 0xffffull << 48, 0, ARM_READ), ARM_FSC_TRANSLATION);
    assert_int_equal(fault_of(pe, 0xffffull << 48, 1, ARM_READ), -1);
    assert_int_equal(fault_of(pe, 0, 0, ARM_READ), -1);
    pe->cpu.tcr_el1 |= 1ull << 55;
    assert_int_equal(fault_of(pe, 0, 0, ARM_FETCH), ARM_FSC_TRANSLATION);
}

static void addresses_beyond_ips_fault(void **state)
{
    struct pe *pe = *state;
    uint64_t high = 1ull << 40;

    map(pe, 0, high | AF);
    assert_int_equal(fault_of(pe, 0, 1, ARM_READ), -1);
    pe->cpu.tcr_el1 &= ~IPS48; /* 32 bits */
    assert_int_equal(fault_of(pe, 0, 1, ARM_READ), ARM_FSC_ADDRESS_SIZE + 3);
    pe_store(pe, TABLES + 0x40000, high | 3);
    assert_int_equal(fault_of(pe, 0, 1, ARM_READ), ARM_FSC_ADDRESS_SIZE + 1);
    pe->cpu.ttbr0_el1 = high;
    assert_int_equal(fault_of(pe, 0, 1, ARM_READ), ARM_FSC_ADDRESS_SIZE);
}

static void table_outside_ram_is_an_external_abort(void **state)
{
    struct pe *pe = *state;

    map(pe, 0, PAGE | AF);
    pe_store(pe, TABLES + 0x50000, 0x1000 | 3);
    assert_int_equal(fault_of(pe, 0, 1, ARM_READ), ARM_FSC_EXTERNAL_WALK + 3);
    pe->cpu.ttbr0_el1 = 0x1000;
    assert_int_equal(fault_of(pe, 0, 1, ARM_READ), ARM_FSC_EXTERNAL_WALK);
}

static void big_endian_tables_are_walked(void **state)
{
    struct pe *pe = *state;

    map(pe, 0, PAGE);
    for (unsigned i = 0; i < 0x100000; i += 8)
        pe_store(pe, TABLES + i, __builtin_bswap64(pe_load(pe, TABLES + i)));
    assert_int_not_equal(fault_of(pe, 0, 1, ARM_READ), -1);
    pe->cpu.sctlr_el1 |= ARM_SCTLR_EE;
    pe->cpu.tcr_el1 |= HA;
    assert_int_equal(fault_of(pe, 0, 1, ARM_READ), -1);
    assert_int_equal(__builtin_bswap64(pe_load(pe, TABLES + 0x60000)), PAGE | AF | 3);
}

/* Rights as letters, by access at EL0 then EL1. */
struct rights {
    uint64_t leaf, table;
    bool wxn, pan;
    const char *el0, *el1;
};

static const struct rights rights[] = {
    {0, 0, false, false, "x", "rwx"},
    {EL0, 0, false, false, "rwx", "rw"},
    {RO, 0, false, false, "x", "rx"},
    {EL0 | RO, 0, false, false, "rx", "rx"},
    {EL0 | RO | UXN, 0, false, false, "r", "rx"},
    {EL0 | RO | PXN, 0, false, false, "rx", "r"},
    {UXN | PXN, 0, false, false, "", "rw"},
    {EL0, 0, true, false, "rw", "rw"},
    {0, 0, true, false, "x", "rw"},
    {EL0 | RO, 0, true, false, "rx", "rx"},
    {EL0, 0, false, true, "rwx", ""},
    {EL0 | RO, 0, false, true, "rx", "x"},
    {0, 0, false, true, "x", "rwx"},
    {EL0, 1ull << 61, false, false, "x", "rwx"},
    {EL0, 1ull << 62, false, false, "rx", "rx"},
    {EL0 | RO, 1ull << 60, false, false, "r", "rx"},
    {EL0 | RO, 1ull << 59, false, false, "rx", "r"},
    {EL0, 3ull << 61, false, false, "x", "rx"},
};

static void permissions_follow_the_descriptors(void **state)
{
    struct pe *pe = *state;

    for (unsigned i = 0; i < ARRAY_SIZE(rights); i++) {
        const struct rights *r = &rights[i];
        mmu_on(pe, geometry_tcr(plain));
        map_at(pe, plain, 0, 3, PAGE | AF | r->leaf, r->table);
        pe->cpu.pan = r->pan;
        pe->cpu.sctlr_el1 &= ~ARM_SCTLR_WXN;
        if (r->wxn)
            pe->cpu.sctlr_el1 |= ARM_SCTLR_WXN;
        for (unsigned el = 0; el < 2; el++) {
            const char *want = el ? r->el1 : r->el0;
            for (unsigned access = ARM_READ; access <= ARM_FETCH; access++) {
                int fsc = fault_of(pe, 0, el, access);
                if (strchr(want, "rwx"[access]))
                    assert_int_equal(fsc, -1);
                else
                    assert_int_equal(fsc, ARM_FSC_PERMISSION + 3);
            }
        }
    }
}

static void translation_reports_all_rights(void **state)
{
    struct pe *pe = *state;
    struct arm_translation t;
    struct arm_fault f;

    map(pe, 0, PAGE | AF | EL0 | RO | UXN | NG);
    assert_int_equal(translate(pe, 0x18, 0, ARM_READ, &t, &f), 0);
    assert_int_equal(t.pa, PAGE + 0x18);
    assert_int_equal(t.size, 4096);
    assert_true(t.readable);
    assert_false(t.writable || t.dirty || t.executable || t.global);
}

static void atomic_fault_says_whether_the_write_was_at_fault(void **state)
{
    struct pe *pe = *state;
    struct arm_translation t;
    struct arm_fault f;

    map(pe, 0, PAGE | AF | RO | EL0);
    assert_int_not_equal(translate(pe, 0, 1, ARM_ATOMIC, &t, &f), 0);
    assert_true(f.write);
    pe->cpu.pan = 1;
    assert_int_not_equal(translate(pe, 0, 1, ARM_ATOMIC, &t, &f), 0);
    assert_false(f.write);
    assert_int_not_equal(translate(pe, 0x1000, 1, ARM_ATOMIC, &t, &f), 0);
    assert_false(f.write);
    assert_int_not_equal(translate(pe, 0x1000, 1, ARM_WRITE, &t, &f), 0);
    assert_true(f.write);
}

static void memory_attributes_come_from_mair(void **state)
{
    static const struct {
        uint64_t index;
        enum arm_memattr attr;
        uint8_t mair, sh;
    } cases[] = {{0, ARM_MEM_NORMAL, 0xff, 3}, {1, ARM_MEM_DEVICE, 0, 2}, {2, ARM_MEM_NC, 0x44, 2}};
    struct pe *pe = *state;

    for (unsigned i = 0; i < ARRAY_SIZE(cases); i++) {
        struct arm_translation t;
        struct arm_fault f;
        map(pe, 0, PAGE | AF | 3 << 8 | cases[i].index << 2);
        assert_int_equal(translate(pe, 0, 1, ARM_READ, &t, &f), 0);
        assert_int_equal(t.attr, cases[i].attr);
        assert_int_equal(t.mair, cases[i].mair);
        assert_int_equal(t.sh, cases[i].sh);
    }
}

static void access_flag_faults_without_ha(void **state)
{
    struct pe *pe = *state;

    map(pe, 0, PAGE | RO);
    assert_int_equal(fault_of(pe, 0, 1, ARM_READ), ARM_FSC_ACCESS_FLAG + 3);
    assert_int_equal(fault_of(pe, 0, 1, ARM_WRITE), ARM_FSC_ACCESS_FLAG + 3);
    map_at(pe, plain, 0, 2, (PAGE & ~ones(21)), 0);
    assert_int_equal(fault_of(pe, 0, 1, ARM_READ), ARM_FSC_ACCESS_FLAG + 2);
}

static void hardware_sets_the_access_flag(void **state)
{
    struct pe *pe = *state;

    map(pe, 0, PAGE | RO);
    pe->cpu.tcr_el1 |= HA;
    assert_int_equal(fault_of(pe, 0, 1, ARM_WRITE), ARM_FSC_PERMISSION + 3);
    assert_int_equal(pe_load(pe, TABLES + 0x60000), PAGE | RO | 3);
    assert_int_equal(fault_of(pe, 0, 1, ARM_READ), -1);
    assert_int_equal(pe_load(pe, TABLES + 0x60000), PAGE | RO | AF | 3);
}

static void first_write_marks_the_page_dirty(void **state)
{
    struct pe *pe = *state;
    struct arm_translation t;
    struct arm_fault f;

    map(pe, 0, PAGE | RO | DBM);
    pe->cpu.tcr_el1 |= HA;
    assert_int_equal(fault_of(pe, 0, 1, ARM_WRITE), ARM_FSC_PERMISSION + 3);
    pe->cpu.tcr_el1 |= HD;
    assert_int_equal(translate(pe, 0, 1, ARM_READ, &t, &f), 0);
    assert_true(t.writable);
    assert_false(t.dirty);
    assert_int_equal(pe_load(pe, TABLES + 0x60000), PAGE | RO | DBM | AF | 3);
    assert_int_equal(translate(pe, 0, 1, ARM_WRITE, &t, &f), 0);
    assert_true(t.writable && t.dirty);
    assert_int_equal(pe_load(pe, TABLES + 0x60000), PAGE | DBM | AF | 3);
}

static void read_only_tables_win_over_dbm(void **state)
{
    struct pe *pe = *state;

    mmu_on(pe, geometry_tcr(plain) | HA | HD);
    map_at(pe, plain, 0, 3, PAGE | AF | RO | DBM, 1ull << 62);
    assert_int_equal(fault_of(pe, 0, 1, ARM_WRITE), ARM_FSC_PERMISSION + 3);
}

static void probe_changes_nothing_in_memory(void **state)
{
    struct pe *pe = *state;
    struct arm_translation t;
    struct arm_fault f;

    map(pe, 0, PAGE | RO | DBM);
    pe->cpu.tcr_el1 |= HA | HD;
    assert_int_equal(arm_translate_probe(&pe->cpu, 0, 1, false, ARM_WRITE, &t, &f), 0);
    assert_int_equal(pe_load(pe, TABLES + 0x60000), PAGE | RO | DBM | 3);
}

static void asid_follows_a1_and_as(void **state)
{
    struct pe *pe = *state;

    pe->cpu.ttbr0_el1 = 0x1234ull << 48;
    pe->cpu.ttbr1_el1 = 0x5678ull << 48;
    assert_int_equal(arm_asid(&pe->cpu), 0x34);
    pe->cpu.tcr_el1 = 1ull << 36;
    assert_int_equal(arm_asid(&pe->cpu), 0x1234);
    pe->cpu.tcr_el1 |= 1ull << 22;
    assert_int_equal(arm_asid(&pe->cpu), 0x5678);
}

static void branch_targets_lose_their_tag(void **state)
{
    struct pe *pe = *state;

    assert_int_equal(arm_branch_addr(&pe->cpu, 0xab00000000001000), 0xab00000000001000);
    pe->cpu.tcr_el1 = TBI0;
    assert_int_equal(arm_branch_addr(&pe->cpu, 0xab00000000001000), 0x1000);
    assert_int_equal(arm_branch_addr(&pe->cpu, 0xabff000000001000), 0xabff000000001000);
    pe->cpu.tcr_el1 = TBI1;
    assert_int_equal(arm_branch_addr(&pe->cpu, 0xabff000000001000), 0xffff000000001000);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, pe_setup, pe_teardown)

int main(void)
{
    static const struct CMUnitTest tests[] = {
        TEST(mmu_off_is_flat_and_device),
        TEST(every_granule_and_level_maps),
        TEST(table_sizes_out_of_range_fault),
        TEST(outputs_of_52_bits_are_assembled),
        TEST(hierarchical_permissions_can_be_disabled),
        TEST(invalid_descriptor_faults_at_its_level),
        TEST(reserved_page_type_faults),
        TEST(addresses_between_the_halves_fault),
        TEST(tagged_address_translates_with_tbi_only),
        TEST(disabled_walks_fault),
        TEST(e0pd_hides_a_half_from_el0),
        TEST(addresses_beyond_ips_fault),
        TEST(table_outside_ram_is_an_external_abort),
        TEST(big_endian_tables_are_walked),
        TEST(permissions_follow_the_descriptors),
        TEST(translation_reports_all_rights),
        TEST(atomic_fault_says_whether_the_write_was_at_fault),
        TEST(memory_attributes_come_from_mair),
        TEST(access_flag_faults_without_ha),
        TEST(hardware_sets_the_access_flag),
        TEST(first_write_marks_the_page_dirty),
        TEST(read_only_tables_win_over_dbm),
        TEST(probe_changes_nothing_in_memory),
        TEST(asid_follows_a1_and_as),
        TEST(branch_targets_lose_their_tag),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
