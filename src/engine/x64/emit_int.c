/* SPDX-License-Identifier: Apache-2.0 */
/* Integer operations. */
#include "engine/x64/emit.h"

unsigned cg_size(const struct ir_insn *insn)
{
    return insn->type == IR_I64 ? W64 : W32;
}

static unsigned bits_of(const struct ir_insn *insn)
{
    return insn->type == IR_I64 ? 64 : 32;
}

/* --- sums and logic --------------------------------------------------------------------------- */

/* The register an operand already sits in, or NOREG. */
unsigned cg_reg(const struct x64 *x, ir_ref v)
{
    const struct val *val = &x->val[x->val[v].rep];
    return val->at & (AT_REG | AT_PIN) ? val->reg : NOREG;
}

/* Whether a's register can become the result's. */
bool cg_in_place(const struct x64 *x, ir_ref v, ir_ref a)
{
    unsigned reg = cg_reg(x, a);
    if (reg == NOREG)
        return false;
    if (x->val[v].hint != NOREG)
        return x->val[v].hint == reg;
    return x->val[x->val[a].rep].at & AT_REG && ra_dies(x, a);
}

/* a + b + disp without touching EFLAGS. */
static void emit_lea(struct x64 *x, ir_ref v, ir_ref a, ir_ref b, unsigned shift, int32_t disp)
{
    unsigned ra = ra_use(x, a);
    unsigned rb = b == IR_NONE ? NOREG : ra_use(x, b);
    unsigned dst = ra_def(x, v, true);
    enc_lea(&x->e, cg_size(&x->insn[v]), dst, mem_index(ra, rb, shift, disp));
}

static bool try_lea(struct x64 *x, ir_ref v, ir_ref a, ir_ref b, bool negate)
{
    int32_t imm;
    bool is_imm = ra_imm32(x, b, is_wide(&x->insn[v]), &imm) && imm != INT32_MIN;
    if (negate && !is_imm)
        return false;
    bool gains = cg_reg(x, a) != NOREG && !cg_in_place(x, v, a) &&
                 (is_imm || (cg_reg(x, b) != NOREG && !cg_in_place(x, v, b)));
    if (!gains && !fl_wanted(x))
        return false;
    if (is_imm)
        emit_lea(x, v, a, IR_NONE, 0, negate ? -imm : imm);
    else
        emit_lea(x, v, a, b, 0, 0);
    return true;
}

/* op dst, b where dst holds a. */
static void alu_with(struct x64 *x, enum x64_alu op, unsigned size, ir_ref v, ir_ref a, ir_ref b)
{
    int32_t imm;
    if (ra_imm32(x, b, size == W64, &imm)) {
        unsigned dst = ra_def_copy(x, v, a, NOREG);
        enc_alu_imm(&x->e, op, size, dst, imm);
        return;
    }
    struct rm rm = ra_rm(x, b);
    unsigned dst = ra_def_copy(x, v, a, rm.mem ? NOREG : rm.reg);
    if (rm.mem)
        enc_alu_load(&x->e, op, size, dst, rm.m);
    else
        enc_alu(&x->e, op, size, dst, rm.reg);
}

void cg_alu(struct x64 *x, enum x64_alu op, ir_ref v)
{
    const struct ir_insn *insn = &x->insn[v];
    ir_ref a = insn->arg[0], b = insn->arg[1];
    int64_t imm;
    bool commutes = op != ALU_SUB && op != ALU_SBB;
    if (commutes && (ra_const(x, a, &imm) ||
                     (cg_in_place(x, v, b) && !cg_in_place(x, v, a) && !ra_const(x, b, &imm)))) {
        a = insn->arg[1];
        b = insn->arg[0];
    }
    alu_with(x, op, cg_size(insn), v, a, b);
}

static void emit_add(struct x64 *x, ir_ref v)
{
    const struct ir_insn *insn = &x->insn[v];
    ir_ref index = x->val[insn->arg[1]].rep;
    int64_t imm;
    if (x->val[index].at == AT_LAZY) {
        emit_lea(x, v, insn->arg[0], x->insn[index].arg[0], (unsigned)x->insn[index].imm, 0);
        return;
    }
    bool swap = ra_const(x, insn->arg[0], &imm);
    if (try_lea(x, v, insn->arg[swap], insn->arg[!swap], false))
        return;
    fl_clobber(x);
    cg_alu(x, ALU_ADD, v);
}

