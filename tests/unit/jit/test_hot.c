/* SPDX-License-Identifier: Apache-2.0 */
/* What a recording tells: where superblocks begin, and which way they go. */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

#include "base/bits.h"
#include "engine/jit/tier2.h"

enum { LEAST = 8, MAX = 4 };

struct seen {
    struct jit_page page[2];
    struct jit_trail trail[2];
    struct jit_head head[MAX];
};

static int setup(void **state)
{
    struct seen *seen = test_calloc(1, sizeof(*seen));

    for (unsigned i = 0; i < 2; i++)
        seen->trail[i].page = &seen->page[i];
    *state = seen;
    return 0;
}

static int teardown(void **state)
{
    test_free(*state);
    return 0;
}

static void enter(struct jit_trail *trail, uint32_t slot, uint16_t times)
{
    trail->entered[slot] = trail->count[slot] = times;
}

static unsigned choose(struct seen *seen)
{
    return jit_choose_heads(seen->trail, 2, LEAST, seen->head, MAX);
}

static void what_is_entered_most_often_comes_first(void **state)
{
    struct seen *seen = *state;

    enter(&seen->trail[0], 7, 100);
    enter(&seen->trail[0], 1023, 300);
    enter(&seen->trail[1], 0, 200);
    assert_int_equal(choose(seen), 3);
    assert_int_equal(seen->head[0].slot, 1023);
    assert_ptr_equal(seen->head[0].trail, &seen->trail[0]);
    assert_int_equal(seen->head[1].slot, 0);
    assert_ptr_equal(seen->head[1].trail, &seen->trail[1]);
    assert_int_equal(seen->head[2].slot, 7);
}

static void only_the_best_are_chosen(void **state)
{
    struct seen *seen = *state;

    for (unsigned i = 0; i < 20; i++)
        enter(&seen->trail[i % 2], i, (uint16_t)(LEAST + i));
    assert_int_equal(choose(seen), MAX);
    for (unsigned i = 0; i < MAX; i++)
        assert_int_equal(seen->head[i].slot, 19 - i);
}

static void what_is_hardly_entered_is_no_head(void **state)
{
    struct seen *seen = *state;

    enter(&seen->trail[0], 5, LEAST - 1);
    seen->trail[0].count[9] = 1000; /* in the middle of something */
    assert_int_equal(choose(seen), 0);
    enter(&seen->trail[0], 5, LEAST);
    assert_int_equal(choose(seen), 1);
}

static void a_head_that_is_done_is_not_chosen_again(void **state)
{
    struct seen *seen = *state;

    enter(&seen->trail[0], 65, 100);
    enter(&seen->trail[1], 65, 50);
    atomic_store(&seen->page[0].done[1], 2);
    assert_int_equal(choose(seen), 1);
    assert_ptr_equal(seen->head[0].trail, &seen->trail[1]);
}

static void ways_follow_the_majority(void **state)
{
    static const struct {
        uint16_t count, taken;
        enum front_way way;
    } branch[] = {
        {0, 0, FRONT_WAY_UNKNOWN}, {1, 0, FRONT_WAY_NEXT},   {1, 1, FRONT_WAY_TAKEN},
        {10, 5, FRONT_WAY_NEXT},   {10, 6, FRONT_WAY_TAKEN}, {2000, 1999, FRONT_WAY_TAKEN},
    };
    struct seen *seen = *state;
    uint8_t way[JIT_PAGE_SLOTS];

    for (unsigned i = 0; i < ARRAY_SIZE(branch); i++) {
        seen->trail[0].count[i] = branch[i].count;
        seen->trail[0].taken[i] = branch[i].taken;
    }
    jit_choose_ways(&seen->trail[0], LEAST, way);
    for (unsigned i = 0; i < ARRAY_SIZE(branch); i++)
        assert_int_equal(way[i], branch[i].way);
    assert_int_equal(way[JIT_PAGE_SLOTS - 1], FRONT_WAY_UNKNOWN);
}

static void heads_end_other_superblocks(void **state)
{
    struct seen *seen = *state;
    uint8_t way[JIT_PAGE_SLOTS];

    enter(&seen->trail[0], 3, LEAST);
    enter(&seen->trail[0], 4, LEAST - 1);
    jit_choose_ways(&seen->trail[0], LEAST, way);
    assert_int_equal(way[3], FRONT_WAY_NEXT | FRONT_WAY_HEAD);
    assert_int_equal(way[4], FRONT_WAY_NEXT);
}

static void both_ways_of_a_branch_may_begin_superblocks(void **state)
{
    static const struct {
        uint16_t taken;
        uint32_t slot; /* of the rarer way, or 0 */
    } branch[] = {{0, 0}, {19, 0}, {20, 50}, {50, 50}, {60, 11}, {80, 11}, {81, 0}, {100, 0}};
    struct seen *seen = *state;

    for (unsigned i = 0; i < ARRAY_SIZE(branch); i++) {
        memset(seen->trail, 0, sizeof(seen->trail[0]));
        seen->trail[0].page = &seen->page[0];
        seen->trail[0].count[10] = 100;
        seen->trail[0].taken[10] = branch[i].taken;
        seen->trail[0].target[10] = branch[i].taken ? 50 + 1 : 0;
        jit_find_rare(&seen->trail[0]);
        assert_int_equal(choose(seen), branch[i].slot != 0);
        if (branch[i].slot)
            assert_int_equal(seen->head[0].slot, branch[i].slot);
    }
}

static void accesses_are_steady_or_rove(void **state)
{
    static const struct {
        uint16_t accesses, stayed;
        unsigned way;
    } access[] = {{3, 2, 0},
                  {4, 3, FRONT_WAY_STEADY}, /* the first one has none before it */
                  {4, 2, FRONT_WAY_ROVING},
                  {64, 59, FRONT_WAY_STEADY},
                  {64, 58, 0},
                  {64, 48, 0},
                  {64, 47, FRONT_WAY_ROVING}};
    struct seen *seen = *state;
    uint8_t way[JIT_PAGE_SLOTS];

    for (unsigned i = 0; i < ARRAY_SIZE(access); i++) {
        seen->trail[0].accesses[i] = access[i].accesses;
        seen->trail[0].stayed[i] = access[i].stayed;
    }
    jit_choose_ways(&seen->trail[0], LEAST, way);
    for (unsigned i = 0; i < ARRAY_SIZE(access); i++)
        assert_int_equal(way[i], access[i].way);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(what_is_entered_most_often_comes_first, setup, teardown),
        cmocka_unit_test_setup_teardown(only_the_best_are_chosen, setup, teardown),
        cmocka_unit_test_setup_teardown(what_is_hardly_entered_is_no_head, setup, teardown),
        cmocka_unit_test_setup_teardown(a_head_that_is_done_is_not_chosen_again, setup, teardown),
        cmocka_unit_test_setup_teardown(heads_end_other_superblocks, setup, teardown),
        cmocka_unit_test_setup_teardown(both_ways_of_a_branch_may_begin_superblocks, setup,
                                        teardown),
        cmocka_unit_test_setup_teardown(accesses_are_steady_or_rove, setup, teardown),
        cmocka_unit_test_setup_teardown(ways_follow_the_majority, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
