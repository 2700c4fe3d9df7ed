/* SPDX-License-Identifier: Apache-2.0 */
/* GICv2 with three CPUs; `current` says whose accesses the test makes. */
#include "devtest.h"

#include "machine/intc/gic.h"

enum { CPUS = 3, GICD = 0x08000000, GICC = 0x08010000 };

enum {
    CTLR = GICC,
    PMR = GICC + 4,
    BPR = GICC + 8,
    IAR = GICC + 0xc,
    EOIR = GICC + 0x10,
    RPR = GICC + 0x14,
    HPPIR = GICC + 0x18,
    ABPR = GICC + 0x1c,
    AIAR = GICC + 0x20,
    AEOIR = GICC + 0x24,
    DIR = GICC + 0x1000,
    SGIR = GICD + 0xf00
};

enum { ACKCTL = 4, FIQEN = 8, EOIMODE = 0x200 };

struct bench {
    struct mem *mem;
    struct device *gic;
    struct line irq[CPUS], fiq[CPUS];
    unsigned current;
};

static unsigned current_cpu(void *ctx)
{
    return ((struct bench *)ctx)->current;
}

static uint32_t get(struct bench *b, unsigned cpu, uint64_t reg)
{
    b->current = cpu;
    return rd32(b->mem, reg);
}

static void set(struct bench *b, unsigned cpu, uint64_t reg, uint32_t value)
{
    b->current = cpu;
    wr32(b->mem, reg, value);
}

static void input(struct bench *b, unsigned cpu, unsigned intid, bool level)
{
    struct irq_line line = gicv2_line(b->gic, cpu, intid);
    irq_set(&line, level);
}

static void build(struct bench *b, unsigned cpus)
{
    struct error err;
    b->mem = new_mem();
    b->gic = gicv2_create(cpus, current_cpu, b);
    b->gic->resources =
        (struct device_resources){.mmio = {{GICD, 0x10000}, {GICC, 0x10000}}, .mmios = 2};
    assert_int_equal(device_map(b->gic, b->mem, &err), 0);
    for (unsigned i = 0; i < cpus; i++) {
        gicv2_connect(b->gic, i, line_to(&b->irq[i]), line_to(&b->fiq[i]));
        for (unsigned n = 0; n < 32; n += 4)
            set(b, i, GICD + 0x400 + n, 0xa0a0a0a0);
        set(b, i, PMR, 0xff);
        set(b, i, CTLR, 3);
    }
    set(b, 0, GICD, 3);
    for (unsigned n = 32; n < 288; n += 4) {
        wr32(b->mem, GICD + 0x400 + n, 0xa0a0a0a0);
        wr32(b->mem, GICD + 0x800 + n, 0x01010101);
    }
}

/* Group 0, priority 0xa0, SPIs to CPU 0, as Linux leaves it. */
static int setup(void **state)
{
    *state = test_calloc(1, sizeof(struct bench));
    build(*state, CPUS);
    return 0;
}

static int teardown(void **state)
{
    struct bench *b = *state;
    b->gic->ops->destroy(b->gic);
    mem_destroy(b->mem);
    test_free(b);
    return 0;
}

static void enable(struct bench *b, unsigned cpu, unsigned intid)
{
    set(b, cpu, GICD + 0x100 + intid / 32 * 4, 1u << (intid % 32));
}

static void identification_is_what_drivers_expect(void **state)
{
    struct bench *b = *state;
    assert_int_equal(rd32(b->mem, GICD + 0xfe8) >> 4 & 15, 2);
    assert_int_equal(rd32(b->mem, GICD + 4), 8 | (CPUS - 1) << 5);
    assert_int_equal(rd32(b->mem, GICC + 0xfc) >> 16 & 15, 2);
    for (unsigned i = 0; i < CPUS; i++)
        assert_int_equal(get(b, i, GICD + 0x800), 0x01010101u << i);
}

static void a_level_interrupt_is_taken_and_ended(void **state)
{
    struct bench *b = *state;
    enable(b, 0, 33);
    input(b, 0, 33, true);
    assert_true(b->irq[0].level);
    assert_int_equal(get(b, 0, HPPIR), 33);
    assert_int_equal(get(b, 0, IAR), 33);
    assert_false(b->irq[0].level);
    assert_int_equal(get(b, 0, RPR), 0xa0);
    set(b, 0, EOIR, 33);
    assert_true(b->irq[0].level); /* the level is still up */
    input(b, 0, 33, false);
    assert_false(b->irq[0].level);
    assert_int_equal(get(b, 0, IAR), 1023);
}

