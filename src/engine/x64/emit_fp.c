/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Floating point on the host's units, for FPCR = 0: round to nearest, denormals kept, NaNs as they
 * are. SSE agrees with the manual's FPAdd() and so on in everything but NaNs (the default NaN's
 * sign, which operand wins), zeros under min and max, and when Underflow is seen (cg_check_tiny());
 * so a NaN result, or operand where that is not enough, goes to the evaluator out of line.
 * Exception flags gather in MXCSR (thunk.c). Lanes outside the vform must not raise flags and are
 * zero in the result.
 */
#include "engine/x64/vec.h"

enum { HALF = 1, SINGLE = 2, DOUBLE = 3 };

/* Mandatory prefixes: ps 0, pd 1, ss 2, sd 3 (opcode bits 9:8). */
static unsigned form_op(unsigned op, unsigned aux)
{
    bool scalar = IR_VFORM_LANES(aux) == IR_LANES_1;
    return op | (unsigned)((IR_VFORM_ESZ(aux) == DOUBLE) + 2 * scalar) << 8;
}

static bool is_scalar(unsigned aux)
{
    return IR_VFORM_LANES(aux) == IR_LANES_1;
}

/* Half precision has a file of its own. */
static bool half(unsigned aux)
{
    return IR_VFORM_ESZ(aux) == HALF;
}

/* What native() does not hold for. */
static void emit_otherwise(struct x64 *x, ir_ref v)
{
    if (half(x->insn[v].aux))
        cg_half(x, v);
    else
        cg_eval(x, v);
}

/* Whether the host's units do this at all. */
static bool native(unsigned aux)
{
    return !(aux & IR_FP_SLOW) && IR_VFORM_ESZ(aux) >= SINGLE;
}

static unsigned result_bytes(unsigned aux)
{
    return is_scalar(aux) ? 1u << IR_VFORM_ESZ(aux) : IR_VFORM_LANES(aux) == IR_LANES_64 ? 8 : 16;
}

/* Clears reg from byte n (4, 8 or 16) on. */
static void clear_from(struct x64 *x, unsigned reg, unsigned n)
{
    if (n == 8) {
        enc_sse1_rr(&x->e, OP_MOVQ_LOAD, reg, reg);
    } else if (n == 4) {
        enc_sse2_rr(&x->e, OP_INSERTPS, reg, reg, reg);
        enc_u8(&x->e, 0x0e);
    }
}

/* An operand: in a register, with only the lanes of the form in it unless scalar. */
static unsigned operand(struct x64 *x, ir_ref v, unsigned aux)
{
    unsigned reg = ra_xuse(x, v);
    if (IR_VFORM_LANES(aux) != IR_LANES_64 || x->val[x->val[v].rep].clear <= 8)
        return reg;
    unsigned t = ra_xtemp(x);
    enc_sse1_rr(&x->e, OP_MOVQ_LOAD, t, reg);
    return t;
}

/* A scalar that is only in memory. */
static bool in_memory(const struct x64 *x, ir_ref v)
{
    unsigned at = x->val[x->val[v].rep].at;
    return !(at & AT_REG) && at & AT_STATE;
}

static struct x64_mem state_of(const struct x64 *x, ir_ref v)
{
    return cpu_mem(x->val[x->val[v].rep].off);
}

/* --- out of line ------------------------------------------------------------------------------ */

/* Out of line the evaluator does it: operands stand where they stand now, and stay there. */
struct cold *cg_cold_eval(struct x64 *x)
{
    const struct ir_insn *insn = &x->insn[x->i];
    struct cold *c = cg_cold(x, COLD_EVAL);
    for (unsigned k = 0; k < 3 && insn->arg[k] != IR_NONE; k++) {
        ir_ref a = x->val[insn->arg[k]].rep;
        cg_cold_arg(x, &c->arg[k], a);
        if (c->arg[k].kind == COLD_REG && x->val[a].type == IR_V128)
            x->xlocked |= 1u << c->arg[k].reg;
        else if (c->arg[k].kind == COLD_REG)
            x->locked |= 1u << c->arg[k].reg;
    }
    return c;
}

/* Goes out of line if any lane of reg is a NaN; t is scratch. */
static void check_nan(struct x64 *x, struct cold *c, unsigned aux, unsigned reg, unsigned t)
{
    struct enc *e = &x->e;
    if (is_scalar(aux)) {
        enc_sse1_rr(e, IR_VFORM_ESZ(aux) == DOUBLE ? OP_UCOMISD : OP_UCOMISS, reg, reg);
        c->from[0] = (uint32_t)enc_jcc32(e, CC_P);
        return;
    }
    vec_three(x, form_op(OP_FCMP, aux), t, reg, reg);
    enc_u8(e, 3); /* unordered */
    enc_sse1_rr(e, OP_PTEST, t, t);
    c->from[0] = (uint32_t)enc_jcc32(e, CC_NE);
}

