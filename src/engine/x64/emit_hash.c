/* SPDX-License-Identifier: Apache-2.0 */
/* Hashes: what SHA-3 is made of, SHA-512 in vector registers, SHA-1 and SHA-256 on the host's
 * units. */
#include "engine/x64/vec.h"

enum { SWAP = 0x4e, REVERSE = 0x1b, PAIRS = 0xb1 }; /* pshufd: halves, all words, words in halves */

static bool evex(const struct x64 *x)
{
    return x->config.host.level >= X64_V4;
}

/* Truth tables for vpternlog of A (the destination), B and C. */
enum { XOR3 = 0x96, BCAX = 0xb4, CHOOSE = 0xca, MAJORITY = 0xe8 };

static void ternary(struct x64 *x, unsigned table, unsigned dst, unsigned b, unsigned c)
{
    enc_evex_rr(&x->e, OP_VPTERNLOG, 1, dst, b, c);
    enc_u8(&x->e, table);
}

/* dst = src rotated right within lanes of esz (1..3); t is scratch, where there is no vpror. */
static void rotate(struct x64 *x, unsigned esz, unsigned dst, unsigned src, unsigned n, unsigned t)
{
    if (evex(x) && esz >= 2) {
        enc_evex_rr(&x->e, OP_VPROR_IMM, esz == 3, 0, dst, src);
        enc_u8(&x->e, n);
        return;
    }
    vec_vshift(x, vec_shift_op(esz), FORM_LEFT, t, src, (8u << esz) - n);
    vec_vshift(x, vec_shift_op(esz), FORM_RIGHT, dst, src, n);
    vec_into(x, OP_POR, dst, t);
}

/* --- SHA-3 ------------------------------------------------------------------------------------ */

static void emit_three(struct x64 *x, ir_ref v)
{
    const struct ir_insn *insn = &x->insn[v];
    bool is_xor = insn->op == IR_VXOR3;
    unsigned a = ra_xuse(x, insn->arg[0]), b = ra_xuse(x, insn->arg[1]);
    unsigned c = ra_xuse(x, insn->arg[2]);
    if (evex(x)) {
        unsigned dst = ra_xdef_copy(x, v, insn->arg[0], a == b || a == c ? a : NOREG);
        ternary(x, is_xor ? XOR3 : BCAX, dst, b, c);
        return;
    }
    unsigned dst = ra_xdef(x, v);
    if (is_xor)
        vec_three(x, OP_PXOR, dst, b, c);
    else
        vec_three(x, OP_PANDN, dst, c, b);
    vec_into(x, OP_PXOR, dst, a);
}

static void emit_vrori(struct x64 *x, ir_ref v)
{
    const struct ir_insn *insn = &x->insn[v];
    unsigned esz = insn->aux & 3, n = (unsigned)insn->imm;
    if (esz == 0) {
        cg_eval(x, v);
        return;
    }
    unsigned a = ra_xuse(x, insn->arg[0]), t = ra_xtemp(x), dst = ra_xdef(x, v);
    if (n)
        rotate(x, esz, dst, a, n, t);
    else
        vec_vmov(x, dst, a);
}

/* --- SHA-512 (FIPS 180-4, 4.1.3): both rounds are worked on in the lower lane -----------------
 */

struct sigma {
    uint8_t first, second, third;
    bool shift; /* the third is a shift */
};

static const struct sigma big0 = {28, 34, 39, false}, big1 = {14, 18, 41, false},
                          small0 = {1, 8, 7, true}, small1 = {19, 61, 6, true};

/* dst = sigma(src); t and u are scratch. */
static void sigma(struct x64 *x, const struct sigma *s, unsigned dst, unsigned src, unsigned t,
                  unsigned u)
{
    rotate(x, 3, dst, src, s->first, u);
    rotate(x, 3, t, src, s->second, u);
    if (evex(x)) {
        if (s->shift)
            vec_vshift(x, OP_PSHIFTQ_IMM, FORM_RIGHT, u, src, s->third);
        else
            rotate(x, 3, u, src, s->third, NOREG);
        ternary(x, XOR3, dst, t, u);
        return;
    }
    vec_into(x, OP_PXOR, dst, t);
    if (s->shift)
        vec_vshift(x, OP_PSHIFTQ_IMM, FORM_RIGHT, t, src, s->third);
    else
        rotate(x, 3, t, src, s->third, u);
    vec_into(x, OP_PXOR, dst, t);
}

