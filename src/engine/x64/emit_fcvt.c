/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Conversions between lanes of integers and of singles or doubles, for FPCR = 0. What does not fit
 * becomes the host's indefinite integer, and goes to the evaluator. Numbers too large for a signed
 * integer as wide are integral, so that rounding them first raises no Inexact besides.
 */
#include "engine/x64/vec.h"

enum { SINGLE = 2, DOUBLE = 3 };

static bool is_scalar(unsigned aux)
{
    return IR_VFORM_LANES(aux) == IR_LANES_1;
}

static unsigned result_bytes(unsigned aux)
{
    return is_scalar(aux) ? 1u << IR_VFORM_ESZ(aux) : IR_VFORM_LANES(aux) == IR_LANES_64 ? 8 : 16;
}

/* Whether a conversion is one that the host does. */
static bool plain(const struct ir_insn *insn)
{
    return !(insn->aux & IR_FP_SLOW) && IR_VFORM_ESZ(insn->aux) >= SINGLE &&
           !IR_CVT_FBITS(insn->imm) && IR_ROUND(insn->imm) != IR_ROUND_TIEAWAY;
}

/* The lanes of the form alone: others must raise nothing. */
static unsigned operand(struct x64 *x, ir_ref v, unsigned aux)
{
    unsigned reg = ra_xuse(x, v), n = result_bytes(aux);
    if (x->val[x->val[v].rep].clear <= n || n == 16)
        return reg;
    unsigned t = ra_xtemp(x);
    if (n == 8) {
        enc_sse1_rr(&x->e, OP_MOVQ_LOAD, t, reg);
    } else {
        vec_zero(x, t);
        enc_sse2_imm_rr(&x->e, OP_PBLENDW, t, t, reg, 3);
    }
    return t;
}

/* The instruction that truncates, 0: none; *evex: it has the EVEX form only. */
static unsigned to_integer_op(const struct x64 *x, const struct ir_insn *insn, bool *evex)
{
    bool wide = IR_VFORM_ESZ(insn->aux) == DOUBLE, is_unsigned = insn->imm & IR_CVT_UNSIGNED;
    bool truncates = IR_ROUND(insn->imm) == IR_ROUND_ZERO;
    *evex = wide || is_unsigned;
    if (*evex && x->config.host.level < X64_V4)
        return 0;
    if (is_unsigned) /* -0.7 rounded to -1 would be inexact and then invalid */
        return !truncates ? 0 : wide ? OP_VCVTTPD2UQQ : OP_VCVTTPS2UDQ;
    return wide ? OP_VCVTTPD2QQ : OP_CVTTPS2DQ;
}

static void emit_vftoi(struct x64 *x, ir_ref v)
{
    static const uint8_t x86_round[] = {
        [IR_ROUND_TIEEVEN] = 0, [IR_ROUND_POSINF] = 2,  [IR_ROUND_NEGINF] = 1,
        [IR_ROUND_ZERO] = 3,    [IR_ROUND_TIEAWAY] = 0, [IR_ROUND_FPCR] = 0};
    const struct ir_insn *insn = &x->insn[v];
    bool wide = IR_VFORM_ESZ(insn->aux) == DOUBLE, evex;
    unsigned op = to_integer_op(x, insn, &evex), mode = IR_ROUND(insn->imm);
    if (!plain(insn) || !op) {
        cg_eval(x, v);
        return;
    }
    fl_clobber(x);
    unsigned a = operand(x, insn->arg[0], insn->aux), t = ra_xtemp(x);
    struct cold *c = cg_cold_eval(x);
    unsigned dst = ra_xdef(x, v);
    if (mode != IR_ROUND_ZERO) {
        enc_sse_imm_rr(&x->e, wide ? OP_ROUNDPD : OP_ROUNDPS, t, a, x86_round[mode]);
        a = t;
    }
    if (evex)
        enc_evex_rr(&x->e, op, wide, dst, 0, a);
    else
        enc_sse1_rr(&x->e, op, dst, a);
    if (insn->imm & IR_CVT_UNSIGNED)
        vec_ones(x, t);
    else
        enc_sse1_rm(&x->e, OP_MOVDQU_LOAD, t,
                    cg_pool(x, wide ? POOL_SIGN_QWORDS : POOL_SIGN_DWORDS));
    vec_into(x, wide ? OP_PCMPEQQ : OP_PCMPEQD, t, dst);
    enc_sse1_rr(&x->e, OP_PTEST, t, t);
    c->from[0] = (uint32_t)enc_jcc32(&x->e, CC_NE);
    x->val[v].clear = (uint8_t)result_bytes(insn->aux);
    cg_cold_done(x, c, dst);
}

