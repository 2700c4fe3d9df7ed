/* SPDX-License-Identifier: Apache-2.0 */
/* Branches, ways out of a region, and their cold halves. Temps are free at a block's end. */
#include "engine/x64/emit.h"

#include <errno.h>

_Static_assert(sizeof(struct ir_itlb_entry) == 32, "the index is (va >> 12) * 32");
_Static_assert(sizeof(struct ir_rstack_entry) == 16, "rstack_top counts bytes");

enum { RSTACK_MASK = IR_RSTACK * 16 - 1 };

/* --- links ------------------------------------------------------------------------------------ */

/* Pads so that the field `ahead` bytes on is 4-byte aligned, where it will run. */
static void align_field(struct x64 *x, unsigned ahead)
{
    enc_nop(&x->e, -((uintptr_t)enc_here(&x->e) + ahead) & 3);
}

static struct x64_link *new_link(struct x64 *x, int32_t pgoff)
{
    if (x->code->links == X64_MAX_LINKS) {
        x->error = -ENOSPC;
        x->code->links = 0;
    }
    struct x64_link *link = &x->code->link[x->code->links++];
    *link = (struct x64_link){.pgoff = pgoff};
    return link;
}

/* The jump that linking sets; returns its end. */
static size_t link_jump(struct x64 *x, struct x64_link *link)
{
    align_field(x, 1);
    size_t end = enc_jmp32(&x->e);
    link->jump = (uint32_t)(end - 4);
    return end;
}

static bool in_page(int64_t pgoff)
{
    return pgoff >= 0 && pgoff < IR_PAGE_SIZE;
}

/* --- blocks ----------------------------------------------------------------------------------- */

/* The first operation that does something. */
static const struct ir_insn *first_of(const struct x64 *x, unsigned block)
{
    unsigned i = x->ir->block[block].first;
    while (x->insn[i].op == IR_INSN)
        i++;
    return &x->insn[i];
}

/* A block that only leaves for elsewhere in the page: jumps to it are links themselves. */
static bool only_exits(const struct x64 *x, unsigned block)
{
    const struct ir_insn *insn = first_of(x, block);
    return block && insn->op == IR_EXIT && in_page(insn->imm);
}

bool cg_is_aside(const struct x64 *x, unsigned block)
{
    return only_exits(x, block) || (block && first_of(x, block)->op == IR_BR);
}

/* Where a jump to a block that only jumps on ends up. */
static unsigned through(const struct x64 *x, unsigned block)
{
    const struct ir_insn *insn = first_of(x, block);
    for (unsigned depth = 0; depth < 8 && insn->op == IR_BR; depth++) {
        block = (unsigned)insn->imm;
        insn = first_of(x, block);
    }
    return block;
}

static bool is_next(const struct x64 *x, unsigned block)
{
    unsigned at = x->block + 1;
    if (cg_is_aside(x, x->order[x->block])) /* stands elsewhere */
        return false;
    while (at < x->ir->blocks && cg_is_aside(x, x->order[at]))
        at++;
    return at < x->ir->blocks && x->order[at] == block;
}

/* A jump (cc < 0) or conditional jump that is a link by itself. */
static void link_site(struct x64 *x, int cc, int32_t pgoff)
{
    struct cold *c = cg_cold(x, COLD_LINK);
    c->pgoff = pgoff;
    c->link = (uint16_t)x->code->links;
    struct x64_link *link = new_link(x, pgoff);
    if (cc < 0) {
        c->from[0] = (uint32_t)link_jump(x, link);
        return;
    }
    align_field(x, 2);
    c->from[0] = (uint32_t)enc_jcc32(&x->e, (enum x64_cc)cc);
    link->jump = c->from[0] - 4;
}

static int32_t exit_of(const struct x64 *x, unsigned block)
{
    return (int32_t)x->insn[x->ir->block[block].end - 1].imm;
}

static void note_fixup(struct x64 *x, size_t end, unsigned block)
{
    if (x->label[block] != UINT32_MAX) {
        enc_patch32(&x->e, end, x->label[block]);
        return;
    }
    if (x->fixups == sizeof(x->fixup) / sizeof(x->fixup[0])) {
        x->error = -ENOSPC;
        return;
    }
    x->fixup[x->fixups++] = (struct fixup){(uint32_t)end, (uint16_t)block};
}

