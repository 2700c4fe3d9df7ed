/* SPDX-License-Identifier: Apache-2.0 */
/* The optimiser: what a region looks like afterwards. (That it means the same: test_opt_random.) */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <cmocka.h>

#include "fake_cpu.h"

static uint64_t helper(void *cpu, uint64_t a, uint64_t b, uint64_t c)
{
    return a;
}

enum { PURE, READS, WRITES, RAISES, OTHER };
/* (v0 >> right & mask) | v0 << left, in lanes of 32 bits, to v1 */
static void rotation(struct ir *ir, unsigned left, unsigned right, uint32_t mask)
{
    ir_ref a = ir_getv(ir, fake_layout.v0);
    ir_ref c = ir_vconst(ir, (int64_t)((uint64_t)mask << 32 | mask));
    ir_ref low = ir_vand(ir, ir_vshri(ir, a, 2, right), c);
    ir_putv(ir, ir_vor(ir, low, ir_vshli(ir, a, 2, left)), fake_layout.v0 + 16);
}

static void shift_and_insert(struct ir *ir)
{
    rotation(ir, 12, 20, 0xfff);
}

static void shift_and_insert_a_part(struct ir *ir)
{
    rotation(ir, 12, 20, 0x7ff);
}

static void shifts_of_other_widths(struct ir *ir)
{
    rotation(ir, 12, 21, 0xfff);
}

static const struct ir_helper helpers[] = {
    [PURE] = {"pure", helper, NULL, IR_HELPER_PURE},
    [READS] = {"reads", helper, NULL, IR_HELPER_READS_R},
    [WRITES] = {"writes", helper, NULL, IR_HELPER_WRITES_R},
    [RAISES] = {"raises", helper, NULL, IR_HELPER_RAISES},
    [OTHER] = {"other", helper, NULL, 0},
};

static ir_ref k(struct ir *ir, int64_t value)
{
    return ir_const(ir, IR_I64, value);
}

static void get_after_put(struct ir *ir)
{
    ir_put(ir, IR_I64, ir_get(ir, IR_I64, 8), 0);
    ir_put(ir, IR_I64, ir_get(ir, IR_I64, 0), 16);
}

static void low_half_of_a_put(struct ir *ir)
{
    ir_put(ir, IR_I64, ir_zext(ir, ir_get(ir, IR_I32, 8)), 0);
    ir_put(ir, IR_I32, ir_get(ir, IR_I32, 0), 16);
}

static void get_after_a_writing_call(struct ir *ir)
{
    ir_put(ir, IR_I64, k(ir, 1), 0);
    ir_call(ir, IR_NONE, IR_NONE, IR_NONE, WRITES);
    ir_put(ir, IR_I64, ir_get(ir, IR_I64, 0), 8);
}

static void get_after_a_harmless_call(struct ir *ir)
{
    ir_put(ir, IR_I64, k(ir, 1), 0);
    ir_call(ir, IR_NONE, IR_NONE, IR_NONE, RAISES);
    ir_put(ir, IR_I64, ir_get(ir, IR_I64, 0), 8);
}

static void put_of_what_is_there(struct ir *ir)
{
    ir_put(ir, IR_I64, ir_get(ir, IR_I64, 0), 0);
    ir_putf(ir, ir_getf(ir));
}

static void vector_after_its_halves(struct ir *ir)
{
    ir_put(ir, IR_I64, k(ir, 1), fake_layout.v0);
    ir_put(ir, IR_I64, k(ir, 2), fake_layout.v0 + 8);
    ir_putv(ir, ir_getv(ir, fake_layout.v0), fake_layout.v0 + 16);
}

static void half_of_a_vector(struct ir *ir)
{
    ir_putv(ir, ir_getv(ir, fake_layout.v0), fake_layout.v0 + 16);
    ir_put(ir, IR_I64, ir_get(ir, IR_I64, fake_layout.v0 + 24), 0);
}

static void constants(struct ir *ir)
{
    ir_put(ir, IR_I64, ir_add(ir, IR_I64, k(ir, 2), ir_mul(ir, IR_I64, k(ir, 3), k(ir, 4))), 0);
}

static void identities(struct ir *ir)
{
    ir_ref a = ir_get(ir, IR_I64, 0);
    ir_ref b = ir_add(ir, IR_I64, k(ir, 0), a);
    b = ir_or(ir, IR_I64, b, b);
    b = ir_and(ir, IR_I64, b, k(ir, -1));
    b = ir_shl(ir, IR_I64, b, k(ir, 64));
    ir_put(ir, IR_I64, b, 8);
    ir_put(ir, IR_I64, ir_xor(ir, IR_I64, b, a), 16);
}

static void unused(struct ir *ir)
{
    ir_add(ir, IR_I64, ir_get(ir, IR_I64, 0), k(ir, 3));
    ir_call(ir, IR_NONE, IR_NONE, IR_NONE, PURE);
}

