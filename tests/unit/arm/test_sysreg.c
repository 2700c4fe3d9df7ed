/* SPDX-License-Identifier: Apache-2.0 */
/* The system-register table and what its rows do. */
#include "pe.h"

#include <string.h>

#include "arm/exception.h"
#include "arm/pstate.h"
#include "arm/sysreg.h"
#include "base/bits.h"
#include "machine/mem/mem.h"

#define REG ARM_SYSREG

static const uint32_t SCTLR = REG(3, 0, 1, 0, 0), DAIF = REG(3, 3, 4, 2, 1),
                      CTR = REG(3, 3, 0, 0, 1), IC_IVAU = REG(1, 3, 7, 5, 1),
                      DC_CVAC = REG(1, 3, 7, 10, 1), DC_IVAC = REG(1, 0, 7, 6, 1),
                      DC_ZVA = REG(1, 3, 7, 4, 1), AT_S1E1R = REG(1, 0, 7, 8, 0),
                      AT_S1E1W = REG(1, 0, 7, 8, 1), AT_S1E0R = REG(1, 0, 7, 8, 2),
                      AT_S1E1RP = REG(1, 0, 7, 9, 0), PAR = REG(3, 0, 7, 4, 0);

/* One block of 1 GiB maps RAM flat with `leaf` as its attributes. */
static void map_ram(struct pe *pe, uint64_t leaf)
{
    pe_store(pe, PE_RAM + 8, PE_RAM | 1 << 10 | 1 | leaf);
    pe->cpu.ttbr0_el1 = PE_RAM;
    pe->cpu.tcr_el1 = 25 | 5ull << 32; /* 39-bit: the walk starts at level 1 */
    pe->cpu.mair_el1 = 0xff;
    pe->cpu.sctlr_el1 |= ARM_SCTLR_M;
}

static unsigned raised_ec(struct pe *pe)
{
    unsigned ec;

    assert_true(pe_raised(pe, &ec));
    return ec;
}

static void go_el0(struct pe *pe)
{
    arm_set_el(&pe->cpu, 0, 0);
}

static void table_is_sorted_and_each_row_is_found(void **state)
{
    uint32_t last = 0;

    for (unsigned i = 0; arm_sysreg_at(i); i++) {
        const struct arm_sysreg *reg = arm_sysreg_at(i);
        assert_true(i == 0 || reg->encoding > last);
        assert_ptr_equal(arm_sysreg_find(reg->encoding), reg);
        last = reg->encoding;
    }
    assert_null(arm_sysreg_find(0));
    assert_null(arm_sysreg_find(REG(3, 7, 15, 15, 7)));
}

static void rows_are_consistent(void **state)
{
    for (unsigned i = 0; arm_sysreg_at(i); i++) {
        const struct arm_sysreg *reg = arm_sysreg_at(i);
        bool readable = reg->flags & (ARM_SYSREG_R0 | ARM_SYSREG_R1);
        bool writable = reg->flags & (ARM_SYSREG_W0 | ARM_SYSREG_W1);
        assert_true(readable || writable);
        assert_true(!readable || reg->read || reg->offset >= 0 || reg->flags & ARM_SYSREG_CONST);
        assert_true(!writable || reg->write || reg->offset >= 0);
        assert_int_equal(!!(reg->flags & ARM_SYSREG_TRAP0), !!reg->trap0);
        assert_int_equal(!!(reg->flags & ARM_SYSREG_OP), reg->encoding >> 14 == 1);
        assert_true(reg->offset % 8 == 0 || reg->offset == -1);
        /* what EL0 may do EL1 may do as well */
        assert_true(!(reg->flags & ARM_SYSREG_R0) || reg->flags & ARM_SYSREG_R1);
        assert_true(!(reg->flags & ARM_SYSREG_W0) || reg->flags & ARM_SYSREG_W1);
        for (unsigned j = 0; j < i; j++)
            assert_string_not_equal(arm_sysreg_at(j)->name, reg->name);
    }
}

/* Everything in the table can be read, and written with anything, without harm to the host. */
static void every_register_takes_any_value(void **state)
{
    static const uint64_t values[] = {0, ~0ull, 0x5555555555555555, 0xaaaaaaaaaaaaaaaa};
    struct pe *pe = *state;

    for (unsigned v = 0; v < ARRAY_SIZE(values); v++)
        for (unsigned i = 0; arm_sysreg_at(i); i++) {
            const struct arm_sysreg *reg = arm_sysreg_at(i);
            if (reg->flags & ARM_SYSREG_W1)
                pe_msr(pe, reg->encoding, values[v]);
            if (reg->flags & ARM_SYSREG_R1)
                pe_mrs(pe, reg->encoding);
            arm_set_el(&pe->cpu, 1, 1);
        }
}

