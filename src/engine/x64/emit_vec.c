/* SPDX-License-Identifier: Apache-2.0 */
/* Vector moves and integer arithmetic. What has no good sequence here goes to the evaluator. */
#include "engine/x64/vec.h"

/* --- building blocks -------------------------------------------------------------------------- */

/* dst = dst op src, dst being the caller's scratch or result. */
void vec_into(struct x64 *x, unsigned op, unsigned dst, unsigned src)
{
    enc_sse2_rr(&x->e, op, dst, dst, src);
}

void vec_into_pool(struct x64 *x, unsigned op, unsigned dst, enum pool which)
{
    enc_sse2_rm(&x->e, op, dst, dst, cg_pool(x, which));
}

/* dst = src op a constant; src keeps its value. */
void vec_pool(struct x64 *x, unsigned op, unsigned dst, unsigned src, enum pool which)
{
    if (!x->e.avx)
        vec_vmov(x, dst, src);
    enc_sse2_rm(&x->e, op, dst, x->e.avx ? src : dst, cg_pool(x, which));
}

void vec_vmov(struct x64 *x, unsigned dst, unsigned src)
{
    if (dst != src)
        enc_sse1_rr(&x->e, OP_MOVDQA_LOAD, dst, src);
}

/* dst = a op b in whatever form is shortest; the operands keep their values. */
void vec_three(struct x64 *x, unsigned op, unsigned dst, unsigned a, unsigned b)
{
    if (!x->e.avx)
        vec_vmov(x, dst, a);
    enc_sse2_rr(&x->e, op, dst, x->e.avx ? a : dst, b);
}

void vec_zero(struct x64 *x, unsigned dst)
{
    enc_sse2_rr(&x->e, OP_PXOR, dst, dst, dst);
}

void vec_ones(struct x64 *x, unsigned dst)
{
    enc_sse2_rr(&x->e, OP_PCMPEQD, dst, dst, dst);
}

/* dst = src shifted by an immediate (groups 71..73). */
void vec_vshift(struct x64 *x, unsigned op, unsigned form, unsigned dst, unsigned src, unsigned imm)
{
    if (!x->e.avx)
        vec_vmov(x, dst, src);
    enc_vshift_imm(&x->e, op, form, dst, x->e.avx ? src : dst, imm);
}

/* The result of a two-operand instruction on v's arguments in this order. */
unsigned vec_binary(struct x64 *x, ir_ref v, unsigned op, ir_ref a, ir_ref b)
{
    if (x->e.avx) {
        unsigned ra = ra_xuse(x, a);
        struct rm rm = ra_xrm(x, b);
        unsigned dst = ra_xdef(x, v);
        if (rm.mem)
            enc_sse2_rm(&x->e, op, dst, ra, rm.m);
        else
            enc_sse2_rr(&x->e, op, dst, ra, rm.reg);
        return dst;
    }
    struct rm rm = ra_xrm(x, b);
    unsigned dst = ra_xdef_copy(x, v, a, rm.mem ? NOREG : rm.reg);
    if (rm.mem)
        enc_sse2_rm(&x->e, op, dst, dst, rm.m);
    else
        enc_sse2_rr(&x->e, op, dst, dst, rm.reg);
    return dst;
}

unsigned vec_unary(struct x64 *x, ir_ref v, unsigned op)
{
    struct rm rm = ra_xrm(x, x->insn[v].arg[0]);
    unsigned dst = ra_xdef(x, v);
    if (rm.mem)
        enc_sse1_rm(&x->e, op, dst, rm.m);
    else
        enc_sse1_rr(&x->e, op, dst, rm.reg);
    return dst;
}

/* Whether an operand in memory, or one that dies, is better the other one of the two. */
static bool better_swapped(const struct x64 *x, ir_ref a, ir_ref b)
{
    bool a_there = x->val[x->val[a].rep].at & AT_REG && (x->e.avx || ra_dies(x, a));
    bool b_there = x->val[x->val[b].rep].at & AT_REG && (x->e.avx || ra_dies(x, b));
    return b_there && !a_there;
}

/* Operations that are one instruction a lane size; 0: none. */
struct by_size {
    uint16_t op;
    bool commutes;
    uint16_t code[4];
};

