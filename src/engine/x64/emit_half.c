/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Half precision by way of single (F16C), for FPCR = 0. The way there is exact. The way back rounds
 * a result that was rounded before, which is right for sums, products, quotients and roots, since
 * single precision has more than twice as many bits and two; fused products go out of line where it
 * might not be. Exceptions: a result that is inexact in single is so in half; NaNs and Underflow as
 * in emit_fp.c.
 */
#include "engine/x64/vec.h"

enum { SINGLE = 2 };
enum { CMP_EQ = 0, CMP_LT = 1, CMP_LE = 2, CMP_UNORD = 3 };

/* How many lanes: one, four in an xmm register as singles, eight in a ymm register. */
struct shape {
    bool scalar, ymm;
    uint8_t bytes; /* of the result */
};

static struct shape shape_of(unsigned aux)
{
    switch (IR_VFORM_LANES(aux)) {
    case IR_LANES_1:
        return (struct shape){.scalar = true, .bytes = 2};
    case IR_LANES_64:
        return (struct shape){.bytes = 8};
    default:
        return (struct shape){.ymm = true, .bytes = 16};
    }
}

/* op on singles: ps or ss. */
static void single(struct x64 *x, struct shape s, unsigned op, unsigned dst, unsigned a, unsigned b)
{
    enc_vex_rr(&x->e, op | (s.scalar ? 0x200 : 0), 0, s.ymm, dst, a, b);
}

/* C code and the rest of ours use no more than xmm registers, which are slow when more is in use.
 */
static void end_ymm(struct x64 *x, struct shape s)
{
    static const uint8_t vzeroupper[] = {0xc5, 0xf8, 0x77};
    for (unsigned k = 0; s.ymm && k < sizeof(vzeroupper); k++)
        enc_u8(&x->e, vzeroupper[k]);
}

/* Lane 0 of width bytes (2 or 4) alone: what else is in the register must raise nothing. */
static unsigned alone(struct x64 *x, ir_ref v, unsigned width)
{
    unsigned reg = ra_xuse(x, v);
    if (x->val[x->val[v].rep].clear <= width)
        return reg;
    unsigned t = ra_xtemp(x);
    vec_zero(x, t);
    enc_sse2_imm_rr(&x->e, OP_PBLENDW, t, t, reg, width == 2 ? 1 : 3);
    return t;
}

static void widen(struct x64 *x, struct shape s, unsigned dst, unsigned src)
{
    enc_vex_rr(&x->e, OP_CVTPH2PS, 0, s.ymm, dst, 0, src);
}

/* The operand as singles in a scratch register. */
static unsigned singles(struct x64 *x, struct shape s, ir_ref v)
{
    unsigned reg = s.scalar ? alone(x, v, 2) : ra_xuse(x, v), t = ra_xtemp(x);
    widen(x, s, t, reg);
    return t;
}

/* To nearest. */
static void narrow(struct x64 *x, struct shape s, unsigned dst, unsigned src)
{
    enc_vex_rr(&x->e, OP_CVTPS2PH, 0, s.ymm, src, 0, dst);
    enc_u8(&x->e, 0);
}

/* Goes out of line if any half in reg is a NaN or, if it may have been rounded up to that, plus or
 * minus the smallest normal number. t and u are scratch. */
static void check(struct x64 *x, struct cold *c, bool tiny, unsigned reg, unsigned t, unsigned u)
{
    vec_vmov(x, t, reg);
    vec_into_pool(x, OP_PAND, t, POOL_ABS_HALF);
    if (tiny) {
        vec_vmov(x, u, t);
        vec_into_pool(x, OP_PCMPEQW, u, POOL_LEAST_HALF);
    }
    vec_into_pool(x, OP_PCMPGTW, t, POOL_INFINITY_HALF);
    if (tiny)
        vec_into(x, OP_POR, t, u);
    enc_sse1_rr(&x->e, OP_PTEST, t, t);
    c->from[0] = (uint32_t)enc_jcc32(&x->e, CC_NE);
}

