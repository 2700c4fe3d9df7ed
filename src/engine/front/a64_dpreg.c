/* SPDX-License-Identifier: Apache-2.0 */
/* Data processing with registers (manual C4.1.95). */
#include "engine/front/a64.h"

/* Conditions (manual C1.2.4). */
enum { COND_LO = 3, COND_HI = 8, COND_GE = 10, COND_LT = 11, COND_GT = 12 };

/* ShiftReg(): LSL, LSR, ASR, ROR by a constant below the width. */
static ir_ref shift(struct a64 *c, enum ir_type type, ir_ref a, unsigned how, unsigned amount)
{
    if (amount == 0)
        return a;
    switch (how) {
    case 0:
        return ir_shli(c->ir, type, a, amount);
    case 1:
        return ir_shri(c->ir, type, a, amount);
    case 2:
        return ir_sari(c->ir, type, a, amount);
    default:
        return ir_rori(c->ir, type, a, amount);
    }
}

static ir_ref logical(struct a64 *c, unsigned op, enum ir_type type, ir_ref a, ir_ref b)
{
    switch (op) {
    case A64_ORR_reg:
        return ir_or(c->ir, type, a, b);
    case A64_ORN_reg:
        return ir_orn(c->ir, type, a, b);
    case A64_EOR_reg:
        return ir_xor(c->ir, type, a, b);
    case A64_EON_reg:
        return ir_xorn(c->ir, type, a, b);
    case A64_BIC_reg:
    case A64_BICS_reg:
        return ir_andn(c->ir, type, a, b);
    default:
        return ir_and(c->ir, type, a, b);
    }
}

void a64_log_reg(struct a64 *c, const struct a64_log_reg *f)
{
    enum ir_type type = a64_type(f->sf);
    if (!f->sf && f->imm6 >= 32) {
        a64_undefined(c);
        return;
    }
    ir_ref b = shift(c, type, a64_reg(c, f->sf, f->Rm), f->shift, f->imm6), r;
    if (f->Rn == 31 && f->op == A64_ORR_reg) /* MOV */
        r = b;
    else if (f->Rn == 31 && f->op == A64_ORN_reg) /* MVN */
        r = ir_not(c->ir, type, b);
    else
        r = logical(c, f->op, type, a64_reg(c, f->sf, f->Rn), b);
    a64_set_reg(c, f->sf, f->Rd, r);
    if (f->op == A64_ANDS_reg || f->op == A64_BICS_reg)
        ir_putf(c->ir, ir_fllog(c->ir, type, r));
}

void a64_addsub_reg(struct a64 *c, const struct a64_addsub_reg *f)
{
    enum ir_type type = a64_type(f->sf);
    bool sub = f->op == A64_SUB_reg || f->op == A64_SUBS_reg;
    bool flags = f->op == A64_ADDS_reg || f->op == A64_SUBS_reg;
    if (f->shift == 3 || (!f->sf && f->imm6 >= 32)) {
        a64_undefined(c);
        return;
    }
    ir_ref b = shift(c, type, a64_reg(c, f->sf, f->Rm), f->shift, f->imm6);
    if (f->Rn == 31 && sub && !flags) { /* NEG */
        a64_set_reg(c, f->sf, f->Rd, ir_neg(c->ir, type, b));
        return;
    }
    ir_ref a = a64_reg(c, f->sf, f->Rn);
    if (f->Rd != 31)
        a64_set_reg(c, f->sf, f->Rd, sub ? ir_sub(c->ir, type, a, b) : ir_add(c->ir, type, a, b));
    if (flags)
        ir_putf(c->ir, sub ? ir_flsub(c->ir, type, a, b) : ir_fladd(c->ir, type, a, b));
}

/* ExtendReg(): UXTB, UXTH, UXTW, UXTX, SXTB, SXTH, SXTW, SXTX, then a shift left. */
static ir_ref extend(struct a64 *c, unsigned sf, unsigned Rm, unsigned option, unsigned amount)
{
    enum ir_type type = a64_type(sf);
    ir_ref a;
    if (option == 2 && sf) {
        a = ir_zext(c->ir, a64_w(c, Rm));
    } else if (option == 6 && sf) {
        a = ir_sext(c->ir, a64_w(c, Rm));
    } else {
        a = a64_reg(c, sf, Rm);
        if (option == 0)
            a = ir_zx8(c->ir, type, a);
        else if (option == 1)
            a = ir_zx16(c->ir, type, a);
        else if (option == 4)
            a = ir_sx8(c->ir, type, a);
        else if (option == 5)
            a = ir_sx16(c->ir, type, a);
    }
    return shift(c, type, a, 0, amount);
}

