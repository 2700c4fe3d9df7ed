/* SPDX-License-Identifier: Apache-2.0 */
/* Floating point on vectors, and the scalar forms of those instructions (manual C4.1.68 "three
 * same", "two-register miscellaneous", "across lanes", "scalar pairwise", "indexed element"). */
#include "engine/front/a64_simd.h"

/* Lanes of single or double precision, as D says; of half in encodings of their own, the rows that
 * need FEAT_FP16, which have the bit given clear (three same: 21) or set (two registers: 19). */
static unsigned esz_of(unsigned D, bool half)
{
    return half ? 1 : 2 + D;
}

/* --- three same
 * ---------------------------------------------------------------------------------*/

static bool is_pairwise(unsigned op)
{
    return op == A64_FMAXNMP_v || op == A64_FADDP_v || op == A64_FMAXP_v || op == A64_FMINNMP_v ||
           op == A64_FMINP_v;
}

static a64_build2 *compare_builder(unsigned op)
{
    switch (op) {
    case A64_FCMEQ_v:
    case A64_FCMEQ_s:
        return ir_fceq;
    case A64_FCMGE_v:
    case A64_FCMGE_s:
        return ir_fcge;
    case A64_FCMGT_v:
    case A64_FCMGT_s:
        return ir_fcgt;
    case A64_FACGE_v:
    case A64_FACGE_s:
        return ir_facge;
    default: /* FACGT */
        return ir_facgt;
    }
}

static a64_build2 *same_builder(unsigned op)
{
    switch (op) {
    case A64_FADD_v:
    case A64_FADDP_v:
        return ir_fadd;
    case A64_FSUB_v:
    case A64_FABD_v:
    case A64_FABD_s:
        return ir_fsub;
    case A64_FMUL_v:
        return ir_fmul;
    case A64_FDIV_v:
        return ir_fdiv;
    case A64_FMULX_v:
    case A64_FMULX_s:
        return ir_fmulx;
    case A64_FMAX_v:
    case A64_FMAXP_v:
        return ir_fmax;
    case A64_FMIN_v:
    case A64_FMINP_v:
        return ir_fmin;
    case A64_FMAXNM_v:
    case A64_FMAXNMP_v:
        return ir_fmaxnm;
    case A64_FMINNM_v:
    case A64_FMINNMP_v:
        return ir_fminnm;
    case A64_FRECPS_v:
    case A64_FRECPS_s:
        return ir_frecps;
    case A64_FRSQRTS_v:
    case A64_FRSQRTS_s:
        return ir_frsqrts;
    default:
        return compare_builder(op);
    }
}

static ir_ref absolute(struct a64 *c, ir_ref v, unsigned esz)
{
    return ir_vand(c->ir, v, a64_vsplat(c, esz, a64_sign(esz) - 1));
}

void a64_fp_same(struct a64 *c, const struct a64_fp_same *f)
{
    const unsigned esz = esz_of(f->D, !bit(c->insn, 21)),
                   form = a64_fp_form(c, esz, a64_lanes(f->Q));
    if (!a64_simd_ok(c, !f->D || f->Q))
        return;
    ir_ref n = a64_v(c, f->Rn), m = a64_v(c, f->Rm), r;
    if (f->op == A64_FMLA_v || f->op == A64_FMLS_v)
        r = ir_fma(c->ir, n, m, a64_v(c, f->Rd), f->op == A64_FMLS_v ? form | IR_FMA_NEG_A : form);
    else if (is_pairwise(f->op))
        r = a64_pairwise(c, same_builder(f->op), n, m, esz, f->Q, form);
    else
        r = same_builder(f->op)(c->ir, n, m, form);
    a64_set_v(c, f->Rd, f->op == A64_FABD_v ? absolute(c, r, esz) : r);
}

void a64_fp_same_s(struct a64 *c, const struct a64_fp_same_s *f)
{
    const unsigned esz = esz_of(f->D, !bit(c->insn, 21));
    if (!a64_simd_ok(c, true))
        return;
    ir_ref r = same_builder(f->op)(c->ir, a64_v(c, f->Rn), a64_v(c, f->Rm),
                                   a64_fp_form(c, esz, IR_LANES_1));
    a64_set_v(c, f->Rd, f->op == A64_FABD_s ? absolute(c, r, esz) : r);
}

