/* SPDX-License-Identifier: Apache-2.0 */
/* How regions are formed: blocks, loops and their polls, page ends, budgets, modes. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "engine/front/a64.h"

enum {
    NOP = 0xd503201f,
    RET = 0xd65f03c0,
    EL1 = FRONT_EL1 | FRONT_SPSEL | FRONT_DZE | FRONT_UCT | FRONT_UCI | FRONT_UMA | FRONT_NTWI |
          FRONT_NTWE,
};

struct region {
    struct ir *ir;
    struct front_region front;
    struct arm_features features;
    uint8_t page[4096];
};

static int setup(void **state)
{
    struct region *r = calloc(1, sizeof(*r));
    r->ir = ir_create();
    r->features = (struct arm_features){.have = ~0ull, .gic = 3};
    for (unsigned i = 0; i < 1024; i++)
        st_le(r->page + 4 * i, 4, RET);
    *state = r;
    return 0;
}

static int teardown(void **state)
{
    struct region *r = *state;
    ir_destroy(r->ir);
    free(r);
    return 0;
}

/* Puts words at pgoff on and translates from there. */
static void translate(struct region *r, uint32_t pgoff, uint32_t mode, unsigned max,
                      const uint32_t *words, unsigned count)
{
    for (unsigned i = 0; i < count; i++)
        st_le(r->page + pgoff + 4 * i, 4, words[i]);
    r->front = (struct front_region){
        .code = r->page, .pgoff = pgoff, .mode = mode, .max_insns = max, .features = &r->features};
    char text[200];
    a64_translate(&r->front, r->ir);
    assert_null(ir_verify(r->ir, a64_helpers, a64_nhelpers, text, sizeof(text)));
}

#define TRANSLATE(r, pgoff, mode, max, ...)                                                        \
    translate(r, pgoff, mode, max, (const uint32_t[]){__VA_ARGS__},                                \
              sizeof((const uint32_t[]){__VA_ARGS__}) / 4)

static unsigned count(const struct region *r, enum ir_op op)
{
    unsigned n = 0;
    for (unsigned i = 0; i < r->ir->count; i++)
        n += r->ir->insn[i].op == op;
    return n;
}

/* The first instruction with that operation. */
static const struct ir_insn *first(const struct region *r, enum ir_op op)
{
    for (unsigned i = 0; i < r->ir->count; i++)
        if (r->ir->insn[i].op == op)
            return &r->ir->insn[i];
    fail_msg("%s is not there", ir_op_info[op].name);
    return NULL;
}

static void straight_code_ends_at_return(void **state)
{
    struct region *r = *state;
    TRANSLATE(r, 0x100, EL1, 64, NOP, NOP, RET);
    assert_int_equal(r->front.insns, 3);
    assert_int_equal(r->front.first, 0x100);
    assert_int_equal(r->front.last, 0x10c);
    assert_int_equal(count(r, IR_EXITR), 1);
    assert_int_equal(first(r, IR_POLL)->imm, 0x108);
}

static void budget_ends_region_with_exit(void **state)
{
    struct region *r = *state;
    TRANSLATE(r, 0, EL1, 2, NOP, NOP, NOP);
    assert_int_equal(r->front.insns, 2);
    assert_int_equal(first(r, IR_EXIT)->imm, 8);
}

static void page_end_leaves_to_next_page(void **state)
{
    struct region *r = *state;
    TRANSLATE(r, 0xff8, EL1, 64, NOP, NOP);
    assert_int_equal(r->front.insns, 2);
    assert_int_equal(r->front.last, 4096);
    assert_int_equal(first(r, IR_EXIT)->imm, 4096);
}

static void loop_is_translated_once_and_polls(void **state)
{
    struct region *r = *state;
    /* NOP; 1: SUBS X0, X0, 1; NOP; B.NE 1b; RET */
    TRANSLATE(r, 0x40, EL1, 64, NOP, 0xf1000400, NOP, 0x54ffffc1, RET);
    assert_int_equal(r->front.insns, 5);
    assert_int_equal(count(r, IR_FLSUB), 1);
    assert_int_equal(count(r, IR_EXIT), 0);
    assert_int_equal(first(r, IR_POLL)->imm, 0x44);
}

static void loop_to_itself_polls(void **state)
{
    struct region *r = *state;
    TRANSLATE(r, 0x40, EL1, 64, 0x14000000);
    assert_int_equal(first(r, IR_POLL)->imm, 0x40);
    assert_int_equal(count(r, IR_BR), 1);
    assert_int_equal(r->front.insns, 1);
}