/* dst = a ? b : c, or the majority of the three, by bits; t is scratch. */
static void boolean(struct x64 *x, bool choose, unsigned dst, unsigned a, unsigned b, unsigned c,
                    unsigned t)
{
    if (evex(x)) {
        vec_vmov(x, dst, a);
        ternary(x, choose ? CHOOSE : MAJORITY, dst, b, c);
        return;
    }
    vec_three(x, OP_PXOR, dst, b, c);
    vec_into(x, OP_PAND, dst, a);
    if (choose) { /* ((b ^ c) & a) ^ c */
        vec_into(x, OP_PXOR, dst, c);
    } else { /* ((b ^ c) & a) ^ (b & c) */
        vec_three(x, OP_PAND, t, b, c);
        vec_into(x, OP_PXOR, dst, t);
    }
}

/*
 * A register with v's upper half below; what else is in it does not matter. Guests make their
 * operands with EXT of two values, whose second one has the half there already.
 */
static unsigned upper_half(struct x64 *x, ir_ref v)
{
    v = x->val[v].rep;
    const struct ir_insn *insn = &x->insn[v];
    if (insn->op == IR_VEXT && insn->imm == 8) {
        ir_ref b = x->val[insn->arg[1]].rep;
        if (x->val[b].at & (AT_REG | AT_STATE | AT_SPILL) && x->val[b].last >= x->i)
            return ra_xuse(x, b);
    }
    unsigned t = ra_xtemp(x);
    if (!(x->val[v].at & AT_REG) && x->val[v].at & AT_STATE)
        enc_sse1_rm(&x->e, OP_MOVQ_LOAD, t, cpu_mem(x->val[v].off + 8));
    else
        enc_sse_imm_rr(&x->e, OP_PSHUFD, t, ra_xuse(x, v), SWAP);
    return t;
}

/* Gives a scratch register back early. */
static void release(struct x64 *x, unsigned reg)
{
    if (x->xowner[reg] == IR_NONE)
        x->xlocked &= ~(1u << reg);
}

/* dst = sum + s(a) + choice or majority of a, b and c, which is added last if it is `late`. */
static void add_round(struct x64 *x, const struct sigma *s, unsigned dst, unsigned sum, unsigned a,
                      unsigned b, unsigned c, bool late)
{
    unsigned r = ra_xtemp(x), t = ra_xtemp(x), u = ra_xtemp(x);
    for (unsigned k = 0; k < 2; k++) {
        if (k == late)
            boolean(x, s == &big1, r, a, b, c, t);
        else
            sigma(x, s, r, a, t, u);
        vec_three(x, OP_PADDQ, dst, k ? dst : sum, r);
    }
    release(x, r);
    release(x, t);
    release(x, u);
}

static void emit_sha512h(struct x64 *x, ir_ref v)
{
    const struct ir_insn *insn = &x->insn[v];
    unsigned sum = ra_xuse(x, insn->arg[0]), f = ra_xuse(x, insn->arg[1]);
    unsigned d = ra_xuse(x, insn->arg[2]);
    unsigned e = upper_half(x, insn->arg[2]), g = upper_half(x, insn->arg[1]);
    unsigned high = ra_xtemp(x);
    enc_sse_imm_rr(&x->e, OP_PSHUFD, high, sum, SWAP);
    add_round(x, &big1, high, high, e, f, g, true);
    release(x, g);
    unsigned next = ra_xtemp(x), low = ra_xdef(x, v);
    vec_three(x, OP_PADDQ, next, d, high); /* e of the second round */
    add_round(x, &big1, low, sum, next, e, f, false);
    vec_into(x, OP_PUNPCKLQDQ, low, high);
}

static void emit_sha512h2(struct x64 *x, ir_ref v)
{
    const struct ir_insn *insn = &x->insn[v];
    unsigned sum = ra_xuse(x, insn->arg[0]), c = ra_xuse(x, insn->arg[1]);
    unsigned a = ra_xuse(x, insn->arg[2]), b = upper_half(x, insn->arg[2]);
    unsigned high = ra_xtemp(x);
    enc_sse_imm_rr(&x->e, OP_PSHUFD, high, sum, SWAP);
    add_round(x, &big0, high, high, a, b, c, true);
    unsigned low = ra_xdef(x, v);
    add_round(x, &big0, low, sum, high, a, b, false);
    vec_into(x, OP_PUNPCKLQDQ, low, high);
}

static void emit_sha512su(struct x64 *x, ir_ref v)
{
    const struct ir_insn *insn = &x->insn[v];
    bool first = insn->op == IR_SHA512SU0;
    unsigned d = ra_xuse(x, insn->arg[0]), n = ra_xuse(x, insn->arg[1]);
    unsigned m = first ? NOREG : ra_xuse(x, insn->arg[2]);
    unsigned t = ra_xtemp(x), u = ra_xtemp(x), dst = ra_xdef(x, v);
    if (first) { /* of the words that follow d's */
        unsigned next = ra_xtemp(x);
        vec_three(x, OP_PALIGNR, next, n, d);
        enc_u8(&x->e, 8);
        n = next;
    }
    sigma(x, first ? &small0 : &small1, dst, n, t, u);
    vec_into(x, OP_PADDQ, dst, d);
    if (!first)
        vec_into(x, OP_PADDQ, dst, m);
}