static void emit_sub(struct x64 *x, ir_ref v)
{
    const struct ir_insn *insn = &x->insn[v];
    if (try_lea(x, v, insn->arg[0], insn->arg[1], true))
        return;
    fl_clobber(x);
    cg_alu(x, ALU_SUB, v);
}

static void emit_and(struct x64 *x, ir_ref v)
{
    fl_clobber(x);
    cg_alu(x, ALU_AND, v);
}

static void emit_or(struct x64 *x, ir_ref v)
{
    fl_clobber(x);
    cg_alu(x, ALU_OR, v);
}

static void emit_xor(struct x64 *x, ir_ref v)
{
    fl_clobber(x);
    cg_alu(x, ALU_XOR, v);
}

/* a op ~b */
void cg_alu_not(struct x64 *x, enum x64_alu op, ir_ref v)
{
    const struct ir_insn *insn = &x->insn[v];
    unsigned size = cg_size(insn);
    int64_t imm;
    if (ra_const(x, insn->arg[1], &imm) && (size == W32 || fits32(~imm))) {
        unsigned dst = ra_def_copy(x, v, insn->arg[0], NOREG);
        enc_alu_imm(&x->e, op, size, dst, (int32_t)~imm);
        return;
    }
    if (op == ALU_AND && x->bmi) {
        unsigned b = ra_use(x, insn->arg[1]);
        struct rm a = ra_rm(x, insn->arg[0]);
        unsigned dst = ra_def(x, v, true);
        if (a.mem)
            enc_vex_rm(&x->e, OP_ANDN, size == W64, 0, dst, b, a.m);
        else
            enc_vex_rr(&x->e, OP_ANDN, size == W64, 0, dst, b, a.reg);
        return;
    }
    struct rm a = ra_rm(x, insn->arg[0]);
    unsigned dst = ra_def_copy(x, v, insn->arg[1], a.mem ? NOREG : a.reg);
    enc_not(&x->e, size, dst);
    if (a.mem)
        enc_alu_load(&x->e, op, size, dst, a.m);
    else
        enc_alu(&x->e, op, size, dst, a.reg);
}

static void emit_andn(struct x64 *x, ir_ref v)
{
    fl_clobber(x);
    cg_alu_not(x, ALU_AND, v);
}

static void emit_orn(struct x64 *x, ir_ref v)
{
    fl_clobber(x);
    cg_alu_not(x, ALU_OR, v);
}

static void emit_xorn(struct x64 *x, ir_ref v)
{
    fl_clobber(x);
    cg_alu_not(x, ALU_XOR, v);
}

static void emit_not(struct x64 *x, ir_ref v)
{
    unsigned dst = ra_def_copy(x, v, x->insn[v].arg[0], NOREG);
    enc_not(&x->e, cg_size(&x->insn[v]), dst);
}

static void emit_neg(struct x64 *x, ir_ref v)
{
    unsigned size = cg_size(&x->insn[v]);
    bool keep = fl_wanted(x);
    unsigned dst = ra_def_copy(x, v, x->insn[v].arg[0], NOREG);
    if (keep) { /* -a = ~a + 1 */
        enc_not(&x->e, size, dst);
        enc_lea(&x->e, size, dst, mem_at(dst, 1));
        return;
    }
    fl_drop(x);
    enc_neg(&x->e, size, dst);
}

/* --- shifts ----------------------------------------------------------------------------------- */

/* By BMI2's forms, which leave EFLAGS alone. */
static void shift_with(struct x64 *x, ir_ref v, unsigned bmi_op, unsigned count)
{
    bool wide = is_wide(&x->insn[v]);
    struct rm a = ra_rm(x, x->insn[v].arg[0]);
    unsigned dst = ra_def(x, v, true);
    if (a.mem)
        enc_vex_rm(&x->e, bmi_op, wide, 0, dst, count, a.m);
    else
        enc_vex_rr(&x->e, bmi_op, wide, 0, dst, count, a.reg);
}

