/* SPDX-License-Identifier: Apache-2.0 */
/* The verifier: what it lets through and what it refuses, and why. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>
#include <cmocka.h>

#include "engine/ir/ir.h"

static uint64_t helper(void *cpu, uint64_t a, uint64_t b, uint64_t c)
{
    return a + b + c;
}

static const struct ir_helper helpers[] = {{.name = "helper", .fn = helper}};

static void sound(struct ir *ir)
{
    ir_ref a = ir_get(ir, IR_I64, 0);
    ir_call(ir, a, IR_NONE, IR_NONE, 0);
    ir_ld2(ir, IR_I64, a, 3);
    ir_hi(ir, IR_I64);
    ir_exit(ir, 4);
}

static void wrong_type(struct ir *ir)
{
    ir_zext(ir, ir_const(ir, IR_I64, 0));
    ir_exit(ir, 4);
}

static void forward_use(struct ir *ir)
{
    ir_add(ir, IR_I64, 1, 1);
    ir_const(ir, IR_I64, 0);
    ir_exit(ir, 4);
}

static void missing_argument(struct ir *ir)
{
    ir_add(ir, IR_I64, ir_const(ir, IR_I64, 0), IR_NONE);
    ir_exit(ir, 4);
}

static void no_terminator(struct ir *ir)
{
    ir_const(ir, IR_I64, 0);
}

static void code_after_the_end(struct ir *ir)
{
    ir_exit(ir, 4);
    ir_const(ir, IR_I64, 0);
}

static void unknown_block(struct ir *ir)
{
    ir_br(ir, 7);
}

static void block_never_begun(struct ir *ir)
{
    ir_br(ir, (int64_t)ir_block_reserve(ir, 4));
}

static void value_of_another_block(struct ir *ir)
{
    ir_ref a = ir_const(ir, IR_I64, 0);
    unsigned next = ir_block_reserve(ir, 4);
    ir_br(ir, next);
    ir_block_begin(ir, next);
    ir_put(ir, IR_I64, a, 0);
    ir_exit(ir, 4);
}

static void shift_too_far(struct ir *ir)
{
    ir_shli(ir, IR_I32, ir_const(ir, IR_I32, 0), 32);
    ir_exit(ir, 4);
}

static void field_too_wide(struct ir *ir)
{
    ir_extu(ir, IR_I32, ir_const(ir, IR_I32, 0), 30, 4);
    ir_exit(ir, 4);
}

static void lane_out_of_range(struct ir *ir)
{
    ir_vlaneu(ir, ir_vconst(ir, 0), 3, 2);
    ir_exit(ir, 4);
}

static void misaligned_state(struct ir *ir)
{
    ir_get(ir, IR_I64, 4);
    ir_exit(ir, 4);
}

static void hi_without_pair(struct ir *ir)
{
    ir_ld(ir, IR_I64, ir_const(ir, IR_I64, 0), 3);
    ir_hi(ir, IR_I64);
    ir_exit(ir, 4);
}

static void unknown_helper(struct ir *ir)
{
    ir_call(ir, IR_NONE, IR_NONE, IR_NONE, 1);
    ir_exit(ir, 4);
}

static void scalar_helper_called_for_vectors(struct ir *ir)
{
    ir_callv(ir, IR_NONE, IR_NONE, IR_NONE, 0, 0);
    ir_exit(ir, 4);
}

static void odd_type(struct ir *ir)
{
    ir_get(ir, IR_V128, 0);
    ir_exit(ir, 4);
}

static const struct {
    void (*build)(struct ir *ir);
    const char *complaint; /* part of it; NULL: sound */
} rows[] = {
    {sound, NULL},
    {wrong_type, "wrong type"},
    {forward_use, "not defined before"},
    {missing_argument, "missing"},
    {no_terminator, "not begun or not ended"},
    {code_after_the_end, "in no block"},
    {unknown_block, "bad imm"},
    {block_never_begun, "not begun"},
    {value_of_another_block, "not defined before it in its block"},
    {shift_too_far, "bad imm"},
    {field_too_wide, "bad imm"},
    {lane_out_of_range, "bad imm"},
    {misaligned_state, "bad imm"},
    {hi_without_pair, "pair"},
    {unknown_helper, "bad imm"},
    {scalar_helper_called_for_vectors, "bad imm"},
    {odd_type, "bad type"},
};

static void regions_are_judged_with_a_reason(void **state)
{
    struct ir *ir = ir_create();
    assert_non_null(ir);
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        char buf[200];
        ir_clear(ir);
        ir_block_begin(ir, ir_block_reserve(ir, 0));
        rows[i].build(ir);
        const char *wrong = ir_verify(ir, helpers, 1, buf, sizeof(buf));
        if (!rows[i].complaint != !wrong || (wrong && !strstr(wrong, rows[i].complaint)))
            fail_msg("row %zu: wanted \"%s\", got \"%s\"", i,
                     rows[i].complaint ? rows[i].complaint : "sound", wrong ? wrong : "sound");
    }
    ir_destroy(ir);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(regions_are_judged_with_a_reason),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