/* --- two registers
 * ------------------------------------------------------------------------------*/

/* Rounding mode of FRINTx and FCVTx: o2:o1 as in the encodings' size<1>:opcode<0>, which count as
 * FPCR.RMode does once the two are swapped: N 00, M 01, P 10, Z 11. */
static unsigned encoded_round(uint32_t insn)
{
    const unsigned o2 = bit(insn, 23), o1 = bit(insn, 12);
    return o1 << 1 | o2;
}

static ir_ref integral(struct a64 *c, unsigned op, ir_ref n, unsigned form)
{
    switch (op) {
    case A64_FRINTA_v:
        return ir_frint(c->ir, n, form, IR_ROUND_TIEAWAY);
    case A64_FRINTX_v:
        return ir_frint(c->ir, n, form, IR_ROUND_FPCR | IR_ROUND_EXACT);
    case A64_FRINTI_v:
        return ir_frint(c->ir, n, form, IR_ROUND_FPCR);
    default:
        return ir_frint(c->ir, n, form, encoded_round(c->insn));
    }
}

static ir_ref converted(struct a64 *c, unsigned op, ir_ref n, unsigned form)
{
    const int64_t sign = bit(c->insn, 29) ? IR_CVT_UNSIGNED : 0;
    switch (op) {
    case A64_SCVTF_v:
    case A64_SCVTF_s:
    case A64_UCVTF_v:
    case A64_UCVTF_s:
        return ir_vitof(c->ir, n, form, sign | IR_ROUND_FPCR);
    case A64_FCVTAS_v:
    case A64_FCVTAS_s:
    case A64_FCVTAU_v:
    case A64_FCVTAU_s:
        return ir_vftoi(c->ir, n, form, sign | IR_ROUND_TIEAWAY);
    default:
        return ir_vftoi(c->ir, n, form, sign | encoded_round(c->insn));
    }
}

static ir_ref misc_result(struct a64 *c, unsigned op, ir_ref n, unsigned form)
{
    struct ir *ir = c->ir;
    switch (op) {
    case A64_FCMGT_z:
    case A64_FCMGT_zs:
        return ir_fcgt(ir, n, ir_vconst(ir, 0), form);
    case A64_FCMGE_z:
    case A64_FCMGE_zs:
        return ir_fcge(ir, n, ir_vconst(ir, 0), form);
    case A64_FCMEQ_z:
    case A64_FCMEQ_zs:
        return ir_fceq(ir, n, ir_vconst(ir, 0), form);
    case A64_FCMLT_z:
    case A64_FCMLT_zs:
        return ir_fcgt(ir, ir_vconst(ir, 0), n, form);
    case A64_FCMLE_z:
    case A64_FCMLE_zs:
        return ir_fcge(ir, ir_vconst(ir, 0), n, form);
    case A64_FRECPE_v:
    case A64_FRECPE_s:
        return ir_frecpe(ir, n, form);
    case A64_FRSQRTE_v:
    case A64_FRSQRTE_s:
        return ir_frsqrte(ir, n, form);
    case A64_FRECPX_s:
        return ir_frecpx(ir, n, form);
    case A64_FSQRT_v:
        return ir_fsqrt(ir, n, form);
    case A64_FRINTN_v:
    case A64_FRINTM_v:
    case A64_FRINTP_v:
    case A64_FRINTZ_v:
    case A64_FRINTA_v:
    case A64_FRINTX_v:
    case A64_FRINTI_v:
        return integral(c, op, n, form);
    default:
        return converted(c, op, n, form);
    }
}

void a64_fp_misc(struct a64 *c, const struct a64_fp_misc *f)
{
    const unsigned esz = esz_of(f->D, bit(c->insn, 19));
    if (!a64_simd_ok(c, !f->D || f->Q))
        return;
    ir_ref n = a64_v(c, f->Rn);
    if (f->op == A64_FABS_v)
        a64_set_vq(c, f->Rd, f->Q, absolute(c, n, esz));
    else if (f->op == A64_FNEG_v)
        a64_set_vq(c, f->Rd, f->Q, ir_vxor(c->ir, n, a64_vsplat(c, esz, a64_sign(esz))));
    else
        a64_set_v(c, f->Rd, misc_result(c, f->op, n, a64_fp_form(c, esz, a64_lanes(f->Q))));
}

