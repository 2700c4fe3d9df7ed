/* SPDX-License-Identifier: Apache-2.0 */
/* GICv3: four CPUs (affinities 0.0.0.0, 0.0.0.1, 0.0.1.0 and 0.0.0.17) with lines that remember. */
#include "devtest.h"

#include "arm/hooks.h"
#include "machine/intc/gic.h"

enum { CPUS = 4, GICD = 0x08000000, GICR = 0x080a0000, GICR_CPU = 0x20000, SGI_BASE = 0x10000 };

#define ICC(crn, crm, op2) ARM_SYSREG(3, 0, crn, crm, op2)
#define PMR                ICC(4, 6, 0)
#define IAR(group)         ICC(12, (group) ? 12 : 8, 0)
#define EOIR(group)        ICC(12, (group) ? 12 : 8, 1)
#define HPPIR(group)       ICC(12, (group) ? 12 : 8, 2)
#define BPR(group)         ICC(12, (group) ? 12 : 8, 3)
#define AP1R0              ICC(12, 9, 0)
#define DIR                ICC(12, 11, 1)
#define RPR                ICC(12, 11, 3)
#define SGI1R              ICC(12, 11, 5)
#define SGI0R              ICC(12, 11, 7)
#define CTLR               ICC(12, 12, 4)
#define SRE                ICC(12, 12, 5)
#define IGRPEN(group)      ICC(12, 12, 6 + (group))

static const uint64_t mpidr[CPUS] = {1ull << 31, 1ull << 31 | 1, 1ull << 31 | 0x100,
                                     1ull << 31 | 17};

struct bench {
    struct mem *mem;
    struct device *gic;
    struct line irq[CPUS], fiq[CPUS];
};

static uint64_t icc(struct bench *b, unsigned cpu, uint32_t reg)
{
    uint64_t value = ~0ull;
    assert_true(gicv3_icc_read(b->gic, cpu, reg, &value));
    return value;
}

static void set_icc(struct bench *b, unsigned cpu, uint32_t reg, uint64_t value)
{
    assert_true(gicv3_icc_write(b->gic, cpu, reg, value));
}

static uint64_t redist(unsigned cpu)
{
    return GICR + (uint64_t)cpu * GICR_CPU;
}

static void input(struct bench *b, unsigned cpu, unsigned intid, bool level)
{
    struct irq_line line = gicv3_line(b->gic, cpu, intid);
    irq_set(&line, level);
}

/* Everything in Group 1 at priority 0xa0, SPIs routed to CPU 0, nothing enabled; CPUs awake. */
static int setup(void **state)
{
    struct bench *b = test_calloc(1, sizeof(*b));
    struct error err;
    b->mem = new_mem();
    b->gic = gicv3_create(CPUS);
    b->gic->resources =
        (struct device_resources){.mmio = {{GICD, 0x10000}, {GICR, CPUS * GICR_CPU}}, .mmios = 2};
    assert_int_equal(device_map(b->gic, b->mem, &err), 0);
    for (unsigned i = 0; i < CPUS; i++) {
        gicv3_connect(b->gic, i, mpidr[i], line_to(&b->irq[i]), line_to(&b->fiq[i]));
        wr32(b->mem, redist(i) + 0x14, 0);
        wr32(b->mem, redist(i) + SGI_BASE + 0x80, ~0u);
        for (unsigned n = 0; n < 32; n += 4)
            wr32(b->mem, redist(i) + SGI_BASE + 0x400 + n, 0xa0a0a0a0);
        set_icc(b, i, PMR, 0xff);
        set_icc(b, i, IGRPEN(0), 1);
        set_icc(b, i, IGRPEN(1), 1);
    }
    wr32(b->mem, GICD, 3);
    for (unsigned n = 32; n < 288; n += 32)
        wr32(b->mem, GICD + 0x80 + n / 8, ~0u);
    for (unsigned n = 32; n < 288; n += 4)
        wr32(b->mem, GICD + 0x400 + n, 0xa0a0a0a0);
    *state = b;
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
    uint64_t base = intid < 32 ? redist(cpu) + SGI_BASE : GICD;
    wr32(b->mem, base + 0x100 + intid / 32 * 4, 1u << (intid % 32));
}

static void set_priority(struct bench *b, unsigned cpu, unsigned intid, uint8_t priority)
{
    uint64_t base = intid < 32 ? redist(cpu) + SGI_BASE : GICD;
    wr(b->mem, base + 0x400 + intid, 1, priority);
}

