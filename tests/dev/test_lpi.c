/* SPDX-License-Identifier: Apache-2.0 */
/* LPIs in the redistributors and the CPU interface; events 0 to 63 of device 1 are LPIs 8192 up at
 * CPU 0. */
#include "its_rig.h"

static int setup(void **state)
{
    make_bench(state);
    struct bench *b = *state;
    mapd(b, 1, ITT, 6);
    mapc(b, 0, 0);
    for (unsigned event = 0; event < 64; event++)
        mapti(b, 1, event, LPI0 + event, 0);
    return 0;
}

static void invalidate(struct bench *b, unsigned cpu, uint32_t lpi)
{
    wr(b->mem, redist(cpu) + 0xa0, 8, lpi);
    assert_int_equal(rd32(b->mem, redist(cpu) + 0xc0), 0);
}

static void disable_lpis(struct bench *b, unsigned cpu)
{
    wr32(b->mem, redist(cpu), 0);
}

static uint64_t pending_word(struct bench *b, unsigned cpu)
{
    return peek(b, PEND + cpu * 0x10000 + 1024, 8);
}

/* --- in the CPU interface --------------------------------------------------------------------*/

static void an_lpi_is_taken_and_ended(void **state)
{
    struct bench *b = *state;
    msi(b, 1, 3);
    assert_true(b->irq[0].level);
    assert_int_equal(icc(b, 0, HPPIR1), 8195);
    assert_int_equal(icc(b, 0, IAR1), 8195);
    assert_false(b->irq[0].level);
    assert_int_equal(icc(b, 0, RPR), 0xa0);
    set_icc(b, 0, EOIR1, 8195);
    assert_int_equal(icc(b, 0, RPR), 0xff);
    assert_int_equal(take(b, 0), 1023);
}

static void an_lpi_has_no_active_state(void **state)
{
    struct bench *b = *state;
    set_icc(b, 0, CTLR, 2); /* EOImode */
    msi(b, 1, 3);
    assert_int_equal(icc(b, 0, IAR1), 8195);
    msi(b, 1, 3); /* pending again, while it is being handled */
    assert_false(b->irq[0].level);
    assert_int_equal(icc(b, 0, HPPIR1), 8195);
    set_icc(b, 0, EOIR1, 8195);
    assert_true(b->irq[0].level); /* without a deactivation */
    assert_int_equal(icc(b, 0, IAR1), 8195);
    set_icc(b, 0, DIR, 8195); /* does nothing */
    assert_int_equal(icc(b, 0, RPR), 0xa0);
    set_icc(b, 0, EOIR1, 8195);
    assert_int_equal(icc(b, 0, RPR), 0xff);
}

static void an_lpi_is_pending_once(void **state)
{
    struct bench *b = *state;
    msi(b, 1, 3);
    msi(b, 1, 3);
    assert_int_equal(take(b, 0), 8195);
    assert_int_equal(take(b, 0), 1023);
}

static void the_highest_priority_wins_then_the_lowest_number(void **state)
{
    struct bench *b = *state;
    configure(b, 8192 + 40, 0x80, true);
    invalidate(b, 0, 8192 + 40);
    const unsigned events[] = {20, 63, 40, 7, 33};
    for (unsigned i = 0; i < ARRAY_SIZE(events); i++)
        msi(b, 1, events[i]);
    const uint64_t order[] = {40, 7, 20, 33, 63};
    for (unsigned i = 0; i < ARRAY_SIZE(order); i++)
        assert_int_equal(take(b, 0), 8192 + order[i]);
    assert_int_equal(take(b, 0), 1023);
}

static void other_interrupts_of_equal_priority_come_first(void **state)
{
    struct bench *b = *state;
    msi(b, 1, 0);
    wr32(b->mem, redist(0) + 0x10080, ~0u);
    wr(b->mem, redist(0) + 0x10400 + 20, 1, 0xa0);
    wr32(b->mem, redist(0) + 0x10100, 1 << 20);
    wr32(b->mem, redist(0) + 0x10200, 1 << 20);
    assert_int_equal(take(b, 0), 20);
    assert_int_equal(take(b, 0), 8192);
    msi(b, 1, 0);
    wr(b->mem, redist(0) + 0x10400 + 20, 1, 0xa8);
    wr32(b->mem, redist(0) + 0x10200, 1 << 20);
    assert_int_equal(take(b, 0), 8192);
    assert_int_equal(take(b, 0), 20);
}

static void a_higher_priority_preempts(void **state)
{
    struct bench *b = *state;
    configure(b, 8193, 0x80, true);
    invalidate(b, 0, 8193);
    msi(b, 1, 0);
    assert_int_equal(icc(b, 0, IAR1), 8192);
    msi(b, 1, 2);
    assert_false(b->irq[0].level);
    msi(b, 1, 1);
    assert_int_equal(take(b, 0), 8193);
    assert_false(b->irq[0].level);
    set_icc(b, 0, EOIR1, 8192);
    assert_int_equal(take(b, 0), 8194);
}