/* --- SHA-256: x86 keeps a b e f and c d g h in a register each, the first word on top ------------
 */

/* The host's instructions have no VEX form. */
static void sha(struct x64 *x, unsigned op, unsigned dst, unsigned src)
{
    enc_rr(&x->e, op, W32, dst, src);
}

/* dst = what x86 wants of lower and upper halves: pairs in reverse. */
static void interleave(struct x64 *x, unsigned op, unsigned dst, unsigned a, unsigned b)
{
    vec_three(x, op, dst, a, b);
    enc_sse_imm_rr(&x->e, OP_PSHUFD, dst, dst, PAIRS);
}

/* Loads the state as the host's instruction has it, or finds it where the last rounds left it. */
static void load_state(struct x64 *x, ir_ref abcd, ir_ref efgh, unsigned *abef, unsigned *cdgh)
{
    abcd = x->val[abcd].rep;
    efgh = x->val[efgh].rep;
    bool there = x->rounds.kept && x->rounds.abcd == abcd && x->rounds.efgh == efgh;
    if (there) {
        *abef = x->rounds.abef;
        *cdgh = x->rounds.cdgh;
        x->xlocked |= x->rounds.kept;
        return;
    }
    unsigned low = ra_xuse(x, abcd), high = ra_xuse(x, efgh);
    *abef = ra_xtemp(x);
    *cdgh = ra_xtemp(x);
    interleave(x, OP_PUNPCKLQDQ, *abef, high, low);
    interleave(x, OP_PUNPCKHQDQ, *cdgh, high, low);
}

static void keep_state(struct x64 *x, ir_ref abcd, ir_ref efgh, unsigned abef, unsigned cdgh)
{
    x->rounds.abcd = abcd;
    x->rounds.efgh = efgh;
    x->rounds.abef = (uint8_t)abef;
    x->rounds.cdgh = (uint8_t)cdgh;
    x->rounds.kept = 1u << abef | 1u << cdgh;
}

/* Two rounds take their words from xmm0: it is a scratch register if it is free, else its value
 * waits in another. */
void cg_sha256(struct x64 *x, ir_ref v, ir_ref pair)
{
    const struct ir_insn *insn = &x->insn[v];
    bool first = insn->op == IR_SHA256H;
    unsigned abef, cdgh, w = ra_xuse(x, insn->arg[2]);
    bool busy = x->xowner[0] != IR_NONE;
    x->xlocked |= 1;
    load_state(x, insn->arg[!first], insn->arg[first], &abef, &cdgh);
    unsigned save = busy ? ra_xtemp(x) : 0;
    unsigned dst = ra_xdef(x, v), other = pair == IR_NONE ? NOREG : ra_xdef(x, pair);
    if (save)
        vec_vmov(x, save, 0);
    vec_vmov(x, 0, w);
    sha(x, OP_SHA256RNDS2, cdgh, abef);
    enc_sse_imm_rr(&x->e, OP_PSHUFD, 0, 0, SWAP);
    sha(x, OP_SHA256RNDS2, abef, cdgh);
    if (save)
        vec_vmov(x, 0, save);
    interleave(x, first ? OP_PUNPCKHQDQ : OP_PUNPCKLQDQ, dst, abef, cdgh);
    x->rounds.kept = 0;
    if (pair == IR_NONE)
        return;
    interleave(x, first ? OP_PUNPCKLQDQ : OP_PUNPCKHQDQ, other, abef, cdgh);
    keep_state(x, first ? v : pair, first ? pair : v, abef, cdgh);
}

static void emit_sha256h(struct x64 *x, ir_ref v)
{
    if (x->config.host.sha)
        cg_sha256(x, v, IR_NONE);
    else
        cg_eval(x, v);
}

static void emit_sha256su0(struct x64 *x, ir_ref v)
{
    const struct ir_insn *insn = &x->insn[v];
    if (!x->config.host.sha) {
        cg_eval(x, v);
        return;
    }
    unsigned n = ra_xuse(x, insn->arg[1]), dst = ra_xdef_copy(x, v, insn->arg[0], n);
    sha(x, OP_SHA256MSG1, dst, n);
}

static void emit_sha256su1(struct x64 *x, ir_ref v)
{
    const struct ir_insn *insn = &x->insn[v];
    if (!x->config.host.sha) {
        cg_eval(x, v);
        return;
    }
    unsigned d = ra_xuse(x, insn->arg[0]), n = ra_xuse(x, insn->arg[1]);
    unsigned m = ra_xuse(x, insn->arg[2]), dst = ra_xdef(x, v);
    vec_three(x, OP_PALIGNR, dst, m, n);
    enc_u8(&x->e, 4);
    vec_into(x, OP_PADDD, dst, d);
    sha(x, OP_SHA256MSG2, dst, m);
}

