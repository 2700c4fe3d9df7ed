/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Regions: which guest instructions are translated together, and how control flows among them.
 *
 * From the first instruction on, code is translated until an unconditional branch; targets of
 * conditional branches nearby queue up as further blocks while the budget lasts, and what is left
 * over becomes an exit. A quick look ahead finds the targets of branches back, so that a
 * loop's head begins a block and its body is translated once.
 *
 * Attention: every loop polls. An edge back inside the region goes through a stub that polls with
 * the pc of its target; direct exits backwards poll likewise, and indirect branches poll before
 * they have any effect.
 *
 * Chains: CMP; B.EQ; B.LT tests the same flags in two blocks. The second B.cond gets a block that
 * only the first one leads to and that begins with the comparison again, which has no other effect:
 * the emitter can then compare and branch, and no flags need to be stored and loaded. Whoever
 * comes to the second B.cond on another way finds no block there and makes its own.
 *
 * Superblocks: a path that is often taken, through direct branches, as one block. What branches the
 * other way leaves; the path ends where it comes to what it has passed already, and is a loop if
 * that is its beginning. A loop whose last comparison can be made again from what is in registers
 * stands there twice: the first turn, and a block for all others, which begins with the comparison,
 * as a chain's does. So flags are dead at the end of each turn.
 *
 * Stack pointer alignment: while the mode lacks FRONT_SA, SP is a multiple of 16 (or nobody checks
 * it). An instruction that writes another kind of value to SP is followed by a test that leaves
 * the region when SP is not aligned, so that the engine looks at the mode again. That keeps checks
 * off all the loads and stores that go through SP.
 */
#include "engine/front/a64.h"

#include <endian.h>
#include <string.h>

/* What a pending block is. */
enum {
    PENDING_CODE,     /* the instructions at pgoff */
    PENDING_CHAIN,    /* the comparison, then the B.cond at pgoff */
    PENDING_EDGE,     /* a stub that goes on at pgoff */
    PENDING_LEAVE,    /* a stub that leaves with pc = pgoff: the state has changed */
    PENDING_INTERRUPT /* the same, after asking for attention if an interrupt is ready */
};

/* Room that any one instruction fits in. */
enum { INSN_ROOM = 640, BLOCK_ROOM = 24 };

/* Compilers move unlikely code far down: what a branch skips so much for is left to be translated
 * when it runs (a tenth less to translate when Linux boots). */
enum { NEAR_BYTES = 128 };

/* A path that meets another superblock's beginning so soon goes on. */
enum { SHORT_INSNS = 8 };

/* The longest loop that is translated twice, in instructions. */
enum { LOOP_INSNS = 64 };

static bool in_page(int32_t pgoff)
{
    return pgoff >= 0 && pgoff < (int32_t)IR_PAGE_SIZE;
}

/* Whole, though another PE may be writing it. */
static uint32_t fetch(const struct a64 *c, int32_t pgoff)
{
    const void *code = c->region->code + pgoff;
    return le32toh(__atomic_load_n((const uint32_t *)code, __ATOMIC_RELAXED));
}

/* The same for what the region means, not just for where it ends. */
static uint32_t see(struct a64 *c, int32_t pgoff)
{
    struct front_region *region = c->region;
    uint32_t insn = fetch(c, pgoff);
    if (region->seen < FRONT_MAX_SEEN) {
        region->see[region->seen].pgoff = (uint16_t)pgoff;
        region->see[region->seen].insn = insn;
    }
    region->seen++;
    return insn;
}

static bool is_b(uint32_t insn)
{
    return (insn & 0xfc000000u) == 0x14000000u;
}

/* The offset of a direct branch that stays in the region (not BL), or 0. */
static int32_t branch_offset(uint32_t insn)
{
    if (is_b(insn))
        return (int32_t)sext64(insn, 26) * 4;
    if ((insn & 0xff000000u) == 0x54000000u ||
        (insn & 0x7e000000u) == 0x34000000u) /* B.cond, CBZ */
        return (int32_t)sext64(insn >> 5, 19) * 4;
    if ((insn & 0x7e000000u) == 0x36000000u) /* TBZ, TBNZ */
        return (int32_t)sext64(insn >> 5, 14) * 4;
    return 0;
}

static unsigned queue(struct a64 *c, unsigned kind, int32_t pgoff, bool poll)
{
    unsigned block = ir_block_reserve(c->ir, pgoff);
    if (c->end_pending < A64_MAX_PENDING)
        c->pending[c->end_pending++] = (struct a64_pending){
            .block = (uint16_t)block, .kind = (uint8_t)kind, .poll = poll, .pgoff = pgoff};
    return block;
}

