/* SPDX-License-Identifier: Apache-2.0 */
/* Scalar floating point: data processing, comparison, selection, conversion (manual C4.1.68
 * "Floating-point ..." classes). ftype, bits 23:22, says the precision: single 00, double 01, half
 * 11. */
#include "engine/front/a64_simd.h"

static unsigned fp_esz(const struct a64 *c)
{
    const unsigned ftype = (unsigned)bits(c->insn, 23, 22);
    return ftype == 3 ? 1 : 2 + ftype;
}

static unsigned fp_scalar(const struct a64 *c)
{
    return a64_fp_form(c, fp_esz(c), IR_LANES_1);
}

uint64_t a64_expand_fp(unsigned esz, unsigned imm8)
{
    static const uint8_t width[4] = {0, 5, 8, 11};
    const unsigned exponent_bits = width[esz], fraction_bits = (8u << esz) - 1 - exponent_bits;
    const uint64_t b6 = bit(imm8, 6);
    const uint64_t exponent = (b6 ^ 1) << (exponent_bits - 1) |
                              (b6 ? ones(exponent_bits - 3) : 0) << 2 | bits(imm8, 5, 4);
    return (uint64_t)bit(imm8, 7) << (8 * (1u << esz) - 1) | exponent << fraction_bits |
           bits(imm8, 3, 0) << (fraction_bits - 4);
}

/* --- general registers
 * --------------------------------------------------------------------------*/

static int64_t conversion(bool is_unsigned, unsigned round, unsigned fbits)
{
    return (int64_t)((is_unsigned ? IR_CVT_UNSIGNED : 0) | round | fbits << IR_CVT_FBITS_SHIFT);
}

static void to_integer(struct a64 *c, unsigned sf, unsigned Rn, unsigned Rd, int64_t how)
{
    a64_set_reg(c, sf, Rd, ir_ftoi(c->ir, a64_type(sf), a64_v(c, Rn), fp_scalar(c), how));
}

/* The IR converts 64-bit integers: an extended W has the same value. */
static void from_integer(struct a64 *c, unsigned sf, unsigned Rn, unsigned Rd, bool is_unsigned,
                         unsigned fbits)
{
    ir_ref x;
    if (sf)
        x = a64_x(c, Rn);
    else
        x = is_unsigned ? ir_zext(c->ir, a64_w(c, Rn)) : ir_sext(c->ir, a64_w(c, Rn));
    a64_set_v(c, Rd,
              ir_itof(c->ir, x, fp_scalar(c), conversion(is_unsigned && sf, IR_ROUND_FPCR, fbits)));
}

void a64_ftoi(struct a64 *c, const struct a64_ftoi *f)
{
    const bool away = f->op == A64_FCVTAS || f->op == A64_FCVTAU;
    const bool is_unsigned = f->op == A64_FCVTxU || f->op == A64_FCVTAU;
    if (!a64_simd_ok(c, true))
        return;
    /* rmode has FPCR.RMode's values. */
    to_integer(c, f->sf, f->Rn, f->Rd,
               conversion(is_unsigned, away ? IR_ROUND_TIEAWAY : f->rmode, 0));
}

void a64_itof(struct a64 *c, const struct a64_itof *f)
{
    if (a64_simd_ok(c, true))
        from_integer(c, f->sf, f->Rn, f->Rd, f->op == A64_UCVTF, 0);
}

void a64_ftoi_fix(struct a64 *c, const struct a64_ftoi_fix *f)
{
    if (a64_simd_ok(c, f->sf || f->scale >= 32))
        to_integer(c, f->sf, f->Rn, f->Rd,
                   conversion(f->op == A64_FCVTZU_fix, IR_ROUND_ZERO, 64 - f->scale));
}

void a64_itof_fix(struct a64 *c, const struct a64_itof_fix *f)
{
    if (a64_simd_ok(c, f->sf || f->scale >= 32))
        from_integer(c, f->sf, f->Rn, f->Rd, f->op == A64_UCVTF_fix, 64 - f->scale);
}

