/* SPDX-License-Identifier: Apache-2.0 */
/* Loads and stores: what lies between the check (check.c) and the way on. */
#include "engine/x64/check.h"
#include "engine/x64/vec.h"

/* --- integers --------------------------------------------------------------------------------- */

static void load_int(struct x64 *x, unsigned memop, bool wide, unsigned dst, struct x64_mem m)
{
    struct enc *e = &x->e;
    unsigned sz = IR_MEM_SIZE(memop);
    bool is_signed = memop & IR_MEM_SIGNED;
    if (memop & IR_MEM_BE && sz) {
        if (sz == 1) {
            enc_rm(e, OP_MOVZX16, W32, dst, m);
            enc_bswap(e, W32, dst);
            enc_shift_imm(e, is_signed ? SH_SAR : SH_SHR, W32, dst, 16);
        } else if (x->bmi) {
            enc_rm(e, OP_MOVBE_LOAD, sz == 3 ? W64 : W32, dst, m);
        } else {
            enc_load(e, sz == 3 ? W64 : W32, dst, m);
            enc_bswap(e, sz == 3 ? W64 : W32, dst);
        }
        if (is_signed && wide && sz < 3)
            enc_rr(e, OP_MOVSXD, W64, dst, dst);
        return;
    }
    static const uint16_t extend[2][2] = {{OP_MOVZX8, OP_MOVZX16}, {OP_MOVSX8, OP_MOVSX16}};
    if (sz < 2)
        enc_rm(e, extend[is_signed][sz], is_signed && wide ? W64 : W32, dst, m);
    else if (sz == 2 && is_signed && wide)
        enc_rm(e, OP_MOVSXD, W64, dst, m);
    else
        enc_load(e, sz == 3 ? W64 : W32, dst, m);
}

static const uint8_t store_size[4] = {W8, W16, W32, W64};

static void emit_ld(struct x64 *x, ir_ref v)
{
    const struct ir_insn *insn = &x->insn[v];
    unsigned memop = insn->aux, bytes = IR_MEM_BYTES(memop);
    chk_flags(x, bytes);
    struct address a = chk_address(x, insn->arg[0]);
    if (chk_always_slow(x, memop)) {
        struct cold *c = chk_slow(x, a);
        c->dst[0] = (uint8_t)ra_def(x, v, true);
        chk_go_slow(x, c);
        cg_cold_resume(x, c);
        return;
    }
    struct cold *c = chk_slow(x, a);
    struct check k = chk_begin(x, a, false, bytes, false);
    if (x->val[v].hint == NOREG && k.tag != NOREG) {
        chk_look(x, c, &k, a, bytes); /* the tag's register is free again */
        ra_def_in(x, v, k.tag);
        c->dst[0] = (uint8_t)k.tag;
    } else {
        c->dst[0] = (uint8_t)ra_def(x, v, true); /* nothing is emitted after this but the access */
        chk_look(x, c, &k, a, bytes);
    }
    load_int(x, memop, is_wide(insn), c->dst[0], mem_index(k.entry, a.base, 0, a.disp));
    cg_cold_resume(x, c);
}

/* Whether a pair must be one access. */
static bool is_whole(const struct x64 *x, unsigned memop)
{
    return x->config.whole_pairs && !(memop & (IR_MEM_BE | IR_MEM_RELEASE)) &&
           !chk_always_slow(x, memop);
}

/* Both results by one load: of 16 bytes through a vector register, of 8 through the second's. */
static void load_pair(struct x64 *x, unsigned memop, unsigned t, const struct cold *c,
                      struct x64_mem m)
{
    struct enc *e = &x->e;
    bool sign = memop & IR_MEM_SIGNED;
    if (IR_MEM_SIZE(memop) == 3) {
        enc_sse1_rm(e, OP_MOVDQU_LOAD, t, m);
        enc_sse_gpr_rr(e, OP_MOVD_STORE, 1, t, c->dst[0]);
        enc_sse_gpr_rr(e, OP_PEXTRD, 1, t, c->dst[1]);
        enc_u8(e, 1);
        return;
    }
    enc_load(e, W64, c->dst[1], m);
    if (sign)
        enc_rr(e, OP_MOVSXD, W64, c->dst[0], c->dst[1]);
    else
        enc_mov(e, W32, c->dst[0], c->dst[1]);
    enc_shift_imm(e, sign ? SH_SAR : SH_SHR, W64, c->dst[1], 32);
}