/* The same with ways. */
static void superblock(struct region *r, uint32_t pgoff, const uint8_t *way, const uint32_t *words,
                       unsigned count)
{
    for (unsigned i = 0; i < count; i++)
        st_le(r->page + pgoff + 4 * i, 4, words[i]);
    r->front = (struct front_region){.code = r->page,
                                     .pgoff = pgoff,
                                     .mode = EL1,
                                     .max_insns = 64,
                                     .features = &r->features,
                                     .way = way};
    char text[200];
    a64_translate(&r->front, r->ir);
    assert_null(ir_verify(r->ir, a64_helpers, a64_nhelpers, text, sizeof(text)));
    assert_int_equal(r->front.starts, 1);
}

static void superblock_follows_ways_and_closes(void **state)
{
    struct region *r = *state;
    uint8_t way[1024] = {0};
    /* 0: CBZ X0, 12 (next); 4: B 16; 8: NOP; 12: RET; 16: TBNZ X1, #3, 24 (taken); 20: RET;
     * 24: SUBS X0, X0, 1; 28: B.NE 0 (taken) */
    const uint32_t words[] = {0xb4000060, 0x14000003, NOP,        RET,
                              0x37180041, RET,        0xf1000400, 0x54ffff21};
    way[0] = FRONT_WAY_NEXT;
    way[4] = way[7] = FRONT_WAY_TAKEN;
    superblock(r, 0, way, words, 8);
    assert_int_equal(r->front.insns, 10); /* the first turn, and all others */
    assert_int_equal(r->front.branches, 8);
    assert_true(r->front.closed);
    assert_int_equal(first(r, IR_SIDEZ)->imm, 12);
    assert_int_equal(first(r, IR_SIDEZ)->aux, 0);
    assert_int_equal(first(r, IR_SIDECLR)->imm, 20);
    assert_int_equal(first(r, IR_SIDECLR)->aux, 3);
    assert_int_equal(first(r, IR_POLL)->imm, 0);
    assert_int_equal(count(r, IR_POLL), 2);
    assert_int_equal(first(r, IR_SIDEF)->imm, 32);
    assert_int_equal(count(r, IR_EXIT), 0);
}

/* What a block begins with, after n others. */
static const struct ir_insn *nth_of_block(const struct region *r, unsigned block, unsigned n)
{
    return &r->ir->insn[r->ir->block[block].first + n];
}

static void loop_compares_again_what_its_last_turn_has_compared(void **state)
{
    struct region *r = *state;
    uint8_t way[1024] = {0};
    /* 0: LDR X3, [X2]; SUBS W1, W1, 5; NOP; B.NE 0 (taken) */
    const uint32_t words[] = {0xf9400043, 0x71001421, NOP, 0x54ffffa1};
    way[3] = FRONT_WAY_TAKEN;
    superblock(r, 0, way, words, 4);
    assert_int_equal(r->front.insns, 8);
    assert_true(r->front.closed);
    assert_int_equal(r->ir->blocks, 2);
    assert_int_equal(r->ir->insn[r->ir->count - 1].op, IR_BR);
    assert_int_equal(r->ir->insn[r->ir->count - 1].imm, 1);
    const struct ir_insn *old = nth_of_block(r, 1, 0); /* W1 + 5, which was compared with 5 */
    assert_int_equal(old->op, IR_GET);
    assert_int_equal(old->imm, offsetof(struct arm_cpu, x[1]));
    assert_int_equal(nth_of_block(r, 1, 1)->imm, 5);
    assert_int_equal(nth_of_block(r, 1, 2)->op, IR_ADD);
    assert_int_equal(nth_of_block(r, 1, 2)->type, IR_I32);
    assert_int_equal(nth_of_block(r, 1, 3)->imm, 5);
    assert_int_equal(nth_of_block(r, 1, 4)->op, IR_FLSUB);
    assert_int_equal(nth_of_block(r, 1, 4)->arg[0], r->ir->block[1].first + 2);
    assert_int_equal(nth_of_block(r, 1, 5)->op, IR_PUTF);
}