static void overwritten_put(struct ir *ir)
{
    ir_put(ir, IR_I64, k(ir, 1), 0);
    ir_insn(ir, 4);
    ir_put(ir, IR_I64, k(ir, 2), 0);
}

static void put_seen_by_a_load(struct ir *ir)
{
    ir_put(ir, IR_I64, k(ir, 1), 0);
    ir_ld(ir, IR_I64, k(ir, 0), 3);
    ir_put(ir, IR_I64, k(ir, 2), 0);
}

static void put_half_overwritten(struct ir *ir)
{
    ir_put(ir, IR_I64, k(ir, 1), 0);
    ir_put(ir, IR_I32, ir_const(ir, IR_I32, 2), 0);
}

static void put_overwritten_by_halves(struct ir *ir)
{
    ir_put(ir, IR_I64, k(ir, 1), 0);
    ir_put(ir, IR_I32, ir_const(ir, IR_I32, 2), 0);
    ir_put(ir, IR_I32, ir_const(ir, IR_I32, 2), 4);
}

static void put_across_a_call_that_does_not_look(struct ir *ir)
{
    ir_put(ir, IR_I64, k(ir, 1), 0);
    ir_call(ir, IR_NONE, IR_NONE, IR_NONE, OTHER);
    ir_put(ir, IR_I64, k(ir, 2), 0);
}

static void put_across_a_call_that_reads(struct ir *ir)
{
    ir_put(ir, IR_I64, k(ir, 1), 0);
    ir_call(ir, IR_NONE, IR_NONE, IR_NONE, READS);
    ir_put(ir, IR_I64, k(ir, 2), 0);
}

static void flags_overwritten_in_both_successors(struct ir *ir)
{
    unsigned one = ir_block_reserve(ir, 0), two = ir_block_reserve(ir, 0);
    ir_ref a = ir_get(ir, IR_I64, 0), flags = ir_flsub(ir, IR_I64, a, a);
    ir_putf(ir, flags);
    ir_brf(ir, flags, 0, (int64_t)one << 32 | two);
    ir_block_begin(ir, one);
    ir_putf(ir, ir_fllog(ir, IR_I64, ir_get(ir, IR_I64, 8)));
    ir_br(ir, two);
    ir_block_begin(ir, two);
    ir_putf(ir, ir_fllog(ir, IR_I64, ir_get(ir, IR_I64, 16)));
}

static void flags_seen_in_one_successor(struct ir *ir)
{
    unsigned one = ir_block_reserve(ir, 0), two = ir_block_reserve(ir, 0);
    ir_ref a = ir_get(ir, IR_I64, 0), flags = ir_flsub(ir, IR_I64, a, a);
    ir_putf(ir, flags);
    ir_brf(ir, flags, 0, (int64_t)one << 32 | two);
    ir_block_begin(ir, one);
    ir_poll(ir, 0);
    ir_br(ir, two);
    ir_block_begin(ir, two);
    ir_putf(ir, ir_fllog(ir, IR_I64, ir_get(ir, IR_I64, 16)));
}

static void branch_on_a_constant(struct ir *ir)
{
    unsigned one = ir_block_reserve(ir, 0), two = ir_block_reserve(ir, 0);
    ir_brz(ir, IR_I32, ir_const(ir, IR_I32, 0), (int64_t)one << 32 | two);
    ir_block_begin(ir, one);
    ir_br(ir, two);
    ir_block_begin(ir, two);
}

static void widths(struct ir *ir)
{
    ir_ref a = ir_zext(ir, ir_get(ir, IR_I32, 0));
    ir_ref b = ir_zext(ir, ir_trunc(ir, a));
    ir_put(ir, IR_I64, b, 8);
}

static void widths_that_matter(struct ir *ir)
{
    ir_ref a = ir_get(ir, IR_I64, 0);
    ir_put(ir, IR_I64, ir_zext(ir, ir_trunc(ir, ir_shri(ir, IR_I64, a, 31))), 8);
    ir_put(ir, IR_I64, ir_zext(ir, ir_trunc(ir, ir_extu(ir, IR_I64, a, 33, 0))), 16);
    ir_put(ir, IR_I64, ir_zext(ir, ir_trunc(ir, ir_shri(ir, IR_I64, a, 32))), 24);
}

/* x0 - x0 / x1 * `by` to x2, from so many other sums that are not dropped */
static void division(struct ir *ir, int64_t by, unsigned between)
{
    ir_ref a = ir_get(ir, IR_I64, 0), b = ir_get(ir, IR_I64, 8);
    ir_ref quotient = ir_sdiv(ir, IR_I64, a, b);
    ir_ref product = ir_mul(ir, IR_I64, ir_get(ir, IR_I64, by), quotient);
    for (unsigned i = 0; i < between; i++)
        product = ir_add(ir, IR_I64, product, k(ir, 0));
    ir_put(ir, IR_I64, ir_sub(ir, IR_I64, a, product), 16);
}

