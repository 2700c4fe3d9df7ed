/* SPDX-License-Identifier: Apache-2.0 */
/* What all A64 handlers share: registers, memory attributes, traps. */
#include "engine/front/a64.h"

#include "arm/exception.h"

#define X_OFFSET(n) ((int64_t)(offsetof(struct arm_cpu, x) + 8 * (n)))
#define V_OFFSET(n) ((int64_t)(offsetof(struct arm_cpu, v) + 16 * (n)))

ir_ref a64_k(struct a64 *c, uint64_t value)
{
    return ir_const(c->ir, IR_I64, (int64_t)value);
}

ir_ref a64_kw(struct a64 *c, uint32_t value)
{
    return ir_const(c->ir, IR_I32, value);
}

ir_ref a64_kreg(struct a64 *c, unsigned sf, uint64_t value)
{
    return sf ? a64_k(c, value) : a64_kw(c, (uint32_t)value);
}

ir_ref a64_xsp(struct a64 *c, unsigned n)
{
    return ir_get(c->ir, IR_I64, X_OFFSET(n));
}

ir_ref a64_wsp(struct a64 *c, unsigned n)
{
    return ir_get(c->ir, IR_I32, X_OFFSET(n));
}

ir_ref a64_regsp(struct a64 *c, unsigned sf, unsigned n)
{
    return ir_get(c->ir, a64_type(sf), X_OFFSET(n));
}

ir_ref a64_x(struct a64 *c, unsigned n)
{
    return n == 31 ? a64_k(c, 0) : a64_xsp(c, n);
}

ir_ref a64_w(struct a64 *c, unsigned n)
{
    return n == 31 ? a64_kw(c, 0) : a64_wsp(c, n);
}

ir_ref a64_reg(struct a64 *c, unsigned sf, unsigned n)
{
    return sf ? a64_x(c, n) : a64_w(c, n);
}

void a64_set_xsp(struct a64 *c, unsigned n, ir_ref value)
{
    ir_put(c->ir, IR_I64, value, X_OFFSET(n));
    if (n == 31)
        c->sp_dirty = true;
}

void a64_set_wsp(struct a64 *c, unsigned n, ir_ref value)
{
    a64_set_xsp(c, n, ir_zext(c->ir, value));
}

void a64_set_regsp(struct a64 *c, unsigned sf, unsigned n, ir_ref value)
{
    a64_set_xsp(c, n, sf ? value : ir_zext(c->ir, value));
}

void a64_set_base(struct a64 *c, unsigned n, ir_ref value, int64_t step)
{
    bool dirty = c->sp_dirty;
    a64_set_xsp(c, n, value);
    if ((step & 15) == 0)
        c->sp_dirty = dirty;
}

void a64_set_x(struct a64 *c, unsigned n, ir_ref value)
{
    if (n != 31)
        ir_put(c->ir, IR_I64, value, X_OFFSET(n));
}

void a64_set_w(struct a64 *c, unsigned n, ir_ref value)
{
    if (n != 31)
        a64_set_x(c, n, ir_zext(c->ir, value));
}

void a64_set_reg(struct a64 *c, unsigned sf, unsigned n, ir_ref value)
{
    if (sf)
        a64_set_x(c, n, value);
    else
        a64_set_w(c, n, value);
}

ir_ref a64_v(struct a64 *c, unsigned n)
{
    return ir_getv(c->ir, V_OFFSET(n));
}

void a64_set_v(struct a64 *c, unsigned n, ir_ref value)
{
    ir_putv(c->ir, value, V_OFFSET(n));
}

ir_ref a64_nzcv(struct a64 *c)
{
    return ir_flunpack(c->ir, ir_getf(c->ir));
}

void a64_set_nzcv(struct a64 *c, ir_ref value)
{
    ir_putf(c->ir, ir_flpack(c->ir, value));
}

uint16_t a64_memop(struct a64 *c, unsigned size, unsigned flags)
{
    unsigned memop = size | flags;
    if (c->mode & FRONT_BE)
        memop |= IR_MEM_BE;
    if (c->mode & FRONT_ALIGN)
        memop |= IR_MEM_ALIGN_EL;
    if (c->region->way) {
        unsigned way = c->region->way[c->pgoff / 4];
        memop |= way & FRONT_WAY_STEADY ? IR_MEM_STEADY : way & FRONT_WAY_ROVING ? IR_MEM_ROVING : 0;
    }
    return (uint16_t)memop;
}

ir_ref a64_addk(struct a64 *c, ir_ref base, int64_t offset)
{
    return offset ? ir_add(c->ir, IR_I64, base, a64_k(c, (uint64_t)offset)) : base;
}

/*
 * Checks SP for being a multiple of 16 (manual, CheckSPAlignment()). The mode bit says that SP is
 * not aligned at the moment; without it nothing that writes SP goes unchecked (see a64_region.c),
 * so the common case costs nothing here.
 */
void a64_mem_sp_check(struct a64 *c, unsigned Rn)
{
    if (Rn != 31 || !(c->mode & FRONT_SA))
        return;
    unsigned bad = ir_block_reserve(c->ir, c->pgoff);
    unsigned good = ir_block_reserve(c->ir, c->pgoff);
    ir_ref low = ir_and(c->ir, IR_I64, a64_xsp(c, 31), a64_k(c, 15));
    ir_brnz(c->ir, IR_I64, low, a64_blocks(bad, good));
    ir_block_begin(c->ir, bad);
    ir_insn(c->ir, c->pgoff);
    a64_call(c, A64_HELPER_SYNC, a64_k(c, ARM_EC_SP_ALIGN), a64_k(c, 0), IR_NONE);
    ir_exitx(c->ir);
    ir_block_begin(c->ir, good);
    ir_insn(c->ir, c->pgoff);
}

ir_ref a64_call(struct a64 *c, enum a64_helper helper, ir_ref a, ir_ref b, ir_ref d)
{
    return ir_call(c->ir, a, b, d, helper);
}

void a64_raise(struct a64 *c, enum a64_helper helper, uint64_t a, uint64_t b)
{
    a64_call(c, helper, a64_k(c, a), a64_k(c, b), IR_NONE);
    ir_exitx(c->ir);
    c->ended = true;
}

void a64_undefined(struct a64 *c)
{
    a64_call(c, A64_HELPER_UNDEFINED, IR_NONE, IR_NONE, IR_NONE);
    ir_exitx(c->ir);
    c->ended = true;
}

/* CheckFPAdvSIMDEnabled64(): trapped with ISS.CV = 1, COND = 0b1110. */
bool a64_fp_check(struct a64 *c)
{
    if (!(c->mode & FRONT_FP_TRAP))
        return true;
    a64_raise(c, A64_HELPER_SYNC, ARM_EC_FP, 1u << 24 | 0xeu << 20);
    return false;
}

void a64_leave_next(struct a64 *c)
{
    ir_exits(c->ir, c->pgoff + 4);
    c->ended = true;
}

void a64_split(struct a64 *c)
{
    unsigned next = ir_block_reserve(c->ir, c->pgoff);
    ir_br(c->ir, next);
    ir_block_begin(c->ir, next);
}