static void an_edge_is_remembered_once(void **state)
{
    struct bench *b = *state;
    wr32(b->mem, GICD + 0xc08, 2u << (2 * 8)); /* INTID 40 */
    enable(b, 0, 40);
    input(b, 0, 40, true);
    input(b, 0, 40, false);
    assert_int_equal(get(b, 0, IAR), 40);
    set(b, 0, EOIR, 40);
    assert_false(b->irq[0].level);
}

static void one_of_the_targets_takes_it(void **state)
{
    struct bench *b = *state;
    enable(b, 0, 33);
    wr(b->mem, GICD + 0x821, 1, 0xff);
    assert_int_equal(rd(b->mem, GICD + 0x821, 1), 7); /* CPUs that exist */
    input(b, 0, 33, true);
    assert_true(b->irq[0].level && b->irq[1].level && b->irq[2].level);
    assert_int_equal(get(b, 1, IAR), 33);
    assert_false(b->irq[0].level || b->irq[1].level || b->irq[2].level);
    assert_int_equal(get(b, 0, IAR), 1023);
    set(b, 1, EOIR, 33);
    assert_true(b->irq[0].level && b->irq[1].level && b->irq[2].level);
}

static void ppis_and_their_registers_are_banked(void **state)
{
    struct bench *b = *state;
    enable(b, 1, 27);
    input(b, 0, 27, true);
    input(b, 1, 27, true);
    assert_true(b->irq[1].level);
    assert_false(b->irq[0].level);
    assert_int_equal(get(b, 0, GICD + 0x100), 0xffff);
    assert_int_equal(get(b, 1, GICD + 0x100), 0xffff | 1 << 27);
}

static void sgis_are_kept_apart_by_sender(void **state)
{
    struct bench *b = *state;
    set(b, 0, SGIR, 4u << 16 | 3);
    set(b, 1, SGIR, 4u << 16 | 3);
    assert_int_equal(get(b, 2, GICD + 0xf20) >> 24, 3);
    assert_int_equal(get(b, 2, IAR), 3);
    set(b, 2, EOIR, 3);
    assert_true(b->irq[2].level);
    assert_int_equal(get(b, 2, IAR), 1 << 10 | 3);
    set(b, 2, EOIR, 1 << 10 | 3);
    assert_false(b->irq[2].level);
}

static void sgi_filters_mean_others_and_self(void **state)
{
    struct bench *b = *state;
    set(b, 1, SGIR, 1u << 24 | 5);
    assert_true(b->irq[0].level && b->irq[2].level);
    assert_false(b->irq[1].level);
    set(b, 1, SGIR, 2u << 24 | 6);
    assert_int_equal(get(b, 1, IAR), 1 << 10 | 6);
    set(b, 1, SGIR, 3u << 24 | 7 | 0xff << 16); /* reserved */
    assert_int_equal(get(b, 0, IAR), 1 << 10 | 5);
}

static void sgis_pend_through_their_own_registers_only(void **state)
{
    struct bench *b = *state;
    set(b, 0, GICD + 0x200, 0xffff);
    set(b, 0, GICD + 0x180, 0xffff);
    assert_false(b->irq[0].level);
    assert_int_equal(get(b, 0, GICD + 0x100), 0xffff);
    set(b, 0, GICD + 0xf20, 2 << 8); /* SGI 1 from CPU 1 */
    assert_true(b->irq[0].level);
    set(b, 0, GICD + 0x280, 0xffff);
    assert_true(b->irq[0].level);
    set(b, 0, GICD + 0xf10, 2 << 8);
    assert_false(b->irq[0].level);
}

static void a_higher_priority_preempts(void **state)
{
    struct bench *b = *state;
    wr(b->mem, GICD + 0x422, 1, 0x80);
    enable(b, 0, 33);
    enable(b, 0, 34);
    input(b, 0, 33, true);
    assert_int_equal(get(b, 0, IAR), 33);
    input(b, 0, 34, true);
    assert_int_equal(get(b, 0, IAR), 34);
    assert_int_equal(get(b, 0, RPR), 0x80);
    set(b, 0, EOIR, 34);
    assert_int_equal(get(b, 0, RPR), 0xa0);
    set(b, 0, PMR, 0x80);
    assert_false(b->irq[0].level);
}