/* The result is made of the singles in t. */
static void finish(struct x64 *x, ir_ref v, struct shape s, struct cold *c, bool tiny, unsigned t,
                   unsigned u)
{
    unsigned dst = ra_xdef(x, v);
    narrow(x, s, dst, t);
    end_ymm(x, s);
    check(x, c, tiny, dst, t, u);
    x->val[v].clear = s.bytes;
    cg_cold_done(x, c, dst);
}

/* --- arithmetic ------------------------------------------------------------------------------- */

static void half_arithmetic(struct x64 *x, ir_ref v)
{
    static const uint16_t ops[] = {OP_FADD, OP_FSUB, OP_FMUL, OP_FDIV};
    const struct ir_insn *insn = &x->insn[v];
    const struct shape s = shape_of(insn->aux);
    unsigned a = singles(x, s, insn->arg[0]), b = singles(x, s, insn->arg[1]);
    struct cold *c = cg_cold_eval(x);
    single(x, s, ops[insn->op - IR_FADD], a, a, b);
    finish(x, v, s, c, insn->op == IR_FMUL || insn->op == IR_FDIV, a, b);
}

static void half_sqrt(struct x64 *x, ir_ref v)
{
    const struct ir_insn *insn = &x->insn[v];
    const struct shape s = shape_of(insn->aux);
    unsigned a = singles(x, s, insn->arg[0]);
    struct cold *c = cg_cold_eval(x);
    single(x, s, OP_FSQRT, a, s.scalar ? a : 0, a);
    finish(x, v, s, c, false, a, NOREG);
}

static void half_round(struct x64 *x, ir_ref v)
{
    static const uint8_t modes[] = {[IR_ROUND_TIEEVEN] = 0,
                                    [IR_ROUND_POSINF] = 2,
                                    [IR_ROUND_NEGINF] = 1,
                                    [IR_ROUND_ZERO] = 3,
                                    [IR_ROUND_FPCR] = 0};
    const struct ir_insn *insn = &x->insn[v];
    const struct shape s = shape_of(insn->aux);
    if (IR_ROUND(insn->imm) == IR_ROUND_TIEAWAY) {
        cg_eval(x, v);
        return;
    }
    unsigned a = singles(x, s, insn->arg[0]);
    struct cold *c = cg_cold_eval(x);
    enc_vex_rr(&x->e, OP_ROUNDPS, 0, s.ymm, a, 0, a);
    enc_u8(&x->e, modes[IR_ROUND(insn->imm)] | (insn->imm & IR_ROUND_EXACT ? 0 : 8u));
    finish(x, v, s, c, false, a, NOREG);
}

/* As in emit_fp.c: NaNs first, then both orders combined. */
static void half_minmax(struct x64 *x, ir_ref v)
{
    const struct ir_insn *insn = &x->insn[v];
    const struct shape s = shape_of(insn->aux);
    bool is_max = insn->op == IR_FMAX || insn->op == IR_FMAXNM;
    unsigned op = is_max ? OP_FMAX : OP_FMIN;
    unsigned a = singles(x, s, insn->arg[0]), b = singles(x, s, insn->arg[1]), t = ra_xtemp(x);
    struct cold *c = cg_cold_eval(x);
    unsigned dst = ra_xdef(x, v);
    single(x, (struct shape){.ymm = s.ymm}, OP_FCMP, t, a, b);
    enc_u8(&x->e, CMP_UNORD);
    enc_vex_rr(&x->e, OP_PTEST, 0, s.ymm, t, 0, t);
    c->from[0] = (uint32_t)enc_jcc32(&x->e, CC_NE);
    single(x, s, op, t, a, b);
    single(x, s, op, a, b, a);
    single(x, (struct shape){.ymm = s.ymm}, is_max ? OP_FAND : OP_FOR, t, t, a);
    narrow(x, s, dst, t);
    end_ymm(x, s);
    x->val[v].clear = s.bytes;
    cg_cold_done(x, c, dst);
}

