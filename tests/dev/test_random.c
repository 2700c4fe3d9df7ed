/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Random guests: long sequences of register accesses and input changes, the same ones on every run.
 * Nothing may crash (run it under the sanitizers too), and a GIC's output must always agree with
 * what acknowledging then gives.
 */
#include "devtest.h"

#include "arm/hooks.h"
#include "machine/char/pl011.h"
#include "machine/intc/gic.h"
#include "machine/misc/pl061.h"
#include "machine/rtc/pl031.h"
#include "machine/timer/generic.h"

enum { CPUS = 3, STEPS = 60000, GICD = 0x08000000, SECOND = 0x080a0000 };

struct bench {
    uint64_t seed;
    struct mem *mem;
    struct device *gic;
    struct line irq[CPUS], fiq[CPUS];
    unsigned current, taken;
};

/* xorshift64* */
static uint32_t random32(struct bench *b)
{
    b->seed ^= b->seed >> 12;
    b->seed ^= b->seed << 25;
    b->seed ^= b->seed >> 27;
    return (uint32_t)((b->seed * 0x2545f4914f6cdd1dull) >> 32);
}

/* Values that registers react to: sparse, dense, all ones. */
static uint64_t random_value(struct bench *b)
{
    uint32_t r = random32(b);
    switch (r & 3) {
    case 0:
        return 1ull << (random32(b) & 63);
    case 1:
        return random32(b);
    case 2:
        return random32(b) & 0x3ff;
    default:
        return (uint64_t)random32(b) << 32 | random32(b);
    }
}

static void random_access(struct bench *b, uint64_t base, uint64_t size)
{
    unsigned bytes = 1u << (random32(b) % 8 < 5 ? 2 : random32(b) & 3);
    uint64_t at = base + (random32(b) % size & ~(uint64_t)(bytes - 1));
    if (random32(b) & 1)
        wr(b->mem, at, bytes, random_value(b));
    else
        rd(b->mem, at, bytes);
}

static unsigned current_cpu(void *ctx)
{
    return ((struct bench *)ctx)->current;
}

static void move_input(struct bench *b,
                       struct irq_line (*line)(struct device *, unsigned, unsigned))
{
    struct irq_line input = line(b->gic, random32(b) % CPUS, 16 + random32(b) % 64);
    irq_set(&input, random32(b) & 1);
}

/* --- GICv3 -----------------------------------------------------------------------------------*/

static uint32_t random_icc(struct bench *b)
{
    static const uint8_t crm[] = {8, 9, 11, 12};
    if (random32(b) % 8 == 0)
        return ARM_SYSREG(3, 0, 4, 6, 0);
    return ARM_SYSREG(3, 0, 12, crm[random32(b) & 3], random32(b) & 7);
}

static void check_gicv3(struct bench *b)
{
    for (unsigned cpu = 0; cpu < CPUS; cpu++) {
        for (unsigned group = 0; group < 2; group++) {
            bool up = group ? b->irq[cpu].level : b->fiq[cpu].level;
            uint64_t intid = 0;
            gicv3_icc_read(b->gic, cpu, ARM_SYSREG(3, 0, 12, group ? 12 : 8, 0), &intid);
            assert_int_equal(up, intid < 1020);
            b->taken += up;
            if (intid < 1020 && random32(b) % 4)
                gicv3_icc_write(b->gic, cpu, ARM_SYSREG(3, 0, 12, group ? 12 : 8, 1), intid);
        }
        assert_false(b->irq[cpu].level && b->fiq[cpu].level);
    }
}

