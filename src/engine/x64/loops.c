/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Which blocks of a region are in loops, and which addresses move slowly there: off registers that
 * the loop leaves alone or steps through memory with, and tables of less than a page. Pointers that
 * are loaded go anywhere, and a wrong guess costs more than a look into the TLB.
 */
#include "engine/x64/cg.h"

enum { NO_BLOCK = UINT32_MAX, STEP = 512, TABLE = IR_PAGE_SIZE, DEPTH = 6 };

/* Where a block may go on within the region. */
struct successors {
    uint32_t to[2];
};

static struct successors successors_of(const struct x64 *x, unsigned block)
{
    const struct ir_insn *last = &x->insn[x->ir->block[block].end - 1];
    switch (last->op) {
    case IR_BR:
        return (struct successors){{(uint32_t)last->imm, NO_BLOCK}};
    case IR_BRF:
    case IR_BRZ:
    case IR_BRNZ:
    case IR_BRBIT:
        return (struct successors){{(uint32_t)last->imm, (uint32_t)((uint64_t)last->imm >> 32)}};
    default:
        return (struct successors){{NO_BLOCK, NO_BLOCK}};
    }
}

/* What `from` leads to, itself included. */
static void reached(const struct x64 *x, const struct successors *next, unsigned from, bool *in)
{
    uint16_t todo[IR_MAX_BLOCKS];
    unsigned left = 1;
    memset(in, 0, x->ir->blocks);
    in[from] = true;
    todo[0] = (uint16_t)from;
    while (left) {
        const uint32_t *to = next[todo[--left]].to;
        for (unsigned n = 0; n < 2; n++)
            if (to[n] != NO_BLOCK && !in[to[n]]) {
                in[to[n]] = true;
                todo[left++] = (uint16_t)to[n];
            }
    }
}

/* If the edge from tail to head closes a loop: what reaches the tail from the head. */
static void mark_loop(struct x64 *x, const struct successors *next, unsigned head, unsigned tail)
{
    bool in[IR_MAX_BLOCKS] = {false}, from_head[IR_MAX_BLOCKS], changed;
    reached(x, next, head, from_head);
    if (!from_head[tail])
        return;
    in[tail] = in[head] = true;
    do {
        changed = false;
        for (unsigned k = x->ir->blocks; k-- > 0;) {
            unsigned b = x->order[k];
            if (in[b] || !from_head[b])
                continue;
            for (unsigned n = 0; n < 2; n++)
                if (next[b].to[n] != NO_BLOCK && in[next[b].to[n]] && next[b].to[n] != head)
                    in[b] = changed = true;
        }
    } while (changed);
    for (unsigned b = 0; b < x->ir->blocks; b++)
        x->in_loop[b] |= in[b];
}

/* The number of the general register at an offset of CPU state, or -1. */
static int register_at(const struct x64 *x, int64_t off)
{
    int64_t rel = off - x->layout.x0;
    return rel >= 0 && rel < 256 && rel % 8 == 0 ? (int)(rel / 8) : -1;
}

static bool is_small_const(const struct x64 *x, ir_ref v, int64_t limit)
{
    const struct ir_insn *insn = &x->insn[v];
    return insn->op == IR_CONST && insn->imm > -limit && insn->imm < limit;
}

/* Whether the value is the register's own of before, plus or minus little. */
static bool is_step(const struct x64 *x, ir_ref v, int reg)
{
    for (unsigned depth = 0; depth < DEPTH; depth++) {
        const struct ir_insn *insn = &x->insn[v];
        if (insn->op == IR_GET)
            return register_at(x, insn->imm) == reg;
        if ((insn->op == IR_ADD || insn->op == IR_SUB) && is_small_const(x, insn->arg[1], STEP))
            v = insn->arg[0];
        else if (insn->op == IR_ZEXT || insn->op == IR_TRUNC)
            v = insn->arg[0];
        else
            return false;
    }
    return false;
}

static void note_changes(struct x64 *x, const struct ir_block *block)
{
    for (unsigned i = block->first; i < block->end; i++) {
        const struct ir_insn *insn = &x->insn[i];
        if (insn->op == IR_CALL || insn->op == IR_CALLV)
            x->restless = UINT32_MAX;
        if (insn->op != IR_PUT)
            continue;
        int reg = register_at(x, insn->imm);
        if (reg >= 0 && !is_step(x, insn->arg[0], reg))
            x->restless |= 1u << reg;
    }
}

/* Between 0 and TABLE, or little more. */
static bool is_small(const struct x64 *x, ir_ref v, unsigned shift)
{
    const int64_t limit = TABLE >> shift;
    for (unsigned depth = 0; depth < DEPTH; depth++) {
        const struct ir_insn *insn = &x->insn[v];
        switch (insn->op) {
        case IR_AND:
            return x->insn[insn->arg[1]].op == IR_CONST && x->insn[insn->arg[1]].imm >= 0 &&
                   x->insn[insn->arg[1]].imm < limit;
        case IR_EXTU:
            return 1ll << insn->aux <= limit;
        case IR_ZX8:
            return 256 <= limit;
        case IR_LD:
            return IR_MEM_SIZE(insn->aux) == 0 && !(insn->aux & IR_MEM_SIGNED) && 256 <= limit;
        case IR_ZEXT:
        case IR_TRUNC:
            v = insn->arg[0];
            break;
        default:
            return false;
        }
    }
    return false;
}

static bool steady(const struct x64 *x, ir_ref v, unsigned depth)
{
    const struct ir_insn *insn = &x->insn[v];
    int reg;
    if (depth == DEPTH)
        return false;
    switch (insn->op) {
    case IR_CONST:
    case IR_PCREL:
        return true;
    case IR_GET:
        reg = register_at(x, insn->imm);
        return reg >= 0 && !(x->restless >> reg & 1);
    case IR_ADD:
        return steady(x, insn->arg[0], depth + 1) &&
               (steady(x, insn->arg[1], depth + 1) || is_small(x, insn->arg[1], 0));
    case IR_SHLI:
        return insn->imm <= 4 && (steady(x, insn->arg[0], depth + 1) ||
                                  is_small(x, insn->arg[0], (unsigned)insn->imm));
    case IR_SEXT:
    case IR_ZEXT:
    case IR_TRUNC:
        return steady(x, insn->arg[0], depth + 1);
    default:
        return false;
    }
}

bool x64_is_steady(const struct x64 *x, ir_ref v)
{
    return steady(x, v, 0);
}

void x64_find_loops(struct x64 *x)
{
    struct successors next[IR_MAX_BLOCKS];
    uint16_t place[IR_MAX_BLOCKS];
    unsigned blocks = x->ir->blocks;
    for (unsigned k = 0; k < blocks; k++)
        place[x->order[k]] = (uint16_t)k;
    for (unsigned b = 0; b < blocks; b++) {
        next[b] = successors_of(x, b);
        x->in_loop[b] = false;
    }
    for (unsigned b = 0; b < blocks; b++)
        for (unsigned n = 0; n < 2; n++) {
            uint32_t head = next[b].to[n];
            if (head != NO_BLOCK && place[head] <= place[b])
                mark_loop(x, next, head, b);
        }
    x->restless = 0;
    for (unsigned b = 0; b < blocks; b++)
        if (x->in_loop[b])
            note_changes(x, &x->ir->block[b]);
}
