/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Loads and stores of general registers, single and in pairs (manual C4.1.94).
 *
 * CONSTRAINED UNPREDICTABLE choices (manual K1.2):
 *   load with write-back and Rt = Rn: the write-back is suppressed;
 *   store with write-back and Rt = Rn: the register's value before the instruction is stored;
 *   LDP with Rt = Rt2: the second value stays.
 */
#include "engine/front/a64.h"

/* What size and opc mean in the single-register forms. */
struct access {
    unsigned size;
    bool load, sign, to64;
};

static struct access decode_access(uint32_t insn)
{
    unsigned opc = (unsigned)bits(insn, 23, 22);
    return (struct access){
        .size = (unsigned)bits(insn, 31, 30), .load = opc != 0, .sign = opc >= 2, .to64 = opc == 2};
}

static void transfer(struct a64 *c, const struct access *a, unsigned Rt, ir_ref address,
                     unsigned flags)
{
    if (!a->load) {
        uint16_t memop = a64_memop(c, a->size, flags);
        if (a->size == 3)
            ir_st(c->ir, IR_I64, address, a64_x(c, Rt), memop);
        else
            ir_st(c->ir, IR_I32, address, a64_w(c, Rt), memop);
        return;
    }
    if (!a->sign) /* zero-extended to 64 bits, whether the register is W or X */
        a64_set_x(c, Rt, ir_ld(c->ir, IR_I64, address, a64_memop(c, a->size, flags)));
    else
        a64_set_reg(
            c, a->to64, Rt,
            ir_ld(c->ir, a64_type(a->to64), address, a64_memop(c, a->size, flags | IR_MEM_SIGNED)));
}

void a64_ldst_unscaled(struct a64 *c, const struct a64_ldst_unscaled *f)
{
    struct access a = decode_access(c->insn);
    a64_mem_sp_check(c, f->Rn);
    transfer(c, &a, f->Rt, a64_addk(c, a64_xsp(c, f->Rn), sext64(f->imm9, 9)), 0);
}

void a64_ldst_uimm(struct a64 *c, const struct a64_ldst_uimm *f)
{
    struct access a = decode_access(c->insn);
    a64_mem_sp_check(c, f->Rn);
    transfer(c, &a, f->Rt, a64_addk(c, a64_xsp(c, f->Rn), (int64_t)f->imm12 << a.size), 0);
}

/* LDTR, STTR: as at EL0, unless PSTATE.UAO says otherwise. */
void a64_ldst_unpriv(struct a64 *c, const struct a64_ldst_unpriv *f)
{
    struct access a = decode_access(c->insn);
    bool as_el0 = (c->mode & FRONT_EL1) && !(c->mode & FRONT_UAO);
    a64_mem_sp_check(c, f->Rn);
    transfer(c, &a, f->Rt, a64_addk(c, a64_xsp(c, f->Rn), sext64(f->imm9, 9)),
             as_el0 ? IR_MEM_UNPRIV : 0);
}

static void write_back(struct a64 *c, const struct access *a, unsigned Rn, unsigned Rt, ir_ref base,
                       int64_t step)
{
    if (a->load && Rn == Rt && Rn != 31)
        return;
    a64_set_base(c, Rn, base, step);
}

void a64_ldst_post(struct a64 *c, const struct a64_ldst_post *f)
{
    struct access a = decode_access(c->insn);
    int64_t step = sext64(f->imm9, 9);
    a64_mem_sp_check(c, f->Rn);
    ir_ref base = a64_xsp(c, f->Rn);
    transfer(c, &a, f->Rt, base, 0);
    write_back(c, &a, f->Rn, f->Rt, a64_addk(c, base, step), step);
}

void a64_ldst_pre(struct a64 *c, const struct a64_ldst_pre *f)
{
    struct access a = decode_access(c->insn);
    int64_t step = sext64(f->imm9, 9);
    a64_mem_sp_check(c, f->Rn);
    ir_ref address = a64_addk(c, a64_xsp(c, f->Rn), step);
    transfer(c, &a, f->Rt, address, 0);
    write_back(c, &a, f->Rn, f->Rt, address, step);
}