/*
 * Goes out of line if any lane of reg is a NaN or plus or minus the smallest normal number: Arm
 * detects tininess before rounding (FPRound()), x86 after it, so Underflow is missing where a tiny
 * value was rounded up to that. t and u are scratch.
 */
void cg_check_tiny(struct x64 *x, struct cold *c, unsigned aux, unsigned reg, unsigned t,
                   unsigned u)
{
    enum { EQ = 0, UNORD = 3, EQ_UQ = 8 }; /* predicates of cmpps */
    struct enc *e = &x->e;
    bool wide = IR_VFORM_ESZ(aux) == DOUBLE;
    if (!e->avx)
        vec_vmov(x, t, reg);
    enc_sse2_rm(e, OP_PAND, t, e->avx ? reg : t,
                cg_pool(x, wide ? POOL_ABS_DOUBLE : POOL_ABS_SINGLE));
    struct x64_mem least = cg_pool(x, wide ? POOL_LEAST_DOUBLE : POOL_LEAST_SINGLE);
    if (is_scalar(aux)) { /* ZF: equal or unordered */
        enc_sse1_rm(e, wide ? OP_UCOMISD : OP_UCOMISS, t, least);
        c->from[0] = (uint32_t)enc_jcc32(e, CC_E);
        return;
    }
    enc_sse1_rm(e, OP_MOVDQU_LOAD, u, least);
    enc_sse2_rr(e, form_op(OP_FCMP, aux), u, u, t);
    enc_u8(e, e->avx ? EQ_UQ : EQ);
    if (!e->avx) {
        enc_sse2_rr(e, form_op(OP_FCMP, aux), t, t, t);
        enc_u8(e, UNORD);
        enc_sse2_rr(e, OP_POR, u, u, t);
    }
    enc_sse1_rr(e, OP_PTEST, u, u);
    c->from[0] = (uint32_t)enc_jcc32(e, CC_NE);
}

void cg_cold_done(struct x64 *x, struct cold *c, unsigned dst)
{
    c->dst[0] = (uint8_t)dst;
    cg_cold_resume(x, c);
}

static void cold_unordered(struct x64 *x, const struct cold *c)
{
    /* EFLAGS of NZCV = 0011 with the carry inverted: OF alone */
    cg_cold_save(x, c);
    enc_mov_imm(&x->e, RAX, 0x80);
    enc_alu(&x->e, ALU_ADD, W8, RAX, RAX); /* OF, but ZF and CF, too */
    enc_u8(&x->e, 0x9e);                   /* sahf: ah = 0 */
    cg_cold_restore(x, c);
}

void cg_cold_fp(struct x64 *x, const struct cold *c)
{
    const struct ir_insn *insn = &x->insn[c->insn];
    struct enc *e = &x->e;
    if (c->kind == COLD_UNORDERED) {
        cold_unordered(x, c);
        return;
    }
    cg_cold_save(x, c);
    for (unsigned pass = 0; pass < 2; pass++) { /* registers first: xmm0 is scratch then */
        for (int32_t k = 0; k < 3; k++) {
            const struct cold_arg *a = &c->arg[k];
            struct x64_mem to = cpu_mem(x->layout.scratch + 16 * (k + 1));
            bool vector =
                insn->arg[k] != IR_NONE && x->val[x->val[insn->arg[k]].rep].type == IR_V128;
            if (a->kind == COLD_NONE || (a->kind == COLD_REG) != (pass == 0))
                continue;
            if (a->kind == COLD_REG && vector) {
                enc_sse1_rm(e, OP_MOVDQU_STORE, a->reg, to);
            } else if (a->kind == COLD_REG) {
                enc_store(e, W64, a->reg, to);
            } else if (a->kind == COLD_CONST) {
                enc_mov_imm(e, RAX, (uint64_t)a->imm);
                enc_store(e, W64, RAX, to);
            } else {
                enc_sse1_rm(e, OP_MOVDQU_LOAD, 0,
                            a->kind == COLD_CPU ? cpu_mem(a->off) : frame_mem(a->off));
                enc_sse1_rm(e, OP_MOVDQU_STORE, 0, to);
            }
        }
    }
    cg_call_eval(x, insn);
    struct x64_mem result = cpu_mem(x->layout.scratch);
    if (x->val[c->insn].type == IR_V128)
        enc_sse1_rm(e, OP_MOVDQU_LOAD, c->dst[0], result);
    else
        enc_load(e, x->val[c->insn].type == IR_I64 ? W64 : W32, c->dst[0], result);
    cg_cold_restore(x, c);
}

