/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Register allocation on the fly: integers in five temps, vectors in sixteen, pinned registers as
 * the third kind of place. A value that equals CPU state stays there until that changes.
 */
#include "engine/x64/cg.h"

#include <errno.h>

/* --- places ----------------------------------------------------------------------------------- */

static bool is_vector(const struct x64 *x, ir_ref v)
{
    return x->val[v].type == IR_V128;
}

static bool live_after(const struct x64 *x, ir_ref v)
{
    return x->val[v].last > x->i;
}

bool ra_dies(const struct x64 *x, ir_ref v)
{
    return x->val[x->val[v].rep].last <= x->i;
}

int ra_spill_slot(struct x64 *x)
{
    if (!~x->spills) {
        x->error = -E2BIG;
        return 0;
    }
    int slot = __builtin_ctzll(~x->spills);
    x->spills |= 1ull << slot;
    return slot;
}

static int xspill_slot(struct x64 *x)
{
    if (!~x->xspills) {
        x->error = -E2BIG;
        return 0;
    }
    int slot = __builtin_ctz(~x->xspills);
    x->xspills |= 1u << slot;
    return slot;
}

static struct x64_mem spill_mem(struct x64 *x, ir_ref v)
{
    return is_vector(x, v) ? frame_mem(FRAME_XSPILL + 16 * x->val[v].spill)
                           : frame_mem(FRAME_SPILL + 8 * x->val[v].spill);
}

static void forget(struct x64 *x, ir_ref v)
{
    struct val *val = &x->val[v];
    if (val->at & AT_REG) {
        if (is_vector(x, v))
            x->xowner[val->reg] = IR_NONE;
        else
            x->owner[val->reg] = IR_NONE;
    }
    if (val->at & AT_SPILL) {
        if (is_vector(x, v))
            x->xspills &= ~(1u << val->spill);
        else
            x->spills &= ~(1ull << val->spill);
    }
    if (x->flags == v)
        x->flags = IR_NONE;
    val->at &= AT_CONST;
}

static void kill_if_dead(struct x64 *x, ir_ref v)
{
    if (x->val[v].last > x->i)
        return;
    if (x->val[v].at == AT_LAZY) {
        x->val[v].at = 0;
        for (unsigned k = 0; k < 3 && x->insn[v].arg[k] != IR_NONE; k++)
            kill_if_dead(x, x->val[x->insn[v].arg[k]].rep);
        return;
    }
    forget(x, v);
}

void ra_block_begin(struct x64 *x)
{
    for (unsigned r = 0; r < 16; r++)
        x->owner[r] = x->xowner[r] = IR_NONE;
    x->locked = x->xlocked = 0;
    x->spills = 0;
    x->xspills = 0;
    x->flags = IR_NONE;
    x->aliases = 0;
    x->pageds = 0;
    x->rounds.kept = 0;
    grp_block_begin(x);
}

void ra_insn_end(struct x64 *x)
{
    const struct ir_insn *insn = &x->insn[x->i];
    for (unsigned k = 0; k < 3 && insn->arg[k] != IR_NONE; k++)
        kill_if_dead(x, x->val[insn->arg[k]].rep);
    if (!x->val[x->i].last && x->val[x->i].rep == x->i)
        forget(x, (ir_ref)x->i);
    x->locked = x->xlocked = 0;
}

bool ra_const(const struct x64 *x, ir_ref v, int64_t *imm)
{
    v = x->val[v].rep;
    if (!(x->val[v].at & AT_CONST))
        return false;
    *imm = x->insn[v].imm;
    return true;
}

bool ra_imm32(const struct x64 *x, ir_ref v, bool wide, int32_t *imm)
{
    int64_t value;
    if (!ra_const(x, v, &value) || (wide && !fits32(value)))
        return false;
    *imm = (int32_t)value;
    return true;
}

/* --- aliases of CPU state --------------------------------------------------------------------- */