void a64_fp_misc_s(struct a64 *c, const struct a64_fp_misc_s *f)
{
    if (!a64_simd_ok(c, true))
        return;
    const unsigned form = a64_fp_form(c, esz_of(f->D, bit(c->insn, 19)), IR_LANES_1);
    a64_set_v(c, f->Rd, misc_result(c, f->op, a64_v(c, f->Rn), form));
}

/* FRINT32Z and so on: to integers of 32 or 64 bits. */
void a64_frint_n_v(struct a64 *c, const struct a64_frint_n_v *f)
{
    const bool by_fpcr = f->op == A64_FRINT32X_v || f->op == A64_FRINT64X_v;
    const unsigned width = f->op == A64_FRINT32Z_v || f->op == A64_FRINT32X_v ? 32 : 64;
    const int64_t how = (by_fpcr ? IR_ROUND_FPCR : IR_ROUND_ZERO) | width << IR_RINT_SHIFT;
    if (!a64_simd_ok(c, !f->D || f->Q))
        return;
    a64_set_v(c, f->Rd,
              ir_frintn(c->ir, a64_v(c, f->Rn), a64_fp_form(c, 2 + f->D, a64_lanes(f->Q)), how));
}

/* FCVTN (to half or single) and FCVTXN, whose row has no D. */
void a64_fp_narrow(struct a64 *c, const struct a64_fp_narrow *f)
{
    const bool odd = f->op == A64_FCVTXN_v;
    if (!a64_simd_ok(c, true))
        return;
    const unsigned form = a64_fp_form(c, odd ? 3 : 2 + f->D, IR_LANES_128);
    a64_set_narrow(c, f->Rd, f->Q, ir_fcvtn(c->ir, a64_v(c, f->Rn), form, odd));
}

void a64_bfcvtn(struct a64 *c, const struct a64_bfcvtn *f)
{
    if (!a64_simd_ok(c, true))
        return;
    a64_set_narrow(c, f->Rd, f->Q,
                   ir_fcvtbf(c->ir, a64_v(c, f->Rn), a64_fp_form(c, 2, IR_LANES_128)));
}

void a64_fp_narrow_s(struct a64 *c, const struct a64_fp_narrow_s *f)
{
    if (!a64_simd_ok(c, true))
        return;
    a64_set_v(c, f->Rd, ir_fcvtn(c->ir, a64_v(c, f->Rn), a64_fp_form(c, 3, IR_LANES_1), 1));
}

void a64_fp_long(struct a64 *c, const struct a64_fp_long *f)
{
    if (!a64_simd_ok(c, true))
        return;
    const unsigned form = a64_fp_form(c, 1 + f->D, IR_LANES_128);
    a64_set_v(c, f->Rd, ir_fcvtl(c->ir, a64_v(c, f->Rn), form, f->Q));
}

/* --- across lanes, pairs
 * ------------------------------------------------------------------------*/

static a64_build2 *reduce_builder(unsigned op)
{
    switch (op) {
    case A64_FMAXNMV:
    case A64_FMAXNMP_s:
        return ir_fmaxnm;
    case A64_FMINNMV:
    case A64_FMINNMP_s:
        return ir_fminnm;
    case A64_FMAXV:
    case A64_FMAXP_s:
        return ir_fmax;
    case A64_FMINV:
    case A64_FMINP_s:
        return ir_fmin;
    default:
        return ir_fadd;
    }
}

/* Reduce(): neighbours first, as the order decides which NaN comes out. Halves can be fewer than
 * a vform says: what is computed beside them are zeros, which raise nothing. */
