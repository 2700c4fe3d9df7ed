/* SPDX-License-Identifier: Apache-2.0 */
/* The small PrimeCell devices: PL031 real-time clock and PL061 GPIO with the power key. */
#include "devtest.h"

#include "host/loop.h"
#include "machine/misc/pl061.h"
#include "machine/rtc/pl031.h"

enum { BASE = 0x9010000 };

static void check_id(struct mem *mem, uint8_t part)
{
    const uint8_t id[8] = {part, 0x10, 0x04, 0x00, 0x0d, 0xf0, 0x05, 0xb1};
    for (unsigned i = 0; i < 8; i++)
        assert_int_equal(rd32(mem, BASE + 0xfe0 + 4 * i), id[i]);
}

static void poke_everywhere(struct mem *mem)
{
    for (unsigned size = 1; size <= 8; size *= 2)
        for (uint64_t at = 0; at < 0x1000; at += size) {
            rd(mem, BASE + at, size);
            wr(mem, BASE + at, size, ~0ull);
        }
}

/* --- PL031 -----------------------------------------------------------------------------------*/

enum {
    RTCDR = BASE,
    RTCMR = BASE + 4,
    RTCLR = BASE + 8,
    RTCCR = BASE + 0xc,
    RTCIMSC = BASE + 0x10,
    RTCRIS = BASE + 0x14,
    RTCMIS = BASE + 0x18,
    RTCICR = BASE + 0x1c
};

struct rtc_bench {
    struct mem *mem;
    struct device *rtc;
    struct line line;
    int64_t wall;
};

static int64_t wall(void *ctx)
{
    return ((struct rtc_bench *)ctx)->wall;
}

static int rtc_setup(void **state)
{
    struct rtc_bench *b = test_calloc(1, sizeof(*b));
    b->wall = 1700000000;
    b->mem = new_mem();
    b->rtc = pl031_create(NULL, wall, b);
    map_one(b->rtc, b->mem, BASE, 0x1000, &b->line);
    *state = b;
    return 0;
}

static int rtc_teardown(void **state)
{
    struct rtc_bench *b = *state;
    b->rtc->ops->destroy(b->rtc);
    mem_destroy(b->mem);
    test_free(b);
    return 0;
}

static void the_clock_shows_wall_time(void **state)
{
    struct rtc_bench *b = *state;
    assert_int_equal(rd32(b->mem, RTCDR), 1700000000);
    assert_int_equal(rd32(b->mem, RTCCR), 1);
    b->wall += 5;
    assert_int_equal(rd32(b->mem, RTCDR), 1700000005);
    check_id(b->mem, 0x31);
}

static void loading_sets_the_clock_for_good(void **state)
{
    struct rtc_bench *b = *state;
    wr32(b->mem, RTCLR, 1000);
    b->wall += 5;
    assert_int_equal(rd32(b->mem, RTCDR), 1005);
    assert_int_equal(rd32(b->mem, RTCLR), 1000);
    b->rtc->ops->reset(b->rtc);
    assert_int_equal(rd32(b->mem, RTCDR), 1005);
    wr32(b->mem, RTCLR, 0xffffffff);
    b->wall++;
    assert_int_equal(rd32(b->mem, RTCDR), 0);
}

static void the_alarm_rings_at_the_match(void **state)
{
    struct rtc_bench *b = *state;
    wr32(b->mem, RTCMR, 1700000003);
    wr32(b->mem, RTCIMSC, 1);
    b->wall += 2;
    assert_int_equal(rd32(b->mem, RTCRIS), 0);
    b->wall += 1;
    assert_int_equal(rd32(b->mem, RTCRIS), 1);
    assert_true(b->line.level);
    wr32(b->mem, RTCICR, 1);
    assert_false(b->line.level);
    b->wall += 10;
    assert_int_equal(rd32(b->mem, RTCRIS), 0); /* once */
}

static void a_masked_alarm_waits_for_its_mask(void **state)
{
    struct rtc_bench *b = *state;
    wr32(b->mem, RTCMR, 1700000000);
    assert_int_equal(rd32(b->mem, RTCRIS), 1);
    assert_int_equal(rd32(b->mem, RTCMIS), 0);
    assert_false(b->line.level);
    wr32(b->mem, RTCIMSC, 1);
    assert_true(b->line.level);
    assert_int_equal(rd32(b->mem, RTCMIS), 1);
}

static void a_match_in_the_past_never_rings(void **state)
{
    struct rtc_bench *b = *state;
    wr32(b->mem, RTCMR, 1600000000);
    b->wall += 10;
    assert_int_equal(rd32(b->mem, RTCRIS), 0);
}

static void rtc_survives_every_access(void **state)
{
    poke_everywhere(((struct rtc_bench *)*state)->mem);
}

/* The line's owner ends the loop. */
static void quit_on_rise(void *ctx, unsigned input, bool level)
{
    if (level)
        loop_quit(ctx, 7);
}

static void the_loop_rings_the_alarm(void **state)
{
    struct mem *mem = new_mem();
    struct line line;
    struct loop *loop;
    assert_int_equal(loop_create(&loop, NULL), 0);
    struct device *rtc = pl031_create(loop, NULL, NULL);
    map_one(rtc, mem, BASE, 0x1000, &line);
    rtc->irq[0] = (struct irq_line){quit_on_rise, loop, 0};
    wr32(mem, RTCIMSC, 1);
    wr32(mem, RTCMR, rd32(mem, RTCDR) + 1);
    assert_int_equal(loop_run(loop), 7);
    rtc->ops->destroy(rtc);
    mem_destroy(mem);
    loop_destroy(loop);
}