/* Whether the code at pgoff is the entry of another region: translated once, it is linked to. */
static bool is_entry(const struct a64 *c, int32_t pgoff)
{
    const struct front_region *region = c->region;
    return region->entries &&
           __atomic_load_n(&region->entries[pgoff / 4], __ATOMIC_RELAXED) != region->empty;
}

/* Whether the code at pgoff has a block already, or may still get one. */
static bool reachable(const struct a64 *c, int32_t pgoff)
{
    if (!in_page(pgoff) || c->mode & FRONT_STEP)
        return false;
    if (c->region->way) /* its beginning only */
        return c->block_at[pgoff / 4];
    return c->block_at[pgoff / 4] || (c->left > 0 && !is_entry(c, pgoff));
}

/* The same for a branch that may not be taken. */
static bool worthwhile(const struct a64 *c, int32_t pgoff)
{
    return reachable(c, pgoff) && (c->block_at[pgoff / 4] || pgoff - c->pgoff <= NEAR_BYTES);
}

/* The block of the code at pgoff, which is reachable. */
static unsigned code_block(struct a64 *c, int32_t pgoff)
{
    uint16_t *at = &c->block_at[pgoff / 4];
    if (!*at)
        *at = (uint16_t)(queue(c, PENDING_CODE, pgoff, false) + 1);
    else
        c->region->closed = true;
    return *at - 1u;
}

static void end_leave(struct a64 *c, int32_t pgoff)
{
    if (c->mode & FRONT_STEP)
        ir_exits(c->ir, pgoff);
    else
        ir_exit(c->ir, pgoff);
}

void a64_poll(struct a64 *c)
{
    ir_poll(c->ir, c->pgoff);
}

static bool full(const struct a64 *c)
{
    return c->ir->count + INSN_ROOM > IR_MAX_INSNS || c->ir->blocks + BLOCK_ROOM > IR_MAX_BLOCKS;
}

/* Whether the superblock so far fits in once more. Long ones gain little by that. */
static bool has_room_again(const struct a64 *c)
{
    return c->region->insns <= LOOP_INSNS && c->region->insns <= c->left &&
           2 * c->ir->count + INSN_ROOM <= IR_MAX_INSNS && !full(c);
}

/* Whether the superblock, if it is one, can go on at pgoff. */
static bool can_follow(const struct a64 *c, int32_t pgoff)
{
    const struct front_region *region = c->region;
    return region->way && in_page(pgoff) && c->left > 0 && !full(c) &&
           (pgoff == (int32_t)region->pgoff || region->insns < SHORT_INSNS ||
            !(region->way[pgoff / 4] & FRONT_WAY_HEAD)) &&
           !(c->passed[pgoff / 256] >> (pgoff / 4 % 64) & 1);
}

/* Whether the superblock, if it is one, is a loop that is back at its beginning there. */
static bool closes(const struct a64 *c, int32_t pgoff)
{
    return c->region->way && pgoff == (int32_t)c->region->pgoff && reachable(c, pgoff);
}

static void close_loop(struct a64 *c)
{
    int32_t head = (int32_t)c->region->pgoff;
    struct a64_compare last;
    bool known = a64_last_compare(c, &last);
    if (known && c->loop && a64_same_compare(&last, &c->compare)) {
        c->region->closed = true;
        ir_br(c->ir, c->loop);
        c->ended = true;
    } else if (known && !c->loop && has_room_again(c)) {
        c->compare = last;
        c->loop = ir_block_reserve(c->ir, head);
        ir_br(c->ir, c->loop);
        ir_block_begin(c->ir, c->loop);
        a64_compare_again(c, &last);
        memset(c->passed, 0, sizeof(c->passed));
        c->next = head;
    } else {
        ir_br(c->ir, code_block(c, head));
        c->ended = true;
    }
}

/* Where a side exit to pgoff really leads to: compilers like to skip a B. */
static int32_t behind_b(struct a64 *c, int32_t pgoff)
{
    if (!in_page(pgoff) || !is_b(fetch(c, pgoff)))
        return pgoff;
    uint32_t insn = see(c, pgoff);
    return is_b(insn) ? pgoff + branch_offset(insn) : pgoff;
}