static void emit_shift(struct x64 *x, ir_ref v, enum x64_shift op, unsigned bmi_op)
{
    const struct ir_insn *insn = &x->insn[v];
    unsigned size = cg_size(insn);
    if (x->bmi && bmi_op) {
        shift_with(x, v, bmi_op, ra_use(x, insn->arg[1]));
        return;
    }
    fl_clobber(x);
    ra_take(x, RCX);
    ra_move_to(x, insn->arg[1], RCX);
    unsigned dst = ra_def_copy(x, v, insn->arg[0], RCX);
    enc_shift_cl(&x->e, op, size, dst);
}

static void emit_shl(struct x64 *x, ir_ref v)
{
    emit_shift(x, v, SH_SHL, OP_SHLX);
}

static void emit_shr(struct x64 *x, ir_ref v)
{
    emit_shift(x, v, SH_SHR, OP_SHRX);
}

static void emit_sar(struct x64 *x, ir_ref v)
{
    emit_shift(x, v, SH_SAR, OP_SARX);
}

static void emit_ror(struct x64 *x, ir_ref v)
{
    emit_shift(x, v, SH_ROR, 0);
}

static void shift_imm(struct x64 *x, ir_ref v, enum x64_shift op, unsigned bmi_op)
{
    const struct ir_insn *insn = &x->insn[v];
    if (insn->imm && x->bmi && fl_wanted(x)) {
        unsigned count = ra_temp(x);
        enc_mov_imm(&x->e, count, (uint64_t)insn->imm);
        shift_with(x, v, bmi_op, count);
        return;
    }
    if (insn->imm)
        fl_clobber(x);
    unsigned dst = ra_def_copy(x, v, insn->arg[0], NOREG);
    if (insn->imm)
        enc_shift_imm(&x->e, op, cg_size(insn), dst, (unsigned)insn->imm);
    else if (!is_wide(insn))
        enc_mov(&x->e, W32, dst, dst);
}

static void emit_shli(struct x64 *x, ir_ref v)
{
    const struct ir_insn *insn = &x->insn[v];
    bool gains = cg_reg(x, insn->arg[0]) != NOREG && !cg_in_place(x, v, insn->arg[0]);
    if (insn->imm == 1 && (gains || fl_wanted(x))) {
        emit_lea(x, v, insn->arg[0], insn->arg[0], 0, 0);
    } else if (insn->imm >= 1 && insn->imm <= 3 && fl_wanted(x)) {
        unsigned a = ra_use(x, insn->arg[0]);
        unsigned dst = ra_def(x, v, true);
        enc_lea(&x->e, cg_size(insn), dst, mem_index(NOREG, a, (unsigned)insn->imm, 0));
    } else {
        shift_imm(x, v, SH_SHL, OP_SHLX);
    }
}

static void emit_shri(struct x64 *x, ir_ref v)
{
    shift_imm(x, v, SH_SHR, OP_SHRX);
}

static void emit_sari(struct x64 *x, ir_ref v)
{
    shift_imm(x, v, SH_SAR, OP_SARX);
}

static void rotate(struct x64 *x, ir_ref v, ir_ref a, unsigned count)
{
    unsigned size = cg_size(&x->insn[v]);
    if (x->bmi && count) {
        struct rm rm = ra_rm(x, a);
        unsigned dst = ra_def(x, v, true);
        if (rm.mem)
            enc_vex_rm(&x->e, OP_RORX, size == W64, 0, dst, 0, rm.m);
        else
            enc_vex_rr(&x->e, OP_RORX, size == W64, 0, dst, 0, rm.reg);
        enc_u8(&x->e, count);
        return;
    }
    fl_clobber(x);
    unsigned dst = ra_def_copy(x, v, a, NOREG);
    if (count)
        enc_shift_imm(&x->e, SH_ROR, size, dst, count);
    else if (size == W32)
        enc_mov(&x->e, W32, dst, dst);
}

static void emit_rori(struct x64 *x, ir_ref v)
{
    rotate(x, v, x->insn[v].arg[0], (unsigned)x->insn[v].imm);
}

