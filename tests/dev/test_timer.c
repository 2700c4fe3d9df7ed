/* SPDX-License-Identifier: Apache-2.0 */
/* The generic timer: register behaviour on a clock of the test's own (10 ns a tick), and firing
 * through a real event loop. */
#include "devtest.h"

#include "arm/hooks.h"
#include "host/clock.h"
#include "host/loop.h"
#include "machine/timer/generic.h"

#define CNT(crm, op2) ARM_SYSREG(3, 3, 14, crm, op2)
#define CNTPCT        CNT(0, 1)
#define CNTVCT        CNT(0, 2)
#define P_TVAL        CNT(2, 0)
#define P_CTL         CNT(2, 1)
#define P_CVAL        CNT(2, 2)
#define V_TVAL        CNT(3, 0)
#define V_CTL         CNT(3, 1)
#define V_CVAL        CNT(3, 2)

enum { CPUS = 2, START = 5000, TICK = 10 };

struct bench {
    struct device *timer;
    uint64_t now;
    struct line phys[CPUS], virt[CPUS];
};

static uint64_t now(void *ctx)
{
    return ((struct bench *)ctx)->now;
}

static void build(struct bench *b, uint64_t frequency, struct loop *loop)
{
    struct generic_timer_config config = {CPUS, frequency, loop, now, b};
    if (loop)
        config.now = NULL;
    b->now = START;
    b->timer = generic_timer_create(&config);
    for (unsigned i = 0; i < CPUS; i++) {
        generic_timer_connect(b->timer, i, GENERIC_TIMER_PHYS, line_to(&b->phys[i]));
        generic_timer_connect(b->timer, i, GENERIC_TIMER_VIRT, line_to(&b->virt[i]));
    }
}

static int setup(void **state)
{
    *state = test_calloc(1, sizeof(struct bench));
    build(*state, 100000000, NULL);
    return 0;
}

static int teardown(void **state)
{
    struct bench *b = *state;
    b->timer->ops->destroy(b->timer);
    test_free(b);
    return 0;
}

static void set(struct bench *b, unsigned cpu, uint32_t reg, uint64_t value)
{
    generic_timer_write(b->timer, cpu, reg, value);
}

static uint64_t get(struct bench *b, unsigned cpu, uint32_t reg)
{
    return generic_timer_read(b->timer, cpu, reg);
}

static void both_counters_count_from_zero(void **state)
{
    struct bench *b = *state;
    assert_int_equal(get(b, 0, CNTVCT), 0);
    b->now += 12345 * TICK + 9;
    assert_int_equal(get(b, 0, CNTVCT), 12345);
    assert_int_equal(get(b, 1, CNTPCT), 12345);
    b->now = START - 1; /* another thread's slightly older clock */
    assert_int_equal(get(b, 0, CNTVCT), 0);
}

static void common_frequencies_count_exactly(void **state)
{
    static const uint64_t frequency[] = {62500000, 1000000000, 24000000, 19200000, 1};
    for (size_t i = 0; i < sizeof(frequency) / sizeof(frequency[0]); i++) {
        struct bench b = {0};
        build(&b, frequency[i], NULL);
        b.now = START + 86400ull * 1000000000 * 365 * 10; /* ten years */
        assert_int_equal(get(&b, 0, CNTVCT), 86400ull * 365 * 10 * frequency[i]);
        b.timer->ops->destroy(b.timer);
    }
}

static void it_fires_at_cval(void **state)
{
    struct bench *b = *state;
    set(b, 0, V_CVAL, 100);
    set(b, 0, V_CTL, 1);
    assert_int_equal(generic_timer_deadline(b->timer, 0), 100 * TICK);
    assert_int_equal(get(b, 0, V_CTL), 1);
    b->now += 99 * TICK;
    assert_int_equal(generic_timer_deadline(b->timer, 0), TICK);
    assert_false(b->virt[0].level);
    b->now += TICK;
    assert_int_equal(get(b, 0, V_CTL), 5);
    assert_int_equal(generic_timer_deadline(b->timer, 0), 0);
    assert_true(b->virt[0].level);
    assert_false(b->phys[0].level || b->virt[1].level);
}

static void the_line_follows_the_condition(void **state)
{
    struct bench *b = *state;
    set(b, 1, P_CTL, 1);
    assert_true(b->phys[1].level); /* CVAL 0 is reached */
    set(b, 1, P_CTL, 3);
    assert_false(b->phys[1].level);
    assert_int_equal(get(b, 1, P_CTL), 7); /* ISTATUS does not care for IMASK */
    set(b, 1, P_CTL, 1);
    assert_true(b->phys[1].level);
    set(b, 1, P_TVAL, 50);
    assert_false(b->phys[1].level);
    assert_int_equal(get(b, 1, P_CTL), 1);
    set(b, 1, P_CVAL, 0);
    assert_true(b->phys[1].level);
    set(b, 1, P_CTL, 0);
    assert_false(b->phys[1].level);
    assert_int_equal(get(b, 1, P_CTL), 0);
}

