/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Operations encoded as system instructions: TLBI (manual D8.17), IC and DC (D7.5.9), AT (C5.5).
 * Guest memory is coherent, so data cache maintenance has no effect beyond its faults.
 */
#include "arm/sysreg_impl.h"

#include <string.h>

#include "arm/debug.h"
#include "arm/exception.h"
#include "arm/mmu.h"
#include "arm/pstate.h"
#include "base/bits.h"
#include "base/trace.h"
#include "machine/mem/mem.h"

enum { LINE = 64 };

bool arm_trap_uci(const struct arm_cpu *cpu, bool write)
{
    return !(cpu->sctlr_el1 & ARM_SCTLR_UCI);
}

bool arm_trap_dze(const struct arm_cpu *cpu, bool write)
{
    return !(cpu->sctlr_el1 & ARM_SCTLR_DZE);
}

bool arm_trap_rctx(const struct arm_cpu *cpu, bool write)
{
    return !(cpu->sctlr_el1 & ARM_SCTLR_EnRCTX);
}

/* Pages of 4 KiB in the granule that the half of va's address space uses. */
static uint64_t granule_pages(const struct arm_cpu *cpu, uint64_t va)
{
    static const uint8_t lower[4] = {1, 16, 4, 1}, upper[4] = {1, 4, 1, 16};

    return bit(va, 55) ? upper[bits(cpu->tcr_el1, 31, 30)] : lower[bits(cpu->tcr_el1, 15, 14)];
}

/*
 * TLBI by range (FEAT_TLBIRANGE): BaseADDR, NUM, SCALE, TG. The granule in TG counts, and if it is
 * the reserved one all goes. The TTL hint is not needed.
 */
static void decode_range(const struct arm_cpu *cpu, struct arm_tlbi *op, uint64_t value)
{
    static const uint8_t grains[4] = {0, 12, 14, 16};
    unsigned grain = grains[bits(value, 47, 46)], scale = (unsigned)bits(value, 45, 44);
    unsigned shift = bit(cpu->tcr_el1, ARM_TCR_DS) ? 16 : grain;

    if (!grain) {
        op->kind = ARM_TLBI_ALL;
        return;
    }
    op->va = (uint64_t)sext64(bits(value, 36, 0), 37) << shift;
    op->pages = (bits(value, 43, 39) + 1) << (5 * scale + 1 + grain - 12);
}

/*
 * CRm: 3 inner shareable, 1 outer shareable (which here is the same), 7 local; 2, 5 and 6 the same
 * by range. op2 names the operation. The TTL hint is not needed.
 */
void arm_op_tlbi(struct arm_cpu *cpu, const struct arm_sysreg *reg, uint64_t value)
{
    static const struct {
        uint8_t kind;
        bool last_level;
    } kinds[8] = {
        {ARM_TLBI_ALL, false}, {ARM_TLBI_VA, false}, {ARM_TLBI_ASID, false}, {ARM_TLBI_VAA, false},
        {ARM_TLBI_ALL, false}, {ARM_TLBI_VA, true},  {ARM_TLBI_ALL, false},  {ARM_TLBI_VAA, true},
    };
    unsigned op2 = reg->encoding & 7, crm = (unsigned)bits(reg->encoding, 6, 3);
    bool range = crm == 2 || crm == 5 || crm == 6, broadcast = crm != 6 && crm != 7;
    struct arm_tlbi op = {
        .kind = kinds[op2].kind,
        .last_level = kinds[op2].last_level,
        .asid = (uint16_t)(value >> 48),
    };

    if (!bit(cpu->tcr_el1, ARM_TCR_AS))
        op.asid &= 0xff;
    if (range) {
        decode_range(cpu, &op, value);
    } else if (op.kind == ARM_TLBI_VA || op.kind == ARM_TLBI_VAA) {
        op.va = (uint64_t)sext64(value << 12, 56);
        op.pages = granule_pages(cpu, op.va);
        op.va &= ~(op.pages * 4096 - 1);
    }
    if (trace_on(cpu->trace, TRACE_MMU))
        trace_print(cpu->trace, TRACE_MMU, "cpu%u tlbi %s 0x%llx", cpu->index, reg->name,
                    (unsigned long long)value);
    cpu->engine_ops->tlbi(cpu, &op, broadcast);
}

