/* SPDX-License-Identifier: Apache-2.0 */
/* Ways from region to region: direct links, guards, the page table, the return stack, leaving. */
#include <errno.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#include <cmocka.h>

#include "fake.h"

enum { MAX_REGIONS = 8, PAGE = 0x5000, PAGE_ID = 7 };

/* The CPU comes first, so that the callbacks find the rest. */
struct bench {
    struct fake_cpu cpu;
    struct x64 *x;
    uint8_t *code;
    size_t used;
    struct ir *ir;
    struct region {
        uint64_t va;
        uint8_t *code;
        bool careful;
        struct x64_code out;
    } region[MAX_REGIONS];
    unsigned regions;
    bool set_links;          /* link() patches */
    unsigned lookups, links; /* calls */
    uint64_t last_va;
    void *table[2][1024]; /* of the pages PAGE and PAGE + 0x1000 */
};

static struct region *find(struct bench *b, uint64_t va, bool careful)
{
    for (unsigned k = 0; k < b->regions; k++)
        if (b->region[k].va == va && b->region[k].careful == careful)
            return &b->region[k];
    return NULL;
}

static void *enter(struct bench *b, uint64_t va, bool careful)
{
    struct region *r = find(b, va, careful);
    b->last_va = va;
    if (r)
        b->cpu.pc_page = va & ~0xfffull;
    return r ? r->code : NULL;
}

static void *lookup(void *cpu, uint64_t va)
{
    struct bench *b = cpu;
    b->lookups++;
    return enter(b, va, false);
}

/* Links are numbered 1000 * region + index. */
static void *link_to(void *cpu, uint64_t va, uint32_t link)
{
    struct bench *b = cpu;
    struct region *from = &b->region[link / 1000];
    bool careful = from->out.link[link % 1000].careful;
    struct region *to = find(b, va, careful);
    b->links++;
    if (b->set_links && to)
        x64_link_set(&from->out.link[link % 1000], from->code, from->code, to->code, PAGE_ID);
    return enter(b, va, careful);
}

static int begin(void **state)
{
    struct bench *b = aligned_alloc(16, (sizeof(*b) + 15) & ~15ul);
    if (!b)
        return -1;
    memset(b, 0, sizeof(*b));
    fake_init(&b->cpu);
    b->cpu.pc_page = PAGE;
    b->code = fake_code();
    struct x64_config config = {.layout = &fake_layout,
                                .runtime = &fake_runtime,
                                .helpers = fake_helpers,
                                .nhelpers = FAKE_HELPERS,
                                .callbacks = {lookup, link_to},
                                .rw = b->code,
                                .rx = b->code,
                                .room = FAKE_CODE};
    x64_probe(X64_V3, &config.host);
    if (x64_create(&config, &b->x, &b->used, NULL))
        return -1;
    b->ir = ir_create();
    b->set_links = true;
    for (unsigned page = 0; page < 2; page++) {
        for (unsigned k = 0; k < 1024; k++)
            b->table[page][k] = x64_thunks(b->x)->miss;
        b->cpu.ctlb[(PAGE >> 12) + page] = (struct ir_itlb_entry){
            .tag = PAGE + 0x1000 * page, .table = b->table[page], .page_id = PAGE_ID};
    }
    *state = b;
    return 0;
}

static int end(void **state)
{
    struct bench *b = *state;
    ir_destroy(b->ir);
    x64_destroy(b->x);
    munmap(b->code, FAKE_CODE);
    free(b);
    return 0;
}

static void start(struct bench *b, uint64_t va)
{
    ir_clear(b->ir);
    ir_block_begin(b->ir, ir_block_reserve(b->ir, (int32_t)(va & 0xfff)));
    ir_insn(b->ir, (int32_t)(va & 0xfff));
    b->region[b->regions].va = va;
}

static ir_ref reg(struct bench *b, unsigned n)
{
    return ir_get(b->ir, IR_I64, fake_layout.x0 + 8 * n);
}