bool a64_side(struct a64 *c, int32_t target, struct a64_side *side)
{
    unsigned way = c->region->way ? FRONT_WAY(c->region->way[c->pgoff / 4]) : FRONT_WAY_UNKNOWN;
    if (way == FRONT_WAY_UNKNOWN)
        return false;
    bool taken = way == FRONT_WAY_TAKEN;
    int32_t behind = c->pgoff + 4, leave = behind_b(c, taken ? behind : target);
    *side = (struct a64_side){
        .taken = taken,
        .next = taken ? target : behind,
        .leave = leave,
        .poll = leave <= c->pgoff ? IR_SIDE_POLL : 0,
    };
    return true;
}

static void go(struct a64 *c, int32_t target)
{
    if (target <= c->pgoff)
        ir_poll(c->ir, target);
    if (can_follow(c, target)) {
        c->next = target;
        return;
    }
    if (closes(c, target)) {
        close_loop(c);
        return;
    }
    if (reachable(c, target))
        ir_br(c->ir, code_block(c, target));
    else
        end_leave(c, target);
    c->ended = true;
}

void a64_go_on(struct a64 *c, const struct a64_side *side)
{
    c->region->branches++;
    go(c, side->next);
}

void a64_goto(struct a64 *c, int32_t target)
{
    c->region->branches += can_follow(c, target) || closes(c, target);
    go(c, target);
}

unsigned a64_edge(struct a64 *c, int32_t target)
{
    bool back = target <= c->pgoff;
    if (!back && worthwhile(c, target))
        return code_block(c, target);
    return queue(c, PENDING_EDGE, target, back);
}

/* CMP, CMN or TST with an immediate or an unshifted register. */
static bool is_compare(uint32_t insn)
{
    return (insn & 0x3f80001fu) == 0x3100001fu || (insn & 0x3fe0fc1fu) == 0x2b00001fu ||
           (insn & 0x7f80001fu) == 0x7200001fu || (insn & 0x7fe0fc1fu) == 0x6a00001fu;
}

static bool is_b_cond(uint32_t insn)
{
    return (insn & 0xff000010u) == 0x54000000u && (insn & 15) < 14;
}

unsigned a64_edge_next(struct a64 *c)
{
    int32_t next = c->pgoff + 4;
    if (!is_compare(c->before) || c->mode & (FRONT_STEP | FRONT_BREAK) || c->left == 0 ||
        c->region->way || !in_page(next) || c->block_at[next / 4] || !is_b_cond(fetch(c, next)))
        return a64_edge(c, next);
    unsigned block = queue(c, PENDING_CHAIN, next, false);
    c->pending[c->end_pending - 1].compare = c->before;
    return block;
}

unsigned a64_edge_interrupt(struct a64 *c, int32_t target)
{
    return queue(c, PENDING_INTERRUPT, target, false);
}

void a64_goto_reg(struct a64 *c, ir_ref target, unsigned kind)
{
    if (c->mode & FRONT_STEP) {
        ir_put(c->ir, IR_I64, target, offsetof(struct arm_cpu, pc));
        if (IR_JUMP_LANDING(kind))
            ir_put8(c->ir, a64_kw(c, IR_JUMP_LANDING(kind)), offsetof(struct arm_cpu, btype));
        ir_exitx(c->ir);
    } else {
        ir_exitr(c->ir, target, kind);
    }
    c->ended = true;
}

/* B, BR, RET, ERET and their like: what follows is reached by a branch only. */
static bool ends_flow(uint32_t insn)
{
    return is_b(insn) || (insn & 0xfe000000u) == 0xd6000000u;
}

/* Marks where branches back lead to, as far as a straight look ahead can tell. */
static void find_leaders(struct a64 *c)
{
    int32_t start = (int32_t)c->region->pgoff, furthest = start;
    int32_t limit = start + 4 * (int32_t)c->left;
    if (limit > (int32_t)IR_PAGE_SIZE)
        limit = IR_PAGE_SIZE;
    for (int32_t at = start; at < limit; at += 4) {
        uint32_t insn = fetch(c, at);
        if ((insn & 0x1c000000u) != 0x14000000u)
            continue; /* not a branch */
        int32_t target = at + branch_offset(insn);
        if (target < at && target >= start)
            c->leader[target / 256] |= 1ull << (target / 4 % 64);
        if (target > furthest)
            furthest = target;
        if (ends_flow(insn) && furthest <= at)
            return;
    }
}

static bool is_leader(const struct a64 *c, int32_t pgoff)
{
    return c->leader[pgoff / 256] >> (pgoff / 4 % 64) & 1;
}

