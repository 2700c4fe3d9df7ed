/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Backward pass: drops pure operations that nobody uses, writes of CPU state that are overwritten
 * in the same block before anybody can see them, and writes of NZCV that are overwritten on every
 * path. State can be seen wherever the region may be left or a helper may look: at memory
 * operations (an exception saves all of it), polls, exits, and calls that raise or read.
 * Fp operations stay, unused or not: they set FPSR's cumulative bits.
 */
#include "opt.h"

enum { NZCV_BYTES = 2 };

static bool call_observes(const struct ir_opt *opt, const struct ir_insn *insn)
{
    return ir_opt_helper(opt, insn)->flags & (IR_HELPER_RAISES | IR_HELPER_READS_R);
}

static bool overlaps_nzcv(const struct ir_opt *opt, const struct ir_insn *insn)
{
    int64_t bytes = insn->op == IR_GETV ? 16 : insn->op == IR_GET8 ? 1 : 8;
    return insn->imm < opt->layout->nzcv + NZCV_BYTES && insn->imm + bytes > opt->layout->nzcv;
}

/* --- liveness of NZCV across blocks ------------------------------------------------------------*/

enum flags_effect { FLAGS_PASS, FLAGS_READ, FLAGS_WRITTEN };

/* Of anything but a memory operation: those read. */
static enum flags_effect flags_effect(const struct ir_opt *opt, const struct ir_insn *insn)
{
    switch (insn->op) {
    case IR_PUTF:
        return FLAGS_WRITTEN;
    case IR_GETF:
    case IR_POLL:
    case IR_SIDEF:
    case IR_SIDEZ:
    case IR_SIDENZ:
    case IR_SIDESET:
    case IR_SIDECLR:
    case IR_EXIT:
    case IR_EXITR:
    case IR_EXITS:
    case IR_EXITX:
        return FLAGS_READ;
    case IR_GET:
    case IR_GET8:
    case IR_GETV:
        return overlaps_nzcv(opt, insn) ? FLAGS_READ : FLAGS_PASS;
    case IR_CALL:
    case IR_CALLV:
        return call_observes(opt, insn) ? FLAGS_READ : FLAGS_PASS;
    default:
        return FLAGS_PASS;
    }
}

/* What the block as a whole does to the flags it is entered with. */
static enum flags_effect block_effect(const struct ir_opt *opt, const struct ir_block *block)
{
    for (unsigned i = block->first; i < block->end; i++) {
        const struct ir_insn *insn = &opt->ir->insn[i];
        unsigned klass = ir_op_info[insn->op].klass;
        if (klass == IR_PURE || insn->op == IR_INSN) /* the most, without a jump table */
            continue;
        enum flags_effect effect = klass == IR_MEM ? FLAGS_READ : flags_effect(opt, insn);
        if (effect != FLAGS_PASS)
            return effect;
    }
    return FLAGS_PASS;
}

static bool live_after(const struct ir_opt *opt, const struct ir_block *block, const bool *live_in)
{
    const struct ir_insn *last = &opt->ir->insn[block->end - 1];
    uint32_t taken = (uint32_t)last->imm, other = (uint32_t)(last->imm >> 32);
    switch (last->op) {
    case IR_BR:
        return live_in[taken];
    case IR_BRF:
    case IR_BRZ:
    case IR_BRNZ:
    case IR_BRBIT:
        return live_in[taken] || live_in[other];
    default:
        return true;
    }
}

/* Least fixed point, from "live nowhere"; blocks mostly branch forward, so backward is fast. */
static void flags_liveness(const struct ir_opt *opt, bool *live_in)
{
    enum flags_effect effect[IR_MAX_BLOCKS];
    const struct ir *ir = opt->ir;
    bool changed;
    for (unsigned b = 0; b < ir->blocks; b++) {
        effect[b] = block_effect(opt, &ir->block[b]);
        live_in[b] = effect[b] == FLAGS_READ;
    }
    do {
        changed = false;
        for (unsigned b = ir->blocks; b-- > 0;) {
            if (effect[b] == FLAGS_PASS && !live_in[b] && live_after(opt, &ir->block[b], live_in)) {
                live_in[b] = true;
                changed = true;
            }
        }
    } while (changed);
}

/* --- one block, backward -----------------------------------------------------------------------*/

/* Bytes [offset, offset + n) within one slot. */
static uint8_t byte_mask(unsigned offset, unsigned n)
{
    return (uint8_t)(((1u << n) - 1) << (offset & 7));
}

static bool overwritten(struct ir_opt *opt, unsigned offset, unsigned n)
{
    const struct ir_opt_slot *slot = ir_opt_find(opt, offset / 8);
    uint8_t mask = byte_mask(offset, n);
    return slot && (slot->kind & mask) == mask;
}

static void note_write(struct ir_opt *opt, unsigned offset, unsigned n)
{
    ir_opt_take(opt, offset / 8)->kind |= byte_mask(offset, n);
}

static void note_read(struct ir_opt *opt, unsigned offset, unsigned n)
{
    struct ir_opt_slot *slot = ir_opt_find(opt, offset / 8);
    if (slot)
        slot->kind &= (uint8_t)~byte_mask(offset, n);
}