/* A signed quadword, through a general register. */
static void scalar_from_quadword(struct x64 *x, ir_ref v)
{
    unsigned a = ra_xuse(x, x->insn[v].arg[0]), t = ra_temp(x), dst = ra_xdef(x, v);
    enc_sse_gpr_rr(&x->e, OP_MOVD_STORE, 1, a, t);
    vec_zero(x, dst);
    if (x->e.avx)
        enc_vex_rr(&x->e, OP_CVTSI2SD, 1, 0, dst, dst, t);
    else
        enc_rr(&x->e, OP_CVTSI2SD, W64, dst, t);
    x->val[v].clear = 8;
}

static void emit_vitof(struct x64 *x, ir_ref v)
{
    const struct ir_insn *insn = &x->insn[v];
    unsigned aux = insn->aux, mode = IR_ROUND(insn->imm);
    bool wide = IR_VFORM_ESZ(aux) == DOUBLE, is_unsigned = insn->imm & IR_CVT_UNSIGNED;
    bool evex = wide || is_unsigned;
    if (IR_VFORM_ESZ(aux) < SINGLE) {
        cg_half(x, v);
    } else if (!plain(insn) || (mode != IR_ROUND_FPCR && mode != IR_ROUND_TIEEVEN)) {
        cg_eval(x, v);
    } else if (wide && !is_unsigned && is_scalar(aux)) {
        scalar_from_quadword(x, v);
    } else if (evex && x->config.host.level < X64_V4) {
        cg_eval(x, v);
    } else {
        unsigned a = operand(x, insn->arg[0], aux), dst = ra_xdef(x, v);
        if (!evex)
            enc_sse1_rr(&x->e, OP_CVTDQ2PS, dst, a);
        else if (!wide)
            enc_evex_rr(&x->e, OP_VCVTUDQ2PS, 0, dst, 0, a);
        else
            enc_evex_rr(&x->e, is_unsigned ? OP_VCVTUQQ2PD : OP_VCVTQQ2PD, 1, dst, 0, a);
        x->val[v].clear = (uint8_t)result_bytes(aux);
    }
}

/* A number that fits, or one cut off; the rest goes to the evaluator. Exact is what converts back,
 * but for -0. */
static void emit_fcvtjs(struct x64 *x, ir_ref v)
{
    const struct ir_insn *insn = &x->insn[v];
    struct enc *e = &x->e;
    if (insn->aux & IR_FP_SLOW) {
        cg_eval(x, v);
        return;
    }
    fl_clobber(x);
    unsigned a = ra_xuse(x, insn->arg[0]), back = ra_xtemp(x);
    struct cold *c = cg_cold_eval(x);
    unsigned t = ra_temp(x), dst = ra_def(x, v, true);
    enc_sse_gpr_rr(e, OP_CVTTSD2SI, 0, dst, a);
    enc_alu_imm(e, ALU_CMP, W32, dst, 1); /* overflows for the indefinite integer only */
    c->from[0] = (uint32_t)enc_jcc32(e, CC_O);
    vec_zero(x, back);
    enc_sse_gpr_rr(e, OP_CVTSI2SD, 0, back, dst);
    /* as bits: 0 and -0 differ, and no other equal numbers do */
    enc_sse2_rr(e, OP_PXOR, back, back, a);
    enc_sse_gpr_rr(e, OP_MOVD_STORE, 1, back, t);
    enc_alu_imm(e, ALU_CMP, W64, t, 1); /* borrows for 0 only */
    enc_alu(e, ALU_SBB, W64, t, t);
    enc_alu_imm(e, ALU_AND, W32, t, 1);
    enc_shift_imm(e, SH_SHL, W64, t, 32);
    enc_alu(e, ALU_OR, W64, dst, t);
    cg_cold_done(x, c, dst);
}

/* FRINT32Z and so on: rounded values out of bounds are the evaluator's, which raises Invalid
 * Operation alone; none so large has a fraction to be inexact. */