/* Random registers alone would leave everything masked, active or routed to nowhere. */
static void favour_gicv3(struct bench *b)
{
    unsigned cpu = random32(b) % CPUS;
    uint64_t sgi = SECOND + cpu * 0x20000 + 0x10000;
    wr32(b->mem, GICD, 3);
    wr32(b->mem, GICD + 0x104, random32(b));
    wr32(b->mem, GICD + 0x108, random32(b));
    wr32(b->mem, GICD + 0x384, random32(b));
    wr32(b->mem, GICD + 0x388, random32(b));
    wr(b->mem, GICD + 0x6000 + 8 * (32 + random32(b) % 64), 8, random32(b) % CPUS);
    wr32(b->mem, SECOND + cpu * 0x20000 + 0x14, 0);
    wr32(b->mem, sgi + 0x100, random32(b));
    wr32(b->mem, sgi + 0x380, random32(b));
    gicv3_icc_write(b->gic, cpu, ARM_SYSREG(3, 0, 4, 6, 0), 0x80 | random32(b));
    gicv3_icc_write(b->gic, cpu, ARM_SYSREG(3, 0, 12, 12, 6 + (random32(b) & 1)), 1);
    gicv3_icc_write(b->gic, cpu, ARM_SYSREG(3, 0, 12, 8, 4), random32(b) & random32(b) << 24);
    gicv3_icc_write(b->gic, cpu, ARM_SYSREG(3, 0, 12, 9, 0), random32(b) & random32(b) << 24);
}

static void gicv3_outputs_agree_with_acknowledging(void **state)
{
    struct bench b = {.seed = 3};
    b.mem = new_mem();
    b.gic = gicv3_create(CPUS);
    b.gic->resources =
        (struct device_resources){.mmio = {{GICD, 0x10000}, {SECOND, CPUS * 0x20000}}, .mmios = 2};
    assert_int_equal(device_map(b.gic, b.mem, NULL), 0);
    for (unsigned i = 0; i < CPUS; i++)
        gicv3_connect(b.gic, i, i, line_to(&b.irq[i]), line_to(&b.fiq[i]));
    for (unsigned i = 0; i < STEPS; i++) {
        uint64_t value;
        switch (random32(&b) % 8) {
        case 0:
            random_access(&b, GICD, 0x1000);
            break;
        case 1:
            random_access(&b, GICD + 0x6000, 0x400);
            break;
        case 2:
            random_access(&b, SECOND + random32(&b) % CPUS * 0x20000 + 0x10000, 0x1000);
            break;
        case 3:
            random_access(&b, SECOND, CPUS * 0x20000);
            break;
        case 4:
            gicv3_icc_read(b.gic, random32(&b) % CPUS, random_icc(&b), &value);
            break;
        case 5:
            gicv3_icc_write(b.gic, random32(&b) % CPUS, random_icc(&b), random_value(&b));
            break;
        default:
            move_input(&b, gicv3_line);
            break;
        }
        if (i % 16 == 0)
            favour_gicv3(&b);
        if (i % 3 == 0)
            check_gicv3(&b);
    }
    assert_in_range(b.taken, 1000, STEPS);
    b.gic->ops->reset(b.gic);
    check_gicv3(&b);
    b.gic->ops->destroy(b.gic);
    mem_destroy(b.mem);
}

/* --- GICv2 -----------------------------------------------------------------------------------*/

static void check_gicv2(struct bench *b)
{
    for (unsigned cpu = 0; cpu < CPUS; cpu++) {
        b->current = cpu;
        bool up = b->irq[cpu].level || b->fiq[cpu].level;
        uint32_t intid = rd32(b->mem, SECOND + 0xc), end = SECOND + 0x10;
        if ((intid & 0x3ff) == 1022) {
            intid = rd32(b->mem, SECOND + 0x20);
            end = SECOND + 0x24;
        }
        assert_int_equal(up, (intid & 0x3ff) < 1020);
        b->taken += up;
        assert_false(b->irq[cpu].level && b->fiq[cpu].level);
        if ((intid & 0x3ff) < 1020 && random32(b) % 4)
            wr32(b->mem, end, intid);
    }
}