/* --- arithmetic ------------------------------------------------------------------------------- */

/* Tiny sums are exact, tiny products and quotients need not be. */
static bool can_underflow(unsigned op)
{
    return op == IR_FMUL || op == IR_FDIV;
}

/* dst = a op b on lane 0, operands straight from memory where they are; the rest cleared. */
static void scalar_binary(struct x64 *x, ir_ref v, unsigned op, bool commutes)
{
    const struct ir_insn *insn = &x->insn[v];
    struct enc *e = &x->e;
    unsigned aux = insn->aux, n = result_bytes(aux), dst;
    ir_ref a = insn->arg[0], b = insn->arg[1];
    unsigned t = can_underflow(insn->op) ? ra_xtemp(x) : NOREG;
    struct cold *c = cg_cold_eval(x);
    if (commutes && !in_memory(x, a) && x->val[x->val[a].rep].clear > n &&
        (in_memory(x, b) || x->val[x->val[b].rep].clear <= n)) {
        a = insn->arg[1];
        b = insn->arg[0];
    }
    unsigned load = IR_VFORM_ESZ(aux) == DOUBLE ? OP_MOVSD : OP_MOVSS;
    bool clean = true;
    if (in_memory(x, a)) {
        struct x64_mem m = state_of(x, a);
        unsigned rb = in_memory(x, b) ? NOREG : ra_xuse(x, b);
        dst = ra_xdef(x, v);
        enc_sse1_rm(e, load, dst, m);
        if (rb == NOREG)
            enc_sse2_rm(e, form_op(op, aux), dst, dst, state_of(x, b));
        else
            enc_sse2_rr(e, form_op(op, aux), dst, dst, rb);
    } else {
        unsigned ra = ra_xuse(x, a);
        clean = x->val[x->val[a].rep].clear <= n;
        unsigned rb = in_memory(x, b) ? NOREG : ra_xuse(x, b);
        dst = ra_xdef(x, v);
        if (!e->avx)
            vec_vmov(x, dst, ra);
        if (rb == NOREG)
            enc_sse2_rm(e, form_op(op, aux), dst, e->avx ? ra : dst, state_of(x, b));
        else
            enc_sse2_rr(e, form_op(op, aux), dst, e->avx ? ra : dst, rb);
    }
    if (!clean)
        clear_from(x, dst, n);
    if (t != NOREG)
        cg_check_tiny(x, c, aux, dst, t, NOREG);
    else
        check_nan(x, c, aux, dst, NOREG);
    x->val[v].clear = (uint8_t)n;
    cg_cold_done(x, c, dst);
}

static void emit_arithmetic(struct x64 *x, ir_ref v)
{
    const struct ir_insn *insn = &x->insn[v];
    unsigned aux = insn->aux;
    static const uint16_t ops[] = {OP_FADD, OP_FSUB, OP_FMUL, OP_FDIV};
    unsigned op = ops[insn->op - IR_FADD];
    if (!native(aux) || (insn->op == IR_FDIV && IR_VFORM_LANES(aux) == IR_LANES_64)) {
        emit_otherwise(x, v); /* 0 / 0 in lanes that are not there would be a flag */
        return;
    }
    fl_clobber(x);
    if (is_scalar(aux)) {
        scalar_binary(x, v, op, insn->op == IR_FADD || insn->op == IR_FMUL);
        return;
    }
    unsigned ra = operand(x, insn->arg[0], aux), rb = operand(x, insn->arg[1], aux);
    unsigned t = ra_xtemp(x), u = can_underflow(insn->op) ? ra_xtemp(x) : NOREG;
    unsigned dst = ra_xdef(x, v);
    struct cold *c = cg_cold_eval(x);
    vec_three(x, form_op(op, aux), dst, ra, rb);
    if (u != NOREG)
        cg_check_tiny(x, c, aux, dst, t, u);
    else
        check_nan(x, c, aux, dst, t);
    x->val[v].clear = (uint8_t)result_bytes(aux);
    cg_cold_done(x, c, dst);
}

