/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Guest addresses: the check against the soft TLB (struct ir_tlb_entry in ir.h), page slots,
 * groups, and the ways behind the region. Everything that allocation emits comes before the check's
 * jump, so that both ways meet with the same registers.
 */
#include "engine/x64/check.h"

#include <assert.h>
#include <errno.h>

_Static_assert(sizeof(struct ir_tlb_entry) == 32, "the index is (va >> 12) * 32");

enum { NEAR = 128 }; /* bytes */

struct address chk_address(struct x64 *x, ir_ref v)
{
    v = x->val[v].rep;
    if (x->val[v].at == AT_LAZY) {
        const struct ir_insn *sum = &x->insn[v];
        int64_t imm = 0;
        ra_const(x, sum->arg[1], &imm);
        return (struct address){ra_use(x, sum->arg[0]), (int32_t)imm, x->val[sum->arg[0]].rep};
    }
    return (struct address){ra_use(x, v), 0, v};
}

void cg_cold_arg(struct x64 *x, struct cold_arg *arg, ir_ref v)
{
    v = x->val[v].rep;
    const struct val *val = &x->val[v];
    if (val->at & (AT_REG | AT_PIN))
        *arg = (struct cold_arg){.kind = COLD_REG, .reg = val->reg};
    else if (val->at & AT_CONST)
        *arg = (struct cold_arg){.kind = COLD_CONST, .imm = x->insn[v].imm};
    else if (val->at & AT_SPILL)
        *arg = (struct cold_arg){.kind = COLD_FRAME,
                                 .off = x->val[v].type == IR_V128 ? FRAME_XSPILL + 16 * val->spill
                                                                  : FRAME_SPILL + 8 * val->spill};
    else
        *arg = (struct cold_arg){.kind = COLD_CPU, .off = val->off};
}

struct cold *cg_cold(struct x64 *x, enum cold_kind kind)
{
    if (x->colds == MAX_COLD) {
        x->error = -ENOSPC;
        x->colds = 0;
    }
    struct cold *c = &x->cold[x->colds++];
    *c = (struct cold){.kind = kind,
                       .insn = (ir_ref)x->i,
                       .pgoff = x->pgoff,
                       .base = NOREG,
                       .dst = {NOREG, NOREG}};
    return c;
}

/* The slow path of the access at hand: data operands are arg[1] and arg[2]. */
struct cold *chk_slow(struct x64 *x, struct address a)
{
    const struct ir_insn *insn = &x->insn[x->i];
    struct cold *c = cg_cold(x, COLD_MEM);
    c->base = (uint8_t)a.base;
    c->disp = a.disp;
    for (unsigned k = 0; k < 2; k++)
        if (insn->arg[k + 1] != IR_NONE)
            cg_cold_arg(x, &c->arg[k], insn->arg[k + 1]);
    return c;
}

/* bytes = 0: nothing is asked of the access as a whole. */
static unsigned alignment_mask(unsigned memop, unsigned bytes)
{
    if (bytes && memop & IR_MEM_ALIGN)
        return bytes - 1;
    if (memop & IR_MEM_ALIGN_EL)
        return IR_MEM_BYTES(memop) - 1;
    return 0;
}

/* The page slot of the access at hand: in loops, one for each steady base and direction. */
static int slot_of(struct x64 *x, ir_ref base, bool write)
{
    if (!x->layout.slots || x->insn[x->i].aux & IR_MEM_UNPRIV || x->config.without & X64_NO_SLOTS)
        return -1;
    unsigned memop = x->insn[x->i].aux;
    if (memop & IR_MEM_ROVING)
        return -1;
    if (!(memop & IR_MEM_STEADY) && (!x->in_loop[x->order[x->block]] || !x64_is_steady(x, base)))
        return -1;
    for (unsigned k = 0; k < x->pageds; k++)
        if (x->paged[k].base == base && x->paged[k].write == write)
            return x->paged[k].slot;
    if (x->pageds == BLOCK_SLOTS)
        return -1;
    unsigned slot = x->next_slot++ % IR_PAGE_SLOTS;
    x->paged[x->pageds].base = base;
    x->paged[x->pageds].write = write;
    x->paged[x->pageds++].slot = (uint16_t)slot;
    return (int)slot;
}

