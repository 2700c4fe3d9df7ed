/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Slow paths of memory operations: operands to where the functions of struct ir_runtime take them,
 * results back, and what lives in temps kept meanwhile.
 */
#include "engine/x64/emit.h"

/* Moves n registers at once; to[] and from[] are changed. */
static void parallel_move(struct x64 *x, unsigned n, uint8_t *to, uint8_t *from)
{
    for (unsigned left = n; left;) {
        bool moved = false;
        for (unsigned i = 0; i < n; i++) {
            if (to[i] == NOREG)
                continue;
            bool blocked = false;
            for (unsigned j = 0; j < n; j++)
                blocked |= j != i && to[j] != NOREG && from[j] == to[i];
            if (blocked)
                continue;
            if (to[i] != from[i])
                enc_mov(&x->e, W64, to[i], from[i]);
            to[i] = NOREG;
            left--;
            moved = true;
        }
        if (moved || !left)
            continue;
        unsigned i = 0; /* a ring: put one right by exchanging */
        while (to[i] == NOREG)
            i++;
        enc_rr(&x->e, OP_XCHG, W64, to[i], from[i]);
        for (unsigned j = 0; j < n; j++) {
            if (j == i || to[j] == NOREG)
                continue;
            if (from[j] == to[i])
                from[j] = from[i];
            else if (from[j] == from[i])
                from[j] = to[i];
        }
        to[i] = NOREG;
        left--;
    }
}

static void slow_operands(struct x64 *x, const struct cold *c)
{
    static const uint8_t target[2] = {RDX, RCX};
    uint8_t to[3] = {RSI}, from[3] = {c->base};
    unsigned n = 1;
    unsigned size = x->insn[c->insn].type == IR_I32 ? W32 : W64; /* services see zero-extension */
    bool vectors = x->insn[c->insn].op == IR_STV || x->insn[c->insn].op == IR_STV2;
    for (unsigned k = 0; k < 2; k++) {
        const struct cold_arg *a = &c->arg[k];
        if (a->kind == COLD_REG && vectors) {
            enc_sse1_rm(&x->e, OP_MOVDQU_STORE, a->reg,
                        cpu_mem(x->layout.scratch + 16 * (int32_t)(k + 1)));
        } else if (a->kind == COLD_REG) {
            to[n] = target[k];
            from[n++] = a->reg;
        }
    }
    parallel_move(x, n, to, from);
    if (c->disp)
        enc_lea(&x->e, W64, RSI, mem_at(RSI, c->disp));
    for (unsigned k = 0; k < 2 && !vectors; k++) {
        const struct cold_arg *a = &c->arg[k];
        if (a->kind == COLD_CONST)
            enc_mov_imm(&x->e, target[k], size == W32 ? (uint32_t)a->imm : (uint64_t)a->imm);
        else if (a->kind == COLD_CPU)
            enc_load(&x->e, size, target[k], cpu_mem(a->off));
        else if (a->kind == COLD_FRAME)
            enc_load(&x->e, size, target[k], frame_mem(a->off));
        else if (a->kind == COLD_REG && size == W32)
            enc_mov(&x->e, W32, target[k], target[k]);
    }
}