static void masks_hold_them_back(void **state)
{
    struct bench *b = *state;
    set_icc(b, 0, PMR, 0xa0);
    msi(b, 1, 0);
    assert_int_equal(take(b, 0), 1023);
    set_icc(b, 0, PMR, 0xff);
    set_icc(b, 0, IGRPEN1, 0);
    assert_false(b->irq[0].level);
    msi(b, 1, 1);
    set_icc(b, 0, IGRPEN1, 1);
    assert_true(b->irq[0].level);
    wr32(b->mem, GICD, 0);
    assert_false(b->irq[0].level);
    msi(b, 1, 2);
    wr32(b->mem, GICD, 2);
    wr32(b->mem, redist(0) + 0x14, 2); /* asleep */
    assert_false(b->irq[0].level);
    msi(b, 1, 3);
    wr32(b->mem, redist(0) + 0x14, 0);
    for (unsigned i = 0; i < 4; i++)
        assert_int_equal(take(b, 0), 8192 + i);
    assert_int_equal(take(b, 0), 1023);
}

static void ending_numbers_beyond_lpis_does_nothing(void **state)
{
    struct bench *b = *state;
    msi(b, 1, 0);
    assert_int_equal(icc(b, 0, IAR1), 8192);
    set_icc(b, 0, EOIR1, 65536);
    set_icc(b, 0, EOIR1, 8191);
    set_icc(b, 0, EOIR1, 1024);
    assert_int_equal(icc(b, 0, RPR), 0xa0);
    set_icc(b, 0, EOIR1, 8192);
    assert_int_equal(icc(b, 0, RPR), 0xff);
}

/* --- configuration ---------------------------------------------------------------------------*/

static void a_disabled_lpi_stays_pending_until_it_is_enabled(void **state)
{
    struct bench *b = *state;
    configure(b, 8195, 0xa0, false);
    invalidate(b, 0, 8195);
    msi(b, 1, 3);
    assert_int_equal(take(b, 0), 1023);
    configure(b, 8195, 0xa0, true);
    assert_int_equal(take(b, 0), 1023); /* the old configuration is cached */
    invalidate(b, 0, 8195);
    assert_int_equal(take(b, 0), 8195);
}

static void invalidating_disables_what_is_signalled(void **state)
{
    struct bench *b = *state;
    msi(b, 1, 3);
    msi(b, 1, 4);
    configure(b, 8195, 0xa0, false);
    invalidate(b, 0, 8195);
    assert_int_equal(take(b, 0), 8196);
    assert_int_equal(take(b, 0), 1023);
    configure(b, 8195, 0xa0, true);
    wr(b->mem, redist(0) + 0xb0, 8, 0); /* GICR_INVALLR */
    assert_int_equal(take(b, 0), 8195);
}

static void priorities_change_by_invalidation(void **state)
{
    struct bench *b = *state;
    msi(b, 1, 1);
    msi(b, 1, 2);
    configure(b, 8194, 0x47, true); /* five bits of priority */
    invalidate(b, 0, 8194);
    assert_int_equal(icc(b, 0, IAR1), 8194);
    assert_int_equal(icc(b, 0, RPR), 0x40);
    set_icc(b, 0, EOIR1, 8194);
    assert_int_equal(take(b, 0), 8193);
}

static void a_configuration_table_outside_memory_disables_all(void **state)
{
    struct bench *b = *state;
    disable_lpis(b, 0);
    wr(b->mem, redist(0) + 0x70, 8, NOWHERE | 15);
    wr32(b->mem, redist(0), 1);
    msi(b, 1, 3);
    assert_int_equal(take(b, 0), 1023);
}

static void numbers_beyond_propbaser_do_not_exist(void **state)
{
    struct bench *b = *state;
    disable_lpis(b, 0);
    wr(b->mem, redist(0) + 0x70, 8, PROP | 13);
    wr32(b->mem, redist(0), 1);
    mapti(b, 1, 0, 16383, 0);
    mapti(b, 1, 1, 16384, 0);
    msi(b, 1, 1);
    assert_int_equal(take(b, 0), 1023);
    msi(b, 1, 0);
    assert_int_equal(take(b, 0), 16383);
    disable_lpis(b, 0);
    wr(b->mem, redist(0) + 0x70, 8, PROP | 12); /* not even one LPI */
    wr32(b->mem, redist(0), 1);
    msi(b, 1, 2);
    assert_int_equal(take(b, 0), 1023);
    disable_lpis(b, 0);
}

static void the_last_lpi_works(void **state)
{
    struct bench *b = *state;
    mapti(b, 1, 0, 65535, 0);
    mapti(b, 1, 1, 65536, 0); /* ignored: event 1 remains as it is */
    msi(b, 1, 0);
    assert_int_equal(take(b, 0), 65535);
    msi(b, 1, 1);
    assert_int_equal(take(b, 0), 8193);
}

