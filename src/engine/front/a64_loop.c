/* SPDX-License-Identifier: Apache-2.0 */
/*
 * The comparison that a loop's turn ends with. If what it compared can still be had from CPU state,
 * the next turn's block can begin by making it again, which has no other effect: NZCV need not be
 * stored at the end of a turn, and whoever sees flags in the next one before they are written knows
 * how to have them.
 */
#include "engine/front/a64.h"

enum { ADD_MAX = 1 << 24 }; /* what ADDS and SUBS can add, and more */

/* The offset of the general register that insn is about, negative: of none. */
static int64_t general(const struct ir_insn *insn)
{
    int64_t rel = insn->imm - (int64_t)offsetof(struct arm_cpu, x);
    return rel >= 0 && rel < 32 * 8 && rel % 8 == 0 ? insn->imm : -1;
}

/* The last write of the register at offset behind `after`; `after`: none. */
static unsigned last_put(const struct ir *ir, int64_t offset, unsigned after)
{
    for (unsigned i = ir->count; --i > after;)
        if (ir->insn[i].op == IR_PUT && ir->insn[i].imm == offset)
            return i;
    return after;
}

/* What the register read by `get` has become, if that is a constant more; else false. */
static bool moved_by(const struct ir *ir, ir_ref get, unsigned put, int64_t *by)
{
    const struct ir_insn *value = &ir->insn[ir->insn[put].arg[0]];
    if (value->op == IR_ZEXT)
        value = &ir->insn[value->arg[0]];
    if ((value->op != IR_ADD && value->op != IR_SUB) || value->type != ir->insn[get].type ||
        value->arg[0] != get || ir->insn[value->arg[1]].op != IR_CONST)
        return false;
    *by = ir->insn[value->arg[1]].imm;
    if (*by < 0 || *by > ADD_MAX)
        return false;
    if (value->op == IR_SUB)
        *by = -*by;
    return true;
}

static bool operand_of(const struct ir *ir, ir_ref v, struct a64_operand *operand)
{
    const struct ir_insn *insn = &ir->insn[v];
    int64_t by = 0;
    if (insn->op == IR_CONST) {
        *operand = (struct a64_operand){.offset = -1, .add = insn->imm};
        return true;
    }
    if (insn->op != IR_GET || general(insn) < 0)
        return false;
    unsigned put = last_put(ir, insn->imm, v);
    if (put != v && !moved_by(ir, v, put, &by))
        return false;
    *operand = (struct a64_operand){.offset = insn->imm, .add = -by};
    return true;
}

/* Whether insn writes flags by PUTF and general registers by PUT only. */
static bool is_plain(const struct ir_insn *insn)
{
    switch (ir_op_info[insn->op].klass) {
    case IR_PURE:
    case IR_FP:
    case IR_MEM:
    case IR_STATE:
        return true;
    default:
        return insn->op == IR_INSN || insn->op == IR_HI || insn->op == IR_HIV ||
               insn->op == IR_POLL || ir_is_side(insn->op);
    }
}

bool a64_last_compare(const struct a64 *c, struct a64_compare *compare)
{
    const struct ir *ir = c->ir;
    unsigned i = ir->count, first = ir->block[ir->current].first;
    while (i > first && ir->insn[i - 1].op != IR_PUTF && is_plain(&ir->insn[i - 1]))
        i--;
    if (i == first || ir->insn[i - 1].op != IR_PUTF)
        return false;
    const struct ir_insn *flags = &ir->insn[ir->insn[i - 1].arg[0]];
    if (flags->op != IR_FLSUB)
        return false;
    compare->type = flags->type;
    return operand_of(ir, flags->arg[0], &compare->a) && operand_of(ir, flags->arg[1], &compare->b);
}

static bool same_operand(const struct a64_operand *a, const struct a64_operand *b)
{
    return a->offset == b->offset && a->add == b->add;
}

bool a64_same_compare(const struct a64_compare *a, const struct a64_compare *b)
{
    return a->type == b->type && same_operand(&a->a, &b->a) && same_operand(&a->b, &b->b);
}

static ir_ref value_of(struct ir *ir, enum ir_type type, const struct a64_operand *operand)
{
    if (operand->offset < 0)
        return ir_const(ir, type, operand->add);
    ir_ref value = ir_get(ir, type, operand->offset);
    if (operand->add > 0)
        return ir_add(ir, type, value, ir_const(ir, type, operand->add));
    if (operand->add < 0)
        return ir_sub(ir, type, value, ir_const(ir, type, -operand->add));
    return value;
}

void a64_compare_again(struct a64 *c, const struct a64_compare *compare)
{
    ir_ref a = value_of(c->ir, compare->type, &compare->a);
    ir_ref b = value_of(c->ir, compare->type, &compare->b);
    ir_putf(c->ir, ir_flsub(c->ir, compare->type, a, b));
}