static void emit_fsqrt(struct x64 *x, ir_ref v)
{
    const struct ir_insn *insn = &x->insn[v];
    unsigned aux = insn->aux;
    if (!native(aux)) {
        emit_otherwise(x, v);
        return;
    }
    fl_clobber(x);
    unsigned ra = operand(x, insn->arg[0], aux), t = ra_xtemp(x), dst = ra_xdef(x, v);
    struct cold *c = cg_cold_eval(x);
    if (is_scalar(aux)) {
        enc_sse2_rr(&x->e, OP_PXOR, dst, dst, dst);
        enc_sse2_rr(&x->e, form_op(OP_FSQRT, aux), dst, dst, ra);
    } else {
        enc_sse1_rr(&x->e, form_op(OP_FSQRT, aux), dst, ra);
    }
    check_nan(x, c, aux, dst, t);
    x->val[v].clear = (uint8_t)result_bytes(aux);
    cg_cold_done(x, c, dst);
}

/* c accumulates: dst = (-)(a * b) (-)+ dst. */
static void emit_fma(struct x64 *x, ir_ref v)
{
    const struct ir_insn *insn = &x->insn[v];
    unsigned aux = insn->aux, n = result_bytes(aux);
    if (!native(aux) || !x->config.host.fma || !x->e.avx) {
        emit_otherwise(x, v);
        return;
    }
    static const uint16_t ops[4] = {OP_FMADD231, OP_FNMADD231, OP_FMSUB231, OP_FNMSUB231};
    unsigned op = ops[(aux & IR_FMA_NEG_A ? 1 : 0) | (aux & IR_FMA_NEG_C ? 2 : 0)];
    fl_clobber(x);
    struct cold *c = cg_cold_eval(x);
    bool from_memory = is_scalar(aux) && in_memory(x, insn->arg[2]);
    unsigned ra = operand(x, insn->arg[0], aux), rb = operand(x, insn->arg[1], aux);
    unsigned rc = from_memory ? NOREG : operand(x, insn->arg[2], aux);
    unsigned t = ra_xtemp(x), u = is_scalar(aux) ? NOREG : ra_xtemp(x), dst = ra_xdef(x, v);
    if (from_memory) {
        enc_sse1_rm(&x->e, IR_VFORM_ESZ(aux) == DOUBLE ? OP_MOVSD : OP_MOVSS, dst,
                    state_of(x, insn->arg[2]));
    } else {
        vec_vmov(x, dst, rc);
    }
    enc_vex_rr(&x->e, op + is_scalar(aux), IR_VFORM_ESZ(aux) == DOUBLE, 0, dst, ra, rb);
    if (is_scalar(aux) && !from_memory && x->val[x->val[insn->arg[2]].rep].clear > n)
        clear_from(x, dst, n);
    if (op == OP_FNMSUB231 && n == 8 && !is_scalar(aux))
        clear_from(x, dst, n); /* -(0 * 0) - 0 */
    cg_check_tiny(x, c, aux, dst, t, u);
    x->val[v].clear = (uint8_t)n;
    cg_cold_done(x, c, dst);
}

/* dst = an FP constant in the lanes of the form: 2 (exponent 1) or 1.5 (exponent 0). */
static void constant(struct x64 *x, unsigned aux, unsigned dst, int exponent, unsigned fraction)
{
    bool wide = IR_VFORM_ESZ(aux) == DOUBLE;
    uint64_t lane = wide ? (uint64_t)(1023 + exponent) << 52 | (uint64_t)fraction << 51
                         : (uint64_t)(127 + exponent) << 23 | (uint64_t)fraction << 22;
    vec_splat(x, dst, wide ? lane : lane << 32 | lane);
    clear_from(x, dst, result_bytes(aux));
}

/* t = the lanes of a, halved as integers; goes out of line unless all have an exponent that allows
 * it: neither the least two nor the greatest. u and w are scratch. */
static void halve(struct x64 *x, struct cold *c, unsigned aux, unsigned a, unsigned t, unsigned u,
                  unsigned w)
{
    const uint64_t one = 0x0080000000800000ull; /* of the exponent */
    vec_splat(x, u, one);
    vec_three(x, OP_PSUBD, t, a, u);
    clear_from(x, t, result_bytes(aux)); /* 0 has become infinity */
    vec_vmov(x, u, a);
    vec_into_pool(x, OP_PAND, u, POOL_ABS_SINGLE);
    vec_splat(x, w, 2 * one);
    vec_into(x, OP_PSUBD, u, w);
    vec_splat(x, w, 253 * one - 0x0000000100000001ull);
    vec_into(x, OP_PMINUD, w, u);
    vec_into(x, OP_PCMPEQD, w, u);
    vec_ones(x, u);
    vec_into(x, OP_PXOR, w, u);
    clear_from(x, w, result_bytes(aux));
    enc_sse1_rr(&x->e, OP_PTEST, w, w);
    c->from[1] = (uint32_t)enc_jcc32(&x->e, CC_NE);
}