static void set_edge(struct bench *b, unsigned intid)
{
    uint64_t reg = GICD + 0xc00 + intid / 16 * 4;
    wr32(b->mem, reg, rd32(b->mem, reg) | 2u << (intid % 16 * 2));
}

/* --- identification --------------------------------------------------------------------------*/

static void identification_is_what_drivers_expect(void **state)
{
    struct bench *b = *state;
    assert_int_equal(rd32(b->mem, GICD + 0xffe8) >> 4 & 15, 3);
    assert_int_equal(rd32(b->mem, GICR + 0xffe8) >> 4 & 15, 3);
    uint32_t typer = rd32(b->mem, GICD + 4);
    assert_int_equal(32 * ((typer & 31) + 1), 288);
    assert_int_equal(typer >> 17 & 1, 1);       /* LPIS */
    assert_int_equal(typer >> 19 & 31, 15);     /* IDbits */
    assert_int_equal(rd32(b->mem, GICD), 0x53); /* DS, ARE, both groups */
    assert_int_equal(rd(b->mem, redist(0) + 8, 8), 1);
    assert_int_equal(rd(b->mem, redist(2) + 8, 8), 0x100ull << 32 | 2 << 8 | 1);
    assert_int_equal(rd(b->mem, redist(3) + 8, 8), 17ull << 32 | 3 << 8 | 1 << 4 | 1);
    assert_int_equal(rd32(b->mem, redist(3) + 12), 17);
    assert_int_equal(icc(b, 0, CTLR) >> 8 & 7, 4);
    set_icc(b, 0, SRE, 0);
    assert_int_equal(icc(b, 0, SRE), 7);
}

static void absent_registers_do_not_exist(void **state)
{
    struct bench *b = *state;
    uint64_t value;
    assert_false(gicv3_icc_read(b->gic, 0, ICC(12, 8, 5), &value)); /* AP0R1 */
    assert_false(gicv3_icc_read(b->gic, 0, EOIR(1), &value));       /* write-only */
    assert_false(gicv3_icc_write(b->gic, 0, IAR(1), 0));            /* read-only */
    assert_false(gicv3_icc_write(b->gic, 0, RPR, 0));
}

/* --- the life of an interrupt ----------------------------------------------------------------*/

static void a_level_interrupt_is_taken_and_ended(void **state)
{
    struct bench *b = *state;
    enable(b, 0, 33);
    input(b, 0, 33, true);
    assert_true(b->irq[0].level);
    assert_false(b->fiq[0].level);
    assert_int_equal(icc(b, 0, HPPIR(1)), 33);
    assert_int_equal(icc(b, 0, IAR(1)), 33);
    assert_false(b->irq[0].level);
    assert_int_equal(icc(b, 0, RPR), 0xa0);
    assert_int_equal(rd32(b->mem, GICD + 0x304), 1 << 1);
    input(b, 0, 33, false);
    set_icc(b, 0, EOIR(1), 33);
    assert_int_equal(icc(b, 0, RPR), 0xff);
    assert_int_equal(rd32(b->mem, GICD + 0x304), 0);
    assert_false(b->irq[0].level);
    assert_int_equal(icc(b, 0, IAR(1)), 1023);
}

static void a_level_that_stays_up_interrupts_again(void **state)
{
    struct bench *b = *state;
    enable(b, 0, 33);
    input(b, 0, 33, true);
    assert_int_equal(icc(b, 0, IAR(1)), 33);
    set_icc(b, 0, EOIR(1), 33);
    assert_true(b->irq[0].level);
    input(b, 0, 33, false);
    assert_false(b->irq[0].level);
}

static void an_edge_is_remembered_once(void **state)
{
    struct bench *b = *state;
    set_edge(b, 40);
    enable(b, 0, 40);
    input(b, 0, 40, true);
    input(b, 0, 40, false);
    assert_int_equal(icc(b, 0, IAR(1)), 40);
    set_icc(b, 0, EOIR(1), 40);
    assert_false(b->irq[0].level);
    input(b, 0, 40, true);
    assert_int_equal(icc(b, 0, IAR(1)), 40);
    input(b, 0, 40, false);
    input(b, 0, 40, true); /* while active: pending again afterwards */
    assert_false(b->irq[0].level);
    set_icc(b, 0, EOIR(1), 40);
    assert_true(b->irq[0].level);
}

