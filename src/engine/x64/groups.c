/* SPDX-License-Identifier: Apache-2.0 */
/* Groups of accesses that one check is made for (struct group in cg.h): which there are, and where
 * their addends are while code is emitted. */
#include "engine/x64/cg.h"

#include <string.h>

enum {
    SPAN = 256, /* bytes that a group may reach over: the longer, the more often across pages */
    OPEN = 6,   /* groups at a time: their addends want places */
    DEPTH = 16, /* sums that an address is followed through */
};

/* --- finding them ----------------------------------------------------------------------------- */

struct finder {
    struct group *open[OPEN]; /* the oldest first */
    unsigned opens;
    bool fresh; /* the guest instruction has done nothing yet: it can be begun again */
};

/* An address as a value and a constant. */
static ir_ref root_of(const struct x64 *x, ir_ref v, int64_t *offset)
{
    *offset = 0;
    v = x->val[v].rep;
    for (unsigned depth = 0; depth < DEPTH && x->insn[v].op == IR_ADD && is_wide(&x->insn[v]);
         depth++) {
        const struct ir_insn *b = &x->insn[x->val[x->insn[v].arg[1]].rep];
        if (b->op != IR_CONST || b->imm < INT32_MIN || b->imm > INT32_MAX)
            break;
        *offset += b->imm;
        v = x->val[x->insn[v].arg[0]].rep;
    }
    return v;
}

static int32_t access_bytes(const struct ir_insn *insn)
{
    bool pair =
        insn->op == IR_LD2 || insn->op == IR_ST2 || insn->op == IR_LDV2 || insn->op == IR_STV2;
    return (int32_t)IR_MEM_BYTES(insn->aux) << pair;
}

/* Takes the access in if it lies near enough. */
static bool join(struct x64 *x, struct group *g, unsigned i, ir_ref root, int64_t offset)
{
    int32_t bytes = access_bytes(&x->insn[i]);
    int64_t from = offset - g->offset, to = from + bytes;
    int64_t low = from < g->low ? from : g->low, high = to > g->high ? to : g->high;
    if (g->root != root || high - low > SPAN)
        return false;
    g->low = (int32_t)low;
    g->high = (int32_t)high;
    g->write |= x64_is_store(x->insn[i].op);
    g->last = (uint16_t)i;
    g->members++;
    x->val[i].group = (uint8_t)(g - x->group + 1);
    return true;
}

static void close_all(struct finder *f)
{
    f->opens = 0;
}

static void begin(struct x64 *x, struct finder *f, unsigned i, ir_ref root, int64_t offset)
{
    if (x->groups == MAX_GROUPS) {
        close_all(f);
        return;
    }
    if (f->opens == OPEN)
        memmove(f->open, f->open + 1, --f->opens * sizeof(f->open[0]));
    struct group *g = f->open[f->opens++] = &x->group[x->groups++];
    *g = (struct group){.root = root,
                        .head = (uint16_t)i,
                        .last = (uint16_t)i,
                        .members = 1,
                        .write = x64_is_store(x->insn[i].op),
                        .offset = offset,
                        .high = access_bytes(&x->insn[i]),
                        .reg = NOREG};
    x->val[i].group = (uint8_t)x->groups;
}

static void note_access(struct x64 *x, struct finder *f, unsigned i)
{
    const struct ir_insn *insn = &x->insn[i];
    int64_t offset;
    ir_ref root = root_of(x, insn->arg[0], &offset);
    bool fresh = f->fresh;
    f->fresh = false;
    if (insn->aux & (IR_MEM_UNPRIV | IR_MEM_BE)) { /* most often no fast path, or another TLB */
        close_all(f);
        return;
    }
    for (unsigned k = 0; k < f->opens; k++)
        if (join(x, f->open[k], i, root, offset))
            return;
    /* A head that is not aligned would take a slow path, from which it brings no addend. */
    if (fresh && !(insn->aux & (IR_MEM_ALIGN | IR_MEM_ALIGN_EL)))
        begin(x, f, i, root, offset);
    else
        close_all(f);
}

/* A group of one stays if another is open around it, else its access is on its own. */
static void drop_loners(struct x64 *x, unsigned first_group)
{
    for (unsigned n = first_group; n < x->groups; n++) {
        const struct group *g = &x->group[n];
        bool inside = false;
        for (unsigned k = first_group; k < x->groups; k++)
            inside |= x->group[k].head < g->head && g->head < x->group[k].last;
        if (g->members == 1 && !inside)
            x->val[g->head].group = 0;
    }
}

static void note(struct x64 *x, struct finder *f, unsigned i)
{
    const struct ir_insn *insn = &x->insn[i];
    unsigned klass = x->traits[insn->op].klass;
    if (insn->op == IR_INSN) {
        f->fresh = true;
    } else if (x64_is_access(insn->op)) {
        note_access(x, f, i);
    } else if (klass != IR_PURE && klass != IR_STATE && klass != IR_FP && insn->op != IR_HI &&
               insn->op != IR_HIV && !ir_is_side(insn->op)) {
        close_all(f);
        f->fresh = false;
    }
}

void x64_find_groups(struct x64 *x, unsigned first, unsigned end)
{
    struct finder f = {.opens = 0};
    unsigned first_group = x->groups;
    if (x->ir->careful || x->config.without & X64_NO_SHARE)
        return;
    for (unsigned i = first; i < end; i++)
        note(x, &f, i);
    drop_loners(x, first_group);
}

/* --- while code is emitted -------------------------------------------------------------------- */

void grp_block_begin(struct x64 *x)
{
    memset(x->group_in, 0, sizeof(x->group_in));
}

struct group *grp_at(struct x64 *x)
{
    unsigned n = x->val[x->i].group;
    return n ? &x->group[n - 1] : NULL;
}

bool grp_is_head(const struct x64 *x, const struct group *g)
{
    return g->head == x->i;
}

static void now_in(struct x64 *x, struct group *g, unsigned reg)
{
    g->reg = (uint8_t)reg;
    x->group_in[reg] = (uint8_t)(g - x->group + 1);
}

void grp_open(struct x64 *x, struct group *g, unsigned reg)
{
    if (g->last == x->i)
        return;
    g->live = true;
    now_in(x, g, reg);
}

unsigned grp_use(struct x64 *x, struct group *g)
{
    if (g->reg == NOREG) {
        unsigned reg = ra_temp(x);
        enc_load(&x->e, W64, reg, frame_mem(FRAME_SPILL + 8 * g->spill));
        now_in(x, g, reg);
    }
    x->locked |= 1u << g->reg;
    return g->reg;
}

void grp_evict(struct x64 *x, unsigned reg)
{
    struct group *g = &x->group[x->group_in[reg] - 1];
    if (!g->spilled) {
        g->spill = (uint8_t)ra_spill_slot(x);
        g->spilled = true;
        enc_store(&x->e, W64, reg, frame_mem(FRAME_SPILL + 8 * g->spill));
    }
    g->reg = NOREG;
    x->group_in[reg] = 0;
}

void grp_done(struct x64 *x, struct group *g)
{
    if (g->last != x->i || !g->live)
        return;
    if (g->reg != NOREG)
        x->group_in[g->reg] = 0;
    if (g->spilled)
        x->spills &= ~(1ull << g->spill);
    g->live = false;
}
