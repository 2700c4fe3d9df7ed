/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The A64 front end's own header: what the handlers of the decoder tables (a64*.dec) share.
 *
 * A handler emits IR for one instruction. Rules:
 *   - an instruction that may fault changes CPU state only after its last access that may;
 *   - values do not survive a change of block: after a64_split() (and what calls it) read again;
 *   - registers are read and written through the functions below, never by offset.
 */
#ifndef ARMVM_ENGINE_FRONT_A64_H
#define ARMVM_ENGINE_FRONT_A64_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "arm/cpu.h"
#include "arm/features.h"
#include "base/bits.h"
#include "engine/front/a64_helpers.h"
#include "engine/front/front.h"
#include "engine/ir/ir.h"

enum { A64_PAGE_INSNS = IR_PAGE_SIZE / 4, A64_MAX_PENDING = IR_MAX_BLOCKS };

/* A block that was branched to and waits for its code. */
struct a64_pending {
    uint16_t block;
    uint8_t kind; /* enum in a64_region.c */
    bool poll;    /* the branch goes back */
    int32_t pgoff;
    uint32_t compare; /* of a chain */
};

/* An operand of a comparison that lies in CPU state still: a register plus a constant. */
struct a64_operand {
    int64_t offset; /* of the register in CPU state, negative: the constant alone */
    int64_t add;
};

/* SUBS, but for its result. */
struct a64_compare {
    enum ir_type type;
    struct a64_operand a, b;
};

/* One region being translated. */
struct a64 {
    struct ir *ir;
    struct front_region *region;
    const struct arm_features *features;
    uint32_t insn;   /* the instruction being translated */
    uint32_t mode;   /* FRONT_* */
    int32_t pgoff;   /* its offset in the page */
    bool ended;      /* its handler has ended the block */
    bool sp_dirty;   /* it wrote an SP that may not be a multiple of 16 */
    int32_t next;    /* where the block goes on */
    uint32_t before; /* the instruction before it in the block, 0: none */

    /* Blocks still to come: a64_region.c. */
    unsigned left; /* instructions that the budget still allows */
    struct a64_pending pending[A64_MAX_PENDING];
    unsigned first_pending, end_pending;
    uint16_t block_at[A64_PAGE_INSNS];    /* block that begins at an instruction, plus 1; 0: none */
    uint64_t leader[A64_PAGE_INSNS / 64]; /* bit set: a branch back leads here */
    uint64_t passed[A64_PAGE_INSNS / 64]; /* bit set: the superblock has been here */
    unsigned loop;                        /* block of all turns but the first, 0: none */
    struct a64_compare compare;           /* which it begins with */
};

#include "a64_decode.h"

/* ---- constants and registers (a64_common.c) ---------------------------------------------------*/

ir_ref a64_k(struct a64 *c, uint64_t value);  /* i64 */
ir_ref a64_kw(struct a64 *c, uint32_t value); /* i32 */

static inline enum ir_type a64_type(unsigned sf)
{
    return sf ? IR_I64 : IR_I32;
}

/* A constant of the width sf says. */
ir_ref a64_kreg(struct a64 *c, unsigned sf, uint64_t value);

/* General registers; 31 is the zero register. Writing W clears the upper half. */
ir_ref a64_x(struct a64 *c, unsigned n);
ir_ref a64_w(struct a64 *c, unsigned n);
ir_ref a64_reg(struct a64 *c, unsigned sf, unsigned n);
void a64_set_x(struct a64 *c, unsigned n, ir_ref value);
void a64_set_w(struct a64 *c, unsigned n, ir_ref value);
void a64_set_reg(struct a64 *c, unsigned sf, unsigned n, ir_ref value);

/* General registers; 31 is the stack pointer. */
ir_ref a64_xsp(struct a64 *c, unsigned n);
ir_ref a64_wsp(struct a64 *c, unsigned n);
ir_ref a64_regsp(struct a64 *c, unsigned sf, unsigned n);
void a64_set_xsp(struct a64 *c, unsigned n, ir_ref value);
void a64_set_wsp(struct a64 *c, unsigned n, ir_ref value);
void a64_set_regsp(struct a64 *c, unsigned sf, unsigned n, ir_ref value);
/* Write-back of a base register that moved by step: a multiple of 16 keeps SP aligned. */
void a64_set_base(struct a64 *c, unsigned n, ir_ref value, int64_t step);

/* Vector registers, 128 bits. */
ir_ref a64_v(struct a64 *c, unsigned n);
void a64_set_v(struct a64 *c, unsigned n, ir_ref value);

/* NZCV as bits 31:28 of an i64, and back. */
ir_ref a64_nzcv(struct a64 *c);
void a64_set_nzcv(struct a64 *c, ir_ref value);

