/* SPDX-License-Identifier: Apache-2.0 */
/* Vector permutations, changes of width, bits of bytes, AES. */
#include "engine/x64/vec.h"

/* --- permutations ----------------------------------------------------------------------------- */

static void emit_vuzp(struct x64 *x, ir_ref v)
{
    const struct ir_insn *insn = &x->insn[v];
    unsigned esz = insn->aux & 3;
    bool odd = insn->op == IR_VUZP2;
    if (esz == 3) {
        vec_binary(x, v, odd ? OP_PUNPCKHQDQ : OP_PUNPCKLQDQ, insn->arg[0], insn->arg[1]);
        return;
    }
    unsigned a = ra_xuse(x, insn->arg[0]), b = ra_xuse(x, insn->arg[1]);
    unsigned dst = ra_xdef(x, v);
    if (esz == 2) {
        vec_three(x, OP_SHUFPS, dst, a, b);
        enc_u8(&x->e, odd ? 0xdd : 0x88);
        return;
    }
    unsigned t = ra_xtemp(x);
    if (odd) {
        vec_vshift(x, vec_shift_op(esz + 1), FORM_RIGHT, dst, a, 8u << esz);
        vec_vshift(x, vec_shift_op(esz + 1), FORM_RIGHT, t, b, 8u << esz);
    } else {
        enum pool low = esz ? POOL_LOW_WORDS : POOL_LOW_BYTES;
        vec_pool(x, OP_PAND, dst, a, low);
        vec_pool(x, OP_PAND, t, b, low);
    }
    vec_into(x, esz ? OP_PACKUSDW : OP_PACKUSWB, dst, t);
}

static void emit_vtrn(struct x64 *x, ir_ref v)
{
    const struct ir_insn *insn = &x->insn[v];
    unsigned esz = insn->aux & 3;
    bool odd = insn->op == IR_VTRN2;
    if (esz == 3) {
        vec_binary(x, v, odd ? OP_PUNPCKHQDQ : OP_PUNPCKLQDQ, insn->arg[0], insn->arg[1]);
        return;
    }
    /* one operand shifted by a lane, the other's lanes blended in */
    unsigned a = ra_xuse(x, insn->arg[0]), b = ra_xuse(x, insn->arg[1]);
    unsigned t = ra_xtemp(x), dst = ra_xdef(x, v);
    vec_vshift(x, vec_shift_op(esz + 1), odd ? FORM_RIGHT : FORM_LEFT, t, odd ? a : b, 8u << esz);
    if (esz) {
        unsigned mask = esz == 1 ? 0xaa : 0xcc;
        vec_vmov(x, dst, odd ? t : a);
        enc_sse2_imm_rr(&x->e, OP_PBLENDW, dst, dst, odd ? b : t, mask);
    } else if (odd) {
        enc_sse1_rm(&x->e, OP_MOVDQU_LOAD, dst, cg_pool(x, POOL_LOW_BYTES));
        vec_into(x, OP_PANDN, dst, b);
        vec_into(x, OP_POR, dst, t);
    } else {
        vec_pool(x, OP_PAND, dst, a, POOL_LOW_BYTES);
        vec_into(x, OP_POR, dst, t);
    }
}

static void emit_vext(struct x64 *x, ir_ref v)
{
    const struct ir_insn *insn = &x->insn[v];
    unsigned a = ra_xuse(x, insn->arg[0]), b = ra_xuse(x, insn->arg[1]);
    unsigned dst = ra_xdef(x, v);
    vec_three(x, OP_PALIGNR, dst, b, a);
    enc_u8(&x->e, (unsigned)insn->imm);
}

static void emit_vrev(struct x64 *x, ir_ref v)
{
    static const uint8_t shuffle[2][4] = {{0, POOL_REV_8_16, POOL_REV_8_32, POOL_REV_8_64},
                                          {0, 0, POOL_REV_16_32, POOL_REV_16_64}};
    const struct ir_insn *insn = &x->insn[v];
    unsigned esz = insn->aux & 3, group = (unsigned)insn->imm & 3;
    unsigned a = ra_xuse(x, insn->arg[0]), dst = ra_xdef(x, v);
    if (group <= esz) {
        vec_vmov(x, dst, a);
    } else if (esz == 2) {
        enc_sse_imm_rr(&x->e, OP_PSHUFD, dst, a, 0xb1);
    } else if (esz == 1 && group == 2 && x->config.host.level >= X64_V4) {
        enc_evex_rr(&x->e, OP_VPROR_IMM, 0, 0, dst, a);
        enc_u8(&x->e, 16);
    } else {
        vec_pool(x, OP_PSHUFB, dst, a, shuffle[esz][group]);
    }
}

/* Bytes above 15 index nothing: adding 70h, saturated, sets their top bit. */
static void emit_vtbl(struct x64 *x, ir_ref v)
{
    const struct ir_insn *insn = &x->insn[v];
    unsigned a = ra_xuse(x, insn->arg[0]), b = ra_xuse(x, insn->arg[1]);
    unsigned t = ra_xtemp(x), dst = ra_xdef(x, v);
    vec_pool(x, OP_PADDUSB, t, b, POOL_BYTES_70);
    vec_three(x, OP_PSHUFB, dst, a, t);
}

