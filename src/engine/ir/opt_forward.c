/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Forward pass, block by block: what is read from CPU state after it was read or written in the
 * block is replaced by the value, a write of what is there already is removed, and pure operations
 * are simplified. Instructions that become superfluous are left to the dead-code pass, but for
 * such writes: they turn into an unused constant.
 */
#include "opt.h"

enum slot_kind {
    SLOT_NONE,
    SLOT_X,    /* ref: all 8 bytes as i64 */
    SLOT_W,    /* ref: low 4 bytes as i32; high: high 4 bytes; either may be IR_NONE */
    SLOT_VLOW, /* ref: the v128 whose low half lies here */
    SLOT_VHIGH,
};

static void set_x(struct ir_opt *opt, unsigned index, ir_ref ref)
{
    struct ir_opt_slot *slot = ir_opt_take(opt, index);
    slot->kind = SLOT_X;
    slot->ref = ref;
}

static void set_w(struct ir_opt *opt, unsigned offset, ir_ref ref)
{
    struct ir_opt_slot *slot = ir_opt_take(opt, offset / 8);
    if (slot->kind != SLOT_W) {
        slot->kind = SLOT_W;
        slot->ref = slot->high = IR_NONE;
    }
    if (offset & 4)
        slot->high = ref;
    else
        slot->ref = ref;
}

static void set_v(struct ir_opt *opt, unsigned index, ir_ref ref)
{
    struct ir_opt_slot *low = ir_opt_take(opt, index);
    low->kind = SLOT_VLOW;
    low->ref = ref;
    struct ir_opt_slot *high = ir_opt_take(opt, index + 1);
    high->kind = SLOT_VHIGH;
    high->ref = ref;
}

/* The v128 known to lie at a slot and the next one. */
static ir_ref known_v(struct ir_opt *opt, unsigned index)
{
    const struct ir_opt_slot *low = ir_opt_find(opt, index);
    const struct ir_opt_slot *high = ir_opt_find(opt, index + 1);
    return low && high && low->kind == SLOT_VLOW && high->kind == SLOT_VHIGH &&
                   low->ref == high->ref
               ? low->ref
               : IR_NONE;
}

static ir_ref known_w(struct ir_opt *opt, unsigned offset)
{
    const struct ir_opt_slot *slot = ir_opt_find(opt, offset / 8);
    if (!slot || slot->kind != SLOT_W)
        return IR_NONE;
    return offset & 4 ? slot->high : slot->ref;
}

static void become(struct ir_insn *insn, enum ir_op op, enum ir_type type, ir_ref a, ir_ref b,
                   unsigned aux, int64_t imm)
{
    *insn = (struct ir_insn){.op = (uint16_t)op,
                             .type = (uint8_t)type,
                             .aux = (uint16_t)aux,
                             .arg = {a, b, IR_NONE},
                             .imm = imm};
}

/* A write that changes nothing: a constant that nobody uses stands in its place. */
static void remove_write(struct ir_insn *insn)
{
    become(insn, IR_CONST, IR_I32, IR_NONE, IR_NONE, 0, 0);
}

static ir_ref forward_get(struct ir_opt *opt, struct ir_insn *insn, ir_ref index)
{
    unsigned offset = (unsigned)insn->imm, at = offset / 8;
    const struct ir_opt_slot *slot = ir_opt_find(opt, at);
    if (insn->type == IR_I32) {
        ir_ref known = known_w(opt, offset);
        if (known != IR_NONE)
            return known;
        if (slot && slot->kind == SLOT_X && !(offset & 4)) {
            become(insn, IR_TRUNC, IR_I32, slot->ref, IR_NONE, 0, 0);
            return ir_opt_simplify(opt, index);
        }
        if (!slot || slot->kind == SLOT_NONE || slot->kind == SLOT_W)
            set_w(opt, offset, index);
        return index;
    }
    if (slot && slot->kind == SLOT_X)
        return slot->ref;
    if (slot && (slot->kind == SLOT_VLOW || slot->kind == SLOT_VHIGH)) {
        become(insn, IR_VLANEU, IR_I64, slot->ref, IR_NONE, 3, slot->kind == SLOT_VHIGH);
        return index;
    }
    set_x(opt, at, index);
    return index;
}