static void remainder_of_a_division(struct ir *ir)
{
    division(ir, 8, 0);
}

static void product_with_another_number(struct ir *ir)
{
    division(ir, 24, 0);
}

static void remainder_that_is_far(struct ir *ir)
{
    division(ir, 8, 8);
}

static void remainder_of_another_width(struct ir *ir)
{
    ir_ref a = ir_get(ir, IR_I64, 0), b = ir_get(ir, IR_I64, 8);
    ir_ref quotient = ir_udiv(ir, IR_I32, ir_trunc(ir, a), ir_trunc(ir, b));
    ir_ref product = ir_mul(ir, IR_I64, ir_zext(ir, quotient), b);
    ir_put(ir, IR_I64, ir_sub(ir, IR_I64, a, product), 16);
}

static const struct {
    const char *name;
    void (*build)(struct ir *ir);
    const char *after; /* operations that are left, `exit` not among them */
} rows[] = {
    {"a get after a put is the value", get_after_put, "get put put"},
    {"a narrow get of a put is a part of it", low_half_of_a_put, "get zext put put"},
    {"a call that writes forgets", get_after_a_writing_call, "const put call get put"},
    {"a call that does not write forgets nothing", get_after_a_harmless_call, "const put call put"},
    {"writing back what is there is nothing", put_of_what_is_there, ""},
    {"a vector is made of its halves", vector_after_its_halves, "const put const put vfromx putv"},
    {"a half is taken from the vector", half_of_a_vector, "getv putv vlaneu put"},
    {"constants fold", constants, "const put"},
    {"identities vanish", identities, "get put const put"},
    {"what is unused is dropped", unused, ""},
    {"an overwritten put is dropped", overwritten_put, "insn const put"},
    {"a put that a load may show stays", put_seen_by_a_load, "const put const ld const put"},
    {"a put half overwritten stays", put_half_overwritten, "const put const put"},
    {"halves overwrite", put_overwritten_by_halves, "const put const put"},
    {"an unconcerned call hides nothing", put_across_a_call_that_does_not_look, "call const put"},
    {"a reading call shows", put_across_a_call_that_reads, "const put call const put"},
    {"flags dead on all paths are dropped", flags_overwritten_in_both_successors,
     "get flsub brf br get fllog putf"},
    {"flags live on one path stay", flags_seen_in_one_successor,
     "get flsub putf brf poll br get fllog putf"},
    {"a branch on a constant is none", branch_on_a_constant, "br br"},
    {"zero-extending what is so already is nothing", widths, "get zext put"},
    {"shifting both ways is a rotation", shift_and_insert, "getv vrori putv"},
    {"not if a bit is lost", shift_and_insert_a_part, "getv vconst vshri vand vshli vor putv"},
    {"not if they do not meet", shifts_of_other_widths, "getv vconst vshri vand vshli vor putv"},
    {"what a division leaves is its remainder", remainder_of_a_division, "get get srem put"},
    {"but not with another number", product_with_another_number, "get get sdiv get mul sub put"},
    {"nor far away", remainder_that_is_far, "get get sdiv mul sub put"},
    {"nor in another width", remainder_of_another_width,
     "get get trunc trunc udiv zext mul sub put"},
    {"zero-extending what is wider is not", widths_that_matter,
     "get shri trunc zext put extu trunc zext put shri put"},
};

static void regions_become_what_they_should(void **state)
{
    const struct ir_opt_config config = {.forward = true, .dead = true};
    struct ir *ir = ir_create();
    for (size_t i = 0; i < sizeof(rows) / sizeof(rows[0]); i++) {
        char got[500] = "", buf[200];
        size_t used = 0;
        ir_clear(ir);
        ir_block_begin(ir, ir_block_reserve(ir, 0));
        rows[i].build(ir);
        ir_exit(ir, 4);
        assert_null(ir_verify(ir, helpers, 5, buf, sizeof(buf)));
        ir_optimise(ir, &fake_layout, helpers, &config);
        const char *wrong = ir_verify(ir, helpers, 5, buf, sizeof(buf));
        if (wrong)
            fail_msg("%s: %s", rows[i].name, wrong);
        for (unsigned n = 0; n + 1 < ir->count; n++)
            used += (size_t)snprintf(got + used, sizeof(got) - used, "%s%s", n ? " " : "",
                                     ir_op_info[ir->insn[n].op].name);
        if (strcmp(got, rows[i].after) != 0)
            fail_msg("%s: want \"%s\", got \"%s\"", rows[i].name, rows[i].after, got);
    }
    ir_destroy(ir);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(regions_become_what_they_should),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
