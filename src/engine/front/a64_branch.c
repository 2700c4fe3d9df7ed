/* SPDX-License-Identifier: Apache-2.0 */
/* Branches and exception-generating instructions (manual C4.1.93). */
#include "engine/front/a64.h"

#include "arm/exception.h"

static int32_t target(const struct a64 *c, uint32_t imm, unsigned width)
{
    return c->pgoff + (int32_t)sext64(imm, width) * 4;
}

void a64_b(struct a64 *c, const struct a64_b *f)
{
    a64_goto(c, target(c, f->imm26, 26));
}

/* Calls leave the region: the callee is a region of its own, the return comes back to pgoff + 4. */
void a64_bl(struct a64 *c, const struct a64_bl *f)
{
    int32_t to = target(c, f->imm26, 26);
    if (to <= c->pgoff)
        a64_poll(c);
    a64_set_x(c, 30, ir_pcrel(c->ir, c->pgoff + 4));
    if (c->mode & FRONT_STEP) {
        ir_exits(c->ir, to);
    } else {
        ir_pushret(c->ir, c->pgoff + 4);
        ir_exit(c->ir, to);
    }
    c->ended = true;
}

void a64_b_cond(struct a64 *c, const struct a64_b_cond *f)
{
    int32_t to = target(c, f->imm19, 19);
    if (f->cond >= 14) { /* AL, and NV means the same */
        a64_goto(c, to);
        return;
    }
    struct a64_side side;
    if (a64_side(c, to, &side)) {
        ir_sidef(c->ir, ir_getf(c->ir), (f->cond ^ side.taken) | side.poll, side.leave);
        a64_go_on(c, &side);
        return;
    }
    unsigned taken = a64_edge(c, to), other = a64_edge_next(c);
    ir_brf(c->ir, ir_getf(c->ir), f->cond, a64_blocks(taken, other));
    c->ended = true;
}

void a64_cbz(struct a64 *c, const struct a64_cbz *f)
{
    enum ir_type type = a64_type(f->sf);
    int32_t to = target(c, f->imm19, 19);
    struct a64_side side;
    if (a64_side(c, to, &side)) {
        if ((f->op == A64_CBZ) != side.taken)
            ir_sidez(c->ir, type, a64_reg(c, f->sf, f->Rt), side.poll, side.leave);
        else
            ir_sidenz(c->ir, type, a64_reg(c, f->sf, f->Rt), side.poll, side.leave);
        a64_go_on(c, &side);
        return;
    }
    unsigned taken = a64_edge(c, to), other = a64_edge(c, c->pgoff + 4);
    ir_ref a = a64_reg(c, f->sf, f->Rt);
    if (f->op == A64_CBZ)
        ir_brz(c->ir, type, a, a64_blocks(taken, other));
    else
        ir_brnz(c->ir, type, a, a64_blocks(taken, other));
    c->ended = true;
}

void a64_tbz(struct a64 *c, const struct a64_tbz *f)
{
    int32_t to = target(c, f->imm14, 14);
    unsigned bit = f->b5 << 5 | f->b40;
    struct a64_side side;
    if (a64_side(c, to, &side)) {
        ir_ref value = a64_reg(c, f->b5, f->Rt);
        if ((f->op == A64_TBZ) != side.taken)
            ir_sideclr(c->ir, a64_type(f->b5), value, bit | side.poll, side.leave);
        else
            ir_sideset(c->ir, a64_type(f->b5), value, bit | side.poll, side.leave);
        a64_go_on(c, &side);
        return;
    }
    unsigned set = a64_edge(c, to), clear = a64_edge(c, c->pgoff + 4);
    if (f->op == A64_TBZ) {
        unsigned swap = set;
        set = clear;
        clear = swap;
    }
    ir_ref a = a64_reg(c, f->b5, f->Rt);
    ir_brbit(c->ir, a64_type(f->b5), a, bit, a64_blocks(set, clear));
    c->ended = true;
}

void a64_br(struct a64 *c, const struct a64_br *f)
{
    a64_poll(c);
    a64_goto_reg(c, a64_x(c, f->Rn), IR_JUMP_PLAIN | a64_landing_br(c, f->Rn));
}

void a64_blr(struct a64 *c, const struct a64_blr *f)
{
    a64_poll(c);
    ir_ref to = a64_x(c, f->Rn); /* read before X30 is written: it may be X30 */
    a64_set_x(c, 30, ir_pcrel(c->ir, c->pgoff + 4));
    if (!(c->mode & FRONT_STEP))
        ir_pushret(c->ir, c->pgoff + 4);
    a64_goto_reg(c, to, IR_JUMP_CALL | a64_landing_blr(c));
}

unsigned a64_landing_pads(uint32_t insn, uint32_t mode, const struct arm_features *features)
{
    enum { BTI = 0xd503241f, PACIASP = 0xd503233f, PACIBSP = 0xd503237f };
    static const uint8_t bti[4] = {0, 1 << 1 | 1 << 2, 1 << 1 | 1 << 3, 1 << 1 | 1 << 2 | 1 << 3};
    if ((insn & 0xffffff3fu) == BTI) /* none, C, J, JC */
        return bti[insn >> 6 & 3];
    if ((insn == PACIASP || insn == PACIBSP) && arm_has(features, ARM_FEAT_PAUTH))
        return mode & FRONT_BT ? bti[1] : bti[3];
    if ((insn & 0xffe0001fu) == 0xd4200000u || (insn & 0xffe0001fu) == 0xd4400000u) /* BRK, HLT */
        return bti[3];
    return 0;
}

void a64_ret(struct a64 *c, const struct a64_ret *f)
{
    a64_poll(c);
    a64_goto_reg(c, a64_x(c, f->Rn), IR_JUMP_RET);
}

void a64_eret(struct a64 *c, const struct a64_eret *f)
{
    if (!(c->mode & FRONT_EL1))
        a64_undefined(c);
    else
        a64_raise(c, A64_HELPER_ERET, 0, 0);
}

void a64_svc(struct a64 *c, const struct a64_svc *f)
{
    a64_raise(c, A64_HELPER_SVC, f->imm16, 0);
}

void a64_brk(struct a64 *c, const struct a64_brk *f)
{
    a64_raise(c, A64_HELPER_BRK, f->imm16, 0);
}

/* PSCI and other calls of the SMC Calling Convention; this machine answers both conduits. */
void a64_hvc(struct a64 *c, const struct a64_hvc *f)
{
    if (!(c->mode & FRONT_EL1))
        a64_undefined(c);
    else
        a64_raise(c, A64_HELPER_HVC, f->imm16, f->op == A64_SMC);
}