static void note_alias(struct x64 *x, ir_ref v)
{
    if (x->aliases == MAX_ALIASES) {
        unsigned n = 0;
        for (unsigned k = 0; k < x->aliases; k++) {
            ir_ref a = x->alias[k];
            if (x->val[a].at & (AT_PIN | AT_STATE) && x->val[a].last >= x->i)
                x->alias[n++] = a;
        }
        x->aliases = n;
        if (n == MAX_ALIASES) {
            x->error = -E2BIG;
            return;
        }
    }
    x->alias[x->aliases++] = v;
}

static void load(struct x64 *x, ir_ref v, unsigned reg);

/* Code that moves a value stands before here. */
static void note_move(struct x64 *x)
{
    x->moved = (uint32_t)enc_at(&x->e);
}

/* Copies an alias away from what is about to change. */
static void to_own_place(struct x64 *x, ir_ref v)
{
    struct val *val = &x->val[v];
    if (is_vector(x, v)) {
        if (!(val->at & (AT_REG | AT_SPILL))) {
            unsigned reg = ra_xtemp(x);
            enc_sse1_rm(&x->e, OP_MOVDQU_LOAD, reg, cpu_mem(val->off));
            note_move(x);
            ra_xdef_in(x, v, reg);
            x->xlocked &= ~(1u << reg);
        }
    } else if (!(val->at & (AT_REG | AT_SPILL | AT_FLAGS))) {
        unsigned reg = ra_temp(x);
        load(x, v, reg);
        note_move(x);
        ra_def_in(x, v, reg);
        ra_release(x, reg);
    }
    val->at &= ~(AT_PIN | AT_STATE);
}

void ra_save_pin(struct x64 *x, unsigned pin)
{
    unsigned n = 0;
    for (unsigned k = 0; k < x->aliases; k++) {
        ir_ref a = x->alias[k];
        if (!(x->val[a].at & (AT_PIN | AT_STATE)) || x->val[a].last < x->i)
            continue;
        if (x->val[a].at & AT_PIN && x->val[a].reg == pin && live_after(x, a)) {
            to_own_place(x, a);
            continue;
        }
        x->alias[n++] = a;
    }
    x->aliases = n;
}

static unsigned alias_bytes(struct x64 *x, ir_ref v)
{
    switch (x->val[v].type) {
    case IR_I32:
        return 4;
    case IR_V128:
        return 16;
    case IR_FLAGS:
        return 2;
    default:
        return 8;
    }
}

void ra_state_written(struct x64 *x, int32_t off, unsigned bytes)
{
    for (unsigned k = 0; k < x->aliases; k++) {
        ir_ref a = x->alias[k];
        if (!(x->val[a].at & AT_STATE) || !live_after(x, a))
            continue;
        int32_t home = x->val[a].off;
        if (home < off + (int32_t)bytes && off < home + (int32_t)alias_bytes(x, a))
            to_own_place(x, a);
    }
}

void ra_detach(struct x64 *x, bool pins)
{
    for (unsigned k = 0; k < x->aliases; k++) {
        ir_ref a = x->alias[k];
        if (!live_after(x, a))
            continue;
        if (x->val[a].at & AT_STATE || (pins && x->val[a].at & AT_PIN))
            to_own_place(x, a);
    }
}

void ra_def_state(struct x64 *x, ir_ref v, int32_t off)
{
    struct val *val = &x->val[v];
    if (!(val->at & AT_STATE)) {
        val->at |= AT_STATE;
        note_alias(x, v);
    }
    val->off = (int16_t)off;
}

/* --- general registers ------------------------------------------------------------------------ */

/* Stores v from its temp, which it then no longer has; EFLAGS stay. */
static void evict(struct x64 *x, ir_ref v)
{
    struct val *val = &x->val[v];
    x->owner[val->reg] = IR_NONE;
    val->at &= ~AT_REG;
    if (val->at & ~AT_FLAGS || x->val[v].last < x->i)
        return;
    val->spill = (uint8_t)ra_spill_slot(x);
    enc_store(&x->e, W64, val->reg, frame_mem(FRAME_SPILL + 8 * val->spill));
    note_move(x);
    val->at |= AT_SPILL;
}

