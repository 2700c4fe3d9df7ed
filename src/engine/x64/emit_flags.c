/* SPDX-License-Identifier: Apache-2.0 */
/* Operations that make and use NZCV. */
#include "engine/x64/emit.h"

/* --- making ----------------------------------------------------------------------------------- */

void fl_keep(struct x64 *x, ir_ref v)
{
    v = x->val[v].rep;
    if (x->flags == v && x->val[v].last > x->i)
        fl_clobber(x);
}

static void op_rm(struct x64 *x, unsigned op, unsigned size, unsigned reg, struct rm rm)
{
    if (rm.mem)
        enc_rm(&x->e, op, size, reg, rm.m);
    else
        enc_rr(&x->e, op, size, reg, rm.reg);
}

void fl_compare(struct x64 *x, ir_ref a, ir_ref b, bool wide)
{
    unsigned size = wide ? W64 : W32;
    int32_t imm;
    if (ra_imm32(x, b, wide, &imm)) {
        struct rm rm = ra_rm(x, a);
        if (rm.mem)
            enc_alu_mem_imm(&x->e, ALU_CMP, size, rm.m, imm);
        else if (imm == 0)
            enc_test(&x->e, size, rm.reg, rm.reg);
        else
            enc_alu_imm(&x->e, ALU_CMP, size, rm.reg, imm);
        return;
    }
    unsigned ra = ra_use(x, a);
    op_rm(x, 0x003b, size, ra, ra_rm(x, b));
}

/* EFLAGS of a flags operation whose arithmetic result nobody wants; true if CF is a borrow. */
static bool make_flags(struct x64 *x, ir_ref v)
{
    const struct ir_insn *insn = &x->insn[v];
    bool wide = is_wide(insn);
    unsigned size = wide ? W64 : W32, t;
    if (insn->op == IR_FLSUB) {
        fl_compare(x, insn->arg[0], insn->arg[1], wide);
        return true;
    }
    if (insn->op == IR_FLLOG) {
        struct rm rm = ra_rm(x, insn->arg[0]);
        if (rm.mem)
            enc_alu_mem_imm(&x->e, ALU_CMP, size, rm.m, 0);
        else
            enc_test(&x->e, size, rm.reg, rm.reg);
        return false;
    }
    t = ra_temp(x);
    int32_t imm;
    ra_move_to(x, insn->arg[0], t);
    if (ra_imm32(x, insn->arg[1], wide, &imm))
        enc_alu_imm(&x->e, ALU_ADD, size, t, imm);
    else
        op_rm(x, 0x0003, size, t, ra_rm(x, insn->arg[1]));
    ra_release(x, t);
    return false;
}

static void emit_make(struct x64 *x, ir_ref v)
{
    fl_clobber(x);
    bool borrow = make_flags(x, v);
    fl_set(x, v, borrow);
}

/* N and Z of an `and` that nothing else uses. */
static bool emit_test(struct x64 *x, ir_ref v)
{
    const struct ir_insn *insn = &x->insn[v];
    unsigned size = is_wide(insn) ? W64 : W32;
    int32_t imm;
    if (insn->op != IR_AND || x->val[v].uses != 1)
        return false;
    if (ra_imm32(x, insn->arg[1], is_wide(insn), &imm)) {
        unsigned a = ra_use(x, insn->arg[0]);
        if (imm >= 0) /* bit 31 of the immediate clear: the 32-bit form has the same N and Z */
            size = is_wide(insn) ? W32 : size;
        enc_rr(&x->e, OP_GROUP3, size, 0, a);
        enc_u32(&x->e, (uint32_t)imm);
        return true;
    }
    unsigned a = ra_use(x, insn->arg[0]);
    struct rm b = ra_rm(x, insn->arg[1]);
    if (b.mem)
        enc_rm(&x->e, 0x0085, size, a, b.m);
    else
        enc_test(&x->e, size, a, b.reg);
    return true;
}

/* adc, sbb: the carry must be in EFLAGS first; nothing until then may change them. */
static bool emit_carry_op(struct x64 *x, ir_ref v, ir_ref f, bool subtract)
{
    fl_keep(x, f);
    fl_load_carry(x, f, subtract);
    cg_alu(x, subtract ? ALU_SBB : ALU_ADC, v);
    fl_drop(x);
    return subtract;
}

/* Arithmetic whose flags are asked for, too, whichever of the two comes first. */
static void cg_with_flags(struct x64 *x, ir_ref v, ir_ref pair)
{
    const struct ir_insn *insn = &x->insn[v];
    ir_ref result = x->val[v].type == IR_FLAGS ? pair : v;
    ir_ref flags = x->val[v].type == IR_FLAGS ? v : pair;
    bool borrow = false;
    switch (x->insn[result].op) {
    case IR_ADD:
        fl_clobber(x);
        cg_alu(x, ALU_ADD, result);
        break;
    case IR_SUB:
        fl_clobber(x);
        cg_alu(x, ALU_SUB, result);
        borrow = true;
        break;
    case IR_ADC:
        borrow = emit_carry_op(x, result, insn->arg[2], false);
        break;
    case IR_SBC:
        borrow = emit_carry_op(x, result, insn->arg[2], true);
        break;
    case IR_AND:
        fl_clobber(x);
        if (!emit_test(x, result))
            cg_alu(x, ALU_AND, result);
        break;
    default: /* IR_ANDN */
        fl_clobber(x);
        cg_alu_not(x, ALU_AND, result);
        break;
    }
    fl_set(x, flags, borrow);
}