static void disabling_masks_and_keeps_pending(void **state)
{
    struct bench *b = *state;
    enable(b, 0, 33);
    input(b, 0, 33, true);
    wr32(b->mem, GICD + 0x184, 1 << 1);
    assert_false(b->irq[0].level);
    assert_int_equal(rd32(b->mem, GICD + 0x204), 1 << 1);
    enable(b, 0, 33);
    assert_true(b->irq[0].level);
}

static void software_sets_and_clears_pending_and_active(void **state)
{
    struct bench *b = *state;
    enable(b, 0, 64);
    wr32(b->mem, GICD + 0x208, 1);
    assert_true(b->irq[0].level);
    wr32(b->mem, GICD + 0x288, 1);
    assert_false(b->irq[0].level);
    wr32(b->mem, GICD + 0x208, 1);
    wr32(b->mem, GICD + 0x308, 1); /* active: not signalled */
    assert_false(b->irq[0].level);
    wr32(b->mem, GICD + 0x388, 1);
    assert_true(b->irq[0].level);
    assert_int_equal(icc(b, 0, IAR(1)), 64);
    set_icc(b, 0, EOIR(1), 64);
    assert_false(b->irq[0].level); /* a latch is used up, although the input is level-sensitive */
}

static void ppis_belong_to_one_cpu(void **state)
{
    struct bench *b = *state;
    enable(b, 1, 27);
    input(b, 0, 27, true);
    assert_false(b->irq[1].level);
    input(b, 1, 27, true);
    assert_true(b->irq[1].level);
    assert_false(b->irq[0].level);
    assert_int_equal(icc(b, 1, IAR(1)), 27);
}

static void a_sleeping_redistributor_is_silent(void **state)
{
    struct bench *b = *state;
    enable(b, 1, 27);
    wr32(b->mem, redist(1) + 0x14, 2);
    assert_int_equal(rd32(b->mem, redist(1) + 0x14), 6);
    input(b, 1, 27, true);
    assert_false(b->irq[1].level);
    wr32(b->mem, redist(1) + 0x14, 0);
    assert_true(b->irq[1].level);
}

/* --- groups ----------------------------------------------------------------------------------*/

static void group_0_is_fiq_and_has_its_own_registers(void **state)
{
    struct bench *b = *state;
    wr32(b->mem, GICD + 0x84, ~(1u << 1));
    enable(b, 0, 33);
    input(b, 0, 33, true);
    assert_true(b->fiq[0].level);
    assert_false(b->irq[0].level);
    assert_int_equal(icc(b, 0, IAR(1)), 1023);
    assert_int_equal(icc(b, 0, HPPIR(1)), 1023);
    assert_int_equal(icc(b, 0, IAR(0)), 33);
    set_icc(b, 0, EOIR(1), 33); /* not of that group: ignored */
    assert_int_equal(icc(b, 0, RPR), 0xa0);
    set_icc(b, 0, EOIR(0), 33);
    assert_int_equal(icc(b, 0, RPR), 0xff);
}

static void groups_are_enabled_in_both_places(void **state)
{
    struct bench *b = *state;
    enable(b, 0, 33);
    input(b, 0, 33, true);
    wr32(b->mem, GICD, 1);
    assert_false(b->irq[0].level);
    wr32(b->mem, GICD, 2);
    assert_true(b->irq[0].level);
    set_icc(b, 0, IGRPEN(1), 0);
    assert_false(b->irq[0].level);
    set_icc(b, 0, IGRPEN(1), 1);
    assert_true(b->irq[0].level);
}

/* --- priorities ------------------------------------------------------------------------------*/

static void the_highest_priority_wins_then_the_lowest_number(void **state)
{
    struct bench *b = *state;
    set_priority(b, 0, 70, 0x80);
    for (unsigned intid = 68; intid <= 72; intid++) {
        enable(b, 0, intid);
        input(b, 0, intid, true);
    }
    enable(b, 0, 20);
    input(b, 0, 20, true);
    assert_int_equal(icc(b, 0, IAR(1)), 70);
    set_icc(b, 0, EOIR(1), 70);
    input(b, 0, 70, false);
    assert_int_equal(icc(b, 0, HPPIR(1)), 20);
    input(b, 0, 20, false);
    assert_int_equal(icc(b, 0, HPPIR(1)), 68);
}

