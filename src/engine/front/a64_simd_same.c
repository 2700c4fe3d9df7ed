/* SPDX-License-Identifier: Apache-2.0 */
/* Vector instructions on three registers of one type, vector and scalar: "Advanced SIMD three
 * same" (and extra) and "Advanced SIMD scalar three same" (manual C4.1.68), integer part. */
#include "engine/front/a64_simd.h"

/* How the result is made of fn(Vn, Vm) and perhaps Vd. */
enum same_kind {
    SAME_LANES, /* fn takes esz */
    SAME_SAT,   /* fn takes a vform */
    SAME_ADD,   /* Vd + fn */
    SAME_SUB,   /* Vd - fn */
    SAME_ACC,   /* SQRDMLAH, SQRDMLSH */
};

struct same {
    a64_build2 *fn;
    enum same_kind kind;
    unsigned sizes;
};

static ir_ref sabd(struct ir *ir, ir_ref a, ir_ref b, unsigned esz)
{
    return ir_vsub(ir, ir_vsmax(ir, a, b, esz), ir_vsmin(ir, a, b, esz), esz);
}

static ir_ref uabd(struct ir *ir, ir_ref a, ir_ref b, unsigned esz)
{
    return ir_vsub(ir, ir_vumax(ir, a, b, esz), ir_vumin(ir, a, b, esz), esz);
}

static ir_ref pmul(struct ir *ir, ir_ref a, ir_ref b, unsigned esz)
{
    return ir_vpmul(ir, a, b);
}

static struct same same_halving(unsigned op)
{
    switch (op) {
    case A64_SHADD_v:
        return (struct same){ir_vshadd, SAME_LANES, SIZE_BHS};
    case A64_SRHADD_v:
        return (struct same){ir_vsrhadd, SAME_LANES, SIZE_BHS};
    case A64_SHSUB_v:
        return (struct same){ir_vshsub, SAME_LANES, SIZE_BHS};
    case A64_UHADD_v:
        return (struct same){ir_vuhadd, SAME_LANES, SIZE_BHS};
    case A64_URHADD_v:
        return (struct same){ir_vurhadd, SAME_LANES, SIZE_BHS};
    default: /* UHSUB */
        return (struct same){ir_vuhsub, SAME_LANES, SIZE_BHS};
    }
}

static struct same same_shift(unsigned op)
{
    switch (op) {
    case A64_SSHL_v:
    case A64_SSHL_s:
        return (struct same){ir_vsshl, SAME_LANES, SIZE_ALL};
    case A64_SRSHL_v:
    case A64_SRSHL_s:
        return (struct same){ir_vsrshl, SAME_LANES, SIZE_ALL};
    case A64_USHL_v:
    case A64_USHL_s:
        return (struct same){ir_vushl, SAME_LANES, SIZE_ALL};
    case A64_URSHL_v:
    case A64_URSHL_s:
        return (struct same){ir_vurshl, SAME_LANES, SIZE_ALL};
    case A64_SQSHL_v:
    case A64_SQSHL_s:
        return (struct same){ir_vsqshl, SAME_SAT, SIZE_ALL};
    case A64_SQRSHL_v:
    case A64_SQRSHL_s:
        return (struct same){ir_vsqrshl, SAME_SAT, SIZE_ALL};
    case A64_UQSHL_v:
    case A64_UQSHL_s:
        return (struct same){ir_vuqshl, SAME_SAT, SIZE_ALL};
    case A64_UQRSHL_v:
    case A64_UQRSHL_s:
        return (struct same){ir_vuqrshl, SAME_SAT, SIZE_ALL};
    default:
        return same_halving(op);
    }
}