/* CMP X1, X2; then what nothing is to be compared again after; B.NE back (taken). */
static void loop_is_closed_plainly(struct region *r, uint32_t then)
{
    uint8_t way[1024] = {0};
    const uint32_t words[] = {0xeb02003f, then, 0x54ffffc1};
    way[2] = FRONT_WAY_TAKEN;
    superblock(r, 0, way, words, 3);
    assert_int_equal(r->front.insns, 3);
    assert_true(r->front.closed);
    assert_int_equal(r->ir->insn[r->ir->count - 1].op, IR_BR);
    assert_int_equal(r->ir->insn[r->ir->count - 1].imm, 0);
}

static void loop_that_has_lost_what_it_compared_is_closed_plainly(void **state)
{
    struct region *r = *state;
    loop_is_closed_plainly(r, 0xaa0303e1); /* MOV X1, X3 */
    loop_is_closed_plainly(r, 0xf8408442); /* LDR X2, [X2], #8 */
    loop_is_closed_plainly(r, 0xea04007f); /* TST X3, X4 */
    loop_is_closed_plainly(r, 0xd51b4200); /* MSR NZCV, X0 */
    loop_is_closed_plainly(r, 0xba1f0021); /* ADCS X1, X1, XZR */
}

/* n instructions, the last two of which are CMP X1, X2; B.NE to the first (taken). */
static unsigned written_of_loop(struct region *r, unsigned n)
{
    uint8_t way[1024] = {0};
    uint32_t words[64];
    for (unsigned i = 0; i < n; i++)
        words[i] = NOP;
    words[n - 2] = 0xeb02003f;
    words[n - 1] = 0x54000001 | ((1 - n) & 0x7ffff) << 5;
    way[n - 1] = FRONT_WAY_TAKEN;
    superblock(r, 0, way, words, n);
    assert_true(r->front.closed);
    return r->front.insns;
}

static void loop_that_the_budget_does_not_allow_twice_is_closed_plainly(void **state)
{
    struct region *r = *state; /* 64 */
    assert_int_equal(written_of_loop(r, 32), 64);
    assert_int_equal(written_of_loop(r, 33), 33);
}

static void side_exit_goes_past_a_branch(void **state)
{
    struct region *r = *state;
    uint8_t way[1024] = {0};
    /* 20: CBZ X0, 2c (taken); 24: B 10; 28: NOP; 2c: RET */
    const uint32_t words[] = {0xb4000060, 0x17fffffb, NOP, RET};
    way[8] = FRONT_WAY_TAKEN;
    superblock(r, 0x20, way, words, 4);
    assert_int_equal(r->front.insns, 2);
    assert_int_equal(r->front.seen, 3); /* whoever writes the B changes this code */
    assert_int_equal(first(r, IR_SIDENZ)->imm, 0x10);
    assert_int_equal(first(r, IR_SIDENZ)->aux, IR_SIDE_POLL);
}

static void superblock_polls_where_it_goes_back(void **state)
{
    struct region *r = *state;
    uint8_t way[1024] = {0};
    /* 40: NOP; 44: B.EQ 40 (next); 48: CBNZ X1, 38 (taken); 4c: RET; 38: NOP; 3c: RET */
    const uint32_t words[] = {NOP, RET, NOP, 0x54ffffe0, 0xb5ffff81, RET};
    way[0x44 / 4] = FRONT_WAY_NEXT;
    way[0x48 / 4] = FRONT_WAY_TAKEN;
    for (unsigned i = 0; i < 6; i++)
        st_le(r->page + 0x38 + 4 * i, 4, words[i]);
    superblock(r, 0x40, way, words + 2, 4);
    assert_int_equal(r->front.branches, 2);
    assert_false(r->front.closed);
    assert_int_equal(first(r, IR_SIDEF)->imm, 0x40);
    assert_int_equal(first(r, IR_SIDEF)->aux, IR_SIDE_POLL | 0);
    assert_int_equal(first(r, IR_SIDEZ)->imm, 0x4c);
    assert_int_equal(first(r, IR_POLL)->imm, 0x38); /* and one before RET */
    assert_int_equal(count(r, IR_POLL), 2);
    assert_int_equal(count(r, IR_EXITR), 1);
}

static void superblock_ends_where_the_way_is_unknown(void **state)
{
    struct region *r = *state;
    uint8_t way[1024] = {0};
    /* B.EQ 8 (next); CBZ X0, 0; NOP */
    const uint32_t words[] = {0x54000040, 0xb4ffffe0, NOP};
    way[0] = FRONT_WAY_NEXT;
    superblock(r, 0, way, words, 3);
    assert_int_equal(r->front.insns, 2);
    assert_int_equal(r->front.branches, 1);
    assert_true(r->front.closed);
    assert_int_equal(count(r, IR_BRZ), 1);
}

