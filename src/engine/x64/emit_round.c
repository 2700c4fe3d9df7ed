/* SPDX-License-Identifier: Apache-2.0 */
/* Halved sums and differences without loss, rounded shifts, leading zeros. */
#include "engine/x64/vec.h"

static const uint16_t padd[4] = {OP_PADDB, OP_PADDW, OP_PADDD, OP_PADDQ};
static const uint16_t psub[4] = {OP_PSUBB, OP_PSUBW, OP_PSUBD, OP_PSUBQ};

/* dst = x in every lane of esz. */
static void splat(struct x64 *x, unsigned esz, unsigned dst, uint64_t value)
{
    for (unsigned n = 8u << esz; n < 64; n *= 2)
        value |= value << n;
    vec_splat(x, dst, value);
}

/* dst = lanes of src shifted right by n, 1 to their width; t is scratch. Bytes are shifted as words
 * and masked, signed ones extended from what was the sign. */
static void shift_right(struct x64 *x, bool is_signed, unsigned esz, unsigned dst, unsigned src,
                        unsigned n, unsigned t)
{
    if (esz) {
        vec_vshift(x, vec_shift_op(esz), is_signed ? FORM_RIGHT_SIGNED : FORM_RIGHT, dst, src, n);
        return;
    }
    if (is_signed && n > 7)
        n = 7;
    vec_vshift(x, OP_PSHIFTW_IMM, FORM_RIGHT, dst, src, n);
    splat(x, 0, t, 0xffu >> n);
    vec_into(x, OP_PAND, dst, t);
    if (is_signed) {
        splat(x, 0, t, 0x80u >> n);
        vec_into(x, OP_PXOR, dst, t);
        vec_into(x, OP_PSUBB, dst, t);
    }
}

/* (a + b) / 2 is what both have and half of what one has; rounded up, what either has less half of
 * that. (a - b) / 2 is half of what one has less what only b has. */
static void emit_halving(struct x64 *x, ir_ref v)
{
    const struct ir_insn *insn = &x->insn[v];
    unsigned esz = insn->aux & 3, op = insn->op;
    bool is_signed = op == IR_VSHADD || op == IR_VSRHADD || op == IR_VSHSUB;
    if (esz == 3) {
        cg_eval(x, v);
        return;
    }
    unsigned a = ra_xuse(x, insn->arg[0]), b = ra_xuse(x, insn->arg[1]);
    unsigned t = ra_xtemp(x), u = ra_xtemp(x), dst = ra_xdef(x, v);
    vec_three(x, OP_PXOR, t, a, b);
    shift_right(x, is_signed, esz, t, t, 1, u);
    switch (op) {
    case IR_VSHADD:
    case IR_VUHADD:
        vec_three(x, OP_PAND, dst, a, b);
        vec_into(x, padd[esz], dst, t);
        break;
    case IR_VSRHADD:
    case IR_VURHADD:
        vec_three(x, OP_POR, dst, a, b);
        vec_into(x, psub[esz], dst, t);
        break;
    default:
        vec_three(x, OP_PANDN, u, a, b); /* ~a & b */
        vec_three(x, psub[esz], dst, t, u);
    }
}

/* Bytes and words without sign are averaged by one instruction. */
static void emit_vurhadd(struct x64 *x, ir_ref v)
{
    const struct ir_insn *insn = &x->insn[v];
    unsigned esz = insn->aux & 3;
    if (esz < 2)
        vec_binary(x, v, esz ? OP_PAVGW : OP_PAVGB, insn->arg[0], insn->arg[1]);
    else
        emit_halving(x, v);
}

/* The last bit that is shifted out is added. */
static void emit_rounded(struct x64 *x, ir_ref v)
{
    const struct ir_insn *insn = &x->insn[v];
    unsigned esz = insn->aux & 3, n = (unsigned)insn->imm, bits = 8u << esz;
    bool is_signed = insn->op == IR_VRSARI;
    if (esz == 3 && is_signed) {
        cg_eval(x, v);
        return;
    }
    unsigned a = ra_xuse(x, insn->arg[0]), t = ra_xtemp(x), u = ra_xtemp(x), dst = ra_xdef(x, v);
    shift_right(x, is_signed, esz, dst, a, n, t);
    if (esz) {
        vec_vshift(x, vec_shift_op(esz), FORM_LEFT, t, a, bits - n);
        vec_vshift(x, vec_shift_op(esz), FORM_RIGHT, t, t, bits - 1);
    } else {
        vec_vshift(x, OP_PSHIFTW_IMM, FORM_RIGHT, t, a, n - 1);
        splat(x, 0, u, 1);
        vec_into(x, OP_PAND, t, u);
    }
    vec_into(x, padd[esz], dst, t);
}

/* Doublewords, where the host counts them (AVX512CD). Sign bits are leading zeros of the places
 * where a bit differs from the one below; the lowest ends the count. */
static void emit_leading(struct x64 *x, ir_ref v)
{
    const struct ir_insn *insn = &x->insn[v];
    if ((insn->aux & 3) != 2 || x->config.host.level < X64_V4) {
        cg_eval(x, v);
        return;
    }
    unsigned a = ra_xuse(x, insn->arg[0]), dst = ra_xdef(x, v);
    if (insn->op == IR_VCLS) {
        unsigned t = ra_xtemp(x);
        vec_vshift(x, OP_PSHIFTD_IMM, FORM_LEFT, dst, a, 1);
        vec_into(x, OP_PXOR, dst, a);
        vec_ones(x, t);
        vec_vshift(x, OP_PSHIFTD_IMM, FORM_RIGHT, t, t, 31);
        vec_into(x, OP_POR, dst, t);
        a = dst;
    }
    enc_evex_rr(&x->e, OP_VPLZCNTD, 0, dst, 0, a);
}

const struct emit_row x64_emit_round[] = {
    {IR_VSHADD, emit_halving},  {IR_VUHADD, emit_halving}, {IR_VSRHADD, emit_halving},
    {IR_VURHADD, emit_vurhadd}, {IR_VSHSUB, emit_halving}, {IR_VUHSUB, emit_halving},
    {IR_VRSHRI, emit_rounded},  {IR_VRSARI, emit_rounded}, {IR_VCLZ, emit_leading},
    {IR_VCLS, emit_leading},    {IR_OP_COUNT, 0},
};