/* To be called before the result's register is chosen. whole: bytes that have to be aligned as one
 * if the operation asks for that, or 0; spare: k.tag is wanted for the data. */
struct check chk_begin(struct x64 *x, struct address a, bool write, unsigned whole, bool spare)
{
    struct group *g = grp_at(x);
    struct check k = {.write = write,
                      .group = g,
                      .align = alignment_mask(x->insn[x->i].aux, whole),
                      .tag = NOREG,
                      .slot = -1};
    if (g && !grp_is_head(x, g)) {
        k.member = true;
        k.entry = grp_use(x, g);
    } else {
        k.write |= g && g->write;
        k.slot = slot_of(x, a.value, k.write);
        k.entry = ra_temp(x);
    }
    if (!k.member || k.align || spare)
        k.tag = ra_temp(x);
    return k;
}

/* An access without a check of any kind: nothing of it changes EFLAGS. */
void chk_flags(struct x64 *x, unsigned whole)
{
    const struct group *g = grp_at(x);
    if (!g || grp_is_head(x, g) || alignment_mask(x->insn[x->i].aux, whole))
        fl_clobber(x);
}

static void test_alignment(struct x64 *x, struct cold *c, struct address a, unsigned align,
                           unsigned t)
{
    struct enc *e = &x->e;
    bool sum = a.disp & (int32_t)align;
    if (sum)
        enc_lea(e, W32, t, mem_at(a.base, a.disp));
    enc_test_imm(e, W32, sum ? t : a.base, align);
    c->from[1] = (uint32_t)enc_jcc32(e, CC_NE);
}

/* reg = page of base + disp */
static void page_of(struct x64 *x, unsigned reg, unsigned base, int32_t disp)
{
    if (disp)
        enc_lea(&x->e, W64, reg, mem_at(base, disp));
    else
        enc_mov(&x->e, W64, reg, base);
    enc_alu_imm(&x->e, ALU_AND, W64, reg, -(int32_t)IR_PAGE_SIZE);
}

/* entry: an offset from r15, or for the user TLB the entry's address. */
static struct x64_mem tlb_field(unsigned entry, bool user, size_t field)
{
    return user ? mem_at(entry, (int32_t)field) : mem_index(R15, entry, 0, (int32_t)field);
}

/* The bits of base + disp that choose the TLB's entry, and others above them. */
static void field_index(struct enc *e, unsigned entry, unsigned base, int32_t disp)
{
    enc_lea(e, W32, entry, mem_at(base, disp));
    enc_shift_imm(e, SH_SHR, W32, entry, IR_PAGE_BITS - 5);
}

/* Compares what is in k->tag with the tag of the TLB's entry, whose addend takes its place. */
static void entry_check(struct x64 *x, struct cold *c, const struct check *k, bool user)
{
    struct enc *e = &x->e;
    size_t field =
        k->write ? offsetof(struct ir_tlb_entry, wtag) : offsetof(struct ir_tlb_entry, rtag);
    enc_alu_load(e, ALU_CMP, W64, k->tag, tlb_field(k->entry, user, field));
    c->from[0] = (uint32_t)enc_jcc32(e, CC_NE);
    enc_load(e, W64, k->entry, tlb_field(k->entry, user, offsetof(struct ir_tlb_entry, addend)));
}

static void full_check(struct x64 *x, struct cold *c, const struct check *k, struct address a,
                       unsigned bytes, unsigned align)
{
    struct enc *e = &x->e;
    unsigned entry = k->entry;
    bool user = x->insn[x->i].aux & IR_MEM_UNPRIV;
    if (a.disp && !c->by_base) {
        field_index(e, entry, a.base, a.disp);
    } else if (x->bmi) {
        enc_vex_rr(e, OP_RORX, 0, 0, entry, 0, a.base);
        enc_u8(e, IR_PAGE_BITS - 5);
    } else {
        enc_mov(e, W32, entry, a.base);
        enc_shift_imm(e, SH_SHR, W32, entry, IR_PAGE_BITS - 5);
    }
    enc_alu_load(e, ALU_AND, W32, entry, cpu_mem(user ? x->layout.utlb_mask : x->layout.tlb_mask));
    if (user)
        enc_alu_load(e, ALU_ADD, W64, entry, cpu_mem(x->layout.utlb));
    /* aligned to align + 1: the last such unit decides the page */
    page_of(x, k->tag, a.base, (int32_t)(bytes - 1 - align) + a.disp);
    entry_check(x, c, k, user);
}