static void add_to(struct bench *b, unsigned n, int64_t imm)
{
    ir_put(b->ir, IR_I64, ir_add(b->ir, IR_I64, reg(b, n), ir_const(b->ir, IR_I64, imm)),
           fake_layout.x0 + 8 * n);
}

/* Compiles what start() began; puts it into the page's table if asked to. */
static void finish(struct bench *b, bool in_table)
{
    struct region *r = &b->region[b->regions];
    char buf[100];
    assert_null(ir_verify(b->ir, fake_helpers, FAKE_HELPERS, buf, sizeof(buf)));
    ir_count_uses(b->ir);
    r->code = b->code + b->used;
    r->careful = b->ir->careful;
    assert_int_equal(
        x64_compile(b->x, b->ir, r->code, r->code, FAKE_CODE - b->used, 1000 * b->regions, &r->out),
        0);
    b->used = (b->used + r->out.size + 63) & ~63ul;
    if (in_table)
        b->table[(r->va - PAGE) >> 12][(r->va & 0xfff) >> 2] = r->code;
    b->regions++;
}

static void run(struct bench *b)
{
    b->cpu.pc_page = b->region[0].va & ~0xfffull;
    x64_thunks(b->x)->enter(&b->cpu, b->region[0].code);
}

/* A region that counts in x5 and leaves. */
static void counter(struct bench *b, uint64_t va, bool in_table)
{
    start(b, va);
    add_to(b, 5, 1);
    ir_exits(b->ir, (int32_t)(va & 0xfff) + 4);
    finish(b, in_table);
}

static void a_link_in_the_page_is_made_once(void **state)
{
    struct bench *b = *state;
    start(b, PAGE);
    add_to(b, 0, 1);
    ir_exit(b->ir, 0x40);
    finish(b, false);
    counter(b, PAGE + 0x40, false);
    for (unsigned n = 1; n <= 3; n++) {
        run(b);
        assert_int_equal(b->cpu.x[0], n);
        assert_int_equal(b->cpu.x[5], n);
        assert_int_equal(b->links, 1);
        assert_int_equal(b->cpu.pc, PAGE + 0x44);
    }
}

static void an_unlinked_branch_asks_each_time(void **state)
{
    struct bench *b = *state;
    b->set_links = false;
    start(b, PAGE);
    ir_exit(b->ir, 0x40);
    finish(b, false);
    run(b); /* nothing there: leaves with the target as pc */
    run(b);
    assert_int_equal(b->links, 2);
    assert_int_equal(b->cpu.pc, PAGE + 0x40);
}

static void a_link_to_another_page_is_taken_while_its_guard_matches(void **state)
{
    struct bench *b = *state;
    start(b, PAGE);
    ir_exit(b->ir, 0x1040);
    finish(b, false);
    counter(b, PAGE + 0x1040, false);
    run(b);
    run(b);
    assert_int_equal(b->links, 1);
    assert_int_equal(b->lookups, 0);
    assert_int_equal(b->cpu.x[5], 2);
    assert_int_equal(b->cpu.pc, PAGE + 0x1044);
    assert_int_equal(b->cpu.pc_page, PAGE + 0x1000);

    b->cpu.ctlb[(PAGE >> 12) + 1].page_id = PAGE_ID + 1; /* another page is there now */
    run(b);
    assert_int_equal(b->links, 1);
    assert_int_equal(b->lookups, 1);        /* its table is empty there */
    b->cpu.ctlb[(PAGE >> 12) + 1].tag |= 1; /* nothing is there */
    run(b);
    assert_int_equal(b->lookups, 2);
    assert_int_equal(b->last_va, PAGE + 0x1040);
}