static void jump_block(struct x64 *x, unsigned block)
{
    block = through(x, block);
    if (only_exits(x, block))
        link_site(x, -1, exit_of(x, block));
    else if (!is_next(x, block))
        note_fixup(x, enc_jmp32(&x->e), block);
}

static void branch(struct x64 *x, enum x64_cc cc, int64_t blocks)
{
    unsigned yes = through(x, (uint32_t)blocks);
    unsigned no = through(x, (uint32_t)((uint64_t)blocks >> 32));
    if (only_exits(x, yes)) {
        link_site(x, (int)cc, exit_of(x, yes));
        jump_block(x, no);
    } else if (only_exits(x, no)) {
        link_site(x, (int)cc ^ 1, exit_of(x, no));
        jump_block(x, yes);
    } else if (is_next(x, yes)) {
        note_fixup(x, enc_jcc32(&x->e, cc ^ 1), no);
    } else {
        note_fixup(x, enc_jcc32(&x->e, cc), yes);
        jump_block(x, no);
    }
}

static void emit_br(struct x64 *x, ir_ref v)
{
    jump_block(x, (unsigned)x->insn[v].imm);
}

static void emit_brf(struct x64 *x, ir_ref v)
{
    const struct ir_insn *insn = &x->insn[v];
    if (insn->aux >= 14)
        jump_block(x, (uint32_t)insn->imm);
    else
        branch(x, fl_cond(x, insn->arg[0], insn->aux), insn->imm);
}

/* EFLAGS say whether the argument is zero, or is not. */
static enum x64_cc test_zero(struct x64 *x, const struct ir_insn *insn, bool zero)
{
    unsigned size = is_wide(insn) ? W64 : W32;
    struct rm a = ra_rm(x, insn->arg[0]);
    if (a.mem)
        enc_alu_mem_imm(&x->e, ALU_CMP, size, a.m, 0);
    else
        enc_test(&x->e, size, a.reg, a.reg);
    return zero ? CC_E : CC_NE;
}

/* EFLAGS say whether a bit of the argument is set, or is clear. */
static enum x64_cc test_bit(struct x64 *x, const struct ir_insn *insn, unsigned bit, bool set)
{
    struct rm a = ra_rm(x, insn->arg[0]);
    if (a.mem) {
        a.m.disp += (int32_t)(bit / 8);
        enc_test_mem8(&x->e, a.m, 1u << bit % 8);
    } else if (bit < 32) {
        enc_test_imm(&x->e, W32, a.reg, 1u << bit);
    } else {
        enc_rr(&x->e, OP_GROUP8, W64, 4, a.reg); /* bt */
        enc_u8(&x->e, bit);
        return set ? CC_B : CC_AE;
    }
    return set ? CC_NE : CC_E;
}

static void emit_brz(struct x64 *x, ir_ref v)
{
    const struct ir_insn *insn = &x->insn[v];
    branch(x, test_zero(x, insn, insn->op == IR_BRZ), insn->imm);
}

static void emit_brbit(struct x64 *x, ir_ref v)
{
    const struct ir_insn *insn = &x->insn[v];
    branch(x, test_bit(x, insn, insn->aux, true), insn->imm);
}

/* --- side exits ------------------------------------------------------------------------------- */

/* Leaves if cc holds; what is known of registers and flags stays so behind it. */
static void side_exit(struct x64 *x, const struct ir_insn *insn, enum x64_cc cc)
{
    bool plain = !(insn->aux & IR_SIDE_POLL) && x->val[x->i].pair == IR_NONE;
    if (plain && in_page(insn->imm)) {
        link_site(x, (int)cc, (int32_t)insn->imm);
        return;
    }
    struct cold *c = cg_cold(x, COLD_SIDE);
    c->pgoff = (int32_t)insn->imm;
    c->write = insn->aux & IR_SIDE_POLL;
    cg_cold_note_flags(x, c);
    c->from[0] = (uint32_t)enc_jcc32(&x->e, cc);
}

static void emit_sidef(struct x64 *x, ir_ref v)
{
    const struct ir_insn *insn = &x->insn[v];
    side_exit(x, insn, fl_cond(x, insn->arg[0], IR_SIDE_WHAT(insn->aux)));
}

