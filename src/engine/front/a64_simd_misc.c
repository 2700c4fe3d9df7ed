/* SPDX-License-Identifier: Apache-2.0 */
/* Vector instructions on two registers, reductions across lanes and modified immediates (manual
 * C4.1.68 "two-register miscellaneous", "across lanes", "modified immediate"), integer part. */
#include "engine/front/a64_simd.h"

/* --- reversal, pairwise widening sums
 * -----------------------------------------------------------*/

void a64_simd_rev(struct a64 *c, const struct a64_simd_rev *f)
{
    /* The group is 2^k bytes; elements must be smaller. */
    const unsigned group = f->op == A64_REV64_v ? 3 : f->op == A64_REV32_v ? 2 : 1;
    if (!a64_simd_ok(c, f->size < group))
        return;
    a64_set_vq(c, f->Rd, f->Q, ir_vrev(c->ir, a64_v(c, f->Rn), f->size, group));
}

/* Sums of adjacent lanes of esz, twice as wide. */
static ir_ref add_long_pairs(struct a64 *c, bool is_signed, ir_ref v, unsigned esz)
{
    struct ir *ir = c->ir;
    const unsigned wide = esz + 1, bits = 8u << esz;
    ir_ref even, odd;
    if (is_signed) {
        even = ir_vsari(ir, ir_vshli(ir, v, wide, bits), wide, bits);
        odd = ir_vsari(ir, v, wide, bits);
    } else {
        even = ir_vand(ir, v, a64_vsplat(c, wide, ones(bits)));
        odd = ir_vshri(ir, v, wide, bits);
    }
    return ir_vadd(ir, even, odd, wide);
}

void a64_simd_addlp(struct a64 *c, const struct a64_simd_addlp *f)
{
    const bool is_signed = f->op == A64_SADDLP_v || f->op == A64_SADALP_v;
    if (!a64_simd_ok(c, f->size != 3))
        return;
    ir_ref r = add_long_pairs(c, is_signed, a64_v(c, f->Rn), f->size);
    if (f->op == A64_SADALP_v || f->op == A64_UADALP_v)
        r = ir_vadd(c->ir, a64_v(c, f->Rd), r, f->size + 1);
    a64_set_vq(c, f->Rd, f->Q, r);
}

/* --- lane by lane
 * -------------------------------------------------------------------------------*/

/* The result of an operation of simd_misc or simd_misc_s on lanes of esz. */
static ir_ref misc_result(struct a64 *c, unsigned op, unsigned Rd, ir_ref n, unsigned esz,
                          unsigned lanes)
{
    struct ir *ir = c->ir;
    const unsigned form = esz | lanes;
    switch (op) {
    case A64_SUQADD_v:
    case A64_SUQADD_s:
        return ir_vsuqadd(ir, a64_v(c, Rd), n, form);
    case A64_USQADD_v:
    case A64_USQADD_s:
        return ir_vusqadd(ir, a64_v(c, Rd), n, form);
    case A64_SQABS_v:
    case A64_SQABS_s:
        return ir_vsqabs(ir, n, form);
    case A64_SQNEG_v:
    case A64_SQNEG_s:
        return ir_vsqneg(ir, n, form);
    case A64_CLS_v:
        return ir_vcls(ir, n, esz);
    case A64_CLZ_v:
        return ir_vclz(ir, n, esz);
    case A64_CMGT_z:
    case A64_CMGT_zs:
        return ir_vcgt(ir, n, ir_vconst(ir, 0), esz);
    case A64_CMGE_z:
    case A64_CMGE_zs:
        return ir_vcge(ir, n, ir_vconst(ir, 0), esz);
    case A64_CMEQ_z:
    case A64_CMEQ_zs:
        return ir_vceq(ir, n, ir_vconst(ir, 0), esz);
    case A64_CMLE_z:
    case A64_CMLE_zs:
        return ir_vcge(ir, ir_vconst(ir, 0), n, esz);
    case A64_CMLT_z:
    case A64_CMLT_zs:
        return ir_vcgt(ir, ir_vconst(ir, 0), n, esz);
    case A64_ABS_v:
    case A64_ABS_s:
        return ir_vabs(ir, n, esz);
    default: /* NEG */
        return ir_vneg(ir, n, esz);
    }
}