/* Goes out of line if a lane of a or b is infinite or a NaN: infinity by zero raises nothing in
 * these steps. t, u and limit are scratch. */
static void check_finite(struct x64 *x, struct cold *c, unsigned aux, unsigned a, unsigned b,
                         unsigned t, unsigned u, unsigned limit)
{
    bool wide = IR_VFORM_ESZ(aux) == DOUBLE;
    unsigned above = wide ? OP_PCMPGTQ : OP_PCMPGTD;
    vec_vmov(x, t, a);
    vec_into_pool(x, OP_PAND, t, wide ? POOL_ABS_DOUBLE : POOL_ABS_SINGLE);
    vec_vmov(x, u, b);
    vec_into_pool(x, OP_PAND, u, wide ? POOL_ABS_DOUBLE : POOL_ABS_SINGLE);
    vec_splat(x, limit, wide ? (2047ull << 52) - 1 : 0x7f7fffff7f7fffffull);
    vec_into(x, above, t, limit);
    vec_into(x, above, u, limit);
    vec_into(x, OP_POR, t, u);
    clear_from(x, t, result_bytes(aux));
    enc_sse1_rr(&x->e, OP_PTEST, t, t);
    c->from[1] = (uint32_t)enc_jcc32(&x->e, CC_NE);
}

/* 2 - a b, and (3 - a b) / 2 as 1.5 - (a / 2) b, which overflows when the result does. */
static void emit_step(struct x64 *x, ir_ref v)
{
    const struct ir_insn *insn = &x->insn[v];
    unsigned aux = insn->aux, n = result_bytes(aux);
    bool root = insn->op == IR_FRSQRTS;
    if (!native(aux) || !x->config.host.fma || !x->e.avx || (root && IR_VFORM_ESZ(aux) == DOUBLE)) {
        cg_eval(x, v);
        return;
    }
    fl_clobber(x);
    unsigned ra = operand(x, insn->arg[0], aux), rb = operand(x, insn->arg[1], aux);
    unsigned t = ra_xtemp(x), u = ra_xtemp(x), w = ra_xtemp(x);
    struct cold *c = cg_cold_eval(x);
    unsigned dst = ra_xdef(x, v);
    if (root) {
        halve(x, c, aux, ra, t, u, w);
        ra = t;
    } else {
        check_finite(x, c, aux, ra, rb, t, u, w);
    }
    constant(x, aux, dst, root ? 0 : 1, root);
    enc_vex_rr(&x->e, OP_FNMADD231 + is_scalar(aux), IR_VFORM_ESZ(aux) == DOUBLE, 0, dst, ra, rb);
    if (n == 8 && !is_scalar(aux))
        clear_from(x, dst, n);
    check_nan(x, c, aux, dst, u);
    x->val[v].clear = (uint8_t)n;
    cg_cold_done(x, c, dst);
}

/* min and max of equal operands are zeros of either sign or the same: both orders, combined. */
static void emit_minmax(struct x64 *x, ir_ref v)
{
    const struct ir_insn *insn = &x->insn[v];
    struct enc *e = &x->e;
    unsigned aux = insn->aux;
    bool is_max = insn->op == IR_FMAX || insn->op == IR_FMAXNM;
    if (!native(aux)) {
        emit_otherwise(x, v);
        return;
    }
    fl_clobber(x);
    unsigned ra = operand(x, insn->arg[0], aux), rb = operand(x, insn->arg[1], aux);
    unsigned t = ra_xtemp(x), dst = ra_xdef(x, v);
    struct cold *c = cg_cold_eval(x);
    if (is_scalar(aux)) { /* NaNs first: min and max signal quiet ones */
        enc_sse1_rr(e, IR_VFORM_ESZ(aux) == DOUBLE ? OP_UCOMISD : OP_UCOMISS, ra, rb);
        c->from[0] = (uint32_t)enc_jcc32(e, CC_P);
    } else {
        vec_three(x, form_op(OP_FCMP, aux), t, ra, rb);
        enc_u8(e, 3);
        enc_sse1_rr(e, OP_PTEST, t, t);
        c->from[0] = (uint32_t)enc_jcc32(e, CC_NE);
    }
    unsigned op = form_op(is_max ? OP_FMAX : OP_FMIN, aux);
    vec_three(x, op, dst, ra, rb);
    vec_three(x, op, t, rb, ra);
    enc_sse2_rr(e, is_max ? OP_PAND : OP_POR, dst, dst, t);
    if (is_scalar(aux))
        clear_from(x, dst, result_bytes(aux));
    x->val[v].clear = (uint8_t)result_bytes(aux);
    cg_cold_done(x, c, dst);
}

