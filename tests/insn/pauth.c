/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Pointer authentication on all our engines. The codes are our own affair, so that no emulator can
 * judge them: what is added is found right again, what was changed is not, and all engines compute
 * the same.
 */
#include "insn.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

#include "base/bits.h"

/* SP is a modifier, too; the test's memory is addressed through x28. */
enum { ROUNDS = 60, PACIASP = 0xd503233f, AUTIASP = 0xd50323bf, XPACLRI = 0xd50320ff };

/* pacia, pacib, pacda, pacdb x0, x1; aut.. have bit 12 set, ..z bit 13 and x31. */
static uint32_t pac(unsigned key, bool aut, bool z)
{
    return 0xdac10000u | key << 10 | (uint32_t)aut << 12 | (uint32_t)z << 13 | (z ? 31u : 1u) << 5;
}

struct fixture {
    struct insn_machine *machine;
    struct insn_random random;
};

static int set_up(void **state)
{
    struct fixture *f = calloc(1, sizeof(*f));

    f->machine = insn_machine_create(false);
    f->random = (struct insn_random){.machine = f->machine, .seed = 0x1234567};
    *state = f;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *f = *state;

    insn_machine_destroy(f->machine);
    free(f);
    return 0;
}

/* A user's pointer with any tag, or a kernel's. */
static uint64_t pointer(struct fixture *f)
{
    uint64_t r = insn_rnd(&f->random);

    return r & 1 ? r | 0xffffull << 48 : r & ~(0xffull << 48);
}

/* Runs code in all ways; all must agree, and fault if they should. */
static struct insn_result run(struct fixture *f, struct insn_test *test, bool fault)
{
    struct insn_result first, other;

    insn_run(f->machine, INSN_INTERPRET, test, 0, &first);
    assert_int_equal(first.fault != INSN_RAN, fault);
    for (unsigned how = 1; how < INSN_HOWS; how++) {
        if (!insn_can(f->machine, how))
            continue;
        insn_run(f->machine, how, test, 0, &other);
        assert_int_equal(other.fault, first.fault);
        assert_memory_equal(&first.state, &other.state, sizeof(first.state));
    }
    return first;
}

static void begin(struct fixture *f, struct insn_test *test)
{
    memset(test, 0, sizeof(*test));
    test->area = INSN_WHOLE;
    test->values = INSN_ANY_VALUES;
    insn_random_state(&f->random, test);
    test->before.x[0] = pointer(f);
    test->before.x[1] = insn_rnd(&f->random);
    test->before.x[28] = insn_data_va(INSN_WHOLE) + INSN_DATA / 2;
    test->name = "pauth";
}

static void code(struct insn_test *test, unsigned n, ...)
{
    va_list ap;

    va_start(ap, n);
    for (test->length = 0; test->length < n; test->length++)
        test->code[test->length] = va_arg(ap, uint32_t);
    va_end(ap);
}

static void a_code_that_was_added_is_right(void **state)
{
    struct fixture *f = *state;
    struct insn_test test;
    struct insn_result result;
    unsigned changed = 0;

    for (unsigned round = 0; round < ROUNDS; round++)
        for (unsigned key = 0; key < 4; key++)
            for (unsigned z = 0; z < 2; z++) {
                begin(f, &test);
                code(&test, 1, pac(key, false, z));
                result = run(f, &test, false);
                changed += result.state.x[0] != test.before.x[0];
                assert_int_equal((result.state.x[0] ^ test.before.x[0]) & (ones(48) | 1ull << 55),
                                 0);
                code(&test, 2, pac(key, false, z), pac(key, true, z));
                result = run(f, &test, false);
                assert_true(result.state.x[0] == test.before.x[0]);
            }
    assert_true(changed > 8 * ROUNDS * 9 / 10);
}

static void what_was_changed_faults(void **state)
{
    struct fixture *f = *state;
    struct insn_test test;

    for (unsigned round = 0; round < ROUNDS; round++) {
        unsigned key = round % 4;
        begin(f, &test);
        test.before.x[0] |= 0xffffull << 48; /* 15 bits of code */
        code(&test, 3, pac(key, false, false), 0xd2400000u, pac(key, true, false));
        run(f, &test, true); /* eor x0, x0, 1 */
        code(&test, 3, pac(key, false, false), 0xd2410021u, pac(key, true, false));
        run(f, &test, true); /* eor x1, x1, 1 << 63 */
        code(&test, 3, pac(key, false, false), 0xd24f0000u, pac(key, true, false));
        run(f, &test, true); /* eor x0, x0, 1 << 49 */
        code(&test, 2, pac(key, false, false), pac(key ^ 1, true, false));
        run(f, &test, true);
    }
}