static const struct by_size plain_ops[] = {
    {IR_VAND, true, {OP_PAND, OP_PAND, OP_PAND, OP_PAND}},
    {IR_VOR, true, {OP_POR, OP_POR, OP_POR, OP_POR}},
    {IR_VXOR, true, {OP_PXOR, OP_PXOR, OP_PXOR, OP_PXOR}},
    {IR_VADD, true, {OP_PADDB, OP_PADDW, OP_PADDD, OP_PADDQ}},
    {IR_VSUB, false, {OP_PSUBB, OP_PSUBW, OP_PSUBD, OP_PSUBQ}},
    {IR_VMUL, true, {0, OP_PMULLW, OP_PMULLD, 0}},
    {IR_VCEQ, true, {OP_PCMPEQB, OP_PCMPEQW, OP_PCMPEQD, OP_PCMPEQQ}},
    {IR_VCGT, false, {OP_PCMPGTB, OP_PCMPGTW, OP_PCMPGTD, OP_PCMPGTQ}},
    {IR_VSMAX, true, {OP_PMAXSB, OP_PMAXSW, OP_PMAXSD, 0}},
    {IR_VSMIN, true, {OP_PMINSB, OP_PMINSW, OP_PMINSD, 0}},
    {IR_VUMAX, true, {OP_PMAXUB, OP_PMAXUW, OP_PMAXUD, 0}},
    {IR_VUMIN, true, {OP_PMINUB, OP_PMINUW, OP_PMINUD, 0}},
    {IR_VZIP1, false, {OP_PUNPCKLBW, OP_PUNPCKLWD, OP_PUNPCKLDQ, OP_PUNPCKLQDQ}},
    {IR_VZIP2, false, {OP_PUNPCKHBW, OP_PUNPCKHWD, OP_PUNPCKHDQ, OP_PUNPCKHQDQ}},
};

static void emit_plain(struct x64 *x, ir_ref v)
{
    const struct ir_insn *insn = &x->insn[v];
    for (unsigned k = 0; k < sizeof(plain_ops) / sizeof(plain_ops[0]); k++) {
        unsigned code = plain_ops[k].code[insn->aux & 3];
        if (plain_ops[k].op != insn->op)
            continue;
        bool swap = plain_ops[k].commutes && better_swapped(x, insn->arg[0], insn->arg[1]);
        if (code)
            vec_binary(x, v, code, insn->arg[swap], insn->arg[!swap]);
        else
            cg_eval(x, v);
        return;
    }
}

/* --- moves ------------------------------------------------------------------------------------ */

void vec_splat(struct x64 *x, unsigned dst, uint64_t imm)
{
    if (imm == 0) {
        vec_zero(x, dst);
    } else if (imm == ~0ull) {
        vec_ones(x, dst);
    } else {
        unsigned t = ra_temp(x);
        enc_mov_imm(&x->e, t, imm);
        enc_sse_gpr_rr(&x->e, OP_MOVD_LOAD, 1, dst, t);
        vec_into(x, OP_PUNPCKLQDQ, dst, dst);
        ra_release(x, t);
    }
}

static void emit_vconst(struct x64 *x, ir_ref v)
{
    vec_splat(x, ra_xdef(x, v), (uint64_t)x->insn[v].imm);
}

static void emit_vzero64(struct x64 *x, ir_ref v)
{
    vec_unary(x, v, OP_MOVQ_LOAD);
    x->val[v].clear = 8;
}

static void emit_vzero32(struct x64 *x, ir_ref v)
{
    struct rm rm = ra_xrm(x, x->insn[v].arg[0]);
    unsigned dst = ra_xdef(x, v);
    x->val[v].clear = 4;
    if (rm.mem) {
        enc_sse1_rm(&x->e, OP_MOVD_LOAD, dst, rm.m);
    } else { /* insertps 0 to 0, clearing 1..3 */
        if (!x->e.avx)
            vec_vmov(x, dst, rm.reg);
        enc_sse2_imm_rr(&x->e, OP_INSERTPS, dst, x->e.avx ? rm.reg : dst, rm.reg, 0x0e);
    }
}