void cg_fused(struct x64 *x, ir_ref v)
{
    ir_ref pair = x->val[v].pair;
    switch (x->insn[v].op) {
    case IR_MUL:
    case IR_UMULH:
        cg_product(x, v, pair);
        break;
    case IR_UDIV:
    case IR_SDIV:
        cg_division(x, v, pair);
        break;
    case IR_SHA256H:
    case IR_SHA256H2:
        cg_sha256(x, v, pair);
        break;
    default:
        cg_with_flags(x, v, pair);
    }
}

static void emit_adc(struct x64 *x, ir_ref v)
{
    emit_carry_op(x, v, x->insn[v].arg[2], x->insn[v].op == IR_SBC);
}

/* Flags of a sum with carry alone: into a scratch register. */
static void emit_fladc(struct x64 *x, ir_ref v)
{
    const struct ir_insn *insn = &x->insn[v];
    bool subtract = insn->op == IR_FLSBC, wide = is_wide(insn);
    fl_keep(x, insn->arg[2]);
    fl_load_carry(x, insn->arg[2], subtract);
    unsigned t = ra_temp(x);
    ra_move_to(x, insn->arg[0], t);
    op_rm(x, subtract ? 0x001b : 0x0013, wide ? W64 : W32, t, ra_rm(x, insn->arg[1]));
    fl_drop(x);
    fl_set(x, v, subtract);
}

/* From bits 31:28: N 31 to 15, Z 30 to 14, C 29 to 8, V 28 to 0. */
static void emit_flpack(struct x64 *x, ir_ref v)
{
    fl_clobber(x);
    unsigned t = ra_temp(x);
    ra_move_to(x, x->insn[v].arg[0], t);
    enc_shift_imm(&x->e, SH_SHR, W32, t, 28);
    enc_rr(&x->e, OP_IMUL_IMM32, W32, t, t);
    enc_u32(&x->e, 0x1081); /* copies shifted by 0, 7 and 12 */
    enc_alu_imm(&x->e, ALU_AND, W32, t, 0xc101);
    ra_def_in(x, v, t);
}

static void emit_flunpack(struct x64 *x, ir_ref v)
{
    ir_ref f = x->val[x->insn[v].arg[0]].rep;
    fl_clobber(x);
    unsigned dst = ra_def(x, v, false);
    ra_move_to(x, f, dst);
    enc_alu_imm(&x->e, ALU_AND, W32, dst, 0xc101);
    enc_rr(&x->e, OP_IMUL_IMM32, W32, dst, dst);
    enc_u32(&x->e, 0x10210000); /* copies shifted by 16, 21 and 28 */
    enc_alu_imm(&x->e, ALU_AND, W32, dst, (int32_t)0xf0000000);
}

/* --- keeping ---------------------------------------------------------------------------------- */

static void emit_getf(struct x64 *x, ir_ref v)
{
    ra_def_state(x, v, x->layout.nzcv);
}

static void emit_putf(struct x64 *x, ir_ref v)
{
    ir_ref f = x->val[x->insn[v].arg[0]].rep;
    struct val *val = &x->val[f];
    if (val->at & AT_STATE)
        return;
    ra_state_written(x, x->layout.nzcv, 2);
    unsigned reg;
    if (val->at & AT_FLAGS && !(val->at & (AT_REG | AT_SPILL))) {
        fl_to_rax(x);
        reg = RAX;
    } else {
        reg = ra_use(x, f);
    }
    enc_store(&x->e, W16, reg, cpu_mem(x->layout.nzcv));
    if (ra_dies(x, f))
        return;
    if (!(val->at & AT_REG)) /* for as long as nobody wants rax: quicker than from memory */
        ra_def_in(x, f, RAX);
    ra_def_state(x, f, x->layout.nzcv);
}

/* --- using ------------------------------------------------------------------------------------ */

static void emit_cond(struct x64 *x, ir_ref v)
{
    const struct ir_insn *insn = &x->insn[v];
    if (insn->aux >= 14) {
        enc_mov_imm(&x->e, ra_def(x, v, true), 1);
        return;
    }
    enum x64_cc cc = fl_cond(x, insn->arg[0], insn->aux);
    unsigned dst = ra_def(x, v, true);
    enc_setcc(&x->e, cc, dst);
    enc_rr(&x->e, OP_MOVZX8, W32, dst, dst);
}