static void superblock_begins_no_chain(void **state)
{
    struct region *r = *state;
    uint8_t way[1024] = {0};
    /* ff0: CBZ X2, ffc (next); CMP X0, 1; B.EQ 1010 (taken); B.LT ff0 (next); RET */
    const uint32_t words[] = {0xb4000062, 0xf100041f, 0x540000c0, 0x5400000b | 0x7fffdu << 5};
    way[0xff0 / 4] = way[0xffc / 4] = FRONT_WAY_NEXT;
    superblock(r, 0xff0, way, words, 4);
    assert_int_equal(r->front.insns, 3);
    assert_int_equal(r->front.branches, 1);
    assert_int_equal(count(r, IR_EXIT), 2);
    way[0xff8 / 4] = FRONT_WAY_TAKEN;
    superblock(r, 0xff0, way, words, 4);
    assert_int_equal(r->front.insns, 3);
    assert_int_equal(r->front.branches, 2);
    assert_int_equal(count(r, IR_EXIT), 1);
}

static void superblock_ends_where_another_begins(void **state)
{
    struct region *r = *state;
    uint8_t way[1024] = {0};
    /* CBZ X0, 8 (next); 7 x NOP; CBZ X1, 28 (next); RET */
    const uint32_t words[] = {0xb4000040, NOP, NOP, NOP, NOP, NOP, NOP, NOP, 0xb4000041, RET};
    way[0] = FRONT_WAY_NEXT | FRONT_WAY_HEAD;
    way[8] = FRONT_WAY_NEXT | FRONT_WAY_HEAD;
    superblock(r, 0, way, words, 10);
    assert_int_equal(r->front.insns, 8);
    assert_int_equal(r->front.branches, 1);
    assert_int_equal(first(r, IR_EXIT)->imm, 32);
    superblock(r, 4, way, words + 1, 9); /* one that has hardly begun goes on */
    assert_int_equal(r->front.insns, 9);
    assert_int_equal(count(r, IR_EXITR), 1);
}

/* An inner loop is a superblock of its own: the outer one leaves to it. */
static void superblock_passes_nothing_twice(void **state)
{
    struct region *r = *state;
    uint8_t way[1024] = {0};
    /* NOP; 1: SUBS X0, X0, 1; B.NE 1b (taken); RET */
    const uint32_t words[] = {NOP, 0xf1000400, 0x54ffffe1, RET};
    way[2] = FRONT_WAY_TAKEN;
    superblock(r, 0, way, words, 4);
    assert_int_equal(r->front.insns, 3);
    assert_int_equal(r->front.branches, 1);
    assert_false(r->front.closed);
    assert_int_equal(first(r, IR_SIDEF)->imm, 12); /* the loop's end, */
    assert_int_equal(count(r, IR_EXIT), 1);        /* or its next turn */
    assert_int_equal(first(r, IR_EXIT)->imm, 4);
    assert_int_equal(first(r, IR_POLL)->imm, 4);
}

static void forward_branch_joins(void **state)
{
    struct region *r = *state;
    /* CBZ X0, 1f; NOP; 1: NOP; RET */
    TRANSLATE(r, 0, EL1, 64, 0xb4000040, NOP, NOP, RET);
    assert_int_equal(r->front.insns, 4);
    assert_int_equal(count(r, IR_EXITR), 1);
}

static void both_ways_of_a_branch_are_followed(void **state)
{
    struct region *r = *state;
    /* TBZ X1, 3, 1f; RET; NOP; 1: NOP; RET */
    TRANSLATE(r, 0, EL1, 64, 0x36180061, RET, NOP, NOP, RET);
    assert_int_equal(r->front.insns, 4);
    assert_int_equal(count(r, IR_EXITR), 2);
}

static void branch_out_of_page_backwards_polls_target(void **state)
{
    struct region *r = *state;
    /* B . - 8 */
    TRANSLATE(r, 4, EL1, 64, 0x17fffffe);
    assert_int_equal(first(r, IR_POLL)->imm, -4);
    assert_int_equal(first(r, IR_EXIT)->imm, -4);
}

static void call_pushes_return_address(void **state)
{
    struct region *r = *state;
    TRANSLATE(r, 0x80, EL1, 64, 0x94000010);
    assert_int_equal(first(r, IR_PUSHRET)->imm, 0x84);
    assert_int_equal(first(r, IR_EXIT)->imm, 0xc0);
    assert_int_equal(count(r, IR_POLL), 0);
}