/* --- widths ----------------------------------------------------------------------------------- */

static void emit_vpaddl(struct x64 *x, ir_ref v)
{
    const struct ir_insn *insn = &x->insn[v];
    unsigned esz = insn->aux & 3;
    if (esz == 1 || esz == 2) {
        vec_binary(x, v, esz == 1 ? OP_PHADDW : OP_PHADDD, insn->arg[0], insn->arg[1]);
        return;
    }
    unsigned a = ra_xuse(x, insn->arg[0]), b = ra_xuse(x, insn->arg[1]);
    unsigned t = ra_xtemp(x), dst = ra_xdef(x, v);
    if (esz == 3) {
        vec_three(x, OP_PUNPCKLQDQ, dst, a, b);
        vec_three(x, OP_PUNPCKHQDQ, t, a, b);
        vec_into(x, OP_PADDQ, dst, t);
        return;
    }
    /* neighbours added in words, the low bytes packed */
    vec_vshift(x, OP_PSHIFTW_IMM, FORM_RIGHT, dst, a, 8);
    vec_into(x, OP_PADDW, dst, a);
    vec_into_pool(x, OP_PAND, dst, POOL_LOW_BYTES);
    vec_vshift(x, OP_PSHIFTW_IMM, FORM_RIGHT, t, b, 8);
    vec_into(x, OP_PADDW, t, b);
    vec_into_pool(x, OP_PAND, t, POOL_LOW_BYTES);
    vec_into(x, OP_PACKUSWB, dst, t);
}

/* dst = half of src, lanes of esz extended to twice the width. */
static void widen(struct x64 *x, bool is_signed, unsigned esz, bool high, unsigned dst,
                  unsigned src)
{
    static const uint16_t op[2][3] = {{OP_PMOVZXBW, OP_PMOVZXWD, OP_PMOVZXDQ},
                                      {OP_PMOVSXBW, OP_PMOVSXWD, OP_PMOVSXDQ}};
    if (high) {
        enc_sse_imm_rr(&x->e, OP_PSHUFD, dst, src, 0xee);
        src = dst;
    }
    enc_sse1_rr(&x->e, op[is_signed][esz], dst, src);
}

static void emit_vwiden(struct x64 *x, ir_ref v)
{
    const struct ir_insn *insn = &x->insn[v];
    unsigned esz = insn->aux & 3;
    if (esz == 3) {
        cg_eval(x, v);
        return;
    }
    unsigned a = ra_xuse(x, insn->arg[0]), dst = ra_xdef(x, v);
    widen(x, insn->op == IR_VWIDENS, esz, insn->imm & 1, dst, a);
}

static void emit_vnarrow(struct x64 *x, ir_ref v)
{
    const struct ir_insn *insn = &x->insn[v];
    unsigned esz = insn->aux & 3;
    if (esz == 3) {
        cg_eval(x, v);
        return;
    }
    unsigned a = ra_xuse(x, insn->arg[0]), dst = ra_xdef(x, v), t = ra_xtemp(x);
    vec_zero(x, t);
    if (esz == 2) {
        vec_three(x, OP_SHUFPS, dst, a, t);
        enc_u8(&x->e, 0x88);
    } else {
        vec_pool(x, OP_PAND, dst, a, esz ? POOL_LOW_WORDS : POOL_LOW_BYTES);
        vec_into(x, esz ? OP_PACKUSDW : OP_PACKUSWB, dst, t);
    }
}

static void emit_vmull(struct x64 *x, ir_ref v)
{
    const struct ir_insn *insn = &x->insn[v];
    unsigned esz = insn->aux & 3;
    bool is_signed = insn->op == IR_VSMULL, high = insn->imm & 1;
    if (esz == 3) {
        cg_eval(x, v);
        return;
    }
    unsigned a = ra_xuse(x, insn->arg[0]), b = ra_xuse(x, insn->arg[1]);
    unsigned t = ra_xtemp(x), dst = ra_xdef(x, v);
    if (esz == 2) { /* pmuldq multiplies the even words */
        unsigned shuffle = high ? 0xfa : 0x50;
        const struct ir_insn *by = &x->insn[x->val[insn->arg[1]].rep];
        bool same = by->op == IR_VDUPLANE && (by->aux & 3) <= 2; /* all its words */
        enc_sse_imm_rr(&x->e, OP_PSHUFD, dst, a, shuffle);
        if (!same)
            enc_sse_imm_rr(&x->e, OP_PSHUFD, t, b, shuffle);
        vec_into(x, is_signed ? OP_PMULDQ : OP_PMULUDQ, dst, same ? b : t);
    } else {
        widen(x, is_signed, esz, high, dst, a);
        widen(x, is_signed, esz, high, t, b);
        vec_into(x, esz ? OP_PMULLD : OP_PMULLW, dst, t);
    }
}

