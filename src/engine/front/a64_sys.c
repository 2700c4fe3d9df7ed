/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Hints, barriers, PSTATE, system registers and system operations (manual C4.1.93, C5).
 *
 * What the mode word decides is decided here; the rest goes to arm/sysreg.h, which checks again.
 */
#include "engine/front/a64.h"

#include "arm/exception.h"
#include "arm/pstate.h"
#include "arm/sysreg.h"

static bool at_el1(const struct a64 *c)
{
    return c->mode & FRONT_EL1;
}

/* ---- hints and barriers -----------------------------------------------------------------------*/

/* NOP, DGH, ESB, PSB, TSB, CSDB, BTI, CHKFEAT, CLRBHB..: nothing that this PE does differently. */
void a64_hint(struct a64 *c, const struct a64_hint *f)
{
    a64_pauth_hint(c, f->CRm << 3 | f->op2);
}

/* FEAT_WFxT: not beyond the moment when CNTVCT_EL0 reaches Xd. */
enum { WFX_WFI = 0, WFX_WFE = 1, WFX_WFIT = 2, WFX_WFET = 3, WFX_RV = 1 << 2, WFX_RN = 5 };

/* Traps unless there is something that ends the wait at once. ISS of EC 0x01: CV = 1, COND =
 * 0b1110, TI (with RN and RV for WFET and WFIT). */
static void trap_wfx(struct a64 *c, unsigned ti, ir_ref limit)
{
    a64_call(c, A64_HELPER_TRAP_WFX, a64_k(c, 1u << 24 | 0xeu << 20 | ti), limit, IR_NONE);
    a64_leave_next(c);
}

void a64_wfi(struct a64 *c, const struct a64_wfi *f)
{
    if (!at_el1(c) && !(c->mode & FRONT_NTWI)) {
        trap_wfx(c, WFX_WFI, a64_k(c, UINT64_MAX));
        return;
    }
    a64_call(c, A64_HELPER_WFI, IR_NONE, IR_NONE, IR_NONE);
    a64_leave_next(c);
}

/* Spinning: with more PEs than host cores, whoever it waits for gets a core. */
void a64_yield(struct a64 *c, const struct a64_yield *f)
{
    a64_call(c, A64_HELPER_YIELD, IR_NONE, IR_NONE, IR_NONE);
}

void a64_wfe(struct a64 *c, const struct a64_wfe *f)
{
    if (!at_el1(c) && !(c->mode & FRONT_NTWE)) {
        trap_wfx(c, WFX_WFE, a64_k(c, UINT64_MAX));
        return;
    }
    a64_call(c, A64_HELPER_WFE, IR_NONE, IR_NONE, IR_NONE);
    a64_leave_next(c);
}

void a64_wfit(struct a64 *c, const struct a64_wfit *f)
{
    if (!at_el1(c) && !(c->mode & FRONT_NTWI)) {
        trap_wfx(c, WFX_WFIT | WFX_RV | f->Rd << WFX_RN, a64_x(c, f->Rd));
        return;
    }
    a64_call(c, A64_HELPER_WFIT, a64_x(c, f->Rd), IR_NONE, IR_NONE);
    a64_leave_next(c);
}

void a64_wfet(struct a64 *c, const struct a64_wfet *f)
{
    if (!at_el1(c) && !(c->mode & FRONT_NTWE)) {
        trap_wfx(c, WFX_WFET | WFX_RV | f->Rd << WFX_RN, a64_x(c, f->Rd));
        return;
    }
    a64_call(c, A64_HELPER_WFET, a64_x(c, f->Rd), IR_NONE, IR_NONE);
    a64_leave_next(c);
}

void a64_sev(struct a64 *c, const struct a64_sev *f)
{
    a64_call(c, A64_HELPER_SEV, IR_NONE, IR_NONE, IR_NONE);
}

void a64_sevl(struct a64 *c, const struct a64_sevl *f)
{
    ir_put(c->ir, IR_I32, a64_kw(c, 1), offsetof(struct arm_cpu, event));
}

void a64_clrex(struct a64 *c, const struct a64_clrex *f)
{
    ir_put(c->ir, IR_I64, a64_k(c, ARM_MONITOR_OPEN), offsetof(struct arm_cpu, monitor[0]));
}

/* CRm<1:0>: 1 loads, 2 stores, 3 all; 0 is reserved and behaves as all. */
static enum ir_fence fence_kind(unsigned CRm)
{
    switch (CRm & 3) {
    case 1:
        return IR_FENCE_LOAD;
    case 2:
        return IR_FENCE_STORE;
    default:
        return IR_FENCE_FULL;
    }
}