static struct same same_saturating(unsigned op)
{
    switch (op) {
    case A64_SQADD_v:
    case A64_SQADD_s:
        return (struct same){ir_vsqadd, SAME_SAT, SIZE_ALL};
    case A64_SQSUB_v:
    case A64_SQSUB_s:
        return (struct same){ir_vsqsub, SAME_SAT, SIZE_ALL};
    case A64_UQADD_v:
    case A64_UQADD_s:
        return (struct same){ir_vuqadd, SAME_SAT, SIZE_ALL};
    case A64_UQSUB_v:
    case A64_UQSUB_s:
        return (struct same){ir_vuqsub, SAME_SAT, SIZE_ALL};
    case A64_SQDMULH_v:
    case A64_SQDMULH_s:
        return (struct same){ir_vsqdmulh, SAME_SAT, SIZE_HS};
    case A64_SQRDMULH_v:
    case A64_SQRDMULH_s:
        return (struct same){ir_vsqrdmulh, SAME_SAT, SIZE_HS};
    case A64_SQRDMLAH_v:
    case A64_SQRDMLAH_s:
    case A64_SQRDMLSH_v:
    case A64_SQRDMLSH_s:
        return (struct same){NULL, SAME_ACC, SIZE_HS};
    default:
        return same_shift(op);
    }
}

static struct same same_arithmetic(unsigned op)
{
    switch (op) {
    case A64_SMAX_v:
        return (struct same){ir_vsmax, SAME_LANES, SIZE_BHS};
    case A64_SMIN_v:
        return (struct same){ir_vsmin, SAME_LANES, SIZE_BHS};
    case A64_UMAX_v:
        return (struct same){ir_vumax, SAME_LANES, SIZE_BHS};
    case A64_UMIN_v:
        return (struct same){ir_vumin, SAME_LANES, SIZE_BHS};
    case A64_SABD_v:
        return (struct same){sabd, SAME_LANES, SIZE_BHS};
    case A64_UABD_v:
        return (struct same){uabd, SAME_LANES, SIZE_BHS};
    case A64_SABA_v:
        return (struct same){sabd, SAME_ADD, SIZE_BHS};
    case A64_UABA_v:
        return (struct same){uabd, SAME_ADD, SIZE_BHS};
    case A64_MUL_v:
        return (struct same){ir_vmul, SAME_LANES, SIZE_BHS};
    case A64_MLA_v:
        return (struct same){ir_vmul, SAME_ADD, SIZE_BHS};
    case A64_MLS_v:
        return (struct same){ir_vmul, SAME_SUB, SIZE_BHS};
    case A64_PMUL_v:
        return (struct same){pmul, SAME_LANES, SIZE_B};
    default:
        return same_saturating(op);
    }
}

static struct same same_of(unsigned op)
{
    switch (op) {
    case A64_ADD_v:
    case A64_ADD_s:
        return (struct same){ir_vadd, SAME_LANES, SIZE_ALL};
    case A64_SUB_v:
    case A64_SUB_s:
        return (struct same){ir_vsub, SAME_LANES, SIZE_ALL};
    case A64_CMEQ_v:
    case A64_CMEQ_s:
        return (struct same){ir_vceq, SAME_LANES, SIZE_ALL};
    case A64_CMGT_v:
    case A64_CMGT_s:
        return (struct same){ir_vcgt, SAME_LANES, SIZE_ALL};
    case A64_CMGE_v:
    case A64_CMGE_s:
        return (struct same){ir_vcge, SAME_LANES, SIZE_ALL};
    case A64_CMHI_v:
    case A64_CMHI_s:
        return (struct same){ir_vchi, SAME_LANES, SIZE_ALL};
    case A64_CMHS_v:
    case A64_CMHS_s:
        return (struct same){ir_vchs, SAME_LANES, SIZE_ALL};
    case A64_CMTST_v:
    case A64_CMTST_s:
        return (struct same){ir_vctst, SAME_LANES, SIZE_ALL};
    default:
        return same_arithmetic(op);
    }
}

/* Vd = op(Vn, Vm): saturating kinds clear what is outside the vform themselves. */
static ir_ref same_result(struct a64 *c, const struct same *s, bool subtract, unsigned Rd, ir_ref n,
                          ir_ref m, unsigned esz, unsigned lanes)
{
    struct ir *ir = c->ir;
    switch (s->kind) {
    case SAME_LANES:
        return s->fn(ir, n, m, esz);
    case SAME_SAT:
        return s->fn(ir, n, m, esz | lanes);
    case SAME_ADD:
        return ir_vadd(ir, a64_v(c, Rd), s->fn(ir, n, m, esz), esz);
    case SAME_SUB:
        return ir_vsub(ir, a64_v(c, Rd), s->fn(ir, n, m, esz), esz);
    default:
        return (subtract ? ir_vsqrdmlsh : ir_vsqrdmlah)(ir, n, m, a64_v(c, Rd), esz | lanes);
    }
}

