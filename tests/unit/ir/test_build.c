/* SPDX-License-Identifier: Apache-2.0 */
/* Building regions: bounds, blocks, copies. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <cmocka.h>

#include "engine/ir/ir.h"

static int setup(void **state)
{
    *state = ir_create();
    return *state ? 0 : -1;
}

static int teardown(void **state)
{
    ir_destroy(*state);
    return 0;
}

static void too_many_instructions_overflow_without_harm(void **state)
{
    struct ir *ir = *state;
    ir_block_begin(ir, ir_block_reserve(ir, 0));
    for (unsigned i = 0; i < IR_MAX_INSNS; i++)
        ir_const(ir, IR_I64, i);
    assert_false(ir->overflow);
    assert_true(ir_const(ir, IR_I64, 1) < ir->count);
    assert_true(ir->overflow);
    assert_int_equal(ir->count, IR_MAX_INSNS);
}

static void too_many_blocks_overflow_without_harm(void **state)
{
    struct ir *ir = *state;
    for (unsigned i = 0; i < IR_MAX_BLOCKS; i++)
        ir_block_reserve(ir, 0);
    assert_false(ir->overflow);
    ir_block_begin(ir, ir_block_reserve(ir, 0));
    assert_true(ir->overflow);
}

static void a_terminator_closes_its_block(void **state)
{
    struct ir *ir = *state;
    assert_false(ir_block_open(ir));
    unsigned block = ir_block_reserve(ir, 8);
    ir_block_begin(ir, block);
    assert_true(ir_block_open(ir));
    ir_insn(ir, 8);
    ir_exit(ir, 12);
    assert_false(ir_block_open(ir));
    assert_int_equal(ir->block[block].first, 0);
    assert_int_equal(ir->block[block].end, 2);
    assert_int_equal(ir->block[block].pgoff, 8);
}

static void clearing_empties(void **state)
{
    struct ir *ir = *state;
    ir_block_begin(ir, ir_block_reserve(ir, 0));
    ir_exit(ir, 0);
    ir->overflow = true;
    ir_clear(ir);
    assert_int_equal(ir->count, 0);
    assert_int_equal(ir->blocks, 0);
    assert_false(ir->overflow);
}

static void a_clone_stands_alone(void **state)
{
    struct ir *ir = *state;
    ir_block_begin(ir, ir_block_reserve(ir, 0));
    ir_exit(ir, 16);
    struct ir *copy = ir_clone(ir);
    assert_non_null(copy);
    ir_clear(ir);
    assert_int_equal(copy->count, 1);
    assert_int_equal(copy->insn[0].imm, 16);
    assert_int_equal(copy->block[0].end, 1);
    ir_destroy(copy);
}

static void builders_fill_in_what_their_row_says(void **state)
{
    struct ir *ir = *state;
    ir_block_begin(ir, ir_block_reserve(ir, 0));
    ir_ref a = ir_const(ir, IR_I32, 5);
    ir_ref flags = ir_flsub(ir, IR_I32, a, a);
    ir_ref chosen = ir_csel(ir, IR_I32, flags, a, a, 11);
    assert_int_equal(ir->insn[flags].op, IR_FLSUB);
    assert_int_equal(ir->insn[flags].type, IR_I32);
    assert_int_equal(ir_result_type(&ir->insn[flags]), IR_FLAGS);
    assert_int_equal(ir->insn[chosen].aux, 11);
    assert_int_equal(ir->insn[chosen].arg[0], flags);
    assert_int_equal(ir_result_type(&ir->insn[chosen]), IR_I32);
    ir_count_uses(ir);
    assert_int_equal(ir->insn[a].uses, 4);
    assert_int_equal(ir->insn[flags].uses, 1);
}

static void printing_names_what_is_there(void **state)
{
    struct ir *ir = *state;
    char *text = NULL;
    size_t size;
    ir_block_begin(ir, ir_block_reserve(ir, 0));
    ir_ref a = ir_get(ir, IR_I64, 16);
    ir_put(ir, IR_I64, ir_add(ir, IR_I64, a, a), 24);
    ir_exit(ir, 4);
    FILE *out = open_memstream(&text, &size);
    ir_print(ir, NULL, out);
    fclose(out);
    assert_string_equal(text, "b0: ; +0\n"
                              "    v0 = get.i64 0x10\n"
                              "    v1 = add.i64 v0, v0\n"
                              "    put.i64 v1 0x18\n"
                              "    exit 0x4\n");
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(too_many_instructions_overflow_without_harm, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(too_many_blocks_overflow_without_harm, setup, teardown),
        cmocka_unit_test_setup_teardown(a_terminator_closes_its_block, setup, teardown),
        cmocka_unit_test_setup_teardown(clearing_empties, setup, teardown),
        cmocka_unit_test_setup_teardown(a_clone_stands_alone, setup, teardown),
        cmocka_unit_test_setup_teardown(builders_fill_in_what_their_row_says, setup, teardown),
        cmocka_unit_test_setup_teardown(printing_names_what_is_there, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