/* A field of what lies anywhere is in the page of its beginning nearly always: the base's entry is
 * known a cycle earlier than the field's, and what follows pointers waits for every cycle. */
static bool is_near_base(const struct x64 *x, const struct check *k, struct address a)
{
    unsigned memop = x->insn[x->i].aux;
    return x->insn[x->i].op == IR_LD && memop & IR_MEM_ROVING && !(memop & IR_MEM_UNPRIV) &&
           !k->group && !k->align && x->bmi && a.disp > 0 && a.disp <= NEAR;
}

static void near_check(struct x64 *x, struct cold *c, const struct check *k, struct address a,
                       unsigned bytes)
{
    c->by_base = true;
    c->entry = (uint8_t)k->entry;
    c->tag = (uint8_t)k->tag;
    full_check(x, c, k, a, bytes, 0);
    c->looked = (uint32_t)enc_at(&x->e);
}

/* It is not the base's page: asks for its own, and goes on there if it is known. */
void cg_cold_near(struct x64 *x, const struct cold *c)
{
    struct enc *e = &x->e;
    struct check k = {.entry = c->entry, .tag = c->tag};
    struct cold miss = {.from = {0}};
    field_index(e, k.entry, c->base, c->disp);
    enc_alu_load(e, ALU_AND, W32, k.entry, cpu_mem(x->layout.tlb_mask));
    entry_check(x, &miss, &k, false);
    enc_patch32(e, enc_jmp32(e), c->looked);
    enc_patch32(e, miss.from[0], enc_at(e));
}

static struct x64_mem slot_field(const struct x64 *x, unsigned slot, size_t field)
{
    return cpu_mem(x->layout.slots + (int32_t)(slot * sizeof(struct ir_page_slot) + field));
}

/* By the page that was found here last; the first byte's distance from it says all. */
static void slot_check(struct x64 *x, struct cold *slow, const struct check *k, struct address a,
                       unsigned bytes, unsigned align)
{
    struct enc *e = &x->e;
    struct cold *c = cg_cold(x, COLD_SLOT);
    unsigned slot = (unsigned)k->slot;
    c->base = (uint8_t)a.base;
    c->disp = a.disp;
    c->slot = (uint16_t)slot;
    c->entry = (uint8_t)k->entry;
    c->tag = (uint8_t)k->tag;
    c->bytes = (uint16_t)bytes;
    c->align = (uint8_t)align;
    c->write = k->write;
    c->slow = (uint16_t)(slow - x->cold);
    if (a.disp)
        enc_lea(e, W64, k->tag, mem_at(a.base, a.disp));
    else
        enc_mov(e, W64, k->tag, a.base);
    enc_alu_load(e, ALU_XOR, W64, k->tag, slot_field(x, slot, offsetof(struct ir_page_slot, page)));
    enc_alu_imm(e, ALU_CMP, W64, k->tag, (int32_t)(IR_PAGE_SIZE - bytes));
    c->from[0] = (uint32_t)enc_jcc32(e, CC_A);
    enc_load(e, W64, k->entry, slot_field(x, slot, offsetof(struct ir_page_slot, addend)));
    c->resume = (uint32_t)enc_at(e);
}

/* Asks the TLB, and remembers the page for the loop's next round. */
void cg_cold_slot(struct x64 *x, const struct cold *c)
{
    struct enc *e = &x->e;
    struct check k = {.entry = c->entry, .tag = c->tag, .write = c->write};
    struct address a = {.base = c->base, .disp = c->disp};
    struct cold miss = {.from = {0}};
    x->i = c->insn; /* full_check looks at the access */
    full_check(x, &miss, &k, a, c->bytes, c->align);
    enc_patch32(e, miss.from[0], x->cold[c->slow].at);
    enc_store(e, W64, c->tag, slot_field(x, c->slot, offsetof(struct ir_page_slot, page)));
    enc_store(e, W64, c->entry, slot_field(x, c->slot, offsetof(struct ir_page_slot, addend)));
    enc_store_imm(e, W8, cpu_mem(x->layout.slots_used + c->slot / IR_SLOT_GROUP), 1);
    enc_patch32(e, enc_jmp32(e), c->resume);
}

