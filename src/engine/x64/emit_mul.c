/* SPDX-License-Identifier: Apache-2.0 */
/* Products and quotients. */
#include "engine/x64/emit.h"

/* Whether the next product has this factor, too. */
static bool multiplied_next(const struct x64 *x, ir_ref v)
{
    enum { AHEAD = 16 };
    unsigned end = x->ir->block[x->order[x->block]].end;
    v = x->val[v].rep;
    for (unsigned i = x->i + 1; i < end && i <= x->i + AHEAD; i++) {
        const struct ir_insn *insn = &x->insn[i];
        if ((insn->op == IR_MUL || insn->op == IR_UMULH) && !(x->val[i].mark & MARK_DONE))
            return x->val[insn->arg[0]].rep == v || x->val[insn->arg[1]].rep == v;
    }
    return false;
}

/* MULX's operands: the one in rdx, which is then the caller's unless the value stays there; yields
 * the other. A factor that comes from memory and is wanted again is loaded into rdx for good. */
static struct rm mulx_operands(struct x64 *x, ir_ref v, bool *taken)
{
    const struct ir_insn *insn = &x->insn[v];
    bool there = cg_reg(x, insn->arg[0]) == RDX || cg_reg(x, insn->arg[1]) == RDX;
    bool swap = there ? cg_reg(x, insn->arg[1]) == RDX : multiplied_next(x, insn->arg[1]);
    ir_ref a = x->val[insn->arg[swap]].rep, b = insn->arg[!swap];
    *taken = !there;
    if (*taken)
        ra_take(x, RDX);
    else
        x->locked |= 1u << RDX;
    struct rm rm = ra_rm(x, b);
    ra_move_to(x, a, RDX);
    if (*taken && x->val[a].at & (AT_STATE | AT_SPILL) && !(x->val[a].at & (AT_REG | AT_PIN)) &&
        !ra_dies(x, a)) {
        ra_def_in(x, a, RDX);
        *taken = false;
    }
    return rm;
}

static void mulx(struct x64 *x, ir_ref v, unsigned high, unsigned low, struct rm rm)
{
    if (rm.mem)
        enc_vex_rm(&x->e, OP_MULX, is_wide(&x->insn[v]), 0, high, low, rm.m);
    else
        enc_vex_rr(&x->e, OP_MULX, is_wide(&x->insn[v]), 0, high, low, rm.reg);
}

/* Either half of a product, and EFLAGS as they were. */
static void emit_mulx(struct x64 *x, ir_ref v, bool high)
{
    bool taken;
    struct rm rm = mulx_operands(x, v, &taken);
    unsigned dst = ra_def(x, v, true);
    if (high)
        mulx(x, v, dst, dst, rm); /* the upper half wins */
    else
        mulx(x, v, taken ? RDX : ra_temp(x), dst, rm);
}

void cg_product(struct x64 *x, ir_ref v, ir_ref pair)
{
    bool low_first = x->insn[v].op == IR_MUL, taken;
    if (x->bmi) {
        struct rm rm = mulx_operands(x, v, &taken);
        unsigned dst = ra_def(x, v, true), other = ra_temp(x);
        mulx(x, v, low_first ? other : dst, low_first ? dst : other, rm);
        ra_def_in(x, pair, other);
        return;
    }
    fl_clobber(x);
    ra_take(x, RAX);
    ra_take(x, RDX);
    struct rm b = ra_rm(x, x->insn[v].arg[1]);
    ra_move_to(x, x->insn[v].arg[0], RAX);
    if (b.mem)
        enc_rm(&x->e, OP_GROUP3, W64, 4, b.m);
    else
        enc_rr(&x->e, OP_GROUP3, W64, 4, b.reg);
    ra_def_in(x, low_first ? v : pair, RAX);
    ra_def_in(x, low_first ? pair : v, RDX);
}

static void emit_mul(struct x64 *x, ir_ref v)
{
    const struct ir_insn *insn = &x->insn[v];
    unsigned size = cg_size(insn);
    int32_t imm;
    if (x->bmi && fl_wanted(x)) {
        emit_mulx(x, v, false);
        return;
    }
    fl_clobber(x);
    if (ra_imm32(x, insn->arg[1], size == W64, &imm)) {
        struct rm a = ra_rm(x, insn->arg[0]);
        unsigned dst = ra_def(x, v, true);
        unsigned op = fits8(imm) ? OP_IMUL_IMM8 : OP_IMUL_IMM32;
        if (a.mem)
            enc_rm(&x->e, op, size, dst, a.m);
        else
            enc_rr(&x->e, op, size, dst, a.reg);
        if (fits8(imm))
            enc_u8(&x->e, (uint8_t)imm);
        else
            enc_u32(&x->e, (uint32_t)imm);
        return;
    }
    ir_ref a = insn->arg[0], b = insn->arg[1];
    if (cg_in_place(x, v, b) && !cg_in_place(x, v, a)) {
        a = insn->arg[1];
        b = insn->arg[0];
    }
    struct rm rm = ra_rm(x, b);
    unsigned dst = ra_def_copy(x, v, a, rm.mem ? NOREG : rm.reg);
    if (rm.mem)
        enc_rm(&x->e, OP_IMUL, size, dst, rm.m);
    else
        enc_rr(&x->e, OP_IMUL, size, dst, rm.reg);
}