/* After an instruction that wrote an SP of unknown alignment: leaves if it is not aligned. */
static void check_new_sp(struct a64 *c)
{
    unsigned leave = queue(c, PENDING_LEAVE, c->pgoff + 4, false);
    unsigned next = ir_block_reserve(c->ir, c->pgoff + 4);
    ir_ref low = ir_and(c->ir, IR_I64, a64_xsp(c, 31), a64_k(c, 15));
    ir_brnz(c->ir, IR_I64, low, a64_blocks(leave, next));
    ir_block_begin(c->ir, next);
}

/* ADD SP, SP, Xn: the probe below, as a rule. */
static bool begins_probe(uint32_t insn)
{
    return (insn & 0xffe0ffffu) == 0x8b2063ffu;
}

/*
 * Linux's exception vectors look for stack overflow by
 *     add sp, sp, xN;  sub xN, sp, xN;  tbnz xN, #b, F;  sub xN, sp, xN;  sub sp, sp, xN
 * which changes nothing unless bit b of SP is set, but makes SP misaligned for a while with most
 * values of xN: two changes of mode at every exception. If that is what stands here, the bit is
 * tested straight away, and code that finds it clear goes on behind the five. What follows in the
 * open block is for the other case.
 */
static void skip_overflow_probe(struct a64 *c)
{
    enum { LENGTH = 5 * 4, TBNZ = 2 };
    uint32_t insn = c->insn, n = insn >> 16 & 31;
    int32_t behind = c->pgoff + LENGTH;
    uint32_t restore = 0xcb2063e0u | n << 16 | n; /* sub xN, sp, xN */

    if (!begins_probe(insn) || n == 31 || c->mode & (FRONT_BREAK | FRONT_STEP | FRONT_COUNT) ||
        !reachable(c, behind))
        return;
    uint32_t test = see(c, c->pgoff + 4 * TBNZ);
    if (see(c, c->pgoff + 4) != restore || (test & 0x7f00001fu) != (0x37000000u | n) ||
        see(c, c->pgoff + 12) != restore || see(c, c->pgoff + 16) != (0xcb2063ffu | n << 16))
        return;
    unsigned bit = (test >> 31) << 5 | (test >> 19 & 31);
    unsigned set = ir_block_reserve(c->ir, c->pgoff), clear = code_block(c, behind);
    ir_brbit(c->ir, IR_I64, a64_xsp(c, 31), bit, a64_blocks(set, clear));
    ir_block_begin(c->ir, set);
    ir_insn(c->ir, c->pgoff);
    if ((uint32_t)behind > c->region->last)
        c->region->last = (uint32_t)behind;
}

/* Before its effects: exceptions take it back where the instruction was not executed. */
static void count_instruction(struct a64 *c)
{
    ir_ref n = ir_get(c->ir, IR_I64, offsetof(struct arm_cpu, pmu.retired));
    ir_put(c->ir, IR_I64, a64_addk(c, n, 1), offsetof(struct arm_cpu, pmu.retired));
}

static void one_instruction(struct a64 *c)
{
    struct front_region *region = c->region;
    if ((uint32_t)c->pgoff < region->first)
        region->first = (uint32_t)c->pgoff;
    if ((uint32_t)c->pgoff + 4 > region->last)
        region->last = (uint32_t)c->pgoff + 4;
    region->insns++;
    c->left--;
    c->next = c->pgoff + 4;
    c->passed[c->pgoff / 256] |= 1ull << (c->pgoff / 4 % 64);
    c->ended = false;
    c->sp_dirty = false;
    c->before = c->insn;
    c->insn = see(c, c->pgoff);
    ir_insn(c->ir, c->pgoff);
    if (c->mode & FRONT_BREAK)
        a64_call(c, A64_HELPER_BREAKPOINT, IR_NONE, IR_NONE, IR_NONE);
    if (c->mode & FRONT_COUNT)
        count_instruction(c);
    skip_overflow_probe(c);
    a64_decode(c, c->insn);
    if (c->sp_dirty && !c->ended && !(c->mode & FRONT_SA))
        check_new_sp(c);
}

/* The block that is open begins with the instruction at c->pgoff. */
static void note_start(struct a64 *c)
{
    struct front_region *region = c->region;
    if (region->starts == ARRAY_SIZE(region->start))
        return;
    region->start[region->starts].pgoff = (uint16_t)c->pgoff;
    region->start[region->starts++].block = (uint16_t)c->ir->current;
}

/* It cannot go on at c->pgoff. */
static void end_superblock(struct a64 *c)
{
    if (reachable(c, c->pgoff))
        ir_br(c->ir, code_block(c, c->pgoff));
    else
        ir_exit(c->ir, c->pgoff);
}