/* One access need not be whole that is not aligned as a whole. The stack's are seen to be so, by
 * their displacement, while SP itself is aligned; and what lies there has often been stored just
 * now, one register at a time, which a load of both would have to wait for. */
static bool lies_across(const struct x64 *x, struct address a, unsigned bytes)
{
    return bytes == 16 && (int)a.base == x->pin_of[31] && a.disp & 15;
}

static void take_half(struct x64 *x, unsigned which, unsigned to, unsigned pair)
{
    struct enc *e = &x->e;
    enc_sse_gpr_rr(e, which ? OP_PEXTRD : OP_MOVD_STORE, 1, pair, to);
    if (which)
        enc_u8(e, 1);
}

/* Which of the two takes the place of its own address, as a list's link does. -1: neither. */
static int link_of(const struct x64 *x, ir_ref v, ir_ref hi, struct address a)
{
    if (IR_MEM_SIZE(x->insn[v].aux) != 3)
        return -1;
    return x->val[v].hint == a.base ? 0 : x->val[hi].hint == a.base ? 1 : -1;
}

/* The next turn of a chain waits for its link, and by way of a vector register it takes twice as
 * long. So it is loaded by itself, first, and compared with its half of the one access, which it
 * can differ from only if another CPU stores between the two. */
static void load_link(struct x64 *x, unsigned which, unsigned t, unsigned first,
                      const struct cold *slow, struct x64_mem m)
{
    struct enc *e = &x->e;
    struct x64_mem alone = m;
    unsigned link = slow->dst[which];
    alone.disp += 8 * (int32_t)which;
    enc_load(e, W64, first, alone);
    enc_sse1_rm(e, OP_MOVDQU_LOAD, t, m);
    take_half(x, which, link, t);
    take_half(x, !which, slow->dst[!which], t);
    enc_alu(e, ALU_CMP, W64, link, first);
    size_t torn = enc_jcc8(e, CC_NE);
    enc_mov(e, W64, link, first); /* they are equal, but this one is known earlier */
    enc_patch8(e, torn);
}

static void emit_whole_ld2(struct x64 *x, ir_ref v, ir_ref hi, struct address a)
{
    const struct ir_insn *insn = &x->insn[v];
    unsigned memop = insn->aux, el = IR_MEM_BYTES(memop);
    unsigned t = ra_xtemp(x);
    int link = link_of(x, v, hi, a);
    if (el == 4 || link >= 0)
        fl_clobber(x); /* the halves are shifted apart, or compared */
    struct check k = chk_begin(x, a, false, 2 * el, link >= 0);
    struct cold *c = chk_slow(x, a);
    c->dst[0] = (uint8_t)ra_def(x, v, true);
    c->dst[1] = (uint8_t)ra_def(x, hi, true);
    chk_look(x, c, &k, a, 2 * el);
    struct x64_mem m = mem_index(k.entry, a.base, 0, a.disp);
    if (link >= 0 && c->dst[link] == a.base)
        load_link(x, (unsigned)link, t, k.tag, c, m);
    else
        load_pair(x, memop, t, c, m);
    cg_cold_resume(x, c);
}

/* One after the other; the base may be one of the results, which is loaded last then. */
static void load_both(struct x64 *x, const struct ir_insn *insn, const struct cold *c,
                      struct check k, struct address a)
{
    unsigned el = IR_MEM_BYTES(insn->aux), first = c->dst[0] == a.base;
    for (unsigned n = 0; n < 2; n++) {
        unsigned which = n ^ first;
        if (c->dst[which] != NOREG)
            load_int(x, insn->aux, is_wide(insn), c->dst[which],
                     mem_index(k.entry, a.base, 0, a.disp + (int32_t)(which * el)));
    }
}