static void indirect_branches_go_by_the_page_table(void **state)
{
    struct bench *b = *state;
    start(b, PAGE);
    ir_exitr(b->ir, reg(b, 1), IR_JUMP_PLAIN);
    finish(b, false);
    counter(b, PAGE + 0x1080, true);
    b->cpu.x[1] = PAGE + 0x1080;
    run(b);
    assert_int_equal(b->lookups, 0);
    assert_int_equal(b->cpu.x[5], 1);
    assert_int_equal(b->cpu.pc, PAGE + 0x1084);
    b->cpu.x[1] = PAGE + 0x1084; /* an empty entry */
    run(b);
    assert_int_equal(b->lookups, 1);
    assert_int_equal(b->last_va, PAGE + 0x1084);
    assert_int_equal(b->cpu.pc, PAGE + 0x1084);
    b->cpu.x[1] = PAGE + 0x1082; /* misaligned */
    run(b);
    assert_int_equal(b->lookups, 2);
    assert_int_equal(b->last_va, PAGE + 0x1082);
    b->cpu.x[1] = 1; /* what an absent entry's tag looks like */
    run(b);
    assert_int_equal(b->last_va, 1);
}

static void call(struct bench *b, uint64_t va, int32_t target)
{
    start(b, va);
    int32_t after = (int32_t)(va & 0xfff) + 4;
    ir_put(b->ir, IR_I64, ir_pcrel(b->ir, after), fake_layout.x0 + 8 * 30);
    ir_pushret(b->ir, after);
    ir_exit(b->ir, target);
    finish(b, false);
}

static void callee(struct bench *b, uint64_t va)
{
    start(b, va);
    add_to(b, 2, 1);
    ir_exitr(b->ir, reg(b, 30), IR_JUMP_RET);
    finish(b, false);
}

static void a_return_goes_to_where_the_call_was(void **state)
{
    struct bench *b = *state;
    call(b, PAGE, 0x1040);
    callee(b, PAGE + 0x1040);
    counter(b, PAGE + 4, false);
    for (unsigned n = 1; n <= 40; n++) {
        run(b);
        assert_int_equal(b->cpu.x[2], n);
        assert_int_equal(b->cpu.x[5], n);
        assert_int_equal(b->cpu.pc, PAGE + 8);
    }
    assert_int_equal(b->links, 2); /* the call and the return, once each */
    assert_int_equal(b->lookups, 0);
}

static void a_return_elsewhere_is_looked_up(void **state)
{
    struct bench *b = *state;
    call(b, PAGE, 0x40);
    start(b, PAGE + 0x40);
    add_to(b, 30, 0x1000);
    ir_exitr(b->ir, reg(b, 30), IR_JUMP_RET);
    finish(b, false);
    run(b);
    assert_int_equal(b->lookups, 1);
    assert_int_equal(b->last_va, PAGE + 0x1004);
}

static void an_empty_return_stack_sends_nobody_astray(void **state)
{
    struct bench *b = *state;
    callee(b, PAGE);
    b->cpu.x[30] = 1;
    run(b);
    assert_int_equal(b->lookups, 1);
    assert_int_equal(b->cpu.pc, 1);
}

static void attention_leaves_at_the_poll(void **state)
{
    struct bench *b = *state;
    start(b, PAGE);
    add_to(b, 0, 1);
    ir_poll(b->ir, 0x24);
    add_to(b, 0, 1);
    ir_exits(b->ir, 0x28);
    finish(b, false);
    run(b);
    assert_int_equal(b->cpu.x[0], 2);
    b->cpu.attention = 1;
    run(b);
    assert_int_equal(b->cpu.x[0], 3);
    assert_int_equal(b->cpu.pc, PAGE + 0x24);
}

static void a_loop_within_the_region_runs(void **state)
{
    struct bench *b = *state;
    ir_clear(b->ir);
    unsigned loop = ir_block_reserve(b->ir, 0), out = ir_block_reserve(b->ir, 8);
    ir_block_begin(b->ir, loop);
    add_to(b, 0, 1);
    ir_ref left = ir_sub(b->ir, IR_I64, reg(b, 1), ir_const(b->ir, IR_I64, 1));
    ir_put(b->ir, IR_I64, left, fake_layout.x0 + 8);
    unsigned back = ir_block_reserve(b->ir, 0);
    ir_brnz(b->ir, IR_I64, left, back | (int64_t)out << 32);
    ir_block_begin(b->ir, back);
    ir_poll(b->ir, 0);
    ir_br(b->ir, loop);
    ir_block_begin(b->ir, out);
    ir_exits(b->ir, 8);
    b->region[0].va = PAGE;
    finish(b, false);
    b->cpu.x[1] = 100;
    run(b);
    assert_int_equal(b->cpu.x[0], 100);
    assert_int_equal(b->cpu.x[1], 0);
    b->cpu.x[1] = 100;
    b->cpu.attention = 1;
    run(b);
    assert_int_equal(b->cpu.x[1], 99);
    assert_int_equal(b->cpu.pc, PAGE);
}