void a64_addsub_ext(struct a64 *c, const struct a64_addsub_ext *f)
{
    enum ir_type type = a64_type(f->sf);
    bool sub = f->op == A64_SUB_ext || f->op == A64_SUBS_ext;
    if (f->imm3 > 4) {
        a64_undefined(c);
        return;
    }
    ir_ref a = a64_regsp(c, f->sf, f->Rn);
    ir_ref b = extend(c, f->sf, f->Rm, f->option, f->imm3);
    ir_ref r = sub ? ir_sub(c->ir, type, a, b) : ir_add(c->ir, type, a, b);
    if (f->op == A64_ADDS_ext || f->op == A64_SUBS_ext) {
        a64_set_reg(c, f->sf, f->Rd, r);
        ir_putf(c->ir, sub ? ir_flsub(c->ir, type, a, b) : ir_fladd(c->ir, type, a, b));
    } else {
        a64_set_regsp(c, f->sf, f->Rd, r);
    }
}

void a64_adc(struct a64 *c, const struct a64_adc *f)
{
    enum ir_type type = a64_type(f->sf);
    bool sub = f->op == A64_SBC || f->op == A64_SBCS;
    ir_ref a = a64_reg(c, f->sf, f->Rn), b = a64_reg(c, f->sf, f->Rm), old = ir_getf(c->ir);
    ir_ref r = sub ? ir_sbc(c->ir, type, a, b, old) : ir_adc(c->ir, type, a, b, old);
    a64_set_reg(c, f->sf, f->Rd, r);
    if (f->op == A64_ADCS || f->op == A64_SBCS)
        ir_putf(c->ir, sub ? ir_flsbc(c->ir, type, a, b, old) : ir_fladc(c->ir, type, a, b, old));
}

static void conditional_compare(struct a64 *c, bool sub, unsigned sf, unsigned Rn, ir_ref b,
                                unsigned cond, unsigned nzcv)
{
    enum ir_type type = a64_type(sf);
    ir_ref a = a64_reg(c, sf, Rn);
    ir_ref old = ir_getf(c->ir);
    ir_ref fresh = sub ? ir_flsub(c->ir, type, a, b) : ir_fladd(c->ir, type, a, b);
    ir_putf(c->ir, ir_flsel(c->ir, old, fresh, cond, nzcv));
}

void a64_ccmp_reg(struct a64 *c, const struct a64_ccmp_reg *f)
{
    conditional_compare(c, f->op == A64_CCMP_reg, f->sf, f->Rn, a64_reg(c, f->sf, f->Rm), f->cond,
                        f->nzcv);
}

void a64_ccmp_imm(struct a64 *c, const struct a64_ccmp_imm *f)
{
    conditional_compare(c, f->op == A64_CCMP_imm, f->sf, f->Rn, a64_kreg(c, f->sf, f->imm5),
                        f->cond, f->nzcv);
}

void a64_csel(struct a64 *c, const struct a64_csel *f)
{
    enum ir_type type = a64_type(f->sf);
    ir_ref flags = ir_getf(c->ir), a, b, r;
    if (f->Rn == 31 && f->Rm == 31 && f->op != A64_CSEL && f->op != A64_CSNEG && f->cond < 14) {
        r = ir_cond(c->ir, type, flags, f->cond ^ 1); /* CSET, CSETM */
        if (f->op == A64_CSINV)
            r = ir_neg(c->ir, type, r);
        a64_set_reg(c, f->sf, f->Rd, r);
        return;
    }
    a = a64_reg(c, f->sf, f->Rn);
    b = a64_reg(c, f->sf, f->Rm);
    if (f->op == A64_CSINC)
        b = ir_add(c->ir, type, b, a64_kreg(c, f->sf, 1));
    else if (f->op == A64_CSINV)
        b = ir_not(c->ir, type, b);
    else if (f->op == A64_CSNEG)
        b = ir_neg(c->ir, type, b);
    a64_set_reg(c, f->sf, f->Rd, ir_csel(c->ir, type, flags, a, b, f->cond));
}

void a64_div(struct a64 *c, const struct a64_div *f)
{
    enum ir_type type = a64_type(f->sf);
    ir_ref a = a64_reg(c, f->sf, f->Rn), b = a64_reg(c, f->sf, f->Rm);
    a64_set_reg(c, f->sf, f->Rd,
                f->op == A64_SDIV ? ir_sdiv(c->ir, type, a, b) : ir_udiv(c->ir, type, a, b));
}

void a64_shiftv(struct a64 *c, const struct a64_shiftv *f)
{
    enum ir_type type = a64_type(f->sf);
    ir_ref a = a64_reg(c, f->sf, f->Rn), b = a64_reg(c, f->sf, f->Rm), r;
    switch (f->op) {
    case A64_LSLV:
        r = ir_shl(c->ir, type, a, b);
        break;
    case A64_LSRV:
        r = ir_shr(c->ir, type, a, b);
        break;
    case A64_ASRV:
        r = ir_sar(c->ir, type, a, b);
        break;
    default:
        r = ir_ror(c->ir, type, a, b);
        break;
    }
    a64_set_reg(c, f->sf, f->Rd, r);
}