void a64_dmb(struct a64 *c, const struct a64_dmb *f)
{
    ir_fence(c->ir, fence_kind(f->CRm));
}

/* SSBB (CRm = 0) and PSSBB (4) too. Waits for TLB maintenance that other PEs still have to do. */
void a64_dsb(struct a64 *c, const struct a64_dsb *f)
{
    ir_fence(c->ir, IR_FENCE_FULL);
    a64_call(c, A64_HELPER_DSB, IR_NONE, IR_NONE, IR_NONE);
}

void a64_sb(struct a64 *c, const struct a64_sb *f)
{
}

/*
 * Whatever this PE changes about its own context leaves the region on the spot, before any ISB:
 * writes of system registers, TLB and instruction-cache maintenance. What is left is what other
 * PEs have broadcast, and they ask for attention.
 */
void a64_isb(struct a64 *c, const struct a64_isb *f)
{
    a64_call(c, A64_HELPER_ISB, IR_NONE, IR_NONE, IR_NONE);
    ir_poll(c->ir, c->pgoff + 4);
}

/* ---- PSTATE -----------------------------------------------------------------------------------*/

/*
 * Writes PSTATE.DAIF. Leaves the region if that may let an interrupt through, or debug exceptions:
 * if any interrupt line is up, or D goes from 1 to 0 and matters. A line that goes up later asks
 * for attention itself.
 */
static void write_daif(struct a64 *c, ir_ref old, ir_ref fresh, bool may_unmask)
{
    ir_put8(c->ir, fresh, offsetof(struct arm_cpu, daif));
    if (!may_unmask)
        return;
    unsigned leave = a64_edge_interrupt(c, c->pgoff + 4);
    unsigned next = ir_block_reserve(c->ir, c->pgoff + 4);
    /* D counts at EL1 only, and there only with MDSCR_EL1.KDE, bit 13 (manual D2.4). */
    ir_ref enabled =
        ir_and(c->ir, IR_I32, ir_andn(c->ir, IR_I32, old, fresh), a64_kw(c, ARM_DAIF_D));
    ir_ref debug = ir_and(c->ir, IR_I32, ir_shli(c->ir, IR_I32, enabled, 10),
                          ir_get(c->ir, IR_I32, offsetof(struct arm_cpu, mdscr_el1)));
    ir_ref lines = ir_get(c->ir, IR_I32, offsetof(struct arm_cpu, lines));
    ir_brnz(c->ir, IR_I32, ir_or(c->ir, IR_I32, debug, lines), a64_blocks(leave, next));
    ir_block_begin(c->ir, next);
}

static void daif_imm(struct a64 *c, bool set, unsigned imm)
{
    if (!at_el1(c) && !(c->mode & FRONT_UMA)) {
        a64_trap_sysreg(c);
        return;
    }
    ir_ref old = ir_get8(c->ir, offsetof(struct arm_cpu, daif)), mask = a64_kw(c, imm);
    if (set)
        write_daif(c, old, ir_or(c->ir, IR_I32, old, mask), false);
    else
        write_daif(c, old, ir_andn(c->ir, IR_I32, old, mask), true);
}

/* A PSTATE bit whose write changes what the region was translated for. */
static void pstate_context(struct a64 *c, enum a64_helper helper, unsigned value)
{
    if (!at_el1(c)) {
        a64_undefined(c);
        return;
    }
    a64_call(c, helper, a64_k(c, value), IR_NONE, IR_NONE);
    a64_leave_next(c);
}

static void pstate_byte(struct a64 *c, enum arm_feature feature, unsigned value, int64_t offset)
{
    if (!arm_has(c->features, feature))
        a64_undefined(c);
    else
        ir_put8(c->ir, a64_kw(c, value), offset);
}

void a64_msr_imm(struct a64 *c, const struct a64_msr_imm *f)
{
    unsigned value = f->CRm & 1;
    switch (f->op1 << 4 | f->op2) {
    case 0x03:
        if (arm_has(c->features, ARM_FEAT_UAO))
            pstate_context(c, A64_HELPER_UAO, value);
        else
            a64_undefined(c);
        break;
    case 0x04:
        if (arm_has(c->features, ARM_FEAT_PAN))
            pstate_context(c, A64_HELPER_PAN, value);
        else
            a64_undefined(c);
        break;
    case 0x05:
        pstate_context(c, A64_HELPER_SPSEL, value);
        break;
    case 0x31:
        pstate_byte(c, ARM_FEAT_SSBS, value, offsetof(struct arm_cpu, ssbs));
        break;
    case 0x32:
        pstate_byte(c, ARM_FEAT_DIT, value, offsetof(struct arm_cpu, dit));
        break;
    case 0x36:
        daif_imm(c, true, f->CRm);
        break;
    case 0x37:
        daif_imm(c, false, f->CRm);
        break;
    default:
        a64_undefined(c);
        break;
    }
}