static void emit_extr(struct x64 *x, ir_ref v)
{
    const struct ir_insn *insn = &x->insn[v];
    if (x->val[insn->arg[0]].rep == x->val[insn->arg[1]].rep) {
        rotate(x, v, insn->arg[0], (unsigned)insn->imm);
        return;
    }
    fl_clobber(x);
    unsigned high = ra_use(x, insn->arg[0]);
    unsigned dst = ra_def_copy(x, v, insn->arg[1], high);
    enc_rr(&x->e, OP_SHRD, cg_size(insn), high, dst);
    enc_u8(&x->e, (unsigned)insn->imm);
}

/* --- fields ----------------------------------------------------------------------------------- */

/* dst = extension of the operand's low part by one of the two-operand moves. */
static void emit_extend(struct x64 *x, ir_ref v, unsigned op, unsigned size)
{
    struct rm a = ra_rm(x, x->insn[v].arg[0]);
    unsigned dst = ra_def(x, v, true);
    if (a.mem)
        enc_rm(&x->e, op, size, dst, a.m);
    else
        enc_rr(&x->e, op, size, dst, a.reg);
}

static void emit_zext(struct x64 *x, ir_ref v)
{
    emit_extend(x, v, 0x008b, W32);
}

static void emit_sext(struct x64 *x, ir_ref v)
{
    emit_extend(x, v, OP_MOVSXD, W64);
}

static void emit_zx8(struct x64 *x, ir_ref v)
{
    emit_extend(x, v, OP_MOVZX8, W32);
}

static void emit_zx16(struct x64 *x, ir_ref v)
{
    emit_extend(x, v, OP_MOVZX16, W32);
}

static void emit_sx8(struct x64 *x, ir_ref v)
{
    emit_extend(x, v, OP_MOVSX8, cg_size(&x->insn[v]));
}

static void emit_sx16(struct x64 *x, ir_ref v)
{
    emit_extend(x, v, OP_MOVSX16, cg_size(&x->insn[v]));
}

static void emit_extu(struct x64 *x, ir_ref v)
{
    const struct ir_insn *insn = &x->insn[v];
    unsigned width = insn->aux, lsb = (unsigned)insn->imm, bits = bits_of(insn);
    if (lsb == 0 && (width == 8 || width == 16 || width == 32)) {
        emit_extend(x, v, width == 8 ? OP_MOVZX8 : width == 16 ? OP_MOVZX16 : 0x008b, W32);
        return;
    }
    fl_clobber(x);
    unsigned size = lsb + width <= 32 ? W32 : W64;
    unsigned dst = ra_def_copy(x, v, insn->arg[0], NOREG);
    if (lsb + width == bits || lsb + width == 32) {
        enc_shift_imm(&x->e, SH_SHR, size, dst, lsb);
    } else if (width < 32) {
        if (lsb)
            enc_shift_imm(&x->e, SH_SHR, size, dst, lsb);
        enc_alu_imm(&x->e, ALU_AND, W32, dst, (int32_t)((1u << width) - 1));
    } else if (width == 32) {
        enc_shift_imm(&x->e, SH_SHR, W64, dst, lsb);
        enc_mov(&x->e, W32, dst, dst);
    } else {
        enc_shift_imm(&x->e, SH_SHL, W64, dst, 64 - lsb - width);
        enc_shift_imm(&x->e, SH_SHR, W64, dst, 64 - width);
    }
}

static void emit_exts(struct x64 *x, ir_ref v)
{
    const struct ir_insn *insn = &x->insn[v];
    unsigned width = insn->aux, lsb = (unsigned)insn->imm, bits = bits_of(insn);
    unsigned size = cg_size(insn);
    if (lsb == 0 && (width == 8 || width == 16 || (width == 32 && bits == 64))) {
        emit_extend(x, v, width == 8 ? OP_MOVSX8 : width == 16 ? OP_MOVSX16 : OP_MOVSXD, size);
        return;
    }
    fl_clobber(x);
    unsigned dst = ra_def_copy(x, v, insn->arg[0], NOREG);
    if (lsb + width < bits)
        enc_shift_imm(&x->e, SH_SHL, size, dst, bits - lsb - width);
    if (width < bits)
        enc_shift_imm(&x->e, SH_SAR, size, dst, bits - width);
    else if (size == W32)
        enc_mov(&x->e, W32, dst, dst);
}