static void keys_reach_the_same_registers(void **state)
{
    struct pe *pe = *state;

    for (unsigned i = 0; arm_sysreg_at(i); i++)
        assert_int_equal(arm_sysreg_key(arm_sysreg_at(i)) & 0xffff, arm_sysreg_at(i)->encoding);
    pe_msr(pe, arm_sysreg_key(arm_sysreg_find(REG(3, 3, 13, 0, 2))), 0x1234);
    assert_int_equal(pe->cpu.tpidr_el0, 0x1234);
    pe_mrs(pe, 0xffff0000 | REG(3, 3, 13, 0, 2));
    assert_int_equal(raised_ec(pe), ARM_EC_UNKNOWN);
}

static void unknown_registers_are_undefined(void **state)
{
    static const uint32_t regs[] = {REG(3, 4, 1, 1, 0), REG(3, 6, 1, 1, 0),  REG(3, 3, 9, 15, 0),
                                    REG(3, 0, 1, 0, 6), REG(3, 0, 10, 4, 1), REG(3, 0, 5, 3, 0),
                                    REG(3, 0, 1, 0, 7), REG(1, 4, 8, 7, 0)};
    struct pe *pe = *state;

    for (unsigned i = 0; i < ARRAY_SIZE(regs); i++) {
        pe_mrs(pe, regs[i]);
        assert_int_equal(raised_ec(pe), ARM_EC_UNKNOWN);
    }
}

static void read_only_and_write_only_are_kept(void **state)
{
    struct pe *pe = *state;

    pe_msr(pe, REG(3, 0, 0, 0, 0), 1);
    assert_int_equal(raised_ec(pe), ARM_EC_UNKNOWN);
    pe_mrs(pe, REG(2, 0, 1, 0, 4));
    assert_int_equal(raised_ec(pe), ARM_EC_UNKNOWN);
}

static void el1_registers_are_undefined_at_el0(void **state)
{
    struct pe *pe = *state;

    for (unsigned i = 0; arm_sysreg_at(i); i++) {
        const struct arm_sysreg *reg = arm_sysreg_at(i);
        if (reg->flags & (ARM_SYSREG_R0 | ARM_SYSREG_W0))
            continue;
        go_el0(pe);
        if (reg->flags & ARM_SYSREG_R1)
            pe_mrs(pe, reg->encoding);
        else
            pe_msr(pe, reg->encoding, 0);
        /* FEAT_IDST: the feature ID space tells what was read. */
        bool id = (reg->encoding & ~REG(0, 1, 0, 7, 7)) == REG(3, 0, 0, 0, 0);
        assert_int_equal(raised_ec(pe), id ? ARM_EC_SYSREG : ARM_EC_UNKNOWN);
    }
}