/* Flags that are still wanted are kept elsewhere: EFLAGS get the test. */
static void emit_side_test(struct x64 *x, ir_ref v)
{
    const struct ir_insn *insn = &x->insn[v];
    fl_clobber(x);
    side_exit(x, insn,
              insn->op == IR_SIDEZ || insn->op == IR_SIDENZ
                  ? test_zero(x, insn, insn->op == IR_SIDEZ)
                  : test_bit(x, insn, IR_SIDE_WHAT(insn->aux), insn->op == IR_SIDESET));
}

/* --- direct exits ----------------------------------------------------------------------------- */

void cg_itlb_entry(struct x64 *x)
{
    struct enc *e = &x->e;
    if (x->bmi) {
        enc_vex_rr(e, OP_RORX, 0, 0, RCX, 0, RAX);
        enc_u8(e, IR_PAGE_BITS - 5);
    } else {
        enc_mov(e, W32, RCX, RAX);
        enc_shift_imm(e, SH_SHR, W32, RCX, IR_PAGE_BITS - 5);
    }
    enc_alu_load(e, ALU_AND, W32, RCX, cpu_mem(x->layout.itlb_mask));
    enc_alu_load(e, ALU_ADD, W64, RCX, cpu_mem(x->layout.itlb));
}

static void direct_exit(struct x64 *x, int32_t pgoff)
{
    struct enc *e = &x->e;
    if (in_page(pgoff)) {
        link_site(x, -1, pgoff);
        return;
    }
    struct cold *c = cg_cold(x, COLD_LINK);
    c->pgoff = pgoff;
    c->link = (uint16_t)x->code->links;
    struct x64_link *link = new_link(x, pgoff);
    cg_page_address(x, RAX, pgoff & ~(int32_t)(IR_PAGE_SIZE - 1));
    cg_itlb_entry(x);
    enc_alu_load(e, ALU_CMP, W64, RAX, mem_at(RCX, offsetof(struct ir_itlb_entry, tag)));
    c->from[0] = (uint32_t)enc_jcc32(e, CC_NE);
    align_field(x, 3);
    enc_rm(e, 0x0081, W32, ALU_CMP, mem_at(RCX, offsetof(struct ir_itlb_entry, page_id)));
    link->guard = (uint32_t)enc_at(e);
    enc_u32(e, 0);
    c->from[1] = (uint32_t)enc_jcc32(e, CC_NE);
    enc_store(e, W64, RAX, cpu_mem(x->layout.pc_page));
    c->from[2] = (uint32_t)link_jump(x, link);
}

static void emit_exit(struct x64 *x, ir_ref v)
{
    direct_exit(x, (int32_t)x->insn[v].imm);
}

/* A side exit that stores flags, polls or leaves the page. */
static void cold_side(struct x64 *x, const struct cold *c)
{
    cg_cold_flags(x, c);
    if (c->write) {
        struct cold *poll = cg_cold(x, COLD_POLL);
        poll->pgoff = c->pgoff;
        enc_alu_mem_imm(&x->e, ALU_CMP, W32, cpu_mem(x->layout.attention), 0);
        poll->from[0] = (uint32_t)enc_jcc32(&x->e, CC_NE);
    }
    direct_exit(x, c->pgoff);
}

/* Unlinked: rax = target, edx = which link. A cross-page link that is set but did not match goes
 * by the instruction TLB instead. */
static void cold_link(struct x64 *x, const struct cold *c)
{
    struct enc *e = &x->e;
    const struct x64_link *link = &x->code->link[c->link];
    if (link->guard) {
        if (c->pgoff & (IR_PAGE_SIZE - 1))
            enc_lea(e, W64, RAX, mem_at(RAX, c->pgoff & (int32_t)(IR_PAGE_SIZE - 1)));
        enc_u8(e, 0x83); /* cmp dword [rip + guard], 0 */
        enc_u8(e, 0x3d);
        enc_u32(e, link->guard - (uint32_t)(enc_at(e) + 5));
        enc_u8(e, 0);
        enc_jcc_to(e, CC_NE, x->thunk[THUNK_INDIRECT]);
    } else {
        cg_page_address(x, RAX, c->pgoff);
    }
    enc_mov_imm(e, RDX, x->first_link + c->link);
    x->code->number[c->link] = (uint32_t)enc_at(e) - 4;
    enc_jmp_to(e, x->thunk[THUNK_LINK]);
}