static void emit_frintn(struct x64 *x, ir_ref v)
{
    enum { ROUND_ZERO = 3 };
    const struct ir_insn *insn = &x->insn[v];
    unsigned aux = insn->aux, bits = IR_RINT_BITS(insn->imm);
    bool wide = IR_VFORM_ESZ(aux) == DOUBLE;
    unsigned mode = IR_ROUND(insn->imm);
    if (aux & IR_FP_SLOW || (wide && bits == 32) ||
        (mode != IR_ROUND_ZERO && mode != IR_ROUND_FPCR)) {
        cg_eval(x, v);
        return;
    }
    fl_clobber(x);
    unsigned a = operand(x, insn->arg[0], aux), t = ra_xtemp(x), limit = ra_xtemp(x);
    struct cold *c = cg_cold_eval(x);
    unsigned dst = ra_xdef(x, v);
    enc_sse_imm_rr(&x->e, wide ? OP_ROUNDPD : OP_ROUNDPS, dst, a,
                   mode == IR_ROUND_ZERO ? ROUND_ZERO : 0);
    vec_vmov(x, t, dst);
    vec_into_pool(x, OP_PAND, t, wide ? POOL_ABS_DOUBLE : POOL_ABS_SINGLE);
    vec_splat(x, limit,
              wide ? (uint64_t)(1023 + bits - 1) << 52 : (127 + bits - 1) * 0x0080000000800000ull);
    /* as integers, NaNs are above */
    vec_into(x, wide ? OP_PCMPGTQ : OP_PCMPGTD, limit, t);
    vec_ones(x, t);
    vec_into(x, OP_PXOR, t, limit);
    enc_sse1_rr(&x->e, OP_PTEST, t, t);
    c->from[0] = (uint32_t)enc_jcc32(&x->e, CC_NE);
    x->val[v].clear = (uint8_t)result_bytes(aux);
    cg_cold_done(x, c, dst);
}

/*
 * Singles to BFloat16: the upper half, rounded to even by adding a little less than half of its
 * last place, or exactly half where it is odd. Out of line where that may overflow or underflow:
 * below the smallest normal number, but for 0, and from 2^127 on.
 */
static void emit_fcvtbf(struct x64 *x, ir_ref v)
{
    enum { IXC = 1 << 4 };
    const struct ir_insn *insn = &x->insn[v];
    struct x64_mem fpsr = cpu_mem(x->layout.fpenv + (int32_t)offsetof(struct ir_fpenv, fpsr));
    if (insn->aux & IR_FP_SLOW || IR_VFORM_LANES(insn->aux) == IR_LANES_64) {
        cg_eval(x, v);
        return;
    }
    fl_clobber(x);
    unsigned a = operand(x, insn->arg[0], insn->aux), t = ra_xtemp(x), u = ra_xtemp(x);
    struct cold *c = cg_cold_eval(x);
    unsigned dst = ra_xdef(x, v);
    vec_vmov(x, t, a);
    vec_into_pool(x, OP_PAND, t, POOL_ABS_SINGLE);
    vec_zero(x, dst);
    vec_into(x, OP_PCMPEQD, dst, t);
    vec_into_pool(x, OP_PSUBD, t, POOL_LEAST_SINGLE);
    vec_splat(x, u, 0x7e7fffff7e7fffffull); /* 2^127 less that, less one */
    vec_into(x, OP_PMINUD, u, t);
    vec_into(x, OP_PCMPEQD, u, t);
    vec_into(x, OP_POR, u, dst); /* ones where all is well */
    vec_ones(x, t);
    vec_into(x, OP_PXOR, u, t);
    enc_sse1_rr(&x->e, OP_PTEST, u, u);
    c->from[0] = (uint32_t)enc_jcc32(&x->e, CC_NE);
    vec_vshift(x, OP_PSHIFTD_IMM, FORM_LEFT, dst, a, 15);
    vec_vshift(x, OP_PSHIFTD_IMM, FORM_RIGHT, dst, dst, 31); /* 1 where odd */
    vec_into(x, OP_PADDD, dst, a);
    vec_vshift(x, OP_PSHIFTD_IMM, FORM_RIGHT, t, t, 17);
    vec_into(x, OP_PADDD, dst, t); /* 7fffh */
    vec_vshift(x, OP_PSHIFTD_IMM, FORM_RIGHT, dst, dst, 16);
    vec_zero(x, u);
    vec_into(x, OP_PACKUSDW, dst, u);
    enc_sse1_rm(&x->e, OP_PTEST, a, cg_pool(x, POOL_LOW_WORDS));
    size_t exact = enc_jcc8(&x->e, CC_E);
    enc_alu_mem_imm(&x->e, ALU_OR, W32, fpsr, IXC);
    enc_patch8(&x->e, exact);
    x->val[v].clear = is_scalar(insn->aux) ? 2 : 8;
    cg_cold_done(x, c, dst);
}

const struct emit_row x64_emit_fcvt[] = {
    {IR_VFTOI, emit_vftoi},   {IR_VITOF, emit_vitof},   {IR_FCVTJS, emit_fcvtjs},
    {IR_FRINTN, emit_frintn}, {IR_FCVTBF, emit_fcvtbf}, {IR_OP_COUNT, 0},
};