static void and_mask(struct x64 *x, unsigned size, unsigned dst, uint64_t mask)
{
    if (size == W32 || fits32((int64_t)mask)) {
        enc_alu_imm(&x->e, ALU_AND, size, dst, (int32_t)mask);
    } else if (mask <= UINT32_MAX) {
        enc_alu_imm(&x->e, ALU_AND, W32, dst, (int32_t)mask);
    } else {
        unsigned t = ra_temp(x);
        enc_mov_imm(&x->e, t, mask);
        enc_alu(&x->e, ALU_AND, W64, dst, t);
        ra_release(x, t);
    }
}

static void emit_dep(struct x64 *x, ir_ref v)
{
    const struct ir_insn *insn = &x->insn[v];
    unsigned width = insn->aux, lsb = (unsigned)insn->imm, bits = bits_of(insn);
    unsigned size = cg_size(insn);
    uint64_t field = (width == 64 ? ~0ull : (1ull << width) - 1);
    int64_t imm;
    fl_clobber(x);
    if (width == bits) {
        unsigned dst = ra_def_copy(x, v, insn->arg[1], NOREG);
        if (size == W32)
            enc_mov(&x->e, W32, dst, dst);
        return;
    }
    if (ra_const(x, insn->arg[1], &imm)) {
        uint64_t set = ((uint64_t)imm & field) << lsb;
        unsigned dst = ra_def_copy(x, v, insn->arg[0], NOREG);
        and_mask(x, size, dst, ~(field << lsb));
        unsigned t = ra_temp(x);
        enc_mov_imm(&x->e, t, size == W32 ? (uint32_t)set : set);
        enc_alu(&x->e, ALU_OR, size, dst, t);
        return;
    }
    unsigned t = ra_temp(x);
    ra_move_to(x, insn->arg[1], t);
    if (lsb + width == bits) {
        enc_shift_imm(&x->e, SH_SHL, size, t, lsb);
    } else {
        and_mask(x, width <= 32 ? W32 : W64, t, field);
        if (lsb)
            enc_shift_imm(&x->e, SH_SHL, size, t, lsb);
    }
    unsigned dst = ra_def_copy(x, v, insn->arg[0], NOREG);
    and_mask(x, size, dst, ~(field << lsb));
    enc_alu(&x->e, ALU_OR, size, dst, t);
}

/* --- bits ------------------------------------------------------------------------------------- */

/* dst = leading zeros of src, which may be dst; src's width without LZCNT needs a branch. */
static void count_zeros(struct x64 *x, unsigned size, unsigned dst, unsigned src)
{
    if (x->bmi) {
        enc_rr(&x->e, OP_LZCNT, size, dst, src);
        return;
    }
    unsigned t = ra_temp(x);
    enc_rr(&x->e, OP_BSR, size, t, src);
    enc_mov_imm(&x->e, dst, size == W64 ? 127 : 63);
    enc_cmov(&x->e, CC_NE, W32, dst, t);
    enc_alu_imm(&x->e, ALU_XOR, W32, dst, size == W64 ? 63 : 31);
    ra_release(x, t);
}

static void emit_clz(struct x64 *x, ir_ref v)
{
    const struct ir_insn *insn = &x->insn[v];
    fl_clobber(x);
    unsigned a = ra_use(x, insn->arg[0]);
    unsigned dst = ra_def(x, v, true);
    count_zeros(x, cg_size(insn), dst, a);
}

/* cls(a) = clz(a ^ (a >> (w - 1))) - 1 */
static void emit_cls(struct x64 *x, ir_ref v)
{
    const struct ir_insn *insn = &x->insn[v];
    unsigned size = cg_size(insn);
    fl_clobber(x);
    unsigned t = ra_temp(x);
    ra_move_to(x, insn->arg[0], t);
    unsigned dst = ra_def_copy(x, v, insn->arg[0], t);
    enc_shift_imm(&x->e, SH_SAR, size, t, bits_of(insn) - 1);
    enc_alu(&x->e, ALU_XOR, size, t, dst);
    count_zeros(x, size, dst, t);
    enc_alu_imm(&x->e, ALU_SUB, W32, dst, 1);
}