static ir_ref forward_getv(struct ir_opt *opt, struct ir_insn *insn, ir_ref index)
{
    unsigned at = (unsigned)insn->imm / 8;
    ir_ref known = known_v(opt, at);
    if (known != IR_NONE)
        return known;
    const struct ir_opt_slot *low = ir_opt_find(opt, at), *high = ir_opt_find(opt, at + 1);
    if (low && high && low->kind == SLOT_X && high->kind == SLOT_X)
        become(insn, IR_VFROMX, IR_V128, low->ref, high->ref, 0, 0);
    set_v(opt, at, index);
    return index;
}

static void forward_put(struct ir_opt *opt, struct ir_insn *insn)
{
    unsigned offset = (unsigned)insn->imm;
    const struct ir_opt_slot *slot = ir_opt_find(opt, offset / 8);
    ir_ref value = insn->arg[0];
    if (insn->type == IR_I64) {
        if (slot && slot->kind == SLOT_X && slot->ref == value)
            remove_write(insn);
        else
            set_x(opt, offset / 8, value);
    } else if (known_w(opt, offset) == value) {
        remove_write(insn);
    } else {
        set_w(opt, offset, value);
    }
}

/* One access of CPU state. *flags is the value NZCV is known to have. */
static ir_ref forward_state(struct ir_opt *opt, ir_ref index, ir_ref *flags)
{
    struct ir_insn *insn = &opt->ir->insn[index];
    unsigned at = (unsigned)insn->imm / 8;
    bool written = false;
    switch (insn->op) {
    case IR_GET:
        return forward_get(opt, insn, index);
    case IR_GETV:
        return forward_getv(opt, insn, index);
    case IR_PUT:
        written = true;
        forward_put(opt, insn);
        break;
    case IR_PUT8:
        written = true;
        ir_opt_forget(opt, at);
        break;
    case IR_PUTV:
        written = true;
        if (known_v(opt, at) == insn->arg[0])
            remove_write(insn);
        else
            set_v(opt, at, insn->arg[0]);
        break;
    case IR_GETF:
        if (*flags != IR_NONE)
            return *flags;
        *flags = index;
        break;
    case IR_PUTF:
        if (*flags == insn->arg[0])
            remove_write(insn);
        else
            *flags = insn->arg[0];
        ir_opt_forget(opt, ir_opt_nzcv_index(opt));
        break;
    }
    if (written && (at == ir_opt_nzcv_index(opt) || at + 1 == ir_opt_nzcv_index(opt)))
        *flags = IR_NONE;
    return index;
}

/* A helper may have changed any state but, without WRITES_R, the registers and flags. */
static void after_call(struct ir_opt *opt, const struct ir_insn *insn, ir_ref *flags)
{
    unsigned what = ir_opt_helper(opt, insn)->flags;
    if (what & IR_HELPER_PURE)
        return;
    ir_opt_forget_other(opt);
    if (what & IR_HELPER_WRITES_R) {
        ir_opt_forget_regs(opt);
        *flags = IR_NONE;
    }
}

static void forward_block(struct ir_opt *opt, const struct ir_block *block)
{
    ir_ref flags = IR_NONE;
    ir_opt_forget_regs(opt);
    ir_opt_forget_other(opt);
    for (unsigned i = block->first; i < block->end; i++) {
        struct ir_insn *insn = &opt->ir->insn[i];
        opt->same[i] = (ir_ref)i;
        if (insn->op == IR_CONST || insn->op == IR_INSN) /* a third of all */
            continue;
        insn->arg[0] = opt->same[ir_opt_arg(insn->arg[0])];
        insn->arg[1] = opt->same[ir_opt_arg(insn->arg[1])];
        insn->arg[2] = opt->same[ir_opt_arg(insn->arg[2])];
        switch (ir_op_info[insn->op].klass) {
        case IR_PURE:
        case IR_CTL:
            opt->same[i] = ir_opt_simplify(opt, (ir_ref)i);
            break;
        case IR_FP: /* FPSR changes */
            ir_opt_forget(opt, (unsigned)opt->layout->fpenv / 8);
            break;
        case IR_MEM: /* the runtime's scratch, the monitor */
            ir_opt_forget_other(opt);
            break;
        case IR_STATE:
            opt->same[i] = forward_state(opt, (ir_ref)i, &flags);
            break;
        default:
            if (insn->op == IR_CALL || insn->op == IR_CALLV)
                after_call(opt, insn, &flags);
            break;
        }
    }
}

void ir_opt_forward(struct ir_opt *opt)
{
    opt->same[IR_MAX_INSNS] = IR_NONE;
    for (unsigned b = 0; b < opt->ir->blocks; b++)
        forward_block(opt, &opt->ir->block[b]);
}