static void the_mask_is_strict_and_has_five_bits(void **state)
{
    struct bench *b = *state;
    enable(b, 0, 33);
    input(b, 0, 33, true);
    set_icc(b, 0, PMR, 0xa0);
    assert_false(b->irq[0].level);
    assert_int_equal(icc(b, 0, IAR(1)), 1023);
    set_icc(b, 0, PMR, 0xa7);
    assert_int_equal(icc(b, 0, PMR), 0xa0);
    set_icc(b, 0, PMR, 0xa8);
    assert_true(b->irq[0].level);
    set_priority(b, 0, 33, 0xff);
    assert_int_equal(rd(b->mem, GICD + 0x421, 1), 0xf8);
}

static void a_higher_priority_preempts_and_the_lower_comes_back(void **state)
{
    struct bench *b = *state;
    set_priority(b, 0, 34, 0x80);
    enable(b, 0, 33);
    enable(b, 0, 34);
    input(b, 0, 33, true);
    assert_int_equal(icc(b, 0, IAR(1)), 33);
    input(b, 0, 34, true);
    assert_true(b->irq[0].level);
    assert_int_equal(icc(b, 0, IAR(1)), 34);
    assert_int_equal(icc(b, 0, RPR), 0x80);
    assert_int_equal(icc(b, 0, AP1R0), 1u << (0x80 >> 3) | 1u << (0xa0 >> 3));
    input(b, 0, 34, false);
    set_icc(b, 0, EOIR(1), 34);
    assert_int_equal(icc(b, 0, RPR), 0xa0);
    assert_false(b->irq[0].level);
}

static bool preempts(struct bench *b, unsigned bpr0, unsigned bpr1, bool cbpr)
{
    set_icc(b, 0, CTLR, 0);
    set_icc(b, 0, BPR(0), bpr0);
    set_icc(b, 0, BPR(1), bpr1);
    set_icc(b, 0, CTLR, cbpr);
    input(b, 0, 33, true);
    assert_int_equal(icc(b, 0, IAR(1)), 33);
    input(b, 0, 33, false);
    input(b, 0, 34, true);
    bool up = b->irq[0].level;
    input(b, 0, 34, false);
    set_icc(b, 0, EOIR(1), 33);
    return up;
}

static void the_binary_point_decides_what_preempts(void **state)
{
    struct bench *b = *state;
    set_priority(b, 0, 34, 0x90); /* against 0xa0 */
    enable(b, 0, 33);
    enable(b, 0, 34);
    assert_true(preempts(b, 2, 3, false));
    assert_true(preempts(b, 2, 5, false));  /* group priority is [7:5]: 0x80 against 0xa0 */
    assert_false(preempts(b, 2, 6, false)); /* [7:6] */
    assert_true(preempts(b, 4, 6, true));   /* CBPR: [7:5], through BPR0 */
    assert_false(preempts(b, 5, 3, true));
}

static void binary_points_have_minimums(void **state)
{
    struct bench *b = *state;
    set_icc(b, 0, BPR(0), 0);
    set_icc(b, 0, BPR(1), 0);
    assert_int_equal(icc(b, 0, BPR(0)), 2);
    assert_int_equal(icc(b, 0, BPR(1)), 3);
    set_icc(b, 0, CTLR, 1);
    set_icc(b, 0, BPR(0), 5);
    set_icc(b, 0, BPR(1), 7); /* ignored under CBPR */
    assert_int_equal(icc(b, 0, BPR(1)), 6);
    set_icc(b, 0, CTLR, 0);
    assert_int_equal(icc(b, 0, BPR(1)), 3);
}

static void eoimode_splits_drop_and_deactivation(void **state)
{
    struct bench *b = *state;
    set_icc(b, 0, CTLR, 2);
    enable(b, 0, 33);
    input(b, 0, 33, true);
    assert_int_equal(icc(b, 0, IAR(1)), 33);
    set_icc(b, 0, EOIR(1), 33);
    assert_int_equal(icc(b, 0, RPR), 0xff);
    assert_int_equal(rd32(b->mem, GICD + 0x304), 1 << 1);
    assert_false(b->irq[0].level);
    set_icc(b, 0, DIR, 33);
    assert_int_equal(rd32(b->mem, GICD + 0x304), 0);
    assert_true(b->irq[0].level);
}