static void id_registers_say_what_the_model_has(void **state)
{
    static const struct {
        const char *spec;
        uint8_t crm, op2;
        uint64_t value;
    } cases[] = {
        {"max", 4, 0, 0x1301000001110011},
        {"max,-fp16", 4, 0, 0x1301000001000011},
        {"max", 4, 1, 0x21},
        {"max", 5, 0, 0x10305106},
        {"max", 6, 0, 0x1221111110212120},
        {"max", 6, 1, 0x0011111110211502},
        {"max", 6, 2, 0x0010000000110002},
        {"max", 7, 0, 0x1000000010200126},
        {"max", 7, 1, 0x202002},
        {"max", 7, 2, 0x1001001110110011},
        {"max,-fpac,-lrcpc2,-dpb2", 6, 1, 0x0011111110111301},
        {"max,-pauth", 6, 1, 0x0011111100211002},
        {"cortex-a53", 4, 0, 0x1100000001000011},
        {"cortex-a53", 4, 1, 0},
        {"cortex-a53", 5, 0, 0x10305106},
        {"cortex-a53", 7, 2, 0},
        {"max,-lpa,-tlbios,-hpds", 6, 0, 0x1021111110212120},
        {"max,-lpa,-tlbios,-hpds", 7, 0, 0x1000000000100125},
        {"max,-lpa,-tlbios,-hpds", 7, 1, 0x200002},
        {"neoverse-n1", 7, 0, 0x100125},
        {"neoverse-n1", 7, 2, 0x11},
        {"cortex-a53", 6, 0, 0x11120},
        {"cortex-a53", 6, 1, 0},
        {"cortex-a53", 7, 1, 0},
        {"cortex-a72,-aes", 6, 0, 0x11100},
        {"max,-pmull", 6, 0, 0x1221111110212110},
        {"max,-fp16", 6, 0, 0x1220111110212120},
        {"max,-sha3", 6, 0, 0x1221111010211120},
        {"max,-sm4", 6, 0, 0x1221100110212120},
        {"max,-jscvt,-bf16", 6, 1, 0x0011011110210502},
        {"max,-flagm2,-pan2", 6, 0, 0x1211111110212120},
        {"max,-pan2", 7, 1, 0x102002},
        {"neoverse-n1", 4, 0, 0x1100000001110011},
        {"neoverse-n1", 6, 0, 0x100010211120},
        {"neoverse-n1", 6, 1, 0x100001},
        {"max", 1, 0, 0},
        {"max", 3, 7, 0},
        {"max", 7, 7, 0},
    };
    struct pe *pe = *state;

    for (unsigned i = 0; i < ARRAY_SIZE(cases); i++) {
        pe_model(pe, cases[i].spec);
        uint64_t value = pe_mrs(pe, REG(3, 0, 0, cases[i].crm, cases[i].op2));
        assert_int_equal(value, cases[i].value);
        assert_false(pe_raised(pe, NULL));
    }
}

static void gic_version_shows_in_pfr0_and_icc(void **state)
{
    struct pe *pe = *state;

    pe->features.gic = 2;
    assert_int_equal(bits(pe_mrs(pe, REG(3, 0, 0, 4, 0)), 27, 24), 0);
    pe_mrs(pe, REG(3, 0, 12, 12, 5));
    assert_int_equal(raised_ec(pe), ARM_EC_UNKNOWN);
}

static void registers_of_absent_features_are_undefined(void **state)
{
    static const uint32_t regs[] = {REG(3, 3, 13, 0, 7), REG(3, 0, 13, 0, 7), REG(3, 0, 4, 2, 3),
                                    REG(3, 0, 4, 2, 4),  REG(3, 3, 4, 2, 5),  REG(3, 3, 4, 2, 6),
                                    REG(3, 3, 2, 4, 0)};
    static const uint32_t ops[] = {REG(1, 3, 7, 12, 1), REG(1, 0, 7, 9, 0)};
    struct pe *pe = *state;

    for (unsigned i = 0; i < ARRAY_SIZE(regs); i++) {
        pe_model(pe, "max");
        pe_mrs(pe, regs[i]);
        assert_false(pe_raised(pe, NULL));
        pe_model(pe, "cortex-a53");
        pe_mrs(pe, regs[i]);
        assert_int_equal(raised_ec(pe), ARM_EC_UNKNOWN);
    }
    for (unsigned i = 0; i < ARRAY_SIZE(ops); i++) {
        pe_msr(pe, ops[i], 0);
        assert_int_equal(raised_ec(pe), ARM_EC_UNKNOWN);
    }
}

static void el0_traps_follow_their_control_bits(void **state)
{
    static const struct {
        uint32_t reg;
        bool write;
        uint64_t sctlr, cntkctl;
    } cases[] = {
        {REG(3, 3, 0, 0, 1), false, ARM_SCTLR_UCT, 0},
        {REG(3, 3, 4, 2, 1), false, ARM_SCTLR_UMA, 0},
        {REG(3, 3, 4, 2, 1), true, ARM_SCTLR_UMA, 0},
        {REG(1, 3, 7, 5, 1), true, ARM_SCTLR_UCI, 0},
        {REG(1, 3, 7, 10, 1), true, ARM_SCTLR_UCI, 0},
        {REG(1, 3, 7, 11, 1), true, ARM_SCTLR_UCI, 0},
        {REG(1, 3, 7, 12, 1), true, ARM_SCTLR_UCI, 0},
        {REG(1, 3, 7, 14, 1), true, ARM_SCTLR_UCI, 0},
        {REG(3, 3, 14, 0, 0), false, 0, 1},
        {REG(3, 3, 14, 0, 0), false, 0, 2},
    };
    struct pe *pe = *state;

    for (unsigned i = 0; i < ARRAY_SIZE(cases); i++)
        for (unsigned allowed = 0; allowed < 2; allowed++) {
            pe_model(pe, "max");
            map_ram(pe, 1 << 6);
            pe->cpu.x[31] = 0;
            if (allowed) {
                pe->cpu.sctlr_el1 |= cases[i].sctlr;
                pe->cpu.cntkctl_el1 |= cases[i].cntkctl;
            }
            go_el0(pe);
            if (cases[i].write)
                pe_msr(pe, cases[i].reg, PE_RAM);
            else
                pe_mrs(pe, cases[i].reg);
            if (allowed) {
                assert_false(pe_raised(pe, NULL));
            } else {
                assert_int_equal(raised_ec(pe), ARM_EC_SYSREG);
                assert_int_equal(pe->cpu.esr_el1 & 0x1ffffff, cases[i].write ? 0x154 : 0x155);
            }
        }
}