/* --- comparisons ------------------------------------------------------------------------------ */

/* Ordered: "greater" - "less" has Arm's N, Z and C, with x86's borrow. */
static void emit_fcmp(struct x64 *x, ir_ref v)
{
    const struct ir_insn *insn = &x->insn[v];
    struct enc *e = &x->e;
    unsigned aux = insn->aux;
    const bool by_single = half(aux) && cg_half_can(x, aux);
    if (!native(aux) && !by_single) {
        cg_eval(x, v);
        return;
    }
    fl_clobber(x);
    ra_take(x, RAX); /* scratch of both ways */
    unsigned t = ra_temp(x);
    bool wide = IR_VFORM_ESZ(aux) == DOUBLE;
    unsigned op = insn->imm & 1 ? (wide ? OP_COMISD : OP_COMISS) : (wide ? OP_UCOMISD : OP_UCOMISS);
    unsigned ra = by_single ? cg_half_single(x, insn->arg[0]) : ra_xuse(x, insn->arg[0]);
    if (by_single)
        enc_sse1_rr(e, op, ra, cg_half_single(x, insn->arg[1]));
    else if (in_memory(x, insn->arg[1]))
        enc_sse1_rm(e, op, ra, state_of(x, insn->arg[1]));
    else
        enc_sse1_rr(e, op, ra, ra_xuse(x, insn->arg[1]));
    struct cold *c = cg_cold(x, COLD_UNORDERED);
    c->from[0] = (uint32_t)enc_jcc32(e, CC_P);
    enc_setcc(e, CC_A, RAX);
    enc_setcc(e, CC_B, t);
    enc_alu(e, ALU_CMP, W8, RAX, t);
    fl_set(x, v, true);
    c->resume = (uint32_t)enc_at(e);
}

/* Masks: x86 has less than and less or equal, which signal quiet NaNs as Arm's do. */
static void emit_fcmask(struct x64 *x, ir_ref v)
{
    enum { EQ = 0, LT = 1, LE = 2 };
    const struct ir_insn *insn = &x->insn[v];
    struct enc *e = &x->e;
    unsigned aux = insn->aux, n = result_bytes(aux);
    bool absolute = insn->op == IR_FACGE || insn->op == IR_FACGT;
    if (!native(aux)) {
        emit_otherwise(x, v);
        return;
    }
    unsigned ra = operand(x, insn->arg[0], aux), rb = operand(x, insn->arg[1], aux);
    unsigned dst = ra_xdef(x, v);
    if (absolute) {
        struct x64_mem mask =
            cg_pool(x, IR_VFORM_ESZ(aux) == DOUBLE ? POOL_ABS_DOUBLE : POOL_ABS_SINGLE);
        unsigned t = ra_xtemp(x), u = ra_xtemp(x);
        vec_vmov(x, t, ra);
        enc_sse2_rm(e, OP_PAND, t, t, mask);
        vec_vmov(x, u, rb);
        enc_sse2_rm(e, OP_PAND, u, u, mask);
        ra = t;
        rb = u;
    }
    unsigned predicate = insn->op == IR_FCEQ                           ? EQ
                         : insn->op == IR_FCGE || insn->op == IR_FACGE ? LE
                                                                       : LT;
    if (predicate == EQ)
        vec_three(x, form_op(OP_FCMP, aux), dst, ra, rb);
    else
        vec_three(x, form_op(OP_FCMP, aux), dst, rb, ra);
    enc_u8(e, predicate);
    clear_from(x, dst, n);
    x->val[v].clear = (uint8_t)n;
}

/* --- conversions ------------------------------------------------------------------------------ */

static void emit_fcvt(struct x64 *x, ir_ref v)
{
    const struct ir_insn *insn = &x->insn[v];
    unsigned aux = insn->aux, from = IR_VFORM_ESZ(aux), to = (unsigned)insn->imm & 3;
    if (from == HALF || to == HALF) {
        cg_half(x, v);
        return;
    }
    if (!native(aux) || to == from) {
        cg_eval(x, v);
        return;
    }
    fl_clobber(x);
    unsigned ra = ra_xuse(x, insn->arg[0]), t = to == SINGLE ? ra_xtemp(x) : NOREG;
    unsigned dst = ra_xdef(x, v);
    struct cold *c = cg_cold_eval(x);
    enc_sse2_rr(&x->e, OP_PXOR, dst, dst, dst);
    enc_sse2_rr(&x->e, to == DOUBLE ? OP_CVTSS2SD : OP_CVTSD2SS, dst, dst, ra);
    if (t != NOREG)
        cg_check_tiny(x, c, to | IR_LANES_1, dst, t, NOREG);
    else
        check_nan(x, c, to | IR_LANES_1, dst, NOREG);
    x->val[v].clear = (uint8_t)(1u << to);
    cg_cold_done(x, c, dst);
}

