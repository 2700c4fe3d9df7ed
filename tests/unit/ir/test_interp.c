/* SPDX-License-Identifier: Apache-2.0 */
/* The interpreter: control flow, ways of leaving, services and what they see. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <cmocka.h>

#include "fake_cpu.h"

static uint64_t sum(void *cpu, uint64_t a, uint64_t b, uint64_t c)
{
    return a + b + c;
}

static uint64_t fault(void *state, uint64_t a, uint64_t b, uint64_t c)
{
    struct fake_cpu *cpu = state;
    cpu->raised = 1;
    cpu->other[0] = cpu->pc;
    return 0;
}

static void swap(void *cpu, union v128 v[4], uint32_t aux)
{
    v[0] = (union v128){.d = {v[1].d[1], v[1].d[0] + aux}};
}

static const struct ir_helper helpers[] = {
    {.name = "sum", .fn = sum, .flags = IR_HELPER_PURE},
    {.name = "fault", .fn = fault, .flags = IR_HELPER_RAISES},
    {.name = "swap", .fnv = swap, .flags = IR_HELPER_PURE},
};

struct fixture {
    struct ir *ir;
    struct fake_cpu cpu;
};

static int setup(void **state)
{
    static struct fixture fixture;
    memset(&fixture, 0, sizeof(fixture));
    fixture.cpu.pc_page = 0x4000;
    fixture.ir = ir_create();
    *state = &fixture;
    ir_block_begin(fixture.ir, ir_block_reserve(fixture.ir, 0));
    return 0;
}

static int teardown(void **state)
{
    ir_destroy(((struct fixture *)*state)->ir);
    return 0;
}

static struct ir_leave run(struct fixture *f)
{
    char buf[200];
    const char *wrong = ir_verify(f->ir, helpers, 3, buf, sizeof(buf));
    if (wrong)
        fail_msg("%s", wrong);
    return ir_interpret(f->ir, &f->cpu, &fake_layout, &fake_runtime, helpers);
}

static void a_loop_runs_until_its_condition_fails(void **state)
{
    struct fixture *f = *state;
    struct ir *ir = f->ir;
    unsigned loop = ir_block_reserve(ir, 4), done = ir_block_reserve(ir, 8);
    ir_put(ir, IR_I64, ir_const(ir, IR_I64, 10), 0);
    ir_br(ir, loop);
    ir_block_begin(ir, loop);
    ir_ref count = ir_get(ir, IR_I64, 0);
    ir_put(ir, IR_I64, ir_add(ir, IR_I64, ir_get(ir, IR_I64, 8), count), 8);
    ir_ref one = ir_const(ir, IR_I64, 1);
    ir_putf(ir, ir_flsub(ir, IR_I64, count, one));
    ir_ref less = ir_sub(ir, IR_I64, count, one);
    ir_put(ir, IR_I64, less, 0);
    ir_brf(ir, ir_getf(ir), 1, (int64_t)done << 32 | loop);
    ir_block_begin(ir, done);
    ir_exit(ir, 0x10);
    struct ir_leave left = run(f);
    assert_int_equal(left.how, IR_LEFT_DIRECT);
    assert_int_equal(left.target, 0x4010);
    assert_int_equal(f->cpu.x[1], 55);
    assert_int_equal(ir_nzcv_load(f->cpu.nzcv), 6);
}

static void indirect_exits_go_to_the_value(void **state)
{
    struct fixture *f = *state;
    ir_exitr(f->ir, ir_pcrel(f->ir, -4), IR_JUMP_RET);
    struct ir_leave left = run(f);
    assert_int_equal(left.how, IR_LEFT_INDIRECT);
    assert_int_equal(left.target, 0x3ffc);
    assert_int_equal(f->cpu.pc, 0x3ffc);
}

static void exits_sets_pc(void **state)
{
    struct fixture *f = *state;
    ir_exits(f->ir, 0x20);
    assert_int_equal(run(f).how, IR_LEFT_STATE);
    assert_int_equal(f->cpu.pc, 0x4020);
}

static void exitx_leaves_pc_alone(void **state)
{
    struct fixture *f = *state;
    f->cpu.pc = 0x1234;
    ir_exitx(f->ir);
    struct ir_leave left = run(f);
    assert_int_equal(left.how, IR_LEFT_STATE);
    assert_int_equal(left.target, 0x1234);
    assert_int_equal(f->cpu.pc, 0x1234);
}

static void poll_leaves_only_for_attention(void **state)
{
    struct fixture *f = *state;
    ir_poll(f->ir, 0x30);
    ir_exit(f->ir, 0x34);
    assert_int_equal(run(f).how, IR_LEFT_DIRECT);
    f->cpu.attention = 1;
    assert_int_equal(run(f).how, IR_LEFT_ATTENTION);
    assert_int_equal(f->cpu.pc, 0x4030);
}

static void a_fault_leaves_with_pc_at_its_instruction(void **state)
{
    struct fixture *f = *state;
    ir_insn(f->ir, 0x14);
    ir_st(f->ir, IR_I64, ir_const(f->ir, IR_I64, 0), ir_const(f->ir, IR_I64, 1), 3);
    ir_put(f->ir, IR_I64, ir_const(f->ir, IR_I64, 1), 0);
    ir_exit(f->ir, 0x18);
    f->cpu.fault_at = 1;
    assert_int_equal(run(f).how, IR_LEFT_RAISED);
    assert_int_equal(f->cpu.pc, 0x4014);
    assert_int_equal(f->cpu.x[0], 0);
}

static void a_raising_helper_leaves(void **state)
{
    struct fixture *f = *state;
    ir_insn(f->ir, 0x40);
    ir_call(f->ir, IR_NONE, IR_NONE, IR_NONE, 1);
    ir_exit(f->ir, 0x44);
    assert_int_equal(run(f).how, IR_LEFT_RAISED);
    assert_int_equal(f->cpu.other[0], 0x4040);
}

static void helpers_get_their_arguments(void **state)
{
    struct fixture *f = *state;
    struct ir *ir = f->ir;
    ir_ref five = ir_const(ir, IR_I64, 5);
    ir_put(ir, IR_I64, ir_call(ir, five, IR_NONE, five, 0), 0);
    ir_ref vec = ir_vfromx(ir, five, ir_const(ir, IR_I64, 7));
    ir_putv(ir, ir_callv(ir, vec, IR_NONE, IR_NONE, 100, 2), fake_layout.v0);
    ir_exit(ir, 0);
    run(f);
    assert_int_equal(f->cpu.x[0], 10);
    assert_int_equal(f->cpu.v[0].d[0], 7);
    assert_int_equal(f->cpu.v[0].d[1], 105);
}

static void pairs_are_loaded_and_stored(void **state)
{
    struct fixture *f = *state;
    struct ir *ir = f->ir;
    memcpy(f->cpu.memory, "abcdefghijklmnopqrstuvwxyz012345", 32);
    ir_ref at = ir_const(ir, IR_I64, 0);
    ir_ref first = ir_ld2(ir, IR_I32, at, 2);
    ir_ref second = ir_hi(ir, IR_I32);
    ir_st2(ir, IR_I32, ir_const(ir, IR_I64, 100), second, first, 2);
    ir_ref low = ir_ldv2(ir, at, 4);
    ir_ref high = ir_hiv(ir);
    ir_stv2(ir, ir_const(ir, IR_I64, 200), high, low, 4);
    ir_exit(ir, 0);
    run(f);
    assert_memory_equal(f->cpu.memory + 100, "efghabcd", 8);
    assert_memory_equal(f->cpu.memory + 200, "qrstuvwxyz012345abcdefghijklmnop", 32);
}

static void zero_clears_a_block(void **state)
{
    struct fixture *f = *state;
    struct ir *ir = f->ir;
    memset(f->cpu.memory, 0xff, 256);
    ir_zero(ir, ir_const(ir, IR_I64, 64), ir_const(ir, IR_I64, 77));
    ir_exit(ir, 0);
    run(f);
    for (unsigned i = 0; i < 256; i++)
        assert_int_equal(f->cpu.memory[i], i >= 64 && i < 128 ? 0 : 0xff);
}

static void loads_are_extended_to_the_type(void **state)
{
    struct fixture *f = *state;
    struct ir *ir = f->ir;
    f->cpu.memory[0] = 0x80;
    ir_ref at = ir_const(ir, IR_I64, 0);
    ir_put(ir, IR_I64, ir_ld(ir, IR_I64, at, 0), 0);
    ir_put(ir, IR_I64, ir_ld(ir, IR_I64, at, 0 | IR_MEM_SIGNED), 8);
    ir_put(ir, IR_I64, ir_zext(ir, ir_ld(ir, IR_I32, at, 0 | IR_MEM_SIGNED)), 16);
    ir_exit(ir, 0);
    run(f);
    assert_int_equal(f->cpu.x[0], 0x80);
    assert_true(f->cpu.x[1] == 0xffffffffffffff80);
    assert_int_equal(f->cpu.x[2], 0xffffff80);
}

static void narrow_state_is_written_narrowly(void **state)
{
    struct fixture *f = *state;
    struct ir *ir = f->ir;
    memset(f->cpu.x, 0xff, 16);
    ir_put(ir, IR_I32, ir_const(ir, IR_I32, 0), 4);
    ir_put8(ir, ir_const(ir, IR_I32, 0x1234), 9);
    ir_put(ir, IR_I64, ir_zext(ir, ir_get8(ir, 9)), 16);
    ir_exit(ir, 0);
    run(f);
    assert_int_equal(f->cpu.x[0], 0xffffffff);
    assert_true(f->cpu.x[1] == 0xffffffffffff34ff);
    assert_int_equal(f->cpu.x[2], 0x34);
}

static void exclusive_stores_need_their_load(void **state)
{
    struct fixture *f = *state;
    struct ir *ir = f->ir;
    ir_ref at = ir_const(ir, IR_I64, 64);
    ir_ref old = ir_ldx(ir, IR_I64, at, 3);
    ir_ref one = ir_const(ir, IR_I64, 1);
    ir_ref first = ir_stx(ir, IR_I64, at, ir_add(ir, IR_I64, old, one), 3);
    ir_put(ir, IR_I64, ir_zext(ir, first), 0);
    ir_put(ir, IR_I64, ir_zext(ir, ir_stx(ir, IR_I64, at, one, 3)), 8);
    ir_exit(ir, 0);
    run(f);
    assert_int_equal(f->cpu.memory[64], 1);
    assert_int_equal(f->cpu.x[0], 0);
    assert_int_equal(f->cpu.x[1], 1);
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(a_loop_runs_until_its_condition_fails),
        T(indirect_exits_go_to_the_value),
        T(exits_sets_pc),
        T(exitx_leaves_pc_alone),
        T(poll_leaves_only_for_attention),
        T(a_fault_leaves_with_pc_at_its_instruction),
        T(a_raising_helper_leaves),
        T(helpers_get_their_arguments),
        T(pairs_are_loaded_and_stored),
        T(zero_clears_a_block),
        T(loads_are_extended_to_the_type),
        T(narrow_state_is_written_narrowly),
        T(exclusive_stores_need_their_load),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
