/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Where NZCV is: in EFLAGS with either polarity of the carry, in CPU state or a register in the
 * form that LAHF and SETO leave in ax (ir.h), and how conditions are tested in each place.
 */
#include "engine/x64/cg.h"

bool fl_wanted(const struct x64 *x)
{
    return x->flags != IR_NONE && x->val[x->flags].last > x->i;
}

/* The carry's complement is had without touching EFLAGS by adding 1 to what LAHF left: its bit 1 is
 * 1 and its bit 3 is 0, so that no carry gets as far as Z and N. */
void fl_rest(struct x64 *x, bool inverted)
{
    enc_u8(&x->e, 0x9f); /* lahf */
    enc_setcc(&x->e, CC_O, RAX);
    if (inverted)
        enc_lea(&x->e, W32, RAX, mem_at(RAX, 0x100));
}

void fl_to_rax(struct x64 *x)
{
    ra_take(x, RAX);
    fl_rest(x, x->inverted);
}

void fl_clobber(struct x64 *x)
{
    ir_ref v = x->flags;
    if (v == IR_NONE)
        return;
    struct val *val = &x->val[v];
    val->at &= ~AT_FLAGS;
    if (!val->at && x->val[v].last >= x->i) {
        fl_to_rax(x);
        ra_def_in(x, v, RAX);
        ra_release(x, RAX);
    }
    x->flags = IR_NONE;
}

void fl_drop(struct x64 *x)
{
    if (x->flags != IR_NONE)
        x->val[x->flags].at &= ~AT_FLAGS;
    x->flags = IR_NONE;
}

void fl_set(struct x64 *x, ir_ref v, bool inverted)
{
    x->val[v].at |= AT_FLAGS;
    x->flags = v;
    x->inverted = inverted;
}

static void polarity(struct x64 *x, bool inverted)
{
    if (x->inverted != inverted) {
        enc_u8(&x->e, 0xf5); /* cmc */
        x->inverted = inverted;
    }
}

void fl_load(struct x64 *x, ir_ref v, bool inverted)
{
    v = x->val[v].rep;
    if (!(x->val[v].at & AT_FLAGS)) {
        fl_clobber(x);
        ra_take(x, RAX);
        ra_move_to(x, v, RAX);
        /* OF = bit 0: doubling 80h overflows, doubling 0 does not */
        enc_shift_imm(&x->e, SH_SHL, W8, RAX, 7);
        enc_alu(&x->e, ALU_ADD, W8, RAX, RAX);
        enc_u8(&x->e, 0x9e); /* sahf */
        ra_release(x, RAX);
        fl_set(x, v, false);
    }
    polarity(x, inverted);
}

/* Where the resting form of a value that is not in EFLAGS lies in memory. */
static struct x64_mem resting(const struct x64 *x, const struct val *val)
{
    return val->at & AT_SPILL ? frame_mem(FRAME_SPILL + 8 * val->spill) : cpu_mem(x->layout.nzcv);
}

void fl_load_carry(struct x64 *x, ir_ref v, bool inverted)
{
    enum { BT = 4, C = 8 };
    v = x->val[v].rep;
    const struct val *val = &x->val[v];
    int64_t imm;
    if (val->at & AT_FLAGS || ra_const(x, v, &imm)) {
        fl_load(x, v, inverted);
        return;
    }
    fl_clobber(x);
    if (val->at & AT_REG && val->reg == RAX) {
        enc_u8(&x->e, 0x9e); /* sahf */
    } else {
        if (val->at & AT_REG)
            enc_rr(&x->e, OP_GROUP8, W32, BT, val->reg);
        else
            enc_rm(&x->e, OP_GROUP8, W16, BT, resting(x, val));
        enc_u8(&x->e, C);
    }
    if (inverted)
        enc_u8(&x->e, 0xf5); /* cmc */
}

/* The flag bits of the resting form that decide EQ, CS, MI, VS and their opposites. */
static unsigned single_flag(unsigned cond)
{
    switch (cond >> 1) {
    case 0:
        return 0x4000;
    case 1:
        return 0x0100;
    case 2:
        return 0x8000;
    case 3:
        return 0x0001;
    default:
        return 0;
    }
}

enum x64_cc fl_cond(struct x64 *x, ir_ref v, unsigned cond)
{
    static const uint8_t direct[14] = {CC_E,  CC_NE, CC_B,  CC_AE, CC_S, CC_NS, CC_O,
                                       CC_NO, CC_A,  CC_BE, CC_GE, CC_L, CC_G,  CC_LE};
    v = x->val[v].rep;
    const struct val *val = &x->val[v];
    unsigned bit = single_flag(cond);
    if (!(val->at & AT_FLAGS) && bit) {
        fl_clobber(x);
        if (val->at & AT_REG)
            enc_test_imm(&x->e, W32, val->reg, bit);
        else {
            struct x64_mem m = resting(x, val);
            m.disp += bit > 0xff;
            enc_test_mem8(&x->e, m, bit > 0xff ? bit >> 8 : bit);
        }
        return cond & 1 ? CC_E : CC_NE;
    }
    if (!(val->at & AT_FLAGS))
        fl_load(x, v, false);
    if (cond >> 1 == 4) /* HI, LS: x86 tests the borrow */
        polarity(x, true);
    enum x64_cc cc = direct[cond];
    return cond >> 1 == 1 && x->inverted ? cc ^ 1 : cc;
}