static void tscxt_traps_el0_when_set(void **state)
{
    struct pe *pe = *state;

    pe->cpu.sctlr_el1 &= ~ARM_SCTLR_TSCXT;
    go_el0(pe);
    pe_msr(pe, REG(3, 3, 13, 0, 7), 5);
    assert_int_equal(pe_mrs(pe, REG(3, 3, 13, 0, 7)), 5);
    assert_false(pe_raised(pe, NULL));
    pe->cpu.sctlr_el1 |= ARM_SCTLR_TSCXT;
    pe_mrs(pe, REG(3, 3, 13, 0, 7));
    assert_int_equal(raised_ec(pe), ARM_EC_SYSREG);
}

static void fpcr_traps_with_fpen(void **state)
{
    struct pe *pe = *state;

    pe_mrs(pe, REG(3, 3, 4, 4, 0));
    assert_int_equal(raised_ec(pe), ARM_EC_FP);
    assert_int_equal(pe->cpu.esr_el1 & 0x1ffffff, 0x1e00000);
    pe_msr(pe, REG(3, 0, 1, 0, 2), 1 << 20);
    pe_mrs(pe, REG(3, 3, 4, 4, 1));
    assert_false(pe_raised(pe, NULL));
    go_el0(pe);
    pe_mrs(pe, REG(3, 3, 4, 4, 1));
    assert_int_equal(raised_ec(pe), ARM_EC_FP);
}

static void fpcr_keeps_only_implemented_bits(void **state)
{
    struct pe *pe = *state;

    pe->cpu.cpacr_el1 = 3 << 20;
    pe_msr(pe, REG(3, 3, 4, 4, 0), ~0ull);
    assert_int_equal(pe_mrs(pe, REG(3, 3, 4, 4, 0)), 0x07c80000);
    pe->features.have &= ~(1ull << ARM_FEAT_FP16); /* and FZ16 with it */
    pe_msr(pe, REG(3, 3, 4, 4, 0), ~0ull);
    assert_int_equal(pe_mrs(pe, REG(3, 3, 4, 4, 0)), 0x07c00000);
    pe_msr(pe, REG(3, 3, 4, 4, 1), ~0ull);
    assert_int_equal(pe_mrs(pe, REG(3, 3, 4, 4, 1)), 0x0800009f);
}

static void pstate_registers_move_their_fields(void **state)
{
    static const struct {
        uint32_t reg;
        uint64_t value;
    } cases[] = {{REG(3, 3, 4, 2, 0), 0xa0000000}, {REG(3, 3, 4, 2, 1), 0x2c0},
                 {REG(3, 0, 4, 2, 0), 0},          {REG(3, 0, 4, 2, 3), 1 << 22},
                 {REG(3, 0, 4, 2, 4), 1 << 23},    {REG(3, 3, 4, 2, 5), 1 << 24},
                 {REG(3, 3, 4, 2, 6), 1 << 12}};
    struct pe *pe = *state;

    for (unsigned i = 0; i < ARRAY_SIZE(cases); i++) {
        pe_msr(pe, cases[i].reg, cases[i].value);
        assert_int_equal(pe_mrs(pe, cases[i].reg), cases[i].value);
    }
    assert_int_equal(arm_pstate(&pe->cpu), 0xa1c012c4);
    assert_int_equal(pe_mrs(pe, REG(3, 0, 4, 2, 2)), 4);
}