static void emit_ld2(struct x64 *x, ir_ref v)
{
    const struct ir_insn *insn = &x->insn[v];
    unsigned memop = insn->aux, el = IR_MEM_BYTES(memop);
    ir_ref hi = chk_second(x, v, IR_HI);
    bool whole = hi != IR_NONE && is_whole(x, memop) && is_wide(insn);
    chk_flags(x, 2 * el);
    struct address a = chk_address(x, insn->arg[0]);
    const struct group *g = grp_at(x);
    bool head = g && grp_is_head(x, g); /* has no slow path to take if SP is not aligned */
    bool across = whole && !head && lies_across(x, a, 2 * el);
    if (whole && !across) {
        emit_whole_ld2(x, v, hi, a);
        return;
    }
    if (across)
        fl_clobber(x);
    struct check k = chk_begin(x, a, false, 2 * el, false);
    struct cold *c = chk_slow(x, a);
    /* The slow path reads all before it writes. */
    c->dst[0] = (uint8_t)ra_def(x, v, true);
    if (hi != IR_NONE)
        c->dst[1] = (uint8_t)ra_def(x, hi, true);
    if (across) { /* unless SP is not aligned after all */
        enc_test_imm(&x->e, W32, a.base, 15);
        c->from[2] = (uint32_t)enc_jcc32(&x->e, CC_NE);
    }
    if (chk_always_slow(x, memop)) {
        chk_go_slow(x, c);
    } else {
        chk_look(x, c, &k, a, 2 * el);
        load_both(x, insn, c, k, a);
    }
    cg_cold_resume(x, c);
}

/* One element; reg NOREG: an immediate. `spare` takes the bytes swapped or to be exchanged. */
static void store_int(struct x64 *x, unsigned memop, unsigned reg, int32_t imm, unsigned spare,
                      struct x64_mem m)
{
    struct enc *e = &x->e;
    unsigned sz = IR_MEM_SIZE(memop), size = store_size[sz & 3];
    if (memop & IR_MEM_BE && sz) {
        enc_mov(e, W64, spare, reg);
        if (sz == 1) {
            enc_bswap(e, W32, spare);
            enc_shift_imm(e, SH_SHR, W32, spare, 16);
        } else {
            enc_bswap(e, size, spare);
        }
        reg = spare;
    } else if (memop & IR_MEM_RELEASE && reg != NOREG) {
        enc_mov(e, W64, spare, reg);
        reg = spare;
    }
    if (memop & IR_MEM_RELEASE) /* drains the store buffer: a later LDAR may not pass it */
        enc_rm(e, sz ? OP_XCHG : OP_XCHG8, size, reg, m);
    else if (reg == NOREG)
        enc_store_imm(e, size, m, imm);
    else
        enc_store(e, size, reg, m);
}

/* A store's data: an immediate where the instruction can have one. */
static unsigned store_operand(struct x64 *x, unsigned memop, ir_ref v, int32_t *imm)
{
    if (!(memop & (IR_MEM_BE | IR_MEM_RELEASE)) && ra_imm32(x, v, IR_MEM_SIZE(memop) == 3, imm))
        return NOREG;
    return ra_use(x, v);
}

/* t = both of a pair's data. */
static void join_pair(struct x64 *x, unsigned wide, unsigned t, unsigned a, unsigned b)
{
    struct enc *e = &x->e;
    enc_sse_gpr_rr(e, OP_MOVD_LOAD, wide, t, a);
    if (e->avx)
        enc_vex_rr(e, OP_PINSRD, wide, 0, t, t, b);
    else
        enc_rr(e, OP_PINSRD, wide ? W64 : W32, t, b);
    enc_u8(e, 1);
}