/*
 * Of the registers in the mask, all of which hold values, the one whose value is wanted again after
 * the others' (Belady's choice); a value that would have to be stored counts as wanted sooner. Only
 * so many instructions ahead are looked at: beyond them last uses decide.
 */
static unsigned wanted_last(const struct x64 *x, const ir_ref *owner, uint32_t mask)
{
    enum { AHEAD = 64, STORE = 4 };
    unsigned next[16], end = x->ir->block[x->order[x->block]].end;
    uint32_t unseen = mask;
    if (end > x->i + AHEAD)
        end = x->i + AHEAD;
    for (unsigned i = x->i + 1; i < end && unseen; i++) {
        for (unsigned k = 0; k < 3 && x->insn[i].arg[k] != IR_NONE; k++) {
            ir_ref v = x->val[x->insn[i].arg[k]].rep;
            unsigned r = x->val[v].reg & 15;
            if (unseen & 1u << r && owner[r] == v) {
                unseen &= ~(1u << r);
                next[r] = i;
            }
        }
    }
    unsigned best = NOREG, far = 0;
    for (; mask; mask &= mask - 1) {
        unsigned r = (unsigned)__builtin_ctz(mask);
        const struct val *val = &x->val[owner[r]];
        unsigned at = (unseen & 1u << r ? val->last : next[r]) + (val->at != AT_REG ? STORE : 0);
        if (best == NOREG || at > far) {
            best = r;
            far = at;
        }
    }
    return best;
}

static unsigned pick_temp(struct x64 *x)
{
    static const uint8_t order[] = {RSI, RDI, RCX, RDX, RAX};
    unsigned addend = NOREG;
    uint32_t held = 0;
    for (unsigned k = 0; k < sizeof(order); k++) {
        unsigned r = order[k];
        if (x->locked & 1u << r)
            continue;
        if (x->owner[r] == IR_NONE) {
            if (!x->group_in[r])
                return r;
            if (addend == NOREG || x->group[x->group_in[r] - 1].spilled)
                addend = r;
            continue;
        }
        held |= 1u << r;
    }
    if (addend == NOREG)
        return wanted_last(x, x->owner, held);
    grp_evict(x, addend);
    return addend;
}

unsigned ra_temp(struct x64 *x)
{
    unsigned r = pick_temp(x);
    if (r == NOREG) { /* an emitter asks for more than there are: must not happen */
        x->error = -E2BIG;
        return RAX;
    }
    if (x->owner[r] != IR_NONE)
        evict(x, x->owner[r]);
    x->locked |= 1u << r;
    return r;
}

void ra_take(struct x64 *x, unsigned reg)
{
    ir_ref v = x->owner[reg];
    if (x->group_in[reg])
        grp_evict(x, reg);
    if (v != IR_NONE) {
        bool locked = x->locked & 1u << reg;
        x->locked |= 1u << reg;
        unsigned to = pick_temp(x);
        if (to != NOREG && x->owner[to] == IR_NONE) {
            enc_mov(&x->e, W64, to, reg);
            note_move(x);
            x->owner[reg] = IR_NONE;
            x->owner[to] = v;
            x->val[v].reg = (uint8_t)to;
            if (locked)
                x->locked |= 1u << to;
        } else {
            evict(x, v);
        }
    }
    x->locked |= 1u << reg;
}

void ra_release(struct x64 *x, unsigned reg)
{
    x->locked &= ~(1u << reg);
}

