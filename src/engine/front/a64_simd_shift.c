/* SPDX-License-Identifier: Apache-2.0 */
/* Vector shifts by immediate, vector and scalar, with their narrowing, lengthening and fixed-point
 * conversion forms (manual C4.1.68 "shift by immediate"). */
#include "engine/front/a64_simd.h"

/* immh:immb: the highest one of immh is the element's size, the rest the count. */
struct shift {
    unsigned esz, bits;
    unsigned right; /* 1..bits */
    unsigned left;  /* 0..bits - 1 */
};

static bool shift_of(unsigned immh, unsigned immb, struct shift *s)
{
    if (!immh)
        return false;
    s->esz = 31 - (unsigned)__builtin_clz(immh);
    s->bits = 8u << s->esz;
    s->right = 2 * s->bits - (immh << 3 | immb);
    s->left = (immh << 3 | immb) - s->bits;
    return true;
}

static ir_ref shift_right(struct a64 *c, ir_ref v, const struct shift *s, bool is_signed)
{
    if (is_signed)
        return ir_vsari(c->ir, v, s->esz, s->right == s->bits ? s->bits - 1 : s->right);
    return s->right == s->bits ? ir_vconst(c->ir, 0) : ir_vshri(c->ir, v, s->esz, s->right);
}

static ir_ref shift_right_rounded(struct a64 *c, ir_ref v, const struct shift *s, bool is_signed)
{
    return is_signed ? ir_vrsari(c->ir, v, s->esz, s->right)
                     : ir_vrshri(c->ir, v, s->esz, s->right);
}

static ir_ref shift_left(struct a64 *c, ir_ref v, const struct shift *s)
{
    return s->left ? ir_vshli(c->ir, v, s->esz, s->left) : v;
}

/* SLI and SRI: the bits that the shift does not fill stay. */
static ir_ref insert(struct a64 *c, ir_ref d, ir_ref shifted, const struct shift *s, uint64_t keep)
{
    return ir_vor(c->ir, ir_vand(c->ir, d, a64_vsplat(c, s->esz, keep)), shifted);
}

/* Scalar rows have the numbers of their vector ones by this. */
static unsigned vector_op(unsigned op)
{
    switch (op) {
    case A64_SSHR_is:
        return A64_SSHR_i;
    case A64_SSRA_is:
        return A64_SSRA_i;
    case A64_SRSHR_is:
        return A64_SRSHR_i;
    case A64_SRSRA_is:
        return A64_SRSRA_i;
    case A64_SHL_is:
        return A64_SHL_i;
    case A64_SQSHL_is:
        return A64_SQSHL_i;
    case A64_USHR_is:
        return A64_USHR_i;
    case A64_USRA_is:
        return A64_USRA_i;
    case A64_URSHR_is:
        return A64_URSHR_i;
    case A64_URSRA_is:
        return A64_URSRA_i;
    case A64_SRI_is:
        return A64_SRI_i;
    case A64_SLI_is:
        return A64_SLI_i;
    case A64_SQSHLU_is:
        return A64_SQSHLU_i;
    default:
        return A64_UQSHL_i;
    }
}

static ir_ref shift_result(struct a64 *c, unsigned op, unsigned Rd, ir_ref n, const struct shift *s,
                           unsigned lanes)
{
    struct ir *ir = c->ir;
    const unsigned form = s->esz | lanes;
    switch (op) {
    case A64_SSHR_i:
    case A64_USHR_i:
        return shift_right(c, n, s, op == A64_SSHR_i);
    case A64_SSRA_i:
    case A64_USRA_i:
        return ir_vadd(ir, a64_v(c, Rd), shift_right(c, n, s, op == A64_SSRA_i), s->esz);
    case A64_SRSHR_i:
    case A64_URSHR_i:
        return shift_right_rounded(c, n, s, op == A64_SRSHR_i);
    case A64_SRSRA_i:
    case A64_URSRA_i:
        return ir_vadd(ir, a64_v(c, Rd), shift_right_rounded(c, n, s, op == A64_SRSRA_i), s->esz);
    case A64_SHL_i:
        return shift_left(c, n, s);
    case A64_SRI_i:
        return insert(c, a64_v(c, Rd), shift_right(c, n, s, false), s, ~ones(s->bits - s->right));
    case A64_SLI_i:
        return insert(c, a64_v(c, Rd), shift_left(c, n, s), s, ones(s->left));
    case A64_SQSHLU_i:
        return ir_vsqshlu(ir, n, form, s->left);
    case A64_SQSHL_i:
        return ir_vsqshl(ir, n, a64_vsplat(c, s->esz, s->left), form);
    default: /* UQSHL */
        return ir_vuqshl(ir, n, a64_vsplat(c, s->esz, s->left), form);
    }
}

void a64_simd_shift(struct a64 *c, const struct a64_simd_shift *f)
{
    struct shift s;
    if (!a64_simd_ok(c, shift_of(f->immh, f->immb, &s) && (s.esz != 3 || f->Q)))
        return;
    ir_ref r = shift_result(c, f->op, f->Rd, a64_v(c, f->Rn), &s, a64_lanes(f->Q));
    a64_set_vq(c, f->Rd, f->Q, r);
}

void a64_simd_shift_s(struct a64 *c, const struct a64_simd_shift_s *f)
{
    struct shift s;
    const unsigned op = vector_op(f->op);
    const bool saturates = op == A64_SQSHL_i || op == A64_UQSHL_i || op == A64_SQSHLU_i;
    if (!a64_simd_ok(c, shift_of(f->immh, f->immb, &s) && (saturates || s.esz == 3)))
        return;
    ir_ref r = shift_result(c, op, f->Rd, a64_v(c, f->Rn), &s, IR_LANES_1);
    a64_set_vq(c, f->Rd, saturates, r);
}