/* The rest of the arguments of the struct ir_runtime function: see thunk.c for the registers. */
static enum thunk slow_arguments(struct x64 *x, const struct cold *c)
{
    const struct ir_insn *insn = &x->insn[c->insn];
    static const struct {
        uint8_t thunk, memop, pgoff, extra;
    } rows[] = {
#define ROW(op, thunk, memop, pgoff, extra) [op - IR_LD] = {thunk, memop, pgoff, extra}
        ROW(IR_LD, THUNK_LD, RDX, RCX, NOREG),     ROW(IR_ST, THUNK_ST, RCX, RAX, NOREG),
        ROW(IR_LD2, THUNK_LD2, RDX, RCX, NOREG),   ROW(IR_ST2, THUNK_ST2, RAX, RDI, NOREG),
        ROW(IR_LDV, THUNK_LDV, RDX, RCX, RAX),     ROW(IR_STV, THUNK_STV, RDX, RCX, RAX),
        ROW(IR_LDV2, THUNK_LDV, RDX, RCX, RAX),    ROW(IR_STV2, THUNK_STV, RDX, RCX, RAX),
        ROW(IR_PROBE, THUNK_PROBE, RDX, RCX, RAX), ROW(IR_ZERO, THUNK_ZERO, NOREG, RCX, NOREG),
        ROW(IR_ATOM, THUNK_ATOM, RCX, RAX, RDI),   ROW(IR_CAS, THUNK_CAS, RAX, RDI, NOREG),
        ROW(IR_LDX, THUNK_LDX, RDX, RCX, RAX),     ROW(IR_LDX2, THUNK_LDX, RDX, RCX, RAX),
        ROW(IR_STX, THUNK_STX, RAX, RDI, NOREG),   ROW(IR_STX2, THUNK_STX, RAX, RDI, NOREG),
#undef ROW
    };
    unsigned row = insn->op - IR_LD;
    uint32_t memop = insn->aux & ~IR_MEM_HINTS, extra = 0;
    switch (insn->op) {
    case IR_LDV:
    case IR_STV:
        extra = 1;
        break;
    case IR_LDV2:
    case IR_STV2:
        extra = 2;
        break;
    case IR_PROBE:
    case IR_ATOM:
        extra = (uint32_t)insn->imm;
        break;
    case IR_LDX2:
        extra = 1;
        break;
    case IR_STX2:
        memop |= 1u << 16;
        break;
    default:
        break;
    }
    if (rows[row].memop != NOREG)
        enc_mov_imm(&x->e, rows[row].memop, memop);
    enc_mov_imm(&x->e, rows[row].pgoff, (uint32_t)c->pgoff);
    if (rows[row].extra != NOREG)
        enc_mov_imm(&x->e, rows[row].extra, extra);
    return rows[row].thunk;
}

static void slow_results(struct x64 *x, const struct cold *c)
{
    const struct ir_insn *insn = &x->insn[c->insn];
    if (insn->op == IR_LDV || insn->op == IR_LDV2) {
        for (int32_t k = 0; k < 2; k++)
            if (c->dst[k] != NOREG)
                enc_sse1_rm(&x->e, OP_MOVDQU_LOAD, c->dst[k], cpu_mem(x->layout.scratch + 16 * k));
        return;
    }
    unsigned size = x->val[c->insn].type == IR_I64 ? W64 : W32;
    if (c->dst[0] != NOREG && (c->dst[0] != RAX || size == W32))
        enc_mov(&x->e, size, c->dst[0], RAX);
    if (c->dst[1] != NOREG)
        enc_load(&x->e, size, c->dst[1], cpu_mem(x->layout.second));
}

void cg_cold_save(struct x64 *x, const struct cold *c)
{
    for (uint32_t m = c->live; m; m &= m - 1) {
        int32_t r = __builtin_ctz(m);
        enc_store(&x->e, W64, (unsigned)r, frame_mem(FRAME_SAVE + 8 * r));
    }
    for (uint32_t m = c->xlive; m; m &= m - 1) {
        int32_t r = __builtin_ctz(m);
        enc_sse1_rm(&x->e, OP_MOVDQU_STORE, (unsigned)r, frame_mem(FRAME_XSAVE + 16 * r));
    }
}

void cg_cold_reload(struct x64 *x, const struct cold *c)
{
    for (uint32_t m = c->live; m; m &= m - 1) {
        int32_t r = __builtin_ctz(m);
        enc_load(&x->e, W64, (unsigned)r, frame_mem(FRAME_SAVE + 8 * r));
    }
    for (uint32_t m = c->xlive; m; m &= m - 1) {
        int32_t r = __builtin_ctz(m);
        enc_sse1_rm(&x->e, OP_MOVDQU_LOAD, (unsigned)r, frame_mem(FRAME_XSAVE + 16 * r));
    }
}

