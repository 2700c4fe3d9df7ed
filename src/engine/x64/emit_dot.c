/* SPDX-License-Identifier: Apache-2.0 */
/* Dot products of bytes. */
#include "engine/x64/vec.h"

/* acc += products of a's unsigned and b's signed bytes, exact. */
static void dpbusd(struct x64 *x, unsigned acc, unsigned a, unsigned b)
{
    enc_evex_rr(&x->e, OP_VPDPBUSD, 0, acc, a, b);
}

static unsigned bytes(struct x64 *x, enum pool which)
{
    unsigned t = ra_xtemp(x);
    enc_sse1_rm(&x->e, OP_MOVDQU_LOAD, t, cg_pool(x, which));
    return t;
}

/* The sum of products in a register of its own, so that a chain of accumulations waits for one
 * addition each. Like signs: one operand is moved by 128, which is taken back. */
static void dot_vnni(struct x64 *x, unsigned op, unsigned dst, unsigned a, unsigned b, unsigned c)
{
    unsigned sum = ra_xtemp(x);
    vec_zero(x, sum);
    if (op == IR_VUSDOT) {
        dpbusd(x, sum, a, b);
        vec_three(x, OP_PADDD, dst, c, sum);
        return;
    }
    unsigned moved = bytes(x, POOL_SIGN_BYTES), less = ra_xtemp(x);
    vec_zero(x, less);
    if (op == IR_VSDOT) { /* (a + 128) b - 128 b */
        dpbusd(x, less, moved, b);
        vec_into(x, OP_PXOR, moved, a);
        dpbusd(x, sum, moved, b);
        vec_into(x, OP_PSUBD, sum, less);
    } else { /* a (b - 128) + 2 * 64 a */
        unsigned quarter = bytes(x, POOL_BYTES_40);
        vec_into(x, OP_PXOR, moved, b);
        dpbusd(x, sum, a, moved);
        dpbusd(x, less, a, quarter);
        vec_into(x, OP_PADDD, less, less);
        vec_into(x, OP_PADDD, sum, less);
    }
    vec_three(x, OP_PADDD, dst, c, sum);
}

/* dst = the even bytes of src as words, odd = the odd ones. */
static void split(struct x64 *x, bool is_signed, unsigned even, unsigned odd, unsigned src)
{
    if (is_signed) {
        vec_vshift(x, OP_PSHIFTW_IMM, FORM_LEFT, even, src, 8);
        vec_vshift(x, OP_PSHIFTW_IMM, FORM_RIGHT_SIGNED, even, even, 8);
        vec_vshift(x, OP_PSHIFTW_IMM, FORM_RIGHT_SIGNED, odd, src, 8);
    } else {
        vec_vmov(x, even, src);
        vec_into_pool(x, OP_PAND, even, POOL_LOW_BYTES);
        vec_vshift(x, OP_PSHIFTW_IMM, FORM_RIGHT, odd, src, 8);
    }
}

static void emit_dot(struct x64 *x, ir_ref v)
{
    const struct ir_insn *insn = &x->insn[v];
    unsigned a = ra_xuse(x, insn->arg[0]), b = ra_xuse(x, insn->arg[1]);
    unsigned c = ra_xuse(x, insn->arg[2]), dst = ra_xdef(x, v);
    if (x->config.host.vnni) {
        dot_vnni(x, insn->op, dst, a, b, c);
        return;
    }
    unsigned even = ra_xtemp(x), odd = ra_xtemp(x), even_b = ra_xtemp(x), odd_b = ra_xtemp(x);
    split(x, insn->op == IR_VSDOT, even, odd, a);
    split(x, insn->op != IR_VUDOT, even_b, odd_b, b);
    vec_into(x, OP_PMADDWD, even, even_b);
    vec_into(x, OP_PMADDWD, odd, odd_b);
    vec_into(x, OP_PADDD, even, odd);
    vec_three(x, OP_PADDD, dst, c, even);
}

const struct emit_row x64_emit_dot[] = {
    {IR_VSDOT, emit_dot},
    {IR_VUDOT, emit_dot},
    {IR_VUSDOT, emit_dot},
    {IR_OP_COUNT, 0},
};