static void load(struct x64 *x, ir_ref v, unsigned reg)
{
    const struct val *val = &x->val[v];
    unsigned size = x->val[v].type == IR_I32 ? W32 : W64;
    if (val->at & (AT_REG | AT_PIN)) {
        if (val->reg != reg)
            enc_mov(&x->e, W64, reg, val->reg);
    } else if (val->at & AT_CONST) {
        int64_t imm = x->insn[v].imm;
        enc_mov_imm(&x->e, reg, size == W32 ? (uint32_t)imm : (uint64_t)imm);
    } else if (val->at & AT_SPILL) {
        enc_load(&x->e, W64, reg, spill_mem(x, v));
    } else if (x->val[v].type == IR_FLAGS) {
        enc_rm(&x->e, OP_MOVZX16, W32, reg, cpu_mem(x->layout.nzcv));
    } else {
        enc_load(&x->e, size, reg, cpu_mem(val->off));
    }
}

void ra_move_to(struct x64 *x, ir_ref v, unsigned reg)
{
    load(x, x->val[v].rep, reg);
}

unsigned ra_use(struct x64 *x, ir_ref v)
{
    v = x->val[v].rep;
    struct val *val = &x->val[v];
    if (!(val->at & (AT_REG | AT_PIN))) {
        unsigned reg = ra_temp(x);
        load(x, v, reg);
        note_move(x);
        ra_def_in(x, v, reg);
    }
    x->locked |= 1u << val->reg;
    return val->reg;
}

/* Whether a temp is free for the taking. */
static bool temp_is_free(const struct x64 *x)
{
    for (uint32_t m = TEMPS & ~x->locked; m; m &= m - 1) {
        unsigned r = (unsigned)__builtin_ctz(m);
        if (x->owner[r] == IR_NONE && !x->group_in[r])
            return true;
    }
    return false;
}

struct rm ra_rm(struct x64 *x, ir_ref v)
{
    v = x->val[v].rep;
    const struct val *val = &x->val[v];
    if (!(val->at & (AT_REG | AT_PIN | AT_CONST))) {
        if (val->at & AT_SPILL) /* the registers were too few for it */
            return (struct rm){.mem = true, .m = spill_mem(x, v)};
        if (val->at & AT_STATE && (!live_after(x, v) || !temp_is_free(x)))
            return (struct rm){.mem = true, .m = cpu_mem(val->off)};
    }
    return (struct rm){.reg = (uint8_t)ra_use(x, v)};
}

void ra_def_in(struct x64 *x, ir_ref v, unsigned reg)
{
    x->val[v].at = (x->val[v].at & ~AT_PIN) | AT_REG;
    x->val[v].reg = (uint8_t)reg;
    x->owner[reg] = v;
    x->locked |= 1u << reg;
}

static unsigned def_pin(struct x64 *x, ir_ref v, unsigned pin)
{
    ra_save_pin(x, pin);
    x->val[v].at = AT_PIN;
    x->val[v].reg = (uint8_t)pin;
    note_alias(x, v);
    x->locked |= 1u << pin;
    return pin;
}

void ra_def_pin(struct x64 *x, ir_ref v, unsigned pin)
{
    x->val[v].at = AT_PIN;
    x->val[v].reg = (uint8_t)pin;
    note_alias(x, v);
}

void ra_now_in_pin(struct x64 *x, ir_ref v, unsigned pin)
{
    struct val *val = &x->val[v];
    if (val->at & AT_PIN)
        return; /* stays with the other one */
    if (val->at & AT_REG)
        x->owner[val->reg] = IR_NONE;
    val->at = (val->at & ~AT_REG) | AT_PIN;
    val->reg = (uint8_t)pin;
    note_alias(x, v);
}

void ra_forget_temps(struct x64 *x)
{
    for (unsigned r = 0; r < 16; r++) {
        if (x->owner[r] != IR_NONE)
            x->val[x->owner[r]].at &= ~AT_REG;
        if (x->xowner[r] != IR_NONE)
            x->val[x->xowner[r]].at &= ~AT_REG;
        x->owner[r] = x->xowner[r] = IR_NONE;
    }
    x->locked = x->xlocked = 0;
    x->rounds.kept = 0;
}

