/* SPDX-License-Identifier: Apache-2.0 */
/* Interrupts from several threads at once: none is lost, no line is left wrong. Run it under the
 * thread sanitizer too. */
#include "devtest.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>

#include "arm/hooks.h"
#include "host/clock.h"
#include "host/loop.h"
#include "machine/intc/gic.h"
#include "machine/timer/generic.h"

enum { CPUS = 3, ROUNDS = 200, GICD = 0x08000000, GICR = 0x080a0000, GICR_CPU = 0x20000 };

#define ICC(crm, op2) ARM_SYSREG(3, 0, 12, crm, op2)
#define CNT(crm, op2) ARM_SYSREG(3, 3, 14, crm, op2)

struct bench {
    struct mem *mem;
    struct device *gic, *timer;
    struct loop *loop;
    atomic_bool irq[CPUS];
    atomic_uint spis, sgis, ticks;
    atomic_bool lost;
};

struct vcpu {
    struct bench *b;
    unsigned index;
};

static void set_irq(void *ctx, unsigned cpu, bool level)
{
    struct bench *b = ctx;
    atomic_store(&b->irq[cpu], level);
}

static void write_icc(struct bench *b, unsigned cpu, uint32_t reg, uint64_t value)
{
    gicv3_icc_write(b->gic, cpu, reg, value);
}

static void build(struct bench *b)
{
    b->mem = new_mem();
    assert_int_equal(loop_create(&b->loop, NULL), 0);
    b->gic = gicv3_create(CPUS);
    b->gic->resources =
        (struct device_resources){.mmio = {{GICD, 0x10000}, {GICR, CPUS * GICR_CPU}}, .mmios = 2};
    assert_int_equal(device_map(b->gic, b->mem, NULL), 0);
    struct generic_timer_config config = {.cpus = CPUS, .frequency = 62500000, .loop = b->loop};
    b->timer = generic_timer_create(&config);
    wr32(b->mem, GICD, 3);
    wr32(b->mem, GICD + 0x84, ~0u);
    wr32(b->mem, GICD + 0xc08, 2);
    wr32(b->mem, GICD + 0x104, 1);
    for (unsigned i = 0; i < CPUS; i++) {
        uint64_t redist = GICR + i * GICR_CPU;
        gicv3_connect(b->gic, i, i, (struct irq_line){set_irq, b, i}, (struct irq_line){0});
        generic_timer_connect(b->timer, i, GENERIC_TIMER_VIRT, gicv3_line(b->gic, i, 27));
        wr32(b->mem, redist + 0x14, 0);
        wr32(b->mem, redist + 0x10080, ~0u);
        wr32(b->mem, redist + 0x10100, 1u << 27 | 1);
        write_icc(b, i, ARM_SYSREG(3, 0, 4, 6, 0), 0xff);
        write_icc(b, i, ICC(12, 7), 1);
    }
}

/* Waits for the line and takes one interrupt; false after two seconds without any. */
static bool take(struct bench *b, unsigned cpu)
{
    uint64_t limit = host_now_ns() + 2000000000ull, intid = 1023;
    while (!atomic_load(&b->irq[cpu])) {
        if (host_now_ns() > limit) {
            atomic_store(&b->lost, true);
            return false;
        }
        sched_yield();
    }
    gicv3_icc_read(b->gic, cpu, ICC(12, 0), &intid);
    if (intid == 27) {
        generic_timer_write(b->timer, cpu, CNT(3, 1), 0);
        atomic_fetch_add(&b->ticks, 1);
    } else if (intid == 0) {
        atomic_fetch_add(&b->sgis, 1);
    } else if (intid == 32) {
        atomic_fetch_add(&b->spis, 1);
    }
    if (intid < 1020)
        write_icc(b, cpu, ICC(12, 1), intid);
    return true;
}

/* CPU 0 and 1: a timer interrupt each round, with SPIs and SGIs arriving in between. */
static void *run(void *arg)
{
    struct vcpu *vcpu = arg;
    struct bench *b = vcpu->b;
    for (unsigned i = 0; i < ROUNDS; i++) {
        generic_timer_write(b->timer, vcpu->index, CNT(3, 0), 62500 / 20); /* 50 us */
        generic_timer_write(b->timer, vcpu->index, CNT(3, 1), 1);
        while (generic_timer_read(b->timer, vcpu->index, CNT(3, 1)) & 1)
            if (!take(b, vcpu->index))
                return NULL;
    }
    return NULL;
}

static void *run_loop(void *arg)
{
    loop_run(((struct bench *)arg)->loop);
    return NULL;
}

static void no_interrupt_is_lost(void **state)
{
    struct bench b = {0};
    struct vcpu vcpu[2] = {{&b, 0}, {&b, 1}};
    pthread_t thread[2], loop;
    build(&b);
    struct irq_line spi = gicv3_line(b.gic, 0, 32);
    pthread_create(&loop, NULL, run_loop, &b);
    for (unsigned i = 0; i < 2; i++)
        pthread_create(&thread[i], NULL, run, &vcpu[i]);
    /* A device and CPU 2 meanwhile: edges while routes change, SGIs to both. */
    for (unsigned i = 0; i < ROUNDS; i++) {
        irq_set(&spi, true);
        wr(b.mem, GICD + 0x6000 + 8 * 32, 8, i & 1);
        irq_set(&spi, false);
        write_icc(&b, 2, ICC(11, 5), 3);
        sched_yield();
    }
    for (unsigned i = 0; i < 2; i++)
        pthread_join(thread[i], NULL);
    loop_quit(b.loop, 0);
    pthread_join(loop, NULL);
    assert_false(atomic_load(&b.lost));
    assert_int_equal(b.ticks, 2 * ROUNDS);
    for (unsigned i = 0; i < 2; i++) /* what came after the last round */
        while (atomic_load(&b.irq[i]))
            assert_true(take(&b, i));
    assert_true(b.spis >= 1 && b.sgis >= 2);
    assert_false(b.irq[2]);
    b.timer->ops->destroy(b.timer);
    b.gic->ops->destroy(b.gic);
    mem_destroy(b.mem);
    loop_destroy(b.loop);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(no_interrupt_is_lost),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