/* AVX2's, by lane size. */
static const uint16_t broadcasts[4] = {OP_BROADCASTB, OP_BROADCASTW, OP_BROADCASTD, OP_BROADCASTQ};

/* Lane 0 of src in every lane of dst. */
static void broadcast(struct x64 *x, unsigned esz, unsigned dst, unsigned src)
{
    if (x->bmi) {
        enc_vex_rr(&x->e, broadcasts[esz], 0, 0, dst, 0, src);
        return;
    }
    switch (esz) {
    case 0: {
        unsigned t = ra_xtemp(x);
        vec_zero(x, t);
        vec_vmov(x, dst, src);
        vec_into(x, OP_PSHUFB, dst, t);
        break;
    }
    case 1:
        enc_sse_imm_rr(&x->e, OP_PSHUFLW, dst, src, 0);
        enc_sse_imm_rr(&x->e, OP_PSHUFD, dst, dst, 0);
        break;
    default:
        enc_sse_imm_rr(&x->e, OP_PSHUFD, dst, src, esz == 2 ? 0 : 0x44);
    }
}

static void emit_vdup(struct x64 *x, ir_ref v)
{
    unsigned esz = x->insn[v].aux & 3;
    unsigned a = ra_use(x, x->insn[v].arg[0]), dst = ra_xdef(x, v);
    enc_sse_gpr_rr(&x->e, OP_MOVD_LOAD, esz == 3, dst, a);
    broadcast(x, esz, dst, dst);
}

static void emit_vduplane(struct x64 *x, ir_ref v)
{
    const struct ir_insn *insn = &x->insn[v];
    unsigned esz = insn->aux & 3, lane = (unsigned)insn->imm;
    const struct val *val = &x->val[x->val[insn->arg[0]].rep];
    if (x->bmi && !(val->at & AT_REG) && val->at & AT_STATE) {
        struct x64_mem m = cpu_mem(val->off + (int32_t)(lane << esz));
        enc_vex_rm(&x->e, broadcasts[esz], 0, 0, ra_xdef(x, v), 0, m);
        return;
    }
    unsigned a = ra_xuse(x, insn->arg[0]), dst = ra_xdef(x, v);
    if (esz == 2) {
        enc_sse_imm_rr(&x->e, OP_PSHUFD, dst, a, lane * 0x55);
    } else if (esz == 3) {
        enc_sse_imm_rr(&x->e, OP_PSHUFD, dst, a, lane ? 0xee : 0x44);
    } else {
        if (lane) {
            vec_vshift(x, OP_PSHIFTQ_IMM, FORM_RIGHT_BYTES, dst, a, lane << esz);
            a = dst;
        }
        broadcast(x, esz, dst, a);
    }
}

static void emit_vfromx(struct x64 *x, ir_ref v)
{
    const struct ir_insn *insn = &x->insn[v];
    int64_t imm;
    unsigned dst;
    if (ra_const(x, insn->arg[0], &imm) && imm == 0) {
        vec_zero(x, dst = ra_xdef(x, v));
    } else {
        struct rm a = ra_rm(x, insn->arg[0]);
        dst = ra_xdef(x, v);
        if (a.mem)
            enc_sse1_rm(&x->e, OP_MOVQ_LOAD, dst, a.m);
        else
            enc_sse_gpr_rr(&x->e, OP_MOVD_LOAD, 1, dst, a.reg);
    }
    if (ra_const(x, insn->arg[1], &imm) && imm == 0) {
        x->val[v].clear = 8;
        return;
    }
    unsigned b = ra_use(x, insn->arg[1]);
    if (x->e.avx)
        enc_vex_rr(&x->e, OP_PINSRD, 1, 0, dst, dst, b);
    else
        enc_rr(&x->e, OP_PINSRD, W64, dst, b);
    enc_u8(&x->e, 1);
}

/* General register dst = lane of a vector register, zero-extended. */
static void extract(struct x64 *x, unsigned esz, unsigned dst, unsigned src, unsigned lane)
{
    static const uint16_t op[4] = {OP_PEXTRB, OP_PEXTRW, OP_PEXTRD, OP_PEXTRD};
    if (lane == 0 && esz >= 2) {
        enc_sse_gpr_rr(&x->e, OP_MOVD_STORE, esz == 3, src, dst);
    } else {
        enc_sse_gpr_rr(&x->e, op[esz], esz == 3, src, dst);
        enc_u8(&x->e, lane);
    }
}