/* reg = a word of the pool in every lane. */
static void broadcast(struct x64 *x, struct shape s, unsigned reg, enum pool which)
{
    enc_vex_rm(&x->e, OP_BROADCASTD, 0, s.ymm, reg, 0, cg_pool(x, which));
}

/*
 * Goes out of line where half precision may have to round the exact sum otherwise than the single
 * r: half-way between two halves, or where halves lose precision and underflow, from the smallest
 * normal number down but for zero. And for NaNs. t, u and k are scratch.
 */
static void check_fused(struct x64 *x, struct cold *c, struct shape s, unsigned r, unsigned t,
                        unsigned u, unsigned k)
{
    struct enc *e = &x->e;
    broadcast(x, s, k, POOL_HALF_LOST);
    enc_vex_rr(e, OP_PAND, 0, s.ymm, t, r, k);
    broadcast(x, s, k, POOL_HALF_TIE);
    enc_vex_rr(e, OP_PCMPEQD, 0, s.ymm, t, t, k);
    broadcast(x, s, k, POOL_ABS_SINGLE);
    enc_vex_rr(e, OP_PAND, 0, s.ymm, u, r, k);
    enc_vex_rr(e, OP_PCMPEQD, 0, s.ymm, k, k, k);
    enc_vex_rr(e, OP_PADDD, 0, s.ymm, u, u, k); /* 0 becomes the largest */
    broadcast(x, s, k, POOL_HALF_TINY);
    enc_vex_rr(e, OP_PMINUD, 0, s.ymm, k, k, u);
    enc_vex_rr(e, OP_PCMPEQD, 0, s.ymm, k, k, u);
    enc_vex_rr(e, OP_POR, 0, s.ymm, t, t, k);
    enc_vex_rr(e, OP_FCMP, 0, s.ymm, k, r, r);
    enc_u8(e, CMP_UNORD);
    enc_vex_rr(e, OP_POR, 0, s.ymm, t, t, k);
    enc_vex_rr(e, OP_PTEST, 0, s.ymm, t, 0, t);
    c->from[0] = (uint32_t)enc_jcc32(e, CC_NE);
}

static const uint16_t fused_ops[4] = {OP_FMADD231, OP_FNMADD231, OP_FMSUB231, OP_FNMSUB231};

static unsigned fused_op(unsigned aux)
{
    return fused_ops[(aux & IR_FMA_NEG_A ? 1 : 0) | (aux & IR_FMA_NEG_C ? 2 : 0)];
}

static void half_fma(struct x64 *x, ir_ref v)
{
    const struct ir_insn *insn = &x->insn[v];
    const struct shape s = shape_of(insn->aux);
    if (!x->config.host.fma) {
        cg_eval(x, v);
        return;
    }
    unsigned a = singles(x, s, insn->arg[0]), b = singles(x, s, insn->arg[1]);
    unsigned sum = singles(x, s, insn->arg[2]), t = ra_xtemp(x);
    struct cold *c = cg_cold_eval(x);
    unsigned dst = ra_xdef(x, v);
    enc_vex_rr(&x->e, fused_op(insn->aux) + s.scalar, 0, s.ymm, sum, a, b);
    check_fused(x, c, s, sum, a, b, t);
    narrow(x, s, dst, sum);
    end_ymm(x, s);
    x->val[v].clear = s.bytes;
    cg_cold_done(x, c, dst);
}

/* --- comparisons ------------------------------------------------------------------------------ */