/* CRC32B, CRC32H, CRC32W take W registers, CRC32X an X register. */
void a64_crc(struct a64 *c, const struct a64_crc *f)
{
    if (f->sf != (f->sz == 3)) {
        a64_undefined(c);
        return;
    }
    ir_ref a = a64_w(c, f->Rn), b = a64_x(c, f->Rm);
    a64_set_w(c, f->Rd,
              f->op == A64_CRC32 ? ir_crc32(c->ir, a, b, f->sz) : ir_crc32c(c->ir, a, b, f->sz));
}

void a64_dp1(struct a64 *c, const struct a64_dp1 *f)
{
    unsigned sf = f->op == A64_REV32 || f->op == A64_REV_64 ? 1 : f->sf;
    enum ir_type type = a64_type(sf);
    ir_ref a = a64_reg(c, sf, f->Rn), r;
    switch (f->op) {
    case A64_RBIT:
        r = ir_rbit(c->ir, type, a);
        break;
    case A64_REV16:
        r = ir_rev16(c->ir, type, a);
        break;
    case A64_REV32:
        r = ir_rev32(c->ir, a);
        break;
    case A64_CLZ:
        r = ir_clz(c->ir, type, a);
        break;
    case A64_CLS:
        r = ir_cls(c->ir, type, a);
        break;
    case A64_CTZ:
        r = ir_ctz(c->ir, type, a);
        break;
    case A64_CNT:
        r = ir_cnt(c->ir, type, a);
        break;
    case A64_ABS: /* the smallest number stays */
        r = ir_csel(c->ir, type, ir_flsub(c->ir, type, a, a64_kreg(c, sf, 0)), a,
                    ir_neg(c->ir, type, a), COND_GE);
        break;
    default:
        r = ir_rev(c->ir, type, a);
        break;
    }
    a64_set_reg(c, sf, f->Rd, r);
}

/* ---- minimum, maximum (FEAT_CSSC) -------------------------------------------------------------*/

static void minmax(struct a64 *c, unsigned sf, unsigned Rd, ir_ref a, ir_ref b, unsigned keep_a)
{
    enum ir_type type = a64_type(sf);
    a64_set_reg(c, sf, Rd, ir_csel(c->ir, type, ir_flsub(c->ir, type, a, b), a, b, keep_a));
}

void a64_minmax_reg(struct a64 *c, const struct a64_minmax_reg *f)
{
    unsigned keep = f->op == A64_SMAX_reg   ? COND_GT
                    : f->op == A64_UMAX_reg ? COND_HI
                    : f->op == A64_SMIN_reg ? COND_LT
                                            : COND_LO;
    minmax(c, f->sf, f->Rd, a64_reg(c, f->sf, f->Rn), a64_reg(c, f->sf, f->Rm), keep);
}

void a64_minmax_imm(struct a64 *c, const struct a64_minmax_imm *f)
{
    bool sign = f->op == A64_SMAX_imm || f->op == A64_SMIN_imm;
    unsigned keep = f->op == A64_SMAX_imm   ? COND_GT
                    : f->op == A64_UMAX_imm ? COND_HI
                    : f->op == A64_SMIN_imm ? COND_LT
                                            : COND_LO;
    uint64_t imm = sign ? (uint64_t)sext64(f->imm8, 8) : f->imm8;
    minmax(c, f->sf, f->Rd, a64_reg(c, f->sf, f->Rn), a64_kreg(c, f->sf, imm), keep);
}

void a64_madd(struct a64 *c, const struct a64_madd *f)
{
    enum ir_type type = a64_type(f->sf);
    ir_ref r = ir_mul(c->ir, type, a64_reg(c, f->sf, f->Rn), a64_reg(c, f->sf, f->Rm));
    if (f->op == A64_MSUB)
        r = f->Ra == 31 ? ir_neg(c->ir, type, r) : ir_sub(c->ir, type, a64_reg(c, f->sf, f->Ra), r);
    else if (f->Ra != 31)
        r = ir_add(c->ir, type, a64_reg(c, f->sf, f->Ra), r);
    a64_set_reg(c, f->sf, f->Rd, r);
}