static void emit_vlane(struct x64 *x, ir_ref v)
{
    static const uint16_t sign[3] = {OP_MOVSX8, OP_MOVSX16, OP_MOVSXD};
    static const uint16_t plain[4] = {OP_MOVZX8, OP_MOVZX16, 0x008b, 0x008b};
    const struct ir_insn *insn = &x->insn[v];
    unsigned esz = insn->aux & 3, lane = (unsigned)insn->imm;
    bool is_signed = insn->op == IR_VLANES && esz < 3;
    ir_ref a = x->val[insn->arg[0]].rep;
    const struct val *val = &x->val[a];
    if (!(val->at & AT_REG) && val->at & AT_STATE) { /* straight out of memory */
        struct x64_mem m = cpu_mem(val->off + (int32_t)(lane << esz));
        unsigned dst = ra_def(x, v, true);
        enc_rm(&x->e, is_signed ? sign[esz] : plain[esz], is_signed || esz == 3 ? W64 : W32, dst,
               m);
        return;
    }
    unsigned src = ra_xuse(x, a), dst = ra_def(x, v, true);
    extract(x, esz, dst, src, lane);
    if (is_signed)
        enc_rr(&x->e, sign[esz], W64, dst, dst);
}

/* Lane of dst = low bits of a general register. */
static void insert(struct x64 *x, unsigned esz, unsigned dst, unsigned src, unsigned lane)
{
    static const uint16_t op[4] = {OP_PINSRB, OP_PINSRW, OP_PINSRD, OP_PINSRD};
    if (x->e.avx)
        enc_vex_rr(&x->e, op[esz], esz == 3, 0, dst, dst, src);
    else
        enc_rr(&x->e, op[esz], esz == 3 ? W64 : W32, dst, src);
    enc_u8(&x->e, lane);
}

static void emit_vsetlane(struct x64 *x, ir_ref v)
{
    const struct ir_insn *insn = &x->insn[v];
    unsigned b = ra_use(x, insn->arg[1]);
    unsigned dst = ra_xdef_copy(x, v, insn->arg[0], NOREG);
    insert(x, insn->aux & 3, dst, b, (unsigned)insn->imm);
}

static void emit_vcopylane(struct x64 *x, ir_ref v)
{
    const struct ir_insn *insn = &x->insn[v];
    unsigned esz = insn->aux & 3, to = insn->imm & 255, from = (unsigned)(insn->imm >> 8);
    unsigned b = ra_xuse(x, insn->arg[1]);
    unsigned dst = ra_xdef_copy(x, v, insn->arg[0], b);
    if (esz == 2) {
        enc_sse2_imm_rr(&x->e, OP_INSERTPS, dst, dst, b, from << 6 | to << 4);
        return;
    }
    unsigned t = ra_temp(x);
    extract(x, esz, t, b, from);
    insert(x, esz, dst, t, to);
}

/* --- logic ------------------------------------------------------------------------------------ */

static void emit_vandn(struct x64 *x, ir_ref v) /* pandn inverts its first operand */
{
    vec_binary(x, v, OP_PANDN, x->insn[v].arg[1], x->insn[v].arg[0]);
}

static void emit_vnot(struct x64 *x, ir_ref v)
{
    unsigned a = ra_xuse(x, x->insn[v].arg[0]), dst = ra_xdef(x, v);
    vec_ones(x, dst);
    vec_into(x, OP_PXOR, dst, a);
}

static void emit_vorn(struct x64 *x, ir_ref v)
{
    unsigned a = ra_xuse(x, x->insn[v].arg[0]), b = ra_xuse(x, x->insn[v].arg[1]);
    unsigned dst = ra_xdef(x, v);
    vec_ones(x, dst);
    vec_into(x, OP_PXOR, dst, b);
    vec_into(x, OP_POR, dst, a);
}