/* True if the write can be dropped, else it is noted. */
static bool dead_write(struct ir_opt *opt, const struct ir_insn *insn)
{
    unsigned offset = (unsigned)insn->imm;
    unsigned n = insn->op == IR_PUT8 ? 1 : insn->op == IR_PUT && insn->type == IR_I32 ? 4 : 8;
    bool vector = insn->op == IR_PUTV;
    if (overwritten(opt, offset, n) && (!vector || overwritten(opt, offset + 8, 8)))
        return true;
    note_write(opt, offset, n);
    if (vector)
        note_write(opt, offset + 8, 8);
    return false;
}

static void observe_all(struct ir_opt *opt, bool *flags_live)
{
    ir_opt_forget_regs(opt);
    ir_opt_forget_other(opt);
    *flags_live = true;
}

/* A call, poll or side exit: what it lets others see. */
static void observe(struct ir_opt *opt, const struct ir_insn *insn, bool *flags_live)
{
    switch (insn->op) {
    case IR_CALL:
    case IR_CALLV:
        if (call_observes(opt, insn))
            observe_all(opt, flags_live);
        else if (!(ir_opt_helper(opt, insn)->flags & IR_HELPER_PURE))
            ir_opt_forget_other(opt);
        break;
    case IR_POLL:
    case IR_SIDEF:
    case IR_SIDEZ:
    case IR_SIDENZ:
    case IR_SIDESET:
    case IR_SIDECLR:
        observe_all(opt, flags_live);
        break;
    default:
        break;
    }
}

/* An access of CPU state. Returns whether it stays. */
static bool keep_state(struct ir_opt *opt, const struct ir_insn *insn, bool used, bool *flags_live)
{
    unsigned offset = (unsigned)insn->imm;
    switch (insn->op) {
    case IR_PUT:
    case IR_PUT8:
    case IR_PUTV:
        return !dead_write(opt, insn);
    case IR_PUTF: {
        bool live = *flags_live;
        *flags_live = false;
        return live;
    }
    case IR_GETF:
        if (used) {
            *flags_live = true;
            note_read(opt, (unsigned)opt->layout->nzcv, NZCV_BYTES);
        }
        return used;
    case IR_PCREL:
        return used;
    default: /* get, get8, getv */
        if (!used)
            return false;
        note_read(opt, offset, insn->op == IR_GET8 ? 1 : insn->type == IR_I32 ? 4 : 8);
        if (insn->op == IR_GETV)
            note_read(opt, offset + 8, 8);
        if (overlaps_nzcv(opt, insn))
            *flags_live = true;
        return true;
    }
}

/* Anything but a pure operation. */
static bool keep(struct ir_opt *opt, const struct ir_insn *insn, unsigned klass, bool used,
                 bool *flags_live)
{
    switch (klass) {
    case IR_STATE:
        return keep_state(opt, insn, used, flags_live);
    case IR_FP: /* reads FPCR, adds to FPSR */
        note_read(opt, (unsigned)opt->layout->fpenv, 8 - ((unsigned)opt->layout->fpenv & 7));
        note_read(opt, (unsigned)opt->layout->fpenv + 4, 4);
        return true;
    case IR_MEM:
        observe_all(opt, flags_live);
        return true;
    case IR_MISC:
        if (insn->op == IR_HI || insn->op == IR_HIV)
            return used;
        if ((insn->op == IR_CALL || insn->op == IR_CALLV) && !used &&
            ir_opt_helper(opt, insn)->flags & IR_HELPER_PURE)
            return false;
        observe(opt, insn, flags_live);
        return true;
    default:
        return true;
    }
}

static void dead_block(struct ir_opt *opt, const struct ir_block *block, bool flags_live)
{
    struct ir *ir = opt->ir;
    ir_opt_forget_regs(opt);
    ir_opt_forget_other(opt);
    for (unsigned i = block->first; i < block->end; i++)
        opt->uses[i] = 0;
    for (unsigned i = block->end; i-- > block->first;) {
        const struct ir_insn *insn = &ir->insn[i];
        unsigned klass = ir_op_info[insn->op].klass;
        bool kept = opt->uses[i] != 0;
        if (klass != IR_PURE)
            kept = keep(opt, insn, klass, kept, &flags_live);
        opt->drop[i] = !kept;
        opt->uses[ir_opt_arg(insn->arg[0])] += kept;
        opt->uses[ir_opt_arg(insn->arg[1]) + (insn->arg[1] == IR_NONE)] += kept;
        opt->uses[ir_opt_arg(insn->arg[2]) + (insn->arg[2] == IR_NONE) * 2] += kept;
    }
}

void ir_opt_dead(struct ir_opt *opt)
{
    bool live_in[IR_MAX_BLOCKS];
    flags_liveness(opt, live_in);
    for (unsigned b = 0; b < opt->ir->blocks; b++) {
        const struct ir_block *block = &opt->ir->block[b];
        dead_block(opt, block, live_after(opt, block, live_in));
    }
}