/* Blocks that only leave are links in the branches themselves. */
static void conditional_exits_are_links(void **state)
{
    struct bench *b = *state;
    ir_clear(b->ir);
    unsigned first = ir_block_reserve(b->ir, 0);
    int64_t zero = ir_block_reserve(b->ir, 8), other = ir_block_reserve(b->ir, 4);
    ir_block_begin(b->ir, first);
    ir_brz(b->ir, IR_I64, reg(b, 1), zero | other << 32);
    ir_block_begin(b->ir, (unsigned)zero);
    ir_exit(b->ir, 0x40);
    ir_block_begin(b->ir, (unsigned)other);
    ir_exit(b->ir, 0x80);
    b->region[0].va = PAGE;
    finish(b, false);
    counter(b, PAGE + 0x40, false);
    counter(b, PAGE + 0x80, false);
    for (unsigned n = 0; n < 4; n++) {
        b->cpu.x[1] = n & 1;
        run(b);
        assert_int_equal(b->cpu.pc, n & 1 ? PAGE + 0x84 : PAGE + 0x44);
    }
    assert_int_equal(b->links, 2);
}

/* x2 = [x1 + 8]; x3 = [x1]; [x1 + 16] = x2, with flags that are wanted across the last two. */
static void three_accesses(struct bench *b, bool careful)
{
    start(b, PAGE);
    b->ir->careful = careful;
    ir_ref base = reg(b, 1);
    ir_ref second = ir_add(b->ir, IR_I64, base, ir_const(b->ir, IR_I64, 8));
    ir_ref third = ir_add(b->ir, IR_I64, base, ir_const(b->ir, IR_I64, 16));
    ir_put(b->ir, IR_I64, ir_ld(b->ir, IR_I64, second, 3), fake_layout.x0 + 16);
    ir_insn(b->ir, 4);
    ir_ref flags = ir_fladd(b->ir, IR_I64, reg(b, 2), reg(b, 2));
    ir_insn(b->ir, 8);
    ir_put(b->ir, IR_I64, ir_ld(b->ir, IR_I64, base, 3), fake_layout.x0 + 24);
    ir_insn(b->ir, 12);
    ir_st(b->ir, IR_I64, third, reg(b, 2), 3);
    ir_insn(b->ir, 16);
    ir_put(b->ir, IR_I64, ir_adc(b->ir, IR_I64, reg(b, 2), reg(b, 3), flags), fake_layout.x0 + 32);
    ir_exits(b->ir, 20);
    finish(b, false);
}

/* Runs them at an offset of the fake's memory, and looks whether they were done. */
static void run_three(struct bench *b, unsigned at)
{
    const uint64_t two = 0x8000000000000001, three = 5;
    uint64_t stored;
    memcpy(b->cpu.memory + at, &three, 8);
    memcpy(b->cpu.memory + at + 8, &two, 8);
    b->cpu.x[1] = FAKE_BASE + at;
    b->cpu.calls = b->cpu.fills = 0;
    b->links = 0;
    run(b);
    memcpy(&stored, b->cpu.memory + at + 16, 8);
    assert_int_equal(b->cpu.x[2], two);
    assert_int_equal(b->cpu.x[3], three);
    assert_int_equal(stored, two);
    assert_int_equal(b->cpu.x[4], two + three + 1);
    assert_int_equal(b->cpu.pc, PAGE + 20);
}