/* Takes over the temp of an argument that is used here for the last time. */
static unsigned dying_arg(struct x64 *x)
{
    const struct ir_insn *insn = &x->insn[x->i];
    for (unsigned k = 0; k < 3 && insn->arg[k] != IR_NONE; k++) {
        ir_ref a = x->val[insn->arg[k]].rep;
        if (x->val[a].at & AT_REG && !live_after(x, a) && !is_vector(x, a)) {
            unsigned reg = x->val[a].reg;
            forget(x, a);
            return reg;
        }
    }
    return NOREG;
}

unsigned ra_def(struct x64 *x, ir_ref v, bool late)
{
    unsigned pin = x->val[v].hint;
    if (pin != NOREG && (late || !(x->locked & 1u << pin)))
        return def_pin(x, v, pin);
    unsigned reg = late ? dying_arg(x) : NOREG;
    if (reg == NOREG)
        reg = ra_temp(x);
    ra_def_in(x, v, reg);
    return reg;
}

unsigned ra_def_copy(struct x64 *x, ir_ref v, ir_ref a, unsigned other)
{
    a = x->val[a].rep;
    struct val *val = &x->val[a];
    unsigned pin = x->val[v].hint, reg;
    bool at_pin = val->at & AT_PIN && val->reg == pin;
    if (pin != NOREG && pin != other && (at_pin || !(x->locked & 1u << pin))) {
        ra_save_pin(x, pin);
        if (!at_pin)
            load(x, a, pin);
        x->val[v].at = AT_PIN;
        x->val[v].reg = (uint8_t)pin;
        note_alias(x, v);
        x->locked |= 1u << pin;
        return pin;
    }
    if (val->at & AT_REG && val->reg != other && !live_after(x, a)) {
        reg = val->reg;
        x->owner[reg] = IR_NONE;
        val->at &= ~AT_REG;
        if (val->at & AT_SPILL) {
            x->spills &= ~(1ull << val->spill);
            val->at &= ~AT_SPILL;
        }
    } else {
        reg = ra_temp(x);
        load(x, a, reg);
    }
    ra_def_in(x, v, reg);
    return reg;
}

void ra_evict_all(struct x64 *x)
{
    for (unsigned r = 0; r < 16; r++) {
        ir_ref v = x->owner[r];
        if (v != IR_NONE && live_after(x, v))
            evict(x, v);
        if (x->group_in[r])
            grp_evict(x, r);
    }
    for (unsigned r = 0; r < 16; r++) {
        ir_ref v = x->xowner[r];
        if (v == IR_NONE || !live_after(x, v))
            continue;
        struct val *val = &x->val[v];
        x->xowner[r] = IR_NONE;
        val->at &= ~AT_REG;
        if (!val->at) {
            val->spill = (uint8_t)xspill_slot(x);
            val->at = AT_SPILL;
            enc_sse1_rm(&x->e, OP_MOVDQU_STORE, r, spill_mem(x, v));
        }
    }
}

void ra_live(const struct x64 *x, uint16_t *live, uint16_t *xlive)
{
    *live = 0;
    *xlive = (uint16_t)x->rounds.kept;
    for (unsigned r = 0; r < 16; r++) {
        if (x->group_in[r] || (x->owner[r] != IR_NONE && live_after(x, x->owner[r])))
            *live |= (uint16_t)(1u << r);
        if (x->xowner[r] != IR_NONE && live_after(x, x->xowner[r]))
            *xlive |= (uint16_t)(1u << r);
    }
}

void ra_held(const struct x64 *x, uint16_t *live, uint16_t *xlive)
{
    *live = (uint16_t)(x->locked & TEMPS);
    *xlive = (uint16_t)(x->xlocked | x->rounds.kept);
    for (unsigned r = 0; r < 16; r++) {
        if (x->group_in[r] || x->owner[r] != IR_NONE)
            *live |= (uint16_t)(1u << r);
        if (x->xowner[r] != IR_NONE)
            *xlive |= (uint16_t)(1u << r);
    }
}