static void unmasking_by_daif_asks_for_attention(void **state)
{
    struct pe *pe = *state;

    pe->cpu.lines = ARM_LINE_IRQ;
    assert_int_equal(pe_mrs(pe, REG(3, 0, 12, 1, 0)), 0x80);
    pe_msr(pe, DAIF, 0x3c0);
    assert_int_equal(pe->cpu.attention, 0);
    pe_msr(pe, DAIF, 0x340);
    assert_int_equal(pe->cpu.attention, ARM_ATTENTION_IRQ);
}

static void sp_el0_needs_spsel(void **state)
{
    struct pe *pe = *state;

    pe_msr(pe, REG(3, 0, 4, 1, 0), 0x1230);
    assert_int_equal(pe_mrs(pe, REG(3, 0, 4, 1, 0)), 0x1230);
    pe_msr(pe, REG(3, 0, 4, 2, 0), 0);
    assert_int_equal(pe->cpu.x[31], 0x1230);
    pe_mrs(pe, REG(3, 0, 4, 1, 0));
    assert_int_equal(raised_ec(pe), ARM_EC_UNKNOWN);
}

static void control_registers_tell_the_engine(void **state)
{
    static const uint32_t regs[] = {REG(3, 0, 1, 0, 0),  REG(3, 0, 2, 0, 0), REG(3, 0, 2, 0, 1),
                                    REG(3, 0, 2, 0, 2),  REG(3, 0, 1, 0, 2), REG(3, 0, 4, 2, 3),
                                    REG(3, 0, 10, 2, 0), REG(2, 0, 0, 2, 2)};
    struct pe *pe = *state;

    for (unsigned i = 0; i < ARRAY_SIZE(regs); i++) {
        pe->context_changed = 0;
        pe_msr(pe, regs[i], 3 << 20);
        assert_true(pe->context_changed);
        assert_true(arm_sysreg_find(regs[i])->flags & ARM_SYSREG_LEAVE);
    }
}

static void res1_and_res0_of_sctlr_read_so(void **state)
{
    struct pe *pe = *state;

    pe_msr(pe, SCTLR, 0);
    assert_int_equal(pe_mrs(pe, SCTLR), 0x30400980);
    pe_msr(pe, SCTLR, ~0ull);
    assert_int_equal(pe_mrs(pe, SCTLR), 0x101affddffdfull);
    pe_model(pe, "cortex-a53");
    pe_msr(pe, SCTLR, 0);
    assert_int_equal(pe_mrs(pe, SCTLR), 0x30d00980);
}

static void tlbi_operands_are_decoded(void **state)
{
    static const struct {
        uint8_t crm, op2;
        uint64_t value, tcr;
        int kind;
        uint16_t asid;
        uint64_t va, pages;
        bool last, broadcast;
    } cases[] = {
        {7, 0, 0, 0, ARM_TLBI_ALL, 0, 0, 0, false, false},
        {3, 0, 0, 0, ARM_TLBI_ALL, 0, 0, 0, false, true},
        {7, 1, 0x0012000000012345, 0, ARM_TLBI_VA, 0x12, 0x12345000, 1, false, false},
        {3, 5, 0x3412f80000012345, 1ull << 36, ARM_TLBI_VA, 0x3412, 0xff80000012345000, 1, true,
         true},
        {3, 2, 0x3412000000000000, 1ull << 36, ARM_TLBI_ASID, 0x3412, 0, 0, false, true},
        {7, 2, 0x3412000000000000, 0, ARM_TLBI_ASID, 0x12, 0, 0, false, false},
        {7, 3, 0x0000000000012345, 1 << 14, ARM_TLBI_VAA, 0, 0x12340000, 16, false, false},
        {3, 7, 0x00000ffff8001235, 1 << 30, ARM_TLBI_VAA, 0, 0xffffff8001234 << 12, 4, true, true},
        /* outer shareable; a TTL hint */
        {1, 0, 0, 0, ARM_TLBI_ALL, 0, 0, 0, false, true},
        {1, 5, 0x0012700000012345, 0, ARM_TLBI_VA, 0x12, 0x12345000, 1, true, true},
        /* ranges: TG, SCALE, NUM */
        {2, 1, 0x0012400000012345, 0, ARM_TLBI_VA, 0x12, 0x12345000, 2, false, true},
        {6, 3, 0x0012788000012345, 0, ARM_TLBI_VAA, 0, 0x12345000, 18 << 16, false, false},
        {5, 7, 0x0012800000012345, 0, ARM_TLBI_VAA, 0, 0x48d14000, 8, true, true},
        {6, 5, 0x3412d41ffffffffe, 1ull << 36, ARM_TLBI_VA, 0x3412, ~0ull << 17, 9 << 10, true,
         false},
        {6, 1, 0x0012400000012345, 1ull << 59, ARM_TLBI_VA, 0x12, 0x123450000, 2, false, false},
        {6, 1, 0x0012000000012345, 0, ARM_TLBI_ALL, 0, 0, 0, false, false},
    };
    struct pe *pe = *state;

    for (unsigned i = 0; i < ARRAY_SIZE(cases); i++) {
        pe->cpu.tcr_el1 = cases[i].tcr;
        pe_msr(pe, REG(1, 0, 8, cases[i].crm, cases[i].op2), cases[i].value);
        assert_int_equal(pe->tlbis, i + 1);
        assert_int_equal(pe->tlbi.kind, cases[i].kind);
        assert_int_equal(pe->broadcast, cases[i].broadcast);
        assert_int_equal(pe->tlbi.last_level, cases[i].last);
        if (pe->tlbi.kind == ARM_TLBI_ASID || pe->tlbi.kind == ARM_TLBI_VA)
            assert_int_equal(pe->tlbi.asid, cases[i].asid);
        if (cases[i].pages) {
            assert_int_equal(pe->tlbi.va & ones(56), cases[i].va & ones(56));
            assert_int_equal(pe->tlbi.pages, cases[i].pages);
        }
    }
}