static void favour_gicv2(struct bench *b)
{
    b->current = random32(b) % CPUS;
    wr32(b->mem, GICD, 3);
    wr32(b->mem, GICD + 0x100 + 4 * (random32(b) % 3), random32(b));
    wr32(b->mem, GICD + 0x380 + 4 * (random32(b) % 3), random32(b));
    wr(b->mem, GICD + 0x820 + random32(b) % 64, 1, random32(b));
    wr32(b->mem, SECOND, 3 | (random32(b) & 0x21c));
    wr32(b->mem, SECOND + 4, 0x80 | random32(b));
    wr32(b->mem, SECOND + 0xd0, random32(b) & random32(b) << 24);
    wr32(b->mem, SECOND + 0xe0, random32(b) & random32(b) << 24);
}

static void gicv2_outputs_agree_with_acknowledging(void **state)
{
    struct bench b = {.seed = 2};
    b.mem = new_mem();
    b.gic = gicv2_create(CPUS, current_cpu, &b);
    b.gic->resources =
        (struct device_resources){.mmio = {{GICD, 0x10000}, {SECOND, 0x10000}}, .mmios = 2};
    assert_int_equal(device_map(b.gic, b.mem, NULL), 0);
    for (unsigned i = 0; i < CPUS; i++)
        gicv2_connect(b.gic, i, line_to(&b.irq[i]), line_to(&b.fiq[i]));
    for (unsigned i = 0; i < STEPS; i++) {
        b.current = random32(&b) % CPUS;
        switch (random32(&b) % 4) {
        case 0:
            random_access(&b, GICD, 0x1000);
            break;
        case 1:
            random_access(&b, SECOND, random32(&b) & 1 ? 0x100 : 0x1010);
            break;
        default:
            move_input(&b, gicv2_line);
            break;
        }
        if (i % 16 == 0)
            favour_gicv2(&b);
        if (i % 3 == 0)
            check_gicv2(&b);
    }
    assert_in_range(b.taken, 1000, STEPS);
    b.gic->ops->reset(b.gic);
    check_gicv2(&b);
    b.gic->ops->destroy(b.gic);
    mem_destroy(b.mem);
}

/* --- the others ------------------------------------------------------------------------------*/

static void small_devices_survive(void **state)
{
    struct device *devices[] = {pl011_create(NULL), pl031_create(NULL, NULL, NULL),
                                pl061_create(NULL)};
    for (unsigned d = 0; d < 3; d++) {
        struct bench b = {.seed = 10 + d};
        struct line line;
        b.mem = new_mem();
        map_one(devices[d], b.mem, GICD, 0x1000, &line);
        for (unsigned i = 0; i < STEPS; i++) {
            random_access(&b, GICD, i & 1 ? 0x80 : 0x1000);
            if (d == 2 && i % 64 == 0)
                pl061_press_power(devices[d]);
        }
        devices[d]->ops->destroy(devices[d]);
        mem_destroy(b.mem);
    }
}

static uint64_t jumping_clock(void *ctx)
{
    struct bench *b = ctx;
    return random_value(b);
}

static void timers_survive_any_value_at_any_time(void **state)
{
    struct bench b = {.seed = 20};
    struct generic_timer_config config = {
        .cpus = 1, .frequency = 24000000, .now = jumping_clock, .now_ctx = &b};
    struct device *timer = generic_timer_create(&config);
    for (unsigned i = 0; i < STEPS; i++) {
        uint32_t reg = ARM_SYSREG(3, 3, 14, random32(&b) & 3, random32(&b) & 7);
        if (random32(&b) & 1)
            generic_timer_write(timer, 0, reg, random_value(&b));
        else
            generic_timer_read(timer, 0, reg);
        generic_timer_deadline(timer, 0);
        if (i % 100 == 0)
            generic_timer_stop(timer, random32(&b) & 1);
    }
    timer->ops->destroy(timer);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(gicv3_outputs_agree_with_acknowledging),
        cmocka_unit_test(gicv2_outputs_agree_with_acknowledging),
        cmocka_unit_test(small_devices_survive),
        cmocka_unit_test(timers_survive_any_value_at_any_time),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
