/* SPDX-License-Identifier: Apache-2.0 */
/* What the passes over a region share: a bounded memory of CPU state by offset, and which parts of
 * it an instruction may read or write behind the region's back. */
#ifndef ARMVM_ENGINE_IR_OPT_H
#define ARMVM_ENGINE_IR_OPT_H

#include "ir.h"

/*
 * Something known of 8 bytes of CPU state at a multiple of 8. The table is direct-mapped: a clash
 * forgets the older, which only costs an opportunity. An entry counts while its epoch is the
 * current one of its part of the state, so forgetting everything is one addition.
 */
struct ir_opt_slot {
    uint32_t epoch;
    uint16_t index;   /* offset / 8 */
    uint8_t kind;     /* forward pass: enum slot_kind; dead pass: mask of bytes overwritten */
    ir_ref ref, high; /* values known to be there */
};

enum { IR_OPT_SLOTS = 128 };

struct ir_opt {
    struct ir *ir;
    const struct ir_layout *layout;
    const struct ir_helper *helpers;
    bool as_written;      /* ir_opt_simplify() does nothing */
    uint32_t epoch;       /* ever growing: a new one on each forgetting */
    uint32_t epoch_regs;  /* of x0.. and v0.. */
    uint32_t epoch_other; /* of all other state */
    struct ir_opt_slot slot[IR_OPT_SLOTS];
    /* One more each, for missing arguments (ir_opt_arg): no branch, nothing to mispredict. */
    ir_ref same[IR_MAX_INSNS + 1];   /* by what a value is to be replaced: itself mostly */
    uint16_t uses[IR_MAX_INSNS + 3]; /* and one for each argument, so that they do not wait */
    bool drop[IR_MAX_INSNS];
};

/* The index of an argument in `same`, where IR_NONE has its place behind all values. */
static inline unsigned ir_opt_arg(ir_ref ref)
{
    return ref < IR_MAX_INSNS ? ref : IR_MAX_INSNS;
}

static inline bool ir_opt_is_reg(const struct ir_opt *opt, unsigned index)
{
    unsigned offset = index * 8;
    return offset - (unsigned)opt->layout->x0 < 256 || offset - (unsigned)opt->layout->v0 < 512;
}

static inline uint32_t ir_opt_epoch(const struct ir_opt *opt, unsigned index)
{
    return ir_opt_is_reg(opt, index) ? opt->epoch_regs : opt->epoch_other;
}

/* The slot if something is known, else NULL. */
static inline struct ir_opt_slot *ir_opt_find(struct ir_opt *opt, unsigned index)
{
    struct ir_opt_slot *slot = &opt->slot[index % IR_OPT_SLOTS];
    return slot->index == index && slot->epoch == ir_opt_epoch(opt, index) ? slot : NULL;
}

/* The slot to fill in anew, or what it holds already. kind = 0: nothing known yet. */
static inline struct ir_opt_slot *ir_opt_take(struct ir_opt *opt, unsigned index)
{
    struct ir_opt_slot *slot = ir_opt_find(opt, index);
    if (!slot) {
        slot = &opt->slot[index % IR_OPT_SLOTS];
        *slot = (struct ir_opt_slot){.epoch = ir_opt_epoch(opt, index), .index = (uint16_t)index};
    }
    return slot;
}

static inline void ir_opt_forget(struct ir_opt *opt, unsigned index)
{
    struct ir_opt_slot *slot = &opt->slot[index % IR_OPT_SLOTS];
    if (slot->index == index)
        slot->epoch = 0;
}

static inline void ir_opt_forget_regs(struct ir_opt *opt)
{
    opt->epoch_regs = ++opt->epoch;
}

static inline void ir_opt_forget_other(struct ir_opt *opt)
{
    opt->epoch_other = ++opt->epoch;
}

static inline unsigned ir_opt_nzcv_index(const struct ir_opt *opt)
{
    return (unsigned)opt->layout->nzcv / 8;
}

static inline const struct ir_helper *ir_opt_helper(const struct ir_opt *opt,
                                                    const struct ir_insn *insn)
{
    return &opt->helpers[insn->imm];
}

void ir_opt_forward(struct ir_opt *opt);
void ir_opt_dead(struct ir_opt *opt);

/* Rewrites a pure instruction whose arguments are known to something cheaper, in place. Returns
 * the value it equals, itself if there is none. */
ir_ref ir_opt_simplify(struct ir_opt *opt, ir_ref index);

#endif