static void half_mask(struct x64 *x, ir_ref v)
{
    const struct ir_insn *insn = &x->insn[v];
    const struct shape s = shape_of(insn->aux);
    unsigned a = singles(x, s, insn->arg[0]), b = singles(x, s, insn->arg[1]);
    unsigned dst = ra_xdef(x, v), predicate = CMP_EQ;
    if (insn->op == IR_FACGE || insn->op == IR_FACGT) {
        broadcast(x, s, dst, POOL_ABS_SINGLE);
        enc_vex_rr(&x->e, OP_PAND, 0, s.ymm, a, a, dst);
        enc_vex_rr(&x->e, OP_PAND, 0, s.ymm, b, b, dst);
    }
    if (insn->op != IR_FCEQ)
        predicate = insn->op == IR_FCGE || insn->op == IR_FACGE ? CMP_LE : CMP_LT;
    single(x, s, OP_FCMP, a, predicate == CMP_EQ ? a : b, predicate == CMP_EQ ? b : a);
    enc_u8(&x->e, predicate);
    if (s.ymm) {
        enc_vex_rr(&x->e, OP_VEXTRACTI128, 0, 1, a, 0, b);
        enc_u8(&x->e, 1);
    } else {
        vec_zero(x, b);
    }
    vec_three(x, OP_PACKSSDW, dst, a, b);
    end_ymm(x, s);
    x->val[v].clear = s.bytes;
}

unsigned cg_half_single(struct x64 *x, ir_ref v)
{
    return singles(x, shape_of(IR_LANES_1), v);
}

/* --- conversions ------------------------------------------------------------------------------ */

static void half_to_single_or_double(struct x64 *x, ir_ref v)
{
    const struct ir_insn *insn = &x->insn[v];
    unsigned a = singles(x, shape_of(IR_LANES_1), insn->arg[0]);
    struct cold *c = cg_cold_eval(x);
    bool wide = (insn->imm & 3) > SINGLE;
    unsigned dst = ra_xdef(x, v);
    enc_sse1_rr(&x->e, OP_UCOMISS, a, a);
    c->from[0] = (uint32_t)enc_jcc32(&x->e, CC_P);
    if (wide) {
        vec_zero(x, dst);
        enc_sse2_rr(&x->e, OP_CVTSS2SD, dst, dst, a);
    } else {
        vec_vmov(x, dst, a);
    }
    x->val[v].clear = wide ? 8 : 4;
    cg_cold_done(x, c, dst);
}

/* One single, or four, to halves. */
static void half_from_single(struct x64 *x, ir_ref v, bool scalar)
{
    const struct ir_insn *insn = &x->insn[v];
    const struct shape s = {.scalar = scalar, .bytes = scalar ? 2 : 8};
    unsigned a = scalar ? alone(x, insn->arg[0], 4) : ra_xuse(x, insn->arg[0]);
    unsigned t = ra_xtemp(x), u = ra_xtemp(x);
    struct cold *c = cg_cold_eval(x);
    vec_vmov(x, t, a);
    finish(x, v, s, c, true, t, u);
}

/* Four halves to singles. */
static void half_long(struct x64 *x, ir_ref v)
{
    const struct ir_insn *insn = &x->insn[v];
    unsigned a = ra_xuse(x, insn->arg[0]), t = ra_xtemp(x);
    struct cold *c = cg_cold_eval(x);
    unsigned dst = ra_xdef(x, v);
    if (insn->imm & 1) {
        enc_sse_imm_rr(&x->e, OP_PSHUFD, t, a, 0xee);
        a = t;
    }
    widen(x, shape_of(IR_LANES_64), dst, a);
    vec_three(x, OP_FCMP, t, dst, dst);
    enc_u8(&x->e, CMP_UNORD);
    enc_sse1_rr(&x->e, OP_PTEST, t, t);
    c->from[0] = (uint32_t)enc_jcc32(&x->e, CC_NE);
    cg_cold_done(x, c, dst);
}

/* 16-bit integers are exact as singles. */
static void half_from_integers(struct x64 *x, ir_ref v)
{
    const struct ir_insn *insn = &x->insn[v];
    const struct shape s = shape_of(insn->aux);
    unsigned mode = IR_ROUND(insn->imm);
    if (IR_CVT_FBITS(insn->imm) || (mode != IR_ROUND_FPCR && mode != IR_ROUND_TIEEVEN)) {
        cg_eval(x, v);
        return;
    }
    unsigned a = s.scalar ? alone(x, insn->arg[0], 2) : ra_xuse(x, insn->arg[0]);
    unsigned t = ra_xtemp(x), dst = ra_xdef(x, v);
    enc_vex_rr(&x->e, insn->imm & IR_CVT_UNSIGNED ? OP_PMOVZXWD : OP_PMOVSXWD, 0, s.ymm, t, 0, a);
    enc_vex_rr(&x->e, OP_CVTDQ2PS, 0, s.ymm, t, 0, t);
    narrow(x, s, dst, t);
    end_ymm(x, s);
    x->val[v].clear = s.bytes;
}