static void a_bad_pointer_gets_a_code_that_is_wrong(void **state)
{
    struct fixture *f = *state;
    struct insn_test test;

    for (unsigned round = 0; round < ROUNDS; round++) {
        begin(f, &test);
        test.before.x[0] = (test.before.x[0] | 0xffffull << 48) ^ 1ull << (48 + round % 7);
        code(&test, 2, pac(round % 4, false, false), pac(round % 4, true, false));
        run(f, &test, true);
    }
}

static void hints_and_combined_forms_agree_with_the_plain_ones(void **state)
{
    struct fixture *f = *state;
    struct insn_test test;
    struct insn_result plain, hint;

    for (unsigned round = 0; round < ROUNDS; round++) {
        begin(f, &test);
        test.before.x[30] = test.before.x[0];
        test.before.x[17] = test.before.x[0];
        test.before.x[16] = test.before.x[1];
        code(&test, 1, 0xdac103e0u); /* pacia x0, sp */
        plain = run(f, &test, false);
        code(&test, 1, (uint32_t)PACIASP);
        hint = run(f, &test, false);
        assert_true(hint.state.x[30] == plain.state.x[0]);
        code(&test, 2, (uint32_t)PACIASP, (uint32_t)AUTIASP);
        assert_true(run(f, &test, false).state.x[30] == test.before.x[30]);
        code(&test, 2, (uint32_t)PACIASP, (uint32_t)XPACLRI);
        assert_true(run(f, &test, false).state.x[30] == test.before.x[30]);
        code(&test, 2, pac(1, false, false), 0xd503215fu); /* pacib x0, x1; pacib1716 */
        hint = run(f, &test, false);
        assert_true(hint.state.x[17] == hint.state.x[0]);
        code(&test, 2, 0xd503235fu, 0xd50323dfu); /* pacibz; autibz */
        assert_true(run(f, &test, false).state.x[30] == test.before.x[30]);
        code(&test, 2, pac(2, false, false), 0xdac147e0u); /* pacda; xpacd x0 */
        assert_true(run(f, &test, false).state.x[0] == test.before.x[0]);
    }
}

/* A call and an authenticated return; a load through an authenticated address. */
static void returns_and_loads_authenticate(void **state)
{
    struct fixture *f = *state;
    struct insn_test test;
    struct insn_result result;
    uint64_t value;

    begin(f, &test);
    code(&test, 6, 0x94000003u,                        /* bl .+12 */
         0xd2800022u, 0x14000004u,                     /* mov x2, 1; b .+16 */
         (uint32_t)PACIASP, 0xd2800043u, 0xd65f0bffu); /* mov x3, 2; retaa */
    result = run(f, &test, false);
    assert_int_equal(result.state.x[2], 1);
    assert_int_equal(result.state.x[3], 2);
    test.code[5] = 0xd65f0fffu; /* retab: the wrong key */
    run(f, &test, true);

    begin(f, &test);
    code(&test, 6, 0x10000084u, 0xdac123e4u,                  /* adr x4, .+16; paciza x4 */
         0xd61f089fu, 0xd2800022u, 0xd2800042u, 0xd503201fu); /* braaz x4; mov x2.. */
    test.before.x[2] = 0;
    result = run(f, &test, false);
    assert_int_equal(result.state.x[2], 2);
    test.code[2] = 0xd61f0c9fu; /* brabz x4 */
    run(f, &test, true);

    begin(f, &test);
    code(&test, 2, 0xdac12bfcu, 0xf8208f82u); /* pacdza x28; ldraa x2, [x28, 64]! */
    result = run(f, &test, false);
    memcpy(&value, test.data + INSN_DATA / 2 + 64, 8);
    assert_true(result.state.x[2] == value);
    assert_true(result.state.x[28] == test.before.x[28] + 64);
    test.code[1] = 0xf8a08f82u; /* ldrab */
    run(f, &test, true);
}

static void generic_codes_depend_on_all_of_their_input(void **state)
{
    struct fixture *f = *state;
    struct insn_test test;
    uint64_t first, second;

    for (unsigned bit = 0; bit < 128; bit++) {
        begin(f, &test);
        code(&test, 1, 0x9ac13002u); /* pacga x2, x0, x1 */
        first = run(f, &test, false).state.x[2];
        test.before.x[bit / 64] ^= 1ull << bit % 64;
        second = run(f, &test, false).state.x[2];
        assert_int_equal((uint32_t)first, 0);
        assert_true(first != second);
    }
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_code_that_was_added_is_right),
        cmocka_unit_test(what_was_changed_faults),
        cmocka_unit_test(a_bad_pointer_gets_a_code_that_is_wrong),
        cmocka_unit_test(hints_and_combined_forms_agree_with_the_plain_ones),
        cmocka_unit_test(returns_and_loads_authenticate),
        cmocka_unit_test(generic_codes_depend_on_all_of_their_input),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
