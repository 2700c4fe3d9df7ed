/* SPDX-License-Identifier: Apache-2.0 */
/* Loads and stores of one vector register and of pairs (manual C4.1.66, C7.2 LDR/STR/LDP/STP
 * (SIMD&FP)). */
#include "engine/front/a64_simd.h"

/* One register of 1 << scale bytes. */
static void transfer(struct a64 *c, bool load, unsigned scale, unsigned Rt, ir_ref addr)
{
    const uint16_t memop = a64_memop(c, scale, 0);
    if (load)
        a64_set_v(c, Rt, ir_ldv(c->ir, addr, memop));
    else
        ir_stv(c->ir, addr, a64_v(c, Rt), memop);
}

/* Encodings of Q registers are rows of their own; the others say the size. */
void a64_ldst_v_uimm(struct a64 *c, const struct a64_ldst_v_uimm *f)
{
    const bool quad = f->op == A64_STR_q_uimm || f->op == A64_LDR_q_uimm;
    const bool load = f->op == A64_LDR_v_uimm || f->op == A64_LDR_q_uimm;
    const unsigned scale = quad ? 4 : f->size;
    if (!a64_simd_ok(c, true))
        return;
    a64_mem_sp_check(c, f->Rn);
    transfer(c, load, scale, f->Rt, a64_addk(c, a64_xsp(c, f->Rn), (int64_t)f->imm12 << scale));
}

void a64_ldst_v_simm(struct a64 *c, const struct a64_ldst_v_simm *f)
{
    const bool quad = f->op == A64_STUR_q || f->op == A64_LDUR_q;
    const bool load = f->op == A64_LDUR_v || f->op == A64_LDUR_q;
    if (!a64_simd_ok(c, true))
        return;
    a64_mem_sp_check(c, f->Rn);
    transfer(c, load, quad ? 4 : f->size, f->Rt,
             a64_addk(c, a64_xsp(c, f->Rn), sext64(f->imm9, 9)));
}

void a64_ldst_v_post(struct a64 *c, const struct a64_ldst_v_post *f)
{
    const bool quad = f->op == A64_STR_q_post || f->op == A64_LDR_q_post;
    const bool load = f->op == A64_LDR_v_post || f->op == A64_LDR_q_post;
    const int64_t step = sext64(f->imm9, 9);
    if (!a64_simd_ok(c, true))
        return;
    a64_mem_sp_check(c, f->Rn);
    ir_ref base = a64_xsp(c, f->Rn);
    transfer(c, load, quad ? 4 : f->size, f->Rt, base);
    a64_set_base(c, f->Rn, a64_addk(c, base, step), step);
}

void a64_ldst_v_pre(struct a64 *c, const struct a64_ldst_v_pre *f)
{
    const bool quad = f->op == A64_STR_q_pre || f->op == A64_LDR_q_pre;
    const bool load = f->op == A64_LDR_v_pre || f->op == A64_LDR_q_pre;
    const int64_t step = sext64(f->imm9, 9);
    if (!a64_simd_ok(c, true))
        return;
    a64_mem_sp_check(c, f->Rn);
    ir_ref addr = a64_addk(c, a64_xsp(c, f->Rn), step);
    transfer(c, load, quad ? 4 : f->size, f->Rt, addr);
    a64_set_base(c, f->Rn, addr, step);
}

/* ExtendReg() of an index register: UXTW, LSL, SXTW, SXTX. */
static ir_ref extended(struct a64 *c, unsigned Rm, unsigned option, unsigned shift)
{
    ir_ref index;
    switch (option) {
    case 2:
        index = ir_zext(c->ir, a64_w(c, Rm));
        break;
    case 6:
        index = ir_sext(c->ir, a64_w(c, Rm));
        break;
    default:
        index = a64_x(c, Rm);
    }
    return shift ? ir_shli(c->ir, IR_I64, index, shift) : index;
}

void a64_ldst_v_reg(struct a64 *c, const struct a64_ldst_v_reg *f)
{
    const bool quad = f->op == A64_STR_q_reg || f->op == A64_LDR_q_reg;
    const bool load = f->op == A64_LDR_v_reg || f->op == A64_LDR_q_reg;
    const unsigned scale = quad ? 4 : f->size;
    if (!a64_simd_ok(c, f->option & 2))
        return;
    a64_mem_sp_check(c, f->Rn);
    ir_ref base = a64_xsp(c, f->Rn);
    ir_ref index = extended(c, f->Rm, f->option, f->S ? scale : 0);
    transfer(c, load, scale, f->Rt, ir_add(c->ir, IR_I64, base, index));
}

void a64_ldr_v_lit(struct a64 *c, const struct a64_ldr_v_lit *f)
{
    if (!a64_simd_ok(c, f->opc != 3))
        return;
    const int32_t target = c->pgoff + (int32_t)sext64((uint64_t)f->imm19 << 2, 21);
    transfer(c, true, 2 + f->opc, f->Rt, ir_pcrel(c->ir, target));
}

/* LDP, STP and their non-temporal forms: S, D or Q registers. */
void a64_ldst_v_pair(struct a64 *c, const struct a64_ldst_v_pair *f)
{
    if (!a64_simd_ok(c, f->opc != 3))
        return;
    const unsigned scale = 2 + f->opc;
    const int64_t offset = sext64(f->imm7, 7) * (1 << scale);
    const uint16_t memop = a64_memop(c, scale, 0);
    a64_mem_sp_check(c, f->Rn);
    ir_ref base = a64_xsp(c, f->Rn);
    ir_ref moved = a64_addk(c, base, offset);
    ir_ref addr = f->op == A64_LDSTP_v_post ? base : moved;
    if (f->L) {
        ir_ref first = ir_ldv2(c->ir, addr, memop);
        ir_ref second = ir_hiv(c->ir);
        a64_set_v(c, f->Rt, first);
        a64_set_v(c, f->Rt2, second);
    } else {
        ir_stv2(c->ir, addr, a64_v(c, f->Rt), a64_v(c, f->Rt2), memop);
    }
    if (f->op == A64_LDSTP_v_post || f->op == A64_LDSTP_v_pre)
        a64_set_base(c, f->Rn, moved, offset);
}
