/* SPDX-License-Identifier: Apache-2.0 */
/* Vector instructions on registers of different types and by element: long, wide and narrowing
 * arithmetic (manual C4.1.68 "three different", "vector x indexed element"), integer part. */
#include "engine/front/a64_simd.h"

/* --- three different
 * ----------------------------------------------------------------------------*/

static ir_ref widen(struct a64 *c, bool is_signed, ir_ref v, unsigned esz, unsigned half)
{
    return is_signed ? ir_vwidens(c->ir, v, esz, half) : ir_vwidenu(c->ir, v, esz, half);
}

static ir_ref product(struct a64 *c, bool is_signed, ir_ref n, ir_ref m, unsigned esz,
                      unsigned half)
{
    return is_signed ? ir_vsmull(c->ir, n, m, esz, half) : ir_vumull(c->ir, n, m, esz, half);
}

/* |n - m| fits lanes of n's own width, unsigned: it is widened afterwards. */
static ir_ref distance(struct a64 *c, bool is_signed, ir_ref n, ir_ref m, unsigned esz,
                       unsigned half)
{
    struct ir *ir = c->ir;
    ir_ref high = is_signed ? ir_vsmax(ir, n, m, esz) : ir_vumax(ir, n, m, esz);
    ir_ref low = is_signed ? ir_vsmin(ir, n, m, esz) : ir_vumin(ir, n, m, esz);
    return ir_vwidenu(ir, ir_vsub(ir, high, low, esz), esz, half);
}

void a64_simd_diff(struct a64 *c, const struct a64_simd_diff *f)
{
    struct ir *ir = c->ir;
    const bool is_signed = !bit(c->insn, 29);
    const unsigned esz = f->size, wide = esz + 1;
    if (!a64_simd_ok(c, esz != 3))
        return;
    ir_ref n = a64_v(c, f->Rn), m = a64_v(c, f->Rm), r;
    switch (f->op) {
    case A64_SADDL_v:
    case A64_UADDL_v:
        r = ir_vadd(ir, widen(c, is_signed, n, esz, f->Q), widen(c, is_signed, m, esz, f->Q), wide);
        break;
    case A64_SADDW_v:
    case A64_UADDW_v:
        r = ir_vadd(ir, n, widen(c, is_signed, m, esz, f->Q), wide);
        break;
    case A64_SSUBL_v:
    case A64_USUBL_v:
        r = ir_vsub(ir, widen(c, is_signed, n, esz, f->Q), widen(c, is_signed, m, esz, f->Q), wide);
        break;
    case A64_SSUBW_v:
    case A64_USUBW_v:
        r = ir_vsub(ir, n, widen(c, is_signed, m, esz, f->Q), wide);
        break;
    case A64_SABDL_v:
    case A64_UABDL_v:
        r = distance(c, is_signed, n, m, esz, f->Q);
        break;
    case A64_SABAL_v:
    case A64_UABAL_v:
        r = ir_vadd(ir, a64_v(c, f->Rd), distance(c, is_signed, n, m, esz, f->Q), wide);
        break;
    case A64_SMLAL_v:
    case A64_UMLAL_v:
        r = ir_vadd(ir, a64_v(c, f->Rd), product(c, is_signed, n, m, esz, f->Q), wide);
        break;
    case A64_SMLSL_v:
    case A64_UMLSL_v:
        r = ir_vsub(ir, a64_v(c, f->Rd), product(c, is_signed, n, m, esz, f->Q), wide);
        break;
    default: /* SMULL, UMULL */
        r = product(c, is_signed, n, m, esz, f->Q);
    }
    a64_set_v(c, f->Rd, r);
}

/* ADDHN, SUBHN and the rounding RADDHN, RSUBHN: the high halves of sums. */
void a64_simd_diff_narrow(struct a64 *c, const struct a64_simd_diff_narrow *f)
{
    struct ir *ir = c->ir;
    const unsigned esz = f->size, wide = esz + 1;
    if (!a64_simd_ok(c, esz != 3))
        return;
    ir_ref n = a64_v(c, f->Rn), m = a64_v(c, f->Rm);
    const bool add = f->op == A64_ADDHN_v || f->op == A64_RADDHN_v;
    ir_ref sum = add ? ir_vadd(ir, n, m, wide) : ir_vsub(ir, n, m, wide);
    if (f->op == A64_RADDHN_v || f->op == A64_RSUBHN_v)
        sum = ir_vadd(ir, sum, a64_vsplat(c, wide, 1ull << ((8u << esz) - 1)), wide);
    sum = ir_vshri(ir, sum, wide, 8u << esz);
    a64_set_narrow(c, f->Rd, f->Q, ir_vnarrow(ir, sum, esz));
}