static void emit_whole_st2(struct x64 *x, ir_ref v)
{
    const struct ir_insn *insn = &x->insn[v];
    unsigned memop = insn->aux, el = IR_MEM_BYTES(memop);
    struct address a = chk_address(x, insn->arg[0]);
    unsigned data[2], t = ra_xtemp(x);
    for (unsigned k = 0; k < 2; k++)
        data[k] = ra_use(x, insn->arg[k + 1]);
    struct check check = chk_begin(x, a, true, 2 * el, false);
    struct cold *c = chk_slow(x, a);
    chk_look(x, c, &check, a, 2 * el);
    join_pair(x, el == 8, t, data[0], data[1]);
    enc_sse1_rm(&x->e, el == 8 ? OP_MOVDQU_STORE : OP_MOVQ_STORE, t,
                mem_index(check.entry, a.base, 0, a.disp));
    cg_cold_resume(x, c);
}

static void emit_st(struct x64 *x, ir_ref v)
{
    const struct ir_insn *insn = &x->insn[v];
    unsigned memop = insn->aux, n = insn->op == IR_ST2 ? 2 : 1;
    unsigned el = IR_MEM_BYTES(memop), bytes = n * el, data[2];
    int32_t imm[2];
    chk_flags(x, bytes);
    if (n == 2 && el >= 4 && is_whole(x, memop)) {
        emit_whole_st2(x, v);
        return;
    }
    struct address a = chk_address(x, insn->arg[0]);
    for (unsigned k = 0; k < n; k++)
        data[k] = store_operand(x, memop, insn->arg[k + 1], &imm[k]);
    struct check check = chk_begin(x, a, true, bytes, memop & (IR_MEM_BE | IR_MEM_RELEASE));
    struct cold *c = chk_slow(x, a);
    if (chk_always_slow(x, memop)) {
        chk_go_slow(x, c);
    } else {
        chk_look(x, c, &check, a, bytes);
        struct x64_mem m = mem_index(check.entry, a.base, 0, a.disp);
        for (unsigned k = 0; k < n; k++) {
            store_int(x, memop, data[k], imm[k], check.tag, m);
            m.disp += (int32_t)el;
        }
    }
    cg_cold_resume(x, c);
}

/* --- vectors ---------------------------------------------------------------------------------- */

static void load_vec(struct x64 *x, unsigned memop, unsigned dst, unsigned spare, struct x64_mem m)
{
    switch (IR_MEM_SIZE(memop)) {
    case 0:
    case 1:
        enc_rm(&x->e, IR_MEM_SIZE(memop) ? OP_MOVZX16 : OP_MOVZX8, W32, spare, m);
        enc_sse1_rr(&x->e, OP_MOVD_LOAD, dst, spare);
        break;
    case 2:
        enc_sse1_rm(&x->e, OP_MOVD_LOAD, dst, m);
        break;
    case 3:
        enc_sse1_rm(&x->e, OP_MOVQ_LOAD, dst, m);
        break;
    default:
        enc_sse1_rm(&x->e, OP_MOVDQU_LOAD, dst, m);
    }
}

static void store_vec(struct x64 *x, unsigned memop, unsigned src, struct x64_mem m)
{
    switch (IR_MEM_SIZE(memop)) {
    case 0:
    case 1:
        enc_sse1_rm(&x->e, IR_MEM_SIZE(memop) ? OP_PEXTRW : OP_PEXTRB, src, m);
        enc_u8(&x->e, 0);
        break;
    case 2:
        enc_sse1_rm(&x->e, OP_MOVD_STORE, src, m);
        break;
    case 3:
        enc_sse1_rm(&x->e, OP_MOVQ_STORE, src, m);
        break;
    default:
        enc_sse1_rm(&x->e, OP_MOVDQU_STORE, src, m);
    }
}