void a64_fp_across(struct a64 *c, const struct a64_fp_across *f)
{
    const bool half = !bit(c->insn, 29);
    const unsigned esz = half ? 1 : 2;
    if (!a64_simd_ok(c, true))
        return;
    a64_build2 *fn = reduce_builder(f->op);
    ir_ref v = a64_v(c, f->Rn);
    if (half && !f->Q)
        v = ir_vzero64(c->ir, v);
    for (unsigned lanes = half && f->Q ? 8 : 4; lanes > 1; lanes /= 2)
        v = a64_pairwise(c, fn, v, v, esz, 1,
                         a64_fp_form(c, esz, lanes == 2 ? IR_LANES_1 : IR_LANES_64));
    a64_set_v(c, f->Rd, v);
}

void a64_fp_pair_s(struct a64 *c, const struct a64_fp_pair_s *f)
{
    const unsigned esz = esz_of(f->D, !bit(c->insn, 29));
    if (!a64_simd_ok(c, true))
        return;
    ir_ref n = a64_v(c, f->Rn);
    a64_set_v(c, f->Rd,
              reduce_builder(f->op)(c->ir, n, ir_vduplane(c->ir, n, esz, 1),
                                    a64_fp_form(c, esz, IR_LANES_1)));
}

/* --- by element
 * ---------------------------------------------------------------------------------*/

enum elem_kind { ELEM_MUL, ELEM_MULX, ELEM_MLA, ELEM_MLS };

static void by_element(struct a64 *c, enum elem_kind kind, unsigned Rd, unsigned Rn, unsigned Rm,
                       unsigned index, unsigned form)
{
    struct ir *ir = c->ir;
    ir_ref n = a64_v(c, Rn), m = ir_vduplane(ir, a64_v(c, Rm), IR_VFORM_ESZ(form), index), r;
    switch (kind) {
    case ELEM_MUL:
        r = ir_fmul(ir, n, m, form);
        break;
    case ELEM_MULX:
        r = ir_fmulx(ir, n, m, form);
        break;
    case ELEM_MLA:
        r = ir_fma(ir, n, m, a64_v(c, Rd), form);
        break;
    default:
        r = ir_fma(ir, n, m, a64_v(c, Rd), form | IR_FMA_NEG_A);
    }
    a64_set_v(c, Rd, r);
}

/* Vm and the index of its element. Doubles have two elements: L must be 0; halves spare M for the
 * index. */
struct element {
    unsigned esz, Rm, index;
    bool valid;
};

/* size, bits 23:22: half 00, single 10, double 11. */
static struct element element_of(uint32_t size, unsigned H, unsigned L, unsigned M, unsigned Rm)
{
    switch (size) {
    case 0:
        return (struct element){1, Rm, H << 2 | L << 1 | M, true};
    case 2:
        return (struct element){2, M << 4 | Rm, H << 1 | L, true};
    default:
        return (struct element){3, M << 4 | Rm, H, !L};
    }
}

void a64_fp_elem(struct a64 *c, const struct a64_fp_elem *f)
{
    const struct element e = element_of((uint32_t)bits(c->insn, 23, 22), f->H, f->L, f->M, f->Rm);
    if (!a64_simd_ok(c, e.valid && (e.esz != 3 || f->Q)))
        return;
    const enum elem_kind kind = f->op == A64_FMLA_e   ? ELEM_MLA
                                : f->op == A64_FMLS_e ? ELEM_MLS
                                : f->op == A64_FMUL_e ? ELEM_MUL
                                                      : ELEM_MULX;
    by_element(c, kind, f->Rd, f->Rn, e.Rm, e.index, a64_fp_form(c, e.esz, a64_lanes(f->Q)));
}

void a64_fp_elem_s(struct a64 *c, const struct a64_fp_elem_s *f)
{
    const struct element e = element_of((uint32_t)bits(c->insn, 23, 22), f->H, f->L, f->M, f->Rm);
    if (!a64_simd_ok(c, e.valid))
        return;
    const enum elem_kind kind = f->op == A64_FMLA_es   ? ELEM_MLA
                                : f->op == A64_FMLS_es ? ELEM_MLS
                                : f->op == A64_FMUL_es ? ELEM_MUL
                                                       : ELEM_MULX;
    by_element(c, kind, f->Rd, f->Rn, e.Rm, e.index, a64_fp_form(c, e.esz, IR_LANES_1));
}