/* SQDMULL, and SQDMLAL and SQDMLSL, which saturate the product and the sum. lanes is of the
 * product. */
enum sat_kind { SAT_MUL, SAT_ADD, SAT_SUB };

static ir_ref saturating_product(struct a64 *c, enum sat_kind kind, unsigned Rd, ir_ref n, ir_ref m,
                                 unsigned esz, unsigned half, unsigned lanes)
{
    struct ir *ir = c->ir;
    ir_ref p = ir_vsqdmull(ir, n, m, esz | lanes, half);
    if (kind == SAT_ADD)
        return ir_vsqadd(ir, a64_v(c, Rd), p, (esz + 1) | lanes);
    if (kind == SAT_SUB)
        return ir_vsqsub(ir, a64_v(c, Rd), p, (esz + 1) | lanes);
    return p;
}

void a64_simd_diff_sat(struct a64 *c, const struct a64_simd_diff_sat *f)
{
    if (!a64_simd_ok(c, SIZE_HS >> f->size & 1))
        return;
    const enum sat_kind kind = f->op == A64_SQDMLAL_v   ? SAT_ADD
                               : f->op == A64_SQDMLSL_v ? SAT_SUB
                                                        : SAT_MUL;
    a64_set_v(c, f->Rd,
              saturating_product(c, kind, f->Rd, a64_v(c, f->Rn), a64_v(c, f->Rm), f->size, f->Q,
                                 IR_LANES_128));
}

void a64_simd_diff_sat_s(struct a64 *c, const struct a64_simd_diff_sat_s *f)
{
    if (!a64_simd_ok(c, SIZE_HS >> f->size & 1))
        return;
    const enum sat_kind kind = f->op == A64_SQDMLAL_s   ? SAT_ADD
                               : f->op == A64_SQDMLSL_s ? SAT_SUB
                                                        : SAT_MUL;
    a64_set_v(c, f->Rd,
              saturating_product(c, kind, f->Rd, a64_v(c, f->Rn), a64_v(c, f->Rm), f->size, 0,
                                 IR_LANES_1));
}

void a64_simd_pmull(struct a64 *c, const struct a64_simd_pmull *f)
{
    if (!a64_simd_ok(c, true))
        return;
    a64_set_v(
        c, f->Rd,
        ir_vpmull(c->ir, a64_v(c, f->Rn), a64_v(c, f->Rm), f->op == A64_PMULL_64 ? 3 : 0, f->Q));
}

/* --- by element
 * ---------------------------------------------------------------------------------*/

/* Vm and the index of its element: 16-bit elements spare M for the index. Valid: esz 1 or 2. */
struct element {
    unsigned esz, Rm, index;
};

static struct element element_of(unsigned size, unsigned L, unsigned M, unsigned Rm, unsigned H)
{
    if (size == 1)
        return (struct element){size, Rm, H << 2 | L << 1 | M};
    return (struct element){size, M << 4 | Rm, H << 1 | L};
}

static ir_ref element_splat(struct a64 *c, const struct element *e)
{
    return ir_vduplane(c->ir, a64_v(c, e->Rm), e->esz, e->index);
}