/* ---- system registers -------------------------------------------------------------------------*/

enum {
    NZCV = ARM_SYSREG(3, 3, 4, 2, 0),
    DAIF = ARM_SYSREG(3, 3, 4, 2, 1),
    FPCR = ARM_SYSREG(3, 3, 4, 4, 0),
    CTR_EL0 = ARM_SYSREG(3, 3, 0, 0, 1),
    CURRENTEL = ARM_SYSREG(3, 0, 4, 2, 2),
    SPSEL = ARM_SYSREG(3, 0, 4, 2, 0),
    MPIDR_EL1 = ARM_SYSREG(3, 0, 0, 0, 5),
    DCZID_EL0 = ARM_SYSREG(3, 3, 0, 0, 7),
    DC_ZVA = ARM_SYSREG(1, 3, 7, 4, 1),
};

/* op0 to op2 stand in the instruction as ARM_SYSREG() packs them (op0<1> is always 0 or 1 there).
 */
static uint32_t encoding(const struct a64 *c)
{
    return (uint32_t)bits(c->insn, 20, 5);
}

/* ESR_EL1.ISS for EC 0x18: Op0, Op2, Op1, CRn, Rt, CRm, Direction. */
static uint32_t trap_iss(const struct a64 *c)
{
    uint32_t i = c->insn;
    return (uint32_t)(bits(i, 20, 19) << 20 | bits(i, 7, 5) << 17 | bits(i, 18, 16) << 14 |
                      bits(i, 15, 12) << 10 | bits(i, 4, 0) << 5 | bits(i, 11, 8) << 1 |
                      bit(i, 21));
}

void a64_trap_sysreg(struct a64 *c)
{
    a64_raise(c, A64_HELPER_SYNC, ARM_EC_SYSREG, trap_iss(c));
}

/* Whether the access needs no more checks than the mode answers. */
static bool plain_access(const struct a64 *c, const struct arm_sysreg *reg)
{
    if (reg->flags & (ARM_SYSREG_FP | ARM_SYSREG_ICC | ARM_SYSREG_OP))
        return false;
    if ((reg->flags & ARM_SYSREG_SP0) && !(c->mode & FRONT_SPSEL))
        return false;
    return at_el1(c) || !(reg->flags & ARM_SYSREG_TRAP0);
}

/* The entry, or NULL if the access is UNDEFINED whatever happens at run time. */
static const struct arm_sysreg *find(const struct a64 *c, bool write)
{
    const struct arm_sysreg *reg = arm_sysreg_find(encoding(c));
    uint32_t right = write ? ARM_SYSREG_W0 : ARM_SYSREG_R0;
    if (at_el1(c))
        right = write ? ARM_SYSREG_W1 : ARM_SYSREG_R1;
    if (!reg || !(reg->flags & right))
        return NULL;
    if (reg->feature && !arm_has(c->features, (enum arm_feature)(reg->feature - 1)))
        return NULL;
    return reg;
}

/* What the access functions find the register by. */
static ir_ref key(struct a64 *c)
{
    const struct arm_sysreg *reg = arm_sysreg_find(encoding(c));
    return a64_k(c, reg ? arm_sysreg_key(reg) : encoding(c));
}

static ir_ref call_read(struct a64 *c)
{
    return a64_call(c, A64_HELPER_SYSREG_READ, key(c), a64_k(c, trap_iss(c)), IR_NONE);
}

static void call_write(struct a64 *c, ir_ref value)
{
    a64_call(c, A64_HELPER_SYSREG_WRITE, key(c), a64_k(c, trap_iss(c)), value);
}

static ir_ref get8(struct a64 *c, int64_t offset)
{
    return ir_zext(c->ir, ir_get8(c->ir, offset));
}