static void tval_is_a_signed_view_of_cval(void **state)
{
    struct bench *b = *state;
    b->now += 1000 * TICK;
    set(b, 0, V_TVAL, 200);
    assert_int_equal(get(b, 0, V_CVAL), 1200);
    b->now += 300 * TICK;
    assert_int_equal(get(b, 0, V_TVAL), (uint32_t)-100);
    set(b, 0, V_TVAL, 0xffffffff); /* -1 */
    assert_int_equal(get(b, 0, V_CVAL), 1299);
    set(b, 0, V_CTL, 1);
    assert_true(b->virt[0].level);
}

static void a_masked_or_far_timer_has_no_deadline(void **state)
{
    struct bench *b = *state;
    assert_int_equal(generic_timer_deadline(b->timer, 0), UINT64_MAX);
    set(b, 0, V_CVAL, 100);
    set(b, 0, V_CTL, 3);
    assert_int_equal(generic_timer_deadline(b->timer, 0), UINT64_MAX);
    set(b, 0, V_CVAL, ~0ull);
    set(b, 0, V_CTL, 1);
    assert_int_equal(generic_timer_deadline(b->timer, 0), UINT64_MAX);
    set(b, 0, V_CVAL, ~0ull - 1);
    assert_int_equal(generic_timer_deadline(b->timer, 0), UINT64_MAX);
    assert_false(b->virt[0].level);
}

static void the_nearer_timer_is_the_deadline(void **state)
{
    struct bench *b = *state;
    set(b, 0, V_CVAL, 500);
    set(b, 0, V_CTL, 1);
    set(b, 0, P_CVAL, 300);
    set(b, 0, P_CTL, 1);
    assert_int_equal(generic_timer_deadline(b->timer, 0), 300 * TICK);
    assert_int_equal(generic_timer_deadline(b->timer, 1), UINT64_MAX);
    b->now += 300 * TICK;
    assert_int_equal(generic_timer_deadline(b->timer, 0), 200 * TICK);
    assert_true(b->phys[0].level);
}

static void reset_starts_anew(void **state)
{
    struct bench *b = *state;
    b->now += 1000;
    set(b, 0, V_CTL, 1);
    assert_true(b->virt[0].level);
    b->timer->ops->reset(b->timer);
    assert_false(b->virt[0].level);
    assert_int_equal(get(b, 0, CNTVCT), 0);
    assert_int_equal(get(b, 0, V_CTL), 0);
}

static void no_time_passes_while_it_is_stopped(void **state)
{
    struct bench *b = *state;
    set(b, 0, V_CVAL, 300);
    set(b, 0, V_CTL, 1);
    b->now += 100 * TICK;
    generic_timer_stop(b->timer, true);
    b->now += 1000 * TICK;
    assert_int_equal(get(b, 0, CNTVCT), 100);
    generic_timer_stop(b->timer, true); /* again */
    b->now += 1000 * TICK;
    generic_timer_stop(b->timer, false);
    assert_int_equal(get(b, 0, CNTVCT), 100);
    assert_false(b->virt[0].level);
    assert_int_equal(generic_timer_deadline(b->timer, 0), 200 * TICK);
    b->now += 200 * TICK;
    assert_int_equal(get(b, 0, V_CTL), 5);
    generic_timer_stop(b->timer, true);
    b->now += 50 * TICK;
    b->timer->ops->reset(b->timer); /* while stopped */
    assert_int_equal(get(b, 0, CNTVCT), 0);
    generic_timer_stop(b->timer, false);
    assert_int_equal(get(b, 0, CNTVCT), 0);
    b->now += 7 * TICK;
    assert_int_equal(get(b, 0, CNTVCT), 7);
}

/* --- with a loop -----------------------------------------------------------------------------*/

struct stop {
    struct loop *loop;
    uint64_t when;
    bool level;
};

static void stop_on_rise(void *ctx, unsigned input, bool level)
{
    struct stop *stop = ctx;
    stop->level = level;
    if (!level)
        return;
    stop->when = host_now_ns();
    loop_quit(stop->loop, 0);
}

static void the_loop_raises_the_line_in_time(void **state)
{
    struct bench b = {0};
    struct stop stop = {0};
    assert_int_equal(loop_create(&stop.loop, NULL), 0);
    build(&b, 62500000, stop.loop);
    generic_timer_connect(b.timer, 1, GENERIC_TIMER_VIRT,
                          (struct irq_line){stop_on_rise, &stop, 0});
    uint64_t begin = host_now_ns();
    /* Postponed twice: the host timer goes off early and has to be set again. */
    for (unsigned ms = 1; ms <= 20; ms += 19) {
        set(&b, 1, V_TVAL, ms * 62500);
        set(&b, 1, V_CTL, 1);
    }
    loop_run(stop.loop);
    assert_true(stop.level);
    assert_in_range(stop.when - begin, 20000000, 2000000000);
    b.timer->ops->destroy(b.timer);
    loop_destroy(stop.loop);
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(both_counters_count_from_zero),
        cmocka_unit_test(common_frequencies_count_exactly),
        T(it_fires_at_cval),
        T(the_line_follows_the_condition),
        T(tval_is_a_signed_view_of_cval),
        T(a_masked_or_far_timer_has_no_deadline),
        T(the_nearer_timer_is_the_deadline),
        T(reset_starts_anew),
        T(no_time_passes_while_it_is_stopped),
        cmocka_unit_test(the_loop_raises_the_line_in_time),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