static void instruction_cache_operations_reach_the_engine(void **state)
{
    struct pe *pe = *state;

    pe_msr(pe, REG(1, 0, 7, 1, 0), 0);
    assert_int_equal(pe->icache_calls, 1);
    assert_int_equal(pe->icache_len, 0);
    map_ram(pe, 0);
    pe_msr(pe, IC_IVAU, PE_RAM + 0x1278);
    assert_int_equal(pe->icache_calls, 2);
    assert_int_equal(pe->icache_pa, PE_RAM + 0x1240);
    assert_int_equal(pe->icache_len, 64);
}

static void cache_operations_fault_with_cm(void **state)
{
    static const uint32_t ops[] = {REG(1, 3, 7, 5, 1), REG(1, 3, 7, 10, 1), REG(1, 3, 7, 11, 1),
                                   REG(1, 3, 7, 14, 1), REG(1, 0, 7, 6, 1)};
    struct pe *pe = *state;

    map_ram(pe, 0);
    for (unsigned i = 0; i < ARRAY_SIZE(ops); i++) {
        pe_msr(pe, ops[i], 0x1000);
        assert_int_equal(raised_ec(pe), ARM_EC_DABORT);
        assert_int_equal(pe->cpu.esr_el1 & 0xffffff, 1 << 8 | 1 << 6 | (ARM_FSC_TRANSLATION + 1));
        assert_int_equal(pe->cpu.far_el1, 0x1000);
    }
    assert_int_equal(pe->icache_calls, 0);
}

static void cache_operations_ignore_pan_but_need_el0_rights(void **state)
{
    struct pe *pe = *state;

    map_ram(pe, 1 << 6);
    pe->cpu.pan = 1;
    pe_msr(pe, DC_CVAC, PE_RAM);
    assert_false(pe_raised(pe, NULL));
    map_ram(pe, 0);
    pe->cpu.sctlr_el1 |= ARM_SCTLR_UCI;
    go_el0(pe);
    pe_msr(pe, DC_CVAC, PE_RAM);
    assert_int_equal(raised_ec(pe), ARM_EC_DABORT_LOW);
    assert_int_equal(pe->cpu.esr_el1 & 0x3f, ARM_FSC_PERMISSION + 1);
}

static void dc_ivac_needs_write_permission(void **state)
{
    struct pe *pe = *state;

    map_ram(pe, 1 << 7);
    pe_msr(pe, DC_CVAC, PE_RAM);
    assert_false(pe_raised(pe, NULL));
    pe_msr(pe, DC_IVAC, PE_RAM);
    assert_int_equal(raised_ec(pe), ARM_EC_DABORT);
}

static void dc_zva_clears_its_line_only(void **state)
{
    struct pe *pe = *state;
    uint64_t line = PE_RAM + 0x2000;

    map_ram(pe, 0);
    memset(mem_ptr(pe->mem, line - 64, 192, true), 0xff, 192);
    pe_msr(pe, DC_ZVA, line + 17);
    for (unsigned i = 0; i < 192; i += 8)
        assert_int_equal(pe_load(pe, line - 64 + i), i >= 64 && i < 128 ? 0 : ~0ull);
}