/* The one-operand forms: /4 mul, /5 imul, of rax to rdx:rax. */
static void emit_mulh(struct x64 *x, ir_ref v, unsigned form)
{
    const struct ir_insn *insn = &x->insn[v];
    fl_clobber(x);
    ra_take(x, RAX);
    ra_take(x, RDX);
    struct rm b = ra_rm(x, insn->arg[1]);
    ra_move_to(x, insn->arg[0], RAX);
    if (b.mem)
        enc_rm(&x->e, OP_GROUP3, W64, form, b.m);
    else
        enc_rr(&x->e, OP_GROUP3, W64, form, b.reg);
    ra_def_in(x, v, RDX);
}

static void emit_umulh(struct x64 *x, ir_ref v)
{
    if (x->bmi)
        emit_mulx(x, v, true);
    else
        emit_mulh(x, v, 4);
}

static void emit_smulh(struct x64 *x, ir_ref v)
{
    emit_mulh(x, v, 5);
}

/* edx:eax or rdx:rax by b. x / 0 = 0 (manual C6.2, UDIV), so all of x is left. */
static void div_unsigned(struct x64 *x, unsigned size, unsigned b, bool remainder)
{
    struct enc *e = &x->e;
    enc_test(e, size, b, b);
    size_t normal = enc_jcc8(e, CC_NE);
    if (remainder)
        enc_mov(e, size, RDX, RAX);
    enc_alu(e, ALU_XOR, W32, RAX, RAX);
    size_t done = enc_jmp8(e);
    enc_patch8(e, normal);
    enc_alu(e, ALU_XOR, W32, RDX, RDX);
    enc_rr(e, OP_GROUP3, size, 6, b);
    enc_patch8(e, done);
}

/* x / 0 = 0, MIN / -1 = MIN: for the divisors 0 and -1 the quotient is the product, and x or 0 is
 * left. */
static void div_signed(struct x64 *x, unsigned size, unsigned b, bool remainder)
{
    struct enc *e = &x->e;
    enc_lea(e, size, RDX, mem_at(b, 1));
    enc_alu_imm(e, ALU_CMP, size, RDX, 1);
    size_t normal = enc_jcc8(e, CC_A);
    if (remainder) { /* rdx is 1 or 0 */
        enc_rr(e, OP_GROUP3, size, 3, RDX);
        enc_alu(e, ALU_AND, size, RDX, RAX);
    }
    enc_rr(e, OP_IMUL, size, RAX, b);
    size_t done = enc_jmp8(e);
    enc_patch8(e, normal);
    enc_rr(e, 0x0099, size, 0, 0); /* cdq, cqo; the ModRM byte goes */
    e->p--;
    enc_rr(e, OP_GROUP3, size, 7, b);
    enc_patch8(e, done);
}

/* The quotient is in rax then and, if it is wanted, the remainder in rdx. */
static void divide(struct x64 *x, ir_ref v, bool remainder)
{
    const struct ir_insn *insn = &x->insn[v];
    unsigned size = cg_size(insn);
    fl_clobber(x);
    ra_take(x, RAX);
    ra_take(x, RDX);
    unsigned b = ra_use(x, insn->arg[1]);
    ra_move_to(x, insn->arg[0], RAX);
    if (insn->op == IR_UDIV || insn->op == IR_UREM)
        div_unsigned(x, size, b, remainder);
    else
        div_signed(x, size, b, remainder);
}

static void emit_quotient(struct x64 *x, ir_ref v)
{
    divide(x, v, false);
    ra_def_in(x, v, RAX);
}

static void emit_remainder(struct x64 *x, ir_ref v)
{
    divide(x, v, true);
    ra_def_in(x, v, RDX);
}

void cg_division(struct x64 *x, ir_ref v, ir_ref pair)
{
    divide(x, v, true);
    ra_def_in(x, v, RAX);
    ra_def_in(x, pair, RDX);
}

const struct emit_row x64_emit_mul[] = {
    {IR_MUL, emit_mul},        {IR_UMULH, emit_umulh},   {IR_SMULH, emit_smulh},
    {IR_UDIV, emit_quotient},  {IR_SDIV, emit_quotient}, {IR_UREM, emit_remainder},
    {IR_SREM, emit_remainder}, {IR_OP_COUNT, 0},
};