ir_ref a64_ext_offset(struct a64 *c, unsigned Rm, unsigned option, unsigned amount)
{
    ir_ref offset;
    if (option == 2) /* UXTW */
        offset = ir_zext(c->ir, a64_w(c, Rm));
    else if (option == 6) /* SXTW */
        offset = ir_sext(c->ir, a64_w(c, Rm));
    else
        offset = a64_x(c, Rm);
    return amount ? ir_shli(c->ir, IR_I64, offset, amount) : offset;
}

void a64_ldst_reg(struct a64 *c, const struct a64_ldst_reg *f)
{
    struct access a = decode_access(c->insn);
    if (!(f->option & 2)) {
        a64_undefined(c);
        return;
    }
    a64_mem_sp_check(c, f->Rn);
    ir_ref offset = a64_ext_offset(c, f->Rm, f->option, f->S ? a.size : 0);
    transfer(c, &a, f->Rt, ir_add(c->ir, IR_I64, a64_xsp(c, f->Rn), offset), 0);
}

void a64_ldr_lit(struct a64 *c, const struct a64_ldr_lit *f)
{
    ir_ref address = ir_pcrel(c->ir, c->pgoff + sext64(f->imm19, 19) * 4);
    unsigned size = f->op == A64_LDR_lit_64 ? 3 : 2;
    unsigned flags = f->op == A64_LDRSW_lit ? IR_MEM_SIGNED : 0;
    a64_set_x(c, f->Rt, ir_ld(c->ir, IR_I64, address, a64_memop(c, size, flags)));
}

/* Prefetches are hints, and nothing is gained from passing them on. The register form's option
 * field is checked as for loads. */
void a64_prfm(struct a64 *c, const struct a64_prfm *f)
{
}

void a64_prfm_reg(struct a64 *c, const struct a64_prfm_reg *f)
{
    if (!(f->option & 2))
        a64_undefined(c);
}

void a64_hint_prefetch(struct a64 *c, const struct a64_hint_prefetch *f)
{
}

/* ---- pairs ------------------------------------------------------------------------------------*/

/* Addressing of pairs, bits 24:23: 0 no-allocate, 1 post-indexed, 2 offset, 3 pre-indexed. */
enum { POST = 1, PRE = 3 };

void a64_stp(struct a64 *c, const struct a64_stp *f)
{
    unsigned size = bit(c->insn, 31) ? 3 : 2, mode = (unsigned)bits(c->insn, 24, 23);
    int64_t step = sext64(f->imm7, 7) * (1 << size);
    a64_mem_sp_check(c, f->Rn);
    ir_ref base = a64_xsp(c, f->Rn), moved = a64_addk(c, base, step);
    ir_ref a = a64_reg(c, size == 3, f->Rt), b = a64_reg(c, size == 3, f->Rt2);
    ir_st2(c->ir, a64_type(size == 3), mode == POST ? base : moved, a, b, a64_memop(c, size, 0));
    if (mode == POST || mode == PRE)
        a64_set_base(c, f->Rn, moved, step);
}

void a64_ldp(struct a64 *c, const struct a64_ldp *f)
{
    unsigned opc = (unsigned)bits(c->insn, 31, 30), mode = (unsigned)bits(c->insn, 24, 23);
    unsigned size = opc == 2 ? 3 : 2;
    int64_t step = sext64(f->imm7, 7) * (1 << size);
    a64_mem_sp_check(c, f->Rn);
    ir_ref base = a64_xsp(c, f->Rn), moved = a64_addk(c, base, step);
    ir_ref a = ir_ld2(c->ir, IR_I64, mode == POST ? base : moved,
                      a64_memop(c, size, opc == 1 ? IR_MEM_SIGNED : 0));
    ir_ref b = ir_hi(c->ir, IR_I64);
    a64_set_x(c, f->Rt, a);
    a64_set_x(c, f->Rt2, b);
    bool loaded = (f->Rn == f->Rt || f->Rn == f->Rt2) && f->Rn != 31;
    if ((mode == POST || mode == PRE) && !loaded)
        a64_set_base(c, f->Rn, moved, step);
}