/* TZCNT came with BMI1; without it BSF leaves its result alone when there is no bit to find. */
static void emit_ctz(struct x64 *x, ir_ref v)
{
    const struct ir_insn *insn = &x->insn[v];
    unsigned size = cg_size(insn);
    fl_clobber(x);
    unsigned a = ra_use(x, insn->arg[0]);
    if (x->bmi) {
        unsigned dst = ra_def(x, v, true);
        enc_rr(&x->e, OP_TZCNT, size, dst, a);
        return;
    }
    unsigned dst = ra_def(x, v, false), t = ra_temp(x);
    enc_rr(&x->e, OP_BSF, size, dst, a);
    enc_mov_imm(&x->e, t, bits_of(insn)); /* keeps EFLAGS */
    enc_cmov(&x->e, CC_E, W32, dst, t);
}

static void emit_cnt(struct x64 *x, ir_ref v)
{
    const struct ir_insn *insn = &x->insn[v];
    fl_clobber(x);
    emit_extend(x, v, OP_POPCNT, cg_size(insn));
}

static void emit_rev(struct x64 *x, ir_ref v)
{
    unsigned dst = ra_def_copy(x, v, x->insn[v].arg[0], NOREG);
    enc_bswap(&x->e, cg_size(&x->insn[v]), dst);
}

/* dst = (dst >> n & mask) | (dst & mask) << n: swaps neighbours of n bits */
static void swap_neighbours(struct x64 *x, unsigned size, unsigned dst, unsigned n, uint64_t mask)
{
    unsigned t = ra_temp(x), m = ra_temp(x);
    enc_mov_imm(&x->e, m, size == W64 ? mask : (uint32_t)mask);
    enc_mov(&x->e, size, t, dst);
    enc_shift_imm(&x->e, SH_SHR, size, t, n);
    enc_alu(&x->e, ALU_AND, size, t, m);
    enc_alu(&x->e, ALU_AND, size, dst, m);
    enc_shift_imm(&x->e, SH_SHL, size, dst, n);
    enc_alu(&x->e, ALU_OR, size, dst, t);
    ra_release(x, t);
    ra_release(x, m);
}

static void emit_rev16(struct x64 *x, ir_ref v)
{
    const struct ir_insn *insn = &x->insn[v];
    fl_clobber(x);
    unsigned dst = ra_def_copy(x, v, insn->arg[0], NOREG);
    if (is_wide(insn)) {
        swap_neighbours(x, W64, dst, 8, 0x00ff00ff00ff00ffull);
    } else {
        enc_bswap(&x->e, W32, dst);
        enc_shift_imm(&x->e, SH_ROL, W32, dst, 16);
    }
}

static void emit_rev32(struct x64 *x, ir_ref v)
{
    fl_clobber(x);
    unsigned dst = ra_def_copy(x, v, x->insn[v].arg[0], NOREG);
    enc_bswap(&x->e, W64, dst);
    enc_shift_imm(&x->e, SH_ROR, W64, dst, 32);
}

static void emit_rbit(struct x64 *x, ir_ref v)
{
    unsigned size = cg_size(&x->insn[v]);
    fl_clobber(x);
    unsigned dst = ra_def_copy(x, v, x->insn[v].arg[0], NOREG);
    enc_bswap(&x->e, size, dst);
    swap_neighbours(x, size, dst, 4, 0x0f0f0f0f0f0f0f0full);
    swap_neighbours(x, size, dst, 2, 0x3333333333333333ull);
    swap_neighbours(x, size, dst, 1, 0x5555555555555555ull);
}

static void emit_crc32c(struct x64 *x, ir_ref v)
{
    const struct ir_insn *insn = &x->insn[v];
    unsigned b = ra_use(x, insn->arg[1]);
    unsigned dst = ra_def_copy(x, v, insn->arg[0], b);
    unsigned esz = insn->aux & 3;
    static const uint8_t size[4] = {W32, W16, W32, W64};
    enc_rr(&x->e, esz ? OP_CRC32 : OP_CRC32_8, size[esz], dst, b);
}