/* --- SHA-1: x86 has the first word on top, and adds the rounds' constant itself ------------------
 */

static void emit_sha1_rounds(struct x64 *x, ir_ref v)
{
    const struct ir_insn *insn = &x->insn[v];
    if (!x->config.host.sha) {
        cg_eval(x, v);
        return;
    }
    unsigned which = insn->op == IR_SHA1C ? 0 : insn->op == IR_SHA1P ? 1 : 2;
    unsigned d = ra_xuse(x, insn->arg[0]), n = ra_xuse(x, insn->arg[1]);
    unsigned m = ra_xuse(x, insn->arg[2]), w = ra_xtemp(x), t = ra_xtemp(x), dst = ra_xdef(x, v);
    if (!x->e.avx)
        vec_vmov(x, t, n);
    enc_sse2_imm_rr(&x->e, OP_INSERTPS, t, x->e.avx ? n : t, n, 0x0e); /* e, zeros above */
    vec_vmov(x, w, m);
    vec_into_pool(x, OP_PSUBD, w, (enum pool)(POOL_SHA1_K0 + which));
    vec_into(x, OP_PADDD, w, t);
    enc_sse_imm_rr(&x->e, OP_PSHUFD, w, w, REVERSE);
    enc_sse_imm_rr(&x->e, OP_PSHUFD, dst, d, REVERSE);
    sha(x, OP_SHA1RNDS4, dst, w);
    enc_u8(&x->e, which);
    enc_sse_imm_rr(&x->e, OP_PSHUFD, dst, dst, REVERSE);
}

/* dst = src's words rotated left; t is scratch. */
static void rotate_left(struct x64 *x, unsigned dst, unsigned src, unsigned n, unsigned t)
{
    rotate(x, 2, dst, src, 32 - n, t);
}

static void emit_sha1h(struct x64 *x, ir_ref v)
{
    unsigned n = ra_xuse(x, x->insn[v].arg[0]), t = ra_xtemp(x), dst = ra_xdef(x, v);
    rotate_left(x, dst, n, 30, t);
    enc_sse2_imm_rr(&x->e, OP_INSERTPS, dst, dst, dst, 0x0e);
    x->val[v].clear = 4;
}

static void emit_sha1su0(struct x64 *x, ir_ref v)
{
    const struct ir_insn *insn = &x->insn[v];
    unsigned d = ra_xuse(x, insn->arg[0]), n = ra_xuse(x, insn->arg[1]);
    unsigned m = ra_xuse(x, insn->arg[2]), dst = ra_xdef(x, v);
    vec_three(x, OP_PALIGNR, dst, n, d);
    enc_u8(&x->e, 8);
    vec_into(x, OP_PXOR, dst, d);
    vec_into(x, OP_PXOR, dst, m);
}

/* The last word depends on the first one's result, rotated once more. */
static void emit_sha1su1(struct x64 *x, ir_ref v)
{
    enum { LEFT_BYTES = 7 };
    const struct ir_insn *insn = &x->insn[v];
    unsigned d = ra_xuse(x, insn->arg[0]), n = ra_xuse(x, insn->arg[1]);
    unsigned t = ra_xtemp(x), u = ra_xtemp(x), dst = ra_xdef(x, v);
    vec_vshift(x, OP_PSHIFTQ_IMM, FORM_RIGHT_BYTES, t, n, 4);
    vec_into(x, OP_PXOR, t, d);
    rotate_left(x, dst, t, 1, u);
    vec_vshift(x, OP_PSHIFTQ_IMM, LEFT_BYTES, t, t, 12);
    unsigned last = ra_xtemp(x);
    rotate_left(x, last, t, 2, u);
    vec_into(x, OP_PXOR, dst, last);
}

const struct emit_row x64_emit_hash[] = {
    {IR_VXOR3, emit_three},         {IR_VBCAX, emit_three},         {IR_VRORI, emit_vrori},
    {IR_SHA512H, emit_sha512h},     {IR_SHA512H2, emit_sha512h2},   {IR_SHA512SU0, emit_sha512su},
    {IR_SHA512SU1, emit_sha512su},  {IR_SHA256H, emit_sha256h},     {IR_SHA256H2, emit_sha256h},
    {IR_SHA256SU0, emit_sha256su0}, {IR_SHA256SU1, emit_sha256su1}, {IR_SHA1C, emit_sha1_rounds},
    {IR_SHA1P, emit_sha1_rounds},   {IR_SHA1M, emit_sha1_rounds},   {IR_SHA1H, emit_sha1h},
    {IR_SHA1SU0, emit_sha1su0},     {IR_SHA1SU1, emit_sha1su1},     {IR_OP_COUNT, 0},
};