static void eoimode_splits_drop_and_deactivation(void **state)
{
    struct bench *b = *state;
    set(b, 0, CTLR, 3 | EOIMODE);
    enable(b, 0, 33);
    input(b, 0, 33, true);
    assert_int_equal(get(b, 0, IAR), 33);
    set(b, 0, EOIR, 33);
    assert_int_equal(get(b, 0, RPR), 0xff);
    assert_false(b->irq[0].level);
    set(b, 0, DIR, 33);
    assert_true(b->irq[0].level);
}

static void fiqen_makes_group_0_fiq(void **state)
{
    struct bench *b = *state;
    enable(b, 0, 33);
    input(b, 0, 33, true);
    set(b, 0, CTLR, 3 | FIQEN);
    assert_true(b->fiq[0].level);
    assert_false(b->irq[0].level);
    wr32(b->mem, GICD + 0x84, 1 << 1);
    assert_true(b->irq[0].level);
    assert_false(b->fiq[0].level);
}

static void group_1_goes_through_the_alias(void **state)
{
    struct bench *b = *state;
    wr32(b->mem, GICD + 0x84, 1 << 1);
    enable(b, 0, 33);
    input(b, 0, 33, true);
    assert_int_equal(get(b, 0, IAR), 1022);
    assert_int_equal(get(b, 0, AIAR), 33);
    input(b, 0, 33, false);
    set(b, 0, EOIR, 33); /* AckCtl is 0 */
    assert_int_equal(get(b, 0, RPR), 0xa0);
    set(b, 0, AEOIR, 33);
    assert_int_equal(get(b, 0, RPR), 0xff);
    set(b, 0, CTLR, 3 | ACKCTL);
    input(b, 0, 33, true);
    assert_int_equal(get(b, 0, IAR), 33);
    input(b, 0, 33, false);
    set(b, 0, EOIR, 33);
    assert_int_equal(get(b, 0, RPR), 0xff);
    assert_int_equal(get(b, 0, AIAR), 1023);
}

static void a_uniprocessor_needs_no_targets(void **state)
{
    struct bench one = {0};
    build(&one, 1);
    assert_int_equal(rd32(one.mem, GICD + 0x820), 0);
    enable(&one, 0, 33);
    input(&one, 0, 33, true);
    assert_true(one.irq[0].level);
    one.gic->ops->destroy(one.gic);
    mem_destroy(one.mem);
}

static void reset_silences_everything(void **state)
{
    struct bench *b = *state;
    enable(b, 0, 33);
    input(b, 0, 33, true);
    set(b, 0, SGIR, 2u << 16);
    b->gic->ops->reset(b->gic);
    assert_false(b->irq[0].level || b->irq[1].level);
    assert_int_equal(rd32(b->mem, GICD), 0);
    assert_int_equal(get(b, 0, CTLR), 0);
    assert_int_equal(get(b, 1, GICD + 0xf20), 0);
}

static void every_offset_and_size_is_survived(void **state)
{
    struct bench *b = *state;
    b->current = 77; /* a thread that is no vCPU's */
    for (unsigned size = 1; size <= 8; size *= 2)
        for (uint64_t at = 0; at < 0x20000; at += size) {
            rd(b->mem, GICD + at, size);
            if ((at & 0xffff) < 0x1100)
                wr(b->mem, GICD + at, size, ~0ull);
        }
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(identification_is_what_drivers_expect),
        T(a_level_interrupt_is_taken_and_ended),
        T(an_edge_is_remembered_once),
        T(one_of_the_targets_takes_it),
        T(ppis_and_their_registers_are_banked),
        T(sgis_are_kept_apart_by_sender),
        T(sgi_filters_mean_others_and_self),
        T(sgis_pend_through_their_own_registers_only),
        T(a_higher_priority_preempts),
        T(eoimode_splits_drop_and_deactivation),
        T(fiqen_makes_group_0_fiq),
        T(group_1_goes_through_the_alias),
        cmocka_unit_test(a_uniprocessor_needs_no_targets),
        T(reset_silences_everything),
        T(every_offset_and_size_is_survived),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
