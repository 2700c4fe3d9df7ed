/* SPDX-License-Identifier: Apache-2.0 */
/* Messages from a device's thread while another one moves their events from CPU to CPU: each is
 * taken once. Run it under the thread sanitizer too. */
#include "its_rig.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>

#include "host/clock.h"

enum { EVENTS = 4, MESSAGES = 8000 };

static atomic_bool line[CPUS];
static atomic_uint taken[EVENTS], sent[EVENTS];
static atomic_bool done, lost;

static void set_line(void *ctx, unsigned cpu, bool level)
{
    atomic_store(&line[cpu], level);
}

struct vcpu {
    struct bench *b;
    unsigned index;
};

/* Takes what comes until there is nothing more to come. */
static void *run_cpu(void *arg)
{
    struct vcpu *vcpu = arg;
    struct device *gic = vcpu->b->gic;
    while (!atomic_load(&done)) {
        uint64_t intid = 1023;
        if (atomic_load(&line[vcpu->index]))
            gicv3_icc_read(gic, vcpu->index, IAR1, &intid);
        if (intid == 1023) {
            sched_yield();
            continue;
        }
        atomic_fetch_add(&taken[intid - LPI0], 1);
        gicv3_icc_write(gic, vcpu->index, EOIR1, intid);
    }
    return NULL;
}

/* One message after the other, each once the one before was taken. */
static void *run_device(void *arg)
{
    struct bench *b = arg;
    uint64_t limit = host_now_ns() + 60000000000ull;
    for (unsigned i = 0; i < MESSAGES && !atomic_load(&lost); i++) {
        unsigned event = i % EVENTS;
        while (atomic_load(&taken[event]) != atomic_load(&sent[event])) {
            if (host_now_ns() > limit) {
                atomic_store(&lost, true);
                break;
            }
            sched_yield();
        }
        atomic_fetch_add(&sent[event], 1);
        b->sink.send(b->sink.ctx, 1, GITS_TRANSLATER, event);
    }
    for (unsigned event = 0; event < EVENTS && !atomic_load(&lost); event++)
        while (atomic_load(&taken[event]) != MESSAGES / EVENTS && host_now_ns() < limit)
            sched_yield();
    atomic_store(&done, true);
    return NULL;
}

static void no_message_is_lost_or_taken_twice(void **state)
{
    struct bench *b = *state;
    struct vcpu vcpu[2] = {{b, 0}, {b, 1}};
    pthread_t cpu[2], device;
    mapd(b, 1, ITT, 6);
    for (unsigned i = 0; i < 2; i++) {
        gicv3_connect(b->gic, i, i, (struct irq_line){set_line, NULL, i}, (struct irq_line){0});
        mapc(b, i, i);
    }
    for (unsigned event = 0; event < EVENTS; event++)
        mapti(b, 1, event, LPI0 + event, 0);
    for (unsigned i = 0; i < 2; i++)
        pthread_create(&cpu[i], NULL, run_cpu, &vcpu[i]);
    pthread_create(&device, NULL, run_device, b);
    for (unsigned i = 0; !atomic_load(&done); i++) {
        movi(b, 1, i / 2 % EVENTS, i & 1);
        if (i % 16 == 0)
            command(b, MOVALL, 0, (uint64_t)(i / 16 & 1) << 16, (uint64_t)(~i / 16 & 1) << 16);
        if (i % 7 == 0)
            on_event(b, INV, 1, i % EVENTS);
        sched_yield();
    }
    pthread_join(device, NULL);
    for (unsigned i = 0; i < 2; i++)
        pthread_join(cpu[i], NULL);
    assert_false(atomic_load(&lost));
    for (unsigned event = 0; event < EVENTS; event++)
        assert_int_equal(taken[event], MESSAGES / EVENTS);
    assert_false(line[0] || line[1]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(no_message_is_lost_or_taken_twice, make_bench, end_bench),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
