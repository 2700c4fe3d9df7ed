/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Saturating vector arithmetic. Each computes next to the result a register that is zero unless a
 * lane has saturated, and sets FPSR.QC if it is not. Lanes outside the vform neither count nor
 * show.
 */
#include "engine/x64/vec.h"

enum { FPSR_QC = 1 << 27, LEFT_BYTES = 7 };

static const uint16_t padd[4] = {OP_PADDB, OP_PADDW, OP_PADDD, OP_PADDQ};
static const uint16_t psub[4] = {OP_PSUBB, OP_PSUBW, OP_PSUBD, OP_PSUBQ};
static const uint16_t pcmpeq[4] = {OP_PCMPEQB, OP_PCMPEQW, OP_PCMPEQD, OP_PCMPEQQ};

static unsigned esz_of(struct x64 *x, ir_ref v)
{
    return IR_VFORM_ESZ(x->insn[v].aux);
}

/* The lanes of the form, the rest cleared. */
static void keep_lanes(struct x64 *x, unsigned aux, unsigned reg)
{
    unsigned above = 16 - (1u << IR_VFORM_ESZ(aux));
    switch (IR_VFORM_LANES(aux)) {
    case IR_LANES_64:
        enc_sse1_rr(&x->e, OP_MOVQ_LOAD, reg, reg);
        break;
    case IR_LANES_1:
        vec_vshift(x, OP_PSHIFTQ_IMM, LEFT_BYTES, reg, reg, above);
        vec_vshift(x, OP_PSHIFTQ_IMM, FORM_RIGHT_BYTES, reg, reg, above);
        break;
    default:
        break;
    }
}

/* FPSR.QC if lost is not zero. EFLAGS are free. */
static void set_qc(struct x64 *x, unsigned lost)
{
    struct x64_mem fpsr = cpu_mem(x->layout.fpenv + (int32_t)offsetof(struct ir_fpenv, fpsr));
    enc_sse1_rr(&x->e, OP_PTEST, lost, lost);
    size_t none = enc_jcc8(&x->e, CC_E);
    enc_alu_mem_imm(&x->e, ALU_OR, W32, fpsr, FPSR_QC);
    enc_patch8(&x->e, none);
}

/* The end of them all. */
static void finish(struct x64 *x, ir_ref v, unsigned dst, unsigned lost)
{
    unsigned aux = x->insn[v].aux;
    keep_lanes(x, aux, dst);
    keep_lanes(x, aux, lost);
    set_qc(x, lost);
    if (IR_VFORM_LANES(aux) == IR_LANES_64)
        x->val[v].clear = 8;
    else if (IR_VFORM_LANES(aux) == IR_LANES_1)
        x->val[v].clear = (uint8_t)(1u << IR_VFORM_ESZ(aux));
}

/* dst = the least number of signed lanes in every lane. */
static void least(struct x64 *x, unsigned esz, unsigned dst)
{
    static const uint8_t sign[4] = {POOL_SIGN_BYTES, POOL_SIGN_WORDS, POOL_SIGN_DWORDS,
                                    POOL_SIGN_QWORDS};
    enc_sse1_rm(&x->e, OP_MOVDQU_LOAD, dst, cg_pool(x, (enum pool)sign[esz]));
}

/* --- sums and differences --------------------------------------------------------------------- */

/* Bytes and words: the saturated result differs from the wrapped one. */
static void narrow_sum(struct x64 *x, ir_ref v, bool subtract, bool is_signed)
{
    static const uint16_t saturate[2][2][2] = {{{OP_PADDUSB, OP_PADDUSW}, {OP_PADDSB, OP_PADDSW}},
                                               {{OP_PSUBUSB, OP_PSUBUSW}, {OP_PSUBSB, OP_PSUBSW}}};
    const struct ir_insn *insn = &x->insn[v];
    unsigned esz = esz_of(x, v);
    unsigned a = ra_xuse(x, insn->arg[0]), b = ra_xuse(x, insn->arg[1]);
    unsigned lost = ra_xtemp(x), dst = ra_xdef(x, v);
    vec_three(x, saturate[subtract][is_signed][esz], dst, a, b);
    vec_three(x, subtract ? psub[esz] : padd[esz], lost, a, b);
    vec_into(x, OP_PXOR, lost, dst);
    finish(x, v, dst, lost);
}

/* Doublewords: a sum has wrapped if it is below a, a difference if a is below b. */
static void unsigned_sum(struct x64 *x, ir_ref v, bool subtract)
{
    const struct ir_insn *insn = &x->insn[v];
    unsigned a = ra_xuse(x, insn->arg[0]), b = ra_xuse(x, insn->arg[1]);
    unsigned lost = ra_xtemp(x), t = ra_xtemp(x), dst = ra_xdef(x, v);
    vec_three(x, subtract ? OP_PSUBD : OP_PADDD, dst, a, b);
    vec_three(x, OP_PMAXUD, t, a, subtract ? b : dst);
    vec_into(x, OP_PCMPEQD, t, subtract ? a : dst); /* ones where it fits */
    vec_ones(x, lost);
    vec_into(x, OP_PXOR, lost, t);
    if (subtract)
        vec_into(x, OP_PAND, dst, t);
    else
        vec_into(x, OP_POR, dst, lost);
    finish(x, v, dst, lost);
}