/*
 * Translates from c->pgoff on, in the block that is open, until something ends it. When it runs
 * into a block that still waits for its code, that one follows at once, so that the branch to it
 * costs nothing.
 */
static void straight(struct a64 *c)
{
    note_start(c);
    c->insn = 0;
    for (;;) {
        one_instruction(c);
        if (c->ended)
            return;
        c->pgoff = c->next;
        if (!in_page(c->pgoff) || (c->mode & FRONT_STEP)) {
            end_leave(c, c->pgoff);
            return;
        }
        if (c->region->way) {
            if (can_follow(c, c->pgoff) && !begins_probe(fetch(c, c->pgoff)))
                continue;
            end_superblock(c);
            return;
        }
        bool known = c->block_at[c->pgoff / 4];
        if (!known && (c->left == 0 || full(c) || is_entry(c, c->pgoff))) {
            ir_exit(c->ir, c->pgoff);
            return;
        }
        if (known || is_leader(c, c->pgoff)) {
            ir_br(c->ir, code_block(c, c->pgoff));
            return;
        }
    }
}

/* The next block to write: the one that follows in memory if it waits, else the oldest. */
static struct a64_pending next_pending(struct a64 *c)
{
    for (unsigned i = c->end_pending; i-- > c->first_pending;) {
        struct a64_pending *p = &c->pending[i];
        if (p->kind == PENDING_CODE && p->pgoff == c->pgoff) {
            struct a64_pending found = *p;
            *p = c->pending[c->first_pending++];
            return found;
        }
    }
    return c->pending[c->first_pending++];
}

/* A B.cond whose flags come of a comparison just before the one that leads here. */
static void chain(struct a64 *c, const struct a64_pending *p)
{
    c->pgoff = p->pgoff;
    c->insn = p->compare;
    c->sp_dirty = false;
    a64_decode(c, c->insn);
    one_instruction(c); /* remembers the comparison: the chain may go on */
}

static void write_pending(struct a64 *c, const struct a64_pending *p)
{
    ir_block_begin(c->ir, p->block);
    switch (p->kind) {
    case PENDING_CODE:
        c->pgoff = p->pgoff;
        if (c->left == 0 || full(c))
            ir_exit(c->ir, p->pgoff);
        else
            straight(c);
        break;
    case PENDING_CHAIN:
        if (c->left == 0 || full(c))
            ir_exit(c->ir, p->pgoff);
        else
            chain(c, p);
        break;
    case PENDING_EDGE:
        if (p->poll)
            ir_poll(c->ir, p->pgoff);
        if (p->poll && reachable(c, p->pgoff) && !full(c))
            ir_br(c->ir, code_block(c, p->pgoff));
        else
            end_leave(c, p->pgoff);
        break;
    case PENDING_INTERRUPT:
        a64_call(c, A64_HELPER_DAIF, IR_NONE, IR_NONE, IR_NONE);
        ir_exits(c->ir, p->pgoff);
        break;
    default:
        ir_exits(c->ir, p->pgoff);
        break;
    }
}

void a64_translate(struct front_region *region, struct ir *ir)
{
    struct a64 c;
    ir_clear(ir);
    c.ir = ir;
    c.region = region;
    c.features = region->features;
    c.mode = region->mode;
    c.pgoff = (int32_t)region->pgoff;
    c.left = region->mode & FRONT_STEP || region->max_insns == 0 ? 1 : region->max_insns;
    c.first_pending = c.end_pending = 0;
    c.loop = 0;
    memset(c.block_at, 0, sizeof(c.block_at));
    memset(c.leader, 0, sizeof(c.leader));
    memset(c.passed, 0, sizeof(c.passed));
    region->first = region->pgoff;
    region->last = region->pgoff;
    region->insns = 0;
    region->starts = 0;
    region->seen = region->branches = 0;
    region->closed = false;
    /* Code that is counted could not begin an instruction again. */
    ir->careful = c.mode & (FRONT_CAREFUL | FRONT_COUNT);
    if (c.left > 1 && !region->way)
        find_leaders(&c);
    ir_block_begin(ir, code_block(&c, c.pgoff));
    c.first_pending++;
    if (c.mode & FRONT_CAREFUL)
        c.block_at[c.pgoff / 4] = 0; /* a loop goes on as usual */
    straight(&c);
    if (c.mode & FRONT_CAREFUL)
        c.left = 0;
    while (c.first_pending < c.end_pending) {
        struct a64_pending p = next_pending(&c);
        write_pending(&c, &p);
    }
}