/* Registers that have a short form here; false if this is none. */
static bool read_inline(struct a64 *c, uint32_t which, ir_ref *value)
{
    switch (which) {
    case NZCV:
        *value = a64_nzcv(c);
        return true;
    case DAIF:
        if (!at_el1(c) && !(c->mode & FRONT_UMA))
            return false;
        *value = ir_shli(c->ir, IR_I64, get8(c, offsetof(struct arm_cpu, daif)), ARM_SPSR_DAIF);
        return true;
    case CURRENTEL:
        *value = a64_k(c, 1u << 2);
        return true;
    case SPSEL:
        *value = a64_k(c, c->mode & FRONT_SPSEL ? 1 : 0);
        return true;
    case DCZID_EL0: /* BS = 4: 64 bytes; DZP where DC ZVA traps */
        *value = a64_k(c, at_el1(c) || c->mode & FRONT_DZE ? 4 : 1u << 4 | 4);
        return true;
    case MPIDR_EL1:
        *value = ir_get(c->ir, IR_I64, offsetof(struct arm_cpu, mpidr));
        return true;
    default:
        return false;
    }
}

void a64_mrs(struct a64 *c, const struct a64_mrs *f)
{
    const struct arm_sysreg *reg = find(c, false);
    uint32_t which = encoding(c);
    ir_ref value;
    if (!reg) { /* through the table all the same, which traces it */
        call_read(c);
        ir_exitx(c->ir);
        c->ended = true;
        return;
    }
    bool constant = (reg->flags & ARM_SYSREG_CONST) && !reg->read;
    if (read_inline(c, which, &value)) {
        /* done */
    } else if (constant && (plain_access(c, reg) || (which == CTR_EL0 && c->mode & FRONT_UCT))) {
        value = a64_k(c, reg->reset);
    } else if (which == FPCR) {
        if (!a64_fp_check(c))
            return;
        value = ir_zext(c->ir, ir_get(c->ir, IR_I32, offsetof(struct arm_cpu, fpcr)));
    } else if (!reg->read && reg->offset >= 0 && plain_access(c, reg)) {
        value = reg->flags & ARM_SYSREG_W32 ? ir_zext(c->ir, ir_get(c->ir, IR_I32, reg->offset))
                                            : ir_get(c->ir, IR_I64, reg->offset);
    } else {
        value = call_read(c);
    }
    a64_set_x(c, f->Rt, value);
}

void a64_msr_reg(struct a64 *c, const struct a64_msr_reg *f)
{
    const struct arm_sysreg *reg = find(c, true);
    ir_ref value = a64_x(c, f->Rt);
    if (!reg) {
        call_write(c, value);
        ir_exitx(c->ir);
        c->ended = true;
    } else if (encoding(c) == NZCV) {
        a64_set_nzcv(c, value);
    } else if (encoding(c) == DAIF && (at_el1(c) || c->mode & FRONT_UMA)) {
        ir_ref old = ir_get8(c->ir, offsetof(struct arm_cpu, daif));
        ir_ref fresh = ir_trunc(c->ir, ir_extu(c->ir, IR_I64, value, 4, ARM_SPSR_DAIF));
        write_daif(c, old, fresh, true);
    } else if (!reg->write && reg->offset >= 0 && plain_access(c, reg) &&
               !(reg->flags & (ARM_SYSREG_LEAVE | ARM_SYSREG_W32))) {
        ir_put(c->ir, IR_I64, value, reg->offset);
    } else {
        call_write(c, value);
        if (reg->flags & ARM_SYSREG_LEAVE)
            a64_leave_next(c);
    }
}

/* DC ZVA: zeroes the block that holds the address. */
static void zero_block(struct a64 *c, unsigned Rt)
{
    if (!at_el1(c) && !(c->mode & FRONT_DZE)) {
        a64_trap_sysreg(c);
        return;
    }
    ir_ref named = a64_x(c, Rt);
    ir_zero(c->ir, ir_and(c->ir, IR_I64, named, a64_k(c, ~(uint64_t)(IR_ZERO_BYTES - 1))), named);
}

void a64_sys(struct a64 *c, const struct a64_sys *f)
{
    const struct arm_sysreg *reg = find(c, true);
    if (reg && encoding(c) == DC_ZVA) {
        zero_block(c, f->Rt);
        return;
    }
    call_write(c, a64_x(c, f->Rt));
    if (!reg) {
        ir_exitx(c->ir);
        c->ended = true;
    } else if (reg->flags & ARM_SYSREG_LEAVE) {
        a64_leave_next(c);
    }
}

/* No operation with a result is defined. */
void a64_sysl(struct a64 *c, const struct a64_sysl *f)
{
    a64_undefined(c);
}