/* Doublewords and quadwords: the sign is wrong; then the largest of a's sign is taken. */
static void signed_sum(struct x64 *x, ir_ref v, bool subtract)
{
    const struct ir_insn *insn = &x->insn[v];
    unsigned esz = esz_of(x, v);
    unsigned a = ra_xuse(x, insn->arg[0]), b = ra_xuse(x, insn->arg[1]);
    unsigned lost = ra_xtemp(x), t = ra_xtemp(x), dst = ra_xdef(x, v);
    vec_three(x, subtract ? psub[esz] : padd[esz], dst, a, b);
    vec_three(x, OP_PXOR, t, a, subtract ? b : dst);
    vec_three(x, OP_PXOR, lost, dst, subtract ? a : b);
    vec_into(x, OP_PAND, lost, t);
    if (esz == 2) { /* the sign bit in all bits */
        vec_vshift(x, OP_PSHIFTD_IMM, FORM_RIGHT_SIGNED, lost, lost, 31);
        vec_vshift(x, OP_PSHIFTD_IMM, FORM_RIGHT_SIGNED, t, dst, 31);
    } else {
        unsigned zero = ra_xtemp(x);
        vec_zero(x, zero);
        vec_three(x, OP_PCMPGTQ, t, zero, lost);
        vec_vmov(x, lost, t);
        vec_three(x, OP_PCMPGTQ, t, zero, dst);
    }
    unsigned limit = ra_xtemp(x); /* the wrapped sign's opposite: least ^ sign */
    least(x, esz, limit);
    vec_into(x, OP_PXOR, limit, t);
    vec_into(x, OP_PXOR, limit, dst);
    vec_into(x, OP_PAND, limit, lost);
    vec_into(x, OP_PXOR, dst, limit);
    finish(x, v, dst, lost);
}

static void emit_sum(struct x64 *x, ir_ref v)
{
    unsigned op = x->insn[v].op, esz = esz_of(x, v);
    bool subtract = op == IR_VSQSUB || op == IR_VUQSUB;
    bool is_signed = op == IR_VSQADD || op == IR_VSQSUB;
    fl_clobber(x);
    if (esz < 2)
        narrow_sum(x, v, subtract, is_signed);
    else if (is_signed)
        signed_sum(x, v, subtract);
    else if (esz == 2)
        unsigned_sum(x, v, subtract);
    else
        cg_eval(x, v);
}

/* Only the least number has no opposite. */
static void emit_opposite(struct x64 *x, ir_ref v)
{
    static const uint16_t pabs[3] = {OP_PABSB, OP_PABSW, OP_PABSD};
    const struct ir_insn *insn = &x->insn[v];
    unsigned esz = esz_of(x, v);
    fl_clobber(x);
    if (esz == 3) {
        cg_eval(x, v);
        return;
    }
    unsigned a = ra_xuse(x, insn->arg[0]), lost = ra_xtemp(x), dst = ra_xdef(x, v);
    if (insn->op == IR_VSQABS) {
        enc_sse1_rr(&x->e, pabs[esz], dst, a);
    } else {
        vec_zero(x, dst);
        vec_into(x, psub[esz], dst, a);
    }
    least(x, esz, lost);
    vec_into(x, pcmpeq[esz], lost, a);
    vec_into(x, OP_PXOR, dst, lost);
    finish(x, v, dst, lost);
}

/* --- narrowing -------------------------------------------------------------------------------- */

/* What was lost shows when the result is widened again. */
static void emit_narrow(struct x64 *x, ir_ref v)
{
    static const uint16_t pack[3][2] = {
        {OP_PACKSSWB, OP_PACKSSDW}, {OP_PACKUSWB, OP_PACKUSDW}, {OP_PACKUSWB, OP_PACKUSDW}};
    static const uint16_t widen[2][2] = {{OP_PMOVSXBW, OP_PMOVSXWD}, {OP_PMOVZXBW, OP_PMOVZXWD}};
    static const uint16_t min[2] = {OP_PMINUW, OP_PMINUD};
    const struct ir_insn *insn = &x->insn[v];
    unsigned esz = esz_of(x, v), kind = insn->op - IR_VSQXTN;
    fl_clobber(x);
    if (esz > 1 || IR_VFORM_LANES(insn->aux) != IR_LANES_128) {
        cg_eval(x, v);
        return;
    }
    unsigned a = ra_xuse(x, insn->arg[0]), lost = ra_xtemp(x), dst = ra_xdef(x, v);
    vec_vmov(x, dst, a);
    if (insn->op == IR_VUQXTN) /* packing takes its source as signed */
        vec_into_pool(x, min[esz], dst, esz ? POOL_LOW_WORDS : POOL_LOW_BYTES);
    vec_zero(x, lost);
    vec_into(x, pack[kind][esz], dst, lost);
    enc_sse1_rr(&x->e, widen[insn->op != IR_VSQXTN][esz], lost, dst);
    vec_into(x, OP_PXOR, lost, a);
    set_qc(x, lost);
    x->val[v].clear = 8;
}