/* --- bits ------------------------------------------------------------------------------------- */

/* dst = sum or union of two table look-ups by nibble. */
static void by_nibble(struct x64 *x, ir_ref v, enum pool low, enum pool high, unsigned combine)
{
    unsigned a = ra_xuse(x, x->insn[v].arg[0]);
    unsigned t = ra_xtemp(x), u = ra_xtemp(x), dst = ra_xdef(x, v);
    vec_pool(x, OP_PAND, t, a, POOL_LOW_NIBBLES);
    vec_vshift(x, OP_PSHIFTW_IMM, FORM_RIGHT, u, a, 4);
    vec_into_pool(x, OP_PAND, u, POOL_LOW_NIBBLES);
    enc_sse1_rm(&x->e, OP_MOVDQU_LOAD, dst, cg_pool(x, low));
    vec_into(x, OP_PSHUFB, dst, t);
    enc_sse1_rm(&x->e, OP_MOVDQU_LOAD, t, cg_pool(x, high));
    vec_into(x, OP_PSHUFB, t, u);
    vec_into(x, combine, dst, t);
}

static void emit_vcnt(struct x64 *x, ir_ref v)
{
    by_nibble(x, v, POOL_NIBBLE_ONES, POOL_NIBBLE_ONES, OP_PADDB);
}

static void emit_vrbit(struct x64 *x, ir_ref v)
{
    by_nibble(x, v, POOL_NIBBLE_REVERSE, POOL_NIBBLE_REVERSE_LOW, OP_POR);
}

static void emit_vpmull(struct x64 *x, ir_ref v)
{
    const struct ir_insn *insn = &x->insn[v];
    if ((insn->aux & 3) != 3 || !x->config.host.pclmul) {
        cg_eval(x, v);
        return;
    }
    unsigned a = ra_xuse(x, insn->arg[0]), b = ra_xuse(x, insn->arg[1]);
    unsigned dst = ra_xdef(x, v);
    vec_three(x, OP_PCLMULQDQ, dst, a, b);
    enc_u8(&x->e, insn->imm & 1 ? 0x11 : 0x00);
}

/* --- AES (manual C7.2): the key is added before the substitution, x86 adds it after ----------- */

/* dst = arguments of v, state and key, added, by one of the instructions without a key of its own. */
static void aes_round(struct x64 *x, ir_ref v, unsigned op, ir_ref result)
{
    const struct ir_insn *insn = &x->insn[v];
    unsigned a = ra_xuse(x, insn->arg[0]), b = ra_xuse(x, insn->arg[1]);
    unsigned dst = ra_xdef(x, result);
    vec_three(x, OP_PXOR, dst, a, b);
    vec_into_pool(x, op, dst, POOL_ZERO);
}

static void emit_aes(struct x64 *x, ir_ref v)
{
    if (x->config.host.aes)
        aes_round(x, v, x->insn[v].op == IR_AESE ? OP_AESENCLAST : OP_AESDECLAST, v);
    else
        cg_eval(x, v);
}

static void emit_aesmc(struct x64 *x, ir_ref v)
{
    const struct ir_insn *insn = &x->insn[v];
    ir_ref round = x->val[insn->arg[0]].rep;
    if (x->val[round].at == AT_LAZY) { /* with what came before it is x86's whole round */
        aes_round(x, round, insn->op == IR_AESMC ? OP_AESENC : OP_AESDEC, v);
        return;
    }
    if (!x->config.host.aes) {
        cg_eval(x, v);
        return;
    }
    if (insn->op == IR_AESIMC) {
        vec_unary(x, v, OP_AESIMC);
        return;
    }
    /* the inverse substitution and shift, which the whole round undoes again */
    unsigned a = ra_xuse(x, insn->arg[0]), t = ra_xtemp(x), dst = ra_xdef(x, v);
    vec_zero(x, t);
    vec_three(x, OP_AESDECLAST, dst, a, t);
    vec_into(x, OP_AESENC, dst, t);
}

const struct emit_row x64_emit_perm[] = {
    {IR_VUZP1, emit_vuzp},     {IR_VUZP2, emit_vuzp},      {IR_VTRN1, emit_vtrn},
    {IR_VTRN2, emit_vtrn},     {IR_VEXT, emit_vext},       {IR_VREV, emit_vrev},
    {IR_VTBL, emit_vtbl},      {IR_VPADDL, emit_vpaddl},   {IR_VWIDENU, emit_vwiden},
    {IR_VWIDENS, emit_vwiden}, {IR_VNARROW, emit_vnarrow}, {IR_VSMULL, emit_vmull},
    {IR_VUMULL, emit_vmull},   {IR_VCNT, emit_vcnt},       {IR_VRBIT, emit_vrbit},
    {IR_VPMULL, emit_vpmull},  {IR_AESE, emit_aes},        {IR_AESD, emit_aes},
    {IR_AESMC, emit_aesmc},    {IR_AESIMC, emit_aesmc},    {IR_OP_COUNT, 0},
};