/* --- PL061 -----------------------------------------------------------------------------------*/

enum {
    GPIODATA = BASE,
    GPIODIR = BASE + 0x400,
    GPIOIS = BASE + 0x404,
    GPIOIBE = BASE + 0x408,
    GPIOIEV = BASE + 0x40c,
    GPIOIE = BASE + 0x410,
    GPIORIS = BASE + 0x414,
    GPIOMIS = BASE + 0x418,
    GPIOIC = BASE + 0x41c,
    GPIOAFSEL = BASE + 0x420,
    KEY = 1 << PL061_POWER_LINE
};

struct gpio_bench {
    struct mem *mem;
    struct device *gpio;
    struct line line;
};

static int gpio_setup(void **state)
{
    struct gpio_bench *b = test_calloc(1, sizeof(*b));
    b->mem = new_mem();
    b->gpio = pl061_create(NULL); /* without a loop the key is released at once */
    map_one(b->gpio, b->mem, BASE, 0x1000, &b->line);
    *state = b;
    return 0;
}

static int gpio_teardown(void **state)
{
    struct gpio_bench *b = *state;
    b->gpio->ops->destroy(b->gpio);
    mem_destroy(b->mem);
    test_free(b);
    return 0;
}

static void data_is_masked_by_the_address(void **state)
{
    struct gpio_bench *b = *state;
    wr32(b->mem, GPIODIR, 0xf0);
    wr32(b->mem, GPIODATA + (0x3c << 2), 0xff); /* lines 2 to 5, of which 4 and 5 are outputs */
    assert_int_equal(rd32(b->mem, GPIODATA + (0xff << 2)), 0x30);
    assert_int_equal(rd32(b->mem, GPIODATA + (0x10 << 2)), 0x10);
    wr32(b->mem, GPIODATA + (0x10 << 2), 0);
    assert_int_equal(rd32(b->mem, GPIODATA + (0xff << 2)), 0x20);
    check_id(b->mem, 0x61);
}

static void the_power_key_needs_a_listener(void **state)
{
    struct gpio_bench *b = *state;
    assert_false(pl061_press_power(b->gpio));
    assert_int_equal(rd32(b->mem, GPIORIS), 0);
}

static void pressing_and_releasing_are_two_edges(void **state)
{
    struct gpio_bench *b = *state;
    wr32(b->mem, GPIOIBE, KEY);
    wr32(b->mem, GPIOIE, KEY);
    assert_true(pl061_press_power(b->gpio));
    assert_true(b->line.level);
    assert_int_equal(rd32(b->mem, GPIOMIS), KEY);
    wr32(b->mem, GPIOIC, KEY);
    assert_false(b->line.level);
    assert_int_equal(rd32(b->mem, GPIODATA + (KEY << 2)), 0);
}

static void the_event_register_chooses_the_edge(void **state)
{
    struct gpio_bench *b = *state;
    wr32(b->mem, GPIOIEV, KEY);
    wr32(b->mem, GPIOIE, KEY);
    pl061_press_power(b->gpio);
    assert_true(b->line.level);
    wr32(b->mem, GPIOIE, 0);
    wr32(b->mem, GPIOIC, KEY);
    wr32(b->mem, GPIOIEV, 0); /* falling: the release */
    wr32(b->mem, GPIOIE, KEY);
    assert_false(b->line.level);
    pl061_press_power(b->gpio);
    assert_true(b->line.level);
}

static void a_level_sensitive_line_follows_the_key(void **state)
{
    struct loop *loop;
    assert_int_equal(loop_create(&loop, NULL), 0);
    struct mem *mem = new_mem();
    struct device *gpio = pl061_create(loop);
    struct line line = {0};
    map_one(gpio, mem, BASE, 0x1000, &line);
    wr32(mem, GPIOIS, KEY);
    wr32(mem, GPIOIEV, KEY);
    wr32(mem, GPIOIE, KEY);
    assert_false(line.level);
    assert_true(pl061_press_power(gpio));
    assert_true(line.level);
    wr32(mem, GPIOIC, KEY); /* a level is not cleared */
    assert_true(line.level);
    assert_int_equal(rd32(mem, GPIODATA + (KEY << 2)), KEY);
    gpio->ops->destroy(gpio);
    mem_destroy(mem);
    loop_destroy(loop);
}

static void gpio_survives_every_access(void **state)
{
    struct gpio_bench *b = *state;
    poke_everywhere(b->mem);
    b->gpio->ops->reset(b->gpio);
    assert_false(b->line.level);
    assert_int_equal(rd32(b->mem, GPIOAFSEL), 0);
}

#define RTC(name)  cmocka_unit_test_setup_teardown(name, rtc_setup, rtc_teardown)
#define GPIO(name) cmocka_unit_test_setup_teardown(name, gpio_setup, gpio_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        RTC(the_clock_shows_wall_time),
        RTC(loading_sets_the_clock_for_good),
        RTC(the_alarm_rings_at_the_match),
        RTC(a_masked_alarm_waits_for_its_mask),
        RTC(a_match_in_the_past_never_rings),
        RTC(rtc_survives_every_access),
        cmocka_unit_test(the_loop_rings_the_alarm),
        GPIO(data_is_masked_by_the_address),
        GPIO(the_power_key_needs_a_listener),
        GPIO(pressing_and_releasing_are_two_edges),
        GPIO(the_event_register_chooses_the_edge),
        cmocka_unit_test(a_level_sensitive_line_follows_the_key),
        GPIO(gpio_survives_every_access),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