/* Two singles to two doubles, or back. */
static void emit_fcvt_pair(struct x64 *x, ir_ref v)
{
    const struct ir_insn *insn = &x->insn[v];
    unsigned aux = insn->aux, from = IR_VFORM_ESZ(aux);
    bool widen = insn->op == IR_FCVTL;
    bool odd = !widen && insn->imm & 1;
    if (from == (widen ? HALF : SINGLE) && !odd && IR_VFORM_LANES(aux) == IR_LANES_128) {
        cg_half(x, v);
        return;
    }
    if (!native(aux) || from != (widen ? SINGLE : DOUBLE) || odd || is_scalar(aux)) {
        cg_eval(x, v);
        return;
    }
    fl_clobber(x);
    unsigned ra = ra_xuse(x, insn->arg[0]), t = ra_xtemp(x), u = widen ? NOREG : ra_xtemp(x);
    unsigned dst = ra_xdef(x, v);
    struct cold *c = cg_cold_eval(x);
    if (widen && insn->imm & 1) {
        enc_sse_imm_rr(&x->e, OP_PSHUFD, t, ra, 0xee);
        ra = t;
    }
    enc_sse1_rr(&x->e, widen ? OP_CVTPS2PD : OP_CVTPD2PS, dst, ra);
    if (widen)
        check_nan(x, c, DOUBLE | IR_LANES_128, dst, t);
    else
        cg_check_tiny(x, c, SINGLE | IR_LANES_128, dst, t, u);
    x->val[v].clear = widen ? 16 : 8;
    cg_cold_done(x, c, dst);
}

/* What roundsd takes for an Arm mode; no ties away. */
static unsigned x86_round(unsigned mode)
{
    static const uint8_t x86[] = {[IR_ROUND_TIEEVEN] = 0,
                                  [IR_ROUND_POSINF] = 2,
                                  [IR_ROUND_NEGINF] = 1,
                                  [IR_ROUND_ZERO] = 3,
                                  [IR_ROUND_FPCR] = 0};
    return x86[mode];
}

static void emit_frint(struct x64 *x, ir_ref v)
{
    const struct ir_insn *insn = &x->insn[v];
    unsigned aux = insn->aux, mode = IR_ROUND(insn->imm);
    if (!native(aux) || mode == IR_ROUND_TIEAWAY) {
        emit_otherwise(x, v);
        return;
    }
    fl_clobber(x);
    unsigned ra = operand(x, insn->arg[0], aux), t = ra_xtemp(x), dst = ra_xdef(x, v);
    struct cold *c = cg_cold_eval(x);
    bool wide = IR_VFORM_ESZ(aux) == DOUBLE;
    unsigned imm = x86_round(mode) | (insn->imm & IR_ROUND_EXACT ? 0 : 8);
    if (is_scalar(aux)) {
        enc_sse2_rr(&x->e, OP_PXOR, dst, dst, dst);
        enc_sse2_imm_rr(&x->e, wide ? OP_ROUNDSD : OP_ROUNDSS, dst, dst, ra, imm);
    } else {
        enc_sse_imm_rr(&x->e, wide ? OP_ROUNDPD : OP_ROUNDPS, dst, ra, imm);
    }
    check_nan(x, c, aux, dst, t);
    x->val[v].clear = (uint8_t)result_bytes(aux);
    cg_cold_done(x, c, dst);
}

/* Bits of 2^power as single or double. */
static uint64_t power_of_two(bool wide, unsigned power)
{
    return wide ? (uint64_t)(1023 + power) << 52 : (uint64_t)(127 + power) << 23;
}

/*
 * Unsigned: operands from 0 to below 2^63 (or 2^32) convert as signed ones do; by their bits, all
 * others are larger. Signed to 32 bits rounds in place only towards zero: cvttsd2si alone raises
 * Invalid without Inexact.
 */