static void emit_vbsl(struct x64 *x, ir_ref v) /* ((b ^ c) & a) ^ c */
{
    const struct ir_insn *insn = &x->insn[v];
    unsigned a = ra_xuse(x, insn->arg[0]), c = ra_xuse(x, insn->arg[2]);
    unsigned b = ra_xuse(x, insn->arg[1]), dst = ra_xdef(x, v);
    vec_three(x, OP_PXOR, dst, b, c);
    vec_into(x, OP_PAND, dst, a);
    vec_into(x, OP_PXOR, dst, c);
}

/* --- arithmetic ------------------------------------------------------------------------------- */

static const uint16_t psub[4] = {OP_PSUBB, OP_PSUBW, OP_PSUBD, OP_PSUBQ};
static const uint16_t pcmpeq[4] = {OP_PCMPEQB, OP_PCMPEQW, OP_PCMPEQD, OP_PCMPEQQ};
static const uint16_t pcmpgt[4] = {OP_PCMPGTB, OP_PCMPGTW, OP_PCMPGTD, OP_PCMPGTQ};

/* Byte products: even and odd bytes as words. */
static void emit_vmul(struct x64 *x, ir_ref v)
{
    const struct ir_insn *insn = &x->insn[v];
    if ((insn->aux & 3) != 0) {
        emit_plain(x, v);
        return;
    }
    unsigned a = ra_xuse(x, insn->arg[0]), b = ra_xuse(x, insn->arg[1]);
    unsigned t = ra_xtemp(x), u = ra_xtemp(x), dst = ra_xdef(x, v);
    vec_three(x, OP_PMULLW, dst, a, b);
    vec_into_pool(x, OP_PAND, dst, POOL_LOW_BYTES);
    vec_vshift(x, OP_PSHIFTW_IMM, FORM_RIGHT, t, a, 8);
    vec_vshift(x, OP_PSHIFTW_IMM, FORM_RIGHT, u, b, 8);
    vec_into(x, OP_PMULLW, t, u);
    vec_vshift(x, OP_PSHIFTW_IMM, FORM_LEFT, t, t, 8);
    vec_into(x, OP_POR, dst, t);
}

static void emit_vneg(struct x64 *x, ir_ref v)
{
    unsigned a = ra_xuse(x, x->insn[v].arg[0]), dst = ra_xdef(x, v);
    vec_zero(x, dst);
    vec_into(x, psub[x->insn[v].aux & 3], dst, a);
}

static void emit_vabs(struct x64 *x, ir_ref v)
{
    static const uint16_t op[3] = {OP_PABSB, OP_PABSW, OP_PABSD};
    unsigned esz = x->insn[v].aux & 3;
    if (esz < 3) {
        vec_unary(x, v, op[esz]);
        return;
    }
    unsigned a = ra_xuse(x, x->insn[v].arg[0]), t = ra_xtemp(x), dst = ra_xdef(x, v);
    vec_zero(x, t);
    vec_into(x, OP_PCMPGTQ, t, a);
    vec_three(x, OP_PXOR, dst, a, t);
    vec_into(x, OP_PSUBQ, dst, t);
}

/* a >= b: the maximum is a; for 64 bits, not b > a. */
static void emit_vcge(struct x64 *x, ir_ref v)
{
    static const uint16_t max[2][3] = {{OP_PMAXSB, OP_PMAXSW, OP_PMAXSD},
                                       {OP_PMAXUB, OP_PMAXUW, OP_PMAXUD}};
    const struct ir_insn *insn = &x->insn[v];
    unsigned esz = insn->aux & 3;
    bool is_unsigned = insn->op == IR_VCHS;
    unsigned a = ra_xuse(x, insn->arg[0]), b = ra_xuse(x, insn->arg[1]);
    unsigned dst = ra_xdef(x, v);
    if (esz < 3) {
        vec_three(x, max[is_unsigned][esz], dst, a, b);
        vec_into(x, pcmpeq[esz], dst, a);
        return;
    }
    unsigned t = ra_xtemp(x);
    vec_vmov(x, dst, b);
    vec_vmov(x, t, a);
    if (is_unsigned) {
        vec_into_pool(x, OP_PXOR, dst, POOL_SIGN_QWORDS);
        vec_into_pool(x, OP_PXOR, t, POOL_SIGN_QWORDS);
    }
    vec_into(x, OP_PCMPGTQ, dst, t);
    vec_ones(x, t);
    vec_into(x, OP_PXOR, dst, t);
}