void a64_fmov_gen(struct a64 *c, const struct a64_fmov_gen *f)
{
    struct ir *ir = c->ir;
    if (!a64_simd_ok(c, true))
        return;
    switch (f->op) {
    case A64_FMOV_w_s:
        a64_set_x(c, f->Rd, ir_vlaneu(ir, a64_v(c, f->Rn), 2, 0));
        break;
    case A64_FMOV_w_h:
        a64_set_x(c, f->Rd, ir_vlaneu(ir, a64_v(c, f->Rn), 1, 0));
        break;
    case A64_FMOV_x_d:
        a64_set_x(c, f->Rd, ir_vlaneu(ir, a64_v(c, f->Rn), 3, 0));
        break;
    case A64_FMOV_x_v1:
        a64_set_x(c, f->Rd, ir_vlaneu(ir, a64_v(c, f->Rn), 3, 1));
        break;
    case A64_FMOV_s_w:
        a64_set_v(c, f->Rd, ir_vfromx(ir, ir_zext(ir, a64_w(c, f->Rn)), a64_k(c, 0)));
        break;
    case A64_FMOV_h_w:
        a64_set_v(c, f->Rd, ir_vfromx(ir, ir_zx16(ir, IR_I64, a64_x(c, f->Rn)), a64_k(c, 0)));
        break;
    case A64_FMOV_d_x:
        a64_set_v(c, f->Rd, ir_vfromx(ir, a64_x(c, f->Rn), a64_k(c, 0)));
        break;
    default: /* Vd.D[1] */
        a64_set_v(c, f->Rd, ir_vsetlane(ir, a64_v(c, f->Rd), a64_x(c, f->Rn), 3, 1));
    }
}

/* --- one source
 * ---------------------------------------------------------------------------------*/

void a64_fp_bits(struct a64 *c, const struct a64_fp_bits *f)
{
    const unsigned esz = fp_esz(c);
    const uint64_t sign = a64_sign(esz);
    if (!a64_simd_ok(c, true))
        return;
    ir_ref v = a64_v(c, f->Rn);
    if (f->op == A64_FABS)
        v = ir_vand(c->ir, v, a64_vsplat(c, esz, sign - 1));
    else if (f->op == A64_FNEG)
        v = ir_vxor(c->ir, v, a64_vsplat(c, esz, sign));
    a64_set_scalar(c, f->Rd, esz, v);
}

void a64_fsqrt(struct a64 *c, const struct a64_fsqrt *f)
{
    if (a64_simd_ok(c, true))
        a64_set_v(c, f->Rd, ir_fsqrt(c->ir, a64_v(c, f->Rn), fp_scalar(c)));
}

void a64_fcvt(struct a64 *c, const struct a64_fcvt *f)
{
    static const struct {
        unsigned op;
        uint8_t from, to;
    } formats[] = {
        {A64_FCVT_ds, 2, 3}, {A64_FCVT_hs, 2, 1}, {A64_FCVT_sd, 3, 2},
        {A64_FCVT_hd, 3, 1}, {A64_FCVT_sh, 1, 2}, {A64_FCVT_dh, 1, 3},
    };
    if (!a64_simd_ok(c, true))
        return;
    for (unsigned i = 0; i < ARRAY_SIZE(formats); i++) {
        if (formats[i].op == f->op)
            a64_set_v(c, f->Rd,
                      ir_fcvt(c->ir, a64_v(c, f->Rn), a64_fp_form(c, formats[i].from, IR_LANES_1),
                              formats[i].to));
    }
}

void a64_frint(struct a64 *c, const struct a64_frint *f)
{
    int64_t mode;
    switch (f->op) {
    case A64_FRINTN:
        mode = IR_ROUND_TIEEVEN;
        break;
    case A64_FRINTP:
        mode = IR_ROUND_POSINF;
        break;
    case A64_FRINTM:
        mode = IR_ROUND_NEGINF;
        break;
    case A64_FRINTZ:
        mode = IR_ROUND_ZERO;
        break;
    case A64_FRINTA:
        mode = IR_ROUND_TIEAWAY;
        break;
    case A64_FRINTX:
        mode = IR_ROUND_FPCR | IR_ROUND_EXACT;
        break;
    default: /* FRINTI */
        mode = IR_ROUND_FPCR;
    }
    if (a64_simd_ok(c, true))
        a64_set_v(c, f->Rd, ir_frint(c->ir, a64_v(c, f->Rn), fp_scalar(c), mode));
}

/* FRINT32Z and so on: to integers of 32 or 64 bits. */
void a64_frint_n(struct a64 *c, const struct a64_frint_n *f)
{
    const bool by_fpcr = f->op == A64_FRINT32X || f->op == A64_FRINT64X;
    const unsigned width = f->op == A64_FRINT32Z || f->op == A64_FRINT32X ? 32 : 64;
    const int64_t how = (by_fpcr ? IR_ROUND_FPCR : IR_ROUND_ZERO) | width << IR_RINT_SHIFT;
    if (a64_simd_ok(c, true))
        a64_set_v(c, f->Rd, ir_frintn(c->ir, a64_v(c, f->Rn), fp_scalar(c), how));
}