static void step_translates_one_instruction(void **state)
{
    struct region *r = *state;
    TRANSLATE(r, 0, EL1 | FRONT_STEP, 64, NOP, NOP);
    assert_int_equal(r->front.insns, 1);
    assert_int_equal(first(r, IR_EXITS)->imm, 4);
    assert_int_equal(count(r, IR_EXIT), 0);
}

static void step_of_branch_leaves_both_ways(void **state)
{
    struct region *r = *state;
    TRANSLATE(r, 0, EL1 | FRONT_STEP, 64, 0xb4000040);
    assert_int_equal(r->front.insns, 1);
    assert_int_equal(count(r, IR_EXITS), 2);
    assert_int_equal(count(r, IR_EXIT), 0);
}

static void step_of_return_sets_pc(void **state)
{
    struct region *r = *state;
    TRANSLATE(r, 0, EL1 | FRONT_STEP, 64, RET);
    assert_int_equal(count(r, IR_EXITR), 0);
    assert_int_equal(count(r, IR_EXITX), 1);
}

static void breakpoint_mode_checks_every_instruction(void **state)
{
    struct region *r = *state;
    TRANSLATE(r, 0, EL1 | FRONT_BREAK, 64, NOP, NOP, RET);
    assert_int_equal(count(r, IR_CALL), 3);
}

static void moved_stack_pointer_is_checked_once(void **state)
{
    struct region *r = *state;
    /* SUB SP, SP, X1; LDR X0, [SP]; LDR X0, [SP]; RET */
    TRANSLATE(r, 0, EL1, 64, 0xcb2163ff, 0xf94003e0, 0xf94003e0, RET);
    assert_int_equal(count(r, IR_BRNZ), 1);
    assert_int_equal(count(r, IR_EXITS), 1);
}

static void aligned_step_of_stack_pointer_is_not_checked(void **state)
{
    struct region *r = *state;
    /* STP X29, X30, [SP, -16]!; SUB SP, SP, 32; LDP X29, X30, [SP], 16; RET */
    TRANSLATE(r, 0, EL1, 64, 0xa9bf7bfd, 0xd10083ff, 0xa8c17bfd, RET);
    assert_int_equal(count(r, IR_BRNZ), 0);
}

static void misaligned_mode_checks_every_access(void **state)
{
    struct region *r = *state;
    TRANSLATE(r, 0, EL1 | FRONT_SA, 64, 0xf94003e0, 0xf94003e0, 0xf9400020, RET);
    assert_int_equal(count(r, IR_BRNZ), 2);
}

static void overflow_probe_is_done_at_once(void **state)
{
    struct region *r = *state;
    struct arm_cpu *cpu = aligned_alloc(16, align_up(sizeof(*cpu), 16));
    /* ADD SP, SP, X0; SUB X0, SP, X0; TBNZ X0, 14, 1f; SUB X0, SP, X0; SUB SP, SP, X0; RET; NOP;
     * 1: RET */
    TRANSLATE(r, 0, EL1, 64, 0x8b2063ff, 0xcb2063e0, 0x377000a0, 0xcb2063e0, 0xcb2063ff, RET, NOP,
              RET);
    for (uint64_t sp = 0x10000; sp <= 0x14000; sp += 0x4000) {
        memset(cpu, 0, sizeof(*cpu));
        cpu->x[0] = 0x123;
        cpu->x[30] = 0x7000;
        cpu->x[31] = sp;
        struct ir_leave leave = ir_interpret(r->ir, cpu, &a64_layout, NULL, a64_helpers);
        bool overflow = sp & 0x4000; /* then the engine looks at the misaligned SP */
        assert_int_equal(cpu->x[0], 0x123);
        assert_int_equal(cpu->x[31], overflow ? sp + 0x123 : sp);
        assert_int_equal(leave.how, overflow ? IR_LEFT_STATE : IR_LEFT_INDIRECT);
        assert_int_equal(leave.target, overflow ? 4 : 0x7000);
    }
    free(cpu);
}

static void context_change_leaves(void **state)
{
    /* TLBI VMALLE1; MSR SCTLR_EL1, X0; MSR PAN, 1; MSR SPSel, 0; WFI */
    static const uint32_t words[] = {0xd508871f, 0xd5181000, 0xd500419f, 0xd50040bf, 0xd503207f};
    struct region *r = *state;
    for (unsigned i = 0; i < ARRAY_SIZE(words); i++) {
        translate(r, 0x20, EL1, 64, &words[i], 1);
        assert_int_equal(r->front.insns, 1);
        assert_int_equal(first(r, IR_EXITS)->imm, 0x24);
    }
}

