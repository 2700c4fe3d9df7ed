/* SPDX-License-Identifier: Apache-2.0 */
/* Atomics, and exclusives, which are the run-time's. */
#include "engine/x64/check.h"

static const uint8_t store_size[4] = {W8, W16, W32, W64};

/* Always through the runtime. */
static void emit_exclusive(struct x64 *x, ir_ref v)
{
    const struct ir_insn *insn = &x->insn[v];
    ir_ref hi = insn->op == IR_LDX2 ? chk_second(x, v, IR_HI) : IR_NONE;
    fl_clobber(x);
    struct address a = chk_address(x, insn->arg[0]);
    struct cold *c = chk_slow(x, a);
    c->dst[0] = (uint8_t)ra_def(x, v, true);
    if (hi != IR_NONE)
        c->dst[1] = (uint8_t)ra_def(x, hi, true);
    chk_go_slow(x, c);
    cg_cold_resume(x, c);
}

/* What the loop of an atomic operation computes from the old value in rax: t = rax KIND b. */
static void atom_step(struct x64 *x, unsigned kind, unsigned sz, unsigned t, unsigned b)
{
    static const uint8_t keep_old[] = {
        [IR_ATOM_SMAX] = CC_G, [IR_ATOM_SMIN] = CC_L, [IR_ATOM_UMAX] = CC_A, [IR_ATOM_UMIN] = CC_B};
    struct enc *e = &x->e;
    switch (kind) {
    case IR_ATOM_CLR:
        enc_mov(e, W64, t, b);
        enc_not(e, W64, t);
        enc_alu(e, ALU_AND, W64, t, RAX);
        break;
    case IR_ATOM_EOR:
    case IR_ATOM_SET:
        enc_mov(e, W64, t, b);
        enc_alu(e, kind == IR_ATOM_EOR ? ALU_XOR : ALU_OR, W64, t, RAX);
        break;
    default: /* minima and maxima at the operation's own size */
        enc_mov(e, W64, t, b);
        enc_rr(e, sz ? 0x003b : 0x003a, store_size[sz], RAX, b);
        enc_cmov(e, keep_old[kind], W64, t, RAX);
    }
}

/* The old value in reg, zero-extended to the type. */
static void extend_old(struct x64 *x, unsigned sz, unsigned reg)
{
    if (sz < 2)
        enc_rr(&x->e, sz ? OP_MOVZX16 : OP_MOVZX8, W32, reg, reg);
    else if (sz == 2)
        enc_mov(&x->e, W32, reg, reg);
}

static void lock(struct x64 *x)
{
    enc_u8(&x->e, 0xf0);
}

static void emit_atom(struct x64 *x, ir_ref v)
{
    const struct ir_insn *insn = &x->insn[v];
    unsigned memop = insn->aux, sz = IR_MEM_SIZE(memop), kind = (unsigned)insn->imm;
    unsigned bytes = 1u << sz;
    if (sz > 3 || memop & (IR_MEM_BE | IR_MEM_UNPRIV)) {
        emit_exclusive(x, v);
        return;
    }
    fl_clobber(x);
    ra_take(x, RAX);
    struct address a = chk_address(x, insn->arg[0]);
    unsigned b = ra_use(x, insn->arg[1]);
    struct check k = chk_begin(x, a, true, bytes, false);
    unsigned entry = k.entry, tag = k.tag;
    struct cold *c = chk_slow(x, a);
    c->dst[0] = RAX;
    chk_look(x, c, &k, a, bytes);
    struct x64_mem m = mem_index(entry, a.base, 0, a.disp);
    struct enc *e = &x->e;
    if (kind == IR_ATOM_ADD || kind == IR_ATOM_SWP) {
        enc_mov(e, W64, RAX, b);
        if (kind == IR_ATOM_ADD)
            lock(x);
        enc_rm(e, kind == IR_ATOM_ADD ? (sz ? OP_XADD : OP_XADD8) : (sz ? OP_XCHG : OP_XCHG8),
               store_size[sz], RAX, m);
        extend_old(x, sz, RAX);
    } else {
        if (sz < 2)
            enc_rm(e, sz ? OP_MOVZX16 : OP_MOVZX8, W32, RAX, m);
        else
            enc_load(e, store_size[sz], RAX, m);
        size_t again = enc_at(e);
        atom_step(x, kind, sz, tag, b);
        lock(x);
        enc_rm(e, sz ? OP_CMPXCHG : OP_CMPXCHG8, store_size[sz], tag, m);
        size_t end = enc_jcc32(e, CC_NE);
        enc_patch32(e, end, again);
    }
    if (x->val[v].uses)
        ra_def_in(x, v, RAX);
    cg_cold_resume(x, c);
}

static void emit_cas(struct x64 *x, ir_ref v)
{
    const struct ir_insn *insn = &x->insn[v];
    unsigned memop = insn->aux, sz = IR_MEM_SIZE(memop), bytes = 1u << sz;
    if (sz > 3 || memop & (IR_MEM_BE | IR_MEM_UNPRIV)) {
        emit_exclusive(x, v);
        return;
    }
    fl_clobber(x);
    ra_take(x, RAX);
    struct address a = chk_address(x, insn->arg[0]);
    /* b and c are fetched after the check, out of places that the slow path sees, too */
    ir_ref old = x->val[insn->arg[1]].rep, new = x->val[insn->arg[2]].rep;
    struct check k = chk_begin(x, a, true, bytes, false);
    unsigned entry = k.entry, tag = k.tag;
    unsigned data = x->val[new].at & (AT_REG | AT_PIN) ? x->val[new].reg : NOREG;
    struct cold *c = chk_slow(x, a);
    c->dst[0] = RAX;
    chk_look(x, c, &k, a, bytes);
    struct enc *e = &x->e;
    ra_move_to(x, old, RAX);
    if (data == NOREG) {
        ra_move_to(x, new, tag);
        data = tag;
    }
    lock(x);
    enc_rm(e, sz ? OP_CMPXCHG : OP_CMPXCHG8, store_size[sz], data,
           mem_index(entry, a.base, 0, a.disp));
    extend_old(x, sz, RAX);
    if (x->val[v].uses)
        ra_def_in(x, v, RAX);
    cg_cold_resume(x, c);
}

const struct emit_row x64_emit_atomic[] = {
    {IR_ATOM, emit_atom},      {IR_CAS, emit_cas},       {IR_LDX, emit_exclusive},
    {IR_LDX2, emit_exclusive}, {IR_STX, emit_exclusive}, {IR_STX2, emit_exclusive},
    {IR_OP_COUNT, 0},
};