static void emit_csel(struct x64 *x, ir_ref v)
{
    const struct ir_insn *insn = &x->insn[v];
    if (insn->aux >= 14) {
        unsigned dst = ra_def_copy(x, v, insn->arg[1], NOREG);
        if (!is_wide(insn))
            enc_mov(&x->e, W32, dst, dst);
        return;
    }
    enum x64_cc cc = fl_cond(x, insn->arg[0], insn->aux);
    cg_select(x, cc, v, insn->arg[1], insn->arg[2]);
}

static void emit_cselv(struct x64 *x, ir_ref v)
{
    const struct ir_insn *insn = &x->insn[v];
    if (insn->aux >= 14) {
        ra_xdef_copy(x, v, insn->arg[1], NOREG);
        return;
    }
    enum x64_cc cc = fl_cond(x, insn->arg[0], insn->aux);
    unsigned b = ra_xuse(x, insn->arg[1]);
    unsigned dst = ra_xdef_copy(x, v, insn->arg[2], b);
    size_t skip = enc_jcc8(&x->e, cc ^ 1);
    enc_sse1_rr(&x->e, OP_MOVDQA_LOAD, dst, b);
    enc_patch8(&x->e, skip);
}

/* EFLAGS = the immediate NZCV, with CF as the borrow if inverted. Clobbers rax. */
static void set_flags(struct x64 *x, unsigned nzcv, bool inverted)
{
    unsigned c = (nzcv >> 1 & 1) ^ inverted;
    unsigned ah = (nzcv >> 3 & 1) << 7 | (nzcv >> 2 & 1) << 6 | c;
    unsigned al = nzcv & 1 ? 0x80 : 0;
    enc_mov_imm(&x->e, RAX, ah << 8 | al);
    enc_alu(&x->e, ALU_ADD, W8, RAX, RAX); /* OF */
    enc_u8(&x->e, 0x9e);                   /* sahf */
}

/* CCMP (manual C6.2): one of two ways into EFLAGS, by a branch. */
static void flsel_lazy(struct x64 *x, ir_ref v)
{
    const struct ir_insn *insn = &x->insn[v];
    ir_ref f = x->val[insn->arg[0]].rep, b = x->val[insn->arg[1]].rep;
    const struct ir_insn *cmp = &x->insn[b];
    /* everything that allocation may emit comes before the branch */
    fl_keep(x, f);
    enum x64_cc cc = insn->aux >= 14 ? CC_O : fl_cond(x, f, insn->aux);
    ra_take(x, RAX);
    for (unsigned k = 0; k < 2 && cmp->arg[k] != IR_NONE; k++) {
        int32_t imm;
        if (k == 0 || !ra_imm32(x, cmp->arg[k], is_wide(cmp), &imm))
            ra_use(x, cmp->arg[k]);
    }
    if (cmp->op == IR_FLADD)
        ra_release(x, ra_temp(x)); /* there will be one */
    bool inverted = cmp->op == IR_FLSUB;
    fl_drop(x);
    if (insn->aux < 14) {
        size_t other = enc_jcc8(&x->e, cc ^ 1);
        make_flags(x, b);
        size_t done = enc_jmp8(&x->e);
        enc_patch8(&x->e, other);
        set_flags(x, (unsigned)insn->imm, inverted);
        enc_patch8(&x->e, done);
    } else {
        make_flags(x, b);
    }
    fl_set(x, v, inverted);
}

static void emit_flsel(struct x64 *x, ir_ref v)
{
    const struct ir_insn *insn = &x->insn[v];
    ir_ref b = x->val[insn->arg[1]].rep;
    if (x->val[b].at == AT_LAZY) {
        flsel_lazy(x, v);
        return;
    }
    /* both in the resting form */
    fl_clobber(x);
    ra_take(x, RAX); /* left to fl_cond */
    unsigned dst = ra_temp(x), other = ra_temp(x);
    ra_release(x, RAX);
    ra_move_to(x, b, dst);
    if (insn->aux < 14) {
        unsigned nzcv = (unsigned)insn->imm & 15;
        enum x64_cc cc = fl_cond(x, insn->arg[0], insn->aux);
        enc_mov_imm(&x->e, other, ir_nzcv_store(nzcv));
        enc_cmov(&x->e, cc ^ 1, W32, dst, other);
        fl_drop(x);
    }
    ra_def_in(x, v, dst);
}

const struct emit_row x64_emit_flags[] = {
    {IR_FLADD, emit_make},  {IR_FLSUB, emit_make},    {IR_FLLOG, emit_make},
    {IR_ADC, emit_adc},     {IR_SBC, emit_adc},       {IR_FLADC, emit_fladc},
    {IR_FLSBC, emit_fladc}, {IR_FLPACK, emit_flpack}, {IR_FLUNPACK, emit_flunpack},
    {IR_GETF, emit_getf},   {IR_PUTF, emit_putf},     {IR_COND, emit_cond},
    {IR_CSEL, emit_csel},   {IR_CSELV, emit_cselv},   {IR_FLSEL, emit_flsel},
    {IR_OP_COUNT, 0},
};