static bool same_clears(const struct same *s)
{
    return s->kind == SAME_SAT || s->kind == SAME_ACC;
}

void a64_simd_same(struct a64 *c, const struct a64_simd_same *f)
{
    const struct same s = same_of(f->op);
    if (!a64_simd_ok(c, s.sizes >> f->size & 1 && (f->size != 3 || f->Q)))
        return;
    ir_ref r = same_result(c, &s, f->op == A64_SQRDMLSH_v, f->Rd, a64_v(c, f->Rn), a64_v(c, f->Rm),
                           f->size, a64_lanes(f->Q));
    a64_set_vq(c, f->Rd, f->Q || same_clears(&s), r);
}

/* Of the scalar forms only those that saturate exist for elements below 64 bits. */
void a64_simd_same_s(struct a64 *c, const struct a64_simd_same_s *f)
{
    const struct same s = same_of(f->op);
    if (!a64_simd_ok(c, s.sizes >> f->size & 1 && (same_clears(&s) || f->size == 3)))
        return;
    ir_ref r = same_result(c, &s, f->op == A64_SQRDMLSH_s, f->Rd, a64_v(c, f->Rn), a64_v(c, f->Rm),
                           f->size, IR_LANES_1);
    a64_set_vq(c, f->Rd, same_clears(&s), r);
}

/* --- pairwise
 * -----------------------------------------------------------------------------------*/

ir_ref a64_pairwise(struct a64 *c, a64_build2 *fn, ir_ref a, ir_ref b, unsigned esz, unsigned Q,
                    unsigned aux)
{
    if (!Q)
        a = b = ir_vzip1(c->ir, a, b, 3);
    return fn(c->ir, ir_vuzp1(c->ir, a, b, esz), ir_vuzp2(c->ir, a, b, esz), aux);
}

void a64_simd_same_pair(struct a64 *c, const struct a64_simd_same_pair *f)
{
    static const struct {
        unsigned op;
        a64_build2 *fn;
    } table[] = {
        {A64_SMAXP_v, ir_vsmax},
        {A64_SMINP_v, ir_vsmin},
        {A64_UMAXP_v, ir_vumax},
        {A64_UMINP_v, ir_vumin},
    };
    if (!a64_simd_ok(c, f->size != 3 || (f->Q && f->op == A64_ADDP_v)))
        return;
    ir_ref n = a64_v(c, f->Rn), m = a64_v(c, f->Rm), r = IR_NONE;
    if (f->op == A64_ADDP_v) {
        if (!f->Q)
            n = m = ir_vzip1(c->ir, n, m, 3);
        r = ir_vpaddl(c->ir, n, m, f->size);
    }
    for (unsigned i = 0; i < ARRAY_SIZE(table); i++) {
        if (table[i].op == f->op)
            r = a64_pairwise(c, table[i].fn, n, m, f->size, f->Q, f->size);
    }
    a64_set_vq(c, f->Rd, f->Q, r);
}

/* --- logic
 * --------------------------------------------------------------------------------------*/

void a64_simd_logic(struct a64 *c, const struct a64_simd_logic *f)
{
    struct ir *ir = c->ir;
    if (!a64_simd_ok(c, true))
        return;
    ir_ref n = a64_v(c, f->Rn), m = a64_v(c, f->Rm), r;
    switch (f->op) {
    case A64_AND_v:
        r = ir_vand(ir, n, m);
        break;
    case A64_BIC_v:
        r = ir_vandn(ir, n, m);
        break;
    case A64_ORR_v: /* with equal operands this is MOV */
        r = f->Rn == f->Rm ? n : ir_vor(ir, n, m);
        break;
    case A64_ORN_v:
        r = ir_vorn(ir, n, m);
        break;
    case A64_EOR_v:
        r = ir_vxor(ir, n, m);
        break;
    case A64_BSL_v:
        r = ir_vbsl(ir, a64_v(c, f->Rd), n, m);
        break;
    case A64_BIT_v:
        r = ir_vbsl(ir, m, n, a64_v(c, f->Rd));
        break;
    default: /* BIF */
        r = ir_vbsl(ir, m, a64_v(c, f->Rd), n);
    }
    a64_set_vq(c, f->Rd, f->Q, r);
}