void a64_simd_elem(struct a64 *c, const struct a64_simd_elem *f)
{
    struct ir *ir = c->ir;
    const unsigned esz = f->size, form = esz | a64_lanes(f->Q);
    if (!a64_simd_ok(c, SIZE_HS >> esz & 1))
        return;
    const struct element e = element_of(esz, f->L, f->M, f->Rm, f->H);
    ir_ref n = a64_v(c, f->Rn), m = element_splat(c, &e), r;
    switch (f->op) {
    case A64_MUL_e:
        r = ir_vmul(ir, n, m, esz);
        break;
    case A64_MLA_e:
        r = ir_vadd(ir, a64_v(c, f->Rd), ir_vmul(ir, n, m, esz), esz);
        break;
    case A64_MLS_e:
        r = ir_vsub(ir, a64_v(c, f->Rd), ir_vmul(ir, n, m, esz), esz);
        break;
    case A64_SQDMULH_e:
        r = ir_vsqdmulh(ir, n, m, form);
        break;
    case A64_SQRDMULH_e:
        r = ir_vsqrdmulh(ir, n, m, form);
        break;
    case A64_SQRDMLAH_e:
        r = ir_vsqrdmlah(ir, n, m, a64_v(c, f->Rd), form);
        break;
    default: /* SQRDMLSH */
        r = ir_vsqrdmlsh(ir, n, m, a64_v(c, f->Rd), form);
    }
    a64_set_vq(c, f->Rd, f->Q, r);
}

void a64_simd_elem_s(struct a64 *c, const struct a64_simd_elem_s *f)
{
    struct ir *ir = c->ir;
    const unsigned form = f->size | IR_LANES_1;
    if (!a64_simd_ok(c, SIZE_HS >> f->size & 1))
        return;
    const struct element e = element_of(f->size, f->L, f->M, f->Rm, f->H);
    ir_ref n = a64_v(c, f->Rn), m = element_splat(c, &e), r;
    switch (f->op) {
    case A64_SQDMULH_es:
        r = ir_vsqdmulh(ir, n, m, form);
        break;
    case A64_SQRDMULH_es:
        r = ir_vsqrdmulh(ir, n, m, form);
        break;
    case A64_SQRDMLAH_es:
        r = ir_vsqrdmlah(ir, n, m, a64_v(c, f->Rd), form);
        break;
    default: /* SQRDMLSH */
        r = ir_vsqrdmlsh(ir, n, m, a64_v(c, f->Rd), form);
    }
    a64_set_v(c, f->Rd, r);
}

void a64_simd_elem_long(struct a64 *c, const struct a64_simd_elem_long *f)
{
    struct ir *ir = c->ir;
    const bool is_signed = !bit(c->insn, 29);
    const unsigned esz = f->size, wide = esz + 1;
    if (!a64_simd_ok(c, SIZE_HS >> esz & 1))
        return;
    const struct element e = element_of(esz, f->L, f->M, f->Rm, f->H);
    ir_ref n = a64_v(c, f->Rn), m = element_splat(c, &e), r;
    switch (f->op) {
    case A64_SMLAL_e:
    case A64_UMLAL_e:
        r = ir_vadd(ir, a64_v(c, f->Rd), product(c, is_signed, n, m, esz, f->Q), wide);
        break;
    case A64_SMLSL_e:
    case A64_UMLSL_e:
        r = ir_vsub(ir, a64_v(c, f->Rd), product(c, is_signed, n, m, esz, f->Q), wide);
        break;
    case A64_SMULL_e:
    case A64_UMULL_e:
        r = product(c, is_signed, n, m, esz, f->Q);
        break;
    case A64_SQDMLAL_e:
        r = saturating_product(c, SAT_ADD, f->Rd, n, m, esz, f->Q, IR_LANES_128);
        break;
    case A64_SQDMLSL_e:
        r = saturating_product(c, SAT_SUB, f->Rd, n, m, esz, f->Q, IR_LANES_128);
        break;
    default: /* SQDMULL */
        r = saturating_product(c, SAT_MUL, f->Rd, n, m, esz, f->Q, IR_LANES_128);
    }
    a64_set_v(c, f->Rd, r);
}

void a64_simd_elem_long_s(struct a64 *c, const struct a64_simd_elem_long_s *f)
{
    if (!a64_simd_ok(c, SIZE_HS >> f->size & 1))
        return;
    const struct element e = element_of(f->size, f->L, f->M, f->Rm, f->H);
    const enum sat_kind kind = f->op == A64_SQDMLAL_es   ? SAT_ADD
                               : f->op == A64_SQDMLSL_es ? SAT_SUB
                                                         : SAT_MUL;
    a64_set_v(c, f->Rd,
              saturating_product(c, kind, f->Rd, a64_v(c, f->Rn), element_splat(c, &e), f->size, 0,
                                 IR_LANES_1));
}