/* --- narrowing and lengthening
 * ------------------------------------------------------------------*/

/* op is of the vector row. The source's lanes are twice as wide: the count is below their width. */
static ir_ref narrow_result(struct a64 *c, unsigned op, ir_ref n, const struct shift *s,
                            unsigned lanes)
{
    struct ir *ir = c->ir;
    const unsigned wide = s->esz + 1, form = s->esz | lanes;
    switch (op) {
    case A64_SHRN_i:
        return ir_vnarrow(ir, ir_vshri(ir, n, wide, s->right), s->esz);
    case A64_RSHRN_i:
        return ir_vnarrow(ir, ir_vrshri(ir, n, wide, s->right), s->esz);
    case A64_SQSHRN_i:
        return ir_vsqxtn(ir, ir_vsari(ir, n, wide, s->right), form);
    case A64_SQRSHRN_i:
        return ir_vsqxtn(ir, ir_vrsari(ir, n, wide, s->right), form);
    case A64_UQSHRN_i:
        return ir_vuqxtn(ir, ir_vshri(ir, n, wide, s->right), form);
    case A64_UQRSHRN_i:
        return ir_vuqxtn(ir, ir_vrshri(ir, n, wide, s->right), form);
    case A64_SQSHRUN_i:
        return ir_vsqxtun(ir, ir_vsari(ir, n, wide, s->right), form);
    default: /* SQRSHRUN */
        return ir_vsqxtun(ir, ir_vrsari(ir, n, wide, s->right), form);
    }
}

void a64_simd_shift_narrow(struct a64 *c, const struct a64_simd_shift_narrow *f)
{
    struct shift s;
    if (!a64_simd_ok(c, shift_of(f->immh, f->immb, &s) && s.esz != 3))
        return;
    a64_set_narrow(c, f->Rd, f->Q, narrow_result(c, f->op, a64_v(c, f->Rn), &s, IR_LANES_128));
}

void a64_simd_shift_narrow_s(struct a64 *c, const struct a64_simd_shift_narrow_s *f)
{
    static const unsigned vector_ops[][2] = {
        {A64_SQSHRN_is, A64_SQSHRN_i},   {A64_SQRSHRN_is, A64_SQRSHRN_i},
        {A64_SQSHRUN_is, A64_SQSHRUN_i}, {A64_SQRSHRUN_is, A64_SQRSHRUN_i},
        {A64_UQSHRN_is, A64_UQSHRN_i},   {A64_UQRSHRN_is, A64_UQRSHRN_i},
    };
    struct shift s;
    if (!a64_simd_ok(c, shift_of(f->immh, f->immb, &s) && s.esz != 3))
        return;
    for (unsigned i = 0; i < ARRAY_SIZE(vector_ops); i++) {
        if (vector_ops[i][0] == f->op)
            a64_set_v(c, f->Rd,
                      narrow_result(c, vector_ops[i][1], a64_v(c, f->Rn), &s, IR_LANES_1));
    }
}

void a64_simd_shift_long(struct a64 *c, const struct a64_simd_shift_long *f)
{
    struct shift s;
    if (!a64_simd_ok(c, shift_of(f->immh, f->immb, &s) && s.esz != 3))
        return;
    ir_ref n = a64_v(c, f->Rn);
    ir_ref r = f->op == A64_SSHLL_i ? ir_vwidens(c->ir, n, s.esz, f->Q)
                                    : ir_vwidenu(c->ir, n, s.esz, f->Q);
    a64_set_v(c, f->Rd, s.left ? ir_vshli(c->ir, r, s.esz + 1, s.left) : r);
}

/* --- fixed point
 * --------------------------------------------------------------------------------*/

static ir_ref convert(struct a64 *c, bool to_fp, bool is_unsigned, ir_ref n, const struct shift *s,
                      unsigned lanes)
{
    const unsigned form = a64_fp_form(c, s->esz, lanes);
    const int64_t imm =
        (int64_t)((is_unsigned ? IR_CVT_UNSIGNED : 0) | s->right << IR_CVT_FBITS_SHIFT);
    return to_fp ? ir_vitof(c->ir, n, form, imm | IR_ROUND_FPCR)
                 : ir_vftoi(c->ir, n, form, imm | IR_ROUND_ZERO);
}

/* immh and immb are no fields of the rows for half precision (immh = 001x), which tell themselves
 * apart by them. */
static bool convert_shift_of(const struct a64 *c, struct shift *s)
{
    return shift_of((unsigned)bits(c->insn, 22, 19), (unsigned)bits(c->insn, 18, 16), s) &&
           s->esz >= 1;
}

void a64_simd_shift_convert(struct a64 *c, const struct a64_simd_shift_convert *f)
{
    struct shift s;
    if (!a64_simd_ok(c, convert_shift_of(c, &s) && (s.esz != 3 || f->Q)))
        return;
    a64_set_v(c, f->Rd,
              convert(c, f->op == A64_SCVTF_i || f->op == A64_UCVTF_i,
                      f->op == A64_UCVTF_i || f->op == A64_FCVTZU_i, a64_v(c, f->Rn), &s,
                      a64_lanes(f->Q)));
}

void a64_simd_shift_convert_s(struct a64 *c, const struct a64_simd_shift_convert_s *f)
{
    struct shift s;
    if (!a64_simd_ok(c, convert_shift_of(c, &s)))
        return;
    a64_set_v(c, f->Rd,
              convert(c, f->op == A64_SCVTF_is || f->op == A64_UCVTF_is,
                      f->op == A64_UCVTF_is || f->op == A64_FCVTZU_is, a64_v(c, f->Rn), &s,
                      IR_LANES_1));
}