/* --- indirect exits --------------------------------------------------------------------------- */

/* Through the page's table, rax = target; an empty entry leads to the miss thunk. */
void cg_indirect(struct x64 *x, const uint8_t *miss, unsigned landing)
{
    size_t tag =
        landing ? offsetof(struct ir_itlb_entry, open) : offsetof(struct ir_itlb_entry, tag);
    struct enc *e = &x->e;
    enc_test_imm(e, W8, RAX, 3);
    enc_jcc_to(e, CC_NE, miss);
    cg_itlb_entry(x);
    enc_mov(e, W64, RDX, RAX);
    enc_alu_imm(e, ALU_AND, W64, RDX, -(int32_t)IR_PAGE_SIZE);
    enc_alu_load(e, ALU_CMP, W64, RDX, mem_at(RCX, (int32_t)tag));
    enc_jcc_to(e, CC_NE, miss);
    cg_enter_page(x);
}

void cg_enter_page(struct x64 *x)
{
    struct enc *e = &x->e;
    enc_load(e, W64, RSI, mem_at(RCX, offsetof(struct ir_itlb_entry, table)));
    enc_store(e, W64, RDX, cpu_mem(x->layout.pc_page));
    enc_mov(e, W32, RCX, RAX);
    enc_alu_imm(e, ALU_AND, W32, RCX, IR_PAGE_SIZE - 4);
    enc_rm(e, 0x00ff, W32, 4, mem_index(RSI, RCX, 1, 0)); /* jmp [rsi + 2 rcx] */
}

static void emit_exitr(struct x64 *x, ir_ref v)
{
    const struct ir_insn *insn = &x->insn[v];
    struct enc *e = &x->e;
    ra_move_to(x, insn->arg[0], RAX);
    unsigned landing = IR_JUMP_LANDING(insn->aux);
    if (IR_JUMP_KIND(insn->aux) != IR_JUMP_RET || x->config.without & X64_NO_RETURNS) {
        cg_indirect(x, x->thunk[landing ? THUNK_LAND + landing - 1 : THUNK_MISS], landing);
        return;
    }
    enc_load(e, W32, RCX, cpu_mem(x->layout.rstack_top));
    struct x64_mem entry = mem_index(RBP, RCX, 0, x->layout.rstack - STATE_BIAS);
    enc_alu_load(e, ALU_CMP, W64, RAX, entry);
    enc_jcc_to(e, CC_NE, x->thunk[THUNK_INDIRECT]);
    enc_test_imm(e, W8, RAX, 3); /* an empty entry's address is odd */
    enc_jcc_to(e, CC_NE, x->thunk[THUNK_MISS]);
    entry.disp += (int32_t)offsetof(struct ir_rstack_entry, host);
    enc_load(e, W64, RDX, entry);
    enc_alu_imm(e, ALU_SUB, W32, RCX, 16);
    enc_alu_imm(e, ALU_AND, W32, RCX, RSTACK_MASK);
    enc_store(e, W32, RCX, cpu_mem(x->layout.rstack_top));
    enc_mov(e, W64, RCX, RAX);
    enc_alu_imm(e, ALU_AND, W64, RCX, -(int32_t)IR_PAGE_SIZE);
    enc_store(e, W64, RCX, cpu_mem(x->layout.pc_page));
    enc_rr(e, 0x00ff, W32, 4, RDX); /* jmp rdx */
}

static void emit_pushret(struct x64 *x, ir_ref v)
{
    struct enc *e = &x->e;
    int32_t pgoff = (int32_t)x->insn[v].imm;
    if (x->config.without & X64_NO_RETURNS)
        return;
    fl_clobber(x);
    unsigned top = ra_temp(x), t = ra_temp(x);
    enc_load(e, W32, top, cpu_mem(x->layout.rstack_top));
    enc_alu_imm(e, ALU_ADD, W32, top, 16);
    enc_alu_imm(e, ALU_AND, W32, top, RSTACK_MASK);
    enc_store(e, W32, top, cpu_mem(x->layout.rstack_top));
    cg_page_address(x, t, pgoff);
    struct x64_mem entry = mem_index(RBP, top, 0, x->layout.rstack - STATE_BIAS);
    enc_store(e, W64, t, entry);
    if (in_page(pgoff)) {
        struct cold *c = cg_cold(x, COLD_RETURN);
        c->pgoff = pgoff;
        c->from[0] = (uint32_t)enc_lea_ahead(e, t);
    } else {
        enc_lea_rip(e, t, x->thunk[THUNK_INDIRECT]);
    }
    entry.disp += (int32_t)offsetof(struct ir_rstack_entry, host);
    enc_store(e, W64, t, entry);
}