void a64_simd_misc(struct a64 *c, const struct a64_simd_misc *f)
{
    const bool counts = f->op == A64_CLS_v || f->op == A64_CLZ_v;
    if (!a64_simd_ok(c, f->size != 3 || (f->Q && !counts)))
        return;
    ir_ref r = misc_result(c, f->op, f->Rd, a64_v(c, f->Rn), f->size, a64_lanes(f->Q));
    a64_set_vq(c, f->Rd, f->Q, r);
}

void a64_simd_misc_s(struct a64 *c, const struct a64_simd_misc_s *f)
{
    const bool saturates = f->op == A64_SUQADD_s || f->op == A64_USQADD_s || f->op == A64_SQABS_s ||
                           f->op == A64_SQNEG_s;
    if (!a64_simd_ok(c, saturates || f->size == 3))
        return;
    ir_ref r = misc_result(c, f->op, f->Rd, a64_v(c, f->Rn), f->size, IR_LANES_1);
    a64_set_vq(c, f->Rd, saturates, r);
}

void a64_simd_misc_bytes(struct a64 *c, const struct a64_simd_misc_bytes *f)
{
    if (!a64_simd_ok(c, true))
        return;
    ir_ref n = a64_v(c, f->Rn);
    ir_ref r = f->op == A64_CNT_v   ? ir_vcnt(c->ir, n)
               : f->op == A64_NOT_v ? ir_vnot(c->ir, n)
                                    : ir_vrbit(c->ir, n);
    a64_set_vq(c, f->Rd, f->Q, r);
}

void a64_simd_misc_estimate(struct a64 *c, const struct a64_simd_misc_estimate *f)
{
    if (!a64_simd_ok(c, true))
        return;
    ir_ref n = a64_v(c, f->Rn);
    a64_set_vq(c, f->Rd, f->Q,
               f->op == A64_URECPE_v ? ir_vurecpe(c->ir, n) : ir_vursqrte(c->ir, n));
}

/* --- narrowing and lengthening
 * ------------------------------------------------------------------*/

void a64_simd_narrow(struct a64 *c, const struct a64_simd_narrow *f)
{
    struct ir *ir = c->ir;
    const unsigned form = f->size | IR_LANES_128;
    if (!a64_simd_ok(c, f->size != 3))
        return;
    ir_ref n = a64_v(c, f->Rn);
    ir_ref r = f->op == A64_XTN_v      ? ir_vnarrow(ir, n, f->size)
               : f->op == A64_SQXTUN_v ? ir_vsqxtun(ir, n, form)
               : f->op == A64_SQXTN_v  ? ir_vsqxtn(ir, n, form)
                                       : ir_vuqxtn(ir, n, form);
    a64_set_narrow(c, f->Rd, f->Q, r);
}

void a64_simd_narrow_s(struct a64 *c, const struct a64_simd_narrow_s *f)
{
    struct ir *ir = c->ir;
    const unsigned form = f->size | IR_LANES_1;
    if (!a64_simd_ok(c, f->size != 3))
        return;
    ir_ref n = a64_v(c, f->Rn);
    ir_ref r = f->op == A64_SQXTUN_s  ? ir_vsqxtun(ir, n, form)
               : f->op == A64_SQXTN_s ? ir_vsqxtn(ir, n, form)
                                      : ir_vuqxtn(ir, n, form);
    a64_set_v(c, f->Rd, r);
}

void a64_simd_shll(struct a64 *c, const struct a64_simd_shll *f)
{
    if (!a64_simd_ok(c, f->size != 3))
        return;
    ir_ref wide = ir_vwidenu(c->ir, a64_v(c, f->Rn), f->size, f->Q);
    a64_set_v(c, f->Rd, ir_vshli(c->ir, wide, f->size + 1, 8u << f->size));
}

/* --- across lanes
 * -------------------------------------------------------------------------------*/

/* fn over all lanes of the low `bytes` bytes, in lane 0: the upper half onto the lower, repeated.
 */