void arm_op_ic_all(struct arm_cpu *cpu, const struct arm_sysreg *reg, uint64_t value)
{
    cpu->engine_ops->icache_invalidate(cpu, 0, 0);
}

/*
 * Translates the address of a cache operation. At EL1 no permission is needed (PAN does not apply
 * to cache maintenance, so a read never lacks one); at EL0 read permission is.
 */
static bool cache_address(struct arm_cpu *cpu, uint64_t va, struct arm_translation *t)
{
    struct arm_fault fault;

    if (!arm_translate(cpu, va, cpu->el, false, ARM_READ, t, &fault))
        return true;
    arm_take_data_abort(cpu, va, fault.fsc, true, true);
    return false;
}

void arm_op_ic_va(struct arm_cpu *cpu, const struct arm_sysreg *reg, uint64_t value)
{
    struct arm_translation t;

    if (cache_address(cpu, value, &t))
        cpu->engine_ops->icache_invalidate(cpu, align_down(t.pa, LINE), LINE);
}

void arm_op_dc_va(struct arm_cpu *cpu, const struct arm_sysreg *reg, uint64_t value)
{
    struct arm_translation t;

    cache_address(cpu, value, &t);
}

/* Invalidation may lose data, so it needs write permission; a dirty state update it does not make.
 */
void arm_op_dc_ivac(struct arm_cpu *cpu, const struct arm_sysreg *reg, uint64_t value)
{
    struct arm_translation t;
    struct arm_fault fault;

    if (arm_translate_probe(cpu, value, cpu->el, false, ARM_WRITE, &t, &fault))
        arm_take_data_abort(cpu, value, fault.fsc, true, true);
    else
        arm_check_watchpoint_cm(cpu, value, cpu->el);
}

void arm_op_dc_sw(struct arm_cpu *cpu, const struct arm_sysreg *reg, uint64_t value)
{
}

/* Stores zeroes. Front ends translate DC ZVA themselves; this serves whoever does not. */
void arm_op_dc_zva(struct arm_cpu *cpu, const struct arm_sysreg *reg, uint64_t value)
{
    struct arm_translation t;
    struct arm_fault fault;
    void *host;

    if (arm_translate(cpu, value, cpu->el, cpu->pan, ARM_WRITE, &t, &fault)) {
        arm_take_data_abort(cpu, value, fault.fsc, true, false);
        return;
    }
    if (t.attr == ARM_MEM_DEVICE) {
        arm_take_data_abort(cpu, value, ARM_FSC_ALIGNMENT, true, false);
        return;
    }
    if (arm_check_watchpoint(cpu, align_down(value, LINE), LINE, cpu->el, true))
        return;
    host = mem_ptr(cpu->mem, align_down(t.pa, LINE), LINE, true);
    if (host)
        memset(host, 0, LINE);
    else
        arm_take_data_abort(cpu, value, ARM_FSC_EXTERNAL, true, false);
}

/*
 * AT S1E{0,1}{R,W} and S1E1{R,W}P: op2 bit 0 is a write, bit 1 EL0; CRm = 9 honours PSTATE.PAN.
 * The result goes to PAR_EL1, faults included; only an external abort on the walk is taken.
 */
void arm_op_at(struct arm_cpu *cpu, const struct arm_sysreg *reg, uint64_t value)
{
    unsigned op2 = reg->encoding & 7;
    bool pan = bits(reg->encoding, 6, 3) == 9 && cpu->pan;
    struct arm_translation t;
    struct arm_fault fault;

    if (!arm_translate_probe(cpu, value, op2 & 2 ? 0 : 1, pan, op2 & 1 ? ARM_WRITE : ARM_READ, &t,
                             &fault)) {
        cpu->par_el1 = (uint64_t)t.mair << 56 | (t.pa & ones(52) & ~ones(12)) | 1u << 11 | 1u << 9 |
                       (uint64_t)t.sh << 7;
        return;
    }
    if ((fault.fsc & 0x3c) == ARM_FSC_EXTERNAL_WALK)
        arm_take_data_abort(cpu, value, fault.fsc, true, true);
    else
        cpu->par_el1 = 1u << 11 | (uint64_t)fault.fsc << 1 | 1;
}

/* CFP, DVP and CPP RCTX (FEAT_SPECRES): nothing that this PE predicts crosses contexts. */
void arm_op_restrict(struct arm_cpu *cpu, const struct arm_sysreg *reg, uint64_t value)
{
}