static void dir_without_eoimode_is_ignored(void **state)
{
    struct bench *b = *state;
    enable(b, 0, 33);
    input(b, 0, 33, true);
    assert_int_equal(icc(b, 0, IAR(1)), 33);
    set_icc(b, 0, DIR, 33);
    assert_int_equal(rd32(b->mem, GICD + 0x304), 1 << 1);
}

static void nonsense_interrupt_numbers_do_nothing(void **state)
{
    struct bench *b = *state;
    static const uint64_t numbers[] = {288, 1019, 1020, 1023, 8192, 0xffffff, ~0ull};
    set_icc(b, 0, CTLR, 2);
    for (size_t i = 0; i < sizeof(numbers) / sizeof(numbers[0]); i++) {
        set_icc(b, 0, EOIR(1), numbers[i]);
        set_icc(b, 0, DIR, numbers[i]);
    }
    assert_null(gicv3_line(b->gic, 0, 288).set);
    assert_null(gicv3_line(b->gic, CPUS, 27).set);
}

/* --- SGIs ------------------------------------------------------------------------------------*/

static void enable_sgis(struct bench *b)
{
    for (unsigned i = 0; i < CPUS; i++)
        wr32(b->mem, redist(i) + SGI_BASE + 0x100, 0xffff);
}

static void an_sgi_goes_to_the_list(void **state)
{
    struct bench *b = *state;
    enable_sgis(b);
    set_icc(b, 0, SGI1R, 5ull << 24 | 3); /* Aff0 0 and 1 of cluster 0 */
    assert_true(b->irq[0].level && b->irq[1].level);
    assert_false(b->irq[2].level || b->irq[3].level);
    assert_int_equal(icc(b, 1, IAR(1)), 5);
    set_icc(b, 1, EOIR(1), 5);
    assert_false(b->irq[1].level);
    set_icc(b, 0, SGI1R, 6ull << 24 | 1ull << 16 | 1); /* Aff1 = 1, Aff0 = 0 */
    assert_int_equal(icc(b, 2, IAR(1)), 6);
}

static void the_range_selector_reaches_high_affinities(void **state)
{
    struct bench *b = *state;
    enable_sgis(b);
    set_icc(b, 0, SGI1R, 1ull << 44 | 2); /* Aff0 16 to 31: 17 */
    assert_true(b->irq[3].level);
    assert_false(b->irq[1].level);
}

static void irm_means_all_others(void **state)
{
    struct bench *b = *state;
    enable_sgis(b);
    set_icc(b, 1, SGI1R, 1ull << 40 | 7ull << 24);
    assert_true(b->irq[0].level && b->irq[2].level && b->irq[3].level);
    assert_false(b->irq[1].level);
}

static void an_sgi_reaches_only_its_group(void **state)
{
    struct bench *b = *state;
    enable_sgis(b);
    set_icc(b, 0, SGI0R, 1);
    assert_false(b->irq[0].level || b->fiq[0].level);
    wr32(b->mem, redist(0) + SGI_BASE + 0x80, ~1u);
    set_icc(b, 0, SGI0R, 1);
    assert_true(b->fiq[0].level);
}

static void sgis_are_edges_for_good(void **state)
{
    struct bench *b = *state;
    wr32(b->mem, redist(0) + SGI_BASE + 0xc00, 0);
    assert_int_equal(rd32(b->mem, redist(0) + SGI_BASE + 0xc00), 0xaaaaaaaa);
}

/* --- routing ---------------------------------------------------------------------------------*/

static void irouter_names_the_cpu(void **state)
{
    struct bench *b = *state;
    enable(b, 0, 33);
    input(b, 0, 33, true);
    assert_true(b->irq[0].level);
    wr(b->mem, GICD + 0x6000 + 8 * 33, 8, 0x100);
    assert_false(b->irq[0].level);
    assert_true(b->irq[2].level);
    assert_int_equal(rd(b->mem, GICD + 0x6000 + 8 * 33, 8), 0x100);
    wr32(b->mem, GICD + 0x6000 + 8 * 33, 17);
    assert_true(b->irq[3].level);
    assert_int_equal(icc(b, 3, IAR(1)), 33);
}

static void a_route_to_nowhere_keeps_it_pending(void **state)
{
    struct bench *b = *state;
    enable(b, 0, 33);
    wr(b->mem, GICD + 0x6000 + 8 * 33, 8, 0xff000000ff);
    input(b, 0, 33, true);
    for (unsigned i = 0; i < CPUS; i++)
        assert_false(b->irq[i].level);
    wr(b->mem, GICD + 0x6000 + 8 * 33, 8, 1ull << 31 | 1); /* No1N: bit 31 is RES0 */
    assert_true(b->irq[1].level);
    assert_int_equal(rd(b->mem, GICD + 0x6000 + 8 * 33, 8), 1);
}