static ir_ref reduce(struct a64 *c, a64_build2 *fn, ir_ref v, unsigned esz, unsigned bytes)
{
    for (bytes /= 2; bytes >= 1u << esz; bytes /= 2)
        v = fn(c->ir, v, ir_vext(c->ir, v, v, bytes), esz);
    return v;
}

static a64_build2 *across_builder(unsigned op)
{
    switch (op) {
    case A64_SMAXV:
        return ir_vsmax;
    case A64_UMAXV:
        return ir_vumax;
    case A64_SMINV:
        return ir_vsmin;
    case A64_UMINV:
        return ir_vumin;
    default:
        return ir_vadd;
    }
}

void a64_simd_across(struct a64 *c, const struct a64_simd_across *f)
{
    struct ir *ir = c->ir;
    const bool is_long = f->op == A64_SADDLV || f->op == A64_UADDLV;
    const unsigned esz = is_long ? f->size + 1 : f->size;
    if (!a64_simd_ok(c, f->size != 3 && (f->size != 2 || f->Q)))
        return;
    ir_ref v = a64_v(c, f->Rn);
    if (is_long)
        v = add_long_pairs(c, f->op == A64_SADDLV, v, f->size);
    v = reduce(c, across_builder(f->op), v, esz, f->Q ? 16 : 8);
    if (esz >= 2)
        a64_set_scalar(c, f->Rd, esz, v);
    else
        a64_set_v(c, f->Rd, ir_vfromx(ir, ir_vlaneu(ir, v, esz, 0), a64_k(c, 0)));
}

void a64_simd_addp_s(struct a64 *c, const struct a64_simd_addp_s *f)
{
    if (!a64_simd_ok(c, true))
        return;
    ir_ref n = a64_v(c, f->Rn);
    a64_set_scalar(c, f->Rd, 3, ir_vadd(c->ir, n, ir_vduplane(c->ir, n, 3, 1), 3));
}

/* --- modified immediate
 * -------------------------------------------------------------------------*/

/* AdvSIMDExpandImm(). */
static uint64_t expand_imm(unsigned op, unsigned cmode, unsigned imm8)
{
    uint64_t imm = imm8;
    switch (cmode >> 1) {
    case 0:
    case 1:
    case 2:
    case 3:
        return (imm << (8 * (cmode >> 1))) * 0x0000000100000001ull;
    case 4:
    case 5:
        return (imm << (cmode & 2 ? 8 : 0)) * 0x0001000100010001ull;
    case 6:
        imm = cmode & 1 ? imm << 16 | 0xffff : imm << 8 | 0xff;
        return imm * 0x0000000100000001ull;
    default:
        break;
    }
    if (cmode == 14 && !op)
        return imm * 0x0101010101010101ull;
    if (cmode == 14) {
        uint64_t r = 0;
        for (unsigned i = 0; i < 8; i++)
            r |= bit(imm, i) ? 0xffull << (8 * i) : 0;
        return r;
    }
    return op ? a64_expand_fp(3, imm8) : a64_expand_fp(2, imm8) * 0x0000000100000001ull;
}

void a64_simd_modimm(struct a64 *c, const struct a64_simd_modimm *f)
{
    struct ir *ir = c->ir;
    const unsigned op = bit(c->insn, 29), cmode = (unsigned)bits(c->insn, 15, 12);
    const bool modifies = cmode < 12 && cmode & 1;
    /* Row FMOV_vi_d fixes Q = 1 instead of carrying the field. */
    const unsigned Q = bit(c->insn, 30);
    if (!a64_simd_ok(c, true))
        return;
    const unsigned imm8 = f->abc << 5 | f->defgh;
    const uint64_t imm = f->op == A64_FMOV_vi_h ? a64_expand_fp(1, imm8) * 0x0001000100010001ull
                                                : expand_imm(op, cmode, imm8);
    ir_ref r;
    if (modifies && op)
        r = ir_vandn(ir, a64_v(c, f->Rd), ir_vconst(ir, (int64_t)imm));
    else if (modifies)
        r = ir_vor(ir, a64_v(c, f->Rd), ir_vconst(ir, (int64_t)imm));
    else
        r = ir_vconst(ir, (int64_t)(op && cmode < 14 ? ~imm : imm));
    a64_set_vq(c, f->Rd, Q, r);
}