static void dc_zva_faults_on_device_memory_as_alignment(void **state)
{
    struct pe *pe = *state;

    pe_msr(pe, DC_ZVA, PE_RAM);
    assert_int_equal(raised_ec(pe), ARM_EC_DABORT);
    assert_int_equal(pe->cpu.esr_el1 & 0x1ff, 1 << 6 | ARM_FSC_ALIGNMENT);
}

static void dczid_shows_dze_to_el0(void **state)
{
    struct pe *pe = *state;

    assert_int_equal(pe_mrs(pe, REG(3, 3, 0, 0, 7)), 4);
    go_el0(pe);
    assert_int_equal(pe_mrs(pe, REG(3, 3, 0, 0, 7)), 0x14);
    pe->cpu.sctlr_el1 |= ARM_SCTLR_DZE;
    assert_int_equal(pe_mrs(pe, REG(3, 3, 0, 0, 7)), 4);
}

static void at_reports_in_par(void **state)
{
    struct pe *pe = *state;

    map_ram(pe, 1 << 7 | 3 << 8);
    pe_msr(pe, AT_S1E1R, PE_RAM + 0x3456);
    assert_int_equal(pe_mrs(pe, PAR), 0xff00000000000000 | (PE_RAM + 0x3000) | 0xb80);
    pe_msr(pe, AT_S1E1W, PE_RAM);
    assert_int_equal(pe_mrs(pe, PAR), 0x801 | (ARM_FSC_PERMISSION + 1) << 1);
    pe_msr(pe, AT_S1E0R, PE_RAM);
    assert_int_equal(pe_mrs(pe, PAR), 0x801 | (ARM_FSC_PERMISSION + 1) << 1);
    pe_msr(pe, AT_S1E1R, 0);
    assert_int_equal(pe_mrs(pe, PAR), 0x801 | (ARM_FSC_TRANSLATION + 1) << 1);
    assert_false(pe_raised(pe, NULL));
}

static void at_s1e1rp_honours_pan(void **state)
{
    struct pe *pe = *state;

    map_ram(pe, 1 << 6);
    pe->cpu.pan = 1;
    pe_msr(pe, AT_S1E1R, PE_RAM);
    assert_int_equal(pe_mrs(pe, PAR) & 1, 0);
    pe_msr(pe, AT_S1E1RP, PE_RAM);
    assert_int_equal(pe_mrs(pe, PAR) & 1, 1);
}

static void at_takes_external_aborts_on_walks(void **state)
{
    struct pe *pe = *state;

    map_ram(pe, 0);
    pe->cpu.ttbr0_el1 = 0x1000;
    pe_msr(pe, AT_S1E1R, PE_RAM);
    assert_int_equal(raised_ec(pe), ARM_EC_DABORT);
    assert_int_equal(pe->cpu.esr_el1 & 0x1ff, 0x140 | (ARM_FSC_EXTERNAL_WALK + 1));
}

static void rndr_sets_flags(void **state)
{
    struct pe *pe = *state;

    arm_set_nzcv(&pe->cpu, 0xf);
    assert_int_equal(pe_mrs(pe, REG(3, 3, 2, 4, 0)), 0x1234);
    assert_int_equal(arm_nzcv(&pe->cpu), 0);
    pe->random_dry = true;
    assert_int_equal(pe_mrs(pe, REG(3, 3, 2, 4, 1)), 0);
    assert_int_equal(arm_nzcv(&pe->cpu), 4);
}

static void cache_geometry_follows_csselr(void **state)
{
    struct pe *pe = *state;

    assert_int_equal(pe_mrs(pe, CTR), 0x9444c004);
    assert_int_equal(pe_mrs(pe, REG(3, 1, 0, 0, 0)), 0x7f0000001a);
    pe_msr(pe, REG(3, 2, 0, 0, 0), 2);
    assert_int_equal(pe_mrs(pe, REG(3, 1, 0, 0, 0)), 0x3ff0000007a);
    pe_model(pe, "cortex-a53"); /* without FEAT_CCIDX */
    assert_int_equal(pe_mrs(pe, REG(3, 1, 0, 0, 0)), 0xfe01a);
    pe_msr(pe, REG(3, 2, 0, 0, 0), 2);
    assert_int_equal(pe_mrs(pe, REG(3, 1, 0, 0, 0)), 0x7fe07a);
}