static void rerouting_an_active_interrupt_lets_the_first_cpu_end_it(void **state)
{
    struct bench *b = *state;
    enable(b, 0, 33);
    input(b, 0, 33, true);
    assert_int_equal(icc(b, 0, IAR(1)), 33);
    wr(b->mem, GICD + 0x6000 + 8 * 33, 8, 1);
    assert_false(b->irq[1].level);
    set_icc(b, 0, EOIR(1), 33);
    assert_true(b->irq[1].level);
    assert_false(b->irq[0].level);
}

/* --- the rest --------------------------------------------------------------------------------*/

static void reset_silences_everything(void **state)
{
    struct bench *b = *state;
    enable(b, 0, 33);
    input(b, 0, 33, true);
    assert_int_equal(icc(b, 0, IAR(1)), 33);
    enable(b, 1, 27);
    input(b, 1, 27, true);
    b->gic->ops->reset(b->gic);
    assert_false(b->irq[0].level || b->irq[1].level);
    assert_int_equal(rd32(b->mem, GICD), 0x50);
    assert_int_equal(rd32(b->mem, GICD + 0x304), 0);
    assert_int_equal(icc(b, 0, RPR), 0xff);
    assert_int_equal(rd32(b->mem, redist(0) + 0x14), 0); /* awake */
}

static void sgi_and_ppi_fields_of_the_distributor_are_res0(void **state)
{
    struct bench *b = *state;
    wr32(b->mem, GICD + 0x100, ~0u);
    wr32(b->mem, GICD + 0x400, ~0u);
    assert_int_equal(rd32(b->mem, GICD + 0x100), 0);
    assert_int_equal(rd32(b->mem, GICD + 0x400), 0);
    assert_int_equal(rd32(b->mem, redist(0) + SGI_BASE + 0x100), 0);
}

static void every_offset_and_size_is_survived(void **state)
{
    struct bench *b = *state;
    for (unsigned size = 1; size <= 8; size *= 2) {
        for (uint64_t at = 0; at < 0x10000; at += size) {
            rd(b->mem, GICD + at, size);
            if (at < 0x1100 || (at & 0xff8) == 0)
                wr(b->mem, GICD + at, size, ~0ull);
        }
        for (uint64_t at = 0; at < 0x11000; at += size) {
            rd(b->mem, redist(CPUS - 1) + at, size);
            if ((at & 0xffff) < 0x1000)
                wr(b->mem, redist(CPUS - 1) + at, size, ~0ull);
        }
    }
}

#define T(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        T(identification_is_what_drivers_expect),
        T(absent_registers_do_not_exist),
        T(a_level_interrupt_is_taken_and_ended),
        T(a_level_that_stays_up_interrupts_again),
        T(an_edge_is_remembered_once),
        T(disabling_masks_and_keeps_pending),
        T(software_sets_and_clears_pending_and_active),
        T(ppis_belong_to_one_cpu),
        T(a_sleeping_redistributor_is_silent),
        T(group_0_is_fiq_and_has_its_own_registers),
        T(groups_are_enabled_in_both_places),
        T(the_highest_priority_wins_then_the_lowest_number),
        T(the_mask_is_strict_and_has_five_bits),
        T(a_higher_priority_preempts_and_the_lower_comes_back),
        T(the_binary_point_decides_what_preempts),
        T(binary_points_have_minimums),
        T(eoimode_splits_drop_and_deactivation),
        T(dir_without_eoimode_is_ignored),
        T(nonsense_interrupt_numbers_do_nothing),
        T(an_sgi_goes_to_the_list),
        T(the_range_selector_reaches_high_affinities),
        T(irm_means_all_others),
        T(an_sgi_reaches_only_its_group),
        T(sgis_are_edges_for_good),
        T(irouter_names_the_cpu),
        T(a_route_to_nowhere_keeps_it_pending),
        T(rerouting_an_active_interrupt_lets_the_first_cpu_end_it),
        T(reset_silences_everything),
        T(sgi_and_ppi_fields_of_the_distributor_are_res0),
        T(every_offset_and_size_is_survived),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