bool cg_half_can(const struct x64 *x, unsigned aux)
{
    return !(aux & IR_FP_SLOW) && x->config.host.f16c && x->e.avx;
}

void cg_half(struct x64 *x, ir_ref v)
{
    const struct ir_insn *insn = &x->insn[v];
    unsigned esz = IR_VFORM_ESZ(insn->aux);
    fl_clobber(x);
    if (!cg_half_can(x, insn->aux) || esz > SINGLE) {
        cg_eval(x, v);
        return;
    }
    switch (insn->op) {
    case IR_FADD:
    case IR_FSUB:
    case IR_FMUL:
    case IR_FDIV:
        half_arithmetic(x, v);
        break;
    case IR_FSQRT:
        half_sqrt(x, v);
        break;
    case IR_FRINT:
        half_round(x, v);
        break;
    case IR_FMAX:
    case IR_FMIN:
    case IR_FMAXNM:
    case IR_FMINNM:
        half_minmax(x, v);
        break;
    case IR_FMA:
        half_fma(x, v);
        break;
    case IR_FCVT:
        if (esz == SINGLE)
            half_from_single(x, v, true);
        else
            half_to_single_or_double(x, v);
        break;
    case IR_FCVTL:
        half_long(x, v);
        break;
    case IR_FCVTN:
        half_from_single(x, v, false);
        break;
    case IR_VITOF:
        half_from_integers(x, v);
        break;
    default: /* masks */
        half_mask(x, v);
    }
}

/* --- halves accumulated in singles ------------------------------------------------------------ */

static void emit_fmlal(struct x64 *x, ir_ref v)
{
    const struct ir_insn *insn = &x->insn[v];
    const struct shape s = {.bytes = IR_VFORM_LANES(insn->aux) == IR_LANES_64 ? 8 : 16};
    fl_clobber(x);
    if (!cg_half_can(x, insn->aux) || !x->config.host.fma ||
        IR_VFORM_LANES(insn->aux) == IR_LANES_1) {
        cg_eval(x, v);
        return;
    }
    unsigned n[2], addend = ra_xuse(x, insn->arg[2]), t = ra_xtemp(x), u = ra_xtemp(x);
    struct cold *c = cg_cold_eval(x);
    for (unsigned k = 0; k < 2; k++) { /* 2 or 4 halves, zeros above them */
        unsigned from = insn->imm ? s.bytes / 2 : 0, reg = ra_xuse(x, insn->arg[k]);
        n[k] = ra_xtemp(x);
        if (s.bytes == 8)
            enc_sse_imm_rr(&x->e, OP_PSHUFD, n[k], reg, from ? 0x55 : 0);
        else if (from)
            enc_sse_imm_rr(&x->e, OP_PSHUFD, n[k], reg, 0xee);
        widen(x, s, n[k], s.bytes == 16 && !from ? reg : n[k]);
        if (s.bytes == 8)
            enc_sse1_rr(&x->e, OP_MOVQ_LOAD, n[k], n[k]);
    }
    unsigned dst = ra_xdef(x, v);
    if (s.bytes == 8)
        enc_sse1_rr(&x->e, OP_MOVQ_LOAD, dst, addend);
    else
        vec_vmov(x, dst, addend);
    enc_vex_rr(&x->e, fused_op(insn->aux), 0, 0, dst, n[0], n[1]);
    cg_check_tiny(x, c, SINGLE | IR_LANES_128, dst, t, u);
    x->val[v].clear = s.bytes;
    cg_cold_done(x, c, dst);
}

const struct emit_row x64_emit_half[] = {{IR_FMLAL, emit_fmlal}, {IR_OP_COUNT, 0}};