void a64_maddl(struct a64 *c, const struct a64_maddl *f)
{
    bool sign = f->op == A64_SMADDL || f->op == A64_SMSUBL;
    bool sub = f->op == A64_SMSUBL || f->op == A64_UMSUBL;
    ir_ref a = a64_w(c, f->Rn), b = a64_w(c, f->Rm);
    a = sign ? ir_sext(c->ir, a) : ir_zext(c->ir, a);
    b = sign ? ir_sext(c->ir, b) : ir_zext(c->ir, b);
    ir_ref r = ir_mul(c->ir, IR_I64, a, b);
    if (sub)
        r = f->Ra == 31 ? ir_neg(c->ir, IR_I64, r) : ir_sub(c->ir, IR_I64, a64_x(c, f->Ra), r);
    else if (f->Ra != 31)
        r = ir_add(c->ir, IR_I64, a64_x(c, f->Ra), r);
    a64_set_x(c, f->Rd, r);
}

void a64_mulh(struct a64 *c, const struct a64_mulh *f)
{
    ir_ref a = a64_x(c, f->Rn), b = a64_x(c, f->Rm);
    a64_set_x(c, f->Rd, f->op == A64_SMULH ? ir_smulh(c->ir, a, b) : ir_umulh(c->ir, a, b));
}

/* ---- flag manipulation (FEAT_FlagM, FEAT_FlagM2) ----------------------------------------------*/

/* NZCV in a general register: bits 31 to 28. */
enum { N = 31, Z = 30, C = 29, V = 28 };

static ir_ref flag(struct a64 *c, ir_ref nzcv, unsigned which)
{
    return ir_extu(c->ir, IR_I64, nzcv, 1, which);
}

static void set_flags(struct a64 *c, ir_ref n, ir_ref z, ir_ref cf, ir_ref v)
{
    ir_ref nz = ir_or(c->ir, IR_I64, ir_shli(c->ir, IR_I64, n, N), ir_shli(c->ir, IR_I64, z, Z));
    ir_ref cv = ir_or(c->ir, IR_I64, ir_shli(c->ir, IR_I64, cf, C), ir_shli(c->ir, IR_I64, v, V));
    a64_set_nzcv(c, ir_or(c->ir, IR_I64, nz, cv));
}

void a64_rmif(struct a64 *c, const struct a64_rmif *f)
{
    ir_ref x = a64_x(c, f->Rn);
    if (f->imm6)
        x = ir_rori(c->ir, IR_I64, x, f->imm6);
    ir_ref fresh = ir_shli(c->ir, IR_I64, x, 28);
    ir_ref mask = a64_k(c, (uint64_t)f->mask << 28);
    ir_ref old = ir_andn(c->ir, IR_I64, a64_nzcv(c), mask);
    a64_set_nzcv(c, ir_or(c->ir, IR_I64, ir_and(c->ir, IR_I64, fresh, mask), old));
}

void a64_setf(struct a64 *c, const struct a64_setf *f)
{
    unsigned top = f->op == A64_SETF8 ? 7 : 15;
    ir_ref x = a64_x(c, f->Rn);
    ir_ref n = ir_extu(c->ir, IR_I64, x, 1, top);
    ir_ref low = top == 7 ? ir_zx8(c->ir, IR_I64, x) : ir_zx16(c->ir, IR_I64, x);
    ir_ref z = ir_zext(c->ir, ir_icmp(c->ir, IR_I64, low, a64_k(c, 0), IR_ICC_EQ));
    ir_ref v = ir_xor(c->ir, IR_I64, ir_extu(c->ir, IR_I64, x, 1, top + 1), n);
    set_flags(c, n, z, flag(c, a64_nzcv(c), C), v);
}

void a64_cfinv(struct a64 *c, const struct a64_cfinv *f)
{
    a64_set_nzcv(c, ir_xor(c->ir, IR_I64, a64_nzcv(c), a64_k(c, 1u << C)));
}

/* Floating-point flags from Arm's form to the alternative one. */
void a64_axflag(struct a64 *c, const struct a64_axflag *f)
{
    ir_ref old = a64_nzcv(c), v = flag(c, old, V), zero = a64_k(c, 0);
    ir_ref z = ir_or(c->ir, IR_I64, flag(c, old, Z), v);
    ir_ref carry = ir_andn(c->ir, IR_I64, flag(c, old, C), v);
    set_flags(c, zero, z, carry, zero);
}

/* And back. */
void a64_xaflag(struct a64 *c, const struct a64_xaflag *f)
{
    ir_ref old = a64_nzcv(c), z = flag(c, old, Z), carry = flag(c, old, C), one = a64_k(c, 1);
    ir_ref not_c = ir_xor(c->ir, IR_I64, carry, one);
    ir_ref n = ir_andn(c->ir, IR_I64, not_c, z);
    set_flags(c, n, ir_and(c->ir, IR_I64, z, carry), ir_or(c->ir, IR_I64, carry, z),
              ir_and(c->ir, IR_I64, not_c, z));
}