static void emit_vchi(struct x64 *x, ir_ref v)
{
    static const uint8_t sign[4] = {POOL_SIGN_BYTES, POOL_SIGN_WORDS, POOL_SIGN_DWORDS,
                                    POOL_SIGN_QWORDS};
    const struct ir_insn *insn = &x->insn[v];
    unsigned esz = insn->aux & 3;
    unsigned a = ra_xuse(x, insn->arg[0]), b = ra_xuse(x, insn->arg[1]);
    unsigned t = ra_xtemp(x), dst = ra_xdef(x, v);
    vec_pool(x, OP_PXOR, dst, a, sign[esz]);
    vec_pool(x, OP_PXOR, t, b, sign[esz]);
    vec_into(x, pcmpgt[esz], dst, t);
}

static void emit_vctst(struct x64 *x, ir_ref v)
{
    const struct ir_insn *insn = &x->insn[v];
    unsigned a = ra_xuse(x, insn->arg[0]), b = ra_xuse(x, insn->arg[1]);
    unsigned t = ra_xtemp(x), dst = ra_xdef(x, v);
    vec_three(x, OP_PAND, dst, a, b);
    vec_zero(x, t);
    vec_into(x, pcmpeq[insn->aux & 3], dst, t);
    vec_ones(x, t);
    vec_into(x, OP_PXOR, dst, t);
}

/* --- shifts ----------------------------------------------------------------------------------- */

/* Bytes are shifted as words and masked. */
static void shift_bytes(struct x64 *x, unsigned form, unsigned dst, unsigned src, unsigned imm)
{
    unsigned t = ra_xtemp(x);
    uint64_t mask = form == FORM_LEFT ? 0xffu << imm & 0xff : 0xffu >> imm;
    vec_vshift(x, OP_PSHIFTW_IMM, form, dst, src, imm);
    vec_splat(x, t, mask * 0x0101010101010101ull);
    vec_into(x, OP_PAND, dst, t);
}

static void emit_vshift(struct x64 *x, ir_ref v)
{
    const struct ir_insn *insn = &x->insn[v];
    unsigned esz = insn->aux & 3, imm = (unsigned)insn->imm, bits = 8u << esz;
    unsigned a = ra_xuse(x, insn->arg[0]), dst = ra_xdef(x, v);
    unsigned form = insn->op == IR_VSHLI ? FORM_LEFT : FORM_RIGHT;
    if (imm == 0) {
        vec_vmov(x, dst, a);
        return;
    }
    if (insn->op == IR_VSARI && (esz == 1 || esz == 2)) {
        vec_vshift(x, vec_shift_op(esz), FORM_RIGHT_SIGNED, dst, a, imm);
        return;
    }
    if (esz == 0)
        shift_bytes(x, form, dst, a, imm);
    else
        vec_vshift(x, vec_shift_op(esz), form, dst, a, imm);
    if (insn->op == IR_VSARI) { /* (y ^ m) - m extends from what was the sign bit */
        uint64_t m = 1ull << (bits - 1 - imm);
        unsigned t = ra_xtemp(x);
        vec_splat(x, t, esz == 0 ? m * 0x0101010101010101ull : m);
        vec_into(x, OP_PXOR, dst, t);
        vec_into(x, psub[esz], dst, t);
    }
}

/* dst = the low byte of each lane of src. */
static void low_byte(struct x64 *x, unsigned esz, unsigned dst, unsigned src)
{
    vec_vshift(x, vec_shift_op(esz), FORM_LEFT, dst, src, (8u << esz) - 8);
    vec_vshift(x, vec_shift_op(esz), FORM_RIGHT, dst, dst, (8u << esz) - 8);
}

/* Shifts of each lane by its own count; by too much they give 0 (or signs). */
enum each { EACH_LEFT, EACH_RIGHT, EACH_RIGHT_SIGNED };

