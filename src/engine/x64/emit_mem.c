/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Guest memory: the check against the soft TLB (struct ir_tlb_entry in ir.h), the access, and the
 * slow path behind the region. Everything that allocation emits comes before the check's jump, so
 * that both ways meet with the same registers.
 */
#include "engine/x64/emit.h"
#include "engine/x64/vec.h"

#include <errno.h>

_Static_assert(sizeof(struct ir_tlb_entry) == 32, "the index is (va >> 12) * 32");

static bool is_write(unsigned op)
{
    return op == IR_ST || op == IR_ST2 || op == IR_STV || op == IR_STV2;
}

/* A guest address as base register + displacement. */
struct address {
    unsigned base;
    int32_t disp;
    ir_ref value; /* of the base */
};

static struct address address_of(struct x64 *x, ir_ref v)
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
static struct cold *cold_access(struct x64 *x, struct address a)
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

/* The registers of a check. */
struct check {
    unsigned entry, tag; /* tag: free until the access; NOREG if nothing needs it */
    struct group *group; /* or NULL */
    bool member;         /* of a group whose head has looked */
    bool write;          /* what to ask the TLB for */
    unsigned align;      /* alignment that is asked of the address, less one */
    int slot;            /* page slot, or -1 */
};

/* The page slot of the access at hand: in loops, one for each steady base and direction. */
static int slot_of(struct x64 *x, ir_ref base, bool write)
{
    if (!x->layout.slots || x->insn[x->i].aux & IR_MEM_UNPRIV || x->config.without & X64_NO_SLOTS)
        return -1;
    if (!x->in_loop[x->order[x->block]] || !x64_is_steady(x, base))
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
static struct check begin_check(struct x64 *x, struct address a, bool write, unsigned whole,
                                bool spare)
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
static void begin_access(struct x64 *x, unsigned whole)
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

static void full_check(struct x64 *x, struct cold *c, const struct check *k, struct address a,
                       unsigned bytes, unsigned align)
{
    struct enc *e = &x->e;
    unsigned entry = k->entry;
    bool user = x->insn[x->i].aux & IR_MEM_UNPRIV;
    if (a.disp) {
        enc_lea(e, W32, entry, mem_at(a.base, a.disp));
        enc_shift_imm(e, SH_SHR, W32, entry, IR_PAGE_BITS - 5);
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
    size_t field =
        k->write ? offsetof(struct ir_tlb_entry, wtag) : offsetof(struct ir_tlb_entry, rtag);
    enc_alu_load(e, ALU_CMP, W64, k->tag, tlb_field(entry, user, field));
    c->from[0] = (uint32_t)enc_jcc32(e, CC_NE);
    enc_load(e, W64, entry, tlb_field(entry, user, offsetof(struct ir_tlb_entry, addend)));
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
static void tlb_check(struct x64 *x, struct cold *c, const struct check *k, struct address a,
                      unsigned bytes)
{
    struct group *g = k->group;
    unsigned align = k->align;
    if (align)
        test_alignment(x, c, a, align, k->tag);
    if (g) {
        if (!align && !c->from[2])
            c->kind = COLD_NOTHING;
        if (!k->member) {
            c = cold_group(x, g, &a);
            bytes = c->bytes;
            align = 0;
        }
    }
    if (k->slot >= 0)
        slot_check(x, c, k, a, bytes, align);
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
    cg_cold_save(x, c);
    enc_lea(e, W64, RSI, mem_at(c->base, c->disp));
    enc_mov_imm(e, RDX, c->bytes);
    enc_mov_imm(e, RCX, c->write);
    enc_mov_imm(e, RAX, is_write(x->insn[c->insn].op));
    cg_call_thunk(x, THUNK_FILL);
    enc_test(e, W32, RAX, RAX);
    cg_cold_reload(x, c);
    enc_patch32(e, enc_jcc32(e, CC_NE), c->resume);
    cg_careful_exit(x, c);
}

static bool always_slow(const struct x64 *x, unsigned memop)
{
    return memop & IR_MEM_UNPRIV && !x->layout.utlb;
}

/* No check: always the slow path. */
static void go_cold(struct x64 *x, struct cold *c)
{
    c->from[0] = (uint32_t)enc_jmp32(&x->e);
}

void cg_cold_resume(struct x64 *x, struct cold *c)
{
    c->resume = (uint32_t)enc_at(&x->e);
    ra_live(x, &c->live, &c->xlive);
    uint16_t *mask = x->val[c->insn].type == IR_V128 ? &c->xlive : &c->live;
    for (unsigned k = 0; k < 2; k++)
        if (c->dst[k] != NOREG)
            *mask &= (uint16_t) ~(1u << c->dst[k]);
}

/* --- integers --------------------------------------------------------------------------------- */

static void load_int(struct x64 *x, unsigned memop, bool wide, unsigned dst, struct x64_mem m)
{
    struct enc *e = &x->e;
    unsigned sz = IR_MEM_SIZE(memop);
    bool is_signed = memop & IR_MEM_SIGNED;
    if (memop & IR_MEM_BE && sz) {
        if (sz == 1) {
            enc_rm(e, OP_MOVZX16, W32, dst, m);
            enc_bswap(e, W32, dst);
            enc_shift_imm(e, is_signed ? SH_SAR : SH_SHR, W32, dst, 16);
        } else if (x->bmi) {
            enc_rm(e, OP_MOVBE_LOAD, sz == 3 ? W64 : W32, dst, m);
        } else {
            enc_load(e, sz == 3 ? W64 : W32, dst, m);
            enc_bswap(e, sz == 3 ? W64 : W32, dst);
        }
        if (is_signed && wide && sz < 3)
            enc_rr(e, OP_MOVSXD, W64, dst, dst);
        return;
    }
    static const uint16_t extend[2][2] = {{OP_MOVZX8, OP_MOVZX16}, {OP_MOVSX8, OP_MOVSX16}};
    if (sz < 2)
        enc_rm(e, extend[is_signed][sz], is_signed && wide ? W64 : W32, dst, m);
    else if (sz == 2 && is_signed && wide)
        enc_rm(e, OP_MOVSXD, W64, dst, m);
    else
        enc_load(e, sz == 3 ? W64 : W32, dst, m);
}

static const uint8_t store_size[4] = {W8, W16, W32, W64};

static void emit_ld(struct x64 *x, ir_ref v)
{
    const struct ir_insn *insn = &x->insn[v];
    unsigned memop = insn->aux, bytes = IR_MEM_BYTES(memop);
    begin_access(x, bytes);
    struct address a = address_of(x, insn->arg[0]);
    if (always_slow(x, memop)) {
        struct cold *c = cold_access(x, a);
        c->dst[0] = (uint8_t)ra_def(x, v, true);
        go_cold(x, c);
        cg_cold_resume(x, c);
        return;
    }
    struct cold *c = cold_access(x, a);
    struct check k = begin_check(x, a, false, bytes, false);
    if (x->val[v].hint == NOREG && k.tag != NOREG) {
        tlb_check(x, c, &k, a, bytes); /* the tag's register is free again */
        ra_def_in(x, v, k.tag);
        c->dst[0] = (uint8_t)k.tag;
    } else {
        c->dst[0] = (uint8_t)ra_def(x, v, true); /* nothing is emitted after this but the access */
        tlb_check(x, c, &k, a, bytes);
    }
    load_int(x, memop, is_wide(insn), c->dst[0], mem_index(k.entry, a.base, 0, a.disp));
    cg_cold_resume(x, c);
}

/* The `hi` of the pair at hand, if anybody wants it. */
static ir_ref second_of(const struct x64 *x, ir_ref v, unsigned op)
{
    ir_ref n = (ir_ref)(v + 1);
    return n < x->ir->count && x->insn[n].op == op && x->val[n].uses ? n : IR_NONE;
}

/* Whether a pair must be one access. */
static bool is_whole(const struct x64 *x, unsigned memop)
{
    return x->config.whole_pairs && !(memop & (IR_MEM_BE | IR_MEM_RELEASE)) &&
           !always_slow(x, memop);
}

/* Both results by one load: of 16 bytes through a vector register, of 8 through the second's. */
static void load_pair(struct x64 *x, unsigned memop, unsigned t, const struct cold *c,
                      struct x64_mem m)
{
    struct enc *e = &x->e;
    bool sign = memop & IR_MEM_SIGNED;
    if (IR_MEM_SIZE(memop) == 3) {
        enc_sse1_rm(e, OP_MOVDQU_LOAD, t, m);
        enc_sse_gpr_rr(e, OP_MOVD_STORE, 1, t, c->dst[0]);
        enc_sse_gpr_rr(e, OP_PEXTRD, 1, t, c->dst[1]);
        enc_u8(e, 1);
        return;
    }
    enc_load(e, W64, c->dst[1], m);
    if (sign)
        enc_rr(e, OP_MOVSXD, W64, c->dst[0], c->dst[1]);
    else
        enc_mov(e, W32, c->dst[0], c->dst[1]);
    enc_shift_imm(e, sign ? SH_SAR : SH_SHR, W64, c->dst[1], 32);
}

/* One access need not be whole that is not aligned as a whole. The stack's are seen to be so, by
 * their displacement, while SP itself is aligned; and what lies there has often been stored just
 * now, one register at a time, which a load of both would have to wait for. */
static bool lies_across(const struct x64 *x, struct address a, unsigned bytes)
{
    return bytes == 16 && (int)a.base == x->pin_of[31] && a.disp & 15;
}

static void emit_whole_ld2(struct x64 *x, ir_ref v, ir_ref hi, struct address a)
{
    const struct ir_insn *insn = &x->insn[v];
    unsigned memop = insn->aux, el = IR_MEM_BYTES(memop);
    unsigned t = ra_xtemp(x);
    if (el == 4)
        fl_clobber(x); /* the halves are shifted apart */
    struct check k = begin_check(x, a, false, 2 * el, false);
    struct cold *c = cold_access(x, a);
    c->dst[0] = (uint8_t)ra_def(x, v, true);
    c->dst[1] = (uint8_t)ra_def(x, hi, true);
    tlb_check(x, c, &k, a, 2 * el);
    load_pair(x, memop, t, c, mem_index(k.entry, a.base, 0, a.disp));
    cg_cold_resume(x, c);
}

/* One after the other; the base may be one of the results, which is loaded last then. */
static void load_both(struct x64 *x, const struct ir_insn *insn, const struct cold *c,
                      struct check k, struct address a)
{
    unsigned el = IR_MEM_BYTES(insn->aux), first = c->dst[0] == a.base;
    for (unsigned n = 0; n < 2; n++) {
        unsigned which = n ^ first;
        if (c->dst[which] != NOREG)
            load_int(x, insn->aux, is_wide(insn), c->dst[which],
                     mem_index(k.entry, a.base, 0, a.disp + (int32_t)(which * el)));
    }
}

static void emit_ld2(struct x64 *x, ir_ref v)
{
    const struct ir_insn *insn = &x->insn[v];
    unsigned memop = insn->aux, el = IR_MEM_BYTES(memop);
    ir_ref hi = second_of(x, v, IR_HI);
    bool whole = hi != IR_NONE && is_whole(x, memop) && is_wide(insn);
    begin_access(x, 2 * el);
    struct address a = address_of(x, insn->arg[0]);
    bool across = whole && lies_across(x, a, 2 * el);
    if (whole && !across) {
        emit_whole_ld2(x, v, hi, a);
        return;
    }
    if (across)
        fl_clobber(x);
    struct check k = begin_check(x, a, false, 2 * el, false);
    struct cold *c = cold_access(x, a);
    /* The slow path reads all before it writes. */
    c->dst[0] = (uint8_t)ra_def(x, v, true);
    if (hi != IR_NONE)
        c->dst[1] = (uint8_t)ra_def(x, hi, true);
    if (across) { /* unless SP is not aligned after all */
        enc_test_imm(&x->e, W32, a.base, 15);
        c->from[2] = (uint32_t)enc_jcc32(&x->e, CC_NE);
    }
    if (always_slow(x, memop)) {
        go_cold(x, c);
    } else {
        tlb_check(x, c, &k, a, 2 * el);
        load_both(x, insn, c, k, a);
    }
    cg_cold_resume(x, c);
}

/* One element; reg NOREG: an immediate. `spare` takes the bytes swapped or to be exchanged. */
static void store_int(struct x64 *x, unsigned memop, unsigned reg, int32_t imm, unsigned spare,
                      struct x64_mem m)
{
    struct enc *e = &x->e;
    unsigned sz = IR_MEM_SIZE(memop), size = store_size[sz & 3];
    if (memop & IR_MEM_BE && sz) {
        enc_mov(e, W64, spare, reg);
        if (sz == 1) {
            enc_bswap(e, W32, spare);
            enc_shift_imm(e, SH_SHR, W32, spare, 16);
        } else {
            enc_bswap(e, size, spare);
        }
        reg = spare;
    } else if (memop & IR_MEM_RELEASE && reg != NOREG) {
        enc_mov(e, W64, spare, reg);
        reg = spare;
    }
    if (memop & IR_MEM_RELEASE) /* drains the store buffer: a later LDAR may not pass it */
        enc_rm(e, sz ? OP_XCHG : OP_XCHG8, size, reg, m);
    else if (reg == NOREG)
        enc_store_imm(e, size, m, imm);
    else
        enc_store(e, size, reg, m);
}

/* A store's data: an immediate where the instruction can have one. */
static unsigned store_operand(struct x64 *x, unsigned memop, ir_ref v, int32_t *imm)
{
    if (!(memop & (IR_MEM_BE | IR_MEM_RELEASE)) && ra_imm32(x, v, IR_MEM_SIZE(memop) == 3, imm))
        return NOREG;
    return ra_use(x, v);
}

/* t = both of a pair's data. */
static void join_pair(struct x64 *x, unsigned wide, unsigned t, unsigned a, unsigned b)
{
    struct enc *e = &x->e;
    enc_sse_gpr_rr(e, OP_MOVD_LOAD, wide, t, a);
    if (e->avx)
        enc_vex_rr(e, OP_PINSRD, wide, 0, t, t, b);
    else
        enc_rr(e, OP_PINSRD, wide ? W64 : W32, t, b);
    enc_u8(e, 1);
}

static void emit_whole_st2(struct x64 *x, ir_ref v)
{
    const struct ir_insn *insn = &x->insn[v];
    unsigned memop = insn->aux, el = IR_MEM_BYTES(memop);
    struct address a = address_of(x, insn->arg[0]);
    unsigned data[2], t = ra_xtemp(x);
    for (unsigned k = 0; k < 2; k++)
        data[k] = ra_use(x, insn->arg[k + 1]);
    struct check check = begin_check(x, a, true, 2 * el, false);
    struct cold *c = cold_access(x, a);
    tlb_check(x, c, &check, a, 2 * el);
    join_pair(x, el == 8, t, data[0], data[1]);
    enc_sse1_rm(&x->e, el == 8 ? OP_MOVDQU_STORE : OP_MOVQ_STORE, t,
                mem_index(check.entry, a.base, 0, a.disp));
    cg_cold_resume(x, c);
}

static void emit_st(struct x64 *x, ir_ref v)
{
    const struct ir_insn *insn = &x->insn[v];
    unsigned memop = insn->aux, n = insn->op == IR_ST2 ? 2 : 1;
    unsigned el = IR_MEM_BYTES(memop), bytes = n * el, data[2];
    int32_t imm[2];
    begin_access(x, bytes);
    if (n == 2 && el >= 4 && is_whole(x, memop)) {
        emit_whole_st2(x, v);
        return;
    }
    struct address a = address_of(x, insn->arg[0]);
    for (unsigned k = 0; k < n; k++)
        data[k] = store_operand(x, memop, insn->arg[k + 1], &imm[k]);
    struct check check = begin_check(x, a, true, bytes, memop & (IR_MEM_BE | IR_MEM_RELEASE));
    struct cold *c = cold_access(x, a);
    if (always_slow(x, memop)) {
        go_cold(x, c);
    } else {
        tlb_check(x, c, &check, a, bytes);
        struct x64_mem m = mem_index(check.entry, a.base, 0, a.disp);
        for (unsigned k = 0; k < n; k++) {
            store_int(x, memop, data[k], imm[k], check.tag, m);
            m.disp += (int32_t)el;
        }
    }
    cg_cold_resume(x, c);
}

/* --- vectors ---------------------------------------------------------------------------------- */

static void load_vec(struct x64 *x, unsigned memop, unsigned dst, unsigned spare, struct x64_mem m)
{
    switch (IR_MEM_SIZE(memop)) {
    case 0:
    case 1:
        enc_rm(&x->e, IR_MEM_SIZE(memop) ? OP_MOVZX16 : OP_MOVZX8, W32, spare, m);
        enc_sse1_rr(&x->e, OP_MOVD_LOAD, dst, spare);
        break;
    case 2:
        enc_sse1_rm(&x->e, OP_MOVD_LOAD, dst, m);
        break;
    case 3:
        enc_sse1_rm(&x->e, OP_MOVQ_LOAD, dst, m);
        break;
    default:
        enc_sse1_rm(&x->e, OP_MOVDQU_LOAD, dst, m);
    }
}

static void store_vec(struct x64 *x, unsigned memop, unsigned src, struct x64_mem m)
{
    switch (IR_MEM_SIZE(memop)) {
    case 0:
    case 1:
        enc_sse1_rm(&x->e, IR_MEM_SIZE(memop) ? OP_PEXTRW : OP_PEXTRB, src, m);
        enc_u8(&x->e, 0);
        break;
    case 2:
        enc_sse1_rm(&x->e, OP_MOVD_STORE, src, m);
        break;
    case 3:
        enc_sse1_rm(&x->e, OP_MOVQ_STORE, src, m);
        break;
    default:
        enc_sse1_rm(&x->e, OP_MOVDQU_STORE, src, m);
    }
}

static void emit_ldv(struct x64 *x, ir_ref v)
{
    const struct ir_insn *insn = &x->insn[v];
    unsigned memop = insn->aux, el = IR_MEM_BYTES(memop);
    bool pair = insn->op == IR_LDV2;
    ir_ref hi = pair ? second_of(x, v, IR_HIV) : IR_NONE;
    unsigned bytes = pair ? 2 * el : el;
    begin_access(x, bytes);
    struct address a = address_of(x, insn->arg[0]);
    struct check k = begin_check(x, a, false, bytes, false);
    unsigned spare = el < 4 ? ra_temp(x) : NOREG;
    struct cold *c = cold_access(x, a);
    c->dst[0] = (uint8_t)ra_xdef(x, v);
    x->val[v].clear = (uint8_t)el;
    if (hi != IR_NONE)
        c->dst[1] = (uint8_t)ra_xdef(x, hi);
    if (memop & (IR_MEM_UNPRIV | IR_MEM_BE)) {
        go_cold(x, c);
    } else {
        tlb_check(x, c, &k, a, bytes);
        struct x64_mem m = mem_index(k.entry, a.base, 0, a.disp);
        load_vec(x, memop, c->dst[0], spare, m);
        m.disp += (int32_t)el;
        if (hi != IR_NONE)
            load_vec(x, memop, c->dst[1], spare, m);
    }
    cg_cold_resume(x, c);
}

static void emit_stv(struct x64 *x, ir_ref v)
{
    const struct ir_insn *insn = &x->insn[v];
    unsigned memop = insn->aux, el = IR_MEM_BYTES(memop), n = insn->op == IR_STV2 ? 2 : 1, data[2];
    begin_access(x, n * el);
    struct address a = address_of(x, insn->arg[0]);
    for (unsigned k = 0; k < n; k++)
        data[k] = ra_xuse(x, insn->arg[k + 1]);
    struct check check = begin_check(x, a, true, n * el, false);
    struct cold *c = cold_access(x, a);
    if (memop & (IR_MEM_UNPRIV | IR_MEM_BE)) {
        go_cold(x, c);
    } else {
        tlb_check(x, c, &check, a, n * el);
        struct x64_mem m = mem_index(check.entry, a.base, 0, a.disp);
        for (unsigned k = 0; k < n; k++) {
            store_vec(x, memop, data[k], m);
            m.disp += (int32_t)el;
        }
    }
    cg_cold_resume(x, c);
}

/* --- the rest --------------------------------------------------------------------------------- */

/* Faults as an access would: within one page the check alone says so. Only elements can have to be
 * aligned: what must be aligned as a whole is one access, and needs no probe. */
static void emit_probe(struct x64 *x, ir_ref v)
{
    const struct ir_insn *insn = &x->insn[v];
    fl_clobber(x);
    struct address a = address_of(x, insn->arg[0]);
    struct check k = begin_check(x, a, insn->aux & IR_MEM_WRITE, 0, false);
    struct cold *c = cold_access(x, a);
    if (insn->aux & IR_MEM_UNPRIV || insn->imm > IR_PAGE_SIZE)
        go_cold(x, c);
    else
        tlb_check(x, c, &k, a, (unsigned)insn->imm);
    cg_cold_resume(x, c);
}

/* Device memory is never in the TLB: what hits may be zeroed. */
static void emit_zero(struct x64 *x, ir_ref v)
{
    const struct ir_insn *insn = &x->insn[v];
    fl_clobber(x);
    struct address a = address_of(x, insn->arg[0]);
    unsigned zero = ra_xtemp(x);
    struct check k = begin_check(x, a, true, 0, false);
    struct cold *c = cold_access(x, a);
    tlb_check(x, c, &k, a, IR_ZERO_BYTES);
    vec_zero(x, zero);
    for (int32_t at = 0; at < IR_ZERO_BYTES; at += 16)
        enc_sse1_rm(&x->e, OP_MOVDQU_STORE, zero, mem_index(k.entry, a.base, 0, a.disp + at));
    cg_cold_resume(x, c);
}

/* Always through the runtime. */
static void emit_exclusive(struct x64 *x, ir_ref v)
{
    const struct ir_insn *insn = &x->insn[v];
    ir_ref hi = insn->op == IR_LDX2 ? second_of(x, v, IR_HI) : IR_NONE;
    fl_clobber(x);
    struct address a = address_of(x, insn->arg[0]);
    struct cold *c = cold_access(x, a);
    c->dst[0] = (uint8_t)ra_def(x, v, true);
    if (hi != IR_NONE)
        c->dst[1] = (uint8_t)ra_def(x, hi, true);
    go_cold(x, c);
    cg_cold_resume(x, c);
}

/* What the loop of an atomic operation computes from the old value in rax: t = rax KIND b. */
static void atom_step(struct x64 *x, unsigned kind, unsigned sz, unsigned t, unsigned b)
{
    static const uint8_t keep_old[] = {
        [IR_ATOM_SMAX] = CC_G, [IR_ATOM_SMIN] = CC_L, [IR_ATOM_UMAX] = CC_A, [IR_ATOM_UMIN] = CC_B};
    struct enc *e = &x->e;
    switch (kind) {
    case IR_ATOM_CLR:
        enc_mov(e, W64, t, b);
        enc_not(e, W64, t);
        enc_alu(e, ALU_AND, W64, t, RAX);
        break;
    case IR_ATOM_EOR:
    case IR_ATOM_SET:
        enc_mov(e, W64, t, b);
        enc_alu(e, kind == IR_ATOM_EOR ? ALU_XOR : ALU_OR, W64, t, RAX);
        break;
    default: /* minima and maxima at the operation's own size */
        enc_mov(e, W64, t, b);
        enc_rr(e, sz ? 0x003b : 0x003a, store_size[sz], RAX, b);
        enc_cmov(e, keep_old[kind], W64, t, RAX);
    }
}

/* The old value in reg, zero-extended to the type. */
static void extend_old(struct x64 *x, unsigned sz, unsigned reg)
{
    if (sz < 2)
        enc_rr(&x->e, sz ? OP_MOVZX16 : OP_MOVZX8, W32, reg, reg);
    else if (sz == 2)
        enc_mov(&x->e, W32, reg, reg);
}

static void lock(struct x64 *x)
{
    enc_u8(&x->e, 0xf0);
}

static void emit_atom(struct x64 *x, ir_ref v)
{
    const struct ir_insn *insn = &x->insn[v];
    unsigned memop = insn->aux, sz = IR_MEM_SIZE(memop), kind = (unsigned)insn->imm;
    unsigned bytes = 1u << sz;
    if (sz > 3 || memop & (IR_MEM_BE | IR_MEM_UNPRIV)) {
        emit_exclusive(x, v);
        return;
    }
    fl_clobber(x);
    ra_take(x, RAX);
    struct address a = address_of(x, insn->arg[0]);
    unsigned b = ra_use(x, insn->arg[1]);
    struct check k = begin_check(x, a, true, bytes, false);
    unsigned entry = k.entry, tag = k.tag;
    struct cold *c = cold_access(x, a);
    c->dst[0] = RAX;
    tlb_check(x, c, &k, a, bytes);
    struct x64_mem m = mem_index(entry, a.base, 0, a.disp);
    struct enc *e = &x->e;
    if (kind == IR_ATOM_ADD || kind == IR_ATOM_SWP) {
        enc_mov(e, W64, RAX, b);
        if (kind == IR_ATOM_ADD)
            lock(x);
        enc_rm(e, kind == IR_ATOM_ADD ? (sz ? OP_XADD : OP_XADD8) : (sz ? OP_XCHG : OP_XCHG8),
               store_size[sz], RAX, m);
        extend_old(x, sz, RAX);
    } else {
        if (sz < 2)
            enc_rm(e, sz ? OP_MOVZX16 : OP_MOVZX8, W32, RAX, m);
        else
            enc_load(e, store_size[sz], RAX, m);
        size_t again = enc_at(e);
        atom_step(x, kind, sz, tag, b);
        lock(x);
        enc_rm(e, sz ? OP_CMPXCHG : OP_CMPXCHG8, store_size[sz], tag, m);
        size_t end = enc_jcc32(e, CC_NE);
        enc_patch32(e, end, again);
    }
    if (x->val[v].uses)
        ra_def_in(x, v, RAX);
    cg_cold_resume(x, c);
}

static void emit_cas(struct x64 *x, ir_ref v)
{
    const struct ir_insn *insn = &x->insn[v];
    unsigned memop = insn->aux, sz = IR_MEM_SIZE(memop), bytes = 1u << sz;
    if (sz > 3 || memop & (IR_MEM_BE | IR_MEM_UNPRIV)) {
        emit_exclusive(x, v);
        return;
    }
    fl_clobber(x);
    ra_take(x, RAX);
    struct address a = address_of(x, insn->arg[0]);
    /* b and c are fetched after the check, out of places that the slow path sees, too */
    ir_ref old = x->val[insn->arg[1]].rep, new = x->val[insn->arg[2]].rep;
    struct check k = begin_check(x, a, true, bytes, false);
    unsigned entry = k.entry, tag = k.tag;
    unsigned data = x->val[new].at & (AT_REG | AT_PIN) ? x->val[new].reg : NOREG;
    struct cold *c = cold_access(x, a);
    c->dst[0] = RAX;
    tlb_check(x, c, &k, a, bytes);
    struct enc *e = &x->e;
    ra_move_to(x, old, RAX);
    if (data == NOREG) {
        ra_move_to(x, new, tag);
        data = tag;
    }
    lock(x);
    enc_rm(e, sz ? OP_CMPXCHG : OP_CMPXCHG8, store_size[sz], data,
           mem_index(entry, a.base, 0, a.disp));
    extend_old(x, sz, RAX);
    if (x->val[v].uses)
        ra_def_in(x, v, RAX);
    cg_cold_resume(x, c);
}

const struct emit_row x64_emit_mem[] = {
    {IR_LD, emit_ld},          {IR_ST, emit_st},         {IR_LD2, emit_ld2},
    {IR_ST2, emit_st},         {IR_LDV, emit_ldv},       {IR_STV, emit_stv},
    {IR_LDV2, emit_ldv},       {IR_STV2, emit_stv},      {IR_PROBE, emit_probe},
    {IR_ATOM, emit_atom},      {IR_CAS, emit_cas},       {IR_LDX, emit_exclusive},
    {IR_LDX2, emit_exclusive}, {IR_STX, emit_exclusive}, {IR_STX2, emit_exclusive},
    {IR_ZERO, emit_zero},      {IR_OP_COUNT, 0},
};