static void barrier_polls_and_goes_on(void **state)
{
    struct region *r = *state;
    TRANSLATE(r, 0x20, EL1, 64, 0xd5033fdf, NOP, RET); /* ISB */
    assert_int_equal(r->front.insns, 3);
    assert_int_equal(first(r, IR_POLL)->imm, 0x24);
}

static void masking_interrupts_goes_on(void **state)
{
    struct region *r = *state;
    TRANSLATE(r, 0, EL1, 64, 0xd50342df, NOP, RET); /* MSR DAIFSet, 2 */
    assert_int_equal(r->front.insns, 3);
    assert_int_equal(count(r, IR_EXITS), 0);
}

static void unmasking_interrupts_looks_at_lines(void **state)
{
    struct region *r = *state;
    TRANSLATE(r, 0, EL1, 64, 0xd50342ff, RET); /* MSR DAIFClr, 2 */
    assert_int_equal(count(r, IR_BRNZ), 1);
    assert_int_equal(first(r, IR_EXITS)->imm, 4);
}

static void privileged_at_el0_is_undefined(void **state)
{
    /* ERET; HVC 0; SMC 0; MSR SPSel, 0; MSR TTBR0_EL1, X0; MRS X0, CurrentEL */
    static const uint32_t words[] = {0xd69f03e0, 0xd4000002, 0xd4000003,
                                     0xd50040bf, 0xd5182000, 0xd5384240};
    struct region *r = *state;
    for (unsigned i = 0; i < ARRAY_SIZE(words); i++) {
        translate(r, 0, 0, 64, &words[i], 1);
        assert_int_equal(r->front.insns, 1);
        assert_int_equal(count(r, IR_EXITX), 1);
        assert_int_equal(count(r, IR_CALL), 1);
    }
}

static void trap_has_exact_syndrome(void **state)
{
    struct region *r = *state;
    TRANSLATE(r, 0, 0, 64, 0xd50342df); /* MSR DAIFSet, 2 at EL0 without UMA */
    const struct ir_insn *call = first(r, IR_CALL);
    assert_int_equal(call->imm, A64_HELPER_SYNC);
    assert_int_equal(r->ir->insn[call->arg[0]].imm, 0x18);
    /* Op0 0, Op2 6, Op1 3, CRn 4, Rt 31, CRm 2, write */
    assert_int_equal(r->ir->insn[call->arg[1]].imm, 6 << 17 | 3 << 14 | 4 << 10 | 31 << 5 | 2 << 1);
}

int main(void)
{
#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)
    const struct CMUnitTest tests[] = {
        T(straight_code_ends_at_return),
        T(budget_ends_region_with_exit),
        T(page_end_leaves_to_next_page),
        T(loop_is_translated_once_and_polls),
        T(loop_to_itself_polls),
        T(superblock_follows_ways_and_closes),
        T(loop_compares_again_what_its_last_turn_has_compared),
        T(loop_that_has_lost_what_it_compared_is_closed_plainly),
        T(loop_that_the_budget_does_not_allow_twice_is_closed_plainly),
        T(side_exit_goes_past_a_branch),
        T(superblock_polls_where_it_goes_back),
        T(superblock_ends_where_the_way_is_unknown),
        T(superblock_begins_no_chain),
        T(superblock_ends_where_another_begins),
        T(superblock_passes_nothing_twice),
        T(forward_branch_joins),
        T(both_ways_of_a_branch_are_followed),
        T(branch_out_of_page_backwards_polls_target),
        T(call_pushes_return_address),
        T(step_translates_one_instruction),
        T(step_of_branch_leaves_both_ways),
        T(step_of_return_sets_pc),
        T(breakpoint_mode_checks_every_instruction),
        T(moved_stack_pointer_is_checked_once),
        T(aligned_step_of_stack_pointer_is_not_checked),
        T(misaligned_mode_checks_every_access),
        T(overflow_probe_is_done_at_once),
        T(context_change_leaves),
        T(barrier_polls_and_goes_on),
        T(masking_interrupts_goes_on),
        T(unmasking_interrupts_looks_at_lines),
        T(privileged_at_el0_is_undefined),
        T(trap_has_exact_syndrome),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