/* Where a return to a call of this region comes: an exit to the instruction after the call. */
static void cold_return(struct x64 *x, struct cold *c)
{
    c->link = (uint16_t)x->code->links;
    link_jump(x, new_link(x, c->pgoff)); /* to what follows */
    cold_link(x, c);
}

/* To what checks each access of the rest of the block, from the current instruction on. */
void cg_careful_exit(struct x64 *x, struct cold *c)
{
    c->link = (uint16_t)x->code->links;
    struct x64_link *link = new_link(x, c->pgoff);
    link->careful = true;
    link_jump(x, link); /* to what follows */
    cold_link(x, c);
}

/* --- leaving ---------------------------------------------------------------------------------- */

static void emit_exits(struct x64 *x, ir_ref v)
{
    cg_page_address(x, RAX, (int32_t)x->insn[v].imm);
    enc_jmp_to(&x->e, x->thunk[THUNK_LEAVE_AT]);
}

static void emit_exitx(struct x64 *x, ir_ref v)
{
    enc_jmp_to(&x->e, x->thunk[THUNK_LEAVE]);
}

/* A poll right before a jump elsewhere, a loop's end as a rule: both are one conditional jump. */
static bool poll_and_go(struct x64 *x, ir_ref next)
{
    const struct ir_insn *insn = &x->insn[next];
    unsigned block = insn->op == IR_BR ? through(x, (unsigned)insn->imm) : 0;
    if (insn->op == IR_EXIT && in_page(insn->imm)) {
        link_site(x, CC_E, (int32_t)insn->imm);
    } else if (insn->op == IR_BR && only_exits(x, block)) {
        link_site(x, CC_E, exit_of(x, block));
    } else if (insn->op == IR_BR && !is_next(x, block)) {
        note_fixup(x, enc_jcc32(&x->e, CC_E), block);
    } else {
        return false;
    }
    x->val[next].mark |= MARK_DONE;
    return true;
}

static void emit_poll(struct x64 *x, ir_ref v)
{
    fl_clobber(x);
    struct cold *c = cg_cold(x, COLD_POLL);
    c->pgoff = (int32_t)x->insn[v].imm;
    cg_cold_note_flags(x, c);
    enc_alu_mem_imm(&x->e, ALU_CMP, W32, cpu_mem(x->layout.attention), 0);
    if (poll_and_go(x, (ir_ref)(v + 1)))
        c->from[0] = (uint32_t)enc_jmp32(&x->e);
    else
        c->from[0] = (uint32_t)enc_jcc32(&x->e, CC_NE);
}

void cg_cold_control(struct x64 *x, struct cold *c)
{
    switch (c->kind) {
    case COLD_LINK:
        cold_link(x, c);
        break;
    case COLD_RETURN:
        cold_return(x, c);
        break;
    case COLD_SIDE:
        cold_side(x, c);
        break;
    default:
        cg_cold_flags(x, c);
        cg_page_address(x, RAX, c->pgoff);
        enc_jmp_to(&x->e, x->thunk[THUNK_LEAVE_AT]);
        break;
    }
}

const struct emit_row x64_emit_control[] = {
    {IR_BR, emit_br},
    {IR_BRF, emit_brf},
    {IR_BRZ, emit_brz},
    {IR_BRNZ, emit_brz},
    {IR_BRBIT, emit_brbit},
    {IR_EXIT, emit_exit},
    {IR_EXITR, emit_exitr},
    {IR_EXITS, emit_exits},
    {IR_EXITX, emit_exitx},
    {IR_PUSHRET, emit_pushret},
    {IR_POLL, emit_poll},
    {IR_SIDEF, emit_sidef},
    {IR_SIDEZ, emit_side_test},
    {IR_SIDENZ, emit_side_test},
    {IR_SIDESET, emit_side_test},
    {IR_SIDECLR, emit_side_test},
    {IR_OP_COUNT, 0},
};