static void emit_ftoi(struct x64 *x, ir_ref v)
{
    const struct ir_insn *insn = &x->insn[v];
    struct enc *e = &x->e;
    unsigned aux = insn->aux, mode = IR_ROUND(insn->imm);
    bool wide = IR_VFORM_ESZ(aux) == DOUBLE, long_result = insn->type == IR_I64;
    bool is_unsigned = insn->imm & IR_CVT_UNSIGNED;
    const bool by_single = half(aux) && cg_half_can(x, aux);
    if ((!native(aux) && !by_single) || mode == IR_ROUND_TIEAWAY || IR_CVT_FBITS(insn->imm) ||
        (mode != IR_ROUND_ZERO && (!long_result || is_unsigned))) {
        cg_eval(x, v);
        return;
    }
    fl_clobber(x);
    unsigned ra = by_single ? cg_half_single(x, insn->arg[0]) : ra_xuse(x, insn->arg[0]);
    unsigned t = ra_xtemp(x);
    struct cold *c = cg_cold_eval(x);
    if (is_unsigned) {
        unsigned dst = ra_def(x, v, true), bits = ra_temp(x), limit = ra_temp(x);
        enc_sse_gpr_rr(e, OP_MOVD_STORE, wide, ra, bits);
        enc_mov_imm(e, limit, power_of_two(wide, long_result ? 63 : 32));
        enc_alu(e, ALU_CMP, wide ? W64 : W32, bits, limit);
        c->from[0] = (uint32_t)enc_jcc32(e, CC_AE);
        enc_rr(e, wide ? OP_CVTTSD2SI : OP_CVTTSS2SI, W64, dst, ra);
        cg_cold_done(x, c, dst);
        return;
    }
    unsigned dst = ra_def(x, v, true);
    unsigned size = long_result ? W64 : W32;
    if (mode != IR_ROUND_ZERO) {
        enc_sse2_rr(e, OP_PXOR, t, t, t);
        enc_sse2_imm_rr(e, wide ? OP_ROUNDSD : OP_ROUNDSS, t, t, ra, x86_round(mode));
        ra = t;
    }
    enc_sse_gpr_rr(e, wide ? OP_CVTTSD2SI : OP_CVTTSS2SI, long_result, dst, ra);
    enc_alu_imm(e, ALU_CMP, size, dst, 1); /* overflows for the indefinite integer only */
    c->from[0] = (uint32_t)enc_jcc32(e, CC_O);
    cg_cold_done(x, c, dst);
}

static void emit_itof(struct x64 *x, ir_ref v)
{
    const struct ir_insn *insn = &x->insn[v];
    struct enc *e = &x->e;
    unsigned aux = insn->aux;
    bool wide = IR_VFORM_ESZ(aux) == DOUBLE;
    unsigned mode = IR_ROUND(insn->imm);
    if (!native(aux) || IR_CVT_FBITS(insn->imm) ||
        (mode != IR_ROUND_FPCR && mode != IR_ROUND_TIEEVEN)) {
        cg_eval(x, v);
        return;
    }
    fl_clobber(x);
    unsigned ra = ra_use(x, insn->arg[0]), dst = ra_xdef(x, v);
    struct cold *c = NULL;
    if (insn->imm & IR_CVT_UNSIGNED) { /* the upper half of the range, out of line */
        c = cg_cold_eval(x);
        enc_test(e, W64, ra, ra);
        c->from[0] = (uint32_t)enc_jcc32(e, CC_S);
    }
    enc_sse2_rr(e, OP_PXOR, dst, dst, dst);
    if (e->avx)
        enc_vex_rr(e, wide ? OP_CVTSI2SD : OP_CVTSI2SS, 1, 0, dst, dst, ra);
    else
        enc_rr(e, wide ? OP_CVTSI2SD : OP_CVTSI2SS, W64, dst, ra);
    x->val[v].clear = wide ? 8 : 4;
    if (c)
        cg_cold_done(x, c, dst);
}

const struct emit_row x64_emit_fp[] = {
    {IR_FADD, emit_arithmetic}, {IR_FSUB, emit_arithmetic}, {IR_FMUL, emit_arithmetic},
    {IR_FDIV, emit_arithmetic}, {IR_FSQRT, emit_fsqrt},     {IR_FMA, emit_fma},
    {IR_FRECPS, emit_step},     {IR_FRSQRTS, emit_step},    {IR_FMAX, emit_minmax},
    {IR_FMIN, emit_minmax},     {IR_FMAXNM, emit_minmax},   {IR_FMINNM, emit_minmax},
    {IR_FCMP, emit_fcmp},       {IR_FCEQ, emit_fcmask},     {IR_FCGE, emit_fcmask},
    {IR_FCGT, emit_fcmask},     {IR_FACGE, emit_fcmask},    {IR_FACGT, emit_fcmask},
    {IR_FCVT, emit_fcvt},       {IR_FCVTL, emit_fcvt_pair}, {IR_FCVTN, emit_fcvt_pair},
    {IR_FRINT, emit_frint},     {IR_FTOI, emit_ftoi},       {IR_ITOF, emit_itof},
    {IR_OP_COUNT, 0},           {IR_OP_COUNT, 0},
};