/* --- the pending table -----------------------------------------------------------------------*/

static void enabling_reads_the_pending_table(void **state)
{
    struct bench *b = *state;
    disable_lpis(b, 0);
    poke(b, PEND + 1024, 8, 1ull << 5);
    poke(b, PEND + 8191, 1, 0x80);
    poke(b, PEND, 8, ~0ull); /* what is not an LPI */
    wr(b->mem, redist(0) + 0x78, 8, PEND);
    wr32(b->mem, redist(0), 1);
    assert_int_equal(take(b, 0), 8197);
    assert_int_equal(take(b, 0), 65535);
    assert_int_equal(take(b, 0), 1023);
}

static void ptz_says_that_the_table_is_zero(void **state)
{
    struct bench *b = *state;
    disable_lpis(b, 0);
    poke(b, PEND + 1024, 8, 1ull << 5);
    wr(b->mem, redist(0) + 0x78, 8, PEND | PTZ);
    assert_int_equal(rd(b->mem, redist(0) + 0x78, 8), PEND); /* write-only */
    wr32(b->mem, redist(0), 1);
    assert_int_equal(take(b, 0), 1023);
}

static void disabling_gives_the_pending_state_back(void **state)
{
    struct bench *b = *state;
    msi(b, 1, 0);
    msi(b, 1, 40);
    disable_lpis(b, 0);
    assert_int_equal(rd32(b->mem, redist(0)) & 1, 0);
    assert_false(b->irq[0].level);
    assert_int_equal(pending_word(b, 0), 1ull << 40 | 1);
    msi(b, 1, 2); /* nobody takes it */
    wr32(b->mem, redist(0), 1);
    assert_int_equal(take(b, 0), 8192);
    assert_int_equal(take(b, 0), 8232);
    assert_int_equal(take(b, 0), 1023);
}

static void a_pending_table_outside_memory_is_empty(void **state)
{
    struct bench *b = *state;
    disable_lpis(b, 0);
    wr(b->mem, redist(0) + 0x78, 8, NOWHERE);
    wr32(b->mem, redist(0), 1);
    msi(b, 1, 2);
    assert_int_equal(take(b, 0), 8194);
    disable_lpis(b, 0);
    wr(b->mem, redist(0) + 0x78, 8, RAM + RAM_SIZE - 0x10000 + 0xffffffff00000000ull);
    wr32(b->mem, redist(0), 1);
    disable_lpis(b, 0);
}

static void tables_do_not_move_while_lpis_are_enabled(void **state)
{
    struct bench *b = *state;
    wr(b->mem, redist(0) + 0x70, 8, NOWHERE);
    wr32(b->mem, redist(0) + 0x78, NOWHERE);
    assert_int_equal(rd(b->mem, redist(0) + 0x70, 8), PROP | 15);
    assert_int_equal(rd(b->mem, redist(0) + 0x78, 8), PEND);
    assert_int_equal(rd32(b->mem, redist(0)), 7); /* EnableLPIs, CES, IR */
}

static void reset_disables_lpis(void **state)
{
    struct bench *b = *state;
    msi(b, 1, 2);
    msi(b, 1, 3);
    b->gic->ops->reset(b->gic);
    assert_false(b->irq[0].level);
    assert_int_equal(rd32(b->mem, redist(0)) & 1, 0);
    assert_int_equal(rd(b->mem, redist(0) + 0x70, 8), 0);
    assert_int_equal(rd(b->mem, redist(0) + 0x78, 8), 0);
    assert_int_equal(pending_word(b, 0), 0); /* guest memory is not touched */
    set_up_gic(b);
    assert_int_equal(take(b, 0), 1023);
    msi(b, 1, 3);
    assert_int_equal(take(b, 0), 8195);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(an_lpi_is_taken_and_ended),
        T(an_lpi_has_no_active_state),
        T(an_lpi_is_pending_once),
        T(the_highest_priority_wins_then_the_lowest_number),
        T(other_interrupts_of_equal_priority_come_first),
        T(a_higher_priority_preempts),
        T(masks_hold_them_back),
        T(ending_numbers_beyond_lpis_does_nothing),
        T(a_disabled_lpi_stays_pending_until_it_is_enabled),
        T(invalidating_disables_what_is_signalled),
        T(priorities_change_by_invalidation),
        T(a_configuration_table_outside_memory_disables_all),
        T(numbers_beyond_propbaser_do_not_exist),
        T(the_last_lpi_works),
        T(enabling_reads_the_pending_table),
        T(ptz_says_that_the_table_is_zero),
        T(disabling_gives_the_pending_state_back),
        T(a_pending_table_outside_memory_is_empty),
        T(tables_do_not_move_while_lpis_are_enabled),
        T(reset_disables_lpis),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