static void debug_registers_keep_their_bits(void **state)
{
    struct pe *pe = *state;

    assert_int_equal(pe_mrs(pe, REG(2, 0, 1, 1, 4)), 0xa);
    pe_msr(pe, REG(2, 0, 1, 0, 4), 0);
    assert_int_equal(pe_mrs(pe, REG(2, 0, 1, 1, 4)), 0x8);
    pe_msr(pe, REG(2, 0, 0, 2, 2), ~0ull);
    assert_int_equal(pe_mrs(pe, REG(2, 0, 0, 2, 2)), 0xf001);
    pe_msr(pe, REG(2, 0, 0, 5, 5), ~0ull);
    assert_int_equal(pe_mrs(pe, REG(2, 0, 0, 5, 5)), 0xffe1e7);
    pe_msr(pe, REG(2, 0, 0, 3, 7), ~0ull);
    assert_int_equal(pe_mrs(pe, REG(2, 0, 0, 3, 7)), 0x1f1fffff);
    pe_mrs(pe, REG(2, 0, 0, 4, 7));
    assert_int_equal(raised_ec(pe), ARM_EC_UNKNOWN);
    pe_msr(pe, REG(2, 0, 7, 8, 6), 0x31);
    pe_msr(pe, REG(2, 0, 7, 9, 6), 0x10);
    assert_int_equal(pe_mrs(pe, REG(2, 0, 7, 9, 6)), 0x21);
    assert_true(pe->debug_changed >= 4);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, pe_setup, pe_teardown)

static void feature_id_space_reads_report_what_was_read(void **state)
{
    struct pe *pe = *state;
    unsigned ec;

    arm_set_el(&pe->cpu, 0, 0);
    pe_mrs(pe, REG(3, 0, 0, 4, 0));
    assert_true(pe_raised(pe, &ec));
    assert_int_equal(ec, ARM_EC_SYSREG);
    assert_int_equal(pe->cpu.esr_el1 & 0x1ffffff, 0x155);
    arm_set_el(&pe->cpu, 0, 0);
    pe_mrs(pe, REG(3, 0, 1, 0, 0));
    assert_true(pe_raised(pe, &ec));
    assert_int_equal(ec, ARM_EC_UNKNOWN);
    pe_model(pe, "max,-idst");
    arm_set_el(&pe->cpu, 0, 0);
    pe_mrs(pe, REG(3, 0, 0, 4, 0));
    assert_true(pe_raised(pe, &ec));
    assert_int_equal(ec, ARM_EC_UNKNOWN);
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(table_is_sorted_and_each_row_is_found),
        cmocka_unit_test(rows_are_consistent),
        TEST(every_register_takes_any_value),
        TEST(keys_reach_the_same_registers),
        TEST(unknown_registers_are_undefined),
        TEST(read_only_and_write_only_are_kept),
        TEST(el1_registers_are_undefined_at_el0),
        TEST(id_registers_say_what_the_model_has),
        TEST(gic_version_shows_in_pfr0_and_icc),
        TEST(registers_of_absent_features_are_undefined),
        TEST(el0_traps_follow_their_control_bits),
        TEST(tscxt_traps_el0_when_set),
        TEST(fpcr_traps_with_fpen),
        TEST(fpcr_keeps_only_implemented_bits),
        TEST(pstate_registers_move_their_fields),
        TEST(unmasking_by_daif_asks_for_attention),
        TEST(sp_el0_needs_spsel),
        TEST(control_registers_tell_the_engine),
        TEST(res1_and_res0_of_sctlr_read_so),
        TEST(tlbi_operands_are_decoded),
        TEST(feature_id_space_reads_report_what_was_read),
        TEST(instruction_cache_operations_reach_the_engine),
        TEST(cache_operations_fault_with_cm),
        TEST(cache_operations_ignore_pan_but_need_el0_rights),
        TEST(dc_ivac_needs_write_permission),
        TEST(dc_zva_clears_its_line_only),
        TEST(dc_zva_faults_on_device_memory_as_alignment),
        TEST(dczid_shows_dze_to_el0),
        TEST(at_reports_in_par),
        TEST(at_s1e1rp_honours_pan),
        TEST(at_takes_external_aborts_on_walks),
        TEST(rndr_sets_flags),
        TEST(cache_geometry_follows_csselr),
        TEST(debug_registers_keep_their_bits),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