/* The flags say whether the integer is the same number. */
void a64_fjcvtzs(struct a64 *c, const struct a64_fjcvtzs *f)
{
    struct ir *ir = c->ir;
    if (!a64_simd_ok(c, true))
        return;
    ir_ref r = ir_fcvtjs(ir, a64_v(c, f->Rn), a64_fp_form(c, 3, IR_LANES_1));
    a64_set_w(c, f->Rd, ir_trunc(ir, r));
    a64_set_nzcv(c, ir_shli(ir, IR_I64, ir_shri(ir, IR_I64, r, 32), 30));
}

void a64_bfcvt(struct a64 *c, const struct a64_bfcvt *f)
{
    if (a64_simd_ok(c, true))
        a64_set_v(c, f->Rd, ir_fcvtbf(c->ir, a64_v(c, f->Rn), a64_fp_form(c, 2, IR_LANES_1)));
}

void a64_fmov_i(struct a64 *c, const struct a64_fmov_i *f)
{
    if (!a64_simd_ok(c, true))
        return;
    ir_ref x = a64_k(c, a64_expand_fp(fp_esz(c), f->imm8));
    a64_set_v(c, f->Rd, ir_vfromx(c->ir, x, a64_k(c, 0)));
}

/* --- comparison, selection
 * ----------------------------------------------------------------------*/

void a64_fp_compare(struct a64 *c, const struct a64_fp_compare *f)
{
    const bool zero = f->op == A64_FCMP_z || f->op == A64_FCMPE_z;
    const bool signals = f->op == A64_FCMPE || f->op == A64_FCMPE_z;
    if (!a64_simd_ok(c, true))
        return;
    ir_ref m = zero ? ir_vconst(c->ir, 0) : a64_v(c, f->Rm);
    ir_putf(c->ir, ir_fcmp(c->ir, a64_v(c, f->Rn), m, fp_scalar(c), signals));
}

/* When the condition fails nothing is compared: then two zeros are, which raises nothing. */
void a64_fccmp(struct a64 *c, const struct a64_fccmp *f)
{
    struct ir *ir = c->ir;
    if (!a64_simd_ok(c, true))
        return;
    ir_ref flags = ir_getf(ir), zero = ir_vconst(ir, 0);
    ir_ref n = ir_cselv(ir, flags, a64_v(c, f->Rn), zero, f->cond);
    ir_ref m = ir_cselv(ir, flags, a64_v(c, f->Rm), zero, f->cond);
    ir_ref compared = ir_fcmp(ir, n, m, fp_scalar(c), f->E);
    ir_putf(ir, ir_flsel(ir, flags, compared, f->cond, f->nzcv));
}

void a64_fcsel(struct a64 *c, const struct a64_fcsel *f)
{
    if (!a64_simd_ok(c, true))
        return;
    ir_ref v = ir_cselv(c->ir, ir_getf(c->ir), a64_v(c, f->Rn), a64_v(c, f->Rm), f->cond);
    a64_set_scalar(c, f->Rd, fp_esz(c), v);
}

/* --- two and three sources
 * ----------------------------------------------------------------------*/

static a64_build2 *two_source_builder(unsigned op)
{
    switch (op) {
    case A64_FDIV:
        return ir_fdiv;
    case A64_FADD:
        return ir_fadd;
    case A64_FSUB:
        return ir_fsub;
    case A64_FMAX:
        return ir_fmax;
    case A64_FMIN:
        return ir_fmin;
    case A64_FMAXNM:
        return ir_fmaxnm;
    case A64_FMINNM:
        return ir_fminnm;
    default: /* FMUL, FNMUL */
        return ir_fmul;
    }
}

void a64_fp_2src(struct a64 *c, const struct a64_fp_2src *f)
{
    const unsigned esz = fp_esz(c);
    if (!a64_simd_ok(c, true))
        return;
    ir_ref r = two_source_builder(f->op)(c->ir, a64_v(c, f->Rn), a64_v(c, f->Rm), fp_scalar(c));
    if (f->op == A64_FNMUL) {
        r = ir_vxor(c->ir, r, a64_vsplat(c, esz, a64_sign(esz)));
        r = a64_scalar(c, esz, r);
    }
    a64_set_v(c, f->Rd, r);
}

void a64_fp_3src(struct a64 *c, const struct a64_fp_3src *f)
{
    unsigned form = fp_scalar(c);
    if (!a64_simd_ok(c, true))
        return;
    if (f->op == A64_FMSUB || f->op == A64_FNMADD)
        form |= IR_FMA_NEG_A;
    if (f->op == A64_FNMADD || f->op == A64_FNMSUB)
        form |= IR_FMA_NEG_C;
    a64_set_v(c, f->Rd, ir_fma(c->ir, a64_v(c, f->Rn), a64_v(c, f->Rm), a64_v(c, f->Ra), form));
}