static void shift_each(struct x64 *x, enum each how, unsigned esz, unsigned dst, unsigned src,
                       unsigned count)
{
    static const uint16_t words[3] = {OP_SLLVW, OP_SRLVW, OP_SRAVW};
    static const uint16_t wider[3] = {OP_SLLVD, OP_SRLVD, OP_SRAVD};
    if (esz == 1 || (esz == 3 && how == EACH_RIGHT_SIGNED))
        enc_evex_rr(&x->e, esz == 1 ? words[how] : wider[how], 1, dst, src, count);
    else
        enc_vex_rr(&x->e, wider[how], esz == 3, 0, dst, src, count);
}

/* USHL and SSHL: both directions are computed, by b and -b modulo 256, and combined. */
static void emit_vshl(struct x64 *x, ir_ref v)
{
    const struct ir_insn *insn = &x->insn[v];
    unsigned esz = insn->aux & 3, bits = 8u << esz;
    bool is_signed = insn->op == IR_VSSHL, evex = x->config.host.level >= X64_V4;
    if (!x->bmi || esz == 0 || (!evex && (esz == 1 || (is_signed && esz == 3)))) {
        cg_eval(x, v);
        return;
    }
    unsigned a = ra_xuse(x, insn->arg[0]), b = ra_xuse(x, insn->arg[1]);
    unsigned t = ra_xtemp(x), dst = ra_xdef(x, v);
    low_byte(x, esz, t, b);
    shift_each(x, EACH_LEFT, esz, dst, a, t);
    vec_zero(x, t);
    vec_into(x, psub[esz], t, b);
    low_byte(x, esz, t, t);
    shift_each(x, is_signed ? EACH_RIGHT_SIGNED : EACH_RIGHT, esz, t, a, t);
    if (!is_signed) {
        vec_into(x, OP_POR, dst, t);
        return;
    }
    unsigned negative = ra_xtemp(x); /* the sign of the low byte in all bytes of the lane */
    vec_vshift(x, vec_shift_op(esz), FORM_LEFT, negative, b, bits - 8);
    if (esz == 3) {
        unsigned zero = ra_xtemp(x);
        vec_zero(x, zero);
        vec_three(x, OP_PCMPGTQ, negative, zero, negative);
    } else {
        vec_vshift(x, vec_shift_op(esz), FORM_RIGHT_SIGNED, negative, negative, bits - 1);
    }
    enc_vex_rr(&x->e, OP_VPBLENDVB, 0, 0, dst, dst, t);
    enc_u8(&x->e, negative << 4);
}

const struct emit_row x64_emit_vec[] = {
    {IR_VAND, emit_plain},        {IR_VOR, emit_plain},
    {IR_VXOR, emit_plain},        {IR_VADD, emit_plain},
    {IR_VSUB, emit_plain},        {IR_VMUL, emit_vmul},
    {IR_VCEQ, emit_plain},        {IR_VCGT, emit_plain},
    {IR_VSMAX, emit_plain},       {IR_VSMIN, emit_plain},
    {IR_VUMAX, emit_plain},       {IR_VUMIN, emit_plain},
    {IR_VZIP1, emit_plain},       {IR_VZIP2, emit_plain},
    {IR_VCONST, emit_vconst},     {IR_VZERO64, emit_vzero64},
    {IR_VZERO32, emit_vzero32},   {IR_VDUP, emit_vdup},
    {IR_VDUPLANE, emit_vduplane}, {IR_VFROMX, emit_vfromx},
    {IR_VLANEU, emit_vlane},      {IR_VLANES, emit_vlane},
    {IR_VSETLANE, emit_vsetlane}, {IR_VCOPYLANE, emit_vcopylane},
    {IR_VANDN, emit_vandn},       {IR_VNOT, emit_vnot},
    {IR_VORN, emit_vorn},         {IR_VBSL, emit_vbsl},
    {IR_VNEG, emit_vneg},         {IR_VABS, emit_vabs},
    {IR_VCGE, emit_vcge},         {IR_VCHS, emit_vcge},
    {IR_VCHI, emit_vchi},         {IR_VCTST, emit_vctst},
    {IR_VSHLI, emit_vshift},      {IR_VSHRI, emit_vshift},
    {IR_VSARI, emit_vshift},      {IR_VUSHL, emit_vshl},
    {IR_VSSHL, emit_vshl},        {IR_OP_COUNT, 0},
};