static void emit_ldv(struct x64 *x, ir_ref v)
{
    const struct ir_insn *insn = &x->insn[v];
    unsigned memop = insn->aux, el = IR_MEM_BYTES(memop);
    bool pair = insn->op == IR_LDV2;
    ir_ref hi = pair ? chk_second(x, v, IR_HIV) : IR_NONE;
    unsigned bytes = pair ? 2 * el : el;
    chk_flags(x, bytes);
    struct address a = chk_address(x, insn->arg[0]);
    struct check k = chk_begin(x, a, false, bytes, false);
    unsigned spare = el < 4 ? ra_temp(x) : NOREG;
    struct cold *c = chk_slow(x, a);
    c->dst[0] = (uint8_t)ra_xdef(x, v);
    x->val[v].clear = (uint8_t)el;
    if (hi != IR_NONE)
        c->dst[1] = (uint8_t)ra_xdef(x, hi);
    if (memop & (IR_MEM_UNPRIV | IR_MEM_BE)) {
        chk_go_slow(x, c);
    } else {
        chk_look(x, c, &k, a, bytes);
        struct x64_mem m = mem_index(k.entry, a.base, 0, a.disp);
        load_vec(x, memop, c->dst[0], spare, m);
        m.disp += (int32_t)el;
        if (hi != IR_NONE)
            load_vec(x, memop, c->dst[1], spare, m);
    }
    cg_cold_resume(x, c);
}

static void emit_stv(struct x64 *x, ir_ref v)
{
    const struct ir_insn *insn = &x->insn[v];
    unsigned memop = insn->aux, el = IR_MEM_BYTES(memop), n = insn->op == IR_STV2 ? 2 : 1, data[2];
    chk_flags(x, n * el);
    struct address a = chk_address(x, insn->arg[0]);
    for (unsigned k = 0; k < n; k++)
        data[k] = ra_xuse(x, insn->arg[k + 1]);
    struct check check = chk_begin(x, a, true, n * el, false);
    struct cold *c = chk_slow(x, a);
    if (memop & (IR_MEM_UNPRIV | IR_MEM_BE)) {
        chk_go_slow(x, c);
    } else {
        chk_look(x, c, &check, a, n * el);
        struct x64_mem m = mem_index(check.entry, a.base, 0, a.disp);
        for (unsigned k = 0; k < n; k++) {
            store_vec(x, memop, data[k], m);
            m.disp += (int32_t)el;
        }
    }
    cg_cold_resume(x, c);
}

/* --- the rest --------------------------------------------------------------------------------- */

/* Faults as an access would: within one page the check alone says so. Only elements can have to be
 * aligned: what must be aligned as a whole is one access, and needs no probe. */
static void emit_probe(struct x64 *x, ir_ref v)
{
    const struct ir_insn *insn = &x->insn[v];
    fl_clobber(x);
    struct address a = chk_address(x, insn->arg[0]);
    struct check k = chk_begin(x, a, insn->aux & IR_MEM_WRITE, 0, false);
    struct cold *c = chk_slow(x, a);
    if (insn->aux & IR_MEM_UNPRIV || insn->imm > IR_PAGE_SIZE)
        chk_go_slow(x, c);
    else
        chk_look(x, c, &k, a, (unsigned)insn->imm);
    cg_cold_resume(x, c);
}

/* Device memory is never in the TLB: what hits may be zeroed. */
static void emit_zero(struct x64 *x, ir_ref v)
{
    const struct ir_insn *insn = &x->insn[v];
    fl_clobber(x);
    struct address a = chk_address(x, insn->arg[0]);
    unsigned zero = ra_xtemp(x);
    struct check k = chk_begin(x, a, true, 0, false);
    struct cold *c = chk_slow(x, a);
    chk_look(x, c, &k, a, IR_ZERO_BYTES);
    vec_zero(x, zero);
    for (int32_t at = 0; at < IR_ZERO_BYTES; at += 16)
        enc_sse1_rm(&x->e, OP_MOVDQU_STORE, zero, mem_index(k.entry, a.base, 0, a.disp + at));
    cg_cold_resume(x, c);
}

const struct emit_row x64_emit_mem[] = {
    {IR_LD, emit_ld},       {IR_ST, emit_st},     {IR_LD2, emit_ld2},  {IR_ST2, emit_st},
    {IR_LDV, emit_ldv},     {IR_STV, emit_stv},   {IR_LDV2, emit_ldv}, {IR_STV2, emit_stv},
    {IR_PROBE, emit_probe}, {IR_ZERO, emit_zero}, {IR_OP_COUNT, 0},
};