static void accesses_off_one_base_take_one_look(void **state)
{
    struct bench *b = *state;
    three_accesses(b, false);
    three_accesses(b, true);
    run_three(b, 0x100);
    assert_int_equal(b->cpu.fills + b->cpu.calls + b->links, 0);
    run_three(b, FAKE_SIZE - 24); /* the TLB learns the page */
    assert_int_equal(b->cpu.fills, 1);
    assert_int_equal(b->cpu.calls + b->links, 0);
    run_three(b, FAKE_SIZE - 24);
    assert_int_equal(b->cpu.fills, 0);
    run_three(b, 0xff0); /* in two pages: one after the other */
    assert_int_equal(b->cpu.fills, 1);
    assert_int_equal(b->links, 1);
    assert_int_equal(b->cpu.calls, 0);
    run_three(b, 0xff4); /* one of them is, itself */
    assert_int_equal(b->links, 0);
    assert_int_equal(b->cpu.calls, 1);
    run_three(b, 0x2100); /* read-only: the store is one for the service */
    assert_int_equal(b->cpu.fills, 1);
    assert_int_equal(b->cpu.calls, 1);
}

/* An ordered access that is not aligned takes the slow path; what follows asks for itself. */
static void an_access_that_may_be_unaligned_leads_no_others(void **state)
{
    struct bench *b = *state;
    const uint64_t first = 0x1122334455667788, second = 0x99aabbccddeeff00;
    start(b, PAGE);
    ir_ref base = reg(b, 1);
    for (unsigned n = 0; n < 2; n++) {
        ir_ref at = ir_add(b->ir, IR_I64, base, ir_const(b->ir, IR_I64, 8 * n));
        ir_insn(b->ir, (int32_t)(4 * n));
        ir_put(b->ir, IR_I64, ir_ld(b->ir, IR_I64, at, 3 | (n ? 0 : IR_MEM_ALIGN)),
               fake_layout.x0 + 16 + 8 * (int32_t)n);
    }
    ir_exits(b->ir, 8);
    finish(b, false);
    memcpy(b->cpu.memory + 0x104, &first, 8);
    memcpy(b->cpu.memory + 0x10c, &second, 8);
    b->cpu.x[1] = FAKE_BASE + 0x104;
    run(b);
    assert_int_equal(b->cpu.calls, 1);
    assert_int_equal(b->cpu.x[3], b->cpu.raised ? 0 : second);
    assert_int_equal(b->region[0].out.links, 0); /* there is no group */
}

static void too_little_room_is_refused(void **state)
{
    struct bench *b = *state;
    struct x64_code *out = &b->region[0].out;
    start(b, PAGE);
    for (unsigned n = 0; n < 500; n++)
        add_to(b, 7, n);
    ir_exits(b->ir, 4);
    ir_count_uses(b->ir);
    assert_int_equal(x64_compile(b->x, b->ir, b->code + b->used, b->code + b->used, 100, 0, out),
                     -ENOSPC);
    assert_int_equal(x64_compile(b->x, b->ir, b->code + b->used, b->code + b->used, 2000, 0, out),
                     -ENOSPC);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(a_link_in_the_page_is_made_once, begin, end),
        cmocka_unit_test_setup_teardown(an_unlinked_branch_asks_each_time, begin, end),
        cmocka_unit_test_setup_teardown(a_link_to_another_page_is_taken_while_its_guard_matches,
                                        begin, end),
        cmocka_unit_test_setup_teardown(indirect_branches_go_by_the_page_table, begin, end),
        cmocka_unit_test_setup_teardown(a_return_goes_to_where_the_call_was, begin, end),
        cmocka_unit_test_setup_teardown(a_return_elsewhere_is_looked_up, begin, end),
        cmocka_unit_test_setup_teardown(an_empty_return_stack_sends_nobody_astray, begin, end),
        cmocka_unit_test_setup_teardown(attention_leaves_at_the_poll, begin, end),
        cmocka_unit_test_setup_teardown(a_loop_within_the_region_runs, begin, end),
        cmocka_unit_test_setup_teardown(conditional_exits_are_links, begin, end),
        cmocka_unit_test_setup_teardown(accesses_off_one_base_take_one_look, begin, end),
        cmocka_unit_test_setup_teardown(an_access_that_may_be_unaligned_leads_no_others, begin,
                                        end),
        cmocka_unit_test_setup_teardown(too_little_room_is_refused, begin, end),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