/* ---- memory -----------------------------------------------------------------------------------*/

/* IR_MEM_* of an access: log2 of the element's size, flags, and what the mode adds. */
uint16_t a64_memop(struct a64 *c, unsigned size, unsigned flags);

/* The SP alignment check of an access with base register Rn; call it before reading registers (it
 * may begin a new block). */
void a64_mem_sp_check(struct a64 *c, unsigned Rn);

/* The offset register of an access: extended as option says (2 UXTW, 3 LSL, 6 SXTW, 7 SXTX) and
 * shifted left. */
ir_ref a64_ext_offset(struct a64 *c, unsigned Rm, unsigned option, unsigned amount);

/* base + offset, i64. */
ir_ref a64_addk(struct a64 *c, ir_ref base, int64_t offset);

/* ---- exceptions and control -------------------------------------------------------------------*/

ir_ref a64_call(struct a64 *c, enum a64_helper helper, ir_ref a, ir_ref b, ir_ref d);

/* The instruction is UNDEFINED: takes the exception and ends the block. */
void a64_undefined(struct a64 *c);
/* Calls a helper that always takes an exception or sets pc, and ends the block. */
void a64_raise(struct a64 *c, enum a64_helper helper, uint64_t a, uint64_t b);
/* A trapped system instruction (EC 0x18): ends the block. */
void a64_trap_sysreg(struct a64 *c);
/* False, after emitting the trap, when FP and SIMD are trapped at this EL. */
bool a64_fp_check(struct a64 *c);

/* Leaves the region after this instruction because it changed what translations depend on. */
void a64_leave_next(struct a64 *c);
/* Ends the current block with a branch to a new one and goes on there. */
void a64_split(struct a64 *c);

/* Branches (a64_region.c). Targets are page offsets, possibly outside the page. */
void a64_poll(struct a64 *c); /* at the beginning of an instruction, before any effect */
void a64_goto(struct a64 *c, int32_t target);
/* The last comparison of the open block (a64_loop.c), which nothing has changed flags after. False:
 * there is none that can be made again. */
bool a64_last_compare(const struct a64 *c, struct a64_compare *compare);
bool a64_same_compare(const struct a64_compare *a, const struct a64_compare *b);
void a64_compare_again(struct a64 *c, const struct a64_compare *compare);
/* A conditional branch in a superblock. */
struct a64_side {
    bool taken;    /* it goes on where the branch is taken */
    int32_t next;  /* where that is */
    int32_t leave; /* where it leaves for else */
    uint16_t poll; /* IR_SIDE_POLL if that lies behind, or 0 */
};
/* Whether the branch at hand can be one: a side exit, then a64_go_on(), take its place. */
bool a64_side(struct a64 *c, int32_t target, struct a64_side *side);
void a64_go_on(struct a64 *c, const struct a64_side *side);
/* The block to name in a conditional branch for going on at target. */
unsigned a64_edge(struct a64 *c, int32_t target);
/* The same for what follows a B.cond, which may be another test of the same flags. */
unsigned a64_edge_next(struct a64 *c);
/* Same, but leaving the region because an interrupt may have been unmasked. */
unsigned a64_edge_interrupt(struct a64 *c, int32_t target);
/* Indirect: kind is IR_JUMP_PLAIN, _CALL or _RET, with IR_LANDING. */
void a64_goto_reg(struct a64 *c, ir_ref target, unsigned kind);

/* Hints by CRm:op2 (manual C4.1.93.4): the first of those that belong together. */
enum { HINT_XPACLRI = 7, HINT_PACIA1716 = 8, HINT_PACIAZ = 24 };
/* The hints of FEAT_PAuth (a64_pauth.c); false if this is none, or the feature is absent. */
bool a64_pauth_hint(struct a64 *c, unsigned hint);

/* PSTATE.BTYPE after BR (or BRAA) through Rn and after BLR, as the landing of a64_goto_reg. */
static inline unsigned a64_landing_br(const struct a64 *c, unsigned Rn)
{
    bool any = !(c->mode & FRONT_GUARDED) || Rn == 16 || Rn == 17;
    return arm_has(c->features, ARM_FEAT_BTI) ? IR_LANDING(any ? 1u : 3u) : 0;
}

static inline unsigned a64_landing_blr(const struct a64 *c)
{
    return arm_has(c->features, ARM_FEAT_BTI) ? IR_LANDING(2u) : 0;
}

/* The two block numbers of a conditional branch as its imm. */
static inline int64_t a64_blocks(unsigned taken, unsigned other)
{
    return (int64_t)((uint64_t)other << 32 | taken);
}

#endif