/* --- comparisons and choices ------------------------------------------------------------------ */

static enum x64_cc icc_of(unsigned icc)
{
    static const uint8_t cc[] = {[IR_ICC_EQ] = CC_E,   [IR_ICC_NE] = CC_NE, [IR_ICC_LTU] = CC_B,
                                 [IR_ICC_LEU] = CC_BE, [IR_ICC_LTS] = CC_L, [IR_ICC_LES] = CC_LE};
    return cc[icc % sizeof(cc)];
}

static void emit_icmp(struct x64 *x, ir_ref v)
{
    const struct ir_insn *insn = &x->insn[v];
    fl_clobber(x);
    fl_compare(x, insn->arg[0], insn->arg[1], is_wide(insn));
    unsigned dst = ra_def(x, v, true);
    enc_setcc(&x->e, icc_of(insn->aux), dst);
    enc_rr(&x->e, OP_MOVZX8, W32, dst, dst);
}

void cg_select(struct x64 *x, enum x64_cc cc, ir_ref v, ir_ref yes, ir_ref no)
{
    unsigned size = cg_size(&x->insn[v]);
    if (x->val[yes].rep == x->val[no].rep) {
        unsigned dst = ra_def_copy(x, v, yes, NOREG);
        if (size == W32)
            enc_mov(&x->e, W32, dst, dst);
        return;
    }
    if (cg_in_place(x, v, yes) && !cg_in_place(x, v, no)) {
        ir_ref t = yes;
        yes = no;
        no = t;
        cc ^= 1;
    }
    struct rm b = ra_rm(x, yes);
    unsigned dst = ra_def_copy(x, v, no, b.mem ? NOREG : b.reg);
    if (b.mem)
        enc_rm(&x->e, 0x1040 | cc, size, dst, b.m);
    else
        enc_cmov(&x->e, cc, size, dst, b.reg);
}

static void emit_sel(struct x64 *x, ir_ref v)
{
    const struct ir_insn *insn = &x->insn[v];
    fl_clobber(x);
    unsigned a = ra_use(x, insn->arg[0]);
    enc_test(&x->e, W32, a, a);
    ra_release(x, a);
    cg_select(x, CC_NE, v, insn->arg[1], insn->arg[2]);
}

const struct emit_row x64_emit_int[] = {
    {IR_ADD, emit_add},   {IR_SUB, emit_sub},   {IR_AND, emit_and},       {IR_OR, emit_or},
    {IR_XOR, emit_xor},   {IR_ANDN, emit_andn}, {IR_ORN, emit_orn},       {IR_XORN, emit_xorn},
    {IR_NOT, emit_not},   {IR_NEG, emit_neg},   {IR_SHL, emit_shl},       {IR_SHR, emit_shr},
    {IR_SAR, emit_sar},   {IR_ROR, emit_ror},   {IR_SHLI, emit_shli},     {IR_SHRI, emit_shri},
    {IR_SARI, emit_sari}, {IR_RORI, emit_rori}, {IR_EXTR, emit_extr},     {IR_EXTU, emit_extu},
    {IR_EXTS, emit_exts}, {IR_DEP, emit_dep},   {IR_ZEXT, emit_zext},     {IR_SEXT, emit_sext},
    {IR_SX8, emit_sx8},   {IR_SX16, emit_sx16}, {IR_ZX8, emit_zx8},       {IR_ZX16, emit_zx16},
    {IR_CLZ, emit_clz},   {IR_CLS, emit_cls},   {IR_RBIT, emit_rbit},     {IR_CTZ, emit_ctz},
    {IR_CNT, emit_cnt},   {IR_REV, emit_rev},   {IR_REV16, emit_rev16},   {IR_REV32, emit_rev32},
    {IR_ICMP, emit_icmp}, {IR_SEL, emit_sel},   {IR_CRC32C, emit_crc32c}, {IR_OP_COUNT, 0},
};