/* --- vector registers ------------------------------------------------------------------------- */

static void xload(struct x64 *x, ir_ref v, unsigned reg)
{
    const struct val *val = &x->val[v];
    if (val->at & AT_REG) {
        if (val->reg != reg)
            enc_sse1_rr(&x->e, OP_MOVDQA_LOAD, reg, val->reg);
    } else {
        enc_sse1_rm(&x->e, OP_MOVDQU_LOAD, reg,
                    val->at & AT_SPILL ? spill_mem(x, v) : cpu_mem(val->off));
    }
}

unsigned ra_xtemp(struct x64 *x)
{
    uint32_t free = 0;
    for (unsigned r = 0; r < 16; r++)
        if (!(x->xlocked & 1u << r) && x->xowner[r] == IR_NONE)
            free |= 1u << r;
    if (!(free & ~x->rounds.kept))
        x->rounds.kept = 0;
    unsigned best = free ? (unsigned)__builtin_ctz(free & ~x->rounds.kept)
                         : wanted_last(x, x->xowner, ~x->xlocked & 0xffff);
    ir_ref v = x->xowner[best];
    if (v != IR_NONE) {
        struct val *val = &x->val[v];
        x->xowner[best] = IR_NONE;
        val->at &= ~AT_REG;
        if (!val->at && x->val[v].last >= x->i) {
            val->spill = (uint8_t)xspill_slot(x);
            val->at = AT_SPILL;
            enc_sse1_rm(&x->e, OP_MOVDQU_STORE, best, spill_mem(x, v));
            note_move(x);
        }
    }
    x->xlocked |= 1u << best;
    return best;
}

void ra_xdef_in(struct x64 *x, ir_ref v, unsigned reg)
{
    x->val[v].at |= AT_REG;
    x->val[v].reg = (uint8_t)reg;
    x->xowner[reg] = v;
    x->xlocked |= 1u << reg;
}

unsigned ra_xuse(struct x64 *x, ir_ref v)
{
    v = x->val[v].rep;
    struct val *val = &x->val[v];
    if (!(val->at & AT_REG)) {
        unsigned reg = ra_xtemp(x);
        xload(x, v, reg);
        note_move(x);
        ra_xdef_in(x, v, reg);
    }
    x->xlocked |= 1u << val->reg;
    return val->reg;
}

/* Memory operands of legacy SSE forms must be aligned, which guest state and the frame are. */
struct rm ra_xrm(struct x64 *x, ir_ref v)
{
    v = x->val[v].rep;
    const struct val *val = &x->val[v];
    if (!(val->at & AT_REG)) {
        if (val->at & AT_SPILL)
            return (struct rm){.mem = true, .m = spill_mem(x, v)};
        if (val->at & AT_STATE && val->off % 16 == 0)
            return (struct rm){.mem = true, .m = cpu_mem(val->off)};
    }
    return (struct rm){.reg = (uint8_t)ra_xuse(x, v)};
}

unsigned ra_xdef(struct x64 *x, ir_ref v)
{
    unsigned reg = ra_xtemp(x);
    ra_xdef_in(x, v, reg);
    return reg;
}

unsigned ra_xdef_copy(struct x64 *x, ir_ref v, ir_ref a, unsigned other)
{
    a = x->val[a].rep;
    struct val *val = &x->val[a];
    unsigned reg;
    if (val->at & AT_REG && val->reg != other && !live_after(x, a)) {
        reg = val->reg;
        x->xowner[reg] = IR_NONE;
        val->at &= ~AT_REG;
        if (val->at & AT_SPILL)
            x->xspills &= ~(1u << val->spill);
        val->at = 0;
    } else {
        reg = ra_xtemp(x);
        xload(x, a, reg);
    }
    ra_xdef_in(x, v, reg);
    return reg;
}