/* --- doubled products: too large only for twice the least number, whose product wraps to the
 * least number, which is no other's --- */

static void correct(struct x64 *x, unsigned esz, unsigned dst, unsigned lost)
{
    least(x, esz, lost);
    vec_into(x, pcmpeq[esz], lost, dst);
    vec_into(x, OP_PXOR, dst, lost);
}

static void words_high(struct x64 *x, bool round, unsigned dst, unsigned t, unsigned a, unsigned b)
{
    if (round) {
        vec_three(x, OP_PMULHRSW, dst, a, b);
        return;
    }
    vec_three(x, OP_PMULHW, dst, a, b);
    vec_three(x, OP_PMULLW, t, a, b);
    vec_into(x, OP_PADDW, dst, dst);
    vec_vshift(x, OP_PSHIFTW_IMM, FORM_RIGHT, t, t, 15);
    vec_into(x, OP_POR, dst, t);
}

static void doublewords_high(struct x64 *x, bool round, unsigned dst, unsigned t, unsigned a,
                             unsigned b)
{
    unsigned u = ra_xtemp(x);
    vec_three(x, OP_PMULDQ, dst, a, b);
    vec_vshift(x, OP_PSHIFTQ_IMM, FORM_RIGHT, t, a, 32);
    vec_vshift(x, OP_PSHIFTQ_IMM, FORM_RIGHT, u, b, 32);
    vec_into(x, OP_PMULDQ, t, u);
    vec_into(x, OP_PADDQ, dst, dst);
    vec_into(x, OP_PADDQ, t, t);
    if (round) { /* half of the upper words' last place */
        vec_ones(x, u);
        vec_vshift(x, OP_PSHIFTQ_IMM, FORM_RIGHT, u, u, 63);
        vec_vshift(x, OP_PSHIFTQ_IMM, FORM_LEFT, u, u, 31);
        vec_into(x, OP_PADDQ, dst, u);
        vec_into(x, OP_PADDQ, t, u);
    }
    vec_vshift(x, OP_PSHIFTQ_IMM, FORM_RIGHT, dst, dst, 32);
    enc_sse2_imm_rr(&x->e, OP_PBLENDW, dst, dst, t, 0xcc);
}

static void emit_high(struct x64 *x, ir_ref v)
{
    const struct ir_insn *insn = &x->insn[v];
    bool round = insn->op == IR_VSQRDMULH;
    unsigned esz = esz_of(x, v);
    unsigned a = ra_xuse(x, insn->arg[0]), b = ra_xuse(x, insn->arg[1]);
    unsigned lost = ra_xtemp(x), dst = ra_xdef(x, v);
    fl_clobber(x);
    if (esz == 1)
        words_high(x, round, dst, lost, a, b);
    else
        doublewords_high(x, round, dst, lost, a, b);
    correct(x, esz, dst, lost);
    finish(x, v, dst, lost);
}

static void emit_long(struct x64 *x, ir_ref v)
{
    const struct ir_insn *insn = &x->insn[v];
    unsigned esz = esz_of(x, v), half = insn->imm & 1;
    fl_clobber(x);
    if (IR_VFORM_LANES(insn->aux) != IR_LANES_128) {
        cg_eval(x, v);
        return;
    }
    unsigned a = ra_xuse(x, insn->arg[0]), b = ra_xuse(x, insn->arg[1]);
    unsigned lost = ra_xtemp(x), dst = ra_xdef(x, v);
    if (esz == 1) {
        unsigned t = ra_xtemp(x);
        vec_three(x, OP_PMULLW, dst, a, b);
        vec_three(x, OP_PMULHW, t, a, b);
        vec_into(x, half ? OP_PUNPCKHWD : OP_PUNPCKLWD, dst, t);
        vec_into(x, OP_PADDD, dst, dst);
    } else {
        enc_sse_imm_rr(&x->e, OP_PSHUFD, dst, a, half ? 0xfa : 0x50);
        enc_sse_imm_rr(&x->e, OP_PSHUFD, lost, b, half ? 0xfa : 0x50);
        vec_into(x, OP_PMULDQ, dst, lost);
        vec_into(x, OP_PADDQ, dst, dst);
    }
    correct(x, esz + 1, dst, lost);
    set_qc(x, lost);
}

const struct emit_row x64_emit_sat[] = {
    {IR_VSQADD, emit_sum},    {IR_VUQADD, emit_sum},      {IR_VSQSUB, emit_sum},
    {IR_VUQSUB, emit_sum},    {IR_VSQABS, emit_opposite}, {IR_VSQNEG, emit_opposite},
    {IR_VSQXTN, emit_narrow}, {IR_VSQXTUN, emit_narrow},  {IR_VUQXTN, emit_narrow},
    {IR_VSQDMULH, emit_high}, {IR_VSQRDMULH, emit_high},  {IR_VSQDMULL, emit_long},
    {IR_OP_COUNT, 0},
};