/* The bytes of a group seen as one access: its head leads to cold code that asks the TLB. */
static struct cold *cold_group(struct x64 *x, const struct group *g, struct address *a)
{
    struct cold *c = cg_cold(x, COLD_GROUP);
    a->disp += g->low;
    c->base = (uint8_t)a->base;
    c->disp = a->disp;
    c->bytes = (uint16_t)(g->high - g->low);
    c->write = g->write;
    ra_held(x, &c->live, &c->xlive);
    c->resume = (uint32_t)enc_at(&x->e);
    return c;
}

/*
 * Leaves the addend in k->entry; the host address is entry + a.base + a.disp. One compare catches a
 * miss and a crossing (by the last byte's page).
 */
void chk_look(struct x64 *x, struct cold *c, const struct check *k, struct address a,
              unsigned bytes)
{
    struct group *g = k->group;
    unsigned align = k->align;
    cg_cold_note_flags(x, c);
    if (align)
        test_alignment(x, c, a, align, k->tag);
    if (g) {
        if (!align && !c->from[2])
            c->kind = COLD_NOTHING;
        if (!k->member) {
            c = cold_group(x, g, &a);
            cg_cold_note_flags(x, c);
            bytes = c->bytes;
            align = 0;
        }
    }
    if (k->slot >= 0)
        slot_check(x, c, k, a, bytes, align);
    else if (is_near_base(x, k, a))
        near_check(x, c, k, a, bytes);
    else if (!k->member)
        full_check(x, c, k, a, bytes, align);
    if (g && !k->member)
        grp_open(x, g, k->entry);
    if (g)
        grp_done(x, g);
}

/* The TLB does not know the page of a group, or there are two: it is asked, and what it cannot do
 * goes on as code that checks each access by itself. */
void cg_cold_group(struct x64 *x, struct cold *c)
{
    struct enc *e = &x->e;
    cg_cold_flags(x, c);
    cg_cold_save(x, c);
    enc_lea(e, W64, RSI, mem_at(c->base, c->disp));
    enc_mov_imm(e, RDX, c->bytes);
    enc_mov_imm(e, RCX, c->write);
    enc_mov_imm(e, RAX, x64_is_store(x->insn[c->insn].op));
    cg_call_thunk(x, THUNK_FILL);
    enc_test(e, W32, RAX, RAX);
    cg_cold_reload(x, c);
    enc_patch32(e, enc_jcc32(e, CC_NE), c->resume);
    cg_careful_exit(x, c);
}

bool chk_always_slow(const struct x64 *x, unsigned memop)
{
    return memop & IR_MEM_UNPRIV && !x->layout.utlb;
}

/* No check: always the slow path. */
void chk_go_slow(struct x64 *x, struct cold *c)
{
    c->from[0] = (uint32_t)enc_jmp32(&x->e);
}

void cg_cold_resume(struct x64 *x, struct cold *c)
{
    for (unsigned k = 0; k < 3; k++) /* what is moved in between is not where it is taken to be */
        assert(!c->from[k] || c->from[k] >= x->moved);
    c->resume = (uint32_t)enc_at(&x->e);
    ra_live(x, &c->live, &c->xlive);
    uint16_t *mask = x->val[c->insn].type == IR_V128 ? &c->xlive : &c->live;
    for (unsigned k = 0; k < 2; k++)
        if (c->dst[k] != NOREG)
            *mask &= (uint16_t) ~(1u << c->dst[k]);
}

ir_ref chk_second(const struct x64 *x, ir_ref v, unsigned op)
{
    ir_ref n = (ir_ref)(v + 1);
    return n < x->ir->count && x->insn[n].op == op && x->val[n].uses ? n : IR_NONE;
}