void cg_cold_restore(struct x64 *x, const struct cold *c)
{
    cg_cold_reload(x, c);
    size_t end = enc_jmp32(&x->e);
    enc_patch32(&x->e, end, c->resume);
}

void cg_cold_note_flags(struct x64 *x, struct cold *c)
{
    ir_ref flags = x->val[c->insn].pair;
    if (flags == IR_NONE)
        return;
    if (x->flags == flags)
        c->flag[0].kind = x->inverted ? COLD_FLAGS_INVERTED : COLD_FLAGS;
    else if (x->val[flags].at && x->val[flags].last >= c->insn)
        cg_cold_arg(x, &c->flag[0], flags);
    else {
        for (unsigned k = 0; k < 2; k++)
            cg_cold_arg(x, &c->flag[k], x->insn[flags].arg[k]);
        c->flag_wide = is_wide(&x->insn[flags]);
    }
}

static struct x64_mem cold_mem(const struct cold_arg *arg)
{
    return arg->kind == COLD_FRAME ? frame_mem(arg->off) : cpu_mem(arg->off);
}

/* EFLAGS of a comparison of operands that are where they were. rax may change if a is in memory. */
static void compare_again(struct x64 *x, const struct cold *c)
{
    struct enc *e = &x->e;
    const struct cold_arg *a = &c->flag[0], *b = &c->flag[1];
    unsigned size = c->flag_wide ? W64 : W32, reg = a->reg;
    if (a->kind != COLD_REG && b->kind == COLD_REG) {
        enc_rm(e, 0x0039, size, b->reg, cold_mem(a)); /* cmp [a], b */
        return;
    }
    if (a->kind != COLD_REG) {
        reg = RAX;
        enc_load(e, size, reg, cold_mem(a));
    }
    if (b->kind == COLD_REG)
        enc_alu(e, ALU_CMP, size, reg, b->reg);
    else if (b->kind == COLD_CONST)
        enc_alu_imm(e, ALU_CMP, size, reg, (int32_t)b->imm);
    else
        enc_alu_load(e, ALU_CMP, size, reg, cold_mem(b));
}

/* Keeps all registers. */
void cg_cold_flags(struct x64 *x, const struct cold *c)
{
    struct enc *e = &x->e;
    const struct cold_arg *arg = &c->flag[0];
    struct x64_mem rax = frame_mem(FRAME_SAVE + 8 * RAX);
    if (arg->kind == COLD_NONE || (c->flag[1].kind == COLD_NONE && arg->kind == COLD_CPU))
        return; /* there already */
    enc_store(e, W64, RAX, rax);
    if (c->flag[1].kind != COLD_NONE) {
        compare_again(x, c);
        fl_rest(x, true);
    } else if (arg->kind == COLD_FLAGS || arg->kind == COLD_FLAGS_INVERTED) {
        fl_rest(x, arg->kind == COLD_FLAGS_INVERTED);
    } else if (arg->kind == COLD_FRAME) {
        enc_load(e, W32, RAX, frame_mem(arg->off));
    }
    enc_store(e, W16, arg->kind == COLD_REG && c->flag[1].kind == COLD_NONE ? arg->reg : RAX,
              cpu_mem(x->layout.nzcv));
    enc_load(e, W64, RAX, rax);
}

void cg_cold_mem(struct x64 *x, const struct cold *c)
{
    if (c->by_base)
        cg_cold_near(x, c);
    cg_cold_flags(x, c);
    cg_cold_save(x, c);
    slow_operands(x, c);
    cg_call_thunk(x, slow_arguments(x, c));
    slow_results(x, c);
    cg_cold_restore(x, c);
}
